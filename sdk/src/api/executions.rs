//! Executions of schedules.

use jiff::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::activities::ActivityStatus;
use super::ids::{ActivityId, ExecutionId, ScheduleId};
use super::schedules::{ExecutionMode, StepType};
use super::schema;
use super::values::words;

/// How much of a step's output is kept: the last bytes.
pub const MAX_STEP_OUTPUT: usize = 64 * 1024;

words! {
    /// Where an execution is in its life.
    ExecutionStatus {
        /// Recorded; no step has begun.
        Queued = "Queued",
        /// A step has begun.
        InProgress = "InProgress",
        /// Ended well, or past the failures of steps that allow it.
        Completed = "Completed",
        /// Ended badly; `errorMessage` says why.
        Failed = "Failed",
        /// Never started, or stopped on purpose; `errorMessage` says why.
        Cancelled = "Cancelled",
    }

    /// How a step of an execution stands, for people.
    StepStatus {
        /// Nobody knows yet whether it will run.
        Pending = "Pending",
        /// Steps with a lower index have not ended.
        Waiting = "Waiting",
        /// Its turn has come; it waits for a free worker, or for another run profile of its connected system.
        Queued = "Queued",
        /// At work.
        Processing = "Processing",
        /// At work, and somebody asked to stop it.
        Cancelling = "Cancelling",
        /// Ended well.
        Completed = "Completed",
        /// Ended well, with something to look at.
        CompletedWithWarning = "Completed with Warning",
        /// Ended with errors of single objects. Counts as a failure.
        CompletedWithError = "Completed with Error",
        /// Ended badly.
        Failed = "Failed",
        /// Never began, or stopped on purpose.
        Cancelled = "Cancelled",
        /// None of these.
        Unknown = "Unknown",
    }

    /// Who made an execution or an activity.
    InitiatorType {
        /// Nobody knows.
        NotSet = "NotSet",
        /// A person.
        User = "User",
        /// Somebody with an access token.
        ApiKey = "ApiKey",
        /// The server itself, on a pattern.
        System = "System",
        /// Somebody without a token.
        Anonymous = "Anonymous",
    }
}

impl ExecutionStatus {
    /// Whether an execution with this status will never change again. Steps that are still at work may.
    pub fn is_terminal(&self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

impl StepStatus {
    /// Whether the step will never change again.
    pub fn is_terminal(&self) -> bool {
        matches!(
            self,
            Self::Completed | Self::CompletedWithWarning | Self::CompletedWithError | Self::Failed | Self::Cancelled
        )
    }
}

/// One execution of a schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Execution {
    /// The execution.
    pub id: ExecutionId,
    /// The schedule. It may be gone; its history stays.
    pub schedule_id: ScheduleId,
    /// The schedule's name when the execution was recorded.
    pub schedule_name: String,
    /// Where it is in its life.
    pub status: ExecutionStatus,
    /// The `stepIndex` that it has reached.
    pub current_step_index: i64,
    /// How many steps it has.
    pub total_steps: i64,
    /// When it was recorded.
    pub queued_at: Timestamp,
    /// When its first step began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
    /// Who made it.
    pub initiated_by_type: InitiatorType,
    /// The token, where somebody with one made it.
    pub initiated_by_id: Option<String>,
    /// The name of whoever made it.
    pub initiated_by_name: Option<String>,
    /// Why it is `Failed` or `Cancelled`.
    pub error_message: Option<String>,
    /// The nominal time: the mark of the pattern that it stands for, or the moment at which somebody asked for it.
    #[serde(default)]
    pub scheduled_for: Option<Timestamp>,
    /// Earlier marks of the pattern that nobody could execute and that it stands for too.
    #[serde(default)]
    pub missed_ticks: i64,
    /// Its steps, by `stepIndex`. Lists leave them out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<Vec<ExecutionStep>>,
}

impl Execution {
    /// A queued execution.
    pub fn new(id: ExecutionId, schedule_id: ScheduleId, schedule_name: String, queued_at: Timestamp) -> Self {
        Self {
            id,
            schedule_id,
            schedule_name,
            status: ExecutionStatus::Queued,
            current_step_index: 0,
            total_steps: 0,
            queued_at,
            started_at: None,
            completed_at: None,
            initiated_by_type: InitiatorType::NotSet,
            initiated_by_id: None,
            initiated_by_name: None,
            error_message: None,
            scheduled_for: None,
            missed_ticks: 0,
            steps: None,
        }
    }

    /// Whether it has ended and none of the steps that it shows is at work any more.
    pub fn is_over(&self) -> bool {
        let at_work = |step: &ExecutionStep| matches!(step.status, StepStatus::Processing | StepStatus::Cancelling);
        self.status.is_terminal() && !self.steps.iter().flatten().any(at_work)
    }
}

/// A step of an execution, as it was when the execution was recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ExecutionStep {
    /// When it runs: ascending; steps with the same index run in parallel.
    pub step_index: i64,
    /// Its name; of a run profile without one, the names of the connected system and the profile.
    pub name: String,
    /// What it does.
    pub step_type: StepType,
    /// How it was meant to follow the one before it.
    pub execution_mode: ExecutionMode,
    /// Whether later steps run also when this one has failed.
    pub continue_on_failure: bool,
    /// Of `RunProfile`: the connected system.
    pub connected_system_id: Option<i64>,
    /// Of `RunProfile`: the run profile.
    pub run_profile_id: Option<i64>,
    /// How it stands, for people.
    pub status: StepStatus,
    /// What waits for a worker or is at work, until the step has ended.
    pub task_id: Option<ActivityId>,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
    /// What the program ended with; a signal is 128 and its number.
    pub exit_code: Option<i64>,
    /// The end of what it printed.
    pub output: Option<String>,
    /// Why it failed or was cancelled.
    pub error_message: Option<String>,
    /// What it did, in detail.
    pub activity_id: Option<ActivityId>,
    /// How that stands.
    pub activity_status: Option<ActivityStatus>,
}

impl ExecutionStep {
    /// A step that waits.
    pub fn new(step_index: i64, name: String, step_type: StepType) -> Self {
        Self {
            step_index,
            name,
            step_type,
            execution_mode: ExecutionMode::Sequential,
            continue_on_failure: false,
            connected_system_id: None,
            run_profile_id: None,
            status: StepStatus::Waiting,
            task_id: None,
            started_at: None,
            completed_at: None,
            exit_code: None,
            output: None,
            error_message: None,
            activity_id: None,
            activity_status: None,
        }
    }
}

/// A status in any letter case, or its number, or one of two words that existing clients use.
fn status_in_query(generator: &mut SchemaGenerator) -> Schema {
    let mut status = schema::any_word::<ExecutionStatus>(generator);
    let old = json!({ "type": "string", "pattern": "^(?:[Cc][Oo][Mm][Pp][Ll][Ee][Tt][Ee]|[Pp][Aa][Uu][Ss][Ee][Dd])$" });
    if let Some(Value::Array(choices)) = status.get_mut("anyOf") {
        choices.push(old);
    }
    status
}

/// Which executions to list.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ExecutionQuery {
    /// The page, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<i64>,
    /// Executions on a page: up to 1000, 20 where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub page_size: Option<i64>,
    /// Executions of this schedule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule_id: Option<ScheduleId>,
    /// Executions with this status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "status_in_query")]
    pub status: Option<ExecutionStatus>,
    /// `status`, `startedAt`, `completedAt`, or by the time of recording.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = schema::TEXT))]
    pub sort_by: Option<String>,
    /// Whether the last comes first; it does where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sort_descending: Option<bool>,
}

impl ExecutionQuery {
    /// All executions, newest first.
    pub fn new() -> Self {
        Self::default()
    }

    /// The executions of one schedule, newest first.
    pub fn of(schedule: ScheduleId) -> Self {
        Self { schedule_id: Some(schedule), ..Self::default() }
    }

    /// The same, but only those with this status.
    #[must_use]
    pub fn with_status(mut self, status: ExecutionStatus) -> Self {
        self.status = Some(status);
        self
    }
}
