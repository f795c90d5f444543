//! What the author of a provider writes.

use async_trait::async_trait;

use crate::action::{self, Action};
use crate::data_source::{self, DataSource};
use crate::diagnostics::Diagnostics;
use crate::ephemeral::{self, EphemeralResource};
use crate::erased::Typed;
use crate::function::{self, Function};
use crate::list::{self, List};
use crate::model::Model;
use crate::resource::{self, Resource};
use crate::schema::Schema;
use crate::stop::Stop;

/// A provider: its configuration, and what it offers. The [crate's own page](crate) has a complete one.
///
/// ```
/// use tfplugin::{Attr, Attribute, Catalog, Configure, Provider, Schema, Sensitive, async_trait, model};
/// # #[derive(Clone)]
/// # struct Api;
/// # impl Api {
/// #     fn new(_: &str, _: &str) -> std::io::Result<Self> { Ok(Self) }
/// # }
///
/// model! {
///     struct Config {
///         address: Attr<String>,
///         token: Attr<Sensitive<String>>,
///     }
/// }
///
/// struct Scheduler;
///
/// #[async_trait]
/// impl Provider for Scheduler {
///     const ADDRESS: &'static str = "example/scheduler";
///     type Config = Config;
///     type Client = Api;
///
///     fn schema(&self) -> Schema {
///         Schema::new().attributes([
///             Attribute::string("address").required(),
///             Attribute::string("token").required().sensitive(),
///         ])
///     }
///
///     fn register(&self, catalog: &mut Catalog<Api>) {
///         // catalog.resource(…).data_source(…)
/// #       let _ = catalog;
///     }
///
///     async fn configure(&self, config: Config, setup: Configure<'_>) -> Option<Api> {
///         // What is not known yet leaves no client: plans go on without.
///         let (address, token) = (config.address.into_known()?, config.token.into_known()?);
///         setup.diagnostics.ok("Invalid address", Api::new(&address, token.expose()))
///     }
/// }
/// ```
#[async_trait]
pub trait Provider: Send + Sync + 'static {
    /// Where configurations find it: `namespace/name`, or `host/namespace/name`.
    const ADDRESS: &'static str;

    /// The struct of the `provider` block's schema.
    type Config: Model;
    /// What the resources work with, usually a client of the API; cloned for each call.
    type Client: Clone + Send + Sync + 'static;

    /// The schema of the `provider` block; asked once. Without it, nothing can be configured.
    fn schema(&self) -> Schema {
        Schema::new()
    }

    /// The schema of `provider_meta` in a `terraform` block, by which the author of a module speaks to the provider;
    /// asked once.
    fn meta_schema(&self) -> Option<Schema> {
        None
    }

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
    pub(crate) resources: Vec<Box<dyn resource::Erased<C>>>,
    pub(crate) data_sources: Vec<Box<dyn data_source::Erased<C>>>,
    pub(crate) ephemerals: Vec<Box<dyn ephemeral::Erased<C>>>,
    pub(crate) functions: Vec<Box<dyn function::Erased>>,
    pub(crate) actions: Vec<Box<dyn action::Erased<C>>>,
    pub(crate) lists: Vec<Box<dyn list::Erased<C>>>,
}

impl<C: Clone + Send + Sync + 'static> Catalog<C> {
    pub(crate) fn new() -> Self {
        Self {
            resources: Vec::new(),
            data_sources: Vec::new(),
            ephemerals: Vec::new(),
            functions: Vec::new(),
            actions: Vec::new(),
            lists: Vec::new(),
        }
    }

    /// Offers a managed resource.
    pub fn resource(&mut self, resource: impl Resource<Client = C>) -> &mut Self {
        self.resources.push(Box::new(Typed(resource)));
        self
    }

    /// Offers a data source.
    pub fn data_source(&mut self, data_source: impl DataSource<Client = C>) -> &mut Self {
        self.data_sources.push(Box::new(Typed(data_source)));
        self
    }

    /// Offers an ephemeral resource: Terraform 1.10 and later.
    pub fn ephemeral_resource(&mut self, ephemeral: impl EphemeralResource<Client = C>) -> &mut Self {
        self.ephemerals.push(Box::new(Typed(ephemeral)));
        self
    }

    /// Offers a function: Terraform 1.8 and later.
    pub fn function(&mut self, function: impl Function) -> &mut Self {
        self.functions.push(Box::new(Typed(function)));
        self
    }

    /// Offers an action: Terraform 1.14 and later.
    pub fn action(&mut self, action: impl Action<Client = C>) -> &mut Self {
        self.actions.push(Box::new(Typed(action)));
        self
    }

    /// Offers the list of a managed resource's objects: Terraform 1.14 and later.
    pub fn list<L: List<Resource: Resource<Client = C>>>(&mut self, list: L) -> &mut Self {
        self.lists.push(Box::new(Typed(list)));
        self
    }
}

impl<C> std::fmt::Debug for Catalog<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Catalog")
            .field("resources", &self.resources.iter().map(|resource| resource.type_name()).collect::<Vec<_>>())
            .field("data_sources", &self.data_sources.iter().map(|source| source.type_name()).collect::<Vec<_>>())
            .field("ephemerals", &self.ephemerals.iter().map(|ephemeral| ephemeral.type_name()).collect::<Vec<_>>())
            .field("functions", &self.functions.iter().map(|function| function.name()).collect::<Vec<_>>())
            .field("actions", &self.actions.iter().map(|action| action.type_name()).collect::<Vec<_>>())
            .field("lists", &self.lists.iter().map(|list| list.type_name()).collect::<Vec<_>>())
            .finish()
    }
}
