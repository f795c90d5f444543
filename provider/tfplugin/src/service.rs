//! Answers Terraform's calls: decodes, asks the author's code under the rules, encodes.
//!
//! Calls that are not here answer "unimplemented", by the generated code.

mod change;
mod object;
mod rpc;
mod whole;

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

use crate::diagnostics::Diagnostics;
use crate::provider::{Catalog, Provider};
use crate::resource::Erased;
use crate::schema::Schema;
use crate::stop::Stop;
use crate::value::{Type, Value};
use crate::wire::{self, tfplugin6};

/// A provider with its schemas, ready to be called.
pub(crate) struct Service<P: Provider> {
    provider: P,
    config: Shape,
    resources: BTreeMap<&'static str, Entry<P::Client>>,
    /// Mistakes in the schemas, found at start and reported when Terraform asks for them.
    mistakes: Vec<String>,
    setup: RwLock<Setup<P::Client>>,
    stop: Stop,
}

/// A schema and its type, which each call needs.
struct Shape {
    schema: Schema,
    ty: Type,
}

impl Shape {
    fn new(schema: Schema) -> Self {
        Self { ty: schema.ty(), schema }
    }

    fn decode(&self, value: Option<&tfplugin6::DynamicValue>, diagnostics: &mut Diagnostics) -> Option<Value> {
        wire::decode(value, &self.ty)
            .map_err(|error| diagnostics.value_error("Terraform sent a malformed value", &error))
            .ok()
    }

    /// Gives a value of the author's the shape of the schema.
    fn shaped(&self, value: Value, diagnostics: &mut Diagnostics) -> Option<Value> {
        let shaped = value.conform(&self.ty).map(|mut value| {
            self.schema.fields.complete(&mut value);
            value
        });
        shaped.map_err(|error| diagnostics.value_error("The provider returned a malformed value", &error)).ok()
    }

    fn encode(&self, value: &Value, diagnostics: &mut Diagnostics) -> Option<tfplugin6::DynamicValue> {
        wire::encode(value, &self.ty)
            .map_err(|error| diagnostics.value_error("The provider returned a malformed value", &error))
            .ok()
    }
}

/// A resource with its schema.
struct Entry<C> {
    resource: Box<dyn Erased<C>>,
    shape: Shape,
}

/// How far the provider is configured.
enum Setup<C> {
    Never,
    /// The configuration was not known yet, and the provider could not do without.
    Unknown,
    Failed,
    Ready(C),
}

impl<P: Provider> Service<P> {
    pub(crate) fn new(provider: P, stop: Stop) -> Self {
        let config = Shape::new(provider.schema());
        let mut mistakes = Vec::new();
        let mut note = |of: &str, shape: &Shape, fields: &[&str]| {
            mistakes.extend(shape.schema.mistakes(fields).into_iter().map(|mistake| format!("{of}: {mistake}")));
        };
        note("provider", &config, <P::Config as crate::Model>::FIELDS);
        let mut catalog = Catalog::new();
        provider.register(&mut catalog);
        let mut resources = BTreeMap::new();
        for resource in catalog.resources {
            let shape = Shape::new(resource.schema());
            note(resource.type_name(), &shape, resource.fields());
            resources.insert(resource.type_name(), Entry { resource, shape });
        }
        Self { provider, config, resources, mistakes, setup: RwLock::new(Setup::Never), stop }
    }

    fn entry(&self, type_name: &str, diagnostics: &mut Diagnostics) -> Option<&Entry<P::Client>> {
        let entry = self.resources.get(type_name);
        if entry.is_none() {
            diagnostics.error("Unknown resource type", format!("This provider has no resource {type_name}."));
        }
        entry
    }

    fn set_up(&self, setup: Setup<P::Client>) {
        *self.setup.write().unwrap_or_else(PoisonError::into_inner) = setup;
    }

    /// The client, or the reason why there is none.
    fn client(&self) -> Result<P::Client, &'static str> {
        match &*self.setup.read().unwrap_or_else(PoisonError::into_inner) {
            Setup::Ready(client) => Ok(client.clone()),
            Setup::Never => Err("The provider has not been configured yet."),
            Setup::Failed => Err("The provider's configuration has failed."),
            Setup::Unknown => {
                Err("The provider's configuration depends on values that are known only after apply. Set it to values \
                 that are known, or apply what they come from first, with -target.")
            }
        }
    }

    fn needed_client(&self, diagnostics: &mut Diagnostics) -> Option<P::Client> {
        self.client().map_err(|reason| diagnostics.error("Provider is not configured", reason)).ok()
    }
}

/// The value, or none where it is null: an object that is to be created, or destroyed.
fn existing(value: Value) -> Option<Value> {
    (!value.is_null()).then_some(value)
}
