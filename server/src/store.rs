//! All SQL: no permission, no clock, no rule of scheduling.
//!
//! A function takes a [`Tx`], so that its caller decides what is atomic. Each statement is one text, written in what SQLite
//! and PostgreSQL share; `on!` binds the function's body to the database behind the transaction, and `dialect.rs` has the
//! few words that differ.

pub mod active_runs;
pub mod active_steps;
pub mod activities;
pub mod audit;
pub mod backup;
pub mod bench;
pub mod connected_systems;
pub mod connector_objects;
pub mod db;
mod dialect;
pub mod executions;
pub mod idempotency;
pub mod identity;
pub mod invariants;
pub mod metrics;
pub mod origin;
mod page;
pub mod readiness;
pub mod rotation;
pub mod run_logs;
pub mod run_profiles;
pub mod runs;
pub mod schedules;
pub mod secrets;
pub mod service_accounts;
pub mod short_tokens;
pub mod tasks;
pub mod tokens;

use jiff::Timestamp;
use sqlx::postgres::PgDatabaseError;

use db::on;
pub use db::{Db, Tx};
use dialect::{given, locked};

/// Why the database did not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A unique constraint refused the row.
    #[error("the row conflicts with another one")]
    Conflict(#[source] sqlx::Error),
    /// The database cannot be used at the moment.
    #[error("the database is unavailable")]
    Unavailable(#[source] sqlx::Error),
    /// The database did not answer in time.
    #[error("the database did not answer in time")]
    Silent,
    /// A stored value is not what the schema promises.
    #[error("column `{column}` holds a value that cannot be read")]
    Corrupt {
        /// The column.
        column: &'static str,
    },
    /// The texts of a page are longer than [`MAX_PAGE_BYTES`](justiam_sdk::api::page::MAX_PAGE_BYTES).
    #[error("the page is too long")]
    LongPage,
    /// The address of the database cannot be used. It may hold a password, so it is not repeated.
    #[error("{0}")]
    Address(&'static str),
    /// The schema cannot be brought up to date.
    #[error("the database schema cannot be used")]
    Schema(#[source] sqlx::migrate::MigrateError),
    /// Anything else.
    #[error("the database refused a statement")]
    Database(#[source] sqlx::Error),
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(cause) if cause.is_unique_violation() => Self::Conflict(error),
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::BeginFailed
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Self::Unavailable(error),
            sqlx::Error::Database(cause) => {
                let code = cause.code().unwrap_or_default();
                let passes = match cause.try_downcast_ref::<PgDatabaseError>() {
                    Some(_) => passes_on_postgres(&code),
                    None => passes_on_sqlite(&code),
                };
                if passes { Self::Unavailable(error) } else { Self::Database(error) }
            }
            _ => Self::Database(error),
        }
    }
}

/// Codes after which the same statement may succeed: 5 busy, 6 locked, 8 read-only, 10 input/output, 13 disk full, 14 cannot
/// open; the rest of a code is detail.
fn passes_on_sqlite(code: &str) -> bool {
    code.parse::<u32>().is_ok_and(|code| matches!(code & 0xff, 5 | 6 | 8 | 10 | 13 | 14))
}

/// Codes after which the same statement may succeed: connection (08), a transaction that was ended or may only read (25), a
/// password or a right that was taken away for a while (28, 42501), a database that is being restored (3D), rolled back because of
/// others (40), resources (53), objects in use (55), stopped by the operator or a time limit (57), system errors (58).
fn passes_on_postgres(code: &str) -> bool {
    ["08", "25", "28", "3D", "40", "53", "55", "57", "58"].iter().any(|class| code.starts_with(class))
        || code == "42501"
}

impl Error {
    /// Whether the database refuses a value as such: too long, or of a form that it cannot keep.
    pub fn is_about_a_value(&self) -> bool {
        let Self::Database(sqlx::Error::Database(cause)) = self else { return false };
        let code = cause.code().unwrap_or_default();
        match cause.try_downcast_ref::<PgDatabaseError>() {
            Some(_) => code.starts_with("22") || code.starts_with("54"),
            // Too big.
            None => code.parse::<u32>().is_ok_and(|code| code & 0xff == 18),
        }
    }

    /// Why a database that answers stores nothing at the moment; `None` where it is something else, or not known.
    pub fn stores_nothing(&self) -> Option<&'static str> {
        let Self::Unavailable(sqlx::Error::Database(cause)) = self else { return None };
        let code = cause.code().unwrap_or_default();
        let (full, read_only) = if cause.try_downcast_ref::<PgDatabaseError>().is_some() {
            (code == "53100", code == "25006")
        } else {
            let code = code.parse::<u32>().unwrap_or_default() & 0xff;
            (code == 13, code == 8)
        };
        if full {
            Some("its disk is full")
        } else if read_only {
            Some("it can only be read")
        } else {
            None
        }
    }
}

/// The result of a store function.
pub type Result<T> = std::result::Result<T, Error>;

/// A stored time.
fn time(column: &'static str, micros: i64) -> Result<Timestamp> {
    Timestamp::from_microsecond(micros).map_err(|_| Error::Corrupt { column })
}

/// A stored time that may be absent.
fn maybe_time(column: &'static str, micros: Option<i64>) -> Result<Option<Timestamp>> {
    micros.map(|micros| time(column, micros)).transpose()
}

/// A stored value in its text form.
fn parsed<T: std::str::FromStr>(column: &'static str, text: &str) -> Result<T> {
    text.parse().map_err(|_| Error::Corrupt { column })
}

/// A stored JSON value.
fn json<T: serde::de::DeserializeOwned>(column: &'static str, text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|_| Error::Corrupt { column })
}

/// Rows for a statement with `given!`. Structs of texts and numbers always have a JSON form.
fn rows<T: serde::Serialize>(rows: impl IntoIterator<Item = T>) -> String {
    let rows: Vec<T> = rows.into_iter().collect();
    serde_json::to_string(&rows).unwrap_or_else(|_| "[]".to_owned())
}

/// A text as it is compared where letter case does not matter.
///
/// Character by character, for the lower case of a whole text depends on what stands beside a sigma: a part of a text would not
/// be found in it, nor would two spellings of one address be the same.
pub fn folded(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).map(|char| if char == 'ς' { 'σ' } else { char }).collect()
}

/// A pattern for `LIKE` that finds the text anywhere, in any letter case.
fn contains(text: &str) -> String {
    let escaped = folded(text).replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("%{escaped}%")
}

/// Maps of strings and JSON values always have a text form.
fn text(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "{}".to_owned())
}
