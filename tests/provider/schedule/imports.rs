//! Import by id and by name.

use justiam_sdk::api::schedules::{NewSchedule, NewScheduleStep};

use super::super::world;
use super::{ADDRESS, schedule, stored};

fn import_block(id: &str) -> String {
    format!("import {{\n  to = {ADDRESS}\n  id = \"{id}\"\n}}\n")
}

const CONFIG: &str = r#"
  description  = "d"
  trigger_type = "Cron"
  pattern_type = "SpecificTimes"
  days_of_week = [1, 2, 3]
  run_times    = ["6:00"]
  is_enabled   = true
  steps = [
    { step_type = "Executable", executable_path = "/a", name = "A" },
    { step_type = "Executable", executable_path = "/b", execution_mode = "ParallelWithPrevious" },
    { step_type = "SqlScript", sql_script_path = "/c.sql", sql_connection_string = "sqlite:/c.db", continue_on_failure = true },
  ]
"#;

/// What [`CONFIG`] says.
fn new() -> NewSchedule {
    let sql = NewScheduleStep::sql_script("sqlite:/c.db", "/c.sql").continuing_on_failure();
    let mut new = NewSchedule::manual("Nightly")
        .enabled()
        .then(NewScheduleStep::executable("/a").named("A"))
        .beside(NewScheduleStep::executable("/b"))
        .then(sql);
    new.description = Some("d".into());
    new.trigger_type = Some("Cron".into());
    new.days_of_week = Some("1,2,3".into());
    new.run_times = Some("06:00".into());
    new
}

#[tokio::test]
async fn a_schedule_is_imported_by_id_or_name_and_then_nothing_is_left_to_change() {
    let (server, workspace) = world().await;
    let id = server.client.schedules().create(&new()).await.unwrap().id;
    let before = stored(&server).await;
    for import in [id.to_string(), "Nightly".to_owned()] {
        workspace.config(&format!("{}{}", import_block(&import), schedule(CONFIG)));
        let said = workspace.apply().await.ok();
        // The time of day has another spelling, which is no change.
        assert!(said.text.contains("1 imported, 0 added, 0 changed, 0 destroyed"), "{}", said.text);
        workspace.plan_nothing().await;
        workspace.run(&["state", "rm", ADDRESS]).await.ok();
    }
    // The command does the same as the block, and the ids of the steps are known from the first.
    workspace.config(&schedule(CONFIG));
    workspace.run(&["import", "-input=false", "-no-color", ADDRESS, "Nightly"]).await.ok();
    workspace.plan_nothing().await;
    workspace.config(&schedule(&CONFIG.replace("name = \"A\"", "name = \"Z\"")));
    workspace.apply().await.ok();
    let (was, now) = (before.steps.unwrap(), stored(&server).await.steps.unwrap());
    assert_eq!(now.iter().map(|step| step.id).collect::<Vec<_>>(), was.iter().map(|step| step.id).collect::<Vec<_>>());
    assert_eq!(now[0].name.as_deref(), Some("Z"));
    assert_eq!(now[2].sql_connection_string_revision, was[2].sql_connection_string_revision);
}

#[tokio::test]
async fn an_import_with_a_password_is_one_change_in_place_and_sends_nothing_that_is_the_same() {
    let (server, workspace) = world().await;
    let step = NewScheduleStep::sql_script("postgres://u:canary@db.example.com/x", "/c.sql");
    server.client.schedules().create(&NewSchedule::manual("Nightly").then(step)).await.unwrap();
    let before = stored(&server).await.steps.unwrap();
    for attribute in ["sql_connection_string", "sql_connection_string_wo"] {
        let step = format!(
            "{{ step_type = \"SqlScript\", sql_script_path = \"/c.sql\", {attribute} = \"postgres://u:canary@db.example.com/x\" }}"
        );
        workspace.config(&format!("{}{}", import_block("Nightly"), schedule(&format!("steps = [{step}]"))));
        let said = workspace.apply().await.ok();
        assert!(said.text.contains("1 imported, 0 added, 1 changed, 0 destroyed"), "{}", said.text);
        assert!(!said.text.contains("canary"), "{}", said.text);
        workspace.plan_nothing().await;
        assert_eq!(stored(&server).await.steps.unwrap(), before, "{attribute}");
        workspace.run(&["state", "rm", ADDRESS]).await.ok();
    }
}

#[tokio::test]
async fn what_does_not_exist_cannot_be_imported() {
    let (_server, workspace) = world().await;
    workspace.config(&schedule(""));
    for (id, text) in [
        (
            "Nightly",
            "There is no schedule with the name `Nightly`. A schedule is imported by its id (a UUID) or its exact name.",
        ),
        ("0199f2a6-0000-7000-8000-000000000001", "The server answered 404"),
    ] {
        let said = workspace.run(&["import", "-input=false", "-no-color", ADDRESS, id]).await;
        said.fails_with(&[&format!("Could not import the schedule `{id}`"), text]);
    }
}
