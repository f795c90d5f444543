//! The same client runs schedules and looks at what comes of that.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use jiff::Timestamp;
use justiam_sdk::api::connected_systems::{CsvSettings, NewConnectedSystem, NewRunProfile, RunType};
use justiam_tests::server::TestServer;
use justiam_tests::{soon, until};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::client::{EXECUTIONS, SCHEDULES, Tool};
use super::{NOBODY, fields, id, mornings};

/// A server whose steps may use a folder.
struct World {
    server: TestServer,
    tool: Tool,
    folder: TempDir,
}

impl World {
    async fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let allowed = fs::canonicalize(folder.path()).unwrap();
        let server = TestServer::start_with(|config| config.step_folders = vec![allowed]).await;
        let tool = Tool::new(&server.endpoint, &server.token);
        Self { server, tool, folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        fs::canonicalize(self.folder.path()).unwrap().join(name)
    }

    /// A program of this text, as a step.
    fn program(&self, name: &str, text: &str) -> Value {
        let path = self.path(name);
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        json!({ "stepType": "Executable", "executablePath": path })
    }

    /// A step that goes on until [`World::release`].
    fn held(&self, name: &str) -> Value {
        let released = self.path("released");
        self.program(name, &format!("while [ ! -e '{}' ]; do sleep 0.02; done", released.display()))
    }

    fn release(&self) {
        fs::write(self.path("released"), "").unwrap();
    }

    /// A schedule that only somebody who runs it starts, without steps.
    async fn manual(&self, name: &str) -> String {
        id(&self.tool.new_schedule(name, &json!({ "triggerType": "Manual" })).await.unwrap()).to_owned()
    }

    /// A connected system of this name with two people in a file, and a profile that imports them.
    async fn system(&self, name: &str) {
        let file = self.path(&format!("{name}.csv"));
        fs::write(&file, "id,mail\n1,ada@example.com\n2,bob@example.com\n").unwrap();
        let settings = CsvSettings::new(file.to_str().unwrap(), "id", "mail");
        let systems = self.server.client.connected_systems();
        let system = systems.create(&NewConnectedSystem::csv(name, settings)).await.unwrap();
        systems.run_profiles(system.id).create(&NewRunProfile::new("Full Import", RunType::FullImport)).await.unwrap();
        let profile = NewRunProfile::new("Full Sync", RunType::FullSynchronisation);
        systems.run_profiles(system.id).create(&profile).await.unwrap();
    }

    /// Looks at an execution until this holds.
    async fn when(&self, execution: &str, what: impl Fn(&Value) -> bool) -> Value {
        until("an execution to be as it should", async || what(&self.tool.execution(execution).await.unwrap())).await;
        self.tool.execution(execution).await.unwrap()
    }

    async fn ended(&self, execution: &Value) -> Value {
        let terminal = ["Completed", "Failed", "Cancelled"];
        self.when(id(execution), |now| terminal.contains(&now["Status"].as_str().unwrap())).await
    }
}

fn statuses(execution: &Value) -> Vec<&str> {
    execution["Steps"].as_array().unwrap().iter().map(|step| step["Status"].as_str().unwrap()).collect()
}

fn at(step: &Value, name: &str) -> Timestamp {
    step[name].as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn run_profiles_of_several_steps_run_one_after_the_other() {
    let world = World::start().await;
    world.system("HR").await;
    let schedule = world.manual("Import and synchronise").await;
    world.tool.add_run_profile(&schedule, false, "HR", "Full Import").await.unwrap();
    world.tool.add_run_profile(&schedule, false, "HR", "Full Sync").await.unwrap();
    let started = world.tool.start(&schedule).await.unwrap();
    assert_eq!(fields(&started, ["ScheduleId", "TotalSteps"]), [json!(schedule), json!(2)]);
    let ended = world.ended(&started).await;
    assert_eq!(
        fields(&ended, ["Status", "ErrorMessage", "CurrentStepIndex"]),
        [json!("Completed"), Value::Null, json!(1)]
    );
    assert_eq!(fields(&ended, ["InitiatedByType", "ScheduleName"]), [json!("ApiKey"), json!("Import and synchronise")]);
    let steps = ended["Steps"].as_array().unwrap();
    for (step, name) in steps.iter().zip(["HR - Full Import", "HR - Full Sync"]) {
        let seen = fields(step, ["Name", "Status", "ActivityStatus", "TaskId", "ErrorMessage"]);
        assert_eq!(seen, [json!(name), json!("Completed"), json!("Complete"), Value::Null, Value::Null]);
        let activity = world.tool.get(&format!("/api/v1/activities/{}", step["ActivityId"].as_str().unwrap())).await;
        let activity = activity.unwrap();
        assert_eq!(fields(&activity, ["Status", "ObjectsProcessed"]), [json!("Complete"), json!(2)]);
    }
    assert!(at(&steps[0], "CompletedAt") <= at(&steps[1], "StartedAt"));
    let read = world.tool.schedule(&schedule).await.unwrap();
    assert_eq!(read["LastRunTime"], ended["QueuedAt"]);
}

#[tokio::test]
async fn steps_with_one_index_are_at_work_at_the_same_time() {
    let world = World::start().await;
    let schedule = world.manual("Parallel").await;
    for (parallel, name) in [(false, "a"), (true, "b"), (true, "c"), (false, "d")] {
        world.tool.add_step(&schedule, parallel, &world.held(name)).await.unwrap();
    }
    let started = world.tool.start(&schedule).await.unwrap();
    let group = |now: &Value| statuses(now) == ["Processing", "Processing", "Processing", "Waiting"];
    let at_work = world.when(id(&started), group).await;
    assert_eq!(
        fields(&at_work, ["Status", "CurrentStepIndex", "CompletedAt"]),
        [json!("InProgress"), json!(0), Value::Null]
    );
    assert!(at_work["Steps"][0]["TaskId"].is_string() && at_work["Steps"][0]["ActivityId"].is_string());
    world.server.advance(5);
    world.release();
    let ended = world.ended(&started).await;
    assert_eq!((&ended["Status"], ended["Steps"].as_array().unwrap().len()), (&json!("Completed"), 4));
    let parallel = &ended["Steps"].as_array().unwrap()[..3];
    for (one, other) in [(0, 1), (0, 2), (1, 2)] {
        let (one, other) = (&parallel[one], &parallel[other]);
        let overlap =
            at(one, "StartedAt") < at(other, "CompletedAt") && at(other, "StartedAt") < at(one, "CompletedAt");
        assert!(overlap, "{one} {other}");
    }
    for step in parallel {
        assert!(at(step, "CompletedAt") <= at(&ended["Steps"][3], "StartedAt"));
    }
}

#[tokio::test]
async fn two_runs_by_hand_are_at_work_beside_each_other() {
    let world = World::start().await;
    let schedule = world.manual("Overlap").await;
    world.tool.add_step(&schedule, false, &world.held("a")).await.unwrap();
    assert_eq!(world.tool.active().await, Vec::<Value>::new());
    let first = world.tool.start(&schedule).await.unwrap();
    world.server.advance(1);
    let second = world.tool.start(&schedule).await.unwrap();
    assert_ne!(id(&first), id(&second));
    for execution in [&first, &second] {
        world.when(id(execution), |now| now["Status"] == "InProgress").await;
    }
    let active = world.tool.active().await;
    assert_eq!(active.iter().map(id).collect::<Vec<_>>(), [id(&first), id(&second)], "the oldest comes first");
    world.release();
    for execution in [&first, &second] {
        assert_eq!(world.ended(execution).await["Status"], "Completed");
    }
    assert_eq!(world.tool.active().await, Vec::<Value>::new());
    let listed = world.tool.executions(&schedule, None).await;
    assert_eq!(listed.iter().map(id).collect::<Vec<_>>(), [id(&second), id(&first)], "in lists the newest does");
}

#[tokio::test]
async fn a_pattern_fires_and_leaves_out_a_mark_while_an_execution_is_active() {
    let world = World::start().await;
    let schedule = id(&world.tool.new_schedule("Mornings", &mornings()).await.unwrap()).to_owned();
    world.tool.add_step(&schedule, false, &world.held("a")).await.unwrap();
    world.tool.switch(&schedule, "enable").await.unwrap();
    let listed = async |count: usize| {
        until("executions to be recorded", async || world.tool.executions(&schedule, None).await.len() == count).await;
        world.tool.executions(&schedule, None).await
    };
    world.server.advance(6 * 3600);
    let first = listed(1).await.remove(0);
    let by = fields(&first, ["InitiatedByType", "InitiatedById", "ScheduledFor"]);
    assert_eq!(by, [json!("System"), Value::Null, json!("2026-01-01T06:00:00Z")]);
    world.when(id(&first), |now| now["Status"] == "InProgress").await;
    world.server.advance(24 * 3600);
    let second = listed(2).await.remove(0);
    assert_eq!(second["Status"], "Cancelled");
    assert!(second["ErrorMessage"].as_str().unwrap().contains(id(&first)), "{second}");
    let read = world.tool.schedule(&schedule).await.unwrap();
    assert_eq!(read["NextRunTime"], "2026-01-05T06:00:00Z", "the third of January is a Saturday");
    world.release();
    assert_eq!(world.ended(&first).await["Status"], "Completed");
    for (status, expected) in [("Cancelled", id(&second)), ("cancelled", id(&second)), ("Completed", id(&first))] {
        let found = world.tool.executions(&schedule, Some(status)).await;
        assert_eq!(found.iter().map(id).collect::<Vec<_>>(), [expected], "{status}");
    }
    // Nobody can pause one here.
    for status in ["Queued", "Paused"] {
        assert_eq!(world.tool.executions(&schedule, Some(status)).await, Vec::<Value>::new(), "{status}");
    }
}

#[tokio::test]
async fn cancelling_is_at_once_and_final() {
    let world = World::start().await;
    let schedule = world.manual("Long").await;
    world.tool.add_step(&schedule, false, &world.held("a")).await.unwrap();
    world.tool.add_step(&schedule, false, &world.held("b")).await.unwrap();
    let started = world.tool.start(&schedule).await.unwrap();
    world.when(id(&started), |now| statuses(now)[0] == "Processing").await;
    let cancelled = world.tool.stop(id(&started)).await.unwrap();
    assert_eq!(cancelled["Status"], "Cancelled");
    assert!(cancelled["CompletedAt"].is_string(), "{cancelled}");
    assert!(cancelled["ErrorMessage"].as_str().unwrap().starts_with("Cancelled by "), "{cancelled}");
    assert_eq!(statuses(&cancelled)[1], "Cancelled");
    let over = world.when(id(&started), |now| statuses(now) == ["Cancelled", "Cancelled"]).await;
    assert_eq!(over["Status"], "Cancelled");
    let refused = world.tool.stop(id(&started)).await.unwrap_err();
    assert!(refused.status == 400 && refused.message.contains("Cannot cancel"), "{refused:?}");
    let refused = world.tool.stop(NOBODY).await.unwrap_err();
    assert_eq!((refused.status, refused.code.as_str()), (404, "NOT_FOUND"));
}

#[tokio::test]
async fn a_failed_step_ends_the_execution_unless_it_allows_to_go_on() {
    let world = World::start().await;
    for (go_on, status, last) in [(false, "Failed", "Cancelled"), (true, "Completed", "Completed")] {
        let schedule = world.manual(&format!("Fails: {go_on}")).await;
        let mut fails = world.program("fails", "echo before; exit 3");
        fails["continueOnFailure"] = go_on.into();
        fails["name"] = "The failing one".into();
        world.tool.add_step(&schedule, false, &fails).await.unwrap();
        world.tool.add_step(&schedule, false, &world.program("works", "echo after")).await.unwrap();
        let started = world.tool.start(&schedule).await.unwrap();
        let ended = world.ended(&started).await;
        assert_eq!((&ended["Status"], statuses(&ended)), (&json!(status), vec!["Failed", last]));
        let step = fields(&ended["Steps"][0], ["ExitCode", "Output", "ActivityStatus"]);
        assert_eq!(step, [json!(3), json!("before\n"), json!("FailedWithError")]);
        let told = ended["ErrorMessage"].as_str().unwrap_or_default();
        assert_eq!(told.contains("The failing one"), !go_on, "{told}");
    }
}

#[tokio::test]
async fn history_stays_as_it_was_when_a_schedule_changes_or_goes() {
    let world = World::start().await;
    let schedule = world.manual("Before").await;
    world.tool.add_step(&schedule, false, &world.held("a")).await.unwrap();
    let started = world.tool.start(&schedule).await.unwrap();
    world.when(id(&started), |now| statuses(now) == ["Processing"]).await;
    world.tool.set_schedule(&schedule, &json!({ "name": "After", "steps": [] })).await.unwrap();
    world.tool.remove_schedule(&schedule).await.unwrap();
    world.release();
    let ended = soon("the execution to end", world.ended(&started)).await;
    assert_eq!(
        fields(&ended, ["Status", "ScheduleName", "TotalSteps"]),
        [json!("Completed"), json!("Before"), json!(1)]
    );
    assert_eq!(world.tool.executions(&schedule, None).await.len(), 1);
    let refused = world.tool.call("POST", &format!("{SCHEDULES}/{schedule}/run"), None).await.unwrap_err();
    assert_eq!(refused.status, 404);
    assert_eq!(world.tool.get(&format!("{EXECUTIONS}/{NOBODY}")).await.unwrap_err().status, 404);
}
