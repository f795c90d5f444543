//! `justiam_task_run` under the real Terraform.

mod endings;
mod history;
mod waiting;

use futures::TryStreamExt as _;
use justiam_sdk::api::ids::TaskId;
use justiam_sdk::api::runs::Run;
use justiam_sdk::api::tasks::NewTask;
use justiam_tests::server::TestServer;
use serde_json::json;

use super::{SCRIPT, world};

/// The address of the run that [`run_of`] configures.
const ADDRESS: &str = "justiam_task_run.r";

/// A run of this task, with more attributes.
fn run_of(task: TaskId, more: &str) -> String {
    format!("resource \"justiam_task_run\" \"r\" {{\n  task_id = \"{task}\"\n{more}\n}}\n")
}

/// A task with this script that only a trigger runs.
async fn task(server: &TestServer, script: &str) -> TaskId {
    server.client.tasks().create(&NewTask::triggered_script("Report", script)).await.unwrap().id
}

/// A script that is at work for longer than any test.
const SLOW: &str = "package task\n\nimport \"time\"\n\nfunc Run() (string, error) { time.Sleep(29 * time.Second); return \"\", nil }\n";

/// The runs of a task, newest first.
async fn runs(server: &TestServer, task: TaskId) -> Vec<Run> {
    server.client.tasks().runs(task).try_collect().await.unwrap()
}

#[tokio::test]
async fn a_task_is_run_at_create_and_when_its_triggers_change_and_not_otherwise() {
    let (server, workspace) = world().await;
    let id = task(&server, SCRIPT).await;
    workspace.config(&run_of(id, "triggers = { a = \"1\", b = \"2\" }"));
    let plan = workspace.plan_changes().await;
    assert!(plan.text.contains("1 to add, 0 to change, 0 to destroy"), "{}", plan.text);
    workspace.apply().await.ok();
    workspace.plan_nothing().await;
    let run = runs(&server, id).await.remove(0);
    assert_eq!(
        workspace.attributes(ADDRESS).unwrap(),
        json!({
            "id": run.id, "task_id": id, "triggers": { "a": "1", "b": "2" }, "wait": true, "fail_on_error": true,
            "timeout_seconds": 300, "status": "success", "trigger": "manual", "output": "done", "error": null, "reason": null,
            "queued_at": "2026-01-01T00:00:00Z", "started_at": "2026-01-01T00:00:00Z", "finished_at": "2026-01-01T00:00:00Z",
            "duration_ms": 0,
        })
    );

    // Another order is no other map, and how to wait is nothing that a run could have been told.
    workspace.config(&run_of(id, "triggers = { b = \"2\", a = \"1\" }"));
    workspace.plan_nothing().await;
    workspace.config(&run_of(
        id,
        "triggers = { b = \"2\", a = \"1\" }\nwait = false\nfail_on_error = false\ntimeout_seconds = 5",
    ));
    let plan = workspace.plan_changes().await;
    assert!(plan.text.contains("0 to add, 1 to change, 0 to destroy"), "{}", plan.text);
    assert!(!plan.text.contains("known after apply"), "{}", plan.text);
    workspace.apply().await.ok();
    assert_eq!(runs(&server, id).await.len(), 1);

    workspace.config(&run_of(id, "triggers = { a = \"1\", b = \"3\" }"));
    let plan = workspace.plan_changes().await;
    assert!(plan.text.contains("1 to add, 0 to change, 1 to destroy"), "{}", plan.text);
    assert!(plan.text.contains("\"2\" -> \"3\""), "{}", plan.text);
    workspace.apply().await.ok();
    workspace.plan_nothing().await;
    let again = runs(&server, id).await;
    assert_eq!(again.len(), 2);
    assert_eq!(workspace.attributes(ADDRESS).unwrap()["id"], json!(again[0].id));

    // Destroyed is forgotten; what was done stays in the history.
    workspace.destroy().await.ok();
    assert_eq!(runs(&server, id).await, again);
}

#[tokio::test]
async fn triggers_and_tasks_that_are_known_only_at_apply_work() {
    let (server, workspace) = world().await;
    workspace.file("task.go", SCRIPT);
    let config = |version: u32| {
        format!(
            "{}resource \"terraform_data\" \"version\" {{\n  input = \"{version}\"\n}}\n\
             resource \"justiam_task_run\" \"r\" {{\n  task_id = justiam_scheduled_task.t.id\n  \
             triggers = {{ version = terraform_data.version.output }}\n}}\n\
             output \"said\" {{\n  value = justiam_task_run.r.output\n}}\n",
            super::task("enabled = false")
        )
    };
    workspace.config(&config(1));
    // A disabled task can be run as well.
    let said = workspace.apply().await.ok();
    assert!(said.text.contains("said = \"done\""), "{}", said.text);
    workspace.plan_nothing().await;
    let id = server.client.tasks().find("Task").await.unwrap().unwrap().id;
    workspace.config(&config(2));
    workspace.apply().await.ok();
    workspace.plan_nothing().await;
    assert_eq!(runs(&server, id).await.len(), 2);
}

#[tokio::test]
async fn mistakes_are_found_when_terraform_plans() {
    let (_server, workspace) = world().await;
    workspace.config("resource \"justiam_task_run\" \"r\" {\n  task_id = \"Report\"\n  timeout_seconds = 0\n}\n");
    workspace.plan().await.fails_with(&["Invalid id", "task_id", "timeout_seconds", "from 1 to 86400"]);
}
