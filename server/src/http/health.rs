//! Whether the server lives and works, and which one it is. Open to everybody.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::problem::Failure;
use crate::app::App;

/// `GET /health`: the process answers. Says how it isolates scripts, too.
pub(super) async fn alive(State(app): State<Arc<App>>) -> Json<Value> {
    Json(json!({ "status": "healthy", "isolation": app.isolation() }))
}

/// `GET /health/ready`: the database accepts a write, and the loops of this server come round.
pub(super) async fn ready(State(app): State<Arc<App>>) -> Result<Json<Value>, Failure> {
    let unready = app.unready().await;
    if unready.is_empty() { Ok(Json(json!({ "status": "ready" }))) } else { Err(Failure::unready(&unready)) }
}

/// `GET /api/v1/health/version`, in the form that existing clients read.
pub(super) async fn product() -> Json<Value> {
    Json(json!({ "product": "JustIAM", "version": env!("CARGO_PKG_VERSION") }))
}

/// `GET /api/v1/version`
pub(super) async fn version() -> Json<&'static str> {
    Json(env!("CARGO_PKG_VERSION"))
}
