//! A gate at which scripts wait, and ways to see what the dispatcher has done.

use std::time::Duration;

use justiam_sdk::Client;
use justiam_sdk::api::ids::TaskId;
use justiam_sdk::api::runs::{Run, RunQuery};
use justiam_sdk::api::tasks::{NewTask, Task};
use justiam_sdk::api::values::{OverlapPolicy, RunStatus, ScheduleType, TaskType};
use justiam_tests::server::TestServer;
use justiam_tests::{soon, until};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// A script that does nothing.
pub(crate) const SCRIPT: &str = "package task\n\nfunc Run() (string, error) {\n\treturn \"done\", nil\n}\n";

/// A script that comes to a gate, waits until it is let through, and returns what it was told there.
const AT_THE_GATE: &str = r#"package task

import (
	"bufio"
	"config"
	"net"
	"strings"
)

func Run() (string, error) {
	gate, err := net.Dial("tcp", config.Get("gate"))
	if err != nil {
		return "", err
	}
	told, err := bufio.NewReader(gate).ReadString('\n')
	return strings.TrimSpace(told), err
}
"#;

/// How long to look for something that must not be there, or must be there already.
const MOMENT: Duration = Duration::from_millis(10);

/// Where scripts wait for the test.
pub(crate) struct Gate(TcpListener);

/// A script that waits at a gate. Its process lives as long as the connection.
pub(crate) struct Visitor(BufReader<TcpStream>);

impl Gate {
    pub(crate) async fn new() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    /// A task whose script waits at this gate, and which nothing but a trigger runs.
    pub(crate) fn task(&self, name: &str, policy: OverlapPolicy) -> NewTask {
        let mut new = NewTask::triggered_script(name, AT_THE_GATE);
        new.overlap_policy = Some(policy);
        new.task_config = Some([("gate".to_owned(), self.0.local_addr().unwrap().to_string())].into());
        new
    }

    /// The same on every full minute as well.
    pub(crate) fn every_minute(&self, name: &str, policy: OverlapPolicy) -> NewTask {
        let mut new = self.task(name, policy);
        new.schedule_type = Some(ScheduleType::Cron);
        new.cron_expr = Some("* * * * *".into());
        new
    }

    /// Waits for the next script.
    pub(crate) async fn visitor(&self) -> Visitor {
        Visitor(BufReader::new(soon("a script to come to the gate", self.0.accept()).await.unwrap().0))
    }

    /// Fails when somebody is waiting who was not expected.
    pub(crate) async fn assert_nobody(&self) {
        let visitor = tokio::time::timeout(MOMENT, self.0.accept()).await;
        assert!(visitor.is_err(), "a script is waiting at the gate");
    }
}

impl Visitor {
    /// Lets the script return this line.
    pub(crate) async fn release(mut self, told: &str) {
        self.0.get_mut().write_all(format!("{told}\n").as_bytes()).await.unwrap();
        // Its end, so that nothing is left of it when the test goes on.
        let _ = soon("the script to end", self.0.read_to_end(&mut Vec::new())).await;
    }

    /// Waits until the script's process has ended without having been let through.
    pub(crate) async fn gone(mut self) {
        let _ = soon("the script to be stopped", self.0.fill_buf()).await;
    }

    /// Whether the script's process has ended by now.
    pub(crate) async fn is_gone(&mut self) -> bool {
        // A script says nothing before it is let through, so whatever can be read is the end of the connection.
        tokio::time::timeout(MOMENT, self.0.fill_buf()).await.is_ok()
    }
}

/// Runs of a task, oldest first.
pub(crate) async fn history(client: &Client, task: TaskId) -> Vec<Run> {
    let mut query = RunQuery::new();
    query.task_id = Some(task);
    query.limit = Some(1000);
    let mut runs = client.runs().page(&query).await.unwrap().data;
    runs.reverse();
    runs
}

/// Waits until the dispatcher has recorded everything that is due by now: a marker that is due now is recorded in the same
/// transaction as everything else, or in a later one.
pub(crate) async fn dispatched(server: &TestServer) {
    use justiam_server::clock::Clock as _;
    let mut marker = NewTask::default();
    // Done a second time, its work is the same as before: it takes away nothing that a test of the built-in tasks looks for.
    marker.task_type = Some(TaskType::PresetCacheRefresh);
    marker.schedule_type = Some(ScheduleType::Once);
    marker.run_at = Some(server.clock.now());
    let marker = server.client.tasks().create(&marker).await.unwrap();
    until("the marker to fire", async || !history(&server.client, marker.id).await.is_empty()).await;
    server.client.tasks().delete(marker.id).await.unwrap();
}

/// Waits until a run has a status.
pub(crate) async fn reaches(server: &TestServer, run: &Run, status: RunStatus) -> Run {
    until(&format!("a run to be {status}"), async || server.client.runs().get(run.id).await.unwrap().status == status)
        .await;
    server.client.runs().get(run.id).await.unwrap()
}

pub(crate) async fn create(server: &TestServer, new: &NewTask) -> Task {
    server.client.tasks().create(new).await.unwrap()
}

/// The nominal times of runs, and how many missed ticks each stands for.
pub(crate) fn ticks(runs: &[Run]) -> Vec<(String, i64)> {
    runs.iter().map(|run| (run.scheduled_for.to_string(), run.missed_ticks)).collect()
}

pub(crate) fn statuses(runs: &[Run]) -> Vec<&RunStatus> {
    runs.iter().map(|run| &run.status).collect()
}

/// A task that ends at once and needs no interpreter: it looks for old entries of the audit log, of which there are none.
pub(crate) fn cheap(name: &str, cron_expr: &str) -> NewTask {
    let mut new = NewTask::new(name, TaskType::AuditLogCleanup, ScheduleType::Cron);
    new.cron_expr = Some(cron_expr.into());
    new
}
