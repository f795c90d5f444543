//! Changes that somebody else made on the server are seen and repaired.

use justiam_sdk::api::tasks::TaskPatch;
use justiam_sdk::api::values::OverlapPolicy;
use serde_json::json;

use super::{ADDRESS, SCRIPT, task, world};

/// An attribute, and how somebody else changes it.
type Drift = (&'static str, fn(&mut TaskPatch));

#[tokio::test]
async fn drift_of_every_attribute_is_seen_named_and_repaired() {
    let (server, workspace) = world().await;
    workspace.file("task.go", SCRIPT);
    workspace.config(&task(
        r#"
          description = "mine"
          config      = jsonencode({ a = 1 })
          task_config = { a = "1" }
          secrets     = { A = "1" }
        "#,
    ));
    workspace.apply().await.ok();
    let id = workspace.attributes(ADDRESS).unwrap()["id"].as_str().unwrap().parse().unwrap();
    let mine = server.client.tasks().get(id).await.unwrap();

    let drifts: [Drift; 11] = [
        ("name", |patch| patch.name = Some("theirs".into())),
        ("description", |patch| patch.description = Some(None)),
        ("cron_expr", |patch| patch.cron_expr = Some(Some("1 1 * * *".into()))),
        ("timezone", |patch| patch.timezone = Some("Asia/Tokyo".into())),
        ("overlap_policy", |patch| patch.overlap_policy = Some(OverlapPolicy::Skip)),
        ("enabled", |patch| patch.enabled = Some(false)),
        ("timeout_seconds", |patch| patch.timeout_seconds = Some(1)),
        ("script", |patch| patch.script = Some(Some(SCRIPT.replace('\n', "\r\n")))),
        ("config", |patch| patch.config = Some(Some(json!({ "a": 2 })))),
        ("task_config", |patch| patch.task_config = Some([("a".into(), "2".into())].into())),
        ("schedule_type", |patch| {
            patch.schedule_type = Some("once".into());
            patch.cron_expr = Some(None);
        }),
    ];
    for (attribute, drift) in drifts {
        let mut patch = TaskPatch::new();
        drift(&mut patch);
        server.client.tasks().update(id, &patch).await.unwrap();
        let plan = workspace.plan_changes().await;
        assert!(plan.text.contains("1 to change, 0 to destroy"), "{attribute}: {}", plan.text);
        assert!(plan.text.contains(&format!("{attribute} ")), "{attribute}: {}", plan.text);
        workspace.apply().await.ok();
        workspace.plan_nothing().await;
        let repaired = server.client.tasks().get(id).await.unwrap();
        assert_eq!(repaired.script, mine.script, "{attribute}");
        assert_eq!(repaired.config, mine.config, "{attribute}");
        assert_eq!(repaired.cron_expr, mine.cron_expr, "{attribute}");
        assert_eq!(repaired.secret_revisions, mine.secret_revisions, "{attribute}");
    }
}

#[tokio::test]
async fn a_task_type_that_drifted_replaces_the_task() {
    let (server, workspace) = world().await;
    workspace.file("task.go", SCRIPT);
    workspace.config(&task(""));
    workspace.apply().await.ok();
    let id = workspace.attributes(ADDRESS).unwrap()["id"].as_str().unwrap().parse().unwrap();
    let mut patch = TaskPatch::new();
    patch.task_type = Some("audit_log_cleanup".into());
    patch.script = Some(None);
    server.client.tasks().update(id, &patch).await.unwrap();
    let plan = workspace.plan_changes().await;
    assert!(plan.text.contains("1 to add, 0 to change, 1 to destroy"), "{}", plan.text);
    workspace.apply().await.ok();
    workspace.plan_nothing().await;
}

#[tokio::test]
async fn a_task_that_somebody_deleted_is_created_again() {
    let (server, workspace) = world().await;
    workspace.file("task.go", SCRIPT);
    workspace.config(&task(""));
    workspace.apply().await.ok();
    let task = server.client.tasks().find("Task").await.unwrap().unwrap();
    server.client.tasks().delete(task.id).await.unwrap();
    let plan = workspace.plan_changes().await;
    assert!(plan.text.contains("1 to add, 0 to change, 0 to destroy"), "{}", plan.text);
    workspace.apply().await.ok();
    workspace.plan_nothing().await;
    let again = server.client.tasks().find("Task").await.unwrap().unwrap();
    assert_ne!(again.id, task.id);
    // And one that is gone already is destroyed all the same.
    server.client.tasks().delete(again.id).await.unwrap();
    workspace.destroy().await.ok();
}

#[tokio::test]
async fn ticks_and_runs_are_no_drift() {
    let (server, workspace) = world().await;
    workspace.file("task.go", SCRIPT);
    workspace.config(&task(""));
    workspace.apply().await.ok();
    let task = server.client.tasks().find("Task").await.unwrap().unwrap();
    let run = server.client.tasks().run(task.id).await.unwrap();
    server.ended(run.id).await;
    server.advance(24 * 3600);
    workspace.plan_nothing().await;
}
