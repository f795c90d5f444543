//! Executions of schedules. They outlive their schedules.
//!
//! Lock an execution before its steps, and a schedule before its executions.

use std::collections::HashSet;

use jiff::Timestamp;
use justiam_sdk::api::executions::{Execution, ExecutionStatus, InitiatorType};
use justiam_sdk::api::ids::{ExecutionId, ScheduleId};
use justiam_sdk::api::values::{Trigger, Words};
use serde::Serialize;

use super::{Error, Result, Tx, given, locked, maybe_time, on, parsed, rows, time};

/// Who made an execution or an activity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Initiator {
    /// What kind of person or program.
    pub kind: InitiatorType,
    /// Its id, if it has one.
    pub id: Option<String>,
    /// Its name.
    pub name: Option<String>,
}

/// An execution to record.
#[derive(Debug, Clone)]
pub struct NewExecution {
    /// The execution.
    pub id: ExecutionId,
    /// Its schedule.
    pub schedule_id: ScheduleId,
    /// The schedule's name at this moment.
    pub schedule_name: String,
    /// What made it.
    pub trigger: Trigger,
    /// Its nominal time.
    pub scheduled_for: Timestamp,
    /// Earlier ticks that it stands for too.
    pub missed_ticks: i64,
    /// The index of its first steps.
    pub first_index: i64,
    /// How many steps it has.
    pub total_steps: i64,
    /// Now.
    pub queued_at: Timestamp,
    /// Who made it.
    pub initiator: Initiator,
    /// How it ended, and why, where it never begins.
    pub ended: Option<(ExecutionStatus, String)>,
}

/// By what executions are sorted. What has not begun or ended comes last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// The time of recording.
    #[default]
    Queued,
    /// The status, in the order of an execution's life.
    Status,
    /// The beginning.
    Started,
    /// The end.
    Completed,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    schedule_id: String,
    schedule_name: String,
    status: String,
    scheduled_for: i64,
    missed_ticks: i64,
    current_step_index: i64,
    total_steps: i64,
    queued_at: i64,
    started_at: Option<i64>,
    completed_at: Option<i64>,
    initiated_by_type: String,
    initiated_by_id: Option<String>,
    initiated_by_name: Option<String>,
    error_message: Option<String>,
}

impl TryFrom<Row> for Execution {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let mut execution = Self::new(
            parsed("schedule_executions.id", &row.id)?,
            parsed("schedule_executions.schedule_id", &row.schedule_id)?,
            row.schedule_name,
            time("schedule_executions.queued_at", row.queued_at)?,
        );
        execution.status = row.status.as_str().into();
        execution.scheduled_for = Some(time("schedule_executions.scheduled_for", row.scheduled_for)?);
        execution.missed_ticks = row.missed_ticks;
        execution.current_step_index = row.current_step_index;
        execution.total_steps = row.total_steps;
        execution.started_at = maybe_time("schedule_executions.started_at", row.started_at)?;
        execution.completed_at = maybe_time("schedule_executions.completed_at", row.completed_at)?;
        execution.initiated_by_type = row.initiated_by_type.as_str().into();
        execution.initiated_by_id = row.initiated_by_id;
        execution.initiated_by_name = row.initiated_by_name;
        execution.error_message = row.error_message;
        Ok(execution)
    }
}

macro_rules! select_executions {
    ($($rest:expr),+) => {
        concat!(
            "SELECT id, schedule_id, schedule_name, status, scheduled_for, missed_ticks, current_step_index, total_steps, \
             queued_at, started_at, completed_at, initiated_by_type, initiated_by_id, initiated_by_name, error_message \
             FROM schedule_executions ",
            $($rest),+
        )
    };
}

#[derive(Serialize)]
struct GivenId {
    id: String,
}

fn given_ids<'a>(ids: impl IntoIterator<Item = &'a ExecutionId>) -> String {
    rows(ids.into_iter().map(|id| GivenId { id: id.to_string() }))
}

/// Records an execution. `false` when its tick has been recorded before.
pub async fn insert(tx: &mut Tx, new: &NewExecution) -> Result<bool> {
    let queued_at = new.queued_at.as_microsecond();
    let status = new.ended.as_ref().map_or(&ExecutionStatus::Queued, |(status, _)| status);
    let inserted = on!(tx, conn => sqlx::query(
        "INSERT INTO schedule_executions (id, schedule_id, schedule_name, status, trigger, scheduled_for, missed_ticks, \
         current_step_index, total_steps, queued_at, completed_at, initiated_by_type, initiated_by_id, initiated_by_name, \
         error_message) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) ON CONFLICT DO NOTHING",
    )
        .bind(new.id.to_string()).bind(new.schedule_id.to_string()).bind(&new.schedule_name).bind(status.as_str())
        .bind(new.trigger.as_str()).bind(new.scheduled_for.as_microsecond()).bind(new.missed_ticks)
        .bind(new.first_index).bind(new.total_steps).bind(queued_at).bind(new.ended.as_ref().map(|_| queued_at))
        .bind(new.initiator.kind.as_str()).bind(&new.initiator.id).bind(&new.initiator.name)
        .bind(new.ended.as_ref().map(|(_, error)| error))
        .execute(conn).await?.rows_affected());
    Ok(inserted == 1)
}

/// Reads one execution, without its steps.
pub async fn get(tx: &mut Tx, id: ExecutionId) -> Result<Option<Execution>> {
    let row: Option<Row> = on!(tx, conn => sqlx::query_as(select_executions!("WHERE id = $1"))
        .bind(id.to_string()).fetch_optional(conn).await?);
    row.map(Execution::try_from).transpose()
}

/// Reads one execution, and keeps everybody else from deciding about it until the transaction ends.
pub async fn lock(tx: &mut Tx, id: ExecutionId) -> Result<Option<Execution>> {
    let sql = locked!(tx, [select_executions!("WHERE id = $1")], "FOR UPDATE");
    let row: Option<Row> = on!(tx, conn => sqlx::query_as(sql).bind(id.to_string()).fetch_optional(conn).await?);
    row.map(Execution::try_from).transpose()
}

/// Locks those of the executions that nobody else has locked.
pub(super) async fn lock_free(tx: &mut Tx, ids: &[ExecutionId]) -> Result<HashSet<ExecutionId>> {
    if ids.is_empty() {
        return Ok(HashSet::new());
    }
    let given = given_ids(ids);
    let sql = match tx {
        Tx::Sqlite(_) => {
            given!(tx, (id text), "SELECT id FROM schedule_executions WHERE id IN (SELECT id FROM given)")
        }
        Tx::Postgres(_) => given!(
            tx,
            (id text),
            "SELECT id FROM schedule_executions WHERE id IN (SELECT id FROM given) ORDER BY id FOR UPDATE SKIP LOCKED"
        ),
    };
    let found: Vec<String> = on!(tx, conn => sqlx::query_scalar(sql).bind(given).fetch_all(conn).await?);
    found.iter().map(|id| parsed("schedule_executions.id", id)).collect()
}

/// Notes that the first steps of executions begin.
pub(super) async fn start(tx: &mut Tx, ids: &[ExecutionId], now: Timestamp) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let sql = given!(
        tx,
        (id text),
        "UPDATE schedule_executions SET status = 'InProgress', started_at = $2 WHERE id IN (SELECT id FROM given) \
         AND status = 'Queued'"
    );
    on!(tx, conn => sqlx::query(sql).bind(given_ids(ids)).bind(now.as_microsecond()).execute(conn).await?.rows_affected());
    Ok(())
}

/// Notes which steps an execution has reached.
pub async fn reach(tx: &mut Tx, id: ExecutionId, step_index: i64) -> Result<()> {
    on!(tx, conn => sqlx::query("UPDATE schedule_executions SET current_step_index = $2 WHERE id = $1")
        .bind(id.to_string()).bind(step_index).execute(conn).await?.rows_affected());
    Ok(())
}

/// Ends an execution that has not ended. It never ends before it began, also where the clock was set back meanwhile.
pub async fn end(
    tx: &mut Tx,
    id: ExecutionId,
    status: &ExecutionStatus,
    error: Option<&str>,
    now: Timestamp,
) -> Result<bool> {
    let ended = on!(tx, conn => sqlx::query(
        "UPDATE schedule_executions SET status = $2, error_message = $3, \
         completed_at = CASE WHEN started_at > $4 THEN started_at ELSE $4 END WHERE id = $1 AND completed_at IS NULL",
    ).bind(id.to_string()).bind(status.as_str()).bind(error).bind(now.as_microsecond()).execute(conn).await?.rows_affected());
    Ok(ended == 1)
}

/// The oldest execution of a schedule that has not ended.
pub async fn oldest_active(tx: &mut Tx, schedule: ScheduleId) -> Result<Option<ExecutionId>> {
    let id: Option<String> = on!(tx, conn => sqlx::query_scalar(
        "SELECT id FROM schedule_executions WHERE schedule_id = $1 AND completed_at IS NULL ORDER BY id LIMIT 1",
    ).bind(schedule.to_string()).fetch_optional(conn).await?);
    id.map(|id| parsed("schedule_executions.id", &id)).transpose()
}

/// All executions that have not ended, oldest first.
pub async fn active(tx: &mut Tx) -> Result<Vec<Execution>> {
    let found: Vec<Row> = on!(tx, conn => sqlx::query_as(select_executions!("WHERE completed_at IS NULL ORDER BY id"))
        .fetch_all(conn).await?);
    found.into_iter().map(Execution::try_from).collect()
}

/// Which executions to list, and in which order.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Those of this schedule.
    pub schedule: Option<ScheduleId>,
    /// Those with this status.
    pub status: Option<ExecutionStatus>,
    /// By what they are sorted.
    pub order: Order,
    /// Whether the last comes first.
    pub descending: bool,
}

macro_rules! page {
    ($where:expr, $order:literal) => {
        select_executions!("WHERE ", $where, " ORDER BY ", $order, " LIMIT $3 OFFSET $4")
    };
}

macro_rules! pages {
    ($filter:expr, $where:literal) => {
        (
            concat!("SELECT count(*) FROM schedule_executions WHERE ", $where),
            match ($filter.order, $filter.descending) {
                (Order::Queued, false) => page!($where, "id"),
                (Order::Queued, true) => page!($where, "id DESC"),
                (Order::Started, false) => page!($where, "started_at IS NULL, started_at, id"),
                (Order::Started, true) => page!($where, "started_at IS NULL DESC, started_at DESC, id DESC"),
                (Order::Completed, false) => page!($where, "completed_at IS NULL, completed_at, id"),
                (Order::Completed, true) => page!($where, "completed_at IS NULL DESC, completed_at DESC, id DESC"),
                (Order::Status, false) => page!(
                    $where,
                    "CASE status WHEN 'Queued' THEN 0 WHEN 'InProgress' THEN 1 WHEN 'Completed' THEN 2 \
                     WHEN 'Failed' THEN 3 ELSE 4 END, id"
                ),
                (Order::Status, true) => page!(
                    $where,
                    "CASE status WHEN 'Queued' THEN 0 WHEN 'InProgress' THEN 1 WHEN 'Completed' THEN 2 \
                     WHEN 'Failed' THEN 3 ELSE 4 END DESC, id DESC"
                ),
            },
        )
    };
}

/// One page of executions, without their steps, and how many there are on all pages.
pub async fn list(tx: &mut Tx, filter: &Filter, offset: i64, limit: i64) -> Result<(Vec<Execution>, i64)> {
    // Each kind of question has a statement of its own, so that each finds its index.
    let (count, page) = match (filter.schedule, &filter.status) {
        (None, None) => pages!(filter, "CAST($1 AS TEXT) IS NULL AND CAST($2 AS TEXT) IS NULL"),
        (Some(_), None) => pages!(filter, "schedule_id = $1 AND CAST($2 AS TEXT) IS NULL"),
        (None, Some(_)) => pages!(filter, "CAST($1 AS TEXT) IS NULL AND status = $2"),
        (Some(_), Some(_)) => pages!(filter, "schedule_id = $1 AND status = $2"),
    };
    let schedule = filter.schedule.map(|schedule| schedule.to_string());
    let status = filter.status.as_ref().map(Words::as_str);
    let total: i64 = on!(tx, conn => sqlx::query_scalar(count).bind(&schedule).bind(status).fetch_one(conn).await?);
    let found: Vec<Row> = on!(tx, conn => sqlx::query_as(page)
        .bind(&schedule).bind(status).bind(limit).bind(offset).fetch_all(conn).await?);
    Ok((found.into_iter().map(Execution::try_from).collect::<Result<_>>()?, total))
}

/// With how many steps of removed executions a batch is full.
const MAX_PRUNED_STEPS: i64 = 5000;

/// Removes up to `limit` executions, with their activities, that were recorded before `before` and after `after`, oldest first;
/// fewer where they have many steps, so that a transaction stays short.
/// One with an active step stays, and so does the newest execution of a schedule that exists. Returns how many are gone and
/// the last one that was looked at, from which to go on; `None` when there is nothing more.
pub async fn prune(
    tx: &mut Tx,
    after: ExecutionId,
    before: ExecutionId,
    limit: i64,
) -> Result<(u64, Option<ExecutionId>)> {
    let mut seen: Vec<(String, i64, bool)> = on!(tx, conn => sqlx::query_as(
        "SELECT e.id, e.total_steps, e.completed_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM active_steps a WHERE a.execution_id = e.id) \
         AND (NOT EXISTS (SELECT 1 FROM schedules s WHERE s.id = e.schedule_id) \
         OR EXISTS (SELECT 1 FROM schedule_executions n WHERE n.schedule_id = e.schedule_id AND n.id > e.id)) AS old \
         FROM schedule_executions e WHERE e.id > $1 AND e.id < $2 ORDER BY e.id LIMIT $3",
    ).bind(after.to_string()).bind(before.to_string()).bind(limit).fetch_all(conn).await?);
    let mut steps = 0;
    let many = seen.iter().position(|(_, of, old)| {
        steps += if *old { *of } else { 0 };
        steps >= MAX_PRUNED_STEPS
    });
    seen.truncate(many.map_or(seen.len(), |last| last + 1));
    let last = seen.last().map(|(id, ..)| parsed("schedule_executions.id", id)).transpose()?;
    let given = rows(seen.into_iter().filter(|(.., old)| *old).map(|(id, ..)| GivenId { id }));
    let sql = given!(tx, (id text), "DELETE FROM activities WHERE execution_id IN (SELECT id FROM given)");
    on!(tx, conn => sqlx::query(sql).bind(&given).execute(conn).await?.rows_affected());
    let sql = given!(tx, (id text), "DELETE FROM schedule_executions WHERE id IN (SELECT id FROM given)");
    let gone = on!(tx, conn => sqlx::query(sql).bind(given).execute(conn).await?.rows_affected());
    Ok((gone, last))
}
