//! Identities: what tells one object from all others, apart from its state.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostics::Diagnostics;
use crate::schema::is_identifier;
use crate::value::{Type, Value};

/// The attributes by which an object of a resource is known for good, such as a region and a name.
///
/// Terraform 1.12 and later stores them beside the state, takes them in `import` blocks, and gets them from
/// [lists](crate::List).
///
/// ```
/// use tfplugin::{IdentityAttribute, IdentitySchema, Type};
///
/// let schema = IdentitySchema::new([
///     IdentityAttribute::required("name", Type::String),
///     IdentityAttribute::optional("region", Type::String).description("The provider's own, if not given."),
/// ]);
/// ```
#[derive(Clone, Debug, Default)]
pub struct IdentitySchema {
    pub(crate) version: i64,
    pub(crate) attributes: Vec<IdentityAttribute>,
}

/// One attribute of an identity: a text, a number, a truth value, or a list of them.
#[derive(Clone, Debug)]
pub struct IdentityAttribute {
    pub(crate) name: String,
    pub(crate) ty: Type,
    pub(crate) required: bool,
    pub(crate) description: String,
}

impl IdentitySchema {
    /// An identity with these attributes.
    pub fn new(attributes: impl IntoIterator<Item = IdentityAttribute>) -> Self {
        Self { version: 0, attributes: attributes.into_iter().collect() }
    }

    /// The version of stored identities. Raise it when the old form can no longer be read, and write an
    /// [`upgrade_identity`](crate::Resource::upgrade_identity).
    #[must_use]
    pub fn version(mut self, version: i64) -> Self {
        self.version = version;
        self
    }

    /// The type of the identity.
    pub fn ty(&self) -> Type {
        Type::object(self.attributes.iter().map(|attribute| (attribute.name.clone(), attribute.ty.clone())))
    }

    /// The attributes of `state` that have the names of the identity's.
    pub(crate) fn project(&self, state: &Value, diagnostics: &mut Diagnostics) -> Option<Value> {
        let mut identity = BTreeMap::new();
        for IdentityAttribute { name, .. } in &self.attributes {
            let Some(value) = state.get(name) else {
                let detail = format!(
                    "The identity has an attribute {name}, and the state has none of that name. The provider must say \
                     what it is (`identify`). This is a mistake in the provider."
                );
                diagnostics.error("Identity not known", detail);
                return None;
            };
            identity.insert(name.clone(), value.clone());
        }
        Some(Value::Object(identity))
    }

    /// Mistakes of the author.
    pub(crate) fn mistakes(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut seen = BTreeSet::new();
        if self.attributes.is_empty() {
            found.push("the identity has no attribute".to_owned());
        }
        for IdentityAttribute { name, ty, .. } in &self.attributes {
            if !seen.insert(name) {
                found.push(format!("`{name}` occurs twice in the identity"));
            }
            if !is_identifier(name) {
                found.push(format!("`{name}` must consist of lower-case letters, digits and underscores"));
            }
            let simple = |ty: &Type| matches!(ty, Type::String | Type::Number | Type::Bool);
            if !simple(ty) && !matches!(ty, Type::List(element) if simple(element)) {
                found.push(format!(
                    "`{name}` of the identity must be a text, a number, a truth value or a list of them"
                ));
            }
        }
        found
    }
}

impl IdentityAttribute {
    /// An import by identity must say it.
    pub fn required(name: impl Into<String>, ty: Type) -> Self {
        Self { name: name.into(), ty, required: true, description: String::new() }
    }

    /// An import by identity may say it.
    pub fn optional(name: impl Into<String>, ty: Type) -> Self {
        Self { required: false, ..Self::required(name, ty) }
    }

    /// What it is, for documentation and editors.
    #[must_use]
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description = text.into();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_authors_mistakes_are_found() {
        let schema = IdentitySchema::new([
            IdentityAttribute::required("id", Type::String),
            IdentityAttribute::required("id", Type::list(Type::Number)),
            IdentityAttribute::optional("a-b", Type::map(Type::String)),
        ]);
        assert_eq!(
            schema.mistakes(),
            [
                "`id` occurs twice in the identity",
                "`a-b` must consist of lower-case letters, digits and underscores",
                "`a-b` of the identity must be a text, a number, a truth value or a list of them",
            ]
        );
        assert_eq!(IdentitySchema::default().mistakes(), ["the identity has no attribute"]);
    }

    #[test]
    fn an_identity_is_a_part_of_the_state() {
        let schema = IdentitySchema::new([
            IdentityAttribute::required("id", Type::String),
            IdentityAttribute::optional("region", Type::String),
        ]);
        let state = |region: Option<Value>| {
            let more = region.map(|region| ("region".to_owned(), region));
            let entries = [("id".to_owned(), "7".into()), ("name".to_owned(), "n".into())];
            Value::Object(entries.into_iter().chain(more).collect())
        };
        let mut diagnostics = Diagnostics::new();
        let expected = Value::Object([("id".to_owned(), "7".into()), ("region".to_owned(), Value::Null)].into());
        assert_eq!(schema.project(&state(Some(Value::Null)), &mut diagnostics), Some(expected));
        assert!(diagnostics.is_empty());
        assert_eq!(schema.project(&state(None), &mut diagnostics), None);
        assert_eq!(diagnostics.iter().next().unwrap().summary, "Identity not known");
    }
}
