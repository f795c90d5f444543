//! The guides to the provider: their blocks do what the text says.

use std::fs;

use justiam_sdk::api::tasks::NewTask;
use justiam_tests::server::TestServer;
use justiam_tests::terraform::Workspace;

use super::root;

/// The blocks of a guide that are Terraform's.
fn blocks(guide: &str) -> Vec<String> {
    let page = fs::read_to_string(root().join("docs/guides").join(guide)).unwrap();
    let fenced = page.split("```terraform\n").skip(1);
    fenced.map(|after| after.split_once("```").unwrap().0.trim_end().to_owned() + "\n").collect()
}

fn script(name: &str) -> NewTask {
    NewTask::cron_script(name, "0 7 * * MON", "package task\n\nfunc Run() (string, error) { return \"\", nil }\n")
}

#[tokio::test]
async fn who_follows_getting_started_gets_what_it_promises() {
    let server = TestServer::start().await;
    let mut workspace = Workspace::new(&server.endpoint, &server.token);
    workspace.variable("TF_VAR_api_key", "hush-of-the-guide");
    let [task, run, secret, variable] = <[String; 4]>::try_from(blocks("getting-started.md")).unwrap();
    workspace.file("main.tf", &task);
    workspace.apply().await.ok();
    workspace.plan_nothing().await;

    workspace.file("run.tf", &run);
    let said = workspace.apply().await.ok();
    assert!(said.text.contains("said = \"hello from Terraform\""), "{}", said.text);

    let with_secret = task.replacen("  task_config = {", &format!("{secret}\n  task_config = {{"), 1);
    workspace.file("main.tf", &with_secret);
    workspace.file("variable.tf", &variable);
    let said = workspace.apply().await.ok();
    assert!(said.text.contains("1 changed"), "{}", said.text);
    workspace.plan_nothing().await;
    assert!(!workspace.state_text().contains("hush-of-the-guide"));
    let id = workspace.attributes("justiam_scheduled_task.hello").unwrap()["id"].as_str().unwrap().parse().unwrap();
    assert_eq!(server.client.secrets(id).keys().await.unwrap().keys, ["API_KEY"]);

    // The same task, on another minute.
    workspace.file("main.tf", &with_secret.replace("0 8 * * MON-FRI", "5 8 * * MON-FRI"));
    workspace.apply().await.ok();
    assert_eq!(server.client.tasks().get(id).await.unwrap().cron_expr.as_deref(), Some("5 8 * * MON-FRI"));
    workspace.destroy().await.ok();
}

#[tokio::test]
async fn the_guide_to_import_brings_tasks_in_and_lets_them_go() {
    let server = TestServer::start().await;
    let [one, many, removed] = <[String; 3]>::try_from(blocks("import.md")).unwrap();
    let report = server.client.tasks().create(&script("Weekly report")).await.unwrap();
    let workspace = Workspace::new(&server.endpoint, &server.token);
    workspace.config(&one);
    workspace.run(&["plan", "-no-color", "-generate-config-out=generated.tf"]).await.ok();
    let said = workspace.apply().await.ok();
    assert!(said.text.contains("1 imported, 0 added, 0 changed, 0 destroyed"), "{}", said.text);
    workspace.plan_nothing().await;

    fs::remove_file(workspace.path().join("generated.tf")).unwrap();
    workspace.config(&removed);
    workspace.apply().await.ok();
    assert!(workspace.attributes("justiam_scheduled_task.report").is_none());
    assert_eq!(server.client.tasks().get(report.id).await.unwrap().name, "Weekly report");

    for name in ["Clean up", "Rotate keys"] {
        let task = serde_json::json!({ "name": name, "task_type": "audit_log_cleanup", "schedule_type": "once" });
        server.client.tasks().create(&serde_json::from_value(task).unwrap()).await.unwrap();
    }
    workspace.config(&many);
    let said = workspace.apply().await.ok();
    assert!(said.text.contains("2 imported, 0 added, 0 changed, 0 destroyed"), "{}", said.text);
}

#[tokio::test]
async fn the_guide_to_drift_leaves_an_attribute_to_others() {
    let server = TestServer::start().await;
    let workspace = Workspace::new(&server.endpoint, &server.token);
    let [ignoring] = <[String; 1]>::try_from(blocks("drift.md")).unwrap();
    workspace.config(&ignoring);
    workspace.apply().await.ok();
    let id = workspace.attributes("justiam_scheduled_task.report").unwrap()["id"].as_str().unwrap().parse().unwrap();
    let patch = serde_json::from_value(serde_json::json!({ "enabled": false })).unwrap();
    server.client.tasks().update(id, &patch).await.unwrap();
    workspace.plan_nothing().await;
    // Whatever is not left to others is set back.
    let patch = serde_json::from_value(serde_json::json!({ "timezone": "Asia/Tokyo" })).unwrap();
    server.client.tasks().update(id, &patch).await.unwrap();
    let said = workspace.plan_changes().await;
    assert!(said.flat().contains("timezone = \"Asia/Tokyo\" -> \"UTC\""), "{}", said.text);
    let watched = workspace.run(&["plan", "-no-color", "-refresh-only", "-detailed-exitcode"]).await;
    assert_eq!(watched.code, 2, "{}", watched.text);
}

#[tokio::test]
async fn what_needs_no_server_works_without_one() {
    // Port 1 answers nobody.
    let mut workspace = Workspace::new("http://127.0.0.1:1", "made-up");
    let [upgrading] = <[String; 1]>::try_from(blocks("upgrading.md")).unwrap();
    workspace.file("main.tf", &upgrading);
    let task = |cron: &str| {
        format!(
            "resource \"justiam_scheduled_task\" \"t\" {{\n  name = \"T\"\n  task_type = \"audit_log_cleanup\"\n  \
             schedule_type = \"cron\"\n  cron_expr = \"{cron}\"\n}}\n"
        )
    };
    workspace.file("task.tf", &task("0 3 * * *"));
    workspace.plan_changes().await;
    workspace.variable("JUSTIAM_ENDPOINT", "");
    workspace.variable("JUSTIAM_TOKEN", "");
    workspace.run(&["validate", "-no-color"]).await.ok();
    workspace.file("task.tf", &task("61 3 * * *"));
    workspace.run(&["validate", "-no-color"]).await.fails_with(&["Invalid cron expression"]);
    // Functions need no settings either.
    workspace.file("task.tf", "variable \"cron\" {\n  type = string\n}\n");
    workspace.file(
        "cron.tftest.hcl",
        "run \"cron\" {\n  command = plan\n  variables {\n    cron = \"0 3 * * *\"\n  }\n  assert {\n    condition     = \
         provider::justiam::cron_parse(var.cron).hours == tolist([3])\n    error_message = \"Once a day.\"\n  }\n}\n",
    );
    let said = workspace.run(&["test", "-no-color"]).await.ok();
    assert!(said.text.contains("1 passed"), "{}", said.text);
}

#[test]
fn u40_a_guide_explains_how_secrets_behave() {
    let page = fs::read_to_string(root().join("docs/guides/secrets.md")).unwrap();
    for section in ["What is stored where", "Drift", "Import", "Rotation", "Permissions"] {
        assert!(page.contains(&format!("\n## {section}\n")), "the guide to secrets has no section `{section}`");
    }
    for whoever in ["docs/index.md", "docs/guides/getting-started.md", "docs/resources/scheduled_task.md"] {
        let text = fs::read_to_string(root().join(whoever)).unwrap();
        assert!(
            text.contains("secrets.md)") || text.contains("secrets.md#"),
            "{whoever} does not lead to the guide to secrets"
        );
    }
}
