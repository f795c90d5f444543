//! What is known of a value that is not known yet.

use super::{Number, Type, Value};

/// Longer texts in a refinement are cut or left out: Terraform refuses one of more than 1024 bytes.
const MAX_TEXT: usize = 256;

/// What is promised about an unknown value: the final one will keep to it.
///
/// Terraform decides more while it plans when it knows more: with [`not_null`](Self::not_null), `x == null` is false.
/// The parts that make no sense for the value's type are left out when it is [given its shape](Value::conform) and
/// when it is written.
///
/// ```
/// use tfplugin::{Refinement, Value};
///
/// let promise = Refinement::new().not_null().prefix("job-");
/// assert_eq!(promise.violation(&"job-7".into()), None);
/// assert_eq!(promise.violation(&Value::Null), Some("is null, which the plan excludes"));
/// let planned = Value::from(promise);
/// assert!(planned.is_unknown());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Refinement {
    pub(super) not_null: bool,
    pub(super) prefix: String,
    pub(super) lower: Option<Bound>,
    pub(super) upper: Option<Bound>,
    pub(super) min_length: u32,
    pub(super) max_length: Option<u32>,
}

/// Where the range of a number ends.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Bound {
    pub(super) number: Number,
    /// Whether the number itself is in the range.
    pub(super) inclusive: bool,
}

impl Refinement {
    /// Nothing is known.
    pub fn new() -> Self {
        Self::default()
    }

    /// The value is certainly not null.
    #[must_use]
    pub fn not_null(mut self) -> Self {
        self.not_null = true;
        self
    }

    /// If it is not null, the text begins so. Only the first 256 bytes count.
    ///
    /// Terraform compares texts in Unicode's normal form C: end the prefix with a character that no accent merges with,
    /// such as `-`.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        // Text in normal form stays so when it is cut between two characters, and is still the beginning.
        self.prefix.truncate(self.prefix.floor_char_boundary(MAX_TEXT));
        self
    }

    /// If it is not null, the number is at least this one, or more than it if the bound is not `inclusive`. A bound of
    /// more than 256 digits is left out.
    #[must_use]
    pub fn lower(mut self, number: impl Into<Number>, inclusive: bool) -> Self {
        self.lower = Bound::new(number.into(), inclusive);
        self
    }

    /// If it is not null, the number is at most this one, or less than it if the bound is not `inclusive`. A bound of
    /// more than 256 digits is left out.
    #[must_use]
    pub fn upper(mut self, number: impl Into<Number>, inclusive: bool) -> Self {
        self.upper = Bound::new(number.into(), inclusive);
        self
    }

    /// If it is not null, the list, set or map has at least so many elements.
    #[must_use]
    pub fn min_length(mut self, elements: u32) -> Self {
        self.min_length = elements;
        self
    }

    /// If it is not null, the list, set or map has at most so many elements.
    #[must_use]
    pub fn max_length(mut self, elements: u32) -> Self {
        self.max_length = Some(elements);
        self
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What of all this the final `value` does not keep, as the rest of a sentence. It does not repeat the value,
    /// which may be a secret.
    pub fn violation(&self, value: &Value) -> Option<&'static str> {
        match value {
            Value::Null if self.not_null => Some("is null, which the plan excludes"),
            // Other texts may turn out to be the same in normal form; Terraform will tell.
            Value::String(text) if self.prefix.is_ascii() && !text.starts_with(&self.prefix) => {
                Some("does not begin as planned")
            }
            Value::Number(number) if self.lower.as_ref().is_some_and(|bound| bound.is_above(number)) => {
                Some("is less than planned")
            }
            Value::Number(number) if self.upper.as_ref().is_some_and(|bound| bound.is_below(number)) => {
                Some("is more than planned")
            }
            Value::List(items) => self.length_violation(items.len()),
            Value::Set(items) => self.length_violation(items.len()),
            Value::Map(entries) => self.length_violation(entries.len()),
            Value::Dynamic(typed) => self.violation(&typed.value),
            _ => None,
        }
    }

    fn length_violation(&self, length: usize) -> Option<&'static str> {
        // More elements than 32 bits can count do not fit a message.
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        if length < self.min_length {
            Some("has fewer elements than planned")
        } else if self.max_length.is_some_and(|most| length > most) {
            Some("has more elements than planned")
        } else {
            None
        }
    }

    /// The parts that make sense for a value of that type; none if nothing is left.
    pub(crate) fn of_type(&self, ty: &Type) -> Option<Box<Self>> {
        let Self { prefix, lower, upper, .. } = self;
        let nothing = Self { not_null: self.not_null, ..Self::default() };
        let fitting = match ty {
            // Of a value whose type is open, not even that.
            Type::Dynamic => Self::default(),
            Type::Bool | Type::Object(_) | Type::Tuple(_) => nothing,
            Type::String => Self { prefix: prefix.clone(), ..nothing },
            Type::Number => Self { lower: lower.clone(), upper: upper.clone(), ..nothing },
            Type::List(_) | Type::Set(_) | Type::Map(_) => {
                Self { min_length: self.min_length, max_length: self.max_length, ..nothing }
            }
        };
        (!fitting.is_empty()).then(|| Box::new(fitting))
    }

    /// Whether no value can keep to it.
    pub(super) fn is_contradictory(&self) -> bool {
        let crossed = |lower: &Bound, upper: &Bound| lower.number > upper.number;
        self.lower.as_ref().zip(self.upper.as_ref()).is_some_and(|(lower, upper)| crossed(lower, upper))
            || self.max_length.is_some_and(|most| self.min_length > most)
    }
}

impl Bound {
    /// None if it says nothing, or is too long to be said.
    fn new(number: Number, inclusive: bool) -> Option<Self> {
        (number.is_finite() && number.wire_length() <= MAX_TEXT).then_some(Self { number, inclusive })
    }

    fn is_above(&self, number: &Number) -> bool {
        if self.inclusive { *number < self.number } else { *number <= self.number }
    }

    fn is_below(&self, number: &Number) -> bool {
        if self.inclusive { *number > self.number } else { *number >= self.number }
    }
}

/// A value that is not known yet.
impl From<Refinement> for Value {
    fn from(refinement: Refinement) -> Self {
        Self::Unknown((!refinement.is_empty()).then(|| Box::new(refinement)))
    }
}

#[cfg(test)]
mod tests;
