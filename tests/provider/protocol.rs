//! The provider under a client that plays Terraform's part and checks its answers by Terraform's rules.

use justiam_tests::programs::program;
use justiam_tests::server::TestServer;
use serde_json::{Value as Json, json};
use tfplugin_client::wire::tfplugin6::{get_metadata, stop_provider};
use tfplugin_client::{Action, Session, UNKNOWN, diagnostics};

use super::SCRIPT;

async fn start() -> Session {
    Session::start(&program("terraform-provider-justiam")).await
}

/// A task with what every script needs, and something else for one attribute.
fn task(name: &str, value: Json) -> Json {
    let mut task = json!({
        "name": "Task", "task_type": "script", "schedule_type": "cron", "cron_expr": "0 3 * * *", "script": SCRIPT,
    });
    task[name] = value;
    task
}

#[tokio::test]
async fn the_metadata_has_the_names_of_the_schemas() {
    let session = start().await;
    let schemas = session.schemas().await;
    let metadata = session.provider().get_metadata(get_metadata::Request {}).await.unwrap().into_inner();
    let sorted = |mut names: Vec<String>| {
        names.sort();
        names
    };
    let resources = metadata.resources.into_iter().map(|resource| resource.type_name).collect();
    assert_eq!(sorted(resources), schemas.resources.keys().cloned().collect::<Vec<_>>());
    assert!(schemas.resources.contains_key("justiam_scheduled_task"));
    let data_sources = metadata.data_sources.into_iter().map(|source| source.type_name).collect();
    assert_eq!(sorted(data_sources), schemas.data_sources.keys().cloned().collect::<Vec<_>>());
    let functions = metadata.functions.into_iter().map(|function| function.name).collect();
    assert_eq!(sorted(functions), schemas.functions.keys().cloned().collect::<Vec<_>>());
    assert_eq!(metadata.server_capabilities, Some(schemas.capabilities));
    assert_eq!(diagnostics::errors(&metadata.diagnostics), Vec::<String>::new());
}

#[tokio::test]
async fn a_configuration_is_validated() {
    let session = start().await;
    let tasks = session.resource("justiam_scheduled_task").await;
    assert_eq!(tasks.validate(&tasks.config(task("enabled", json!(true)))).await, []);
    let problems = tasks.validate(&tasks.config(task("cron_expr", json!("61 * * * *")))).await;
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].summary, "Invalid cron expression");
    assert!(problems[0].attribute.is_some());
    // What is not known yet may turn out right.
    assert_eq!(tasks.validate(&tasks.config(task("cron_expr", json!(UNKNOWN)))).await, []);
}

#[tokio::test]
async fn a_create_is_planned_by_the_rules() {
    let session = start().await;
    let tasks = session.resource("justiam_scheduled_task").await;
    let early = tasks.config(task("secrets", json!({"password": UNKNOWN})));
    let plan = tasks.plan(None, &early).await.ok();
    assert_eq!(plan.action, Action::Create);
    assert!(plan.planned.get("id").unwrap().is_unknown());
    assert_eq!(plan.planned.get("timezone"), Some(&"UTC".into()));
    assert_eq!(plan.planned.get("timeout_seconds"), Some(&30.into()));
    let later = tasks.config(task("secrets", json!({"password": "hush"})));
    let plan = tasks.plan_again(&plan, &later).await.ok();
    assert_eq!(plan.planned.get("secrets").unwrap().get("password"), Some(&"hush".into()));
    tasks.plan(None, &tasks.config(task("script", json!("#!/bin/sh")))).await.failed();
}

#[tokio::test]
async fn the_provider_takes_its_own_configuration() {
    let session = start().await;
    let problems = session.configure(json!({"endpoint": "not a url", "token": "t"})).await;
    assert_eq!(problems[0].summary, "Invalid endpoint");
    let problems = session.configure(json!({"endpoint": "http://127.0.0.1:1", "token": "t"})).await;
    assert_eq!(problems, []);
}

#[tokio::test]
async fn stop_does_not_end_the_provider_and_shutdown_does() {
    let mut session = start().await;
    let stopped = session.provider().stop_provider(stop_provider::Request {}).await.unwrap().into_inner();
    assert_eq!(stopped.error, "");
    assert!(session.plugin.is_running());
    let tasks = session.resource("justiam_scheduled_task").await;
    assert_eq!(tasks.validate(&tasks.config(task("enabled", json!(false)))).await, []);
    assert!(session.shutdown().await.success());
}

#[tokio::test]
async fn a_task_is_created_changed_replaced_imported_and_destroyed() {
    let server = TestServer::start().await;
    let session = start().await;
    let problems = session.configure(json!({"endpoint": server.endpoint, "token": server.token})).await;
    assert_eq!(problems, []);
    let tasks = session.resource("justiam_scheduled_task").await;
    let full = json!({
        "name": "Task", "description": "All of it.", "task_type": "script", "schedule_type": "cron", "cron_expr": "0 3 * * *",
        "timezone": "Europe/Zurich", "overlap_policy": "queue", "enabled": false, "timeout_seconds": 7, "script": SCRIPT,
        "config": "{\"b\": 1, \"a\": [true]}", "task_config": {"group": "staff"}, "secrets": {"password": "hush"},
    });
    let created = tasks.settle(None, &tasks.config(full.clone())).await;

    // Taken out of the configuration and put back, each by itself.
    let mut state = created;
    for name in
        ["description", "timezone", "overlap_policy", "enabled", "timeout_seconds", "config", "task_config", "secrets"]
    {
        let mut less = full.clone();
        less.as_object_mut().unwrap().remove(name);
        state = tasks.settle(Some(&state), &tasks.config(less)).await;
        state = tasks.settle(Some(&state), &tasks.config(full.clone())).await;
    }
    let mut once = task("schedule_type", json!("once"));
    once["cron_expr"] = Json::Null;
    once["run_at"] = json!("2030-01-31T09:00:00+01:00");
    state = tasks.settle(Some(&state), &tasks.config(once)).await;

    let imported = tasks.import(state.value.get("id").unwrap().as_str().unwrap()).await.ok();
    let read = tasks.read(&imported).await.ok().unwrap();
    assert_eq!(read.value.get("name"), Some(&"Task".into()));

    let built_in = json!({"name": "Cleanup", "task_type": "audit_log_cleanup", "schedule_type": "once", "secrets": {}});
    let plan = tasks.plan(Some(&state), &tasks.config(built_in.clone())).await.ok();
    assert_eq!(plan.action, Action::Replace);
    let replaced = tasks.settle(Some(&state), &tasks.config(built_in)).await;
    assert_ne!(replaced.value.get("id"), state.value.get("id"));
    assert!(tasks.refresh(&state).await.ok().is_none());
    tasks.destroy(&replaced).await.ok();
    assert!(tasks.refresh(&replaced).await.ok().is_none());
}
