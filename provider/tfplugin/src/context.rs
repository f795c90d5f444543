//! What the author's code works with, beside its values.

use crate::diagnostics::Diagnostics;
use crate::private::Private;
use crate::stop::Stop;
use crate::value::Value;

/// What an operation on an object works with: a managed resource or an ephemeral one.
#[derive(Debug)]
pub struct Context<'a, C> {
    /// The client that the provider's `configure` made.
    pub client: &'a C,
    /// What the provider remembers about the object, out of the user's sight.
    pub private: &'a mut Private,
    /// What the configuration says about the module in `provider_meta`; null without
    /// [a schema](crate::Provider::meta_schema) for it, in an import, and for ephemeral resources.
    pub meta: &'a Value,
    /// The user's wish to stop.
    pub stop: &'a Stop,
    /// Puts the object off to a later plan.
    pub deferral: &'a mut Deferral,
    /// Problems go here.
    pub diagnostics: &'a mut Diagnostics,
}

/// What a call works with that remembers nothing: a data source, an action, a list.
#[derive(Debug)]
pub struct Call<'a, C> {
    /// The client that the provider's `configure` made.
    pub client: &'a C,
    /// What the configuration says about the module in `provider_meta`; null but for data sources.
    pub meta: &'a Value,
    /// The user's wish to stop.
    pub stop: &'a Stop,
    /// Puts the work off to a later plan.
    pub deferral: &'a mut Deferral,
    /// Problems go here.
    pub diagnostics: &'a mut Diagnostics,
}

/// Why something is put off to a later plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Its configuration is not known well enough yet.
    ConfigUnknown,
    /// The provider's configuration is not known yet. The framework says this by itself where the provider's
    /// `configure` has made no client.
    ProviderConfigUnknown,
    /// Something that it needs does not exist yet.
    AbsentPrerequisite,
}

/// A request to put one object off to a later plan.
///
/// Only some versions of Terraform can do that, and only when their user allows it. It has an effect where an
/// object or an [action](crate::Action::plan) is planned, an object is read or imported, data is read, or an ephemeral
/// resource is opened. Elsewhere, as in `create`, it cannot be requested.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deferral {
    allowed: bool,
    reason: Option<Reason>,
}

impl Deferral {
    /// No request so far. The framework makes it; tests of resources may.
    pub fn new(allowed: bool) -> Self {
        Self { allowed, reason: None }
    }

    /// Whether Terraform can put things off.
    pub fn is_allowed(&self) -> bool {
        self.allowed
    }

    /// Asks to put the object off. `false` if Terraform cannot: go on as if this had not been asked.
    pub fn request(&mut self, reason: Reason) -> bool {
        if self.allowed {
            self.reason = Some(reason);
        }
        self.allowed
    }

    /// The reason, if the object is to be put off.
    pub fn reason(&self) -> Option<Reason> {
        self.reason
    }
}
