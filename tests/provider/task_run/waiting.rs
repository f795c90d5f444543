//! How long it waits, and what interrupts that.

use std::time::Duration;

use justiam_sdk::api::values::RunStatus;
use justiam_tests::faults::{Fault, Faults};
use justiam_tests::terraform::said;
use justiam_tests::{soon, until};
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::json;

use super::super::{SCRIPT, world};
use super::{ADDRESS, SLOW, run_of, runs, task};

#[tokio::test]
async fn a_run_that_takes_too_long_goes_on_and_is_seen_later() {
    let (server, workspace) = world().await;
    let id = task(&server, SLOW).await;
    workspace.config(&run_of(id, "timeout_seconds = 1"));
    workspace.apply().await.fails_with(&[
        "Still running after 1 s: the run",
        "Terraform has stopped waiting",
        "untaint",
    ]);
    workspace.run(&["untaint", ADDRESS]).await.ok();
    // It is an active run in the state, of which nobody knows yet how it ends.
    workspace.plan_nothing().await;
    let active = runs(&server, id).await.remove(0);
    assert_eq!(workspace.attributes(ADDRESS).unwrap()["status"], "running");
    server.client.runs().cancel(active.id).await.unwrap();
    workspace.run(&["refresh", "-no-color"]).await.ok();
    assert_eq!(workspace.attributes(ADDRESS).unwrap()["status"], "cancelled");
    workspace.plan_nothing().await;
    assert_eq!(runs(&server, id).await.len(), 1);
}

#[tokio::test]
async fn without_waiting_two_runs_go_on_at_once_and_refreshes_tell_how() {
    let (server, workspace) = world().await;
    let id = task(&server, SLOW).await;
    let config = "wait = false\ncount = 2";
    workspace.config(&run_of(id, config));
    workspace.apply().await.ok();
    let active = runs(&server, id).await;
    assert_eq!(active.len(), 2);
    let states = || workspace.state_text();
    assert!(active.iter().all(|run| states().contains(&run.id.to_string())));
    workspace.plan_nothing().await;
    for run in active {
        server.client.runs().cancel(run.id).await.unwrap();
    }
    workspace.run(&["refresh", "-no-color"]).await.ok();
    assert_eq!(states().matches("\"status\": \"cancelled\"").count(), 2, "{}", states());
    workspace.plan_nothing().await;
}

#[tokio::test]
async fn u33_ctrl_c_ends_the_wait_at_once_and_the_run_goes_on() {
    let (server, workspace) = world().await;
    let id = task(&server, SLOW).await;
    workspace.config(&run_of(id, ""));
    let mut command = workspace.command(&["apply", "-input=false", "-no-color", "-auto-approve"]);
    let apply = command.process_group(0).spawn().unwrap();
    until("the run", async || runs(&server, id).await.iter().any(|run| run.status == RunStatus::Running)).await;
    let group = Pid::from_raw(apply.id().unwrap().try_into().unwrap()).unwrap();
    kill_process_group(group, Signal::INT).unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(10), apply.wait_with_output()).await;
    let said = said(&ended.expect("the apply should end long before the run").unwrap());
    let said = said.fails_with(&["Interrupted while waiting", "and goes on without Terraform", "untaint"]);
    let run = runs(&server, id).await.remove(0);
    assert_eq!(
        (run.status, workspace.attributes(ADDRESS).unwrap()["id"].clone()),
        (RunStatus::Running, json!(run.id)),
        "{}",
        said.text
    );
    server.client.runs().cancel(run.id).await.unwrap();
}

#[tokio::test]
async fn u34_a_trigger_whose_answer_got_lost_runs_the_task_once() {
    let (server, mut workspace) = world().await;
    let faults = Faults::start(&server.endpoint).await;
    workspace.variable("JUSTIAM_ENDPOINT", &faults.endpoint);
    let id = task(&server, SCRIPT).await;
    workspace.config(&run_of(id, ""));
    faults.inject("POST", "/run", 2, Fault::LostAnswer);
    workspace.apply().await.ok();
    assert_eq!((faults.hit(), runs(&server, id).await.len()), (2, 1));
    workspace.plan_nothing().await;
}

#[tokio::test]
async fn a_server_that_is_away_for_a_while_does_not_end_the_wait() {
    let (server, mut workspace) = world().await;
    let faults = Faults::start(&server.endpoint).await;
    workspace.variable("JUSTIAM_ENDPOINT", &faults.endpoint);
    workspace.variable("JUSTIAM_MAX_RETRIES", "0");
    let id = task(&server, SCRIPT).await;
    workspace.config(&run_of(id, ""));
    faults.inject("GET", "/task-runs/", 2, Fault::Reset);
    faults.inject("GET", "/task-runs/", 2, Fault::html(502));
    faults.inject("GET", "/task-runs/", 1, Fault::problem(503, "SERVICE_UNAVAILABLE", "the database is away"));
    workspace.apply().await.ok();
    assert_eq!((faults.hit(), runs(&server, id).await.len()), (5, 1));

    // What will not pass ends it, and the run is not lost.
    faults.inject("GET", "/task-runs/", 1, Fault::problem(403, "FORBIDDEN", "this token may not look"));
    workspace.config(&run_of(id, "triggers = { n = 2 }"));
    workspace.apply().await.fails_with(&["Could not see how the run", "403: this token may not look."]);
    let newest = runs(&server, id).await.remove(0).id;
    assert_eq!(workspace.attributes(ADDRESS).unwrap()["id"], json!(newest));
    let _ = soon("its end", server.ended(newest)).await;

    // Nor does it go on for ever. What the state says of the run before is of no interest here.
    faults.inject("GET", "/task-runs/", 1000, Fault::Reset);
    workspace.config(&run_of(id, "triggers = { n = 3 }\ntimeout_seconds = 1"));
    let said = workspace.run(&["apply", "-no-color", "-auto-approve", "-refresh=false"]).await;
    said.fails_with(&["Could not see how the run", "Is the server running"]);
    faults.heal();
}
