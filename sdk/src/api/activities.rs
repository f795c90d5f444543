//! Activities: what steps and run profiles did, in detail.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::executions::InitiatorType;
use super::ids::{ActivityId, ExecutionId, ScheduleId};
use super::schema;
use super::values::words;

words! {
    /// How an activity stands.
    ActivityStatus {
        /// It has not begun.
        NotSet = "NotSet",
        /// At work.
        InProgress = "InProgress",
        /// Ended well.
        Complete = "Complete",
        /// Ended well, with something to look at.
        CompleteWithWarning = "CompleteWithWarning",
        /// Ended, with errors of single objects.
        CompleteWithError = "CompleteWithError",
        /// Ended badly.
        FailedWithError = "FailedWithError",
        /// Never began, or stopped on purpose.
        Cancelled = "Cancelled",
    }

    /// What an activity is about.
    TargetType {
        /// A run profile of a connected system.
        ConnectedSystemRunProfile = "ConnectedSystemRunProfile",
        /// A step of a schedule that runs a program, a script or SQL.
        ScheduleStep = "ScheduleStep",
    }
}

impl ActivityStatus {
    /// Whether an activity with this status will never change again.
    pub fn is_terminal(&self) -> bool {
        !matches!(self, Self::NotSet | Self::InProgress | Self::Other(_))
    }

    /// Whether a step that ended so has failed.
    pub fn is_failure(&self) -> bool {
        matches!(self, Self::CompleteWithError | Self::FailedWithError | Self::Cancelled)
    }
}

/// Something that was done for a step of an execution, or because somebody executed a run profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Activity {
    /// The activity.
    pub id: ActivityId,
    /// What it is about.
    pub target_type: TargetType,
    /// The name of that: of the run profile, or of the step.
    pub target_name: String,
    /// Where that belongs: the connected system, or the schedule.
    pub target_context: Option<String>,
    /// How it stands.
    pub status: ActivityStatus,
    /// What was done, in words.
    pub message: Option<String>,
    /// What went wrong.
    pub error_message: Option<String>,
    /// When it was recorded.
    pub created: Timestamp,
    /// When it began.
    pub executed: Option<Timestamp>,
    /// When it ended.
    pub completed: Option<Timestamp>,
    /// From beginning to end, in milliseconds.
    pub execution_time_ms: Option<i64>,
    /// How many objects there are to process, where that is known.
    pub objects_to_process: Option<i64>,
    /// How many objects have been processed.
    pub objects_processed: i64,
    /// What became of them: a number for each word, such as `added`.
    #[serde(default)]
    pub counts: BTreeMap<String, i64>,
    /// Errors of single objects: the first ones.
    #[serde(default)]
    pub errors: Vec<ObjectError>,
    /// What the program ended with.
    pub exit_code: Option<i64>,
    /// The end of what was printed.
    pub output: Option<String>,
    /// How the program was isolated.
    pub isolation: Option<String>,
    /// The connected system.
    pub connected_system_id: Option<i64>,
    /// The run profile.
    pub run_profile_id: Option<i64>,
    /// The execution of which this is a step.
    pub schedule_execution_id: Option<ExecutionId>,
    /// That step's index.
    pub schedule_step_index: Option<i64>,
    /// The schedule of that execution.
    pub scheduled_by_schedule_id: Option<ScheduleId>,
    /// Its name when the execution was recorded.
    pub scheduled_by_schedule_name: Option<String>,
    /// Who made it.
    pub initiated_by_type: InitiatorType,
    /// The token, where somebody with one made it.
    pub initiated_by_id: Option<String>,
    /// The name of whoever made it.
    pub initiated_by_name: Option<String>,
}

impl Activity {
    /// An activity that has not begun.
    pub fn new(id: ActivityId, target_type: TargetType, target_name: String, created: Timestamp) -> Self {
        Self {
            id,
            target_type,
            target_name,
            target_context: None,
            status: ActivityStatus::NotSet,
            message: None,
            error_message: None,
            created,
            executed: None,
            completed: None,
            execution_time_ms: None,
            objects_to_process: None,
            objects_processed: 0,
            counts: BTreeMap::new(),
            errors: Vec::new(),
            exit_code: None,
            output: None,
            isolation: None,
            connected_system_id: None,
            run_profile_id: None,
            schedule_execution_id: None,
            schedule_step_index: None,
            scheduled_by_schedule_id: None,
            scheduled_by_schedule_name: None,
            initiated_by_type: InitiatorType::NotSet,
            initiated_by_id: None,
            initiated_by_name: None,
        }
    }
}

/// What is wrong with one object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ObjectError {
    /// Which object: its id in the connected system, or the line of a file.
    pub object: String,
    /// What is wrong.
    pub message: String,
}

impl ObjectError {
    /// An error.
    pub fn new(object: impl Into<String>, message: impl Into<String>) -> Self {
        Self { object: object.into(), message: message.into() }
    }
}

/// Which activities to list.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ActivityQuery {
    /// The page, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<i64>,
    /// Activities on a page: up to 1000, 20 where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub page_size: Option<i64>,
    /// Activities with this status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::any_word::<ActivityStatus>")]
    pub status: Option<ActivityStatus>,
    /// Steps of this execution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule_execution_id: Option<ExecutionId>,
    /// Run profiles of this connected system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connected_system_id: Option<i64>,
}

impl ActivityQuery {
    /// All activities, newest first.
    pub fn new() -> Self {
        Self::default()
    }

    /// The steps of one execution, newest first.
    pub fn of(execution: ExecutionId) -> Self {
        Self { schedule_execution_id: Some(execution), ..Self::default() }
    }

    /// The run profiles of one connected system, newest first.
    pub fn of_system(connected_system: i64) -> Self {
        Self { connected_system_id: Some(connected_system), ..Self::default() }
    }

    /// The same, but only those with this status.
    #[must_use]
    pub fn with_status(mut self, status: ActivityStatus) -> Self {
        self.status = Some(status);
        self
    }
}
