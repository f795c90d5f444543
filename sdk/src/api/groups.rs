//! Groups of users, and the bodies that create and change them.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ids::GroupId;
use super::page::{MAX_DEPTH, MAX_LIMIT, MAX_SEARCH};
use super::schema;

/// The longest name, in characters.
pub const MAX_NAME: usize = 200;
/// The longest description, in characters.
pub const MAX_DESCRIPTION: usize = 4000;

/// A group as the server tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct Group {
    /// The group.
    pub id: GroupId,
    /// Unique among groups, in exactly this spelling.
    pub name: String,
    /// Free text; may be empty.
    pub description: String,
    /// When the group was created.
    pub created_at: Timestamp,
    /// When its name or description last changed. Its members are no part of it.
    pub updated_at: Timestamp,
}

impl Group {
    /// A group without a description.
    pub fn new(id: GroupId, name: String, created_at: Timestamp) -> Self {
        Self { id, name, description: String::new(), created_at, updated_at: created_at }
    }
}

/// Creates a group, or replaces its name and description.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
#[schemars(transform = schema::ignoring(&schema::MADE))]
pub struct NewGroup {
    /// Unique among groups; up to 200 characters.
    #[schemars(length(max = MAX_NAME), regex(pattern = schema::LINE))]
    pub name: String,
    /// Empty where absent; up to 4000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = MAX_DESCRIPTION), regex(pattern = schema::TEXT))]
    pub description: Option<String>,
}

impl NewGroup {
    /// A group without a description.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), description: None }
    }
}

/// Changes the fields that it names, all at once or not at all.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
#[schemars(transform = schema::ignoring(&schema::MADE))]
pub struct GroupPatch {
    /// The name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", length(max = MAX_NAME), regex(pattern = schema::LINE))]
    pub name: Option<String>,
    /// Free text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = MAX_DESCRIPTION), regex(pattern = schema::TEXT))]
    pub description: Option<String>,
}

impl GroupPatch {
    /// Changes nothing yet.
    pub fn new() -> Self {
        Self::default()
    }
}

/// Which groups to list, ordered by name.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct GroupQuery {
    /// The page, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = MAX_DEPTH))]
    pub page: Option<u32>,
    /// Groups on a page: from 1 to 1000, 20 where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = MAX_LIMIT))]
    pub limit: Option<u32>,
    /// Groups whose name contains this text, in any letter case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = MAX_SEARCH), regex(pattern = schema::TEXT))]
    pub search: Option<String>,
    /// The group with exactly this name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = schema::TEXT))]
    pub name: Option<String>,
}

impl GroupQuery {
    /// All groups.
    pub fn new() -> Self {
        Self::default()
    }

    /// The group with this name: one or none.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..Self::default() }
    }
}
