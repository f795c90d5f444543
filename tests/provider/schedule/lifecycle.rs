//! Create, change, destroy.

use justiam_sdk::api::schedules::NewSchedule;
use serde_json::json;

use super::super::world;
use super::{ADDRESS, apply, program, schedule, stored, with_steps};

#[tokio::test]
async fn a_minimal_schedule_gets_the_documented_defaults() {
    let (server, workspace) = world().await;
    apply(&workspace, &with_steps(&[&program("/bin/true", "")])).await;
    let id = stored(&server).await.id;
    let attributes = workspace.attributes(ADDRESS).unwrap();
    assert_eq!(
        attributes,
        json!({
            "id": id, "name": "Nightly", "description": null, "trigger_type": "Manual", "pattern_type": "SpecificTimes",
            "cron_expression": null, "days_of_week": null, "run_times": null, "interval_value": null, "interval_unit": null,
            "interval_window_start": null, "interval_window_end": null, "timezone": "UTC", "is_enabled": false,
            "steps": [{
                "step_index": null, "name": null, "execution_mode": "Sequential", "step_type": "Executable",
                "continue_on_failure": false, "timeout_seconds": null, "connected_system_id": null, "run_profile_id": null,
                "script_path": null, "arguments": null, "executable_path": "/bin/true", "working_directory": null,
                "sql_connection_string": null, "sql_connection_string_wo": null, "sql_connection_string_wo_version": null,
                "sql_script_path": null,
            }],
        })
    );
    workspace.destroy().await.ok();
    assert!(server.client.schedules().find("Nightly").await.unwrap().is_none());
}

#[tokio::test]
async fn every_attribute_is_written_changed_in_place_and_returned_to_its_default() {
    let (server, workspace) = world().await;
    apply(
        &workspace,
        &schedule(
            r#"
              description           = "Ünïcode ✓"
              trigger_type          = "Cron"
              pattern_type          = "Interval"
              days_of_week          = [1, 0, 6]
              interval_value        = 90 / 2
              interval_unit         = "Minutes"
              interval_window_start = "22:00"
              interval_window_end   = "4:30"
              timezone              = "Europe/Zurich"
              is_enabled            = true
              steps = [
                {
                  name                = "Report"
                  step_type           = "PowerShell"
                  script_path         = "/srv/report.ps1"
                  arguments           = "-Name 'a b'"
                  working_directory   = "/srv"
                  continue_on_failure = true
                  timeout_seconds     = 86400
                },
                { step_type = "Executable", executable_path = "/bin/true", execution_mode = "ParallelWithPrevious" },
              ]
            "#,
        ),
    )
    .await;
    let full = stored(&server).await;
    assert_eq!(full.description.as_deref(), Some("Ünïcode ✓"));
    assert_eq!((full.trigger_type.to_string(), full.is_enabled), ("Cron".to_owned(), true));
    assert_eq!(full.days_of_week.as_deref(), Some("0,1,6"));
    assert_eq!((full.interval_value, full.interval_window_end.as_deref()), (Some(45), Some("04:30")));
    assert_eq!(full.timezone, "Europe/Zurich");
    assert!(full.next_run_time.is_some());
    let steps = full.steps.unwrap();
    assert_eq!(steps.iter().map(|step| step.step_index).collect::<Vec<_>>(), [0, 0]);
    assert_eq!((steps[0].name.as_deref(), steps[0].timeout_seconds), (Some("Report"), Some(86_400)));
    assert_eq!(steps[0].arguments.as_deref(), Some("-Name 'a b'"));

    workspace.config(&schedule(""));
    let plan = workspace.plan_changes().await;
    assert!(plan.text.contains("0 to add, 1 to change, 0 to destroy"), "{}", plan.text);
    workspace.apply().await.ok();
    workspace.plan_nothing().await;
    let reset = stored(&server).await;
    assert_eq!(reset.id, full.id);
    assert_eq!((reset.description, reset.days_of_week, reset.interval_value), (None, None, None));
    assert_eq!((reset.timezone.as_str(), reset.is_enabled, reset.steps), ("UTC", false, Some(Vec::new())));
}

#[tokio::test]
async fn each_pattern_is_applied_and_becomes_another_in_place() {
    let (server, workspace) = world().await;
    let interval = "pattern_type = \"Interval\"\ndays_of_week = [0, 1, 2, 3, 4, 5, 6]\ninterval_value = 59\ninterval_unit = \"Minutes\"\n\
                    interval_window_start = \"00:00\"\ninterval_window_end = \"23:59\"";
    let patterns = [
        ("days_of_week = [1, 2, 3, 4, 5]\nrun_times = [\"06:00\"]", "SpecificTimes", Some("0 6 * * 1-5")),
        (
            "pattern_type = \"SpecificTimes\"\ndays_of_week = [0]\nrun_times = [\"06:15\", \"18:40\"]",
            "SpecificTimes",
            None,
        ),
        (interval, "Interval", None),
        ("cron_expression = \"0 3 1 * *\"", "Custom", Some("0 3 1 * *")),
        ("pattern_type = \"Custom\"\ncron_expression = \"*/7  2-5 * * MON\"", "Custom", Some("*/7  2-5 * * MON")),
    ];
    let mut ids = Vec::new();
    for (pattern, kind, expression) in patterns {
        apply(&workspace, &schedule(&format!("trigger_type = \"Cron\"\nis_enabled = true\n{pattern}"))).await;
        let stored = stored(&server).await;
        assert_eq!(stored.pattern_type.to_string(), kind, "{pattern}");
        assert_eq!(stored.cron_expression.as_deref(), expression, "{pattern}");
        assert_eq!(workspace.attributes(ADDRESS).unwrap()["pattern_type"], kind);
        ids.push(stored.id);
    }
    ids.dedup();
    assert_eq!(ids.len(), 1);
}

#[tokio::test]
async fn another_spelling_of_the_same_is_no_change() {
    let (server, workspace) = world().await;
    let times = |times: &str| format!("days_of_week = [5, 1]\nrun_times = [{times}]\ntrigger_type = \"Cron\"");
    apply(&workspace, &schedule(&times("\"6:00\", \"12:30\""))).await;
    let revision = stored(&server).await.revision;
    for same in ["\"12:30\", \"06:00\"", "\"06:00\", \"12:30\""] {
        workspace.config(&schedule(&times(same)));
        workspace.plan_nothing().await;
    }
    // A pattern type that says what the fields say anyway.
    workspace.config(&schedule(&(times("\"6:00\", \"12:30\"") + "\npattern_type = \"SpecificTimes\"")));
    workspace.plan_nothing().await;
    assert_eq!(stored(&server).await.revision, revision);
    workspace.config(&schedule(&times("\"06:01\", \"12:30\"")));
    workspace.plan_changes().await;
}

#[tokio::test]
async fn a_name_that_is_taken_shows_how_to_import_its_schedule() {
    let (server, workspace) = world().await;
    let taken = server.client.schedules().create(&NewSchedule::manual("Nightly")).await.unwrap();
    workspace.config(&schedule(""));
    let import = format!("import {{ to = justiam_schedule.this id = \"{}\" }}", taken.id);
    workspace.apply().await.fails_with(&[
        "Could not create the schedule `Nightly`",
        "manage the existing schedule",
        &import,
    ]);
    assert!(workspace.attributes(ADDRESS).is_none());
}

#[tokio::test]
async fn what_the_server_refuses_is_shown_at_its_step() {
    let (_server, workspace) = world().await;
    let first = program("/bin/true", "");
    workspace.config(&with_steps(&[
        &first,
        "{ step_type = \"RunProfile\", connected_system_id = 404, run_profile_id = 405 }",
    ]));
    let said = workspace.apply().await.fails_with(&["The server refuses `steps[1]."]);
    assert!(said.text.contains("on main.tf line"), "{}", said.text);
}

#[tokio::test]
async fn a_plan_that_somebody_has_overtaken_changes_nothing() {
    let (server, workspace) = world().await;
    apply(&workspace, &with_steps(&[&program("/bin/true", "")])).await;
    workspace.config(&with_steps(&[&program("/bin/false", "")]));
    workspace.run(&["plan", "-input=false", "-no-color", "-out=saved"]).await.ok();
    let before = stored(&server).await;
    let mut theirs = before.to_new().unwrap();
    theirs.description = Some("theirs".into());
    server.client.schedules().replace(before.id, &theirs).await.unwrap();
    let theirs = stored(&server).await;
    workspace.run(&["apply", "-input=false", "-no-color", "saved"]).await.fails_with(&[
        "Could not change the schedule `Nightly`",
        "Somebody else has changed it",
        "plan and apply again",
    ]);
    assert_eq!(stored(&server).await, theirs);
    workspace.apply().await.ok();
    workspace.plan_nothing().await;
    let mine = stored(&server).await;
    assert_eq!((mine.description, mine.id), (None, before.id));
}

#[tokio::test]
async fn values_that_become_known_are_applied() {
    let (server, workspace) = world().await;
    let data = "resource \"terraform_data\" \"d\" {\n  input = { path = \"/bin/true\", time = \"7:00\", mode = \"ParallelWithPrevious\" }\n}\n";
    let late = schedule(
        "trigger_type = \"Cron\"\ndays_of_week = [1]\nrun_times = [terraform_data.d.output.time]\nsteps = [\n\
         { step_type = \"Executable\", executable_path = \"/bin/a\" },\n\
         { step_type = \"Executable\", executable_path = terraform_data.d.output.path, execution_mode = terraform_data.d.output.mode },\n\
         { step_type = \"Executable\", executable_path = \"/bin/b\" },\n]",
    );
    apply(&workspace, &format!("{data}{late}")).await;
    let stored = stored(&server).await;
    assert_eq!(stored.run_times.as_deref(), Some("07:00"));
    let steps = stored.steps.unwrap();
    assert_eq!(steps.iter().map(|step| step.step_index).collect::<Vec<_>>(), [0, 0, 1]);
    assert_eq!(steps[1].executable_path.as_deref(), Some("/bin/true"));
}
