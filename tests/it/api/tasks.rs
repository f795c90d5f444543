//! Create, read and delete; names; text byte for byte.

use justiam_sdk::api::tasks::NewTask;
use justiam_sdk::api::values::{RunStatus, ScheduleType, TaskType};
use serde_json::{Value, json};

use super::support::{Api, NOBODY, SCRIPT, body, hourly, path};

#[tokio::test]
async fn a_task_is_created_with_its_config_and_secrets_in_one_request() {
    let api = Api::start().await;
    let created = api
        .create(&body(&json!({
            "description": "Every morning", "timezone": "Europe/Zurich", "cron_expr": "30 6 * * MON-FRI",
            "overlap_policy": "replace", "enabled": false, "timeout_seconds": 5, "config": { "z": 1, "a": [true] },
            "task_config": { "domain": "example.com" }, "secrets": { "B": "2", "A": "1" },
        })))
        .await;
    assert_eq!(created["description"], "Every morning");
    assert_eq!(created["timezone"], "Europe/Zurich");
    assert_eq!(created["overlap_policy"], "replace");
    assert_eq!((&created["enabled"], &created["timeout_seconds"]), (&json!(false), &json!(5)));
    // 2026-01-01 is a Thursday; 06:30 in Zurich is 05:30 UTC. A disabled task shows when it would fire.
    assert_eq!(created["next_run_at"], "2026-01-01T05:30:00Z");
    assert_eq!(created["config"].to_string(), r#"{"z":1,"a":[true]}"#);
    assert_eq!(created["task_config"], json!({ "domain": "example.com" }));
    let keys: Vec<&String> = created["secret_revisions"].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["A", "B"]);
    assert_eq!(created.get("secrets"), None);
}

#[tokio::test]
async fn a_create_with_one_wrong_field_leaves_nothing_behind() {
    let api = Api::start().await;
    let wrong = body(&json!({ "secrets": { "K": "v" }, "task_config": { "k": 1 } }));
    api.send("POST", "/api/v1/tasks", &wrong).await.wrong_fields(&["task_config.k"]);
    assert_eq!(api.count().await, 0);
}

#[tokio::test]
async fn text_comes_back_byte_for_byte() {
    let api = Api::start().await;
    let scripts = [
        "package task\r\n\r\nfunc Run() (string, error) {\r\n\treturn `a`, nil\r\n}\r\n".to_owned(),
        SCRIPT.trim_end().to_owned(),
        format!("\u{feff}\n\n  // ü 🦀 \u{2028}\n{SCRIPT}\n\n \t"),
        format!("package task; func Run() (string, error) {{ return `{}`, nil }}", "é\u{301}\\u0041\\n"),
    ];
    for (index, script) in scripts.into_iter().enumerate() {
        let mut new = NewTask::cron_script(format!(" Name {index} "), "0  3\t* * *", script.clone());
        new.description = Some("  first\r\nsecond\t\n".into());
        new.task_config = Some([(" k ".to_owned(), " v\r\n".to_owned())].into());
        let created = api.server.client.tasks().create(&new).await.unwrap();
        let read = api.server.client.tasks().get(created.id).await.unwrap();
        assert_eq!(read, created);
        assert_eq!(read.script, Some(script));
        assert_eq!((read.name, read.cron_expr.as_deref()), (format!(" Name {index} "), Some("0  3\t* * *")));
        assert_eq!((read.description, read.task_config), (new.description, new.task_config));
    }
}

#[tokio::test]
async fn numbers_and_order_in_config_come_back_as_they_were_sent() {
    let api = Api::start().await;
    let config = r#"{"z":1.50,"big":123456789012345678901234567890,"tiny":1e-400,"a":{"y":-0,"x":[null,""]}}"#;
    let text = body(&json!({})).to_string().replacen('{', &format!("{{\"config\":{config},"), 1);
    let created = api.text("POST", "/api/v1/tasks", text).await.expect(201);
    assert!(created.text.contains(&format!("\"config\":{config}")), "{}", created.text);
    let id = created.json()["id"].as_str().unwrap().to_owned();
    let read = api.get(&format!("/api/v1/tasks/{id}")).await.expect(200);
    assert!(read.text.contains(&format!("\"config\":{config}")), "{}", read.text);
}

#[tokio::test]
async fn names_are_unique_and_a_conflict_tells_whose_it_is() {
    let api = Api::start().await;
    let first = api.task("Nightly").await;
    let second = api.task("Other").await;
    let conflict = api.send("POST", "/api/v1/tasks", &body(&json!({ "name": "Nightly" }))).await;
    let problem = conflict.refused(409, "CONFLICT");
    assert_eq!(problem["details"], json!({ "id": first.id, "field": "name" }));
    assert!(problem["message"].as_str().unwrap().contains("Nightly"), "{problem}");
    for (method, change) in [("PATCH", json!({ "name": "Nightly" })), ("PUT", body(&json!({ "name": "Nightly" })))] {
        let problem = api.send(method, &path(&second), &change).await.refused(409, "CONFLICT");
        assert_eq!(problem["details"]["id"], first.id.to_string());
    }
    // Its own name is free to keep, another letter case is another name, and a deleted name is free again.
    api.send("PATCH", &path(&first), &json!({ "name": "Nightly", "enabled": false })).await.expect(200);
    api.task("nightly").await;
    api.server.client.tasks().delete(first.id).await.unwrap();
    api.task("Nightly").await;
}

#[tokio::test]
async fn names_of_any_script_are_fine() {
    let api = Api::start().await;
    for name in ["日本語のタスク", "🦀🦀", "e\u{301}", "é", "مهمة", "a/b?c#d%e", "'; DROP TABLE tasks; --", "\"\\", "x"]
    {
        let task = api.task(name).await;
        assert_eq!(api.server.client.tasks().find(name).await.unwrap().unwrap().id, task.id, "{name}");
    }
}

#[tokio::test]
async fn what_a_client_cannot_decide_is_ignored_in_a_create() {
    let api = Api::start().await;
    let created = api
        .create(&body(&json!({
            "id": NOBODY, "is_system": true, "next_run_at": "2000-01-01T00:00:00Z", "last_run_at": 5, "last_status": "x",
            "revision": "r", "created_at": null, "updated_at": null, "secret_revisions": {}, "script_sha256": "0",
        })))
        .await;
    assert_ne!(created["id"], NOBODY);
    assert_eq!((&created["is_system"], &created["last_status"]), (&json!(false), &Value::Null));
    assert_eq!(created["created_at"], "2026-01-01T00:00:00Z");
}

#[tokio::test]
async fn null_in_a_create_means_the_default() {
    let api = Api::start().await;
    let created = api
        .create(&body(&json!({
            "description": null, "timezone": null, "run_at": null, "overlap_policy": null, "enabled": null,
            "timeout_seconds": null, "config": null, "task_config": null, "secrets": null,
        })))
        .await;
    assert_eq!(
        [&created["timezone"], &created["overlap_policy"], &created["enabled"], &created["timeout_seconds"]],
        [&json!("UTC"), &json!("allow"), &json!(true), &json!(30)]
    );
    assert_eq!([&created["config"], &created["task_config"]], [&json!({}), &json!({})]);
}

#[tokio::test]
async fn a_deleted_task_is_gone_and_its_history_stays() {
    let api = Api::start().await;
    let client = &api.server.client;
    let mut new = hourly("Short-lived");
    new.secrets = Some([("K".to_owned(), "value".into())].into());
    let task = client.tasks().create(&new).await.unwrap();
    let run = client.tasks().run(task.id).await.unwrap();
    api.server.ended(run.id).await;
    client.tasks().delete(task.id).await.unwrap();
    for suffix in ["", "/secrets", "/config", "/runs"] {
        api.get(&format!("{}{suffix}", path(&task))).await.refused(404, "NOT_FOUND");
    }
    assert!(client.tasks().delete(task.id).await.unwrap_err().is_not_found());
    let kept = client.runs().get(run.id).await.unwrap();
    assert_eq!((kept.task_name.as_str(), kept.status), ("Short-lived", RunStatus::Success));
    let page = api.get(&format!("/api/v1/task-runs?task_id={}", task.id)).await.json();
    assert_eq!(page["total"], 1);
}

#[tokio::test]
async fn every_built_in_type_can_be_used_for_a_task_of_ones_own() {
    let api = Api::start().await;
    for (task_type, cron, _) in TaskType::BUILT_IN {
        let mut new = NewTask::new(format!("My {task_type}"), task_type, ScheduleType::Cron);
        new.cron_expr = Some(cron.into());
        let task = api.server.client.tasks().create(&new).await.unwrap();
        assert!(!task.is_system && task.script.is_none());
    }
    let with_script =
        json!({ "name": "x", "task_type": "audit_log_cleanup", "schedule_type": "once", "script": SCRIPT });
    api.send("POST", "/api/v1/tasks", &with_script).await.wrong_fields(&["script"]);
}
