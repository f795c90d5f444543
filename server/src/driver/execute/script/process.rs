//! The process of a run as the server's runtime sees it: wait for its end, signal it, let go of it.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::mpsc::Sender;

use rustix::process::Signal;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::oneshot;

use super::cleaner::Remains;
use super::order::Policy;
use super::usage::Usage;

/// A script's process and the server's ends of what connects it.
pub(super) struct Started {
    pub(super) process: Process,
    /// What it is allowed.
    pub(super) policy: Policy,
    /// What it uses of the machine.
    pub(super) usage: Usage,
    /// Readable once the process has ended.
    pub(super) ended: OwnedFd,
    /// The host channel.
    pub(super) channel: UnixStream,
    /// Standard output and standard error, in the order in which they were written.
    pub(super) printed: OwnedFd,
    /// The run's folder.
    pub(super) folder: PathBuf,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    Code(i32),
    Signal(i32),
    /// It was killed and has not ended yet, or the system did not say.
    Unknown,
}

/// A running process. Dropping it, at any moment, kills it with its group and has its folder removed; only [`Process::bury`] may keep
/// that for another run.
pub(super) struct Process {
    /// Taken when they go to the cleaner.
    remains: Option<Remains>,
    graveyard: Sender<Remains>,
}

impl Process {
    pub(super) fn new(remains: Remains, graveyard: Sender<Remains>) -> Self {
        Self { remains: Some(remains), graveyard }
    }

    /// Sends a signal to the process and its group.
    pub(super) fn signal(&self, signal: Signal) {
        if let Some(remains) = &self.remains {
            remains.signal(signal);
        }
    }

    /// How the process ended, without reaping it: its number must stay taken until its group is killed.
    pub(super) fn exit(&self) -> Exit {
        match self.remains.as_ref().map(Remains::look) {
            Some(Ok(Some(status))) => match (status.exit_status(), status.terminating_signal()) {
                (Some(code), _) => Exit::Code(code),
                (None, Some(signal)) => Exit::Signal(signal),
                (None, None) => Exit::Unknown,
            },
            _ => Exit::Unknown,
        }
    }

    /// Kills and reaps, and has the folder removed, or kept for another run where it is `spotless`; resolves when the process is
    /// gone.
    pub(super) async fn bury(mut self, spotless: bool) {
        let (gone, wait) = oneshot::channel();
        if let Some(remains) = &mut self.remains {
            remains.folder.spotless = spotless;
        }
        self.hand_over(Some(gone));
        // An answer never comes, the cleaner only drops its end.
        let _ = wait.await;
    }

    fn hand_over(&mut self, gone: Option<oneshot::Sender<()>>) {
        if let Some(mut remains) = self.remains.take() {
            remains.signal(Signal::KILL);
            remains.gone = gone;
            // Without the cleaner the remains are dropped here, and the folder with them.
            let _ = self.graveyard.send(remains);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.hand_over(None);
    }
}

/// Waits for the end of a process.
pub(super) struct Watch(AsyncFd<OwnedFd>);

impl Watch {
    /// Registers the descriptor with the runtime that this is called on.
    #[expect(deprecated, reason = "sound for an `OwnedFd`, whose number never changes; its replacement is unsafe")]
    pub(super) fn new(ended: OwnedFd) -> io::Result<Self> {
        AsyncFd::with_interest(ended, Interest::READABLE).map(Self)
    }

    /// Resolves when the process has ended, at once if it has already.
    pub(super) async fn ended(&self) {
        // An error means that the runtime is shutting down; then there is nothing to wait for.
        let _ = self.0.readable().await;
    }
}
