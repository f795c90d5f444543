//! A plan that a resource may change.

use crate::diagnostics::Diagnostics;
use crate::resource::Private;
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
    /// What the provider remembers about the object; `create` and `update` will find the changes.
    pub private: &'a mut Private,
    /// Problems go here.
    pub diagnostics: &'a mut Diagnostics,
    replace: Vec<AttributePath>,
}

impl<'a, S, C> Plan<'a, S, C> {
    /// A plan, as a test of a resource would make it.
    pub fn new(
        client: Option<&'a C>,
        (prior, config, planned): (Option<S>, S, S),
        private: &'a mut Private,
        diagnostics: &'a mut Diagnostics,
    ) -> Self {
        Self { client, prior, config, planned, private, diagnostics, replace: Vec::new() }
    }

    /// The change of this attribute destroys the object and creates a new one.
    pub fn requires_replace(&mut self, path: impl Into<AttributePath>) {
        self.replace.push(path.into());
    }

    /// The attributes that require it, as far as `plan` has said so.
    pub fn replacements(&self) -> &[AttributePath] {
        &self.replace
    }
}

/// A plan before the resource's types are applied.
pub(crate) struct PlanRequest<'a, C> {
    pub(crate) client: Option<&'a C>,
    pub(crate) prior: Option<Value>,
    pub(crate) config: Value,
    pub(crate) planned: Value,
    pub(crate) private: &'a mut Private,
    pub(crate) diagnostics: &'a mut Diagnostics,
}

/// What the resource made of it.
pub(crate) struct Planned {
    pub(crate) planned: Value,
    pub(crate) replace: Vec<AttributePath>,
}
