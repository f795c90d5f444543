//! What holds between the attributes and blocks of one object.

use super::{Fields, Message, bare};
use crate::value::Value;

/// A rule about which attributes and blocks of one object the configuration sets together.
///
/// It is about what the configuration says: an attribute with a default, or one that the provider computes, counts as
/// set only where the configuration sets it. Lists, sets and maps of blocks are set when there is one. What is not
/// known yet may turn out to be set or not, so only what is certainly wrong is reported.
///
/// ```
/// use tfplugin::{Attribute, Relation, Schema};
///
/// let schema = Schema::new()
///     .attributes([
///         Attribute::string("script").optional(),
///         Attribute::string("image").optional(),
///         Attribute::string("registry").optional(),
///     ])
///     .relation(Relation::exactly_one_of(["script", "image"]))
///     .relation(Relation::requires("registry", ["image"]));
/// ```
#[derive(Clone, Debug)]
pub struct Relation {
    rule: Rule,
    names: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    ExactlyOne,
    AtLeastOne,
    AtMostOne,
    Together,
    /// The first requires the others.
    Requires,
}

/// What the configuration says about one name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Set,
    NotSet,
    Open,
}

impl Relation {
    /// One of them is set, and no other.
    pub fn exactly_one_of<N: Into<String>>(names: impl IntoIterator<Item = N>) -> Self {
        Self::new(Rule::ExactlyOne, names)
    }

    /// One of them is set, or several.
    pub fn at_least_one_of<N: Into<String>>(names: impl IntoIterator<Item = N>) -> Self {
        Self::new(Rule::AtLeastOne, names)
    }

    /// They exclude each other: one of them is set, or none.
    pub fn at_most_one_of<N: Into<String>>(names: impl IntoIterator<Item = N>) -> Self {
        Self::new(Rule::AtMostOne, names)
    }

    /// All of them are set, or none.
    pub fn together<N: Into<String>>(names: impl IntoIterator<Item = N>) -> Self {
        Self::new(Rule::Together, names)
    }

    /// Where `name` is set, all of `others` are; they may be set without it.
    pub fn requires<N: Into<String>>(name: impl Into<String>, others: impl IntoIterator<Item = N>) -> Self {
        let others = others.into_iter().map(Into::into);
        Self::new(Rule::Requires, std::iter::once(name.into()).chain(others))
    }

    fn new<N: Into<String>>(rule: Rule, names: impl IntoIterator<Item = N>) -> Self {
        Self { rule, names: names.into_iter().map(Into::into).collect() }
    }

    /// The attributes and blocks that it is about.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// What must go from the object of a state before it can be a configuration: a server may fill in what a user may
    /// not set together.
    pub(crate) fn surplus(&self, fields: &Fields, object: &Value) -> Vec<&str> {
        let in_state = |state| {
            self.names.iter().map(String::as_str).filter(move |name| self::state(fields, object, name) == state)
        };
        let lacks_one = || in_state(State::NotSet).next().is_some();
        match self.rule {
            Rule::ExactlyOne | Rule::AtMostOne => in_state(State::Set).skip(1).collect(),
            Rule::Together if lacks_one() => in_state(State::Set).collect(),
            Rule::Requires if lacks_one() => in_state(State::Set).filter(|name| *name == self.names[0]).collect(),
            Rule::AtLeastOne | Rule::Together | Rule::Requires => Vec::new(),
        }
    }

    /// What is certainly wrong with `object`, and at which of its attributes; at none, where nothing is set.
    pub(crate) fn violation(&self, fields: &Fields, object: &Value) -> Option<(Option<&str>, Message)> {
        let in_state = |state| {
            self.names.iter().map(String::as_str).filter(|name| self::state(fields, object, name) == state).collect()
        };
        let (set, not_set): (Vec<&str>, Vec<&str>) = (in_state(State::Set), in_state(State::NotSet));
        let names: Vec<&str> = self.names.iter().map(String::as_str).collect();
        let all = list(&names);
        let missing = |detail: String| Message::new("Missing attribute", detail);
        match (self.rule, &set[..]) {
            (Rule::ExactlyOne | Rule::AtMostOne, [_, second, ..]) => {
                let detail = format!("Only one of {all} may be set, and {} are.", list(&set));
                Some((Some(second), Message::new("Conflicting attributes", detail)))
            }
            (Rule::ExactlyOne, []) if not_set.len() == names.len() => {
                Some((None, missing(format!("Exactly one of {all} must be set, and none is."))))
            }
            (Rule::AtLeastOne, []) if not_set.len() == names.len() => {
                Some((None, missing(format!("At least one of {all} must be set, and none is."))))
            }
            (Rule::Together, [first, ..]) if !not_set.is_empty() => {
                let (set, not_set) = (list_are(&set), list_are(&not_set));
                Some((Some(first), missing(format!("{all} must be set together: {set} set, and {not_set} not."))))
            }
            (Rule::Requires, [first, ..]) if names.first() == Some(first) && !not_set.is_empty() => {
                let (others, not_set) = (list(&names[1..]), list_are(&not_set));
                Some((Some(first), missing(format!("`{first}` requires {others}: {not_set} not set."))))
            }
            _ => None,
        }
    }
}

fn state(fields: &Fields, object: &Value, name: &str) -> State {
    let Some(value) = object.get(name).map(bare) else { return State::NotSet };
    let is_block = fields.blocks.iter().any(|block| block.name == name);
    let is_empty = || value.as_elements().is_some_and(<[Value]>::is_empty);
    let is_empty_map = || matches!(value, Value::Map(entries) if entries.is_empty());
    if value.is_unknown() {
        State::Open
    } else if value.is_null() || (is_block && (is_empty() || is_empty_map())) {
        State::NotSet
    } else {
        State::Set
    }
}

/// "`a`, `b` and `c`".
fn list(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => names.concat(),
    }
}

/// "`a` is", "`a` and `b` are".
fn list_are(names: &[&str]) -> String {
    format!("{} {}", list(names), if names.len() == 1 { "is" } else { "are" })
}
