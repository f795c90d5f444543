//! Import by id and by name.

use justiam_sdk::api::tasks::NewTask;
use serde_json::json;

use super::{ADDRESS, SCRIPT, task, world};

fn import_block(id: &str) -> String {
    format!("import {{\n  to = {ADDRESS}\n  id = \"{id}\"\n}}\n")
}

#[tokio::test]
async fn a_task_is_imported_by_id_or_name_and_then_nothing_is_left_to_change() {
    let (server, workspace) = world().await;
    workspace.file("task.go", SCRIPT);
    let mut new = NewTask::cron_script("Task", "0 3 * * *", SCRIPT);
    new.description = Some("d".into());
    new.config = Some(json!({ "a": [1] }));
    new.task_config = Some([("k".into(), "v".into())].into());
    let id = server.client.tasks().create(&new).await.unwrap().id;
    let config = task("description = \"d\"\nconfig = jsonencode({ a = [1] })\ntask_config = { k = \"v\" }");
    for import in [id.to_string(), "Task".to_owned()] {
        workspace.config(&format!("{}{config}", import_block(&import)));
        let said = workspace.apply().await.ok();
        assert!(said.text.contains("1 imported, 0 added, 0 changed, 0 destroyed"), "{}", said.text);
        workspace.plan_nothing().await;
        workspace.run(&["state", "rm", ADDRESS]).await.ok();
    }
    // The command does the same as the block.
    workspace.config(&config);
    workspace.run(&["import", "-input=false", "-no-color", ADDRESS, "Task"]).await.ok();
    workspace.plan_nothing().await;
}

#[tokio::test]
async fn what_cannot_be_imported_says_why() {
    let (server, workspace) = world().await;
    workspace.file("task.go", SCRIPT);
    for (id, texts) in [
        ("0199f2a6-0000-7000-8000-000000000001", ["Could not import", "there is no task"]),
        ("Nobody", ["no task with the name `Nobody`", "its id (a UUID) or its exact name"]),
        ("audit_log_cleanup", ["built-in task", "cannot be managed"]),
    ] {
        workspace.config(&format!("{}{}", import_block(id), task("")));
        workspace.plan().await.fails_with(&texts);
    }
    drop(server);
}

#[tokio::test]
async fn a_name_that_is_taken_prints_an_import_block_that_works() {
    let (server, workspace) = world().await;
    workspace.file("task.go", SCRIPT);
    let id = server.client.tasks().create(&NewTask::cron_script("Task", "5 5 * * *", SCRIPT)).await.unwrap().id;
    workspace.config(&task(""));
    let said = workspace.apply().await.fails_with(&["exists already", "import {", &format!("id = \"{id}\"")]);
    // Pasted in as it was printed, but for the frame around it and the resource's own name.
    let lines: Vec<&str> = said.text.lines().map(|line| line.trim_start_matches(['│', ' '])).collect();
    let start = lines.iter().position(|line| line.starts_with("import {")).unwrap();
    let block = lines[start..start + 4].join("\n").replace("justiam_scheduled_task.this", ADDRESS);
    workspace.config(&format!("{block}\n{}", task("")));
    let said = workspace.apply().await.ok();
    assert!(said.text.contains("1 imported, 0 added, 1 changed, 0 destroyed"), "{}", said.text);
    workspace.plan_nothing().await;
}
