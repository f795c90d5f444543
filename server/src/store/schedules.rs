//! Schedules and their steps.

pub mod steps;

use jiff::Timestamp;
use justiam_sdk::api::ids::ScheduleId;
use justiam_sdk::api::pattern::PatternFields;
use justiam_sdk::api::schedules::{IntervalUnit, TriggerType};
use justiam_sdk::api::values::Words as _;
use serde::Serialize;

use super::{Error, Result, Tx, contains, folded, given, locked, maybe_time, on, parsed, rows, time};

pub use steps::{SealedConnection, StepRow, lock_profiles, replace_steps, steps, steps_of, users_of_profile};

/// A schedule as it is stored, without its steps.
#[derive(Debug, Clone, PartialEq)]
pub struct ScheduleRow {
    /// The schedule.
    pub id: ScheduleId,
    /// Unique among schedules.
    pub name: String,
    /// Free text.
    pub description: Option<String>,
    /// What starts it.
    pub trigger_type: TriggerType,
    /// When it fires. Beside other patterns than `Custom`, the cron expression is what the server made of them.
    pub pattern: PatternFields,
    /// IANA name.
    pub timezone: String,
    /// Whether it fires by itself.
    pub is_enabled: bool,
    /// When it last began an execution.
    pub last_run_at: Option<Timestamp>,
    /// When it fires next by itself.
    pub next_run_at: Option<Timestamp>,
    /// Changes with the definition and the steps.
    pub revision: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// When the revision last changed.
    pub updated_at: Option<Timestamp>,
    /// How many steps it has. Read from the steps; an insert or an update does not look at it.
    pub step_count: i64,
}

impl ScheduleRow {
    /// What a firing needs of it.
    pub fn to_due(&self) -> DueSchedule {
        DueSchedule {
            id: self.id,
            name: self.name.clone(),
            trigger_type: self.trigger_type.clone(),
            pattern: self.pattern.clone(),
            timezone: self.timezone.clone(),
            next_run_at: self.next_run_at,
        }
    }
}

/// A schedule whose time has come: what the dispatcher needs of it.
#[derive(Debug, Clone, PartialEq)]
pub struct DueSchedule {
    /// The schedule.
    pub id: ScheduleId,
    /// Its name.
    pub name: String,
    /// What starts it.
    pub trigger_type: TriggerType,
    /// When it fires.
    pub pattern: PatternFields,
    /// Its zone.
    pub timezone: String,
    /// When it was to fire.
    pub next_run_at: Option<Timestamp>,
}

/// Which schedules to list, and in which order.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Exactly this name.
    pub name: Option<String>,
    /// A part of the name or the description, in any letter case.
    pub search: Option<String>,
    /// By what they are sorted.
    pub sort: Sort,
    /// Whether the last comes first.
    pub descending: bool,
}

/// By what schedules are sorted. Those that are the same stay in the order of their creation, and those without a time come last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    /// Their creation.
    #[default]
    Created,
    /// Their names.
    Name,
    /// Whether they are enabled.
    IsEnabled,
    /// When they last ran.
    LastRun,
    /// When they run next.
    NextRun,
}

#[derive(sqlx::FromRow)]
struct Row {
    description: Option<String>,
    is_enabled: bool,
    last_run_at: Option<i64>,
    revision: String,
    created_at: i64,
    updated_at: Option<i64>,
    step_count: i64,
    #[sqlx(flatten)]
    due: DueRow,
}

impl TryFrom<Row> for ScheduleRow {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let due = DueSchedule::try_from(row.due)?;
        Ok(Self {
            id: due.id,
            name: due.name,
            description: row.description,
            trigger_type: due.trigger_type,
            pattern: due.pattern,
            timezone: due.timezone,
            is_enabled: row.is_enabled,
            last_run_at: maybe_time("schedules.last_run_at", row.last_run_at)?,
            next_run_at: due.next_run_at,
            revision: row.revision,
            created_at: time("schedules.created_at", row.created_at)?,
            updated_at: maybe_time("schedules.updated_at", row.updated_at)?,
            step_count: row.step_count,
        })
    }
}

#[derive(sqlx::FromRow)]
struct DueRow {
    id: String,
    name: String,
    trigger_type: String,
    cron_expression: Option<String>,
    pattern_type: String,
    days_of_week: Option<String>,
    run_times: Option<String>,
    interval_value: Option<i64>,
    interval_unit: Option<String>,
    interval_window_start: Option<String>,
    interval_window_end: Option<String>,
    timezone: String,
    next_run_at: Option<i64>,
}

impl TryFrom<DueRow> for DueSchedule {
    type Error = Error;

    fn try_from(row: DueRow) -> Result<Self> {
        Ok(Self {
            id: parsed("schedules.id", &row.id)?,
            name: row.name,
            trigger_type: row.trigger_type.as_str().into(),
            pattern: PatternFields {
                pattern_type: row.pattern_type.as_str().into(),
                cron_expression: row.cron_expression,
                days_of_week: row.days_of_week,
                run_times: row.run_times,
                interval_value: row.interval_value,
                interval_unit: row.interval_unit.as_deref().map(IntervalUnit::from),
                interval_window_start: row.interval_window_start,
                interval_window_end: row.interval_window_end,
            },
            timezone: row.timezone,
            next_run_at: maybe_time("schedules.next_run_at", row.next_run_at)?,
        })
    }
}

macro_rules! due_columns {
    () => {
        "s.id, s.name, s.trigger_type, s.cron_expression, s.pattern_type, s.days_of_week, s.run_times, s.interval_value, \
         s.interval_unit, s.interval_window_start, s.interval_window_end, s.timezone, s.next_run_at"
    };
}

macro_rules! select_schedules {
    ($($rest:tt)+) => {
        concat!(
            "SELECT ",
            due_columns!(),
            ", s.description, s.is_enabled, s.last_run_at, s.revision, s.created_at, s.updated_at, \
             (SELECT count(*) FROM schedule_steps p WHERE p.schedule_id = s.id) AS step_count FROM schedules s ",
            $($rest)+
        )
    };
}

macro_rules! select_due {
    ($rest:literal) => {
        concat!("SELECT ", due_columns!(), " FROM schedules s ", $rest)
    };
}

macro_rules! where_filter {
    () => {
        "WHERE (CAST($1 AS TEXT) IS NULL OR s.name = $1) AND (CAST($2 AS TEXT) IS NULL OR s.folded LIKE $2 ESCAPE '\\') "
    };
}

macro_rules! page_by {
    ($order:literal) => {
        select_schedules!(where_filter!(), "ORDER BY ", $order, "s.id LIMIT $3 OFFSET $4")
    };
}

/// Stores a new schedule. `false` when its name is taken.
pub async fn insert(tx: &mut Tx, schedule: &ScheduleRow) -> Result<bool> {
    let (s, p) = (schedule, &schedule.pattern);
    let done = on!(tx, conn => sqlx::query(
        "INSERT INTO schedules (id, name, description, folded, trigger_type, cron_expression, pattern_type, days_of_week, \
         run_times, interval_value, interval_unit, interval_window_start, interval_window_end, timezone, is_enabled, \
         next_run_at, revision, updated_at, created_at, last_run_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20) \
         ON CONFLICT (name) DO NOTHING",
    )
    .bind(s.id.to_string())
    .bind(&s.name)
    .bind(&s.description)
    .bind(searched(s))
    .bind(s.trigger_type.as_str())
    .bind(&p.cron_expression)
    .bind(p.pattern_type.as_str())
    .bind(&p.days_of_week)
    .bind(&p.run_times)
    .bind(p.interval_value)
    .bind(p.interval_unit.as_ref().map(IntervalUnit::to_string))
    .bind(&p.interval_window_start)
    .bind(&p.interval_window_end)
    .bind(&s.timezone)
    .bind(s.is_enabled)
    .bind(s.next_run_at.map(Timestamp::as_microsecond))
    .bind(&s.revision)
    .bind(s.updated_at.map(Timestamp::as_microsecond))
    .bind(s.created_at.as_microsecond())
    .bind(s.last_run_at.map(Timestamp::as_microsecond))
    .execute(conn)
    .await?.rows_affected());
    Ok(done == 1)
}

/// Overwrites a schedule with what the row says, but for its creation and its last run. `false` when it is gone. A name that is
/// taken is a [`Error::Conflict`].
pub async fn update(tx: &mut Tx, schedule: &ScheduleRow) -> Result<bool> {
    let (s, p) = (schedule, &schedule.pattern);
    let done = on!(tx, conn => sqlx::query(
        "UPDATE schedules SET name = $2, description = $3, folded = $4, trigger_type = $5, cron_expression = $6, \
         pattern_type = $7, days_of_week = $8, run_times = $9, interval_value = $10, interval_unit = $11, \
         interval_window_start = $12, interval_window_end = $13, timezone = $14, is_enabled = $15, next_run_at = $16, \
         revision = $17, updated_at = $18 WHERE id = $1",
    )
    .bind(s.id.to_string())
    .bind(&s.name)
    .bind(&s.description)
    .bind(searched(s))
    .bind(s.trigger_type.as_str())
    .bind(&p.cron_expression)
    .bind(p.pattern_type.as_str())
    .bind(&p.days_of_week)
    .bind(&p.run_times)
    .bind(p.interval_value)
    .bind(p.interval_unit.as_ref().map(IntervalUnit::to_string))
    .bind(&p.interval_window_start)
    .bind(&p.interval_window_end)
    .bind(&s.timezone)
    .bind(s.is_enabled)
    .bind(s.next_run_at.map(Timestamp::as_microsecond))
    .bind(&s.revision)
    .bind(s.updated_at.map(Timestamp::as_microsecond))
    .execute(conn)
    .await?.rows_affected());
    Ok(done == 1)
}

/// The texts in which a search looks.
fn searched(schedule: &ScheduleRow) -> String {
    let name = folded(&schedule.name);
    schedule.description.as_deref().map_or_else(|| name.clone(), |text| format!("{name}\n{}", folded(text)))
}

/// Deletes a schedule and its steps. Its executions stay.
pub async fn delete(tx: &mut Tx, id: ScheduleId) -> Result<bool> {
    let done = on!(tx, conn => sqlx::query("DELETE FROM schedules WHERE id = $1")
        .bind(id.to_string()).execute(conn).await?.rows_affected());
    Ok(done == 1)
}

/// Reads one schedule.
pub async fn get(tx: &mut Tx, id: ScheduleId) -> Result<Option<ScheduleRow>> {
    let row: Option<Row> = on!(tx, conn => sqlx::query_as(select_schedules!("WHERE s.id = $1"))
        .bind(id.to_string()).fetch_optional(conn).await?);
    row.map(ScheduleRow::try_from).transpose()
}

/// Reads one schedule and locks it: until the transaction ends, nobody else changes it, its steps, or decides about its ticks.
pub async fn lock(tx: &mut Tx, id: ScheduleId) -> Result<Option<ScheduleRow>> {
    let sql = locked!(tx, ["SELECT id FROM schedules WHERE id = $1"], "FOR UPDATE");
    let found: Option<String> =
        on!(tx, conn => sqlx::query_scalar(sql).bind(id.to_string()).fetch_optional(conn).await?);
    // Read by a second statement, which sees what was decided while the first one waited.
    if found.is_some() { get(tx, id).await } else { Ok(None) }
}

/// The id of the schedule with this name.
pub async fn id_of(tx: &mut Tx, name: &str) -> Result<Option<ScheduleId>> {
    let id: Option<String> = on!(tx, conn => sqlx::query_scalar("SELECT id FROM schedules WHERE name = $1")
        .bind(name).fetch_optional(conn).await?);
    id.map(|id| parsed("schedules.id", &id)).transpose()
}

/// One page of schedules, and how many there are on all pages.
pub async fn list(tx: &mut Tx, filter: &Filter, offset: i64, limit: i64) -> Result<(Vec<ScheduleRow>, i64)> {
    let search = filter.search.as_deref().map(contains);
    let total: i64 = on!(tx, conn => sqlx::query_scalar(concat!("SELECT count(*) FROM schedules s ", where_filter!()))
        .bind(&filter.name).bind(&search).fetch_one(conn).await?);
    let sql = match (filter.sort, filter.descending) {
        (Sort::Created, false) => page_by!(""),
        (Sort::Created, true) => page_by!("s.id DESC, "),
        (Sort::Name, false) => page_by!("s.name, "),
        (Sort::Name, true) => page_by!("s.name DESC, "),
        (Sort::IsEnabled, false) => page_by!("s.is_enabled, "),
        (Sort::IsEnabled, true) => page_by!("s.is_enabled DESC, "),
        (Sort::LastRun, false) => page_by!("s.last_run_at NULLS LAST, "),
        (Sort::LastRun, true) => page_by!("s.last_run_at DESC NULLS LAST, "),
        (Sort::NextRun, false) => page_by!("s.next_run_at NULLS LAST, "),
        (Sort::NextRun, true) => page_by!("s.next_run_at DESC NULLS LAST, "),
    };
    let rows: Vec<Row> = on!(tx, conn => sqlx::query_as(sql)
        .bind(&filter.name).bind(&search).bind(limit).bind(offset).fetch_all(conn).await?);
    Ok((rows.into_iter().map(ScheduleRow::try_from).collect::<Result<_>>()?, total))
}

/// Locks the enabled schedules whose time has come, the longest due first. Those that another server has locked are left to it.
pub async fn lock_due(tx: &mut Tx, now: Timestamp, limit: i64) -> Result<Vec<DueSchedule>> {
    let sql = locked!(
        tx,
        [select_due!(
            "WHERE s.is_enabled AND s.next_run_at IS NOT NULL AND s.next_run_at <= $1 ORDER BY s.next_run_at, s.id LIMIT $2"
        )],
        "FOR UPDATE SKIP LOCKED"
    );
    let rows: Vec<DueRow> =
        on!(tx, conn => sqlx::query_as(sql).bind(now.as_microsecond()).bind(limit).fetch_all(conn).await?);
    rows.into_iter().map(DueSchedule::try_from).collect()
}

/// Locks the enabled schedules with a pattern that have no next time. There should be none.
pub async fn lock_without_next_run(tx: &mut Tx) -> Result<Vec<DueSchedule>> {
    let sql = locked!(
        tx,
        [select_due!("WHERE s.is_enabled AND s.trigger_type = 'Cron' AND s.next_run_at IS NULL ORDER BY s.id")],
        "FOR UPDATE SKIP LOCKED"
    );
    let rows: Vec<DueRow> = on!(tx, conn => sqlx::query_as(sql).fetch_all(conn).await?);
    rows.into_iter().map(DueSchedule::try_from).collect()
}

/// When the next enabled schedule is due.
pub async fn earliest_due(tx: &mut Tx) -> Result<Option<Timestamp>> {
    let micros: Option<i64> = on!(tx, conn => sqlx::query_scalar(
        "SELECT min(next_run_at) FROM schedules WHERE is_enabled AND next_run_at IS NOT NULL",
    ).fetch_one(conn).await?);
    maybe_time("schedules.next_run_at", micros)
}

/// Moves schedules on to their next times.
pub async fn set_next_runs(tx: &mut Tx, next: impl IntoIterator<Item = (ScheduleId, Option<Timestamp>)>) -> Result<()> {
    #[derive(Serialize)]
    struct Given {
        id: String,
        next_run_at: Option<i64>,
    }
    let sql = given!(
        tx,
        (id text, next_run_at bigint),
        "UPDATE schedules SET next_run_at = g.next_run_at FROM given g WHERE schedules.id = g.id"
    );
    let given = rows(
        next.into_iter()
            .map(|(id, next)| Given { id: id.to_string(), next_run_at: next.map(Timestamp::as_microsecond) }),
    );
    on!(tx, conn => sqlx::query(sql).bind(given).execute(conn).await?.rows_affected());
    Ok(())
}

/// Notes when schedules last began an execution.
pub async fn stamp_last_run(tx: &mut Tx, ids: &[ScheduleId], at: Timestamp) -> Result<()> {
    let sql = given!(
        tx,
        (id text),
        "UPDATE schedules SET last_run_at = $2 WHERE id IN (SELECT id FROM given)"
    );
    on!(tx, conn => sqlx::query(sql).bind(given_ids(ids)).bind(at.as_microsecond()).execute(conn).await?.rows_affected());
    Ok(())
}

fn given_ids(ids: &[ScheduleId]) -> String {
    #[derive(Serialize)]
    struct Given {
        id: String,
    }
    rows(ids.iter().map(|id| Given { id: id.to_string() }))
}
