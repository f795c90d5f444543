//! Runs the Go script of a task with the Yaegi interpreter, one child process per run.
//!
//! A run gets a private folder with its sources, and the server's helper program, which takes its own rights away
//! ([`sandbox`]) and turns itself into the interpreter ([`helper`]). Values travel over a socket pair only: never by argument, environment or file. What comes
//! back is the string that `Run` returned, or a text that tells the script's author what went wrong.
//!
//! Deliberately not here: when to run, how long a run may take, what to do with its result, and taking secrets out of
//! texts. Those belong to the caller.

mod attend;
pub(crate) mod channel;
mod check;
mod cleaner;
mod clues;
pub(super) mod folder;
pub mod helper;
mod host;
mod order;
mod printed;
mod process;
pub(super) mod sandbox;
mod spawner;
mod usage;
mod verdict;

use std::fs::TryLockError;
use std::future::{Future, ready};
use std::io;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

pub use host::{Directory, Host};
use justiam_sdk::api::script::{HeaderError, check_header};
pub use sandbox::{Demand, Layers, Network};

use super::log::Log;
use attend::{Attended, Cause};
use channel::{Report, Said};
use cleaner::Cleaner;
use folder::{Folders, Purpose};
use order::Policy;
use spawner::{Spawner, Worker};

/// How long a script has between TERM and KILL where the settings say nothing else.
pub const DEFAULT_GRACE: Duration = Duration::from_secs(2);

/// How much memory a script may use where the settings say nothing else.
pub const DEFAULT_MEMORY_MIB: u32 = 512;

/// How much more processor time than real time a script gets: whoever waits for it ends it first, if at all able to.
const CPU_SLACK: Duration = Duration::from_secs(5);

/// How long a probe of the sandbox may take; it takes milliseconds.
const PROBE_PATIENCE: Duration = Duration::from_secs(10);

/// Where things are and how long a script may take to end.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The interpreter: a path, or a name that is looked up on `PATH` at each run.
    pub yaegi: PathBuf,
    /// The program that understands `sandbox …`; the server passes `/proc/self/exe`, so that an upgrade on disk does
    /// not change what a running server starts.
    pub helper: PathBuf,
    /// The parent of the run folders. Nothing else may live there: folders named `run-…` and `idle-…`
    /// are removed at start.
    pub folder: PathBuf,
    /// From asking a stopped script to end (TERM) to ending it (KILL).
    pub grace: Duration,
    /// How scripts may reach the network.
    pub network: Network,
    /// How much memory a script may use.
    pub memory_mib: u32,
    /// What the kernel must have for scripts to be run.
    pub demand: Demand,
    /// What to put on of what the kernel has.
    pub layers: Layers,
}

impl Settings {
    /// Settings with defaults for everything but programs and folders.
    pub fn new(yaegi: impl Into<PathBuf>, helper: impl Into<PathBuf>, folder: impl Into<PathBuf>) -> Self {
        Self {
            yaegi: yaegi.into(),
            helper: helper.into(),
            folder: folder.into(),
            grace: DEFAULT_GRACE,
            network: Network::All,
            memory_mib: DEFAULT_MEMORY_MIB,
            demand: Demand::Any,
            layers: Layers::default(),
        }
    }
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
    /// After how long the caller stops it. The process gets a limit of processor time that is a little longer.
    pub timeout: Duration,
}

/// How a run went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// How it ended.
    pub end: End,
    /// What the script printed, as the run's log has it: the first and the last 64 KiB with a line between that counts the rest.
    pub log: Vec<u8>,
    /// How the process was isolated, in one line; nothing where there was none.
    pub isolation: Option<String>,
}

impl Outcome {
    /// Without a process.
    fn unstarted(end: End) -> Self {
        Self { end, log: Vec::new(), isolation: None }
    }
}

/// What a probe found out about the isolation of scripts on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probed {
    /// As runs record it.
    pub isolation: String,
    /// Whether all layers are there.
    pub whole: bool,
    /// What could be done although it is forbidden.
    pub possible: Vec<String>,
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
    /// The rules on system calls could not be compiled.
    #[error("could not compile the rules on system calls")]
    Rules(#[source] Box<dyn std::error::Error + Send + Sync>),
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
    network: Network,
    memory_mib: u32,
    demand: Demand,
    landlock: bool,
}

impl ScriptRunner {
    /// Makes the folder (0700), removes run folders that a crashed server left in it and starts the spawner thread.
    pub fn new(settings: Settings) -> Result<Self, SetupError> {
        let folders = Arc::new(Folders::open(&settings.folder)?);
        let (cleaner, graveyard) = Cleaner::start().map_err(SetupError::Thread)?;
        let rules = sandbox::calls::compile(settings.network, settings.layers);
        let rules = rules.map_err(|error| SetupError::Rules(error.into()))?;
        let Settings { yaegi, helper, grace, network, memory_mib, demand, layers, .. } = settings;
        let worker = Worker { yaegi, helper, folders: Arc::clone(&folders), graveyard, rules };
        let spawner = Spawner::start(worker).map_err(SetupError::Thread)?;
        let landlock = layers.landlock;
        let workshop = Workshop { spawner, _cleaner: cleaner, folders, grace, network, memory_mib, demand, landlock };
        Ok(Self { workshop: Arc::new(workshop) })
    }

    /// What a process may use that a script gets.
    fn policy(&self, timeout: Duration) -> Policy {
        let Workshop { network, memory_mib, demand, landlock, .. } = *self.workshop;
        Policy {
            cpu_seconds: (timeout + CPU_SLACK).as_secs(),
            landlock,
            whole: demand == Demand::Sandbox,
            ..Policy::new(network, memory_mib)
        }
    }

    /// Tries, in a process as scripts get it, what is forbidden to them. The error says why nobody could try.
    pub async fn probe(&self) -> Result<Probed, String> {
        let policy = Policy { probe: true, whole: false, ..self.policy(PROBE_PATIENCE) };
        let started = match self.workshop.spawner.start_script("".into(), Purpose::Run, policy).await {
            Ok(started) => started,
            Err(error) => return Err(error.for_the_author()),
        };
        let stop = tokio::time::sleep(PROBE_PATIENCE);
        let attended = attend::attend(started, Host::default(), Arc::default(), stop, Duration::ZERO).await;
        let (Some(achieved), Cause::Said(Said::Report(Report::Returned { .. }, possible))) =
            (attended.isolated, &attended.cause)
        else {
            return Err(format!("the probe of the sandbox ended with {:?}", attended.cause));
        };
        Ok(Probed {
            isolation: achieved.text(self.workshop.memory_mib, self.workshop.network),
            whole: achieved.is_whole(),
            possible: serde_json::from_slice(possible).unwrap_or_else(|_| vec!["everything".to_owned()]),
        })
    }

    /// Has the interpreter run a script that does nothing, isolated as any other. The error says why it could not: a probe
    /// does not tell, because it is over before the interpreter's turn comes.
    pub async fn try_interpreter(&self) -> Result<(), String> {
        let script = Script {
            run_id: "try of the interpreter".to_owned(),
            source: "package task\n\nfunc Run() (string, error) { return \"\", nil }\n".to_owned(),
            host: Host::default(),
            timeout: PROBE_PATIENCE,
        };
        match self.run(script, tokio::time::sleep(PROBE_PATIENCE)).await.end {
            End::Success { .. } => Ok(()),
            End::Error { message } => Err(message),
            End::Stopped => Err(format!("it did not end within {} s", PROBE_PATIENCE.as_secs())),
        }
    }

    /// Runs a script to its end.
    ///
    /// When `stop` resolves first, the process is ended (TERM, grace, KILL) and the outcome is [`End::Stopped`].
    /// Dropping the returned future kills the process as well; what is left of it is removed in the background.
    pub async fn run(&self, script: Script, stop: impl Future<Output = ()>) -> Outcome {
        self.run_logging(script, Arc::default(), stop).await
    }

    /// The same, with a log that others may read while the script runs.
    pub async fn run_logging(&self, script: Script, log: Arc<Log>, stop: impl Future<Output = ()>) -> Outcome {
        // The interpreter would take another package and then complain about its own generated program, which helps no
        // author. Its texts for everything else are good.
        if let Err(error @ HeaderError::OtherPackage(_)) = check_header(&script.source) {
            return Outcome::unstarted(End::error(format!("script.go: {error}")));
        }
        let source: Arc<str> = script.source.as_str().into();
        let attended = match self.attend(script, Arc::clone(&source), Purpose::Run, Arc::clone(&log), stop).await {
            Ok(attended) => attended,
            Err(end) => return Outcome::unstarted(end),
        };
        verdict::finish(&log, &attended);
        let folders = self.workshop.folders.path();
        let Workshop { network, memory_mib, .. } = *self.workshop;
        let isolation = attended.isolated.map(|achieved| achieved.text(memory_mib, network));
        Outcome { end: verdict::judge(&attended, &source, folders), log: log.text().into_bytes(), isolation }
    }

    /// Starts the process and stays with it; an error is the end of a run whose process was not started.
    async fn attend(
        &self,
        script: Script,
        source: Arc<str>,
        purpose: Purpose,
        log: Arc<Log>,
        stop: impl Future<Output = ()>,
    ) -> Result<Attended, End> {
        let Script { run_id, host, timeout: time, .. } = script;
        let mut stop = pin!(stop);
        tokio::select! {
            biased;
            () = &mut stop => return Err(End::Stopped),
            () = ready(()) => {}
        }
        let grace = self.workshop.grace;
        let mut start = pin!(self.workshop.spawner.start_script(source, purpose, self.policy(time)));
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
        let attended = attend::attend(started, host, log, stop, grace).await;
        tracing::debug!(run = %run_id, exit = ?attended.exit, printed = attended.printed.total(), "script ended");
        Ok(attended)
    }
}
