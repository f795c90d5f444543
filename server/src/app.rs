//! Use cases: one public function for each thing that a client can ask for.
//!
//! A use case checks permission and input, owns its transaction, and decides the order of rules. It knows nothing of HTTP,
//! and the SQL is the store's.

mod audit;
pub(crate) mod builtin;
pub mod caller;
pub(crate) mod error;
pub(crate) mod fields;
pub mod fixtures;
pub(crate) mod idempotency;
pub mod identity;
pub mod invariants;
pub(crate) mod json;
mod messages;
pub mod metrics;
pub(crate) mod run_logs;
pub mod runs;
pub mod secrets;
pub mod syntax;
pub mod system_tasks;
pub mod tasks;
pub mod tokens;
pub mod vault;
pub(crate) mod wake;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use jiff::{SignedDuration, Timestamp};
use justiam_planner::lease::{self, Hold};
use justiam_planner::overlap::DEFAULT_MAX_QUEUED;
use justiam_sdk::api::ids::RunId;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use uuid::{ContextV7, Uuid};

pub use error::{Error, FieldErrors};
pub use fields::Object;
pub use idempotency::IdempotencyKey;

use crate::clock::{Clock, DatabaseClock};
use crate::config::DEFAULT_AUDIT_DAYS;
use crate::store::Db;
use metrics::Latest;
use run_logs::Followers;
use syntax::SyntaxCheck;
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
    /// The same clock, where it follows that of a shared database.
    database_clock: Option<Arc<DatabaseClock>>,
    syntax: OnceLock<SyntaxCheck>,
    /// How scripts are isolated here, for whoever watches the server.
    isolation: OnceLock<String>,
    metrics: Latest,
    ids: Mutex<ContextV7>,
    /// The runs that this process is executing.
    running: Mutex<HashMap<RunId, Running>>,
}

/// A run that this process is executing.
struct Running {
    stop: RunStop,
    /// When its lease was asked for, on the monotonic clock.
    asked_at: SignedDuration,
}

/// How to stop a run.
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
            syntax: OnceLock::new(),
            isolation: OnceLock::new(),
            metrics: Latest::default(),
            ids: Mutex::new(ContextV7::new()),
            running: Mutex::default(),
        }
    }

    /// Whether the database answers.
    pub async fn ready(&self) -> Result<()> {
        let mut tx = self.db.read().await?;
        crate::store::tokens::count(&mut tx).await?;
        Ok(())
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

    /// Registers a run that this process begins to execute, under a lease that was asked for at `asked_at`.
    pub(crate) fn run_begins(&self, id: RunId, asked_at: SignedDuration) -> RunStop {
        let stop = RunStop::default();
        let running = Running { stop: stop.clone(), asked_at };
        self.running.lock().unwrap_or_else(PoisonError::into_inner).insert(id, running);
        stop
    }

    /// The leases that this process holds, and the time since each was asked for.
    pub(crate) fn leases(&self) -> Vec<(RunId, SignedDuration)> {
        let now = self.clock.monotonic();
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.iter().map(|(id, run)| (*id, now - run.asked_at)).collect()
    }

    /// Notes that leases were renewed by a request that began at `asked_at`.
    pub(crate) fn leases_renewed(&self, ids: &[RunId], asked_at: SignedDuration) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        for id in ids {
            if let Some(run) = running.get_mut(id) {
                run.asked_at = asked_at;
            }
        }
    }

    /// Whether the lease of a run may end before a renewal comes, so that it must not begin any more.
    pub(crate) fn is_overdue(&self, id: RunId) -> bool {
        let now = self.clock.monotonic();
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.get(&id).is_none_or(|run| lease::hold(now - run.asked_at) == Hold::Stop)
    }

    /// Stops a run whose lease may end. `false` when it was told so before.
    pub(crate) fn lose_run(&self, id: RunId) -> bool {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(run) = running.get(&id).filter(|run| !run.stop.lost.is_cancelled()) else { return false };
        run.stop.lost.cancel();
        true
    }

    /// The runs that this process executes.
    pub(crate) fn running(&self) -> Vec<RunId> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).keys().copied().collect()
    }

    /// Forgets a run that this process has ended.
    pub(crate) fn run_ended(&self, id: RunId) {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }

    /// Stops runs that somebody asked to cancel, wherever they are executed. Call it after the request is committed.
    pub(crate) fn stop_runs(&self, ids: &[RunId]) {
        if !ids.is_empty() {
            self.cancel_here(ids);
            self.wakes.all(Wake::Cancel);
        }
    }

    /// Stops those runs that this process executes.
    pub(crate) fn cancel_here(&self, ids: &[RunId]) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        for run in ids.iter().filter_map(|id| running.get(id)) {
            run.stop.cancelled.cancel();
        }
    }
}
