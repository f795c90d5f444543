//! A repeated create, change, trigger or cancel is answered again, not done again.

use justiam_server::app::caller::Permission;
use justiam_tests::server::TestServer;
use serde_json::{Value, json};

use super::support::{Answer, Api, answer, body, path};

async fn post(api: &Api, path: &str, key: &str, body: &Value) -> Answer {
    answer(api.request("POST", path).header("Idempotency-Key", key).json(body)).await
}

#[tokio::test]
async fn a_repeated_create_gets_the_first_answer() {
    let api = Api::start().await;
    let task = body(&json!({ "name": "Once", "secrets": { "K": "v" } }));
    let first = post(&api, "/api/v1/tasks", "key-1", &task).await.expect(201);
    api.server.advance(60);
    let again = post(&api, "/api/v1/tasks", "key-1", &task).await.expect(201);
    assert_eq!(again.text, first.text);
    assert_eq!((again.header("location"), again.header("etag")), (first.header("location"), first.header("etag")));
    assert_eq!(api.count().await, 1);
    // Also after the task has changed, or is gone: the answer is that of then.
    let path = first.header("location").to_owned();
    answer(api.request("DELETE", &path)).await.expect(204);
    assert_eq!(post(&api, "/api/v1/tasks", "key-1", &task).await.expect(201).text, first.text);
    assert_eq!(api.count().await, 0);
}

#[tokio::test]
async fn a_key_belongs_to_one_request_of_one_principal() {
    let api = Api::start().await;
    let task = api.task("T").await;
    post(&api, "/api/v1/tasks", "key", &body(&json!({ "name": "One" }))).await.expect(201);
    for (path, other) in
        [("/api/v1/tasks".to_owned(), body(&json!({ "name": "Two" }))), (format!("{}/run", path(&task)), json!({}))]
    {
        let problem = post(&api, &path, "key", &other).await.refused(409, "CONFLICT");
        assert!(problem["message"].as_str().unwrap().contains("Idempotency-Key"), "{problem}");
    }
    let other = api.server.token_with(&[Permission::TasksManage]).await;
    let request = api.anonymous("POST", "/api/v1/tasks").bearer_auth(other).header("Idempotency-Key", "key");
    answer(request.json(&body(&json!({ "name": "Three" })))).await.expect(201);
    post(&api, "/api/v1/tasks", "Key", &body(&json!({ "name": "Four" }))).await.expect(201);
    assert_eq!(api.count().await, 4);
}

#[tokio::test]
async fn a_refused_request_does_not_use_up_its_key() {
    let api = Api::start().await;
    post(&api, "/api/v1/tasks", "key", &body(&json!({ "timeout_seconds": 99 })))
        .await
        .wrong_fields(&["timeout_seconds"]);
    let blocker = api.task("Wanted").await;
    let wanted = body(&json!({ "name": "Wanted" }));
    post(&api, "/api/v1/tasks", "key", &wanted).await.refused(409, "CONFLICT");
    api.server.client.tasks().delete(blocker.id).await.unwrap();
    post(&api, "/api/v1/tasks", "key", &wanted).await.expect(201);
}

#[tokio::test]
async fn a_key_is_forgotten_after_a_day() {
    let api = Api::start().await;
    let task = body(&json!({ "name": "Daily", "enabled": false }));
    let first = post(&api, "/api/v1/tasks", "key", &task).await.expect(201);
    api.server.advance(24 * 3600);
    assert_eq!(post(&api, "/api/v1/tasks", "key", &task).await.expect(201).text, first.text);
    api.server.advance(1);
    post(&api, "/api/v1/tasks", "key", &task).await.refused(409, "CONFLICT");
    post(&api, "/api/v1/tasks", "key", &body(&json!({ "name": "Another" }))).await.expect(201);
}

#[tokio::test]
async fn a_key_is_kept_over_a_restart() {
    let api = Api::start().await;
    let task = body(&json!({ "name": "Kept" }));
    let first = post(&api, "/api/v1/tasks", "key", &task).await.expect(201);
    let api = Api::with(api.server.restart().await);
    assert_eq!(post(&api, "/api/v1/tasks", "key", &task).await.expect(201).text, first.text);
}

#[tokio::test]
async fn a_repeated_trigger_is_one_run() {
    let api = Api::start().await;
    let task = api.task("T").await;
    let trigger = format!("{}/run", path(&task));
    let first = post(&api, &trigger, "key", &json!({})).await.expect(202);
    api.server.ended(first.json()["id"].as_str().unwrap().parse().unwrap()).await;
    assert_eq!(post(&api, &trigger, "key", &json!({})).await.expect(202).text, first.text);
    let second = post(&api, &trigger, "key-2", &json!({})).await.expect(202);
    assert_ne!(second.json()["id"], first.json()["id"]);
    let page = api.get(&format!("{}/runs", path(&task))).await.json();
    assert_eq!(page["total"], 2);
}

#[tokio::test]
async fn a_repeated_cancel_gets_the_first_answer() {
    let api = Api::start().await;
    let script = "package task\nfunc Run() (string, error) { select {} }";
    let task = api.create(&body(&json!({ "script": script, "overlap_policy": "queue" }))).await;
    let trigger = format!("/api/v1/tasks/{}/run", task["id"].as_str().unwrap());
    post(&api, &trigger, "one", &json!({})).await.expect(202);
    let waiting = post(&api, &trigger, "two", &json!({})).await.expect(202).json();
    let cancel = format!("/api/v1/task-runs/{}/cancel", waiting["id"].as_str().unwrap());
    let first = post(&api, &cancel, "key", &json!({})).await.expect(202);
    assert_eq!(first.json()["status"], "cancelled");
    assert_eq!(post(&api, &cancel, "key", &json!({})).await.expect(202).text, first.text);
    post(&api, &cancel, "another", &json!({})).await.refused(409, "CONFLICT");
    answer(api.request("DELETE", trigger.trim_end_matches("/run"))).await.expect(204);
}

#[tokio::test]
async fn twenty_of_the_same_key_at_once_are_one_task() {
    let api = Api::start().await;
    let task = body(&json!({ "name": "Racing" }));
    let answers = futures::future::join_all((0..20).map(|_| post(&api, "/api/v1/tasks", "key", &task))).await;
    for answer in &answers {
        assert_eq!((answer.status, &answer.text), (201, &answers[0].text));
    }
    assert_eq!(api.count().await, 1);
}

#[tokio::test]
async fn a_key_is_visible_ascii_of_up_to_255_characters() {
    let api = Api::start().await;
    post(&api, "/api/v1/tasks", &"k".repeat(255), &body(&json!({}))).await.expect(201);
    for wrong in ["", " ", "a b", "k\u{e9}", &"k".repeat(256)] {
        let answer = post(&api, "/api/v1/tasks", wrong, &body(&json!({ "name": "x" }))).await;
        answer.wrong_fields(&["Idempotency-Key"]);
    }
    assert_eq!(api.count().await, 1);
}

#[tokio::test]
async fn a_repeated_change_gets_the_first_answer_though_its_revision_is_gone() {
    let api = Api::start().await;
    let task = api.task("T").await;
    for (method, change) in [
        ("PATCH", json!({ "timeout_seconds": 7, "secrets": { "set": { "K": "v" } } })),
        ("PUT", body(&json!({ "name": "Put" }))),
    ] {
        let revision = api.get(&path(&task)).await.json()["revision"].as_str().unwrap().to_owned();
        let send = async |key: &str| {
            let request = api.request(method, &path(&task)).header("If-Match", format!("\"{revision}\""));
            answer(request.header("Idempotency-Key", key).json(&change)).await
        };
        let first = send(method).await.expect(200);
        api.server.advance(60);
        let again = send(method).await.expect(200);
        assert_eq!((&again.text, again.header("etag")), (&first.text, first.header("etag")));
        // Another request that holds the old revision is late, as before, and does not use up its key.
        send("other").await.refused(412, "PRECONDITION_FAILED");
        assert_eq!(api.get(&path(&task)).await.json()["updated_at"], first.json()["updated_at"]);
    }
    let audit = api.get("/api/v1/audit-log?action=task.update").await.json();
    assert_eq!(audit["total"], 2, "{audit}");
}

#[tokio::test]
async fn a_repeated_change_of_a_schedule_gets_the_first_answer() {
    let api = Api::start().await;
    let schedule = json!({ "name": "S", "triggerType": "Manual", "steps": [] });
    let created = api.send("POST", "/api/v1/schedules", &schedule).await.expect(201);
    let change = json!({ "name": "Other", "triggerType": "Manual", "steps": [] });
    let path = format!("/api/v1/schedules/{}", created.json()["id"].as_str().unwrap());
    let send = async |key: &str| {
        let request = api.request("PUT", &path).header("If-Match", created.header("etag"));
        answer(request.header("Idempotency-Key", key).json(&change)).await
    };
    let first = send("key").await.expect(200);
    assert_eq!(send("key").await.expect(200).text, first.text);
    send("other").await.refused(412, "PRECONDITION_FAILED");
}

#[tokio::test]
async fn what_is_kept_counts_while_the_server_knows_the_secret_of_then() {
    let (first, second) = ("the first server secret, long enough", "the other server secret, long enough");
    let api = Api::with(TestServer::start_with(|config| config.jwt_secret = Some(first.into())).await);
    let task = body(&json!({ "name": "Once" }));
    let made = post(&api, "/api/v1/tasks", "key", &task).await.expect(201);
    let api = Api::with(api.server.restart_with(|config| config.jwt_secret = Some(second.into())).await);
    let problem = post(&api, "/api/v1/tasks", "key", &task).await.refused(409, "CONFLICT");
    assert_eq!(
        problem["message"],
        "what is kept of an earlier request with the Idempotency-Key `key` cannot be decrypted: it was sealed with another key than \
         this server has; look whether that request was carried out, and send this one with another key"
    );
    let both = api.server.restart_with(|config| {
        config.jwt_secret = Some(second.into());
        config.old_jwt_secrets = vec![first.into()];
    });
    let api = Api::with(both.await);
    assert_eq!(post(&api, "/api/v1/tasks", "key", &task).await.expect(201).text, made.text);
    post(&api, "/api/v1/tasks", "key", &body(&json!({ "name": "Twice" }))).await.refused(409, "CONFLICT");
    assert_eq!(api.count().await, 1);
}
