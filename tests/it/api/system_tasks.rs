//! The seven tasks that the server brings itself.

use justiam_sdk::api::tasks::{TaskPatch, TaskQuery};
use justiam_sdk::api::values::{RunStatus, TaskType, Words as _};
use serde_json::json;

use super::support::{Api, BUILT_IN, answer, body, path};

#[tokio::test]
async fn they_refuse_every_change() {
    let api = Api::start().await;
    for (task_type, ..) in TaskType::BUILT_IN {
        let task = api.server.client.tasks().find(task_type.as_str()).await.unwrap().unwrap();
        let before = api.get(&path(&task)).await.expect(200).json();
        for (method, suffix, body) in [
            ("PUT", "", before.clone()),
            ("PUT", "", body(&json!({}))),
            ("PATCH", "", json!({})),
            ("PATCH", "", json!({ "enabled": true })),
            ("PATCH", "", json!({ "nonsense": 1 })),
            ("DELETE", "", json!({})),
            ("PUT", "/secrets", json!({ "K": "v" })),
            ("PATCH", "/secrets", json!({ "set": { "K": "v" } })),
            ("PUT", "/config", json!({ "k": "v" })),
        ] {
            let problem = api.send(method, &format!("{}{suffix}", path(&task)), &body).await.refused(403, "FORBIDDEN");
            assert!(problem["message"].as_str().unwrap().contains(task_type.as_str()), "{problem}");
        }
        assert_eq!(api.get(&path(&task)).await.json(), before);
    }
}

#[tokio::test]
async fn their_names_cannot_be_taken_in_any_letter_case() {
    let api = Api::start().await;
    let task = api.task("Mine").await;
    for (task_type, ..) in TaskType::BUILT_IN {
        for name in [task_type.to_string(), task_type.as_str().to_uppercase(), capitalised(task_type.as_str())] {
            let create = json!({ "name": name, "task_type": task_type.as_str(), "schedule_type": "once" });
            api.send("POST", "/api/v1/tasks", &create).await.refused(403, "FORBIDDEN");
            api.send("POST", "/api/v1/tasks", &body(&json!({ "name": name }))).await.refused(403, "FORBIDDEN");
            api.send("PATCH", &path(&task), &json!({ "name": name })).await.refused(403, "FORBIDDEN");
            api.send("PUT", &path(&task), &body(&json!({ "name": name }))).await.refused(403, "FORBIDDEN");
        }
    }
    assert_eq!(api.count().await, 1);
    assert_eq!(api.server.client.tasks().get(task.id).await.unwrap(), task);
}

fn capitalised(name: &str) -> String {
    let (first, rest) = name.split_at(1);
    first.to_uppercase() + rest
}

#[tokio::test]
async fn they_can_be_triggered_and_say_what_they_did() {
    let api = Api::start().await;
    for (task_type, expected) in [
        ("saml_session_cleanup", "removed 0 expired SAML sessions"),
        ("audit_log_cleanup", "deleted 0 audit log entries older than 365 days"),
        ("trusted_device_expiry", "removed 0 expired trusted devices"),
        ("user_message_delivery", "delivered 0 user messages"),
        ("access_request_expiry", "expired 0 access requests"),
        ("preset_cache_refresh", "rebuilt the preset cache with 0 presets"),
        ("agent_token_cleanup", "deleted 0 agent tokens unused for more than 7 days"),
    ] {
        let task = api.server.client.tasks().find(task_type).await.unwrap().unwrap();
        let run = answer(api.request("POST", &format!("{}/run", path(&task)))).await.expect(202).json();
        let run = api.server.ended(run["id"].as_str().unwrap().parse().unwrap()).await;
        assert_eq!((run.status, run.error, run.isolation), (RunStatus::Success, None, None));
        assert_eq!(run.output.as_deref(), Some(expected));
    }
}

#[tokio::test]
async fn they_are_enabled_and_have_a_next_time() {
    let api = Api::start().await;
    for (task_type, expected) in [
        ("saml_session_cleanup", "2026-01-01T01:00:00Z"),
        ("audit_log_cleanup", "2026-01-01T03:00:00Z"),
        ("trusted_device_expiry", "2026-01-01T00:05:00Z"),
        ("user_message_delivery", "2026-01-01T00:05:00Z"),
        ("access_request_expiry", "2026-01-01T00:05:00Z"),
        ("preset_cache_refresh", "2026-01-01T06:00:00Z"),
        ("agent_token_cleanup", "2026-01-01T04:00:00Z"),
    ] {
        let task = api.server.client.tasks().find(task_type).await.unwrap().unwrap();
        assert_eq!((task.enabled, task.next_run_at), (true, Some(expected.parse().unwrap())), "{task_type}");
    }
}

#[tokio::test]
async fn they_are_there_once_also_after_a_restart() {
    let api = Api::start().await;
    let before = api.get("/api/v1/tasks").await.text;
    let api = Api::with(api.server.restart().await);
    assert_eq!(api.get("/api/v1/tasks").await.text, before);
    assert_eq!(api.server.client.tasks().page(&TaskQuery::new()).await.unwrap().total, BUILT_IN);
    let id = api.server.client.tasks().find("audit_log_cleanup").await.unwrap().unwrap().id;
    let error = api.server.client.tasks().update(id, &TaskPatch::new()).await.unwrap_err();
    assert_eq!(error.api().unwrap().status, 403);
}
