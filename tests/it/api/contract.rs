//! The table of operations against a server: every operation is there, for whom the table says, and answers as it says.

mod world;

use std::collections::{BTreeMap, BTreeSet};

use justiam_sdk::api::operations::{Access, Body, Method, OPERATIONS, Operation};
use justiam_sdk::api::permissions::Permission;
use reqwest::header::CONTENT_TYPE;
use serde_json::Value;

use super::support::{Answer, Api, NOBODY, answer};
use world::World;

/// Sends what the table says of an operation, to things that there are not.
async fn ask(api: &Api, operation: &Operation, token: Option<&str>) -> Answer {
    let path = operation.path_parameters().fold(operation.path.to_owned(), |path, name| {
        let id = if operation.path.contains("/connected-systems/") { "999999" } else { NOBODY };
        path.replace(&format!("{{{name}}}"), id)
    });
    let mut request = api.anonymous(operation.method.as_str(), &path);
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    if let Some(example) = operation.example {
        request = request.header(CONTENT_TYPE, "application/json").body(example);
    }
    answer(request).await
}

fn needed(operation: &Operation) -> &'static [Permission] {
    match operation.access {
        Access::All(needed) | Access::Any(needed) => needed,
        _ => &[],
    }
}

#[tokio::test]
async fn every_path_has_the_methods_of_the_table_and_no_others() {
    let api = Api::start().await;
    let mut methods: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for operation in &OPERATIONS {
        methods.entry(operation.path).or_default().insert(operation.method.as_str());
    }
    for (path, mut expected) in methods {
        if expected.contains("GET") {
            expected.insert("HEAD");
        }
        let answer = answer(api.request("OPTIONS", path)).await.expect(405);
        let allowed: BTreeSet<&str> = answer.header("allow").split(',').map(str::trim).collect();
        assert_eq!(allowed, expected, "{path}");
    }
}

#[tokio::test]
async fn without_a_token_only_what_is_open_answers() {
    let api = Api::start().await;
    for operation in &OPERATIONS {
        let answer = ask(&api, operation, None).await;
        let is_open = operation.access == Access::Open;
        assert_eq!(answer.status == 401, !is_open, "{}: {}", operation.id, answer.text);
        assert_eq!(answer.header("www-authenticate") == "Bearer", !is_open, "{}", operation.id);
    }
}

#[tokio::test]
async fn one_permission_less_than_needed_is_refused_and_what_is_needed_is_enough() {
    let api = Api::start().await;
    let mut tokens: BTreeMap<Vec<Permission>, String> = BTreeMap::new();
    let mut token = async |permissions: Vec<Permission>| {
        if let Some(token) = tokens.get(&permissions) {
            return token.clone();
        }
        let token = api.server.token_with(&permissions).await;
        tokens.insert(permissions, token.clone());
        token
    };
    for operation in &OPERATIONS {
        let id = operation.id;
        let without = |missing: &[Permission]| -> Vec<Permission> {
            Permission::ALL.into_iter().filter(|permission| !missing.contains(permission)).collect()
        };
        let lacking: Vec<Vec<Permission>> = match operation.access {
            Access::All(needed) => needed.iter().map(|permission| without(&[*permission])).collect(),
            Access::Any(needed) => vec![without(needed)],
            _ => Vec::new(),
        };
        for permissions in lacking {
            let token = token(permissions).await;
            ask(&api, operation, Some(&token)).await.refused(403, "FORBIDDEN");
        }
        let mut enough: Vec<Vec<Permission>> = match operation.access {
            Access::Any(needed) => needed.iter().map(|permission| vec![*permission]).collect(),
            _ => vec![needed(operation).to_vec()],
        };
        for permissions in &mut enough {
            permissions.extend(operation.also_needs.map(|(_, permission)| permission));
            if permissions.is_empty() {
                // Something that a token can have; the example of a short token gives it.
                permissions.push(Permission::TasksView);
            }
            let token = token(permissions.clone()).await;
            let answer = ask(&api, operation, Some(&token)).await;
            assert!(![401, 403].contains(&answer.status), "{id}: {}", answer.text);
        }
    }
}

#[tokio::test]
async fn secrets_in_a_body_need_their_own_permission() {
    let world = World::new().await;
    let token = world.api.server.token_with(&[Permission::TasksManage]).await;
    for operation in OPERATIONS.iter().filter(|operation| operation.also_needs.is_some()) {
        let request = world.request(operation).bearer_auth(&token);
        let problem = answer(request).await.refused(403, "FORBIDDEN");
        assert!(problem["message"].as_str().unwrap().contains("`secrets.write`"), "{}: {problem}", operation.id);
    }
}

#[tokio::test]
async fn whoever_may_only_look_can_plan() {
    let world = World::new().await;
    let views: Vec<_> = Permission::ALL
        .into_iter()
        .filter(|one| one.as_str().split_once('.').is_some_and(|(_, may)| may == "view"))
        .collect();
    let token = world.api.server.token_with(&views).await;
    // A plan reads what there is, and has tasks checked that are to be.
    for operation in OPERATIONS.iter().filter(|one| one.method == Method::Get || one.id == "validateTask") {
        let answer = answer(world.request(operation).bearer_auth(&token)).await;
        assert_eq!(answer.status, 200, "{}: {}", operation.id, answer.text);
    }
    let changing = |one: &&Operation| one.method != Method::Get && one.needs_permission() && one.id != "validateTask";
    for operation in OPERATIONS.iter().filter(changing) {
        answer(world.request(operation).bearer_auth(&token)).await.refused(403, "FORBIDDEN");
    }
}

/// How many entries the audit log has.
async fn entries(api: &Api) -> u64 {
    api.get("/api/v1/audit-log?limit=1").await.expect(200).json()["total"].as_u64().unwrap()
}

/// Ask something with a body, or want with their examples what those before them have made so.
const CHANGING_NOTHING: [&str; 3] = ["validateTask", "changeSecrets", "replaceFederatedProvider"];

/// Each example of the document is sent, to things that there are, does what the table says, and is in the audit log if it changes
/// anything.
#[tokio::test]
async fn every_operation_succeeds_with_its_example() {
    let world = World::new().await;
    let (deletions, others): (Vec<&Operation>, Vec<&Operation>) =
        OPERATIONS.iter().partition(|operation| operation.method == Method::Delete);
    // What is deleted with something else is deleted before that.
    for operation in others.into_iter().chain(deletions.into_iter().rev()) {
        let id = operation.id;
        let before = entries(&world.api).await;
        let answer = answer(world.request(operation).bearer_auth(&world.api.server.token)).await;
        if id == "cancelExecution" && answer.status == 400 {
            // Its step has failed by now: this server allows no folder for programs.
            continue;
        }
        let Some(expected) = operation.answers.iter().find(|expected| expected.status == answer.status) else {
            panic!("{id}: {} {}", answer.status, answer.text)
        };
        let media = answer.header("content-type").split(';').next().unwrap_or_default().to_owned();
        match expected.bodies {
            [] => assert_eq!((media.as_str(), answer.text.as_str()), ("", ""), "{id}"),
            bodies => assert!(bodies.iter().any(|(known, _)| *known == media), "{id}: {media}"),
        }
        assert_eq!(!answer.header("etag").is_empty(), expected.has_etag, "{id}");
        assert_eq!(!answer.header("location").is_empty(), expected.location.is_some(), "{id}");
        let changes = operation.method != Method::Get && !CHANGING_NOTHING.contains(&id);
        assert_eq!(entries(&world.api).await > before, changes, "{id}");
        if let (Body::Json(_), "application/json") = (operation.body, media.as_str()) {
            assert!(serde_json::from_str::<Value>(&answer.text).is_ok(), "{id}");
        }
    }
}

#[tokio::test]
async fn the_document_is_open_to_everybody() {
    let api = Api::start().await;
    let document = answer(api.anonymous("GET", "/api/openapi.json")).await.expect(200);
    assert_eq!(document.header("content-type"), "application/json");
    let document = document.json();
    assert_eq!(document["openapi"], "3.1.0");
    let operations: usize =
        document["paths"].as_object().unwrap().values().map(|path| path.as_object().unwrap().len()).sum();
    assert_eq!(operations, OPERATIONS.len());
}
