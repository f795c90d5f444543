//! Servers are at work while values are encrypted again, and the command is killed meanwhile.

use justiam_sdk::api::me::NewShortToken;
use justiam_sdk::api::schedules::{NewSchedule, NewScheduleStep};
use justiam_sdk::api::tasks::{NewTask, TaskQuery};
use justiam_server::store::rotation::Kind;
use justiam_tests::backend::Backend;
use justiam_tests::clock::ManualClock;
use justiam_tests::server::{START, TestServer, client};
use justiam_tests::{both_databases, soon};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};

use super::support::{BOTH, CANARY, NEW, NEW_ONLY, OLD, OLD_ONLY, World, hashing, reads};

both_databases!(a_rotation_that_is_killed_goes_on_where_it_was_and_nobody_notices);

/// Enough for fifty transactions.
const BULKS: usize = 5;
const BULK: usize = 1000;

/// Makes a short token under an idempotency key, or gets the one that was made.
async fn short_token(endpoint: &str, token: &str) -> Value {
    let request = reqwest::Client::new()
        .post(format!("{endpoint}/api/v1/me/tokens/short"))
        .bearer_auth(token)
        .header("Idempotency-Key", "one-and-the-same")
        .json(&json!({ "ttl_seconds": 3600 }));
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::CREATED);
    answer.json().await.unwrap()
}

async fn a_rotation_that_is_killed_goes_on_where_it_was_and_nobody_notices(backend: Backend) {
    let world = World::new(backend);
    let server = world.server(&OLD_ONLY).await;
    let token = server.token.clone();
    let client_of_old = server.client(&token);
    let value = format!("{CANARY} of the task");
    let task = hashing(&client_of_old, "Hashing", &value).await;
    for number in 0..BULKS {
        let name = format!("Bulk {number}");
        let bulk = client_of_old
            .tasks()
            .create(&NewTask::triggered_script(name, "package task\nfunc Run() (string, error) { return ``, nil }"))
            .await
            .unwrap();
        let map = (0..BULK).map(|key| (format!("KEY_{key}"), format!("{CANARY} {number} {key}").into())).collect();
        client_of_old.secrets(bulk.id).replace(&map).await.unwrap();
    }
    let revisions = client_of_old.secrets(task.id).keys().await.unwrap();
    let mut query = TaskQuery::new();
    query.include = Some("secrets".into());
    let listed = client_of_old.tasks().page(&query).await.unwrap();
    let step = NewScheduleStep::sql_script(format!("postgres://u:{CANARY}@127.0.0.1:1/x"), "/srv/a.sql");
    let schedule = client_of_old.schedules().create(&NewSchedule::manual("Sql").then(step)).await.unwrap();
    let short = short_token(&server.endpoint, &token).await;
    server.kill().await;
    assert_eq!(world.by_role(&OLD_ONLY).await, [("newest".to_owned(), 5001)].into());

    // A server that knows both works with what is there, whichever secret it is under.
    let server = world.server(&BOTH).await;
    let both = server.client(&token);
    reads(&both, &task, &value).await;
    let mut halves = 0;
    for _ in 0..3 {
        let mut child = world.command(&BOTH, &["rotate"]).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = soon("a page", lines.next_line()).await.unwrap().unwrap_or_default();
        child.kill().await.unwrap();
        reads(&both, &task, &value).await;
        let by_role = world.by_role(&BOTH).await;
        assert_eq!(by_role.values().sum::<u64>(), 5001, "{by_role:?}");
        if by_role.get("older").is_some_and(|left| *left > 0) {
            assert!(line.ends_with(" values encrypted again") && by_role["newest"] >= 100, "{line} {by_role:?}");
            halves += 1;
        }
    }
    assert!(halves > 0, "the command was never in the middle of its work");
    let said = world.secrets(&BOTH, &["rotate"]).await;
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{said:?}");
    let last = "everything is encrypted under the server's secret; older ones are not needed any more\n";
    assert!(said.out.ends_with(last), "{said:?}");
    assert_eq!(world.by_role(&BOTH).await, [("newest".to_owned(), 5001)].into());
    reads(&both, &task, &value).await;
    // What the old secret has signed counts while that is named.
    let with_short = client(&server.endpoint, short["token"].as_str().unwrap());
    with_short.tasks().page(&query).await.unwrap();
    server.kill().await;

    let server = world.server(&NEW_ONLY).await;
    let new = server.client(&token);
    reads(&new, &task, &value).await;
    assert_eq!(new.secrets(task.id).keys().await.unwrap(), revisions);
    assert_eq!(new.tasks().get(task.id).await.unwrap().revision, task.revision);
    let of = |page: &justiam_sdk::api::page::Page<justiam_sdk::api::tasks::Task>| -> Vec<_> {
        page.data.iter().map(|task| (task.name.clone(), task.revision.clone(), task.secret_revisions.clone())).collect()
    };
    assert_eq!(of(&new.tasks().page(&query).await.unwrap()), of(&listed));
    let after = new.schedules().get(schedule.id).await.unwrap();
    assert_eq!(after.steps, schedule.steps);
    // An answer with a secret in it is still there for whoever asks again, and what it tells is over.
    assert_eq!(short_token(&server.endpoint, &token).await, short);
    let refused = client(&server.endpoint, short["token"].as_str().unwrap()).tasks().page(&query).await.unwrap_err();
    assert!(refused.to_string().contains("the token is not valid"), "{refused}");
    server.kill().await;
    let log = world.log();
    assert!(log.contains("stored values are sealed under older server secrets"), "{log}");
    for secret in [CANARY, OLD, NEW] {
        assert!(!log.contains(secret), "{log}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn servers_that_know_both_read_what_each_other_write_and_what_comes_late_is_found() {
    let database = justiam_tests::postgres::database().await;
    let clock = ManualClock::at(START);
    let start = async |newest: &'static str, other: &'static str| {
        TestServer::start_on_postgres(&database.url, clock.clone(), |config| {
            config.jwt_secret = Some(newest.into());
            config.old_jwt_secrets = vec![other.into()];
        })
        .await
    };
    // The first one has the new secret among the others, and goes on with the old.
    let (one, two) = (start(OLD, NEW).await, start(NEW, OLD).await);
    let first = hashing(&one.client, "First", "one").await;
    let second = hashing(&two.client, "Second", "two").await;
    for server in [&one, &two] {
        for (task, value) in [(&first, "one"), (&second, "two")] {
            reads(&server.client, task, value).await;
        }
        let short = server.client.me().short_token(&NewShortToken::new(600)).await.unwrap();
        for other in [&one, &two] {
            client(&other.endpoint, short.token.expose()).tasks().get(first.id).await.unwrap();
        }
    }
    let rotated = two.app().rotate_secrets(|_| {}).await.unwrap();
    assert_eq!((rotated.resealed[&Kind::TaskSecrets], rotated.left.len()), (1, 0), "{rotated:?}");
    // Who writes under the old secret after that is found by the next one.
    one.client.secrets(first.id).replace(&[("K".to_owned(), "other".into())].into()).await.unwrap();
    let rotated = two.app().rotate_secrets(|_| {}).await.unwrap();
    assert_eq!((rotated.resealed[&Kind::TaskSecrets], rotated.left.len()), (1, 0), "{rotated:?}");
    let rotated = two.app().rotate_secrets(|_| {}).await.unwrap();
    assert!(rotated.resealed.is_empty() && rotated.left.is_empty(), "{rotated:?}");
    reads(&one.client, &first, "other").await;
}
