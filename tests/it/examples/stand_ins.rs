//! What the scripts talk to, as small as it can be while it still refuses what the real one refuses.

pub(super) mod ber;
pub(super) mod github;
pub(super) mod ldap;
pub(super) mod vault;
pub(super) mod webhook;

use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;
use tokio::net::TcpListener;

/// Serves on a free port of the loopback until the test ends. Returns the address.
async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

/// An answer with a JSON body.
fn answer(status: u16, body: Value) -> Response {
    (StatusCode::from_u16(status).unwrap(), axum::Json(body)).into_response()
}
