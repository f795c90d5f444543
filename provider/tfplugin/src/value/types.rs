//! The types of values and their JSON form, such as `["list","string"]`.

mod json;

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value as Json;

use super::ValueError;

/// The type of a value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Type {
    /// A truth value.
    Bool,
    /// A number of any size.
    Number,
    /// A text.
    String,
    /// Any type: the value brings its own.
    Dynamic,
    /// Values of one type, in order.
    List(Box<Self>),
    /// Values of one type, without order or duplicates.
    Set(Box<Self>),
    /// Values of one type under names that the user chooses.
    Map(Box<Self>),
    /// Values of different types under fixed names.
    Object(BTreeMap<String, Self>),
    /// Values of different types, in order.
    Tuple(Vec<Self>),
}

impl Type {
    /// A list of `element`.
    pub fn list(element: Self) -> Self {
        Self::List(Box::new(element))
    }

    /// A set of `element`.
    pub fn set(element: Self) -> Self {
        Self::Set(Box::new(element))
    }

    /// A map of `element`.
    pub fn map(element: Self) -> Self {
        Self::Map(Box::new(element))
    }

    /// An object with these attributes.
    pub fn object<N: Into<String>>(attributes: impl IntoIterator<Item = (N, Self)>) -> Self {
        Self::Object(attributes.into_iter().map(|(name, ty)| (name.into(), ty)).collect())
    }

    /// The JSON form.
    pub fn to_json(&self) -> Vec<u8> {
        self.json().to_string().into_bytes()
    }

    /// Reads the JSON form.
    ///
    /// # Errors
    /// The text is no JSON or names no type.
    pub fn from_json(text: &[u8]) -> Result<Self, ValueError> {
        json::parse(text).map_err(|_| ValueError::new("has a malformed type"))
    }

    fn json(&self) -> Json {
        match self {
            Self::Bool => "bool".into(),
            Self::Number => "number".into(),
            Self::String => "string".into(),
            Self::Dynamic => "dynamic".into(),
            Self::List(element) => Json::Array(vec!["list".into(), element.json()]),
            Self::Set(element) => Json::Array(vec!["set".into(), element.json()]),
            Self::Map(element) => Json::Array(vec!["map".into(), element.json()]),
            Self::Object(attributes) => {
                let attributes = attributes.iter().map(|(name, ty)| (name.clone(), ty.json())).collect();
                Json::Array(vec!["object".into(), Json::Object(attributes)])
            }
            Self::Tuple(elements) => {
                Json::Array(vec!["tuple".into(), Json::Array(elements.iter().map(Self::json).collect())])
            }
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => f.write_str("bool"),
            Self::Number => f.write_str("number"),
            Self::String => f.write_str("string"),
            Self::Dynamic => f.write_str("any"),
            Self::List(element) => write!(f, "list({element})"),
            Self::Set(element) => write!(f, "set({element})"),
            Self::Map(element) => write!(f, "map({element})"),
            Self::Object(_) => f.write_str("object"),
            Self::Tuple(_) => f.write_str("tuple"),
        }
    }
}
