//! Who may do what.

use std::collections::HashSet;

use justiam_server::app::caller::Permission::{
    self, AccountsManage, AccountsView, AuditView, GroupsManage, GroupsView, SecretsWrite, TasksManage, TasksRun,
    TasksView, UsersManage, UsersView,
};
use serde_json::{Value, json};

use super::support::{Answer, Api, NOBODY, answer, body, path};

/// A request, what it needs, and how it ends for somebody who has just that.
struct Route {
    method: &'static str,
    path: String,
    body: Value,
    needs: &'static [Permission],
    status: u16,
}

fn route(method: &'static str, path: &str, body: Value, needs: &'static [Permission], status: u16) -> Route {
    Route { method, path: path.to_owned(), body, needs, status }
}

fn routes(task: &str) -> Vec<Route> {
    let with_secret = body(&json!({ "name": "two", "secrets": { "K": "v" } }));
    let run = format!("/api/v1/task-runs/{NOBODY}");
    let (accounts, account) = ("/api/v1/service-accounts", format!("/api/v1/service-accounts/{NOBODY}"));
    let (user, group) = (format!("/api/v1/users/{NOBODY}"), format!("/api/v1/groups/{NOBODY}"));
    vec![
        route("GET", "/api/v1/tasks", json!({}), &[TasksView], 200),
        route("GET", task, json!({}), &[TasksView], 200),
        route("GET", &format!("{task}/secrets"), json!({}), &[TasksView], 200),
        route("GET", &format!("{task}/config"), json!({}), &[TasksView], 200),
        route("GET", &format!("{task}/next"), json!({}), &[TasksView], 200),
        route("POST", "/api/v1/tasks/validate", json!({}), &[TasksView], 200),
        route("GET", &format!("{task}/runs"), json!({}), &[TasksView], 200),
        route("GET", &format!("{task}/history"), json!({}), &[TasksView], 200),
        route("GET", "/api/v1/task-runs", json!({}), &[TasksView], 200),
        route("GET", "/api/v1/tasks/history", json!({}), &[TasksView], 200),
        route("GET", &run, json!({}), &[TasksView], 404),
        route("GET", &format!("/api/v1/users/{NOBODY}/messages"), json!({}), &[UsersView], 404),
        route("POST", "/api/v1/users", json!({ "email": "a@example.com" }), &[UsersManage], 201),
        route("GET", "/api/v1/users", json!({}), &[UsersView], 200),
        route("GET", &user, json!({}), &[UsersView], 404),
        route("PUT", &user, json!({ "email": "b@example.com" }), &[UsersManage], 404),
        route("PATCH", &user, json!({}), &[UsersManage], 404),
        route("DELETE", &user, json!({}), &[UsersManage], 404),
        route("GET", &format!("{user}/groups"), json!({}), &[UsersView, GroupsView], 404),
        route("POST", "/api/v1/groups", json!({ "name": "G" }), &[GroupsManage], 201),
        route("GET", "/api/v1/groups", json!({}), &[GroupsView], 200),
        route("GET", &group, json!({}), &[GroupsView], 404),
        route("PUT", &group, json!({ "name": "H" }), &[GroupsManage], 404),
        route("PATCH", &group, json!({}), &[GroupsManage], 404),
        route("DELETE", &group, json!({}), &[GroupsManage], 404),
        route("GET", &format!("{group}/members"), json!({}), &[GroupsView, UsersView], 404),
        route("PUT", &format!("{group}/members/{NOBODY}"), json!({}), &[GroupsManage], 404),
        route("DELETE", &format!("{group}/members/{NOBODY}"), json!({}), &[GroupsManage], 404),
        route("GET", "/api/v1/audit-log", json!({}), &[AuditView], 200),
        route("GET", "/metrics", json!({}), &[TasksView], 200),
        route("GET", accounts, json!({}), &[AccountsView], 200),
        route("POST", accounts, json!({ "name": "A" }), &[AccountsManage], 201),
        route("GET", &account, json!({}), &[AccountsView], 404),
        route("PUT", &account, json!({ "name": "B" }), &[AccountsManage], 404),
        route("PATCH", &account, json!({}), &[AccountsManage], 404),
        route("DELETE", &account, json!({}), &[AccountsManage], 404),
        route("GET", &format!("{account}/tokens"), json!({}), &[AccountsView], 404),
        route("POST", &format!("{account}/tokens"), json!({ "name": "T" }), &[AccountsManage], 404),
        route("DELETE", &format!("{account}/tokens/{NOBODY}"), json!({}), &[AccountsManage], 404),
        route("POST", "/api/v1/tasks", body(&json!({ "name": "one" })), &[TasksManage], 201),
        route("POST", "/api/v1/tasks", with_secret, &[TasksManage, SecretsWrite], 201),
        route("PUT", task, body(&json!({ "name": "put" })), &[TasksManage], 200),
        route("PATCH", task, json!({ "task_config": { "k": "v" } }), &[TasksManage], 200),
        route("PATCH", task, json!({ "secrets": { "set": { "K": "v" } } }), &[TasksManage, SecretsWrite], 200),
        route("PUT", &format!("{task}/config"), json!({}), &[TasksManage], 200),
        route("PUT", &format!("{task}/secrets"), json!({}), &[SecretsWrite], 200),
        route("PATCH", &format!("{task}/secrets"), json!({}), &[SecretsWrite], 200),
        route("POST", &format!("{task}/secrets/compare"), json!({}), &[SecretsWrite], 200),
        route("POST", &format!("{task}/run"), json!({}), &[TasksRun], 202),
        route("POST", &format!("{task}/trigger"), json!({}), &[TasksRun], 202),
        route("POST", &format!("{run}/cancel"), json!({}), &[TasksRun], 404),
        route("DELETE", task, json!({}), &[TasksManage], 204),
    ]
}

async fn ask(api: &Api, route: &Route, token: &str) -> Answer {
    answer(api.anonymous(route.method, &route.path).bearer_auth(token).json(&route.body)).await
}

#[tokio::test]
async fn every_route_needs_its_permissions_and_no_other() {
    let api = Api::start().await;
    let task = api.task("T").await;
    for route in routes(&path(&task)) {
        let called = format!("{} {} {}", route.method, route.path, route.body);
        for missing in route.needs {
            let others: Vec<_> = Permission::ALL.into_iter().filter(|permission| permission != missing).collect();
            let problem = ask(&api, &route, &api.server.token_with(&others).await).await.refused(403, "FORBIDDEN");
            let message = problem["message"].as_str().unwrap();
            assert!(message.contains(missing.as_str()) && message.contains("`limited`"), "{called}: {message}");
        }
        let answer = ask(&api, &route, &api.server.token_with(route.needs).await).await;
        assert_eq!(answer.status, route.status, "{called}: {}", answer.text);
    }
}

#[tokio::test]
async fn who_may_not_do_something_learns_nothing_else() {
    let api = Api::start().await;
    let viewer = api.server.token_with(&[TasksView]).await;
    let missing = format!("/api/v1/tasks/{NOBODY}");
    for (method, path) in [
        ("POST", "/api/v1/tasks".to_owned()),
        ("PUT", missing.clone()),
        ("PATCH", missing.clone()),
        ("DELETE", missing.clone()),
        ("PUT", format!("{missing}/secrets")),
        ("PATCH", format!("{missing}/secrets")),
        ("POST", format!("{missing}/secrets/compare")),
        ("PUT", format!("{missing}/config")),
        ("POST", format!("{missing}/run")),
    ] {
        let wrong = json!({ "k": 1, "set": 2 });
        let answer = answer(api.anonymous(method, &path).bearer_auth(&viewer).json(&wrong)).await;
        assert_eq!(answer.refused(403, "FORBIDDEN").get("validationErrors"), None, "{method} {path}");
    }
}

#[tokio::test]
async fn a_viewer_can_read_everything_but_the_values_of_secrets() {
    let api = Api::start().await;
    let created = api.create(&body(&json!({ "secrets": { "K": "hunter2" } }))).await;
    let id = created["id"].as_str().unwrap().parse().unwrap();
    let viewer = api.server.client_with(&[TasksView]).await;
    let task = viewer.tasks().get(id).await.unwrap();
    assert_eq!(serde_json::to_value(&task).unwrap(), created);
    assert_eq!(viewer.secrets(id).keys().await.unwrap().keys, ["K"]);
    let error = viewer.tasks().run(id).await.unwrap_err();
    assert_eq!(error.api().unwrap().status, 403);
}

#[tokio::test]
async fn a_token_is_sent_in_one_of_two_headers() {
    let api = Api::start().await;
    let token = &api.server.token;
    let list = "/api/v1/tasks";
    for (header, value) in [
        ("Authorization", format!("Bearer {token}")),
        ("authorization", format!("bearer {token}")),
        ("Authorization", format!("Bearer   {token} ")),
        ("X-API-Key", token.clone()),
    ] {
        answer(api.anonymous("GET", list).header(header, value)).await.expect(200);
    }
}

#[tokio::test]
async fn whoever_has_no_valid_token_gets_nothing() {
    let api = Api::start().await;
    let task = api.task("T").await;
    let token = api.server.token.clone();
    let mut messages = HashSet::new();
    for route in routes(&path(&task)) {
        let answer = answer(api.anonymous(route.method, &route.path).json(&route.body)).await;
        messages.insert(answer.refused(401, "UNAUTHORISED")["message"].to_string());
        assert_eq!(answer.header("www-authenticate"), "Bearer");
        ask(&api, &route, &forged(&token)).await.refused(401, "UNAUTHORISED");
    }
    assert_eq!(messages.len(), 1);
    assert!(messages.iter().all(|message| message.contains("Authorization: Bearer")), "{messages:?}");
    for (header, value) in [
        ("Authorization", token.clone()),
        ("Authorization", "Bearer".to_owned()),
        ("Authorization", "Bearer ".to_owned()),
        ("Authorization", format!("Basic {token}")),
        ("Authorization", format!("Bearer {}", &token[..token.len() - 1])),
        ("Authorization", format!("Bearer {token}x")),
        ("Authorization", format!("Bearer {}", token.to_uppercase())),
        ("Authorization", format!("Bearer {}", "x".repeat(5000))),
        ("Authorization", "Bearer eyJhbGciOiJub25lIn0.eyJhZG1pbiI6dHJ1ZX0.".to_owned()),
        ("X-API-Key", String::new()),
        ("X-API-Key", forged(&token)),
        ("Cookie", format!("token={token}")),
    ] {
        answer(api.anonymous("GET", "/api/v1/tasks").header(header, &value)).await.refused(401, "UNAUTHORISED");
    }
    answer(api.anonymous("GET", &format!("/api/v1/tasks?token={token}"))).await.refused(401, "UNAUTHORISED");
    assert_eq!(api.server.client.tasks().get(task.id).await.unwrap(), task);
}

/// A token with one other letter.
fn forged(token: &str) -> String {
    let (rest, last) = token.split_at(token.len() - 1);
    format!("{rest}{}", if last == "A" { "B" } else { "A" })
}

#[tokio::test]
async fn a_token_ends_at_its_time() {
    let api = Api::start().await;
    let token = api.server.token_with(&[TasksView]).await;
    let list = async || answer(api.anonymous("GET", "/api/v1/tasks").bearer_auth(&token)).await;
    api.server.clock.set("2026-01-01T23:59:59.999999Z");
    list().await.expect(200);
    api.server.clock.set("2026-01-02T00:00:00Z");
    let problem = list().await.refused(401, "UNAUTHORISED");
    assert_eq!(problem["message"], "the token has expired");
}
