//! Attributes: `name = value` in a configuration.

use std::fmt;
use std::sync::Arc;

use super::{Check, Fields, Nesting};
use crate::convert::IntoValue;
use crate::value::{Refinement, Type, Value};

/// One attribute and all that holds for it.
#[derive(Clone)]
pub struct Attribute {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) presence: Option<Presence>,
    pub(crate) markdown: String,
    pub(crate) deprecated: Option<String>,
    pub(crate) sensitive: bool,
    pub(crate) write_only: bool,
    pub(crate) requires_replace: bool,
    pub(crate) on_update: OnUpdate,
    pub(crate) default: Option<Value>,
    /// What is known of the computed value before it is known.
    pub(crate) promise: Refinement,
    pub(crate) checks: Vec<Check>,
    pub(crate) keep_prior: Option<Arc<KeepPrior>>,
}

/// Whether a prior value means the same as a new one.
type KeepPrior = dyn Fn(&Value, &Value) -> bool + Send + Sync;

/// What the attribute holds.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Plain(Type),
    Nested(Nesting, Fields),
}

/// Who gives the attribute its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    Required,
    Optional,
    Computed,
    OptionalComputed,
}

/// What becomes of a computed value when something else of the resource changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnUpdate {
    Keep,
    Unknown,
}

impl Attribute {
    /// An attribute of any type.
    pub fn of(name: impl Into<String>, ty: Type) -> Self {
        Self::new(name.into(), Kind::Plain(ty))
    }

    /// A text.
    pub fn string(name: impl Into<String>) -> Self {
        Self::of(name, Type::String)
    }

    /// A truth value.
    pub fn bool(name: impl Into<String>) -> Self {
        Self::of(name, Type::Bool)
    }

    /// A number. A model may ask for a whole one by its type.
    pub fn number(name: impl Into<String>) -> Self {
        Self::of(name, Type::Number)
    }

    /// A value of any type.
    pub fn dynamic(name: impl Into<String>) -> Self {
        Self::of(name, Type::Dynamic)
    }

    /// A list of `element`.
    pub fn list(name: impl Into<String>, element: Type) -> Self {
        Self::of(name, Type::list(element))
    }

    /// A set of `element`.
    pub fn set(name: impl Into<String>, element: Type) -> Self {
        Self::of(name, Type::set(element))
    }

    /// A map of `element`.
    pub fn map(name: impl Into<String>, element: Type) -> Self {
        Self::of(name, Type::map(element))
    }

    /// An object with attributes of its own.
    pub fn nested(name: impl Into<String>, attributes: impl IntoIterator<Item = Self>) -> Self {
        Self::nesting(name.into(), Nesting::Single, attributes)
    }

    /// A list of objects.
    pub fn nested_list(name: impl Into<String>, attributes: impl IntoIterator<Item = Self>) -> Self {
        Self::nesting(name.into(), Nesting::List, attributes)
    }

    /// A set of objects.
    pub fn nested_set(name: impl Into<String>, attributes: impl IntoIterator<Item = Self>) -> Self {
        Self::nesting(name.into(), Nesting::Set, attributes)
    }

    /// A map of objects.
    pub fn nested_map(name: impl Into<String>, attributes: impl IntoIterator<Item = Self>) -> Self {
        Self::nesting(name.into(), Nesting::Map, attributes)
    }

    fn nesting(name: String, nesting: Nesting, attributes: impl IntoIterator<Item = Self>) -> Self {
        let fields = Fields { attributes: attributes.into_iter().collect(), blocks: Vec::new() };
        Self::new(name, Kind::Nested(nesting, fields))
    }

    fn new(name: String, kind: Kind) -> Self {
        Self {
            name,
            kind,
            presence: None,
            markdown: String::new(),
            deprecated: None,
            sensitive: false,
            write_only: false,
            requires_replace: false,
            on_update: OnUpdate::Keep,
            default: None,
            promise: Refinement::new(),
            checks: Vec::new(),
            keep_prior: None,
        }
    }

    /// The configuration must set it.
    #[must_use]
    pub fn required(mut self) -> Self {
        self.presence = Some(Presence::Required);
        self
    }

    /// The configuration may set it. Together with [`computed`](Self::computed): otherwise the provider does.
    #[must_use]
    pub fn optional(mut self) -> Self {
        let computed = matches!(self.presence, Some(Presence::Computed | Presence::OptionalComputed));
        self.presence = Some(if computed { Presence::OptionalComputed } else { Presence::Optional });
        self
    }

    /// The provider sets it: unknown when the object is created, and the same ever after, unless the attribute
    /// [changes with updates](Self::changes_on_update). Where there has been no value so far, the next update is
    /// another chance to set one.
    #[must_use]
    pub fn computed(mut self) -> Self {
        let optional = matches!(self.presence, Some(Presence::Optional | Presence::OptionalComputed));
        self.presence = Some(if optional { Presence::OptionalComputed } else { Presence::Computed });
        self
    }

    /// The value where the configuration does not set one. This makes the attribute optional and computed.
    #[must_use]
    pub fn default(mut self, value: impl IntoValue) -> Self {
        self.presence = Some(Presence::OptionalComputed);
        self.default = Some(value.into_value());
        self
    }

    /// The provider always computes a value. While it is known only after apply, this much is known already, so that
    /// a configuration can ask `thing.id == null` in a `count`. A null after apply is reported as a mistake.
    #[must_use]
    pub fn never_null(mut self) -> Self {
        self.promise = self.promise.not_null();
        self
    }

    /// The text that the provider computes begins so (its first 256 bytes count), which is known before the rest is.
    /// Another text after apply is reported as a mistake. End it with a character that no accent can follow, such as
    /// `-`: Terraform compares texts in Unicode's normal form C.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.promise = self.promise.prefix(prefix);
        self
    }

    /// Terraform shows it as `(sensitive value)`. It is in the state nevertheless.
    #[must_use]
    pub fn sensitive(mut self) -> Self {
        self.sensitive = true;
        self
    }

    /// It is in no plan and no state: `create` and `update` read it from the configuration. A change of it alone
    /// is no change; give it a companion `…_version` for that.
    #[must_use]
    pub fn write_only(mut self) -> Self {
        self.write_only = true;
        self
    }

    /// Warns whoever sets it.
    #[must_use]
    pub fn deprecated(mut self, message: impl Into<String>) -> Self {
        self.deprecated = Some(message.into());
        self
    }

    /// What it is, for documentation and editors.
    #[must_use]
    pub fn markdown(mut self, text: impl Into<String>) -> Self {
        self.markdown = text.into();
        self
    }

    /// Adds a check of what the configuration says.
    #[must_use]
    pub fn check(mut self, check: Check) -> Self {
        self.checks.push(check);
        self
    }

    /// A change destroys the resource and creates a new one.
    #[must_use]
    pub fn requires_replace(mut self) -> Self {
        self.requires_replace = true;
        self
    }

    /// This computed value is unknown in the plan of each update, because the update changes it (a revision, a
    /// time). Without this the prior value is kept.
    #[must_use]
    pub fn changes_on_update(mut self) -> Self {
        self.on_update = OnUpdate::Unknown;
        self
    }

    /// Compares by meaning: while `same(prior, new)` holds, the prior value stays. It is asked when a plan is
    /// made (new is the configuration), and of what `read`, `create` and `update` return.
    #[must_use]
    pub fn keep_prior_if(mut self, same: impl Fn(&Value, &Value) -> bool + Send + Sync + 'static) -> Self {
        self.keep_prior = Some(Arc::new(same));
        self
    }

    /// Whether the provider may give it a value.
    pub(crate) fn is_computed(&self) -> bool {
        matches!(self.presence, Some(Presence::Computed | Presence::OptionalComputed))
    }

    /// Whether the prior value stands for the new one.
    pub(crate) fn keeps(&self, prior: &Value, new: &Value) -> bool {
        let comparable = |value: &Value| !value.is_null() && !value.has_unknown();
        self.keep_prior.as_ref().is_some_and(|same| comparable(prior) && comparable(new) && same(prior, new))
    }
}

impl fmt::Debug for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attribute")
            .field("name", &self.name)
            .field("kind", &self.kind)
            .field("presence", &self.presence)
            .finish_non_exhaustive()
    }
}
