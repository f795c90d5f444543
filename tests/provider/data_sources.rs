//! Data sources: what they find, and what they say when there is nothing.

use std::fs;
use std::path::Path;

use justiam_sdk::api::connected_systems::{CsvSettings, NewConnectedSystem, NewRunProfile, RunType};
use justiam_sdk::api::pattern::{DaysOfWeek, Pattern, RunTimes};
use justiam_sdk::api::schedules::{NewSchedule, NewScheduleStep};
use justiam_sdk::api::tasks::NewTask;
use justiam_server::app::caller::Permission;
use justiam_tests::server::TestServer;
use justiam_tests::terraform::Workspace;
use serde_json::{Value as Json, json};

use super::{SCRIPT, world};

/// A data source named `d`.
fn data(source: &str, attributes: &str) -> String {
    format!("data \"{source}\" \"d\" {{\n{attributes}\n}}\n")
}

/// What a data source named `d` finds.
async fn read(workspace: &Workspace, source: &str, attributes: &str) -> Json {
    workspace.config(&data(source, attributes));
    workspace.apply().await.ok();
    workspace.plan_nothing().await;
    workspace.attributes(&format!("{source}.d")).unwrap()
}

/// The values of one attribute of the objects in a list.
fn each<'a>(found: &'a Json, list: &str, attribute: &str) -> Vec<&'a Json> {
    found[list].as_array().unwrap().iter().map(|object| &object[attribute]).collect()
}

#[tokio::test]
async fn a_task_is_found_by_id_and_by_name_and_tells_no_secret() {
    let (server, workspace) = world().await;
    let mut new = NewTask::cron_script("Task", "0 3 * * *", SCRIPT);
    new.config = Some(json!({ "a": [1, 2.50] }));
    new.task_config = Some([("k".into(), "v".into())].into());
    new.secrets = Some([("KEY".into(), "canary".into())].into());
    let task = server.client.tasks().create(&new).await.unwrap();
    let expected = json!({
        "id": task.id, "name": "Task", "description": null, "task_type": "script", "schedule_type": "cron",
        "cron_expr": "0 3 * * *", "timezone": "UTC", "run_at": null, "overlap_policy": "allow", "enabled": true,
        "timeout_seconds": 30, "script": SCRIPT, "config": "{\"a\":[1,2.5]}", "task_config": { "k": "v" },
        "secret_keys": ["KEY"], "is_system": false, "next_run_at": "2026-01-01T03:00:00Z", "last_run_at": null,
        "last_status": null, "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
    });
    for by in ["name = \"Task\"".to_owned(), format!("id = \"{}\"", task.id)] {
        assert_eq!(read(&workspace, "justiam_scheduled_task", &by).await, expected);
    }
    assert!(!workspace.state_text().contains("canary"));
    let system = read(&workspace, "justiam_scheduled_task", "name = \"audit_log_cleanup\"").await;
    assert_eq!((&system["is_system"], &system["script"]), (&json!(true), &Json::Null));
}

#[tokio::test]
async fn tasks_are_listed_and_filtered() {
    let (server, workspace) = world().await;
    for name in ["One", "Two", "Another one"] {
        server.client.tasks().create(&NewTask::cron_script(name, "0 3 * * *", SCRIPT)).await.unwrap();
    }
    let all = read(&workspace, "justiam_scheduled_tasks", "").await;
    assert_eq!(all["tasks"].as_array().unwrap().len(), 10);
    let found = read(&workspace, "justiam_scheduled_tasks", "search = \"ONE\"\nenabled = true").await;
    assert_eq!(each(&found, "tasks", "name"), ["One", "Another one"]);
    let scripts = read(&workspace, "justiam_scheduled_tasks", "task_type = \"script\"").await;
    assert_eq!(each(&scripts, "tasks", "name"), ["One", "Two", "Another one"]);
    let none = read(&workspace, "justiam_scheduled_tasks", "enabled = false\ntask_type = \"script\"").await;
    assert_eq!(none["tasks"], json!([]));
}

#[tokio::test]
async fn runs_are_listed_newest_first() {
    let (server, workspace) = world().await;
    let id = server.client.tasks().create(&NewTask::cron_script("Task", "0 3 * * *", SCRIPT)).await.unwrap().id;
    let mut runs = Vec::new();
    for _ in 0..3 {
        let run = server.client.tasks().run(id).await.unwrap();
        runs.push(server.ended(run.id).await.id.to_string());
        server.advance(60);
    }
    runs.reverse();
    let found = read(&workspace, "justiam_task_runs", &format!("task_id = \"{id}\"\nstatus = \"success\"")).await;
    assert_eq!(each(&found, "runs", "id"), runs.iter().collect::<Vec<_>>());
    let newest = &found["runs"][0];
    assert_eq!(
        (&newest["task_name"], &newest["trigger"], &newest["output"]),
        (&json!("Task"), &json!("manual"), &json!("done"))
    );
    let limited = read(&workspace, "justiam_task_runs", "limit = 2").await;
    assert_eq!(each(&limited, "runs", "id"), runs.iter().take(2).collect::<Vec<_>>());
    let none = read(&workspace, "justiam_task_runs", "status = \"error\"").await;
    assert_eq!(none["runs"], json!([]));
}

/// A schedule with two steps, one of which has a connection string.
async fn schedule(server: &TestServer) -> justiam_sdk::api::schedules::Schedule {
    let time = |text: &str| text.parse().unwrap();
    let times = RunTimes::new([time("06:00"), time("18:00")]).unwrap();
    let pattern = Pattern::SpecificTimes { days: DaysOfWeek::WORKING_DAYS, times };
    let sql = NewScheduleStep::sql_script("postgres://reports:canary@db.example.com/hr", "/srv/steps/report.sql");
    let new = NewSchedule::on("Nightly", &pattern)
        .enabled()
        .then(NewScheduleStep::executable("/srv/steps/export").named("Export"))
        .beside(sql.continuing_on_failure());
    server.client.schedules().create(&new).await.unwrap()
}

#[tokio::test]
async fn a_schedule_is_found_by_id_and_by_name_and_tells_no_password() {
    let (server, workspace) = world().await;
    let schedule = schedule(&server).await;
    let steps = schedule.steps.clone().unwrap();
    let expected = json!({
        "id": schedule.id, "name": "Nightly", "description": null, "trigger_type": "Cron",
        "cron_expression": "0 6,18 * * 1-5", "pattern_type": "SpecificTimes", "days_of_week": [1, 2, 3, 4, 5],
        "run_times": ["06:00", "18:00"], "interval_value": null, "interval_unit": null, "interval_window_start": null,
        "interval_window_end": null, "timezone": "UTC", "is_enabled": true, "last_run_time": null,
        "next_run_time": "2026-01-01T06:00:00Z", "step_count": 2, "created": "2026-01-01T00:00:00Z", "last_updated": null,
        "steps": [
            {
                "id": steps[0].id, "step_index": 0, "name": "Export", "execution_mode": "Sequential", "step_type": "Executable",
                "continue_on_failure": false, "timeout_seconds": null, "connected_system_id": null, "run_profile_id": null,
                "script_path": null, "arguments": null, "executable_path": "/srv/steps/export", "working_directory": null,
                "sql_connection_string": null, "sql_script_path": null,
            },
            {
                "id": steps[1].id, "step_index": 0, "name": null, "execution_mode": "ParallelWithPrevious",
                "step_type": "SqlScript", "continue_on_failure": true, "timeout_seconds": null, "connected_system_id": null,
                "run_profile_id": null, "script_path": null, "arguments": null, "executable_path": null,
                "working_directory": null, "sql_connection_string": "postgres://reports:***@db.example.com/hr",
                "sql_script_path": "/srv/steps/report.sql",
            },
        ],
    });
    for by in ["name = \"Nightly\"".to_owned(), format!("id = \"{}\"", schedule.id)] {
        assert_eq!(read(&workspace, "justiam_schedule", &by).await, expected);
    }
    assert!(!workspace.state_text().contains("canary"));
}

#[tokio::test]
async fn schedules_are_listed_by_name_and_searched() {
    let (server, workspace) = world().await;
    schedule(&server).await;
    let mut other = NewSchedule::manual("By hand");
    other.description = Some("Never at NIGHT".into());
    server.client.schedules().create(&other).await.unwrap();
    server.client.schedules().create(&NewSchedule::manual("Another")).await.unwrap();
    let all = read(&workspace, "justiam_schedules", "").await;
    assert_eq!(each(&all, "schedules", "name"), ["Another", "By hand", "Nightly"]);
    let found = read(&workspace, "justiam_schedules", "search = \"night\"").await;
    assert_eq!(each(&found, "schedules", "name"), ["By hand", "Nightly"]);
    assert_eq!(each(&found, "schedules", "step_count"), [0, 2]);
    assert_eq!(each(&found, "schedules", "next_run_time"), [&Json::Null, &json!("2026-01-01T06:00:00Z")]);
}

#[tokio::test]
async fn executions_are_listed_newest_first() {
    let (server, workspace) = world().await;
    // Its steps fail: no folder is allowed.
    let schedule = schedule(&server).await;
    let mut executions = Vec::new();
    for _ in 0..3 {
        let execution = server.client.schedules().run(schedule.id).await.unwrap().execution_id;
        justiam_tests::soon("the execution to end", server.client.executions().wait(execution)).await.unwrap();
        executions.push(execution.to_string());
        server.advance(60);
    }
    executions.reverse();
    let of = format!("schedule_id = \"{}\"\nstatus = \"Failed\"", schedule.id);
    let found = read(&workspace, "justiam_schedule_executions", &of).await;
    assert_eq!(each(&found, "executions", "id"), executions.iter().collect::<Vec<_>>());
    let newest = &found["executions"][0];
    assert_eq!((&newest["schedule_name"], &newest["total_steps"]), (&json!("Nightly"), &json!(2)));
    assert!(newest["error_message"].as_str().unwrap().contains("Export"), "{newest}");
    let limited = read(&workspace, "justiam_schedule_executions", "limit = 2").await;
    assert_eq!(each(&limited, "executions", "id"), executions.iter().take(2).collect::<Vec<_>>());
    let none = read(&workspace, "justiam_schedule_executions", "status = \"Completed\"").await;
    assert_eq!(none["executions"], json!([]));
}

#[tokio::test]
async fn connected_systems_and_run_profiles_are_found_by_id_and_by_name() {
    let (server, workspace) = world().await;
    let systems = server.client.connected_systems();
    let mut csv = CsvSettings::new("/srv/hr.csv", "id", "mail");
    csv.attribute_columns = [("room".into(), "location".into())].into();
    let hr = systems.create(&NewConnectedSystem::csv("HR", csv)).await.unwrap().id;
    let import =
        systems.run_profiles(hr).create(&NewRunProfile::new("Full import", RunType::FullImport)).await.unwrap().id;
    for by in ["name = \"HR\"".to_owned(), format!("id = {hr}")] {
        assert_eq!(
            read(&workspace, "justiam_connected_system", &by).await,
            json!({
                "id": hr, "name": "HR", "description": null, "connector_name": "CSV", "direction": "Inbound",
                "csv": {
                    "file_path": "/srv/hr.csv", "delimiter": ",", "id_column": "id", "email_column": "mail",
                    "first_name_column": null, "last_name_column": null, "active_column": null, "groups_column": null,
                    "groups_delimiter": ";", "attribute_columns": { "room": "location" },
                },
                "created": "2026-01-01T00:00:00Z", "last_updated": null, "object_count": 0, "connectors_count": 0,
                "pending_export_objects_count": 0,
            })
        );
    }
    for by in ["name = \"Full import\"".to_owned(), format!("id = {import}")] {
        let by = format!("connected_system_id = {hr}\n{by}");
        let expected = json!({
            "connected_system_id": hr, "id": import, "name": "Full import", "run_type": "FullImport", "page_size": 500,
            "file_path": null,
        });
        assert_eq!(read(&workspace, "justiam_run_profile", &by).await, expected);
    }
    workspace.config(&data("justiam_run_profile", &format!("connected_system_id = {hr}\nname = \"full import\"")));
    workspace.plan().await.fails_with(&["No such run profile", "exactly the name `full import`"]);
}

#[tokio::test]
async fn a_question_that_makes_no_sense_is_refused_before_anybody_is_asked() {
    let workspace = Workspace::new("http://127.0.0.1:1", "none");
    let id = "0199f2a6-0000-7000-8000-000000000001";
    for (source, attributes, text) in [
        ("justiam_schedule", "", "id"),
        ("justiam_schedule", &*format!("id = \"{id}\"\nname = \"x\""), "name"),
        ("justiam_schedule", "id = \"x\"", "Invalid id"),
        ("justiam_scheduled_task", "id = \"7\"", "Invalid id"),
        ("justiam_connected_system", "", "name"),
        ("justiam_connected_system", "id = 0", "id"),
        ("justiam_run_profile", "name = \"x\"", "connected_system_id"),
        ("justiam_schedule_executions", "status = \"completed\"", "hint: write `Completed`"),
        ("justiam_schedule_executions", "limit = 1001", "limit"),
        ("justiam_schedule_executions", "schedule_id = \"x\"", "Invalid id"),
        ("justiam_task_runs", "status = \"failed\"", "Invalid status"),
        ("justiam_task_runs", "limit = 0", "limit"),
        ("justiam_scheduled_tasks", "task_type = \"go\"", "Invalid task type"),
    ] {
        workspace.config(&data(source, attributes));
        workspace.run(&["validate", "-no-color"]).await.fails_with(&[text]);
    }
}

#[tokio::test]
async fn what_is_not_there_is_an_error_that_says_so() {
    let (_server, workspace) = world().await;
    let id = "id = \"0199f2a6-0000-7000-8000-000000000001\"";
    for (source, attributes, texts) in [
        ("justiam_scheduled_task", "name = \"x\"", ["No such task", "exactly the name `x`"]),
        ("justiam_scheduled_task", id, ["Could not read the task", "there is no task"]),
        ("justiam_schedule", "name = \"x\"", ["No such schedule", "exactly the name `x`"]),
        ("justiam_schedule", id, ["Could not read the schedule", "there is no schedule"]),
        ("justiam_connected_system", "name = \"x\"", ["No such connected system", "exactly the name `x`"]),
        ("justiam_connected_system", "id = 5", ["Could not read the connected system", "there is no connected system"]),
        (
            "justiam_run_profile",
            "connected_system_id = 5\nname = \"x\"",
            ["Could not read the run profile", "there is no"],
        ),
    ] {
        workspace.config(&data(source, attributes));
        workspace.plan().await.fails_with(&texts);
    }
}

#[tokio::test]
async fn a_token_that_may_only_look_is_enough() {
    let (server, workspace) = world().await;
    schedule(&server).await;
    let mut workspace = workspace;
    let views = [Permission::TasksView, Permission::SchedulesView, Permission::ConnectedSystemsView];
    workspace.variable("JUSTIAM_TOKEN", &server.token_with(&views).await);
    read(&workspace, "justiam_schedule", "name = \"Nightly\"").await;
    read(&workspace, "justiam_scheduled_tasks", "").await;
    workspace.variable("JUSTIAM_TOKEN", &server.token_with(&views[..1]).await);
    workspace.config(&data("justiam_schedules", ""));
    workspace.plan().await.fails_with(&["Could not list the schedules", "`schedules.view`"]);
}

#[tokio::test]
async fn the_examples_of_data_sources_and_connected_systems_can_be_applied() {
    let server = TestServer::start().await;
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("examples");
    let example = |path: &str| {
        let workspace = Workspace::new(&server.endpoint, &server.token);
        let text = fs::read_to_string(examples.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        workspace.config(&text);
        workspace
    };
    let systems = example("resources/justiam_connected_system/resource.tf");
    systems.apply().await.ok();
    systems.plan_nothing().await;
    systems.destroy().await.ok();
    // What these examples make is what those of data sources look for.
    let profiles = example("resources/justiam_run_profile/resource.tf");
    profiles.apply().await.ok();
    profiles.plan_nothing().await;
    server.client.schedules().create(&NewSchedule::manual("Daily Delta Sync")).await.unwrap();
    server.client.tasks().create(&NewTask::cron_script("Weekly report", "30 7 * * MON", SCRIPT)).await.unwrap();
    let mut sources = Vec::new();
    for folder in fs::read_dir(examples.join("data-sources")).unwrap().flatten() {
        let name = folder.file_name().into_string().unwrap();
        let source = example(&format!("data-sources/{name}/data-source.tf"));
        source.apply().await.ok();
        source.plan_nothing().await;
        sources.push(name);
    }
    assert_eq!(sources.len(), 8, "{sources:?}");
}
