//! A task's config entries.

use reqwest::Method;

use super::error::Error;
use super::transport::Transport;
use crate::api::config::{ConfigEntries, ConfigMap};
use crate::api::ids::TaskId;
use crate::api::paths;

/// The config entries of one task.
#[derive(Clone, Copy)]
#[must_use]
pub struct Config<'a> {
    pub(super) transport: &'a Transport,
    pub(super) task: TaskId,
}

impl Config<'_> {
    /// All entries.
    pub async fn get(&self) -> Result<ConfigMap, Error> {
        let entries: ConfigEntries = self.transport.get(&paths::task_config(self.task)).await?;
        Ok(entries.config)
    }

    /// Replaces all entries; keys that are left out are deleted.
    pub async fn replace(&self, entries: &ConfigMap) -> Result<ConfigMap, Error> {
        let entries: ConfigEntries =
            self.transport.send_body(Method::PUT, &paths::task_config(self.task), entries).await?;
        Ok(entries.config)
    }
}
