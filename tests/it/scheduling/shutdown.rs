//! The two stages of a shutdown.

use justiam_sdk::api::values::{OverlapPolicy, RunStatus};
use justiam_tests::process::ServerProcess;
use justiam_tests::server::TestServer;
use justiam_tests::{soon, until};
use rustix::process::{Pid, Signal, kill_process};
use tokio::net::TcpStream;

use super::support::{Gate, create, dispatched, history, statuses};

#[tokio::test]
async fn a_gentle_end_lets_a_running_script_finish_and_starts_nothing_new() {
    let (server, gate) = (TestServer::start().await, Gate::new().await);
    let task = create(&server, &gate.every_minute("T", OverlapPolicy::Queue)).await;
    let first = server.client.tasks().run(task.id).await.unwrap();
    let visitor = gate.visitor().await;
    let second = server.client.tasks().run(task.id).await.unwrap();
    server.shutdown.soft.cancel();
    let address = server.endpoint.trim_start_matches("http://").to_owned();
    until("the listener to close", async || TcpStream::connect(&address).await.is_err()).await;
    // A tick that is due from now on waits for the next server.
    server.advance(20);
    visitor.release("finished").await;
    let clock = server.clock.clone();
    let data = server.stop().await;
    gate.assert_nobody().await;
    clock.set("2026-01-01T00:01:00Z");
    let server = TestServer::start_on(data, clock).await;
    let first = server.client.runs().get(first.id).await.unwrap();
    assert_eq!((first.status, first.output.as_deref()), (RunStatus::Success, Some("finished")));
    assert_eq!(first.duration_ms, Some(20_000));
    // The next server begins with what was left waiting, then comes the tick.
    let visitor = gate.visitor().await;
    dispatched(&server).await;
    let runs = history(&server.client, task.id).await;
    assert_eq!(statuses(&runs), [&RunStatus::Success, &RunStatus::Running, &RunStatus::Queued]);
    assert_eq!(runs[1].id, second.id);
    visitor.release("second").await;
    gate.visitor().await.release("tick").await;
    assert_eq!(server.ended(runs[2].id).await.output.as_deref(), Some("tick"));
}

#[tokio::test]
async fn a_hard_end_stops_a_running_script_and_says_so() {
    let (server, gate) = (TestServer::start().await, Gate::new().await);
    let task = create(&server, &gate.task("T", OverlapPolicy::Queue)).await;
    let run = server.client.tasks().run(task.id).await.unwrap();
    let visitor = gate.visitor().await;
    server.shutdown.soft.cancel();
    server.shutdown.hard.cancel();
    visitor.gone().await;
    let server = server.restart().await;
    let run = server.client.runs().get(run.id).await.unwrap();
    let expected = "the server was shut down before the script ended";
    assert_eq!((run.status, run.error.as_deref()), (RunStatus::Error, Some(expected)));
}

#[tokio::test]
async fn the_first_signal_is_gentle_and_the_second_is_not() {
    for gentle in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let gate = Gate::new().await;
        let mut server = ServerProcess::start(folder.path()).await;
        let token = server.token.clone();
        let client = server.client(&token);
        let task = client.tasks().create(&gate.task("T", OverlapPolicy::Allow)).await.unwrap();
        let run = client.tasks().run(task.id).await.unwrap();
        let visitor = gate.visitor().await;
        let pid = Pid::from_raw(server.child.id().unwrap().try_into().unwrap()).unwrap();
        kill_process(pid, Signal::TERM).unwrap();
        let address = server.endpoint.trim_start_matches("http://").to_owned();
        until("the listener to close", async || TcpStream::connect(&address).await.is_err()).await;
        if gentle {
            visitor.release("finished").await;
        } else {
            kill_process(pid, Signal::INT).unwrap();
            visitor.gone().await;
        }
        let status = soon("the server to end", server.child.wait()).await.unwrap();
        assert_eq!(status.code(), Some(0));
        let server = ServerProcess::start(folder.path()).await;
        let run = server.client(&token).runs().get(run.id).await.unwrap();
        let expected = if gentle { RunStatus::Success } else { RunStatus::Error };
        assert_eq!(run.status, expected, "{:?}", run.error);
    }
}
