//! Attributes: `name = value` in a configuration.

use std::fmt;
use std::sync::Arc;

use super::{Check, Fields, Nesting, Relation};
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
    replace_if: Option<Arc<Compare>>,
    pub(crate) on_update: OnUpdate,
    pub(crate) default: Option<Value>,
    /// What is known of the computed value before it is known.
    pub(crate) promise: Refinement,
    pub(crate) checks: Vec<Check>,
    keep_prior: Option<Arc<Compare>>,
    /// What the author has said that cannot be: the attribute…
    pub(crate) mistakes: Vec<&'static str>,
}

/// Says something about a prior value and a new one.
type Compare = dyn Fn(&Value, &Value) -> bool + Send + Sync;

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
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum OnUpdate {
    Keep,
    Unknown,
    /// Unknown when one of these top-level attributes and blocks changes.
    With(Vec<String>),
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
        Self::new(name, Kind::Nested(nesting, Fields::of(attributes)))
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
            replace_if: None,
            on_update: OnUpdate::Keep,
            default: None,
            promise: Refinement::new(),
            checks: Vec::new(),
            keep_prior: None,
            mistakes: Vec::new(),
        }
    }

    /// The configuration must set it.
    #[must_use]
    pub fn required(self) -> Self {
        self.present(Presence::Required)
    }

    /// The configuration may set it. Together with [`computed`](Self::computed): otherwise the provider does.
    #[must_use]
    pub fn optional(self) -> Self {
        let computed = matches!(self.presence, Some(Presence::Computed | Presence::OptionalComputed));
        self.present(if computed { Presence::OptionalComputed } else { Presence::Optional })
    }

    /// The provider sets it: unknown when the object is created, and the same ever after, unless the attribute
    /// [changes with updates](Self::changes_on_update). Where there has been no value so far, the next update is
    /// another chance to set one.
    #[must_use]
    pub fn computed(self) -> Self {
        let optional = matches!(self.presence, Some(Presence::Optional | Presence::OptionalComputed));
        self.present(if optional { Presence::OptionalComputed } else { Presence::Computed })
    }

    /// The value where the configuration does not set one. This makes the attribute optional and computed.
    #[must_use]
    pub fn default(mut self, value: impl IntoValue) -> Self {
        self.default = Some(value.into_value());
        self.present(Presence::OptionalComputed)
    }

    fn present(mut self, presence: Presence) -> Self {
        if self.presence.is_some_and(|before| (before == Presence::Required) != (presence == Presence::Required)) {
            self.mistakes.push("is required, and optional or computed as well");
        }
        self.presence = Some(presence);
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
    /// Another text after apply is reported as a mistake. End it with a character that no accent merges with, such as
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

    /// Adds what holds between the attributes of a nested attribute.
    #[must_use]
    pub fn relation(mut self, relation: Relation) -> Self {
        match &mut self.kind {
            Kind::Nested(_, fields) => fields.relations.push(relation),
            Kind::Plain(_) => self.mistakes.push("has a relation, but no attributes of its own"),
        }
        self
    }

    /// A change destroys the resource and creates a new one. In a set, an element in which anything has changed is a
    /// new one with all of its attributes.
    #[must_use]
    pub fn requires_replace(self) -> Self {
        self.requires_replace_if(|_, _| true)
    }

    /// A change destroys the resource and creates a new one if `condition(prior, new)` holds. Prior is null where the
    /// attribute had no value; new is what is planned, and may be null or unknown.
    ///
    /// The condition must hold for an unknown value that may turn out to need another resource: once Terraform has
    /// announced a change in place, it refuses to replace, and fails in the middle of an apply.
    #[must_use]
    pub fn requires_replace_if(mut self, condition: impl Fn(&Value, &Value) -> bool + Send + Sync + 'static) -> Self {
        self.replace_if = Some(Arc::new(condition));
        self
    }

    /// This computed value is unknown in the plan of each update, because the update changes it (a revision, a
    /// time). Without this the prior value is kept.
    #[must_use]
    pub fn changes_on_update(mut self) -> Self {
        self.on_update = OnUpdate::Unknown;
        self
    }

    /// This computed value is unknown in the plan of an update that changes one of these attributes or blocks of the
    /// resource (of the resource itself, not of a nested attribute), and of no other: the next run of a schedule, or
    /// a checksum of a script. One of them may be computed, and change with others in its turn.
    #[must_use]
    pub fn changes_with<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.on_update = OnUpdate::With(names.into_iter().map(Into::into).collect());
        self
    }

    /// Compares by meaning: while `same(prior, new)` holds, the prior value stays. It is asked when a plan is
    /// made (new is the configuration), and of what `read`, `create` and `update` return, but not of values that are
    /// null or not wholly known. [`same`](crate::same) has comparisons that are often needed.
    ///
    /// This works in nested attributes and blocks too: elements of a list are compared with those at the same place,
    /// entries of a map with those of the same key. An element of a set keeps its prior values when exactly one prior
    /// element is the same by the comparisons of all attributes. A value of dynamic type is compared without its
    /// type.
    #[must_use]
    pub fn keep_prior_if(mut self, same: impl Fn(&Value, &Value) -> bool + Send + Sync + 'static) -> Self {
        self.keep_prior = Some(Arc::new(same));
        self
    }

    /// Whether the provider may give it a value.
    pub(crate) fn is_computed(&self) -> bool {
        matches!(self.presence, Some(Presence::Computed | Presence::OptionalComputed))
    }

    /// Whether it compares by meaning.
    pub(super) fn compares(&self) -> bool {
        self.keep_prior.is_some()
    }

    /// Whether any change needs another resource.
    pub(super) fn may_replace(&self) -> bool {
        self.replace_if.is_some()
    }

    /// Whether the prior value stands for the new one.
    pub(crate) fn keeps(&self, prior: &Value, new: &Value) -> bool {
        let comparable = |value: &Value| !value.is_null() && !value.has_unknown();
        let (prior, new) = (bare(prior), bare(new));
        self.keep_prior.as_ref().is_some_and(|same| comparable(prior) && comparable(new) && same(prior, new))
    }

    /// Whether a change from the prior value to the new one, which is another, needs another resource.
    pub(crate) fn replaces(&self, prior: Option<&Value>, new: &Value) -> bool {
        let prior = prior.map_or(&Value::Null, bare);
        self.replace_if.as_ref().is_some_and(|condition| condition(prior, bare(new)))
    }

    /// The default in the shape of the attribute. One that does not fit is reported with the schema; null is then as
    /// good as anything.
    pub(crate) fn default_value(&self) -> Option<Value> {
        self.default.clone().map(|default| default.conform(&self.ty()).unwrap_or_default())
    }
}

/// The value without the type that it brings, where it does.
pub(crate) fn bare(value: &Value) -> &Value {
    if let Value::Dynamic(typed) = value { &typed.value } else { value }
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
