//! Actions. The installed Terraform has none, so a client plays its part that checks the answers by Terraform's rules.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use futures::TryStreamExt as _;
use justiam_sdk::api::executions::{ExecutionQuery, ExecutionStatus};
use justiam_sdk::api::ids::TaskId;
use justiam_sdk::api::runs::Run;
use justiam_sdk::api::schedules::{NewSchedule, NewScheduleStep};
use justiam_sdk::api::tasks::NewTask;
use justiam_tests::programs::program;
use justiam_tests::server::TestServer;
use justiam_tests::{soon, until};
use serde_json::{Value as Json, json};
use tfplugin_client::wire::tfplugin6::invoke_action::event::Type;
use tfplugin_client::wire::tfplugin6::{self as pb, Diagnostic, stop_provider};
use tfplugin_client::{Session, UNKNOWN};

use super::SCRIPT;

/// A script that is at work for longer than any test.
const SLOW: &str = "package task\n\nimport \"time\"\n\nfunc Run() (string, error) { time.Sleep(29 * time.Second); return \"\", nil }\n";

/// How an action went on, and with what it has ended.
struct Invoked {
    progress: Vec<String>,
    problems: Vec<Diagnostic>,
}

impl Invoked {
    /// The one problem that there is, as a line.
    #[track_caller]
    fn problem(&self) -> String {
        let [problem] = &self.problems[..] else { panic!("{:?}", self.problems) };
        let attribute = problem.attribute.as_ref().map_or_else(String::new, |path| format!(" {:?}", path.steps));
        format!("{:?}{attribute}: {}: {}", problem.severity(), problem.summary, problem.detail)
    }
}

/// A provider that talks to this server.
async fn start(server: &TestServer) -> Session {
    let session = Session::start(&program("terraform-provider-justiam")).await;
    assert_eq!(session.configure(json!({"endpoint": server.endpoint, "token": server.token})).await, []);
    session
}

async fn validate(session: &Session, action: &str, config: Json) -> Vec<Diagnostic> {
    let schema = session.schemas().await.action(action).clone();
    let config = Some(schema.encode(&schema.object(config)));
    let request = pb::validate_action_config::Request { action_type: action.to_owned(), config };
    session.provider().validate_action_config(request).await.unwrap().into_inner().diagnostics
}

async fn invoke(session: &Session, action: &str, config: Json) -> Invoked {
    let schema = session.schemas().await.action(action).clone();
    let config = Some(schema.encode(&schema.object(config)));
    let request = pb::invoke_action::Request { action_type: action.to_owned(), config, ..Default::default() };
    let mut events = session.provider().invoke_action(request).await.unwrap().into_inner();
    let mut progress = Vec::new();
    while let Some(event) = soon("an event", events.message()).await.unwrap() {
        match event.r#type.unwrap() {
            Type::Progress(message) => progress.push(message.message),
            Type::Completed(completed) => return Invoked { progress, problems: completed.diagnostics },
        }
    }
    panic!("the action has not ended: {progress:?}");
}

/// A task with this script that only a trigger runs.
async fn task(server: &TestServer, script: &str) -> TaskId {
    server.client.tasks().create(&NewTask::triggered_script("Report", script)).await.unwrap().id
}

async fn runs(server: &TestServer, task: TaskId) -> Vec<Run> {
    server.client.tasks().runs(task).try_collect().await.unwrap()
}

/// Interrupts what is running, as Terraform does after Ctrl-C.
async fn stop(session: &Session) {
    session.provider().stop_provider(stop_provider::Request {}).await.unwrap();
}

#[tokio::test]
async fn a_task_is_run_and_each_change_of_its_run_is_told() {
    let server = TestServer::start().await;
    let session = start(&server).await;
    let id = task(&server, SCRIPT).await;
    for by in [json!({"task_id": id}), json!({"task_name": "Report"})] {
        let invoked = invoke(&session, "justiam_run_task", by).await;
        assert_eq!(invoked.problems, []);
        let run = runs(&server, id).await.remove(0).id;
        let (first, last) = (invoked.progress.first().unwrap(), invoked.progress.last().unwrap());
        assert_eq!(first, &format!("Run {run} of the task `Report`: queued"));
        assert_eq!(last, &format!("Run {run} of the task `Report`: success after 0 ms"));
        // It may have been at work between two looks.
        assert!(invoked.progress.len() <= 3, "{:?}", invoked.progress);
    }
    assert_eq!(runs(&server, id).await.len(), 2);
}

#[tokio::test]
async fn a_run_that_fails_fails_the_action_unless_it_may() {
    let server = TestServer::start().await;
    let session = start(&server).await;
    let failing =
        "package task\n\nimport \"errors\"\n\nfunc Run() (string, error) { return \"\", errors.New(\"no\") }\n";
    let id = task(&server, failing).await;
    let problem = invoke(&session, "justiam_run_task", json!({"task_id": id})).await.problem();
    let run = runs(&server, id).await.remove(0);
    assert_eq!(
        problem,
        format!("Error: The run of the task `Report` failed: {}.\n\nRun: {}", run.error.unwrap(), run.id)
    );
    let problem = invoke(&session, "justiam_run_task", json!({"task_id": id, "fail_on_error": false})).await.problem();
    assert!(problem.starts_with("Warning: The run of the task `Report` failed: "), "{problem}");
}

#[tokio::test]
async fn waiting_has_a_limit_and_can_be_left_out_and_interrupted() {
    let server = TestServer::start().await;
    let session = start(&server).await;
    let id = task(&server, SLOW).await;
    let run_task = async |more: Json| {
        let mut config = more;
        config["task_id"] = json!(id);
        invoke(&session, "justiam_run_task", config).await
    };

    let invoked = run_task(json!({"wait": false})).await;
    let run = runs(&server, id).await.remove(0).id;
    assert_eq!(invoked.progress, [format!("Run {run} of the task `Report`: queued")]);
    assert_eq!(invoked.problems, []);

    let problem = run_task(json!({"timeout_seconds": 1})).await.problem();
    assert!(problem.starts_with("Error: Still running after 1 s: the run "), "{problem}");
    assert!(!problem.contains("taint"), "{problem}");

    let before = runs(&server, id).await.len();
    let interrupt = async {
        until("the run", async || runs(&server, id).await.len() > before).await;
        stop(&session).await;
    };
    let (invoked, ()) = tokio::join!(run_task(json!({})), interrupt);
    let problem = invoked.problem();
    assert!(problem.starts_with("Error: Interrupted while waiting: The run "), "{problem}");
    assert!(problem.ends_with("and goes on without Terraform."), "{problem}");
    for run in runs(&server, id).await {
        assert!(!run.status.is_terminal(), "{run:?}");
        server.client.runs().cancel(run.id).await.unwrap();
    }
}

#[tokio::test]
async fn what_cannot_be_run_is_said_at_its_attribute() {
    let server = TestServer::start().await;
    let session = start(&server).await;
    for (kind, noun) in [("task", "task"), ("schedule", "schedule")] {
        let action = format!("justiam_run_{kind}");
        let (id, name) = (format!("{kind}_id"), format!("{kind}_name"));
        let unknown = "01890000-0000-7000-8000-000000000000";
        let problem = invoke(&session, &action, json!({ id.as_str(): unknown })).await.problem();
        assert!(problem.contains(&format!("{id:?}")), "{problem}");
        assert!(
            problem.contains(&format!("Could not run the {noun} {unknown}: The server answered 404: ")),
            "{problem}"
        );
        let problem = invoke(&session, &action, json!({ name.as_str(): "None" })).await.problem();
        assert!(problem.contains(&format!("{name:?}")), "{problem}");
        assert!(
            problem.ends_with(&format!(
                "No such {noun}: There is no {noun} with exactly the name `None`. Letter case and blanks count."
            )),
            "{problem}"
        );

        let summaries = async |config: Json| -> Vec<String> {
            validate(&session, &action, config).await.into_iter().map(|problem| problem.summary).collect()
        };
        assert_eq!(summaries(json!({})).await, ["Missing attribute"]);
        assert_eq!(summaries(json!({ id.as_str(): unknown, name.as_str(): "None" })).await, ["Conflicting attributes"]);
        assert_eq!(summaries(json!({ id.as_str(): "None" })).await, ["Invalid id"]);
        assert_eq!(
            summaries(json!({ id.as_str(): unknown, "timeout_seconds": 86_401 })).await,
            ["Number out of range"]
        );
        assert_eq!(summaries(json!({ id.as_str(): UNKNOWN, "wait": UNKNOWN })).await, [""; 0]);
    }
}

#[tokio::test]
async fn a_schedule_is_run_and_each_change_of_a_step_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().canonicalize().unwrap();
    let server = TestServer::start_with(|config| config.step_folders = vec![path.clone()]).await;
    let session = start(&server).await;
    let step = |name: &str, text: &str| {
        let file = path.join(name);
        fs::write(&file, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o755)).unwrap();
        NewScheduleStep::executable(file.to_str().unwrap()).named(name)
    };
    let new =
        NewSchedule::manual("Nightly").then(step("export", "echo exported")).then(step("import", "echo imported"));
    let id = server.client.schedules().create(&new).await.unwrap().id;
    let invoked = invoke(&session, "justiam_run_schedule", json!({"schedule_id": id})).await;
    assert_eq!(invoked.problems, []);
    let last = invoked.progress.last().unwrap();
    assert!(
        last.starts_with("Execution ") && last.ends_with(" of the schedule `Nightly`: Completed"),
        "{:?}",
        invoked.progress
    );
    for line in ["Step 1 of 2 `export`: Completed", "Step 2 of 2 `import`: Completed"] {
        assert_eq!(invoked.progress.iter().filter(|said| *said == line).count(), 1, "{:?}", invoked.progress);
    }

    let new = NewSchedule::manual("Broken").then(step("break", "exit 3")).then(step("never", "exit 0"));
    server.client.schedules().create(&new).await.unwrap();
    let invoked = invoke(&session, "justiam_run_schedule", json!({"schedule_name": "Broken"})).await;
    let problem = invoked.problem();
    assert!(problem.starts_with("Error: The execution of the schedule `Broken` failed: "), "{problem}");
    assert!(problem.contains("\nStep 1 `break`: ") && !problem.contains("never"), "{problem}");
    assert!(invoked.progress.contains(&"Step 1 of 2 `break`: Failed".to_owned()), "{:?}", invoked.progress);
}

#[tokio::test]
async fn an_execution_goes_on_after_the_wait_was_interrupted_or_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().canonicalize().unwrap();
    let server = TestServer::start_with(|config| config.step_folders = vec![path.clone()]).await;
    let session = start(&server).await;
    let file = path.join("slow");
    fs::write(&file, "#!/bin/sh\nsleep 60\n").unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o755)).unwrap();
    let new = NewSchedule::manual("Slow").then(NewScheduleStep::executable(file.to_str().unwrap()));
    let id = server.client.schedules().create(&new).await.unwrap().id;
    let executions = async || server.client.executions().page(&ExecutionQuery::of(id)).await.unwrap().items;

    let invoked = invoke(&session, "justiam_run_schedule", json!({"schedule_id": id, "wait": false})).await;
    assert_eq!(invoked.problems, []);
    let interrupt = async {
        until("the execution", async || executions().await.len() == 2).await;
        stop(&session).await;
    };
    let (invoked, ()) = tokio::join!(invoke(&session, "justiam_run_schedule", json!({"schedule_id": id})), interrupt);
    let problem = invoked.problem();
    assert!(problem.contains("nterrupted"), "{problem}");
    for execution in executions().await {
        assert!(!execution.status.is_terminal(), "{execution:?}");
        let cancelled = server.client.executions().cancel(execution.id).await.unwrap();
        assert_eq!(cancelled.status, ExecutionStatus::Cancelled);
        soon("its steps to end", server.client.executions().wait(execution.id)).await.unwrap();
    }
}
