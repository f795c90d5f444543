//! A server that is told to end while it is busy.

use std::process::Stdio;

use futures::future::join_all;
use justiam_tests::backend::Backend;
use justiam_tests::process::ServerProcess;
use justiam_tests::{both_databases, until};
use reqwest::{Method, StatusCode};
use tempfile::TempDir;

use super::support::{Answer, Caller};

both_databases!(an_end_under_load_keeps_all_that_was_accepted_and_nothing_else);

/// How many ask at the same time, each on a connection of his own.
const CALLERS: usize = 16;
/// How many requests must have been answered before the server is told to end.
const BUSY: usize = 40;

/// Starts a server as a process on an empty database, or again on the one that it has.
async fn start(backend: &Backend, folder: &TempDir) -> ServerProcess {
    match backend {
        Backend::Sqlite(_) => ServerProcess::start(folder.path()).await,
        Backend::Postgres(database) => {
            ServerProcess::start_on_postgres(folder.path(), &database.url, Stdio::inherit()).await
        }
    }
}

async fn an_end_under_load_keeps_all_that_was_accepted_and_nothing_else(backend: Backend) {
    let folder = tempfile::tempdir().unwrap();
    let mut server = start(&backend, &folder).await;
    if server.token.is_empty() {
        server.first_token().await;
    }
    let token = server.token.clone();
    let task = Caller::new(&server, &token).create("runs", 0).await.unwrap().body;
    let (trigger, history) = (path(&task, "run"), path(&task, "runs?limit=1000"));
    let answered = std::cell::Cell::new(0);
    let callers = join_all((0..CALLERS).map(|number| {
        let (caller, trigger, answered) = (Caller::new(&server, &token), trigger.clone(), &answered);
        async move {
            let (mut names, mut runs) = (Vec::new(), Vec::new());
            for turn in 0.. {
                let name = format!("{number} {turn}");
                // Every second one triggers a run instead.
                let creates = number % 2 == 0;
                let asked = if creates {
                    caller.create(&name, 100).await
                } else {
                    caller.ask(Method::POST, &trigger, None).await
                };
                match asked {
                    Ok(answer) if answer.status == StatusCode::CREATED => names.push(name),
                    Ok(answer) if answer.status == StatusCode::ACCEPTED => runs.push(text(&answer)),
                    // What was not begun may be refused, and what has no answer must not have happened.
                    Ok(answer) if answer.status == StatusCode::SERVICE_UNAVAILABLE => {}
                    Ok(other) => panic!("{other:?}"),
                    Err(_) => return (names, runs),
                }
                answered.set(answered.get() + 1);
            }
            unreachable!("a server that ends refuses at last")
        }
    }));
    let end = async {
        until("the server to be busy", async || answered.get() > BUSY).await;
        server.terminate();
    };
    let (told, ()) = tokio::join!(callers, end);
    server.ended().await;
    let (mut names, mut runs) = (vec!["runs".to_owned()], Vec::new());
    for (more_names, more_runs) in told {
        names.extend(more_names);
        runs.extend(more_runs);
    }
    let server = start(&backend, &folder).await;
    let caller = Caller::new(&server, &token);
    names.sort();
    assert_eq!(caller.names().await, names);
    let found = caller.get(&history).await.body;
    let found = found["data"].as_array().unwrap().iter().map(|run| run["id"].as_str().unwrap().to_owned());
    let mut found: Vec<_> = found.collect();
    found.sort();
    runs.sort();
    assert_eq!(found, runs);
    assert!(names.len() > 1 && !runs.is_empty(), "nobody was busy");
}

fn path(task: &serde_json::Value, rest: &str) -> String {
    format!("/api/v1/tasks/{}/{rest}", task["id"].as_str().unwrap())
}

fn text(answer: &Answer) -> String {
    answer.body["id"].as_str().unwrap().to_owned()
}
