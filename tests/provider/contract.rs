//! What the schemas promise is what the server does: a default that differs would be a change in every plan.

use justiam_tests::programs::program;
use justiam_tests::server::TestServer;
use serde_json::{Value as Json, json};
use tfplugin::Value;
use tfplugin_client::Session;

use super::SCRIPT;

/// Sends a body as it is, so that nothing but what is in it reaches the server.
async fn post(server: &TestServer, path: &str, body: &Json) -> Json {
    let client = reqwest::Client::new();
    let request = client.post(format!("{}/api/v1/{path}", server.endpoint)).bearer_auth(&server.token).json(body);
    let answer = request.send().await.unwrap();
    let (status, text) = (answer.status(), answer.text().await.unwrap());
    assert!(status.is_success(), "{path}: {status}: {text}");
    serde_json::from_str(&text).unwrap()
}

#[tokio::test]
async fn u10_the_defaults_of_the_schemas_are_those_of_the_server() {
    let server = TestServer::start().await;
    let session = Session::start(&program("terraform-provider-justiam")).await;
    let hr = json!({ "filePath": "/srv/hr.csv", "idColumn": "id", "emailColumn": "mail" });
    let system = post(&server, "synchronisation/connected-systems", &json!({ "name": "HR", "csv": hr })).await;
    let profiles = format!("synchronisation/connected-systems/{}/run-profiles", system["id"]);
    let step = json!({ "stepIndex": 0, "stepType": "Executable", "executablePath": "/bin/true" });
    let cases = [
        (
            "justiam_scheduled_task",
            json!({ "name": "T", "task_type": "script", "schedule_type": "once", "script": SCRIPT }),
            post(
                &server,
                "tasks",
                &json!({ "name": "T", "task_type": "script", "schedule_type": "once", "script": SCRIPT }),
            )
            .await,
        ),
        (
            "justiam_schedule",
            json!({ "name": "S", "steps": [{ "step_type": "Executable", "executable_path": "/bin/true" }] }),
            post(&server, "schedules", &json!({ "name": "S", "steps": [step] })).await,
        ),
        ("justiam_schedule", json!({ "name": "Empty" }), post(&server, "schedules", &json!({ "name": "Empty" })).await),
        (
            "justiam_connected_system",
            json!({ "name": "HR", "csv": { "file_path": "/srv/hr.csv", "id_column": "id", "email_column": "mail" } }),
            system,
        ),
        (
            "justiam_run_profile",
            json!({ "connected_system_id": 1, "name": "Import", "run_type": "FullImport" }),
            post(&server, &profiles, &json!({ "name": "Import", "runType": "FullImport" })).await,
        ),
    ];
    for (resource, config, stored) in cases {
        let lifecycle = session.resource(resource).await;
        let plan = lifecycle.plan(None, &lifecycle.config(config.clone())).await.ok();
        let compared = compare(resource, &plan.planned, &config, &stored);
        assert!(compared > 1, "{resource}: only {compared} attributes have been compared");
    }
}

/// Compares what a plan has beyond its configuration with what the server has made of the same, and says how much there was.
#[track_caller]
fn compare(place: &str, planned: &Value, config: &Json, stored: &Json) -> usize {
    let mut compared = 0;
    // The API demands an index, and the order of the list gives it.
    for (name, planned) in planned.as_entries().unwrap().iter().filter(|(name, _)| *name != "step_index") {
        let place = format!("{place}.{name}");
        // `is_enabled` is `isEnabled`, but tasks have the names of the attributes.
        let stored = stored.get(name).or_else(|| stored.get(camel(name))).unwrap_or(&Json::Null);
        let config = config.get(name).unwrap_or(&Json::Null);
        match (planned, config) {
            (Value::Object(_), Json::Object(_)) => compared += compare(&place, planned, config, stored),
            (Value::List(items), Json::Array(configured)) => {
                for (at, item) in items.iter().enumerate() {
                    compared += compare(&format!("{place}[{at}]"), item, &configured[at], &stored[at]);
                }
            }
            // The server's to say, or the configuration's.
            (Value::Unknown(_), _) | (_, Json::Bool(_) | Json::Number(_) | Json::String(_)) => {}
            (planned, _) => {
                let nothing = stored.is_null() || *stored == json!({}) || *stored == json!([]);
                let same = match planned {
                    Value::Null => nothing,
                    Value::Bool(planned) => *stored == json!(planned),
                    Value::Number(planned) => stored.as_number().map(ToString::to_string) == Some(planned.to_string()),
                    Value::String(planned) => *stored == json!(planned),
                    Value::List(items) => items.is_empty() && nothing,
                    Value::Map(entries) => entries.is_empty() && nothing,
                    _ => false,
                };
                assert!(same, "{place} is {planned:?} in a plan, and {stored} on the server");
                compared += 1;
            }
        }
    }
    compared
}

fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    let rest = words.map(|word| word[..1].to_uppercase() + &word[1..]);
    first + &rest.collect::<String>()
}
