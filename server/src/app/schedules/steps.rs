//! The steps of a body, each with all that is wrong with it.

use std::collections::HashSet;

use justiam_sdk::api::connection;
use justiam_sdk::api::ids::{ScheduleId, StepId};
use justiam_sdk::api::schedules::{
    ExecutionMode, MAX_ARGUMENTS, MAX_NAME, MAX_PATH, MAX_STEPS, STEP_INDEX, STEP_TIMEOUT_SECONDS, StepType,
};
use justiam_sdk::api::secrets::Secret;
use serde_json::Value;

use crate::app::FieldErrors;
use crate::app::error::shown;
use crate::app::fields::{Field, Fields, kind};
use crate::store::schedules::{SealedConnection, StepRow};

/// A step as a request wants it, before it has a place in the database.
pub(super) struct StepDraft {
    /// The stored step that it is to be.
    pub(super) id: Option<StepId>,
    /// Its place in the request.
    pub(super) index: usize,
    pub(super) step_index: i64,
    pub(super) name: Option<String>,
    pub(super) execution_mode: ExecutionMode,
    pub(super) step_type: StepType,
    pub(super) continue_on_failure: bool,
    pub(super) timeout_seconds: Option<i64>,
    pub(super) connected_system_id: Option<i64>,
    pub(super) run_profile_id: Option<i64>,
    pub(super) script_path: Option<String>,
    pub(super) arguments: Option<String>,
    pub(super) executable_path: Option<String>,
    pub(super) working_directory: Option<String>,
    pub(super) sql_connection: Option<Connection>,
    pub(super) sql_script_path: Option<String>,
}

/// The connection string of a request.
pub(super) struct Connection {
    pub(super) value: Secret,
    /// What the server shows of it.
    pub(super) shown: String,
}

impl StepDraft {
    /// The path of one of its fields.
    pub(super) fn path(&self, field: &str) -> String {
        format!("steps[{}].{field}", self.index)
    }

    /// What is stored of it in this place, with a connection string that has been sealed.
    pub(super) fn into_row(
        self,
        id: StepId,
        schedule_id: ScheduleId,
        position: i64,
        sql_connection: Option<SealedConnection>,
    ) -> StepRow {
        StepRow {
            id,
            schedule_id,
            position,
            step_index: self.step_index,
            name: self.name,
            execution_mode: self.execution_mode,
            step_type: self.step_type,
            continue_on_failure: self.continue_on_failure,
            timeout_seconds: self.timeout_seconds,
            connected_system_id: self.connected_system_id,
            run_profile_id: self.run_profile_id,
            script_path: self.script_path,
            arguments: self.arguments,
            executable_path: self.executable_path,
            working_directory: self.working_directory,
            sql_connection,
            sql_script_path: self.sql_script_path,
        }
    }
}

/// Reads the steps, in the order in which they run. Their ids count in a replacement alone.
pub(super) fn read(items: Vec<Value>, with_ids: bool, errors: &mut FieldErrors) -> Vec<StepDraft> {
    if items.len() > MAX_STEPS {
        errors.add("steps", format!("has {} steps; {MAX_STEPS} are allowed", items.len()));
        return Vec::new();
    }
    let mut ids = HashSet::new();
    let mut steps = Vec::with_capacity(items.len());
    for (index, item) in items.into_iter().enumerate() {
        let path = format!("steps[{index}]");
        let Value::Object(object) = item else {
            errors.add(path, format!("must be a JSON object, not {}", kind(&item)));
            continue;
        };
        let mut fields = Fields::loose(object, &format!("{path}."));
        let id = if with_ids { id(&mut fields, &mut ids) } else { None };
        steps.push(step(&mut fields, index, id));
        errors.append(fields.finish_loosely());
    }
    steps.sort_by_key(|step| step.step_index);
    steps
}

fn id(fields: &mut Fields, seen: &mut HashSet<StepId>) -> Option<StepId> {
    let text = fields.text("id").value()?;
    match text.parse() {
        Ok(id) if seen.insert(id) => Some(id),
        Ok(id) => {
            fields.wrong("id", format!("`{id}` is the id of another step of this request, too"));
            None
        }
        Err(_) => {
            let message = format!("`{}` is not the id of a step: it must be a UUID; a new step has none", shown(&text));
            fields.wrong("id", message);
            None
        }
    }
}

fn step(fields: &mut Fields, index: usize, id: Option<StepId>) -> StepDraft {
    let step_type = fields.any_word("stepType").value();
    let known = step_type.is_some() || !fields.is_wrong("stepType");
    let mut step = StepDraft {
        id,
        index,
        step_index: fields.integer("stepIndex").value().unwrap_or_default(),
        name: text(fields, "name", MAX_NAME),
        execution_mode: fields.any_word("executionMode").value().unwrap_or(ExecutionMode::Sequential),
        step_type: step_type.unwrap_or(StepType::RunProfile),
        continue_on_failure: fields.flag("continueOnFailure").value().unwrap_or_default(),
        timeout_seconds: fields.integer("timeoutSeconds").value(),
        connected_system_id: fields.integer("connectedSystemId").value(),
        run_profile_id: fields.integer("runProfileId").value(),
        script_path: text(fields, "scriptPath", MAX_PATH),
        arguments: text(fields, "arguments", MAX_ARGUMENTS),
        executable_path: text(fields, "executablePath", MAX_PATH),
        working_directory: text(fields, "workingDirectory", MAX_PATH),
        sql_connection: None,
        sql_script_path: text(fields, "sqlScriptPath", MAX_PATH),
    };
    bounded(fields, "stepIndex", Some(step.step_index), &STEP_INDEX);
    bounded(fields, "timeoutSeconds", step.timeout_seconds, &STEP_TIMEOUT_SECONDS);
    let connection = fields.text("sqlConnectionString");
    if known {
        check_type(fields, &step);
        step.sql_connection = read_connection(fields, &step.step_type, connection);
    }
    step
}

/// Checks what this type of step needs.
fn check_type(fields: &mut Fields, step: &StepDraft) {
    match step.step_type {
        StepType::RunProfile => {
            for (name, words, value) in [
                ("connectedSystemId", "Connected System ID", step.connected_system_id),
                ("runProfileId", "Run Profile ID", step.run_profile_id),
            ] {
                if value.unwrap_or_default() == 0 && !fields.is_wrong(name) {
                    fields.wrong(name, format!("{words} is required for steps of the type `RunProfile`"));
                }
            }
        }
        StepType::PowerShell => {
            path(fields, "scriptPath", "Script path", step.script_path.as_deref(), &step.step_type);
            folder(fields, step.working_directory.as_deref());
        }
        StepType::Executable => {
            path(fields, "executablePath", "Executable path", step.executable_path.as_deref(), &step.step_type);
            folder(fields, step.working_directory.as_deref());
        }
        StepType::SqlScript => {
            path(fields, "sqlScriptPath", "SQL script path", step.sql_script_path.as_deref(), &step.step_type);
        }
        _ => {}
    }
}

/// A path that must be there.
fn path(fields: &mut Fields, name: &str, words: &str, value: Option<&str>, step_type: &StepType) {
    if fields.is_wrong(name) {
        return;
    }
    match value.filter(|path| !path.trim().is_empty()) {
        None => fields.wrong(name, format!("{words} is required for steps of the type `{step_type}`")),
        Some(path) => absolute(fields, name, path),
    }
}

fn folder(fields: &mut Fields, value: Option<&str>) {
    if let Some(path) = value.filter(|path| !path.is_empty()) {
        absolute(fields, "workingDirectory", path);
    }
}

fn absolute(fields: &mut Fields, name: &str, path: &str) {
    if !path.starts_with('/') && !fields.is_wrong(name) {
        let message =
            format!("must be an absolute path on the server, one that begins with `/`, not `{}`", shown(path));
        fields.wrong(name, message);
    }
}

fn read_connection(fields: &mut Fields, step_type: &StepType, field: Field<String>) -> Option<Connection> {
    let name = "sqlConnectionString";
    let Some(value) = field.value().filter(|text| !text.trim().is_empty()).map(Secret::from) else {
        if *step_type == StepType::SqlScript && !fields.is_wrong(name) {
            fields.wrong(name, format!("Connection string is required for steps of the type `{step_type}`"));
        }
        return None;
    };
    if *step_type != StepType::SqlScript {
        fields.wrong(name, format!("is for steps of the type `SqlScript` only, not for `{step_type}`"));
        return None;
    }
    match connection::shown(&value) {
        Ok(shown) => Some(Connection { value, shown }),
        Err(message) => {
            fields.wrong(name, message);
            None
        }
    }
}

/// A text of limited length, as it is.
pub(super) fn text(fields: &mut Fields, name: &str, longest: usize) -> Option<String> {
    let text = fields.text(name).value()?;
    let length = text.chars().count();
    if length > longest {
        fields.wrong(name, format!("has {length} characters; {longest} are allowed"));
    }
    Some(text)
}

fn bounded(fields: &mut Fields, name: &str, value: Option<i64>, bounds: &std::ops::RangeInclusive<i64>) {
    if let Some(value) = value.filter(|value| !bounds.contains(value)) {
        fields.wrong(name, format!("must be from {} to {}, not {value}", bounds.start(), bounds.end()));
    }
}
