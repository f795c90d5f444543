//! What the author of a resource writes.

mod erased;
mod plan;
mod private;
mod stored;

use async_trait::async_trait;

pub(crate) use erased::{Erased, Typed};
pub use plan::Plan;
pub(crate) use plan::{PlanRequest, Planned};
pub use private::Private;
pub use stored::StoredState;

use crate::diagnostics::Diagnostics;
use crate::model::Model;
use crate::schema::Schema;
use crate::stop::Stop;

/// What an operation works with, beside its values.
#[derive(Debug)]
pub struct Context<'a, C> {
    /// The client that the provider's `configure` made.
    pub client: &'a C,
    /// What the provider remembers about the object, out of the user's sight.
    pub private: &'a mut Private,
    /// The user's wish to stop.
    pub stop: &'a Stop,
    /// Problems go here.
    pub diagnostics: &'a mut Diagnostics,
}

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
/// Only six methods are needed; the others have a meaning that fits most resources. Errors go into the diagnostics,
/// several if there are several. A panic becomes an error too.
///
/// The framework takes care of what Terraform demands: it fills in defaults, marks what is computed, keeps
/// write-only attributes out of plans and states, and checks that what was planned comes back.
#[async_trait]
pub trait Resource: Send + Sync + 'static {
    /// What the provider hands to its resources.
    type Client: Clone + Send + Sync + 'static;
    /// The struct of the schema: configuration, plan and state.
    type State: Model;

    /// The name of the type in a configuration, with the provider's prefix: `scheduler_job`.
    fn type_name(&self) -> &'static str;

    /// The schema; asked once.
    fn schema(&self) -> Schema;

    /// Checks a configuration beyond what the attributes' own checks do. Anything may still be unknown.
    async fn validate(&self, config: &Self::State, diagnostics: &mut Diagnostics) {
        let _ = (config, diagnostics);
    }

    /// Changes a plan beyond what the schema says. Not asked when an object is destroyed.
    async fn plan(&self, plan: &mut Plan<'_, Self::State, Self::Client>) {
        let _ = plan;
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
    async fn import(&self, id: &str, context: &mut Context<'_, Self::Client>) -> Option<Self::State> {
        let detail = format!("{} cannot be imported; `{id}` was not looked for.", self.type_name());
        context.diagnostics.error("Import not supported", detail);
        None
    }

    /// Translates a state that an older version of the provider stored. Not asked for the schema's own version.
    async fn upgrade(&self, stored: StoredState<'_>, diagnostics: &mut Diagnostics) -> Option<Self::State> {
        let (name, version) = (self.type_name(), stored.version());
        diagnostics.error(
            "State cannot be upgraded",
            format!("The state of {name} has version {version}, which this version of the provider cannot read."),
        );
        None
    }
}
