//! A task's secrets.

pub(super) mod compare;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;

use std::collections::{BTreeMap, BTreeSet};

use justiam_sdk::api::ids::TaskId;
use justiam_sdk::api::secrets::{
    MAX_KEY, MAX_KEYS, MAX_VALUE, MAX_VALUES, Secret, SecretKeys, SecretMap, SecretsPatch,
};
use serde_json::Value;

use super::audit::{Event, Touched};
use super::caller::{Caller, Permission};
use super::fields::{Field, Fields, Object, texts};
use super::tasks::check_revision;
use super::vault::Vault;
use super::{App, Error, FieldErrors, Result};
use crate::store::secrets::{self, SealedSecret};
use crate::store::{Tx, tasks};

/// What to do with the secrets of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    /// Write these and remove all others.
    Replace(SecretMap),
    /// Write and remove some, leave the others alone.
    Patch(SecretsPatch),
}

impl App {
    /// The keys of a task's secrets, and their revisions.
    pub async fn secret_keys(&self, caller: &Caller, id: TaskId) -> Result<SecretKeys> {
        caller.require(Permission::TasksView)?;
        let mut tx = self.db.read().await?;
        tasks::get(&mut tx, id).await?.ok_or_else(|| Error::no_task(&id))?;
        Ok(self.keys(id, secrets::list(&mut tx, id).await?))
    }

    /// Replaces all secrets of a task.
    pub async fn replace_secrets(
        &self,
        caller: &Caller,
        id: TaskId,
        body: Object,
        if_match: Option<&str>,
    ) -> Result<SecretKeys> {
        caller.require(Permission::SecretsWrite)?;
        let mut errors = FieldErrors::default();
        let secrets = texts(body, "", &mut errors).into_iter().map(|(key, value)| (key, Secret::from(value))).collect();
        check(&secrets, "", &mut errors);
        errors.check()?;
        self.change_task_secrets(caller, id, &Change::Replace(secrets), if_match).await
    }

    /// Writes and removes some secrets of a task.
    pub async fn patch_secrets(
        &self,
        caller: &Caller,
        id: TaskId,
        body: Object,
        if_match: Option<&str>,
    ) -> Result<SecretKeys> {
        caller.require(Permission::SecretsWrite)?;
        let mut fields = Fields::new(body);
        let patch = read_patch(&mut fields, "");
        fields.finish().check()?;
        self.change_task_secrets(caller, id, &Change::Patch(patch), if_match).await
    }

    async fn change_task_secrets(
        &self,
        caller: &Caller,
        id: TaskId,
        change: &Change,
        if_match: Option<&str>,
    ) -> Result<SecretKeys> {
        let mut tx = self.db.write().await?;
        let mut task = self.writable_task(&mut tx, id).await?;
        check_revision(&task, if_match)?;
        let touched = self.change_secrets(&mut tx, id, change).await?;
        if !touched.is_empty() {
            task.revision = self.new_revision();
            task.updated_at = self.now();
            tasks::update(&mut tx, &task).await?;
            self.note(&mut tx, caller, Event::task("task.update", &task).secrets(touched)).await?;
        }
        let keys = self.keys(id, secrets::list(&mut tx, id).await?);
        tx.commit().await?;
        Ok(keys)
    }

    /// Carries out a change and tells to which keys it made a difference. A value that is the same keeps its revision.
    pub(super) async fn change_secrets(&self, tx: &mut Tx, task: TaskId, change: &Change) -> Result<Touched> {
        let stored: BTreeMap<String, SealedSecret> =
            secrets::list(tx, task).await?.into_iter().map(|secret| (secret.key.clone(), secret)).collect();
        let (set, remove): (&SecretMap, BTreeSet<&String>) = match change {
            Change::Replace(set) => (set, stored.keys().filter(|key| !set.contains_key(*key)).collect()),
            Change::Patch(patch) => (&patch.set, patch.remove.iter().filter(|key| stored.contains_key(*key)).collect()),
        };
        let left: Vec<&SealedSecret> =
            stored.values().filter(|old| !remove.contains(&old.key) && !set.contains_key(&old.key)).collect();
        let mut errors = FieldErrors::default();
        if left.len() + set.len() > MAX_KEYS {
            errors.add("secrets", format!("a task may have {MAX_KEYS} secrets at the most"));
        }
        let bytes: usize = left.iter().map(|old| Vault::length(&old.sealed)).sum();
        let bytes = bytes + set.values().map(|value| value.expose().len()).sum::<usize>();
        if bytes > MAX_VALUES {
            errors.add(
                "secrets",
                format!("the values would be {bytes} bytes long together; all secrets of a task may be {MAX_VALUES} at the most"),
            );
        }
        errors.check()?;
        let mut touched = Touched::default();
        for key in remove {
            secrets::remove(tx, task, key).await?;
            touched.removed.push(key.clone());
        }
        for (key, value) in set {
            let same = stored
                .get(key)
                .and_then(|old| self.vault.open(task, key, &old.sealed_by, &old.sealed).ok())
                .is_some_and(|old| old == *value);
            if same {
                continue;
            }
            touched.set.push(key.clone());
            let sealed = self.vault.seal(task, key, value).map_err(|_| Error::Crypto)?;
            let sealed_by = self.vault.key_id().to_owned();
            let secret = SealedSecret { key: key.clone(), sealed_by, sealed, revision: self.new_revision() };
            secrets::put(tx, task, &secret).await?;
        }
        Ok(touched)
    }

    /// Opens all secrets of a task, for its run.
    pub(crate) async fn open_secrets(&self, tx: &mut Tx, task: TaskId) -> Result<SecretMap> {
        let mut opened = SecretMap::new();
        for secret in secrets::list(tx, task).await? {
            let value = self
                .vault
                .open(task, &secret.key, &secret.sealed_by, &secret.sealed)
                .map_err(|why| Error::Sealed { key: secret.key.clone(), task: task.to_string(), why })?;
            opened.insert(secret.key, value);
        }
        Ok(opened)
    }
}

/// Reads `{"set": {…}, "remove": […]}`. `prefix` leads the paths of its errors.
pub(super) fn read_patch(fields: &mut Fields, prefix: &str) -> SecretsPatch {
    let mut patch = SecretsPatch::new();
    if let Field::Value(set) = fields.texts("set") {
        patch.set = set.into_iter().map(|(key, value)| (key, Secret::from(value))).collect();
    }
    check(&patch.set, &format!("{prefix}set."), &mut fields.errors);
    for (index, key) in fields.array("remove").value().unwrap_or_default().into_iter().enumerate() {
        match key {
            Value::String(key) if patch.set.contains_key(&key) => {
                fields.errors.add(format!("{prefix}remove[{index}]"), "must not name a key that is also set");
            }
            Value::String(key) => patch.remove.push(key),
            _ => fields.errors.add(format!("{prefix}remove[{index}]"), "must be a string"),
        }
    }
    patch
}

/// Checks keys and sizes.
pub(super) fn check(secrets: &SecretMap, prefix: &str, errors: &mut FieldErrors) {
    if secrets.len() > MAX_KEYS {
        // The body of a PUT has no path of its own.
        let path = if prefix.is_empty() { "secrets" } else { prefix.trim_end_matches('.') };
        errors.add(path, format!("may have {MAX_KEYS} keys at the most"));
    }
    for (key, value) in secrets {
        let path = || format!("{prefix}{}", super::error::shown(key));
        check_key(key, MAX_KEY, errors, path);
        if value.expose().len() > MAX_VALUE {
            errors.add(
                path(),
                format!("is {} bytes long; a secret may be {MAX_VALUE} at the most", value.expose().len()),
            );
        }
    }
}

/// Checks a key of secrets or config entries.
pub(super) fn check_key(key: &str, max: usize, errors: &mut FieldErrors, path: impl Fn() -> String) {
    if key.is_empty() {
        errors.add(path(), "the key must not be empty");
    } else if key.len() > max {
        errors.add(path(), format!("the key is longer than {max} bytes"));
    } else if key.chars().any(char::is_control) {
        errors.add(path(), "the key must not contain control characters");
    }
}

impl App {
    fn keys(&self, task: TaskId, secrets: Vec<SealedSecret>) -> SecretKeys {
        SecretKeys {
            keys: secrets.iter().map(|secret| secret.key.clone()).collect(),
            revisions: secrets.into_iter().map(|secret| self.told(task, secret)).collect(),
        }
    }

    /// A key, and the revision that is told of its value.
    pub(super) fn told(&self, task: TaskId, secret: SealedSecret) -> (String, String) {
        let opens = self.vault.open(task, &secret.key, &secret.sealed_by, &secret.sealed).is_ok();
        (secret.key, told_revision(secret.revision, opens))
    }
}

/// The revision that is told of a value. A value that this server cannot open has another one than before: whoever remembers that
/// sees a change, and repairs it by writing the value again. With the right server secret, the old revisions are back.
pub(super) fn told_revision(revision: String, opens: bool) -> String {
    if opens { revision } else { revision + "-unreadable" }
}
