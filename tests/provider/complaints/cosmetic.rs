//! Two ways to write the same are no change; a real change is exactly what the plan says.

use serde_json::json;

use super::super::plans::{assert_updates, planned};
use super::super::{SCRIPT, world};
use super::triggered;

/// Spellings of one cron expression each.
const SPELLINGS: [&[&str]; 8] = [
    &["0 3 * * *", "0  3 * * *", " 00 03 * * ? ", "0\\t3 * * *"],
    &["@daily", "0 0 * * *", "@DAILY", "0 0 ? * ?"],
    &["0 0 * * MON", "0 0 * * mon", "0 0 * * 1", "0 0 * * Mon"],
    &["0 0 * * 7", "0 0 * * 0", "@weekly", "0 0 * * SUN"],
    &["0 9 1 jan-mar MON-FRI", "0 9 1 1-3 1-5", "0 9 1 JAN,FEB,MAR 1,2,3,4,5", "0 9 1 3,2,1 5-5,1-4"],
    &["*/15 * * * *", "0-59/15 * * * *", "0,15,30,45 * * * *", "*/15  * * * *"],
    &["@hourly", "0 * * * *", "0 */1 * * *", "@hourly"],
    &["0 0 L * *", "0 0 l * *", "0  0 L * *", "0 0 L * ?"],
];

fn crons(at: usize) -> String {
    let entries: Vec<String> =
        SPELLINGS.iter().enumerate().map(|(key, group)| format!("    s{key} = \"{}\"", group[at])).collect();
    format!(
        "locals {{\n  crons = {{\n{}\n  }}\n}}\n\
         resource \"justiam_scheduled_task\" \"c\" {{\n  for_each = local.crons\n  name = each.key\n  task_type = \"script\"\n  \
         schedule_type = \"cron\"\n  cron_expr = each.value\n  script = file(\"task.go\")\n}}\n\
         resource \"justiam_schedule\" \"c\" {{\n  for_each = local.crons\n  name = each.key\n  trigger_type = \"Cron\"\n  \
         cron_expression = each.value\n}}\n",
        entries.join("\n")
    )
}

#[tokio::test]
async fn u1_another_spelling_of_a_cron_expression_is_no_change() {
    let (server, workspace) = world().await;
    workspace.file("task.go", SCRIPT);
    workspace.config(&crons(0));
    workspace.apply().await.ok();
    for at in [1, 2, 3] {
        workspace.config(&crons(at));
        workspace.plan_nothing().await;
    }
    // The server has what was written first, byte for byte, and the state as well.
    let daily = server.client.tasks().find("s1").await.unwrap().unwrap();
    assert_eq!(daily.cron_expr.as_deref(), Some("@daily"));

    // Another attribute changes, and nothing with it.
    workspace.config(&crons(3).replace("  script = ", "  description = \"d\"\n  script = "));
    let planned = planned(&workspace).await;
    assert_eq!(planned.len(), SPELLINGS.len());
    let expected: Vec<String> =
        (0..SPELLINGS.len()).map(|key| format!("justiam_scheduled_task.c[\"s{key}\"]")).collect();
    assert_updates(
        &planned,
        &expected.iter().map(|address| (address.as_str(), &["description"][..])).collect::<Vec<_>>(),
    );
    workspace.apply().await.ok();
    workspace.config(&crons(1).replace("  script = ", "  description = \"d\"\n  script = "));
    workspace.plan_nothing().await;
    assert_eq!(server.client.tasks().get(daily.id).await.unwrap().cron_expr.as_deref(), Some("@daily"));
}

#[tokio::test]
async fn u7_what_means_the_same_is_no_change_and_what_does_not_is_named() {
    let (_server, workspace) = world().await;
    workspace.file("task.go", SCRIPT);
    let config = |run_at: &str, config: &str, days: &str, times: &str, entries: &str| {
        triggered(
            "t",
            &format!(
                "schedule_type = \"once\"\nrun_at = \"{run_at}\"\nconfig = {}\ntask_config = {{ {entries} }}",
                json!(config)
            ),
        ) + &format!(
            "resource \"justiam_schedule\" \"s\" {{\n  name = \"s\"\n  trigger_type = \"Cron\"\n  days_of_week = [{days}]\n  \
             run_times = [{times}]\n}}\n"
        )
    };
    workspace.config(&config(
        "2035-01-31T09:00:00+01:00",
        r#"{"a":1,"b":[1,2.50],"c":1e2}"#,
        "1, 3, 5",
        "\"6:00\", \"18:30\"",
        "a = \"1\", b = \"2\"",
    ));
    workspace.apply().await.ok();
    let same = [
        ("2035-01-31T08:00:00Z", r#"{ "c": 1e2, "b": [1, 2.50], "a": 1 }"#, "5, 3, 1", "\"18:30\", \"06:00\""),
        (
            "2035-01-31t03:00:00.000-05:00",
            "{\"b\":[1,2.5],\n\"a\":1.0,\"c\":100}",
            "3, 5, 1, 1",
            "\"06:00\", \"18:30\"",
        ),
    ];
    for (run_at, json, days, times) in same {
        workspace.config(&config(run_at, json, days, times, "b = \"2\", a = \"1\""));
        workspace.plan_nothing().await;
    }
    workspace.config(&config(
        "2035-01-31T08:00:01Z",
        r#"{"a":1,"b":[2.5,1],"c":100}"#,
        "1, 3",
        "\"06:00\", \"18:31\"",
        "a = \"1\"",
    ));
    assert_updates(
        &planned(&workspace).await,
        &[
            ("justiam_schedule.s", &["days_of_week", "run_times"]),
            ("justiam_scheduled_task.t", &["config", "run_at", "task_config"]),
        ],
    );
    workspace.apply().await.ok();
    workspace.plan_nothing().await;
}
