//! Runs: what happened at each tick and trigger.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ids::{RunId, TaskId};
use super::page::{MAX_DEPTH, MAX_LIMIT};
use super::values::{RunStatus, Trigger};

/// The most bytes of output that a run keeps. A script that returns more ends as an error.
pub const MAX_OUTPUT: usize = 1024 * 1024;

/// One run of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct Run {
    /// The run.
    pub id: RunId,
    /// The task that ran. It may be gone; its history stays.
    pub task_id: TaskId,
    /// The task's name when the run was recorded.
    pub task_name: String,
    /// Where the run is in its life.
    pub status: RunStatus,
    /// What made the run.
    pub trigger: Trigger,
    /// The nominal time: the tick that the run stands for, or the moment of the trigger.
    pub scheduled_for: Timestamp,
    /// When the run was recorded.
    pub queued_at: Timestamp,
    /// When it started to work.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// From start to end, in milliseconds.
    pub duration_ms: Option<i64>,
    /// What the script returned, byte for byte but for the task's own secrets, which are taken out.
    pub output: Option<String>,
    /// Why the run ended as `error`.
    pub error: Option<String>,
    /// Why the run is `cancelled`, or why it waits.
    pub reason: Option<String>,
    /// How many times the run was started.
    pub attempt: i32,
    /// Earlier ticks that nobody could run and that this run stands for too.
    pub missed_ticks: i64,
    /// How the script was isolated; absent for runs without a script.
    pub isolation: Option<String>,
    /// Who asked for a manual run.
    pub triggered_by: Option<String>,
}

impl Run {
    /// A queued run.
    pub fn new(
        id: RunId,
        task_id: TaskId,
        task_name: String,
        trigger: Trigger,
        scheduled_for: Timestamp,
        queued_at: Timestamp,
    ) -> Self {
        Self {
            id,
            task_id,
            task_name,
            status: RunStatus::Queued,
            trigger,
            scheduled_for,
            queued_at,
            started_at: None,
            finished_at: None,
            duration_ms: None,
            output: None,
            error: None,
            reason: None,
            attempt: 0,
            missed_ticks: 0,
            isolation: None,
            triggered_by: None,
        }
    }
}

/// Which runs to list.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RunQuery {
    /// The page, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = MAX_DEPTH))]
    pub page: Option<u32>,
    /// Runs on a page: from 1 to 1000, 50 where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = MAX_LIMIT))]
    pub limit: Option<u32>,
    /// Runs of this task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_id: Option<TaskId>,
    /// Runs with this status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<RunStatus>,
}

impl RunQuery {
    /// All runs, newest first.
    pub fn new() -> Self {
        Self::default()
    }
}
