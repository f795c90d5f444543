//! Tells who was refused what, for the audit log.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::request::Parts;
use http::{Extensions, Method};
use tokio::time::timeout;

use super::caller::RequestId;
use crate::app::App;
use crate::app::caller::{Caller, Refused};
use crate::app::rates::AtWork;
use crate::app::refusals::{Asked, Denial};
use crate::gate::Peer;

/// How long an answer waits for the entry. That is written also where it takes longer.
const PATIENCE: Duration = Duration::from_secs(1);

/// Where the caller of a request is noted once it is known. Until the answer begins, the request is one of the caller's at work.
#[derive(Clone, Default)]
pub(super) struct Seen(Arc<OnceLock<(Caller, Option<AtWork>)>>);

impl Seen {
    /// Notes the caller of a request.
    pub(super) fn note(extensions: &Extensions, caller: &Caller, at_work: Option<AtWork>) {
        if let Some(Self(seen)) = extensions.get() {
            let _ = seen.set((caller.clone(), at_work));
        }
    }
}

/// Writes down each request that a known caller was denied.
pub(super) async fn note(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let seen = Seen::default();
    request.extensions_mut().insert(seen.clone());
    let asked = asked(request.method(), request.extensions());
    let mut response = next.run(request).await;
    if let Some(denial) = response.extensions_mut().remove::<Denial>()
        && let Some((caller, _)) = seen.0.get()
    {
        let caller = caller.clone();
        // In a task of its own, so that it is written also when the client goes away.
        let written = tokio::spawn(async move { app.note_denial(&caller, denial, asked).await });
        let _ = timeout(PATIENCE, written).await;
    }
    response
}

/// Writes down that a token was refused.
pub(super) async fn note_token(app: &Arc<App>, refused: Refused, parts: &Parts) {
    let (app, asked) = (Arc::clone(app), asked(&parts.method, &parts.extensions));
    let written = tokio::spawn(async move { app.note_refused_token(&refused, asked).await });
    let _ = timeout(PATIENCE, written).await;
}

fn asked(method: &Method, extensions: &Extensions) -> Asked {
    let path = extensions.get::<MatchedPath>();
    Asked {
        method: method.to_string(),
        route: path.map_or_else(|| "no route".to_owned(), |path| path.as_str().to_owned()),
        address: extensions.get().and_then(|Peer(address)| *address),
        request_id: extensions.get().map(|RequestId(id)| id.clone()),
    }
}
