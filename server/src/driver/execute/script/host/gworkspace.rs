//! Reads the users of a Google Workspace for a run, as a service account of the script's choice.

mod grant;

use std::time::Duration;

use http::header::AUTHORIZATION;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Answer, read};
use crate::outbound::{Outbound, Request, Response, Room};

/// What a service account asks to be allowed.
const SCOPE: &str = "https://www.googleapis.com/auth/admin.directory.user.readonly";
/// The largest page that Google gives.
const PAGE: &str = "500";
/// What is asked for of each user.
const FIELDS: &str = "nextPageToken,users(id,primaryEmail,name(givenName,familyName),suspended,archived)";
/// The longest list that is given to a script, in MiB: about half a million users.
const MOST_MIB: usize = 64;
/// Tokens and errors are much shorter. Longer ones are not looked into.
const LONGEST_WORD: usize = 64 << 10;
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

/// What Google says of an error: the directory and the token endpoint each have a form of their own.
#[derive(Deserialize)]
struct Refusal {
    error: Reason,
    error_description: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Reason {
    Code(String),
    Full { message: String },
}

/// A JSON array of users that grows. Users are kept as they are sent, which takes the least memory.
struct Users(Vec<u8>);

impl Users {
    /// Adds a page, and tells where the next one begins.
    fn add(&mut self, page: &[u8], most: usize) -> Result<Option<String>, String> {
        let page: Page = serde_json::from_slice(page)
            .map_err(|_| "Google's directory gave an answer that cannot be read".to_owned())?;
        for user in page.users.into_iter().filter(|user| !user.suspended && !user.archived) {
            let user = User {
                sub: user.id,
                email: user.primary_email,
                first_name: user.name.given_name,
                last_name: user.name.family_name,
            };
            self.0.push(if self.0.is_empty() { b'[' } else { b',' });
            serde_json::to_writer(&mut self.0, &user).map_err(|_| "a user could not be written as JSON".to_owned())?;
            if self.0.len() >= most {
                return Err(format!("the domain has more users than fit into {MOST_MIB} MiB"));
            }
        }
        Ok(page.next_page_token.filter(|token| !token.is_empty()))
    }

    fn finish(mut self) -> Vec<u8> {
        if self.0.is_empty() {
            self.0.push(b'[');
        }
        self.0.push(b']');
        self.0
    }
}

/// Answers `gworkspace.list_users`. The users follow as a JSON array.
pub(super) async fn answer(outbound: &Outbound, params: Value) -> Result<Answer, String> {
    let Params { service_account_key, domain } =
        read("gworkspace.list_users", "the texts `service_account_key` and `domain`", params)?;
    let listed = list(outbound, &service_account_key, &domain).await;
    let (tail, room) = listed.map_err(|error| format!("gworkspace: {error}"))?;
    Ok(Answer { result: json!({}), tail, room: Some(room) })
}

async fn list(outbound: &Outbound, key: &str, domain: &str) -> Result<(Vec<u8>, Room), String> {
    if domain.is_empty() {
        return Err("the domain is empty".to_owned());
    }
    let token = grant::token(outbound, key).await?;
    let room = outbound.listing().await;
    let (mut users, mut next) = (Users(Vec::new()), None);
    loop {
        let page = page(outbound, &token, domain, next.as_deref()).await?;
        // A page may be as long as any answer, and reading it takes its time.
        let adding = tokio::task::spawn_blocking(move || {
            let next = users.add(&page.body, MOST_MIB << 20);
            (users, next)
        });
        let added = adding.await.map_err(|_| "a page of users could not be read".to_owned())?;
        (users, next) = (added.0, added.1?);
        if next.is_none() {
            return Ok((users.finish(), room));
        }
    }
}

async fn page(outbound: &Outbound, token: &str, domain: &str, next: Option<&str>) -> Result<Response, String> {
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
    Ok(answer)
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
    let message = match short(body) {
        Some(Refusal { error: Reason::Full { message }, .. }) => message,
        Some(Refusal { error: Reason::Code(error), error_description: Some(text) }) => format!("{error}: {text}"),
        Some(Refusal { error: Reason::Code(error), .. }) => error,
        None => return String::new(),
    };
    let line: String = message.chars().map(|char| if char.is_control() { ' ' } else { char }).take(300).collect();
    format!(" (\"{line}\")")
}

/// Reads an answer that is short, unless somebody else than Google gave it.
fn short<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    if body.len() > LONGEST_WORD { None } else { serde_json::from_slice(body).ok() }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;

    fn answer(status: u16, body: &Value) -> Response {
        Response { status, headers: HeaderMap::new(), body: body.to_string().into_bytes(), room: None }
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
    fn a_list_has_a_longest_length() {
        let page =
            br#"{"users":[{"id":"1","primaryEmail":"a@example.com"},{"id":"2","primaryEmail":"b@example.com"}]}"#;
        let length = {
            let mut users = Users(Vec::new());
            assert_eq!(users.add(page, 1000), Ok(None));
            users.finish().len()
        };
        assert_eq!(Users(Vec::new()).add(page, length), Ok(None));
        let expected = Err("the domain has more users than fit into 64 MiB".to_owned());
        assert_eq!(Users(Vec::new()).add(page, length - 1), expected);
        assert_eq!(Users(Vec::new()).finish(), b"[]");
    }

    #[test]
    fn both_forms_of_an_error_are_quoted_in_one_line() {
        assert_eq!(
            said(br#"{"error":"invalid_grant","error_description":"Bad\nJWT"}"#),
            " (\"invalid_grant: Bad JWT\")"
        );
        assert_eq!(said(br#"{"error":"invalid_grant"}"#), " (\"invalid_grant\")");
        assert_eq!(said(b"<html>"), "");
        let padded = |length: usize| format!("{}{}", r#"{"error":"e"}"#, " ".repeat(length - 13));
        assert_eq!(said(padded(64 << 10).as_bytes()), " (\"e\")");
        assert_eq!(said(padded((64 << 10) + 1).as_bytes()), "");
        assert_eq!(said(json!({"error": "x".repeat(1000)}).to_string().as_bytes()).len(), 300 + 5);
    }
}
