//! When a task fires next: `GET /api/v1/tasks/{id}/next`.

use jiff::Timestamp;
use jiff::civil::date;
use justiam_sdk::api::preview::NextQuery;
use justiam_sdk::api::tasks::{NewTask, TaskPatch};
use justiam_sdk::api::values::{ScheduleType, WarningKind};
use justiam_server::app::caller::Permission;
use serde_json::json;

use super::support::{Api, NOBODY, SCRIPT, body, hourly, path};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn query(count: u32, from: &str) -> NextQuery {
    let mut query = NextQuery::new();
    query.count = Some(count);
    query.from = Some(at(from));
    query
}

#[tokio::test]
async fn ten_from_now_on_and_strictly_after() {
    let api = Api::start().await;
    let task = api.task("T").await;
    let next = api.server.client.tasks().next(task.id, &NextQuery::new()).await.unwrap();
    assert_eq!((next.task_id, next.timezone.as_str()), (task.id, "UTC"));
    // The server's clock stands at a full hour, which does not count.
    let expected: Vec<Timestamp> = (1..=10).map(|hour| at(&format!("2026-01-01T{hour:02}:00:00Z"))).collect();
    assert_eq!(next.next, expected);
    assert_eq!(task.next_run_at, Some(next.next[0]));
    assert_eq!(next.warnings, []);
    let raw =
        api.get(&format!("{}/next?count=1&from=2026-01-01T08:59:59.999999%2B01:00", path(&task))).await.expect(200);
    let expected = json!({ "task_id": task.id, "timezone": "UTC", "next": ["2026-01-01T08:00:00Z"], "warnings": [] });
    assert_eq!(raw.json(), expected);
}

#[tokio::test]
async fn daylight_saving_counts_and_is_told() {
    let api = Api::start().await;
    let mut new = NewTask::cron_script("T", "30 2 * * *", SCRIPT);
    new.timezone = Some("America/New_York".into());
    let task = api.server.client.tasks().create(&new).await.unwrap();
    let next = api.server.client.tasks().next(task.id, &query(2, "2026-03-07T12:00:00Z")).await.unwrap();
    assert_eq!(next.timezone, "America/New_York");
    assert_eq!(next.next, [at("2026-03-08T07:00:00Z"), at("2026-03-09T06:30:00Z")]);
    let [warning] = next.warnings.as_slice() else { panic!("{:?}", next.warnings) };
    assert_eq!((&warning.kind, warning.date), (&WarningKind::Moved, Some(date(2026, 3, 8))));
    let message = "on 2026-03-08 the clocks go from 02:00 to 03:00: 02:30 does not exist; it runs at 03:00";
    assert_eq!(warning.message, message);
    // The coming year is that of the listed instants.
    let later = api.server.client.tasks().next(task.id, &query(1, "2030-06-01T00:00:00Z")).await.unwrap();
    assert_eq!(later.warnings[0].date, Some(date(2031, 3, 10 - 1)));
    let api_word = api.get(&format!("{}/next?count=1", path(&task))).await.json();
    assert_eq!(api_word["warnings"][0]["kind"], "moved");
    assert_eq!(api_word["warnings"][0]["date"], "2026-03-08");
}

#[tokio::test]
async fn warnings_about_every_day_have_no_date() {
    let api = Api::start().await;
    let task = api.create(&body(&json!({ "cron_expr": "0 0 13 * 5" }))).await;
    let next = api.get(&format!("/api/v1/tasks/{}/next", task["id"].as_str().unwrap())).await.expect(200).json();
    assert_eq!((&next["warnings"][0]["kind"], &next["warnings"][0]["date"]), (&json!("either_day"), &json!(null)));
}

#[tokio::test]
async fn a_disabled_task_tells_what_it_would_do() {
    let api = Api::start().await;
    let mut new = hourly("T");
    new.enabled = Some(false);
    let task = api.server.client.tasks().create(&new).await.unwrap();
    api.server.advance(90 * 60);
    let next = api.server.client.tasks().next(task.id, &NextQuery::new()).await.unwrap();
    assert_eq!(next.next[0], at("2026-01-01T02:00:00Z"));
    // And the server's own tasks are no exception.
    let own = api.server.client.tasks().find("audit_log_cleanup").await.unwrap().unwrap();
    let next = api.server.client.tasks().next(own.id, &NextQuery::new()).await.unwrap();
    assert_eq!(next.next[0], at("2026-01-01T03:00:00Z"));
}

#[tokio::test]
async fn once_is_told_as_long_as_it_is_armed() {
    let api = Api::start().await;
    let client = api.server.client.tasks();
    let mut new = NewTask::triggered_script("T", SCRIPT);
    let run_at = at("2026-01-01T01:00:00Z");
    let task = client.create(&new).await.unwrap();
    assert_eq!(client.next(task.id, &NextQuery::new()).await.unwrap().next, []);
    new.run_at = Some(run_at);
    new.enabled = Some(false);
    let task = client.replace(task.id, &new).await.unwrap();
    assert_eq!(client.next(task.id, &query(5, "2026-01-01T00:59:59Z")).await.unwrap().next, [run_at]);
    assert_eq!(client.next(task.id, &query(5, "2026-01-01T01:00:00Z")).await.unwrap().next, []);
    let mut patch = TaskPatch::new();
    patch.enabled = Some(true);
    client.update(task.id, &patch).await.unwrap();
    api.server.advance(3600);
    justiam_tests::until("the task to fire", async || client.get(task.id).await.unwrap().next_run_at.is_none()).await;
    // It has fired, and an earlier beginning does not bring it back.
    assert_eq!(client.next(task.id, &query(5, "2026-01-01T00:00:00Z")).await.unwrap().next, []);
    assert_eq!(client.get(task.id).await.unwrap().schedule_type, ScheduleType::Once);
}

#[tokio::test]
async fn far_beginnings_end_well() {
    let api = Api::start().await;
    let task = api.task("T").await;
    let client = api.server.client.tasks();
    assert_eq!(client.next(task.id, &query(1000, "2026-01-01T00:00:00Z")).await.unwrap().next.len(), 1000);
    let last = client.next(task.id, &query(1000, "4999-12-31T22:30:00Z")).await.unwrap().next;
    assert_eq!(last.first(), Some(&at("4999-12-31T23:00:00Z")));
    assert!(last.len() < 1000, "{}", last.len());
    for (from, expected) in [("-009999-01-03T00:00:00Z", 3), ("0001-01-01T00:00:00Z", 3), ("9999-12-30T00:00:00Z", 0)] {
        let next = client.next(task.id, &query(3, from)).await.unwrap().next;
        assert_eq!(next.len(), expected, "{from}: {next:?}");
        assert!(next.windows(2).all(|pair| pair[0] < pair[1]), "{from}: {next:?}");
    }
}

#[tokio::test]
async fn wrong_queries_are_told_by_their_parts() {
    let api = Api::start().await;
    let task = api.task("T").await;
    let huge = "9".repeat(5000);
    for (query, fields) in [
        ("count=0", &["count"][..]),
        ("count=1001", &["count"]),
        ("count=-1", &["count"]),
        ("count=1.5", &["count"]),
        ("count=", &["count"]),
        ("count=%F0%9F%A6%80", &["count"]),
        (&format!("count={huge}"), &["count"]),
        ("from=2026-01-01T00:00:00", &["from"]),
        ("from=2026-01-01", &["from"]),
        // An unescaped `+` is a space.
        ("from=2026-01-01T00:00:00+01:00", &["from"]),
        ("from=tomorrow", &["from"]),
        ("from=", &["from"]),
        ("from=%00", &["from"]),
        ("from=2026-02-30T00:00:00Z", &["from"]),
        (&format!("from={huge}"), &["from"]),
        ("colour=red", &["colour"]),
        ("count=x&from=y&page=1", &["count", "from", "page"]),
        ("count=1&count=2", &["count"]),
    ] {
        let answer = api.get(&format!("{}/next?{query}", path(&task))).await;
        let errors = answer.wrong_fields(fields);
        assert!(answer.text.len() < 600, "{errors}");
    }
    let errors = api.get(&format!("{}/next?from=2026-01-01T00:00:00+01:00", path(&task))).await.wrong_fields(&["from"]);
    assert!(errors["from"][0].as_str().unwrap().contains("%2B"), "{errors}");
}

#[tokio::test]
async fn only_who_may_see_the_task_and_only_where_there_is_one() {
    let api = Api::start().await;
    let task = api.task("T").await;
    for id in [NOBODY, "x", "%00"] {
        api.get(&format!("/api/v1/tasks/{id}/next")).await.refused(404, "NOT_FOUND");
    }
    let viewer = api.server.client_with(&[Permission::TasksView]).await;
    assert_eq!(viewer.tasks().next(task.id, &NextQuery::new()).await.unwrap().next.len(), 10);
    let other = [Permission::TasksManage, Permission::TasksRun, Permission::SecretsWrite];
    let error = api.server.client_with(&other).await.tasks().next(task.id, &NextQuery::new()).await.unwrap_err();
    assert!(error.to_string().contains("`tasks.view`"), "{error}");
    super::support::answer(api.anonymous("GET", &format!("{}/next", path(&task)))).await.refused(401, "UNAUTHORISED");
}
