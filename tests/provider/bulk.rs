//! A refresh of many tasks asks for a list, and nobody can tell by the plan.

use std::time::Duration;

use justiam_sdk::api::ids::TaskId;
use justiam_sdk::api::tasks::{NewTask, Task, TaskPatch, TaskQuery};
use justiam_tests::faults::{Fault, Faults, Seen};
use justiam_tests::programs::program;
use justiam_tests::server::TestServer;
use justiam_tests::terraform::Workspace;
use serde_json::{Value as Json, json};
use tfplugin_client::{Session, State};

use super::SCRIPT;

/// A server, a way to it that counts, and a workspace that goes that way.
async fn world() -> (TestServer, Faults, Workspace) {
    let server = TestServer::start().await;
    let faults = Faults::start(&server.endpoint).await;
    let workspace = Workspace::new(&faults.endpoint, &server.token);
    workspace.file("task.go", SCRIPT);
    (server, faults, workspace)
}

/// Tasks that are called `Task 0`, `Task 1` and so on; `more` are further attributes, or arguments of Terraform.
fn tasks(count: usize, more: &str) -> String {
    format!(
        "resource \"justiam_scheduled_task\" \"t\" {{\n  count = {count}\n  name = \"Task ${{count.index}}\"\n  task_type = \"script\"\n  \
         schedule_type = \"cron\"\n  cron_expr = \"0 3 * * *\"\n  script = file(\"task.go\")\n  config = jsonencode({{ a = 1 }})\n  \
         secrets = {{ K = \"one\" }}\n{more}\n}}\n"
    )
}

/// How many requests asked for one task, and how many for a list.
fn reads(seen: &[Seen]) -> (usize, usize) {
    assert!(seen.iter().all(|seen| seen.method == "GET"), "{seen:?}");
    let lists = seen.iter().filter(|seen| seen.target.contains("limit=500")).count();
    (seen.len() - lists, lists)
}

async fn id(server: &TestServer, name: &str) -> TaskId {
    server.client.tasks().find(name).await.unwrap().unwrap().id
}

#[tokio::test]
async fn u30_forty_tasks_are_refreshed_in_nine_requests_and_few_are_read_one_by_one() {
    let (_server, faults, workspace) = world().await;
    workspace.config(&tasks(40, ""));
    workspace.apply().await.ok();
    assert_eq!(faults.take().iter().filter(|seen| seen.method == "POST").count(), 40);

    // Ten readers at a time, and a list that takes long: all wait for the one.
    faults.delay(Duration::from_millis(100));
    workspace.plan_nothing().await;
    assert_eq!(reads(&faults.take()), (8, 1));
    faults.delay(Duration::ZERO);

    let plan = ["plan", "-input=false", "-no-color", "-detailed-exitcode", "-refresh=false"];
    assert_eq!(workspace.run(&plan).await.code, 0);
    assert_eq!(faults.take(), []);

    workspace.config(&tasks(40, "description = count.index == 39 ? \"another\" : null"));
    workspace.apply().await.ok();
    let (writes, seen): (Vec<Seen>, Vec<Seen>) = faults.take().into_iter().partition(|seen| seen.method == "PATCH");
    assert_eq!(writes.len(), 1);
    assert_eq!(reads(&seen), (8, 1));
    workspace.plan_nothing().await;
    faults.take();

    workspace.config(&tasks(5, ""));
    workspace.apply().await.ok();
    faults.take();
    workspace.plan_nothing().await;
    assert_eq!(reads(&faults.take()), (5, 0));
}

#[tokio::test]
async fn u32_ten_requests_are_under_way_at_a_time() {
    let (_server, faults, workspace) = world().await;
    faults.delay(Duration::from_millis(300));
    workspace.config(&tasks(20, ""));
    workspace.apply().await.ok();
    assert_eq!(faults.most_at_once(), 10);
}

#[tokio::test]
async fn drift_is_found_in_a_list_as_by_single_reads() {
    let (server, faults, workspace) = world().await;
    workspace.config(&tasks(40, ""));
    workspace.apply().await.ok();
    let drifts: [fn(&mut TaskPatch); 5] = [
        |patch| patch.script = Some(Some(SCRIPT.replace("done", "theirs"))),
        |patch| patch.config = Some(Some(json!({ "a": 2 }))),
        |patch| patch.description = Some(Some("theirs".into())),
        |patch| patch.task_config = Some([("theirs".into(), "1".into())].into()),
        |patch| patch.secrets.get_or_insert_default().set = [("K".into(), "two".into())].into(),
    ];
    for (number, drift) in drifts.iter().enumerate() {
        let mut patch = TaskPatch::new();
        drift(&mut patch);
        server.client.tasks().update(id(&server, &format!("Task {number}")).await, &patch).await.unwrap();
    }
    server.client.tasks().delete(id(&server, "Task 5").await).await.unwrap();

    faults.take();
    let plan = workspace.plan_changes().await;
    assert!(plan.text.contains("1 to add, 5 to change, 0 to destroy"), "{}", plan.text);
    let seen = faults.take();
    assert_eq!(reads(&seen).1, 1, "{seen:?}");
    // The list does not have the other script, and does not say that a task is gone.
    assert!(reads(&seen).0 <= 10, "{seen:?}");
    workspace.apply().await.ok();
    workspace.plan_nothing().await;
    let script = server.client.tasks().get(id(&server, "Task 0").await).await.unwrap().script;
    assert_eq!(script.as_deref(), Some(SCRIPT));
}

#[tokio::test]
async fn a_list_that_is_refused_or_says_too_little_costs_one_request() {
    let (server, faults, mut workspace) = world().await;
    workspace.variable("JUSTIAM_MAX_RETRIES", "0");
    workspace.config(&tasks(12, ""));
    workspace.apply().await.ok();
    faults.take();
    let listed = |tasks: &[Task], total: u64| {
        let page = json!({ "data": tasks, "total": total, "page": 1, "limit": 500 });
        let headers = vec![("Content-Type".into(), "application/json".into())];
        Fault::Answer { status: 200, headers, body: page.to_string() }
    };
    // As a server answers that knows no `include`.
    let all = server.client.tasks().page(&TaskQuery::new()).await.unwrap();
    let bare = listed(&all.data, all.total);
    for (list, singles) in [
        (Fault::problem(403, "FORBIDDEN", "not allowed"), 12),
        (Fault::problem(404, "NOT_FOUND", "no such route"), 12),
        (Fault::problem(400, "VALIDATION_ERROR", "`include` is unknown"), 12),
        (Fault::html(200), 12),
        (Fault::LostAnswer, 12),
        (bare, 12),
        // Nobody is gone because a list does not have him.
        (listed(&[], 0), 12),
        (listed(&[], 100_000), 12),
    ] {
        faults.inject("GET", "limit=500", 1, list.clone());
        workspace.plan_nothing().await;
        assert_eq!(reads(&faults.take()), (singles, 1), "{list:?}");
    }
}

#[tokio::test]
async fn a_list_of_several_pages_is_whole_and_what_moves_between_them_is_not_lost() {
    let (server, faults, workspace) = world().await;
    for number in 0..600 {
        let mut small = NewTask::triggered_script(format!("Other {number}"), SCRIPT);
        small.enabled = Some(false);
        server.client.tasks().create(&small).await.unwrap();
    }
    workspace.config(&tasks(20, ""));
    workspace.apply().await.ok();
    faults.take();
    workspace.plan_nothing().await;
    let seen = faults.take();
    assert_eq!(reads(&seen), (8, 2), "{seen:?}");

    // Whoever deletes tasks of the first page moves those of the second there, unseen.
    let headers = vec![("Content-Type".into(), "application/json".into())];
    let body = json!({ "data": [], "total": 500, "page": 2, "limit": 500 }).to_string();
    faults.inject("GET", "page=2", 1, Fault::Answer { status: 200, headers, body });
    workspace.plan_nothing().await;
    assert_eq!(reads(&faults.take()), (20, 2));
}

#[tokio::test]
async fn two_configurations_of_the_provider_do_not_disturb_each_other() {
    let (_server, faults, workspace) = world().await;
    let config = |description: &str| {
        let half = tasks(12, &format!("description = \"{description}\""));
        let other = half.replace("\"t\"", "\"u\"").replace("\"Task $", "\"Other $");
        let other = other.replacen("count = 12", "provider = justiam.other\n  count = 12", 1);
        format!("provider \"justiam\" {{}}\nprovider \"justiam\" {{\n  alias = \"other\"\n}}\n{half}{other}")
    };
    workspace.config(&config("before"));
    workspace.apply().await.ok();
    faults.take();
    workspace.plan_nothing().await;
    assert_eq!(reads(&faults.take()), (16, 2));
    workspace.config(&config("after"));
    workspace.apply().await.ok();
    workspace.plan_nothing().await;
}

#[tokio::test]
async fn what_a_process_has_written_it_does_not_take_from_a_list() {
    let server = TestServer::start().await;
    let faults = Faults::start(&server.endpoint).await;
    let session = Session::start(&program("terraform-provider-justiam")).await;
    assert_eq!(session.configure(json!({"endpoint": faults.endpoint, "token": server.token})).await, []);
    let resource = session.resource("justiam_scheduled_task").await;
    let config = |number: usize, description: &str| -> Json {
        json!({
            "name": format!("Task {number}"), "task_type": "script", "schedule_type": "cron", "cron_expr": "0 3 * * *",
            "script": SCRIPT, "description": description,
        })
    };
    let mut states: Vec<State> = Vec::new();
    for number in 0..14 {
        let task =
            server.client.tasks().create(&serde_json::from_value(config(number, "before")).unwrap()).await.unwrap();
        states.push(resource.import(&task.id.to_string()).await.ok());
    }
    faults.take();
    for state in &states[..10] {
        resource.read(state).await.ok().unwrap();
    }
    assert_eq!(reads(&faults.take()), (8, 1));

    let planned = resource.plan(Some(&states[10]), &resource.config(config(10, "after"))).await.ok();
    let changed = resource.apply(&planned).await.ok();
    resource.destroy(&states[11]).await.ok();
    faults.take();
    let read = resource.read(&changed).await.ok().unwrap();
    assert_eq!(read.value.get("description"), Some(&"after".into()));
    assert!(resource.read(&states[11]).await.ok().is_none());
    assert_eq!(reads(&faults.take()), (2, 0));

    // Somebody else's change is seen by the next command, whose provider is configured anew.
    let id = states[12].value.get("id").unwrap().as_str().unwrap().parse().unwrap();
    server.client.tasks().delete(id).await.unwrap();
    assert!(resource.read(&states[12]).await.ok().is_some());
    assert!(resource.read(&states[12]).await.ok().is_none());
    assert_eq!(session.configure(json!({"endpoint": faults.endpoint, "token": server.token})).await, []);
    faults.take();
    assert!(resource.read(&states[13]).await.ok().is_some());
    assert_eq!(reads(&faults.take()), (1, 0));
}
