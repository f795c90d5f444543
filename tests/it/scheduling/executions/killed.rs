//! Servers that are killed while steps are at work.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use justiam_sdk::api::connected_systems::{CsvSettings, NewConnectedSystem, NewRunProfile, RunType};
use justiam_sdk::api::executions::{Execution, ExecutionStatus};
use justiam_sdk::api::schedules::{NewSchedule, NewScheduleStep};
use justiam_tests::process::ServerProcess;
use justiam_tests::{soon, until};

use super::support::standing;

const LOST: &str = "the server stopped while this step was at work; it may have done a part of its work";

/// A program that writes its number into `started` and waits for `go`.
fn program(folder: &Path) -> String {
    let path = folder.join("wait");
    let text =
        "#!/bin/sh\ncd \"$(dirname \"$0\")\"; echo $$ > started; while [ ! -e go ]; do sleep 0.1; done; echo done\n";
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    path.to_str().unwrap().to_owned()
}

async fn ended(server: &ServerProcess, token: &str, id: justiam_sdk::api::ids::ExecutionId) -> Execution {
    let client = server.client(token);
    soon("the execution to end", client.executions().wait(id)).await.unwrap()
}

#[tokio::test]
async fn a_program_that_was_at_work_has_failed_and_the_execution_follows_its_rules() {
    let (folder, steps) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let path = program(steps.path());
    let server = ServerProcess::start_for_steps(folder.path(), steps.path()).await;
    let token = server.token.clone();
    let client = server.client(&token);
    let step = || NewScheduleStep::executable(&path);
    let fatal = NewSchedule::manual("stops").then(step().named("first")).then(step().named("second"));
    let goes_on =
        NewSchedule::manual("goes on").then(step().named("first").continuing_on_failure()).then(step().named("second"));
    let fatal = client.schedules().create(&fatal).await.unwrap();
    let goes_on = client.schedules().create(&goes_on).await.unwrap();
    let fatal = client.schedules().run(fatal.id).await.unwrap().execution_id;
    let goes_on = client.schedules().run(goes_on.id).await.unwrap().execution_id;
    let started = steps.path().join("started");
    until("the program to start", async || fs::read_to_string(&started).is_ok_and(|text| text.ends_with('\n'))).await;
    let process = fs::read_to_string(&started).unwrap();
    // Both are at work before the server dies.
    for id in [fatal, goes_on] {
        until("the step to begin", async || {
            standing(&client.executions().get(id).await.unwrap())[0] == "first Processing"
        })
        .await;
    }
    server.kill().await;
    let process = Path::new("/proc").join(process.trim());
    until("the program to end", async || !process.exists()).await;
    fs::write(steps.path().join("go"), "").unwrap();

    let server = ServerProcess::start_for_steps(folder.path(), steps.path()).await;
    let fatal = ended(&server, &token, fatal).await;
    assert_eq!(fatal.status, ExecutionStatus::Failed);
    assert_eq!(standing(&fatal), ["first Failed", "second Cancelled"]);
    assert_eq!(fatal.steps.as_ref().unwrap()[0].error_message.as_deref(), Some(LOST));
    let goes_on = ended(&server, &token, goes_on).await;
    assert_eq!(goes_on.status, ExecutionStatus::Completed);
    assert_eq!(standing(&goes_on), ["first Failed", "second Completed"]);
    server.kill().await;
}

#[tokio::test]
async fn a_run_profile_that_was_at_work_ends_as_what_it_became() {
    let (folder, steps) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let file = steps.path().join("hr.csv");
    let rows: Vec<String> = (0..60_000).map(|row| format!("{row},user{row}@example.com\n")).collect();
    fs::write(&file, format!("id,mail\n{}", rows.concat())).unwrap();
    let server = ServerProcess::start_for_steps(folder.path(), steps.path()).await;
    let token = server.token.clone();
    let client = server.client(&token);
    let csv = CsvSettings::new(file.to_str().unwrap(), "id", "mail");
    let system = client.connected_systems().create(&NewConnectedSystem::csv("HR", csv)).await.unwrap();
    let profiles = client.connected_systems().run_profiles(system.id);
    let import = profiles.create(&NewRunProfile::new("Import", RunType::FullImport)).await.unwrap();
    let schedule = NewSchedule::manual("import").then(NewScheduleStep::run_profile(system.id, import.id));
    let schedule = client.schedules().create(&schedule).await.unwrap();
    let first = client.schedules().run(schedule.id).await.unwrap().execution_id;
    until("the import to be at work", async || {
        let step = client.executions().get(first).await.unwrap().steps.unwrap().remove(0);
        let activity = client.activities().get(step.activity_id.unwrap()).await.unwrap();
        activity.objects_processed > 0
    })
    .await;
    server.kill().await;
    let server = ServerProcess::start_for_steps(folder.path(), steps.path()).await;
    let first = ended(&server, &token, first).await;
    let step = &first.steps.as_ref().unwrap()[0];
    // It may have come to its end just before.
    if first.status == ExecutionStatus::Completed {
        assert_eq!(standing(&first), ["HR - Import Completed"]);
    } else {
        assert_eq!((&first.status, step.error_message.as_deref()), (&ExecutionStatus::Failed, Some(LOST)));
    }
    // The next one completes what the first has begun.
    let client = server.client(&token);
    let second = client.schedules().run(schedule.id).await.unwrap().execution_id;
    let second = ended(&server, &token, second).await;
    assert_eq!(second.status, ExecutionStatus::Completed, "{second:?}");
    assert_eq!(client.connected_systems().get(system.id).await.unwrap().object_count, 60_000);
    server.kill().await;
}
