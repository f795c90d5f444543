//! What the author of an action writes.

use async_trait::async_trait;
use tokio::sync::mpsc::Sender;

use crate::context::Call;
use crate::diagnostics::Diagnostics;
use crate::erased::{Typed, model};
use crate::model::Model;
use crate::schema::Schema;
use crate::value::Value;

/// One type of action: something that is done, and leaves nothing in the state.
///
/// ```
/// use tfplugin::{Action, Attr, Attribute, Call, Progress, Schema, async_trait, model};
///
/// model! {
///     /// Which file to remove.
///     struct Removal {
///         file: Attr<String>,
///     }
/// }
///
/// struct Remove;
///
/// #[async_trait]
/// impl Action for Remove {
///     const TYPE_NAME: &'static str = "note_remove";
///     type Client = ();
///     type Config = Removal;
///
///     fn schema(&self) -> Schema {
///         Schema::new().attribute(Attribute::string("file").required())
///     }
///
///     async fn invoke(&self, config: Removal, progress: &Progress, call: &mut Call<'_, ()>) {
///         let file = config.file.as_str().unwrap_or_default();
///         progress.report(format!("Removing {file}")).await;
///         call.diagnostics.ok("Could not remove the file", std::fs::remove_file(file));
///     }
/// }
/// ```
#[async_trait]
pub trait Action: Send + Sync + 'static {
    /// The name of the type in a configuration, with the provider's prefix: `scheduler_run_job`.
    const TYPE_NAME: &'static str;

    /// What the provider hands to its actions.
    type Client: Clone + Send + Sync + 'static;
    /// The struct of the schema.
    type Config: Model;

    /// The schema; asked once. Nothing in it is computed: an action has no result.
    fn schema(&self) -> Schema;

    /// Checks a configuration beyond what the attributes' own checks do. Anything may still be unknown.
    async fn validate(&self, config: &Self::Config, diagnostics: &mut Diagnostics) {
        let _ = (config, diagnostics);
    }

    /// Looks at an invocation that Terraform plans, to warn or to refuse. Anything may still be unknown. Not asked
    /// while the provider's own configuration is unknown.
    async fn plan(&self, config: &Self::Config, call: &mut Call<'_, Self::Client>) {
        let _ = (config, call);
    }

    /// Does it. The user sees the progress. It has succeeded unless there is an error.
    async fn invoke(&self, config: Self::Config, progress: &Progress, call: &mut Call<'_, Self::Client>);
}

/// Tells the user how far an action is.
#[derive(Clone, Debug)]
pub struct Progress(pub(crate) Sender<String>);

impl Progress {
    /// A handle that sends to this channel. The framework makes it; tests of actions may.
    pub fn new(messages: Sender<String>) -> Self {
        Self(messages)
    }

    /// Sends a line. Where nobody listens any more it is dropped: the action's [`Stop`](crate::Stop) tells.
    pub async fn report(&self, message: impl Into<String>) {
        let _ = self.0.send(message.into()).await;
    }
}

/// [`Action`] without its types.
#[async_trait]
pub(crate) trait Erased<C>: Send + Sync {
    fn type_name(&self) -> &'static str;
    fn schema(&self) -> Schema;
    fn fields(&self) -> &'static [&'static str];
    async fn validate(&self, config: Value, diagnostics: &mut Diagnostics);
    async fn plan(&self, config: Value, call: &mut Call<'_, C>);
    async fn invoke(&self, config: Value, progress: &Progress, call: &mut Call<'_, C>);
}

#[async_trait]
impl<A: Action> Erased<A::Client> for Typed<A> {
    fn type_name(&self) -> &'static str {
        A::TYPE_NAME
    }

    fn schema(&self) -> Schema {
        self.0.schema()
    }

    fn fields(&self) -> &'static [&'static str] {
        A::Config::FIELDS
    }

    async fn validate(&self, config: Value, diagnostics: &mut Diagnostics) {
        if let Some(config) = model(config, diagnostics) {
            self.0.validate(&config, diagnostics).await;
        }
    }

    async fn plan(&self, config: Value, call: &mut Call<'_, A::Client>) {
        if let Some(config) = model(config, call.diagnostics) {
            self.0.plan(&config, call).await;
        }
    }

    async fn invoke(&self, config: Value, progress: &Progress, call: &mut Call<'_, A::Client>) {
        if let Some(config) = model(config, call.diagnostics) {
            self.0.invoke(config, progress, call).await;
        }
    }
}
