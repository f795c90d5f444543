//! Activities that have not ended and whose turn has come: who executes them, and until when.
//!
//! Whoever records, cancels or ends steps of an execution holds that execution's lock ([`super::executions::lock`]) and takes it
//! before anything here. An activity without an execution needs none.

use jiff::Timestamp;
use justiam_sdk::api::ids::{ActivityId, ExecutionId};
use serde::Serialize;

use super::{Error, Result, Tx, executions, given, maybe_time, on, parsed, rows};

/// A step that a worker may execute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedStep {
    /// What the step does is recorded here.
    pub activity: ActivityId,
    /// The execution of which it is a step.
    pub execution: Option<ExecutionId>,
    /// The number of this start. Only the latest attempt's word counts.
    pub attempt: i32,
    /// When it started.
    pub started_at: Timestamp,
}

/// A step that has just ceased to be active.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedStep {
    /// The activity.
    pub activity: ActivityId,
    /// The execution of which it is a step.
    pub execution: Option<ExecutionId>,
    /// When it started.
    pub started_at: Option<Timestamp>,
    /// Why somebody asked to cancel it, if somebody did.
    pub cancelled: Option<String>,
}

#[derive(sqlx::FromRow)]
struct EndedRow {
    activity_id: String,
    execution_id: Option<String>,
    started_at: Option<i64>,
    cancel_requested: bool,
    reason: Option<String>,
}

impl TryFrom<EndedRow> for EndedStep {
    type Error = Error;

    fn try_from(row: EndedRow) -> Result<Self> {
        Ok(Self {
            activity: parsed("active_steps.activity_id", &row.activity_id)?,
            execution: execution(row.execution_id.as_deref())?,
            started_at: maybe_time("active_steps.started_at", row.started_at)?,
            cancelled: row.reason.filter(|_| row.cancel_requested),
        })
    }
}

#[derive(Serialize)]
struct GivenId {
    id: String,
}

fn given_ids<'a>(ids: impl IntoIterator<Item = &'a ActivityId>) -> String {
    rows(ids.into_iter().map(|id| GivenId { id: id.to_string() }))
}

fn execution(stored: Option<&str>) -> Result<Option<ExecutionId>> {
    stored.map(|id| parsed("active_steps.execution_id", id)).transpose()
}

fn pairs(found: &[(String, Option<String>)]) -> Result<Vec<(ActivityId, Option<ExecutionId>)>> {
    found.iter().map(|(id, of)| Ok((parsed("active_steps.activity_id", id)?, execution(of.as_deref())?))).collect()
}

fn ids(found: &[String]) -> Result<Vec<ActivityId>> {
    found.iter().map(|id| parsed("active_steps.activity_id", id)).collect()
}

/// Lets the steps of an execution with this index begin, in the order of the schedule.
pub async fn insert_group(tx: &mut Tx, execution: ExecutionId, step_index: i64) -> Result<u64> {
    // Other steps keep the number of a connected system too, where they were given one.
    Ok(on!(tx, conn => sqlx::query(
        "INSERT INTO active_steps (activity_id, execution_id, connected_system_id, status) \
         SELECT id, execution_id, CASE WHEN step_type = 'RunProfile' THEN connected_system_id END, 'queued' \
         FROM activities WHERE execution_id = $1 AND step_index = $2 ORDER BY position",
    ).bind(execution.to_string()).bind(step_index).execute(conn).await?.rows_affected()))
}

/// Lets an activity begin that is no step of an execution.
pub async fn insert(tx: &mut Tx, activity: ActivityId) -> Result<u64> {
    Ok(on!(tx, conn => sqlx::query(
        "INSERT INTO active_steps (activity_id, connected_system_id, status) \
         SELECT id, connected_system_id, 'queued' FROM activities WHERE id = $1 AND execution_id IS NULL",
    ).bind(activity.to_string()).execute(conn).await?.rows_affected()))
}

/// Starts up to `limit` steps in their turn, under a lease of `worker`, of each connected system one at a time. Tells also
/// whether there are others that somebody else has locked just now. A [`Error::Conflict`] means that another server has just
/// started a run profile of the same connected system.
pub async fn claim(
    tx: &mut Tx,
    worker: &str,
    lease_until: Timestamp,
    now: Timestamp,
    limit: i64,
) -> Result<(Vec<ClaimedStep>, bool)> {
    let candidates: Vec<(i64, Option<String>)> = on!(tx, conn => sqlx::query_as(
        "SELECT a.turn, a.execution_id FROM active_steps a WHERE a.status = 'queued' AND (a.connected_system_id IS NULL OR \
         (NOT EXISTS (SELECT 1 FROM active_steps p WHERE p.connected_system_id = a.connected_system_id \
         AND p.status = 'processing') AND NOT EXISTS (SELECT 1 FROM active_steps q \
         WHERE q.connected_system_id = a.connected_system_id AND q.status = 'queued' AND q.turn < a.turn))) \
         ORDER BY a.turn LIMIT $1",
    ).bind(limit).fetch_all(conn).await?);
    if candidates.is_empty() {
        return Ok((Vec::new(), false));
    }
    // Before their steps, like everybody else. Who has one locked ends or cancels steps of it, and is done in a moment.
    let mut of: Vec<ExecutionId> = Vec::new();
    for (_, id) in &candidates {
        of.extend(execution(id.as_deref())?);
    }
    let locked = executions::lock_free(tx, &of).await?;
    let mut turns = Vec::with_capacity(candidates.len());
    for (turn, id) in &candidates {
        if execution(id.as_deref())?.is_none_or(|id| locked.contains(&id)) {
            turns.push(*turn);
        }
    }
    let claimed = start(tx, worker, lease_until, now, &turns).await?;
    let begun: Vec<ExecutionId> = claimed.iter().filter_map(|step| step.execution).collect();
    executions::start(tx, &begun, now).await?;
    let more = claimed.len() < candidates.len();
    Ok((claimed, more))
}

async fn start(
    tx: &mut Tx,
    worker: &str,
    lease_until: Timestamp,
    now: Timestamp,
    turns: &[i64],
) -> Result<Vec<ClaimedStep>> {
    #[derive(Serialize)]
    struct Given {
        turn: i64,
    }
    macro_rules! start {
        ($open:literal, $lock:literal, $close:literal) => {
            given!(
                tx,
                (turn bigint),
                "UPDATE active_steps SET status = 'processing', worker = $2, lease_until = $3, started_at = $4, \
                 attempt = attempt + 1 WHERE turn ",
                $open,
                "SELECT turn FROM active_steps WHERE turn IN (SELECT turn FROM given) AND status = 'queued'",
                $lock,
                $close,
                " RETURNING turn, activity_id, execution_id, attempt"
            )
        };
    }
    let sql = match tx {
        Tx::Sqlite(_) => start!("IN (", "", ")"),
        Tx::Postgres(_) => start!("= ANY (ARRAY(", " FOR UPDATE SKIP LOCKED", "))"),
    };
    let given = rows(turns.iter().map(|turn| Given { turn: *turn }));
    let mut claimed: Vec<(i64, String, Option<String>, i64)> = on!(tx, conn => sqlx::query_as(sql)
        .bind(given).bind(worker).bind(lease_until.as_microsecond()).bind(now.as_microsecond())
        .fetch_all(conn).await?);
    claimed.sort_unstable_by_key(|(turn, ..)| *turn);
    let claimed = claimed.into_iter().map(|(_, activity, of, attempt)| {
        Ok(ClaimedStep {
            activity: parsed("active_steps.activity_id", &activity)?,
            execution: execution(of.as_deref())?,
            attempt: attempt.try_into().map_err(|_| Error::Corrupt { column: "active_steps.attempt" })?,
            started_at: now,
        })
    });
    claimed.collect()
}

/// The steps that `worker` has claimed without knowing it, because the answer to its claim was lost: all but `known`.
pub async fn unknown(
    tx: &mut Tx,
    worker: &str,
    known: &[ActivityId],
) -> Result<Vec<(ActivityId, Option<ExecutionId>)>> {
    let sql = given!(
        tx,
        (id text),
        "SELECT activity_id, execution_id FROM active_steps WHERE status = 'processing' AND worker = $2 \
         AND activity_id NOT IN (SELECT id FROM given) ORDER BY turn"
    );
    let found: Vec<(String, Option<String>)> =
        on!(tx, conn => sqlx::query_as(sql).bind(given_ids(known)).bind(worker).fetch_all(conn).await?);
    pairs(&found)
}

/// Gives back what [`unknown`] finds, but for steps that somebody asked to cancel: nobody wants them to begin again.
pub async fn release(tx: &mut Tx, worker: &str, known: &[ActivityId]) -> Result<u64> {
    let sql = given!(
        tx,
        (id text),
        "UPDATE active_steps SET status = 'queued', worker = NULL, lease_until = NULL, started_at = NULL \
         WHERE status = 'processing' AND NOT cancel_requested AND worker = $2 AND activity_id NOT IN (SELECT id FROM given)"
    );
    Ok(on!(tx, conn => sqlx::query(sql).bind(given_ids(known)).bind(worker).execute(conn).await?.rows_affected()))
}

/// Renews leases of `worker`, and returns the steps whose leases were renewed. One that somebody is just writing is left out;
/// who writes down its progress is not in the way.
pub async fn renew(tx: &mut Tx, worker: &str, steps: &[ActivityId], lease_until: Timestamp) -> Result<Vec<ActivityId>> {
    let sql = match tx {
        // Nobody else may take over a step, so there is no lease to keep.
        Tx::Sqlite(_) => return Ok(steps.to_vec()),
        Tx::Postgres(_) => given!(
            tx,
            (id text),
            "UPDATE active_steps SET lease_until = $3 WHERE turn IN (SELECT turn FROM active_steps \
             WHERE activity_id IN (SELECT id FROM given) AND status = 'processing' AND worker = $2 \
             FOR NO KEY UPDATE SKIP LOCKED) RETURNING activity_id"
        ),
    };
    let renewed: Vec<String> = on!(tx, conn => sqlx::query_scalar(sql)
        .bind(given_ids(steps)).bind(worker).bind(lease_until.as_microsecond()).fetch_all(conn).await?);
    ids(&renewed)
}

/// The steps of `worker` that somebody asked to cancel.
pub async fn cancel_requests(tx: &mut Tx, worker: &str) -> Result<Vec<ActivityId>> {
    let found: Vec<String> = on!(tx, conn => sqlx::query_scalar(
        "SELECT activity_id FROM active_steps WHERE cancel_requested AND worker = $1",
    ).bind(worker).fetch_all(conn).await?);
    ids(&found)
}

/// Whether a step is still at work in this attempt, and nobody asked to cancel it. One that others took for lost is not.
pub async fn is_wanted(tx: &mut Tx, step: &ClaimedStep) -> Result<bool> {
    let wanted: Option<bool> = on!(tx, conn => sqlx::query_scalar(
        "SELECT NOT cancel_requested FROM active_steps WHERE activity_id = $1 AND attempt = $2 AND status = 'processing'",
    ).bind(step.activity.to_string()).bind(i64::from(step.attempt)).fetch_optional(conn).await?);
    Ok(wanted.unwrap_or(false))
}

/// How many steps of an execution are active.
pub async fn count(tx: &mut Tx, execution: ExecutionId) -> Result<i64> {
    Ok(on!(tx, conn => sqlx::query_scalar("SELECT count(*) FROM active_steps WHERE execution_id = $1")
        .bind(execution.to_string()).fetch_one(conn).await?))
}

/// Cancels the active steps of an execution: queued ones cease to be active, and the others are returned, which whoever
/// executes them is asked to stop.
pub async fn cancel(tx: &mut Tx, execution: ExecutionId, reason: &str) -> Result<Vec<ActivityId>> {
    on!(tx, conn => sqlx::query("DELETE FROM active_steps WHERE execution_id = $1 AND status = 'queued'")
        .bind(execution.to_string()).execute(conn).await?.rows_affected());
    let asked: Vec<String> = on!(tx, conn => sqlx::query_scalar(
        "UPDATE active_steps SET cancel_requested = TRUE, reason = $2 WHERE execution_id = $1 AND NOT cancel_requested \
         RETURNING activity_id",
    ).bind(execution.to_string()).bind(reason).fetch_all(conn).await?);
    ids(&asked)
}

/// Takes a step that has ended out of the active ones, if `worker` still executes it in this attempt. If not, somebody else
/// has decided about it.
pub async fn take_ended(tx: &mut Tx, worker: &str, activity: ActivityId, attempt: i32) -> Result<Option<EndedStep>> {
    let gone: Option<EndedRow> = on!(tx, conn => sqlx::query_as(
        "DELETE FROM active_steps WHERE activity_id = $1 AND attempt = $2 AND status = 'processing' AND worker = $3 \
         RETURNING activity_id, execution_id, started_at, cancel_requested, reason",
    ).bind(activity.to_string()).bind(i64::from(attempt)).bind(worker).fetch_optional(conn).await?);
    gone.map(EndedStep::try_from).transpose()
}

/// Takes a step out of the active ones that `worker` has claimed, in whatever attempt.
pub async fn take(tx: &mut Tx, worker: &str, activity: ActivityId) -> Result<Option<EndedStep>> {
    let gone: Option<EndedRow> = on!(tx, conn => sqlx::query_as(
        "DELETE FROM active_steps WHERE activity_id = $1 AND status = 'processing' AND worker = $2 \
         RETURNING activity_id, execution_id, started_at, cancel_requested, reason",
    ).bind(activity.to_string()).bind(worker).fetch_optional(conn).await?);
    gone.map(EndedStep::try_from).transpose()
}

/// Up to `limit` steps whose lease has ended, except those that this process knows to be at work.
pub async fn lost(
    tx: &mut Tx,
    now: Timestamp,
    known: &[ActivityId],
    limit: i64,
) -> Result<Vec<(ActivityId, Option<ExecutionId>)>> {
    let sql = given!(
        tx,
        (id text),
        "SELECT activity_id, execution_id FROM active_steps WHERE status = 'processing' AND lease_until <= $2 \
         AND activity_id NOT IN (SELECT id FROM given) ORDER BY turn LIMIT $3"
    );
    let found: Vec<(String, Option<String>)> = on!(tx, conn => sqlx::query_as(sql)
        .bind(given_ids(known)).bind(now.as_microsecond()).bind(limit).fetch_all(conn).await?);
    pairs(&found)
}

/// Takes steps out of the active ones whose lease has ended.
pub async fn take_lost(tx: &mut Tx, now: Timestamp, steps: &[ActivityId]) -> Result<Vec<EndedStep>> {
    let sql = given!(
        tx,
        (id text),
        "DELETE FROM active_steps WHERE activity_id IN (SELECT id FROM given) AND status = 'processing' \
         AND lease_until <= $2 RETURNING activity_id, execution_id, started_at, cancel_requested, reason"
    );
    let gone: Vec<EndedRow> = on!(tx, conn => sqlx::query_as(sql)
        .bind(given_ids(steps)).bind(now.as_microsecond()).fetch_all(conn).await?);
    gone.into_iter().map(EndedStep::try_from).collect()
}
