//! Lists of tasks: pages, filters, and how much of each task.

use futures::TryStreamExt as _;
use justiam_sdk::api::tasks::TaskQuery;
use serde_json::{Value, json};

use super::support::{Answer, Api, BUILT_IN, SCRIPT, body, hourly};

fn names(page: &Answer) -> Vec<String> {
    let page = page.json();
    page["data"].as_array().unwrap().iter().map(|task| task["name"].as_str().unwrap().to_owned()).collect()
}

/// A server with 25 tasks of its own.
async fn filled() -> Api {
    let api = Api::start().await;
    for index in 0..25 {
        api.task(&format!("task {index:02}")).await;
    }
    api
}

#[tokio::test]
async fn pages_follow_each_other_in_the_order_of_creation() {
    let api = filled().await;
    let first = api.get("/api/v1/tasks").await.expect(200);
    let body = first.json();
    assert_eq!((&body["total"], &body["page"], &body["limit"]), (&json!(25 + BUILT_IN), &json!(1), &json!(20)));
    let mut all = names(&first);
    assert_eq!(all.len(), 20);
    all.extend(names(&api.get("/api/v1/tasks?page=2").await));
    let mine: Vec<String> = (0..25).map(|index| format!("task {index:02}")).collect();
    assert_eq!(all[7..], mine);
    let mut again = Vec::new();
    for page in 1..=7 {
        again.extend(names(&api.get(&format!("/api/v1/tasks?limit=5&page={page}")).await));
    }
    assert_eq!(again, all);
    let whole = api.get("/api/v1/tasks?limit=1000").await;
    assert_eq!(names(&whole), all);
    let beyond = api.get("/api/v1/tasks?page=99").await.expect(200).json();
    assert_eq!((&beyond["data"], &beyond["total"]), (&json!([]), &json!(32)));
    let mut query = TaskQuery::new();
    query.limit = Some(9);
    let listed: Vec<String> =
        api.server.client.tasks().list(query).map_ok(|task| task.name).try_collect().await.unwrap();
    assert_eq!(listed, all);
}

#[tokio::test]
async fn absurd_pages_are_refused_and_those_after_the_last_are_empty() {
    let api = Api::start().await;
    for list in ["tasks", "task-runs"] {
        api.get(&format!("/api/v1/{list}?page=0")).await.wrong_fields(&["page"]);
        api.get(&format!("/api/v1/{list}?limit=0")).await.wrong_fields(&["limit"]);
        api.get(&format!("/api/v1/{list}?page=0&limit=1001")).await.wrong_fields(&["page", "limit"]);
        for (name, wrong) in [("page", "-1"), ("page", "x"), ("page", "4294967296"), ("limit", "1.5"), ("limit", "")] {
            let errors = api.get(&format!("/api/v1/{list}?{name}={wrong}")).await.wrong_fields(&[name]);
            assert!(errors[name][0].as_str().unwrap().starts_with("must be a whole number from 1"), "{errors}");
        }
        let far = api.get(&format!("/api/v1/{list}?page=10000&limit=1000")).await.expect(200).json();
        assert_eq!(far["data"], json!([]));
        for page in ["page=10001&limit=1000", "page=4294967295&limit=1000", "page=4294967295"] {
            let errors = api.get(&format!("/api/v1/{list}?{page}")).await.wrong_fields(&["page"]);
            let expected = "times `limit` must be 10000000 at the most; narrow the list by other parts of the query";
            assert_eq!(errors["page"], json!([expected]));
        }
    }
}

#[tokio::test]
async fn unknown_parameters_and_words_are_refused() {
    let api = Api::start().await;
    let query = "colour=red&enabled=maybe&page=1&page=2&task_id=x&limit=many";
    let errors = api.get(&format!("/api/v1/tasks?{query}")).await;
    errors.wrong_fields(&["colour", "enabled", "page", "task_id", "limit"]);
    api.get("/api/v1/tasks?task_type=Script").await.wrong_fields(&["task_type"]);
    api.get("/api/v1/tasks?include=script,password").await.wrong_fields(&["include"]);
    for list in ["tasks", "users", "groups"] {
        api.get(&format!("/api/v1/{list}?search={}", "%25".repeat(200))).await.expect(200);
        let long = format!("/api/v1/{list}?search={}", "x".repeat(30_000));
        let errors = api.get(&long).await.wrong_fields(&["search"]);
        assert_eq!(errors["search"], json!(["has 30000 characters; 200 are allowed"]));
    }
}

#[tokio::test]
async fn filters_narrow_the_list_together() {
    let api = Api::start().await;
    for name in ["Alpha", "alphabet", "Beta 100%", "beta_x", "betaXx", "Élan vital", "back\\slash"] {
        api.create(&body(&json!({ "name": name, "enabled": name != "alphabet" }))).await;
    }
    api.create(&json!({ "name": "clean", "task_type": "audit_log_cleanup", "schedule_type": "once" })).await;
    for (query, expected) in [
        ("name=Alpha", vec!["Alpha"]),
        ("name=alpha", vec![]),
        ("name=", vec![]),
        ("search=ALPHA", vec!["Alpha", "alphabet"]),
        ("search=%25", vec!["Beta 100%"]),
        ("search=_", vec!["saml_session_cleanup"]),
        ("search=a_x", vec!["beta_x"]),
        ("search=%5C", vec!["back\\slash"]),
        ("search=%C3%89lan", vec!["Élan vital"]),
        ("search=%C3%A9LAN+V", vec!["Élan vital"]),
        ("search=alpha&enabled=false", vec!["alphabet"]),
        ("search=alpha&enabled=true", vec!["Alpha"]),
        ("task_type=audit_log_cleanup", vec!["audit_log_cleanup", "clean"]),
        ("task_type=audit_log_cleanup&search=lea&name=clean", vec!["clean"]),
        ("task_type=script&enabled=false", vec!["alphabet"]),
        ("search=nothing", vec![]),
    ] {
        let page = api.get(&format!("/api/v1/tasks?{query}")).await.expect(200);
        let mut found = names(&page);
        if query == "search=_" {
            found.truncate(1);
        } else {
            assert_eq!(page.json()["total"], found.len(), "{query}");
        }
        assert_eq!(found, expected, "{query}");
    }
}

#[tokio::test]
async fn a_list_holds_what_was_asked_for_and_no_more() {
    let api = Api::start().await;
    let mut new = hourly("T");
    new.config = Some(json!({ "a": 1 }));
    new.task_config = Some([("k".to_owned(), "v".to_owned())].into());
    new.secrets = Some([("S".to_owned(), "value".into())].into());
    let task = serde_json::to_value(api.server.client.tasks().create(&new).await.unwrap()).unwrap();
    // Another task with secrets, whose revisions must not get mixed up.
    api.create(&body(&json!({ "name": "U", "secrets": { "S": "other" } }))).await;
    let parts = [
        ("script", "script"),
        ("script_sha256", "script_sha256"),
        ("config", "config"),
        ("task_config", "task_config"),
        ("secrets", "secret_revisions"),
    ];
    let listed = async |include: &str| -> Value {
        let page = api.get(&format!("/api/v1/tasks?name=T{include}")).await.expect(200).json();
        page["data"][0].clone()
    };
    let bare = listed("").await;
    for (_, field) in parts {
        assert_eq!(bare.get(field), None, "{field}");
    }
    for (include, field) in parts {
        let found = listed(&format!("&include={include}")).await;
        for (_, other) in parts {
            let expected = if other == field { task.get(field) } else { None };
            assert_eq!(found.get(other), expected, "{include}: {other}");
        }
    }
    assert_eq!(listed("&include=script,script_sha256,config,task_config,secrets").await, task);
    assert_eq!(listed("&include=").await, bare);
    assert_eq!(task["script"], SCRIPT);
}

#[tokio::test]
async fn a_list_of_tasks_without_secrets_says_so() {
    let api = Api::start().await;
    api.task("T").await;
    let page = api.get("/api/v1/tasks?include=secrets").await.json();
    for task in page["data"].as_array().unwrap() {
        assert_eq!(task["secret_revisions"], json!({}), "{task}");
    }
}
