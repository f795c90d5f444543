//! A task's secrets: written, never read.

use justiam_sdk::api::secrets::SecretsPatch;
use serde_json::json;

use super::support::{Api, body, path};

#[tokio::test]
async fn a_patch_writes_and_removes_some_and_leaves_the_others_alone() {
    let api = Api::start().await;
    let task = api.task("T").await;
    let secrets = api.server.client.secrets(task.id);
    let before = secrets.replace(&["A", "B", "C"].map(|key| (key.to_owned(), "1".into())).into()).await.unwrap();
    let mut patch = SecretsPatch::new();
    patch.set = [("B".to_owned(), "2".into()), ("D".to_owned(), "4".into())].into();
    patch.remove = vec!["C".into(), "NONE".into(), "C".into()];
    let after = secrets.update(&patch).await.unwrap();
    assert_eq!(after.keys, ["A", "B", "D"]);
    assert_eq!(after.revisions["A"], before.revisions["A"]);
    assert_ne!(after.revisions["B"], before.revisions["B"]);
    assert_eq!(secrets.keys().await.unwrap(), after);
    let empty = secrets.replace(&[].into()).await.unwrap();
    assert!(empty.keys.is_empty() && empty.revisions.is_empty());
}

#[tokio::test]
async fn the_same_value_keeps_its_revision_and_that_of_the_task() {
    let api = Api::start().await;
    let task = api.task("T").await;
    let secrets = api.server.client.secrets(task.id);
    let map = [("A".to_owned(), "one".into()), ("B".to_owned(), "two".into())].into();
    let before = secrets.replace(&map).await.unwrap();
    let revision = api.get(&path(&task)).await.json()["revision"].clone();
    api.server.advance(60);
    assert_eq!(secrets.replace(&map).await.unwrap(), before);
    let mut patch = SecretsPatch::new();
    patch.set = [("A".to_owned(), "one".into())].into();
    assert_eq!(secrets.update(&patch).await.unwrap(), before);
    let after = api.get(&path(&task)).await.json();
    assert_eq!((&after["revision"], &after["updated_at"]), (&revision, &json!("2026-01-01T00:00:00Z")));
    patch.set = [("A".to_owned(), "One".into())].into();
    assert_ne!(secrets.update(&patch).await.unwrap().revisions["A"], before.revisions["A"]);
    let after = api.get(&path(&task)).await.json();
    assert_ne!(after["revision"], revision);
    assert_eq!(after["updated_at"], "2026-01-01T00:01:00Z");
}

#[tokio::test]
async fn revisions_of_a_key_are_the_same_wherever_they_are_shown() {
    let api = Api::start().await;
    let created = api.create(&body(&json!({ "secrets": { "A": "1", "B": "" } }))).await;
    let path = format!("/api/v1/tasks/{}", created["id"].as_str().unwrap());
    let keys = api.get(&format!("{path}/secrets")).await.json();
    assert_eq!(keys, json!({ "keys": ["A", "B"], "revisions": created["secret_revisions"] }));
    assert_eq!(api.get(&path).await.json()["secret_revisions"], created["secret_revisions"]);
    let listed = api.get("/api/v1/tasks?search=A%20task&include=secrets").await.json();
    assert_eq!(listed["data"][0]["secret_revisions"], created["secret_revisions"]);
}

#[tokio::test]
async fn what_is_wrong_with_secrets_is_told_by_key_and_never_by_value() {
    let api = Api::start().await;
    let task = api.task("T").await;
    let path = format!("{}/secrets", path(&task));
    let wrong = json!({ "A": 1, "B": null, "C": ["hunter2"], "D": { "x": "hunter2" }, "E": true, "F": "fine" });
    api.send("PUT", &path, &wrong).await.wrong_fields(&["A", "B", "C", "D", "E"]);
    let change = json!({ "set": { "A": 1 }, "remove": ["B", 2], "other": "hunter2" });
    api.send("PATCH", &path, &change).await.wrong_fields(&["set.A", "remove[1]", "other"]);
    let both = json!({ "set": { "A": "1" }, "remove": ["A"] });
    api.send("PATCH", &path, &both).await.wrong_fields(&["remove[0]"]);
    api.send("PATCH", &path, &json!({ "set": [], "remove": "A" })).await.wrong_fields(&["set", "remove"]);
    let nested = json!({ "secrets": { "set": { "A": { "hunter2": 1 } }, "remove": [null], "x": 1 } });
    let answer = api.send("PATCH", path.trim_end_matches("/secrets"), &nested).await;
    answer.wrong_fields(&["secrets.set.A", "secrets.remove[0]", "secrets.x"]);
    assert!(!answer.text.contains("hunter2"), "{}", answer.text);
    assert_eq!(api.get(&path).await.json()["keys"], json!([]));
}

#[tokio::test]
async fn keys_are_texts_of_any_script_but_no_control_characters() {
    let api = Api::start().await;
    let task = api.task("T").await;
    let path = format!("{}/secrets", path(&task));
    let good = json!({ "ключ 🔑": "1", "a.b/c": "2", " ": "3", "Key": "4", "key": "5" });
    assert_eq!(api.send("PUT", &path, &good).await.expect(200).json()["keys"].as_array().unwrap().len(), 5);
    for wrong in ["", "a\nb", "\0", "tab\t"] {
        api.send("PUT", &path, &json!({ wrong: "1" })).await.wrong_fields(&[wrong]);
    }
}

#[tokio::test]
async fn values_reach_a_script_byte_for_byte() {
    let api = Api::start().await;
    let value = "line\r\n\u{1}\u{2028} ü🦀\"\\ ";
    let source = "package task\nimport (\n\"fmt\"\n\"secrets\"\n)\n\
        func Run() (string, error) { return fmt.Sprint([]byte(secrets.Get(`K`))), nil }";
    let created = api.create(&body(&json!({ "script": source, "secrets": { "K": value } }))).await;
    let run = api.server.client.tasks().run(created["id"].as_str().unwrap().parse().unwrap()).await.unwrap();
    let run = api.server.ended(run.id).await;
    let bytes = format!("{:?}", value.as_bytes()).replace(',', "");
    assert_eq!(run.output, Some(bytes), "{:?}", run.error);
}
