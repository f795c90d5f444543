//! Connection strings: written, never read.

use std::fs::{self, File};

use justiam_tests::process::ServerProcess;
use reqwest::{Client, Method};
use serde_json::{Value, json};

use super::{Api, SCHEDULES, audit, create, mornings, path, program, replace};

/// What each password of these tests contains.
const CANARY: &str = "canary-8be41f02";

fn sql(connection: &str) -> Value {
    json!({ "stepType": "SqlScript", "sqlConnectionString": connection, "sqlScriptPath": "/srv/a.sql" })
}

fn postgres(part: &str) -> String {
    format!("postgres://u:{CANARY}-{part}@db.example.com:5432/hr?sslmode=require")
}

const SHOWN: &str = "postgres://u:***@db.example.com:5432/hr?sslmode=require";

#[tokio::test]
async fn what_is_shown_keeps_what_is_stored_and_another_string_takes_its_place() {
    let api = Api::start().await;
    let created = create(&api, &mornings(&json!({ "steps": [sql(&postgres("one")), program(1, "/opt/x")] }))).await;
    let step = &created["steps"][0];
    assert_eq!(step["sqlConnectionString"], SHOWN);
    let revision = |schedule: &Value| schedule["steps"][0]["sqlConnectionStringRevision"].as_str().unwrap().to_owned();
    // As it is shown, and the same again: nothing has changed.
    assert_eq!(replace(&api, &created, &created).await, created);
    let mut body = created.clone();
    body["steps"][0]["sqlConnectionString"] = json!(postgres("one"));
    assert_eq!(replace(&api, &created, &body).await, created);
    // Another password looks the same and is another revision.
    body["steps"][0]["sqlConnectionString"] = json!(postgres("two"));
    let changed = replace(&api, &created, &body).await;
    assert_eq!(changed["steps"][0]["sqlConnectionString"], SHOWN);
    assert_ne!(revision(&changed), revision(&created));
    assert_ne!(changed["revision"], created["revision"]);
    // Another change keeps it.
    let mut body = changed.clone();
    body["steps"][0]["name"] = json!("Named");
    assert_eq!(revision(&replace(&api, &created, &body).await), revision(&changed));
    let details: Vec<Value> = audit(&api).await.into_iter().map(|entry| entry.details).collect();
    let id = &step["id"];
    assert_eq!(details[0]["sql_connection_strings_set"], json!([id]));
    assert_eq!(details[1], json!({ "steps_changed": [id], "sql_connection_strings_set": [id] }));
    assert_eq!(details[2], json!({ "steps_changed": [id] }));
}

#[tokio::test]
async fn what_is_shown_counts_for_its_own_step_only() {
    let api = Api::start().await;
    let field = ["steps[0].sqlConnectionString"];
    api.send("POST", SCHEDULES, &mornings(&json!({ "steps": [sql(SHOWN)] }))).await.wrong_fields(&field);
    let created = create(&api, &mornings(&json!({ "steps": [sql(&postgres("one"))] }))).await;
    let mut body = created.clone();
    for other in [
        "postgres://u:***@evil.example.com:5432/hr?sslmode=require",
        "postgres://u:***@db.example.com:5432/hr",
        "postgres://db.example.com/hr?password=***",
    ] {
        body["steps"][0]["sqlConnectionString"] = json!(other);
        api.send("PUT", &path(&created), &body).await.wrong_fields(&field);
    }
    // Without its id the step is a new one, and nobody knows its password.
    body["steps"] = json!([sql(SHOWN)]);
    let errors = api.send("PUT", &path(&created), &body).await.wrong_fields(&field);
    assert!(errors[field[0]][0].as_str().unwrap().contains("the `id` of the step"), "{errors}");
    body["steps"][0] = created["steps"][0].clone();
    body["steps"][0]["sqlConnectionString"] = Value::Null;
    api.send("PUT", &path(&created), &body).await.wrong_fields(&field);
    // Another type of step has none.
    body["steps"][0]["stepType"] = json!("Executable");
    body["steps"][0]["executablePath"] = json!("/opt/x");
    let changed = replace(&api, &created, &body).await;
    assert_eq!(changed["steps"][0]["sqlConnectionStringRevision"], Value::Null);
}

#[tokio::test]
async fn passwords_are_in_no_answer_no_log_and_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let server = ServerProcess::start_logging(folder.path(), "127.0.0.1:0", "trace", File::create(&log).unwrap()).await;
    let http = Client::new();
    let mut answers = String::new();
    let mut send = async |method: &str, path: &str, body: &Value| {
        let request = http
            .request(Method::from_bytes(method.as_bytes()).unwrap(), format!("{}{path}", server.endpoint))
            .header("Idempotency-Key", format!("key-{}", answers.len()))
            .bearer_auth(&server.token);
        let response = request.json(body).send().await.unwrap();
        let head = format!("{} {:?}", response.status(), response.headers());
        answers.push_str(&head);
        let text = response.text().await.unwrap();
        answers.push_str(&text);
        serde_json::from_str::<Value>(&text).unwrap_or_default()
    };
    let body = mornings(&json!({ "triggerType": "Manual", "steps": [sql(&postgres("one"))] }));
    let created = send("POST", SCHEDULES, &body).await;
    let one = path(&created);
    let mut changed = created.clone();
    changed["steps"][0]["sqlConnectionString"] = json!(postgres("two"));
    send("PUT", &one, &changed).await;
    for wrong in [
        format!("postgres://u:{CANARY}/x@h/x"),
        format!("postgres://u:{CANARY} @h/x"),
        format!("mysql://u:{CANARY}@h/x"),
        format!("Server=h;Password={CANARY}"),
        format!("postgres://h/x?pass%77ord={CANARY}&sslpassword={CANARY}#{CANARY}"),
        postgres(&"x".repeat(500)),
    ] {
        send("POST", SCHEDULES, &mornings(&json!({ "name": "Wrong", "steps": [sql(&wrong)] }))).await;
    }
    let list = json!({ "name": "Wrong", "steps": [{ "stepType": 3, "sqlConnectionString": [CANARY] }] });
    send("POST", SCHEDULES, &list).await;
    send("POST", &format!("{one}/run"), &json!({})).await;
    for path in [one.clone(), format!("{SCHEDULES}?include=steps"), "/api/v1/audit-log?limit=1000".to_owned()] {
        send("GET", &path, &json!({})).await;
    }
    send("DELETE", &one, &json!({})).await;
    // The process is killed, so that the write-ahead log is looked at too.
    server.kill().await;
    assert!(answers.contains(SHOWN) && answers.contains("sql_connection_strings_set"), "{answers}");
    assert!(!answers.contains(CANARY), "{answers}");
    let log = fs::read_to_string(log).unwrap();
    assert!(log.contains("INSERT INTO schedule_steps"));
    assert!(!log.contains(CANARY));
    let data = folder.path().join("data");
    let mut files = 0;
    for file in fs::read_dir(&data).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file()) {
        let bytes = fs::read(&file).unwrap();
        assert!(!bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes()), "{}", file.display());
        files += 1;
    }
    assert!(files >= 3);
}
