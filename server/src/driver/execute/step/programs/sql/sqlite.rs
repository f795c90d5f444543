//! SQLite.

use std::path::Path;
use std::str::FromStr as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::TryStreamExt as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, Connection as _, Either, Executor as _};

use super::super::order::SqlOrder;
use super::statements::{Dialect, Statement, split};
use super::{Done, END, ONE_TRANSACTION, OWN, START, check, told};
use crate::store::origin::Origin;

/// How long to wait for somebody else who writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);

/// Executes the statements of a script.
pub(super) async fn run(order: &SqlOrder, file: &Path, script: &str) -> Result<Done, String> {
    let statements = split(script, Dialect::Sqlite);
    check(&statements)?;
    refuse_others(&statements)?;
    refuse_own(order, file)?;
    let options = SqliteConnectOptions::from_str(&order.url)
        .map_err(|_| "sqlConnectionString: it cannot be read".to_owned())?
        .filename(file)
        .in_memory(false)
        .create_if_missing(false)
        .busy_timeout(BUSY_TIMEOUT);
    let connected = SqliteConnection::connect_with(&options).await;
    let mut connection = connected.map_err(|error| format!("could not open the database: {}", told(&error)))?;
    // Until the script is over, whatever would commit is rolled back, in whatever way the script got there.
    let over = Arc::new(AtomicBool::new(false));
    let may_commit = Arc::clone(&over);
    let hooked = connection.lock_handle().await;
    hooked
        .map_err(|error| format!("could not open the database: {}", told(&error)))?
        .set_commit_hook(move || may_commit.load(Ordering::Relaxed));
    for begin in ["BEGIN", START] {
        connection
            .execute(begin)
            .await
            .map_err(|error| format!("the transaction could not begin: {}", told(&error)))?;
    }
    let before = changes(&mut connection).await?;
    let mut done = Done { statements: statements.len(), ..Done::default() };
    for statement in &statements {
        let executed = execute(&mut connection, statement, &mut done).await;
        executed.map_err(|error| failed(statement, &told(&error)))?;
    }
    if connection.execute(END).await.is_err() {
        return Err(format!("{ONE_TRANSACTION}; nothing of it counts"));
    }
    done.changed = changes(&mut connection).await?.saturating_sub(before);
    over.store(true, Ordering::Relaxed);
    connection.execute("COMMIT").await.map_err(|error| format!("at the end of the script: {}", told(&error)))?;
    // It is done, whatever becomes of the connection.
    let _ = connection.close().await;
    Ok(done)
}

/// A file may have several names.
fn refuse_own(order: &SqlOrder, file: &Path) -> Result<(), String> {
    let origin = Origin::of_file(file)
        .map_err(|error| format!("sqlConnectionString: `{}` cannot be used: {error}", file.display()))?;
    if order.own.is(&origin) { Err(OWN.to_owned()) } else { Ok(()) }
}

async fn execute(
    connection: &mut SqliteConnection,
    statement: &Statement<'_>,
    done: &mut Done,
) -> Result<(), sqlx::Error> {
    let mut results = sqlx::raw_sql(AssertSqlSafe(statement.text)).fetch_many(connection);
    while let Some(result) = results.try_next().await? {
        if let Either::Right(_) = result {
            done.returned += 1;
        }
    }
    Ok(())
}

/// How many rows this connection has changed, those of triggers included.
async fn changes(connection: &mut SqliteConnection) -> Result<u64, String> {
    let changes: Result<i64, _> = sqlx::query_scalar("SELECT total_changes()").fetch_one(connection).await;
    changes.map(i64::unsigned_abs).map_err(|error| told(&error))
}

/// A script keeps to its own database. What it may look at decides nothing here: it could have made that itself.
fn refuse_others(statements: &[Statement<'_>]) -> Result<(), String> {
    for statement in statements {
        let why = if let Some(odd) = statement.odd() {
            format!("`{}` outside of a text or a name is a parameter, and a script has none", odd.escape_debug())
        } else if let Some(word) = statement.other_file() {
            format!("{word} is not possible: a script works on one database, the one of sqlConnectionString")
        } else {
            continue;
        };
        return Err(format!("{}: {why}; nothing of it was executed", statement.place(0)));
    }
    Ok(())
}

fn failed(statement: &Statement<'_>, why: &str) -> String {
    format!("{}: {why}; nothing of the script counts", statement.place(0))
}
