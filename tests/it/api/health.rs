//! Whether a server can work: `GET /health/ready`.

use serde_json::json;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{Connection as _, Executor as _};

use super::support::{Answer, Api, answer};

async fn ready(api: &Api) -> Answer {
    answer(api.anonymous("GET", "/health/ready")).await
}

/// The parts that the server names, and nothing else about them.
#[track_caller]
fn unready(answer: &Answer) -> Vec<String> {
    let body = answer.refused(503, "SERVICE_UNAVAILABLE");
    assert_eq!(answer.header("retry-after"), "1");
    let parts: Vec<String> = serde_json::from_value(body["details"]["unready"].clone()).unwrap();
    assert_eq!(body["message"], format!("this server is not ready: {}", parts.join(", ")));
    assert_eq!(body["details"], json!({ "unready": parts }));
    parts
}

async fn another_program(api: &Api) -> SqliteConnection {
    let file = api.server.data_dir().join("server/justiam.db");
    SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(file)).await.unwrap()
}

#[tokio::test]
async fn a_server_whose_database_takes_no_write_is_not_ready_and_names_the_loops_that_hang_by_it() {
    let api = Api::start().await;
    ready(&api).await.expect(200);
    let mut other = another_program(&api).await;
    other.execute("BEGIN IMMEDIATE").await.unwrap();
    // An answer is good for a second.
    ready(&api).await.expect(200);
    // All loops wake up, and wait for the database.
    api.server.advance(60);
    assert_eq!(unready(&ready(&api).await), ["database"]);
    assert_eq!(answer(api.anonymous("GET", "/health")).await.expect(200).json()["status"], "healthy");
    api.server.advance(121);
    let parts = unready(&ready(&api).await);
    assert_eq!(parts[0], "database");
    assert!(parts.contains(&"dispatch".to_owned()) && parts.contains(&"work".to_owned()), "{parts:?}");
    other.execute("ROLLBACK").await.unwrap();
    justiam_tests::until("the server to be ready again", async || {
        api.server.advance(1);
        ready(&api).await.status == 200
    })
    .await;
}

#[tokio::test]
async fn a_server_whose_schema_a_newer_one_has_changed_is_not_ready() {
    let api = Api::start().await;
    let mut other = another_program(&api).await;
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
                 VALUES (9999, 'newer', TRUE, x'00', 0)";
    other.execute(newer).await.unwrap();
    assert_eq!(unready(&ready(&api).await), ["schema"]);
    other.execute("DELETE FROM _sqlx_migrations WHERE version = 9999").await.unwrap();
    api.server.advance(1);
    ready(&api).await.expect(200);
}
