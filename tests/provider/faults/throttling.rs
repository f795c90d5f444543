//! A server that asks for fewer requests.

use std::fs;

use super::super::{SCRIPT, task};
use super::{throttled, world};

#[tokio::test]
async fn u31_throttling_slows_down_and_is_said_once() {
    let (_server, faults, mut workspace) = world(3).await;
    let log = workspace.path().join("warn.log");
    workspace.variable("TF_LOG_PROVIDER", "WARN");
    workspace.variable("TF_LOG_PATH", log.to_str().unwrap());
    workspace.file("task.go", SCRIPT);
    workspace.config(&task(""));
    faults.inject("POST", "/tasks", 3, throttled());
    workspace.apply().await.ok();
    assert_eq!(faults.hit(), 3);
    let log = fs::read_to_string(log).unwrap();
    assert_eq!(log.matches("asks for fewer requests").count(), 1, "{log}");
}
