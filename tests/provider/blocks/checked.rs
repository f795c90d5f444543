//! `terraform test`, with the server and without one, and `check` blocks.

use justiam_sdk::api::tasks::TaskPatch;

use super::super::world;
use super::on_demand;

#[tokio::test]
async fn a_configuration_has_tests_that_plan_apply_and_destroy() {
    let (server, workspace) = world().await;
    workspace.config(
        &(on_demand("t", "name = var.name\ncron_expr = var.cron_expr").replace("\"once\"", "\"cron\"")
            + r#"
            variable "name" { default = "T" }
            variable "cron_expr" { default = "0 3 * * *" }
            data "justiam_scheduled_task" "t" { name = justiam_scheduled_task.t.name }
            output "next" { value = data.justiam_scheduled_task.t.next_run_at }
            output "id" { value = justiam_scheduled_task.t.id }
            "#),
    );
    workspace.file(
        "task.tftest.hcl",
        r#"
        run "plans" {
          command = plan
          assert {
            condition     = justiam_scheduled_task.t.overlap_policy == "allow"
            error_message = "The default is to allow."
          }
        }
        run "applies" {
          assert {
            condition     = justiam_scheduled_task.t.id == data.justiam_scheduled_task.t.id
            error_message = "The data source finds another task."
          }
          assert {
            condition     = output.next == one(provider::justiam::cron_next(var.cron_expr, "UTC", "2026-01-01T00:00:00Z", 1))
            error_message = "The server and the function do not agree: ${output.next}"
          }
        }
        run "changes_in_place" {
          variables { cron_expr = "0 4 * * *" }
          assert {
            condition     = justiam_scheduled_task.t.id == run.applies.id
            error_message = "It is another task."
          }
        }
        "#,
    );
    // Without a server: Terraform makes up what the provider would say.
    workspace.file(
        "mocked.tftest.hcl",
        r#"
        mock_provider "justiam" {
          mock_data "justiam_scheduled_task" {
            defaults = { next_run_at = "2030-01-01T00:00:00Z" }
          }
        }
        run "applies" {
          assert {
            condition     = output.next == "2030-01-01T00:00:00Z" && output.id != ""
            error_message = "The mock is not used."
          }
        }
        "#,
    );
    let said = workspace.run(&["test", "-no-color"]).await;
    assert!(said.text.contains("Success! 4 passed, 0 failed."), "{}", said.text);
    // Nothing is left behind.
    assert!(server.client.tasks().find("T").await.unwrap().is_none());
}

#[tokio::test]
async fn a_check_that_fails_is_a_warning_and_no_error() {
    let (server, workspace) = world().await;
    let config = |name: &str| {
        on_demand("t", "name = \"T\"\nenabled = false")
            + &format!(
                r#"
                check "found" {{
                  data "justiam_scheduled_task" "it" {{
                    name       = "{name}"
                    depends_on = [justiam_scheduled_task.t]
                  }}
                  assert {{
                    condition     = data.justiam_scheduled_task.it.enabled
                    error_message = "The task is disabled."
                  }}
                }}
                "#
            )
    };
    workspace.config(&config("T"));
    let said = workspace.apply().await.ok();
    assert!(said.flat().contains("Warning: Check block assertion failed"), "{}", said.text);
    assert!(said.flat().contains("The task is disabled."), "{}", said.text);
    // Also where the check's own data is not there.
    workspace.config(&config("Nobody"));
    let said = workspace.apply().await.ok();
    assert!(said.flat().contains("Warning: No such task"), "{}", said.text);
    assert!(said.flat().contains("There is no task with exactly the name `Nobody`."), "{}", said.text);

    let id = server.client.tasks().find("T").await.unwrap().unwrap().id;
    let mut patch = TaskPatch::new();
    patch.enabled = Some(true);
    server.client.tasks().update(id, &patch).await.unwrap();
    workspace.config(&config("T").replace("enabled = false", "enabled = true"));
    let said = workspace.apply().await.ok();
    assert!(!said.text.contains("Warning: Check"), "{}", said.text);
}
