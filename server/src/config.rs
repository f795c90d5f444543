//! What an operator decides, and what is derived from it.

mod limits;
mod server_secret;

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::ops::RangeInclusive;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use justiam_sdk::api::secrets::Secret;
use url::Url;

pub use limits::{CONNECTIONS, Limits, RATES, REQUESTS_AT_WORK, TrustedProxy};
use server_secret::OLD;
pub(crate) use server_secret::new_secret;

use crate::outbound::{Destinations, Rule};

use crate::driver::execute::script::{DEFAULT_MEMORY_MIB, Demand, Layers, Network};

/// For how many days the audit log can be kept.
pub const AUDIT_DAYS: RangeInclusive<u32> = 1..=3650;
/// For how many days the audit log is kept, unless the operator says otherwise.
pub const DEFAULT_AUDIT_DAYS: u32 = 365;

/// Settings of a server.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the database, the generated secret and the folders of running scripts live.
    pub data_dir: PathBuf,
    /// The address of a PostgreSQL database, which may hold a password. Without it the server keeps an SQLite database in the data
    /// folder.
    pub database_url: Option<Secret>,
    /// How many connections to PostgreSQL requests may use. Loops and runs have up to nine of their own.
    pub database_connections: u32,
    /// Whether the clock follows that of a PostgreSQL database, so that servers agree. Off only where a test moves the clock.
    pub follow_database_clock: bool,
    /// What secrets are encrypted with. Without it the server makes one at its first start and keeps it in the data folder.
    pub jwt_secret: Option<Secret>,
    /// Other secrets: what is sealed or signed under one of these is opened and counts, and nothing new is made with them. One that
    /// is to be the server's next may be here as well, so that a server can read what those write that have it already.
    pub old_jwt_secrets: Vec<Secret>,
    /// The Yaegi interpreter: a path, or a name that is looked up on `PATH`.
    pub yaegi: PathBuf,
    /// The program that isolates scripts: this one.
    pub helper: PathBuf,
    /// How scripts may reach the network.
    pub script_network: Network,
    /// How much memory a script may use, within [`SCRIPT_MEMORY_MIB`].
    pub script_memory_mib: u32,
    /// What the kernel must have for scripts to be run.
    pub script_isolation: Demand,
    /// What to put on of what the kernel has: everything, but in tests.
    pub script_layers: Layers,
    /// How many runs may be at work at a time.
    pub workers: u32,
    /// How many steps of schedules may be at work at a time, within [`STEP_WORKERS`].
    pub step_workers: u32,
    /// What this server does. On SQLite it does everything.
    pub roles: Roles,
    /// What it keeps, and for how long.
    pub history: History,
    /// For how many days entries of the audit log are kept, within [`AUDIT_DAYS`]. The built-in task `audit_log_cleanup`
    /// deletes older ones.
    pub audit_days: u32,
    /// How many runs of one task may wait under the overlap policy `queue`, within [`QUEUE_LIMIT`]. More are recorded as cancelled.
    pub queue_limit: u32,
    /// Where requests of scripts may go, through the packages `fetch` and `gworkspace`.
    pub fetch: Destinations,
    /// The longest answer to a request of a script, in MiB, within [`FETCH_MAX_BODY_MIB`].
    pub fetch_max_body_mib: u32,
    /// Where the directory of Google Workspace is.
    pub gworkspace_url: String,
    /// The folders that steps of schedules and connectors may use, with absolute paths; none of them may hold the data folder or lie in
    /// it.
    pub step_folders: Vec<PathBuf>,
    /// The hosts whose databases SQL steps may use; any host where the list is empty.
    pub sql_hosts: Vec<Rule>,
    /// PowerShell: a path, or a name that is looked up on `PATH` for each step.
    pub pwsh: PathBuf,
    /// The base address of an OTLP collector, to which traces go as HTTP with protobuf.
    pub otlp_endpoint: Option<String>,
    /// The whole address for traces, where it is not `/v1/traces` below the base address. It wins.
    pub otlp_traces_endpoint: Option<String>,
    /// How much clients may ask.
    pub limits: Limits,
}

/// What a server does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Roles {
    /// Answers requests. `/health` is answered in any case.
    pub api: bool,
    /// Turns due ticks into runs, finds lost runs, and removes old history.
    pub dispatch: bool,
    /// Executes runs.
    pub work: bool,
}

impl Roles {
    /// Everything.
    pub const ALL: Self = Self { api: true, dispatch: true, work: true };
}

impl std::str::FromStr for Roles {
    type Err = String;

    /// Reads a list such as `api,dispatch`.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut roles = Self { api: false, dispatch: false, work: false };
        for name in text.split(',') {
            match name.trim() {
                "api" => roles.api = true,
                "dispatch" => roles.dispatch = true,
                "work" => roles.work = true,
                other => return Err(format!("`{other}` is not a role; there are api, dispatch, work")),
            }
        }
        Ok(roles)
    }
}

/// What is kept, and for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// For how many days a run is kept after it was recorded. The newest run of a task is kept as long as the task.
    pub days: u32,
}

/// For how many days history may be kept.
pub const HISTORY_DAYS: RangeInclusive<u32> = 1..=3650;
/// How much memory a script may use, in MiB. With less, many do not even start.
pub const SCRIPT_MEMORY_MIB: RangeInclusive<u32> = 64..=65_536;
/// How many runs may be at work at a time.
pub const WORKERS: RangeInclusive<u32> = 1..=10_000;
/// How many steps of schedules may be at work at a time.
pub const STEP_WORKERS: RangeInclusive<u32> = 1..=1000;
/// How many steps may be at work at a time unless an operator says otherwise.
pub const DEFAULT_STEP_WORKERS: u32 = 16;
/// How many connections to PostgreSQL requests may use.
pub const DATABASE_CONNECTIONS: RangeInclusive<u32> = 1..=1000;
/// How many runs of one task may wait.
pub const QUEUE_LIMIT: RangeInclusive<u32> = 1..=100_000;
/// How many runs of one task may wait, unless an operator says otherwise.
pub const DEFAULT_QUEUE_LIMIT: u32 = 1000;

/// How long the answer to a request of a script may be, in MiB.
pub const FETCH_MAX_BODY_MIB: RangeInclusive<u32> = 1..=100;
/// How long it may be unless an operator says otherwise.
pub const DEFAULT_FETCH_MAX_BODY_MIB: u32 = 10;
/// Where the directory of Google Workspace is, unless an operator says otherwise.
pub const DEFAULT_GWORKSPACE_URL: &str = "https://admin.googleapis.com";

impl Config {
    /// Settings with defaults for everything but the data folder.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            database_url: None,
            database_connections: 10,
            follow_database_clock: true,
            jwt_secret: None,
            old_jwt_secrets: Vec::new(),
            yaegi: "yaegi".into(),
            // A running server starts its own image, also after an upgrade has replaced the file.
            helper: "/proc/self/exe".into(),
            script_network: Network::All,
            script_memory_mib: DEFAULT_MEMORY_MIB,
            script_isolation: Demand::Any,
            script_layers: Layers::default(),
            workers: 16,
            step_workers: DEFAULT_STEP_WORKERS,
            roles: Roles::ALL,
            history: History { days: 90 },
            audit_days: DEFAULT_AUDIT_DAYS,
            queue_limit: DEFAULT_QUEUE_LIMIT,
            fetch: Destinations::default(),
            fetch_max_body_mib: DEFAULT_FETCH_MAX_BODY_MIB,
            gworkspace_url: DEFAULT_GWORKSPACE_URL.to_owned(),
            step_folders: Vec::new(),
            sql_hosts: Vec::new(),
            pwsh: "pwsh".into(),
            otlp_endpoint: None,
            otlp_traces_endpoint: None,
            limits: Limits::default(),
        }
    }

    /// Whether all numbers are within their ranges; else what is wrong with the first that is not.
    pub fn check(&self) -> Result<(), String> {
        for (name, value, range) in [
            ("script_memory_mib", self.script_memory_mib, SCRIPT_MEMORY_MIB),
            ("workers", self.workers, WORKERS),
            ("step_workers", self.step_workers, STEP_WORKERS),
            ("database_connections", self.database_connections, DATABASE_CONNECTIONS),
            ("history.days", self.history.days, HISTORY_DAYS),
            ("audit_days", self.audit_days, AUDIT_DAYS),
            ("queue_limit", self.queue_limit, QUEUE_LIMIT),
            ("fetch_max_body_mib", self.fetch_max_body_mib, FETCH_MAX_BODY_MIB),
        ] {
            if !range.contains(&value) {
                return Err(format!("{name} must be from {} to {}, not {value}", range.start(), range.end()));
            }
        }
        self.limits.check()?;
        for (name, value) in [
            ("gworkspace_url", Some(&self.gworkspace_url)),
            ("otlp_endpoint", self.otlp_endpoint.as_ref()),
            ("otlp_traces_endpoint", self.otlp_traces_endpoint.as_ref()),
        ] {
            let is_http = |url: Url| matches!(url.scheme(), "http" | "https");
            if value.is_some_and(|value| !Url::parse(value).is_ok_and(is_http)) {
                // Not the value, which may hold a password.
                return Err(format!("{name} must be a whole address that begins with http:// or https://"));
            }
        }
        Ok(())
    }

    /// Where traces go, if anywhere.
    pub fn traces_endpoint(&self) -> Option<String> {
        let base = self.otlp_endpoint.as_ref().map(|base| format!("{}/v1/traces", base.trim_end_matches('/')));
        self.otlp_traces_endpoint.clone().or(base)
    }
}

/// Why a data folder cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataDirError {
    /// The folder or a file in it cannot be read or made.
    #[error("could not use {}", path.display())]
    Io {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Two servers on one SQLite database would both run the same tasks.
    #[error("the data folder {} is in use by another server", .0.display())]
    InUse(PathBuf),
    /// The system gives no random numbers.
    #[error("the system gives no random numbers for a secret")]
    Random,
    /// Nobody has named a secret, and none was made here.
    #[error(
        "the data folder {} holds no server's secret: give the server's secret with JWT_SECRET, --jwt-secret-file or \
         --jwt-secret-command", .0.display()
    )]
    NoSecret(PathBuf),
    /// Two at a time would both say that they are done.
    #[error("another command is at work on the secrets of the data folder {}", .0.display())]
    Rotating(PathBuf),
    /// A second new secret would follow before the first one has taken the place of the old.
    #[error(
        "the data folder {} has a new secret already, and older ones in `{OLD}`: finish with `justiam-server secrets rotate`, \
         without `--new`", .0.display()
    )]
    Unfinished(PathBuf),
}

/// A data folder. While it is held, no other server uses it.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    /// Its lock ends with this value, or with the process.
    lock: Option<File>,
}

/// The right to prepare a data folder: its secret and its schema.
#[derive(Debug)]
pub struct SetupLock(File);

impl Drop for SetupLock {
    fn drop(&mut self) {
        // As with the folder's own lock.
        let _ = self.0.unlock();
    }
}

impl Drop for DataDir {
    fn drop(&mut self) {
        if let Some(lock) = &self.lock {
            // Closing the file is not enough: a child that another thread is just starting holds a copy until it has begun.
            let _ = lock.unlock();
        }
    }
}

impl DataDir {
    /// Makes the folder where it is missing and takes it for this server alone.
    pub fn hold(path: &Path) -> Result<Self, DataDirError> {
        let mut dir = Self::open(path)?;
        let file = dir.path.join("lock");
        let lock = OpenOptions::new().create(true).append(true).mode(0o600).open(&file).map_err(io_error(&file))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => DataDirError::InUse(dir.path.clone()),
            TryLockError::Error(source) => DataDirError::Io { path: file, source },
        })?;
        dir.lock = Some(lock);
        Ok(dir)
    }

    /// Makes the folder where it is missing, beside a server that may be using it.
    pub fn open(path: &Path) -> Result<Self, DataDirError> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(io_error(path))?;
        let path = path.canonicalize().map_err(io_error(path))?;
        Ok(Self { path, lock: None })
    }

    /// Waits until no other program prepares this folder, and keeps others waiting while the value lives.
    pub fn lock_setup(&self) -> Result<SetupLock, DataDirError> {
        let path = self.path.join("setup-lock");
        let open = OpenOptions::new().create(true).append(true).mode(0o600).open(&path);
        let file = open.and_then(|file| file.lock().map(|()| file)).map_err(io_error(&path))?;
        Ok(SetupLock(file))
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether nothing has been prepared in this folder yet.
    pub fn is_new(&self) -> bool {
        !self.path.join("justiam.db").exists()
    }

    /// The SQLite database. Made, empty, where it is missing: readable by its owner alone, which SQLite's own files follow.
    pub fn database(&self) -> Result<PathBuf, DataDirError> {
        let path = self.path.join("justiam.db");
        OpenOptions::new().create(true).append(true).mode(0o600).open(&path).map_err(io_error(&path))?;
        Ok(path)
    }

    /// The parent of the folders for temporary files of steps.
    pub fn steps(&self) -> PathBuf {
        self.path.join("steps")
    }

    /// The parent of the folders of running scripts.
    pub fn scripts(&self) -> PathBuf {
        self.path.join("scripts")
    }
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> DataDirError {
    |source| DataDirError::Io { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;

    use super::*;

    #[test]
    fn a_folder_is_free_as_soon_as_it_is_let_go_also_while_children_start() {
        let folder = tempfile::tempdir().unwrap();
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    Command::new("true").status().unwrap();
                }
            });
            let held = (0..2000).try_for_each(|_| DataDir::hold(folder.path()).map(drop));
            done.store(true, Ordering::Relaxed);
            held.unwrap();
        });
    }

    #[test]
    fn a_held_folder_is_held_for_one() {
        let folder = tempfile::tempdir().unwrap();
        let first = DataDir::hold(folder.path()).unwrap();
        assert!(matches!(DataDir::hold(folder.path()), Err(DataDirError::InUse(_))));
        drop(first);
        DataDir::hold(folder.path()).unwrap();
    }
}
