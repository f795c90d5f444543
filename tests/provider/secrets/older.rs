//! A Terraform that knows no write-only attributes.

use justiam_tests::programs::program;
use serde_json::json;
use tfplugin_client::wire::tfplugin6::{ClientCapabilities, validate_resource_config};
use tfplugin_client::{Session, diagnostics};

use super::super::SCRIPT;

#[tokio::test]
async fn a_terraform_that_would_store_write_only_values_is_refused_and_told_no_value() {
    let session = Session::start(&program("terraform-provider-justiam")).await;
    let tasks = session.resource("justiam_scheduled_task").await;
    let config = |name: &str| {
        let mut config = json!({
            "name": "Task", "task_type": "script", "schedule_type": "cron", "cron_expr": "0 3 * * *", "script": SCRIPT,
        });
        config[name] = json!({ "A": "canary-4f9d1c" });
        tasks.schema.encode(&tasks.config(config))
    };
    for capabilities in [None, Some(ClientCapabilities::default())] {
        for (attribute, refused) in [("secrets_wo", true), ("secrets", false)] {
            let request = validate_resource_config::Request {
                type_name: "justiam_scheduled_task".into(),
                config: Some(config(attribute)),
                client_capabilities: capabilities,
            };
            let answer = session.provider().validate_resource_config(request).await.unwrap().into_inner();
            let problems = diagnostics::errors(&answer.diagnostics);
            assert_eq!(problems.len(), usize::from(refused), "{attribute}: {problems:?}");
            let said = format!("{:?}", answer.diagnostics);
            assert_eq!(said.contains("1.11") && said.contains("secrets_wo"), refused, "{said}");
            assert!(!said.contains("canary"), "{said}");
        }
    }
    assert!(!session.plugin.stderr().contains("canary"), "{}", session.plugin.stderr());
}
