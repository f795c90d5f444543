//! A server that may open no more files.

use std::process::Stdio;

use justiam_tests::process::ServerProcess;
use justiam_tests::{PATIENCE, until};
use reqwest::StatusCode;
use tokio::net::TcpStream;

use super::support::{Caller, check};

/// Descriptors of the server: enough to start, and fewer than connections that come.
const LIMIT: &str = "--nofile=90";
const VISITORS: usize = 200;

#[tokio::test]
async fn a_server_that_may_open_no_more_files_goes_on_with_those_it_has_and_recovers() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let launcher = ["prlimit", LIMIT, "--"].map(str::to_owned);
    let mut server = ServerProcess::start_through(&launcher, folder.path(), &data, Stdio::null()).await;
    let caller = Caller::first(&mut server).await;
    let first = caller.create("first", 0).await.unwrap();
    let mut accepted = vec!["first".to_owned()];
    let address = server.endpoint.trim_start_matches("http://").to_owned();
    let mut visitors = Vec::new();
    for _ in 0..VISITORS {
        visitors.push(TcpStream::connect(&address).await.unwrap());
    }
    // Whoever is connected is served, or hears what is wrong.
    for number in 0..20 {
        let name = format!("while there are none {number}");
        let answer = caller.create(&name, 0).await.unwrap();
        if answer.status == StatusCode::CREATED {
            accepted.push(name);
        } else {
            answer.assert_unavailable("the database is not available at the moment");
        }
    }
    assert!(accepted.len() > 1, "nothing was accepted");
    // A run needs a few more. It ends in any case, and says why.
    let run = caller.run(&first.body).await;
    assert!(run["status"] == "success" || !run["error"].is_null(), "{run}");
    drop(visitors);
    let newcomer = Caller::new(&server, "");
    until("newcomers to be served", async || newcomer.get("/health").await.status == StatusCode::OK).await;
    let later = caller.create("later", 0).await.unwrap();
    assert_eq!(later.status, StatusCode::CREATED, "{later:?}");
    accepted.push("later".to_owned());
    assert_eq!(caller.run(&first.body).await["status"], "success");
    accepted.sort();
    assert_eq!(caller.names().await, accepted);
    server.terminate();
    tokio::time::timeout(PATIENCE, server.ended()).await.unwrap();
    check(&[], &[("--data-dir", data.as_os_str())]).await;
}
