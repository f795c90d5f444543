//! Runs.
//!
//! Where a statement says `status IN ('queued', 'running')` beside a narrower condition, it names the partial index on active
//! runs: SQLite does not see that the narrower one implies it, and would walk through all of history.

use jiff::Timestamp;
use justiam_sdk::api::ids::{RunId, TaskId};
use justiam_sdk::api::runs::Run;
use justiam_sdk::api::values::{RunStatus, Trigger, Words as _};

use super::{Error, Result, Tx, maybe_time, on, parsed, time};

/// A run to record.
#[derive(Debug, Clone)]
pub struct NewRun {
    /// The run.
    pub id: RunId,
    /// Its task.
    pub task_id: TaskId,
    /// The task's name at this moment.
    pub task_name: String,
    /// What made it.
    pub trigger: Trigger,
    /// Its nominal time.
    pub scheduled_for: Timestamp,
    /// Earlier ticks that it stands for too.
    pub missed_ticks: i64,
    /// Who asked for it.
    pub triggered_by: Option<String>,
    /// Now.
    pub queued_at: Timestamp,
    /// `None` for a run that waits for a worker; the reason for one that is recorded as cancelled.
    pub cancelled: Option<String>,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// A terminal status.
    pub status: RunStatus,
    /// What the script returned.
    pub output: Option<String>,
    /// Why it failed.
    pub error: Option<String>,
    /// How the script was isolated.
    pub isolation: Option<String>,
}

/// How many runs of a task have not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActiveCount {
    /// Queued and running ones.
    pub active: u64,
    /// Queued ones alone.
    pub waiting: u64,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    task_id: String,
    task_name: String,
    status: String,
    trigger: String,
    scheduled_for: i64,
    queued_at: i64,
    started_at: Option<i64>,
    finished_at: Option<i64>,
    output: Option<String>,
    error: Option<String>,
    reason: Option<String>,
    attempt: i64,
    missed_ticks: i64,
    isolation: Option<String>,
    triggered_by: Option<String>,
}

impl TryFrom<Row> for Run {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let started_at = maybe_time("runs.started_at", row.started_at)?;
        let finished_at = maybe_time("runs.finished_at", row.finished_at)?;
        let mut run = Self::new(
            parsed("runs.id", &row.id)?,
            parsed("runs.task_id", &row.task_id)?,
            row.task_name,
            row.trigger.as_str().into(),
            time("runs.scheduled_for", row.scheduled_for)?,
            time("runs.queued_at", row.queued_at)?,
        );
        run.status = row.status.as_str().into();
        run.started_at = started_at;
        run.finished_at = finished_at;
        run.duration_ms =
            started_at.zip(finished_at).map(|(start, end)| (end.as_microsecond() - start.as_microsecond()) / 1000);
        run.output = row.output;
        run.error = row.error;
        run.reason = row.reason;
        run.attempt = row.attempt.try_into().map_err(|_| Error::Corrupt { column: "runs.attempt" })?;
        run.missed_ticks = row.missed_ticks;
        run.isolation = row.isolation;
        run.triggered_by = row.triggered_by;
        Ok(run)
    }
}

macro_rules! select_runs {
    ($rest:literal) => {
        concat!(
            "SELECT id, task_id, task_name, status, trigger, scheduled_for, queued_at, started_at, finished_at, output, \
             error, reason, attempt, missed_ticks, isolation, triggered_by FROM runs ",
            $rest
        )
    };
}

/// Records a run. `false` when its tick has been recorded before.
pub async fn insert(tx: &mut Tx, run: &NewRun) -> Result<bool> {
    let status = if run.cancelled.is_some() { RunStatus::Cancelled } else { RunStatus::Queued };
    let finished_at = run.cancelled.as_ref().map(|_| run.queued_at.as_microsecond());
    let done = on!(tx, conn => sqlx::query(
        "INSERT INTO runs (id, task_id, task_name, status, trigger, scheduled_for, queued_at, finished_at, reason, \
         missed_ticks, triggered_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING",
    )
    .bind(run.id.to_string())
    .bind(run.task_id.to_string())
    .bind(&run.task_name)
    .bind(status.as_str())
    .bind(run.trigger.as_str())
    .bind(run.scheduled_for.as_microsecond())
    .bind(run.queued_at.as_microsecond())
    .bind(finished_at)
    .bind(&run.cancelled)
    .bind(run.missed_ticks)
    .bind(&run.triggered_by)
    .execute(conn)
    .await?.rows_affected());
    Ok(done == 1)
}

/// Reads one run.
pub async fn get(tx: &mut Tx, id: RunId) -> Result<Option<Run>> {
    let row: Option<Row> = on!(tx, conn => sqlx::query_as(select_runs!("WHERE id = $1"))
        .bind(id.to_string()).fetch_optional(conn).await?);
    row.map(Run::try_from).transpose()
}

/// One page of runs, newest first, and how many there are on all pages.
pub async fn list(
    tx: &mut Tx,
    task: Option<TaskId>,
    status: Option<&RunStatus>,
    offset: i64,
    limit: i64,
) -> Result<(Vec<Run>, u64)> {
    let task = task.map(|task| task.to_string());
    let status = status.map(justiam_sdk::api::values::Words::as_str);
    let total: i64 = on!(tx, conn => sqlx::query_scalar(
        "SELECT count(*) FROM runs WHERE (CAST($1 AS TEXT) IS NULL OR task_id = $1) \
         AND (CAST($2 AS TEXT) IS NULL OR status = $2)",
    ).bind(&task).bind(status).fetch_one(conn).await?);
    let rows: Vec<Row> = on!(tx, conn => sqlx::query_as(select_runs!(
        "WHERE (CAST($1 AS TEXT) IS NULL OR task_id = $1) AND (CAST($2 AS TEXT) IS NULL OR status = $2) \
         ORDER BY id DESC LIMIT $3 OFFSET $4"
    )).bind(&task).bind(status).bind(limit).bind(offset).fetch_all(conn).await?);
    let runs = rows.into_iter().map(Run::try_from).collect::<Result<_>>()?;
    Ok((runs, total.try_into().unwrap_or_default()))
}

/// The run that a tick became.
pub async fn of_tick(tx: &mut Tx, task: TaskId, scheduled_for: Timestamp) -> Result<Option<RunId>> {
    let id: Option<String> = on!(tx, conn => sqlx::query_scalar(
        "SELECT id FROM runs WHERE task_id = $1 AND scheduled_for = $2 AND trigger <> 'manual'",
    ).bind(task.to_string()).bind(scheduled_for.as_microsecond()).fetch_optional(conn).await?);
    id.map(|id| parsed("runs.id", &id)).transpose()
}

/// Counts the runs of a task that have not ended.
pub async fn count_active(tx: &mut Tx, task: TaskId) -> Result<ActiveCount> {
    let (active, waiting): (i64, i64) = on!(tx, conn => sqlx::query_as(
        "SELECT count(*), COALESCE(sum(CASE WHEN status = 'queued' THEN 1 ELSE 0 END), 0) FROM runs \
         WHERE task_id = $1 AND status IN ('queued', 'running')",
    ).bind(task.to_string()).fetch_one(conn).await?);
    Ok(ActiveCount { active: active.try_into().unwrap_or_default(), waiting: waiting.try_into().unwrap_or_default() })
}

/// The oldest run of a task that has not ended.
pub async fn oldest_active(tx: &mut Tx, task: TaskId) -> Result<Option<RunId>> {
    let id: Option<String> = on!(tx, conn => sqlx::query_scalar(
        "SELECT id FROM runs WHERE task_id = $1 AND status IN ('queued', 'running') ORDER BY id LIMIT 1",
    ).bind(task.to_string()).fetch_optional(conn).await?);
    id.map(|id| parsed("runs.id", &id)).transpose()
}

/// Cancels runs of a task that have not ended: queued ones at once, running ones by asking whoever runs them. Returns the
/// running ones.
pub async fn cancel_active(tx: &mut Tx, task: TaskId, reason: &str, now: Timestamp) -> Result<Vec<RunId>> {
    on!(tx, conn => sqlx::query(
        "UPDATE runs SET status = 'cancelled', reason = $2, finished_at = $3 WHERE task_id = $1 AND status = 'queued'",
    ).bind(task.to_string()).bind(reason).bind(now.as_microsecond()).execute(conn).await?);
    let ids: Vec<String> = on!(tx, conn => sqlx::query_scalar(
        "UPDATE runs SET cancel_requested = TRUE, reason = $2 \
         WHERE task_id = $1 AND status = 'running' AND NOT cancel_requested RETURNING id",
    ).bind(task.to_string()).bind(reason).fetch_all(conn).await?);
    ids.iter().map(|id| parsed("runs.id", id)).collect()
}

/// Cancels one run that has not ended. `false` when there is none.
pub async fn cancel(tx: &mut Tx, id: RunId, reason: &str, now: Timestamp) -> Result<bool> {
    let done = on!(tx, conn => sqlx::query(
        "UPDATE runs SET reason = CASE WHEN cancel_requested THEN reason ELSE $2 END, \
         finished_at = CASE WHEN status = 'queued' THEN $3 ELSE finished_at END, \
         cancel_requested = CASE WHEN status = 'running' THEN TRUE ELSE FALSE END, \
         status = CASE WHEN status = 'queued' THEN 'cancelled' ELSE status END \
         WHERE id = $1 AND status IN ('queued', 'running')",
    ).bind(id.to_string()).bind(reason).bind(now.as_microsecond()).execute(conn).await?.rows_affected());
    Ok(done == 1)
}

/// Whether somebody asked to cancel a running run.
pub async fn is_cancel_requested(tx: &mut Tx, id: RunId) -> Result<bool> {
    let requested: Option<bool> = on!(tx, conn => sqlx::query_scalar("SELECT cancel_requested FROM runs WHERE id = $1")
        .bind(id.to_string()).fetch_optional(conn).await?);
    Ok(requested.unwrap_or(false))
}

const CLAIM: &str = "UPDATE runs SET status = 'running', started_at = $1, attempt = attempt + 1 WHERE id IN ( \
       SELECT r.id FROM runs r LEFT JOIN tasks t ON t.id = r.task_id \
       WHERE r.status IN ('queued', 'running') AND r.status = 'queued' AND NOT EXISTS ( \
         SELECT 1 FROM runs o WHERE o.task_id = r.task_id AND o.status IN ('queued', 'running') \
         AND (o.status = 'running' OR o.id < r.id) AND t.overlap_policy <> 'allow') \
       ORDER BY r.id LIMIT $2) \
     RETURNING id, task_id, task_name, status, trigger, scheduled_for, queued_at, started_at, finished_at, output, \
     error, reason, attempt, missed_ticks, isolation, triggered_by";

/// Starts up to `limit` queued runs whose turn it is, oldest first, and returns them. Under `allow` that is at once, else
/// when no older run of its task is left: under `replace` the one that it replaces must really have ended, and under `skip`
/// runs may have been waiting since the policy was `queue`.
pub async fn claim(tx: &mut Tx, now: Timestamp, limit: i64) -> Result<Vec<Run>> {
    let mut runs: Vec<Run> = {
        let rows: Vec<Row> =
            on!(tx, conn => sqlx::query_as(CLAIM).bind(now.as_microsecond()).bind(limit).fetch_all(conn).await?);
        rows.into_iter().map(Run::try_from).collect::<Result<_>>()?
    };
    runs.sort_by_key(|run| run.id);
    Ok(runs)
}

/// Ends a running run. A run that somebody asked to cancel ends as cancelled, whatever it did last. `false` when the run is
/// not running in this attempt: somebody else has decided its end.
pub async fn finish(tx: &mut Tx, id: RunId, attempt: i32, ending: &Ending, now: Timestamp) -> Result<bool> {
    let done = on!(tx, conn => sqlx::query(
        "UPDATE runs SET status = CASE WHEN cancel_requested THEN 'cancelled' ELSE $3 END, output = $4, error = $5, \
         isolation = $6, finished_at = $7 WHERE id = $1 AND status = 'running' AND attempt = $2",
    )
    .bind(id.to_string())
    .bind(i64::from(attempt))
    .bind(ending.status.as_str())
    .bind(&ending.output)
    .bind(&ending.error)
    .bind(&ending.isolation)
    .bind(now.as_microsecond())
    .execute(conn)
    .await?.rows_affected());
    Ok(done == 1)
}

/// Ends all running runs: those that somebody asked to cancel as cancelled, the others as `error` with the text. For the
/// start of a server that is alone on its database: nobody can be at work.
pub async fn end_lost(tx: &mut Tx, error: &str, now: Timestamp) -> Result<u64> {
    Ok(on!(tx, conn => sqlx::query(
        "UPDATE runs SET status = CASE WHEN cancel_requested THEN 'cancelled' ELSE 'error' END, \
         error = CASE WHEN cancel_requested THEN NULL ELSE $1 END, finished_at = $2 \
         WHERE status IN ('queued', 'running') AND status = 'running'",
    ).bind(error).bind(now.as_microsecond()).execute(conn).await?.rows_affected()))
}

#[cfg(test)]
mod tests {
    use sqlx::AssertSqlSafe;

    use super::super::Db;
    use super::*;

    #[tokio::test]
    async fn a_claim_does_not_walk_through_history() {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open_sqlite(&folder.path().join("test.db")).await.unwrap();
        let mut tx = db.read().await.unwrap();
        let sql = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {CLAIM}"));
        let plan: Vec<(i64, i64, i64, String)> =
            on!(&mut tx, conn => sqlx::query_as(sql).bind(0_i64).bind(1_i64).fetch_all(conn).await.unwrap());
        let steps: Vec<&str> = plan.iter().map(|(.., step)| step.as_str()).collect();
        assert!(steps.iter().any(|step| step.contains("INDEX runs_active")), "{steps:#?}");
        assert!(!steps.iter().any(|step| step.starts_with("SCAN") && !step.contains("runs_active")), "{steps:#?}");
    }
}
