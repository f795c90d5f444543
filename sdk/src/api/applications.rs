//! Applications that users sign in to.

use jiff::Timestamp;
use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::ids::ApplicationId;
use super::page::{MAX_DEPTH, MAX_LIMIT};
use super::schema;
use super::secrets::Secret;
use super::values::{Words as _, words};

/// The longest name of an application, in characters.
pub const MAX_NAME: usize = 200;
/// What every client secret begins with.
pub const SECRET_PREFIX: &str = "justiam_cs_";

/// Fields of an application that a body may have and that are ignored, so that an answer can be sent back.
pub const READ_ONLY: [&str; 6] = ["id", "created_at", "updated_at", "client_id", "client_secret", "secret_rotated_at"];

words! {
    /// How an application lets users sign in.
    ApplicationType {
        /// OIDC with a client secret: an application with a server of its own.
        Oidc = "oidc",
        /// OIDC without one: an application that lives in the browser.
        Spa = "spa",
        /// SAML.
        Saml = "saml",
        /// Only a name: users sign in somewhere else.
        External = "external",
    }
}

impl ApplicationType {
    /// Whether an application of this type has a client id.
    pub fn has_client_id(&self) -> bool {
        matches!(self, Self::Oidc | Self::Spa)
    }

    /// Whether an application of this type has a client secret.
    pub fn has_secret(&self) -> bool {
        *self == Self::Oidc
    }
}

/// An application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct Application {
    /// The application.
    pub id: ApplicationId,
    /// Unique among applications.
    pub name: String,
    /// How users sign in. Never changes.
    pub application_type: ApplicationType,
    /// How the application introduces itself; `oidc` and `spa` have one. The server makes it, and it never changes.
    pub client_id: Option<String>,
    /// When the client secret was last made, at the creation or by a rotation; `oidc` alone has one.
    pub secret_rotated_at: Option<Timestamp>,
    /// When the application was created.
    pub created_at: Timestamp,
    /// When its name or its secret last changed.
    pub updated_at: Timestamp,
    /// The client secret. Only in the answer to the request that made it: the server keeps nothing but a hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<Secret>,
}

impl Application {
    /// An application without client id and secret.
    pub fn new(id: ApplicationId, name: String, application_type: ApplicationType, created_at: Timestamp) -> Self {
        Self {
            id,
            name,
            application_type,
            client_id: None,
            secret_rotated_at: None,
            created_at,
            updated_at: created_at,
            client_secret: None,
        }
    }
}

/// Creates an application, or replaces one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
#[schemars(transform = schema::ignoring(&READ_ONLY))]
pub struct NewApplication {
    /// Unique among applications; up to 200 characters.
    #[schemars(length(max = MAX_NAME), regex(pattern = schema::LINE))]
    pub name: String,
    /// How users sign in. A replacement cannot change it.
    pub application_type: ApplicationType,
}

impl NewApplication {
    /// An application.
    pub fn new(name: impl Into<String>, application_type: ApplicationType) -> Self {
        Self { name: name.into(), application_type }
    }
}

/// A patch may name the type that there is.
fn same_type(schema: &mut Schema) {
    let description = "The type that the application has: it cannot be changed.";
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        let words = ApplicationType::KNOWN;
        properties
            .insert("application_type".into(), json!({ "description": description, "type": "string", "enum": words }));
    }
}

/// Changes the fields of an application that it names.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
#[schemars(transform = schema::ignoring(&READ_ONLY), transform = same_type)]
pub struct ApplicationPatch {
    /// The name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", length(max = MAX_NAME), regex(pattern = schema::LINE))]
    pub name: Option<String>,
}

impl ApplicationPatch {
    /// Changes nothing yet.
    pub fn new() -> Self {
        Self::default()
    }
}

/// Which applications to list.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ApplicationQuery {
    /// The page, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = MAX_DEPTH))]
    pub page: Option<u32>,
    /// Applications on a page: from 1 to 1000, 20 where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = MAX_LIMIT))]
    pub limit: Option<u32>,
    /// The application with exactly this name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = schema::TEXT))]
    pub name: Option<String>,
    /// Applications of this type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application_type: Option<ApplicationType>,
}

impl ApplicationQuery {
    /// All applications, by name.
    pub fn new() -> Self {
        Self::default()
    }

    /// The application with this name: one or none.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_client_secret() {
        let id = "0199f2a6-0000-7000-8000-000000000001".parse().unwrap();
        let mut application = Application::new(id, "Wiki".into(), ApplicationType::Oidc, Timestamp::UNIX_EPOCH);
        assert!(!serde_json::to_string(&application).unwrap().contains("client_secret"));
        application.client_secret = Some("canary".into());
        assert!(!format!("{application:?}").contains("canary"));
        assert!(serde_json::to_string(&application).unwrap().contains(r#""client_secret":"canary""#));
    }
}
