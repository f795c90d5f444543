//! How many requests are at work at one time.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use tokio::sync::Semaphore;

use super::problem;

/// How long a request waits until others are done.
const PATIENCE: Duration = Duration::from_secs(1);

/// A request that has a turn.
#[derive(Clone)]
pub(super) struct Turn;

/// Lets a request begin when there is room. It takes room until its answer begins, so those who follow something take none.
pub(super) async fn take_turn(State(room): State<Arc<Semaphore>>, mut request: Request, next: Next) -> Response {
    match tokio::time::timeout(PATIENCE, room.acquire()).await {
        Ok(Ok(_turn)) => {
            request.extensions_mut().insert(Turn);
            next.run(request).await
        }
        _ => problem::crowded().into_response(),
    }
}
