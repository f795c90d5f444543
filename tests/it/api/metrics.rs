//! Figures for monitoring: `GET /metrics`.

use justiam_sdk::api::tasks::NewTask;
use justiam_sdk::api::values::{OverlapPolicy, RunStatus};
use justiam_server::app::caller::Permission;
use justiam_tests::until;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{Connection as _, Executor as _};

use super::support::{Api, NOBODY, answer, hourly};

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

async fn scrape(api: &Api) -> String {
    api.get("/metrics").await.expect(200).text
}

/// What the database says: nothing in it depends on who asks how often.
fn stored(text: &str) -> Vec<String> {
    let families = ["justiam_runs", "justiam_steps", "justiam_executions", "justiam_due_lag", "justiam_invariant"];
    text.lines().filter(|line| families.iter().any(|family| line.starts_with(family))).map(str::to_owned).collect()
}

/// The value of a line.
#[track_caller]
fn value<'a>(text: &'a str, name: &str) -> &'a str {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("there is no {name} in:\n{text}"))
}

#[tokio::test]
async fn a_fresh_server_has_nothing_to_tell() {
    let api = Api::start().await;
    let answer = api.get("/metrics").await.expect(200);
    assert_eq!(answer.header("content-type"), OPEN_METRICS);
    assert!(answer.text.ends_with("# EOF\n"), "{}", answer.text);
    for (name, expected) in [
        (r#"justiam_runs{status="queued"}"#, "0"),
        (r#"justiam_runs{status="running"}"#, "0"),
        (r#"justiam_steps{status="queued"}"#, "0"),
        (r#"justiam_steps{status="processing"}"#, "0"),
        ("justiam_due_lag_seconds", "0.0"),
    ] {
        assert_eq!(value(&answer.text, name), expected);
    }
    for checked in api.server.invariants().await {
        let name = format!("justiam_invariant_violations{{invariant=\"{}\"}}", checked.name);
        assert_eq!(value(&answer.text, &name), "0");
    }
}

#[tokio::test]
async fn active_runs_are_counted_and_the_database_is_asked_once_a_second() {
    let api = Api::start().await;
    let client = &api.server.client;
    let before = stored(&scrape(&api).await);
    let mut new = NewTask::triggered_script("T", "package task\nfunc Run() (string, error) { select {} }");
    new.overlap_policy = Some(OverlapPolicy::Queue);
    let task = client.tasks().create(&new).await.unwrap();
    let first = client.tasks().run(task.id).await.unwrap();
    client.tasks().run(task.id).await.unwrap();
    client.tasks().run(task.id).await.unwrap();
    until("a run to start", async || client.runs().get(first.id).await.unwrap().status == RunStatus::Running).await;
    assert_eq!(stored(&scrape(&api).await), before);
    api.server.advance(1);
    let text = scrape(&api).await;
    assert_eq!(value(&text, r#"justiam_runs{status="queued"}"#), "2");
    assert_eq!(value(&text, r#"justiam_runs{status="running"}"#), "1");
    // They wait for the first one, and not for a worker.
    assert_eq!(value(&text, "justiam_runs_ready"), "0");
    assert_eq!(value(&text, r#"justiam_triggers_total{outcome="run"}"#), "1");
    assert_eq!(value(&text, r#"justiam_triggers_total{outcome="queued"}"#), "2");
    assert_eq!(value(&text, "justiam_claim_seconds_count"), "1");
    assert_eq!(value(&text, "justiam_start_lag_seconds_count"), "0");
    client.tasks().delete(task.id).await.unwrap();
    until("the run to end", async || client.runs().get(first.id).await.unwrap().status.is_terminal()).await;
    // A clock that is set back makes nothing old look new.
    api.server.clock.set("2026-01-01T00:00:00Z");
    let text = scrape(&api).await;
    assert_eq!(stored(&text), before);
    assert_eq!(value(&text, r#"justiam_run_seconds_count{status="cancelled"}"#), "1");
}

#[tokio::test]
async fn ticks_and_triggers_are_counted_by_what_became_of_them() {
    let api = Api::start().await;
    let client = &api.server.client;
    let outcome = async |family: &str, outcome: &str| -> u64 {
        value(&scrape(&api).await, &format!("justiam_{family}_total{{outcome=\"{outcome}\"}}")).parse().unwrap()
    };
    client.tasks().create(&hourly("on time")).await.unwrap();
    // Nobody has asked for the built-in tasks, but their ticks come, too.
    let before = outcome("ticks", "run").await;
    api.server.advance(3600);
    until("a tick to become a run", async || outcome("ticks", "run").await > before).await;
    until("its run to start", async || value(&scrape(&api).await, "justiam_start_lag_seconds_count") != "0").await;
    // Three hours later: two ticks of each hourly task are folded into the third.
    api.server.advance(3 * 3600);
    until("ticks to be folded", async || outcome("ticks", "folded").await >= 2).await;

    let mut new = NewTask::triggered_script("T", "package task\nfunc Run() (string, error) { select {} }");
    new.overlap_policy = Some(OverlapPolicy::Skip);
    let task = client.tasks().create(&new).await.unwrap();
    let first = client.tasks().run(task.id).await.unwrap();
    client.tasks().run(task.id).await.unwrap();
    assert_eq!((outcome("triggers", "run").await, outcome("triggers", "skipped").await), (1, 1));
    client.tasks().delete(task.id).await.unwrap();
    until("the run to end", async || client.runs().get(first.id).await.unwrap().status.is_terminal()).await;
}

#[tokio::test]
async fn requests_are_measured_by_the_pattern_of_their_route_and_by_nothing_that_a_client_chooses() {
    let api = Api::start().await;
    for id in 0..20 {
        api.get(&format!("/api/v1/tasks/{NOBODY}?page={id}")).await.expect(404);
        api.get(&format!("/canary-{id}")).await.expect(404);
        answer(api.request(&format!("CANARY{id}"), "/api/v1/tasks")).await.expect(405);
    }
    let text = scrape(&api).await;
    assert!(!text.to_lowercase().contains("canary"), "{text}");
    for (labels, count) in [
        (r#"method="GET",route="/api/v1/tasks/{id}",status="404""#, "20"),
        (r#"method="GET",route="none",status="404""#, "20"),
        (r#"method="other",route="/api/v1/tasks",status="405""#, "20"),
    ] {
        assert_eq!(value(&text, &format!("justiam_http_request_seconds_count{{{labels}}}")), count);
    }
    // This request itself.
    assert_eq!(value(&text, "justiam_http_requests_at_work"), "1");
}

#[tokio::test]
async fn an_older_scraper_gets_the_older_form() {
    let api = Api::start().await;
    for (accept, plain) in [
        ("text/plain;version=0.0.4", true),
        ("application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", false),
        ("*/*", false),
    ] {
        let answer = answer(api.request("GET", "/metrics").header("Accept", accept)).await.expect(200);
        let kind = if plain { "text/plain; version=0.0.4; charset=utf-8" } else { OPEN_METRICS };
        assert_eq!(answer.header("content-type"), kind, "{accept}");
        assert_eq!(answer.text.contains("# TYPE justiam_ticks_total counter\n"), plain);
        assert_eq!(answer.text.contains("# TYPE justiam_ticks counter\n"), !plain);
        assert_eq!(answer.text.ends_with("# EOF\n"), !plain);
        assert_eq!(value(&answer.text, r#"justiam_script_isolation{level="unknown"}"#), "0");
        assert_eq!(value(&answer.text, "justiam_database_up"), "1");
    }
}

#[tokio::test]
async fn an_overdue_task_and_a_violation_show() {
    let api = Api::start().await;
    api.task("T").await;
    let mut new = hourly("U");
    new.enabled = Some(false);
    api.server.client.tasks().create(&new).await.unwrap();
    // The dispatcher rests until the time that it knows of.
    let file = api.server.data_dir().join("server/justiam.db");
    let mut database = SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(file)).await.unwrap();
    let mut text = String::new();
    // A dispatcher that was woken by the creation may look just now, and catch up.
    until("the dispatcher to rest", async || {
        let sql = "UPDATE tasks SET next_run_at = 1767225600000000 - 90500000 WHERE name IN ('T', 'U')";
        database.execute(sql).await.unwrap();
        text = scrape(&api).await;
        value(&text, "justiam_due_lag_seconds") == "90.5"
    })
    .await;
    assert_eq!(value(&text, r#"justiam_invariant_violations{invariant="overdue_task"}"#), "1");
    assert_eq!(value(&text, r#"justiam_invariant_violations{invariant="lease_ended"}"#), "0");
}

#[tokio::test]
async fn figures_are_for_who_may_see_tasks() {
    let api = Api::start().await;
    answer(api.anonymous("GET", "/metrics")).await.refused(401, "UNAUTHORISED");
    let other = [Permission::TasksManage, Permission::TasksRun, Permission::SecretsWrite];
    // Asked before, so that the figures are at hand.
    scrape(&api).await;
    let token = api.server.token_with(&other).await;
    answer(api.anonymous("GET", "/metrics").bearer_auth(token)).await.refused(403, "FORBIDDEN");
    let token = api.server.token_with(&[Permission::TasksView]).await;
    answer(api.anonymous("GET", "/metrics").bearer_auth(&token)).await.expect(200);
    answer(api.anonymous("GET", "/metrics").header("X-API-Key", &token)).await.expect(200);
    answer(api.request("POST", "/metrics")).await.expect(405);
}
