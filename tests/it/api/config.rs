//! A task's config entries.

use serde_json::json;

use super::support::{Api, path};

#[tokio::test]
async fn a_put_replaces_all_entries_and_they_are_part_of_the_task() {
    let api = Api::start().await;
    let task = api.task("T").await;
    let config = api.server.client.config(task.id);
    let entries = [("a".to_owned(), "1".to_owned()), ("b".to_owned(), "x, y".to_owned())].into();
    assert_eq!(config.replace(&entries).await.unwrap(), entries);
    assert_eq!(config.get().await.unwrap(), entries);
    assert_eq!(api.get(&path(&task)).await.json()["task_config"], json!({ "a": "1", "b": "x, y" }));
    let fewer = [("b".to_owned(), String::new())].into();
    config.replace(&fewer).await.unwrap();
    assert_eq!(config.get().await.unwrap(), fewer);
}

#[tokio::test]
async fn entries_are_part_of_the_revision() {
    let api = Api::start().await;
    let task = api.task("T").await;
    let config = api.server.client.config(task.id);
    let entries = [("a".to_owned(), "1".to_owned())].into();
    config.replace(&entries).await.unwrap();
    let changed = api.get(&path(&task)).await.json();
    assert_ne!(changed["revision"], task.revision);
    api.server.advance(1);
    config.replace(&entries).await.unwrap();
    assert_eq!(api.get(&path(&task)).await.json(), changed);
}

#[tokio::test]
async fn what_is_wrong_with_entries_is_told_by_key() {
    let api = Api::start().await;
    let task = api.task("T").await;
    let config = format!("{}/config", path(&task));
    let wrong = json!({ "a": 1, "b": null, "c": [], "": "x", "d\n": "x", "fine": "x" });
    api.send("PUT", &config, &wrong).await.wrong_fields(&["a", "b", "c", "", "d\n"]);
    let wrong = json!({ "task_config": { "a": 1, "d\n": "x" } });
    api.send("PATCH", &path(&task), &wrong).await.wrong_fields(&["task_config.a", "task_config.d\n"]);
    assert_eq!(api.get(&config).await.json(), json!({ "config": {} }));
}
