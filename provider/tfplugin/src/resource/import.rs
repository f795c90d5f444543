//! Objects that come from elsewhere.

use std::fmt;

use crate::private::Private;
use crate::stored::Stored;
use crate::value::Value;

/// How a user names an object that is to be imported.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Import<'a> {
    /// By a text, whose form is up to the resource.
    Id(&'a str),
    /// By its identity: an object with the attributes of [the identity's schema](crate::Resource::identity).
    Identity(&'a Value),
}

impl<'a> Import<'a> {
    /// The text, or this attribute of the identity: for resources that are known by one name.
    pub fn id_or(self, attribute: &str) -> Option<&'a str> {
        match self {
            Self::Id(id) => Some(id),
            Self::Identity(identity) => identity.get(attribute)?.as_str(),
        }
    }

    /// This attribute of the identity, if it is a whole number. A text has none.
    pub fn int(self, attribute: &str) -> Option<i64> {
        match self {
            Self::Id(_) => None,
            Self::Identity(identity) => identity.get(attribute)?.as_number()?.as_i64(),
        }
    }
}

/// The way a user would write it.
impl fmt::Display for Import<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(f, "{id:?}"),
            Self::Identity(identity) => {
                let known = |value: &Value| match value {
                    Value::String(text) => Some(format!("{text:?}")),
                    Value::Number(number) => Some(number.to_string()),
                    Value::Bool(value) => Some(value.to_string()),
                    _ => None,
                };
                let entries = identity.as_entries().into_iter().flatten();
                let shown = entries.filter_map(|(name, value)| Some(format!("{name} = {}", known(value)?)));
                write!(f, "{{ {} }}", shown.collect::<Vec<_>>().join(", "))
            }
        }
    }
}

/// Without the id: for some resources it is a secret.
impl fmt::Debug for Import<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(f, "Id({} bytes)", id.len()),
            Self::Identity(identity) => f.debug_tuple("Identity").field(identity).finish(),
        }
    }
}

/// An object of another type, or of another provider, that a `moved` block brings.
#[derive(Clone, Copy, Debug)]
pub struct MovedState<'a> {
    /// The address of its provider, such as `registry.terraform.io/hashicorp/null`.
    pub provider: &'a str,
    /// The name of its type there.
    pub type_name: &'a str,
    /// Its state, and the version of the schema there.
    pub state: Stored<'a>,
    /// What its provider has remembered, if that can be read here.
    pub private: &'a Private,
    /// Its identity, and the version of the identity's schema there.
    pub identity: Option<Stored<'a>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_import_is_shown_as_it_is_written() {
        let identity = Value::Object(
            [("name".to_owned(), "n".into()), ("number".to_owned(), 7.into()), ("region".to_owned(), Value::Null)]
                .into(),
        );
        assert_eq!(Import::Id("x y").to_string(), "\"x y\"");
        assert_eq!(Import::Identity(&identity).to_string(), "{ name = \"n\", number = 7 }");
        assert_eq!((Import::Id("x").id_or("name"), Import::Identity(&identity).id_or("name")), (Some("x"), Some("n")));
        assert_eq!(Import::Identity(&identity).id_or("region"), None);
        let int = |attribute| Import::Identity(&identity).int(attribute);
        assert_eq!(
            (int("number"), int("name"), int("region"), Import::Id("7").int("number")),
            (Some(7), None, None, None)
        );
    }
}
