//! Order, texts and steps.

use serde_json::json;

use super::super::plans::{assert_updates, planned};
use super::super::{SCRIPT, world};
use super::triggered;

#[tokio::test]
async fn u23_and_u25_steps_keep_their_order_and_an_insert_changes_no_other_step() {
    let (server, workspace) = world().await;
    let config = |paths: &[&str]| {
        let steps: Vec<String> = paths
            .iter()
            .map(|path| format!("    {{ step_type = \"Executable\", executable_path = \"{path}\" }}"))
            .collect();
        format!(
            "resource \"justiam_schedule\" \"s\" {{\n  name = \"s\"\n  trigger_type = \"Cron\"\n  days_of_week = [6, 1, 3]\n  \
             run_times = [\"18:00\", \"06:00\"]\n  steps = [\n{}\n  ]\n}}\n",
            steps.join(",\n")
        )
    };
    workspace.config(&config(&["/z", "/a", "/m", "/a"]));
    workspace.apply().await.ok();
    workspace.plan_nothing().await;
    let paths = || -> Vec<String> {
        let state = workspace.attributes("justiam_schedule.s").unwrap();
        let steps = state["steps"].as_array().unwrap();
        steps.iter().map(|step| step["executable_path"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(paths(), ["/z", "/a", "/m", "/a"]);
    let ids = async || -> Vec<_> {
        let found = server.client.schedules().find("s").await.unwrap().unwrap();
        let steps = server.client.schedules().get(found.id).await.unwrap().steps.unwrap();
        steps.into_iter().map(|step| step.id).collect()
    };
    let before = ids().await;
    workspace.config(&config(&["/z", "/new", "/a", "/m", "/a"]));
    assert_updates(&planned(&workspace).await, &[("justiam_schedule.s", &["steps"])]);
    workspace.apply().await.ok();
    workspace.plan_nothing().await;
    assert_eq!(paths(), ["/z", "/new", "/a", "/m", "/a"]);
    let after = ids().await;
    assert_eq!([after[0], after[2], after[3], after[4]], before[..]);
}

#[tokio::test]
async fn u27_texts_are_kept_byte_for_byte_whatever_their_line_ends() {
    let (server, workspace) = world().await;
    let scripts = [
        ("crlf", SCRIPT.replace('\n', "\r\n")),
        ("mixed", SCRIPT.replacen('\n', "\r\n", 1)),
        ("no-end", SCRIPT.trim_end().to_owned()),
        ("blanks", format!("\n\n{SCRIPT}  \t\n\n\n ")),
        ("unicode", SCRIPT.replace("done", "ü ✓ \u{2028} 日本 \\u0000")),
        ("tabs", SCRIPT.replace("{ return", "{\n\t\treturn")),
    ];
    let mut config = String::new();
    for (name, text) in &scripts {
        workspace.file(&format!("{name}.go"), text);
        config += &triggered(name, "schedule_type = \"once\"").replace("task.go", &format!("{name}.go"));
    }
    // A heredoc ends with a line break, an indented one loses its indent; either way what Terraform says is what the server has.
    config += "resource \"justiam_scheduled_task\" \"heredoc\" {\n  name = \"heredoc\"\n  task_type = \"script\"\n  schedule_type = \"once\"\n  \
               description = <<-EOT\n    one\n      two\n\n  EOT\n  script = <<-EOT\n    package task\n\n    func Run() (string, error) {\n      \
               return \"\", nil\n    }\n  EOT\n  task_config = { text = \" a\\r\\nb\\n\" }\n}\n";
    workspace.config(&config);
    workspace.apply().await.ok();
    workspace.plan_nothing().await;
    for (name, text) in &scripts {
        let found = server.client.tasks().find(name).await.unwrap().unwrap();
        let task = server.client.tasks().get(found.id).await.unwrap();
        assert_eq!(task.script.as_ref(), Some(text), "{name}");
    }
    let state = workspace.attributes("justiam_scheduled_task.heredoc").unwrap();
    let found = server.client.tasks().find("heredoc").await.unwrap().unwrap();
    let task = server.client.tasks().get(found.id).await.unwrap();
    assert_eq!(state["script"], json!(task.script));
    assert_eq!(state["description"], json!("one\n  two\n\n"));
    assert_eq!(task.description.as_deref(), Some("one\n  two\n\n"));
    assert_eq!(task.task_config.unwrap()["text"], " a\r\nb\n");
}
