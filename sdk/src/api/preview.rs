//! What is known of a task or a schedule before it fires: when that is, and what its author may not expect.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ids::{ScheduleId, TaskId};
use super::values::WarningKind;

/// How many instants one request may ask for.
pub const COUNT: std::ops::RangeInclusive<u32> = 1..=1000;
/// How many instants there are where the request does not say.
pub const DEFAULT_COUNT: u32 = 10;
/// How many instants a dry run tells.
pub const VALIDATION_COUNT: u32 = 5;

/// Which instants to tell.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct NextQuery {
    /// How many: from 1 to 1000, 10 where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = *COUNT.start(), max = *COUNT.end()))]
    pub count: Option<u32>,
    /// The instant after which to begin; now where absent. One at this very instant is not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
}

impl NextQuery {
    /// The next ten from now on.
    pub fn new() -> Self {
        Self::default()
    }
}

/// When a task fires by itself. Of a disabled task: when it would, if it were enabled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct NextRuns {
    /// The task.
    pub task_id: TaskId,
    /// The time zone in which its cron expression counts.
    pub timezone: String,
    /// The instants in order. Fewer than asked for where no more will come; none for a task that only a trigger runs.
    pub next: Vec<Timestamp>,
    /// What its author may not expect within a year from the beginning.
    pub warnings: Vec<Warning>,
}

impl NextRuns {
    /// A task that does not fire.
    pub fn new(task_id: TaskId, timezone: String) -> Self {
        Self { task_id, timezone, next: Vec::new(), warnings: Vec::new() }
    }
}

/// When a schedule fires by itself. Of a disabled schedule: when it would, if it were enabled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct NextExecutions {
    /// The schedule.
    pub schedule_id: ScheduleId,
    /// The time zone in which its pattern counts.
    pub timezone: String,
    /// The instants in order. Fewer than asked for where no more will come; none for a schedule that is `Manual`.
    pub next: Vec<Timestamp>,
    /// What its author may not expect within a year from the beginning.
    pub warnings: Vec<Warning>,
}

impl NextExecutions {
    /// A schedule that does not fire.
    pub fn new(schedule_id: ScheduleId, timezone: String) -> Self {
        Self { schedule_id, timezone, next: Vec::new(), warnings: Vec::new() }
    }
}

/// What the author of a task or a schedule may not expect. Nothing that stands in the way of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct Warning {
    /// What it is about, for programs.
    pub kind: WarningKind,
    /// The day on which it happens, in the task's zone; `null` where it is about no day in particular.
    pub date: Option<Date>,
    /// What happens, for people.
    pub message: String,
}

impl Warning {
    /// A warning about no day in particular.
    pub fn new(kind: WarningKind, message: impl Into<String>) -> Self {
        Self { kind, date: None, message: message.into() }
    }
}

/// What came of a dry run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct Validation {
    /// Whether the task could be created as it is.
    pub valid: bool,
    /// For a field path as on the wire (`cron_expr`, `secrets.API_KEY`): what is wrong with it.
    #[serde(rename = "validationErrors")]
    pub validation_errors: BTreeMap<String, Vec<String>>,
    /// The first five instants at which the task would fire. None where its schedule is wrong.
    pub next: Vec<Timestamp>,
    /// What its author may not expect within a year.
    pub warnings: Vec<Warning>,
}

impl Validation {
    /// A task with these errors, about whose schedule nothing is known.
    pub fn new(validation_errors: BTreeMap<String, Vec<String>>) -> Self {
        Self { valid: validation_errors.is_empty(), validation_errors, next: Vec::new(), warnings: Vec::new() }
    }
}
