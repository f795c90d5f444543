//! The users of a Google Workspace, given by a stand-in that checks what it gets as Google does.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use justiam_server::clock::{Clock as _, SystemClock};
use justiam_server::driver::execute::script::{End, Host};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};
use serde_json::{Value, json};

use super::support::{Lab, go, online};
use super::web::Web;

/// Made for this test, and good for nothing else.
const KEY: &str = include_str!("gworkspace/key.pem");
const SCOPE: &str = "https://www.googleapis.com/auth/admin.directory.user.readonly";
const ACCOUNT: &str = "reader@project.example.com";
const TOKEN: &str = "ya29.a-token-of-the-stand-in";

/// What the stand-in is to do, and what it has got.
#[derive(Default)]
struct Google {
    users: usize,
    /// What to answer the next requests with instead.
    refusals: VecDeque<(u16, Value)>,
    claims: Vec<Value>,
    pages: Vec<BTreeMap<String, String>>,
}

type Shared = Arc<Mutex<Google>>;

/// Google, with a directory of generated users.
pub(crate) struct StandIn {
    web: Web,
    google: Shared,
}

impl StandIn {
    pub(crate) async fn start(users: usize, refusals: Vec<(u16, Value)>) -> Self {
        let google = Arc::new(Mutex::new(Google { users, refusals: refusals.into(), ..Google::default() }));
        let router = Router::new()
            .route("/token", post(token))
            .route("/base/admin/directory/v1/users", get(directory))
            .with_state(Arc::clone(&google));
        Self { web: Web::serve(router).await, google }
    }

    /// Where the directory is.
    pub(crate) fn base(&self) -> String {
        self.web.url("/base/")
    }

    fn host(&self) -> Host {
        let base = self.base().parse().unwrap();
        online(|settings| settings.gworkspace = base)
    }

    /// A service account's key, as Google makes it, with other fields than usual.
    pub(crate) fn key(&self, change: impl FnOnce(&mut Value)) -> String {
        let mut key = json!({
            "type": "service_account",
            "project_id": "project",
            "private_key_id": "key-1",
            "private_key": KEY,
            "client_email": ACCOUNT,
            "token_uri": self.web.url("/token"),
            "subject": "admin@example.com",
        });
        change(&mut key);
        key.to_string()
    }

    /// The output of a script that lists the users: their number, the first and the last.
    async fn list(&self, key: &str) -> Result<String, String> {
        let body = format!(
            "users, err := gworkspace.ListUsers({}, `example.com`)\nif err != nil {{ return ``, err }}\n\
             if len(users) == 0 {{ return `none`, nil }}\nfirst, last := users[0], users[len(users)-1]\n\
             return fmt.Sprint(len(users), ` `, first.Sub, ` `, first.Email, ` `, first.FirstName, ` `, first.LastName, ` `, last.Email), nil",
            serde_json::to_string(key).unwrap()
        );
        match Lab::new().run_with(self.host(), &go(&["fmt", "gworkspace"], &body)).await.end {
            End::Success { output } => Ok(output),
            End::Error { message } => Err(message),
            End::Stopped => panic!("nobody stopped it"),
        }
    }
}

fn refusal(google: &Shared) -> Option<Response> {
    let (status, body) = google.lock().unwrap().refusals.pop_front()?;
    Some((StatusCode::from_u16(status).unwrap(), body.to_string()).into_response())
}

async fn token(State(google): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    if let Some(refusal) = refusal(&google) {
        return refusal;
    }
    assert_eq!(headers["content-type"], "application/x-www-form-urlencoded");
    let body = std::str::from_utf8(&body).unwrap();
    let assertion =
        body.strip_prefix("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=").unwrap();
    let parts: Vec<&str> = assertion.split('.').collect();
    let [header, claims, signature] = parts[..] else { panic!("{assertion}") };
    let pem: String = KEY.lines().filter(|line| !line.starts_with('-')).collect();
    let pair = RsaKeyPair::from_pkcs8(&STANDARD.decode(pem).unwrap()).unwrap();
    let signed = format!("{header}.{claims}");
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public().as_ref())
        .verify(signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap())
        .unwrap();
    let read = |part: &str| serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    assert_eq!(read(header), json!({"alg": "RS256", "typ": "JWT", "kid": "key-1"}));
    google.lock().unwrap().claims.push(read(claims));
    json!({"access_token": TOKEN, "token_type": "Bearer", "expires_in": 3599}).to_string().into_response()
}

/// Every tenth user is suspended, every tenth archived.
async fn directory(
    State(google): State<Shared>,
    headers: HeaderMap,
    Query(query): Query<BTreeMap<String, String>>,
) -> Response {
    if let Some(refusal) = refusal(&google) {
        return refusal;
    }
    assert_eq!(headers["authorization"], format!("Bearer {TOKEN}"));
    let mut google = google.lock().unwrap();
    let first: usize = query.get("pageToken").map_or(0, |token| token.strip_prefix("from=").unwrap().parse().unwrap());
    let end = google.users.min(first + query["maxResults"].parse::<usize>().unwrap());
    google.pages.push(query);
    let users: Vec<Value> = (first..end)
        .map(|n| {
            json!({
                "kind": "admin#directory#user", "id": format!("1000{n}"), "primaryEmail": format!("u{n}@example.com"),
                "name": {"givenName": "Given", "familyName": format!("Ü{n}")}, "suspended": n % 10 == 1, "archived": n % 10 == 2,
            })
        })
        .collect();
    let mut page = json!({"kind": "admin#directory#users", "users": users});
    if end < google.users {
        page["nextPageToken"] = format!("from={end}").into();
    }
    page.to_string().into_response()
}

#[tokio::test]
async fn all_active_users_of_a_domain_are_listed() {
    let google = StandIn::start(1203, Vec::new()).await;
    // 1203 without 121 suspended and 121 archived ones.
    let before = SystemClock.now().as_second();
    let listed = google.list(&google.key(|_| {})).await;
    assert_eq!(listed.as_deref(), Ok("961 10000 u0@example.com Given Ü0 u1200@example.com"));
    let seen = google.google.lock().unwrap();
    let [claims] = &seen.claims[..] else { panic!("{:?}", seen.claims) };
    let issued = claims["iat"].as_i64().unwrap();
    assert!((before..before + 60).contains(&issued), "{issued}");
    let expected = json!({
        "iss": ACCOUNT, "scope": SCOPE, "aud": google.web.url("/token"), "iat": issued, "exp": issued + 3600,
        "sub": "admin@example.com",
    });
    assert_eq!(*claims, expected);
    let tokens: Vec<_> = seen.pages.iter().map(|page| page.get("pageToken").map(String::as_str)).collect();
    assert_eq!(tokens, [None, Some("from=500"), Some("from=1000")]);
    for page in &seen.pages {
        assert_eq!((page["domain"].as_str(), page["projection"].as_str()), ("example.com", "basic"));
    }
}

#[tokio::test]
async fn a_domain_may_be_empty_and_a_key_without_a_subject() {
    let google = StandIn::start(0, Vec::new()).await;
    let key = google.key(|key| drop(key.as_object_mut().unwrap().remove("subject")));
    assert_eq!(google.list(&key).await.as_deref(), Ok("none"));
    assert_eq!(google.google.lock().unwrap().claims[0].get("sub"), None);
}

#[tokio::test]
async fn what_may_pass_is_tried_three_times() {
    let busy = || (503, json!({}));
    let google = StandIn::start(1, vec![busy(), (429, json!({}))]).await;
    assert_eq!(google.list(&google.key(|_| {})).await.as_deref(), Ok("1 10000 u0@example.com Given Ü0 u0@example.com"));
    let google = StandIn::start(1, vec![busy(), busy(), busy()]).await;
    let expected = "gworkspace: the service account was refused with 503; run the task again later";
    assert_eq!(google.list(&google.key(|_| {})).await.unwrap_err(), expected);
}

#[tokio::test]
async fn refusals_say_what_to_check_and_show_no_key() {
    let said = json!({"error": "unauthorized_client", "error_description": "Client is unauthorized"});
    let google = StandIn::start(1, vec![(401, said)]).await;
    let expected = format!(
        "gworkspace: the service account was refused with 401 (\"unauthorized_client: Client is unauthorized\"); check that the \
         key has not been deleted, that the server's clock is right, and that domain-wide delegation allows the service \
         account the scope {SCOPE} and the `subject` in the key"
    );
    assert_eq!(google.list(&google.key(|_| {})).await.unwrap_err(), expected);

    // What is no token, however long it is, is not quoted and not kept.
    for answer in [json!({"access_token": "x".repeat(70_000)}), json!([vec![0; 500_000]]), json!({"access_token": 5})] {
        let google = StandIn::start(1, vec![(200, answer)]).await;
        let error = google.list(&google.key(|_| {})).await.unwrap_err();
        assert_eq!(error, "gworkspace: `token_uri` answered without an access token");
    }

    let google = StandIn::start(1, Vec::new()).await;
    let wrong = google.key(|key| key["private_key"] = KEY.replace("MII", "AAA").into());
    let error = google.list(&wrong).await.unwrap_err();
    assert_eq!(error, "gworkspace: `private_key` of the service account's key is no RSA key in PEM");
    let elsewhere = google.key(|key| key["token_uri"] = "http://169.254.169.254/token?hunter2".into());
    let error = google.list(&elsewhere).await.unwrap_err();
    assert!(
        error.starts_with("gworkspace: POST http://169.254.169.254/token: the server sends no requests"),
        "{error}"
    );

    let google = StandIn::start(1, Vec::new()).await;
    let (key, denied) =
        (google.key(|_| {}), json!({"error": {"code": 403, "message": "Not Authorized to access this resource/api"}}));
    google.google.lock().unwrap().refusals = [(200, json!({"access_token": TOKEN})), (403, denied)].into();
    let expected = format!(
        "gworkspace: Google's directory answered 403 (\"Not Authorized to access this resource/api\"); check that domain-wide \
         delegation allows the service account the scope {SCOPE}, that `subject` in the key names an administrator who may read \
         users, and that the Admin SDK API is enabled in the account's project"
    );
    assert_eq!(google.list(&key).await.unwrap_err(), expected);
}
