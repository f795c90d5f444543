//! The two stages of a shutdown.
//!
//! The first signal is soft: no new requests, ticks or runs, and what has begun may end. The second, or the end of the
//! patience, is hard: scripts are stopped.

use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// How long a soft shutdown waits before it becomes hard: longer than any script may run.
pub const PATIENCE: Duration = Duration::from_secs(35);

/// How long a soft shutdown waits for requests that have begun.
pub const REQUEST_PATIENCE: Duration = Duration::from_secs(5);

/// The two stages of one server's shutdown. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    /// Begin nothing new.
    pub soft: CancellationToken,
    /// End what has begun.
    pub hard: CancellationToken,
}

impl Shutdown {
    /// Neither stage has begun.
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins the stages when the process gets SIGINT or SIGTERM. Returns when the hard stage has begun.
    pub async fn on_signals(self) -> std::io::Result<()> {
        let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        let mut signalled = async || {
            tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
        };
        signalled().await;
        tracing::info!("shutting down; running scripts may end, a second signal stops them");
        self.soft.cancel();
        tokio::select! {
            () = signalled() => tracing::warn!("stopping running scripts"),
            () = tokio::time::sleep(PATIENCE) => {}
        }
        self.hard.cancel();
        Ok(())
    }
}
