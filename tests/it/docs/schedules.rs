//! The guide to schedules: each of its blocks is applied.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use justiam_tests::programs::program;
use justiam_tests::server::TestServer;
use justiam_tests::terraform::{Workspace, said};
use justiam_tests::{soon, until};
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use super::root;

/// The folder that the guide's server allows.
const FOLDER: &str = "/srv/justiam";
/// The program of the guide that is at work until somebody cancels it.
const LONG: &str = "mirror.sh";

/// A server that allows a folder of its own, and the guide as it reads with this folder.
struct Guide {
    server: TestServer,
    folder: PathBuf,
    text: String,
    _dir: TempDir,
}

impl Guide {
    async fn open() -> Self {
        let dir = TempDir::new().unwrap();
        let folder = fs::canonicalize(dir.path()).unwrap();
        let text = fs::read_to_string(root().join("docs/guides/schedules.md")).unwrap();
        fs::create_dir(folder.join("steps")).unwrap();
        for name in programs(&text) {
            let work = if name == LONG { "exec sleep 600" } else { "echo done" };
            let path = folder.join("steps").join(name);
            fs::write(&path, format!("#!/bin/sh\n{work}\n")).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        let allowed = folder.clone();
        let server = TestServer::start_with(|config| config.step_folders = vec![allowed]).await;
        let text = text.replace(FOLDER, folder.to_str().unwrap());
        Self { server, folder, text, _dir: dir }
    }
}

/// The names of the programs that the guide has in its folder.
fn programs(text: &str) -> Vec<&str> {
    let paths = text.split("/srv/justiam/steps/").skip(1);
    let names = paths.filter_map(|after| after.split(['"', ' ', '`']).next());
    names.filter(|name| Path::new(name).extension().is_some_and(|kind| kind == "sh")).collect()
}

/// The blocks of a page: the language and the text of each.
fn blocks(page: &str) -> Vec<(&str, &str)> {
    let fenced = page.split("\n```").skip(1).step_by(2);
    fenced.map(|block| block.split_once('\n').unwrap()).collect()
}

/// Whether an answer has everything that the guide shows of it. A text that ends with `…` stands for any that begins so.
fn fits(shown: &Value, answer: &Value) -> bool {
    match (shown, answer) {
        (Value::Object(shown), Value::Object(answer)) => {
            shown.iter().all(|(name, shown)| answer.get(name).is_some_and(|answer| fits(shown, answer)))
        }
        (Value::Array(shown), Value::Array(answer)) => {
            shown.len() == answer.len() && shown.iter().zip(answer).all(|(shown, answer)| fits(shown, answer))
        }
        (Value::String(shown), Value::String(answer)) => match shown.strip_suffix('…') {
            Some(beginning) => answer.starts_with(beginning),
            None => shown == answer,
        },
        (shown, answer) => shown == answer,
    }
}

#[tokio::test]
async fn each_request_is_answered_as_the_guide_says() {
    let guide = Guide::open().await;
    let http = reqwest::Client::new();
    let (mut schedule, mut execution) = (String::new(), String::new());
    let blocks = blocks(&guide.text);
    let mut requests = 0;
    for (at, (language, block)) in blocks.iter().enumerate() {
        if *language != "http" {
            assert!(*language != "json" || blocks[at - 1].0 == "http", "an answer to nothing: {block}");
            continue;
        }
        requests += 1;
        let (head, body) = block.split_once("\n\n").unwrap_or((block, ""));
        let (method, path) = head.split_once(' ').unwrap();
        let path = path.replace("{id}", &schedule).replace("{executionId}", &execution);
        let send = async || {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let request = http.request(method, format!("{}{path}", guide.server.endpoint));
            let request = request.bearer_auth(&guide.server.token).header(CONTENT_TYPE, "application/json");
            let response = request.body(body.to_owned()).send().await.unwrap();
            (response.status().is_success(), response.json::<Value>().await.unwrap())
        };
        let shown: Option<Value> = blocks
            .get(at + 1)
            .filter(|(language, _)| *language == "json")
            .map(|(_, text)| serde_json::from_str(text).unwrap());
        let (mut well, mut answer) = send().await;
        if let Some(shown) = &shown {
            // What is looked at may still be on its way.
            if method == "GET" {
                let fitting = async || {
                    (well, answer) = send().await;
                    fits(shown, &answer) || answer["status"].as_str().is_some_and(|status| status == "Failed")
                };
                until(&format!("{head} to be answered with {shown}"), fitting).await;
            }
            assert!(fits(shown, &answer), "{head}: the guide shows {shown}, the server answers {answer}");
        }
        let refused = shown.is_some_and(|shown| shown.get("code").is_some());
        assert_eq!(well, !refused, "{head}: {answer}");
        if method == "POST" && path.ends_with("/schedules") && well {
            answer["id"].as_str().unwrap().clone_into(&mut schedule);
        }
        if let Some(id) = answer["executionId"].as_str() {
            id.clone_into(&mut execution);
        }
    }
    assert!(requests >= 8, "found {requests} requests, so this test looks at the wrong place");
}

#[tokio::test]
async fn the_terraform_of_the_guide_is_applied() {
    let guide = Guide::open().await;
    let header = "employee_id,email,first_name,last_name\n";
    fs::write(guide.folder.join("hr.csv"), header).unwrap();
    let all: Vec<&str> = blocks(&guide.text)
        .into_iter()
        .filter(|(language, _)| *language == "terraform")
        .map(|(_, text)| text)
        .collect();
    assert!(all.len() >= 2, "{all:?}");
    let workspace = Workspace::new(&guide.server.endpoint, &guide.server.token);
    workspace.config(&all.join("\n"));
    workspace.apply().await.ok();
    workspace.plan_nothing().await;
    let schedules = guide.server.client.schedules();
    let morning = schedules.find("Morning Sync").await.unwrap().unwrap();
    assert_eq!((morning.cron_expression.as_deref(), morning.step_count), (Some("0 6 * * 1-5"), 3));
    let reports = schedules.get(schedules.find("Reports").await.unwrap().unwrap().id).await.unwrap();
    let indexes: Vec<i64> = reports.steps.unwrap().iter().map(|step| step.step_index).collect();
    assert_eq!(indexes, [0, 0, 1]);
    workspace.destroy().await.ok();
}

#[tokio::test]
async fn the_rust_of_the_guide_is_that_of_an_example_which_works() {
    let guide = Guide::open().await;
    let trimmed = |text: &str| text.lines().map(str::trim).collect::<Vec<_>>().join("\n");
    let example = fs::read_to_string(root().join("examples/sdk/src/bin/run_schedule.rs")).unwrap();
    let example = trimmed(&example);
    let rust: Vec<_> = blocks(&guide.text).into_iter().filter(|(language, _)| *language == "rust").collect();
    assert!(rust.len() >= 3, "{rust:?}");
    for (_, block) in rust {
        assert!(example.contains(&trimmed(block)), "the example does not have this:\n{block}");
    }
    let mut command = Command::new(program("run_schedule"));
    command.arg("Example").args(["users.sh", "send.sh"].map(|name| guide.folder.join("steps").join(name)));
    command.env("JUSTIAM_ENDPOINT", &guide.server.endpoint).env("JUSTIAM_TOKEN", &guide.server.token);
    let said = said(&soon("the example to end", command.kill_on_drop(true).output()).await.unwrap()).ok();
    let last = said.text.lines().last().unwrap_or_default();
    assert_eq!(last, "Completed (users.sh: Completed, send.sh: Completed)", "{}", said.text);
    let schedule = guide.server.client.schedules().find("Example").await.unwrap().unwrap();
    assert_eq!((schedule.description.as_deref(), schedule.step_count), (Some("Ran by hand once"), 2));
    assert!(schedule.is_enabled);
}
