//! A PostgreSQL server that is away, or may only be read, under a server in a process of its own.

use std::process::Stdio;

use justiam_tests::postgres::{Cluster, Settings, Stop, database_on};
use justiam_tests::process::ServerProcess;
use justiam_tests::until;
use reqwest::StatusCode;
use sqlx::Executor as _;

use super::support::Caller;

#[tokio::test]
async fn a_database_that_is_away_or_may_only_be_read_is_told_and_loses_nothing() {
    let (cluster, folder) = (Cluster::start(&Settings::default()), tempfile::tempdir().unwrap());
    let database = database_on(&cluster.url()).await;
    let mut server = ServerProcess::start_on_postgres(folder.path(), &database.url, Stdio::null()).await;
    let caller = Caller::first(&mut server).await;
    let first = caller.create("first", 0).await.unwrap();

    cluster.stop(Stop::Fast);
    let refused = caller.create("while it is away", 0).await.unwrap();
    refused.assert_unavailable("the database is not available at the moment");
    assert_eq!(caller.get("/health").await.status, StatusCode::OK);
    until("the server not to be ready", async || {
        caller.get("/health/ready").await.status == StatusCode::SERVICE_UNAVAILABLE
    })
    .await;
    cluster.start_again();
    until("the server to be ready", async || caller.get("/health/ready").await.status == StatusCode::OK).await;

    let mut admin = database.connect().await;
    let reload = "SELECT pg_reload_conf()";
    admin.execute("ALTER SYSTEM SET default_transaction_read_only = on").await.unwrap();
    admin.execute(reload).await.unwrap();
    until("the database to refuse", async || {
        caller.create("first", 0).await.unwrap().status == StatusCode::SERVICE_UNAVAILABLE
    })
    .await;
    let refused = caller.create("while it may only be read", 0).await.unwrap();
    refused.assert_unavailable("the database stores nothing at the moment: it can only be read");
    // An answer is good for a second.
    until("the server not to be ready", async || {
        caller.get("/health/ready").await.status == StatusCode::SERVICE_UNAVAILABLE
    })
    .await;
    assert_eq!(caller.names().await, ["first"]);
    admin.execute("SET default_transaction_read_only = off").await.unwrap();
    admin.execute("ALTER SYSTEM RESET default_transaction_read_only").await.unwrap();
    admin.execute(reload).await.unwrap();
    until("the server to be ready", async || caller.get("/health/ready").await.status == StatusCode::OK).await;

    assert_eq!(caller.create("later", 0).await.unwrap().status, StatusCode::CREATED);
    assert_eq!(caller.names().await, ["first", "later"]);
    assert_eq!(caller.run(&first.body).await["status"], "success");
    server.terminate();
    server.ended().await;
}
