//! The secret that a server on SQLite has made for itself.

use std::fs;
use std::process::Stdio;

use justiam_server::config::DataDir;
use justiam_tests::backend::{Backend, execute};
use justiam_tests::programs::program;
use justiam_tests::soon;
use serde_json::Value;
use tokio::process::Command;

use super::support::{OLD_ONLY, World, hashing, reads};

#[tokio::test]
async fn a_new_secret_of_the_data_folder_takes_over_while_the_server_is_stopped() {
    let world = World::new(Backend::sqlite());
    let file = |name: &str| world.data().join(name);
    let server = world.server(&[]).await;
    let token = server.token.clone();
    let task = hashing(&server.client(&token), "T", "value").await;
    let revisions = server.client(&token).secrets(task.id).keys().await.unwrap();
    let first = fs::read_to_string(file("jwt-secret")).unwrap();
    // A running server would go on under the secret that it knows.
    let refused = world.secrets(&[], &["rotate", "--new"]).await;
    assert_eq!(refused.code, Some(1));
    assert!(refused.err.contains("is in use by another server"), "{refused:?}");
    assert_eq!(fs::read_to_string(file("jwt-secret")).unwrap(), first);
    server.kill().await;

    // As one that was killed before it had begun with the values.
    DataDir::open(&world.data()).unwrap().replace_secret().unwrap();
    assert_ne!(fs::read_to_string(file("jwt-secret")).unwrap(), first);
    let refused = world.secrets(&[], &["rotate", "--new"]).await;
    assert!(refused.err.contains("finish with `justiam-server secrets rotate`, without `--new`"), "{refused:?}");
    let server = world.server(&[]).await;
    reads(&server.client(&token), &task, "value").await;
    let said = world.secrets(&[], &["rotate"]).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(!file("jwt-secret.old").exists());
    reads(&server.client(&token), &task, "value").await;
    server.kill().await;

    let second = fs::read_to_string(file("jwt-secret")).unwrap();
    let said = world.secrets(&[], &["rotate", "--new"]).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    let third = fs::read_to_string(file("jwt-secret")).unwrap();
    assert!(third != second && third != first && !file("jwt-secret.old").exists());
    for secret in [&first, &second, &third] {
        assert!(!said.out.contains(secret.trim_end()) && !world.log().contains(secret.trim_end()));
    }
    let server = world.server(&[]).await;
    reads(&server.client(&token), &task, "value").await;
    assert_eq!(server.client(&token).secrets(task.id).keys().await.unwrap(), revisions);
    server.kill().await;

    // A secret that is named takes its place in the same way.
    let old = file("jwt-secret").display().to_string();
    let named =
        [("JWT_SECRET", "a secret from elsewhere, long enough"), ("JUSTIAM_OLD_JWT_SECRET_FILES", old.as_str())];
    let refused = world.secrets(&named, &["rotate", "--new"]).await;
    assert!(refused.err.contains("this server has one that is named by a setting"), "{refused:?}");
    let said = world.secrets(&named, &["rotate"]).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    let server = world.server(&named[..1]).await;
    reads(&server.client(&token), &task, "value").await;
    server.kill().await;
}

#[tokio::test]
async fn what_is_damaged_keeps_no_older_secret() {
    let world = World::new(Backend::sqlite());
    let server = world.server(&[]).await;
    let token = server.token.clone();
    let task = hashing(&server.client(&token), "Whole", "value").await;
    hashing(&server.client(&token), "Damaged", "value").await;
    server.kill().await;
    let db = world.db().await;
    let mut tx = db.write().await.unwrap();
    execute(
        &mut tx,
        "UPDATE task_secrets SET sealed = zeroblob(40) WHERE task_id <> (SELECT min(task_id) FROM task_secrets)",
    )
    .await;
    tx.commit().await.unwrap();
    db.close().await;
    // The second time nothing is left over from the first one.
    for _ in 0..2 {
        let said = world.secrets(&[], &["rotate", "--new"]).await;
        assert!(
            said.code == Some(1)
                && said
                    .err
                    .contains("cannot be decrypted with any of the secrets that are named or in the data folder: 1"),
            "{said:?}"
        );
        assert_eq!(secrets_in(&world), ["jwt-secret"]);
    }
    let server = world.server(&[]).await;
    reads(&server.client(&token), &task, "value").await;
    server.kill().await;
}

#[tokio::test]
async fn a_folder_without_a_server_has_nothing_to_rotate() {
    let world = World::new(Backend::sqlite());
    for args in [&["rotate"][..], &["rotate", "--new"], &["status"]] {
        let said = world.secrets(&[], args).await;
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(said.err.ends_with("holds no server's data\n") && !world.data().exists(), "{said:?}");
    }
}

/// The files of the data folder that hold secrets.
fn secrets_in(world: &World) -> Vec<String> {
    let names = fs::read_dir(world.data()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with("jwt-secret")).collect()
}

#[tokio::test]
async fn only_the_first_start_makes_a_secret_and_none_takes_the_place_of_one_that_is_not_named() {
    let world = World::new(Backend::sqlite());
    let run = async |args: &[&str]| {
        let mut command = Command::new(program("justiam-server"));
        command.args(args).arg("--data-dir").arg(world.data()).env_remove("JWT_SECRET").env_remove("DATABASE_URL");
        let output = soon("a command", command.stdin(Stdio::null()).kill_on_drop(true).output()).await.unwrap();
        let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
        (output.status.code(), out, err)
    };
    // Nothing is encrypted yet, and these encrypt nothing.
    let create = ["token", "create", "--name", "x", "--admin"];
    let (code, token, said) = run(&create).await;
    let token = token.trim_end();
    assert_eq!(code, Some(0), "{said}");
    for args in [["token", "list"].as_slice(), &["migrate"]] {
        assert_eq!(run(args).await.0, Some(0), "{args:?}");
    }
    for args in [&["secrets", "status"][..], &["secrets", "rotate"], &["secrets", "rotate", "--new"]] {
        let (code, _, said) = run(args).await;
        assert!(code == Some(1) && said.contains("holds no server's secret: give the server's secret with"), "{said}");
    }
    assert_eq!(secrets_in(&world), Vec::<String>::new());

    let server = world.server(&OLD_ONLY).await;
    let task = hashing(&server.client(token), "T", "value").await;
    server.kill().await;
    let status: Value = serde_json::from_str(&world.secrets(&OLD_ONLY, &["status", "--json"]).await.out).unwrap();
    let key = status["keys"][0]["key"].as_str().unwrap().to_owned();
    for args in [&create[..], &["token", "list"], &["migrate"]] {
        assert_eq!(run(args).await.0, Some(0), "{args:?}");
    }
    let lost = format!(
        "error: this database holds values that were encrypted under another secret (key id {key}), and there is none in the data \
         folder: give the server's secret with JWT_SECRET, --jwt-secret-file or --jwt-secret-command\n"
    );
    let serve = ["serve", "--listen", "127.0.0.1:0", "--log", "error"];
    for args in [&serve[..], &["secrets", "status"], &["secrets", "rotate"]] {
        assert_eq!(run(args).await, (Some(1), String::new(), lost.clone()), "{args:?}");
    }
    assert_eq!(secrets_in(&world), Vec::<String>::new());
    let server = world.server(&OLD_ONLY).await;
    reads(&server.client(token), &task, "value").await;
    server.kill().await;
}
