//! The secret that a server on SQLite has made for itself.

use std::fs;

use justiam_server::config::DataDir;
use justiam_tests::backend::Backend;

use super::support::{World, hashing, reads};

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
async fn a_folder_without_a_server_has_nothing_to_rotate() {
    let world = World::new(Backend::sqlite());
    for args in [&["rotate"][..], &["rotate", "--new"], &["status"]] {
        let said = world.secrets(&[], args).await;
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(said.err.ends_with("holds no server's data\n") && !world.data().exists(), "{said:?}");
    }
}
