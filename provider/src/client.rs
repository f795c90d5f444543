//! The server, as resources see it.

mod list;
mod refresh;

use std::sync::Arc;

use justiam_sdk::{Client, Error};
use tokio::sync::Semaphore;

use refresh::Refresh;

/// A server, and how many requests it may get at a time.
#[derive(Clone)]
pub struct Api {
    client: Client,
    slots: Arc<Semaphore>,
    refresh: Arc<Refresh>,
}

impl Api {
    pub(crate) fn new(client: Client, max_concurrency: usize) -> Self {
        Self { client, slots: Arc::new(Semaphore::new(max_concurrency)), refresh: Arc::default() }
    }

    /// Does something with the server once it is this request's turn.
    pub(crate) async fn call<T>(&self, request: impl AsyncFnOnce(&Client) -> Result<T, Error>) -> Result<T, Error> {
        // The semaphore is never closed; a request without a permit would merely be one too many.
        let _turn = self.slots.acquire().await;
        request(&self.client).await
    }
}
