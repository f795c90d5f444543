//! A log that nobody can write to.

use std::fs::File;

use justiam_tests::process::ServerProcess;
use reqwest::StatusCode;

use super::support::Caller;

#[tokio::test]
async fn a_log_for_which_there_is_no_room_stops_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let full = File::options().write(true).open("/dev/full").unwrap();
    // Each request has lines in it.
    let server = ServerProcess::start_logging(folder.path(), "127.0.0.1:0", "debug", full).await;
    let caller = Caller::new(&server, &server.token);
    let made = caller.create("T", 0).await.unwrap();
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    assert_eq!(caller.run(&made.body).await["status"], "success");
    server.terminate();
    server.ended().await;
}
