//! Tokens: the first one, and those that the command line makes beside a running server.

use std::path::Path;
use std::process::{Output, Stdio};
use std::sync::Arc;

use justiam_server::Server;
use justiam_server::clock::SystemClock;
use justiam_server::config::Config;
use justiam_tests::programs::program;
use justiam_tests::server::client;
use justiam_tests::soon;
use serde_json::json;
use tokio::process::Command;

use super::support::{Api, answer, body};

async fn create(folder: &Path, arguments: &[&str]) -> Output {
    token(folder, "create", arguments).output().await.unwrap()
}

fn token(folder: &Path, verb: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program("justiam-server"));
    command.args(["token", verb, "--data-dir"]).arg(folder).args(arguments);
    command.env_remove("JWT_SECRET").stdin(Stdio::null());
    command
}

fn out(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
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
        (vec!["--name", " ", "--admin"], 1, "error: name must not be blank\n"),
        (vec!["--name", &long, "--admin"], 1, "error: name has 101 characters; 100 are allowed\n"),
        (
            vec!["--name", "x", "--admin", "--account", "a\nb"],
            1,
            "error: account must not contain control characters\n",
        ),
        (vec!["--name", "x", "--account", "new"], 1, "because there is no service account `new` yet"),
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

#[tokio::test]
async fn the_command_line_makes_accounts_lists_tokens_and_revokes_them() {
    let api = Api::start().await;
    let folder = api.server.data_dir().join("server");
    let first = out(&create(&folder, &["--name", "one", "--account", "CI", "--permissions", "tasks.view"]).await);
    let more = create(&folder, &["--name", "two", "--account", "CI", "--permissions", "tasks.view,tasks.run"]).await;
    let said = String::from_utf8_lossy(&more.stderr);
    assert_eq!(more.status.code(), Some(1), "{more:?}");
    assert!(said.contains("account `CI` is there and does not have tasks.run"), "{said}");
    let more = create(&folder, &["--name", "two", "--account", "CI", "--admin"]).await;
    assert!(String::from_utf8_lossy(&more.stderr).contains("is no admin's"), "{more:?}");
    out(&create(&folder, &["--name", "two", "--account", "CI"]).await);
    let list = async || out(&token(&folder, "list", &[]).output().await.unwrap());
    let listed = list().await;
    let lines: Vec<Vec<&str>> = listed.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0], ["ID", "ACCOUNT", "NAME", "PREFIX", "PERMISSIONS", "EXPIRES", "LAST", "USED", "STATE"]);
    // The clocks of the command and of the test's server are apart, so the order is not that of their making.
    let line = |name: &str| lines.iter().find(|line| line.contains(&name)).unwrap_or_else(|| panic!("{listed}"));
    assert_eq!(line("one")[1..5], ["CI", "one", &first[..18], "tasks.view"]);
    assert_eq!(line("two")[1..3], ["CI", "two"]);
    assert_eq!(line("bootstrap")[4], "admin");
    assert!(!listed.contains(first.trim_end()));
    let id = line("one")[0];
    for said in ["the token is revoked\n", "the token had ended already\n"] {
        assert_eq!(out(&token(&folder, "revoke", &[id]).output().await.unwrap()), said);
    }
    assert!(list().await.contains(" revoked "));
    let request = api.anonymous("GET", "/api/v1/tasks").bearer_auth(first.trim_end());
    assert_eq!(answer(request).await.refused(401, "UNAUTHORISED")["message"], "the token was revoked");
    let unknown = token(&folder, "revoke", &["0199f2a6-0000-7000-8000-00000000dead"]).output().await.unwrap();
    assert_eq!(unknown.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("there is no token `0199f2a6"), "{unknown:?}");
}

#[tokio::test]
async fn whoever_lists_or_revokes_tokens_in_a_wrong_folder_makes_nothing_there() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("nowhere");
    for (verb, arguments) in [("list", &[][..]), ("revoke", &["0199f2a6-0000-7000-8000-00000000dead"])] {
        for (place, name) in [(nowhere.as_path(), "nowhere"), (folder.path(), "")] {
            let output = token(place, verb, arguments).env_remove("DATABASE_URL").output().await.unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(1), "{output:?}");
            assert!(said.ends_with(&format!("{name} holds no server's data\n")), "{said}");
        }
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_token_that_nobody_sees_is_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let sink = |name: &str| Stdio::from(std::fs::OpenOptions::new().write(true).open(name).unwrap());
    for (sink_name, why) in [("/dev/full", "No space left"), ("/dev/null", "closed or /dev/null")] {
        let mut serve = Command::new(program("justiam-server"));
        serve.args(["serve", "--listen", "127.0.0.1:0", "--log", "error", "--data-dir"]).arg(folder.path());
        let serve = serve.env_remove("JWT_SECRET").stdin(Stdio::null()).stdout(sink(sink_name));
        let create = &mut token(folder.path(), "create", &["--name", "x", "--admin"]);
        for command in [serve, create.stdout(sink(sink_name))] {
            let output = soon(
                "the command to end",
                command.stderr(Stdio::piped()).kill_on_drop(true).spawn().unwrap().wait_with_output(),
            );
            let output = output.await.unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(1), "{output:?}");
            assert!(said.contains("not kept") && said.contains(why), "{said}");
        }
    }
    assert_eq!(out(&token(folder.path(), "list", &[]).output().await.unwrap()).lines().count(), 1);
    // The next start makes one.
    let server = Server::open(Config::new(folder.path()), Arc::new(SystemClock)).await.unwrap();
    assert!(server.bootstrap_token().await.unwrap().is_some());
}
