//! Answers Terraform's calls: decodes, asks the author's code under the rules, encodes.
//!
//! Calls that are not here answer "unimplemented", by the generated code.

mod action;
mod change;
mod data_source;
mod ephemeral;
mod function;
mod list;
mod object;
mod offers;
mod origin;
mod rpc;
mod shape;
mod stream;
mod whole;

use std::sync::{PoisonError, RwLock};

use crate::context::{Deferral, Reason};
use crate::diagnostics::Diagnostics;
use crate::provider::Provider;
use crate::stop::Stops;
use crate::value::Value;
use crate::wire::tfplugin6::{self as pb, DynamicValue};

use offers::{Offers, ResourceOffer};
pub(crate) use rpc::Calls;
use shape::Shape;

/// A provider with its schemas, ready to be called.
struct Service<P: Provider> {
    provider: P,
    config: Shape,
    meta: Option<Shape>,
    offers: Offers<P::Client>,
    setup: RwLock<Setup<P::Client>>,
    stops: Stops,
}

/// How far the provider is configured.
enum Setup<C> {
    Ready(C),
    Not(NotReady),
}

/// Why there is no client.
#[derive(Clone, Copy, PartialEq, Eq)]
enum NotReady {
    Never,
    Failed,
    /// The configuration was not known yet, and the provider could not do without.
    Unknown,
}

impl NotReady {
    fn reason(self) -> &'static str {
        match self {
            Self::Never => "The provider has not been configured yet.",
            Self::Failed => "The provider's configuration has failed.",
            Self::Unknown => {
                "The provider's configuration depends on values that are known only after apply. Set it to values that \
                 are known, or apply what they come from first, with -target."
            }
        }
    }
}

impl<P: Provider> Service<P> {
    fn new(provider: P, stops: Stops) -> Self {
        let (config, meta) = (Shape::new(provider.schema()), provider.meta_schema().map(Shape::new));
        let offers = Offers::new(&provider, &config, meta.as_ref());
        Self { provider, config, meta, offers, setup: RwLock::new(Setup::Not(NotReady::Never)), stops }
    }

    fn set_up(&self, setup: Setup<P::Client>) {
        *self.setup.write().unwrap_or_else(PoisonError::into_inner) = setup;
    }

    /// The client, or the reason why there is none.
    fn client(&self) -> Result<P::Client, NotReady> {
        match &*self.setup.read().unwrap_or_else(PoisonError::into_inner) {
            Setup::Ready(client) => Ok(client.clone()),
            Setup::Not(reason) => Err(*reason),
        }
    }

    /// The client, for calls that cannot do without. Where the provider's configuration is not known yet, Terraform
    /// may allow to put the object off; otherwise it is an error.
    fn needed_client(&self, deferral: &mut Deferral, diagnostics: &mut Diagnostics) -> Option<P::Client> {
        match self.client() {
            Ok(client) => Some(client),
            Err(NotReady::Unknown) if deferral.request(Reason::ProviderConfigUnknown) => None,
            Err(not) => {
                diagnostics.error("Provider is not configured", not.reason());
                None
            }
        }
    }

    /// What the configuration says in `provider_meta`.
    fn meta(&self, value: Option<&DynamicValue>, diagnostics: &mut Diagnostics) -> Option<Value> {
        match &self.meta {
            Some(shape) => shape.decode(value, diagnostics),
            None => Some(Value::Null),
        }
    }
}

/// Whether Terraform can put things off.
fn deferral(client: Option<pb::ClientCapabilities>) -> Deferral {
    Deferral::new(client.is_some_and(|client| client.deferral_allowed))
}

/// The value, or none where it is null: an object that is to be created, or destroyed.
fn existing(value: Value) -> Option<Value> {
    (!value.is_null()).then_some(value)
}
