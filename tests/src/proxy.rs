//! A way to PostgreSQL that a test can break.

use std::path::PathBuf;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::postgres::Cluster;

/// How the way is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Open.
    Open,
    /// Whoever comes is sent away. Connections that are open already stay so.
    Refusing,
    /// Whoever comes is let in, and nothing gets through, in either direction: a network that drops all packets.
    Silent,
    /// Everything gets through this much later.
    Slow(Duration),
}

#[derive(Debug, Clone, Copy)]
struct State {
    way: Way,
    /// Connections that began in an earlier age than this are closed,
    cut: u64,
    /// and on those that began in an earlier one than this nothing gets through, for ever.
    lost: u64,
    /// How many connections have begun.
    age: u64,
}

/// Stands between a server and its database. Like the database, it listens on a socket in a folder that only this user can enter:
/// the database trusts whoever gets there.
#[derive(Debug)]
pub struct Proxy {
    folder: TempDir,
    state: watch::Sender<State>,
    /// Its own, so that it goes on while a test's is busy or at its end.
    runtime: Option<Runtime>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // Which is the way to end a runtime from within another one.
        let _ = self.runtime.take().map(Runtime::shutdown_background);
    }
}

impl Proxy {
    /// An open way to a cluster.
    pub fn start(cluster: &Cluster) -> Self {
        let folder = TempDir::new().unwrap();
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let entered = runtime.enter();
        let listener = UnixListener::bind(folder.path().join(".s.PGSQL.5432")).unwrap();
        let options: PgConnectOptions = cluster.url().parse().unwrap();
        let database = options.get_socket().unwrap().join(".s.PGSQL.5432");
        let state = watch::Sender::new(State { way: Way::Open, cut: 0, lost: 0, age: 0 });
        let shared = state.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                shared.send_modify(|state| state.age += 1);
                tokio::spawn(carry(client, database.clone(), shared.subscribe()));
            }
        });
        drop(entered);
        Self { folder, state, runtime: Some(runtime) }
    }

    /// The address of a database on the cluster, along this way.
    pub fn url(&self, cluster: &Cluster, url: &str) -> String {
        let encoded = |path: &std::path::Path| path.display().to_string().replace('/', "%2F");
        url.replace(&encoded(cluster.folder()), &encoded(self.folder.path()))
    }

    /// Changes the way, also for connections that are open.
    pub fn set(&self, way: Way) {
        self.state.send_modify(|state| state.way = way);
    }

    /// Closes all connections.
    pub fn cut(&self) {
        self.state.send_modify(|state| state.cut = state.age + 1);
    }

    /// From now on nothing gets through on connections that are open. They stay open for ever, and nobody is told: as when a
    /// firewall has forgotten them.
    pub fn forget(&self) {
        self.state.send_modify(|state| state.lost = state.age + 1);
    }

    /// How many connections have begun.
    pub fn connections(&self) -> u64 {
        self.state.borrow().age
    }
}

async fn carry(client: UnixStream, database: PathBuf, mut state: watch::Receiver<State>) {
    let (way, age) = {
        let state = state.borrow();
        (state.way, state.age)
    };
    if way == Way::Refusing {
        return;
    }
    let Ok(database) = UnixStream::connect(database).await else { return };
    let (from_client, to_client) = client.into_split();
    let (from_database, to_database) = database.into_split();
    let (there, back) = (state.clone(), state.clone());
    tokio::select! {
        _ = state.wait_for(|state| age < state.cut) => {}
        () = pump(from_client, to_database, there, age) => {}
        () = pump(from_database, to_client, back, age) => {}
    }
}

/// Carries bytes until one side closes.
async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut state: watch::Receiver<State>,
    age: u64,
) {
    let mut bytes = vec![0; 64 * 1024];
    loop {
        let read = from.read(&mut bytes).await;
        // Also the end of a connection is a message that may not get through.
        let Ok(now) = state.wait_for(|state| state.way != Way::Silent && age >= state.lost).await.map(|state| *state)
        else {
            return;
        };
        if let Way::Slow(delay) = now.way {
            sleep(delay).await;
        }
        match read {
            Ok(length @ 1..) if to.write_all(&bytes[..length]).await.is_ok() => {}
            _ => return,
        }
    }
}
