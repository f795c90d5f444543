//! Tells who asks.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderMap, header};

use super::limits::Turn;
use super::problem::Failure;
use super::refusals::{self, Seen};
use crate::app::caller::{Caller, Why};
use crate::app::{App, Error};
use crate::gate::{Peer, network};

/// What the answer to a request will be known by.
#[derive(Clone)]
pub(super) struct RequestId(pub(super) String);

/// A caller with a valid token.
pub(super) struct Authenticated(pub(super) Caller);

impl FromRequestParts<Arc<App>> for Authenticated {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Failure> {
        let token = token(&parts.headers);
        let login = match token {
            Some(token) => app.authenticate(token).await,
            None => Err(Why::Missing.into()),
        };
        let address = parts.extensions.get().and_then(|Peer(address)| *address);
        // Also where too many have come from there before.
        if let (Some(_), Err(Error::Unauthorised(refused))) = (token, &login) {
            refusals::note_token(app, refused.clone(), parts).await;
        }
        let mut caller = app.admit(address.map(network), login)?;
        // Questions of whoever watches the server have no turn, and are not counted.
        let at_work = parts.extensions.get().map(|Turn| app.begin(&caller)).transpose()?;
        caller.request_id = parts.extensions.get().map(|RequestId(id)| id.clone());
        Seen::note(&parts.extensions, &caller, at_work);
        Ok(Self(caller))
    }
}

fn token(headers: &HeaderMap) -> Option<&str> {
    let text = |name: &str| headers.get(name)?.to_str().ok();
    let bearer = text(header::AUTHORIZATION.as_str())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token);
    // Another scheme is somebody else's, such as that of a proxy.
    bearer.or_else(|| text("x-api-key")).map(str::trim).filter(|token| !token.is_empty())
}
