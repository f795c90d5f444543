//! Create, change, replace, destroy.

use futures::TryStreamExt as _;
use justiam_sdk::api::tasks::{Task, TaskQuery};
use justiam_sdk::api::values::{OverlapPolicy, ScheduleType};
use justiam_tests::server::TestServer;
use serde_json::json;

use super::{ADDRESS, SCRIPT, task, world};

/// The one task that is not the server's own.
async fn the_task(server: &TestServer) -> Task {
    let tasks: Vec<Task> = server.client.tasks().list(TaskQuery::new()).try_collect().await.unwrap();
    let mut own = tasks.into_iter().filter(|task| !task.is_system);
    let task = own.next().unwrap();
    assert!(own.next().is_none());
    server.client.tasks().get(task.id).await.unwrap()
}

#[tokio::test]
async fn a_minimal_task_gets_the_documented_defaults() {
    let (server, workspace) = world().await;
    workspace.file("task.go", SCRIPT);
    workspace.config(&task(""));
    workspace.apply().await.ok();
    workspace.plan_nothing().await;

    let task = the_task(&server).await;
    assert_eq!(
        workspace.attributes(ADDRESS).unwrap(),
        json!({
            "id": task.id, "name": "Task", "description": null, "task_type": "script", "schedule_type": "cron",
            "cron_expr": "0 3 * * *", "timezone": "UTC", "run_at": null, "overlap_policy": "allow", "enabled": true,
            "timeout_seconds": 30, "script": SCRIPT, "config": null, "task_config": null, "secrets": null,
            "secrets_wo": null, "secrets_wo_version": null, "revision": task.revision, "secret_revisions": {},
        })
    );
    assert_eq!(task.script.as_deref(), Some(SCRIPT));
    assert_eq!(task.overlap_policy, OverlapPolicy::Allow);
    workspace.destroy().await.ok();
    assert!(server.client.tasks().find("Task").await.unwrap().is_none());
}

#[tokio::test]
async fn every_attribute_is_written_changed_in_place_and_returned_to_its_default() {
    let (server, workspace) = world().await;
    workspace.file("task.go", SCRIPT);
    workspace.config(&task(
        r#"
          description     = "Ünïcode ✓"
          timezone        = "Europe/Zurich"
          overlap_policy  = "queue"
          enabled         = false
          timeout_seconds = 5
          config          = jsonencode({ b = [1, 2.50], a = { big = 123456789012345678901234567890 } })
          task_config     = { domain = "example.com", empty = "" }
          secrets         = { API_KEY = "one", OTHER = "two" }
        "#,
    ));
    workspace.apply().await.ok();
    workspace.plan_nothing().await;
    let full = the_task(&server).await;
    assert_eq!(full.description.as_deref(), Some("Ünïcode ✓"));
    assert_eq!(full.timezone, "Europe/Zurich");
    assert_eq!(full.overlap_policy, OverlapPolicy::Queue);
    assert!(!full.enabled);
    assert_eq!(full.timeout_seconds, 5);
    assert_eq!(full.config.unwrap().to_string(), r#"{"a":{"big":123456789012345678901234567890},"b":[1,2.5]}"#);
    assert_eq!(full.task_config.unwrap().len(), 2);
    assert_eq!(full.secret_revisions.unwrap().len(), 2);

    workspace.config(&task(""));
    let plan = workspace.plan_changes().await;
    assert!(plan.text.contains("0 to add, 1 to change, 0 to destroy"), "{}", plan.text);
    workspace.apply().await.ok();
    workspace.plan_nothing().await;
    let reset = the_task(&server).await;
    assert_eq!(reset.id, full.id);
    assert_eq!(reset.description, None);
    assert_eq!((reset.timezone.as_str(), reset.timeout_seconds, reset.enabled), ("UTC", 30, true));
    assert_eq!(reset.config, Some(json!({})));
    assert_eq!(reset.task_config, Some([].into()));
    // Secrets are left to others.
    assert_eq!(reset.secret_revisions.unwrap().len(), 2);
}

#[tokio::test]
async fn only_another_task_type_replaces_a_task() {
    let (server, workspace) = world().await;
    workspace.file("task.go", SCRIPT);
    workspace.config(&task(""));
    workspace.apply().await.ok();
    let before = the_task(&server).await;

    workspace.config(
        r#"resource "justiam_scheduled_task" "t" {
          name          = "Renamed"
          task_type     = "script"
          schedule_type = "once"
          run_at        = "2030-01-01T01:00:00+01:00"
          script        = "package task\nfunc Run() (string, error) { return \"\", nil }"
        }"#,
    );
    workspace.apply().await.ok();
    workspace.plan_nothing().await;
    let renamed = the_task(&server).await;
    assert_eq!((renamed.id, renamed.name.as_str()), (before.id, "Renamed"));
    assert_eq!((renamed.schedule_type, renamed.cron_expr), (ScheduleType::Once, None));
    assert_eq!(renamed.run_at.unwrap().to_string(), "2030-01-01T00:00:00Z");

    workspace.config(
        r#"resource "justiam_scheduled_task" "t" {
          name          = "Renamed"
          task_type     = "audit_log_cleanup"
          schedule_type = "cron"
          cron_expr     = "0 2 * * *"
        }"#,
    );
    let plan = workspace.plan_changes().await;
    assert!(plan.text.contains("1 to add, 0 to change, 1 to destroy"), "{}", plan.text);
    workspace.apply().await.ok();
    workspace.plan_nothing().await;
    assert_ne!(the_task(&server).await.id, before.id);
}

#[tokio::test]
async fn text_is_kept_byte_for_byte() {
    let (server, workspace) = world().await;
    let script = "// one\r\npackage task\r\n\r\nfunc Run() (out string, err error) { return \"ü\\u2028\\t \", nil }  ";
    workspace.file("task.go", script);
    workspace.config(
        r#"resource "justiam_scheduled_task" "t" {
          name          = " Spaces  and \"quotes\" "
          description   = "  line one\r\nline two\n\n"
          task_type     = "script"
          schedule_type = "cron"
          cron_expr     = "  0   3 * jan  MON-fri "
          script        = file("task.go")
          task_config   = { " k " = " v\r\n" }
        }"#,
    );
    workspace.apply().await.ok();
    workspace.plan_nothing().await;
    let task = the_task(&server).await;
    assert_eq!(task.script.as_deref(), Some(script));
    assert_eq!(task.name, " Spaces  and \"quotes\" ");
    assert_eq!(task.description.as_deref(), Some("  line one\r\nline two\n\n"));
    assert_eq!(task.cron_expr.as_deref(), Some("  0   3 * jan  MON-fri "));
    assert_eq!(task.task_config.unwrap()[" k "], " v\r\n");
}

#[tokio::test]
async fn a_config_that_only_looks_different_is_no_change() {
    let (_server, workspace) = world().await;
    workspace.file("task.go", SCRIPT);
    workspace.config(&task(r#"config = "{\"a\":1,\"b\":[true,null]}""#));
    workspace.apply().await.ok();
    workspace.config(&task(r#"config = "{ \"b\" : [true, null], \"a\" : 1 }""#));
    workspace.plan_nothing().await;
    workspace.config(&task(r#"config = "{\"a\":2,\"b\":[true,null]}""#));
    workspace.plan_changes().await;
}

#[tokio::test]
async fn nothing_and_an_empty_map_are_both_stable() {
    let (server, workspace) = world().await;
    workspace.file("task.go", SCRIPT);
    for (empty, state) in [("task_config = {}\nsecrets = {}\nconfig = \"{}\"", json!({})), ("", json!(null))] {
        workspace.config(&task(empty));
        workspace.apply().await.ok();
        workspace.plan_nothing().await;
        assert_eq!(workspace.attributes(ADDRESS).unwrap()["task_config"], state);
    }
    assert_eq!(the_task(&server).await.task_config, Some([].into()));
}

#[tokio::test]
async fn values_that_are_known_only_at_apply_work() {
    let (server, workspace) = world().await;
    workspace.file("task.go", SCRIPT);
    workspace.config(&format!(
        "resource \"terraform_data\" \"d\" {{\n  input = \"late\"\n}}\n{}",
        task(
            r#"
              description = terraform_data.d.output
              timezone    = terraform_data.d.output == "late" ? "Europe/Zurich" : "UTC"
              task_config = { k = terraform_data.d.output }
              secrets     = { s = terraform_data.d.output }
            "#
        )
    ));
    workspace.apply().await.ok();
    workspace.plan_nothing().await;
    let task = the_task(&server).await;
    assert_eq!((task.description.as_deref(), task.timezone.as_str()), (Some("late"), "Europe/Zurich"));
}

#[tokio::test]
async fn an_update_sends_only_what_changed() {
    let (server, workspace) = world().await;
    workspace.file("task.go", SCRIPT);
    workspace.config(&task("secrets = { K = \"one\" }\ndescription = \"before\""));
    workspace.apply().await.ok();
    let before = the_task(&server).await;
    workspace.config(&task("secrets = { K = \"one\" }\ndescription = \"after\""));
    workspace.apply().await.ok();
    let after = the_task(&server).await;
    assert_ne!(after.revision, before.revision);
    assert_eq!(after.secret_revisions, before.secret_revisions);
    assert_eq!(after.next_run_at, before.next_run_at);
}
