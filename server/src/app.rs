//! Use cases: one public function for each thing that a client can ask for.
//!
//! A use case checks permission and input, owns its transaction, and decides the order of rules. It knows nothing of HTTP,
//! and the SQL is the store's.

pub(crate) mod activities;
mod audit;
pub(crate) mod builtin;
pub mod caller;
pub mod connected_systems;
pub mod connector;
pub(crate) mod error;
pub(crate) mod executions;
pub(crate) mod fields;
pub mod fixtures;
pub(crate) mod idempotency;
pub mod identity;
pub mod invariants;
pub(crate) mod json;
pub mod me;
mod messages;
pub mod metrics;
pub(crate) mod rates;
pub mod readiness;
pub(crate) mod refusals;
pub mod rotation;
pub(crate) mod run_logs;
pub mod runs;
pub mod schedules;
pub mod secrets;
pub mod service_accounts;
pub mod syntax;
pub mod system_tasks;
pub mod tasks;
pub mod tokens;
pub(crate) mod uses;
pub mod vault;
pub(crate) mod wake;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use justiam_planner::lease::{self, Hold};
use justiam_planner::overlap::DEFAULT_MAX_QUEUED;
use justiam_sdk::api::ids::{ActivityId, RunId};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use uuid::{ContextV7, Uuid};

pub use error::{Error, FieldErrors};
pub use fields::Object;
pub use idempotency::IdempotencyKey;

use crate::clock::{Clock, DatabaseClock};
use crate::config::{DEFAULT_AUDIT_DAYS, Limits};
use crate::store::Db;
use crate::telemetry::traces::Telemetry;
use metrics::Latest;
use metrics::counts::Counts;
use rates::Rates;
use readiness::Readiness;
use refusals::Refusals;
use run_logs::Followers;
use secrets::compare::Comparisons;
use syntax::SyntaxCheck;
use uses::Uses;
use vault::Vault;
use wake::{Wake, Wakes};

/// The result of a use case.
pub type Result<T> = std::result::Result<T, Error>;

/// Bytes as lower-case hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Of the readers and the one writer of SQLite, and of the connections to PostgreSQL, most are left to others.
const SCRIPT_TURNS: usize = 2;

/// What all use cases share.
pub struct App {
    pub(crate) db: Db,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) vault: Vault,
    /// After how many days entries of the audit log may be deleted.
    pub(crate) audit_days: u32,
    /// How many runs of one task may wait under `queue`.
    pub(crate) queue_limit: u64,
    pub(crate) wakes: Wakes,
    /// How many changes and lists of scripts the database sees at a time.
    pub(crate) script_turns: Semaphore,
    pub(crate) followers: Followers,
    comparisons: Comparisons,
    refusals: Refusals,
    uses: Uses,
    rates: Rates,
    /// How long a client may take for what it sends.
    pub(crate) body_patience: Duration,
    /// The same clock, where it follows that of a shared database.
    database_clock: Option<Arc<DatabaseClock>>,
    syntax: OnceLock<SyntaxCheck>,
    /// How scripts are isolated here, for whoever watches the server.
    isolation: OnceLock<String>,
    metrics: Latest,
    pub(crate) counts: Counts,
    readiness: Readiness,
    /// What makes spans of requests; nothing where nobody serves any.
    pub(crate) telemetry: OnceLock<Telemetry>,
    ids: Mutex<ContextV7>,
    /// What this process is executing.
    running: Mutex<HashMap<WorkId, Running>>,
}

/// Something that workers execute under leases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum WorkId {
    /// A run of a task.
    Run(RunId),
    /// A step of a schedule, or a run profile, by its activity.
    Step(ActivityId),
}

impl WorkId {
    /// The run, if it is one.
    pub(crate) fn run(self) -> Option<RunId> {
        if let Self::Run(id) = self { Some(id) } else { None }
    }

    /// The step, if it is one.
    pub(crate) fn step(self) -> Option<ActivityId> {
        if let Self::Step(id) = self { Some(id) } else { None }
    }
}

impl From<RunId> for WorkId {
    fn from(id: RunId) -> Self {
        Self::Run(id)
    }
}

impl From<ActivityId> for WorkId {
    fn from(id: ActivityId) -> Self {
        Self::Step(id)
    }
}

/// Something that this process is executing.
struct Running {
    stop: RunStop,
    /// When its lease was asked for, on the monotonic clock.
    asked_at: SignedDuration,
    /// It is over, and its end could not be recorded.
    abandoned: bool,
}

/// How to stop a run or a step.
#[derive(Debug, Clone, Default)]
pub struct RunStop {
    /// Somebody asked to cancel it.
    pub cancelled: CancellationToken,
    /// Its lease may end, so that others take it for lost.
    pub lost: CancellationToken,
}

impl App {
    /// Puts the parts together.
    pub fn new(db: Db, clock: Arc<dyn Clock>, vault: Vault) -> Self {
        Self::with_clocks(db, clock, None, vault)
    }

    /// Puts the parts together with a clock that follows the database's. Fails when that cannot be read.
    pub async fn following_database(db: Db, clock: Arc<dyn Clock>, vault: Vault) -> Result<Self> {
        let clock = Arc::new(DatabaseClock::new(clock));
        let app = Self::with_clocks(db, Arc::<DatabaseClock>::clone(&clock), Some(clock), vault);
        app.follow_database_clock().await?;
        Ok(app)
    }

    fn with_clocks(db: Db, clock: Arc<dyn Clock>, database_clock: Option<Arc<DatabaseClock>>, vault: Vault) -> Self {
        Self {
            db,
            clock,
            database_clock,
            vault,
            audit_days: DEFAULT_AUDIT_DAYS,
            queue_limit: DEFAULT_MAX_QUEUED,
            wakes: Wakes::default(),
            script_turns: Semaphore::new(SCRIPT_TURNS),
            followers: Followers::default(),
            comparisons: Comparisons::default(),
            refusals: Refusals::default(),
            uses: Uses::default(),
            rates: Rates::new(&Limits::default()),
            body_patience: Limits::default().body_patience,
            syntax: OnceLock::new(),
            isolation: OnceLock::new(),
            metrics: Latest::default(),
            counts: Counts::default(),
            readiness: Readiness::default(),
            telemetry: OnceLock::new(),
            ids: Mutex::new(ContextV7::new()),
            running: Mutex::default(),
        }
    }

    /// Puts limits to how much clients may ask.
    pub(crate) fn limit(&mut self, limits: &Limits) {
        self.body_patience = limits.body_patience;
        self.rates = Rates::new(limits);
    }

    /// How scripts are isolated on this server; `None` where there is nobody to run them.
    pub fn isolation(&self) -> Option<&str> {
        self.isolation.get().map(String::as_str)
    }

    /// Says how scripts are isolated, one time.
    pub(crate) fn tell_isolation(&self, isolation: String) {
        let _ = self.isolation.set(isolation);
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A new id: sorted by the clock's time, and within one millisecond by the order of creation.
    #[expect(clippy::cast_sign_loss, reason = "clocks before 1970 count as 1970")]
    pub(crate) fn new_id(&self) -> Uuid {
        let now = self.now();
        let context = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
        let nanos = now.subsec_nanosecond().max(0) as u32;
        Uuid::new_v7(uuid::Timestamp::from_unix(&*context, now.as_second().max(0) as u64, nanos))
    }

    /// An opaque text that was never used before.
    pub(crate) fn new_revision(&self) -> String {
        self.new_id().simple().to_string()
    }

    /// Compares the clock with the database's, where it follows that.
    pub(crate) async fn follow_database_clock(&self) -> Result<()> {
        let Some(clock) = &self.database_clock else { return Ok(()) };
        // The quickest of a few answers says most.
        let mut best: Option<(SignedDuration, SignedDuration, Timestamp)> = None;
        for _ in 0..3 {
            let asked = clock.monotonic();
            let Some(time) = self.db.time().await? else { return Ok(()) };
            let took = clock.monotonic() - asked;
            if best.is_none_or(|(best, ..)| took < best) {
                best = Some((took, asked + took / 2, time));
            }
        }
        if let Some((_, at, time)) = best {
            clock.set(at, time);
        }
        Ok(())
    }

    /// Registers what this process begins to execute, under a lease that was asked for at `asked_at`.
    pub(crate) fn work_begins(&self, id: impl Into<WorkId>, asked_at: SignedDuration) -> RunStop {
        let stop = RunStop::default();
        let running = Running { stop: stop.clone(), asked_at, abandoned: false };
        self.running.lock().unwrap_or_else(PoisonError::into_inner).insert(id.into(), running);
        stop
    }

    /// The leases that this process holds, and the time since each was asked for.
    pub(crate) fn leases(&self) -> Vec<(WorkId, SignedDuration)> {
        let now = self.clock.monotonic();
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.iter().filter(|(_, work)| !work.abandoned).map(|(id, work)| (*id, now - work.asked_at)).collect()
    }

    /// Notes that leases were renewed by a request that began at `asked_at`.
    pub(crate) fn leases_renewed(&self, ids: impl IntoIterator<Item = WorkId>, asked_at: SignedDuration) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        for id in ids {
            if let Some(work) = running.get_mut(&id) {
                work.asked_at = asked_at;
            }
        }
    }

    /// Whether a lease may end before a renewal comes, so that the work must not begin any more.
    pub(crate) fn is_overdue(&self, id: impl Into<WorkId>) -> bool {
        let now = self.clock.monotonic();
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.get(&id.into()).is_none_or(|work| lease::hold(now - work.asked_at) == Hold::Stop)
    }

    /// Stops work whose lease may end. `false` when it was told so before.
    pub(crate) fn lose(&self, id: WorkId) -> bool {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(work) = running.get(&id).filter(|work| !work.stop.lost.is_cancelled()) else { return false };
        work.stop.lost.cancel();
        true
    }

    /// The runs that this process has begun, and whose ends are not on record: nobody may begin them again.
    pub(crate) fn begun_runs(&self) -> Vec<RunId> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.keys().filter_map(|id| id.run()).collect()
    }

    /// The steps that this process has begun, and whose ends are not on record: nobody may begin them again.
    pub(crate) fn begun_steps(&self) -> Vec<ActivityId> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.keys().filter_map(|id| id.step()).collect()
    }

    /// The runs that this process executes: none of them is lost.
    pub(crate) fn running_runs(&self) -> Vec<RunId> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.iter().filter(|(_, work)| !work.abandoned).filter_map(|(id, _)| id.run()).collect()
    }

    /// The steps that this process executes: none of them is lost.
    pub(crate) fn running_steps(&self) -> Vec<ActivityId> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.iter().filter(|(_, work)| !work.abandoned).filter_map(|(id, _)| id.step()).collect()
    }

    /// Leaves what this process has executed, and whose end it cannot record, to whoever looks for what is lost.
    pub(crate) fn work_abandoned(&self, id: impl Into<WorkId>) {
        if let Some(work) = self.running.lock().unwrap_or_else(PoisonError::into_inner).get_mut(&id.into()) {
            work.abandoned = true;
        }
    }

    /// Forgets what this process has ended.
    pub(crate) fn work_ended(&self, id: impl Into<WorkId>) {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).remove(&id.into());
    }

    /// Stops what somebody asked to cancel, wherever it is executed. Call it after the request is committed.
    pub(crate) fn stop_work<I: Into<WorkId> + Copy>(&self, ids: &[I]) {
        if !ids.is_empty() {
            self.cancel_here(ids.iter().map(|id| (*id).into()));
            self.wakes.all(Wake::Cancel);
        }
    }

    /// Stops that of it which this process executes.
    pub(crate) fn cancel_here(&self, ids: impl IntoIterator<Item = WorkId>) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        for work in ids.into_iter().filter_map(|id| running.get(&id)) {
            work.stop.cancelled.cancel();
        }
    }
}
