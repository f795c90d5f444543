//! Activities.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use justiam_sdk::api::activities::{Activity, ActivityQuery};
use justiam_sdk::api::ids::ActivityId;
use justiam_sdk::api::page::Items;

use super::caller::Authenticated;
use super::extract::Id;
use super::problem::Failure;
use super::query::LooseQuery;
use crate::app::App;

type Shared = State<Arc<App>>;

/// `GET /api/v1/activities`
pub(super) async fn list(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    LooseQuery(query): LooseQuery<ActivityQuery>,
) -> Result<Json<Items<Activity>>, Failure> {
    Ok(Json(app.list_activities(&caller, &query).await?))
}

/// `GET /api/v1/activities/{id}`
pub(super) async fn read(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Id(id): Id<ActivityId>,
) -> Result<Json<Activity>, Failure> {
    Ok(Json(app.activity(&caller, id).await?))
}
