//! Disks that are full, and disks that may only be read.

use std::fs::{self, File};
use std::path::Path;
use std::process::Stdio;

use justiam_sdk::api::values::{OverlapPolicy, RunStatus};
use justiam_tests::disk::Disk;
use justiam_tests::process::{ServerProcess, through};
use justiam_tests::{soon, until};
use reqwest::StatusCode;

use super::support::{Caller, check};
use crate::scheduling::support::Gate;

const FULL: &str = "the database stores nothing at the moment: its disk is full";

#[tokio::test]
async fn a_full_disk_costs_nothing_that_was_accepted_and_nothing_later() {
    let (disk, folder) = (Disk::new(16).await, tempfile::tempdir().unwrap());
    let (launcher, data) = (disk.launcher(), disk.file("data"));
    let log = folder.path().join("log");
    let mut server = ServerProcess::start_through(&launcher, folder.path(), &data, File::create(&log).unwrap()).await;
    let caller = Caller::first(&mut server).await;
    let first = caller.create("first", 0).await.unwrap();
    let mut accepted = vec!["first".to_owned()];
    disk.fill();
    // What the database has room for in files that are there already still goes through.
    let mut refused = 0;
    for number in 0..200 {
        let name = format!("while full {number}");
        let answer = caller.create(&name, 60_000).await.unwrap();
        if answer.status == StatusCode::CREATED {
            accepted.push(name);
        } else {
            answer.assert_unavailable(FULL);
            refused += 1;
        }
        if refused == 5 {
            break;
        }
    }
    assert_eq!(refused, 5, "the disk was not full");
    // What was refused has left room for what is smaller, until that is used up, too.
    let mut number = 0;
    until("the server to be no longer ready", async || {
        number += 1;
        let name = format!("the last bytes {number}");
        if caller.create(&name, 0).await.unwrap().status == StatusCode::CREATED {
            accepted.push(name);
        }
        caller.get("/health/ready").await.status == StatusCode::SERVICE_UNAVAILABLE
    })
    .await;
    // What is there can be read, and the process lives.
    accepted.sort();
    assert_eq!(caller.names().await, accepted);
    assert_eq!(caller.get("/health").await.status, StatusCode::OK);
    disk.empty();
    // At once, and everything: writes, and runs with files of their own.
    let later = caller.create("later", 60_000).await.unwrap();
    assert_eq!(later.status, StatusCode::CREATED, "{later:?}");
    accepted.push("later".to_owned());
    assert_eq!(caller.run(&first.body).await["status"], "success");
    server.terminate();
    server.ended().await;
    check(&launcher, &[("--data-dir", data.as_os_str())]).await;
    let server = ServerProcess::start_through(&launcher, folder.path(), &data, Stdio::inherit()).await;
    let caller = caller.at(&server);
    accepted.sort();
    assert_eq!(caller.names().await, accepted);
    let log = fs::read_to_string(log).unwrap();
    assert!(log.contains("database or disk is full") && !log.contains("panicked"), "{log}");
}

#[tokio::test]
async fn a_run_whose_end_finds_no_room_has_it_recorded_later() {
    let (disk, folder) = (Disk::new(16).await, tempfile::tempdir().unwrap());
    let log = folder.path().join("log");
    let to_log = File::create(&log).unwrap();
    let mut server = ServerProcess::start_through(&disk.launcher(), folder.path(), &disk.file("data"), to_log).await;
    let token = server.first_token().await;
    let client = server.client(&token);
    let gate = Gate::new().await;
    let task = client.tasks().create(&gate.task("T", OverlapPolicy::Queue)).await.unwrap();
    let run = client.tasks().run(task.id).await.unwrap();
    let visitor = gate.visitor().await;
    disk.fill();
    // So long that there is no room for it in the files that are there.
    visitor.release(&"x".repeat(1_000_000)).await;
    let logged = until_it_says(&log, "ends of runs could not be recorded").await;
    assert!(logged.contains("database or disk is full"), "{logged}");
    assert_eq!(client.runs().get(run.id).await.unwrap().status, RunStatus::Running);
    disk.empty();
    let ended = soon("the run to end", client.runs().wait(run.id)).await.unwrap();
    assert_eq!((ended.status, ended.output.map(|output| output.len())), (RunStatus::Success, Some(1_000_000)));
    // The one that comes after it has its turn.
    let next = client.tasks().run(task.id).await.unwrap();
    gate.visitor().await.release("next").await;
    assert_eq!(soon("the run to end", client.runs().wait(next.id)).await.unwrap().output.as_deref(), Some("next"));
}

async fn until_it_says(log: &Path, words: &str) -> String {
    let said = || fs::read_to_string(log).unwrap();
    until(&format!("the log to say that {words}"), async || said().contains(words)).await;
    said()
}

#[tokio::test]
async fn a_server_on_a_disk_that_may_only_be_read_says_so_and_starts_when_it_may_write() {
    let (disk, folder) = (Disk::new(16).await, tempfile::tempdir().unwrap());
    let (launcher, data) = (disk.launcher(), disk.file("data"));
    let mut server = ServerProcess::start_through(&launcher, folder.path(), &data, Stdio::inherit()).await;
    let caller = Caller::first(&mut server).await;
    caller.create("before", 0).await.unwrap();
    server.terminate();
    server.ended().await;
    disk.protect();
    let mut command = through(&launcher);
    command.args(["serve", "--listen", "127.0.0.1:0", "--data-dir"]).arg(&data);
    let said = soon("the server to give up", command.output()).await.unwrap();
    let said = (said.status.code(), String::from_utf8(said.stderr).unwrap());
    let expected = format!("error: could not use {}/lock: Read-only file system (os error 30)\n", data.display());
    assert_eq!(said, (Some(1), expected));
    disk.unprotect();
    let server = ServerProcess::start_through(&launcher, folder.path(), &data, Stdio::inherit()).await;
    assert_eq!(caller.at(&server).names().await, ["before"]);
}
