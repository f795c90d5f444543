//! GitHub, as an app sees it: tokens of an installation, and the teams of an organisation in pages.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post, put};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use justiam_server::clock::{Clock as _, SystemClock};
use ring::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};
use serde_json::{Value, json};

use super::{answer, serve};

/// The app.
pub(crate) const APP: &str = "123456";
/// Its installation.
pub(crate) const INSTALLATION: &str = "7890";
/// What the app gets for its JWT.
pub(crate) const TOKEN: &str = "ghs_token-of-an-installation";
/// However many accounts a page is asked to have, it has no more.
const PAGE: usize = 2;

/// GitHub.
pub(crate) struct GitHub {
    /// The address of its API.
    pub(crate) url: String,
    inner: Shared,
}

type Shared = Arc<Mutex<Inner>>;

/// The members, and who was invited.
type Team = (Vec<String>, Vec<String>);

struct Inner {
    /// Of the app.
    public_key: Vec<u8>,
    /// By slug.
    teams: BTreeMap<String, Team>,
    changes: Vec<String>,
    broken: bool,
    /// Where further pages are, if not here.
    elsewhere: Option<String>,
}

impl GitHub {
    /// An organisation `acme` whose teams have these members, and an app with this key, in DER.
    pub(crate) async fn start(key: &[u8], teams: &[(&str, &[&str])]) -> Self {
        let public_key = RsaKeyPair::from_der(key).unwrap().public_key().as_ref().to_vec();
        let owned = |logins: &[&str]| logins.iter().map(|login| (*login).to_owned()).collect();
        let teams = teams.iter().map(|(slug, members)| ((*slug).to_owned(), (owned(members), Vec::new()))).collect();
        let inner =
            Arc::new(Mutex::new(Inner { public_key, teams, changes: Vec::new(), broken: false, elsewhere: None }));
        let router = Router::new()
            .route("/app/installations/{id}/access_tokens", post(access_token))
            .route("/orgs/acme/teams/{slug}/{list}", get(list))
            .route("/orgs/acme/teams/{slug}/memberships/{login}", put(add).delete(remove))
            .with_state(Arc::clone(&inner));
        Self { url: serve(router).await, inner }
    }

    /// Somebody was invited to a team and has not answered yet.
    pub(crate) fn invite(&self, slug: &str, login: &str) {
        self.inner.lock().unwrap().teams.get_mut(slug).unwrap().1.push(login.to_owned());
    }

    /// The members of a team, in order.
    pub(crate) fn members(&self, slug: &str) -> Vec<String> {
        let mut members = self.inner.lock().unwrap().teams[slug].0.clone();
        members.sort();
        members
    }

    /// Who is invited to a team.
    pub(crate) fn invited(&self, slug: &str) -> Vec<String> {
        self.inner.lock().unwrap().teams[slug].1.clone()
    }

    /// What was changed since the last time.
    pub(crate) fn changes(&self) -> Vec<String> {
        std::mem::take(&mut self.inner.lock().unwrap().changes)
    }

    /// From now on, further pages are at another address.
    pub(crate) fn lead_to(&self, address: &str) {
        self.inner.lock().unwrap().elsewhere = Some(address.to_owned());
    }

    /// From now on, no membership can be changed.
    pub(crate) fn break_down(&self) {
        self.inner.lock().unwrap().broken = true;
    }
}

fn refused(status: u16, message: &str) -> Response {
    answer(status, json!({ "message": message, "status": status.to_string() }))
}

fn bearer(headers: &HeaderMap) -> &str {
    headers.get("authorization").and_then(|value| value.to_str().ok()?.strip_prefix("Bearer ")).unwrap_or_default()
}

async fn access_token(State(github): State<Shared>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    let github = github.lock().unwrap();
    match claims(bearer(&headers), &github.public_key) {
        Ok(claims) if claims["iss"] == APP && id == INSTALLATION => answer(201, json!({ "token": TOKEN })),
        Ok(_) => refused(404, "Integration not found"),
        Err(message) => refused(401, message),
    }
}

/// The claims of a JWT, if GitHub would believe it.
fn claims(jwt: &str, public_key: &[u8]) -> Result<Value, &'static str> {
    const BROKEN: &str = "A JSON web token could not be decoded";
    let (signed, signature) = jwt.rsplit_once('.').ok_or(BROKEN)?;
    let (header, claims) = signed.split_once('.').ok_or(BROKEN)?;
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| BROKEN);
    let read = |part: &str| serde_json::from_slice::<Value>(&decode(part)?).map_err(|_| BROKEN);
    if read(header)?["alg"] != "RS256" {
        return Err("'alg' header must be RS256");
    }
    let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public_key);
    key.verify(signed.as_bytes(), &decode(signature)?).map_err(|_| BROKEN)?;
    let claims = read(claims)?;
    let now = SystemClock.now().as_second();
    let issued = claims["iat"].as_i64().ok_or("Missing 'issued at' claim ('iat')")?;
    let expires = claims["exp"].as_i64().ok_or("Missing 'expiration' claim ('exp')")?;
    if issued > now || expires <= now {
        return Err("'Expiration time' claim ('exp') is too early, or 'issued at' in the future");
    }
    if expires > now + 600 {
        return Err("'Expiration time' claim ('exp') is too far in the future");
    }
    Ok(claims)
}

async fn list(
    State(github): State<Shared>,
    Path((slug, kind)): Path<(String, String)>,
    Query(query): Query<BTreeMap<String, usize>>,
    headers: HeaderMap,
) -> Response {
    if bearer(&headers) != TOKEN {
        return refused(401, "Bad credentials");
    }
    let github = github.lock().unwrap();
    let Some((members, invited)) = github.teams.get(&slug) else { return refused(404, "Not Found") };
    let accounts = match kind.as_str() {
        "members" => members,
        "invitations" => invited,
        _ => return refused(404, "Not Found"),
    };
    let per_page = query.get("per_page").copied().unwrap_or(30).min(PAGE);
    let page = query.get("page").copied().unwrap_or(1);
    let shown: Vec<_> =
        accounts.iter().skip((page - 1) * per_page).take(per_page).map(|login| json!({ "login": login })).collect();
    let mut response = answer(200, Value::Array(shown));
    if page * per_page < accounts.len() {
        let here = format!("http://{}", headers["host"].to_str().unwrap());
        let server = github.elsewhere.as_ref().unwrap_or(&here);
        let address = format!("{server}/orgs/acme/teams/{slug}/{kind}?per_page={per_page}&page");
        let last = accounts.len().div_ceil(per_page);
        let links = format!("<{address}={}>; rel=\"next\", <{address}={last}>; rel=\"last\"", page + 1);
        response.headers_mut().insert("link", HeaderValue::from_str(&links).unwrap());
    }
    response
}

async fn add(state: State<Shared>, path: Path<(String, String)>, headers: HeaderMap) -> Response {
    change(&state, &path, &headers, "added", |(members, _), login| members.push(login.to_owned()))
}

async fn remove(state: State<Shared>, path: Path<(String, String)>, headers: HeaderMap) -> Response {
    change(&state, &path, &headers, "removed", |(members, invited), login| {
        for accounts in [members, invited] {
            accounts.retain(|account| !account.eq_ignore_ascii_case(login));
        }
    })
}

fn change(
    github: &Shared,
    (slug, login): &(String, String),
    headers: &HeaderMap,
    verb: &str,
    apply: impl FnOnce(&mut Team, &str),
) -> Response {
    if bearer(headers) != TOKEN {
        return refused(401, "Bad credentials");
    }
    let mut github = github.lock().unwrap();
    if github.broken {
        return refused(500, "Server Error");
    }
    let Some(team) = github.teams.get_mut(slug) else { return refused(404, "Not Found") };
    apply(team, login);
    github.changes.push(format!("{slug}: {verb} {login}"));
    if verb == "removed" { StatusCode::NO_CONTENT.into_response() } else { answer(200, json!({ "state": "active" })) }
}
