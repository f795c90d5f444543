//! Runs that have not ended: whose turn it is, who executes them, and until when.
//!
//! Whoever records, cancels or ends runs of a task whose overlap policy is not `allow` holds that task's lock
//! ([`super::tasks::lock`], [`super::tasks::lock_serial`]), takes it before anything here, and calls [`settle`] at the end. A
//! claim takes only what is ready, and needs no task.

use std::collections::HashMap;

use jiff::Timestamp;
use justiam_sdk::api::ids::{RunId, TaskId};
use justiam_sdk::api::values::{RunStatus, Trigger};
use serde::Serialize;

use super::runs::{self, End, Ending, Fate, NewRun};
use super::{Error, Result, Tx, given, locked, maybe_time, on, parsed, rows};

/// A run that a worker may execute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// The run.
    pub id: RunId,
    /// Its task.
    pub task_id: TaskId,
    /// The number of this start. Only the latest attempt's word counts.
    pub attempt: i32,
    /// When it started.
    pub started_at: Timestamp,
    /// When its turn had come.
    pub ready_at: Option<Timestamp>,
    /// The nominal time of its tick; `None` for a trigger.
    pub due_at: Option<Timestamp>,
}

/// The runs of a task that have not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActiveRuns {
    /// Queued and running ones.
    pub active: u64,
    /// Queued ones alone.
    pub queued: u64,
    /// The oldest one.
    pub oldest: RunId,
}

/// A run that has just ceased to be active.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// The run.
    pub id: RunId,
    /// Its task.
    pub task_id: TaskId,
    /// The number of its start.
    pub attempt: i32,
    /// When it started.
    pub started_at: Option<Timestamp>,
    /// Why somebody asked to cancel it, if somebody did.
    pub cancelled: Option<String>,
}

#[derive(sqlx::FromRow)]
struct EndedRow {
    id: String,
    task_id: String,
    attempt: i64,
    started_at: Option<i64>,
    cancel_requested: bool,
    reason: Option<String>,
}

impl TryFrom<EndedRow> for Ended {
    type Error = Error;

    fn try_from(row: EndedRow) -> Result<Self> {
        Ok(Self {
            id: parsed("active_runs.id", &row.id)?,
            task_id: parsed("active_runs.task_id", &row.task_id)?,
            attempt: attempt(row.attempt)?,
            started_at: maybe_time("active_runs.started_at", row.started_at)?,
            cancelled: row.reason.filter(|_| row.cancel_requested),
        })
    }
}

impl Ended {
    /// The run's history. One that somebody asked to cancel is cancelled, whatever it did last.
    pub fn into_end(self, ending: Ending) -> End {
        let status = if self.cancelled.is_some() { RunStatus::Cancelled } else { ending.status.clone() };
        End {
            id: self.id,
            ending: Ending { status, ..ending },
            reason: self.cancelled,
            started_at: self.started_at,
            attempt: self.attempt,
        }
    }
}

#[derive(Serialize)]
struct GivenId {
    id: String,
}

#[derive(Serialize)]
struct GivenTask {
    task_id: String,
}

fn given_ids<'a>(ids: impl IntoIterator<Item = &'a RunId>) -> String {
    rows(ids.into_iter().map(|id| GivenId { id: id.to_string() }))
}

fn given_tasks<'a>(tasks: impl IntoIterator<Item = &'a TaskId>) -> String {
    rows(tasks.into_iter().map(|task| GivenTask { task_id: task.to_string() }))
}

fn attempt(stored: i64) -> Result<i32> {
    stored.try_into().map_err(|_| Error::Corrupt { column: "active_runs.attempt" })
}

/// Adds runs that have just been recorded, in their order.
pub(super) async fn insert(tx: &mut Tx, runs: impl IntoIterator<Item = &NewRun>) -> Result<()> {
    #[derive(Serialize)]
    struct Given {
        id: String,
        task_id: String,
        ready: bool,
        ready_at: Option<i64>,
        due_at: Option<i64>,
    }
    let sql = given!(
        tx,
        (id text, task_id text, ready boolean, ready_at bigint, due_at bigint),
        "INSERT INTO active_runs (id, task_id, status, ready, ready_at, due_at) \
         SELECT id, task_id, 'queued', ready, ready_at, due_at FROM given ORDER BY id"
    );
    let given = rows(runs.into_iter().map(|run| Given {
        id: run.id.to_string(),
        task_id: run.task_id.to_string(),
        ready: run.fate == Fate::Ready,
        ready_at: (run.fate == Fate::Ready).then(|| run.queued_at.as_microsecond()),
        due_at: (run.trigger != Trigger::Manual).then(|| run.scheduled_for.as_microsecond()),
    }));
    if given != "[]" {
        on!(tx, conn => sqlx::query(sql).bind(given).execute(conn).await?.rows_affected());
    }
    Ok(())
}

/// The active runs of tasks. A task without any is absent.
pub async fn of_tasks(tx: &mut Tx, tasks: &[TaskId]) -> Result<HashMap<TaskId, ActiveRuns>> {
    if tasks.is_empty() {
        return Ok(HashMap::new());
    }
    let sql = given!(
        tx,
        (task_id text),
        "SELECT a.task_id, count(*), sum(CASE WHEN a.status = 'queued' THEN 1 ELSE 0 END), \
         (SELECT o.id FROM active_runs o WHERE o.task_id = a.task_id ORDER BY o.turn LIMIT 1) \
         FROM active_runs a WHERE a.task_id IN (SELECT task_id FROM given) GROUP BY a.task_id"
    );
    let found: Vec<(String, i64, i64, String)> =
        on!(tx, conn => sqlx::query_as(sql).bind(given_tasks(tasks)).fetch_all(conn).await?);
    let found = found.into_iter().map(|(task, active, queued, oldest)| {
        let active = ActiveRuns {
            active: active.try_into().unwrap_or_default(),
            queued: queued.try_into().unwrap_or_default(),
            oldest: parsed("active_runs.id", &oldest)?,
        };
        Ok((parsed("active_runs.task_id", &task)?, active))
    });
    found.collect()
}

/// Makes the oldest queued run of each task ready where none of its runs is running or ready. Returns how many became ready.
pub async fn settle(tx: &mut Tx, tasks: &[TaskId], now: Timestamp) -> Result<u64> {
    if tasks.is_empty() {
        return Ok(0);
    }
    let sql = given!(
        tx,
        (task_id text),
        "UPDATE active_runs SET ready = TRUE, ready_at = $2 WHERE turn IN (SELECT min(q.turn) FROM active_runs q \
         WHERE q.task_id IN (SELECT task_id FROM given) AND q.status = 'queued' GROUP BY q.task_id) \
         AND NOT EXISTS (SELECT 1 FROM active_runs o WHERE o.task_id = active_runs.task_id \
         AND (o.status = 'running' OR o.ready))"
    );
    Ok(on!(tx, conn => sqlx::query(sql)
        .bind(given_tasks(tasks)).bind(now.as_microsecond()).execute(conn).await?.rows_affected()))
}

/// Puts the queued runs of a task in the order that its overlap policy wants, after the policy has changed: all ready, or one
/// after the other.
pub async fn reorder(tx: &mut Tx, task: TaskId, one_by_one: bool, now: Timestamp) -> Result<u64> {
    // Locked, so that a worker that ends one of them meanwhile sees the new policy.
    let sql = locked!(tx, ["SELECT turn FROM active_runs WHERE task_id = $1 AND status = 'running'"], "FOR UPDATE");
    let _: Vec<i64> = on!(tx, conn => sqlx::query_scalar(sql).bind(task.to_string()).fetch_all(conn).await?);
    let changed = on!(tx, conn => sqlx::query(
        "UPDATE active_runs SET ready = $2, ready_at = $3 WHERE task_id = $1 AND status = 'queued' AND ready <> $2",
    ).bind(task.to_string()).bind(!one_by_one).bind(now.as_microsecond()).execute(conn).await?.rows_affected());
    if one_by_one { settle(tx, &[task], now).await } else { Ok(changed) }
}

/// Turn, run, task, attempt, and the two times of a claim.
type ClaimedRow = (i64, String, String, i64, Option<i64>, Option<i64>);

macro_rules! claim {
    ($open:literal, $lock:literal, $close:literal) => {
        concat!(
            "UPDATE active_runs SET status = 'running', ready = FALSE, worker = $1, lease_until = $2, started_at = $3, \
             attempt = attempt + 1 WHERE turn ",
            $open,
            "SELECT turn FROM active_runs WHERE ready ORDER BY turn LIMIT $4",
            $lock,
            $close,
            " RETURNING turn, id, task_id, attempt, ready_at, due_at"
        )
    };
}

/// Starts up to `limit` runs that are ready, in their turn, under a lease of `worker`.
pub async fn claim(
    tx: &mut Tx,
    worker: &str,
    lease_until: Timestamp,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<Claimed>> {
    let sql = match tx {
        Tx::Sqlite(_) => claim!("IN (", "", ")"),
        // As an array the turns are looked up in the index, whatever the planner believes about the table.
        Tx::Postgres(_) => claim!("= ANY (ARRAY(", " FOR UPDATE SKIP LOCKED", "))"),
    };
    let mut claimed: Vec<ClaimedRow> = on!(tx, conn => sqlx::query_as(sql)
        .bind(worker).bind(lease_until.as_microsecond()).bind(now.as_microsecond()).bind(limit)
        .fetch_all(conn).await?);
    claimed.sort_unstable_by_key(|(turn, ..)| *turn);
    let claimed = claimed.into_iter().map(|(_, id, task_id, number, ready_at, due_at)| {
        Ok(Claimed {
            id: parsed("active_runs.id", &id)?,
            task_id: parsed("active_runs.task_id", &task_id)?,
            attempt: attempt(number)?,
            started_at: now,
            ready_at: maybe_time("active_runs.ready_at", ready_at)?,
            due_at: maybe_time("active_runs.due_at", due_at)?,
        })
    });
    claimed.collect()
}

/// The tasks of the runs that `worker` has claimed without knowing it, because the answer to its claim was lost: all but `known`.
pub async fn unknown(tx: &mut Tx, worker: &str, known: &[RunId]) -> Result<Vec<TaskId>> {
    let sql = given!(
        tx,
        (id text),
        "SELECT DISTINCT task_id FROM active_runs WHERE status = 'running' AND worker = $2 \
         AND id NOT IN (SELECT id FROM given) ORDER BY task_id"
    );
    let tasks: Vec<String> =
        on!(tx, conn => sqlx::query_scalar(sql).bind(given_ids(known)).bind(worker).fetch_all(conn).await?);
    tasks.iter().map(|task| parsed("active_runs.task_id", task)).collect()
}

/// Gives back what [`unknown`] finds, as queued runs whose turn has not come; [`reorder`] finds out whether it has.
pub async fn release(tx: &mut Tx, worker: &str, known: &[RunId]) -> Result<u64> {
    let sql = given!(
        tx,
        (id text),
        "UPDATE active_runs SET status = 'queued', ready = FALSE, worker = NULL, lease_until = NULL, started_at = NULL \
         WHERE status = 'running' AND worker = $2 AND id NOT IN (SELECT id FROM given)"
    );
    Ok(on!(tx, conn => sqlx::query(sql).bind(given_ids(known)).bind(worker).execute(conn).await?.rows_affected()))
}

/// Renews leases of `worker`, and returns the runs whose leases were renewed. One that somebody is just ending is left out; one
/// whose log is just written is not.
pub async fn renew(tx: &mut Tx, worker: &str, ids: &[RunId], lease_until: Timestamp) -> Result<Vec<RunId>> {
    let given = given_ids(ids);
    let sql = match tx {
        // Nobody else may take over a run, so there is no lease to keep.
        Tx::Sqlite(_) => return Ok(ids.to_vec()),
        Tx::Postgres(_) => given!(
            tx,
            (id text),
            "UPDATE active_runs SET lease_until = $3 WHERE turn IN (SELECT turn FROM active_runs \
             WHERE id IN (SELECT id FROM given) AND status = 'running' AND worker = $2 FOR NO KEY UPDATE SKIP LOCKED) RETURNING id"
        ),
    };
    let renewed: Vec<String> = on!(tx, conn => sqlx::query_scalar(sql)
        .bind(given).bind(worker).bind(lease_until.as_microsecond()).fetch_all(conn).await?);
    renewed.iter().map(|id| parsed("active_runs.id", id)).collect()
}

/// The runs of `worker` that somebody asked to cancel.
pub async fn cancel_requests(tx: &mut Tx, worker: &str) -> Result<Vec<RunId>> {
    let ids: Vec<String> = on!(tx, conn => sqlx::query_scalar(
        "SELECT id FROM active_runs WHERE cancel_requested AND worker = $1",
    ).bind(worker).fetch_all(conn).await?);
    ids.iter().map(|id| parsed("active_runs.id", id)).collect()
}

/// Whether a run is still at work in this attempt, and nobody asked to cancel it. A run that others took for lost is not.
pub async fn is_wanted(tx: &mut Tx, run: &Claimed) -> Result<bool> {
    let wanted: Option<bool> = on!(tx, conn => sqlx::query_scalar(
        "SELECT NOT cancel_requested FROM active_runs WHERE id = $1 AND attempt = $2 AND status = 'running'",
    ).bind(run.id.to_string()).bind(i64::from(run.attempt)).fetch_optional(conn).await?);
    Ok(wanted.unwrap_or(false))
}

/// Whether a run is ready that nobody has claimed.
pub async fn any_ready(tx: &mut Tx) -> Result<bool> {
    let one: Option<i64> = on!(tx, conn => sqlx::query_scalar("SELECT turn FROM active_runs WHERE ready LIMIT 1")
        .fetch_optional(conn).await?);
    Ok(one.is_some())
}

/// Whether somebody asked to cancel a running run.
pub async fn is_cancel_requested(tx: &mut Tx, id: RunId) -> Result<bool> {
    let requested: Option<bool> = on!(tx, conn => sqlx::query_scalar("SELECT cancel_requested FROM active_runs WHERE id = $1")
            .bind(id.to_string()).fetch_optional(conn).await?);
    Ok(requested.unwrap_or(false))
}

/// Cancels all active runs of tasks, each for the reason beside it: queued ones at once, running ones by asking whoever runs
/// them. Returns the running ones.
pub async fn cancel_all(tx: &mut Tx, tasks: &[(TaskId, String)], now: Timestamp) -> Result<Vec<RunId>> {
    #[derive(Serialize)]
    struct Given<'a> {
        task_id: String,
        reason: &'a str,
    }
    if tasks.is_empty() {
        return Ok(Vec::new());
    }
    let given = rows(tasks.iter().map(|(task, reason)| Given { task_id: task.to_string(), reason }));
    let sql = given!(
        tx,
        (task_id text),
        "DELETE FROM active_runs WHERE status = 'queued' AND task_id IN (SELECT task_id FROM given) \
         RETURNING id, task_id, attempt, started_at, cancel_requested, reason"
    );
    let gone: Vec<EndedRow> = on!(tx, conn => sqlx::query_as(sql).bind(&given).fetch_all(conn).await?);
    let mut ends = Vec::new();
    for row in gone {
        let mut ended = Ended::try_from(row)?;
        ended.cancelled = tasks.iter().find(|(task, _)| *task == ended.task_id).map(|(_, reason)| reason.clone());
        ends.push(ended.into_end(nothing()));
    }
    runs::end(tx, &ends, now).await?;
    let sql = given!(
        tx,
        (task_id text, reason text),
        "UPDATE active_runs SET cancel_requested = TRUE, reason = g.reason FROM given g \
         WHERE active_runs.task_id = g.task_id AND status = 'running' AND NOT cancel_requested RETURNING id"
    );
    let running: Vec<String> = on!(tx, conn => sqlx::query_scalar(sql).bind(given).fetch_all(conn).await?);
    running.iter().map(|id| parsed("active_runs.id", id)).collect()
}

/// Cancels one active run: a queued one at once, a running one by asking whoever runs it. `false` when it is not active any
/// more. A run that somebody has asked to cancel before keeps its reason.
pub async fn cancel(tx: &mut Tx, id: RunId, reason: &str, now: Timestamp) -> Result<bool> {
    let gone: Option<EndedRow> = on!(tx, conn => sqlx::query_as(
        "DELETE FROM active_runs WHERE id = $1 AND status = 'queued' \
         RETURNING id, task_id, attempt, started_at, cancel_requested, reason",
    ).bind(id.to_string()).fetch_optional(conn).await?);
    if let Some(row) = gone {
        let mut ended = Ended::try_from(row)?;
        ended.cancelled = Some(reason.to_owned());
        runs::end(tx, &[ended.into_end(nothing())], now).await?;
        return Ok(true);
    }
    let asked = on!(tx, conn => sqlx::query(
        "UPDATE active_runs SET reason = CASE WHEN cancel_requested THEN reason ELSE $2 END, cancel_requested = TRUE \
         WHERE id = $1",
    ).bind(id.to_string()).bind(reason).execute(conn).await?.rows_affected());
    Ok(asked == 1)
}

/// Takes runs that have ended out of the active ones. Only those that `worker` still executes, in the attempt beside them:
/// about the others somebody else has decided.
pub async fn take_ended(tx: &mut Tx, worker: &str, runs: &[(RunId, i32)]) -> Result<Vec<Ended>> {
    #[derive(Serialize)]
    struct Given {
        id: String,
        attempt: i32,
    }
    let sql = given!(
        tx,
        (id text, attempt bigint),
        "DELETE FROM active_runs WHERE (id, attempt) IN (SELECT id, attempt FROM given) AND status = 'running' \
         AND worker = $2 RETURNING id, task_id, attempt, started_at, cancel_requested, reason"
    );
    let given = rows(runs.iter().map(|(id, attempt)| Given { id: id.to_string(), attempt: *attempt }));
    let gone: Vec<EndedRow> = on!(tx, conn => sqlx::query_as(sql).bind(given).bind(worker).fetch_all(conn).await?);
    gone.into_iter().map(Ended::try_from).collect()
}

/// Up to `limit` running runs whose lease has ended, with their tasks, except those that this process knows to be at work.
pub async fn lost(tx: &mut Tx, now: Timestamp, known: &[RunId], limit: i64) -> Result<Vec<(RunId, TaskId)>> {
    let sql = given!(
        tx,
        (id text),
        "SELECT id, task_id FROM active_runs WHERE status = 'running' AND lease_until <= $2 \
         AND id NOT IN (SELECT id FROM given) ORDER BY turn LIMIT $3"
    );
    let found: Vec<(String, String)> = on!(tx, conn => sqlx::query_as(sql)
        .bind(given_ids(known)).bind(now.as_microsecond()).bind(limit).fetch_all(conn).await?);
    found.iter().map(|(id, task)| Ok((parsed("active_runs.id", id)?, parsed("active_runs.task_id", task)?))).collect()
}

/// Takes runs out of the active ones whose lease has ended.
pub async fn take_lost(tx: &mut Tx, now: Timestamp, ids: &[RunId]) -> Result<Vec<Ended>> {
    let sql = given!(
        tx,
        (id text),
        "DELETE FROM active_runs WHERE id IN (SELECT id FROM given) AND status = 'running' AND lease_until <= $2 \
         RETURNING id, task_id, attempt, started_at, cancel_requested, reason"
    );
    let gone: Vec<EndedRow> =
        on!(tx, conn => sqlx::query_as(sql).bind(given_ids(ids)).bind(now.as_microsecond()).fetch_all(conn).await?);
    gone.into_iter().map(Ended::try_from).collect()
}

/// The tasks with a queued run, of which no run is running or ready. There should be none but for a moment.
pub async fn stuck(tx: &mut Tx, limit: i64) -> Result<Vec<TaskId>> {
    let tasks: Vec<String> = on!(tx, conn => sqlx::query_scalar(
        "SELECT DISTINCT q.task_id FROM active_runs q WHERE q.status = 'queued' AND NOT q.ready AND NOT EXISTS ( \
         SELECT 1 FROM active_runs o WHERE o.task_id = q.task_id AND (o.status = 'running' OR o.ready)) LIMIT $1",
    ).bind(limit).fetch_all(conn).await?);
    tasks.iter().map(|task| parsed("active_runs.task_id", task)).collect()
}

fn nothing() -> Ending {
    Ending { status: RunStatus::Cancelled, output: None, error: None, isolation: None }
}
