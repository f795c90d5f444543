//! A provider's schemas, as it sends them: what a test needs to write values without naming each type.

mod function;
mod identity;
mod object;

use std::collections::{BTreeMap, HashMap};

pub use function::Function;
pub use identity::IdentitySchema;
pub use object::{Attribute, Block, Kind, Nesting, Object};
use serde_json::Value as Json;
use tfplugin::{Type, Value, ValueError};
use tonic::Code;

use crate::wire::tfplugin6::provider_client::ProviderClient;
use crate::wire::tfplugin6::{self as pb, DynamicValue};
use crate::{Transport, answered, diagnostics, value};

/// One schema: that of the provider itself, or of something in it.
#[derive(Clone, Debug)]
pub struct Schema {
    name: String,
    /// Counts the changes of this schema.
    pub version: i64,
    /// The attributes and blocks.
    pub object: Object,
    ty: Type,
}

impl Schema {
    /// Reads a schema from the wire.
    ///
    /// # Errors
    /// All mistakes for which Terraform would refuse the whole provider.
    pub fn read(name: &str, schema: &pb::Schema) -> Result<Self, Vec<String>> {
        let mut mistakes = Vec::new();
        let schema = Self::noting(name, schema, &mut mistakes);
        if mistakes.is_empty() { Ok(schema) } else { Err(mistakes) }
    }

    fn noting(name: &str, schema: &pb::Schema, mistakes: &mut Vec<String>) -> Self {
        let mut found = Vec::new();
        let Some(block) = &schema.block else {
            mistakes.push(format!("{name}: has no block"));
            return Self { name: name.to_owned(), version: 0, object: Object::default(), ty: Object::default().ty() };
        };
        let object = Object::read(block, "", &mut found);
        mistakes.extend(found.into_iter().map(|mistake| format!("{name}: {mistake}")));
        Self { name: name.to_owned(), version: schema.version, ty: object.ty(), object }
    }

    /// The type of a configuration, a plan or a state.
    pub fn ty(&self) -> &Type {
        &self.ty
    }

    /// A configuration with these attributes: the others are null, and blocks that are not there are empty.
    /// [`UNKNOWN`](crate::UNKNOWN) stands for an unknown value.
    ///
    /// # Panics
    /// Something does not fit the schema; the text names it.
    #[expect(clippy::needless_pass_by_value, reason = "a test writes `json!({…})` in place")]
    pub fn object(&self, json: Json) -> Value {
        let value = value::from_json(&json, &self.ty).map(|mut value| {
            self.object.complete(&mut value);
            value
        });
        value.unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }

    /// The form in which a value goes over the wire.
    ///
    /// # Panics
    /// It does not fit the schema.
    pub fn encode(&self, value: &Value) -> DynamicValue {
        value::encode(value, &self.ty).unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }

    /// Reads a value from the wire; nothing at all is null.
    ///
    /// # Errors
    /// Names the part that does not fit the schema.
    pub fn decode(&self, value: Option<&DynamicValue>) -> Result<Value, ValueError> {
        value::decode(value, &self.ty)
    }
}

/// All schemas of a provider.
#[derive(Clone, Debug)]
pub struct Schemas {
    /// The provider's own configuration.
    pub provider: Schema,
    /// What modules may say to the provider, if anything.
    pub provider_meta: Option<Schema>,
    /// The resources by type name.
    pub resources: BTreeMap<String, Schema>,
    /// The identities of resources by type name, for those that have one.
    pub identities: BTreeMap<String, IdentitySchema>,
    /// The data sources by type name.
    pub data_sources: BTreeMap<String, Schema>,
    /// The ephemeral resources by type name.
    pub ephemeral_resources: BTreeMap<String, Schema>,
    /// The configurations of list resources by type name.
    pub list_resources: BTreeMap<String, Schema>,
    /// The actions by type name.
    pub actions: BTreeMap<String, Schema>,
    /// The state stores by type name.
    pub state_stores: BTreeMap<String, Schema>,
    /// The functions by name.
    pub functions: BTreeMap<String, Function>,
    /// What the provider can do.
    pub capabilities: pb::ServerCapabilities,
}

impl Schemas {
    /// Asks a provider for all of its schemas.
    ///
    /// # Panics
    /// A call fails, or Terraform would refuse the provider for its schemas: the text has all reasons.
    pub async fn fetch(provider: &mut ProviderClient<Transport>) -> Self {
        let request = pb::get_provider_schema::Request {};
        let schemas = answered("GetProviderSchema", provider.get_provider_schema(request).await);
        let request = pb::get_resource_identity_schemas::Request {};
        let identities = match provider.get_resource_identity_schemas(request).await {
            // As from a provider that is older than identities.
            Err(status) if status.code() == Code::Unimplemented => {
                pb::get_resource_identity_schemas::Response::default()
            }
            answer => answered("GetResourceIdentitySchemas", answer),
        };
        Self::read(&schemas, &identities)
            .unwrap_or_else(|mistakes| panic!("Terraform would refuse this provider:\n{}", mistakes.join("\n")))
    }

    /// Reads the schemas from the two answers that have them.
    ///
    /// # Errors
    /// All reasons for which Terraform would refuse the whole provider.
    pub fn read(
        schemas: &pb::get_provider_schema::Response,
        identities: &pb::get_resource_identity_schemas::Response,
    ) -> Result<Self, Vec<String>> {
        let mut mistakes = diagnostics::errors(&schemas.diagnostics);
        mistakes.extend(diagnostics::errors(&identities.diagnostics));
        let none = pb::Schema { version: 0, block: Some(pb::schema::Block::default()) };
        let provider = schemas.provider.as_ref().unwrap_or(&none);
        let actions = schemas.action_schemas.iter();
        let actions: HashMap<String, pb::Schema> =
            actions.map(|(name, action)| (name.clone(), action.schema.clone().unwrap_or_default())).collect();
        let all = Self {
            provider: Schema::noting("provider", provider, &mut mistakes),
            provider_meta: schemas
                .provider_meta
                .as_ref()
                .map(|meta| Schema::noting("provider_meta", meta, &mut mistakes)),
            resources: all(&schemas.resource_schemas, &mut mistakes),
            identities: by_name(&identities.identity_schemas, &mut mistakes, IdentitySchema::read),
            data_sources: all(&schemas.data_source_schemas, &mut mistakes),
            ephemeral_resources: all(&schemas.ephemeral_resource_schemas, &mut mistakes),
            list_resources: all(&schemas.list_resource_schemas, &mut mistakes),
            actions: all(&actions, &mut mistakes),
            state_stores: all(&schemas.state_store_schemas, &mut mistakes),
            functions: by_name(&schemas.functions, &mut mistakes, Function::read),
            capabilities: schemas.server_capabilities.unwrap_or_default(),
        };
        for name in all.identities.keys().filter(|name| !all.resources.contains_key(*name)) {
            mistakes.push(format!("{name}: has an identity, but is no resource"));
        }
        if mistakes.is_empty() { Ok(all) } else { Err(mistakes) }
    }

    /// The schema of a resource.
    ///
    /// # Panics
    /// There is no such resource.
    pub fn resource(&self, type_name: &str) -> &Schema {
        one(&self.resources, "resource", type_name)
    }

    /// The schema of a data source.
    ///
    /// # Panics
    /// There is no such data source.
    pub fn data_source(&self, type_name: &str) -> &Schema {
        one(&self.data_sources, "data source", type_name)
    }

    /// The schema of an ephemeral resource.
    ///
    /// # Panics
    /// There is no such ephemeral resource.
    pub fn ephemeral_resource(&self, type_name: &str) -> &Schema {
        one(&self.ephemeral_resources, "ephemeral resource", type_name)
    }

    /// The schema of a list resource's configuration.
    ///
    /// # Panics
    /// There is no such list resource.
    pub fn list_resource(&self, type_name: &str) -> &Schema {
        one(&self.list_resources, "list resource", type_name)
    }

    /// The schema of an action.
    ///
    /// # Panics
    /// There is no such action.
    pub fn action(&self, type_name: &str) -> &Schema {
        one(&self.actions, "action", type_name)
    }

    /// The schema of a state store.
    ///
    /// # Panics
    /// There is no such state store.
    pub fn state_store(&self, type_name: &str) -> &Schema {
        one(&self.state_stores, "state store", type_name)
    }

    /// The types of a function.
    ///
    /// # Panics
    /// There is no such function.
    pub fn function(&self, name: &str) -> &Function {
        one(&self.functions, "function", name)
    }

    /// The identity of a resource.
    ///
    /// # Panics
    /// The resource has none.
    pub fn identity(&self, type_name: &str) -> &IdentitySchema {
        one(&self.identities, "resource identity", type_name)
    }
}

fn one<'a, T>(all: &'a BTreeMap<String, T>, kind: &str, name: &str) -> &'a T {
    all.get(name).unwrap_or_else(|| panic!("there is no {kind} {name:?}, only {:?}", all.keys().collect::<Vec<_>>()))
}

fn all(schemas: &HashMap<String, pb::Schema>, mistakes: &mut Vec<String>) -> BTreeMap<String, Schema> {
    by_name(schemas, mistakes, Schema::noting)
}

fn by_name<S, T>(
    schemas: &HashMap<String, S>,
    mistakes: &mut Vec<String>,
    read: impl Fn(&str, &S, &mut Vec<String>) -> T,
) -> BTreeMap<String, T> {
    schemas.iter().map(|(name, schema)| (name.clone(), read(name, schema, mistakes))).collect()
}

#[cfg(test)]
mod tests;
