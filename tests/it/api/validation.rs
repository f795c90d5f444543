//! Wrong input: what it is told, and that nothing comes of it.

use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};

use super::support::{Api, answer, body, path};

/// Every field wrong in its own way.
fn all_wrong() -> Value {
    json!({
        "name": "", "description": 7, "task_type": "script", "schedule_type": "cron", "cron_expr": "61 * * * *",
        "timezone": "Mars/Olympus", "run_at": "tomorrow", "overlap_policy": "later", "enabled": "yes",
        "timeout_seconds": 31, "script": "package main", "config": [], "task_config": { "a": 1, "b": null },
        "secrets": { "K": ["hunter2"] }, "nonsense": true,
    })
}

#[tokio::test]
async fn all_wrong_fields_are_told_at_once() {
    let api = Api::start().await;
    let errors = api.send("POST", "/api/v1/tasks", &all_wrong()).await.wrong_fields(&[
        "name",
        "description",
        "cron_expr",
        "timezone",
        "run_at",
        "overlap_policy",
        "enabled",
        "timeout_seconds",
        "script",
        "config",
        "task_config.a",
        "task_config.b",
        "secrets.K",
        "nonsense",
    ]);
    assert_eq!(
        errors["cron_expr"][0],
        "`61` is not a valid minute field; it takes 0-59, `*`, lists `a,b`, ranges `a-b` and steps `*/n`"
    );
    assert_eq!(errors["overlap_policy"][0], "must be one of `allow`, `skip`, `queue`, `replace`, not `later`");
    assert_eq!(errors["timeout_seconds"][0], "must be from 1 to 30, not 31");
    assert_eq!(errors["enabled"][0], "must be true or false, not this text");
    assert_eq!(errors["nonsense"][0], "is not a field of this request");
    assert!(errors["timezone"][0].as_str().unwrap().contains("`Mars/Olympus`"), "{errors}");
    assert!(errors["script"][0].as_str().unwrap().contains("package task"), "{errors}");
    assert_eq!(api.count().await, 0);
}

#[tokio::test]
async fn a_change_is_checked_like_a_create_and_changes_nothing() {
    let api = Api::start().await;
    let task = api.task("T").await;
    let fields = [
        "name",
        "description",
        "cron_expr",
        "timezone",
        "run_at",
        "overlap_policy",
        "enabled",
        "timeout_seconds",
        "script",
        "config",
        "nonsense",
    ];
    let mut put = all_wrong();
    for field in ["task_config", "secrets"] {
        put.as_object_mut().unwrap().remove(field);
    }
    api.send("PUT", &path(&task), &put).await.wrong_fields(&fields);
    api.send("PATCH", &path(&task), &put).await.wrong_fields(&fields);
    assert_eq!(api.server.client.tasks().get(task.id).await.unwrap(), task);
}

#[tokio::test]
async fn an_empty_create_says_what_is_needed() {
    let api = Api::start().await;
    api.send("POST", "/api/v1/tasks", &json!({})).await.wrong_fields(&["task_type", "schedule_type"]);
    let script = json!({ "task_type": "script", "schedule_type": "cron" });
    api.send("POST", "/api/v1/tasks", &script).await.wrong_fields(&["name", "cron_expr", "script"]);
}

#[tokio::test]
async fn every_wrong_type_is_told_with_its_field() {
    let api = Api::start().await;
    let anything = [json!(7), json!(1.5), json!("x"), json!(true), json!([]), json!({}), json!(1e300)];
    for (field, fits) in [
        ("name", "x"),
        ("description", "x"),
        ("task_type", ""),
        ("schedule_type", ""),
        ("cron_expr", ""),
        ("timezone", ""),
        ("run_at", ""),
        ("overlap_policy", ""),
        ("enabled", "true"),
        ("timeout_seconds", "7"),
        ("script", ""),
        ("config", "{}"),
        ("task_config", "{}"),
        ("secrets", "{}"),
    ] {
        for value in anything.iter().filter(|value| value.to_string().trim_matches('"') != fits) {
            let answer = api.send("POST", "/api/v1/tasks", &body(&json!({ field: value }))).await;
            let errors = answer.refused(400, "VALIDATION_ERROR")["validationErrors"].clone();
            assert!(errors.get(field).is_some(), "{field} {value}: {errors}");
        }
    }
    for (field, wrong) in [
        ("timeout_seconds", "0"),
        ("timeout_seconds", "-1"),
        ("timeout_seconds", "5.0"),
        ("timeout_seconds", "99999999999999999999"),
        ("run_at", "\"2026-01-31T08:00:00\""),
        ("run_at", "\"2026-02-30T08:00:00Z\""),
        ("run_at", "\"99999-01-01T00:00:00Z\""),
        ("run_at", "1767225600"),
        ("overlap_policy", "\"Queue\""),
        ("task_type", "\"SCRIPT\""),
        ("schedule_type", "\" cron\""),
    ] {
        let text = body(&json!({ field: null }))
            .to_string()
            .replace(&format!("\"{field}\":null"), &format!("\"{field}\":{wrong}"));
        let errors =
            api.text("POST", "/api/v1/tasks", text).await.refused(400, "VALIDATION_ERROR")["validationErrors"].clone();
        assert!(errors.get(field).is_some(), "{field} {wrong}: {errors}");
    }
    assert_eq!(api.count().await, 0);
}

#[tokio::test]
async fn schedules_that_cannot_be_are_refused() {
    let api = Api::start().await;
    for wrong in [
        "",
        " ",
        "* * * *",
        "* * * * * *",
        "60 * * * *",
        "0 24 * * *",
        "0 0 30 2 *",
        "@never",
        "@reboot",
        "a b c d e",
        "*/0 * * * *",
    ] {
        let answer = api.send("POST", "/api/v1/tasks", &body(&json!({ "cron_expr": wrong }))).await;
        answer.wrong_fields(&["cron_expr"]);
    }
    for wrong in ["", "utc", "CET", "+01:00", "Europe/Nowhere", "../UTC", "Europe/Zurich "] {
        let answer = api.send("POST", "/api/v1/tasks", &body(&json!({ "timezone": wrong }))).await;
        answer.wrong_fields(&["timezone"]);
    }
    let once = json!({ "schedule_type": "once" });
    api.send("POST", "/api/v1/tasks", &body(&once)).await.wrong_fields(&["cron_expr"]);
    let cron = json!({ "run_at": "2026-05-01T00:00:00Z" });
    api.send("POST", "/api/v1/tasks", &body(&cron)).await.wrong_fields(&["run_at"]);
}

#[tokio::test]
async fn nul_and_control_characters_are_refused_where_they_do_harm() {
    let api = Api::start().await;
    for field in ["name", "description", "cron_expr", "timezone", "script", "task_type"] {
        let answer = api.send("POST", "/api/v1/tasks", &body(&json!({ field: "a\0b" }))).await;
        let errors = answer.refused(400, "VALIDATION_ERROR")["validationErrors"].clone();
        assert!(errors[field][0].as_str().unwrap().contains("NUL"), "{field}: {errors}");
    }
    for field in ["task_config", "secrets"] {
        let answer = api.send("POST", "/api/v1/tasks", &body(&json!({ field: { "k": "a\0b" } }))).await;
        answer.wrong_fields(&[&format!("{field}.k")]);
    }
    for name in ["a\nb", "\u{7}", "   ", "\t"] {
        api.send("POST", "/api/v1/tasks", &body(&json!({ "name": name }))).await.wrong_fields(&["name"]);
    }
}

#[tokio::test]
async fn a_key_that_stands_twice_is_refused_on_every_level() {
    let api = Api::start().await;
    let task = api.task("T").await;
    for (method, path, text) in [
        ("POST", "/api/v1/tasks".to_owned(), r#"{"name":"a","task_type":"script","name":"b"}"#),
        ("PATCH", path(&task), r#"{"config":{"x":{"a":1,"a":2}}}"#),
        ("PUT", format!("{}/secrets", path(&task)), r#"{"K":"hunter2","K":"hunter3"}"#),
        ("PUT", format!("{}/secrets", path(&task)), r#"{"K":"hunter2","\u004b":"hunter3"}"#),
        ("PUT", format!("{}/config", path(&task)), "{\n\"a\":\"1\",\n\"a\":\"1\"}"),
    ] {
        let answer = api.text(method, &path, text).await;
        let message = answer.refused(400, "VALIDATION_ERROR")["message"].to_string();
        assert!(message.contains("stands twice") && message.contains("line"), "{message}");
        assert!(!answer.text.contains("hunter"), "{}", answer.text);
    }
}

#[tokio::test]
async fn what_is_no_json_object_is_refused_without_being_repeated() {
    let api = Api::start().await;
    let deep = format!("{{\"config\":{}1{}}}", "[".repeat(5000), "]".repeat(5000));
    let bodies: [&[u8]; 14] = [
        b"",
        b" ",
        b"hunter2",
        b"\"hunter2\"",
        b"[{\"name\":\"hunter2\"}]",
        b"null",
        b"{\"name\":\"hunter2\"",
        b"{\"name\":\"hunter2\",}",
        b"{\"name\":\"hunter2\"} x",
        b"{name:hunter2}",
        b"{\"name\":NaN}",
        b"{\"name\":\"\\ud800\"}",
        b"{\"name\":\"\xff\xfe\"}",
        deep.as_bytes(),
    ];
    for text in bodies {
        let answer = api.text("POST", "/api/v1/tasks", text.to_vec()).await;
        answer.refused(400, "VALIDATION_ERROR");
        assert!(!answer.text.contains("hunter2") && answer.text.len() < 400, "{}", answer.text);
    }
    for kind in ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""] {
        let request =
            api.request("POST", "/api/v1/tasks").header(CONTENT_TYPE, kind).body(body(&json!({})).to_string());
        let message = answer(request).await.refused(400, "VALIDATION_ERROR")["message"].to_string();
        assert!(message.contains("application/json"), "{message}");
    }
    let request = api.request("POST", "/api/v1/tasks").header(CONTENT_TYPE, "Application/JSON; charset=utf-8");
    answer(request.body(body(&json!({})).to_string())).await.expect(201);
}
