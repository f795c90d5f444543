//! The seven built-in tasks do their work on their schedules, and leave alone what is none of it.

use futures::TryStreamExt as _;
use justiam_sdk::api::tasks::NewTask;
use justiam_sdk::api::values::{RunStatus, ScheduleType, TaskType, Trigger};
use justiam_tests::server::TestServer;
use justiam_tests::until;
use serde_json::{Value, json};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, Connection as _};

use super::support::{create, dispatched, history};

const ALICE: &str = "0199f2a6-0000-7000-8000-000000000001";

async fn database(server: &TestServer) -> SqliteConnection {
    let file = server.data_dir().join("server/justiam.db");
    SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(file)).await.unwrap()
}

/// The texts that a query finds, in its order.
async fn texts(server: &TestServer, sql: &str) -> Vec<String> {
    sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&mut database(server).await).await.unwrap()
}

/// An id that ends with a number.
fn id(number: u32) -> String {
    format!("0199f2a6-0000-7000-8000-{number:012}")
}

/// A server with a user and these rows of one kind.
async fn with(kind: &str, rows: &Value) -> TestServer {
    let server = TestServer::start().await;
    server.seed(&json!({ "users": [{ "id": ALICE, "email": "alice@example.com" }], kind: rows })).await;
    server
}

/// Moves the clock to the first time of a built-in task and returns what its run says, which must be its only one.
async fn fires_at(server: &TestServer, task_type: &str, first: &str) -> String {
    let task = server.client.tasks().find(task_type).await.unwrap().unwrap();
    let before: jiff::Timestamp = first.parse().unwrap();
    server.clock.set(&(before - jiff::SignedDuration::from_micros(1)).to_string());
    dispatched(server).await;
    assert_eq!(history(&server.client, task.id).await, []);
    server.clock.set(first);
    until("the tick", async || !history(&server.client, task.id).await.is_empty()).await;
    let run = server.ended(history(&server.client, task.id).await[0].id).await;
    assert_eq!(
        (&run.status, &run.trigger, run.missed_ticks, &run.error),
        (&RunStatus::Success, &Trigger::Cron, 0, &None)
    );
    assert_eq!(run.scheduled_for, before);
    run.output.unwrap()
}

#[tokio::test]
async fn saml_sessions_are_removed_every_hour_when_they_have_expired() {
    let sessions: Vec<Value> =
        ["2025-12-31T23:59:59Z", "2026-01-01T01:00:00Z", "2026-01-01T01:00:00.000001Z", "2030-01-01T00:00:00Z"]
            .iter()
            .zip(1..)
            .map(|(expires_at, number)| json!({ "id": id(number), "user": ALICE, "expires_at": expires_at }))
            .collect();
    let server = with("saml_sessions", &json!(sessions)).await;
    let output = fires_at(&server, "saml_session_cleanup", "2026-01-01T01:00:00Z").await;
    assert_eq!(output, "removed 2 expired SAML sessions");
    assert_eq!(texts(&server, "SELECT id FROM saml_sessions ORDER BY id").await, [id(3), id(4)]);
}

#[tokio::test]
async fn trusted_devices_are_removed_every_five_minutes_when_they_have_expired() {
    let device =
        |number, expires_at| json!({ "id": id(number), "user": ALICE, "name": "Phone", "expires_at": expires_at });
    let devices = json!([device(1, "2026-01-01T00:04:00Z"), device(2, "2026-01-01T00:06:00Z")]);
    let server = with("trusted_devices", &devices).await;
    let output = fires_at(&server, "trusted_device_expiry", "2026-01-01T00:05:00Z").await;
    assert_eq!(output, "removed 1 expired trusted device");
    assert_eq!(texts(&server, "SELECT id FROM trusted_devices").await, [id(2)]);
}

#[tokio::test]
async fn messages_are_delivered_every_five_minutes_when_they_are_due() {
    let message = |number, more: Value| {
        let mut message =
            json!({ "id": id(number), "user": ALICE, "subject": id(number), "created_at": "2025-12-01T00:00:00Z" });
        message.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        message
    };
    let messages = json!([
        message(1, json!({})),
        message(2, json!({ "deliver_after": "2026-01-01T00:05:00Z" })),
        message(3, json!({ "deliver_after": "2026-01-01T00:05:01Z" })),
        message(4, json!({ "delivered_at": "2025-12-24T00:00:00Z" })),
    ]);
    let server = with("user_messages", &messages).await;
    let output = fires_at(&server, "user_message_delivery", "2026-01-01T00:05:00Z").await;
    assert_eq!(output, "delivered 2 user messages");
    let delivered: Vec<_> = server.client.users().messages(ALICE.parse().unwrap()).try_collect().await.unwrap();
    let delivered: Vec<_> =
        delivered.into_iter().map(|message| (message.subject, message.delivered_at.to_string())).collect();
    let now = "2026-01-01T00:05:00Z".to_owned();
    assert_eq!(delivered, [(id(2), now.clone()), (id(1), now), (id(4), "2025-12-24T00:00:00Z".to_owned())]);
}

#[tokio::test]
async fn access_requests_expire_every_five_minutes_when_they_are_overdue() {
    let request = |number, status, expires_at: Option<&str>| {
        json!({
            "id": id(number), "user": ALICE, "template_name": "VPN", "status": status, "approvers": [ALICE],
            "expires_at": expires_at, "closed_at": (status != "pending").then_some("2025-12-02T00:00:00Z"),
        })
    };
    let past = Some("2025-12-31T00:00:00Z");
    let requests = json!([
        request(1, "pending", past),
        request(2, "pending", Some("2026-01-02T00:00:00Z")),
        request(3, "pending", None),
        request(4, "approved", past),
        request(5, "denied", past),
        request(6, "revoked", past),
        request(7, "expired", past),
    ]);
    let server = with("access_requests", &requests).await;
    let output = fires_at(&server, "access_request_expiry", "2026-01-01T00:05:00Z").await;
    assert_eq!(output, "expired 1 access request");
    let rows =
        texts(&server, "SELECT status || ' ' || COALESCE(closed_at, '-') FROM access_requests ORDER BY id").await;
    let (now, then) = (1_767_225_900_000_000_i64, 1_764_633_600_000_000_i64);
    let mut expected = vec![format!("expired {now}"), "pending -".to_owned(), "pending -".to_owned()];
    expected.extend(["approved", "denied", "revoked", "expired"].map(|status| format!("{status} {then}")));
    assert_eq!(rows, expected);
    assert_eq!(texts(&server, "SELECT request_id FROM access_request_approvers").await.len(), 7);
}

#[tokio::test]
async fn the_preset_cache_is_rebuilt_every_six_hours() {
    let preset = |name, version: i64, text| json!({ "name": name, "version": version, "definition": { "is": text } });
    let presets =
        json!([preset("ldap", 2, "b"), preset("ldap", 10, "c"), preset("ldap", 1, "a"), preset("google", 1, "g")]);
    let server = with("preset_definitions", &presets).await;
    let stale = "INSERT INTO preset_cache (name, version, definition, refreshed_at) \
        VALUES ('gone', 1, '{}', 0), ('ldap', 2, '{}', 0)";
    sqlx::query(stale).execute(&mut database(&server).await).await.unwrap();
    let output = fires_at(&server, "preset_cache_refresh", "2026-01-01T06:00:00Z").await;
    assert_eq!(output, "rebuilt the preset cache with 2 presets");
    let rows =
        texts(&server, "SELECT name || version || definition || refreshed_at FROM preset_cache ORDER BY name").await;
    let now = 1_767_247_200_000_000_i64;
    assert_eq!(rows, [format!("google1{{\"is\":\"g\"}}{now}"), format!("ldap10{{\"is\":\"c\"}}{now}")]);
}

#[tokio::test]
async fn agent_tokens_are_deleted_every_day_when_nobody_used_them_for_a_week() {
    let token = |number, created_at, last_used_at: Option<&str>, revoked_at: Option<&str>| {
        json!({
            "id": id(number), "name": "Agent", "created_at": created_at, "last_used_at": last_used_at,
            "revoked_at": revoked_at,
        })
    };
    // The task fires at 04:00, so a week ago is 25 December at 04:00.
    let (old, week, young) = ("2025-06-01T00:00:00Z", "2025-12-25T04:00:00Z", "2025-12-31T00:00:00Z");
    let tokens = json!([
        token(1, old, None, None),
        token(2, old, Some("2025-12-25T03:59:59Z"), None),
        token(3, old, Some(week), None),
        token(4, week, None, None),
        token(5, old, Some(young), None),
        token(6, old, None, Some(young)),
    ]);
    let server = with("agent_tokens", &tokens).await;
    let output = fires_at(&server, "agent_token_cleanup", "2026-01-01T04:00:00Z").await;
    assert_eq!(output, "deleted 2 agent tokens unused for more than 7 days");
    assert_eq!(texts(&server, "SELECT id FROM agent_tokens ORDER BY id").await, [id(3), id(4), id(5), id(6)]);
}

/// Entries of the audit log whose times are these.
fn audit(times: &[&str]) -> Value {
    let entries = times
        .iter()
        .zip(1..)
        .map(|(at, number)| json!({ "id": id(number), "at": at, "actor": "a", "action": "b.c", "object_kind": "d" }));
    Value::Array(entries.collect())
}

#[tokio::test]
async fn the_audit_log_is_shortened_every_day_by_what_is_older_than_a_year() {
    let entries =
        audit(&["2024-12-31T00:00:00Z", "2025-01-01T02:59:59Z", "2025-01-01T03:00:00Z", "2025-06-01T00:00:00Z"]);
    let server = with("audit_log", &entries).await;
    let output = fires_at(&server, "audit_log_cleanup", "2026-01-01T03:00:00Z").await;
    assert_eq!(output, "deleted 2 audit log entries older than 365 days");
    let left = texts(&server, "SELECT id FROM audit_log WHERE actor = 'a' ORDER BY id").await;
    assert_eq!(left, [id(3), id(4)]);
    // What was written today is there as well.
    assert!(texts(&server, "SELECT id FROM audit_log WHERE action = 'token.create'").await.len() == 1);
}

#[tokio::test]
async fn the_audit_log_is_kept_as_long_as_the_operator_says() {
    let server = TestServer::start_with(|config| config.audit_days = 1).await;
    let entries = audit(&["2025-12-30T23:59:59Z", "2025-12-31T03:00:00Z"]);
    server.seed(&json!({ "audit_log": entries })).await;
    let output = fires_at(&server, "audit_log_cleanup", "2026-01-01T03:00:00Z").await;
    assert_eq!(output, "deleted 1 audit log entry older than 1 day");
    assert_eq!(texts(&server, "SELECT id FROM audit_log WHERE actor = 'a'").await, [id(2)]);
}

#[tokio::test]
async fn a_task_of_ones_own_does_the_same_work_in_batches() {
    let sessions: Vec<Value> = (1..=2500)
        .map(|number| json!({ "id": id(number), "user": ALICE, "expires_at": "2025-12-31T00:00:00Z" }))
        .collect();
    let server = with("saml_sessions", &json!(sessions)).await;
    let new = NewTask::new("Mine", TaskType::SamlSessionCleanup, ScheduleType::Once);
    let task = create(&server, &new).await;
    let run = server.client.tasks().run(task.id).await.unwrap();
    let run = server.ended(run.id).await;
    assert_eq!((run.status, run.output.as_deref()), (RunStatus::Success, Some("removed 2500 expired SAML sessions")));
    assert_eq!(texts(&server, "SELECT id FROM saml_sessions").await, [] as [String; 0]);
    // The built-in one finds nothing left.
    let task = server.client.tasks().find("saml_session_cleanup").await.unwrap().unwrap();
    let run = server.client.tasks().run(task.id).await.unwrap();
    assert_eq!(server.ended(run.id).await.output.as_deref(), Some("removed 0 expired SAML sessions"));
}

#[tokio::test]
async fn a_database_that_fails_ends_the_run_with_a_text() {
    let server = TestServer::start().await;
    let mut database = database(&server).await;
    sqlx::query("ALTER TABLE trusted_devices RENAME TO gone").execute(&mut database).await.unwrap();
    let task = server.client.tasks().find("trusted_device_expiry").await.unwrap().unwrap();
    let run = server.client.tasks().run(task.id).await.unwrap();
    let run = server.ended(run.id).await;
    let expected = "the server could not use its database; until then it removed 0 expired trusted devices";
    assert_eq!((run.status, run.error.as_deref(), run.output), (RunStatus::Error, Some(expected), None));
    // The next one works again.
    sqlx::query("ALTER TABLE gone RENAME TO trusted_devices").execute(&mut database).await.unwrap();
    let run = server.client.tasks().run(task.id).await.unwrap();
    assert_eq!(server.ended(run.id).await.status, RunStatus::Success);
}
