//! Messages to users.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use justiam_sdk::api::ids::UserId;
use justiam_sdk::api::messages::UserMessage;
use justiam_sdk::api::page::{Page, PageQuery};

use super::caller::Authenticated;
use super::extract::Id;
use super::problem::Failure;
use super::query::Query;
use crate::app::App;

/// `GET /api/v1/users/{id}/messages`
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Authenticated(caller): Authenticated,
    Id(id): Id<UserId>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<UserMessage>>, Failure> {
    Ok(Json(app.list_messages(&caller, id, &query).await?))
}
