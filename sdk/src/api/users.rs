//! Users, and the bodies that create and change them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ids::{GroupId, UserId};
use super::page::{MAX_DEPTH, MAX_LIMIT, MAX_SEARCH};
use super::schema;
use super::tasks::named;

/// The longest e-mail address, in characters.
pub const MAX_EMAIL: usize = 254;
/// The longest first or last name, in characters.
pub const MAX_NAME: usize = 200;
/// The most attributes of one user.
pub const MAX_ATTRIBUTES: usize = 100;
/// The longest name of an attribute, in characters.
pub const MAX_ATTRIBUTE_KEY: usize = 100;
/// The longest value of an attribute, in characters.
pub const MAX_ATTRIBUTE: usize = 4096;
/// The most bytes that all attributes of one user have as a JSON object without blanks.
pub const MAX_ATTRIBUTES_BYTES: usize = 16 * 1024;
/// The `auth_source` of users who do not come from a federated provider.
pub const INTERNAL: &str = "internal";

/// Further facts about a user, by name.
pub type Attributes = BTreeMap<String, String>;

/// A user as the server tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct User {
    /// The user.
    pub id: UserId,
    /// The address, as it was written. No two users have the same one, whatever the letter case.
    pub email: String,
    /// May be empty.
    pub first_name: String,
    /// May be empty.
    pub last_name: String,
    /// Whether the user may sign in.
    pub is_active: bool,
    /// Where the user comes from: `internal`, or the name of a federated provider. The provider may be gone.
    pub auth_source: String,
    /// Further facts.
    pub attributes: Attributes,
    /// When the user last signed in.
    pub last_login_at: Option<Timestamp>,
    /// When the user was created.
    pub created_at: Timestamp,
    /// When the user last changed. Memberships and identities are no part of a user.
    pub updated_at: Timestamp,
}

impl User {
    /// An active user with default values for everything that is not named here.
    pub fn new(id: UserId, email: String, created_at: Timestamp) -> Self {
        Self {
            id,
            email,
            first_name: String::new(),
            last_name: String::new(),
            is_active: true,
            auth_source: INTERNAL.to_owned(),
            attributes: Attributes::new(),
            last_login_at: None,
            created_at,
            updated_at: created_at,
        }
    }
}

/// Creates a user, or replaces all that one consists of.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
#[schemars(transform = schema::ignoring(&schema::MADE))]
pub struct NewUser {
    /// The address; up to 254 characters.
    #[schemars(length(max = MAX_EMAIL), regex(pattern = schema::EMAIL))]
    pub email: String,
    /// Empty where absent; up to 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = MAX_NAME), regex(pattern = schema::MAYBE_LINE))]
    pub first_name: Option<String>,
    /// Empty where absent; up to 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = MAX_NAME), regex(pattern = schema::MAYBE_LINE))]
    pub last_name: Option<String>,
    /// `true` where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_active: Option<bool>,
    /// `internal` where absent; else the name of a federated provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = MAX_NAME), regex(pattern = schema::LINE))]
    pub auth_source: Option<String>,
    /// None where absent; up to 100, each with a name of up to 100 and a value of up to 4096 characters, and up to 16 KiB of
    /// JSON together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = schema::texts(MAX_ATTRIBUTES, MAX_ATTRIBUTE_KEY, MAX_ATTRIBUTE, schema::LINE))]
    pub attributes: Option<Attributes>,
    /// Never where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_login_at: Option<Timestamp>,
}

impl NewUser {
    /// An active user with this address, and no more.
    pub fn new(email: impl Into<String>) -> Self {
        Self { email: email.into(), ..Self::default() }
    }

    /// An active user with a name.
    pub fn named(email: impl Into<String>, first_name: impl Into<String>, last_name: impl Into<String>) -> Self {
        Self { first_name: Some(first_name.into()), last_name: Some(last_name.into()), ..Self::new(email) }
    }
}

/// Changes the fields that it names, all at once or not at all.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
#[schemars(transform = schema::ignoring(&schema::MADE))]
pub struct UserPatch {
    /// The address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", length(max = MAX_EMAIL), regex(pattern = schema::EMAIL))]
    pub email: Option<String>,
    /// The first name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = MAX_NAME), regex(pattern = schema::MAYBE_LINE))]
    pub first_name: Option<String>,
    /// The last name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = MAX_NAME), regex(pattern = schema::MAYBE_LINE))]
    pub last_name: Option<String>,
    /// Whether the user may sign in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_active: Option<bool>,
    /// `internal`, or the name of a federated provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = MAX_NAME), regex(pattern = schema::LINE))]
    pub auth_source: Option<String>,
    /// Replaces all attributes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = schema::texts(MAX_ATTRIBUTES, MAX_ATTRIBUTE_KEY, MAX_ATTRIBUTE, schema::LINE))]
    pub attributes: Option<Attributes>,
    /// When the user last signed in; `Some(None)` is never.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "named")]
    #[schemars(with = "Option<Timestamp>")]
    pub last_login_at: Option<Option<Timestamp>>,
}

impl UserPatch {
    /// Changes nothing yet.
    pub fn new() -> Self {
        Self::default()
    }
}

/// Which users to list, ordered by e-mail address.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct UserQuery {
    /// The page, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = MAX_DEPTH))]
    pub page: Option<u32>,
    /// Users on a page: from 1 to 1000, 20 where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = MAX_LIMIT))]
    pub limit: Option<u32>,
    /// Users in whose e-mail address or name this text is found, in any letter case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = MAX_SEARCH), regex(pattern = schema::TEXT))]
    pub search: Option<String>,
    /// The user with this address, in any letter case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = schema::TEXT))]
    pub email: Option<String>,
    /// Only those who may sign in, or only those who may not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_active: Option<bool>,
    /// Members of this group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_id: Option<GroupId>,
}

impl UserQuery {
    /// All users.
    pub fn new() -> Self {
        Self::default()
    }

    /// The user with this address: one or none.
    pub fn with_email(email: impl Into<String>) -> Self {
        Self { email: Some(email.into()), ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_tells_never_from_not_named() {
        let patch: UserPatch = serde_json::from_str(r#"{"last_login_at":null,"is_active":false}"#).unwrap();
        assert_eq!((patch.last_login_at, patch.first_name.as_deref()), (Some(None), None));
        assert_eq!(serde_json::to_string(&patch).unwrap(), r#"{"is_active":false,"last_login_at":null}"#);
    }

    #[test]
    fn a_new_user_sends_only_what_it_holds() {
        let user = NewUser::named("a@example.com", "A", "B");
        let expected = r#"{"email":"a@example.com","first_name":"A","last_name":"B"}"#;
        assert_eq!(serde_json::to_string(&user).unwrap(), expected);
    }
}
