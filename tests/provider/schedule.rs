//! `justiam_schedule` under the real Terraform.

mod connections;
mod drift;
mod imports;
mod lifecycle;
mod order_of_changes;
mod sample;
mod steps;
mod validation;

use justiam_sdk::api::schedules::{Schedule, ScheduleStep};
use justiam_tests::server::TestServer;
use justiam_tests::terraform::Workspace;

/// The address of the schedule that [`schedule`] configures.
const ADDRESS: &str = "justiam_schedule.s";

/// A schedule named `Nightly` with these attributes.
fn schedule(attributes: &str) -> String {
    format!("resource \"justiam_schedule\" \"s\" {{\n  name = \"Nightly\"\n{attributes}\n}}\n")
}

/// A schedule named `Nightly` with these steps.
fn with_steps(steps: &[&str]) -> String {
    schedule(&format!("steps = [\n{}\n]", steps.join(",\n")))
}

/// A step that runs a program, with more attributes.
fn program(path: &str, more: &str) -> String {
    format!("{{ step_type = \"Executable\", executable_path = \"{path}\"{more} }}")
}

/// The schedule as the server has it, with its steps.
async fn stored(server: &TestServer) -> Schedule {
    let found = server.client.schedules().find("Nightly").await.unwrap().expect("there is a schedule `Nightly`");
    server.client.schedules().get(found.id).await.unwrap()
}

/// Its steps.
async fn stored_steps(server: &TestServer) -> Vec<ScheduleStep> {
    stored(server).await.steps.unwrap()
}

/// Applies a configuration, after which nothing is left to do.
async fn apply(workspace: &Workspace, config: &str) {
    workspace.config(config);
    workspace.apply().await.ok();
    workspace.plan_nothing().await;
}
