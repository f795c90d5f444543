//! What is tried again, how often, and what a repeated request carries.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use justiam_sdk::Error;
use justiam_sdk::api::tasks::{NewTask, TaskPatch};
use serde_json::json;
use wiremock::ResponseTemplate;

use super::support::{
    RUN, TASK, Then, canned, client, client_with, html, json_answer, problem, requests, run_json, server, task_json,
    whole,
};

#[tokio::test]
async fn what_may_pass_is_tried_again_and_then_works() {
    let passing: [ResponseTemplate; 7] = [
        problem(503, "SERVICE_UNAVAILABLE"),
        problem(503, "SERVICE_UNAVAILABLE").insert_header("Retry-After", "Wed, 21 Oct 2026 07:28:00 GMT"),
        problem(429, "TOO_MANY_REQUESTS").insert_header("Retry-After", "0"),
        html(502),
        html(503),
        html(504),
        ResponseTemplate::new(502),
    ];
    for answer in passing {
        let server = server([answer, json_answer(200, &task_json())]).await;
        client(&server.uri(), 1).tasks().get(TASK.parse().unwrap()).await.unwrap();
        assert_eq!(requests(&server).await.len(), 2);
    }
}

#[tokio::test]
async fn the_server_can_ask_for_a_longer_pause() {
    let wait = problem(429, "TOO_MANY_REQUESTS").insert_header("Retry-After", "1");
    let server = server([wait, json_answer(200, &task_json())]).await;
    let start = Instant::now();
    client(&server.uri(), 1).tasks().get(TASK.parse().unwrap()).await.unwrap();
    assert!(start.elapsed() >= Duration::from_secs(1), "{:?}", start.elapsed());
}

#[tokio::test]
async fn what_will_not_pass_is_tried_once() {
    for answer in [
        problem(500, "INTERNAL_ERROR"),
        problem(400, "VALIDATION_ERROR"),
        problem(404, "NOT_FOUND"),
        problem(409, "CONFLICT"),
        problem(412, "PRECONDITION_FAILED"),
        html(200),
        html(500),
        json_answer(200, &json!({})),
    ] {
        let server = server([answer, json_answer(200, &task_json())]).await;
        client(&server.uri(), 3).tasks().get(TASK.parse().unwrap()).await.unwrap_err();
        assert_eq!(requests(&server).await.len(), 1);
    }
}

#[tokio::test]
async fn a_server_that_stays_away_gets_one_attempt_and_so_many_retries() {
    let server = server((0..9).map(|_| problem(503, "SERVICE_UNAVAILABLE"))).await;
    let error = client(&server.uri(), 3).tasks().get(TASK.parse().unwrap()).await.unwrap_err();
    assert_eq!(error.api().unwrap().status, 503);
    assert_eq!(requests(&server).await.len(), 4);
    client(&server.uri(), 0).tasks().get(TASK.parse().unwrap()).await.unwrap_err();
    assert_eq!(requests(&server).await.len(), 5);
}

#[tokio::test]
async fn a_lost_connection_is_tried_again() {
    let partial = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n{\"id\":";
    let script = vec![
        Then::Send(String::new()),
        Then::Reset(partial.into()),
        Then::Send(partial.into()),
        whole("200 OK", &task_json().to_string()),
    ];
    let (endpoint, served) = canned(script).await;
    client(&endpoint, 3).tasks().get(TASK.parse().unwrap()).await.unwrap();
    assert_eq!(served.await.unwrap().len(), 4);
}

#[tokio::test]
async fn a_time_out_is_tried_again() {
    let server =
        server([json_answer(200, &task_json()).set_delay(Duration::from_mins(1)), json_answer(200, &task_json())])
            .await;
    let client = client_with(&server.uri(), 1, Duration::from_millis(500));
    client.tasks().get(TASK.parse().unwrap()).await.unwrap();
    assert_eq!(requests(&server).await.len(), 2);
}

#[tokio::test]
async fn a_post_keeps_its_key_over_all_attempts_and_every_call_has_its_own() {
    let server = server([
        problem(503, "SERVICE_UNAVAILABLE"),
        html(502),
        json_answer(201, &task_json()),
        json_answer(201, &task_json()),
        html(504),
        json_answer(202, &run_json("queued")),
        html(504),
        json_answer(202, &run_json("cancelled")),
    ])
    .await;
    let client = client(&server.uri(), 3);
    let task = NewTask::triggered_script("n", "package task");
    client.tasks().create(&task).await.unwrap();
    client.tasks().create(&task).await.unwrap();
    client.tasks().run(TASK.parse().unwrap()).await.unwrap();
    client.runs().cancel(RUN.parse().unwrap()).await.unwrap();
    let keys: Vec<String> = requests(&server)
        .await
        .iter()
        .map(|request| request.headers.get("Idempotency-Key").unwrap().to_str().unwrap().to_owned())
        .collect();
    assert_eq!(keys.len(), 8);
    assert!(keys[0] == keys[1] && keys[1] == keys[2], "{keys:?}");
    assert!(keys[4] == keys[5] && keys[6] == keys[7], "{keys:?}");
    let distinct: HashSet<&String> = [&keys[0], &keys[3], &keys[4], &keys[6]].into();
    assert_eq!(distinct.len(), 4, "{keys:?}");
    assert!(keys.iter().all(|key| key.len() >= 16 && key.is_ascii()), "{keys:?}");
}

#[tokio::test]
async fn a_change_keeps_its_key_too_and_what_changes_nothing_needs_none() {
    let server = server([
        html(502),
        json_answer(200, &task_json()),
        html(502),
        json_answer(200, &task_json()),
        json_answer(200, &task_json()),
        ResponseTemplate::new(204),
    ])
    .await;
    let client = client(&server.uri(), 1);
    let id = TASK.parse().unwrap();
    client.tasks().replace(id, &NewTask::triggered_script("n", "package task")).await.unwrap();
    client.tasks().update_if(id, &TaskPatch::new(), "r1").await.unwrap();
    client.tasks().get(id).await.unwrap();
    client.tasks().delete(id).await.unwrap();
    let requests = requests(&server).await;
    let keys: Vec<_> = requests.iter().map(|request| request.headers.get("Idempotency-Key")).collect();
    assert!(keys[0].is_some() && keys[0] == keys[1] && keys[2].is_some() && keys[2] == keys[3], "{keys:?}");
    assert!(keys[0] != keys[2] && keys[4].is_none() && keys[5].is_none(), "{keys:?}");
}

#[tokio::test]
async fn a_delete_whose_answer_got_lost_is_done_when_the_task_is_gone() {
    let gone = r#"{"code":"NOT_FOUND","message":"there is no task"}"#;
    let (endpoint, served) = canned(vec![Then::Send(String::new()), whole("404 Not Found", gone)]).await;
    client(&endpoint, 2).tasks().delete(TASK.parse().unwrap()).await.unwrap();
    let requests = served.await.unwrap();
    assert_eq!(requests.len(), 2);
    assert!(requests.iter().all(|request| request.starts_with("DELETE /api/v1/tasks/")), "{requests:?}");
}

#[tokio::test]
async fn a_delete_of_nothing_is_not_found_and_a_404_of_a_proxy_proves_nothing() {
    let server = server([problem(404, "NOT_FOUND"), html(502), html(404)]).await;
    let client = client(&server.uri(), 2);
    assert!(client.tasks().delete(TASK.parse().unwrap()).await.unwrap_err().is_not_found());
    let error = client.tasks().delete(TASK.parse().unwrap()).await.unwrap_err();
    assert!(matches!(error, Error::Unexpected { status: 404, .. }), "{error:?}");
}

#[tokio::test]
async fn a_read_of_nothing_after_a_retry_is_still_not_found() {
    let server = server([html(502), problem(404, "NOT_FOUND")]).await;
    let error = client(&server.uri(), 2).tasks().get(TASK.parse().unwrap()).await.unwrap_err();
    assert!(error.is_not_found(), "{error:?}");
}
