//! What the author of an ephemeral resource writes.

use std::time::SystemTime;

use async_trait::async_trait;

use crate::context::Context;
use crate::convert::IntoValue as _;
use crate::diagnostics::Diagnostics;
use crate::erased::{Typed, model};
use crate::model::Model;
use crate::schema::Schema;
use crate::value::Value;

/// One type of ephemeral resource: something that exists while Terraform runs, such as a token, and is in no plan and
/// no state.
///
/// ```
/// use std::time::{Duration, SystemTime};
///
/// use tfplugin::{
///     Attr, Attribute, Context, EphemeralResource, Opened, Schema, Sensitive, async_trait, model,
/// };
/// # struct Session { id: String, token: String, ends: SystemTime }
/// # #[derive(Clone)]
/// # struct Api;
/// # impl Api {
/// #     async fn open(&self) -> std::io::Result<Session> {
/// #         Ok(Session { id: "1".into(), token: "t".into(), ends: SystemTime::UNIX_EPOCH })
/// #     }
/// #     async fn extend(&self, _: &str) -> std::io::Result<SystemTime> { Ok(SystemTime::UNIX_EPOCH) }
/// #     async fn end(&self, _: &str) -> std::io::Result<()> { Ok(()) }
/// # }
///
/// model! {
///     /// A token.
///     struct Token {
///         value: Attr<Sensitive<String>>,
///     }
/// }
///
/// struct TokenResource;
///
/// #[async_trait]
/// impl EphemeralResource for TokenResource {
///     const TYPE_NAME: &'static str = "note_token";
///     type Client = Api;
///     type State = Token;
///
///     fn schema(&self) -> Schema {
///         Schema::new().attribute(Attribute::string("value").computed().sensitive())
///     }
///
///     async fn open(&self, _: Token, context: &mut Context<'_, Api>) -> Option<Opened<Token>> {
///         let session = context.diagnostics.ok("Could not open a session", context.client.open().await)?;
///         let remembered = context.private.set("id", &session.id);
///         if context.diagnostics.ok("Could not remember the session", remembered).is_none() {
///             // Terraform closes only what it has got.
///             context.diagnostics.ok("Could not end the session", context.client.end(&session.id).await);
///             return None;
///         }
///         let token = Token { value: Attr::Known(session.token.into()) };
///         Some(Opened::new(token).renew_at(session.ends - Duration::from_secs(60)))
///     }
///
///     async fn renew(&self, context: &mut Context<'_, Api>) -> Option<SystemTime> {
///         let Some(id) = context.private.get::<String>("id") else {
///             // Without an error, nothing would be renewed any more, and nobody would know.
///             context.diagnostics.error("Session is not known", "It cannot be extended.");
///             return None;
///         };
///         let ends = context.diagnostics.ok("Could not extend the session", context.client.extend(&id).await)?;
///         Some(ends - Duration::from_secs(60))
///     }
///
///     async fn close(&self, context: &mut Context<'_, Api>) {
///         if let Some(id) = context.private.get::<String>("id") {
///             context.diagnostics.ok("Could not end the session", context.client.end(&id).await);
///         }
///     }
/// }
/// ```
#[async_trait]
pub trait EphemeralResource: Send + Sync + 'static {
    /// The name of the type in a configuration, with the provider's prefix: `scheduler_token`.
    const TYPE_NAME: &'static str;

    /// What the provider hands to its ephemeral resources.
    type Client: Clone + Send + Sync + 'static;
    /// The struct of the schema: what is asked for, and what is opened.
    type State: Model;

    /// The schema; asked once.
    fn schema(&self) -> Schema;

    /// Checks a configuration beyond what the attributes' own checks do. Anything may still be unknown.
    async fn validate(&self, config: &Self::State, diagnostics: &mut Diagnostics) {
        let _ = (config, diagnostics);
    }

    /// Opens it and returns `wanted`, the configuration with defaults, with everything unknown filled in. What
    /// `renew` and `close` need goes into the context's private state: they get nothing else.
    ///
    /// An error together with what is open, a request to put it off, or a result that does not fit has `close` called
    /// at once. What is open when `None` is returned must be closed here: Terraform closes only what it has got.
    async fn open(&self, wanted: Self::State, context: &mut Context<'_, Self::Client>) -> Option<Opened<Self::State>>;

    /// Keeps it valid for longer, and says when to do so again. Asked only after [`Opened::renew_at`]. What it puts into
    /// the private state reaches the next `renew`, but not `close`: Terraform hands over to that what `open` has left.
    async fn renew(&self, context: &mut Context<'_, Self::Client>) -> Option<SystemTime> {
        let _ = context;
        None
    }

    /// Ends it. Asked also after the user has stopped Terraform.
    async fn close(&self, context: &mut Context<'_, Self::Client>) {
        let _ = context;
    }
}

/// An ephemeral resource that is open.
#[derive(Clone, Debug)]
pub struct Opened<S> {
    /// What the configuration may use.
    pub state: S,
    /// When to renew it, if ever. Terraform may be a little late.
    pub renew_at: Option<SystemTime>,
}

impl<S> Opened<S> {
    /// Open until it is closed.
    pub fn new(state: S) -> Self {
        Self { state, renew_at: None }
    }

    /// To be renewed at that time.
    #[must_use]
    pub fn renew_at(mut self, time: SystemTime) -> Self {
        self.renew_at = Some(time);
        self
    }
}

/// [`EphemeralResource`] without its types.
#[async_trait]
pub(crate) trait Erased<C>: Send + Sync {
    fn type_name(&self) -> &'static str;
    fn schema(&self) -> Schema;
    fn fields(&self) -> &'static [&'static str];
    async fn validate(&self, config: Value, diagnostics: &mut Diagnostics);
    async fn open(&self, wanted: Value, context: &mut Context<'_, C>) -> Option<Opened<Value>>;
    async fn renew(&self, context: &mut Context<'_, C>) -> Option<SystemTime>;
    async fn close(&self, context: &mut Context<'_, C>);
}

#[async_trait]
impl<E: EphemeralResource> Erased<E::Client> for Typed<E> {
    fn type_name(&self) -> &'static str {
        E::TYPE_NAME
    }

    fn schema(&self) -> Schema {
        self.0.schema()
    }

    fn fields(&self) -> &'static [&'static str] {
        E::State::FIELDS
    }

    async fn validate(&self, config: Value, diagnostics: &mut Diagnostics) {
        if let Some(config) = model(config, diagnostics) {
            self.0.validate(&config, diagnostics).await;
        }
    }

    async fn open(&self, wanted: Value, context: &mut Context<'_, E::Client>) -> Option<Opened<Value>> {
        let wanted = model(wanted, context.diagnostics)?;
        let Opened { state, renew_at } = self.0.open(wanted, context).await?;
        Some(Opened { state: state.into_value(), renew_at })
    }

    async fn renew(&self, context: &mut Context<'_, E::Client>) -> Option<SystemTime> {
        self.0.renew(context).await
    }

    async fn close(&self, context: &mut Context<'_, E::Client>) {
        self.0.close(context).await;
    }
}
