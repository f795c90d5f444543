//! Executions of schedules.

use std::time::Duration;

use futures::stream::{self, Stream};

use super::error::Error;
use super::pages;
use super::transport::Transport;
use crate::api::executions::{Execution, ExecutionQuery};
use crate::api::ids::ExecutionId;
use crate::api::page::Items;
use crate::api::paths;

/// The pauses between two looks at an execution that shows nothing new.
const FIRST_LOOK: Duration = Duration::from_millis(50);
const LATER_LOOKS: Duration = Duration::from_secs(2);

/// Executions of all schedules.
#[derive(Clone, Copy)]
#[must_use]
pub struct Executions<'a>(pub(super) &'a Transport);

impl<'a> Executions<'a> {
    /// Reads one execution with its steps.
    pub async fn get(&self, id: ExecutionId) -> Result<Execution, Error> {
        self.0.get(&paths::execution(id)).await
    }

    /// Reads one page of executions, newest first unless the query has another order.
    pub async fn page(&self, query: &ExecutionQuery) -> Result<Items<Execution>, Error> {
        self.0.get_with(&paths::executions(), query).await
    }

    /// All executions that fit, newest first unless the query has another order, page by page as they are asked for.
    pub fn list(&self, query: ExecutionQuery) -> impl Stream<Item = Result<Execution, Error>> + Unpin + 'a {
        let executions = Executions(self.0);
        pages::all_items(move |page| {
            let query = ExecutionQuery { page: Some(page), ..query.clone() };
            async move { executions.page(&query).await }
        })
    }

    /// All executions that have not ended, oldest first.
    pub async fn active(&self) -> Result<Vec<Execution>, Error> {
        self.0.get(&paths::executions_active()).await
    }

    /// Cancels an execution that has not ended. It is `Cancelled` at once; steps that are at work end within two seconds or so.
    pub async fn cancel(&self, id: ExecutionId) -> Result<Execution, Error> {
        self.0.post(&paths::execution_cancel(id)).await
    }

    /// Looks at an execution until it has ended and none of its steps is at work any more: often at first, every two seconds
    /// later. Put a time-out around it where waiting for ever is no option.
    pub async fn wait(&self, id: ExecutionId) -> Result<Execution, Error> {
        let mut look = Look::new(*self, id);
        loop {
            let execution = look.again().await?;
            if execution.is_over() {
                return Ok(execution);
            }
        }
    }

    /// Follows an execution: how it stands now, and then each time that it shows something new, with its steps, until it has ended
    /// and none of them is at work any more. What comes and goes between two looks is not seen.
    pub fn follow(&self, id: ExecutionId) -> impl Stream<Item = Result<Execution, Error>> + Unpin + use<'a> {
        Box::pin(stream::unfold(Some(Look::new(*self, id)), |look| async move {
            let mut look = look?;
            match look.change().await {
                Ok(execution) => {
                    let look = (!execution.is_over()).then_some(look);
                    Some((Ok(execution), look))
                }
                Err(error) => Some((Err(error), None)),
            }
        }))
    }
}

/// Somebody who looks at an execution again and again, and less often where nothing happens.
struct Look<'a> {
    executions: Executions<'a>,
    id: ExecutionId,
    seen: Option<Execution>,
    pause: Duration,
}

impl<'a> Look<'a> {
    fn new(executions: Executions<'a>, id: ExecutionId) -> Self {
        Self { executions, id, seen: None, pause: FIRST_LOOK }
    }

    /// The first look is at once, all others come after a pause.
    async fn again(&mut self) -> Result<Execution, Error> {
        if self.seen.is_some() {
            tokio::time::sleep(self.pause).await;
            self.pause = (self.pause * 2).min(LATER_LOOKS);
        }
        let execution = self.executions.get(self.id).await?;
        if self.seen.as_ref() != Some(&execution) {
            self.seen = Some(execution.clone());
            self.pause = FIRST_LOOK;
        }
        Ok(execution)
    }

    /// Looks until something is new.
    async fn change(&mut self) -> Result<Execution, Error> {
        let before = self.seen.clone();
        loop {
            let execution = self.again().await?;
            if before.as_ref() != Some(&execution) {
                return Ok(execution);
            }
        }
    }
}
