//! When something fires: expressions, zones and instants.

use justiam_tests::faults::Faults;
use justiam_tests::terraform::Workspace;
use serde_json::{Value as Json, json};

use super::super::plans::{assert_updates, planned};
use super::super::{ADDRESS, SCRIPT, task, world};
use super::triggered;

/// A workspace whose server does not exist: whoever asks it fails.
fn offline() -> Workspace {
    let workspace = Workspace::new("http://127.0.0.1:1", "none");
    workspace.file("task.go", SCRIPT);
    workspace
}

fn both(cron: &str) -> String {
    let task = triggered("t", &format!("schedule_type = \"cron\"\ncron_expr = \"{cron}\""));
    format!(
        "{task}resource \"justiam_schedule\" \"s\" {{\n  name = \"s\"\n  trigger_type = \"Cron\"\n  cron_expression = \"{cron}\"\n}}\n"
    )
}

#[tokio::test]
async fn u2_a_wrong_cron_expression_is_found_without_asking_the_server() {
    let workspace = offline();
    for (cron, says) in [("99 * * * *", "`99` is not a valid minute field"), ("0 0 31 2 *", "never fires")] {
        workspace.config(&both(cron));
        let said = workspace.run(&["validate", "-no-color"]).await.fails_with(&[says]);
        for line in [format!("cron_expr = \"{cron}\""), format!("cron_expression = \"{cron}\"")] {
            assert!(said.flat().contains(&line), "{}", said.text);
        }
    }
}

#[tokio::test]
async fn u4_the_error_of_a_cron_expression_names_the_dialect_the_field_and_a_valid_one() {
    let workspace = offline();
    let dialect =
        "a cron expression has five: minute, hour, day of month, month, day of week (or a macro such as `@daily`)";
    let example =
        "hint: the fields are minute, hour, day of month, month, day of week; `0 3 * * *` is every day at 03:00";
    for (cron, says) in [
        ("0 0 3 * * ? *", ["has 7 fields", dialect]),
        ("0 3 * *", ["has 4 fields", dialect]),
        ("@fortnightly", ["the macros are @yearly", "@hourly"]),
        ("0 25 * * *", ["`25` is not a valid hour field", "it takes 0-23"]),
        ("0 3 * FOO *", ["`FOO` is not a valid month field", "JAN-DEC"]),
    ] {
        workspace.config(&both(cron));
        let said = workspace.run(&["validate", "-no-color"]).await.fails_with(&[says[0], says[1], example]);
        assert_eq!(said.text.matches("Error: ").count(), 2, "{}", said.text);
    }
}

#[tokio::test]
async fn u5_the_time_zone_is_an_attribute_of_its_own() {
    let (server, workspace) = world().await;
    workspace.file("task.go", SCRIPT);
    workspace.config(&task("timezone = \"Europe/Zurich\""));
    workspace.apply().await.ok();
    let next = async || server.client.tasks().find("Task").await.unwrap().unwrap().next_run_at.unwrap().to_string();
    assert_eq!(next().await, "2026-01-01T02:00:00Z");
    workspace.config(&task("timezone = \"Asia/Tokyo\""));
    assert_updates(&planned(&workspace).await, &[(ADDRESS, &["timezone"])]);
    workspace.apply().await.ok();
    assert_eq!(next().await, "2026-01-01T18:00:00Z");

    workspace.config(&both("CRON_TZ=Europe/Zurich 0 3 * * *"));
    workspace.run(&["validate", "-no-color"]).await.fails_with(&["has 6 fields"]);
    workspace.config(&task("timezone = \"CEST\""));
    workspace.run(&["validate", "-no-color"]).await.fails_with(&["Invalid time zone", "`CEST`"]);
}

#[tokio::test]
async fn u6_two_ways_to_say_when_are_refused() {
    let workspace = offline();
    workspace.config(
        &(both("0 3 * * *").replace(
            "  cron_expression",
            "  pattern_type = \"Custom\"\n  days_of_week = [1]\n  run_times = [\"06:00\"]\n  cron_expression",
        ) + &triggered("u", "schedule_type = \"once\"\ncron_expr = \"@daily\"\nrun_at = \"2030-01-01T00:00:00Z\"")
            + &triggered("v", "schedule_type = \"cron\"\ncron_expr = \"@daily\"\nrun_at = \"2030-01-01T00:00:00Z\"")),
    );
    let said = workspace.run(&["validate", "-no-color"]).await.fails_with(&[
        "Unexpected cron expression",
        "Unexpected run_at",
        "Unexpected days of week",
        "Unexpected run times",
    ]);
    assert_eq!(said.text.matches("Error: ").count(), 4, "{}", said.text);
}

#[tokio::test]
async fn u8_an_instant_that_has_passed_stays_valid() {
    let (server, workspace) = world().await;
    workspace.file("task.go", SCRIPT);
    let config = |more: &str| {
        triggered("soon", &format!("schedule_type = \"once\"\nrun_at = \"2026-01-01T00:00:05Z\"\n{more}"))
            + &triggered("past", &format!("schedule_type = \"once\"\nrun_at = \"2001-01-01T00:00:00Z\"\n{more}"))
    };
    workspace.config(&config(""));
    workspace.apply().await.ok();
    server.advance(24 * 3600);
    workspace.plan_nothing().await;
    workspace.config(&config("description = \"later\""));
    workspace.apply().await.ok();
    workspace.plan_nothing().await;
}

#[tokio::test]
async fn u9_an_update_sends_what_is_configured_and_the_server_finds_the_next_time() {
    let (server, workspace) = world().await;
    let faults = Faults::start(&server.endpoint).await;
    let mut workspace = workspace;
    workspace.variable("JUSTIAM_ENDPOINT", &faults.endpoint);
    workspace.file("task.go", SCRIPT);
    workspace.config(&task(""));
    workspace.apply().await.ok();
    faults.take();
    workspace.config(&task("").replace("0 3 * * *", "30 4 * * *"));
    workspace.apply().await.ok();
    let seen = faults.take();
    let changes: Vec<Json> =
        seen.iter().filter(|seen| seen.method != "GET").map(|seen| serde_json::from_str(&seen.body).unwrap()).collect();
    assert_eq!(changes, [json!({ "cron_expr": "30 4 * * *" })]);
    let task = server.client.tasks().find("Task").await.unwrap().unwrap();
    assert_eq!(task.next_run_at.unwrap().to_string(), "2026-01-01T04:30:00Z");
}
