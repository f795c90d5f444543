//! Everything that a provider offers, by name.

use std::collections::BTreeMap;

use super::Shape;
use super::shape::{IdentityShape, decode};
use crate::diagnostics::Diagnostics;
use crate::function::{self, Signature};
use crate::model::Model;
use crate::provider::{Catalog, Provider};
use crate::resource;
use crate::schema::Role;
use crate::value::Value;
use crate::wire::tfplugin6::ResourceIdentityData;
use crate::{action, data_source, ephemeral, list, rules};

/// What a provider offers, with schemas.
pub(super) struct Offers<C> {
    pub(super) resources: BTreeMap<&'static str, ResourceOffer<C>>,
    pub(super) data_sources: BTreeMap<&'static str, Offer<dyn data_source::Erased<C>>>,
    pub(super) ephemerals: BTreeMap<&'static str, Offer<dyn ephemeral::Erased<C>>>,
    pub(super) functions: BTreeMap<&'static str, FunctionOffer>,
    pub(super) actions: BTreeMap<&'static str, Offer<dyn action::Erased<C>>>,
    pub(super) lists: BTreeMap<&'static str, Offer<dyn list::Erased<C>>>,
    /// Mistakes in the schemas, found at start and reported when Terraform asks for them.
    pub(super) mistakes: Vec<String>,
}

/// Something with its schema.
pub(super) struct Offer<T: ?Sized> {
    pub(super) item: Box<T>,
    pub(super) shape: Shape,
}

/// A resource with its schemas.
pub(super) struct ResourceOffer<C> {
    pub(super) resource: Box<dyn resource::Erased<C>>,
    pub(super) shape: Shape,
    pub(super) identity: Option<IdentityShape>,
}

/// A function with its signature.
pub(super) struct FunctionOffer {
    pub(super) function: Box<dyn function::Erased>,
    pub(super) signature: Signature,
}

impl<C: Clone + Send + Sync + 'static> Offers<C> {
    pub(super) fn new<P: Provider<Client = C>>(provider: &P, config: &Shape, meta: Option<&Shape>) -> Self {
        let mut catalog = Catalog::new();
        provider.register(&mut catalog);
        let mut mistakes = Mistakes::default();
        mistakes.note("provider", config.schema.mistakes(Role::Provider, <P::Config as Model>::FIELDS));
        if let Some(meta) = meta {
            let fields: Vec<&str> = meta.schema.fields.names().collect();
            mistakes.note("provider_meta", meta.schema.mistakes(Role::Config, &fields));
        }

        let mut resources = BTreeMap::new();
        for resource in catalog.resources {
            let (name, shape) = (resource.type_name(), Shape::new(resource.schema()));
            mistakes.note(name, shape.schema.mistakes(Role::Resource, resource.fields()));
            let identity = resource.identity().map(IdentityShape::new);
            if let Some(identity) = &identity {
                mistakes.note(name, identity.schema.mistakes());
            }
            mistakes.unique(name, resources.insert(name, ResourceOffer { resource, shape, identity }).is_none());
        }

        /// The same for everything that has a type name and one schema.
        macro_rules! offers {
            ($items:expr, $prefix:literal, $role:expr) => {{
                let mut offers = BTreeMap::new();
                for item in $items {
                    let (name, shape) = (item.type_name(), Shape::new(item.schema()));
                    mistakes.note(&format!("{} {name}", $prefix), shape.schema.mistakes($role, item.fields()));
                    let offer = Offer { item, shape };
                    mistakes.unique(&format!("{} {name}", $prefix), offers.insert(name, offer).is_none());
                }
                offers
            }};
        }
        let data_sources = offers!(catalog.data_sources, "data source", Role::Lookup);
        let ephemerals = offers!(catalog.ephemerals, "ephemeral resource", Role::Lookup);
        let actions = offers!(catalog.actions, "action", Role::Action);
        let lists = offers!(catalog.lists, "list", Role::Config);
        for name in lists.keys() {
            if resources.get(name).is_none_or(|offer| offer.identity.is_none()) {
                let mistake = "there is no resource of that name with an identity, which a list needs";
                mistakes.note(&format!("list {name}"), vec![mistake.to_owned()]);
            }
        }

        let mut functions = BTreeMap::new();
        for function in catalog.functions {
            let (name, signature) = (function.name(), function.signature());
            mistakes.note(&format!("function {name}"), signature.mistakes(name, function.parts()));
            let offer = FunctionOffer { function, signature };
            mistakes.unique(&format!("function {name}"), functions.insert(name, offer).is_none());
        }
        Self { resources, data_sources, ephemerals, functions, actions, lists, mistakes: mistakes.0 }
    }
}

/// Mistakes of the author, each with the name of what it is in.
#[derive(Default)]
struct Mistakes(Vec<String>);

impl Mistakes {
    fn note(&mut self, of: &str, mistakes: Vec<String>) {
        self.0.extend(mistakes.into_iter().map(|mistake| format!("{of}: {mistake}")));
    }

    fn unique(&mut self, of: &str, is_new: bool) {
        if !is_new {
            self.0.push(format!("{of}: the name occurs twice"));
        }
    }
}

/// What is offered under that name, or an error.
pub(super) fn find<'a, T>(
    offers: &'a BTreeMap<&'static str, T>,
    kind: &str,
    name: &str,
    diagnostics: &mut Diagnostics,
) -> Option<&'a T> {
    let offer = offers.get(name);
    if offer.is_none() {
        diagnostics.error(format!("Unknown {kind} type"), format!("This provider has no {kind} {name}."));
    }
    offer
}

impl<C> ResourceOffer<C> {
    /// The identity that Terraform has of an object; null if it has none, as of an object that an older version of the
    /// provider has made.
    pub(super) fn known_identity(
        &self,
        data: Option<&ResourceIdentityData>,
        diagnostics: &mut Diagnostics,
    ) -> Option<Value> {
        match &self.identity {
            Some(shape) => decode(data.and_then(|data| data.identity_data.as_ref()), &shape.ty, diagnostics),
            None => Some(Value::Null),
        }
    }

    /// The identity of the object in this state, which must be the one that it has had `before`. None if it has none, or
    /// if something is wrong with it.
    pub(super) fn identify(
        &self,
        state: &Value,
        before: &Value,
        client: Option<&C>,
        diagnostics: &mut Diagnostics,
    ) -> Option<ResourceIdentityData> {
        let shape = self.identity.as_ref()?;
        let own = self.resource.identify(state.clone(), client, diagnostics);
        let identity = match own {
            Some(identity) => identity,
            None => shape.schema.project(state, diagnostics)?,
        };
        let identity = shape.shaped(identity, diagnostics)?;
        // One that says nothing is none: Terraform would keep it as if it did.
        let says_something = identity.as_entries()?.values().any(|value| !value.is_null());
        (rules::same_identity(before, &identity, diagnostics) && says_something)
            .then(|| shape.encode(&identity, diagnostics))?
    }
}
