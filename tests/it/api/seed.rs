//! Every HTTP example of the product's documentation, sent as it is printed. Where a script is elided it is filled in, and the
//! quotes inside `group_ids` are escaped: the page lost the backslashes.

use justiam_sdk::api::values::{RunStatus, TaskType, Words as _};
use serde_json::{Value, json};

use super::support::{Api, answer};

#[tokio::test]
async fn the_example_with_an_overlap_policy_creates_a_task() {
    let api = Api::start().await;
    let text = r#"{
"name": "My Script",
"task_type": "script",
"schedule_type": "cron",
"cron_expr": "0 * * * *",
"overlap_policy": "queue",
"script": "package task\n\nfunc Run() (string, error) {\n\treturn \"\", nil\n}"
}"#;
    let answer = api.text("POST", "/api/v1/tasks", text).await.expect(201);
    let task = answer.json();
    let id = task["id"].as_str().unwrap();
    assert_eq!(answer.header("location"), format!("/api/v1/tasks/{id}"));
    assert_eq!(answer.header("etag"), format!("\"{}\"", task["revision"].as_str().unwrap()));
    let expected = json!({
        "id": id,
        "name": "My Script",
        "description": null,
        "task_type": "script",
        "schedule_type": "cron",
        "cron_expr": "0 * * * *",
        "timezone": "UTC",
        "run_at": null,
        "overlap_policy": "queue",
        "enabled": true,
        "timeout_seconds": 30,
        "script": "package task\n\nfunc Run() (string, error) {\n\treturn \"\", nil\n}",
        "script_sha256": task["script_sha256"],
        "config": {},
        "task_config": {},
        "secret_revisions": {},
        "is_system": false,
        "next_run_at": "2026-01-01T01:00:00Z",
        "last_run_at": null,
        "last_status": null,
        "revision": task["revision"],
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
    });
    assert_eq!(task, expected);
    assert_eq!(task["script_sha256"].as_str().unwrap().len(), 64);
    assert_eq!(api.get(&format!("/api/v1/tasks/{id}")).await.expect(200).json(), task);
}

#[tokio::test]
async fn the_example_with_a_script_creates_a_task_that_runs() {
    let api = Api::start().await;
    let text = r#"{
"name": "My Script",
"task_type": "script",
"schedule_type": "cron",
"cron_expr": "0 * * * *",
"config": {},
"script": "package task\n\nimport \"fmt\"\n\nfunc Run() (string, error) {\n\treturn fmt.Sprintf(\"hello\"), nil\n}"
}"#;
    let task = api.text("POST", "/api/v1/tasks", text).await.expect(201).json();
    let id = task["id"].as_str().unwrap();
    assert_eq!((&task["config"], &task["overlap_policy"]), (&json!({}), &json!("allow")));
    let run = answer(api.request("POST", &format!("/api/v1/tasks/{id}/run"))).await.expect(202).json();
    let run = api.server.ended(run["id"].as_str().unwrap().parse().unwrap()).await;
    assert_eq!((run.status, run.output.as_deref()), (RunStatus::Success, Some("hello")));
    let page = api.get(&format!("/api/v1/tasks/{id}/runs?page=1&limit=50")).await.expect(200).json();
    assert_eq!((&page["total"], &page["page"], &page["limit"]), (&json!(1), &json!(1), &json!(50)));
    assert_eq!(page["data"][0]["output"], "hello");
    assert_eq!(page["data"][0]["started_at"], "2026-01-01T00:00:00Z");
    assert_eq!(page["data"][0]["finished_at"], "2026-01-01T00:00:00Z");
}

#[tokio::test]
async fn the_example_without_a_name_creates_a_task_of_a_built_in_type() {
    let api = Api::start().await;
    let text = r#"{
"task_type": "audit_log_cleanup",
"schedule_type": "cron",
"cron_expr": "0 2 * * *",
"config": {}
}"#;
    let task = api.text("POST", "/api/v1/tasks", text).await.expect(201).json();
    let name = task["name"].as_str().unwrap();
    let digits = name.strip_prefix("audit_log_cleanup ").unwrap();
    assert!(digits.len() == 8 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()), "{name}");
    assert!(task["id"].as_str().unwrap().replace('-', "").contains(digits), "{task}");
    assert_eq!(task["next_run_at"], "2026-01-01T02:00:00Z");
    assert_eq!((&task["is_system"], task.get("script")), (&json!(false), None));
    // The page says nothing of a limit to one such task.
    let second = api.text("POST", "/api/v1/tasks", text).await.expect(201).json();
    assert_ne!(second["name"], task["name"]);
}

#[tokio::test]
async fn a_one_time_task_needs_no_cron_expression() {
    let api = Api::start().await;
    let text = r#"{"task_type": "audit_log_cleanup", "schedule_type": "once", "config": {}}"#;
    let task = api.text("POST", "/api/v1/tasks", text).await.expect(201).json();
    assert_eq!((&task["cron_expr"], &task["next_run_at"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn the_examples_of_secrets_answer_with_names_alone() {
    let api = Api::start().await;
    let task = api.task("Secrets").await;
    let path = format!("/api/v1/tasks/{}/secrets", task.id);
    let text = r#"{
"API_KEY": "my-secret-api-key",
"DB_PASSWORD": "hunter2"
}"#;
    let written = api.text("PUT", &path, text).await.expect(200);
    let read = api.get(&path).await.expect(200);
    for answer in [&written, &read] {
        assert_eq!(answer.json()["keys"], json!(["API_KEY", "DB_PASSWORD"]));
        assert!(!answer.text.contains("my-secret-api-key") && !answer.text.contains("hunter2"), "{}", answer.text);
    }
    // Omitted keys are deleted.
    let fewer = api.text("PUT", &path, r#"{"API_KEY": "my-secret-api-key"}"#).await.expect(200);
    assert_eq!(fewer.json()["keys"], json!(["API_KEY"]));
    assert_eq!(fewer.json()["revisions"]["API_KEY"], written.json()["revisions"]["API_KEY"]);
}

#[tokio::test]
async fn the_examples_of_config_answer_with_keys_and_values() {
    let api = Api::start().await;
    let task = api.task("Config").await;
    let path = format!("/api/v1/tasks/{}/config", task.id);
    let text = r#"{
"domain": "example.com",
"group_ids": "[\"g1\",\"g2\"]"
}"#;
    let expected: Value =
        serde_json::from_str(r#"{"config": {"domain": "example.com", "group_ids": "[\"g1\",\"g2\"]"}}"#).unwrap();
    assert_eq!(api.text("PUT", &path, text).await.expect(200).json(), expected);
    assert_eq!(api.get(&path).await.expect(200).json(), expected);
    let fewer = api.text("PUT", &path, r#"{"domain": "example.com"}"#).await.expect(200);
    assert_eq!(fewer.json(), json!({ "config": { "domain": "example.com" } }));
}

#[tokio::test]
async fn the_history_of_all_tasks_takes_the_documented_parameters() {
    let api = Api::start().await;
    let task = api.task("History").await;
    let run = api.server.client.tasks().run(task.id).await.unwrap();
    api.server.ended(run.id).await;
    for (query, total) in [
        ("", 1),
        ("?page=1&limit=50", 1),
        ("?page=2", 1),
        (&format!("?task_id={}", task.id), 1),
        ("?task_id=0199f2a6-0000-7000-8000-00000000dead", 0),
        ("?status=success", 1),
        ("?status=error", 0),
        ("?status=running", 0),
    ] {
        let page = api.get(&format!("/api/v1/task-runs{query}")).await.expect(200).json();
        assert_eq!((&page["total"], &page["limit"]), (&json!(total), &json!(50)), "{query}");
        assert!(page["data"].is_array() && page["page"].is_u64(), "{page}");
    }
}

#[tokio::test]
async fn the_built_in_tasks_are_those_of_the_table() {
    let api = Api::start().await;
    let page = api.get("/api/v1/tasks").await.expect(200).json();
    let found: Vec<(&str, &str, &str)> = page["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|task| {
            assert_eq!((&task["is_system"], &task["schedule_type"]), (&json!(true), &json!("cron")));
            let text = |name: &str| task[name].as_str().unwrap();
            (text("name"), text("task_type"), text("cron_expr"))
        })
        .collect();
    let table = [
        ("saml_session_cleanup", "0 * * * *"),
        ("audit_log_cleanup", "0 3 * * *"),
        ("trusted_device_expiry", "*/5 * * * *"),
        ("user_message_delivery", "*/5 * * * *"),
        ("access_request_expiry", "*/5 * * * *"),
        ("preset_cache_refresh", "0 */6 * * *"),
        ("agent_token_cleanup", "0 4 * * *"),
    ];
    assert_eq!(found, table.map(|(name, cron)| (name, name, cron)));
    assert!(table.iter().all(|(name, _)| TaskType::from(*name).is_known()));
}
