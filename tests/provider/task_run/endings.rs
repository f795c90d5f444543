//! Runs that end badly, and runs that end with much.

use justiam_sdk::api::tasks::NewTask;
use justiam_sdk::api::values::{OverlapPolicy, RunStatus};
use serde_json::json;

use super::super::world;
use super::{ADDRESS, SLOW, run_of, runs, task};

const FAILING: &str = "package task\n\nimport \"errors\"\n\nfunc Run() (string, error) { return \"\", errors.New(\"the disk is full\") }\n";

#[tokio::test]
async fn a_run_that_fails_is_an_error_and_the_next_apply_runs_the_task_again() {
    let (server, workspace) = world().await;
    let id = task(&server, FAILING).await;
    workspace.config(&run_of(id, ""));
    workspace.apply().await.fails_with(&[
        "The run of the task `Report` failed",
        "the disk is full.",
        "the next apply runs the task again",
        "terraform untaint",
    ]);
    let first = runs(&server, id).await.remove(0);
    let state = workspace.attributes(ADDRESS).unwrap();
    assert_eq!((&state["id"], &state["status"]), (&json!(first.id), &json!("error")));
    assert!(state["error"].as_str().unwrap().contains("the disk is full"), "{state}");

    // What failed is run again without another trigger, and what depends on it waits for that.
    let plan = workspace.plan_changes().await;
    assert!(plan.text.contains("is tainted, so must be replaced"), "{}", plan.text);
    workspace.apply().await.fails_with(&["The run of the task `Report` failed"]);
    assert_eq!(runs(&server, id).await.len(), 2);

    workspace.config(&run_of(id, "fail_on_error = false"));
    let said = workspace.apply().await.ok();
    let flat = said.flat();
    assert!(flat.contains("Warning: The run of the task `Report` failed"), "{}", said.text);
    assert!(!flat.contains("untaint"), "{}", said.text);
    workspace.plan_nothing().await;
    assert_eq!(runs(&server, id).await.len(), 3);
}

#[tokio::test]
async fn a_run_that_the_overlap_policy_drops_is_an_error_with_its_reason() {
    let (server, workspace) = world().await;
    let mut new = NewTask::triggered_script("Report", SLOW);
    new.overlap_policy = Some(OverlapPolicy::Skip);
    let id = server.client.tasks().create(&new).await.unwrap().id;
    let active = server.client.tasks().run(id).await.unwrap();
    let reason = format!("skipped: run {} of this task is still active.", active.id);
    // Known at once, so also where nobody waits.
    for wait in ["", "wait = false"] {
        workspace.config(&run_of(id, wait));
        workspace.apply().await.fails_with(&["The run of the task `Report` was cancelled", &reason]);
        assert_eq!(workspace.attributes(ADDRESS).unwrap()["status"], "cancelled");
    }
    workspace.config(&run_of(id, "fail_on_error = false"));
    let said = workspace.apply().await.ok();
    assert!(said.flat().contains(&reason), "{}", said.text);
    workspace.plan_nothing().await;
    server.client.runs().cancel(active.id).await.unwrap();
}

#[tokio::test]
async fn a_task_that_is_deleted_meanwhile_ends_the_wait() {
    let (server, workspace) = world().await;
    let id = task(&server, SLOW).await;
    workspace.config(&run_of(id, ""));
    let delete = async {
        justiam_tests::until("the run", async || {
            runs(&server, id).await.iter().any(|run| run.status == RunStatus::Running)
        })
        .await;
        server.client.tasks().delete(id).await.unwrap();
    };
    let (said, ()) = tokio::join!(workspace.apply(), delete);
    said.fails_with(&["The run of the task `Report` was cancelled", "deleted"]);
    assert_eq!(workspace.attributes(ADDRESS).unwrap()["status"], "cancelled");
    // Now there is nothing left to be run.
    let again = workspace.apply().await;
    again.fails_with(&[&format!("Could not run the task {id}"), "404", "task_id", "It may have been deleted."]);
}

#[tokio::test]
async fn output_is_kept_to_the_last_letter_and_without_secrets() {
    let (server, workspace) = world().await;
    // As much as a run may return, in letters of two, three and four bytes.
    let script = "package task\n\nimport \"strings\"\n\n\
                  func Run() (string, error) { return strings.Repeat(\"üか🙂\\u2028\\t\\r\\n.\", 65536), nil }\n";
    let id = task(&server, script).await;
    workspace.config(&run_of(id, ""));
    workspace.apply().await.ok();
    workspace.plan_nothing().await;
    let output = workspace.attributes(ADDRESS).unwrap()["output"].as_str().unwrap().to_owned();
    assert_eq!(output, "üか🙂\u{2028}\t\r\n.".repeat(65536));

    let script = "package task\n\nimport \"secrets\"\n\n\
                  func Run() (string, error) { return \"it is \" + secrets.Get(\"KEY\"), nil }\n";
    let mut new = NewTask::triggered_script("Talkative", script);
    new.secrets = Some([("KEY".to_owned(), "canary-5d81fa".into())].into());
    let id = server.client.tasks().create(&new).await.unwrap().id;
    workspace.config(&run_of(id, ""));
    workspace.apply().await.ok();
    let output = &workspace.attributes(ADDRESS).unwrap()["output"];
    assert_eq!(output, &json!("it is ****"));
    assert!(!workspace.state_text().contains("canary-5d81fa"));
}
