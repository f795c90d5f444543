//! Tasks.

mod list;

use jiff::Timestamp;
use justiam_sdk::api::config::ConfigMap;
use justiam_sdk::api::ids::TaskId;
use justiam_sdk::api::values::{OverlapPolicy, RunStatus, ScheduleType, TaskType, Words as _};
use serde::Serialize;
use serde_json::{Map, Value};

use super::{Error, Result, Tx, folded, given, json, locked, maybe_time, on, parsed, rows, text, time};

pub use list::{Filter, list};

/// What a user decides about a task, secrets aside.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    /// Unique among tasks.
    pub name: String,
    /// Free text.
    pub description: Option<String>,
    /// What the task does.
    pub task_type: TaskType,
    /// What makes it run without a trigger.
    pub schedule_type: ScheduleType,
    /// The cron expression as it was written.
    pub cron_expr: Option<String>,
    /// IANA name.
    pub timezone: String,
    /// When a `once` task fires.
    pub run_at: Option<Timestamp>,
    /// What happens when the task fires while it runs.
    pub overlap_policy: OverlapPolicy,
    /// Whether the task fires by itself.
    pub enabled: bool,
    /// After how many seconds a run is ended.
    pub timeout_seconds: i64,
    /// The Go source.
    pub script: Option<String>,
    /// SHA-256 of the script in hexadecimal.
    pub script_sha256: Option<String>,
    /// A JSON object that is stored as given.
    pub config: Map<String, Value>,
    /// What the script reads.
    pub task_config: ConfigMap,
}

/// A task as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskRow {
    /// The task.
    pub id: TaskId,
    /// What a user decided.
    pub definition: Definition,
    /// Whether the server brought the task itself.
    pub is_system: bool,
    /// When the task fires next by itself.
    pub next_run_at: Option<Timestamp>,
    /// Changes with the definition and the secrets.
    pub revision: String,
    /// When the task was created.
    pub created_at: Timestamp,
    /// When the revision last changed.
    pub updated_at: Timestamp,
    /// When the newest run that began did so.
    pub last_run_at: Option<Timestamp>,
    /// How that run stands.
    pub last_status: Option<RunStatus>,
}

impl TaskRow {
    /// What a firing needs of it.
    pub fn to_due(&self) -> DueTask {
        let d = &self.definition;
        DueTask {
            id: self.id,
            name: d.name.clone(),
            schedule_type: d.schedule_type.clone(),
            cron_expr: d.cron_expr.clone(),
            timezone: d.timezone.clone(),
            run_at: d.run_at,
            overlap_policy: d.overlap_policy.clone(),
            next_run_at: self.next_run_at,
        }
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    name: String,
    description: Option<String>,
    task_type: String,
    schedule_type: String,
    cron_expr: Option<String>,
    timezone: String,
    run_at: Option<i64>,
    overlap_policy: String,
    enabled: bool,
    timeout_seconds: i64,
    script: Option<String>,
    script_sha256: Option<String>,
    config: String,
    task_config: String,
    is_system: bool,
    next_run_at: Option<i64>,
    revision: String,
    created_at: i64,
    updated_at: i64,
    last_run_at: Option<i64>,
    last_status: Option<String>,
}

impl TryFrom<Row> for TaskRow {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: parsed("tasks.id", &row.id)?,
            definition: Definition {
                name: row.name,
                description: row.description,
                task_type: row.task_type.as_str().into(),
                schedule_type: row.schedule_type.as_str().into(),
                cron_expr: row.cron_expr,
                timezone: row.timezone,
                run_at: maybe_time("tasks.run_at", row.run_at)?,
                overlap_policy: row.overlap_policy.as_str().into(),
                enabled: row.enabled,
                timeout_seconds: row.timeout_seconds,
                script: row.script,
                script_sha256: row.script_sha256,
                config: json("tasks.config", &row.config)?,
                task_config: json("tasks.task_config", &row.task_config)?,
            },
            is_system: row.is_system,
            next_run_at: maybe_time("tasks.next_run_at", row.next_run_at)?,
            revision: row.revision,
            created_at: time("tasks.created_at", row.created_at)?,
            updated_at: time("tasks.updated_at", row.updated_at)?,
            last_run_at: maybe_time("runs.started_at", row.last_run_at)?,
            last_status: row.last_status.as_deref().map(RunStatus::from),
        })
    }
}

macro_rules! select_tasks {
    ($bodies:literal, $rest:literal) => {
        concat!(
            "SELECT t.id, t.name, t.description, t.task_type, t.schedule_type, t.cron_expr, t.timezone, t.run_at, \
             t.overlap_policy, t.enabled, t.timeout_seconds, t.script_sha256, t.is_system, t.next_run_at, t.revision, \
             t.created_at, t.updated_at, COALESCE(r.started_at, a.started_at) AS last_run_at, \
             COALESCE(r.status, a.status) AS last_status, ",
            $bodies,
            " FROM tasks t LEFT JOIN runs r ON r.id = (SELECT n.id FROM runs n LEFT JOIN active_runs b ON b.id = n.id \
             WHERE n.task_id = t.id AND (n.started_at IS NOT NULL OR b.status = 'running') ORDER BY n.id DESC LIMIT 1) \
             LEFT JOIN active_runs a ON a.id = r.id ",
            $rest
        )
    };
}

macro_rules! select_due {
    ($rest:literal) => {
        concat!(
            "SELECT id, name, schedule_type, cron_expr, timezone, run_at, overlap_policy, next_run_at FROM tasks ",
            $rest
        )
    };
}

use select_tasks;

/// Stores a new task. `false` when its name is taken.
pub async fn insert(tx: &mut Tx, task: &TaskRow) -> Result<bool> {
    let d = &task.definition;
    let done = on!(tx, conn => sqlx::query(
        "INSERT INTO tasks (id, name, description, task_type, schedule_type, cron_expr, timezone, run_at, overlap_policy, \
         enabled, timeout_seconds, script, script_sha256, config, task_config, is_system, next_run_at, revision, \
         created_at, updated_at, name_folded) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21) \
         ON CONFLICT (name) DO NOTHING",
    )
    .bind(task.id.to_string())
    .bind(&d.name)
    .bind(&d.description)
    .bind(d.task_type.as_str())
    .bind(d.schedule_type.as_str())
    .bind(&d.cron_expr)
    .bind(&d.timezone)
    .bind(d.run_at.map(Timestamp::as_microsecond))
    .bind(d.overlap_policy.as_str())
    .bind(d.enabled)
    .bind(d.timeout_seconds)
    .bind(&d.script)
    .bind(&d.script_sha256)
    .bind(text(&d.config))
    .bind(text(&d.task_config))
    .bind(task.is_system)
    .bind(task.next_run_at.map(Timestamp::as_microsecond))
    .bind(&task.revision)
    .bind(task.created_at.as_microsecond())
    .bind(task.updated_at.as_microsecond())
    .bind(folded(&d.name))
    .execute(conn)
    .await?.rows_affected());
    Ok(done == 1)
}

/// Overwrites a task with what the row says. `false` when it is gone. A name that is taken is a [`Error::Conflict`].
pub async fn update(tx: &mut Tx, task: &TaskRow) -> Result<bool> {
    let d = &task.definition;
    let done = on!(tx, conn => sqlx::query(
        "UPDATE tasks SET name = $2, description = $3, task_type = $4, schedule_type = $5, cron_expr = $6, timezone = $7, \
         run_at = $8, overlap_policy = $9, enabled = $10, timeout_seconds = $11, script = $12, script_sha256 = $13, \
         config = $14, task_config = $15, next_run_at = $16, revision = $17, updated_at = $18, \
         name_folded = $19 WHERE id = $1",
    )
    .bind(task.id.to_string())
    .bind(&d.name)
    .bind(&d.description)
    .bind(d.task_type.as_str())
    .bind(d.schedule_type.as_str())
    .bind(&d.cron_expr)
    .bind(&d.timezone)
    .bind(d.run_at.map(Timestamp::as_microsecond))
    .bind(d.overlap_policy.as_str())
    .bind(d.enabled)
    .bind(d.timeout_seconds)
    .bind(&d.script)
    .bind(&d.script_sha256)
    .bind(text(&d.config))
    .bind(text(&d.task_config))
    .bind(task.next_run_at.map(Timestamp::as_microsecond))
    .bind(&task.revision)
    .bind(task.updated_at.as_microsecond())
    .bind(folded(&d.name))
    .execute(conn)
    .await?.rows_affected());
    Ok(done == 1)
}

/// Deletes a task and its secrets.
pub async fn delete(tx: &mut Tx, id: TaskId) -> Result<bool> {
    let done = on!(tx, conn => sqlx::query("DELETE FROM tasks WHERE id = $1")
        .bind(id.to_string()).execute(conn).await?.rows_affected());
    Ok(done == 1)
}

/// Reads one task.
pub async fn get(tx: &mut Tx, id: TaskId) -> Result<Option<TaskRow>> {
    let row: Option<Row> = on!(tx, conn => sqlx::query_as(
        select_tasks!("t.script, t.config, t.task_config", "WHERE t.id = $1"),
    ).bind(id.to_string()).fetch_optional(conn).await?);
    row.map(TaskRow::try_from).transpose()
}

/// Reads one task and locks it: until the transaction ends, nobody else changes it or decides about its runs.
pub async fn lock(tx: &mut Tx, id: TaskId) -> Result<Option<TaskRow>> {
    // Read by a second statement, which sees what was decided while the first one waited.
    if lock_to_fire(tx, id).await?.is_some() { get(tx, id).await } else { Ok(None) }
}

/// The same, for somebody who wants to know no more than what a firing needs.
pub async fn lock_to_fire(tx: &mut Tx, id: TaskId) -> Result<Option<DueTask>> {
    let sql = locked!(tx, [select_due!("WHERE id = $1")], "FOR UPDATE");
    let row: Option<DueRow> = on!(tx, conn => sqlx::query_as(sql).bind(id.to_string()).fetch_optional(conn).await?);
    row.map(DueTask::try_from).transpose()
}

/// Locks those of the tasks whose runs do not all start at once, in the order of their ids, and returns them.
pub async fn lock_serial(tx: &mut Tx, tasks: &[TaskId]) -> Result<Vec<TaskId>> {
    let sql = match tx {
        Tx::Sqlite(_) => return serial(tx, tasks).await,
        Tx::Postgres(_) => given!(
            tx,
            (task_id text),
            "SELECT id FROM tasks WHERE id IN (SELECT task_id FROM given) AND overlap_policy <> 'allow' ORDER BY id \
             FOR UPDATE"
        ),
    };
    let ids: Vec<String> = on!(tx, conn => sqlx::query_scalar(sql).bind(given_tasks(tasks)).fetch_all(conn).await?);
    ids.iter().map(|id| parsed("tasks.id", id)).collect()
}

/// Those of the tasks whose runs do not all start at once.
pub async fn serial(tx: &mut Tx, tasks: &[TaskId]) -> Result<Vec<TaskId>> {
    let sql = given!(
        tx,
        (task_id text),
        "SELECT id FROM tasks WHERE id IN (SELECT task_id FROM given) AND overlap_policy <> 'allow' ORDER BY id"
    );
    let ids: Vec<String> = on!(tx, conn => sqlx::query_scalar(sql).bind(given_tasks(tasks)).fetch_all(conn).await?);
    ids.iter().map(|id| parsed("tasks.id", id)).collect()
}

/// The id of the task with this name.
pub async fn id_of(tx: &mut Tx, name: &str) -> Result<Option<TaskId>> {
    let id: Option<String> = on!(tx, conn => sqlx::query_scalar("SELECT id FROM tasks WHERE name = $1")
        .bind(name).fetch_optional(conn).await?);
    id.map(|id| parsed("tasks.id", &id)).transpose()
}

/// A task whose time has come: what the dispatcher needs of it.
#[derive(Debug, Clone, PartialEq)]
pub struct DueTask {
    /// The task.
    pub id: TaskId,
    /// Its name.
    pub name: String,
    /// What makes it run.
    pub schedule_type: ScheduleType,
    /// Its cron expression.
    pub cron_expr: Option<String>,
    /// Its zone.
    pub timezone: String,
    /// When a `once` task fires.
    pub run_at: Option<Timestamp>,
    /// What happens when it fires while it runs.
    pub overlap_policy: OverlapPolicy,
    /// When it was to fire.
    pub next_run_at: Option<Timestamp>,
}

#[derive(sqlx::FromRow)]
struct DueRow {
    id: String,
    name: String,
    schedule_type: String,
    cron_expr: Option<String>,
    timezone: String,
    run_at: Option<i64>,
    overlap_policy: String,
    next_run_at: Option<i64>,
}

impl TryFrom<DueRow> for DueTask {
    type Error = Error;

    fn try_from(row: DueRow) -> Result<Self> {
        Ok(Self {
            id: parsed("tasks.id", &row.id)?,
            name: row.name,
            schedule_type: row.schedule_type.as_str().into(),
            cron_expr: row.cron_expr,
            timezone: row.timezone,
            run_at: maybe_time("tasks.run_at", row.run_at)?,
            overlap_policy: row.overlap_policy.as_str().into(),
            next_run_at: maybe_time("tasks.next_run_at", row.next_run_at)?,
        })
    }
}

/// Locks the enabled tasks whose time has come, the longest due first. Those that another server has locked are left to it.
pub async fn lock_due(tx: &mut Tx, now: Timestamp, limit: i64) -> Result<Vec<DueTask>> {
    let sql = locked!(
        tx,
        [select_due!(
            "WHERE enabled AND next_run_at IS NOT NULL AND next_run_at <= $1 ORDER BY next_run_at, id LIMIT $2"
        )],
        "FOR UPDATE SKIP LOCKED"
    );
    let rows: Vec<DueRow> =
        on!(tx, conn => sqlx::query_as(sql).bind(now.as_microsecond()).bind(limit).fetch_all(conn).await?);
    rows.into_iter().map(DueTask::try_from).collect()
}

/// Locks the enabled cron tasks that have no next time. There should be none.
pub async fn lock_without_next_run(tx: &mut Tx) -> Result<Vec<DueTask>> {
    let sql = locked!(
        tx,
        [select_due!("WHERE enabled AND schedule_type = 'cron' AND next_run_at IS NULL ORDER BY id")],
        "FOR UPDATE SKIP LOCKED"
    );
    let rows: Vec<DueRow> = on!(tx, conn => sqlx::query_as(sql).fetch_all(conn).await?);
    rows.into_iter().map(DueTask::try_from).collect()
}

/// When the next enabled task is due.
pub async fn earliest_due(tx: &mut Tx) -> Result<Option<Timestamp>> {
    let micros: Option<i64> = on!(tx, conn => sqlx::query_scalar(
        "SELECT min(next_run_at) FROM tasks WHERE enabled AND next_run_at IS NOT NULL",
    ).fetch_one(conn).await?);
    maybe_time("tasks.next_run_at", micros)
}

/// Moves tasks on to their next times.
pub async fn set_next_runs(tx: &mut Tx, next: impl IntoIterator<Item = (TaskId, Option<Timestamp>)>) -> Result<()> {
    #[derive(Serialize)]
    struct Given {
        id: String,
        next_run_at: Option<i64>,
    }
    let sql = given!(
        tx,
        (id text, next_run_at bigint),
        "UPDATE tasks SET next_run_at = g.next_run_at FROM given g WHERE tasks.id = g.id"
    );
    let given = rows(
        next.into_iter()
            .map(|(id, next)| Given { id: id.to_string(), next_run_at: next.map(Timestamp::as_microsecond) }),
    );
    on!(tx, conn => sqlx::query(sql).bind(given).execute(conn).await?.rows_affected());
    Ok(())
}

fn given_tasks(tasks: &[TaskId]) -> String {
    #[derive(Serialize)]
    struct Given {
        task_id: String,
    }
    rows(tasks.iter().map(|task| Given { task_id: task.to_string() }))
}
