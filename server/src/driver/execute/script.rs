//! Runs the Go script of a task with the Yaegi interpreter, one child process per run.
//!
//! A run gets a private folder with its sources, and the server's helper program, which turns itself into the
//! interpreter ([`helper`]). Values travel over a socket pair only: never by argument, environment or file. What comes
//! back is the string that `Run` returned, or a text that tells the script's author what went wrong.
//!
//! Deliberately not here: when to run, how long a run may take, what to do with its result, and taking secrets out of
//! texts. Those belong to the caller.

mod attend;
mod channel;
mod check;
mod cleaner;
mod clues;
mod folder;
pub mod helper;
mod host;
mod order;
mod printed;
mod process;
mod spawner;
mod verdict;

use std::fs::TryLockError;
use std::future::{Future, ready};
use std::io;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

pub use host::{Host, Identities};
use justiam_sdk::api::script::{HeaderError, check_header};

use attend::Attended;
use cleaner::Cleaner;
use folder::{Folders, Purpose};
use spawner::{Spawner, Worker};

/// How long a script has between TERM and KILL where the settings say nothing else.
pub const DEFAULT_GRACE: Duration = Duration::from_secs(2);

/// Where things are and how long a script may take to end.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The interpreter: a path, or a name that is looked up on `PATH` at each run.
    pub yaegi: PathBuf,
    /// The program that understands `sandbox …`; the server passes `/proc/self/exe`, so that an upgrade on disk does
    /// not change what a running server starts.
    pub helper: PathBuf,
    /// The parent of the run folders. Nothing else may live there: folders named `run-…` are removed at start.
    pub folder: PathBuf,
    /// From asking a stopped script to end (TERM) to ending it (KILL).
    pub grace: Duration,
}

/// One script to run.
#[derive(Debug, Clone)]
pub struct Script {
    /// The run's name in the server's log.
    pub run_id: String,
    /// The Go source, `package task` with `func Run() (string, error)`.
    pub source: String,
    /// What the run may ask the server for.
    pub host: Host,
}

/// How a run went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// How it ended.
    pub end: End,
    /// What the script printed, bounded: the first and the last 64 KiB with a line between that counts the rest.
    pub log: Vec<u8>,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// `Run` returned without an error.
    Success {
        /// The returned string, byte for byte.
        output: String,
    },
    /// The script failed, or could not be run.
    Error {
        /// What went wrong, for the script's author; at most about 4 KiB.
        message: String,
    },
    /// The caller stopped the run.
    Stopped,
}

impl End {
    fn error(message: impl Into<String>) -> Self {
        Self::Error { message: message.into() }
    }
}

/// Why no scripts can be run at all.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The parent of the run folders cannot be used.
    #[error("could not prepare the script folder {}", path.display())]
    Folder {
        /// The folder, or what could not be removed from it.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Another runner works in the folder; it would lose its running scripts.
    #[error("the script folder {} is in use by another server", path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// A thread could not be started.
    #[error("could not start a thread for scripts")]
    Thread(#[source] io::Error),
}

impl SetupError {
    fn folder(path: &Path) -> impl FnOnce(io::Error) -> Self {
        |source| Self::Folder { path: path.to_owned(), source }
    }

    fn lock(path: &Path) -> impl FnOnce(TryLockError) -> Self {
        |error| match error {
            TryLockError::WouldBlock => Self::InUse { path: path.to_owned() },
            TryLockError::Error(source) => Self::Folder { path: path.to_owned(), source },
        }
    }
}

/// Runs scripts. Clones share one spawner thread, which lives until the last clone and the last run are gone.
#[derive(Debug, Clone)]
pub struct ScriptRunner {
    workshop: Arc<Workshop>,
}

/// Fields are dropped in this order: no more starts, then the last processes and folders, then the folder's lock.
#[derive(Debug)]
struct Workshop {
    spawner: Spawner,
    _cleaner: Cleaner,
    folders: Arc<Folders>,
    grace: Duration,
}

impl ScriptRunner {
    /// Makes the folder (0700), removes run folders that a crashed server left in it and starts the spawner thread.
    pub fn new(settings: Settings) -> Result<Self, SetupError> {
        let folders = Arc::new(Folders::open(&settings.folder)?);
        let (cleaner, graveyard) = Cleaner::start().map_err(SetupError::Thread)?;
        let worker =
            Worker { yaegi: settings.yaegi, helper: settings.helper, folders: Arc::clone(&folders), graveyard };
        let spawner = Spawner::start(worker).map_err(SetupError::Thread)?;
        Ok(Self { workshop: Arc::new(Workshop { spawner, _cleaner: cleaner, folders, grace: settings.grace }) })
    }

    /// Runs a script to its end.
    ///
    /// When `stop` resolves first, the process is ended (TERM, grace, KILL) and the outcome is [`End::Stopped`].
    /// Dropping the returned future kills the process as well; what is left of it is removed in the background.
    pub async fn run(&self, script: Script, stop: impl Future<Output = ()>) -> Outcome {
        // The interpreter would take another package and then complain about its own generated program, which helps no
        // author. Its texts for everything else are good.
        if let Err(error @ HeaderError::OtherPackage(_)) = check_header(&script.source) {
            return Outcome { end: End::error(format!("script.go: {error}")), log: Vec::new() };
        }
        let source: Arc<str> = script.source.into();
        let attended = self.attend(script.run_id, Arc::clone(&source), Purpose::Run, script.host, stop).await;
        let folders = self.workshop.folders.path();
        match attended {
            Ok(attended) => {
                Outcome { end: verdict::judge(&attended, &source, folders), log: verdict::log(attended, folders) }
            }
            Err(end) => Outcome { end, log: Vec::new() },
        }
    }

    /// Starts the process and stays with it; an error is the end of a run whose process was not started.
    async fn attend(
        &self,
        run_id: String,
        source: Arc<str>,
        purpose: Purpose,
        host: Host,
        stop: impl Future<Output = ()>,
    ) -> Result<Attended, End> {
        let mut stop = pin!(stop);
        tokio::select! {
            biased;
            () = &mut stop => return Err(End::Stopped),
            () = ready(()) => {}
        }
        let grace = self.workshop.grace;
        let mut start = pin!(self.workshop.spawner.start_script(source, purpose));
        let mut stopped = false;
        let started = tokio::select! {
            biased;
            started = &mut start => started,
            () = &mut stop => {
                // The script may be running already, then it ends as any other.
                stopped = true;
                let Ok(started) = timeout(grace, start).await else { return Err(End::Stopped) };
                started
            }
        };
        let started = match started {
            Ok(started) => started,
            Err(error) => {
                tracing::error!(run = %run_id, error = &error as &dyn std::error::Error, "could not start a script");
                return Err(End::error(error.for_the_author()));
            }
        };
        let stop = async move {
            if !stopped {
                stop.await;
            }
        };
        let attended = attend::attend(started, host, stop, grace).await;
        tracing::debug!(run = %run_id, exit = ?attended.exit, printed = attended.printed.total(), "script ended");
        Ok(attended)
    }
}
