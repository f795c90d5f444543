//! Runs that the history keeps only for a while, and runs that others have made.

use justiam_server::config::History;
use justiam_tests::server::TestServer;
use justiam_tests::terraform::Workspace;
use justiam_tests::until;
use serde_json::json;

use super::super::{SCRIPT, world};
use super::{ADDRESS, run_of, runs, task};

#[tokio::test]
async fn a_run_that_is_not_in_the_history_any_more_is_no_drift() {
    let server = TestServer::start_with(|config| config.history = History { days: 1 }).await;
    let mut workspace = Workspace::new(&server.endpoint, &server.token);
    let id = task(&server, SCRIPT).await;
    // One whose end the state knows, and one whose end it does not.
    let config = format!("{}{}", run_of(id, ""), run_of(id, "wait = false").replace("\"r\"", "\"early\""));
    workspace.config(&config);
    workspace.apply().await.ok();
    let early = workspace.attributes("justiam_task_run.early").unwrap();
    let mine = runs(&server, id).await;
    for run in &mine {
        server.ended(run.id).await;
    }
    // The newest of a task is kept.
    let newest = server.client.tasks().run(id).await.unwrap();
    server.ended(newest.id).await;
    server.advance(2 * 86_400);
    let server = server.restart_with(|config| config.history = History { days: 1 }).await;
    until("the old runs to go", async || runs(&server, id).await.len() == 1).await;

    workspace.variable("JUSTIAM_ENDPOINT", &server.endpoint);
    workspace.plan_nothing().await;
    workspace.run(&["refresh", "-no-color"]).await.ok();
    assert_eq!(workspace.attributes(ADDRESS).unwrap()["output"], "done");
    assert_eq!(workspace.attributes("justiam_task_run.early").unwrap(), early);
    assert_eq!(runs(&server, id).await.len(), 1);
}

#[tokio::test]
async fn a_run_is_imported_by_its_id_and_its_triggers_are_only_remembered() {
    let (server, workspace) = world().await;
    let id = task(&server, SCRIPT).await;
    let run = server.client.tasks().run(id).await.unwrap();
    server.ended(run.id).await;
    workspace.config(&run_of(id, "triggers = { version = \"1\" }"));
    workspace.run(&["import", "-no-color", ADDRESS, &run.id.to_string()]).await.ok();
    let state = workspace.attributes(ADDRESS).unwrap();
    assert_eq!((&state["task_id"], &state["output"], &state["triggers"]), (&json!(id), &json!("done"), &json!(null)));
    let plan = workspace.plan_changes().await;
    assert!(plan.text.contains("0 to add, 1 to change, 0 to destroy"), "{}", plan.text);
    workspace.apply().await.ok();
    workspace.plan_nothing().await;
    assert_eq!(runs(&server, id).await.len(), 1);
    // From now on they count.
    workspace.config(&run_of(id, "triggers = { version = \"2\" }"));
    let plan = workspace.plan_changes().await;
    assert!(plan.text.contains("1 to add, 0 to change, 1 to destroy"), "{}", plan.text);

    workspace.run(&["state", "rm", ADDRESS]).await.ok();
    workspace.config(&format!("import {{\n  to = {ADDRESS}\n  id = \"{}\"\n}}\n{}", run.id, run_of(id, "")));
    let plan = workspace.plan_changes().await;
    assert!(plan.text.contains("1 to import, 0 to add, 0 to change, 0 to destroy"), "{}", plan.text);
    workspace.apply().await.ok();
    workspace.plan_nothing().await;

    let import = async |id: &str| workspace.run(&["import", "-no-color", "justiam_task_run.other", id]).await;
    workspace.config(&format!("{}{}", run_of(id, ""), run_of(id, "").replace("\"r\"", "\"other\"")));
    import("newest").await.fails_with(&["Could not import the run `newest`", "imported by its id, a UUID"]);
    import("01890000-0000-7000-8000-000000000000").await.fails_with(&["Could not import the run", "404"]);
}
