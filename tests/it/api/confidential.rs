//! Canaries: the values of secrets and tokens are looked for in everything that leaves the server, its log and its files.

use std::fs::{self, File};
use std::path::Path;

use justiam_sdk::api::me::NewShortToken;
use justiam_sdk::api::tasks::TaskQuery;
use justiam_sdk::api::values::RunStatus;
use justiam_tests::process::ServerProcess;
use reqwest::{Client, Method};
use serde_json::{Value, json};

use super::support::NOBODY;

/// What each secret of these tests contains.
const CANARY: &str = "canary-31c9e07b";

/// Secrets of all kinds in requests of all kinds, most of them wrong.
fn requests(task: &str) -> Vec<(&'static str, String, String)> {
    let secrets = format!("{task}/secrets");
    let value = |part: &str| format!("{CANARY}-{part}");
    let post = |body: Value| ("POST", "/api/v1/tasks".to_owned(), body.to_string());
    let new = json!({ "name": "n", "task_type": "script", "schedule_type": "once", "script": "package task" });
    let with = |secrets: Value| {
        let mut new = new.clone();
        new["secrets"] = secrets;
        new
    };
    vec![
        ("PUT", secrets.clone(), json!({ "A": value("put"), "B": value("put2\n\"") }).to_string()),
        ("PATCH", secrets.clone(), json!({ "set": { "C": value("patch") }, "remove": ["B"] }).to_string()),
        ("PATCH", task.to_owned(), json!({ "secrets": { "set": { "D": value("task patch") } } }).to_string()),
        ("POST", format!("{secrets}/compare"), json!({ "A": value("put"), "C": value("compared") }).to_string()),
        ("POST", format!("{secrets}/compare"), json!({ "A": [value("compared list")] }).to_string()),
        ("PUT", secrets.clone(), json!({ "A": [value("list")], "B": { value("key"): 1 } }).to_string()),
        ("PATCH", secrets.clone(), json!({ "set": value("text"), "remove": value("text") }).to_string()),
        ("PUT", secrets.clone(), format!("{{\"A\":\"{}\",\"A\":\"{}\"}}", value("twice"), value("twice"))),
        ("PUT", secrets.clone(), format!("{{\"A\":\"{}", value("cut"))),
        ("PUT", secrets.clone(), format!("{{\"A\":{}}}", value("bare"))),
        ("PUT", secrets, value("no json")),
        ("PUT", format!("{task}/nowhere"), json!({ "A": value("nowhere") }).to_string()),
        post(with(json!({ "A": value("no run function") }))),
        post(with(json!({ "A": 1, "B": value("other field") }))),
        post(with(json!(value("wrong type")))),
        ("PUT", task.to_owned(), with(json!({ "A": value("not in a put") })).to_string()),
    ]
}

#[tokio::test]
async fn values_of_secrets_and_tokens_are_in_no_answer_no_log_and_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let server = ServerProcess::start_logging(folder.path(), "127.0.0.1:0", "trace", File::create(&log).unwrap()).await;
    let token = server.token.clone();
    let http = Client::new();
    let mut answers = String::new();
    let mut send = async |method: &str, path: &str, body: String| {
        let request = http
            .request(Method::from_bytes(method.as_bytes()).unwrap(), format!("{}{path}", server.endpoint))
            .header("Content-Type", "application/json")
            .header("Idempotency-Key", format!("key-{}", answers.len()))
            .bearer_auth(&token);
        let response = request.body(body).send().await.unwrap();
        let head = format!("{} {:?}", response.status(), response.headers());
        let text = response.text().await.unwrap();
        answers.push_str(&head);
        answers.push_str(&text);
        serde_json::from_str::<Value>(&text).unwrap_or_default()
    };
    let script = "package task\nimport (\n\"errors\"\n\"fmt\"\n\"config\"\n\"secrets\"\n)\n\
        func Run() (string, error) {\n\
        text := \"it is \" + secrets.Get(\"FIRST\")\n\
        fmt.Println(text)\n\
        switch config.Get(\"how\") {\n\
        case \"error\": return \"\", errors.New(text)\n\
        case \"panic\": panic(text)\n}\nreturn text, nil }";
    let new = json!({
        "name": "Canary", "task_type": "script", "schedule_type": "once", "script": script,
        "secrets": { "FIRST": format!("{CANARY}-first") },
    });
    let task = send("POST", "/api/v1/tasks", new.to_string()).await;
    let id = task["id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/tasks/{id}");
    for how in ["output", "error", "panic"] {
        send("PUT", &format!("{path}/config"), json!({ "how": how }).to_string()).await;
        let run = send("POST", &format!("{path}/run"), String::new()).await;
        let run = server.client(&token).runs().wait(run["id"].as_str().unwrap().parse().unwrap()).await.unwrap();
        let (status, told) =
            if how == "output" { (RunStatus::Success, run.output) } else { (RunStatus::Error, run.error) };
        assert_eq!(run.status, status);
        assert!(told.as_ref().unwrap().contains("it is ****"), "{told:?}");
    }
    for (method, path, body) in requests(&path) {
        send(method, &path, body).await;
    }
    for path in [
        path.clone(),
        format!("{path}/secrets"),
        format!("{path}/config"),
        format!("{path}/runs"),
        "/api/v1/tasks?include=script,config,task_config,secrets".to_owned(),
        "/api/v1/task-runs".to_owned(),
        "/api/v1/audit-log?limit=1000".to_owned(),
    ] {
        send("GET", &path, String::new()).await;
    }
    let short = server.client(&token).me().short_token(&NewShortToken::new(600)).await.unwrap();
    let with = server.client(short.token.expose());
    with.me().renew_short_token(&short.id, 900).await.unwrap();
    with.tasks().run(NOBODY.parse().unwrap()).await.unwrap_err();
    with.me().revoke_short_token(&short.id).await.unwrap();
    let revoked = with.tasks().page(&TaskQuery::new()).await.unwrap_err();
    assert!(
        revoked.to_string().contains("revoked") && !format!("{revoked:?}").contains(short.token.expose()),
        "{revoked}"
    );
    let keys = send("GET", &format!("{path}/secrets"), String::new()).await;
    assert_eq!(keys["keys"], json!(["A", "C", "D"]));
    // The process is killed, so that the write-ahead log is looked at too.
    server.kill().await;
    assert!(!answers.contains(CANARY), "{answers}");
    assert!(!answers.contains(&token));
    // The part that nobody can make up.
    let signature = short.token.expose().rsplit('.').next().unwrap();
    let log = fs::read_to_string(log).unwrap();
    for expected in ["justiam_server::http: answered", "INSERT INTO task_secrets", "script ended"] {
        assert!(log.contains(expected), "{expected}");
    }
    for line in log.lines() {
        assert!(!line.contains(CANARY) && !line.contains(&token) && !line.contains(signature), "{line}");
    }
    let data = folder.path().join("data");
    assert!(files_with(&data, "") >= 4 && files_with(&data, "Canary") >= 1);
    assert_eq!((files_with(&data, CANARY), files_with(&data, &token), files_with(&data, signature)), (0, 0, 0));
}

/// How many files below a folder contain a text.
fn files_with(folder: &Path, text: &str) -> usize {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| if path.is_dir() { files_with(&path, text) } else { usize::from(contains(&path, text)) }).sum()
}

fn contains(file: &Path, text: &str) -> bool {
    let bytes = fs::read(file).unwrap();
    text.is_empty() || bytes.windows(text.len()).any(|window| window == text.as_bytes())
}
