//! Federated providers: other places where users sign in, and who users are there.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ids::{ProviderId, UserId};
use super::page::{MAX_DEPTH, MAX_LIMIT};
use super::schema;
use super::values::words;

/// The longest name of a provider, in characters.
pub const MAX_NAME: usize = 200;
/// The longest subject, in characters.
pub const MAX_SUBJECT: usize = 255;

/// Fields of an identity that a body may have and that are ignored, so that an answer can be sent back.
pub const IDENTITY_READ_ONLY: [&str; 2] = ["user_id", "linked_at"];

words! {
    /// How users sign in at a provider.
    ProviderType {
        /// Google.
        Google = "google",
        /// GitHub.
        Github = "github",
        /// Microsoft.
        Microsoft = "microsoft",
        /// Apple.
        Apple = "apple",
        /// Any provider that speaks OIDC.
        Oidc = "oidc",
        /// Any provider that speaks SAML.
        Saml = "saml",
        /// A directory that speaks LDAP.
        Ldap = "ldap",
    }
}

/// A federated provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct FederatedProvider {
    /// The provider.
    pub id: ProviderId,
    /// Unique among providers.
    pub name: String,
    /// How users sign in there.
    pub provider_type: ProviderType,
    /// Whether users may sign in there. Identities can be linked either way.
    pub enabled: bool,
    /// When the provider was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl FederatedProvider {
    /// An enabled provider.
    pub fn new(id: ProviderId, name: String, provider_type: ProviderType, created_at: Timestamp) -> Self {
        Self { id, name, provider_type, enabled: true, created_at, updated_at: created_at }
    }
}

/// Creates a provider, or replaces one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
#[schemars(transform = schema::ignoring(&schema::MADE))]
pub struct NewFederatedProvider {
    /// Unique among providers, and not `internal`; up to 200 characters.
    #[schemars(length(max = MAX_NAME), regex(pattern = schema::LINE))]
    pub name: String,
    /// How users sign in there.
    pub provider_type: ProviderType,
    /// `true` where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
}

impl NewFederatedProvider {
    /// An enabled provider.
    pub fn new(name: impl Into<String>, provider_type: ProviderType) -> Self {
        Self { name: name.into(), provider_type, enabled: None }
    }
}

/// Changes the fields of a provider that it names.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
#[schemars(transform = schema::ignoring(&schema::MADE))]
pub struct FederatedProviderPatch {
    /// The name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", length(max = MAX_NAME), regex(pattern = schema::LINE))]
    pub name: Option<String>,
    /// How users sign in there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "ProviderType")]
    pub provider_type: Option<ProviderType>,
    /// Whether users may sign in there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
}

impl FederatedProviderPatch {
    /// Changes nothing yet.
    pub fn new() -> Self {
        Self::default()
    }
}

/// Which providers to list.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct FederatedProviderQuery {
    /// The page, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = MAX_DEPTH))]
    pub page: Option<u32>,
    /// Providers on a page: from 1 to 1000, 20 where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = MAX_LIMIT))]
    pub limit: Option<u32>,
    /// The provider with exactly this name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = schema::TEXT))]
    pub name: Option<String>,
    /// Providers of this type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_type: Option<ProviderType>,
}

impl FederatedProviderQuery {
    /// All providers, by name.
    pub fn new() -> Self {
        Self::default()
    }

    /// The provider with this name: one or none.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..Self::default() }
    }
}

/// Who a user is at a provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct FederatedIdentity {
    /// The provider.
    pub provider_id: ProviderId,
    /// What the provider calls the user. No two users have the same one at one provider.
    pub subject: String,
    /// The user.
    pub user_id: UserId,
    /// Since when this is known.
    pub linked_at: Timestamp,
}

impl FederatedIdentity {
    /// An identity.
    pub fn new(provider_id: ProviderId, subject: String, user_id: UserId, linked_at: Timestamp) -> Self {
        Self { provider_id, subject, user_id, linked_at }
    }
}

/// Links a user to who he or she is at a provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
#[schemars(transform = schema::ignoring(&IDENTITY_READ_ONLY))]
pub struct NewFederatedIdentity {
    /// The provider. A user has at most one identity at each.
    pub provider_id: ProviderId,
    /// What the provider calls the user; up to 255 characters.
    #[schemars(length(max = MAX_SUBJECT), regex(pattern = schema::LINE))]
    pub subject: String,
}

impl NewFederatedIdentity {
    /// An identity.
    pub fn new(provider_id: ProviderId, subject: impl Into<String>) -> Self {
        Self { provider_id, subject: subject.into() }
    }
}
