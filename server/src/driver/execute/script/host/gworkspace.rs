//! Reads the users of a Google Workspace for a run, as a service account of the script's choice.

mod grant;

use std::time::Duration;

use http::header::AUTHORIZATION;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Answer, read};
use crate::outbound::{Outbound, Request, Response};

/// What a service account asks to be allowed.
const SCOPE: &str = "https://www.googleapis.com/auth/admin.directory.user.readonly";
/// The largest page that Google gives.
const PAGE: &str = "500";
/// What is asked for of each user.
const FIELDS: &str = "nextPageToken,users(id,primaryEmail,name(givenName,familyName),suspended,archived)";
/// More users than a script can hold.
const MOST_USERS: usize = 1_000_000;
/// How long to wait before each further attempt.
const PAUSES: [Duration; 2] = [Duration::from_millis(500), Duration::from_millis(1500)];

#[derive(Deserialize)]
struct Params {
    service_account_key: String,
    domain: String,
}

/// A user as scripts see it.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct User {
    sub: String,
    email: String,
    first_name: String,
    last_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    #[serde(default)]
    users: Vec<Found>,
    next_page_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    id: String,
    primary_email: String,
    #[serde(default)]
    name: Name,
    #[serde(default)]
    suspended: bool,
    #[serde(default)]
    archived: bool,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Name {
    given_name: String,
    family_name: String,
}

/// Answers `gworkspace.list_users`.
pub(super) async fn answer(outbound: &Outbound, params: Value) -> Result<Answer, String> {
    let Params { service_account_key, domain } =
        read("gworkspace.list_users", "the texts `service_account_key` and `domain`", params)?;
    let users = list(outbound, &service_account_key, &domain).await.map_err(|error| format!("gworkspace: {error}"))?;
    serde_json::to_value(users).map(Into::into).map_err(|_| "the users could not be written as JSON".to_owned())
}

async fn list(outbound: &Outbound, key: &str, domain: &str) -> Result<Vec<User>, String> {
    if domain.is_empty() {
        return Err("the domain is empty".to_owned());
    }
    let token = grant::token(outbound, key).await?;
    let mut users = Vec::new();
    let mut next: Option<String> = None;
    loop {
        let page = page(outbound, &token, domain, next.as_deref()).await?;
        users.extend(page.users.into_iter().filter(|user| !user.suspended && !user.archived).map(|user| User {
            sub: user.id,
            email: user.primary_email,
            first_name: user.name.given_name,
            last_name: user.name.family_name,
        }));
        if users.len() > MOST_USERS {
            return Err(format!("the domain has more than {MOST_USERS} users"));
        }
        match page.next_page_token.filter(|token| !token.is_empty()) {
            Some(token) => next = Some(token),
            None => return Ok(users),
        }
    }
}

async fn page(outbound: &Outbound, token: &str, domain: &str, next: Option<&str>) -> Result<Page, String> {
    let mut url = outbound.gworkspace().clone();
    url.set_path(&format!("{}/admin/directory/v1/users", url.path().trim_end_matches('/')));
    url.query_pairs_mut()
        .append_pair("domain", domain)
        .append_pair("maxResults", PAGE)
        .append_pair("projection", "basic")
        .append_pair("orderBy", "email")
        .append_pair("fields", FIELDS)
        .extend_pairs(next.map(|next| ("pageToken", next)));
    let headers = [(AUTHORIZATION.to_string(), format!("Bearer {token}"))];
    let request = Request::new("GET", url.as_str(), headers.iter().map(|(name, value)| (name, value)), Vec::new())?;
    let answer = send(outbound, request).await?;
    if answer.status != 200 {
        return Err(refused(&answer));
    }
    serde_json::from_slice(&answer.body).map_err(|_| "Google's directory gave an answer that cannot be read".to_owned())
}

/// Sends a request, again where that may help.
async fn send(outbound: &Outbound, request: Request) -> Result<Response, String> {
    let mut pauses = PAUSES.iter();
    loop {
        let answer = outbound.send(request.clone()).await.map_err(|error| error.to_string())?;
        match pauses.next() {
            Some(pause) if matches!(answer.status, 429 | 500 | 502 | 503 | 504) => tokio::time::sleep(*pause).await,
            _ => return Ok(answer),
        }
    }
}

/// What a refusal of the directory means, and what to do.
fn refused(answer: &Response) -> String {
    let said = said(&answer.body);
    let quota = answer.status == 429 || said.contains("uota") || said.contains("ate Limit");
    let hint = match answer.status {
        _ if quota => "the quota of its API is used up: run the task less often, or ask Google for more".to_owned(),
        401 => "the service account's token was not accepted: check that the account has not been disabled".to_owned(),
        403 => format!(
            "check that domain-wide delegation allows the service account the scope {SCOPE}, that `subject` in the key \
             names an administrator who may read users, and that the Admin SDK API is enabled in the account's project"
        ),
        400 | 404 => "check the domain, and that `subject` in the key names an administrator of it".to_owned(),
        500.. => format!("it failed {} times: run the task again later", PAUSES.len() + 1),
        _ => "this is not what the Admin SDK answers: check the server's --gworkspace-url".to_owned(),
    };
    format!("Google's directory answered {}{said}; {hint}", answer.status)
}

/// What Google says of an error, as the second half of a line.
fn said(body: &[u8]) -> String {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |value: &Value| value.as_str().map(ToOwned::to_owned);
    // The directory and the token endpoint each have a form of their own.
    let message = text(&body["error"]["message"]).or_else(|| {
        let description = text(&body["error_description"]);
        text(&body["error"]).map(|error| description.map_or(error.clone(), |text| format!("{error}: {text}")))
    });
    let Some(message) = message else { return String::new() };
    let line: String = message.chars().map(|char| if char.is_control() { ' ' } else { char }).take(300).collect();
    format!(" (\"{line}\")")
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use serde_json::json;

    use super::*;

    fn answer(status: u16, body: &Value) -> Response {
        Response { status, headers: HeaderMap::new(), body: body.to_string().into_bytes() }
    }

    #[test]
    fn a_refusal_says_what_to_check() {
        let error = |message: &str| json!({"error": {"code": 1, "message": message}});
        let cases = [
            (
                401,
                error("Invalid\nCredentials"),
                "answered 401 (\"Invalid Credentials\"); the service account's token was not",
            ),
            (
                403,
                error("Not Authorized"),
                "answered 403 (\"Not Authorized\"); check that domain-wide delegation allows",
            ),
            (
                403,
                error("Quota exceeded for quota metric"),
                "(\"Quota exceeded for quota metric\"); the quota of its API is",
            ),
            (404, error("Domain not found."), "answered 404 (\"Domain not found.\"); check the domain"),
            (429, json!({}), "answered 429; the quota of its API is used up"),
            (503, json!([]), "answered 503; it failed 3 times: run the task again later"),
            (302, json!("text"), "answered 302; this is not what the Admin SDK answers"),
        ];
        for (status, body, expected) in cases {
            let text = refused(&answer(status, &body));
            assert!(text.starts_with("Google's directory answered ") && text.contains(expected), "{text}");
        }
    }

    #[test]
    fn both_forms_of_an_error_are_quoted_in_one_line() {
        assert_eq!(
            said(br#"{"error":"invalid_grant","error_description":"Bad\nJWT"}"#),
            " (\"invalid_grant: Bad JWT\")"
        );
        assert_eq!(said(br#"{"error":"invalid_grant"}"#), " (\"invalid_grant\")");
        assert_eq!(said(b"<html>"), "");
        assert_eq!(said(json!({"error": "x".repeat(1000)}).to_string().as_bytes()).len(), 300 + 5);
    }
}
