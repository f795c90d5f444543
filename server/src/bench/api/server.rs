//! The server that is measured: this program, in a process of its own.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use justiam_sdk::api::secrets::Secret;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

use crate::app::tokens::PREFIX;
use crate::bench::footprint::Footprint;
use crate::bench::ground::{Error, Ground, Result};

/// How long a server may take to start and to end.
const PATIENCE: Duration = Duration::from_mins(1);

/// How many connections it accepts beside those of the users.
const SPARE: u32 = 50;

/// Where a server keeps what is its own, from one start to the next.
pub(in crate::bench) struct Home {
    folder: TempDir,
    /// Of a database on PostgreSQL.
    has_url: bool,
    workers: u32,
    /// How many connections it must accept.
    connections: u32,
    token: Option<Secret>,
}

/// A server at work.
pub(in crate::bench) struct ServerProcess {
    child: Child,
    /// Where it listens.
    pub(in crate::bench) address: SocketAddr,
    /// Of its first admin.
    pub(in crate::bench) token: Secret,
}

impl Home {
    pub(in crate::bench) fn new(ground: &Ground, workers: u32, connections: u32) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("justiam-bench-").tempdir_in(ground.folder());
        let folder = folder.map_err(|source| Error::Io { path: ground.folder(), source })?;
        if let Some(url) = ground.url() {
            write_private(&folder.path().join("url"), url.expose())?;
            write_private(&folder.path().join("secret"), "a bench has no secrets of its own")?;
        }
        Ok(Self { has_url: ground.url().is_some(), folder, workers, connections, token: None })
    }

    /// Starts a server, and waits until it listens.
    pub(in crate::bench) async fn start(&mut self) -> Result<ServerProcess> {
        let path = |name: &str| self.folder.path().join(name);
        let mut command = Command::new("/proc/self/exe");
        command.args(["serve", "--listen", "127.0.0.1:0", "--log", "warn"]);
        command.arg("--data-dir").arg(path("data")).arg("--address-file").arg(path("address"));
        command.arg("--workers").arg(self.workers.to_string());
        if self.has_url {
            command.arg("--database-url-file").arg(path("url")).arg("--jwt-secret-file").arg(path("secret"));
        }
        // Nobody's settings but these: one client may ask for all.
        command.env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        let connections = self.connections + SPARE;
        command.env("JUSTIAM_MAX_CONNECTIONS", connections.to_string());
        command.env("JUSTIAM_MAX_CONNECTIONS_PER_ADDRESS", connections.to_string());
        // One account may have half of them.
        command.env("JUSTIAM_MAX_REQUESTS", (2 * connections).to_string());
        command.env("JUSTIAM_REQUESTS_PER_SECOND", "1000000").env("JUSTIAM_REQUEST_BURST", "1000000");
        let _ = std::fs::remove_file(path("address"));
        let failed = |what: &str| Error::Setup(format!("the server to be measured {what}"));
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| failed(&format!("could not be started: {error}")))?;
        let told = child.stdout.take().ok_or_else(|| failed("has no output"))?;
        let listening = async {
            let mut lines = BufReader::new(told).lines();
            while self.token.is_none() {
                match lines.next_line().await {
                    Ok(Some(line)) if line.starts_with(PREFIX) => self.token = Some(line.into()),
                    Ok(Some(_)) => {}
                    Ok(None) | Err(_) => return Err(failed("ended before it told its first token")),
                }
            }
            loop {
                if let Ok(address) = std::fs::read_to_string(self.folder.path().join("address")) {
                    return address.trim().trim_start_matches("http://").parse().map_err(|_| failed("told no address"));
                }
                sleep(Duration::from_millis(20)).await;
            }
        };
        let address = timeout(PATIENCE, listening).await.unwrap_or_else(|_| Err(failed("did not start in time")))?;
        let token = self.token.clone().ok_or_else(|| failed("told no token"))?;
        Ok(ServerProcess { child, address, token })
    }
}

impl ServerProcess {
    /// What it uses.
    pub(in crate::bench) fn footprint(&self) -> Footprint {
        Footprint::of(self.child.id().unwrap_or_default())
    }

    /// Ends it gently.
    pub(in crate::bench) async fn stop(mut self) -> Result<()> {
        let pid = self.child.id().and_then(|pid| Pid::from_raw(pid.try_into().ok()?));
        if let Some(pid) = pid {
            // One that has ended already tells so below.
            let _ = kill_process(pid, Signal::TERM);
        }
        match timeout(PATIENCE, self.child.wait()).await {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(Error::Setup(format!("the server that was measured ended with {status}"))),
            Ok(Err(error)) => Err(Error::Setup(format!("the server that was measured cannot be waited for: {error}"))),
            Err(_) => Err(Error::Setup("the server that was measured did not end in time".into())),
        }
    }
}

fn write_private(path: &Path, text: &str) -> Result<()> {
    let written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    written
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|source| Error::Io { path: path.to_owned(), source })
}
