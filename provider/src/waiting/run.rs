//! Runs of tasks.

use std::fmt::Write as _;

use justiam_sdk::api::runs::Run;
use justiam_sdk::api::values::{RunStatus, Words as _};
use justiam_sdk::{Client, Error};

use super::Work;

impl Work for Run {
    async fn again(&self, client: &Client) -> Result<Self, Error> {
        client.runs().get(self.id).await
    }

    fn is_over(&self) -> bool {
        self.status.is_terminal()
    }

    fn name(&self) -> String {
        format!("run {} of the task `{}`", self.id, self.task_name)
    }

    fn stands(&self) -> &str {
        self.status.as_str()
    }

    fn news(&self, before: Option<&Self>) -> Vec<String> {
        if before.is_some_and(|before| (&before.status, &before.reason) == (&self.status, &self.reason)) {
            return Vec::new();
        }
        let mut line = format!("Run {} of the task `{}`: {}", self.id, self.task_name, self.status);
        if let (true, Some(duration)) = (self.is_over(), self.duration_ms) {
            let _ = write!(line, " after {duration} ms");
        }
        if let Some(reason) = &self.reason {
            let _ = write!(line, " ({reason})");
        }
        vec![line]
    }

    fn failure(&self) -> Option<(String, String)> {
        let (verb, why) = match self.status {
            RunStatus::Error => ("failed", &self.error),
            RunStatus::Cancelled => ("was cancelled", &self.reason),
            _ => return None,
        };
        let why = why.as_deref().unwrap_or("The server gives no reason");
        let summary = format!("The run of the task `{}` {verb}", self.task_name);
        Some((summary, format!("{}.\n\nRun: {}", why.trim_end_matches('.'), self.id)))
    }
}
