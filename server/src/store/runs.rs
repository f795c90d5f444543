//! The history of runs. What an active run is about right now stands in [`super::active_runs`]; whoever reads a run here gets
//! both as one.

use std::collections::HashSet;

use jiff::Timestamp;
use justiam_sdk::api::ids::{RunId, TaskId};
use justiam_sdk::api::runs::Run;
use justiam_sdk::api::values::{RunStatus, Trigger, Words as _};
use serde::Serialize;

use super::{Error, Result, Tx, given, maybe_time, on, page, parsed, rows, time};

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
    /// What becomes of it.
    pub fate: Fate,
}

/// What becomes of a new run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// The next free worker takes it.
    Ready,
    /// It waits for its turn.
    Waiting,
    /// It is recorded as cancelled, for this reason.
    Cancelled(String),
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

/// The end of a run, for its history.
#[derive(Debug, Clone)]
pub struct End {
    /// The run.
    pub id: RunId,
    /// How it ended.
    pub ending: Ending,
    /// Why it is cancelled.
    pub reason: Option<String>,
    /// When it started to work; `None` when it never did.
    pub started_at: Option<Timestamp>,
    /// How many times it was started.
    pub attempt: i32,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    task_id: String,
    task_name: String,
    status: Option<String>,
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

impl page::Long for Row {
    fn length(&self) -> usize {
        [&self.output, &self.error].into_iter().flatten().map(String::len).sum()
    }
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
        run.status = row.status.as_deref().ok_or(Error::Corrupt { column: "runs.status" })?.into();
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
            "SELECT r.id, r.task_id, r.task_name, COALESCE(r.status, a.status) AS status, r.trigger, r.scheduled_for, \
             r.queued_at, COALESCE(r.started_at, a.started_at) AS started_at, r.finished_at, r.output, r.error, \
             COALESCE(r.reason, a.reason) AS reason, COALESCE(a.attempt, r.attempt) AS attempt, r.missed_ticks, \
             r.isolation, r.triggered_by FROM runs r LEFT JOIN active_runs a ON a.id = r.id ",
            $rest
        )
    };
}

/// Records runs. Returns those whose ticks had not been recorded before.
pub async fn insert(tx: &mut Tx, runs: &[NewRun]) -> Result<HashSet<RunId>> {
    #[derive(Serialize)]
    struct Given<'a> {
        id: String,
        task_id: String,
        task_name: &'a str,
        status: Option<&'a str>,
        trigger: &'a str,
        scheduled_for: i64,
        queued_at: i64,
        finished_at: Option<i64>,
        reason: Option<&'a str>,
        missed_ticks: i64,
        triggered_by: Option<&'a str>,
    }
    let sql = given!(
        tx,
        (id text, task_id text, task_name text, status text, trigger text, scheduled_for bigint, queued_at bigint,
         finished_at bigint, reason text, missed_ticks bigint, triggered_by text),
        "INSERT INTO runs (id, task_id, task_name, status, trigger, scheduled_for, queued_at, finished_at, reason, \
         missed_ticks, triggered_by) \
         SELECT id, task_id, task_name, status, trigger, scheduled_for, queued_at, finished_at, reason, missed_ticks, \
         triggered_by FROM given WHERE TRUE ON CONFLICT DO NOTHING RETURNING id"
    );
    let given = rows(runs.iter().map(|run| {
        let queued_at = run.queued_at.as_microsecond();
        let reason = if let Fate::Cancelled(reason) = &run.fate { Some(reason.as_str()) } else { None };
        Given {
            id: run.id.to_string(),
            task_id: run.task_id.to_string(),
            task_name: &run.task_name,
            status: reason.map(|_| "cancelled"),
            trigger: run.trigger.as_str(),
            scheduled_for: run.scheduled_for.as_microsecond(),
            queued_at,
            finished_at: reason.map(|_| queued_at),
            reason,
            missed_ticks: run.missed_ticks,
            triggered_by: run.triggered_by.as_deref(),
        }
    }));
    let ids: Vec<String> = on!(tx, conn => sqlx::query_scalar(sql).bind(given).fetch_all(conn).await?);
    let recorded: HashSet<RunId> = ids.iter().map(|id| parsed("runs.id", id)).collect::<Result<_>>()?;
    let active = runs.iter().filter(|run| recorded.contains(&run.id) && !matches!(run.fate, Fate::Cancelled(_)));
    super::active_runs::insert(tx, active).await?;
    Ok(recorded)
}

/// Reads one run.
pub async fn get(tx: &mut Tx, id: RunId) -> Result<Option<Run>> {
    let row: Option<Row> = on!(tx, conn => sqlx::query_as(select_runs!("WHERE r.id = $1"))
        .bind(id.to_string()).fetch_optional(conn).await?);
    row.map(Run::try_from).transpose()
}

macro_rules! list_runs {
    ($from:literal, $where:literal) => {
        (
            concat!("SELECT count(*) FROM ", $from, " WHERE ", $where),
            concat!(
                select_runs!(""),
                "JOIN (SELECT r.id FROM ",
                $from,
                " WHERE ",
                $where,
                " ORDER BY r.id DESC LIMIT $3 OFFSET $4) page ON page.id = r.id ORDER BY r.id DESC"
            ),
        )
    };
}

/// How a run stands.
pub async fn status(tx: &mut Tx, id: RunId) -> Result<Option<RunStatus>> {
    let status: Option<String> = on!(tx, conn => sqlx::query_scalar(
        "SELECT COALESCE(r.status, a.status) FROM runs r LEFT JOIN active_runs a ON a.id = r.id WHERE r.id = $1",
    ).bind(id.to_string()).fetch_optional(conn).await?);
    Ok(status.map(|status| status.as_str().into()))
}

/// One page of runs, newest first, and how many there are on all pages. Each kind of question has a statement of its own, so that
/// each finds its index.
pub async fn list(
    tx: &mut Tx,
    task: Option<TaskId>,
    status: Option<&RunStatus>,
    offset: i64,
    limit: i64,
) -> Result<(Vec<Run>, u64)> {
    let (count, sql) = match (task, status) {
        (None, None) => list_runs!("runs r", "CAST($1 AS TEXT) IS NULL AND CAST($2 AS TEXT) IS NULL"),
        (Some(_), None) => list_runs!("runs r", "r.task_id = $1 AND CAST($2 AS TEXT) IS NULL"),
        (None, Some(status)) if status.is_terminal() => {
            list_runs!("runs r", "CAST($1 AS TEXT) IS NULL AND r.status = $2")
        }
        (Some(_), Some(status)) if status.is_terminal() => list_runs!("runs r", "r.task_id = $1 AND r.status = $2"),
        (None, Some(_)) => list_runs!("active_runs r", "CAST($1 AS TEXT) IS NULL AND r.status = $2"),
        (Some(_), Some(_)) => list_runs!("active_runs r", "r.task_id = $1 AND r.status = $2"),
    };
    let task = task.map(|task| task.to_string());
    let status = status.map(justiam_sdk::api::values::Words::as_str);
    let total: i64 = on!(tx, conn => sqlx::query_scalar(count).bind(&task).bind(status).fetch_one(conn).await?);
    let rows: Vec<Row> = on!(tx, conn => page::read(sqlx::query_as(sql)
        .bind(&task).bind(status).bind(limit).bind(offset).fetch(conn)).await?);
    let runs = rows.into_iter().map(Run::try_from).collect::<Result<_>>()?;
    Ok((runs, total.try_into().unwrap_or_default()))
}

/// The runs that ticks became, of those ticks that have been recorded.
pub async fn of_ticks(
    tx: &mut Tx,
    ticks: impl IntoIterator<Item = (TaskId, Timestamp)>,
) -> Result<Vec<(TaskId, Timestamp, RunId)>> {
    #[derive(Serialize)]
    struct Given {
        task_id: String,
        scheduled_for: i64,
    }
    let sql = given!(
        tx,
        (task_id text, scheduled_for bigint),
        "SELECT r.task_id, r.scheduled_for, r.id FROM given g JOIN runs r ON r.task_id = g.task_id \
         AND r.scheduled_for = g.scheduled_for WHERE r.trigger <> 'manual'"
    );
    let given = rows(ticks.into_iter().map(|(task, scheduled_for)| Given {
        task_id: task.to_string(),
        scheduled_for: scheduled_for.as_microsecond(),
    }));
    let found: Vec<(String, i64, String)> = on!(tx, conn => sqlx::query_as(sql).bind(given).fetch_all(conn).await?);
    let found = found.iter().map(|(task, tick, run)| {
        Ok((parsed("runs.task_id", task)?, time("runs.scheduled_for", *tick)?, parsed("runs.id", run)?))
    });
    found.collect()
}

/// Writes the ends of runs into their history. A run never ends before it began, also where the clock was set back meanwhile. Whoever ends a run has taken it out of [`super::active_runs`] before.
pub async fn end(tx: &mut Tx, ends: &[End], now: Timestamp) -> Result<()> {
    #[derive(Serialize)]
    struct Given<'a> {
        id: String,
        status: &'a str,
        started_at: Option<i64>,
        attempt: i32,
        output: Option<&'a str>,
        error: Option<&'a str>,
        reason: Option<&'a str>,
        isolation: Option<&'a str>,
    }
    if ends.is_empty() {
        return Ok(());
    }
    let sql = given!(
        tx,
        (id text, status text, started_at bigint, attempt bigint, output text, error text, reason text, isolation text),
        "UPDATE runs SET status = g.status, started_at = g.started_at, \
         finished_at = CASE WHEN g.started_at > $2 THEN g.started_at ELSE $2 END, attempt = g.attempt, output = g.output, error = g.error, reason = g.reason, isolation = g.isolation \
         FROM given g WHERE runs.id = g.id AND runs.status IS NULL"
    );
    let given = rows(ends.iter().map(|end| Given {
        id: end.id.to_string(),
        status: end.ending.status.as_str(),
        started_at: end.started_at.map(Timestamp::as_microsecond),
        attempt: end.attempt,
        output: end.ending.output.as_deref(),
        error: end.ending.error.as_deref(),
        reason: end.reason.as_deref(),
        isolation: end.ending.isolation.as_deref(),
    }));
    on!(tx, conn => sqlx::query(sql).bind(given).bind(now.as_microsecond()).execute(conn).await?.rows_affected());
    Ok(())
}

/// Removes up to `limit` runs, with their logs, that were recorded before `before` and after `after`, oldest first. A run that is active stays,
/// and so does the newest run of a task that exists. Returns how many are gone and the last one that was looked at, from
/// which to go on; `None` when there is nothing more.
pub async fn prune(tx: &mut Tx, after: RunId, before: RunId, limit: i64) -> Result<(u64, Option<RunId>)> {
    #[derive(Serialize)]
    struct Given<'a> {
        id: &'a str,
    }
    let seen: Vec<(String, bool)> = on!(tx, conn => sqlx::query_as(
        "SELECT r.id, r.status IS NOT NULL AND (NOT EXISTS (SELECT 1 FROM tasks t WHERE t.id = r.task_id) \
         OR EXISTS (SELECT 1 FROM runs n WHERE n.task_id = r.task_id AND n.id > r.id)) AS old \
         FROM runs r WHERE r.id > $1 AND r.id < $2 ORDER BY r.id LIMIT $3",
    ).bind(after.to_string()).bind(before.to_string()).bind(limit).fetch_all(conn).await?);
    let last = seen.last().map(|(id, _)| parsed("runs.id", id)).transpose()?;
    let sql = given!(tx, (id text), "DELETE FROM runs WHERE id IN (SELECT id FROM given)");
    let given = rows(seen.iter().filter(|(_, old)| *old).map(|(id, _)| Given { id }));
    let gone = on!(tx, conn => sqlx::query(sql).bind(&given).execute(conn).await?.rows_affected());
    let sql = given!(tx, (id text), "DELETE FROM run_logs WHERE run_id IN (SELECT id FROM given)");
    on!(tx, conn => sqlx::query(sql).bind(given).execute(conn).await?.rows_affected());
    Ok((gone, last))
}
