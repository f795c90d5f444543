//! The audit log: every change writes one entry, and nothing else does.

use std::process::Stdio;

use futures::TryStreamExt as _;
use justiam_sdk::api::audit::{AuditEntry, AuditQuery};
use justiam_server::app::caller::Permission;
use justiam_tests::programs::program;
use justiam_tests::until;
use serde_json::{Value, json};
use tokio::process::Command;

use super::support::{Answer, Api, NOBODY, SCRIPT, answer, body, path};

/// What each secret of these tests contains.
const CANARY: &str = "canary-5d1c6f0e";

/// The entries about tasks and runs, oldest first. Tokens and their accounts are made by the tests themselves.
async fn entries(api: &Api) -> Vec<AuditEntry> {
    let all: Vec<AuditEntry> = api.server.client.audit().list(AuditQuery::new()).try_collect().await.unwrap();
    all.into_iter().rev().filter(|entry| ["task", "run"].contains(&entry.object_kind.as_str())).collect()
}

/// Fails unless the last entry is the only one since `seen`, and tells this. Returns it.
async fn one_more(api: &Api, seen: &mut usize, answer: &Answer, action: &str, details: &Value) -> AuditEntry {
    let mut found = entries(api).await;
    assert_eq!(found.len(), *seen + 1, "{action}: {found:#?}");
    *seen += 1;
    let entry = found.pop().unwrap();
    let mut told = entry.details.clone();
    // Each changed field is there, and what became of it is in a test of its own.
    if let Some(Value::Object(changes)) = told.as_object_mut().unwrap().shift_remove("changes") {
        let fields: Vec<_> = changes.keys().cloned().collect();
        assert_eq!(told["fields"], json!(fields));
    }
    assert_eq!((entry.action.as_str(), &told), (action, details));
    assert_eq!(entry.request_id.as_deref(), Some(answer.header("x-request-id")));
    assert_eq!(entry.actor, "admin");
    entry
}

#[tokio::test]
async fn every_change_of_a_task_writes_one_entry() {
    let api = Api::start().await;
    let mut seen = 0;
    let secret = |part: &str| format!("{CANARY} {part}");
    let new = body(&json!({ "name": "T", "secrets": { "B": secret("b"), "A": secret("a") } }));
    let created = api.send("POST", "/api/v1/tasks", &new).await.expect(201);
    let entry = one_more(&api, &mut seen, &created, "task.create", &json!({ "secrets_set": ["A", "B"] })).await;
    let id = created.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(entry.at, "2026-01-01T00:00:00Z".parse().unwrap());
    assert_eq!(
        (entry.object_kind.as_str(), entry.object_id, entry.object_name.as_deref()),
        ("task", Some(id.clone()), Some("T"))
    );
    assert!(entry.principal.unwrap().starts_with("account:"));
    assert_eq!(entry.token_id, Some(api.server.client.me().whoami().await.unwrap().token.id));
    api.server.advance(60);
    let task = format!("/api/v1/tasks/{id}");
    let replaced =
        body(&json!({ "name": "U", "script": format!("{SCRIPT}\n"), "timeout_seconds": 5, "config": { "a": 1 } }));
    for (method, suffix, body, details) in [
        ("PUT", "", replaced, json!({ "fields": ["name", "timeout_seconds", "script", "config"] })),
        (
            "PATCH",
            "",
            json!({
                "description": "d", "timezone": "Europe/Zurich", "cron_expr": "5 * * * *", "enabled": false,
                "overlap_policy": "skip",
            }),
            json!({ "fields": ["description", "cron_expr", "timezone", "overlap_policy", "enabled"] }),
        ),
        (
            "PATCH",
            "",
            json!({ "schedule_type": "once", "cron_expr": null, "run_at": "2030-01-01T00:00:00Z" }),
            json!({ "fields": ["schedule_type", "cron_expr", "run_at"] }),
        ),
        (
            "PATCH",
            "",
            json!({
                "task_config": { "k": secret("not in the log either") },
                "secrets": { "set": { "A": secret("a2"), "B": secret("b") }, "remove": ["C"] },
            }),
            json!({ "fields": ["task_config"], "secrets_set": ["A"] }),
        ),
        (
            "PATCH",
            "",
            json!({ "secrets": { "set": { "C": secret("c") }, "remove": ["A"] } }),
            json!({ "secrets_set": ["C"], "secrets_removed": ["A"] }),
        ),
        (
            "PUT",
            "/secrets",
            json!({ "C": secret("c"), "D": secret("d") }),
            json!({ "secrets_set": ["D"], "secrets_removed": ["B"] }),
        ),
        ("PATCH", "/secrets", json!({ "remove": ["D"] }), json!({ "secrets_removed": ["D"] })),
        ("PUT", "/config", json!({ "k": "v" }), json!({ "fields": ["task_config"] })),
        (
            "PATCH",
            "",
            json!({ "task_type": "audit_log_cleanup", "script": null }),
            json!({ "fields": ["task_type", "script"] }),
        ),
    ] {
        let answer = api.send(method, &format!("{task}{suffix}"), &body).await.expect(200);
        let entry = one_more(&api, &mut seen, &answer, "task.update", &details).await;
        assert_eq!((entry.object_id.as_ref(), entry.object_name.as_deref()), (Some(&id), Some("U")));
        assert_eq!(entry.at, "2026-01-01T00:01:00Z".parse().unwrap());
    }
    let run = answer(api.request("POST", &format!("{task}/run"))).await.expect(202);
    let entry = one_more(&api, &mut seen, &run, "task.run", &json!({ "run_id": run.json()["id"] })).await;
    assert_eq!(entry.object_id.as_ref(), Some(&id));
    api.server.ended(run.json()["id"].as_str().unwrap().parse().unwrap()).await;
    let deleted = answer(api.request("DELETE", &task)).await.expect(204);
    let entry = one_more(&api, &mut seen, &deleted, "task.delete", &json!({})).await;
    assert_eq!((entry.object_id, entry.object_name.as_deref()), (Some(id), Some("U")));
    let log = api.get("/api/v1/audit-log?limit=1000").await.expect(200).text;
    assert!(!log.contains(CANARY), "{log}");
}

#[tokio::test]
async fn a_cancel_writes_one_entry_also_when_it_is_repeated() {
    let api = Api::start().await;
    let script = "package task\nfunc Run() (string, error) { select {} }";
    let task = api.create(&body(&json!({ "script": script, "overlap_policy": "queue" }))).await;
    let trigger = format!("/api/v1/tasks/{}/run", task["id"].as_str().unwrap());
    let mut runs = Vec::new();
    for _ in 0..2 {
        runs.push(answer(api.request("POST", &trigger)).await.expect(202).json()["id"].as_str().unwrap().to_owned());
    }
    let mut seen = entries(&api).await.len();
    assert_eq!(seen, 3);
    let cancel = async |run: &str| answer(api.request("POST", &format!("/api/v1/task-runs/{run}/cancel"))).await;
    let cancelled = cancel(&runs[1]).await.expect(202);
    let entry = one_more(&api, &mut seen, &cancelled, "run.cancel", &json!({ "task_id": task["id"] })).await;
    assert_eq!((entry.object_kind.as_str(), entry.object_id.as_ref()), ("run", Some(&runs[1])));
    assert_eq!(entry.object_name.as_deref(), Some("A task"));
    // The running one: once, however often somebody asks before it has ended.
    let cancelled = cancel(&runs[0]).await.expect(202);
    one_more(&api, &mut seen, &cancelled, "run.cancel", &json!({ "task_id": task["id"] })).await;
    assert!([202, 409].contains(&cancel(&runs[0]).await.status));
    api.server.ended(runs[0].parse().unwrap()).await;
    cancel(&runs[0]).await.refused(409, "CONFLICT");
    assert_eq!(entries(&api).await.len(), seen);
}

#[tokio::test]
async fn a_request_that_changes_nothing_writes_none() {
    let api = Api::start().await;
    let new = body(&json!({ "name": "T", "secrets": { "K": CANARY }, "task_config": { "k": "v" } }));
    let create = || api.request("POST", "/api/v1/tasks").header("Idempotency-Key", "create").json(&new);
    let created = answer(create()).await.expect(201).json();
    let task = format!("/api/v1/tasks/{}", created["id"].as_str().unwrap());
    let run = || api.request("POST", &format!("{task}/run")).header("Idempotency-Key", "run");
    let ran = answer(run()).await.expect(202).json();
    api.server.ended(ran["id"].as_str().unwrap().parse().unwrap()).await;
    let before = entries(&api).await;
    assert_eq!(before.len(), 2);
    assert_eq!(answer(create()).await.expect(201).json(), created);
    assert_eq!(answer(run()).await.expect(202).json(), ran);
    for (method, suffix, body, status) in [
        ("PUT", "", created.clone(), 200),
        ("PATCH", "", json!({}), 200),
        ("PATCH", "", json!({ "enabled": true, "secrets": { "set": { "K": CANARY }, "remove": ["L"] } }), 200),
        ("PUT", "/secrets", json!({ "K": CANARY }), 200),
        ("PATCH", "/secrets", json!({ "set": { "K": CANARY } }), 200),
        ("PUT", "/config", json!({ "k": "v" }), 200),
        ("PATCH", "", json!({ "timeout_seconds": 0 }), 400),
        ("PATCH", "", json!({ "name": "user_message_delivery" }), 403),
        ("PUT", "/secrets", json!({ "K": 1 }), 400),
    ] {
        api.send(method, &format!("{task}{suffix}"), &body).await.expect(status);
    }
    let stale = api.request("DELETE", &task).header("If-Match", "\"old\"");
    answer(stale).await.refused(412, "PRECONDITION_FAILED");
    api.send("POST", "/api/v1/tasks", &new).await.refused(409, "CONFLICT");
    answer(api.request("POST", &format!("/api/v1/tasks/{NOBODY}/run"))).await.refused(404, "NOT_FOUND");
    let viewer = api.server.token_with(&[Permission::TasksView]).await;
    answer(api.anonymous("DELETE", &task).bearer_auth(viewer)).await.refused(403, "FORBIDDEN");
    api.get(&task).await.expect(200);
    assert_eq!(entries(&api).await, before);
}

#[tokio::test]
async fn the_log_is_read_by_pages_and_filters() {
    let api = Api::start().await;
    let one = api.task("one").await;
    let limited = api.server.client_with(&[Permission::TasksManage, Permission::TasksRun]).await;
    api.server.advance(1);
    let run = limited.tasks().run(one.id).await.unwrap();
    limited.tasks().delete(one.id).await.unwrap();
    api.server.ended(run.id).await;
    let found = async |query: &str| -> Vec<String> {
        let page = api.get(&format!("/api/v1/audit-log?{query}")).await.expect(200).json();
        let actions: Vec<_> =
            page["data"].as_array().unwrap().iter().map(|entry| entry["action"].as_str().unwrap().to_owned()).collect();
        if !query.contains("page") {
            assert_eq!(page["total"], actions.len(), "{query}");
        }
        actions
    };
    // Two accounts with a token each were made: the admin's and the limited one.
    let all = [
        "task.delete",
        "task.run",
        "token.create",
        "service_account.create",
        "task.create",
        "token.create",
        "service_account.create",
    ];
    assert_eq!(found("").await, all);
    assert_eq!(found("limit=2&page=2").await, all[2..4]);
    assert_eq!(found("limit=2&page=5").await, [] as [&str; 0]);
    assert_eq!(found("action=task.run").await, ["task.run"]);
    assert_eq!(found(&format!("object_id={}", one.id)).await, ["task.delete", "task.run", "task.create"]);
    assert_eq!(found(&format!("object_id={}&action=task.create", one.id)).await, ["task.create"]);
    assert_eq!(found("actor=limited").await, ["task.delete", "task.run"]);
    assert_eq!(found("actor=command%20line&action=token.create").await, ["token.create", "token.create"]);
    let principal = entries(&api).await.pop().unwrap().principal.unwrap();
    assert_eq!(found(&format!("actor={principal}&object_id={}", one.id)).await, ["task.delete", "task.run"]);
    assert_eq!(found("actor=nobody").await, [] as [&str; 0]);
    let page = api.get("/api/v1/audit-log").await.json();
    assert_eq!((&page["page"], &page["limit"]), (&json!(1), &json!(50)));
    api.get("/api/v1/audit-log?page=0&limit=1001").await.wrong_fields(&["page", "limit"]);
    api.get("/api/v1/audit-log?colour=red").await.wrong_fields(&["colour"]);
}

#[tokio::test]
async fn a_token_of_the_command_line_is_in_the_log_without_its_text() {
    let api = Api::start().await;
    let mut command = Command::new(program("justiam-server"));
    command.args(["token", "create", "--name", "CI", "--permissions", "tasks.view,audit.view", "--data-dir"]);
    command.arg(api.server.data_dir().join("server")).env_remove("JWT_SECRET").stdin(Stdio::null());
    let output = command.output().await.unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let token = String::from_utf8(output.stdout).unwrap();
    let request = api.anonymous("GET", "/api/v1/audit-log?action=token.create").bearer_auth(token.trim_end());
    let log = answer(request).await.expect(200);
    let entry = &log.json()["data"][0];
    assert_eq!(
        (&entry["actor"], &entry["principal"], &entry["request_id"]),
        (&json!("command line"), &Value::Null, &Value::Null)
    );
    assert_eq!((&entry["object_kind"], &entry["object_name"]), (&json!("token"), &json!("CI")));
    let details = &entry["details"];
    assert_eq!(
        (&details["permissions"], &details["account_name"]),
        (&json!(["audit.view", "tasks.view"]), &json!("CI"))
    );
    assert!(!log.text.contains(token.trim_end()));
}

#[tokio::test]
async fn an_entry_and_its_change_come_together_or_not_at_all() {
    use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
    use sqlx::{Connection as _, Executor as _};
    let api = Api::start().await;
    let task = api.task("T").await;
    let file = api.server.data_dir().join("server/justiam.db");
    let mut database = SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(file)).await.unwrap();
    database.execute("ALTER TABLE audit_log RENAME TO gone").await.unwrap();
    api.send("POST", "/api/v1/tasks", &body(&json!({}))).await.refused(500, "INTERNAL_ERROR");
    api.send("PATCH", &path(&task), &json!({ "enabled": false })).await.refused(500, "INTERNAL_ERROR");
    answer(api.request("POST", &format!("{}/run", path(&task)))).await.refused(500, "INTERNAL_ERROR");
    answer(api.request("DELETE", &path(&task))).await.refused(500, "INTERNAL_ERROR");
    assert_eq!(api.server.client.tasks().get(task.id).await.unwrap(), task);
    assert_eq!(api.count().await, 1);
    assert_eq!(api.get(&format!("{}/runs", path(&task))).await.json()["total"], 0);
}

#[tokio::test]
async fn a_retention_that_cannot_be_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (days, by_flag) in [("0", true), ("3651", true), ("0", false), ("a year", false)] {
        let mut command = Command::new(program("justiam-server"));
        command.args(["serve", "--listen", "127.0.0.1:0", "--data-dir"]).arg(folder.path()).stdin(Stdio::null());
        if by_flag {
            command.args(["--audit-days", days]);
        } else {
            command.env("JUSTIAM_AUDIT_DAYS", days);
        }
        let output = command.output().await.unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && said.contains("--audit-days <DAYS>"), "{days}: {output:?}");
    }
}

#[tokio::test]
async fn a_change_says_what_was_and_what_is_but_no_value_that_may_be_a_secret() {
    let api = Api::start().await;
    let created = api
        .create(&body(&json!({
            "name": "T", "secrets": { "K": CANARY }, "config": { "kept": CANARY, "gone": 1 }, "task_config": { "a": CANARY },
        })))
        .await;
    let task = format!("/api/v1/tasks/{}", created["id"].as_str().unwrap());
    let script = format!("{SCRIPT}// {CANARY}\n");
    let long = "ä".repeat(300);
    let change = json!({
        "name": "U", "description": long, "timeout_seconds": 7, "enabled": false, "script": script,
        "config": { "kept": 1, "new": CANARY }, "task_config": { "a": "other", "b": CANARY },
        "secrets": { "set": { "L": CANARY } },
    });
    let changed = api.send("PATCH", &task, &change).await.expect(200).json();
    let hash = |task: &Value| format!("sha256:{}", task["script_sha256"].as_str().unwrap());
    let entry = entries(&api).await.pop().unwrap();
    let expected = json!({
        "name": { "from": "T", "to": "U" },
        "description": { "from": null, "to": format!("{}…", "ä".repeat(200)) },
        "enabled": { "from": true, "to": false },
        "timeout_seconds": { "from": created["timeout_seconds"], "to": 7 },
        "script": { "from": hash(&created), "to": hash(&changed) },
        "config": { "added": ["new"], "changed": ["kept"], "removed": ["gone"] },
        "task_config": { "added": ["b"], "changed": ["a"] },
    });
    assert_eq!((&entry.details["changes"], &entry.details["secrets_set"]), (&expected, &json!(["L"])));
    assert!(!api.get("/api/v1/audit-log").await.expect(200).text.contains(CANARY));
}

/// The entries with this action, oldest first.
async fn with_action(api: &Api, action: &str) -> Vec<AuditEntry> {
    let mut query = AuditQuery::new();
    query.action = Some(action.to_owned());
    let all: Vec<AuditEntry> = api.server.client.audit().list(query).try_collect().await.unwrap();
    all.into_iter().rev().collect()
}

#[tokio::test]
async fn a_refusal_of_a_known_caller_is_on_record() {
    let api = Api::start().await;
    let task = api.task("T").await;
    let limited = api.server.token_with(&[Permission::TasksView]).await;
    let refused = answer(api.anonymous("DELETE", &path(&task)).bearer_auth(&limited)).await;
    refused.refused(403, "FORBIDDEN");
    let entry = with_action(&api, "access.refused").await.pop().unwrap();
    let route = "/api/v1/tasks/{id}";
    let details = json!({ "permission": "tasks.manage", "method": "DELETE", "route": route, "address": "127.0.0.1" });
    assert_eq!((entry.actor.as_str(), &entry.details), ("limited", &details));
    assert_eq!(entry.request_id.as_deref(), Some(refused.header("x-request-id")));
    assert!(entry.principal.unwrap().starts_with("account:") && entry.token_id.is_some());
    // What nobody may do is refused for a reason.
    api.send("PATCH", &path(&task), &json!({ "name": "user_message_delivery" })).await.refused(403, "FORBIDDEN");
    let entry = with_action(&api, "access.refused").await.pop().unwrap();
    assert_eq!(entry.details["reason"], "`user_message_delivery` is the name of a built-in task");
    // Of one account there are so many in an hour, and one that says so; then there are more.
    for _ in 0..64 {
        answer(api.anonymous("DELETE", &path(&task)).bearer_auth(&limited)).await.refused(403, "FORBIDDEN");
    }
    assert_eq!(with_action(&api, "access.refused").await.len(), 61);
    let omitted = with_action(&api, "access.refusals_omitted").await;
    assert_eq!(omitted.len(), 1);
    assert_eq!(omitted[0].details, json!({ "after": 60, "until": "2026-01-01T01:00:00Z" }));
    api.server.advance(3600);
    answer(api.anonymous("DELETE", &path(&task)).bearer_auth(&limited)).await.refused(403, "FORBIDDEN");
    assert_eq!(with_action(&api, "access.refused").await.len(), 62);
}

#[tokio::test]
async fn tokens_that_are_good_no_more_are_on_record_and_unknown_ones_are_summed_up() {
    let api = Api::start().await;
    let list = async |token: &str| answer(api.anonymous("GET", "/api/v1/tasks").bearer_auth(token)).await;
    let limited = api.server.token_with(&[Permission::TasksView]).await;
    for _ in 0..3 {
        list("justiam_pat_nobody").await.refused(401, "UNAUTHORISED");
        list("not.a.token").await.refused(401, "UNAUTHORISED");
    }
    // A request without a token is no attempt.
    answer(api.anonymous("GET", "/api/v1/tasks")).await.refused(401, "UNAUTHORISED");
    assert!(with_action(&api, "access.unknown_tokens").await.is_empty());
    api.server.advance(60);
    until("the sum", async || !with_action(&api, "access.unknown_tokens").await.is_empty()).await;
    let sum = with_action(&api, "access.unknown_tokens").await;
    assert_eq!(sum.len(), 1);
    assert_eq!(sum[0].details, json!({ "count": 6, "since": "2026-01-01T00:00:00Z" }));
    api.server.advance(24 * 3600);
    let refused = list(&limited).await;
    refused.refused(401, "UNAUTHORISED");
    let entry = with_action(&api, "access.token_refused").await.pop().unwrap();
    let details = json!({ "why": "expired", "method": "GET", "route": "/api/v1/tasks", "address": "127.0.0.1" });
    assert_eq!(entry.details, details);
    assert_eq!((entry.actor.as_str(), entry.object_name.as_deref()), ("limited", Some("limited")));
    assert_eq!(entry.request_id.as_deref(), Some(refused.header("x-request-id")));
    assert_eq!(entry.object_id, entry.token_id.map(|id| id.to_string()));
}
