//! Activities: what steps of executions and run profiles do. What an active one is about right now stands in
//! [`super::active_steps`]; whoever reads an activity here gets both as one.

mod history;
mod steps;

use std::collections::BTreeMap;

use jiff::Timestamp;
use justiam_sdk::api::activities::{Activity, ActivityStatus, ObjectError};
use justiam_sdk::api::ids::{ActivityId, ExecutionId};
use justiam_sdk::api::values::Words as _;

use super::executions::Initiator;
use super::{Error, Result, Tx, json, locked, maybe_time, on, parsed, text, time};
pub use history::{Filter, list, prune, uses_profile};
pub use steps::{
    GroupStep, NewStep, SnapshotStep, cancel_rest, group, indexes, insert_steps, of_execution, steps_of_schedule,
};

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepEnding {
    /// One that will never change again.
    pub status: ActivityStatus,
    /// What was done, in words.
    pub message: Option<String>,
    /// What went wrong.
    pub error: Option<String>,
    /// What the program ended with; a signal is 128 and its number.
    pub exit_code: Option<i64>,
    /// The end of what was printed.
    pub output: Option<String>,
    /// How the program was isolated.
    pub isolation: Option<String>,
    /// What became of objects.
    pub objects: Objects,
}

/// What a run profile did to objects.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Objects {
    /// How many there are, where that is known.
    pub to_process: Option<i64>,
    /// How many have been processed.
    pub processed: i64,
    /// What became of them: a number for each word.
    pub counts: BTreeMap<String, i64>,
    /// The first errors of single objects.
    pub errors: Vec<ObjectError>,
}

/// What there is to do for an activity.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Job {
    /// The step's name, or that of the run profile.
    pub name: String,
    /// The kind of step; `None` for a run profile that is no step.
    pub step_type: Option<String>,
    /// The step for which the connection string is sealed.
    pub step_id: Option<String>,
    /// After how many seconds to end it.
    pub timeout_seconds: Option<i64>,
    /// Of `RunProfile`: the run profile.
    pub run_profile_id: Option<i64>,
    /// Of `PowerShell`: the script.
    pub script_path: Option<String>,
    /// Of `PowerShell` and `Executable`: the arguments.
    pub arguments: Option<String>,
    /// Of `Executable`: the program.
    pub executable_path: Option<String>,
    /// Of `PowerShell` and `Executable`: the working directory.
    pub working_directory: Option<String>,
    /// Of `SqlScript`: which key the connection string is sealed with.
    pub sql_sealed_by: Option<String>,
    /// Of `SqlScript`: the sealed connection string.
    pub sql_sealed: Option<String>,
    /// Of `SqlScript`: the SQL text.
    pub sql_script_path: Option<String>,
}

/// What there is to do for an activity.
pub async fn job(tx: &mut Tx, id: ActivityId) -> Result<Option<Job>> {
    Ok(on!(tx, conn => sqlx::query_as(
        "SELECT COALESCE(step_name, target_name) AS name, step_type, step_id, timeout_seconds, run_profile_id, script_path, \
         arguments, executable_path, working_directory, sql_sealed_by, sql_sealed, sql_script_path \
         FROM activities WHERE id = $1",
    ).bind(id.to_string()).fetch_optional(conn).await?))
}

/// Records that somebody executes a run profile, and lets it begin in its turn. `false` when there is no such run profile.
pub async fn insert_run_profile(
    tx: &mut Tx,
    id: ActivityId,
    connected_system: i64,
    run_profile: i64,
    initiator: &Initiator,
    now: Timestamp,
) -> Result<bool> {
    let inserted = on!(tx, conn => sqlx::query(
        "INSERT INTO activities (id, target_type, target_name, target_context, status, created_at, initiated_by_type, \
         initiated_by_id, initiated_by_name, connected_system_id, run_profile_id) \
         SELECT $1, 'ConnectedSystemRunProfile', p.name, s.name, 'NotSet', $2, $3, $4, $5, s.id, p.id FROM run_profiles p \
         JOIN connected_systems s ON s.id = p.connected_system_id WHERE s.id = $6 AND p.id = $7",
    )
        .bind(id.to_string()).bind(now.as_microsecond()).bind(initiator.kind.as_str()).bind(&initiator.id)
        .bind(&initiator.name).bind(connected_system).bind(run_profile)
        .execute(conn).await?.rows_affected());
    super::active_steps::insert(tx, id).await?;
    Ok(inserted == 1)
}

/// Writes down how far an activity has come, if it is still at work in this attempt, and tells whether it is. If so, nobody
/// else can end it before the transaction does.
pub async fn progress(
    tx: &mut Tx,
    id: ActivityId,
    attempt: i32,
    processed: i64,
    to_process: Option<i64>,
) -> Result<bool> {
    let sql = locked!(
        tx,
        ["SELECT turn FROM active_steps WHERE activity_id = $1 AND attempt = $2 AND status = 'processing'"],
        "FOR KEY SHARE"
    );
    let turn: Option<i64> = on!(tx, conn => sqlx::query_scalar(sql).bind(id.to_string()).bind(i64::from(attempt)).fetch_optional(conn).await?);
    if turn.is_none() {
        return Ok(false);
    }
    on!(tx, conn => sqlx::query(
        "UPDATE activities SET objects_processed = $2, objects_to_process = COALESCE($3, objects_to_process) WHERE id = $1",
    ).bind(id.to_string()).bind(processed).bind(to_process).execute(conn).await?.rows_affected());
    Ok(true)
}

/// Writes the end of an activity. It never ends before it began, and what it has told of its progress is not taken back.
/// Whoever ends it has taken it out of [`super::active_steps`] before. Its connection string is forgotten.
pub async fn end(
    tx: &mut Tx,
    id: ActivityId,
    started_at: Option<Timestamp>,
    ending: &StepEnding,
    now: Timestamp,
) -> Result<()> {
    let objects = &ending.objects;
    on!(tx, conn => sqlx::query(
        "UPDATE activities SET status = $2, message = $3, error_message = $4, started_at = $5, \
         completed_at = CASE WHEN $5 > $6 THEN $5 ELSE $6 END, exit_code = $7, output = $8, isolation = $9, \
         objects_to_process = COALESCE($10, objects_to_process), \
         objects_processed = CASE WHEN objects_processed > $11 THEN objects_processed ELSE $11 END, counts = $12, errors = $13, \
         sql_sealed_by = NULL, sql_sealed = NULL \
         WHERE id = $1 AND completed_at IS NULL",
    )
        .bind(id.to_string()).bind(ending.status.as_str()).bind(&ending.message).bind(&ending.error)
        .bind(started_at.map(Timestamp::as_microsecond)).bind(now.as_microsecond()).bind(ending.exit_code)
        .bind(&ending.output).bind(&ending.isolation).bind(objects.to_process).bind(objects.processed)
        .bind(text(&objects.counts)).bind(text(&objects.errors))
        .execute(conn).await?.rows_affected());
    Ok(())
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    target_type: String,
    target_name: String,
    target_context: Option<String>,
    status: String,
    message: Option<String>,
    error_message: Option<String>,
    created_at: i64,
    started_at: Option<i64>,
    completed_at: Option<i64>,
    objects_to_process: Option<i64>,
    objects_processed: i64,
    counts: String,
    errors: String,
    exit_code: Option<i64>,
    output: Option<String>,
    isolation: Option<String>,
    connected_system_id: Option<i64>,
    run_profile_id: Option<i64>,
    execution_id: Option<String>,
    step_index: Option<i64>,
    schedule_id: Option<String>,
    schedule_name: Option<String>,
    initiated_by_type: String,
    initiated_by_id: Option<String>,
    initiated_by_name: Option<String>,
}

impl TryFrom<Row> for Activity {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let mut activity = Self::new(
            parsed("activities.id", &row.id)?,
            row.target_type.as_str().into(),
            row.target_name,
            time("activities.created_at", row.created_at)?,
        );
        let executed = maybe_time("activities.started_at", row.started_at)?;
        let completed = maybe_time("activities.completed_at", row.completed_at)?;
        activity.target_context = row.target_context;
        activity.status = row.status.as_str().into();
        activity.message = row.message;
        activity.error_message = row.error_message;
        activity.executed = executed;
        activity.completed = completed;
        activity.execution_time_ms =
            executed.zip(completed).map(|(start, end)| (end.as_microsecond() - start.as_microsecond()) / 1000);
        activity.objects_to_process = row.objects_to_process;
        activity.objects_processed = row.objects_processed;
        activity.counts = json("activities.counts", &row.counts)?;
        activity.errors = json("activities.errors", &row.errors)?;
        activity.exit_code = row.exit_code;
        activity.output = row.output;
        activity.isolation = row.isolation;
        activity.connected_system_id = row.connected_system_id;
        activity.run_profile_id = row.run_profile_id;
        activity.schedule_execution_id = execution(row.execution_id.as_deref())?;
        activity.schedule_step_index = row.step_index;
        activity.scheduled_by_schedule_id =
            row.schedule_id.map(|id| parsed("activities.schedule_id", &id)).transpose()?;
        activity.scheduled_by_schedule_name = row.schedule_name;
        activity.initiated_by_type = row.initiated_by_type.as_str().into();
        activity.initiated_by_id = row.initiated_by_id;
        activity.initiated_by_name = row.initiated_by_name;
        Ok(activity)
    }
}

fn execution(stored: Option<&str>) -> Result<Option<ExecutionId>> {
    stored.map(|id| parsed("activities.execution_id", id)).transpose()
}

macro_rules! select_activities {
    ($($rest:expr),+) => {
        concat!(
            "SELECT a.id, a.target_type, a.target_name, a.target_context, \
             CASE WHEN s.status = 'processing' THEN 'InProgress' ELSE a.status END AS status, a.message, a.error_message, \
             a.created_at, COALESCE(a.started_at, s.started_at) AS started_at, a.completed_at, a.objects_to_process, \
             a.objects_processed, a.counts, a.errors, a.exit_code, a.output, a.isolation, a.connected_system_id, \
             a.run_profile_id, a.execution_id, a.step_index, a.schedule_id, a.schedule_name, a.initiated_by_type, \
             a.initiated_by_id, a.initiated_by_name \
             FROM activities a LEFT JOIN active_steps s ON s.activity_id = a.id ",
            $($rest),+
        )
    };
}
use select_activities;

/// Reads one activity.
pub async fn get(tx: &mut Tx, id: ActivityId) -> Result<Option<Activity>> {
    let row: Option<Row> = on!(tx, conn => sqlx::query_as(select_activities!("WHERE a.id = $1"))
        .bind(id.to_string()).fetch_optional(conn).await?);
    row.map(Activity::try_from).transpose()
}
