//! `justiam-server script run --data-dir`: the package `idp` over the data of a server.

use std::fs;
use std::path::Path;
use std::process::{Output, Stdio};

use futures::TryStreamExt as _;
use justiam_sdk::api::audit::AuditQuery;
use justiam_sdk::api::users::UserQuery;
use justiam_tests::backend::Backend;
use justiam_tests::both_databases;
use justiam_tests::programs::program;
use justiam_tests::server::SHARED_SECRET;
use tempfile::TempDir;
use tokio::process::Command;

use super::support::go;

both_databases!(a_script_on_the_command_line_changes_the_data_of_a_server_on_record);

/// A folder with a script that makes a user.
fn desk() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let body = "user, err := idp.CreateUser(`a@example.com`, `A`, `B`, ``)\nif err != nil { return ``, err }\nreturn user.Email, nil";
    fs::write(folder.path().join("make.go"), go(&["idp"], body)).unwrap();
    folder
}

async fn run(desk: &TempDir, data: &Path, environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(program("justiam-server"));
    command.args(["script", "run", "make.go", "--data-dir"]).arg(data).current_dir(desk.path());
    command.env_remove("JWT_SECRET").env_remove("DATABASE_URL").envs(environment.iter().copied());
    command.stdin(Stdio::null()).kill_on_drop(true).output().await.unwrap()
}

async fn a_script_on_the_command_line_changes_the_data_of_a_server_on_record(backend: Backend) {
    let server = backend.server().await;
    let desk = desk();
    let output = match &backend {
        Backend::Sqlite(_) => run(&desk, &server.data_dir().join("server"), &[]).await,
        // The folder only has to be there.
        Backend::Postgres(database) => {
            let environment = [("DATABASE_URL", database.url.as_str()), ("JWT_SECRET", SHARED_SECRET)];
            run(&desk, desk.path(), &environment).await
        }
    };
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(0), b"a@example.com".as_slice()), "{output:?}");
    let users: Vec<_> = server.client.users().list(UserQuery::new()).try_collect().await.unwrap();
    assert_eq!(users.iter().map(|user| user.email.as_str()).collect::<Vec<_>>(), ["a@example.com"]);
    let log: Vec<_> = server.client.audit().list(AuditQuery::new()).try_collect().await.unwrap();
    let entry = log.iter().find(|entry| entry.action == "user.create").unwrap();
    assert_eq!(entry.actor, "task script run make.go");
    assert!(entry.principal.as_ref().is_some_and(|principal| principal.starts_with("task:")), "{entry:?}");
    assert_eq!(entry.request_id, None);
}

#[tokio::test]
async fn a_folder_without_data_is_not_made_one() {
    let desk = desk();
    let data = desk.path().join("data");
    for exists in [false, true] {
        if exists {
            fs::create_dir(&data).unwrap();
        }
        let output = run(&desk, &data, &[]).await;
        let said = format!("error: {} holds no server's data\n", data.display());
        assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(2), said.as_str()));
        assert_eq!(data.exists(), exists);
    }
    assert_eq!(fs::read_dir(&data).unwrap().count(), 0);
}
