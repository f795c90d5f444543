//! A server that may open no more files.

use std::fs::{self, File};

use justiam_tests::process::ServerProcess;
use justiam_tests::{soon, until};
use reqwest::StatusCode;
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};

use super::support::{Caller, check};

#[tokio::test]
async fn a_server_that_may_open_no_more_files_goes_on_with_those_it_has_and_recovers() {
    let folder = tempfile::tempdir().unwrap();
    let (data, log) = (folder.path().join("data"), folder.path().join("log"));
    let mut server = ServerProcess::start_through(&[], folder.path(), &data, File::create(&log).unwrap()).await;
    let pid = Pid::from_raw(server.child.id().unwrap().try_into().unwrap());
    let caller = Caller::first(&mut server).await;
    let first = caller.create("first", 0).await.unwrap();
    assert_eq!(caller.run(&first.body).await["status"], "success");
    let enough = getrlimit(Resource::Nofile);
    prlimit(pid, Resource::Nofile, Rlimit { current: Some(0), ..enough }).unwrap();
    // Whoever is connected is served.
    assert_eq!(caller.create("meanwhile", 0).await.unwrap().status, StatusCode::CREATED);
    assert_eq!(caller.names().await, ["first", "meanwhile"]);
    // A run ends in any case, and says why.
    let run = caller.run(&first.body).await;
    let why = "the server could not start the script: could not lay out the script's folder; its log has the cause";
    assert_eq!((&run["status"], &run["error"]), (&"error".into(), &why.into()));
    let newcomer = tokio::spawn({
        let newcomer = caller.at(&server);
        async move { newcomer.create("later", 0).await.unwrap().status }
    });
    let said = || fs::read_to_string(&log).unwrap();
    until("the log to say what is wrong", async || said().contains("could not accept a connection")).await;
    assert!(said().contains("Too many open files"), "{}", said());
    prlimit(pid, Resource::Nofile, enough).unwrap();
    // Who came meanwhile has waited, and needed not to try again.
    assert_eq!(soon("the newcomer to be served", newcomer).await.unwrap(), StatusCode::CREATED);
    assert_eq!(caller.run(&first.body).await["status"], "success");
    assert_eq!(caller.names().await, ["first", "later", "meanwhile"]);
    server.terminate();
    server.ended().await;
    check(&[], &[("--data-dir", data.as_os_str())]).await;
}
