//! The server, as resources see it.

use std::sync::Arc;

use justiam_sdk::api::ids::TaskId;
use justiam_sdk::api::tasks::Task;
use justiam_sdk::{Client, Error};
use tokio::sync::Semaphore;

/// A server, and how many requests it may get at a time.
#[derive(Clone)]
pub struct Api {
    client: Client,
    slots: Arc<Semaphore>,
}

impl Api {
    pub(crate) fn new(client: Client, max_concurrency: usize) -> Self {
        Self { client, slots: Arc::new(Semaphore::new(max_concurrency)) }
    }

    /// Does something with the server once it is this request's turn.
    pub(crate) async fn call<T>(&self, request: impl AsyncFnOnce(&Client) -> Result<T, Error>) -> Result<T, Error> {
        // The semaphore is never closed; a request without a permit would merely be one too many.
        let _turn = self.slots.acquire().await;
        request(&self.client).await
    }

    /// A task with everything but the values of its secrets, for a refresh. `script` is the text that is known already, if any.
    pub(crate) async fn task(&self, id: TaskId, script: Option<&str>) -> Result<Task, Error> {
        let _ = script;
        self.call(async |client| client.tasks().get(id).await).await
    }
}
