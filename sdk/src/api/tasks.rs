//! Tasks: their definition, and the bodies that create and change them.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

use super::config::ConfigMap;
use super::ids::TaskId;
use super::page::{MAX_DEPTH, MAX_LIMIT, MAX_SEARCH};
use super::schema;
use super::secrets::{SecretMap, SecretsPatch};
use super::values::{OverlapPolicy, RunStatus, ScheduleType, TaskType};

/// The longest name, in characters.
pub const MAX_NAME: usize = 200;
/// The longest description, in characters.
pub const MAX_DESCRIPTION: usize = 4000;
/// The longest script, in bytes.
pub const MAX_SCRIPT: usize = 256 * 1024;
/// The longest body of a request, in bytes.
pub const MAX_BODY: usize = 1024 * 1024;
/// The bounds of `timeout_seconds`; the upper one is also its default.
pub const TIMEOUT_SECONDS: std::ops::RangeInclusive<i64> = 1..=30;
/// Fields of a task that a body may have and that are ignored, so that an answer can be sent back.
pub const READ_ONLY: [&str; 11] = [
    "id",
    "is_system",
    "next_run_at",
    "last_run_at",
    "last_status",
    "revision",
    "created_at",
    "updated_at",
    "secret_revisions",
    "script_sha256",
    "secret_keys",
];
/// Fields without which there is no task.
const REQUIRED: [&str; 2] = ["task_type", "schedule_type"];
/// What a list can add to each task.
pub const INCLUDES: [&str; 5] = ["script", "script_sha256", "config", "task_config", "secrets"];
/// A list of these with commas between them.
const INCLUDE: &str = r"^\s*(?:(?:script|script_sha256|config|task_config|secrets)\s*)?(?:,\s*(?:(?:script|script_sha256|config|task_config|secrets)\s*)?)*$";
/// The time zone of a task that names none.
pub const DEFAULT_TIMEZONE: &str = "UTC";

/// A task as the server tells it. Values of secrets are never part of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct Task {
    /// The task.
    pub id: TaskId,
    /// Unique among tasks.
    pub name: String,
    /// Free text.
    pub description: Option<String>,
    /// What the task does.
    pub task_type: TaskType,
    /// What makes it run without a trigger.
    pub schedule_type: ScheduleType,
    /// The cron expression, as it was written; with `cron` only.
    pub cron_expr: Option<String>,
    /// The IANA time zone in which the cron expression counts.
    pub timezone: String,
    /// When a `once` task fires.
    pub run_at: Option<Timestamp>,
    /// What happens when the task fires while it runs.
    pub overlap_policy: OverlapPolicy,
    /// Whether the task fires by itself. A trigger works either way.
    pub enabled: bool,
    /// After how many seconds a run is ended.
    pub timeout_seconds: i64,
    /// The Go source, byte for byte. Lists leave it out unless asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub script: Option<String>,
    /// SHA-256 of the script's bytes, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = schema::SHA256))]
    pub script_sha256: Option<String>,
    /// A JSON object that is stored as given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<schema::AnyObject>")]
    pub config: Option<Value>,
    /// The config entries that the script reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_config: Option<ConfigMap>,
    /// For each secret's key an opaque text that changes whenever its value does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_revisions: Option<BTreeMap<String, String>>,
    /// Whether the server brought the task itself; such tasks cannot be changed.
    pub is_system: bool,
    /// When the task fires next by itself.
    pub next_run_at: Option<Timestamp>,
    /// When its newest run started.
    pub last_run_at: Option<Timestamp>,
    /// How its newest run stands.
    pub last_status: Option<RunStatus>,
    /// Opaque; changes with the definition, the config entries and the secrets, never with ticks or runs.
    pub revision: String,
    /// When the task was created.
    pub created_at: Timestamp,
    /// When its definition, config entries or secrets last changed.
    pub updated_at: Timestamp,
}

impl Task {
    /// A task with default values for everything that is not named here.
    pub fn new(
        id: TaskId,
        name: String,
        task_type: TaskType,
        schedule_type: ScheduleType,
        revision: String,
        created_at: Timestamp,
    ) -> Self {
        Self {
            id,
            name,
            description: None,
            task_type,
            schedule_type,
            cron_expr: None,
            timezone: DEFAULT_TIMEZONE.to_owned(),
            run_at: None,
            overlap_policy: OverlapPolicy::Allow,
            enabled: true,
            timeout_seconds: *TIMEOUT_SECONDS.end(),
            script: None,
            script_sha256: None,
            config: None,
            task_config: None,
            secret_revisions: None,
            is_system: false,
            next_run_at: None,
            last_run_at: None,
            last_status: None,
            revision,
            created_at,
            updated_at: created_at,
        }
    }
}

/// Creates a task, in one atomic request.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
#[schemars(transform = schema::ignoring(&READ_ONLY), transform = schema::requiring(&REQUIRED))]
pub struct NewTask {
    /// Unique among tasks. Required for scripts; else the server makes one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = MAX_NAME), regex(pattern = schema::LINE_OR_NOTHING))]
    pub name: Option<String>,
    /// Free text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = MAX_DESCRIPTION), regex(pattern = schema::TEXT))]
    pub description: Option<String>,
    /// What the task does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "TaskType")]
    pub task_type: Option<TaskType>,
    /// What makes it run without a trigger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "ScheduleType")]
    pub schedule_type: Option<ScheduleType>,
    /// Five cron fields; with `cron` only, and required there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = super::cron::MAX_LENGTH), extend("format" = "cron"))]
    pub cron_expr: Option<String>,
    /// An IANA time zone; `UTC` where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "time-zone"))]
    pub timezone: Option<String>,
    /// When a `once` task fires; with `once` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_at: Option<Timestamp>,
    /// `allow` where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overlap_policy: Option<OverlapPolicy>,
    /// `true` where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// From 1 to 30; 30 where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = *TIMEOUT_SECONDS.start(), max = *TIMEOUT_SECONDS.end()))]
    pub timeout_seconds: Option<i64>,
    /// Go source with `package task` and `func Run() (string, error)`; for scripts only, and required there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = MAX_SCRIPT), regex(pattern = schema::TEXT), extend("format" = "go"))]
    pub script: Option<String>,
    /// A JSON object that is stored as given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<schema::AnyObject>")]
    pub config: Option<Value>,
    /// Config entries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<schema::ConfigBody>")]
    pub task_config: Option<ConfigMap>,
    /// Secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<schema::SecretsBody>")]
    pub secrets: Option<SecretMap>,
}

impl NewTask {
    /// A task of any type.
    pub fn new(name: impl Into<String>, task_type: TaskType, schedule_type: ScheduleType) -> Self {
        Self {
            name: Some(name.into()),
            task_type: Some(task_type),
            schedule_type: Some(schedule_type),
            ..Self::default()
        }
    }

    /// A script that runs on a cron expression.
    pub fn cron_script(name: impl Into<String>, cron_expr: impl Into<String>, script: impl Into<String>) -> Self {
        Self {
            cron_expr: Some(cron_expr.into()),
            script: Some(script.into()),
            ..Self::new(name, TaskType::Script, ScheduleType::Cron)
        }
    }

    /// A script that runs when it is triggered.
    pub fn triggered_script(name: impl Into<String>, script: impl Into<String>) -> Self {
        Self { script: Some(script.into()), ..Self::new(name, TaskType::Script, ScheduleType::Once) }
    }
}

/// Changes the fields that it names, all at once or not at all. An outer `None` leaves a field alone; `Some(None)` clears it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
#[schemars(transform = schema::ignoring(&READ_ONLY))]
pub struct TaskPatch {
    /// The name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", length(max = MAX_NAME), regex(pattern = schema::LINE))]
    pub name: Option<String>,
    /// Free text.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "named")]
    #[schemars(with = "Option<String>", length(max = MAX_DESCRIPTION), regex(pattern = schema::TEXT))]
    pub description: Option<Option<String>>,
    /// What the task does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "TaskType")]
    pub task_type: Option<TaskType>,
    /// What makes it run without a trigger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "ScheduleType")]
    pub schedule_type: Option<ScheduleType>,
    /// The cron expression.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "named")]
    #[schemars(with = "Option<String>", length(max = super::cron::MAX_LENGTH), extend("format" = "cron"))]
    pub cron_expr: Option<Option<String>>,
    /// The time zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "time-zone"))]
    pub timezone: Option<String>,
    /// When a `once` task fires.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "named")]
    #[schemars(with = "Option<Timestamp>")]
    pub run_at: Option<Option<Timestamp>>,
    /// What happens when the task fires while it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overlap_policy: Option<OverlapPolicy>,
    /// Whether the task fires by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// After how many seconds a run is ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = *TIMEOUT_SECONDS.start(), max = *TIMEOUT_SECONDS.end()))]
    pub timeout_seconds: Option<i64>,
    /// The Go source.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "named")]
    #[schemars(with = "Option<String>", length(max = MAX_SCRIPT), regex(pattern = schema::TEXT), extend("format" = "go"))]
    pub script: Option<Option<String>>,
    /// A JSON object; cleared, it is `{}` again.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "named")]
    #[schemars(with = "Option<schema::AnyObject>")]
    pub config: Option<Option<Value>>,
    /// Replaces all config entries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<schema::ConfigBody>")]
    pub task_config: Option<ConfigMap>,
    /// Writes and removes secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secrets: Option<SecretsPatch>,
}

impl TaskPatch {
    /// Changes nothing yet.
    pub fn new() -> Self {
        Self::default()
    }
}

/// Tells a field that is `null` from one that is absent.
#[expect(clippy::option_option, reason = "absent, null and a value are three things in a patch")]
pub(super) fn named<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// Which tasks to list, and how much of each.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct TaskQuery {
    /// The page, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = MAX_DEPTH))]
    pub page: Option<u32>,
    /// Tasks on a page: from 1 to 1000, 20 where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = MAX_LIMIT))]
    pub limit: Option<u32>,
    /// Tasks with exactly this name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = schema::TEXT))]
    pub name: Option<String>,
    /// Tasks whose name contains this text, in any letter case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = MAX_SEARCH), regex(pattern = schema::TEXT))]
    pub search: Option<String>,
    /// Tasks of this type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_type: Option<TaskType>,
    /// Only enabled, or only disabled tasks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// What to add to each task, comma-separated: `script`, `script_sha256`, `config`, `task_config`, `secrets`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = INCLUDE))]
    pub include: Option<String>,
}

impl TaskQuery {
    /// All tasks.
    pub fn new() -> Self {
        Self::default()
    }

    /// The tasks with this name: one or none.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_tells_null_from_absent() {
        let patch: TaskPatch = serde_json::from_str(r#"{"description":null,"enabled":false}"#).unwrap();
        assert_eq!(patch.description, Some(None));
        assert_eq!(patch.cron_expr, None);
        assert_eq!(serde_json::to_string(&patch).unwrap(), r#"{"description":null,"enabled":false}"#);
    }

    #[test]
    fn a_new_task_sends_only_what_it_holds() {
        let task = NewTask::cron_script("n", "0 * * * *", "package task");
        assert_eq!(
            serde_json::to_string(&task).unwrap(),
            r#"{"name":"n","task_type":"script","schedule_type":"cron","cron_expr":"0 * * * *","script":"package task"}"#
        );
    }
}
