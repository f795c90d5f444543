//! HTTP: unpack a request, call one use case, convert its answer. No rule is decided here.

mod access_requests;
mod activities;
mod applications;
mod audit;
mod caller;
mod config;
mod connected_systems;
mod executions;
mod extract;
mod federated_providers;
mod groups;
mod headers;
mod health;
mod limits;
mod me;
mod messages;
mod metrics;
pub(crate) mod openapi;
mod problem;
mod query;
mod refusals;
mod run_logs;
mod runs;
mod schedules;
mod secrets;
mod service_accounts;
mod spans;
mod tasks;
mod users;

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodRouter, delete, get, post, put};
use http::{HeaderName, HeaderValue, Method};
use justiam_sdk::api::paths::routes;
use opentelemetry::context::FutureExt as _;
use tokio::sync::Semaphore;
use tower_http::catch_panic::CatchPanicLayer;
use tracing::Instrument as _;

use crate::app::App;
use crate::config::{Limits, Roles};
use crate::gate::OverTls;

/// How long a request may take until its answer begins; a log may be followed for longer. SQLite waits up to 30 seconds for another program that holds the database.
const REQUEST_LIMIT: Duration = Duration::from_mins(1);

static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The routes of a server with these roles.
pub(crate) fn router(app: Arc<App>, roles: Roles, limits: &Limits) -> Router {
    answering(all(roles, limits).router, app)
}

/// What whoever watches the server finds on a listener of its own, without a token.
pub(crate) fn monitoring(app: Arc<App>) -> Router {
    let routes = Router::new()
        .route(routes::API_HEALTH, get(health::alive))
        .route(routes::HEALTH, get(health::alive))
        .route(routes::READY, get(health::ready))
        .route(routes::METRICS, get(metrics::scrape_openly));
    answering(routes, app)
}

/// What all answers have in common.
fn answering(routes: Router<Arc<App>>, app: Arc<App>) -> Router {
    let (requests, measured, denials) = (Arc::clone(&app), Arc::clone(&app), Arc::clone(&app));
    routes
        .fallback(problem::no_such_path)
        .method_not_allowed_fallback(problem::no_such_method)
        .with_state(app)
        .layer(middleware::from_fn_with_state(denials, refusals::note))
        // Bodies are read by our own extractor, which answers in the one error form.
        .layer(DefaultBodyLimit::disable())
        .layer(CatchPanicLayer::custom(problem::panicked))
        .layer(middleware::from_fn(move |request, next| trace(Arc::clone(&requests), request, next)))
        .layer(middleware::from_fn_with_state(measured, metrics::measure))
}

/// A router that knows its paths, so that they can be held against the table of operations.
struct Routes {
    router: Router<Arc<App>>,
    paths: Vec<&'static str>,
}

impl Routes {
    fn new() -> Self {
        Self { router: Router::new(), paths: Vec::new() }
    }

    fn route(mut self, path: &'static str, methods: MethodRouter<Arc<App>>) -> Self {
        self.paths.push(path);
        Self { router: self.router.route(path, methods), ..self }
    }
}

fn all(roles: Roles, limits: &Limits) -> Routes {
    let routes = if roles.api {
        let Routes { router, paths } = api();
        let room = Arc::new(Semaphore::new(limits.requests_at_work as usize));
        // Whoever watches the server gets an answer also when it is busy.
        Routes { router: router.route_layer(middleware::from_fn_with_state(room, limits::take_turn)), paths }
    } else {
        Routes::new()
    };
    routes
        .route(routes::VERSION, get(health::version))
        .route(routes::API_HEALTH_VERSION, get(health::product))
        .route(routes::API_HEALTH, get(health::alive))
        .route(routes::HEALTH, get(health::alive))
        .route(routes::READY, get(health::ready))
        .route(routes::METRICS, get(metrics::scrape))
}

fn api() -> Routes {
    Routes::new()
        .route(routes::OPENAPI, openapi::route())
        .route(routes::TASKS, get(tasks::list).post(tasks::create))
        .route(routes::TASK, get(tasks::read).put(tasks::replace).patch(tasks::patch).delete(tasks::delete))
        .route(routes::TASKS_VALIDATE, post(tasks::validate))
        .route(routes::TASK_NEXT, get(tasks::next))
        .route(routes::TASK_SECRETS, get(secrets::keys).put(secrets::replace).patch(secrets::patch))
        .route(routes::TASK_SECRETS_COMPARE, post(secrets::compare))
        .route(routes::TASK_CONFIG, get(config::read).put(config::replace))
        .route(routes::TASK_RUN, post(runs::run_task))
        .route(routes::TASK_TRIGGER, post(runs::run_task))
        .route(routes::TASK_RUNS, get(runs::list_of_task))
        .route(routes::TASK_HISTORY, get(runs::list_of_task))
        .route(routes::RUNS, get(runs::list))
        .route(routes::TASKS_HISTORY, get(runs::list))
        .route(routes::RUN, get(runs::read))
        .route(routes::RUN_LOG, get(run_logs::read))
        .route(routes::RUN_CANCEL, post(runs::cancel))
        .route(routes::SCHEDULES, get(schedules::list).post(schedules::create))
        .route(routes::SCHEDULE, get(schedules::read).put(schedules::replace).delete(schedules::delete))
        .route(routes::SCHEDULE_ENABLE, post(schedules::enable))
        .route(routes::SCHEDULE_DISABLE, post(schedules::disable))
        .route(routes::SCHEDULE_NEXT, get(schedules::next))
        .route(routes::USERS, get(users::list).post(users::create))
        .route(routes::USER, get(users::read).put(users::replace).patch(users::patch).delete(users::delete))
        .route(routes::USER_GROUPS, get(users::groups))
        .route(routes::GROUPS, get(groups::list).post(groups::create))
        .route(routes::GROUP, get(groups::read).put(groups::replace).patch(groups::patch).delete(groups::delete))
        .route(routes::GROUP_MEMBERS, get(groups::members))
        .route(routes::GROUP_MEMBER, put(groups::add_member).delete(groups::remove_member))
        .route(routes::USER_MESSAGES, get(messages::list))
        .route(routes::FEDERATED_PROVIDERS, get(federated_providers::list).post(federated_providers::create))
        .route(
            routes::FEDERATED_PROVIDER,
            get(federated_providers::read)
                .put(federated_providers::replace)
                .patch(federated_providers::patch)
                .delete(federated_providers::delete),
        )
        .route(routes::USER_IDENTITIES, get(federated_providers::identities).post(federated_providers::link))
        .route(routes::USER_IDENTITY, delete(federated_providers::unlink))
        .route(routes::APPLICATIONS, get(applications::list).post(applications::create))
        .route(
            routes::APPLICATION,
            get(applications::read).put(applications::replace).patch(applications::patch).delete(applications::delete),
        )
        .route(routes::APPLICATION_ROTATE_SECRET, post(applications::rotate_secret))
        .route(routes::ACCESS_REQUESTS, get(access_requests::list).post(access_requests::create))
        .route(routes::ACCESS_REQUEST, get(access_requests::read))
        .route(routes::ACCESS_REQUEST_APPROVE, post(access_requests::approve))
        .route(routes::ACCESS_REQUEST_DENY, post(access_requests::deny))
        .route(routes::SCHEDULE_RUN, post(executions::run_schedule))
        .route(routes::EXECUTIONS, get(executions::list))
        .route(routes::EXECUTIONS_ACTIVE, get(executions::active))
        .route(routes::EXECUTION, get(executions::read))
        .route(routes::EXECUTION_CANCEL, post(executions::cancel))
        .route(routes::ACTIVITIES, get(activities::list))
        .route(routes::ACTIVITY, get(activities::read))
        .route(routes::CONNECTED_SYSTEMS, get(connected_systems::list).post(connected_systems::create))
        .route(
            routes::CONNECTED_SYSTEM,
            get(connected_systems::read).put(connected_systems::replace).delete(connected_systems::delete),
        )
        .route(routes::RUN_PROFILES, get(connected_systems::list_profiles).post(connected_systems::create_profile))
        .route(
            routes::RUN_PROFILE,
            get(connected_systems::read_profile)
                .put(connected_systems::replace_profile)
                .delete(connected_systems::delete_profile),
        )
        .route(routes::RUN_PROFILE_EXECUTE, post(connected_systems::execute_profile))
        .route(routes::SERVICE_ACCOUNTS, get(service_accounts::list).post(service_accounts::create))
        .route(
            routes::SERVICE_ACCOUNT,
            get(service_accounts::read)
                .put(service_accounts::replace)
                .patch(service_accounts::patch)
                .delete(service_accounts::delete),
        )
        .route(routes::SERVICE_ACCOUNT_TOKENS, get(service_accounts::list_tokens).post(service_accounts::create_token))
        .route(routes::SERVICE_ACCOUNT_TOKEN, delete(service_accounts::revoke_token))
        .route(routes::ME, get(me::read))
        .route(routes::MY_TOKENS, get(me::list_tokens).post(me::create_token))
        .route(routes::MY_TOKEN, delete(me::revoke_token))
        .route(routes::SHORT_TOKENS, post(me::create_short_token))
        .route(routes::SHORT_TOKEN, delete(me::revoke_short_token))
        .route(routes::SHORT_TOKEN_RENEW, post(me::renew_short_token))
        .route(routes::AUDIT_LOG, get(audit::list))
}

/// Gives every request an id, which the answer and the log both show.
async fn trace(app: Arc<App>, mut request: Request, next: Next) -> Response {
    let id = app.new_id().simple().to_string();
    request.extensions_mut().insert(caller::RequestId(id.clone()));
    // The path alone: a query may hold names that are nobody's business in a log.
    let span = tracing::info_span!("request", request.id = id, method = %request.method(), path = request.uri().path());
    async move {
        let over_tls = request.extensions().get::<OverTls>().is_some();
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        let (limited, began) = (Arc::clone(&app), Instant::now());
        let work = async move {
            // What writes is at work until it is done, also when the client has gone away.
            let _at_work = limited.counts().requests_at_work.one();
            tokio::time::timeout(REQUEST_LIMIT, next.run(request)).await.unwrap_or_else(|_| {
                // What it waits for may be a connection on which nothing will ever be heard.
                limited.db.replace_connections(began);
                problem::too_slow().into_response()
            })
        }
        // The span that lines of the log belong to, also in the task below.
        .with_current_context();
        let answer = if reads {
            work.await
        } else {
            // In a task of its own: what a request writes is carried through to its wake-ups, also when the client goes away.
            tokio::spawn(work.in_current_span()).await.unwrap_or_else(|_| problem::internal().into_response())
        };
        let mut response = problem::write_body(answer, app.now());
        tracing::debug!(status = response.status().as_u16(), "answered");
        headers::protect(response.headers_mut(), over_tls);
        if let Ok(value) = HeaderValue::from_str(&id) {
            response.headers_mut().insert(REQUEST_ID.clone(), value);
        }
        response
    }
    .instrument(span)
    .await
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use justiam_sdk::api::operations::OPERATIONS;

    use super::*;

    #[test]
    fn the_router_has_the_paths_of_the_table_and_no_others() {
        let described: BTreeSet<&str> = OPERATIONS.iter().map(|operation| operation.path).collect();
        let served: BTreeSet<&str> = all(Roles::ALL, &Limits::default()).paths.into_iter().collect();
        assert_eq!(served, described);
    }
}
