//! What scripts print, from the script to whoever reads or follows it.

use std::time::{Duration, Instant};

use futures::{StreamExt as _, TryStreamExt as _};
use justiam_sdk::Client;
use justiam_sdk::api::ids::RunId;
use justiam_sdk::api::run_logs::{KEPT, LogEvent};
use justiam_sdk::api::runs::Run;
use justiam_sdk::api::tasks::NewTask;
use justiam_sdk::api::values::{OverlapPolicy, RunStatus};
use justiam_server::app::caller::Permission;
use justiam_server::config::Roles;
use justiam_tests::backend::Backend;
use justiam_tests::clock::ManualClock;
use justiam_tests::server::{START, TestServer};
use justiam_tests::{both_databases, soon, until};
use reqwest::{RequestBuilder, Response};

use super::support::Gate;

both_databases!(
    a_log_is_what_was_printed_and_the_output_what_was_returned,
    a_log_is_followed_while_the_script_runs,
    of_a_long_log_beginning_and_end_are_kept,
);

/// A run that nothing has.
const NOBODY: &str = "0199f2a6-0000-7000-8000-00000000dead";

/// A script of some imports and the body of `Run`.
fn go(imports: &[&str], body: &str) -> String {
    let imports: String = imports.iter().flat_map(|import| ["import \"", import, "\"\n"]).collect();
    format!("package task\n{imports}\nfunc Run() (string, error) {{\n{body}\n}}\n")
}

/// Prints, waits at the gate, and prints what it was told there.
fn at_the_gate(gate: &Gate) -> NewTask {
    let body = "fmt.Println(\"first\")\ngate, err := net.Dial(\"tcp\", config.Get(\"gate\"))\n\
                if err != nil { return \"\", err }\ntold, err := bufio.NewReader(gate).ReadString('\\n')\n\
                fmt.Print(told)\nreturn \"out\", err";
    let mut new = gate.task("T", OverlapPolicy::Allow);
    new.script = Some(go(&["bufio", "config", "fmt", "net"], body));
    new
}

async fn start(server: &TestServer, new: &NewTask) -> Run {
    let task = server.client.tasks().create(new).await.unwrap();
    server.client.tasks().run(task.id).await.unwrap()
}

async fn run(server: &TestServer, source: String) -> Run {
    let run = start(server, &NewTask::triggered_script("T", source)).await;
    let run = server.ended(run.id).await;
    // The run and its log stay.
    server.client.tasks().delete(run.task_id).await.unwrap();
    run
}

/// The whole of a log that somebody follows, and how the run ended.
async fn followed(client: &Client, run: RunId) -> (String, RunStatus) {
    let events: Vec<LogEvent> = soon("a log to end", client.runs().follow(run).try_collect()).await.unwrap();
    let (mut text, mut status) = (String::new(), None);
    for event in events {
        assert_eq!(status, None, "nothing comes after the end");
        match event {
            LogEvent::Log(piece) => text.push_str(&piece.text),
            LogEvent::End(end) => status = Some(end.status),
            other => panic!("{other:?}"),
        }
    }
    (text, status.unwrap())
}

fn events(server: &TestServer, run: &str) -> RequestBuilder {
    events_for(&server.token, server, run)
}

fn events_for(token: &str, server: &TestServer, run: &str) -> RequestBuilder {
    let path = format!("{}/api/v1/task-runs/{run}/log", server.endpoint);
    reqwest::Client::new().get(path).bearer_auth(token).header("Accept", "text/event-stream")
}

/// Reads events until there is this text among them.
async fn read_until(response: &mut Response, expected: &str) -> String {
    let mut text = String::new();
    soon("an event", async {
        while !text.contains(expected) {
            text.push_str(std::str::from_utf8(&response.chunk().await.unwrap().unwrap()).unwrap());
        }
    })
    .await;
    text
}

async fn a_log_is_what_was_printed_and_the_output_what_was_returned(backend: Backend) {
    let server = backend.server().await;
    let body =
        "fmt.Println(\"one\")\nfmt.Fprintln(os.Stderr, \"zwö\")\nfmt.Print(\"a\\x00b\\xff\")\nreturn \"out\", nil";
    let ended = run(&server, go(&["fmt", "os"], body)).await;
    assert_eq!((ended.status, ended.output.as_deref()), (RunStatus::Success, Some("out")));
    let expected = "one\nzwö\na\u{fffd}b\u{fffd}";
    assert_eq!(server.client.runs().log(ended.id).await.unwrap(), expected);
    assert_eq!(followed(&server.client, ended.id).await, (expected.to_owned(), RunStatus::Success));
    let silent = run(&server, go(&[], "return \"out\", nil")).await;
    assert_eq!(server.client.runs().log(silent.id).await.unwrap(), "");
    assert_eq!(followed(&server.client, silent.id).await, (String::new(), RunStatus::Success));
}

async fn a_log_is_followed_while_the_script_runs(backend: Backend) {
    let (server, gate) = (backend.server().await, Gate::new().await);
    let run = start(&server, &at_the_gate(&gate)).await;
    let mut log = server.client.runs().follow(run.id);
    let visitor = gate.visitor().await;
    let first = soon("the first line", log.next()).await.unwrap().unwrap();
    let LogEvent::Log(piece) = first else { panic!("{first:?}") };
    assert_eq!((piece.at, piece.text.as_str(), piece.end()), (0, "first\n", 6));
    assert_eq!(server.client.runs().log(run.id).await.unwrap(), "first\n");
    visitor.release("second").await;
    let rest: Vec<LogEvent> = soon("the end", log.try_collect()).await.unwrap();
    let [LogEvent::Log(piece), LogEvent::End(end)] = rest.as_slice() else { panic!("{rest:?}") };
    assert_eq!((piece.at, piece.text.as_str(), &end.status), (6, "second\n", &RunStatus::Success));
}

async fn of_a_long_log_beginning_and_end_are_kept(backend: Backend) {
    let server = backend.server().await;
    let body = "for i := 0; i < 100000; i++ { fmt.Printf(\"%07d\\n\", i) }\nreturn \"\", nil";
    let ended = run(&server, go(&["fmt"], body)).await;
    assert_eq!(ended.status, RunStatus::Success, "{:?}", ended.error);
    let log = server.client.runs().log(ended.id).await.unwrap();
    let (head, rest) = log.split_once("\n… ").unwrap();
    let (missing, tail) = rest.split_once(" bytes left out …\n").unwrap();
    assert!(head.starts_with("0000000\n0000001\n") && tail.ends_with("0099998\n0099999\n"));
    for part in [head, tail] {
        assert!((KEPT..=KEPT + (8 << 10)).contains(&part.len()), "{}", part.len());
    }
    assert_eq!(head.len() + missing.parse::<usize>().unwrap() + tail.len(), 800_000);
}

#[tokio::test]
async fn another_server_of_the_database_shows_a_log_as_it_grows() {
    let (database, clock, gate) =
        (justiam_tests::postgres::database().await, ManualClock::at(START), Gate::new().await);
    let worker = TestServer::start_on_postgres(&database.url, clock.clone(), |_| {}).await;
    let other = TestServer::start_on_postgres(&database.url, clock, |config| {
        config.roles = "api".parse::<Roles>().unwrap();
    })
    .await;
    let run = start(&worker, &at_the_gate(&gate)).await;
    let mut log = other.client.runs().follow(run.id);
    let visitor = gate.visitor().await;
    assert!(
        matches!(soon("the first line", log.next()).await, Some(Ok(LogEvent::Log(piece))) if piece.text == "first\n")
    );
    visitor.release("second").await;
    let rest: Vec<LogEvent> = soon("the end", log.try_collect()).await.unwrap();
    assert!(matches!(rest.last(), Some(LogEvent::End(end)) if end.status == RunStatus::Success), "{rest:?}");
    assert_eq!(other.client.runs().log(run.id).await.unwrap(), "first\nsecond\n");
}

#[tokio::test]
async fn secrets_are_in_no_log_however_they_are_printed() {
    let server = TestServer::start().await;
    let body = r#"
s := secrets.Get("KEY")
fmt.Println(s)
for _, letter := range s { os.Stdout.WriteString(string(letter)); time.Sleep(20 * time.Millisecond) }
fmt.Println()
fmt.Println(hex.EncodeToString([]byte(s)), base64.StdEncoding.EncodeToString([]byte("user:" + s)), url.QueryEscape(s))
text, _ := json.Marshal(map[string]string{"key": s})
fmt.Println(string(text))
os.Stdout.WriteString(s[:9])
select {}"#;
    let imports = ["encoding/base64", "encoding/hex", "encoding/json", "fmt", "net/url", "os", "secrets", "time"];
    let mut new = NewTask::triggered_script("T", go(&imports, body));
    new.secrets = Some([("KEY".to_owned(), "canary <&> \"31c9e07b\"".into())].into());
    new.timeout_seconds = Some(2);
    let run = start(&server, &new).await;
    let (text, status) = followed(&server.client, run.id).await;
    assert_eq!(status, RunStatus::Error);
    assert_eq!(text, server.client.runs().log(run.id).await.unwrap());
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[..2], ["****", "****"], "{text}");
    assert!(lines[2].starts_with("**** dXNlcj") && lines[2].ends_with(" ****"), "{text}");
    // The last one was cut when the time was up.
    assert_eq!(lines[3..], [r#"{"key":"****"}"#, "****"], "{text}");
    assert!(!text.contains("canary") && !text.contains("31c9"), "{text}");
}

#[tokio::test]
async fn no_log_ends_within_a_secret_however_the_script_ends() {
    let server = TestServer::start().await;
    let begin = "os.Stdout.WriteString(secrets.Get(\"KEY\")[:9])\n";
    for (import, end) in [
        ("fmt", "return fmt.Sprint(), nil"),
        ("runtime", "runtime.Goexit(); return \"\", nil"),
        ("errors", "return \"\", errors.New(\"no\")"),
        ("strings", "var kept []string\nfor { kept = append(kept, strings.Repeat(\"x\", 1<<24)) }"),
    ] {
        let mut new = NewTask::triggered_script(import, go(&["os", "secrets", import], &format!("{begin}{end}")));
        new.secrets = Some([("KEY".to_owned(), "canary-31c9e07b".into())].into());
        let ended = server.ended(start(&server, &new).await.id).await;
        let log = server.client.runs().log(ended.id).await.unwrap();
        assert_eq!(log, "****", "{:?}", ended.error);
    }
}

#[tokio::test]
async fn the_interpreters_own_account_of_a_failure_is_no_part_of_the_log() {
    let server = TestServer::start().await;
    let refused = run(&server, go(&[], "return undefined, nil")).await;
    assert_eq!(server.client.runs().log(refused.id).await.unwrap(), "");
    let source = go(&["fmt", "sync"], "fmt.Println(\"run: x\")\nvar m sync.Mutex\nm.Unlock()\nreturn \"\", nil");
    let crashed = run(&server, source).await;
    assert_eq!(server.client.runs().log(crashed.id).await.unwrap(), "run: x\n");
}

#[tokio::test]
async fn a_script_that_prints_without_end_is_stopped_and_keeps_its_log() {
    let server = TestServer::start().await;
    let body = "line := strings.Repeat(\"x\", 8000)\nfor { fmt.Println(line) }";
    let ended = run(&server, go(&["fmt", "strings"], body)).await;
    let expected = "the script printed more than 64 MiB and was stopped; print less, or return a summary";
    assert_eq!((ended.status, ended.error.as_deref()), (RunStatus::Error, Some(expected)));
    let log = server.client.runs().log(ended.id).await.unwrap();
    assert!(log.contains(" bytes left out …\n") && log.len() < 2 * (KEPT + (9 << 10)), "{}", log.len());
}

#[tokio::test]
async fn whoever_lost_the_connection_goes_on_where_he_was() {
    let server = TestServer::start().await;
    let ended = run(&server, go(&["fmt"], "fmt.Print(\"0123456789\")\nreturn \"\", nil")).await;
    let id = ended.id.to_string();
    for (last, expected) in [
        (
            None,
            "event: log\nid: 10\ndata: {\"at\":0,\"text\":\"0123456789\"}\n\nevent: end\ndata: {\"status\":\"success\"}\n\n",
        ),
        (
            Some("4"),
            "event: log\nid: 10\ndata: {\"at\":4,\"text\":\"456789\"}\n\nevent: end\ndata: {\"status\":\"success\"}\n\n",
        ),
        (Some("10"), "event: end\ndata: {\"status\":\"success\"}\n\n"),
        (Some("999"), "event: end\ndata: {\"status\":\"success\"}\n\n"),
    ] {
        let mut request = events(&server, &id);
        if let Some(last) = last {
            request = request.header("Last-Event-ID", last);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(soon("the end", response.text()).await.unwrap(), expected, "{last:?}");
    }
    // Also where text is asked for, so that nobody thinks that it has counted.
    let path = format!("{}/api/v1/task-runs/{id}/log", server.endpoint);
    let text = reqwest::Client::new().get(path).bearer_auth(&server.token);
    for request in [events(&server, &id), text] {
        assert_eq!(request.header("Last-Event-ID", "x").send().await.unwrap().status(), 400);
    }
}

#[tokio::test]
async fn a_log_belongs_to_a_run_and_is_for_those_who_may_see_it() {
    let server = TestServer::start().await;
    let ended = run(&server, go(&["fmt"], "fmt.Print(\"x\")\nreturn \"\", nil")).await;
    let nobody: RunId = NOBODY.parse().unwrap();
    assert!(server.client.runs().log(nobody).await.unwrap_err().is_not_found());
    let mut log = server.client.runs().follow(nobody);
    assert!(soon("an answer", log.next()).await.unwrap().unwrap_err().is_not_found());
    assert!(soon("the end of the stream", log.next()).await.is_none());
    let other = server.client_with(&[Permission::TasksRun, Permission::TasksManage]).await;
    let errors = [
        other.runs().log(ended.id).await.unwrap_err(),
        other.runs().follow(ended.id).next().await.unwrap().unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.api().unwrap().status, 403, "{error}");
    }
    let viewer = server.client_with(&[Permission::TasksView]).await;
    assert_eq!(viewer.runs().log(ended.id).await.unwrap(), "x");
}

#[tokio::test]
async fn nobody_follows_a_log_for_longer_than_his_token_lasts() {
    // Without workers, so that the run does not end before.
    let database = justiam_tests::postgres::database().await;
    let server = TestServer::start_on_postgres(&database.url, ManualClock::at(START), |config| {
        config.roles = "api".parse::<Roles>().unwrap();
    })
    .await;
    let run = start(&server, &NewTask::triggered_script("T", go(&[], "return \"\", nil"))).await.id.to_string();
    let token = server.token_with(&[Permission::TasksView]).await;
    let mut short = events_for(&token, &server, &run).send().await.unwrap();
    let mut long = events(&server, &run).send().await.unwrap();
    server.advance(24 * 60 * 60);
    soon("the end of the short one", async {
        while let Some(piece) = short.chunk().await.unwrap() {
            assert!(!String::from_utf8_lossy(&piece).contains("event: end"));
        }
    })
    .await;
    assert_eq!(events_for(&token, &server, &run).send().await.unwrap().status(), 401);
    // A comment shows that the other one is still there.
    read_until(&mut long, ":").await;
}

#[tokio::test]
async fn a_bounded_number_of_people_follow_and_a_shutdown_sends_them_home() {
    let (server, gate) = (TestServer::start().await, Gate::new().await);
    let run = start(&server, &at_the_gate(&gate)).await;
    let visitor = gate.visitor().await;
    let id = run.id.to_string();
    let mut followers = Vec::new();
    for _ in 0..10 {
        let token = server.token_with(&[Permission::TasksView]).await;
        for _ in 0..10 {
            let response = events_for(&token, &server, &id).send().await.unwrap();
            assert_eq!(response.status(), 200);
            followers.push(response);
        }
        let refused = events_for(&token, &server, &id).send().await.unwrap();
        assert_eq!((refused.status().as_u16(), &refused.headers()["retry-after"]), (429, &"5".parse().unwrap()));
        let text = refused.text().await.unwrap();
        assert!(text.contains("service account `limited") && text.contains("follows 10 logs on this server"), "{text}");
    }
    let refused = events(&server, &id).send().await.unwrap();
    assert_eq!((refused.status().as_u16(), &refused.headers()["retry-after"]), (429, &"5".parse().unwrap()));
    let text = refused.text().await.unwrap();
    assert!(text.contains("TOO_MANY_REQUESTS") && text.contains("100 logs are being followed"), "{text}");
    // A place becomes free when somebody goes away.
    followers.pop();
    until("a free place", async || {
        let response = events(&server, &id).send().await.unwrap();
        let free = response.status() == 200;
        if free {
            followers.push(response);
        }
        free
    })
    .await;
    read_until(&mut followers[0], "first\\n").await;
    let stopped = Instant::now();
    server.shutdown.soft.cancel();
    for mut follower in followers {
        soon("a follower's end", async { while follower.chunk().await.unwrap().is_some() {} }).await;
    }
    assert!(stopped.elapsed() < Duration::from_secs(3), "{:?}", stopped.elapsed());
    visitor.release("second").await;
    server.stop().await;
}
