//! Streams over pages, looking by name, and waiting for a run.

use futures::{StreamExt as _, TryStreamExt as _};
use justiam_sdk::api::audit::AuditQuery;
use justiam_sdk::api::runs::RunQuery;
use justiam_sdk::api::tasks::TaskQuery;
use justiam_sdk::api::values::RunStatus;
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use super::support::{RUN, TASK, client, json_answer, line, problem, requests, run_json, server, task_json};

fn page(items: &[Value], total: u64, page: u32, limit: u32) -> ResponseTemplate {
    json_answer(200, &json!({ "data": items, "total": total, "page": page, "limit": limit }))
}

fn named(name: &str) -> Value {
    let mut task = task_json();
    task["name"] = name.into();
    task
}

#[tokio::test]
async fn all_pages_are_read_one_after_the_other() {
    let server = server([
        page(&[named("a"), named("b")], 5, 1, 2),
        page(&[named("c"), named("d")], 5, 2, 2),
        page(&[named("e")], 5, 3, 2),
    ])
    .await;
    let client = client(&server.uri(), 0);
    let names: Vec<String> =
        client.tasks().list(TaskQuery::new()).map_ok(|task| task.name).try_collect().await.unwrap();
    assert_eq!(names, ["a", "b", "c", "d", "e"]);
    let lines: Vec<String> = requests(&server).await.iter().map(line).collect();
    assert_eq!(lines, ["GET /api/v1/tasks?page=1", "GET /api/v1/tasks?page=2", "GET /api/v1/tasks?page=3"]);
}

#[tokio::test]
async fn a_page_is_read_when_its_first_item_is_asked_for() {
    let server = server([page(&[named("a"), named("b")], 3, 1, 2), page(&[named("c")], 3, 2, 2)]).await;
    let client = client(&server.uri(), 0);
    let mut tasks = std::pin::pin!(client.tasks().list(TaskQuery::new()));
    assert_eq!(requests(&server).await.len(), 0);
    tasks.next().await.unwrap().unwrap();
    tasks.next().await.unwrap().unwrap();
    assert_eq!(requests(&server).await.len(), 1);
    tasks.next().await.unwrap().unwrap();
    assert!(tasks.next().await.is_none());
    assert_eq!(requests(&server).await.len(), 2);
}

#[tokio::test]
async fn a_list_ends_where_the_server_has_no_more() {
    // Nothing at all; everything on a full page; the rest deleted meanwhile, with an old or a new total.
    for (answers, expected) in [
        (vec![page(&[], 0, 1, 20)], 0),
        (vec![page(&[named("a"), named("b")], 2, 1, 2)], 2),
        (vec![page(&[named("a"), named("b")], 5, 1, 2), page(&[], 2, 2, 2)], 2),
        (vec![page(&[named("a"), named("b")], 5, 1, 2), page(&[], 5, 2, 2)], 2),
    ] {
        let count = answers.len();
        let server = server(answers).await;
        let client = client(&server.uri(), 0);
        let tasks: Vec<_> = client.tasks().list(TaskQuery::new()).try_collect().await.unwrap();
        assert_eq!((tasks.len(), requests(&server).await.len()), (expected, count));
    }
}

#[tokio::test]
async fn a_failure_ends_the_list_with_its_error() {
    let server = server([page(&[named("a")], 3, 1, 1), problem(500, "INTERNAL_ERROR")]).await;
    let client = client(&server.uri(), 0);
    let items: Vec<_> = client.tasks().list(TaskQuery::new()).collect().await;
    assert_eq!(items.len(), 2);
    assert_eq!(items[1].as_ref().unwrap_err().api().unwrap().status, 500);
}

#[tokio::test]
async fn histories_are_streams_as_well() {
    let server = server([
        page(&[run_json("success"), run_json("error")], 3, 1, 2),
        page(&[run_json("cancelled")], 3, 2, 2),
        page(&[run_json("running")], 1, 1, 50),
    ])
    .await;
    let client = client(&server.uri(), 0);
    let runs: Vec<_> = client.tasks().runs(TASK.parse().unwrap()).try_collect().await.unwrap();
    let statuses: Vec<&RunStatus> = runs.iter().map(|run| &run.status).collect();
    assert_eq!(statuses, [&RunStatus::Success, &RunStatus::Error, &RunStatus::Cancelled]);
    let runs: Vec<_> = client.runs().list(RunQuery::new()).try_collect().await.unwrap();
    assert_eq!(runs.len(), 1);
}

#[tokio::test]
async fn messages_and_the_audit_log_are_streams_too() {
    let message = json!({
        "id": RUN, "user_id": TASK, "subject": "Welcome", "body": "", "created_at": "2026-01-01T00:00:00Z",
        "delivered_at": "2026-01-01T00:05:00Z", "colour": "red",
    });
    let entry = json!({
        "id": RUN, "at": "2026-01-01T00:00:00Z", "actor": "CI", "principal": null, "action": "moon.land",
        "object_kind": "moon", "details": { "fields": ["name"] },
    });
    let server = server([page(&[message], 1, 1, 20), page(&[entry], 1, 1, 50)]).await;
    let client = client(&server.uri(), 0);
    let messages: Vec<_> = client.users().messages(TASK.parse().unwrap()).try_collect().await.unwrap();
    assert_eq!((messages.len(), messages[0].subject.as_str()), (1, "Welcome"));
    let mut query = AuditQuery::new();
    (query.action, query.object_id, query.actor) = (Some("moon.land".into()), Some("a b".into()), Some("CI".into()));
    let entries: Vec<_> = client.audit().list(query).try_collect().await.unwrap();
    assert_eq!((entries[0].action.as_str(), &entries[0].object_id), ("moon.land", &None));
    assert_eq!(entries[0].details, json!({ "fields": ["name"] }));
    let lines: Vec<String> = requests(&server).await.iter().map(line).collect();
    let expected = [
        format!("GET /api/v1/users/{TASK}/messages?page=1"),
        "GET /api/v1/audit-log?page=1&action=moon.land&object_id=a+b&actor=CI".to_owned(),
    ];
    assert_eq!(lines, expected);
}

#[tokio::test]
async fn a_name_finds_one_task_or_none() {
    let server = server([page(&[named("Nightly")], 1, 1, 20), page(&[], 0, 1, 20)]).await;
    let client = client(&server.uri(), 0);
    assert_eq!(client.tasks().find("Nightly").await.unwrap().unwrap().name, "Nightly");
    assert_eq!(client.tasks().find("Nightly").await.unwrap(), None);
}

#[tokio::test]
async fn waiting_looks_until_the_run_has_ended() {
    for last in ["success", "error", "cancelled"] {
        let server =
            server(["queued", "running", "paused", last].map(|status| json_answer(200, &run_json(status)))).await;
        let run = client(&server.uri(), 0).runs().wait(RUN.parse().unwrap()).await.unwrap();
        assert_eq!(run.status.to_string(), last);
        assert_eq!(requests(&server).await.len(), 4);
    }
}
