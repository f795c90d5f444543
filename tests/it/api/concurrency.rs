//! Many requests at once.

use std::collections::HashSet;

use futures::future::join_all;
use serde_json::json;

use super::support::{Api, answer, body, path};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn twenty_creates_of_the_same_name_are_one_task() {
    let api = Api::start().await;
    let task = body(&json!({ "name": "Racing" }));
    let answers = join_all((0..20).map(|_| api.send("POST", "/api/v1/tasks", &task))).await;
    let (created, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 201);
    assert_eq!(created.len(), 1);
    let id = created[0].json()["id"].clone();
    for answer in refused {
        assert_eq!(answer.refused(409, "CONFLICT")["details"]["id"], id);
    }
    assert_eq!(api.count().await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parallel_patches_lose_nothing() {
    let api = Api::start().await;
    let task = api.task("T").await;
    let answers = join_all((0..20).map(|index| {
        let patch = json!({
            "timeout_seconds": index % 30 + 1, "secrets": { "set": { format!("KEY_{index:02}"): "v" } },
        });
        let (api, task) = (&api, &task);
        async move { api.send("PATCH", &path(task), &patch).await.expect(200).json() }
    }))
    .await;
    let revisions: HashSet<String> = answers.iter().map(|answer| answer["revision"].to_string()).collect();
    assert_eq!(revisions.len(), 20);
    let sizes: HashSet<usize> =
        answers.iter().map(|answer| answer["secret_revisions"].as_object().unwrap().len()).collect();
    assert_eq!(sizes, (1..=20).collect());
    let last = api.get(&path(&task)).await.json();
    assert_eq!(last["secret_revisions"].as_object().unwrap().len(), 20);
    assert!(answers.contains(&last));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_twenty_changes_of_one_revision_one_wins() {
    let api = Api::start().await;
    let task = api.task("T").await;
    let answers = join_all((1..=20).map(|timeout| {
        let request = api.request("PATCH", &path(&task)).header("If-Match", format!("\"{}\"", task.revision));
        answer(request.json(&json!({ "timeout_seconds": timeout })))
    }))
    .await;
    let won: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
    assert_eq!(won.len(), 1);
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        answer.refused(412, "PRECONDITION_FAILED");
    }
    assert_eq!(api.get(&path(&task)).await.text, won[0].text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn creates_changes_and_deletes_side_by_side_leave_a_whole_world() {
    let api = Api::start().await;
    join_all((0..20).map(|index| {
        let api = &api;
        async move {
            let task = api.task(&format!("task {index}")).await;
            let patch = json!({ "secrets": { "set": { "K": "v" } }, "task_config": { "k": "v" } });
            api.send("PATCH", &path(&task), &patch).await.expect(200);
            if index % 2 == 0 {
                answer(api.request("DELETE", &path(&task))).await.expect(204);
            }
        }
    }))
    .await;
    let page = api.get("/api/v1/tasks?search=task%20&include=secrets,task_config&limit=100").await.json();
    assert_eq!(page["total"], 10);
    for task in page["data"].as_array().unwrap() {
        assert_eq!(task["task_config"], json!({ "k": "v" }));
        assert!(task["secret_revisions"]["K"].is_string(), "{task}");
    }
}
