//! How often and how much clients may ask, and what every answer says to browsers.

use std::time::Duration;

use futures::TryStreamExt as _;
use futures::future::join_all;
use justiam_sdk::api::audit::AuditQuery;
use justiam_server::app::caller::Permission;
use justiam_server::config::{Config, Limits};
use justiam_tests::server::TestServer;
use justiam_tests::{soon, until};
use reqwest::header::CONTENT_TYPE;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::api::support::{Answer, Api, answer, body};

async fn with_limits(change: impl FnOnce(&mut Limits)) -> Api {
    Api::with(TestServer::start_with(|config| change(&mut config.limits)).await)
}

fn too_many(answer: &Answer, retry_after: &str, message: &str) {
    assert_eq!(answer.refused(429, "TOO_MANY_REQUESTS")["message"], message);
    assert_eq!(answer.header("retry-after"), retry_after);
}

#[tokio::test]
async fn a_principal_may_ask_often_for_a_moment_and_steadily_for_long() {
    let api = with_limits(|limits| (limits.requests_per_second, limits.request_burst) = (2, 5)).await;
    let tasks = "/api/v1/tasks";
    for _ in 0..5 {
        api.get(tasks).await.expect(200);
    }
    let message = "service account `admin` asks too often: 2 requests per second are allowed; try again later";
    too_many(&api.get(tasks).await, "1", message);
    too_many(&api.send("POST", tasks, &body(&json!({}))).await, "1", message);
    // Others are others, and whoever watches the server is not counted.
    let other = api.server.token_with(&[Permission::TasksView]).await;
    answer(api.anonymous("GET", tasks).bearer_auth(other)).await.expect(200);
    for path in ["/health", "/health/ready", "/api/v1/version"] {
        api.get(path).await.expect(200);
    }
    api.server.advance(1);
    api.get(tasks).await.expect(200);
    api.get(tasks).await.expect(200);
    too_many(&api.get(tasks).await, "1", message);
    api.server.advance(60);
    assert_eq!(api.count().await, 0);
}

#[tokio::test]
async fn who_fails_to_log_in_must_wait_and_others_of_the_address_need_not() {
    let api = with_limits(|limits| {
        limits.failed_logins_per_minute = 3;
        limits.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    })
    .await;
    let ask = |token: Option<&str>, address: &str| {
        let request = api.anonymous("GET", "/api/v1/tasks").header("X-Forwarded-For", address);
        answer(match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        })
    };
    let (here, network, elsewhere) = ("2001:db8::1", "2001:db8::2:3:4", "2001:db8:0:1::1");
    ask(None, here).await.refused(401, "UNAUTHORISED");
    ask(Some("justiam_pat_wrong"), here).await.refused(401, "UNAUTHORISED");
    ask(Some("no.valid.jwt"), network).await.refused(401, "UNAUTHORISED");
    let message = "the token is not known, and too many requests without a valid token have come from your address; \
                   try again later";
    too_many(&ask(Some("justiam_pat_wrong"), here).await, "20", message);
    ask(Some(&api.server.token), here).await.expect(200);
    ask(None, elsewhere).await.refused(401, "UNAUTHORISED");
    api.server.advance(20);
    ask(None, here).await.refused(401, "UNAUTHORISED");
    let answer = ask(None, here).await;
    assert_eq!((answer.status, answer.header("retry-after")), (429, "20"));
}

#[tokio::test]
async fn a_token_that_is_good_no_more_is_on_record_also_where_too_many_have_failed() {
    let api = with_limits(|limits| limits.failed_logins_per_minute = 1).await;
    let ask = async |token: &str| answer(api.anonymous("GET", "/api/v1/tasks").bearer_auth(token)).await;
    let entries = async |action: &str| {
        let mut query = AuditQuery::new();
        query.action = Some(action.to_owned());
        api.server.client.audit().list(query).try_collect::<Vec<_>>().await.unwrap()
    };
    let limited = api.server.token_with(&[Permission::TasksView]).await;
    let mine =
        api.server.app().all_tokens(0, 9).await.unwrap().into_iter().find(|owned| owned.account.name == "limited");
    let id = mine.unwrap().token.id;
    api.server.app().revoke_any_token(id).await.unwrap();
    ask("justiam_pat_nobody").await.refused(401, "UNAUTHORISED");
    let message = "the token was revoked, and too many requests without a valid token have come from your address; \
                   try again later";
    too_many(&ask(&limited).await, "60", message);
    assert_eq!(ask("justiam_pat_nobody").await.status, 429);
    let refused = entries("access.token_refused").await;
    assert_eq!((refused.len(), refused[0].token_id), (1, Some(id)));
    assert_eq!(refused[0].details["why"], "revoked");
    // What follows is bounded as ever.
    for _ in 0..70 {
        assert_eq!(ask(&limited).await.status, 429);
    }
    assert_eq!(entries("access.token_refused").await.len(), 60);
    assert_eq!(entries("access.refusals_omitted").await.len(), 1);
    api.server.advance(60);
    until("the sum", async || !entries("access.unknown_tokens").await.is_empty()).await;
    assert_eq!(entries("access.unknown_tokens").await[0].details["count"], 2);
}

#[tokio::test]
async fn when_too_many_requests_are_at_work_others_are_refused_after_a_second() {
    let api = with_limits(|limits| limits.requests_at_work = 1).await;
    // A log that is followed is no request at work.
    let sleeper = "package task\n\nimport \"time\"\n\nfunc Run() (string, error) {\n\ttime.Sleep(25 * time.Second)\n\treturn \"\", nil\n}\n";
    let task = api.create(&body(&json!({ "script": sleeper }))).await;
    let path = format!("/api/v1/tasks/{}", task["id"].as_str().unwrap());
    let run = answer(api.request("POST", &format!("{path}/run"))).await.expect(202).json();
    let log = format!("/api/v1/task-runs/{}/log", run["id"].as_str().unwrap());
    let followed = api.request("GET", &log).header("Accept", "text/event-stream").send().await.unwrap();
    assert_eq!(
        (followed.status().as_u16(), &followed.headers()[CONTENT_TYPE]),
        (200, &"text/event-stream".parse().unwrap())
    );
    api.get(&path).await.expect(200);

    let mut slow = sends_slowly(&api, &api.server.token).await;
    let refused = api.get(&path).await;
    let message = "the server has as many requests at work as it takes at one time; nothing was done";
    assert_eq!(refused.refused(503, "SERVICE_UNAVAILABLE")["message"], message);
    assert_eq!(refused.header("retry-after"), "1");
    for open in ["/health", "/health/ready", "/metrics", "/api/v1/version"] {
        api.get(open).await.expect(200);
    }
    // Who has waited for less than a second goes on.
    let (read, written) = tokio::join!(api.get(&path), slow.write_all(b"{}"));
    written.unwrap();
    read.expect(200);
    let run = run["id"].as_str().unwrap();
    answer(api.request("POST", &format!("/api/v1/task-runs/{run}/cancel"))).await.expect(202);
    api.server.ended(run.parse().unwrap()).await;
}

#[tokio::test]
async fn one_account_leaves_room_for_others_whatever_it_has_at_work() {
    let api = with_limits(|limits| limits.requests_at_work = 4).await;
    let other = api.server.token_with(&[Permission::TasksView]).await;
    let slow = join_all((0..2).map(|_| sends_slowly(&api, &api.server.token))).await;
    let refused = api.get("/api/v1/tasks").await;
    too_many(
        &refused,
        "1",
        "service account `admin` has as many requests at work as one account may: 2; try again later",
    );
    answer(api.anonymous("GET", "/api/v1/tasks").bearer_auth(&other)).await.expect(200);
    // Requests of clients that go away are none.
    drop(slow);
    until("room to be there again", async || api.get("/api/v1/tasks").await.status == 200).await;
}

/// A request whose body is awaited by the server: two bytes.
async fn sends_slowly(api: &Api, token: &str) -> TcpStream {
    let mut slow = TcpStream::connect(api.server.endpoint.trim_start_matches("http://")).await.unwrap();
    let head = format!(
        "POST /api/v1/tasks/validate HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nExpect: 100-continue\r\n\
         Content-Type: application/json\r\nContent-Length: 2\r\n\r\n"
    );
    slow.write_all(head.as_bytes()).await.unwrap();
    let mut begun = [0; 25];
    soon("the server to ask for the body", slow.read_exact(&mut begun)).await.unwrap();
    assert_eq!(&begun, b"HTTP/1.1 100 Continue\r\n\r\n");
    slow
}

#[tokio::test]
async fn every_answer_tells_browsers_to_do_nothing_with_it() {
    let api = Api::start().await;
    for (method, path, status) in [
        ("GET", "/api/v1/tasks", 200),
        ("HEAD", "/api/v1/tasks", 200),
        ("GET", "/health", 200),
        ("GET", "/nowhere", 404),
        ("DELETE", "/api/v1/tasks", 405),
        ("OPTIONS", "/api/v1/tasks", 405),
        ("POST", "/api/v1/tasks", 400),
    ] {
        let request = api
            .request(method, path)
            .header("Origin", "https://example.com")
            .header("Access-Control-Request-Method", "GET")
            .header("Access-Control-Request-Headers", "authorization");
        let answer = answer(request).await.expect(status);
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("cache-control", "no-store"),
            ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
            ("referrer-policy", "no-referrer"),
            // There is no TLS here, and no other site may read anything.
            ("strict-transport-security", ""),
            ("access-control-allow-origin", ""),
            ("access-control-allow-headers", ""),
            ("access-control-allow-methods", ""),
            ("server", ""),
        ] {
            assert_eq!(answer.header(name), value, "{method} {path} {name}");
        }
    }
}

#[tokio::test]
async fn a_server_with_a_limit_out_of_its_range_does_not_start() {
    type Wrong = (fn(&mut Limits), &'static str);
    let wrong: [Wrong; 3] = [
        (|limits| limits.connections = 0, "limits.connections must be from 1 to 100000, not 0"),
        (|limits| limits.request_burst = 1_000_001, "limits.request_burst must be from 1 to 1000000, not 1000001"),
        (
            |limits| limits.head_patience = Duration::ZERO,
            "limits.head_patience must be from a millisecond to an hour, not 0ns",
        ),
    ];
    for (change, expected) in wrong {
        let mut config = Config::new("/nowhere");
        change(&mut config.limits);
        assert_eq!(config.check().unwrap_err(), expected);
    }
}
