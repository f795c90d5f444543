//! Compares values without what is known about their unknown parts.

use std::collections::BTreeMap;

use super::{Typed, Value};

impl Value {
    /// Whether the values are equal, whatever is known about those parts of them that are unknown.
    pub(crate) fn alike(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Unknown(_), Self::Unknown(_)) => true,
            (Self::List(ours), Self::List(theirs)) | (Self::Tuple(ours), Self::Tuple(theirs)) => {
                ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(this, that)| this.alike(that))
            }
            (Self::Map(ours), Self::Map(theirs)) | (Self::Object(ours), Self::Object(theirs)) => {
                let alike =
                    |(this, that): ((&String, &Self), (&String, &Self))| this.0 == that.0 && this.1.alike(that.1);
                ours.len() == theirs.len() && ours.iter().zip(theirs).all(alike)
            }
            // What is known about elements has a part in their order.
            (Self::Set(ours), Self::Set(theirs)) => {
                ours == theirs || self.has_unknown() && self.clone().unrefined() == other.clone().unrefined()
            }
            (Self::Dynamic(this), Self::Dynamic(that)) => this.ty == that.ty && this.value.alike(&that.value),
            _ => self == other,
        }
    }

    /// The value without what is known about its unknown parts.
    pub(super) fn unrefined(self) -> Self {
        let entries =
            |entries: BTreeMap<String, Self>| entries.into_iter().map(|(key, value)| (key, value.unrefined()));
        match self {
            Self::Unknown(_) => Self::UNKNOWN,
            Self::List(items) => Self::List(items.into_iter().map(Self::unrefined).collect()),
            Self::Tuple(items) => Self::Tuple(items.into_iter().map(Self::unrefined).collect()),
            Self::Set(items) => Self::Set(items.into_iter().map(Self::unrefined).collect()),
            Self::Map(inner) => Self::Map(entries(inner).collect()),
            Self::Object(inner) => Self::Object(entries(inner).collect()),
            Self::Dynamic(typed) => {
                let Typed { ty, value } = *typed;
                Self::Dynamic(Box::new(Typed { ty, value: value.unrefined() }))
            }
            known => known,
        }
    }
}
