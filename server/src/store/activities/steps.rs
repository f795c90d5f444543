//! Steps of executions: as they were when the execution was recorded, and how they stand.

use jiff::Timestamp;
use justiam_sdk::api::activities::ActivityStatus;
use justiam_sdk::api::executions::{ExecutionStep, StepStatus};
use justiam_sdk::api::ids::{ActivityId, ExecutionId, ScheduleId};
use justiam_sdk::api::values::Words as _;
use serde::Serialize;

use crate::store::executions::NewExecution;
use crate::store::{Error, Result, Tx, given, maybe_time, on, parsed, rows};

/// What the name of a step in an execution is made of.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct SnapshotStep {
    /// The step of the schedule.
    pub id: String,
    /// Its index.
    pub step_index: i64,
    /// What it does.
    pub step_type: String,
    /// Its own name.
    pub name: Option<String>,
    /// The connected system's name, where there is one.
    pub system_name: Option<String>,
    /// The run profile's name, where there is one.
    pub profile_name: Option<String>,
    /// Of `PowerShell`: the script.
    pub script_path: Option<String>,
    /// Of `Executable`: the program.
    pub executable_path: Option<String>,
    /// Of `SqlScript`: the SQL text.
    pub sql_script_path: Option<String>,
}

/// The steps of a schedule in their order.
pub async fn steps_of_schedule(tx: &mut Tx, schedule: ScheduleId) -> Result<Vec<SnapshotStep>> {
    Ok(on!(tx, conn => sqlx::query_as(
        "SELECT s.id, s.step_index, s.step_type, s.name, c.name AS system_name, p.name AS profile_name, s.script_path, \
         s.executable_path, s.sql_script_path FROM schedule_steps s \
         LEFT JOIN connected_systems c ON c.id = s.connected_system_id \
         LEFT JOIN run_profiles p ON p.id = s.run_profile_id AND p.connected_system_id = s.connected_system_id \
         WHERE s.schedule_id = $1 ORDER BY s.step_index, s.position",
    ).bind(schedule.to_string()).fetch_all(conn).await?))
}

/// A step of a new execution.
#[derive(Debug, Clone)]
pub struct NewStep {
    /// What it does is recorded here.
    pub activity: ActivityId,
    /// The step of the schedule, of which everything else is copied.
    pub step: String,
    /// Its name in the execution.
    pub name: String,
    /// The name of what its activity is about.
    pub target_name: String,
    /// Where that belongs.
    pub target_context: String,
}

/// Records the steps of a new execution, as they stand in the schedule at this moment. None of them begins by that.
pub async fn insert_steps(tx: &mut Tx, execution: &NewExecution, steps: &[NewStep]) -> Result<u64> {
    #[derive(Serialize)]
    struct Given<'a> {
        id: String,
        step_id: &'a str,
        step_name: &'a str,
        target_name: &'a str,
        target_context: &'a str,
        position: usize,
    }
    let sql = given!(
        tx,
        (id text, step_id text, step_name text, target_name text, target_context text, position bigint),
        "INSERT INTO activities (id, target_type, target_name, target_context, status, created_at, initiated_by_type, \
         initiated_by_id, initiated_by_name, connected_system_id, run_profile_id, execution_id, schedule_id, schedule_name, \
         step_id, step_name, position, step_index, step_type, execution_mode, continue_on_failure, timeout_seconds, \
         script_path, arguments, executable_path, working_directory, sql_sealed_by, sql_sealed, sql_script_path) \
         SELECT g.id, CASE WHEN s.step_type = 'RunProfile' THEN 'ConnectedSystemRunProfile' ELSE 'ScheduleStep' END, \
         g.target_name, g.target_context, 'NotSet', $2, $3, $4, $5, s.connected_system_id, s.run_profile_id, $6, $7, $8, s.id, \
         g.step_name, g.position, s.step_index, s.step_type, s.execution_mode, s.continue_on_failure, s.timeout_seconds, \
         s.script_path, s.arguments, s.executable_path, s.working_directory, s.sql_sealed_by, s.sql_sealed, s.sql_script_path \
         FROM given g JOIN schedule_steps s ON s.id = g.step_id"
    );
    let given = rows(steps.iter().enumerate().map(|(position, step)| Given {
        id: step.activity.to_string(),
        step_id: &step.step,
        step_name: &step.name,
        target_name: &step.target_name,
        target_context: &step.target_context,
        position,
    }));
    let initiator = &execution.initiator;
    Ok(on!(tx, conn => sqlx::query(sql)
        .bind(given).bind(execution.queued_at.as_microsecond()).bind(initiator.kind.as_str()).bind(&initiator.id)
        .bind(&initiator.name).bind(execution.id.to_string()).bind(execution.schedule_id.to_string())
        .bind(&execution.schedule_name)
        .execute(conn).await?.rows_affected()))
}

/// The indexes of an execution's steps, ascending.
pub async fn indexes(tx: &mut Tx, execution: ExecutionId) -> Result<Vec<i64>> {
    Ok(on!(tx, conn => sqlx::query_scalar(
        "SELECT DISTINCT step_index FROM activities WHERE execution_id = $1 ORDER BY step_index",
    ).bind(execution.to_string()).fetch_all(conn).await?))
}

/// A step of a group that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupStep {
    /// Its name.
    pub name: String,
    /// Whether it failed.
    pub failed: bool,
    /// Whether later steps run all the same.
    pub continue_on_failure: bool,
}

/// The steps of an execution with one index.
pub async fn group(tx: &mut Tx, execution: ExecutionId, step_index: i64) -> Result<Vec<GroupStep>> {
    let found: Vec<(String, String, bool)> = on!(tx, conn => sqlx::query_as(
        "SELECT COALESCE(step_name, target_name), status, continue_on_failure FROM activities \
         WHERE execution_id = $1 AND step_index = $2 ORDER BY position",
    ).bind(execution.to_string()).bind(step_index).fetch_all(conn).await?);
    let found = found.into_iter().map(|(name, status, continue_on_failure)| {
        let failed = ActivityStatus::from(status.as_str()).is_failure();
        GroupStep { name, failed, continue_on_failure }
    });
    Ok(found.collect())
}

/// Cancels the steps of an execution that have not begun and will not: those that are neither active nor have ended.
pub async fn cancel_rest(tx: &mut Tx, execution: ExecutionId, error: &str, now: Timestamp) -> Result<u64> {
    Ok(on!(tx, conn => sqlx::query(
        "UPDATE activities SET status = 'Cancelled', error_message = $2, completed_at = $3, \
         sql_sealed_by = NULL, sql_sealed = NULL \
         WHERE execution_id = $1 AND completed_at IS NULL \
         AND NOT EXISTS (SELECT 1 FROM active_steps s WHERE s.activity_id = activities.id)",
    ).bind(execution.to_string()).bind(error).bind(now.as_microsecond()).execute(conn).await?.rows_affected()))
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    step_index: i64,
    step_name: String,
    step_type: String,
    execution_mode: String,
    continue_on_failure: bool,
    connected_system_id: Option<i64>,
    run_profile_id: Option<i64>,
    status: String,
    active: Option<String>,
    cancel_requested: Option<bool>,
    started_at: Option<i64>,
    completed_at: Option<i64>,
    exit_code: Option<i64>,
    output: Option<String>,
    error_message: Option<String>,
}

impl TryFrom<Row> for ExecutionStep {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let mut step = Self::new(row.step_index, row.step_name, row.step_type.as_str().into());
        let activity: ActivityId = parsed("activities.id", &row.id)?;
        let at_work = row.active.as_deref() == Some("processing");
        let status: ActivityStatus = if at_work { ActivityStatus::InProgress } else { row.status.as_str().into() };
        step.status = match row.active.as_deref() {
            Some(_) if at_work && row.cancel_requested == Some(true) => StepStatus::Cancelling,
            Some(_) if at_work => StepStatus::Processing,
            Some(_) => StepStatus::Queued,
            None => label(&status),
        };
        step.execution_mode = row.execution_mode.as_str().into();
        step.continue_on_failure = row.continue_on_failure;
        step.connected_system_id = row.connected_system_id;
        step.run_profile_id = row.run_profile_id;
        step.task_id = (!status.is_terminal()).then_some(activity);
        step.started_at = maybe_time("activities.started_at", row.started_at)?;
        step.completed_at = maybe_time("activities.completed_at", row.completed_at)?;
        step.exit_code = row.exit_code;
        step.output = row.output;
        step.error_message = row.error_message;
        step.activity_id = Some(activity);
        step.activity_status = Some(status);
        Ok(step)
    }
}

/// How a step stands that is not active.
fn label(status: &ActivityStatus) -> StepStatus {
    match status {
        ActivityStatus::NotSet => StepStatus::Waiting,
        ActivityStatus::InProgress => StepStatus::Processing,
        ActivityStatus::Complete => StepStatus::Completed,
        ActivityStatus::CompleteWithWarning => StepStatus::CompletedWithWarning,
        ActivityStatus::CompleteWithError => StepStatus::CompletedWithError,
        ActivityStatus::FailedWithError => StepStatus::Failed,
        ActivityStatus::Cancelled => StepStatus::Cancelled,
        _ => StepStatus::Unknown,
    }
}

/// The steps of an execution, by index, and in the order of the schedule where that is the same.
pub async fn of_execution(tx: &mut Tx, execution: ExecutionId) -> Result<Vec<ExecutionStep>> {
    let found: Vec<Row> = on!(tx, conn => sqlx::query_as(
        "SELECT a.id, a.step_index, COALESCE(a.step_name, a.target_name) AS step_name, a.step_type, a.execution_mode, \
         a.continue_on_failure, a.connected_system_id, a.run_profile_id, a.status, s.status AS active, s.cancel_requested, \
         COALESCE(a.started_at, s.started_at) AS started_at, a.completed_at, a.exit_code, a.output, a.error_message \
         FROM activities a LEFT JOIN active_steps s ON s.activity_id = a.id \
         WHERE a.execution_id = $1 ORDER BY a.step_index, a.position",
    ).bind(execution.to_string()).fetch_all(conn).await?);
    found.into_iter().map(ExecutionStep::try_from).collect()
}
