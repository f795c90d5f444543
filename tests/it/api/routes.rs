//! Paths, methods, ids, and what every answer carries.

use std::collections::HashSet;

use serde_json::json;

use super::support::{Api, answer, path};

#[tokio::test]
async fn a_malformed_id_belongs_to_nothing() {
    let api = Api::start().await;
    let task = api.task("T").await;
    let other_kind = api.server.client.tasks().run(task.id).await.unwrap().id.to_string();
    let plain = task.id.to_string().replace('-', "");
    let long = "x".repeat(3000);
    let ids = ["x", "1", "%20", "%00", "%ff", "..%2f..", "null", "0199f2a6", &plain, &long, "{id}", "%F0%9F%A6%80"];
    for id in ids.into_iter().chain([other_kind.as_str()]) {
        for (method, path) in [
            ("GET", format!("/api/v1/tasks/{id}")),
            ("PUT", format!("/api/v1/tasks/{id}")),
            ("PATCH", format!("/api/v1/tasks/{id}")),
            ("DELETE", format!("/api/v1/tasks/{id}")),
            ("GET", format!("/api/v1/tasks/{id}/secrets")),
            ("PUT", format!("/api/v1/tasks/{id}/config")),
            ("POST", format!("/api/v1/tasks/{id}/run")),
            ("GET", format!("/api/v1/tasks/{id}/runs")),
            ("GET", format!("/api/v1/tasks/{id}/next")),
            ("GET", format!("/api/v1/users/{id}")),
            ("PUT", format!("/api/v1/users/{id}")),
            ("PATCH", format!("/api/v1/users/{id}")),
            ("DELETE", format!("/api/v1/users/{id}")),
            ("GET", format!("/api/v1/users/{id}/groups")),
            ("PATCH", format!("/api/v1/groups/{id}")),
            ("DELETE", format!("/api/v1/groups/{id}")),
            ("GET", format!("/api/v1/groups/{id}/members")),
            ("PUT", format!("/api/v1/groups/{id}/members/{id}")),
            ("DELETE", format!("/api/v1/groups/{id}/members/{id}")),
        ] {
            let answer = api.send(method, &path, &json!({})).await;
            answer.refused(404, "NOT_FOUND");
            assert!(answer.text.len() < 400, "{}", answer.text);
        }
    }
    for id in ["x", "%00", &task.id.to_string()] {
        api.get(&format!("/api/v1/task-runs/{id}")).await.refused(404, "NOT_FOUND");
        answer(api.request("POST", &format!("/api/v1/task-runs/{id}/cancel"))).await.refused(404, "NOT_FOUND");
    }
}

#[tokio::test]
async fn an_unknown_path_says_nothing_about_any_object() {
    let api = Api::start().await;
    let task = api.task("T").await;
    for path in
        ["/", "/api/v1", "/api/v2/tasks", "/tasks", "/api/v1/Tasks", "/api/v1/tasks/", &format!("{}/x", path(&task))]
    {
        let answer = api.get(path).await.expect(404);
        let body = answer.json();
        assert_eq!(body.get("code"), None, "{body}");
        assert!(body["message"].as_str().unwrap().contains("endpoint"), "{body}");
        assert!(!answer.header("x-request-id").is_empty());
    }
}

#[tokio::test]
async fn a_path_names_the_methods_that_it_has() {
    let api = Api::start().await;
    let task = api.task("T").await;
    for (method, path, allowed) in [
        ("DELETE", "/api/v1/tasks".to_owned(), "GET,HEAD,POST"),
        ("POST", path(&task), "GET,HEAD,PUT,PATCH,DELETE"),
        ("GET", format!("{}/run", path(&task)), "POST"),
        ("DELETE", format!("{}/secrets", path(&task)), "GET,HEAD,PUT,PATCH"),
        ("POST", "/health".to_owned(), "GET,HEAD"),
    ] {
        let answer = answer(api.request(method, &path)).await.expect(405);
        let sorted = |list: &str| {
            let mut words: Vec<String> = list.split(',').map(|word| word.trim().to_owned()).collect();
            words.sort();
            words
        };
        assert_eq!(sorted(answer.header("allow")), sorted(allowed), "{method} {path}");
        assert!(answer.json()["message"].is_string());
    }
}

#[tokio::test]
async fn the_names_that_existing_clients_use_work_as_well() {
    let api = Api::start().await;
    let task = api.task("T").await;
    let run = answer(api.request("POST", &format!("{}/trigger", path(&task)))).await.expect(202).json();
    api.server.ended(run["id"].as_str().unwrap().parse().unwrap()).await;
    for (one, other) in [
        (format!("{}/history", path(&task)), format!("{}/runs", path(&task))),
        ("/api/v1/tasks/history".to_owned(), "/api/v1/task-runs".to_owned()),
        (format!("/api/v1/tasks/history?task_id={}", task.id), format!("/api/v1/task-runs?task_id={}", task.id)),
        ("/api/v1/health".to_owned(), "/health".to_owned()),
    ] {
        let (one, other) = (api.get(&one).await.expect(200), api.get(&other).await.expect(200));
        assert_eq!(one.text, other.text);
    }
}

#[tokio::test]
async fn anybody_may_ask_for_health_and_version() {
    let api = Api::start().await;
    let isolation = api.server.isolation();
    assert!(isolation.contains("no capabilities, memory 512 MiB, network all"), "{isolation}");
    for (path, expected) in [
        ("/health", json!({ "status": "healthy", "isolation": isolation })),
        ("/api/v1/health", json!({ "status": "healthy", "isolation": isolation })),
        ("/health/ready", json!({ "status": "ready" })),
        ("/api/v1/version", json!(env!("CARGO_PKG_VERSION"))),
        ("/api/v1/health/version", json!({ "product": "JustIAM", "version": env!("CARGO_PKG_VERSION") })),
    ] {
        assert_eq!(answer(api.anonymous("GET", path)).await.expect(200).json(), expected);
    }
    assert_eq!(api.server.client.version().await.unwrap(), env!("CARGO_PKG_VERSION"));
}

#[tokio::test]
async fn every_answer_has_a_request_id_of_its_own() {
    let api = Api::start().await;
    let mut ids = HashSet::new();
    for (method, path, status) in [
        ("GET", "/api/v1/tasks", 200),
        ("GET", "/api/v1/tasks", 200),
        ("GET", "/nowhere", 404),
        ("DELETE", "/api/v1/tasks", 405),
        ("GET", "/api/v1/tasks/x", 404),
        ("POST", "/api/v1/tasks", 400),
    ] {
        let answer = answer(api.request(method, path).header("X-Request-Id", "mine")).await.expect(status);
        assert!(ids.insert(answer.header("x-request-id").to_owned()));
    }
    assert_eq!(answer(api.anonymous("GET", "/api/v1/tasks")).await.expect(401).header("x-request-id").len(), 32);
    assert!(!ids.contains("mine") && !ids.contains(""));
}

#[tokio::test]
async fn an_error_tells_its_time_on_the_servers_clock() {
    let api = Api::start().await;
    api.server.advance(61);
    let problem = api.get("/api/v1/tasks/x").await.refused(404, "NOT_FOUND");
    assert_eq!(problem["timestamp"], "2026-01-01T00:01:01Z");
}
