//! Lets clients in: bounds how many connections there are and how long a client may dawdle, and serves what they ask.

mod connection;
mod patient;
mod peer;
mod slots;

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use rustix::process::{Resource, getrlimit};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub(crate) use connection::OverTls;
pub(crate) use peer::Peer;
pub(crate) use slots::network;

use crate::app::metrics::counts::Gauge;
use crate::config::Limits;
use crate::lifecycle::REQUEST_PATIENCE;
use crate::listen::{Accepted, Listener};
use connection::Shared;
use slots::{Slot, Slots};

/// How long nothing is accepted after the system could not: it has no file descriptors left, for example.
const PAUSE: Duration = Duration::from_millis(250);

/// How many of the files that this process may open are left to everything but connections: databases, scripts, logs.
const OTHERS: u64 = 128;

/// How often the log tells the same thing about clients.
const TOLD_EVERY: Duration = Duration::from_secs(10);

/// One listener and what is served there.
pub(crate) struct Gate {
    listener: Listener,
    routes: Router,
    limits: Limits,
    slots: Arc<Slots>,
    connections: Gauge,
    refused: Told,
    crowded: Told,
    failed: Told,
}

impl Gate {
    pub(crate) fn new(listener: Listener, routes: Router, limits: &Limits, connections: Gauge) -> Self {
        let slots = Arc::new(Slots::new(room(limits.connections), limits.connections_per_address));
        let (refused, crowded, failed) = (Told::default(), Told::default(), Told::default());
        Self { listener, routes, limits: limits.clone(), slots, connections, refused, crowded, failed }
    }

    /// Accepts connections until `soft`, and then waits for the requests that have begun, as long as there is patience.
    pub(crate) async fn run(self, soft: &CancellationToken) {
        let connections = TaskTracker::new();
        let tls = self.listener.tls().cloned();
        if let Some(tls) = tls.clone() {
            let soft = soft.clone();
            connections.spawn(async move { soft.run_until_cancelled(tls.follow_files()).await });
        }
        let shared = Arc::new(Shared {
            routes: self.routes.clone(),
            limits: self.limits.clone(),
            tls,
            slots: Arc::clone(&self.slots),
            soft: soft.clone(),
            broken_off: CancellationToken::new(),
        });
        while let Some((accepted, slot)) = soft.run_until_cancelled(self.next()).await {
            let (one, work) =
                (self.connections.one(), Arc::clone(&shared).attend(accepted.stream, accepted.address, slot));
            connections.spawn(async move {
                work.await;
                drop(one);
            });
        }
        drop(self);
        connections.close();
        // A client that keeps its request open must not keep the server alive.
        if tokio::time::timeout(REQUEST_PATIENCE, connections.wait()).await.is_err() {
            shared.broken_off.cancel();
            connections.wait().await;
        }
    }

    /// The next connection. While there is no room for it, the others wait in the system's queue.
    async fn next(&self) -> (Accepted, Slot) {
        loop {
            match self.listener.accept().await {
                Ok(accepted) => {
                    // Whoever connects for many is not one of them.
                    let counted = accepted.address.filter(|address| !self.limits.trusts(Some(*address)));
                    let Some(share) = self.slots.share(counted) else {
                        if self.refused.is_due() {
                            let (address, most) = (counted, self.limits.connections_per_address);
                            tracing::warn!(?address, most, "refused a connection: its address has as many as it may");
                        }
                        continue;
                    };
                    if self.slots.are_taken() && self.crowded.is_due() {
                        let most = self.limits.connections;
                        tracing::warn!(
                            most,
                            "there are as many connections as may be; those on which nothing is asked end"
                        );
                    }
                    return (accepted, share.room().await);
                }
                Err(error) if is_of_one_client(&error) => {}
                Err(error) => {
                    if self.failed.is_due() {
                        tracing::error!(%error, "could not accept a connection; trying again");
                    }
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }
}

/// How many connections there is room for. Where the system lets this process open few files, connections must not take them all: databases
/// and scripts need some, too.
fn room(wanted: u32) -> u32 {
    let Some(files) = getrlimit(Resource::Nofile).current else { return wanted };
    let room = u32::try_from(files - OTHERS.min(files / 2)).unwrap_or(u32::MAX).max(1);
    if room < wanted {
        let advice = "raise the limit of open files for more (`ulimit -n`, or `LimitNOFILE=` of systemd)";
        tracing::info!(files, connections = room, wanted, advice, "fewer connections than allowed are accepted");
    }
    room.min(wanted)
}

/// The client was gone before it was accepted.
fn is_of_one_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// Keeps clients from filling the log.
#[derive(Default)]
struct Told(Mutex<Option<Instant>>);

impl Told {
    fn is_due(&self) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let due = last.is_none_or(|last| last.elapsed() >= TOLD_EVERY);
        if due {
            *last = Some(Instant::now());
        }
        due
    }
}
