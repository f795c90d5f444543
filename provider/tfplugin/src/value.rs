//! Terraform's values, and how they travel.
//!
//! A [`Value`] alone does not say what it is: `[]` may be a list, a set or a tuple. Reading and writing therefore go
//! by [`Type`], which a schema knows. This layer has no idea of providers, resources or gRPC.

mod alike;
mod conform;
mod error;
mod json;
mod msgpack;
mod number;
mod path;
mod refinement;
mod set;
mod types;

use std::collections::BTreeMap;
use std::fmt;

pub use error::ValueError;
pub use number::Number;
pub use path::{AttributePath, Step};
pub use refinement::Refinement;
pub use set::Set;
pub use types::Type;

/// How deep a value or a type may be nested. Real configurations stay below ten.
const MAX_DEPTH: usize = 100;

/// How many values one message may hold. Each costs memory out of proportion to its byte on the wire: 32 bytes of it,
/// and as much again while a list grows.
const MAX_VALUES: usize = 4_000_000;

/// As how many values a map or object counts beside its entries, unless it is empty: it makes room for several.
const MAP_COST: usize = 20;

/// One value of a configuration, a plan or a state.
///
/// The order (`Ord`) has no meaning to a user; it exists so that sets can be compared.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// Known only after apply, with what is known about it already. [`Value::UNKNOWN`] is one with nothing known.
    Unknown(Option<Box<Refinement>>),
    /// Not set.
    #[default]
    Null,
    /// A truth value.
    Bool(bool),
    /// A number of any size.
    Number(Number),
    /// A text.
    String(String),
    /// Values of one type, in order.
    List(Vec<Self>),
    /// Values of one type, without order or duplicates.
    Set(Set),
    /// Values of one type under names that the user chooses.
    Map(BTreeMap<String, Self>),
    /// Values of different types under names that the schema fixes.
    Object(BTreeMap<String, Self>),
    /// Values of different types, in order.
    Tuple(Vec<Self>),
    /// A value that brings its own type, where the schema leaves the type open.
    Dynamic(Box<Typed>),
}

/// Kinds, names and sizes, and no content: any value may be a secret. To see all of it, write it [as JSON](Self::to_json).
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(_) => f.write_str("Unknown"),
            Self::Null => f.write_str("Null"),
            Self::Bool(_) => f.write_str("Bool"),
            Self::Number(_) => f.write_str("Number"),
            Self::String(text) => write!(f, "String({} bytes)", text.len()),
            Self::List(items) => f.debug_list().entries(items).finish(),
            Self::Set(items) => f.debug_set().entries(items).finish(),
            Self::Map(entries) => write!(f, "Map({} entries)", entries.len()),
            Self::Object(entries) => f.debug_map().entries(entries).finish(),
            Self::Tuple(items) => {
                f.write_str("Tuple")?;
                f.debug_list().entries(items).finish()
            }
            Self::Dynamic(typed) => typed.fmt(f),
        }
    }
}

/// A value together with its type.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Typed {
    /// The type.
    pub ty: Type,
    /// A value of that type.
    pub value: Value,
}

impl Typed {
    /// A value of dynamic type. One of no particular type, which is null or unknown, is just that.
    fn wrap(ty: Type, value: Value) -> Value {
        if ty == Type::Dynamic { value } else { Value::Dynamic(Box::new(Self { ty, value })) }
    }
}

impl Value {
    /// Known only after apply, and nothing more is known about it.
    pub const UNKNOWN: Self = Self::Unknown(None);

    /// Whether the value is not set.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Whether the value itself (not only a part of it) is known only after apply.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown(_))
    }

    /// Whether the value or any part of it is known only after apply.
    pub fn has_unknown(&self) -> bool {
        match self {
            Self::Unknown(_) => true,
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) => false,
            Self::List(items) | Self::Tuple(items) => items.iter().any(Self::has_unknown),
            Self::Set(items) => items.iter().any(Self::has_unknown),
            Self::Map(items) | Self::Object(items) => items.values().any(Self::has_unknown),
            Self::Dynamic(typed) => typed.value.has_unknown(),
        }
    }

    /// The text, if this is a known string.
    pub fn as_str(&self) -> Option<&str> {
        if let Self::String(text) = self { Some(text) } else { None }
    }

    /// The truth value, if this is a known one.
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(value) = self { Some(*value) } else { None }
    }

    /// The number, if this is a known one.
    pub fn as_number(&self) -> Option<&Number> {
        if let Self::Number(number) = self { Some(number) } else { None }
    }

    /// The entries of a known map or object.
    pub fn as_entries(&self) -> Option<&BTreeMap<String, Self>> {
        if let Self::Map(entries) | Self::Object(entries) = self { Some(entries) } else { None }
    }

    /// The entry of that name in a known map or object.
    pub fn get(&self, name: &str) -> Option<&Self> {
        self.as_entries()?.get(name)
    }

    /// The elements of a known list, set or tuple.
    pub fn as_elements(&self) -> Option<&[Self]> {
        match self {
            Self::List(items) | Self::Tuple(items) => Some(items),
            Self::Set(items) => Some(items.as_slice()),
            _ => None,
        }
    }

    /// What the value is, in words for an error message.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Unknown(_) => "an unknown value",
            Self::Null => "null",
            Self::Bool(_) => "a bool",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::List(_) => "a list",
            Self::Set(_) => "a set",
            Self::Map(_) => "a map",
            Self::Object(_) => "an object",
            Self::Tuple(_) => "a tuple",
            Self::Dynamic(_) => "a value of dynamic type",
        }
    }

    /// Gives the value exactly the shape of `ty`: every attribute of an object is there, sets are sets, values of
    /// dynamic type carry their type.
    ///
    /// # Errors
    /// Names the part of the value that does not fit.
    pub fn conform(self, ty: &Type) -> Result<Self, ValueError> {
        conform::conform(self, ty, 0)
    }

    /// Reads the msgpack form of a value of type `ty`. Where a name occurs twice in a map or an object, the last one
    /// counts.
    ///
    /// # Errors
    /// Names the part of the value that does not fit.
    pub fn from_msgpack(bytes: &[u8], ty: &Type) -> Result<Self, ValueError> {
        msgpack::decode(bytes, ty)
    }

    /// Writes the msgpack form of a value of type `ty`.
    ///
    /// # Errors
    /// Names the part of the value that does not fit.
    pub fn to_msgpack(&self, ty: &Type) -> Result<Vec<u8>, ValueError> {
        msgpack::encode(self, ty)
    }

    /// Reads the JSON form of a value of type `ty`, as a state file holds it: attributes that the text lacks become
    /// null, and attributes that the type lacks are dropped. Where a name occurs twice, the last one counts.
    ///
    /// # Errors
    /// Names the part of the value that does not fit.
    pub fn from_json(text: &[u8], ty: &Type) -> Result<Self, ValueError> {
        json::decode(text, ty)
    }

    /// Writes the JSON form of a value of type `ty`.
    ///
    /// # Errors
    /// Names the part of the value that does not fit; JSON has no unknown values.
    pub fn to_json(&self, ty: &Type) -> Result<Vec<u8>, ValueError> {
        json::encode(self, ty)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Number(value.into())
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::String(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::String(value)
    }
}

#[cfg(test)]
mod hostile;
#[cfg(test)]
mod tests;
