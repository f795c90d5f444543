//! Steps of each type in an execution of a schedule, from the API to the end.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use justiam_sdk::api::executions::ExecutionStatus;
use justiam_sdk::api::schedules::{NewSchedule, NewScheduleStep};
use justiam_tests::server::TestServer;
use justiam_tests::soon;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{Connection as _, Executor as _};

fn script(path: &Path, text: &str) -> String {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
    path.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn programs_powershell_and_sql_run_as_steps_also_after_an_edit_that_keeps_the_connection() {
    let folder = tempfile::tempdir().unwrap();
    let jobs = folder.path().canonicalize().unwrap();
    let database = jobs.join("target.db");
    let options = SqliteConnectOptions::new().filename(&database).create_if_missing(true);
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    connection.execute("CREATE TABLE t (n INT)").await.unwrap();
    fs::write(jobs.join("add.sql"), "INSERT INTO t VALUES (1);\nINSERT INTO t VALUES (2);\n").unwrap();
    fs::write(jobs.join("tell.ps1"), "").unwrap();
    let program = script(&jobs.join("tell.sh"), "#!/bin/sh\necho \"program $1\"\n");
    let pwsh = script(&jobs.join("pwsh"), "#!/bin/sh\necho \"$@\"\n");
    let server = TestServer::start_with(|config| {
        config.step_folders = vec![jobs.clone()];
        config.pwsh = pwsh.into();
    })
    .await;
    let mut executable = NewScheduleStep::executable(program);
    executable.arguments = Some("'two words'".into());
    let mut power_shell = NewScheduleStep::power_shell(jobs.join("tell.ps1").to_str().unwrap());
    power_shell.arguments = Some("-Mode fast".into());
    let url = format!("sqlite:{}", database.display());
    let sql = NewScheduleStep::sql_script(url, jobs.join("add.sql").to_str().unwrap());
    let schedules = server.client.schedules();
    let schedule = NewSchedule::manual("All").then(executable).beside(power_shell).then(sql);
    let schedule = schedules.create(&schedule).await.unwrap();
    for rows in [2, 4] {
        let id = schedules.run(schedule.id).await.unwrap().execution_id;
        let execution = soon("the execution to end", server.client.executions().wait(id)).await.unwrap();
        assert_eq!(execution.status, ExecutionStatus::Completed, "{execution:#?}");
        let steps = execution.steps.unwrap();
        let outputs: Vec<&str> = steps.iter().map(|step| step.output.as_deref().unwrap_or_default()).collect();
        assert_eq!(outputs[0], "program two words\n");
        assert!(outputs[1].contains("-File") && outputs[1].ends_with("tell.ps1 -Mode fast\n"), "{}", outputs[1]);
        assert_eq!(steps[2].name, "add.sql");
        let there: i64 = sqlx::query_scalar("SELECT count(*) FROM t").fetch_one(&mut connection).await.unwrap();
        assert_eq!(there, rows);
        // The whole of what the server shows, sent back: the sealed connection string stays with its step.
        let shown = schedules.get(schedule.id).await.unwrap();
        schedules.replace(schedule.id, &shown.to_new().unwrap()).await.unwrap();
    }
    server.stop().await;
}
