//! `justiam-server backup`, and starting on what it made.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::TryStreamExt as _;
use justiam_sdk::Client;
use justiam_sdk::api::tasks::{NewTask, TaskQuery};
use justiam_sdk::api::values::RunStatus;
use justiam_tests::process::ServerProcess;
use justiam_tests::programs::program;
use justiam_tests::until;
use tokio::process::Command;

const SCRIPT: &str =
    "package task\nimport \"secrets\"\nfunc Run() (string, error) { return secrets.Get(\"KEY\")[:7], nil }";

/// The exit code, and what the command says.
async fn run(command: &str, data: &Path, more: &[&Path]) -> (i32, String) {
    let mut process = Command::new(program("justiam-server"));
    process.arg(command).args(more).arg("--data-dir").arg(data);
    let output = process.env_remove("JWT_SECRET").env_remove("DATABASE_URL").output().await.unwrap();
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
    (output.status.code().unwrap(), text)
}

fn task(name: &str) -> NewTask {
    let mut new = NewTask::triggered_script(name, SCRIPT);
    new.secrets = Some([("KEY".to_owned(), "correct horse".into())].into());
    new
}

/// Creates tasks until it is told to stop. Returns how many.
async fn create(client: Client, stop: Arc<AtomicBool>) -> usize {
    let mut count = 0;
    while !stop.load(Ordering::Relaxed) {
        client.tasks().create(&task(&format!("task {count}"))).await.unwrap();
        count += 1;
    }
    count
}

#[tokio::test]
async fn a_backup_beside_a_busy_server_is_whole_and_a_server_starts_on_it() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = ServerProcess::start(folder.path()).await;
    let client = server.client(&server.token);
    let stop = Arc::new(AtomicBool::new(false));
    let load = tokio::spawn(create(client.clone(), Arc::clone(&stop)));
    until("a few tasks to be there", async || client.tasks().find("task 9").await.unwrap().is_some()).await;
    let copy = folder.path().join("copy.db");
    for attempt in 0..3 {
        let _ = fs::remove_file(&copy);
        let (code, text) = run("backup", &data, &[copy.as_path()]).await;
        assert_eq!(code, 0, "{attempt}: {text}");
        assert!(text.contains("jwt-secret as well, in another place"), "{text}");
    }
    assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    let before = fs::read(&copy).unwrap();
    let (code, text) = run("backup", &data, &[copy.as_path()]).await;
    assert_eq!(code, 1);
    assert!(text.contains("backups overwrite nothing"), "{text}");
    assert!(fs::read(&copy).unwrap() == before);
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().contains(".justiam-backup")), "{left:?}");
    stop.store(true, Ordering::Relaxed);
    let made = load.await.unwrap();
    let token = server.token.clone();
    server.kill().await;

    let other = tempfile::tempdir().unwrap();
    let restored = other.path().join("data");
    fs::create_dir(&restored).unwrap();
    fs::rename(&copy, restored.join("justiam.db")).unwrap();
    fs::copy(data.join("jwt-secret"), restored.join("jwt-secret")).unwrap();
    let (code, text) = run("check", &restored, &[]).await;
    assert_eq!(code, 0, "{text}");
    let server = ServerProcess::start(other.path()).await;
    let client = server.client(&token);
    let tasks: Vec<_> = client.tasks().list(TaskQuery::default()).try_collect().await.unwrap();
    let names: Vec<_> = tasks.iter().filter(|task| !task.is_system).map(|task| task.name.clone()).collect();
    assert!((10..=made).contains(&names.len()), "{} of {made}", names.len());
    // Nothing in between is missing.
    assert!((0..names.len()).all(|number| names.contains(&format!("task {number}"))), "{names:?}");
    let last = tasks.iter().find(|task| task.name == "task 9").unwrap();
    let run_id = client.tasks().run(last.id).await.unwrap().id;
    until("the run to end", async || client.runs().get(run_id).await.unwrap().status.is_terminal()).await;
    let ended = client.runs().get(run_id).await.unwrap();
    // The redaction of the secret concerns the whole of it.
    assert_eq!((ended.status, ended.output.as_deref()), (RunStatus::Success, Some("correct")));
    let (code, text) = run("check", &restored, &[]).await;
    assert_eq!(code, 0, "{text}");
    server.kill().await;
}

#[tokio::test]
async fn a_backup_names_the_files_with_secrets_that_are_there() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let named = "a secret from elsewhere, long enough";
    ServerProcess::start_with(folder.path(), &[("JWT_SECRET", named)], Stdio::inherit()).await.kill().await;
    let backup = async |name: &str| {
        let (code, text) = run("backup", &data, &[folder.path().join(name).as_path()]).await;
        assert_eq!(code, 0, "{text}");
        text
    };
    let text = backup("without").await;
    assert!(text.contains("is not in this folder: keep what `serve` is given as well"), "{text}");
    assert!(!text.contains("jwt-secret"), "{text}");
    fs::write(data.join("jwt-secret"), named).unwrap();
    let text = backup("one").await;
    assert!(text.contains("data/jwt-secret as well") && !text.contains("jwt-secret.old"), "{text}");
    fs::write(data.join("jwt-secret.old"), named).unwrap();
    let text = backup("two").await;
    assert!(text.contains("data/jwt-secret and ") && text.contains("data/jwt-secret.old as well"), "{text}");
}

#[tokio::test]
async fn what_cannot_be_backed_up_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.db");
    let (code, text) = run("backup", &folder.path().join("nowhere"), &[copy.as_path()]).await;
    assert_eq!(code, 1);
    assert!(text.contains("nowhere holds no server's data"), "{text}");
    let mut process = Command::new(program("justiam-server"));
    process.arg("backup").arg(&copy).env("DATABASE_URL", "postgres://somebody:hunter2@127.0.0.1:1/nothing");
    let output = process.output().await.unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text.contains("pg_dump") && !text.contains("hunter2"), "{text}");
    assert!(!copy.exists());
}
