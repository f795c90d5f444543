//! The examples of schedules, one of which is the schedule of the product's document.

use std::fs;
use std::path::Path;

use justiam_sdk::api::schedules::StepType;
use serde_json::{Value, json};

use super::super::world;

fn example(path: &str) -> String {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("examples");
    fs::read_to_string(examples.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[tokio::test]
async fn the_example_of_the_resource_is_applied() {
    let (server, mut workspace) = world().await;
    workspace.variable("TF_VAR_report_database", "postgres://reports:canary@db.example.com/reports");
    workspace.config(&example("resources/justiam_schedule/resource.tf"));
    workspace.apply().await.ok();
    workspace.plan_nothing().await;
    for (name, steps) in [("Delta sync", 4), ("Weekend nights", 1), ("Monthly", 1)] {
        let found = server.client.schedules().find(name).await.unwrap().unwrap();
        assert_eq!(found.step_count, steps, "{name}");
        assert!(found.next_run_time.is_some(), "{name}");
    }
    workspace.destroy().await.ok();
}

#[tokio::test]
async fn the_schedule_of_the_document_is_applied_and_says_what_the_document_shows() {
    let (server, workspace) = world().await;
    workspace.file("main.tf", &example("schedules/daily-delta-sync/main.tf"));
    workspace.apply().await.ok();
    workspace.plan_nothing().await;
    let found = server.client.schedules().find("Daily Delta Sync").await.unwrap().unwrap();
    let schedule = server.client.schedules().get(found.id).await.unwrap();
    let shown = serde_json::to_value(&schedule).unwrap();
    let document = json!({
        "name": "Daily Delta Sync", "description": "Import, sync, and export changes from all connected systems",
        "triggerType": "Cron", "cronExpression": "0 6 * * 1-5", "patternType": "SpecificTimes", "daysOfWeek": "1,2,3,4,5",
        "runTimes": "06:00", "intervalValue": null, "intervalUnit": null, "intervalWindowStart": null,
        "intervalWindowEnd": null, "isEnabled": true, "stepCount": 4,
    });
    for (name, value) in document.as_object().unwrap() {
        assert_eq!(&shown[name], value, "{name}");
    }
    let step = json!({
        "name": null, "executionMode": "Sequential", "stepType": "RunProfile", "continueOnFailure": false, "timeoutSeconds": null,
        "scriptPath": null, "arguments": null, "executablePath": null, "workingDirectory": null,
        "sqlConnectionString": null, "sqlScriptPath": null,
    });
    for (at, shown) in shown["steps"].as_array().unwrap().iter().enumerate() {
        assert_eq!(shown["stepIndex"], Value::from(at));
        for (name, value) in step.as_object().unwrap() {
            assert_eq!(&shown[name], value, "{name}");
        }
    }
    assert!(schedule.steps.unwrap().iter().all(|step| step.step_type == StepType::RunProfile));
    workspace.destroy().await.ok();
}
