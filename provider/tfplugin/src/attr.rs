//! One attribute of a model: known, null or unknown.

use crate::value::{Step, Value, ValueError};

/// An attribute as Terraform sees it: it can be set, not set, or known only after apply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Attr<T> {
    /// Known only after apply.
    Unknown,
    /// Not set.
    #[default]
    Null,
    /// Set, and known.
    Known(T),
}

impl<T> Attr<T> {
    /// A known attribute, from anything that becomes a `T`.
    pub fn known(value: impl Into<T>) -> Self {
        Self::Known(value.into())
    }

    /// The value, if it is known and set.
    pub fn as_known(&self) -> Option<&T> {
        if let Self::Known(value) = self { Some(value) } else { None }
    }

    /// The value, if it is known and set.
    pub fn into_known(self) -> Option<T> {
        if let Self::Known(value) = self { Some(value) } else { None }
    }

    /// Whether the attribute is not set.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Whether the attribute is known only after apply.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown)
    }

    /// Whether the attribute is set to a known value.
    pub fn is_known(&self) -> bool {
        matches!(self, Self::Known(_))
    }

    /// The same attribute, borrowed.
    pub fn as_ref(&self) -> Attr<&T> {
        match self {
            Self::Unknown => Attr::Unknown,
            Self::Null => Attr::Null,
            Self::Known(value) => Attr::Known(value),
        }
    }

    /// Changes the value, if it is known.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Attr<U> {
        match self {
            Self::Unknown => Attr::Unknown,
            Self::Null => Attr::Null,
            Self::Known(value) => Attr::Known(change(value)),
        }
    }

    /// The value, or `other` if it is not set or not known.
    pub fn unwrap_or(self, other: T) -> T {
        self.into_known().unwrap_or(other)
    }
}

impl Attr<String> {
    /// The text, if it is known and set.
    pub fn as_str(&self) -> Option<&str> {
        self.as_known().map(String::as_str)
    }
}

impl<T> From<Option<T>> for Attr<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Self::Known)
    }
}

impl From<&str> for Attr<String> {
    fn from(value: &str) -> Self {
        Self::Known(value.to_owned())
    }
}

impl From<String> for Attr<String> {
    fn from(value: String) -> Self {
        Self::Known(value)
    }
}

impl<T: crate::FromValue> crate::FromValue for Attr<T> {
    fn from_value(value: Value) -> Result<Self, ValueError> {
        match value {
            Value::Unknown(_) => Ok(Self::Unknown),
            Value::Null => Ok(Self::Null),
            // Of open type, and the type is all that is known.
            Value::Dynamic(typed) if typed.value.is_unknown() => Ok(Self::Unknown),
            Value::Dynamic(typed) if typed.value.is_null() => Ok(Self::Null),
            value => T::from_value(value).map(Self::Known),
        }
    }
}

impl<T: crate::IntoValue> crate::IntoValue for Attr<T> {
    fn into_value(self) -> Value {
        match self {
            Self::Unknown => Value::UNKNOWN,
            Self::Null => Value::Null,
            Self::Known(value) => value.into_value(),
        }
    }
}

/// Elements of a list, each read with its position in the path of an error.
pub(crate) fn elements<T: crate::FromValue, C: FromIterator<T>>(
    items: impl IntoIterator<Item = Value>,
) -> Result<C, ValueError> {
    let element = |(index, item)| T::from_value(item).map_err(|error| error.under(Step::Index(index)));
    items.into_iter().enumerate().map(element).collect()
}
