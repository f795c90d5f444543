//! A way to the server on which each request fails in each way. Whatever happens, the state is right afterwards, nothing is made twice,
//! and the error says what to do.

mod changes;
mod echoes;
mod reads;
mod throttling;

use std::collections::BTreeMap;

use justiam_tests::faults::{Fault, Faults};
use justiam_tests::server::TestServer;
use justiam_tests::terraform::{Said, Workspace};

use super::SCRIPT;

/// A way for a request to fail.
struct Kind {
    name: &'static str,
    fault: fn() -> Fault,
    /// What the error says.
    says: &'static str,
    /// Whether it may pass, so that the request is made again.
    passes: bool,
}

const KINDS: [Kind; 16] = [
    kind("s401", || Fault::problem(401, "UNAUTHORISED", "the token is not known"), "`JUSTIAM_TOKEN`"),
    kind("s403", || Fault::problem(403, "FORBIDDEN", "this needs a permission"), "whose owner has the permission"),
    kind("h403", || Fault::html(403), "answered 403 with text/html; charset=utf-8 instead of the API's answer"),
    kind("h404", || Fault::html(404), "answered 404 with text/html; charset=utf-8 instead of the API's answer"),
    kind("p404", || untyped(404), "the address of a JustIAM server, without a path of its own"),
    kind("s500", || Fault::problem(500, "INTERNAL_ERROR", "the server failed"), "Request id: req-of-a-fault"),
    kind("h200", || Fault::html(200), "check the provider's `endpoint`"),
    kind("j200", half_json, "does not fit the contract"),
    passing("s429", throttled, "lower `max_concurrency`"),
    passing("h502", || Fault::html(502), "answered 502 with text/html"),
    passing("s503", || Fault::problem(503, "SERVICE_UNAVAILABLE", "the database is away"), "try again later"),
    passing("h504", || Fault::html(504), "answered 504 with text/html"),
    passing("reset", || Fault::Reset, "Is the server running"),
    passing("silence", || Fault::Silence, "did not answer within 1 s"),
    // The server does what it is asked all the same.
    passing("lost", || Fault::LostAnswer, "Is the server running"),
    passing("cut", || Fault::TruncatedAnswer, "Is the server running"),
];

const fn kind(name: &'static str, fault: fn() -> Fault, says: &'static str) -> Kind {
    Kind { name, fault, says, passes: false }
}

const fn passing(name: &'static str, fault: fn() -> Fault, says: &'static str) -> Kind {
    Kind { passes: true, ..kind(name, fault, says) }
}

/// Of somebody who speaks JSON and is not the server.
fn untyped(status: u16) -> Fault {
    let body = "{\"message\":\"no Route matched\"}".to_owned();
    Fault::Answer { status, headers: vec![("Content-Type".into(), "application/json".into())], body }
}

fn half_json() -> Fault {
    let headers = vec![("Content-Type".into(), "application/json".into())];
    Fault::Answer { status: 200, headers, body: "{\"id\":".into() }
}

fn throttled() -> Fault {
    Fault::problem(429, "TOO_MANY_REQUESTS", "slow down").header("Retry-After", "0")
}

/// A server, a way to it that breaks when it is told to, and a workspace that goes this way. A request is waited for one second.
async fn world(max_retries: u32) -> (TestServer, Faults, Workspace) {
    let server = TestServer::start().await;
    let faults = Faults::start(&server.endpoint).await;
    let mut workspace = Workspace::new(&faults.endpoint, &server.token);
    workspace.variable("JUSTIAM_REQUEST_TIMEOUT", "1");
    workspace.variable("JUSTIAM_MAX_RETRIES", &max_retries.to_string());
    workspace.file("task.go", SCRIPT);
    (server, faults, workspace)
}

/// A task and a schedule for each kind, with this description.
fn config(kinds: &[&Kind], description: &str) -> String {
    let resources = kinds.iter().map(|kind| {
        let name = kind.name;
        format!(
            "resource \"justiam_scheduled_task\" \"{name}\" {{\n  name = \"task-{name}\"\n  description = \"{description}\"\n  \
             task_type = \"script\"\n  schedule_type = \"once\"\n  script = file(\"task.go\")\n}}\n\
             resource \"justiam_schedule\" \"{name}\" {{\n  name = \"schedule-{name}\"\n  description = \"{description}\"\n}}\n"
        )
    });
    resources.collect()
}

/// What was said of each error, without frames and line breaks.
fn errors(said: &Said) -> Vec<String> {
    said.flat().split("Error: ").skip(1).map(str::to_owned).collect()
}

/// Fails the test unless there is exactly one error with all these texts for each entry, and no other.
#[track_caller]
fn assert_errors(said: &Said, expected: &[(String, &str)]) {
    let errors = errors(said);
    for (summary, says) in expected {
        let about: Vec<&String> = errors.iter().filter(|error| error.starts_with(summary.as_str())).collect();
        assert_eq!(about.len(), 1, "{summary}: {}", said.text);
        assert!(about[0].contains(says), "`{says}` is not in: {}", about[0]);
    }
    assert_eq!(errors.len(), expected.len(), "{}", said.text);
}

/// The names of the tasks and schedules that the server has, and how often.
async fn names(server: &TestServer) -> BTreeMap<String, usize> {
    use futures::TryStreamExt as _;
    use justiam_sdk::api::schedules::{Schedule, ScheduleQuery};
    use justiam_sdk::api::tasks::{Task, TaskQuery};
    let tasks: Vec<Task> = server.client.tasks().list(TaskQuery::new()).try_collect().await.unwrap();
    let schedules: Vec<Schedule> = server.client.schedules().list(ScheduleQuery::new()).try_collect().await.unwrap();
    let mut names = BTreeMap::new();
    let tasks = tasks.into_iter().filter(|task| !task.is_system).map(|task| task.name);
    for name in tasks.chain(schedules.into_iter().map(|schedule| schedule.name)) {
        *names.entry(name).or_default() += 1;
    }
    names
}

/// The id of a resource in the state.
fn id(workspace: &Workspace, address: &str) -> String {
    workspace.attributes(address).unwrap()["id"].as_str().unwrap().to_owned()
}
