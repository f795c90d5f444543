//! Whoever dies in the middle of an apply, nothing is half-written, and the next apply goes on.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::TryStreamExt as _;
use justiam_sdk::api::tasks::{Task, TaskQuery};
use justiam_tests::faults::{Fault, Faults};
use justiam_tests::process::ServerProcess;
use justiam_tests::terraform::{Workspace, said};
use justiam_tests::{soon, until};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Child;
use tokio::sync::Semaphore;

use super::{ADDRESS, SCRIPT, task, world};

/// Stands between provider and server, and interferes with the answers to creates: after the server has done its work.
pub(crate) struct Proxy {
    pub(crate) endpoint: String,
    state: Arc<State>,
}

struct State {
    server: String,
    /// How many answers are still to be broken off.
    to_break: AtomicUsize,
    broken: AtomicUsize,
    arrived: AtomicUsize,
    /// Answers pass one by one as permits are added.
    gate: Semaphore,
}

impl Proxy {
    /// Breaks off the first answers to creates and lets all others pass.
    pub(crate) async fn start(server: &str, to_break: usize) -> Self {
        Self::with(server, to_break, Semaphore::MAX_PERMITS).await
    }

    /// Holds every answer to a create until [`Proxy::release`].
    async fn holding(server: &str) -> Self {
        Self::with(server, 0, 0).await
    }

    async fn with(server: &str, to_break: usize, open: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(State {
            server: server.trim_start_matches("http://").to_owned(),
            to_break: AtomicUsize::new(to_break),
            broken: AtomicUsize::new(0),
            arrived: AtomicUsize::new(0),
            gate: Semaphore::new(open),
        });
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, Arc::clone(&shared)));
            }
        });
        Self { endpoint, state }
    }

    /// How many answers were broken off.
    pub(crate) fn broken_off(&self) -> usize {
        self.state.broken.load(Ordering::SeqCst)
    }

    /// Waits until the server has answered a create.
    async fn arrived(&self) {
        until("a create to be answered", async || self.state.arrived.load(Ordering::SeqCst) > 0).await;
    }

    fn release(&self) {
        self.state.gate.add_permits(1000);
    }
}

async fn pass(mut client: TcpStream, state: Arc<State>) {
    let Ok(mut server) = TcpStream::connect(&state.server).await else { return };
    let (mut from_client, mut from_server) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    let mut is_create = false;
    loop {
        tokio::select! {
            read = client.read(&mut from_client) => {
                let Ok(length @ 1..) = read else { return };
                // One request at a time travels on a connection; what follows its head has another beginning.
                if from_client.starts_with(b"POST ") {
                    is_create = true;
                } else if from_client.starts_with(b"GET ") {
                    is_create = false;
                }
                if server.write_all(&from_client[..length]).await.is_err() { return; }
            }
            read = server.read(&mut from_server) => {
                let Ok(length @ 1..) = read else { return };
                if is_create {
                    state.arrived.fetch_add(1, Ordering::SeqCst);
                    let breaks = state.to_break.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
                    if breaks.is_ok() {
                        state.broken.fetch_add(1, Ordering::SeqCst);
                        return;
                    }
                    state.gate.acquire().await.unwrap().forget();
                }
                if client.write_all(&from_server[..length]).await.is_err() { return; }
            }
        }
    }
}

/// The provider processes that work in a folder.
pub(super) fn providers_in(folder: &Path) -> Vec<Pid> {
    let folder = folder.canonicalize().unwrap();
    let pids = fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid: &i32| {
        let is_there = fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == folder);
        let program = fs::read_link(format!("/proc/{pid}/exe"));
        is_there && program.is_ok_and(|program| program.ends_with("terraform-provider-justiam"))
    })
    .filter_map(Pid::from_raw)
    .collect()
}

fn pid(child: &Child) -> Pid {
    Pid::from_raw(child.id().unwrap().try_into().unwrap()).unwrap()
}

/// Starts an apply in a process group of its own, as a terminal would.
fn start_apply(workspace: &Workspace) -> Child {
    let mut command = workspace.command(&["apply", "-input=false", "-no-color", "-auto-approve"]);
    command.process_group(0).spawn().unwrap()
}

#[tokio::test]
async fn ctrl_c_during_a_create_leaves_the_object_in_the_state() {
    let (server, mut workspace) = world().await;
    let proxy = Proxy::holding(&server.endpoint).await;
    workspace.variable("JUSTIAM_ENDPOINT", &proxy.endpoint);
    workspace.file("task.go", SCRIPT);
    workspace.config(&task(""));
    let apply = start_apply(&workspace);
    proxy.arrived().await;
    // What a terminal does: everybody in the group gets it, the provider too.
    kill_process_group(pid(&apply), Signal::INT).unwrap();
    proxy.release();
    let said = said(&soon("the apply to end", apply.wait_with_output()).await.unwrap());
    assert!(said.text.contains("Interrupt received"), "{}", said.text);
    let created = server.client.tasks().find("Task").await.unwrap().unwrap();
    assert_eq!(workspace.attributes(ADDRESS).unwrap()["id"], created.id.to_string(), "{}", said.text);
    workspace.variable("JUSTIAM_ENDPOINT", &server.endpoint);
    workspace.plan_nothing().await;
}

#[tokio::test]
async fn u33_a_server_that_never_answers_is_left_at_once_by_ctrl_c() {
    let (server, workspace) = world().await;
    let faults = Faults::start(&server.endpoint).await;
    let mut workspace = workspace;
    workspace.variable("JUSTIAM_ENDPOINT", &faults.endpoint);
    workspace.variable("JUSTIAM_REQUEST_TIMEOUT", "600");
    workspace.file("task.go", SCRIPT);
    workspace.config(&task(""));
    workspace.apply().await.ok();
    faults.inject("GET", "/tasks", 1, Fault::Silence);
    let mut command = workspace.command(&["plan", "-input=false", "-no-color"]);
    let plan = command.process_group(0).spawn().unwrap();
    until("the request arrives", async || faults.hit() == 1).await;
    kill_process_group(pid(&plan), Signal::INT).unwrap();
    let left = Instant::now();
    let said = said(&soon("the plan to end", plan.wait_with_output()).await.unwrap());
    assert!(left.elapsed() < Duration::from_secs(5), "it took {:?}", left.elapsed());
    assert_ne!(said.code, 0);
    let said = said.fails_with(&["Could not read the task `Task`", "Terraform was interrupted."]);
    assert!(said.text.contains("Interrupt received"), "{}", said.text);
    workspace.plan_nothing().await;
}

#[tokio::test]
async fn terraform_killed_during_a_create_leaves_no_provider_and_a_way_on() {
    let (server, mut workspace) = world().await;
    let proxy = Proxy::holding(&server.endpoint).await;
    workspace.variable("JUSTIAM_ENDPOINT", &proxy.endpoint);
    workspace.file("task.go", SCRIPT);
    workspace.config(&task(""));
    let mut apply = start_apply(&workspace);
    proxy.arrived().await;
    apply.kill().await.unwrap();
    proxy.release();
    until("the provider to end", async || providers_in(workspace.path()).is_empty()).await;

    workspace.variable("JUSTIAM_ENDPOINT", &server.endpoint);
    let id = server.client.tasks().find("Task").await.unwrap().unwrap().id;
    let locked = workspace.path().join(".terraform.tfstate.lock.info");
    // Terraform's own lock of a local state is released by the system when the process ends.
    let _ = fs::remove_file(locked);
    workspace.apply().await.fails_with(&["exists already", &format!("id = \"{id}\"")]);
    workspace.config(&format!("import {{\n  to = {ADDRESS}\n  id = \"{id}\"\n}}\n{}", task("")));
    workspace.apply().await.ok();
    workspace.plan_nothing().await;
}

#[tokio::test]
async fn a_provider_killed_during_a_create_leaves_a_way_on() {
    let (server, mut workspace) = world().await;
    let proxy = Proxy::holding(&server.endpoint).await;
    workspace.variable("JUSTIAM_ENDPOINT", &proxy.endpoint);
    workspace.file("task.go", SCRIPT);
    workspace.config(&task(""));
    let apply = start_apply(&workspace);
    proxy.arrived().await;
    for provider in providers_in(workspace.path()) {
        kill_process(provider, Signal::KILL).unwrap();
    }
    let output = soon("the apply to end", apply.wait_with_output()).await.unwrap();
    assert_eq!(output.status.signal(), None);
    assert_ne!(output.status.code(), Some(0));
    proxy.release();
    workspace.variable("JUSTIAM_ENDPOINT", &server.endpoint);
    let id = server.client.tasks().find("Task").await.unwrap().unwrap().id;
    workspace.apply().await.fails_with(&["exists already", &format!("id = \"{id}\"")]);
}

#[tokio::test]
async fn a_server_killed_during_an_apply_and_started_again_loses_and_doubles_nothing() {
    const TASKS: usize = 40;
    let folder = tempfile::tempdir().unwrap();
    let server = ServerProcess::start(folder.path()).await;
    let (endpoint, token) = (server.endpoint.clone(), server.token.clone());
    let mut workspace = Workspace::new(&endpoint, &token);
    workspace.variable("JUSTIAM_MAX_RETRIES", "10");
    workspace.file("task.go", SCRIPT);
    workspace.config(&format!(
        "resource \"justiam_scheduled_task\" \"t\" {{\n  count = {TASKS}\n  name = \"Task ${{count.index}}\"\n  task_type = \"script\"\n  \
         schedule_type = \"cron\"\n  cron_expr = \"0 3 * * *\"\n  script = file(\"task.go\")\n}}\n"
    ));
    let client = server.client(&token);
    let own = async || -> Vec<Task> {
        let all = client.tasks().list(TaskQuery::new()).try_collect::<Vec<Task>>().await.unwrap_or_default();
        all.into_iter().filter(|task| !task.is_system).collect()
    };
    let apply = start_apply(&workspace);
    until("some tasks to be created", async || own().await.len() >= 3).await;
    server.kill().await;
    let server = ServerProcess::start_at(folder.path(), endpoint.trim_start_matches("http://")).await;
    let said = said(&soon("the apply to end", apply.wait_with_output()).await.unwrap());
    assert_eq!(said.code, 0, "{}", said.text);
    assert_eq!(own().await.len(), TASKS);
    workspace.plan_nothing().await;
    drop(server);
}

#[tokio::test]
async fn u33_ctrl_c_ends_changes_and_deletes_that_the_server_puts_off() {
    let (server, mut workspace) = world().await;
    workspace.file("task.go", SCRIPT);
    let schedule = |text: &str| {
        format!(
            "resource \"justiam_schedule\" \"s\" {{\n  name = \"S\"\n  description = \"{text}\"\n  trigger_type = \"Manual\"\n}}\n"
        )
    };
    workspace.config(&(task("") + &schedule("one")));
    workspace.apply().await.ok();
    let faults = Faults::start(&server.endpoint).await;
    workspace.variable("JUSTIAM_ENDPOINT", &faults.endpoint);
    let later = Fault::problem(503, "SERVICE_UNAVAILABLE", "later").header("Retry-After", "20");
    for method in ["PATCH", "PUT", "DELETE"] {
        faults.inject(method, "/api/v1/", usize::MAX, later.clone());
    }
    workspace.config(&(task("description = \"other\"") + &schedule("two")));
    for (args, count) in [
        (["apply", "-input=false", "-no-color", "-auto-approve"], 2),
        (["destroy", "-input=false", "-no-color", "-auto-approve"], 2),
    ] {
        let before = faults.hit();
        let child = workspace.command(&args).process_group(0).spawn().unwrap();
        until("both requests to be put off", async || faults.hit() - before >= count).await;
        let interrupted = Instant::now();
        kill_process_group(pid(&child), Signal::INT).unwrap();
        let said = said(&soon("Terraform to end", child.wait_with_output()).await.unwrap());
        // The pauses that the server asks for are longer than that.
        assert!(interrupted.elapsed() < Duration::from_secs(15), "{}", said.text);
        said.fails_with(&["Terraform was interrupted before the server's answer", "the next plan tells"]);
        assert_eq!(faults.hit() - before, count, "nothing is sent after the interrupt");
    }
    faults.heal();
    workspace.apply().await.ok();
    workspace.plan_nothing().await;
}
