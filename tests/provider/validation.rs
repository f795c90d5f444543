//! Mistakes that are found at plan time, without a server.

use justiam_tests::terraform::Workspace;

use super::SCRIPT;

/// A workspace whose server does not exist: whoever asks it fails.
fn offline() -> Workspace {
    let workspace = Workspace::new("http://127.0.0.1:1", "none");
    workspace.file("task.go", SCRIPT);
    workspace
}

/// A task with these attributes in place of the usual ones.
fn task(changes: &[(&str, &str)]) -> String {
    let mut attributes = vec![
        ("name", "\"Task\""),
        ("task_type", "\"script\""),
        ("schedule_type", "\"cron\""),
        ("cron_expr", "\"0 3 * * *\""),
        ("script", "file(\"task.go\")"),
    ];
    for (name, value) in changes {
        attributes.retain(|(other, _)| other != name);
        attributes.push((name, value));
    }
    let lines: Vec<String> = attributes.iter().map(|(name, value)| format!("  {name} = {value}")).collect();
    format!("resource \"justiam_scheduled_task\" \"t\" {{\n{}\n}}\n", lines.join("\n"))
}

#[tokio::test]
async fn each_mistake_is_reported_on_its_attribute_with_a_hint() {
    type Case = (&'static str, &'static str, &'static [&'static str]);
    let cases: [Case; 23] = [
        ("cron_expr", "\"61 * * * *\"", &["Invalid cron expression", "`61` is not a valid minute field", "hint:"]),
        ("cron_expr", "\"0 3 * *\"", &["has 4 fields", "hint:"]),
        ("cron_expr", "\"0 0 30 2 *\"", &["never fires"]),
        ("cron_expr", "null", &["Missing cron expression", "hint:"]),
        ("timezone", "\"CET\"", &["Invalid time zone", "`CET`", "`Europe/Zurich`"]),
        ("timezone", "\"Europe/Atlantis\"", &["Invalid time zone"]),
        (
            "schedule_type",
            "\"Cron\"",
            &["Invalid schedule type", "must be one of `cron`, `once`", "hint: write `cron`"],
        ),
        ("schedule_type", "\"once\"", &["Unexpected cron expression", "hint: remove `cron_expr`"]),
        ("overlap_policy", "\"wait\"", &["Invalid overlap policy", "`allow`, `skip`, `queue`, `replace`"]),
        ("task_type", "\"scrpt\"", &["Invalid task type", "`script`"]),
        ("task_type", "\"audit_log_cleanup\"", &["Unexpected script"]),
        ("script", "null", &["Missing script"]),
        ("script", "\"package main\\nfunc main() {}\"", &["declares `package main`", "hint: a script looks like this"]),
        (
            "script",
            "\"package task\\nfunc Run() error { return nil }\"",
            &["must take nothing and return `(string, error)`"],
        ),
        ("script", "\"#!/bin/sh\"", &["must begin with `package task`"]),
        ("timeout_seconds", "31", &["timeout_seconds"]),
        ("name", "\"  \"", &["Invalid name", "must not be blank"]),
        ("name", "\"Audit_Log_Cleanup\"", &["name of a built-in task", "hint:"]),
        ("config", "\"[1]\"", &["must be a JSON object", "jsonencode"]),
        ("config", "\"{\"", &["must be JSON text", "jsonencode"]),
        ("secrets", "{ A = null, B = \"x\" }", &["Missing value in secrets", "`A` is null", "hint:"]),
        ("task_config", "{ A = null }", &["Missing value in task_config", "hint:"]),
        ("run_at", "\"tomorrow\"", &["not an RFC 3339 instant", "hint:"]),
    ];
    let workspace = offline();
    for (attribute, value, texts) in cases {
        workspace.config(&task(&[(attribute, value)]));
        let said = workspace.run(&["validate", "-no-color"]).await.fails_with(texts);
        // Terraform shows the line of the attribute; one that is missing, or clashes with another, shows its resource.
        assert!(said.text.contains("on main.tf line"), "{attribute}: {}", said.text);
    }
}

#[tokio::test]
async fn all_mistakes_are_reported_at_once() {
    let workspace = offline();
    workspace.config(&task(&[
        ("cron_expr", "\"x\""),
        ("timezone", "\"x\""),
        ("overlap_policy", "\"x\""),
        ("script", "\"x\""),
        ("timeout_seconds", "0"),
    ]));
    let said = workspace.run(&["validate", "-no-color"]).await.fails_with(&[
        "Invalid cron expression",
        "Invalid time zone",
        "Invalid overlap policy",
        "Invalid script",
        "timeout_seconds",
    ]);
    assert_eq!(said.text.matches("Error: ").count(), 5, "{}", said.text);
}

#[tokio::test]
async fn a_value_too_long_is_refused_and_a_secret_is_not_shown() {
    let workspace = offline();
    workspace.config(&task(&[(
        "secrets",
        "{ K = join(\"\", [for i in range(1000) : \"canary-x${join(\"\", [for j in range(8) : \"12345678\"])}\"]) }",
    )]));
    let said = workspace.run(&["validate", "-no-color"]).await.fails_with(&["Secret too long", "72000 bytes"]);
    assert!(!said.text.contains("canary-x12345678"));
}

#[tokio::test]
async fn what_is_not_known_yet_passes() {
    let workspace = offline();
    workspace.config(&format!(
        "resource \"terraform_data\" \"d\" {{\n  input = \"x\"\n}}\n{}",
        task(&[
            ("cron_expr", "terraform_data.d.output"),
            ("timezone", "terraform_data.d.output"),
            ("script", "terraform_data.d.output"),
            ("overlap_policy", "terraform_data.d.output"),
            ("schedule_type", "terraform_data.d.output"),
            ("task_config", "{ k = terraform_data.d.output }"),
            ("secrets", "{ k = terraform_data.d.output }"),
            ("config", "terraform_data.d.output"),
        ])
    ));
    workspace.plan_changes().await;
}

#[tokio::test]
async fn a_provider_without_endpoint_or_token_says_where_they_come_from() {
    let mut workspace = offline();
    workspace.variable("JUSTIAM_ENDPOINT", "");
    workspace.variable("JUSTIAM_TOKEN", "");
    workspace.config(&task(&[]));
    workspace.plan().await.fails_with(&["Missing endpoint", "JUSTIAM_ENDPOINT", "Missing token", "JUSTIAM_TOKEN"]);
    workspace.config(&format!("provider \"justiam\" {{\n  endpoint = \"ftp://x\"\n}}\n{}", task(&[])));
    workspace.plan().await.fails_with(&["Invalid endpoint", "must begin with https:// or http://"]);
}
