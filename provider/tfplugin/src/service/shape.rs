//! Schemas with their types.

use crate::diagnostics::Diagnostics;
use crate::identity::IdentitySchema;
use crate::rules;
use crate::schema::Schema;
use crate::value::{Type, Value};
use crate::wire;
use crate::wire::tfplugin6::{DynamicValue, ResourceIdentityData};

/// A schema and its type, which each call needs.
pub(super) struct Shape {
    pub(super) schema: Schema,
    pub(super) ty: Type,
}

impl Shape {
    pub(super) fn new(schema: Schema) -> Self {
        Self { ty: schema.ty(), schema }
    }

    pub(super) fn decode(&self, value: Option<&DynamicValue>, diagnostics: &mut Diagnostics) -> Option<Value> {
        decode(value, &self.ty, diagnostics)
    }

    /// Gives a value of the author's the shape of the schema.
    pub(super) fn shaped(&self, value: Value, diagnostics: &mut Diagnostics) -> Option<Value> {
        let mut value = shaped(value, &self.ty, diagnostics)?;
        self.schema.fields.complete(&mut value);
        Some(value)
    }

    pub(super) fn encode(&self, value: &Value, diagnostics: &mut Diagnostics) -> Option<DynamicValue> {
        encode(value, &self.ty, diagnostics)
    }

    /// Decodes a configuration, checks it as far as the schema says how, and warns of what is deprecated.
    pub(super) fn checked(&self, config: Option<&DynamicValue>, diagnostics: &mut Diagnostics) -> Option<Value> {
        let mut config = self.verified(config, diagnostics)?;
        rules::deprecations(&self.schema, &mut config, diagnostics);
        Some(config)
    }

    /// Decodes a configuration and checks it, as far as the schema says how.
    pub(super) fn verified(&self, config: Option<&DynamicValue>, diagnostics: &mut Diagnostics) -> Option<Value> {
        let mut config = self.decode(config, diagnostics)?;
        rules::run_checks(&self.schema.fields, &mut config, diagnostics);
        rules::check_relations(&self.schema.fields, &config, diagnostics);
        Some(config)
    }

    /// What is asked for: the configuration with defaults, and unknown what the provider is to find out.
    pub(super) fn wanted(&self, config: &Value) -> Value {
        let mut wanted = config.clone();
        rules::prepare_plan(&self.schema.fields, None, config, &mut wanted);
        wanted
    }

    /// What was found, in shape and compared with the configuration.
    pub(super) fn found(&self, config: &Value, found: Value, diagnostics: &mut Diagnostics) -> Option<Value> {
        let mut found = self.shaped(found, diagnostics)?;
        rules::restore(&mut found, config);
        rules::settle(&self.schema.fields, None, &mut found);
        rules::forget_unknown(&mut found, diagnostics);
        rules::check_configured(&self.schema.fields, None, config, &mut found, diagnostics);
        Some(found)
    }
}

/// The schema of an identity and its type.
pub(super) struct IdentityShape {
    pub(super) schema: IdentitySchema,
    pub(super) ty: Type,
}

impl IdentityShape {
    pub(super) fn new(schema: IdentitySchema) -> Self {
        Self { ty: schema.ty(), schema }
    }

    pub(super) fn shaped(&self, identity: Value, diagnostics: &mut Diagnostics) -> Option<Value> {
        shaped(identity, &self.ty, diagnostics)
    }

    pub(super) fn encode(&self, identity: &Value, diagnostics: &mut Diagnostics) -> Option<ResourceIdentityData> {
        Some(ResourceIdentityData { identity_data: Some(encode(identity, &self.ty, diagnostics)?) })
    }
}

pub(super) fn decode(value: Option<&DynamicValue>, ty: &Type, diagnostics: &mut Diagnostics) -> Option<Value> {
    wire::decode(value, ty).map_err(|error| diagnostics.value_error("Terraform sent a malformed value", &error)).ok()
}

fn shaped(value: Value, ty: &Type, diagnostics: &mut Diagnostics) -> Option<Value> {
    let shaped = value.conform(ty);
    shaped.map_err(|error| diagnostics.value_error("The provider returned a malformed value", &error)).ok()
}

fn encode(value: &Value, ty: &Type, diagnostics: &mut Diagnostics) -> Option<DynamicValue> {
    let encoded = wire::encode(value, ty);
    encoded.map_err(|error| diagnostics.value_error("The provider returned a malformed value", &error)).ok()
}
