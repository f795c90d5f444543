//! What moves a revision, and what a client can do with one.

use serde_json::{Value, json};

use super::support::{Answer, Api, answer, body, hourly, path};

async fn with_if_match(api: &Api, method: &str, path: &str, revision: &str, body: &Value) -> Answer {
    answer(api.request(method, path).header("If-Match", revision).json(body)).await
}

#[tokio::test]
async fn ticks_and_runs_do_not_move_a_revision() {
    let api = Api::start().await;
    let task = api.task("T").await;
    let run = api.server.client.tasks().run(task.id).await.unwrap();
    api.server.ended(run.id).await;
    api.server.advance(3600);
    justiam_tests::until("the tick to have run", async || {
        let page = api.get(&format!("{}/runs?status=success", path(&task))).await.json();
        page["total"] == 2
    })
    .await;
    let after = api.server.client.tasks().get(task.id).await.unwrap();
    assert_eq!((&after.revision, after.updated_at), (&task.revision, task.updated_at));
    assert_eq!(after.last_run_at, Some("2026-01-01T01:00:00Z".parse().unwrap()));
    assert_eq!(after.next_run_at, Some("2026-01-01T02:00:00Z".parse().unwrap()));
}

#[tokio::test]
async fn a_patch_that_changes_nothing_leaves_no_trace() {
    let api = Api::start().await;
    let mut new = hourly("T");
    new.config = Some(json!({ "a": 1, "b": 2 }));
    new.task_config = Some([("k".to_owned(), "v".to_owned())].into());
    new.secrets = Some([("S".to_owned(), "value".into())].into());
    let task = api.server.client.tasks().create(&new).await.unwrap();
    let path = path(&task);
    api.server.advance(60);
    for nothing in [
        json!({}),
        json!({ "name": "T", "enabled": true, "cron_expr": "0 * * * *", "timezone": "UTC" }),
        json!({ "config": { "b": 2, "a": 1 } }),
        json!({ "task_config": { "k": "v" } }),
        json!({ "secrets": { "set": { "S": "value" }, "remove": ["NONE"] } }),
        json!({ "secrets": {} }),
        json!({ "revision": "whatever", "next_run_at": null }),
    ] {
        let after = api.send("PATCH", &path, &nothing).await.expect(200).json();
        assert_eq!(after, serde_json::to_value(&task).unwrap(), "{nothing}");
    }
}

#[tokio::test]
async fn every_change_gives_a_revision_that_was_never_there() {
    let api = Api::start().await;
    let task = api.task("T").await;
    let mut seen = vec![task.revision.clone()];
    for timeout in [1, 2, 1, 2] {
        let after = api.send("PATCH", &path(&task), &json!({ "timeout_seconds": timeout })).await.json();
        let revision = after["revision"].as_str().unwrap().to_owned();
        assert!(!seen.contains(&revision), "{revision}");
        seen.push(revision);
    }
}

#[tokio::test]
async fn a_change_can_be_bound_to_the_revision_that_was_read() {
    let api = Api::start().await;
    let task = api.task("T").await;
    let path = path(&task);
    let read = api.get(&path).await;
    let etag = read.header("etag").to_owned();
    assert_eq!(etag, format!("\"{}\"", task.revision));
    let changed = with_if_match(&api, "PATCH", &path, &etag, &json!({ "timeout_seconds": 3 })).await.expect(200);
    let stale = with_if_match(&api, "PATCH", &path, &etag, &json!({ "timeout_seconds": 4 })).await;
    let message = stale.refused(412, "PRECONDITION_FAILED")["message"].to_string();
    assert!(message.contains(&task.revision) && message.contains("is now"), "{message}");
    let current = changed.header("etag").to_owned();
    with_if_match(&api, "PUT", &path, &etag, &body(&json!({}))).await.refused(412, "PRECONDITION_FAILED");
    with_if_match(&api, "DELETE", &path, &etag, &json!({})).await.refused(412, "PRECONDITION_FAILED");
    for (method, suffix, body) in [
        ("PUT", "/config", json!({ "k": "v" })),
        ("PUT", "/secrets", json!({ "k": "v" })),
        ("PATCH", "/secrets", json!({ "set": { "k": "v" } })),
    ] {
        let path = format!("{path}{suffix}");
        with_if_match(&api, method, &path, &etag, &body).await.refused(412, "PRECONDITION_FAILED");
    }
    assert_eq!(api.get(&path).await.text, changed.text);
    with_if_match(&api, "PUT", &path, &current, &body(&json!({ "name": "T" }))).await.expect(200);
    with_if_match(&api, "PATCH", &path, "*", &json!({ "timeout_seconds": 9 })).await.expect(200);
    with_if_match(&api, "DELETE", &path, "*", &json!({})).await.expect(204);
}

#[tokio::test]
async fn what_is_no_revision_matches_none() {
    let api = Api::start().await;
    let task = api.task("T").await;
    let weak = format!("W/\"{}\"", task.revision);
    for wrong in ["", "\"\"", "x", "\"x\", \"y\"", &weak] {
        let answer = with_if_match(&api, "PATCH", &path(&task), wrong, &json!({ "timeout_seconds": 3 })).await;
        answer.refused(412, "PRECONDITION_FAILED");
    }
}
