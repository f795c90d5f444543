//! Secrets: what is written, what is shown, what is seen.

use std::fs;

use justiam_sdk::api::secrets::SecretsPatch;
use justiam_tests::server::TestServer;
use justiam_tests::terraform::Workspace;

use super::{ADDRESS, SCRIPT, task, world};

const CANARY: &str = "canary-4f9d1c";

async fn with_secrets() -> (TestServer, Workspace, justiam_sdk::api::ids::TaskId) {
    let (server, workspace) = world().await;
    workspace.file("task.go", SCRIPT);
    workspace.config(&task(&format!("secrets = {{ A = \"{CANARY}\", B = \"bbbb\" }}")));
    workspace.apply().await.ok();
    let id = workspace.attributes(ADDRESS).unwrap()["id"].as_str().unwrap().parse().unwrap();
    (server, workspace, id)
}

#[tokio::test]
async fn values_are_shown_nowhere_but_in_the_state() {
    let (server, mut workspace) = world().await;
    workspace.file("task.go", SCRIPT);
    workspace.config(&task(&format!("secrets = {{ A = \"{CANARY}\" }}")));
    // The most talkative log that there is, provider included.
    let log = workspace.path().join("trace.log");
    workspace.variable("TF_LOG", "TRACE");
    workspace.variable("TF_LOG_PATH", log.to_str().unwrap());
    let said = [
        workspace.plan_changes().await,
        workspace.apply().await.ok(),
        workspace.run(&["show", "-no-color"]).await.ok(),
        workspace.destroy().await.ok(),
    ];
    for said in said {
        assert!(!said.text.contains(CANARY), "{}", said.text);
    }
    let trace = fs::read_to_string(log).unwrap();
    assert!(trace.contains("justiam"), "the log is empty, so it proves nothing");
    assert!(!trace.contains(CANARY));
    drop(server);
}

#[tokio::test]
async fn a_rotated_value_is_the_only_thing_that_is_sent() {
    let (server, workspace, id) = with_secrets().await;
    let before = server.client.secrets(id).keys().await.unwrap();
    workspace.config(&task(&format!("secrets = {{ A = \"{CANARY}\", B = \"rotated\" }}")));
    let plan = workspace.plan_changes().await;
    assert!(plan.text.contains("(sensitive value)"), "{}", plan.text);
    workspace.apply().await.ok();
    workspace.plan_nothing().await;
    let after = server.client.secrets(id).keys().await.unwrap();
    assert_eq!(after.revisions["A"], before.revisions["A"]);
    assert_ne!(after.revisions["B"], before.revisions["B"]);
}

#[tokio::test]
async fn a_key_that_is_no_longer_configured_is_removed() {
    let (server, workspace, id) = with_secrets().await;
    workspace.config(&task("secrets = { B = \"bbbb\" }"));
    workspace.apply().await.ok();
    workspace.plan_nothing().await;
    assert_eq!(server.client.secrets(id).keys().await.unwrap().keys, ["B"]);
    workspace.config(&task(""));
    workspace.apply().await.ok();
    workspace.plan_nothing().await;
    assert!(server.client.secrets(id).keys().await.unwrap().keys.is_empty());
}

#[tokio::test]
async fn drift_of_a_single_key_is_seen_and_only_that_key_is_written() {
    let (server, workspace, id) = with_secrets().await;
    let secrets = server.client.secrets(id);
    let mine = secrets.keys().await.unwrap();

    let mut changed = SecretsPatch::new();
    changed.set.insert("B".into(), "theirs".into());
    let mut removed = SecretsPatch::new();
    removed.remove.push("B".into());
    let mut added = SecretsPatch::new();
    added.set.insert("C".into(), "theirs".into());
    for drift in [changed, removed, added] {
        secrets.update(&drift).await.unwrap();
        let plan = workspace.plan_changes().await;
        assert!(plan.text.contains("0 to add, 1 to change, 0 to destroy"), "{}", plan.text);
        assert!(plan.text.contains("~ secret_revisions"), "{}", plan.text);
        assert!(plan.text.contains("Secrets were changed outside Terraform"), "{}", plan.text);
        workspace.apply().await.ok();
        workspace.plan_nothing().await;
        let repaired = secrets.keys().await.unwrap();
        assert_eq!(repaired.keys, ["A", "B"]);
        assert_eq!(repaired.revisions["A"], mine.revisions["A"]);
    }
}

#[tokio::test]
async fn secrets_that_are_not_configured_are_left_to_others() {
    let (server, workspace) = world().await;
    workspace.file("task.go", SCRIPT);
    workspace.config(&task(""));
    workspace.apply().await.ok();
    let task_id = server.client.tasks().find("Task").await.unwrap().unwrap().id;
    server.client.secrets(task_id).replace(&[("X".to_owned(), "theirs".into())].into()).await.unwrap();
    workspace.plan_nothing().await;
    workspace.config(&task("description = \"changed\""));
    workspace.apply().await.ok();
    assert_eq!(server.client.secrets(task_id).keys().await.unwrap().keys, ["X"]);
}

#[tokio::test]
async fn a_script_gets_the_values_that_were_applied() {
    let (server, workspace) = world().await;
    let script = "package task\nimport \"secrets\"\nfunc Run() (string, error) { return secrets.Get(\"A\")[:3] + secrets.Get(\"none\"), nil }";
    workspace.file("task.go", script);
    for value in ["one-value", "two-value"] {
        workspace.config(&task(&format!("secrets = {{ A = \"{value}\" }}")));
        workspace.apply().await.ok();
        let id = server.client.tasks().find("Task").await.unwrap().unwrap().id;
        let run = server.client.tasks().run(id).await.unwrap();
        assert_eq!(server.ended(run.id).await.output.as_deref(), Some(&value[..3]));
    }
}
