//! The identity of a resource: what names an object for good.

use std::collections::BTreeSet;

use serde_json::Value as Json;
use tfplugin::{Type, Value, ValueError};

use super::object::read_type;
use crate::value;
use crate::wire::tfplugin6 as pb;

/// The attributes of a resource's identity.
#[derive(Clone, Debug)]
pub struct IdentitySchema {
    name: String,
    /// Counts the changes of this schema.
    pub version: i64,
    /// What an import by identity must have.
    pub required_for_import: BTreeSet<String>,
    ty: Type,
}

impl IdentitySchema {
    pub(super) fn read(name: &str, schema: &pb::ResourceIdentitySchema, mistakes: &mut Vec<String>) -> Self {
        let mut required_for_import = BTreeSet::new();
        let mut types = Vec::new();
        for attribute in &schema.identity_attributes {
            let place = format!("identity of {name}: {}", attribute.name);
            if attribute.required_for_import == attribute.optional_for_import {
                mistakes.push(format!("`{place}` must be either required or optional for import"));
            }
            if attribute.r#type.is_empty() {
                mistakes.push(format!("`{place}` has no type"));
            }
            types.push((attribute.name.clone(), read_type(&attribute.r#type, &place, mistakes)));
            if attribute.required_for_import {
                required_for_import.insert(attribute.name.clone());
            }
        }
        let ty = Type::object(types);
        Self { name: name.to_owned(), version: schema.version, required_for_import, ty }
    }

    /// The type of the identity.
    pub fn ty(&self) -> &Type {
        &self.ty
    }

    /// An identity with these attributes; the others are null.
    ///
    /// # Panics
    /// An attribute does not fit.
    pub fn object(&self, json: &Json) -> Value {
        value::from_json(json, &self.ty).unwrap_or_else(|error| panic!("the identity of {}: {error}", self.name))
    }

    /// The form in which an identity goes over the wire.
    ///
    /// # Panics
    /// It does not fit the schema.
    pub fn encode(&self, identity: &Value) -> pb::ResourceIdentityData {
        let encoded = value::encode(identity, &self.ty);
        let encoded = encoded.unwrap_or_else(|error| panic!("the identity of {}: {error}", self.name));
        pb::ResourceIdentityData { identity_data: Some(encoded) }
    }

    /// Reads an identity; null if there is none.
    ///
    /// # Errors
    /// Names the part that does not fit the schema.
    pub fn decode(&self, identity: Option<&pb::ResourceIdentityData>) -> Result<Value, ValueError> {
        value::decode(identity.and_then(|identity| identity.identity_data.as_ref()), &self.ty)
    }
}
