//! The audit log.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use justiam_sdk::api::audit::{AuditEntry, AuditQuery};
use justiam_sdk::api::page::Page;

use super::caller::Authenticated;
use super::problem::Failure;
use super::query::Query;
use crate::app::App;

/// `GET /api/v1/audit-log`
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Authenticated(caller): Authenticated,
    Query(query): Query<AuditQuery>,
) -> Result<Json<Page<AuditEntry>>, Failure> {
    Ok(Json(app.list_audit(&caller, &query).await?))
}
