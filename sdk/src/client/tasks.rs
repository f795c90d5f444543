//! Tasks.

use futures::Stream;
use reqwest::Method;
use serde::de::DeserializeOwned;

use super::error::Error;
use super::pages;
use super::transport::Transport;
use crate::api::ids::TaskId;
use crate::api::page::Page;
use crate::api::paths;
use crate::api::preview::{NextQuery, NextRuns, Validation};
use crate::api::runs::{Run, RunQuery};
use crate::api::tasks::{NewTask, Task, TaskPatch, TaskQuery};

/// Tasks: create, read, change, delete, run.
#[derive(Clone, Copy)]
#[must_use]
pub struct Tasks<'a>(pub(super) &'a Transport);

impl<'a> Tasks<'a> {
    /// Creates a task with its config entries and secrets, all or nothing.
    pub async fn create(&self, task: &NewTask) -> Result<Task, Error> {
        self.0.send_body(Method::POST, &paths::tasks(), task).await
    }

    /// Reads a task with everything but the values of its secrets.
    pub async fn get(&self, id: TaskId) -> Result<Task, Error> {
        self.0.get(&paths::task(id)).await
    }

    /// When a task fires next by itself, and what its author may not expect. Of a disabled task: when it would.
    pub async fn next(&self, id: TaskId, query: &NextQuery) -> Result<NextRuns, Error> {
        self.0.get_with(&paths::task_next(id), query).await
    }

    /// Checks what [`Tasks::create`] would be given, whether a script compiles included. Nothing is stored, and what is wrong with
    /// the task is the answer, not an error.
    pub async fn validate(&self, task: &NewTask) -> Result<Validation, Error> {
        self.0.send_body(Method::POST, &paths::tasks_validate(), task).await
    }

    /// Reads one page of tasks, in the order of their creation.
    pub async fn page(&self, query: &TaskQuery) -> Result<Page<Task>, Error> {
        self.page_of(query).await
    }

    /// The same for whoever needs only a part of each task, or needs it later: `T` is what is made of a task's JSON.
    pub async fn page_of<T: DeserializeOwned>(&self, query: &TaskQuery) -> Result<Page<T>, Error> {
        self.0.get_with(&paths::tasks(), query).await
    }

    /// All tasks that fit, page by page as they are asked for.
    pub fn list(&self, query: TaskQuery) -> impl Stream<Item = Result<Task, Error>> + Unpin + 'a {
        let tasks = Tasks(self.0);
        pages::all(move |page| {
            let query = TaskQuery { page: Some(page), ..query.clone() };
            async move { tasks.page(&query).await }
        })
    }

    /// The task with this name, if there is one. Its script, config and config entries are not part of it; `get` has them.
    pub async fn find(&self, name: &str) -> Result<Option<Task>, Error> {
        let page = self.page(&TaskQuery::named(name)).await?;
        // Not every server may know this filter.
        Ok(page.data.into_iter().find(|task| task.name == name))
    }

    /// Replaces a task's definition; config entries and secrets stay. What the body leaves out returns to its default.
    pub async fn replace(&self, id: TaskId, task: &NewTask) -> Result<Task, Error> {
        self.0.send_body(Method::PUT, &paths::task(id), task).await
    }

    /// Changes what the patch names, all or nothing.
    pub async fn update(&self, id: TaskId, patch: &TaskPatch) -> Result<Task, Error> {
        self.0.send_body(Method::PATCH, &paths::task(id), patch).await
    }

    /// The same, but only as long as the task has this revision; else the answer is 412 and nothing has changed.
    pub async fn update_if(&self, id: TaskId, patch: &TaskPatch, revision: &str) -> Result<Task, Error> {
        self.0.body_if(Method::PATCH, &paths::task(id), patch, revision).await
    }

    /// Deletes a task and ends its runs. Its history stays.
    pub async fn delete(&self, id: TaskId) -> Result<(), Error> {
        self.0.delete(&paths::task(id)).await
    }

    /// Runs a task now. The run that comes back may be `cancelled` already, where the overlap policy drops it.
    pub async fn run(&self, id: TaskId) -> Result<Run, Error> {
        self.0.post(&paths::task_run(id)).await
    }

    /// One task's history, newest first.
    pub fn runs(&self, id: TaskId) -> impl Stream<Item = Result<Run, Error>> + Unpin + 'a {
        let transport = self.0;
        pages::all(move |page| async move {
            let query = RunQuery { page: Some(page), ..RunQuery::default() };
            transport.get_with(&paths::task_runs(id), &query).await
        })
    }
}
