//! The provider under the real Terraform.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod actions;
mod answers;
mod blocks;
mod bulk;
mod catalogue;
mod complaints;
mod connected_systems;
mod contract;
mod data_sources;
mod drift;
mod faults;
mod functions;
mod identity;
mod imports;
mod interrupts;
mod lifecycle;
mod lists;
mod plans;
mod properties;
mod protocol;
mod schedule;
mod secrets;
mod task_run;
mod token;
mod validation;

use justiam_tests::server::TestServer;
use justiam_tests::terraform::Workspace;

/// A server and a workspace that talks to it.
async fn world() -> (TestServer, Workspace) {
    let server = TestServer::start().await;
    let workspace = Workspace::new(&server.endpoint, &server.token);
    (server, workspace)
}

/// A task named `t` with the attributes that every script needs, and more lines.
fn task(more: &str) -> String {
    format!(
        "resource \"justiam_scheduled_task\" \"t\" {{\n  name = \"Task\"\n  task_type = \"script\"\n  schedule_type = \"cron\"\n  \
         cron_expr = \"0 3 * * *\"\n  script = file(\"task.go\")\n{more}\n}}\n"
    )
}

/// A script that does nothing.
const SCRIPT: &str = "package task\n\nfunc Run() (string, error) { return \"done\", nil }\n";

/// The address of the task that [`task`] configures.
const ADDRESS: &str = "justiam_scheduled_task.t";
