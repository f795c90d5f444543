//! Users and what belongs to them, loaded from a file.
//!
//! Either the whole file is loaded or nothing. A row over one with the same id says all of what it is afterwards, so
//! that a file can be loaded again; rows that the file does not name stay as they are.

mod federation;
mod items;
mod kinds;
mod people;
mod references;

use serde_json::Value;

use super::error::shown;
use super::fields::{Fields, Object, kind as kind_of};
use super::{App, Error, FieldErrors, Result};
use crate::store::{Tx, identity};
use items::Item;
use references::References;

/// The kinds of things that a file can hold, in the order in which they are loaded: users and providers come before what
/// belongs to them.
pub const KINDS: [&str; 12] = [
    "federated_providers",
    "users",
    "groups",
    "federated_identities",
    "applications",
    "saml_sessions",
    "trusted_devices",
    "user_messages",
    "access_requests",
    "preset_definitions",
    "agent_tokens",
    "audit_log",
];

/// How many rows of each kind a file held; kinds that it does not name are left out.
pub type Loaded = Vec<(&'static str, usize)>;

/// One load, under way.
struct Load<'a> {
    app: &'a App,
    tx: Tx,
    references: References,
    errors: FieldErrors,
}

impl App {
    /// Loads a file of fixtures, given as a JSON text, in one transaction. For the command line: whoever can write the
    /// database may do this.
    ///
    /// Fails with [`Error::Invalid`], which names everything that is wrong with the file by its path, such as
    /// `user_messages[2].user`; what concerns the file as a whole has an empty path.
    pub async fn load_fixtures(&self, text: &[u8]) -> Result<Loaded> {
        let mut errors = FieldErrors::default();
        let lists = read_lists(text, &mut errors)?;
        let mut load = Load { app: self, tx: self.db.write().await?, references: References::default(), errors };
        // A file names rows in any order, so locks on single rows would meet those of others crosswise.
        identity::claim(&mut load.tx).await?;
        let mut loaded = Loaded::new();
        for (kind, list) in lists {
            loaded.push((kind, list.len()));
            let list = list.into_iter().enumerate();
            let items = list.filter_map(|(index, item)| Item::new(kind, index, item, &mut load.errors)).collect();
            load.rows(kind, items).await?;
        }
        load.errors.check()?;
        self.note_load(&mut load.tx, &loaded).await?;
        load.tx.commit().await?;
        Ok(loaded)
    }
}

/// The lists of a file by kind, in the order of [`KINDS`].
fn read_lists(text: &[u8], errors: &mut FieldErrors) -> Result<Vec<(&'static str, Vec<Value>)>> {
    let wrong = |message: String| {
        let mut errors = FieldErrors::default();
        errors.add("", message);
        Error::Invalid(errors)
    };
    let mut object: Object = match super::json::read(text) {
        Ok(Value::Object(object)) => object,
        Ok(other) => return Err(wrong(format!("must be a JSON object, not {}", kind_of(&other)))),
        Err(defect) => return Err(wrong(defect.to_string())),
    };
    let mut lists = Vec::new();
    for kind in KINDS {
        match object.shift_remove(kind) {
            None => {}
            Some(Value::Array(list)) => lists.push((kind, list)),
            Some(other) => errors.add(kind, format!("must be a list, not {}", kind_of(&other))),
        }
    }
    for name in object.keys() {
        errors.add(shown(name), format!("is not a kind of thing that can be loaded; there are {}", KINDS.join(", ")));
    }
    Ok(lists)
}
