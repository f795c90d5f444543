//! Where a server's secret comes from.

use std::fs;

use justiam_tests::backend::Backend;
use justiam_tests::programs::program;
use tokio::process::Command;

use super::support::{NEW, OLD, World, hashing, reads};

#[tokio::test]
async fn a_secret_comes_from_a_command_and_older_ones_from_files() {
    let world = World::new(Backend::sqlite());
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (old, new) = (file("old", &format!("{OLD}\n")), file("new secret", &format!("{NEW}\n")));
    let server = world.server(&[("JUSTIAM_JWT_SECRET_FILE", &old)]).await;
    let token = server.token.clone();
    let task = hashing(&server.client(&token), "T", "value").await;
    server.kill().await;
    // The command wins over the variable with the text itself.
    let command = format!("cat '{new}'");
    let settings = [
        ("JUSTIAM_JWT_SECRET_COMMAND", command.as_str()),
        ("JUSTIAM_OLD_JWT_SECRET_FILES", old.as_str()),
        ("JWT_SECRET", "something else, which does not count"),
    ];
    let server = world.server(&settings).await;
    reads(&server.client(&token), &task, "value").await;
    assert_eq!(world.secrets(&settings, &["rotate"]).await.code, Some(0));
    server.kill().await;
    assert_eq!(world.by_role(&[("JWT_SECRET", NEW)]).await, [("newest".to_owned(), 1)].into());
    for (settings, expected) in [
        (
            vec![("JUSTIAM_JWT_SECRET_COMMAND", "false"), ("JUSTIAM_JWT_SECRET_FILE", old.as_str())],
            "error: --jwt-secret-file (JUSTIAM_JWT_SECRET_FILE) and --jwt-secret-command (JUSTIAM_JWT_SECRET_COMMAND) are both \
             set; name one of them\n",
        ),
        (
            vec![("JUSTIAM_JWT_SECRET_COMMAND", "false")],
            "error: --jwt-secret-command: `false` has failed (exit status: 1)\n",
        ),
        (
            vec![("JWT_SECRET", NEW), ("JWT_SECRET_OLD", "short")],
            "error: an older secret of the server (a line of `JWT_SECRET_OLD`, or what `--old-jwt-secret-file` names) is 5 bytes \
             long; a server's secret has 32 at least, so this is none\n",
        ),
    ] {
        let said = world.secrets(&settings, &["status"]).await;
        assert_eq!((said.code, said.err.as_str()), (Some(1), expected));
    }
    // What needs no secret asks for none.
    let mut check = Command::new(program("justiam-server"));
    check.arg("check").arg("--data-dir").arg(world.data()).env("JUSTIAM_JWT_SECRET_COMMAND", "false");
    assert!(check.env_remove("DATABASE_URL").output().await.unwrap().status.success());
}
