//! Replicas, and those who start them again when they end.

use std::fs::{self, OpenOptions};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use jiff::SignedDuration;
use justiam_sdk::Client;
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, oneshot};

use crate::programs::program;
use crate::server::client;
use crate::until;

/// How long a replica that ended by itself stays down: long enough that one without a database does not keep a core busy.
const PAUSE: Duration = Duration::from_millis(250);

/// Errors that a replica must log when it is frozen, or its database is away.
const EXPECTED: [&str; 2] = ["the database is unavailable", "its lease could not be renewed in time"];

/// How to start a replica.
pub(super) struct Replica {
    home: PathBuf,
    database_url: String,
    shift: SignedDuration,
    follow_database_clock: bool,
}

impl Replica {
    pub(super) fn new(home: PathBuf, database_url: String, shift: SignedDuration, follow_database_clock: bool) -> Self {
        fs::create_dir(&home).unwrap();
        Self { home, database_url, shift, follow_database_clock }
    }

    fn spawn(&self) -> Child {
        let log = OpenOptions::new().create(true).append(true).open(self.home.join("log")).unwrap();
        Command::new(program("replica"))
            .arg(&self.home)
            .arg(self.shift.as_millis().to_string())
            .arg(self.follow_database_clock.to_string())
            .arg(program("justiam-server"))
            .env("DATABASE_URL", &self.database_url)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .unwrap()
    }
}

enum Order {
    Kill(oneshot::Sender<()>),
    Signal(Signal),
}

/// Looks after a replica as a supervisor does: whenever it ends, it is started again.
pub(super) struct Ward {
    home: PathBuf,
    orders: mpsc::Sender<Order>,
    unasked_ends: Arc<AtomicUsize>,
}

impl Ward {
    /// Starts a replica, and waits until it serves.
    pub(super) async fn start(replica: Replica) -> Self {
        let (orders, mut taken) = mpsc::channel(1);
        let unasked_ends = Arc::new(AtomicUsize::new(0));
        let ward = Self { home: replica.home.clone(), orders, unasked_ends: Arc::clone(&unasked_ends) };
        tokio::spawn(async move {
            let mut child = replica.spawn();
            loop {
                tokio::select! {
                    order = taken.recv() => match order {
                        Some(Order::Kill(done)) => {
                            child.kill().await.unwrap();
                            child = replica.spawn();
                            let _ = done.send(());
                        }
                        Some(Order::Signal(signal)) => {
                            let id = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
                            // One that has just ended cannot be frozen.
                            let _ = id.map(|id| kill_process(id, signal));
                        }
                        None => break,
                    },
                    _ = child.wait() => {
                        unasked_ends.fetch_add(1, Ordering::Relaxed);
                        tokio::time::sleep(PAUSE).await;
                        child = replica.spawn();
                    }
                }
            }
        });
        let address = ward.home.join("address");
        until("a replica to serve", async || address.exists()).await;
        ward
    }

    /// An admin's client. Of the first replica only.
    pub(super) fn client(&self) -> Client {
        let read = |name: &str| fs::read_to_string(self.home.join(name)).unwrap();
        client(&read("address"), &read("token"))
    }

    /// Kills the replica; another one is starting when this returns.
    pub(super) async fn kill(&self) {
        let (done, killed) = oneshot::channel();
        let _ = self.orders.send(Order::Kill(done)).await;
        let _ = killed.await;
    }

    /// Freezes the replica for a time.
    pub(super) async fn freeze(&self, time: Duration) {
        let _ = self.orders.send(Order::Signal(Signal::STOP)).await;
        tokio::time::sleep(time).await;
        let _ = self.orders.send(Order::Signal(Signal::CONT)).await;
    }

    /// How often the replica ended although nobody killed it: without a database it cannot start.
    pub(super) fn unasked_ends(&self) -> usize {
        self.unasked_ends.load(Ordering::Relaxed)
    }

    /// Lines of the log that tell of a defect: of panics, and of errors that nothing explains.
    pub(super) fn complaints(&self) -> Vec<String> {
        let log = fs::read_to_string(self.home.join("log")).unwrap_or_default();
        let is_defect = |line: &&str| {
            line.contains("panicked") || line.contains(" ERROR ") && !EXPECTED.iter().any(|words| line.contains(words))
        };
        log.lines().filter(is_defect).map(str::to_owned).collect()
    }
}
