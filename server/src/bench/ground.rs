//! A database that is made for one measurement and removed after it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use justiam_sdk::api::activities::ActivityStatus;
use justiam_sdk::api::config::ConfigMap;
use justiam_sdk::api::ids::TaskId;
use justiam_sdk::api::secrets::Secret;
use justiam_sdk::api::tasks::DEFAULT_TIMEZONE;
use justiam_sdk::api::values::{OverlapPolicy, RunStatus, ScheduleType, TaskType};
use serde_json::Map;

use crate::app::vault::{Vault, VaultError};
use crate::app::{self, App};
use crate::clock::{Clock as _, SystemClock};
use crate::config::{History, Roles};
use crate::driver::execute::script::SetupError;
use crate::driver::execute::step::{ExecuteStep, StepEnding, StepWork};
use crate::driver::execute::{Execute, Work};
use crate::driver::{Driver, Settings};
use crate::lifecycle::Shutdown;
use crate::store::runs::Ending;
use crate::store::tasks::{Definition, TaskRow};
use crate::store::{self, Db, bench, tasks};

/// How many tasks one transaction creates.
const BATCH: usize = 1000;

/// Why nothing was measured.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The database failed.
    #[error("the database failed")]
    Store(#[from] store::Error),
    /// A use case failed.
    #[error("the engine failed")]
    App(#[from] app::Error),
    /// Scripts cannot be run.
    #[error(transparent)]
    Scripts(#[from] SetupError),
    /// What scripts need cannot be made.
    #[error("{0}")]
    Setup(String),
    /// No key could be made.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// A file could not be used.
    #[error("could not use {}", path.display())]
    Io {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The work did not end.
    #[error("the work did not end in time: {0}")]
    Unfinished(String),
}

pub(super) type Result<T> = std::result::Result<T, Error>;

/// A database for one measurement.
pub struct Ground {
    pub(super) app: Arc<App>,
    pub(super) database: &'static str,
    /// Where the database is: removed at the end.
    place: Place,
}

enum Place {
    Folder(PathBuf),
    Schema { url: Secret, name: String, own: Secret },
}

impl Ground {
    /// A new SQLite database in a new folder inside `parent`.
    pub async fn sqlite(parent: &Path) -> Result<Self> {
        let folder = parent.join(format!("justiam-bench-{}", unique()));
        std::fs::create_dir(&folder).map_err(|source| Error::Io { path: folder.clone(), source })?;
        let opened = match Db::open_sqlite(&folder.join("bench.db")).await {
            Ok(db) => app(db),
            Err(error) => Err(error.into()),
        };
        if opened.is_err() {
            // The error that counts is the first one.
            let _ = std::fs::remove_dir_all(&folder);
        }
        Ok(Self { app: opened?, database: "SQLite", place: Place::Folder(folder) })
    }

    /// A new schema in a PostgreSQL database.
    pub async fn postgres(url: &Secret) -> Result<Self> {
        let name = format!("justiam_bench_{}", unique());
        bench::create_schema(url, &name).await?;
        let text = url.expose();
        let separator = if text.contains('?') { '&' } else { '?' };
        let own: Secret = format!("{text}{separator}options=-csearch_path%3D{name}").into();
        let opened = match Db::open_postgres(&own, 10).await {
            Ok(db) => app(db),
            Err(error) => Err(error.into()),
        };
        if opened.is_err() {
            bench::drop_schema(url, &name).await?;
        }
        Ok(Self { app: opened?, database: "PostgreSQL", place: Place::Schema { url: url.clone(), name, own } })
    }

    /// Removes what was made.
    pub async fn remove(self) -> Result<()> {
        self.app.db.close().await;
        match &self.place {
            Place::Folder(folder) => {
                std::fs::remove_dir_all(folder).map_err(|source| Error::Io { path: folder.clone(), source })
            }
            Place::Schema { url, name, .. } => Ok(bench::drop_schema(url, name).await?),
        }
    }

    /// A folder for files on the disk that was chosen.
    pub(super) fn folder(&self) -> PathBuf {
        match &self.place {
            Place::Folder(folder) => folder.clone(),
            Place::Schema { .. } => std::env::temp_dir(),
        }
    }

    /// The address of the schema, for a server of its own.
    pub(super) fn url(&self) -> Option<&Secret> {
        match &self.place {
            Place::Folder(_) => None,
            Place::Schema { own, .. } => Some(own),
        }
    }

    /// Creates tasks, each of which fires once at the instant that `run_at` says, or on an expression.
    pub(super) async fn create_tasks(&self, fire: &[Fire]) -> Result<Vec<TaskId>> {
        let now = self.app.now();
        let mut ids = Vec::with_capacity(fire.len());
        for batch in fire.chunks(BATCH) {
            let mut tx = self.app.db.write().await?;
            for fire in batch {
                let row = task(&self.app, fire, now);
                ids.push(row.id);
                tasks::insert(&mut tx, &row).await?;
            }
            tx.commit().await?;
        }
        bench::analyze(&self.app.db).await?;
        Ok(ids)
    }

    /// Creates tasks that run a script, and that nothing but a trigger fires.
    pub(super) async fn create_scripts(&self, count: usize, source: &str) -> Result<Vec<TaskId>> {
        let now = self.app.now();
        let mut ids = Vec::with_capacity(count);
        let mut tx = self.app.db.write().await?;
        for _ in 0..count {
            let mut row = task(&self.app, &Fire::Never, now);
            row.definition.task_type = TaskType::Script;
            row.definition.script = Some(source.to_owned());
            ids.push(row.id);
            tasks::insert(&mut tx, &row).await?;
        }
        tx.commit().await?;
        Ok(ids)
    }

    /// Fails when an instant has passed before the engine was started: what follows would measure nothing.
    pub(super) fn not_after(&self, instant: Timestamp) -> Result<()> {
        if self.app.now() < instant {
            return Ok(());
        }
        Err(Error::Unfinished(
            "creating the tasks took so long that they were due before the engine was started".into(),
        ))
    }

    /// Starts the engine with work that does nothing.
    pub(super) fn start(&self, roles: Roles, workers: u32) -> Engine {
        let done = Arc::new(Nothing::default());
        Engine { done: Arc::clone(&done), ..self.start_with(done, roles, workers) }
    }

    /// Starts the engine with other work.
    pub(super) fn start_with(&self, executor: Arc<dyn Execute>, roles: Roles, workers: u32) -> Engine {
        let settings = Settings { slots: workers, step_slots: 1, roles, history: History { days: 90 } };
        let driver = Arc::new(Driver::new(Arc::clone(&self.app), executor, Arc::new(Nothing::default()), settings));
        let shutdown = Shutdown::new();
        let stages = shutdown.clone();
        let running = tokio::spawn(async move { driver.run(&stages.soft, &stages.hard).await });
        Engine { done: Arc::default(), shutdown, running }
    }
}

/// When a task fires.
pub(super) enum Fire {
    At(Timestamp),
    Cron(&'static str, Timestamp),
    Never,
}

/// An engine at work.
pub(super) struct Engine {
    pub(super) done: Arc<Nothing>,
    shutdown: Shutdown,
    running: tokio::task::JoinHandle<()>,
}

impl Engine {
    /// Ends it gently: what has begun is recorded.
    pub(super) async fn stop(self) {
        self.shutdown.soft.cancel();
        // A panic in the engine has been printed, and shows in the counts.
        let _ = self.running.await;
    }

    /// Waits until no run is active, looking now and then.
    pub(super) async fn idle(&self, ground: &Ground, within: SignedDuration) -> Result<()> {
        let begun = ground.app.clock.monotonic();
        while bench::any_active(&ground.app.db).await? {
            if ground.app.clock.monotonic() - begun > within {
                return Err(Error::Unfinished("runs were still active".into()));
            }
            ground.app.clock.sleep_until(ground.app.now() + SignedDuration::from_millis(10)).await;
        }
        Ok(())
    }

    /// Waits until so many runs were executed and none is active, without taking much from them: for work whose end does not
    /// matter to the millisecond.
    pub(super) async fn finished_gently(&self, ground: &Ground, runs: u64, within: SignedDuration) -> Result<()> {
        let begun = ground.app.clock.monotonic();
        while self.done.executed.load(Ordering::Relaxed) < runs && ground.app.clock.monotonic() - begun < within {
            ground.app.clock.sleep_until(ground.app.now() + SignedDuration::from_millis(50)).await;
        }
        self.finished(ground, runs, SignedDuration::from_secs(30)).await
    }

    /// Waits until so many runs were executed and none is active.
    pub(super) async fn finished(&self, ground: &Ground, runs: u64, within: SignedDuration) -> Result<()> {
        let begun = ground.app.clock.monotonic();
        loop {
            let executed = self.done.executed.load(Ordering::Relaxed);
            if executed >= runs && !bench::any_active(&ground.app.db).await? {
                return Ok(());
            }
            if ground.app.clock.monotonic() - begun > within {
                return Err(Error::Unfinished(format!("{executed} of {runs} runs were executed")));
            }
            let wake = ground.app.now() + SignedDuration::from_millis(2);
            ground.app.clock.sleep_until(wake).await;
        }
    }
}

/// Work that does nothing, and counts how often.
#[derive(Debug, Default)]
pub(super) struct Nothing {
    pub(super) executed: AtomicU64,
}

impl Execute for Nothing {
    fn execute<'a>(&'a self, _: Work<'a>) -> BoxFuture<'a, Ending> {
        Box::pin(async {
            self.executed.fetch_add(1, Ordering::Relaxed);
            Ending { status: RunStatus::Success, output: None, error: None, isolation: None }
        })
    }
}

/// No workload has schedules.
impl ExecuteStep for Nothing {
    fn execute<'a>(&'a self, _: StepWork<'a>) -> BoxFuture<'a, StepEnding> {
        Box::pin(async { StepEnding::new(ActivityStatus::Complete) })
    }
}

/// Tells this measurement from all others on the machine and on the database.
pub(super) fn unique() -> String {
    format!("{}_{}", std::process::id(), SystemClock.now().as_microsecond())
}

fn app(db: Db) -> Result<Arc<App>> {
    // Nothing secret is stored.
    let vault = Vault::new(&"a bench has no secrets of its own".into())?;
    Ok(Arc::new(App::new(db, Arc::new(SystemClock), vault)))
}

fn task(app: &App, fire: &Fire, now: Timestamp) -> TaskRow {
    let id = TaskId::from_uuid(app.new_id());
    let (schedule_type, cron_expr, run_at, next_run_at) = match fire {
        Fire::At(at) => (ScheduleType::Once, None, Some(*at), Some(*at)),
        Fire::Cron(expr, next) => (ScheduleType::Cron, Some((*expr).to_owned()), None, Some(*next)),
        Fire::Never => (ScheduleType::Once, None, None, None),
    };
    TaskRow {
        id,
        definition: Definition {
            name: format!("bench {id}"),
            description: None,
            task_type: TaskType::SamlSessionCleanup,
            schedule_type,
            cron_expr,
            timezone: DEFAULT_TIMEZONE.to_owned(),
            run_at,
            overlap_policy: OverlapPolicy::Allow,
            enabled: true,
            timeout_seconds: 30,
            script: None,
            script_sha256: None,
            config: Map::new(),
            task_config: ConfigMap::new(),
        },
        is_system: false,
        next_run_at,
        revision: app.new_revision(),
        created_at: now,
        updated_at: now,
        last_run_at: None,
        last_status: None,
    }
}
