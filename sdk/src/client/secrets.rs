//! A task's secrets.

use std::collections::BTreeMap;

use reqwest::Method;

use super::error::Error;
use super::transport::Transport;
use crate::api::ids::TaskId;
use crate::api::paths;
use crate::api::secrets::{SecretKeys, SecretMap, SecretsPatch};

/// The secrets of one task. Nothing here returns a value: no server does.
#[derive(Clone, Copy)]
#[must_use]
pub struct Secrets<'a> {
    pub(super) transport: &'a Transport,
    pub(super) task: TaskId,
}

impl Secrets<'_> {
    /// The keys and their revisions.
    pub async fn keys(&self) -> Result<SecretKeys, Error> {
        self.transport.get(&paths::task_secrets(self.task)).await
    }

    /// Replaces all secrets; keys that are left out are deleted.
    pub async fn replace(&self, secrets: &SecretMap) -> Result<SecretKeys, Error> {
        self.transport.send_body(Method::PUT, &paths::task_secrets(self.task), secrets).await
    }

    /// Writes and removes some secrets and leaves the others alone.
    pub async fn update(&self, patch: &SecretsPatch) -> Result<SecretKeys, Error> {
        self.transport.send_body(Method::PATCH, &paths::task_secrets(self.task), patch).await
    }

    /// Tells for each key whether the task's secret has this value; `false` also where there is no such key. Nothing is stored.
    /// Servers answer a few of these in a minute.
    pub async fn compare(&self, secrets: &SecretMap) -> Result<BTreeMap<String, bool>, Error> {
        self.transport.send_body(Method::POST, &paths::task_secrets_compare(self.task), secrets).await
    }
}
