//! What the author of a provider writes.

use async_trait::async_trait;

use crate::diagnostics::Diagnostics;
use crate::model::Model;
use crate::resource::{Erased, Resource, Typed};
use crate::schema::Schema;
use crate::stop::Stop;

/// A provider: its configuration, and what it offers.
#[async_trait]
pub trait Provider: Send + Sync + 'static {
    /// The struct of the `provider` block's schema.
    type Config: Model;
    /// What the resources work with, usually a client of the API; cloned for each call.
    type Client: Clone + Send + Sync + 'static;

    /// Where configurations find it: `namespace/name`, or `host/namespace/name`.
    fn address(&self) -> &'static str;

    /// The schema of the `provider` block; asked once.
    fn schema(&self) -> Schema;

    /// Names everything that the provider offers; asked once.
    fn register(&self, catalog: &mut Catalog<Self::Client>);

    /// Checks a configuration beyond what the attributes' own checks do. Anything may still be unknown.
    async fn validate(&self, config: &Self::Config, diagnostics: &mut Diagnostics) {
        let _ = (config, diagnostics);
    }

    /// Makes the client. Values that come from other resources may be unknown while Terraform plans: if the client
    /// cannot be made without them, return `None`; without an error, plans go on with no client, and whatever needs
    /// one says why there is none.
    async fn configure(&self, config: Self::Config, setup: Configure<'_>) -> Option<Self::Client>;
}

/// What `configure` works with, beside the configuration.
#[derive(Debug)]
pub struct Configure<'a> {
    /// The version of Terraform, such as `1.11.4`.
    pub terraform_version: &'a str,
    /// The user's wish to stop.
    pub stop: &'a Stop,
    /// Problems go here.
    pub diagnostics: &'a mut Diagnostics,
}

/// What a provider offers.
pub struct Catalog<C> {
    pub(crate) resources: Vec<Box<dyn Erased<C>>>,
}

impl<C: Clone + Send + Sync + 'static> Catalog<C> {
    pub(crate) fn new() -> Self {
        Self { resources: Vec::new() }
    }

    /// Offers a resource.
    pub fn resource(&mut self, resource: impl Resource<Client = C>) -> &mut Self {
        self.resources.push(Box::new(Typed(resource)));
        self
    }
}

impl<C> std::fmt::Debug for Catalog<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.resources.iter().map(|resource| resource.type_name())).finish()
    }
}
