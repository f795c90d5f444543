//! The schedule of the product's document, as code.

use justiam_sdk::api::schedules::StepType;
use serde_json::{Value, json};

use super::super::world;

const CONFIG: &str = r#"
resource "justiam_connected_system" "hr" {
  name = "HR"
  csv = {
    file_path    = "/srv/identities/hr.csv"
    id_column    = "id"
    email_column = "mail"
  }
}

resource "justiam_connected_system" "directory" {
  name      = "Directory"
  direction = "Outbound"
  csv = {
    file_path    = "/srv/identities/directory.csv"
    id_column    = "id"
    email_column = "mail"
  }
}

resource "justiam_run_profile" "hr" {
  for_each            = toset(["DeltaImport", "DeltaSynchronisation"])
  connected_system_id = justiam_connected_system.hr.id
  name                = each.key
  run_type            = each.key
}

resource "justiam_run_profile" "directory" {
  for_each            = toset(["DeltaSynchronisation", "Export"])
  connected_system_id = justiam_connected_system.directory.id
  name                = each.key
  run_type            = each.key
}

resource "justiam_schedule" "daily_delta_sync" {
  name         = "Daily Delta Sync"
  description  = "Import, sync, and export changes from all connected systems"
  trigger_type = "Cron"
  pattern_type = "SpecificTimes"
  days_of_week = [1, 2, 3, 4, 5]
  run_times    = ["06:00"]
  is_enabled   = true

  steps = [
    {
      step_type           = "RunProfile"
      connected_system_id = justiam_connected_system.hr.id
      run_profile_id      = justiam_run_profile.hr["DeltaImport"].id
    },
    {
      step_type           = "RunProfile"
      connected_system_id = justiam_connected_system.hr.id
      run_profile_id      = justiam_run_profile.hr["DeltaSynchronisation"].id
    },
    {
      step_type           = "RunProfile"
      connected_system_id = justiam_connected_system.directory.id
      run_profile_id      = justiam_run_profile.directory["DeltaSynchronisation"].id
    },
    {
      step_type           = "RunProfile"
      connected_system_id = justiam_connected_system.directory.id
      run_profile_id      = justiam_run_profile.directory["Export"].id
    },
  ]
}
"#;

#[tokio::test]
async fn the_schedule_of_the_document_is_applied_and_says_what_the_document_shows() {
    let (server, workspace) = world().await;
    workspace.config(CONFIG);
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
