//! Whether a task's secrets have the values that a caller knows.

use justiam_sdk::api::secrets::{MAX_KEYS, MAX_VALUE};
use justiam_server::app::caller::Permission;
use serde_json::{Map, Value, json};

use super::support::{Api, NOBODY, answer, body, path};

#[tokio::test]
async fn each_key_is_told_by_itself_and_one_that_is_not_there_differs() {
    let api = Api::start().await;
    let created = api.create(&body(&json!({ "secrets": { "A": "one", "B": "two", "empty": "" } }))).await;
    let id = created["id"].as_str().unwrap().parse().unwrap();
    let secrets = api.server.client.secrets(id);
    let given = [("A", "one"), ("B", "TWO"), ("empty", ""), ("C", ""), ("a", "one")];
    let told = secrets.compare(&given.map(|(key, value)| (key.to_owned(), value.into())).into()).await.unwrap();
    let expected = [("A", true), ("B", false), ("C", false), ("a", false), ("empty", true)];
    assert_eq!(told, expected.map(|(key, same)| (key.to_owned(), same)).into());
    assert_eq!(secrets.compare(&[].into()).await.unwrap(), [].into());
    // Nothing has changed by that.
    assert_eq!(api.get(&format!("/api/v1/tasks/{id}")).await.json(), created);
}

#[tokio::test]
async fn a_comparison_is_on_record_with_the_keys_that_there_are_and_no_value() {
    let api = Api::start().await;
    let task = api.create(&body(&json!({ "secrets": { "A": "hunter2" } }))).await;
    let path = format!("/api/v1/tasks/{}/secrets/compare", task["id"].as_str().unwrap());
    api.send("POST", &path, &json!({ "B": "x", "A": "hunter2" })).await.expect(200);
    let log = api.get("/api/v1/audit-log?action=secrets.compare").await;
    let entry = &log.json()["data"][0];
    assert_eq!(entry["details"], json!({ "keys": ["A"], "more_keys": 0, "unknown_keys": 1 }));
    assert_eq!((&entry["object_id"], &entry["object_kind"]), (&task["id"], &json!("task")));
    assert!(!log.text.contains("hunter2"), "{}", log.text);
}

#[tokio::test]
async fn a_comparison_of_many_keys_names_a_hundred_of_them_on_record() {
    let api = Api::start().await;
    let keys = |first: usize, count: usize| -> Map<String, Value> {
        (first..first + count).map(|number| (format!("K{number:03}"), json!("v"))).collect()
    };
    let task = api.create(&body(&json!({ "secrets": keys(0, 120) }))).await;
    let path = format!("/api/v1/tasks/{}/secrets/compare", task["id"].as_str().unwrap());
    api.send("POST", &path, &Value::Object(keys(10, 600))).await.expect(200);
    let log = api.get("/api/v1/audit-log?action=secrets.compare").await.json();
    let details = &log["data"][0]["details"];
    let named: Vec<String> = (10..110).map(|number| format!("K{number:03}")).collect();
    assert_eq!(*details, json!({ "keys": named, "more_keys": 10, "unknown_keys": 490 }));
    // A thousand keys a minute, in however many requests.
    let refused = api.send("POST", &path, &Value::Object(keys(0, 401))).await;
    let problem = refused.refused(429, "TOO_MANY_REQUESTS");
    assert!(problem["message"].as_str().unwrap().contains("1000 keys in all"), "{problem}");
    api.send("POST", &path, &Value::Object(keys(0, 400))).await.expect(200);
}

#[tokio::test]
async fn keys_and_values_have_the_limits_of_secrets() {
    let api = Api::start().await;
    let task = api.task("T").await;
    let path = format!("{}/secrets/compare", path(&task));
    let most: Map<String, Value> = (0..MAX_KEYS).map(|number| (format!("K{number}"), json!("v"))).collect();
    let told = api.send("POST", &path, &Value::Object(most.clone())).await.expect(200).json();
    assert_eq!(told.as_object().unwrap().len(), MAX_KEYS);
    let mut more = most;
    more.insert("more".into(), json!("v"));
    api.send("POST", &path, &Value::Object(more)).await.wrong_fields(&["secrets"]);
    let wrong = json!({ "A": 1, "B": null, "C": "x".repeat(MAX_VALUE + 1), "D": "x".repeat(MAX_VALUE), "": "v" });
    api.send("POST", &path, &wrong).await.wrong_fields(&["", "A", "B", "C"]);
    let nowhere = format!("/api/v1/tasks/{NOBODY}/secrets/compare");
    api.send("POST", &nowhere, &json!({ "A": "v" })).await.refused(404, "NOT_FOUND");
}

#[tokio::test]
async fn guessing_is_slowed_down_for_each_caller_and_task() {
    let api = Api::start().await;
    let (task, other) = (api.task("T").await, api.task("U").await);
    let path = |task| format!("{}/secrets/compare", path(task));
    let guess = json!({ "A": "v" });
    for _ in 0..30 {
        api.send("POST", &path(&task), &guess).await.expect(200);
    }
    let refused = api.send("POST", &path(&task), &guess).await;
    let problem = refused.refused(429, "TOO_MANY_REQUESTS");
    assert!(problem["message"].as_str().unwrap().contains("30 times a minute"), "{problem}");
    let pause: i64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&pause), "{pause}");
    api.send("POST", &path(&other), &guess).await.expect(200);
    let someone = api.server.token_with(&[Permission::SecretsWrite]).await;
    answer(api.anonymous("POST", &path(&task)).bearer_auth(someone).json(&guess)).await.expect(200);
    // A token of the caller's own making counts as the caller.
    let short = api.send("POST", "/api/v1/me/tokens/short", &json!({ "ttl_seconds": 3600 })).await.expect(201).json();
    let short = short["token"].as_str().unwrap();
    let request = || api.anonymous("POST", &path(&task)).bearer_auth(short).json(&guess);
    answer(request()).await.refused(429, "TOO_MANY_REQUESTS");
    api.server.advance(60);
    answer(request()).await.expect(200);
}
