//! Changes that somebody else made on the server are seen and repaired.

use justiam_sdk::api::schedules::{
    ExecutionMode, IntervalUnit, NewSchedule, NewScheduleStep, PatternType, TriggerType,
};

use justiam_tests::soon;

use super::super::world;
use super::{apply, program, schedule, stored, with_steps};

/// What the plan names, and how somebody else changes it.
type Drift = (&'static str, fn(&mut NewSchedule));

const FULL: &str = r#"
  description           = "mine"
  trigger_type          = "Cron"
  pattern_type          = "Interval"
  days_of_week          = [1, 2]
  interval_value        = 5
  interval_unit         = "Minutes"
  interval_window_start = "08:00"
  interval_window_end   = "18:00"
  is_enabled            = true
  steps = [
    { step_type = "PowerShell", script_path = "/srv/a.ps1", arguments = "-A" },
    { step_type = "Executable", executable_path = "/srv/b", timeout_seconds = 60, name = "B" },
    { step_type = "SqlScript", sql_script_path = "/srv/c.sql", sql_connection_string = "sqlite:/srv/c.db" },
  ]
"#;

#[tokio::test]
async fn drift_of_every_attribute_is_seen_named_and_repaired() {
    let (server, workspace) = world().await;
    apply(&workspace, &schedule(FULL)).await;
    let mine = stored(&server).await;

    let drifts: [Drift; 28] = [
        ("name", |new| new.name = "theirs".into()),
        ("description", |new| new.description = None),
        ("trigger_type", |new| new.trigger_type = Some(TriggerType::Manual)),
        ("days_of_week", |new| new.days_of_week = Some("2,3".into())),
        ("interval_value", |new| new.interval_value = Some(59)),
        ("interval_unit", |new| new.interval_unit = Some(IntervalUnit::Hours)),
        ("interval_window_start", |new| new.interval_window_start = Some("08:01".into())),
        ("interval_window_end", |new| new.interval_window_end = Some("07:59".into())),
        ("run_times", |new| new.run_times = Some("06:00".into())),
        ("pattern_type", |new| {
            new.pattern_type = Some(PatternType::SpecificTimes);
            new.run_times = Some("06:00".into());
        }),
        ("cron_expression", |new| {
            new.pattern_type = Some(PatternType::Custom);
            new.cron_expression = Some("0 6 * * *".into());
        }),
        ("timezone", |new| new.timezone = Some("Asia/Tokyo".into())),
        ("is_enabled", |new| new.is_enabled = Some(false)),
        ("step_index", |new| new.steps[2].step_index = 7),
        ("name", |new| new.steps[1].name = None),
        ("execution_mode", |new| new.steps[1].execution_mode = Some(ExecutionMode::ParallelWithPrevious)),
        ("continue_on_failure", |new| new.steps[0].continue_on_failure = Some(true)),
        ("timeout_seconds", |new| new.steps[1].timeout_seconds = None),
        ("connected_system_id", |new| new.steps[1].connected_system_id = Some(5)),
        ("run_profile_id", |new| new.steps[1].run_profile_id = Some(5)),
        ("script_path", |new| new.steps[0].script_path = Some("/srv/other.ps1".into())),
        ("arguments", |new| new.steps[0].arguments = Some("-B".into())),
        ("executable_path", |new| new.steps[1].executable_path = Some("/srv/other".into())),
        ("working_directory", |new| new.steps[1].working_directory = Some("/srv".into())),
        ("sql_script_path", |new| new.steps[2].sql_script_path = Some("/srv/other.sql".into())),
        ("sql_connection_string", |new| new.steps[2].sql_connection_string = Some("sqlite:/srv/other.db".into())),
        ("steps", |new| {
            new.steps.remove(1);
        }),
        ("steps", |new| {
            let added = NewScheduleStep::executable("/srv/theirs");
            new.steps.iter_mut().for_each(|step| step.step_index += 1);
            new.steps.insert(0, added);
        }),
    ];
    for (attribute, drift) in drifts {
        let before = stored_by_id(&server, mine.id).await;
        let mut new = before.to_new().unwrap();
        drift(&mut new);
        server.client.schedules().replace(mine.id, &new).await.unwrap();
        let plan = workspace.plan_changes().await;
        assert!(plan.text.contains("0 to add, 1 to change, 0 to destroy"), "{attribute}: {}", plan.text);
        assert!(plan.text.contains(&format!("{attribute} ")), "{attribute}: {}", plan.text);
        workspace.apply().await.ok();
        workspace.plan_nothing().await;
        let repaired = stored_by_id(&server, mine.id).await;
        let without_ids = |schedule: &justiam_sdk::api::schedules::Schedule| {
            let mut new = schedule.to_new().unwrap();
            new.steps.iter_mut().for_each(|step| step.id = None);
            new
        };
        assert_eq!(without_ids(&repaired), without_ids(&mine), "{attribute}");
    }
}

async fn stored_by_id(
    server: &justiam_tests::server::TestServer,
    id: justiam_sdk::api::ids::ScheduleId,
) -> justiam_sdk::api::schedules::Schedule {
    server.client.schedules().get(id).await.unwrap()
}

#[tokio::test]
async fn steps_in_another_order_are_put_back() {
    let (server, workspace) = world().await;
    let steps = [program("/a", ""), program("/b", ""), program("/c", "")];
    apply(&workspace, &with_steps(&steps.iter().map(String::as_str).collect::<Vec<_>>())).await;
    let mine = stored(&server).await;
    let mut new = mine.to_new().unwrap();
    new.steps[0].step_index = 2;
    new.steps[2].step_index = 0;
    server.client.schedules().replace(mine.id, &new).await.unwrap();
    let plan = workspace.plan_changes().await;
    assert!(plan.text.contains("executable_path"), "{}", plan.text);
    workspace.apply().await.ok();
    workspace.plan_nothing().await;
    assert_eq!(stored(&server).await.steps, mine.steps);
}

#[tokio::test]
async fn a_schedule_that_somebody_deleted_is_created_again() {
    let (server, workspace) = world().await;
    apply(&workspace, &schedule("")).await;
    let first = stored(&server).await;
    server.client.schedules().delete(first.id).await.unwrap();
    let plan = workspace.plan_changes().await;
    assert!(plan.text.contains("1 to add, 0 to change, 0 to destroy"), "{}", plan.text);
    workspace.apply().await.ok();
    workspace.plan_nothing().await;
    let again = stored(&server).await;
    assert_ne!(again.id, first.id);
    // And one that is gone already is destroyed all the same.
    server.client.schedules().delete(again.id).await.unwrap();
    workspace.destroy().await.ok();
}

#[tokio::test]
async fn ticks_and_runs_are_no_drift() {
    let (server, workspace) = world().await;
    let pattern = "trigger_type = \"Cron\"\nis_enabled = true\ncron_expression = \"0 * * * *\"\n";
    let steps = format!("steps = [{}]", program("/a", ""));
    apply(&workspace, &schedule(&format!("{pattern}{steps}"))).await;
    let before = stored(&server).await;
    let run = server.client.schedules().run(before.id).await.unwrap();
    soon("the end of the execution", server.client.executions().wait(run.execution_id)).await.unwrap();
    server.advance(24 * 3600);
    workspace.plan_nothing().await;
    let after = stored(&server).await;
    assert_eq!(after.revision, before.revision);
    assert!(after.last_run_time.is_some());
}

#[tokio::test]
async fn a_schedule_that_was_disabled_on_the_server_is_enabled_again() {
    let (server, workspace) = world().await;
    let config = schedule("trigger_type = \"Cron\"\nis_enabled = true\ncron_expression = \"0 * * * *\"");
    apply(&workspace, &config).await;
    let id = stored(&server).await.id;
    server.client.schedules().disable(id).await.unwrap();
    let plan = workspace.plan_changes().await;
    assert!(plan.text.contains("~ is_enabled"), "{}", plan.text);
    workspace.apply().await.ok();
    assert!(stored(&server).await.is_enabled);
}
