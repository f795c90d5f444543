//! PUT replaces, PATCH changes.

use justiam_sdk::api::tasks::TaskPatch;
use serde_json::{Value, json};

use super::support::{Api, NOBODY, SCRIPT, body, merge, path};

/// A task with something in every field.
async fn full(api: &Api) -> (String, Value) {
    let task = api
        .create(&body(&json!({
            "name": "Full", "description": "d", "timezone": "Europe/Zurich", "overlap_policy": "queue", "enabled": false,
            "timeout_seconds": 7, "config": { "a": 1 }, "task_config": { "k": "v" }, "secrets": { "S": "value" },
        })))
        .await;
    (format!("/api/v1/tasks/{}", task["id"].as_str().unwrap()), task)
}

#[tokio::test]
async fn a_put_returns_what_it_leaves_out_to_its_default_and_keeps_config_entries_and_secrets() {
    let api = Api::start().await;
    let (path, before) = full(&api).await;
    let put = api.send("PUT", &path, &body(&json!({ "name": "Bare" }))).await.expect(200);
    let after = put.json();
    assert_eq!(put.header("etag"), format!("\"{}\"", after["revision"].as_str().unwrap()));
    let mut expected = before.clone();
    merge(
        &mut expected,
        &json!({
            "name": "Bare", "description": null, "timezone": "UTC", "overlap_policy": "allow", "enabled": true,
            "timeout_seconds": 30, "config": {}, "revision": after["revision"],
        }),
    );
    assert_eq!(after, expected);
    assert_ne!(after["revision"], before["revision"]);
    assert_eq!(api.get(&path).await.json(), after);
}

#[tokio::test]
async fn what_a_get_returns_can_be_put_back_and_changes_nothing() {
    let api = Api::start().await;
    let (path, before) = full(&api).await;
    api.server.advance(60);
    assert_eq!(api.text("PUT", &path, api.get(&path).await.text).await.expect(200).json(), before);
    let once = api.create(&json!({ "task_type": "audit_log_cleanup", "schedule_type": "once" })).await;
    let path = format!("/api/v1/tasks/{}", once["id"].as_str().unwrap());
    assert_eq!(api.send("PUT", &path, &once).await.expect(200).json(), once);
}

#[tokio::test]
async fn a_put_without_a_required_field_names_patch() {
    let api = Api::start().await;
    let (path, before) = full(&api).await;
    for field in ["name", "task_type", "schedule_type", "script"] {
        for value in [None, Some(Value::Null)] {
            let mut partial = body(&json!({}));
            match value {
                Some(value) => partial[field] = value,
                None => drop(partial.as_object_mut().unwrap().remove(field)),
            }
            let errors = api.send("PUT", &path, &partial).await.wrong_fields(&[field]);
            let text = errors[field].to_string();
            assert!(text.contains("is required") && text.contains("PATCH"), "{text}");
        }
    }
    api.send("PUT", &path, &json!({})).await.wrong_fields(&["name", "task_type", "schedule_type"]);
    api.send("PUT", &path, &body(&json!({ "secrets": {} }))).await.wrong_fields(&["secrets"]);
    api.send("PUT", &path, &body(&json!({ "secrets": null }))).await.wrong_fields(&["secrets"]);
    api.send("PUT", &path, &body(&json!({ "colour": "red" }))).await.wrong_fields(&["colour"]);
    assert_eq!(api.get(&path).await.json(), before);
}

#[tokio::test]
async fn a_patch_changes_what_it_names() {
    let api = Api::start().await;
    let (path, _) = full(&api).await;
    let steps: [Value; 9] = [
        json!({ "name": "Renamed" }),
        json!({ "description": null }),
        json!({ "cron_expr": "@daily", "timezone": "America/New_York" }),
        json!({ "overlap_policy": "skip" }),
        json!({ "enabled": true }),
        json!({ "timeout_seconds": 1 }),
        json!({ "script": SCRIPT.replace("done", "other") }),
        json!({ "config": { "b": { "c": 2 } } }),
        json!({ "task_config": { "x": "y" } }),
    ];
    for step in steps {
        let mut expected = api.get(&path).await.json();
        let after = api.send("PATCH", &path, &step).await.expect(200).json();
        merge(&mut expected, &step);
        for derived in ["revision", "next_run_at", "script_sha256"] {
            expected[derived] = after[derived].clone();
        }
        assert_eq!(after, expected, "{step}");
        assert_eq!(api.get(&path).await.json(), after);
    }
    assert_eq!(api.get(&path).await.json()["next_run_at"], "2026-01-01T05:00:00Z");
}

#[tokio::test]
async fn null_in_a_patch_clears_a_field_or_returns_it_to_its_default() {
    let api = Api::start().await;
    let (path, before) = full(&api).await;
    let nulls = json!({
        "description": null, "timezone": null, "overlap_policy": null, "enabled": null, "timeout_seconds": null,
        "config": null, "task_config": null, "run_at": null, "secrets": null,
    });
    let after = api.send("PATCH", &path, &nulls).await.expect(200).json();
    let mut expected = before;
    merge(
        &mut expected,
        &json!({
            "description": null, "timezone": "UTC", "overlap_policy": "allow", "enabled": true, "timeout_seconds": 30,
            "config": {}, "task_config": {}, "revision": after["revision"],
        }),
    );
    assert_eq!(after, expected);
    let nulls = json!({ "name": null, "task_type": null, "schedule_type": null, "cron_expr": null, "script": null });
    api.send("PATCH", &path, &nulls).await.wrong_fields(&["name", "task_type", "schedule_type", "cron_expr", "script"]);
}

#[tokio::test]
async fn a_patch_carries_definition_config_entries_and_secrets_all_or_nothing() {
    let api = Api::start().await;
    let (path, before) = full(&api).await;
    let change = |timeout: i64| {
        json!({
            "timeout_seconds": timeout, "task_config": { "n": "1" },
            "secrets": { "set": { "NEW": "value" }, "remove": ["S", "NONE"] },
        })
    };
    api.send("PATCH", &path, &change(31)).await.wrong_fields(&["timeout_seconds"]);
    assert_eq!(api.get(&path).await.json(), before);
    let after = api.send("PATCH", &path, &change(9)).await.expect(200).json();
    assert_eq!((&after["timeout_seconds"], &after["task_config"]), (&json!(9), &json!({ "n": "1" })));
    let keys: Vec<&String> = after["secret_revisions"].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["NEW"]);
}

#[tokio::test]
async fn the_kind_of_schedule_can_change_with_what_belongs_to_it() {
    let api = Api::start().await;
    let (path, _) = full(&api).await;
    api.send("PATCH", &path, &json!({ "schedule_type": "once" })).await.wrong_fields(&["cron_expr"]);
    api.send("PATCH", &path, &json!({ "run_at": "2026-05-01T00:00:00Z" })).await.wrong_fields(&["run_at"]);
    let once = json!({ "schedule_type": "once", "cron_expr": null, "run_at": "2026-05-01T08:00:00+02:00" });
    let after = api.send("PATCH", &path, &once).await.expect(200).json();
    assert_eq!(
        (&after["run_at"], &after["next_run_at"]),
        (&json!("2026-05-01T06:00:00Z"), &json!("2026-05-01T06:00:00Z"))
    );
    api.send("PATCH", &path, &json!({ "cron_expr": "@daily" })).await.wrong_fields(&["cron_expr"]);
    let cron = json!({ "schedule_type": "cron", "cron_expr": "@daily", "run_at": null });
    assert_eq!(api.send("PATCH", &path, &cron).await.expect(200).json()["run_at"], Value::Null);
}

#[tokio::test]
async fn the_type_can_change_when_the_script_goes_with_it() {
    let api = Api::start().await;
    let (path, _) = full(&api).await;
    api.send("PATCH", &path, &json!({ "task_type": "audit_log_cleanup" })).await.wrong_fields(&["script"]);
    let change = json!({ "task_type": "audit_log_cleanup", "script": null });
    let after = api.send("PATCH", &path, &change).await.expect(200).json();
    assert_eq!((&after["task_type"], after.get("script")), (&json!("audit_log_cleanup"), None));
    api.send("PATCH", &path, &json!({ "task_type": "script" })).await.wrong_fields(&["script"]);
}

#[tokio::test]
async fn nobody_can_be_changed() {
    let api = Api::start().await;
    let missing = format!("/api/v1/tasks/{NOBODY}");
    for (method, suffix, body) in [
        ("PUT", "", body(&json!({}))),
        ("PATCH", "", json!({})),
        ("PUT", "/secrets", json!({})),
        ("PATCH", "/secrets", json!({})),
        ("PUT", "/config", json!({})),
    ] {
        let problem = api.send(method, &format!("{missing}{suffix}"), &body).await.refused(404, "NOT_FOUND");
        assert_eq!(problem["message"], format!("there is no task `{NOBODY}`"));
    }
    let error = api.server.client.tasks().update(NOBODY.parse().unwrap(), &TaskPatch::new()).await.unwrap_err();
    assert!(error.is_not_found());
    let task = api.task("Kept").await;
    assert_eq!(api.get(&path(&task)).await.status, 200);
}
