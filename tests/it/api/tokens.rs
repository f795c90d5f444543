//! Tokens: the first one, and those that the command line makes beside a running server.

use std::path::Path;
use std::process::{Output, Stdio};
use std::sync::Arc;

use justiam_server::Server;
use justiam_server::clock::SystemClock;
use justiam_server::config::Config;
use justiam_tests::programs::program;
use justiam_tests::server::client;
use serde_json::json;
use tokio::process::Command;

use super::support::{Api, answer, body};

async fn create(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(program("justiam-server"));
    command.args(["token", "create", "--data-dir"]).arg(folder).args(arguments);
    command.env_remove("JWT_SECRET").stdin(Stdio::null()).output().await.unwrap()
}

#[tokio::test]
async fn the_command_line_makes_tokens_for_a_server_that_is_running() {
    let api = Api::start().await;
    let folder = api.server.data_dir().join("server");
    let output =
        create(&folder, &["--name", "CI", "--permissions", "tasks.view,tasks.run", "--expires-in-days", "1"]).await;
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), b"".as_slice()), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let token = text.trim_end();
    assert!(token.starts_with("justiam_pat_") && text == format!("{token}\n"), "{text}");
    let task = api.task("T").await;
    let limited = client(&api.server.endpoint, token);
    let run = limited.tasks().run(task.id).await.unwrap();
    assert_eq!(run.triggered_by.as_deref(), Some("CI"));
    assert_eq!(limited.tasks().delete(task.id).await.unwrap_err().api().unwrap().status, 403);
    let output = create(&folder, &["--name", "root", "--admin"]).await;
    let admin = String::from_utf8(output.stdout).unwrap();
    let request = api.anonymous("POST", "/api/v1/tasks").bearer_auth(admin.trim_end());
    answer(request.json(&body(&json!({ "secrets": { "K": "v" } })))).await.expect(201);
}

#[tokio::test]
async fn a_token_that_cannot_be_is_refused_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let long = "x".repeat(101);
    for (arguments, code, text) in [
        (vec!["--name", "x"], 2, "--permissions"),
        (vec!["--name", "x", "--permissions", "tasks.fly"], 2, "`tasks.fly` is not a permission; there are tasks.view"),
        (vec!["--name", "x", "--admin", "--permissions", "tasks.view"], 2, "cannot be used with"),
        (vec!["--name", "x", "--admin", "--expires-in-days", "366"], 2, "1..=365"),
        (vec!["--name", " ", "--admin"], 1, "error: name must be 1 to 100 characters"),
        (vec!["--name", &long, "--admin"], 1, "error: name must be 1 to 100 characters"),
    ] {
        let output = create(folder.path(), &arguments).await;
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(code) && said.contains(text), "{arguments:?}: {output:?}");
        assert!(output.stdout.is_empty(), "{output:?}");
    }
}

#[tokio::test]
async fn a_server_with_a_short_secret_does_not_start_and_says_how_to_make_one() {
    let folder = tempfile::tempdir().unwrap();
    for (secret, starts) in [("0123456789abcdef0123456789abcde", false), ("0123456789abcdef0123456789abcdef", true)] {
        let mut config = Config::new(folder.path());
        config.jwt_secret = Some(secret.into());
        let refused = Server::open(config, Arc::new(SystemClock)).await.err().map(|error| error.to_string());
        assert_eq!(refused.is_none(), starts, "{refused:?}");
        if let Some(error) = refused {
            assert!(
                error.contains("JWT_SECRET") && error.contains("is 31 bytes long") && !error.contains("0123"),
                "{error}"
            );
        }
    }
}

#[tokio::test]
async fn the_first_token_is_made_once() {
    let folder = tempfile::tempdir().unwrap();
    let open = async || Server::open(Config::new(folder.path()), Arc::new(SystemClock)).await.unwrap();
    let server = open().await;
    assert!(server.bootstrap_token().await.unwrap().is_some());
    assert!(server.bootstrap_token().await.unwrap().is_none());
    drop(server);
    assert!(open().await.bootstrap_token().await.unwrap().is_none());
}
