//! Executions of schedules.

use std::fmt::Write as _;

use justiam_sdk::api::executions::{Execution, ExecutionStatus, ExecutionStep, StepStatus};
use justiam_sdk::api::values::Words as _;
use justiam_sdk::{Client, Error};

use super::Work;

impl Work for Execution {
    async fn again(&self, client: &Client) -> Result<Self, Error> {
        client.executions().get(self.id).await
    }

    /// Of a cancelled one, also steps that are still at work must have ended.
    fn is_over(&self) -> bool {
        Self::is_over(self)
    }

    fn name(&self) -> String {
        format!("execution {} of the schedule `{}`", self.id, self.schedule_name)
    }

    fn stands(&self) -> &str {
        self.status.as_str()
    }

    fn news(&self, before: Option<&Self>) -> Vec<String> {
        let mut lines = Vec::new();
        let whole = format!("Execution {} of the schedule `{}`: {}", self.id, self.schedule_name, self.status);
        let is_new = before.is_none_or(|before| before.status != self.status);
        // It begins before its first step does, and ends after its last one has.
        if is_new && !self.status.is_terminal() {
            lines.push(whole.clone());
        }
        for (index, step) in self.steps.iter().flatten().enumerate() {
            let earlier = before.and_then(|before| before.steps.as_ref()?.get(index));
            let has_begun = !matches!(step.status, StepStatus::Pending | StepStatus::Waiting);
            if has_begun && earlier.is_none_or(|earlier| earlier.status != step.status) {
                lines.push(format!("Step {} of {} `{}`: {}", index + 1, self.total_steps, step.name, step.status));
            }
        }
        if is_new && self.status.is_terminal() {
            lines.push(whole);
        }
        lines
    }

    fn failure(&self) -> Option<(String, String)> {
        let verb = match self.status {
            ExecutionStatus::Failed => "failed",
            ExecutionStatus::Cancelled => "was cancelled",
            _ => return None,
        };
        let why = self.error_message.as_deref().unwrap_or("The server gives no reason");
        let mut detail = format!("{}.\n", why.trim_end_matches('.'));
        for (index, step) in self.steps.iter().flatten().enumerate() {
            if let Some(problem) = problem_of(step) {
                let _ = write!(detail, "\nStep {} `{}`: {problem}", index + 1, step.name);
            }
        }
        let _ = write!(detail, "\nExecution: {}", self.id);
        Some((format!("The execution of the schedule `{}` {verb}", self.schedule_name), detail))
    }
}

/// Why a step did not end well. Those that never began say nothing that the execution does not.
fn problem_of(step: &ExecutionStep) -> Option<&str> {
    step.started_at.and(step.error_message.as_deref())
}
