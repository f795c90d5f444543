//! The log of a run: what its script prints.
//!
//! `GET /api/v1/task-runs/{id}/log` answers with the text, or, to `Accept: text/event-stream`, with server-sent events: `log` with a
//! [`LogPiece`], and, when the run has ended, `end` with a [`LogEnd`].

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::values::RunStatus;

/// How many bytes are kept of the beginning of a log, and as many of its end: at least this, and at most 8 KiB more of each.
pub const KEPT: usize = 64 * 1024;

/// A piece of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct LogPiece {
    /// Where it begins, in bytes from the beginning of the log. Where that is after the end of the piece before, what is between
    /// was left out.
    pub at: u64,
    /// What was printed, without the task's secrets.
    pub text: String,
}

impl LogPiece {
    /// A piece.
    pub fn new(at: u64, text: String) -> Self {
        Self { at, text }
    }

    /// Where it ends: from there on the rest of the log is asked for.
    pub fn end(&self) -> u64 {
        self.at + self.text.len() as u64
    }
}

/// The end of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct LogEnd {
    /// How the run ended.
    pub status: RunStatus,
}

impl LogEnd {
    /// The log of a run that ended like this.
    pub fn new(status: RunStatus) -> Self {
        Self { status }
    }
}

/// What somebody who follows a log gets.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogEvent {
    /// More of it.
    Log(LogPiece),
    /// The run has ended, and nothing more comes.
    End(LogEnd),
}
