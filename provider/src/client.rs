//! The server, as resources see it.

mod list;
mod refresh;

use std::sync::Arc;
use std::time::Duration;

use justiam_sdk::{Client, Error};
use tfplugin::Stop;
use tokio::sync::Semaphore;
use tokio::time::sleep;

use refresh::Refresh;

/// How long a request for a change may still take once the user has stopped Terraform.
const GRACE: Duration = Duration::from_millis(500);

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

    /// Changes or deletes something that Terraform knows. Nothing comes back where the user has stopped Terraform and there was no
    /// answer soon: the next plan sees what has become of it. A create is not given up like this, because only its answer tells
    /// whether there is something to remember.
    pub(crate) async fn change<T>(
        &self,
        stop: &Stop,
        request: impl AsyncFnOnce(&Client) -> Result<T, Error>,
    ) -> Option<Result<T, Error>> {
        if stop.is_requested() {
            return None;
        }
        let interrupted = async {
            stop.requested().await;
            sleep(GRACE).await;
        };
        tokio::select! {
            answer = self.call(request) => Some(answer),
            () = interrupted => None,
        }
    }
}
