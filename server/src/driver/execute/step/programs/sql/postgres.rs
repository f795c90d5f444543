//! PostgreSQL.

use std::str::FromStr as _;
use std::time::Duration;

use futures::TryStreamExt as _;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgDatabaseError, PgErrorPosition};
use sqlx::{AssertSqlSafe, Connection as _, Either, Executor as _};
use tokio::time::timeout;

use super::super::order::SqlOrder;
use super::hosts::{self, Allowed};
use super::statements::{Dialect, Statement, split};
use super::{Done, END, ONE_TRANSACTION, OWN, START, check, told};
use crate::store::origin::Origin;

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// Has a database that can do so notice within a second that nobody waits any more, also in the middle of a statement.
const NOTICE: &str = "SET client_connection_check_interval = '1s'";

/// Executes the statements of a script.
pub(super) async fn run(order: &SqlOrder, script: &str) -> Result<Done, String> {
    let statements = split(script, Dialect::Postgres);
    check(&statements)?;
    let mut connection = connect(order).await?;
    // Before anything of the script.
    if let Origin::Postgres { .. } = order.own {
        let origin = Origin::of_postgres(&mut connection).await.map_err(|error| {
            format!(
                "sqlConnectionString: it could not be found out whether this is the server's own database: {}",
                told(&error)
            )
        })?;
        if order.own.is(&origin) {
            return Err(OWN.to_owned());
        }
    }
    // An older database notices later.
    let _ = connection.execute(NOTICE).await;
    for begin in ["BEGIN", START] {
        connection
            .execute(begin)
            .await
            .map_err(|error| format!("the transaction could not begin: {}", told(&error)))?;
    }
    let mut done = Done { statements: statements.len(), ..Done::default() };
    for statement in &statements {
        execute(&mut connection, statement, &mut done).await.map_err(|error| failed(statement, &error))?;
    }
    if connection.execute(END).await.is_err() {
        return Err(format!("{ONE_TRANSACTION}; what it committed itself stays"));
    }
    connection.execute("COMMIT").await.map_err(|error| format!("at the end of the script: {}", told(&error)))?;
    // It is done, whatever becomes of the connection.
    let _ = connection.close().await;
    Ok(done)
}

async fn connect(order: &SqlOrder) -> Result<PgConnection, String> {
    let unreadable =
        || "sqlConnectionString: it cannot be read; write `postgres://user:password@host:port/database`".to_owned();
    // The library's error may repeat what is written there.
    let mut options = PgConnectOptions::from_str(&order.url).map_err(|_| unreadable())?;
    let rules: Result<Vec<_>, String> = order.hosts.iter().map(|rule| rule.parse()).collect();
    let host = match options.get_socket() {
        Some(socket) => socket.to_str().ok_or_else(unreadable)?.to_owned(),
        None => options.get_host().to_owned(),
    };
    if let Allowed::Address(address) = hosts::check(&host, options.get_port(), &rules?).await? {
        options = options.host(&address.to_string());
    }
    options = options.application_name("justiam step");
    let connected = timeout(CONNECT_TIMEOUT, PgConnection::connect_with(&options)).await;
    match connected {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(error)) => Err(format!("could not connect to the database: {}", told(&error))),
        Err(_) => Err(format!("could not connect to the database within {} s", CONNECT_TIMEOUT.as_secs())),
    }
}

async fn execute(connection: &mut PgConnection, statement: &Statement<'_>, done: &mut Done) -> Result<(), sqlx::Error> {
    // As a prepared statement: of those the database itself takes one at a time, whatever the text looks like to us.
    let query = sqlx::query(AssertSqlSafe(statement.text)).persistent(false);
    let mut results = connection.fetch_many(query);
    let mut returned = 0;
    while let Some(result) = results.try_next().await? {
        match result {
            Either::Right(_) => returned += 1,
            // The count of a query is that of the rows that came back.
            Either::Left(result) => {
                done.changed += if returned == 0 { result.rows_affected() } else { 0 };
                done.returned += std::mem::take(&mut returned);
            }
        }
    }
    Ok(())
}

fn failed(statement: &Statement<'_>, error: &sqlx::Error) -> String {
    let position = error.as_database_error().and_then(|error| error.try_downcast_ref::<PgDatabaseError>()?.position());
    let characters = match position {
        Some(PgErrorPosition::Original(position)) => position.saturating_sub(1),
        _ => 0,
    };
    format!("{}: {}; nothing of the script counts", statement.place(characters), told(error))
}
