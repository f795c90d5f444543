//! A task's config entries: plain text that its script reads.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The longest value of one entry, in bytes.
pub const MAX_VALUE: usize = 64 * 1024;
/// The longest key, in bytes.
pub const MAX_KEY: usize = 256;
/// The most entries of one task.
pub const MAX_KEYS: usize = 1000;

/// Config entries by key; also the body that replaces all of them. A list is JSON or comma-separated text.
pub type ConfigMap = BTreeMap<String, String>;

/// The answer to a read of a task's config entries.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct ConfigEntries {
    /// The entries.
    pub config: ConfigMap,
}
