//! Values that do not open: moved to another place, cut, or sealed under a secret that nobody names.

use std::collections::BTreeMap;

use justiam_sdk::Client;
use justiam_sdk::api::schedules::{NewSchedule, NewScheduleStep};
use justiam_sdk::api::tasks::{Task, TaskQuery};
use justiam_sdk::api::values::RunStatus;
use justiam_server::store::Db;
use justiam_server::store::rotation::{self, Item, Kind, Sealed};
use justiam_tests::backend::Backend;
use justiam_tests::{both_databases, soon};

use super::support::{CANARY, NEW_ONLY, World, hashing, reads, run};

both_databases!(a_value_that_does_not_open_is_named_and_never_another_ones);

const STRANGE: &str = "0123456789abcdef";

async fn items(db: &Db, kind: Kind) -> Vec<Item> {
    rotation::page(&mut db.read().await.unwrap(), kind, None, ("", ""), 99).await.unwrap()
}

/// Writes something else in the place of what is stored.
async fn put(db: &Db, kind: Kind, item: &Item, sealed_by: &str, sealed: &Sealed) {
    let mut tx = db.write().await.unwrap();
    assert!(rotation::reseal(&mut tx, kind, item, sealed_by, sealed).await.unwrap());
    tx.commit().await.unwrap();
}

/// The revisions of `K`, as a task tells it, its secrets do, and a list.
async fn told(client: &Client, task: &Task) -> [String; 3] {
    let mut query = TaskQuery::new();
    (query.name, query.include) = (Some(task.name.clone()), Some("secrets".into()));
    let of = |revisions: Option<&BTreeMap<String, String>>| revisions.unwrap()["K"].clone();
    [
        of(client.tasks().get(task.id).await.unwrap().secret_revisions.as_ref()),
        of(Some(&client.secrets(task.id).keys().await.unwrap().revisions)),
        of(client.tasks().page(&query).await.unwrap().data[0].secret_revisions.as_ref()),
    ]
}

async fn a_value_that_does_not_open_is_named_and_never_another_ones(backend: Backend) {
    let world = World::new(backend);
    let server = world.server(&NEW_ONLY).await;
    let client = server.client(&server.token);
    let mut tasks = Vec::new();
    for name in ["One", "Two", "Cut", "Strange"] {
        tasks.push(hashing(&client, name, &format!("{CANARY} of {name}")).await);
    }
    let step =
        |part: &str| NewScheduleStep::sql_script(format!("postgres://u:{CANARY}-{part}@127.0.0.1:1/x"), "/a.sql");
    let schedule = NewSchedule::manual("Sql").then(step("one")).then(step("two"));
    let schedule = client.schedules().create(&schedule).await.unwrap();
    let db = world.db().await;
    let secrets = items(&db, Kind::TaskSecrets).await;
    let [one, two, cut, strange] = secrets.as_slice() else { panic!("{secrets:?}") };
    put(&db, Kind::TaskSecrets, one, &one.sealed_by, &two.sealed).await;
    put(&db, Kind::TaskSecrets, two, &two.sealed_by, &one.sealed).await;
    let Sealed::Secret(whole) = &cut.sealed else { panic!("{cut:?}") };
    put(&db, Kind::TaskSecrets, cut, &cut.sealed_by, &Sealed::Secret(whole[..whole.len() - 1].into())).await;
    put(&db, Kind::TaskSecrets, strange, STRANGE, &strange.sealed).await;
    let steps = items(&db, Kind::ConnectionStrings).await;
    put(&db, Kind::ConnectionStrings, &steps[0], &steps[0].sealed_by, &steps[1].sealed).await;

    let damaged = "what is stored is damaged, or was stored for something else";
    let foreign = "it was sealed with another key than this server has";
    let reasons = [damaged, damaged, damaged, foreign];
    for (task, reason) in tasks.iter().zip(reasons) {
        let before = task.secret_revisions.as_ref().unwrap()["K"].clone();
        assert_eq!(told(&client, task).await, std::array::from_fn(|_| format!("{before}-unreadable")));
        let run = run(&client, task.id).await;
        let expected = format!("the secret `K` of task {} cannot be decrypted: {reason}; write it again", task.id);
        assert_eq!((run.status, run.error, run.output), (RunStatus::Error, Some(expected), None));
        let asked = [("K".to_owned(), format!("{CANARY} of {}", task.name).into())].into();
        assert!(!client.secrets(task.id).compare(&asked).await.unwrap()["K"]);
    }
    let shown = client.schedules().get(schedule.id).await.unwrap().steps.unwrap();
    let revisions = shown.iter().map(|step| step.sql_connection_string_revision.clone().unwrap());
    assert_eq!(revisions.map(|revision| revision.ends_with("-unreadable")).collect::<Vec<_>>(), [true, false]);
    let execution = client.schedules().run(schedule.id).await.unwrap().execution_id;
    let execution = soon("the execution", client.executions().wait(execution)).await.unwrap();
    let error = execution.steps.unwrap()[0].error_message.clone();
    assert_eq!(error, Some(format!("the connection string of the step cannot be decrypted: {damaged}; set it again")));

    // The commands name them, and change nothing.
    let status = world.secrets(&NEW_ONLY, &["status"]).await;
    assert_eq!((status.code, status.err.as_str()), (Some(1), "error: cannot be decrypted: 5\n"));
    for (task, reason) in tasks.iter().zip(reasons) {
        let line = format!("cannot be decrypted: the secret `K` of task {}: {reason}\n", task.id);
        assert!(status.out.contains(&line), "{line} {}", status.out);
    }
    let before = items(&db, Kind::TaskSecrets).await;
    let rotated = world.secrets(&NEW_ONLY, &["rotate"]).await;
    let expected = "error: cannot be decrypted with any of the secrets that are named or in the data folder: 1; name the secret that \
                    is missing, or write these values again\n";
    assert_eq!((rotated.code, rotated.err.as_str()), (Some(1), expected), "{rotated:?}");
    assert!(
        rotated.out.contains(&format!("key {STRANGE} (a secret that is not known here): 1 secrets of tasks")),
        "{rotated:?}"
    );
    assert_eq!(items(&db, Kind::TaskSecrets).await, before);

    // Written again, all is well.
    for task in &tasks {
        let value = format!("{CANARY} of {}", task.name);
        client.secrets(task.id).replace(&[("K".to_owned(), value.as_str().into())].into()).await.unwrap();
        reads(&client, task, &value).await;
    }
    let mut body = schedule.to_new().unwrap();
    body.steps[0].sql_connection_string = Some(format!("postgres://u:{CANARY}-again@127.0.0.1:1/x").into());
    client.schedules().replace(schedule.id, &body).await.unwrap();
    let status = world.secrets(&NEW_ONLY, &["status"]).await;
    assert_eq!(status.code, Some(0), "{status:?}");
    server.kill().await;
    let log = world.log();
    for task in &tasks {
        let lines: Vec<&str> = log.lines().filter(|line| line.contains("a secret cannot be decrypted")).collect();
        let is_its = |line: &&&str| line.contains(&task.id.to_string()) && line.contains("key=K");
        assert_eq!(lines.iter().filter(is_its).count(), 1, "{lines:?}");
    }
    assert!(log.contains("the connection string of a step cannot be decrypted") && !log.contains(CANARY), "{log}");
    db.close().await;
}
