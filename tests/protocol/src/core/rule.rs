//! The rules, and what it means to break one.

use std::fmt;

use tfplugin::AttributePath;

/// A rule that a provider's answers keep. Each is one for whose breach Terraform blames the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// A value has the shape of the schema: objects have every attribute, each of its type. With what is wrong.
    Shape(String),
    /// A value for a write-only attribute stays in the configuration.
    WriteOnly,
    /// Where there are no blocks, there is an empty list, set or map, and not null.
    NullBlock,
    /// A state has nothing unknown in it.
    Known,
    /// Nothing is left for later unless Terraform allows it.
    Deferred,
    /// The mark of the old SDK, which turns these rules off, is not set.
    LegacyTypeSystem,

    /// What the configuration sets is planned.
    PlannedAbsent,
    /// What the configuration leaves out is not planned.
    PlannedPresent,
    /// Where the configuration sets nothing, only a computed attribute may have a value.
    NotComputed,
    /// What the configuration sets is planned as it is, or as it was before if that means the same.
    NotConfigured,
    /// What the configuration sets is not planned as unknown.
    PlannedUnknown,
    /// As many blocks and nested objects are planned as the configuration has.
    PlannedCount,
    /// They are planned under the names that they have in the configuration.
    PlannedKeys,
    /// A path of `requires_replace` leads to an attribute.
    ReplacePath,

    /// An object exists after it was created or changed.
    Vanished,
    /// Nothing exists after an object was destroyed.
    NotDestroyed,
    /// What was planned comes back.
    NotAsPlanned,
    /// A list has as many elements as planned, and a map the keys that were planned.
    NotTheElementsPlanned,
    /// What was unknown becomes what was promised of it. With what it does not keep.
    Promise(String),

    /// An import answers with exactly one object. With how many there were.
    ImportCount(usize),
    /// The object that was asked for is imported, not one of another type.
    ImportType,
    /// What is imported exists.
    ImportNull,
    /// A state that was moved or upgraded still has its object.
    StateLost,
    /// Once more is known, nothing else is planned to be done than before.
    OtherAction,
    /// After apply, the same configuration plans nothing.
    Settled,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Shape(problem) => return write!(f, "does not fit the schema: {problem}"),
            Self::WriteOnly => "is write-only, and was returned nevertheless",
            Self::NullBlock => "is null, where no blocks are an empty list, set or map",
            Self::Known => "is unknown, where everything is known",
            Self::Deferred => "is left for later, which was not allowed",
            Self::LegacyTypeSystem => "carries the mark of the old SDK",
            Self::PlannedAbsent => "is planned as null, though it is configured",
            Self::PlannedPresent => "is planned, though it is not configured",
            Self::NotComputed => "is planned with a value, though it is neither configured nor computed",
            Self::NotConfigured => "is planned as neither what is configured nor what it was before",
            Self::PlannedUnknown => "is planned as unknown, though it is configured",
            Self::PlannedCount => "is planned with another number of objects than configured",
            Self::PlannedKeys => "is planned with other names than configured",
            Self::ReplacePath => "is said to require replacement, and is no attribute",
            Self::Vanished => "is gone, though it was to be created or changed",
            Self::NotDestroyed => "is there, though it was to be destroyed",
            Self::NotAsPlanned => "is not what was planned",
            Self::NotTheElementsPlanned => "has other elements than planned",
            Self::Promise(problem) => return write!(f, "does not keep what the plan promised: it {problem}"),
            Self::ImportCount(count) => return write!(f, "was imported as {count} objects in place of one"),
            Self::ImportType => "was imported as an object of another type",
            Self::ImportNull => "was imported as null",
            Self::StateLost => "was lost on the way to today's schema",
            Self::OtherAction => "is to be changed in another way than the first plan said",
            Self::Settled => "differs from the plan of the same configuration right after apply",
        };
        f.write_str(text)
    }
}

/// A broken rule, and where. It never shows a value: that may be a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// The rule.
    pub rule: Rule,
    /// The attribute; the whole object if it is empty. A path ends at a set, whose elements have no names.
    pub path: AttributePath,
}

impl Breach {
    pub(crate) fn whole(rule: Rule) -> Self {
        Self { rule, path: AttributePath::default() }
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.steps().is_empty() {
            write!(f, "the object {}", self.rule)
        } else {
            write!(f, "`{}` {}", self.path, self.rule)
        }
    }
}

/// Broken rules, collected on a walk through a value.
#[derive(Default)]
pub(super) struct Found(Vec<Breach>);

impl Found {
    pub(super) fn add(&mut self, path: &AttributePath, rule: Rule) {
        self.0.push(Breach { rule, path: path.clone() });
    }

    pub(super) fn into_vec(self) -> Vec<Breach> {
        self.0
    }
}
