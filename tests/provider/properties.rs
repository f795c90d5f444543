//! What holds for any configuration: once it is applied nothing is left to do, also after the state was lost and the objects were imported.

mod random;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use futures::TryStreamExt as _;
use justiam_sdk::api::schedules::{Schedule, ScheduleQuery};
use justiam_sdk::api::tasks::{Task, TaskQuery};
use justiam_tests::faults::Faults;
use justiam_tests::server::TestServer;
use justiam_tests::terraform::Workspace;
use serde_json::{Value as Json, json};

use super::plans::planned;
use super::world;
use random::{Configuration, configurations};

/// The same configurations each time. Another number makes others.
const SEED: u64 = 20_260_101;
const CONFIGURATIONS: usize = 12;
const KINDS: [&str; 2] = ["justiam_scheduled_task", "justiam_schedule"];

#[tokio::test]
async fn u26_any_configuration_is_applied_and_imported_without_anything_left_to_do() {
    let all = configurations(SEED, CONFIGURATIONS);
    // Two at a time, as the machine of a test has two cores.
    let (left, right) = all.split_at(CONFIGURATIONS / 2);
    tokio::join!(each(left, 0), each(right, CONFIGURATIONS / 2));
}

#[expect(clippy::print_stdout, reason = "the output of a test that failed says which configuration it was")]
async fn each(configurations: &[Configuration], first: usize) {
    let (server, mut workspace) = world().await;
    let faults = Faults::start(&server.endpoint).await;
    workspace.variable("JUSTIAM_ENDPOINT", &faults.endpoint);
    workspace.config("");
    for (at, configuration) in configurations.iter().enumerate() {
        // Which one it was is in the output of a test that failed.
        println!("seed {SEED}, configuration {}: {:#}", first + at, configuration.json());
        one(&server, &faults, &workspace, configuration).await;
    }
}

async fn one(server: &TestServer, faults: &Faults, workspace: &Workspace, configuration: &Configuration) {
    let file = |imports: &[Json]| {
        let mut all = configuration.json();
        if !imports.is_empty() {
            all["import"] = json!(imports);
        }
        // In lines, so that Terraform shows the one that it means.
        workspace.file("objects.tf.json", &format!("{all:#}"));
    };
    // Over what the configuration before has left: objects of the same name change in place.
    file(&[]);
    let said = workspace.apply().await;
    if said.text.contains("A new task needs its secrets") {
        // Another type replaces the task, and a new one has no secrets to leave as they are.
        workspace.file("objects.tf.json", "{}");
        workspace.apply().await.ok();
        file(&[]);
        workspace.apply().await.ok();
    } else {
        said.ok();
    }
    workspace.plan_nothing().await;

    let before = states(workspace);
    let revisions = revisions(server).await;
    fs::remove_file(workspace.path().join("terraform.tfstate")).unwrap();
    let imports = before.iter().map(|(address, state)| json!({ "to": address, "id": state["id"] }));
    file(&imports.collect::<Vec<_>>());
    for (address, (action, names)) in planned(workspace).await {
        assert_eq!(action, "update", "{address}: {names:?}");
        let allowed = configuration.open_after_an_import(&address);
        assert!(names.is_subset(&allowed), "{address}: {names:?} would change, and only {allowed:?} may");
    }
    faults.take();
    workspace.run(&["apply", "-input=false", "-no-color", "planned"]).await.ok();
    // A schedule with a password is sent, as nobody else can tell whether that is the same. Questions about secrets change nothing.
    let sent = faults.take().into_iter().filter(|seen| {
        seen.method != "GET"
            && !seen.target.ends_with("/secrets/compare")
            && !(seen.method == "PUT" && seen.body.contains("SqlScript"))
    });
    assert_eq!(sent.collect::<Vec<_>>(), [], "what is equal was sent");
    assert_eq!(self::revisions(server).await, revisions, "what is equal was written");
    workspace.plan_nothing().await;

    let after = states(workspace);
    for (address, state) in &before {
        for (name, value) in state.as_object().unwrap() {
            // The server's own spelling of what the configuration may write in another one, and nothing for what is empty.
            let spelling = ["run_at", "config", "run_times", "interval_window_start", "interval_window_end"];
            if !spelling.contains(&name.as_str()) {
                assert_eq!(&after[address][name], value, "{address}.{name}");
            }
        }
    }
}

/// The attributes of all objects in the state.
fn states(workspace: &Workspace) -> BTreeMap<String, Json> {
    let state: Json = serde_json::from_str(&workspace.state_text()).unwrap();
    let resources = state["resources"].as_array().unwrap().iter();
    resources
        .map(|resource| {
            let address = format!("{}.{}", resource["type"].as_str().unwrap(), resource["name"].as_str().unwrap());
            (address, resource["instances"][0]["attributes"].clone())
        })
        .collect()
}

/// The revisions of everything on the server.
async fn revisions(server: &TestServer) -> BTreeSet<(String, String)> {
    let tasks: Vec<Task> = server.client.tasks().list(TaskQuery::new()).try_collect().await.unwrap();
    let schedules: Vec<Schedule> = server.client.schedules().list(ScheduleQuery::new()).try_collect().await.unwrap();
    let tasks = tasks.into_iter().map(|task| (task.id.to_string(), task.revision));
    tasks.chain(schedules.into_iter().map(|schedule| (schedule.id.to_string(), schedule.revision))).collect()
}
