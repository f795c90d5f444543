//! Runs the programs of steps: executables, PowerShell scripts and SQL scripts.
//!
//! Each step gets a supervisor, a process of the server's own program ([`supervisor`]), which starts the step's program and ends it with
//! everything that it has started. The program puts the same layers on as a script does, with rules of its own: it may start processes,
//! and it may use the folders that the operator allows.
//!
//! Deliberately not here: when to run, how long a step may take, and what its end means for others. Those belong to the caller.

mod attend;
mod calls;
mod files;
mod order;
mod output;
mod prepare;
mod sql;
mod starter;
mod supervisor;
mod tree;
pub(crate) mod words;

use std::ffi::OsString;
use std::fs::{self, DirBuilder};
use std::future::Future;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use justiam_sdk::api::secrets::Secret;

use super::super::redact::Redactor;
use super::super::script::{Demand, Layers, folder};
use crate::allowed_folders::AllowedFolders;
use crate::outbound::Rule;
use crate::store::Db;
use attend::Attended;
use order::{Ended, Order};
use output::cut;
use prepare::prepare;

/// How long a program has between TERM and KILL where the settings say nothing else. A cancelled step has to be over within two seconds, and
/// another server may look for it only once a second.
pub const DEFAULT_GRACE: Duration = Duration::from_millis(500);

/// The name of a folder for temporary files begins like this.
const PREFIX: &str = "run-";

/// What a signal's number is added to where an exit code is told, as by a shell.
const SIGNALLED: i32 = 128;

/// Does what a command line, without the program's name, says, if it is one of those by which the server starts the processes of a step.
/// It must be asked at the very top of `main`, before any thread exists.
pub fn helper(args: &[OsString]) -> Option<ExitCode> {
    let rest = args.iter().skip(1).cloned();
    if supervisor::is_meant(args.iter()) {
        return Some(supervisor::main(rest));
    }
    starter::is_meant(args.iter()).then(|| starter::main(rest))
}

/// Where things are and what programs may use.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The server's own program, as for scripts.
    pub helper: PathBuf,
    /// The parent of the folders for temporary files. Nothing else may live there: folders named `run-…` are removed at start.
    pub temporary: PathBuf,
    /// What programs may use.
    pub folders: AllowedFolders,
    /// The hosts whose databases may be used; any host where the list is empty.
    pub sql_hosts: Vec<Rule>,
    /// PowerShell: a path, or a name that is looked up on `PATH` for each step.
    pub pwsh: PathBuf,
    /// What the kernel must have for programs to be run.
    pub demand: Demand,
    /// What to put on of what the kernel has.
    pub layers: Layers,
    /// From asking a stopped program to end (TERM) to ending it (KILL).
    pub grace: Duration,
}

impl Settings {
    /// Settings with defaults for everything but programs and folders.
    pub fn new(helper: impl Into<PathBuf>, temporary: impl Into<PathBuf>, folders: AllowedFolders) -> Self {
        Self {
            helper: helper.into(),
            temporary: temporary.into(),
            folders,
            sql_hosts: Vec::new(),
            pwsh: "pwsh".into(),
            demand: Demand::Any,
            layers: Layers::default(),
            grace: DEFAULT_GRACE,
        }
    }
}

/// What a step runs.
#[derive(Debug, Clone)]
pub enum Job {
    /// A program.
    Executable {
        /// Its path.
        path: String,
        /// Its arguments in one text.
        arguments: Option<String>,
        /// Where it begins; by default the program's own folder.
        working_directory: Option<String>,
    },
    /// A PowerShell script.
    PowerShell {
        /// Its path.
        script_path: String,
        /// Its arguments in one text.
        arguments: Option<String>,
        /// Where it begins; by default the script's own folder.
        working_directory: Option<String>,
    },
    /// SQL statements against a database.
    Sql {
        /// The URL of the database, which may hold a password.
        connection_string: Secret,
        /// The path of the file with the statements.
        script_path: String,
    },
}

/// How the program of a step ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgramEnd {
    /// Whether it did what it should.
    pub outcome: Outcome,
    /// What the program ended with; a signal is 128 and its number.
    pub exit_code: Option<i64>,
    /// The last 64 KiB of what it printed; of an SQL script, what it did.
    pub output: Option<String>,
    /// How it was isolated, in one line; nothing where there was no process.
    pub isolation: Option<String>,
}

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// As it should.
    Success,
    /// Badly, or it could not be run; the text says why.
    Failed(String),
    /// The caller stopped it.
    Stopped,
}

/// Runs programs. Clones share everything.
#[derive(Clone)]
pub struct Programs {
    settings: Arc<Settings>,
    db: Db,
}

impl Programs {
    /// Makes the folder for temporary files (0700) and removes what a crashed server left in it. No step may use the server's own
    /// database, which is `db`.
    pub fn new(mut settings: Settings, db: Db) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(&settings.temporary)?;
        settings.temporary = settings.temporary.canonicalize()?;
        for entry in fs::read_dir(&settings.temporary)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(PREFIX) {
                // A program of a server that was killed a moment ago may still write there. New folders have other names.
                if let Err(error) = folder::remove(&entry.path()) {
                    tracing::warn!(folder = %entry.path().display(), %error, "could not remove the folder of an earlier step");
                }
            }
        }
        Ok(Self { settings: Arc::new(settings), db })
    }

    /// Runs a program to its end.
    ///
    /// When `stop` resolves first, the program is ended with everything that it has started (TERM, grace, KILL), and the outcome is
    /// [`Outcome::Stopped`]. Dropping the returned future ends them as well.
    pub async fn run(&self, job: Job, stop: impl Future<Output = ()>) -> ProgramEnd {
        let settings = &self.settings;
        let prepared = match prepare(&job, settings, &self.db).await {
            Ok(prepared) => prepared,
            Err(why) => return ProgramEnd::failed(without_secrets(&job, &why)),
        };
        let temporary = match Temporary::make(&settings.temporary) {
            Ok(temporary) => temporary,
            Err(error) => return unstarted(&error),
        };
        let order = Order {
            folders: settings.folders.paths().to_vec(),
            temporary: temporary.0.clone(),
            working_directory: prepared.working_directory,
            layers: settings.layers,
            whole: settings.demand == Demand::Sandbox,
            work: prepared.work,
        };
        match attend::attend(&settings.helper, &order, settings.grace, stop).await {
            Ok(attended) => self.judge(&job, attended),
            Err(error) => unstarted(&error),
        }
    }

    /// What is to be said of a step that is over.
    fn judge(&self, job: &Job, attended: Attended) -> ProgramEnd {
        let Attended { heard, output, stopped } = attended;
        let isolation = heard.isolated.map(|achieved| format!("{}, {}", achieved.layers(), job.reach()));
        let ended = heard.ended;
        let code = ended.and_then(|ended| ended.code.or(ended.signal.map(|signal| SIGNALLED + signal)));
        let exit_code = match job {
            Job::Sql { .. } => None,
            _ if heard.unstartable.is_some() => None,
            _ => code.map(i64::from),
        };
        let mut end = ProgramEnd { outcome: Outcome::Success, exit_code, output, isolation };
        let failed = |why: &str| Outcome::Failed(without_secrets(job, why));
        end.outcome = match (heard.sql, heard.unstartable, ended) {
            // What has been committed is done, whatever came then.
            (Some(Ok(done)), ..) => {
                end.output = Some(done);
                Outcome::Success
            }
            (Some(Err(why)), ..) => failed(&why),
            // Who is stopped before the order has come whole cannot start.
            (None, Some(_), _) | (None, None, None) if stopped => Outcome::Stopped,
            (None, Some((step, error)), _) => failed(&self.unstartable(job, &step, &error)),
            (None, None, Some(Ended { stopped: true, .. })) => Outcome::Stopped,
            (None, None, Some(Ended { crowd: true, .. })) => failed(&format!(
                "it had more than {} processes or {} threads at a time and was stopped",
                supervisor::MOST_PROCESSES,
                supervisor::MOST_THREADS
            )),
            (None, None, Some(Ended { code: Some(0), .. })) if !matches!(job, Job::Sql { .. }) => Outcome::Success,
            (None, None, Some(Ended { code: Some(code), .. })) => failed(&format!("exited with code {code}")),
            (None, None, Some(Ended { signal, .. })) => {
                failed(&format!("was ended by signal {}", signal.unwrap_or_default()))
            }
            (None, None, None) => failed(
                "its supervisor ended before the program did, so it is not known how the program ended; processes that \
                 the program has started may be left",
            ),
        };
        end
    }

    /// What the process could not do before it became the program.
    fn unstartable(&self, job: &Job, step: &str, error: &str) -> String {
        match (step, job) {
            (starter::NO_SANDBOX, _) => format!(
                "programs are not run on this server: it demands a sandbox (--script-isolation sandbox), and its kernel gives \
                 no {error}"
            ),
            (starter::START, Job::Executable { path, .. }) => format!("`{path}` could not be started: {error}"),
            (starter::START, _) => format!("`{}` could not be started: {error}", self.settings.pwsh.display()),
            _ => format!("the server could not start the program, at the step `{step}`: {error}"),
        }
    }
}

/// Takes the connection string and its password out of a text, and keeps as much of it as is stored.
fn without_secrets(job: &Job, text: &str) -> String {
    let Job::Sql { connection_string, .. } = job else { return cut(text.to_owned()) };
    let secrets = sql::secrets(connection_string);
    cut(Arc::new(Redactor::new(&secrets, &[])).whole(text))
}

impl Job {
    /// What it may use beyond the system's programs, for the record.
    fn reach(&self) -> &'static str {
        match self {
            Self::Sql { .. } => "allowed folders, one database",
            _ => "allowed folders, network all",
        }
    }
}

impl ProgramEnd {
    /// Without a process.
    fn failed(why: String) -> Self {
        Self { outcome: Outcome::Failed(why), exit_code: None, output: None, isolation: None }
    }
}

/// The cause is for the operator.
fn unstarted(error: &io::Error) -> ProgramEnd {
    tracing::error!(%error, "could not start the supervisor of a step");
    ProgramEnd::failed("the server could not start the program; its log has the cause".to_owned())
}

/// A step's folder for temporary files, which goes with this value.
struct Temporary(PathBuf);

impl Temporary {
    fn make(parent: &Path) -> io::Result<Self> {
        Ok(Self(tempfile::Builder::new().prefix(PREFIX).tempdir_in(parent)?.keep()))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let path = std::mem::take(&mut self.0);
        // A big folder takes time, which a runtime's thread does not have. What stays is removed at the next start.
        let removed = thread::Builder::new().name("step-folder".into()).spawn(move || {
            if let Err(error) = folder::remove(&path) {
                tracing::warn!(folder = %path.display(), %error, "could not remove the folder of a step");
            }
        });
        if let Err(error) = removed {
            tracing::warn!(%error, "could not start a thread that removes the folder of a step");
        }
    }
}
