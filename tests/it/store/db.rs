//! Connections and transactions.

use std::time::Instant;

use futures::future::join_all;
use justiam_server::store::{Db, Error, Tx, tasks};
use justiam_tests::backend::{Backend, execute, number};
use justiam_tests::{both_databases, soon, until};

use super::support::{add_tasks, at, id, task, write};

both_databases!(
    many_servers_that_start_at_once_agree_on_the_schema,
    a_schema_from_a_newer_server_is_refused,
    a_reader_sees_one_state_throughout,
    a_reader_writes_nothing,
    a_look_sees_what_was_committed_and_writes_nothing,
    writers_of_one_row_take_turns,
    a_server_that_is_frozen_in_a_transaction_holds_others_up_for_seconds_only,
    a_transaction_that_was_idle_for_too_long_may_be_tried_again,
    a_transaction_may_take_as_long_as_it_needs_and_the_next_one_may_not,
    separate_pools_see_the_same_database,
    of_many_who_heard_nothing_one_replaces_the_connections,
    only_a_shared_database_has_a_clock,
    servers_of_one_database_hear_each_other_and_no_others,
    a_closed_database_is_unavailable,
    a_database_is_known_whoever_opens_it,
);

async fn many_servers_that_start_at_once_agree_on_the_schema(backend: Backend) {
    let stores = match &backend {
        // Servers on one folder take turns at its lock before they come here.
        Backend::Sqlite(_) => vec![backend.store().await, backend.store().await],
        Backend::Postgres(_) => join_all((0..8).map(|_| backend.store())).await,
    };
    let count = stores.len() as u64;
    for (number, db) in (1..).zip(&stores) {
        add_tasks(db, &[task(number, &number.to_string())]).await;
    }
    for db in stores {
        let (_, total) = tasks::list(&mut db.read().await.unwrap(), &tasks::Filter::default(), 0, 1).await.unwrap();
        assert_eq!(total, count);
    }
}

async fn open(backend: &Backend) -> Result<Db, Error> {
    match backend {
        Backend::Sqlite(folder) => Db::open_sqlite(&folder.path().join("justiam.db")).await,
        Backend::Postgres(database) => Db::open_postgres(&database.url.as_str().into(), 2).await,
    }
}

async fn a_schema_from_a_newer_server_is_refused(backend: Backend) {
    let db = open(&backend).await.unwrap();
    add_tasks(&db, &[task(1, "T")]).await;
    let sql = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
               SELECT 99999999999999, 'newer', success, checksum, 0 FROM _sqlx_migrations LIMIT 1";
    write(&db, async |tx| execute(tx, sql).await).await;
    db.close().await;
    let refused = open(&backend).await.err().unwrap();
    assert!(matches!(refused, Error::Schema(_)), "{refused:?}");
}

async fn a_reader_sees_one_state_throughout(backend: Backend) {
    let db = backend.store().await;
    let mut reader = db.read().await.unwrap();
    assert_eq!(tasks::get(&mut reader, id(1)).await.unwrap(), None);
    add_tasks(&db, &[task(1, "T")]).await;
    assert_eq!(tasks::get(&mut reader, id(1)).await.unwrap(), None);
    drop(reader);
    assert!(tasks::get(&mut db.read().await.unwrap(), id(1)).await.unwrap().is_some());
}

async fn a_reader_writes_nothing(backend: Backend) {
    let db = backend.store().await;
    let mut reader = db.read().await.unwrap();
    assert!(tasks::insert(&mut reader, &task(1, "T")).await.is_err());
}

async fn a_look_sees_what_was_committed_and_writes_nothing(backend: Backend) {
    let db = backend.store().await;
    add_tasks(&db, &[task(1, "T")]).await;
    let found = join_all((0..8).map(|_| async {
        let mut look = db.look().await.unwrap();
        tasks::get(&mut look, id(1)).await.unwrap().is_some()
    }));
    assert_eq!(found.await, [true; 8]);
    let mut look = db.look().await.unwrap();
    assert!(tasks::insert(&mut look, &task(2, "U")).await.is_err());
    drop(look);
    db.close().await;
    assert!(matches!(db.look().await, Err(Error::Unavailable(_))));
}

async fn writers_of_one_row_take_turns(backend: Backend) {
    let db = backend.store().await;
    add_tasks(&db, &[task(1, "T")]).await;
    join_all((0..8).map(|_| async {
        let mut tx = db.write().await.unwrap();
        let mut task = tasks::lock(&mut tx, id(1)).await.unwrap().unwrap();
        task.definition.timeout_seconds += 1;
        assert!(tasks::update(&mut tx, &task).await.unwrap());
        tx.commit().await.unwrap();
    }))
    .await;
    let task = tasks::get(&mut db.read().await.unwrap(), id(1)).await.unwrap().unwrap();
    assert_eq!(task.definition.timeout_seconds, 38);
}

async fn a_server_that_is_frozen_in_a_transaction_holds_others_up_for_seconds_only(backend: Backend) {
    // On SQLite nobody shares the database.
    if !backend.is_shared() {
        return;
    }
    let db = backend.store().await;
    let sql = "SELECT CAST(setting AS BIGINT) FROM pg_settings WHERE name = 'idle_in_transaction_session_timeout'";
    let millis = number(&mut db.write().await.unwrap(), sql).await;
    assert!((1..=15_000).contains(&millis), "its locks stay for {millis} ms, where 0 is for ever");
}

async fn a_transaction_that_was_idle_for_too_long_may_be_tried_again(backend: Backend) {
    if !backend.is_shared() {
        return;
    }
    let (db, other) = (backend.store().await, backend.store().await);
    let mut tx = db.write().await.unwrap();
    let session = number(&mut tx, "SELECT CAST(pg_backend_pid() AS BIGINT)").await;
    execute(&mut tx, "SET idle_in_transaction_session_timeout = 1").await;
    until("the session to be ended", async || {
        let sql = format!("SELECT count(*) FROM pg_stat_activity WHERE pid = {session}");
        number(&mut other.read().await.unwrap(), &sql).await == 0
    })
    .await;
    let late = tasks::get(&mut tx, id(1)).await;
    assert!(matches!(late, Err(Error::Unavailable(_))), "{late:?}");
}

async fn a_transaction_may_take_as_long_as_it_needs_and_the_next_one_may_not(backend: Backend) {
    if !backend.is_shared() {
        return;
    }
    let limit = "SELECT CAST(setting AS BIGINT) FROM pg_settings WHERE name = 'statement_timeout'";
    let db = backend.store().await.separate(1);
    let mut tx = db.read().await.unwrap();
    let before = number(&mut tx, limit).await;
    tx.without_limits().await.unwrap();
    assert_eq!((before > 0, number(&mut tx, limit).await), (true, 0));
    drop(tx);
    assert_eq!(number(&mut db.read().await.unwrap(), limit).await, before);
}

async fn separate_pools_see_the_same_database(backend: Backend) {
    let db = backend.store().await;
    let other = db.separate(1);
    assert_eq!((db.is_shared(), other.is_shared()), (backend.is_shared(), backend.is_shared()));
    add_tasks(&other, &[task(1, "T")]).await;
    assert!(tasks::get(&mut db.read().await.unwrap(), id(1)).await.unwrap().is_some());
    if backend.is_shared() {
        // All connections of one are taken; the other does not care.
        let _taken: Vec<Tx> = join_all((0..12).map(|_| db.write())).await.into_iter().map(Result::unwrap).collect();
        assert!(tasks::get(&mut other.read().await.unwrap(), id(1)).await.unwrap().is_some());
        // New ones are to be had, whatever becomes of the old ones.
        db.replace_connections(Instant::now());
        assert!(tasks::get(&mut db.read().await.unwrap(), id(1)).await.unwrap().is_some());
    }
}

async fn of_many_who_heard_nothing_one_replaces_the_connections(backend: Backend) {
    if !backend.is_shared() {
        return;
    }
    let db = backend.store().await.separate(1);
    let session = async || {
        let mut tx = db.read().await.unwrap();
        let session = number(&mut tx, "SELECT CAST(pg_backend_pid() AS BIGINT)").await;
        tx.commit().await.unwrap();
        session
    };
    let began = Instant::now();
    let silent = session().await;
    db.replace_connections(began);
    let new = session().await;
    assert_ne!(silent, new);
    db.replace_connections(began);
    assert_eq!(session().await, new);
    db.replace_connections(Instant::now());
    assert_ne!(session().await, new);
}

async fn only_a_shared_database_has_a_clock(backend: Backend) {
    let db = backend.store().await;
    match (db.time().await.unwrap(), db.time().await.unwrap()) {
        (Some(one), Some(two)) => assert!(backend.is_shared() && at(-100_000_000) < one && one <= two, "{one} {two}"),
        none => assert_eq!((none, backend.is_shared()), ((None, None), false)),
    }
}

async fn servers_of_one_database_hear_each_other_and_no_others(backend: Backend) {
    let (db, other) = (backend.store().await, backend.store().await);
    let Some(mut listener) = db.listen().await.unwrap() else {
        assert!(!backend.is_shared());
        db.tell("nobody listens").await.unwrap();
        return;
    };
    let elsewhere = Backend::postgres().await;
    elsewhere.store().await.tell("from another schema").await.unwrap();
    other.tell("work").await.unwrap();
    db.tell("it's \"me\"").await.unwrap();
    for expected in ["work", "it's \"me\""] {
        let heard = soon("a word", listener.next()).await.unwrap();
        assert_eq!(heard.as_deref(), Some(expected));
    }
    // A connection that is lost is made anew, and that is told too.
    let mut tx = other.write().await.unwrap();
    execute(
        &mut tx,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' \
                      AND query LIKE '%' || current_schema() || '%'",
    )
    .await;
    tx.commit().await.unwrap();
    assert_eq!(soon("the news of a lost connection", listener.next()).await.unwrap(), None);
    until("the listener to hear again", async || {
        other.tell("again").await.unwrap();
        tokio::time::timeout(std::time::Duration::from_millis(50), listener.next()).await.is_ok()
    })
    .await;
}

async fn a_closed_database_is_unavailable(backend: Backend) {
    let db = backend.store().await;
    db.close().await;
    for refused in [db.write().await.err(), db.read().await.err()] {
        assert!(matches!(refused, Some(Error::Unavailable(_))), "{refused:?}");
    }
}

#[tokio::test]
async fn the_address_of_a_database_is_never_repeated() {
    for url in [
        "postgres://u:pa55word@",
        "mysql://u:pa55word@h/d",
        "sqlite:///pa55word",
        "pa55word",
        "postgres://u:pa55word@h/d?sslmode=pa55word",
        // Parameters that nobody knows, one of which is the rest of a password.
        "postgres://u@h/d?sslpassword=pa55word",
        "postgres://u:p?pa55word@h/d",
    ] {
        let error = Db::open_postgres(&url.into(), 1).await.err().unwrap();
        assert!(!format!("{error} {error:?}").contains("pa55word"), "{error:?}");
    }
}

async fn a_database_is_known_whoever_opens_it(backend: Backend) {
    let (db, again) = (backend.store().await, backend.store().await);
    let origin = db.origin().await.unwrap();
    assert!(origin.is(&again.origin().await.unwrap()) && again.separate(1).origin().await.unwrap().is(&origin));
    let other = Backend::sqlite();
    let sqlite = other.store().await;
    assert!(!origin.is(&sqlite.origin().await.unwrap()));
}

#[tokio::test]
async fn a_write_for_which_there_was_no_room_spoils_none_that_comes_later() {
    let backend = Backend::sqlite();
    let db = backend.store().await;
    let mut tx = db.write().await.unwrap();
    let pages = number(&mut tx, "SELECT page_count FROM pragma_page_count()").await;
    execute(&mut tx, &format!("PRAGMA max_page_count = {}", pages + 4)).await;
    let mut large = task(1, "large");
    large.definition.script = Some("x".repeat(256 * 1024));
    let refused = tasks::insert(&mut tx, &large).await.unwrap_err();
    assert!(matches!(refused, Error::Unavailable(_)), "{refused:?}");
    assert_eq!(refused.stores_nothing(), Some("its disk is full"));
    drop(tx);
    // On a connection without that limit, as if there were room again.
    add_tasks(&db, &[large]).await;
    assert_eq!(tasks::list(&mut db.read().await.unwrap(), &tasks::Filter::default(), 0, 1).await.unwrap().1, 1);
}
