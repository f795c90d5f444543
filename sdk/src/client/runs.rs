//! Runs of all tasks.

use std::time::Duration;

use futures::Stream;

use super::error::Error;
use super::pages;
use super::run_logs;
use super::transport::Transport;
use crate::api::ids::RunId;
use crate::api::page::Page;
use crate::api::paths;
use crate::api::run_logs::LogEvent;
use crate::api::runs::{Run, RunQuery};

/// The pauses between two looks at a run that is being waited for.
const FIRST_LOOK: Duration = Duration::from_millis(20);
const LATER_LOOKS: Duration = Duration::from_millis(500);

/// Runs of all tasks.
#[derive(Clone, Copy)]
#[must_use]
pub struct Runs<'a>(pub(super) &'a Transport);

impl<'a> Runs<'a> {
    /// Reads one run.
    pub async fn get(&self, id: RunId) -> Result<Run, Error> {
        self.0.get(&paths::run(id)).await
    }

    /// Reads one page of runs, newest first.
    pub async fn page(&self, query: &RunQuery) -> Result<Page<Run>, Error> {
        self.0.get_with(&paths::runs(), query).await
    }

    /// All runs that fit, newest first, page by page as they are asked for.
    pub fn list(&self, query: RunQuery) -> impl Stream<Item = Result<Run, Error>> + Unpin + 'a {
        let runs = Runs(self.0);
        pages::all(move |page| {
            let query = RunQuery { page: Some(page), ..query.clone() };
            async move { runs.page(&query).await }
        })
    }

    /// Cancels a queued or running run.
    pub async fn cancel(&self, id: RunId) -> Result<Run, Error> {
        self.0.post(&paths::run_cancel(id)).await
    }

    /// What the run's script has printed so far, without the task's secrets. Of a long log, the beginning and the end, with a line
    /// between that counts what was left out.
    pub async fn log(&self, id: RunId) -> Result<String, Error> {
        self.0.get_text(&paths::run_log(id)).await
    }

    /// Follows what the run's script prints, from the beginning of its log to [`LogEvent::End`]. A connection that is lost is made
    /// again, as often as the client's [`Retry`](super::Retry) says, and the log goes on where it was.
    pub fn follow(&self, id: RunId) -> impl Stream<Item = Result<LogEvent, Error>> + Unpin + 'a {
        run_logs::follow(self.0, id)
    }

    /// Looks at a run until it has ended. Put a time-out around it where waiting for ever is no option.
    pub async fn wait(&self, id: RunId) -> Result<Run, Error> {
        let mut pause = FIRST_LOOK;
        loop {
            let run = self.get(id).await?;
            if run.status.is_terminal() {
                return Ok(run);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LATER_LOOKS);
        }
    }
}
