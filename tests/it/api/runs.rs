//! Triggers, histories and cancels over HTTP.

use futures::TryStreamExt as _;
use justiam_sdk::api::runs::RunQuery;
use justiam_sdk::api::values::RunStatus;
use serde_json::{Value, json};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{Connection as _, Executor as _};

use super::support::{Api, NOBODY, answer, body, path};

#[tokio::test]
async fn a_trigger_answers_with_the_queued_run() {
    let api = Api::start().await;
    let task = api.task("T").await;
    let run = answer(api.request("POST", &format!("{}/run", path(&task)))).await.expect(202).json();
    let expected = json!({
        "id": run["id"], "task_id": task.id, "task_name": "T", "status": "queued", "trigger": "manual",
        "scheduled_for": "2026-01-01T00:00:00Z", "queued_at": "2026-01-01T00:00:00Z", "started_at": null,
        "finished_at": null, "duration_ms": null, "output": null, "error": null, "reason": null, "attempt": 0,
        "missed_ticks": 0, "isolation": null, "triggered_by": "admin",
    });
    assert_eq!(run, expected);
    let ended = api.server.ended(run["id"].as_str().unwrap().parse().unwrap()).await;
    assert_eq!((ended.status, ended.attempt, ended.duration_ms), (RunStatus::Success, 1, Some(0)));
    assert_eq!(ended.output.as_deref(), Some("done"));
    let task = api.server.client.tasks().get(task.id).await.unwrap();
    assert_eq!((task.last_status, task.last_run_at), (Some(RunStatus::Success), ended.started_at));
}

#[tokio::test]
async fn a_page_with_too_much_output_is_refused_and_says_what_helps() {
    let api = Api::start().await;
    let task = api.task("T").await;
    for _ in 0..3 {
        let run = api.server.client.tasks().run(task.id).await.unwrap();
        api.server.ended(run.id).await;
    }
    let file = SqliteConnectOptions::new().filename(api.server.data_dir().join("server/justiam.db"));
    let mut database = SqliteConnection::connect_with(&file).await.unwrap();
    database.execute("UPDATE runs SET output = hex(zeroblob(16777216))").await.unwrap();
    let refused = api.get("/api/v1/task-runs").await;
    let why = "the texts of these items are over 64 MiB; ask for fewer items, or for fewer parts of tasks";
    assert_eq!(refused.wrong_fields(&["limit"])["limit"], json!([why]));
    api.get("/api/v1/task-runs?limit=2").await.expect(200);
}

#[tokio::test]
async fn a_trigger_may_carry_a_body_of_any_kind() {
    let api = Api::start().await;
    let task = api.create(&json!({ "task_type": "audit_log_cleanup", "schedule_type": "once" })).await;
    let path = format!("/api/v1/tasks/{}/run", task["id"].as_str().unwrap());
    for text in ["", "{}", "no json"] {
        api.text("POST", &path, text).await.expect(202);
    }
}

#[tokio::test]
async fn disabled_tasks_can_be_triggered() {
    let api = Api::start().await;
    let task = api.create(&body(&json!({ "enabled": false }))).await;
    let run = api.server.client.tasks().run(task["id"].as_str().unwrap().parse().unwrap()).await.unwrap();
    assert_eq!(api.server.ended(run.id).await.status, RunStatus::Success);
}

#[tokio::test]
async fn histories_are_newest_first_and_page_by_fifty() {
    let api = Api::start().await;
    let one = api.create(&json!({ "name": "one", "task_type": "audit_log_cleanup", "schedule_type": "once" })).await;
    let failing = "package task\nimport \"errors\"\nfunc Run() (string, error) { return \"\", errors.New(\"no\") }";
    let two = api.create(&body(&json!({ "name": "two", "script": failing }))).await;
    let id = one["id"].as_str().unwrap().parse().unwrap();
    let mut expected = Vec::new();
    for _ in 0..52 {
        let run = api.server.client.tasks().run(id).await.unwrap();
        api.server.ended(run.id).await;
        expected.push(run.id.to_string());
    }
    let other = api.server.client.tasks().run(two["id"].as_str().unwrap().parse().unwrap()).await.unwrap();
    api.server.ended(other.id).await;
    expected.reverse();
    let ids = |page: &Value| -> Vec<String> {
        page["data"].as_array().unwrap().iter().map(|run| run["id"].as_str().unwrap().to_owned()).collect()
    };
    let history = format!("/api/v1/tasks/{id}/runs");
    let first = api.get(&history).await.expect(200).json();
    assert_eq!((&first["total"], &first["limit"], &first["page"]), (&json!(52), &json!(50), &json!(1)));
    assert_eq!(ids(&first), expected[..50]);
    assert_eq!(ids(&api.get(&format!("{history}?page=2")).await.json()), expected[50..]);
    let streamed: Vec<_> = api.server.client.tasks().runs(id).try_collect().await.unwrap();
    assert_eq!(streamed.iter().map(|run| run.id.to_string()).collect::<Vec<_>>(), expected);
    let all: Vec<_> = api.server.client.runs().list(RunQuery::new()).try_collect().await.unwrap();
    assert_eq!((all.len(), all[0].id), (53, other.id));
    let successes = api.get("/api/v1/task-runs?status=success&limit=1000").await.json();
    assert_eq!(ids(&successes), expected);
    assert_eq!(ids(&api.get("/api/v1/task-runs?status=error").await.json()), [other.id.to_string()]);
    let none = api.get(&format!("{history}?status=cancelled")).await.json();
    assert_eq!((&none["data"], &none["total"]), (&json!([]), &json!(0)));
}

#[tokio::test]
async fn unknown_states_and_parameters_of_histories_are_refused() {
    let api = Api::start().await;
    let task = api.task("T").await;
    for list in ["/api/v1/task-runs", &format!("{}/runs", path(&task))] {
        let errors = api.get(&format!("{list}?status=done")).await.wrong_fields(&["status"]);
        assert!(errors["status"][0].as_str().unwrap().contains("`cancelled`"), "{errors}");
        api.get(&format!("{list}?task_id=7&colour=red")).await.wrong_fields(&["task_id", "colour"]);
    }
}

#[tokio::test]
async fn a_run_that_has_ended_cannot_be_cancelled() {
    let api = Api::start().await;
    let task = api.task("T").await;
    let run = api.server.client.tasks().run(task.id).await.unwrap();
    let ended = api.server.ended(run.id).await;
    let problem = answer(api.request("POST", &format!("/api/v1/task-runs/{}/cancel", run.id))).await;
    let message = problem.refused(409, "CONFLICT")["message"].to_string();
    assert!(message.contains("`success`"), "{message}");
    assert_eq!(api.server.client.runs().get(run.id).await.unwrap(), ended);
}

#[tokio::test]
async fn nobody_has_runs() {
    let api = Api::start().await;
    for (method, path) in [
        ("POST", format!("/api/v1/tasks/{NOBODY}/run")),
        ("GET", format!("/api/v1/tasks/{NOBODY}/runs")),
        ("GET", format!("/api/v1/task-runs/{NOBODY}")),
        ("POST", format!("/api/v1/task-runs/{NOBODY}/cancel")),
    ] {
        answer(api.request(method, &path)).await.refused(404, "NOT_FOUND");
    }
}
