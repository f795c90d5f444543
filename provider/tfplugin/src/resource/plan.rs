//! A plan that a resource may change.

use crate::context::Deferral;
use crate::diagnostics::Diagnostics;
use crate::private::Private;
use crate::stop::Stop;
use crate::value::{AttributePath, Value};

/// What Terraform is about to do with one object.
#[derive(Debug)]
pub struct Plan<'a, S, C> {
    /// The client; none while the provider's own configuration is not known yet.
    pub client: Option<&'a C>,
    /// The object as it is; none if it is to be created.
    pub prior: Option<S>,
    /// The configuration; the only place of write-only attributes.
    pub config: S,
    /// The object as it shall be. Only computed attributes that the configuration does not set may be changed.
    pub planned: S,
    /// What the provider remembers about the object; `create` and `update` will find the changes. They are stored even
    /// where the change fails, so this is no place to note that something has been done. Before it
    /// applies, Terraform plans once more; since 1.16 that plan finds here what the first one has left.
    pub private: &'a mut Private,
    /// What the configuration says about the module in `provider_meta`; null without
    /// [a schema](crate::Provider::meta_schema) for it.
    pub meta: &'a Value,
    /// The user's wish to stop.
    pub stop: &'a Stop,
    /// Puts the object off to a later plan.
    pub deferral: &'a mut Deferral,
    /// Problems go here.
    pub diagnostics: &'a mut Diagnostics,
    replace: Vec<AttributePath>,
}

impl<S, C> Plan<'_, S, C> {
    /// The change of this attribute destroys the object and creates a new one.
    pub fn requires_replace(&mut self, path: impl Into<AttributePath>) {
        self.replace.push(path.into());
    }
}

/// A plan before the resource's types are applied.
pub(crate) struct PlanRequest<'a, C> {
    pub(crate) client: Option<&'a C>,
    pub(crate) prior: Option<Value>,
    pub(crate) config: Value,
    pub(crate) planned: Value,
    pub(crate) private: &'a mut Private,
    pub(crate) meta: &'a Value,
    pub(crate) stop: &'a Stop,
    pub(crate) deferral: &'a mut Deferral,
    pub(crate) diagnostics: &'a mut Diagnostics,
}

impl<'a, C> PlanRequest<'a, C> {
    /// The plan with the resource's types.
    pub(super) fn typed<S>(self, prior: Option<S>, config: S, planned: S) -> Plan<'a, S, C> {
        let Self { client, private, meta, stop, deferral, diagnostics, .. } = self;
        Plan { client, prior, config, planned, private, meta, stop, deferral, diagnostics, replace: Vec::new() }
    }
}

/// What the resource made of it.
pub(crate) struct Planned {
    pub(crate) planned: Value,
    pub(crate) replace: Vec<AttributePath>,
}

impl<S: crate::IntoValue, C> From<Plan<'_, S, C>> for Planned {
    fn from(plan: Plan<'_, S, C>) -> Self {
        Self { planned: plan.planned.into_value(), replace: plan.replace }
    }
}
