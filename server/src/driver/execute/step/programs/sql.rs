//! Executes the statements of a script in one transaction: all of them count, or none.
//!
//! This runs in a process of its own with all layers on, so that it can be stopped at any moment and opens no file outside of the allowed
//! folders. No text that leaves it holds the connection string.

mod hosts;
mod postgres;
mod sqlite;
mod statements;

use std::fmt::Write as _;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use justiam_sdk::api::secrets::{Secret, SecretMap};
use url::Url;

use super::super::super::redact::Redactor;
use super::order::SqlOrder;
use super::output::cut;
use statements::Statement;

/// The longest script.
const MAX_SCRIPT: u64 = 16 << 20;

/// The point of a transaction to which nothing of the script belongs. Where it is gone at the end, the script has ended the transaction.
const START: &str = "SAVEPOINT justiam_step";

/// What must work at the end.
const END: &str = "RELEASE SAVEPOINT justiam_step";

/// What a step may not use.
const OWN: &str = "sqlConnectionString: this is the server's own database, which no step may use";

/// What is said of a script that ends the transaction.
const ONE_TRANSACTION: &str =
    "a script is one transaction, which the server begins and ends; remove BEGIN, COMMIT and ROLLBACK from it";

/// Parameters of an address whose values are secret.
const SECRET_PARAMETERS: [&str; 4] = ["password", "pass", "pwd", "sslpassword"];

/// What was done.
#[derive(Debug, Default, PartialEq, Eq)]
struct Done {
    statements: usize,
    /// Rows that were added, changed or removed.
    changed: u64,
    /// Rows that came back.
    returned: u64,
}

impl Done {
    fn text(&self) -> String {
        let counted = |count: u64, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
        let mut text = counted(self.statements as u64, "statement");
        let _ = write!(text, ", {} changed", counted(self.changed, "row"));
        if self.returned > 0 {
            let _ = write!(text, ", {} returned (they are not shown)", counted(self.returned, "row"));
        }
        text
    }
}

/// Executes a script, and says what was done, or why nothing was. What a database says has no limit, so it is cut here, after secrets have
/// been taken out of the whole: of a secret that is cut in two, a half would stay.
pub(super) fn run(order: &SqlOrder) -> Result<String, String> {
    executed(order).map_err(|why| cut(Arc::new(Redactor::new(&secrets(&order.url.as_str().into()), &[])).whole(&why)))
}

fn executed(order: &SqlOrder) -> Result<String, String> {
    let script = read(&order.script)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("the process could not prepare itself: {error}"))?;
    let done = runtime.block_on(async {
        match &order.file {
            Some(file) => sqlite::run(order, file, &script).await,
            None => postgres::run(order, &script).await,
        }
    })?;
    Ok(done.text())
}

/// What must be taken out of texts about a connection.
pub(super) fn secrets(connection_string: &Secret) -> SecretMap {
    let mut secrets = SecretMap::from_iter([("url".to_owned(), connection_string.clone())]);
    let Ok(url) = Url::parse(connection_string.expose()) else { return secrets };
    if let Some(password) = url.password() {
        secrets.insert("as written".to_owned(), password.into());
        // As a parameter of a form, in which `+` must not become a blank, it is what the library reads.
        let form = format!("p={}", password.replace('+', "%2B"));
        for (_, password) in url::form_urlencoded::parse(form.as_bytes()) {
            secrets.insert("password".to_owned(), password.as_ref().into());
        }
    }
    for (number, (name, value)) in url.query_pairs().enumerate() {
        if SECRET_PARAMETERS.contains(&name.to_ascii_lowercase().as_str()) {
            secrets.insert(format!("parameter {number}"), value.as_ref().into());
        }
    }
    secrets
}

fn read(path: &Path) -> Result<String, String> {
    let shown = path.display();
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAX_SCRIPT + 1).read_to_end(&mut bytes));
    read.map_err(|error| format!("sqlScriptPath: `{shown}` cannot be read: {error}"))?;
    if bytes.len() as u64 > MAX_SCRIPT {
        return Err(format!("sqlScriptPath: `{shown}` is longer than {} MiB", MAX_SCRIPT >> 20));
    }
    if bytes.contains(&0) {
        return Err(format!("sqlScriptPath: `{shown}` holds a null character, at which a database would end it"));
    }
    let text = String::from_utf8(bytes).map_err(|_| format!("sqlScriptPath: `{shown}` is not UTF-8"))?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// Whether the statements can be executed as one transaction.
fn check(statements: &[Statement<'_>]) -> Result<(), String> {
    if statements.is_empty() {
        return Err("the script has no statements".to_owned());
    }
    match statements.iter().find(|statement| statement.is_transaction()) {
        Some(statement) => Err(format!("{}: {ONE_TRANSACTION}; nothing of it was executed", statement.place(0))),
        None => Ok(()),
    }
}

/// An error of the database in words that never hold the address.
fn told(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(error) => error.message().to_owned(),
        sqlx::Error::Io(error) => error.to_string(),
        sqlx::Error::Tls(error) => format!("TLS: {error}"),
        sqlx::Error::Protocol(why) => why.clone(),
        _ => "the connection could not be used".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_done_is_one_line() {
        let text = |statements, changed, returned| Done { statements, changed, returned }.text();
        assert_eq!(text(1, 0, 0), "1 statement, 0 rows changed");
        assert_eq!(text(3, 1, 2), "3 statements, 1 row changed, 2 rows returned (they are not shown)");
    }

    #[test]
    fn passwords_are_known_in_all_places_of_an_address() {
        let of = |url: &str| {
            let mut values: Vec<String> =
                secrets(&url.into()).values().map(|value| value.expose().to_owned()).collect();
            values.sort();
            values
        };
        let url = "postgres://u:p%40ss+1@h/d?Password=x%20y&sslmode=require";
        assert_eq!(of(url), ["p%40ss+1", "p@ss+1", url, "x y"]);
        assert_eq!(of("postgres://[nonsense"), ["postgres://[nonsense"]);
    }
}
