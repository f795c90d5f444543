//! What a caller gets for each kind of answer.

use std::time::Duration;

use justiam_sdk::api::me::NewShortToken;
use justiam_sdk::api::problem::Code;
use justiam_sdk::api::secrets::{SecretMap, SecretsPatch};
use justiam_sdk::api::tasks::{NewTask, TaskPatch};
use justiam_sdk::api::values::{OverlapPolicy, RunStatus, ScheduleType, TaskType, Trigger, Words as _};
use justiam_sdk::{Client, Error};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use wiremock::ResponseTemplate;

use super::support::{
    RUN, TASK, TOKEN, Then, canned, client, client_with, html, json_answer, problem, requests, run_json, seen, server,
    task_json, whole,
};

/// The error of a read that gets this one answer.
async fn error_of(answer: ResponseTemplate) -> Error {
    let server = server([answer]).await;
    client(&server.uri(), 0).tasks().get(TASK.parse().unwrap()).await.unwrap_err()
}

#[tokio::test]
async fn a_success_is_decoded() {
    let server = server([json_answer(200, &task_json())]).await;
    let task = client(&server.uri(), 0).tasks().get(TASK.parse().unwrap()).await.unwrap();
    assert_eq!((task.id.to_string().as_str(), task.name.as_str()), (TASK, "Nightly"));
    assert_eq!(task.next_run_at, Some("2026-01-01T03:00:00Z".parse().unwrap()));
    assert_eq!((task.script.as_deref(), task.config), (Some("package task"), None));
}

#[tokio::test]
async fn every_code_arrives_typed() {
    let statuses = [400, 404, 401, 403, 409, 412, 413, 429, 503, 500];
    for (status, word) in statuses.into_iter().zip(Code::KNOWN) {
        let body = json!({
            "code": word, "message": "Not like that", "details": { "id": TASK }, "timestamp": "2026-01-01T00:00:00Z",
            "validationErrors": { "cron_expr": ["has minute 61", "is long"], "secrets.K": ["must be a string"] },
        });
        let answer = json_answer(status, &body).insert_header("X-Request-Id", "req-7");
        let error = error_of(answer).await;
        let api = error.api().unwrap_or_else(|| panic!("{error:?}"));
        assert_eq!((api.status, api.problem.code.clone()), (status, Some(Code::from(*word))));
        assert_eq!(api.request_id.as_deref(), Some("req-7"));
        assert_eq!(api.problem.details, Some(json!({ "id": TASK })));
        assert_eq!(api.problem.validation_errors["cron_expr"], ["has minute 61", "is long"]);
        assert_eq!(api.problem.timestamp, Some("2026-01-01T00:00:00Z".parse().unwrap()));
        let text = "Not like that; cron_expr: has minute 61, is long; secrets.K: must be a string";
        assert_eq!(error.to_string(), text);
        assert_eq!((error.is_not_found(), error.is_conflict()), (status == 404, status == 409), "{word}");
    }
}

#[tokio::test]
async fn only_the_server_itself_can_say_not_found() {
    let plain = ResponseTemplate::new(404).set_body_raw(r#"{"code":"NOT_FOUND","message":"x"}"#, "text/plain");
    for answer in [
        html(404),
        ResponseTemplate::new(404),
        plain,
        json_answer(404, &json!({ "message": "no route" })),
        json_answer(404, &json!({ "error": "not found" })),
        json_answer(404, &json!({ "code": "not_found", "message": "x" })),
        json_answer(404, &json!([])),
    ] {
        let error = error_of(answer).await;
        assert!(!error.is_not_found(), "{error:?}");
        assert!(error.to_string().len() < 300, "{error}");
    }
    assert!(error_of(problem(404, "NOT_FOUND")).await.is_not_found());
}

#[tokio::test]
async fn a_page_for_people_is_named_as_such_whatever_its_status() {
    for status in [200, 401, 403, 404, 500] {
        let error = error_of(html(status)).await;
        assert!(matches!(error, Error::Unexpected { status: got, .. } if got == status), "{error:?}");
        let text = error.to_string();
        assert!(text.contains(&format!("answered {status} with text/html; charset=utf-8 instead of")), "{text}");
        // What has worked may have answered with a secret.
        let excerpt = if status == 200 { "the API's answer" } else { ": <html><body><h1>Sign in</h1></body></html>" };
        assert!(text.ends_with(excerpt), "{text}");
        assert!(text.contains(&format!("/api/v1/tasks/{TASK}")), "{text}");
    }
}

#[tokio::test]
async fn a_refused_token_is_not_tried_again() {
    for (status, code) in [(401, "UNAUTHORISED"), (403, "FORBIDDEN")] {
        let server = server([problem(status, code), json_answer(200, &task_json())]).await;
        let error = client(&server.uri(), 3).tasks().get(TASK.parse().unwrap()).await.unwrap_err();
        assert_eq!(error.api().unwrap().status, status);
        assert_eq!(requests(&server).await.len(), 1);
    }
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let elsewhere = server([json_answer(200, &task_json())]).await;
    for status in [301, 302, 307, 308] {
        let answer = ResponseTemplate::new(status).insert_header("Location", elsewhere.uri().as_str());
        let error = error_of(answer).await;
        assert!(matches!(error, Error::Unexpected { status: got, .. } if got == status), "{error:?}");
    }
    assert!(requests(&elsewhere).await.is_empty());
}

#[tokio::test]
async fn nobody_listening_is_a_transport_error_with_its_cause() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = client(&endpoint, 1).tasks().get(TASK.parse().unwrap()).await.unwrap_err();
    assert!(matches!(error, Error::Transport { .. }), "{error:?}");
    assert_eq!(error.to_string(), format!("cannot reach {endpoint}/api/v1/tasks/{TASK}"));
    assert!(seen(&error).contains("Connection refused"), "{}", seen(&error));
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_a_transport_error() {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n{\"id\":";
    for then in [Then::Send(head.into()), Then::Reset(head.into()), Then::Send(String::new())] {
        let (endpoint, served) = canned(vec![then]).await;
        let error = client(&endpoint, 0).tasks().get(TASK.parse().unwrap()).await.unwrap_err();
        assert!(matches!(error, Error::Transport { .. }), "{error:?}");
        served.await.unwrap();
    }
}

#[tokio::test]
async fn a_server_that_hangs_is_a_time_out_with_its_length() {
    let server = server([json_answer(200, &task_json()).set_delay(Duration::from_mins(1))]).await;
    let client = client_with(&server.uri(), 0, Duration::from_millis(40));
    let error = client.tasks().get(TASK.parse().unwrap()).await.unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
    assert!(error.to_string().ends_with("did not answer within 0.04 s"), "{error}");
}

#[tokio::test]
async fn a_body_that_stops_coming_is_a_time_out_too() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let client = client_with(&endpoint, 0, Duration::from_millis(40));
    let id = TASK.parse().unwrap();
    let tasks = client.tasks();
    // Accepted by the system, read by nobody, for as long as the listener lives.
    let error = tasks.get(id).await.unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
    drop(listener);
}

#[tokio::test]
async fn json_that_is_cut_or_followed_by_something_is_a_decode_error() {
    let text = task_json().to_string();
    for wrong in [&text[..text.len() / 2], "", "{", &format!("{text} <!-- cached -->"), &format!("{text}{text}")] {
        let answer = ResponseTemplate::new(200).set_body_raw(wrong, "application/json");
        let error = error_of(answer).await;
        assert!(matches!(error, Error::Decode { .. }), "{wrong}: {error:?}");
    }
}

#[tokio::test]
async fn json_of_another_shape_is_a_decode_error_with_its_place() {
    for (field, value) in [("id", json!("x")), ("name", json!(7)), ("created_at", json!("yesterday"))] {
        let mut body = task_json();
        body[field] = value;
        let error = error_of(json_answer(200, &body)).await;
        let Error::Decode { url, path, .. } = &error else { panic!("{error:?}") };
        assert!(url.ends_with(TASK) && path.starts_with("1:"), "{url} {path}");
    }
    let error = error_of(json_answer(200, &json!([]))).await;
    assert!(matches!(error, Error::Decode { .. }), "{error:?}");
}

#[tokio::test]
async fn words_and_fields_of_a_newer_server_are_kept_or_ignored() {
    let mut task = task_json();
    for field in ["task_type", "schedule_type", "overlap_policy", "last_status"] {
        task[field] = "brand_new".into();
    }
    task["colour"] = "blue".into();
    let mut run = run_json("paused");
    run["trigger"] = "webhook".into();
    run["cost"] = json!({ "cents": 3 });
    let server = server([
        json_answer(200, &task),
        json_answer(200, &run),
        json_answer(418, &json!({ "code": "TEAPOT", "message": "short and stout", "hint": [] })),
    ])
    .await;
    let client = client(&server.uri(), 0);
    let task = client.tasks().get(TASK.parse().unwrap()).await.unwrap();
    assert_eq!(task.task_type, TaskType::Other("brand_new".into()));
    assert_eq!(task.schedule_type, ScheduleType::Other("brand_new".into()));
    assert_eq!(task.overlap_policy, OverlapPolicy::Other("brand_new".into()));
    assert_eq!(task.last_status, Some(RunStatus::Other("brand_new".into())));
    let run = client.runs().get(RUN.parse().unwrap()).await.unwrap();
    assert_eq!((run.status.as_str(), run.trigger), ("paused", Trigger::Other("webhook".into())));
    let error = client.tasks().get(TASK.parse().unwrap()).await.unwrap_err();
    assert_eq!(error.api().unwrap().problem.code, Some(Code::Other("TEAPOT".into())));
}

#[tokio::test]
async fn neither_token_nor_secret_is_in_anything_that_can_be_printed() {
    let secret = "canary-77aa01";
    // Debugging proxies show the request that they got.
    let echo = format!("<pre>Authorization: Bearer {TOKEN}</pre>");
    let mut echoing = task_json();
    echoing["name"] = json!(7);
    let answers: [ResponseTemplate; 7] = [
        ResponseTemplate::new(502).set_body_raw(echo.clone(), "text/html"),
        ResponseTemplate::new(200).set_body_raw(echo, "text/html"),
        json_answer(401, &json!({ "code": "UNAUTHORISED", "message": format!("`{TOKEN}` is not known") })),
        json_answer(400, &json!({ "message": "x", "details": { "token": TOKEN } })),
        json_answer(200, &echoing),
        html(500),
        json_answer(200, &json!({})).set_delay(Duration::from_mins(1)),
    ];
    let mut shown = Vec::new();
    for answer in answers {
        let server = server([answer]).await;
        let client = client_with(&server.uri(), 0, Duration::from_millis(300));
        let mut task = NewTask::triggered_script("n", "package task");
        task.secrets = Some([("K".to_owned(), secret.into())].into());
        shown.push(format!("{client:?} {task:?}"));
        shown.push(seen(&client.tasks().create(&task).await.unwrap_err()));
    }
    let (endpoint, _served) = canned(vec![Then::Reset(String::new()), whole("200 OK", "{")]).await;
    let refused = client(&endpoint, 0);
    shown.push(seen(&refused.secrets(TASK.parse().unwrap()).keys().await.unwrap_err()));
    shown.push(seen(&refused.tasks().get(TASK.parse().unwrap()).await.unwrap_err()));
    shown.push(format!("{:?}", Client::builder("http://x").token(TOKEN)));
    shown.push(Client::builder("http://x").token(format!("{TOKEN}\n")).build().unwrap_err().to_string());
    for text in shown {
        assert!(!text.contains(TOKEN) && !text.contains(secret), "{text}");
    }
}

#[tokio::test]
async fn nothing_that_was_sent_is_repeated_from_an_answer_that_shows_it() {
    let secret = "canary \"77aa01\" and more";
    let id = TASK.parse().unwrap();
    let map: SecretMap = [("K".to_owned(), secret.into())].into();
    let sent = json!({ "secrets": { "set": { "K": secret } } }).to_string();
    let shown = |status: u16, kind: &str, text: &str| ResponseTemplate::new(status).set_body_raw(text, kind);
    let problem = |code: &str| json!({ "code": code, "message": format!("Blocked: {secret} {sent}"), "details": sent });
    let answers = || {
        vec![
            (shown(400, "text/plain", &format!("Blocked by rule 1234: {sent}")), "answered 400 with text/plain"),
            // Cut in the middle of the secret, and in a form that nobody looks for.
            (shown(403, "text/html", &sent[..sent.len() - 12]), "answered 403 with text/html"),
            (shown(403, "text/plain", "Y2FuYXJ5ICI3N2FhMDEi canary"), "answered 403"),
            (shown(201, "text/plain", &sent), "answered 201 with text/plain"),
            (shown(400, "application/json", &sent), "answered 400 with application/json"),
            (json_answer(403, &json!({ "message": sent })), "its words are not repeated"),
            (json_answer(403, &problem("TEAPOT")), "its words are not repeated"),
            (json_answer(403, &problem(&format!("no {secret}"))), "its words are not repeated"),
            (json_answer(403, &problem("FORBIDDEN")), "Blocked: … {"),
            (json_answer(200, &json!({ "keys": secret, "id": secret, "K": secret })), "does not fit the contract"),
            (json_answer(200, &json!(secret)), "does not fit the contract"),
        ]
    };
    let mut task = NewTask::triggered_script("n", "package task");
    task.secrets = Some(map.clone());
    let mut secrets = SecretsPatch::new();
    secrets.set = map.clone();
    let mut patch = TaskPatch::new();
    patch.secrets = Some(secrets);
    for (at, (_, expected)) in answers().into_iter().enumerate() {
        let again = (0..4).map(|_| answers().swap_remove(at).0);
        let server = server(again).await;
        let client = client(&server.uri(), 0);
        let errors = [
            client.tasks().create(&task).await.unwrap_err(),
            client.tasks().update(id, &patch).await.unwrap_err(),
            client.secrets(id).replace(&map).await.unwrap_err(),
            client.secrets(id).compare(&map).await.unwrap_err(),
        ];
        for error in errors {
            let seen = seen(&error);
            assert!(error.to_string().contains(expected), "`{expected}` is not in: {error}");
            assert!(!seen.contains("canary") && !seen.contains("77aa01") && !seen.contains("Y2FuYXJ5"), "{seen}");
        }
    }
}

#[tokio::test]
async fn a_short_token_is_not_repeated_from_an_answer_that_is_not_understood() {
    let answer = json!({ "id": "eyJ-canary", "token": "eyJ-canary", "expires_at": "eyJ-canary" });
    for kind in ["application/json", "text/plain"] {
        let server = server([ResponseTemplate::new(201).set_body_raw(answer.to_string(), kind)]).await;
        let error = client(&server.uri(), 0).me().short_token(&NewShortToken::new(60)).await.unwrap_err();
        assert!(!seen(&error).contains("canary"), "{}", seen(&error));
    }
}

#[tokio::test]
async fn a_password_in_an_endpoint_is_not_repeated() {
    for endpoint in [
        "https://user:hunter2@iam.example.com",
        "https://user:hunter2@iam.example.com:99999",
        "ftp://user:hunter2@iam.example.com",
        "https://iam.example.com?token=hunter2",
        "https://iam.example.com#hunter2",
        "user:hunter2@iam.example.com",
    ] {
        let builder = Client::builder(endpoint);
        let shown = format!("{builder:?}");
        let shown = format!("{shown} {}", builder.build().unwrap_err());
        assert!(!shown.contains("hunter2"), "{shown}");
    }
    let error = Client::builder("https://iam.example.com").proxy("http://user:hunter2@").build().unwrap_err();
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
}

#[tokio::test]
async fn an_empty_answer_to_a_delete_is_a_success_and_a_page_is_not() {
    let server = server([ResponseTemplate::new(204), html(200), json_answer(200, &Value::Null)]).await;
    let client = client(&server.uri(), 0);
    let id = TASK.parse().unwrap();
    client.tasks().delete(id).await.unwrap();
    assert!(matches!(client.tasks().delete(id).await, Err(Error::Unexpected { status: 200, .. })));
    client.tasks().delete(id).await.unwrap();
}
