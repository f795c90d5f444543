//! Steps of schedules. This module never sees a connection string, but what is shown of it.

use justiam_sdk::api::ids::{ScheduleId, StepId};
use justiam_sdk::api::schedules::{ExecutionMode, StepType};
use serde::Serialize;

use super::given_ids;
use crate::store::{Error, Result, Tx, given, on, parsed, rows};

/// A step as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepRow {
    /// The step.
    pub id: StepId,
    /// Its schedule.
    pub schedule_id: ScheduleId,
    /// Its place in the request.
    pub position: i64,
    /// When it runs.
    pub step_index: i64,
    /// Its name, as it was given.
    pub name: Option<String>,
    /// How it was meant to follow the one before it.
    pub execution_mode: ExecutionMode,
    /// What it does.
    pub step_type: StepType,
    /// Whether later steps run also when this one has failed.
    pub continue_on_failure: bool,
    /// After how many seconds it is ended.
    pub timeout_seconds: Option<i64>,
    /// The connected system.
    pub connected_system_id: Option<i64>,
    /// The run profile.
    pub run_profile_id: Option<i64>,
    /// The path of a PowerShell script.
    pub script_path: Option<String>,
    /// Arguments.
    pub arguments: Option<String>,
    /// The path of a program.
    pub executable_path: Option<String>,
    /// The working directory.
    pub working_directory: Option<String>,
    /// The database.
    pub sql_connection: Option<SealedConnection>,
    /// The path of the SQL text.
    pub sql_script_path: Option<String>,
}

/// A sealed connection string.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedConnection {
    /// What the server shows of it.
    pub shown: String,
    /// Which key sealed it.
    pub sealed_by: String,
    /// Nonce, ciphertext and tag in base64.
    pub sealed: String,
    /// Changes whenever the connection string does.
    pub revision: String,
}

/// The same as the database has it, in both directions.
#[derive(sqlx::FromRow, Serialize)]
struct Row {
    id: String,
    schedule_id: String,
    position: i64,
    step_index: i64,
    name: Option<String>,
    execution_mode: String,
    step_type: String,
    continue_on_failure: bool,
    timeout_seconds: Option<i64>,
    connected_system_id: Option<i64>,
    run_profile_id: Option<i64>,
    script_path: Option<String>,
    arguments: Option<String>,
    executable_path: Option<String>,
    working_directory: Option<String>,
    sql_shown: Option<String>,
    sql_sealed_by: Option<String>,
    sql_sealed: Option<String>,
    sql_revision: Option<String>,
    sql_script_path: Option<String>,
}

impl From<&StepRow> for Row {
    fn from(step: &StepRow) -> Self {
        let sql = step.sql_connection.clone();
        let (sql_shown, sql_sealed_by, sql_sealed, sql_revision) = match sql {
            Some(sql) => (Some(sql.shown), Some(sql.sealed_by), Some(sql.sealed), Some(sql.revision)),
            None => (None, None, None, None),
        };
        Self {
            id: step.id.to_string(),
            schedule_id: step.schedule_id.to_string(),
            position: step.position,
            step_index: step.step_index,
            name: step.name.clone(),
            execution_mode: step.execution_mode.to_string(),
            step_type: step.step_type.to_string(),
            continue_on_failure: step.continue_on_failure,
            timeout_seconds: step.timeout_seconds,
            connected_system_id: step.connected_system_id,
            run_profile_id: step.run_profile_id,
            script_path: step.script_path.clone(),
            arguments: step.arguments.clone(),
            executable_path: step.executable_path.clone(),
            working_directory: step.working_directory.clone(),
            sql_shown,
            sql_sealed_by,
            sql_sealed,
            sql_revision,
            sql_script_path: step.sql_script_path.clone(),
        }
    }
}

impl TryFrom<Row> for StepRow {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let sql = row.sql_shown.zip(row.sql_sealed_by).zip(row.sql_sealed).zip(row.sql_revision);
        Ok(Self {
            id: parsed("schedule_steps.id", &row.id)?,
            schedule_id: parsed("schedule_steps.schedule_id", &row.schedule_id)?,
            position: row.position,
            step_index: row.step_index,
            name: row.name,
            execution_mode: row.execution_mode.as_str().into(),
            step_type: row.step_type.as_str().into(),
            continue_on_failure: row.continue_on_failure,
            timeout_seconds: row.timeout_seconds,
            connected_system_id: row.connected_system_id,
            run_profile_id: row.run_profile_id,
            script_path: row.script_path,
            arguments: row.arguments,
            executable_path: row.executable_path,
            working_directory: row.working_directory,
            sql_connection: sql.map(|(((shown, sealed_by), sealed), revision)| SealedConnection {
                shown,
                sealed_by,
                sealed,
                revision,
            }),
            sql_script_path: row.sql_script_path,
        })
    }
}

macro_rules! columns {
    ($prefix:literal) => {
        concat!(
            $prefix,
            "id, ",
            $prefix,
            "schedule_id, ",
            $prefix,
            "position, ",
            $prefix,
            "step_index, ",
            $prefix,
            "name, ",
            $prefix,
            "execution_mode, ",
            $prefix,
            "step_type, ",
            $prefix,
            "continue_on_failure, ",
            $prefix,
            "timeout_seconds, ",
            $prefix,
            "connected_system_id, ",
            $prefix,
            "run_profile_id, ",
            $prefix,
            "script_path, ",
            $prefix,
            "arguments, ",
            $prefix,
            "executable_path, ",
            $prefix,
            "working_directory, ",
            $prefix,
            "sql_shown, ",
            $prefix,
            "sql_sealed_by, ",
            $prefix,
            "sql_sealed, ",
            $prefix,
            "sql_revision, ",
            $prefix,
            "sql_script_path"
        )
    };
}

/// The steps of a schedule, in the order in which they run, and of the request where that is the same.
pub async fn steps(tx: &mut Tx, schedule: ScheduleId) -> Result<Vec<StepRow>> {
    steps_of(tx, &[schedule]).await
}

/// The steps of schedules, each schedule's in their order.
pub async fn steps_of(tx: &mut Tx, schedules: &[ScheduleId]) -> Result<Vec<StepRow>> {
    let sql = given!(
        tx,
        (id text),
        "SELECT ",
        columns!("p."),
        " FROM given g JOIN schedule_steps p ON p.schedule_id = g.id ORDER BY p.schedule_id, p.step_index, p.position"
    );
    let rows: Vec<Row> = on!(tx, conn => sqlx::query_as(sql).bind(given_ids(schedules)).fetch_all(conn).await?);
    rows.into_iter().map(StepRow::try_from).collect()
}

/// Puts these steps in the place of all that a schedule has.
pub async fn replace_steps(tx: &mut Tx, schedule: ScheduleId, steps: &[StepRow]) -> Result<()> {
    on!(tx, conn => sqlx::query("DELETE FROM schedule_steps WHERE schedule_id = $1")
        .bind(schedule.to_string()).execute(conn).await?.rows_affected());
    if steps.is_empty() {
        return Ok(());
    }
    let sql = given!(
        tx,
        (
            id text, schedule_id text, position bigint, step_index bigint, name text, execution_mode text,
            step_type text, continue_on_failure boolean, timeout_seconds bigint, connected_system_id bigint,
            run_profile_id bigint, script_path text, arguments text, executable_path text, working_directory text,
            sql_shown text, sql_sealed_by text, sql_sealed text, sql_revision text, sql_script_path text,
        ),
        "INSERT INTO schedule_steps (",
        columns!(""),
        ") SELECT ",
        columns!("g."),
        " FROM given g"
    );
    let given = rows(steps.iter().map(Row::from));
    on!(tx, conn => sqlx::query(sql).bind(given).execute(conn).await?.rows_affected());
    Ok(())
}

/// The names of the schedules with a step that executes a run profile of a connected system, or any of them. Whoever wants to
/// delete the profile locks its row first; then no schedule comes to use it meanwhile.
pub async fn users_of_profile(tx: &mut Tx, connected_system: i64, run_profile: Option<i64>) -> Result<Vec<String>> {
    Ok(on!(tx, conn => sqlx::query_scalar(
        "SELECT DISTINCT s.name FROM schedule_steps p JOIN schedules s ON s.id = p.schedule_id \
         WHERE p.connected_system_id = $1 AND p.run_profile_id IS NOT NULL AND p.step_type = 'RunProfile' \
         AND (CAST($2 AS BIGINT) IS NULL OR p.run_profile_id = $2) ORDER BY s.name",
    ).bind(connected_system).bind(run_profile).fetch_all(conn).await?))
}

/// Those of the pairs of a connected system and a run profile that exist and belong together. Nobody deletes them before the
/// transaction ends.
pub async fn lock_profiles(tx: &mut Tx, pairs: &[(i64, i64)]) -> Result<Vec<(i64, i64)>> {
    #[derive(Serialize)]
    struct Given {
        connected_system_id: i64,
        run_profile_id: i64,
    }
    macro_rules! select {
        ($lock:literal) => {
            given!(
                tx,
                (connected_system_id bigint, run_profile_id bigint),
                "SELECT r.connected_system_id, r.id FROM run_profiles r WHERE (r.connected_system_id, r.id) IN \
                 (SELECT connected_system_id, run_profile_id FROM given) ORDER BY r.id",
                $lock
            )
        };
    }
    let sql = match tx {
        Tx::Sqlite(_) => select!(""),
        Tx::Postgres(_) => select!(" FOR KEY SHARE"),
    };
    let given = rows(pairs.iter().map(|(connected_system_id, run_profile_id)| Given {
        connected_system_id: *connected_system_id,
        run_profile_id: *run_profile_id,
    }));
    Ok(on!(tx, conn => sqlx::query_as(sql).bind(given).fetch_all(conn).await?))
}
