//! What the author of a resource writes.

mod erased;
mod import;
mod plan;

use async_trait::async_trait;

pub(crate) use erased::Erased;
pub use import::{Import, MovedState};
pub use plan::Plan;
pub(crate) use plan::{PlanRequest, Planned};

use crate::context::Context;
use crate::diagnostics::Diagnostics;
use crate::identity::IdentitySchema;
use crate::model::Model;
use crate::private::Private;
use crate::schema::Schema;
use crate::stored::Stored;
use crate::value::Value;

/// What became of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read<S> {
    /// It is there, in this state.
    Found(S),
    /// It is certainly gone: Terraform will forget it and plan to create it anew.
    Gone,
    /// Nobody knows: the diagnostics say why, and the last state stays.
    Failed,
}

/// One type of managed resource.
///
/// Only five methods are needed: [`schema`](Self::schema), [`create`](Self::create), [`read`](Self::read),
/// [`update`](Self::update) and [`delete`](Self::delete). The others have a meaning that fits most resources. Errors go
/// into the diagnostics, several if there are several. A panic becomes an error too.
///
/// The framework takes care of what Terraform demands: it fills in defaults, marks what is computed, keeps
/// write-only attributes out of plans and states, and checks that what was planned comes back.
///
/// The [crate's own page](crate) has a complete one, and [`recipes`](crate::recipes) has what is less common.
///
/// ```
/// use tfplugin::{Attr, Attribute, Context, Read, Resource, Schema, async_trait, model};
/// # #[derive(Clone)]
/// # struct Api;
/// # impl Api {
/// #     async fn create(&self, _: Option<&str>) -> std::io::Result<String> { Ok(String::new()) }
/// #     async fn name_of(&self, _: Option<&str>) -> std::io::Result<Option<String>> { Ok(None) }
/// #     async fn rename(&self, _: Option<&str>, _: Option<&str>) -> std::io::Result<()> { Ok(()) }
/// #     async fn remove(&self, _: Option<&str>) -> std::io::Result<()> { Ok(()) }
/// # }
///
/// model! {
///     struct Job {
///         id: Attr<String>,
///         name: Attr<String>,
///     }
/// }
///
/// struct JobResource;
///
/// #[async_trait]
/// impl Resource for JobResource {
///     const TYPE_NAME: &'static str = "scheduler_job";
///     type Client = Api;
///     type State = Job;
///
///     fn schema(&self) -> Schema {
///         Schema::new().attributes([Attribute::string("id").computed(), Attribute::string("name").required()])
///     }
///
///     async fn create(&self, planned: Job, _: Job, context: &mut Context<'_, Api>) -> Option<Job> {
///         let created = context.client.create(planned.name.as_str()).await;
///         let id = context.diagnostics.ok("Could not create the job", created)?;
///         Some(Job { id: Attr::Known(id), ..planned })
///     }
///
///     async fn read(&self, state: Job, context: &mut Context<'_, Api>) -> Read<Job> {
///         let name = context.client.name_of(state.id.as_str()).await;
///         match context.diagnostics.ok("Could not read the job", name) {
///             Some(Some(name)) => Read::Found(Job { name: Attr::Known(name), ..state }),
///             Some(None) => Read::Gone,
///             None => Read::Failed,
///         }
///     }
///
///     async fn update(&self, _: Job, planned: Job, _: Job, context: &mut Context<'_, Api>) -> Option<Job> {
///         let renamed = context.client.rename(planned.id.as_str(), planned.name.as_str()).await;
///         context.diagnostics.ok("Could not rename the job", renamed).map(|()| planned)
///     }
///
///     async fn delete(&self, state: Job, context: &mut Context<'_, Api>) {
///         let removed = context.client.remove(state.id.as_str()).await;
///         context.diagnostics.ok("Could not remove the job", removed);
///     }
/// }
/// ```
#[async_trait]
pub trait Resource: Send + Sync + 'static {
    /// The name of the type in a configuration, with the provider's prefix: `scheduler_job`.
    const TYPE_NAME: &'static str;

    /// What the provider hands to its resources.
    type Client: Clone + Send + Sync + 'static;
    /// The struct of the schema: configuration, plan and state.
    type State: Model;

    /// Whether [`plan_destroy`](Self::plan_destroy) has something to say. If no resource of a provider has, Terraform
    /// makes one call less for each object that it destroys.
    const PLANS_DESTROY: bool = false;

    /// The schema; asked once.
    fn schema(&self) -> Schema;

    /// The schema of the identity, if objects have one; asked once.
    fn identity(&self) -> Option<IdentitySchema> {
        None
    }

    /// The identity of the object in this state. `None` stands for the attributes of the state that have the names of
    /// the identity's attributes. An object keeps its identity for life.
    ///
    /// There is no client where Terraform has not configured the provider: when a state is moved.
    fn identify(&self, state: &Self::State, client: Option<&Self::Client>) -> Option<Value> {
        let _ = (state, client);
        None
    }

    /// Checks a configuration beyond what the attributes' own checks do. Anything may still be unknown.
    async fn validate(&self, config: &Self::State, diagnostics: &mut Diagnostics) {
        let _ = (config, diagnostics);
    }

    /// Changes a plan beyond what the schema says. Not asked when an object is destroyed.
    async fn plan(&self, plan: &mut Plan<'_, Self::State, Self::Client>) {
        let _ = plan;
    }

    /// Looks at an object that is to be destroyed, to warn or to refuse. Asked only with
    /// [`PLANS_DESTROY`](Self::PLANS_DESTROY), and not while the provider's own configuration is unknown.
    async fn plan_destroy(&self, state: &Self::State, context: &mut Context<'_, Self::Client>) {
        let _ = (state, context);
    }

    /// Creates the object and returns its state: `planned`, with everything unknown filled in. Write-only
    /// attributes are in `config` only.
    ///
    /// An error together with a state says that the object exists, but not as it should: Terraform keeps it, and
    /// replaces it next time.
    async fn create(
        &self,
        planned: Self::State,
        config: Self::State,
        context: &mut Context<'_, Self::Client>,
    ) -> Option<Self::State>;

    /// Looks at the object.
    async fn read(&self, state: Self::State, context: &mut Context<'_, Self::Client>) -> Read<Self::State>;

    /// Changes the object and returns its state. `None` (with an error) leaves the prior state in place; a state
    /// together with an error records how far the change came.
    async fn update(
        &self,
        prior: Self::State,
        planned: Self::State,
        config: Self::State,
        context: &mut Context<'_, Self::Client>,
    ) -> Option<Self::State>;

    /// Destroys the object. It counts as destroyed unless there is an error; that it was gone already is none.
    async fn delete(&self, state: Self::State, context: &mut Context<'_, Self::Client>);

    /// Finds the object that a user wants to take over. The state may be sparse: `read` is asked right after.
    async fn import(&self, import: Import<'_>, context: &mut Context<'_, Self::Client>) -> Option<Self::State> {
        let detail = format!("{} cannot be imported; {import} was not looked for.", Self::TYPE_NAME);
        context.diagnostics.error("Import not supported", detail);
        None
    }

    /// Changes the configuration that Terraform writes for an imported object. The framework has left out what cannot
    /// be set, what is deprecated, and what the defaults say anyway.
    fn generate(&self, config: &mut Self::State) {
        let _ = config;
    }

    /// Translates a state that an older version of the provider stored. Not asked for the schema's own version.
    async fn upgrade(&self, stored: Stored<'_>, diagnostics: &mut Diagnostics) -> Option<Self::State> {
        let (name, version) = (Self::TYPE_NAME, stored.version());
        diagnostics.error(
            "State cannot be upgraded",
            format!("The state of {name} has version {version}, which this version of the provider cannot read."),
        );
        None
    }

    /// Translates an identity that an older version of the provider stored. Not asked for the schema's own version.
    async fn upgrade_identity(&self, stored: Stored<'_>, diagnostics: &mut Diagnostics) -> Option<Value> {
        let (name, version) = (Self::TYPE_NAME, stored.version());
        diagnostics.error(
            "Identity cannot be upgraded",
            format!("The identity of {name} has version {version}, which this version of the provider cannot read."),
        );
        None
    }

    /// Takes over the state of an object that a `moved` block brings from another type, maybe of another provider.
    /// `private` is what the provider will remember about the object.
    async fn move_from(
        &self,
        source: MovedState<'_>,
        private: &mut Private,
        diagnostics: &mut Diagnostics,
    ) -> Option<Self::State> {
        let _ = private;
        let (from, provider, to) = (source.type_name, source.provider, Self::TYPE_NAME);
        diagnostics.error("Move not supported", format!("A {from} of {provider} cannot become a {to}."));
        None
    }
}
