//! Import of what exists, with a configuration that Terraform writes or that a person does.

use std::fs;

use justiam_sdk::api::connected_systems::{CsvSettings, NewConnectedSystem, NewRunProfile, RunType};
use justiam_sdk::api::schedules::{NewSchedule, NewScheduleStep};
use justiam_sdk::api::tasks::NewTask;
use justiam_tests::programs::program;
use justiam_tests::server::TestServer;
use serde_json::{Value as Json, json};
use tfplugin_client::wire::tfplugin6::generate_resource_config;
use tfplugin_client::{Action, Session};

use super::super::world;
use super::CHAIN;

/// A script with all that a configuration must write in another way.
const SCRIPT: &str =
    "package task\r\n\n// ${x} %{if} \\n \" \t é\nfunc Run() (string, error) { return \"done\", nil }\n\n";

/// Makes objects of all resources, as somebody would by hand. Their addresses and ids for an import are returned.
async fn by_hand(server: &TestServer) -> Vec<(&'static str, String)> {
    let tasks = server.client.tasks();
    let mut script = NewTask::cron_script("A \"quoted\" ${name} %{if}", "0  3 * * MON-FRI", SCRIPT);
    script.description = Some("First line\n  second ${line}\n".into());
    script.timezone = Some("Europe/Zurich".into());
    script.overlap_policy = Some("queue".into());
    script.enabled = Some(false);
    script.timeout_seconds = Some(7);
    script.config = Some(json!({"b": 1, "a": [true, null, {"x": "${y}"}], "\"k\"": 0.25}));
    script.task_config = Some([("group".into(), "staff".into()), ("k ${z}".into(), "%{v}".into())].into());
    script.secrets = Some([("KEY".to_owned(), "canary".into())].into());
    let script = tasks.create(&script).await.unwrap().id;
    let mut once = NewTask::new("Once", "audit_log_cleanup".into(), "once".into());
    once.run_at = Some("2030-01-31T08:00:00.5Z".parse().unwrap());
    let once = tasks.create(&once).await.unwrap().id;

    let systems = server.client.connected_systems();
    let mut csv = CsvSettings::new("/srv/hr.csv", "id", "mail");
    csv.delimiter = ";".into();
    csv.attribute_columns = [("room".into(), "location".into())].into();
    let hr = systems.create(&NewConnectedSystem::csv("HR", csv)).await.unwrap().id;
    let full = systems.run_profiles(hr).create(&NewRunProfile::new("Full", RunType::FullImport)).await.unwrap().id;

    let schedules = server.client.schedules();
    let steps = NewSchedule::manual("Steps")
        .described("d")
        .then(NewScheduleStep::run_profile(hr, full).named("First"))
        .beside(NewScheduleStep::executable("/a").with_arguments("x \"y\"").ended_after(5).continuing_on_failure())
        .then(NewScheduleStep::power_shell("/p.ps1").in_directory("/srv"));
    let pattern = |name: &str, pattern: Json| {
        let mut new = json!({"name": name, "triggerType": "Cron", "steps": []});
        new.as_object_mut().unwrap().extend(pattern.as_object().unwrap().clone());
        serde_json::from_value::<NewSchedule>(new).unwrap()
    };
    let times =
        json!({"patternType": "SpecificTimes", "daysOfWeek": "1,2", "runTimes": "6:00,18:30", "isEnabled": true});
    let interval = json!({
        "patternType": "Interval", "daysOfWeek": "0", "intervalValue": 2, "intervalUnit": "Hours",
        "intervalWindowStart": "22:00", "intervalWindowEnd": "04:00", "timezone": "Asia/Tokyo",
    });
    let custom = json!({"patternType": "Custom", "cronExpression": "5 4 * * *"});
    let run = tasks.run(once).await.unwrap().id;
    server.ended(run).await;
    let mut found = vec![
        ("justiam_task_run.run", run.to_string()),
        ("justiam_scheduled_task.script", script.to_string()),
        ("justiam_scheduled_task.once", once.to_string()),
        ("justiam_connected_system.hr", hr.to_string()),
        ("justiam_run_profile.full", format!("{hr}/{full}")),
    ];
    for (address, new) in [
        ("justiam_schedule.steps", steps),
        ("justiam_schedule.times", pattern("Times", times)),
        ("justiam_schedule.interval", pattern("Interval", interval)),
        ("justiam_schedule.custom", pattern("Custom", custom)),
    ] {
        found.push((address, schedules.create(&new).await.unwrap().id.to_string()));
    }
    found
}

fn import_blocks(objects: &[(&str, String)]) -> String {
    let block = |(to, id): &(&str, String)| format!("import {{\n  to = {to}\n  id = \"{id}\"\n}}\n");
    objects.iter().map(block).collect::<Vec<_>>().concat()
}

const GENERATE: [&str; 4] = ["plan", "-input=false", "-no-color", "-generate-config-out=generated.tf"];

#[tokio::test]
async fn u37_an_import_with_a_generated_configuration_loses_nothing_and_plans_nothing() {
    let (server, workspace) = world().await;
    let objects = by_hand(&server).await;
    workspace.config(&import_blocks(&objects));
    let said = workspace.run(&GENERATE).await.ok();
    assert!(said.text.contains("Plan: 9 to import, 0 to add, 0 to change, 0 to destroy."), "{}", said.text);
    let said = workspace.apply().await.ok();
    assert!(said.text.contains("9 imported, 0 added, 0 changed, 0 destroyed"), "{}", said.text);
    workspace.plan_nothing().await;
    assert!(!(workspace.state_text() + &said.text).contains("canary"));
}

#[tokio::test]
async fn u37_what_is_imported_is_attribute_by_attribute_what_an_apply_has_left() {
    let (_server, workspace) = world().await;
    workspace.file("task.go", SCRIPT);
    let config = format!(
        "{CHAIN}{}",
        r#"
        resource "justiam_scheduled_task" "t" {
          name            = "Task"
          description     = "d"
          task_type       = "script"
          schedule_type   = "cron"
          cron_expr       = "0 3 * * MON"
          timezone        = "Europe/Zurich"
          overlap_policy  = "replace"
          enabled         = false
          timeout_seconds = 7
          script          = file("task.go")
          config          = jsonencode({ a = [1, null], b = { c = "d" } })
          task_config     = { group = "staff" }
        }
        resource "justiam_schedule" "interval" {
          name                  = "Interval"
          trigger_type          = "Cron"
          pattern_type          = "Interval"
          days_of_week          = [1, 3]
          interval_value        = 30
          interval_unit         = "Minutes"
          interval_window_start = "08:00"
          interval_window_end   = "18:00"
          timezone              = "Asia/Tokyo"
          is_enabled            = true
          steps = [
            { step_type = "Executable", executable_path = "/a", arguments = "x", working_directory = "/srv", timeout_seconds = 5 },
            { step_type = "PowerShell", script_path = "/p.ps1", execution_mode = "ParallelWithPrevious", continue_on_failure = true },
          ]
        }
        "#
    );
    let objects = [
        ("justiam_scheduled_task.t", "Task"),
        ("justiam_connected_system.hr", "HR"),
        ("justiam_run_profile.full", "HR/Full"),
        ("justiam_schedule.nightly", "Nightly"),
        ("justiam_schedule.interval", "Interval"),
    ]
    .map(|(address, id)| (address, id.to_owned()));
    let states = || objects.each_ref().map(|(address, _)| workspace.attributes(address).unwrap());
    workspace.config(&config);
    workspace.apply().await.ok();
    let applied = states();
    let forget: Vec<&str> = objects.iter().map(|(address, _)| *address).collect();
    workspace.run(&[&["state", "rm"], &forget[..]].concat()).await.ok();
    workspace.config(&(config + &import_blocks(&objects)));
    let said = workspace.apply().await.ok();
    assert!(said.text.contains("5 imported, 0 added, 0 changed, 0 destroyed"), "{}", said.text);
    assert_eq!(states(), applied);
}

#[tokio::test]
async fn a_secret_that_cannot_be_generated_is_named_and_written_by_the_user() {
    let (server, workspace) = world().await;
    let step = NewScheduleStep::sql_script("postgres://u:canary@db.example.com/x", "/c.sql");
    let id = server.client.schedules().create(&NewSchedule::manual("Reports").then(step)).await.unwrap().id;
    workspace.config(&import_blocks(&[("justiam_schedule.s", id.to_string())]));
    let said = workspace.run(&GENERATE).await.fails_with(&[
        "Missing sql_connection_string",
        "steps[0].sql_connection_string: a `SqlScript` step must have it.",
    ]);
    // The rest is written, and the step is completed.
    let path = workspace.path().join("generated.tf");
    let generated = fs::read_to_string(&path).unwrap();
    assert!(!(said.text + &generated).contains("canary"), "{generated}");
    let connection = "\"postgres://u:canary@db.example.com/x\"";
    fs::write(&path, generated.replace("null # sensitive", connection)).unwrap();
    let said = workspace.apply().await.ok();
    assert!(said.text.contains("1 imported, 0 added, 1 changed, 0 destroyed"), "{}", said.text);
    workspace.plan_nothing().await;
}

#[tokio::test]
async fn what_the_provider_generates_for_newer_terraforms_is_short_and_plans_nothing() {
    let server = TestServer::start().await;
    let session = Session::start(&program("terraform-provider-justiam")).await;
    assert_eq!(session.configure(json!({"endpoint": server.endpoint, "token": server.token})).await, []);
    let mut generated = Vec::new();
    for (address, id) in by_hand(&server).await {
        let (type_name, label) = address.split_once('.').unwrap();
        let objects = session.resource(type_name).await;
        let state = objects.refresh(&objects.import(&id).await.ok()).await.ok().unwrap();
        let request = generate_resource_config::Request {
            type_name: type_name.to_owned(),
            state: Some(objects.schema.encode(&state.value)),
        };
        let answer = session.provider().generate_resource_config(request).await.unwrap().into_inner();
        assert_eq!(answer.diagnostics, [], "{address}");
        let config = objects.schema.decode(answer.config.as_ref()).unwrap();
        assert_eq!(objects.validate(&config).await, [], "{address}");
        assert_eq!(objects.plan(Some(&state), &config).await.ok().action, Action::Nothing, "{address}");
        let json: Json = serde_json::from_slice(&config.to_json(objects.schema.ty()).unwrap()).unwrap();
        let written = json.as_object().unwrap().iter().filter(|(_, value)| !value.is_null());
        generated.push((label, written.map(|(name, _)| name.clone()).collect::<Vec<_>>()));
    }
    // Without what the defaults say.
    let of = |label: &str| generated.iter().find(|(other, _)| *other == label).unwrap().1.clone();
    assert_eq!(of("once"), ["name", "run_at", "schedule_type", "task_type"]);
    assert_eq!(of("run"), ["task_id"]);
    assert_eq!(of("full"), ["connected_system_id", "name", "run_type"]);
    assert_eq!(of("hr"), ["csv", "name"]);
}
