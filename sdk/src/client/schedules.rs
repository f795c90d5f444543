//! Schedules.

use futures::Stream;
use reqwest::Method;

use super::error::Error;
use super::pages;
use super::transport::Transport;
use crate::api::ids::ScheduleId;
use crate::api::page::Items;
use crate::api::paths;
use crate::api::preview::{NextExecutions, NextQuery};
use crate::api::schedules::{NewSchedule, Schedule, ScheduleQuery, ScheduleRun};

/// Schedules: create, read, change, delete, run.
#[derive(Clone, Copy)]
#[must_use]
pub struct Schedules<'a>(pub(super) &'a Transport);

impl<'a> Schedules<'a> {
    /// Creates a schedule with its steps, all or nothing.
    pub async fn create(&self, schedule: &NewSchedule) -> Result<Schedule, Error> {
        self.0.send_body(Method::POST, &paths::schedules(), schedule).await
    }

    /// Reads a schedule with its steps.
    pub async fn get(&self, id: ScheduleId) -> Result<Schedule, Error> {
        self.0.get(&paths::schedule(id)).await
    }

    /// When a schedule fires next by itself, and what its author may not expect. Of a disabled schedule: when it would.
    pub async fn next(&self, id: ScheduleId, query: &NextQuery) -> Result<NextExecutions, Error> {
        self.0.get_with(&paths::schedule_next(id), query).await
    }

    /// Reads one page of schedules, in the order of their creation unless the query has another.
    pub async fn page(&self, query: &ScheduleQuery) -> Result<Items<Schedule>, Error> {
        self.0.get_with(&paths::schedules(), query).await
    }

    /// All schedules that fit, page by page as they are asked for.
    pub fn list(&self, query: ScheduleQuery) -> impl Stream<Item = Result<Schedule, Error>> + Unpin + 'a {
        let schedules = Schedules(self.0);
        pages::all_items(move |page| {
            let query = ScheduleQuery { page: Some(page), ..query.clone() };
            async move { schedules.page(&query).await }
        })
    }

    /// The schedule with this name, if there is one. Its steps are not part of it; `get` has them.
    pub async fn find(&self, name: &str) -> Result<Option<Schedule>, Error> {
        let page = self.page(&ScheduleQuery::named(name)).await?;
        // Not every server may know this filter.
        Ok(page.items.into_iter().find(|schedule| schedule.name == name))
    }

    /// Replaces a schedule with its steps, all or nothing. What the body leaves out returns to its default; steps that it does not
    /// name by their id are new, and others are gone. [`Schedule::to_new`] makes the body that changes nothing.
    pub async fn replace(&self, id: ScheduleId, schedule: &NewSchedule) -> Result<Schedule, Error> {
        self.0.send_body(Method::PUT, &paths::schedule(id), schedule).await
    }

    /// The same as long as nobody has changed the schedule since it had this revision. Otherwise the server answers 412; it does so
    /// too where this change itself was made and its answer got lost.
    pub async fn replace_if(&self, id: ScheduleId, schedule: &NewSchedule, revision: &str) -> Result<Schedule, Error> {
        self.0.body_if(Method::PUT, &paths::schedule(id), schedule, revision).await
    }

    /// Deletes a schedule. Executions that have begun go on, and its history stays.
    pub async fn delete(&self, id: ScheduleId) -> Result<(), Error> {
        self.0.delete(&paths::schedule(id)).await
    }

    /// Lets a schedule fire by itself, from now on. Steps are not part of the answer.
    pub async fn enable(&self, id: ScheduleId) -> Result<Schedule, Error> {
        self.0.post(&paths::schedule_enable(id)).await
    }

    /// Keeps a schedule from firing by itself. Steps are not part of the answer.
    pub async fn disable(&self, id: ScheduleId) -> Result<Schedule, Error> {
        self.0.post(&paths::schedule_disable(id)).await
    }

    /// Runs a schedule now, also one that is disabled, and beside an execution that has not ended.
    pub async fn run(&self, id: ScheduleId) -> Result<ScheduleRun, Error> {
        self.0.post(&paths::schedule_run(id)).await
    }
}
