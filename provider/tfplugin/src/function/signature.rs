//! Parameters and result of a function.

use std::collections::BTreeSet;

use crate::schema::{Check, is_identifier};
use crate::value::Type;

/// Parameters and result of a [`Function`](super::Function).
///
/// ```
/// use tfplugin::{Parameter, Signature, Type};
///
/// let signature = Signature::new([Parameter::string("separator")], Type::String)
///     .variadic(Parameter::string("words").allow_null())
///     .summary("Joins words, without those that are null.");
/// ```
#[derive(Clone, Debug)]
pub struct Signature {
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) variadic: Option<Parameter>,
    pub(crate) returns: Type,
    pub(crate) summary: String,
    pub(crate) markdown: String,
    pub(crate) deprecated: Option<String>,
}

/// One parameter of a function.
#[derive(Clone, Debug)]
pub struct Parameter {
    pub(crate) name: String,
    pub(crate) ty: Type,
    pub(crate) allow_null: bool,
    pub(crate) allow_unknown: bool,
    pub(crate) markdown: String,
    pub(crate) checks: Vec<Check>,
}

impl Signature {
    /// A function with these parameters, whose result has the type `returns`.
    pub fn new(parameters: impl IntoIterator<Item = Parameter>, returns: Type) -> Self {
        Self {
            parameters: parameters.into_iter().collect(),
            variadic: None,
            returns,
            summary: String::new(),
            markdown: String::new(),
            deprecated: None,
        }
    }

    /// A last parameter that takes any number of arguments, none too.
    #[must_use]
    pub fn variadic(mut self, parameter: Parameter) -> Self {
        self.variadic = Some(parameter);
        self
    }

    /// What it does, in one sentence of plain text.
    #[must_use]
    pub fn summary(mut self, text: impl Into<String>) -> Self {
        self.summary = text.into();
        self
    }

    /// What it does, for documentation and editors.
    #[must_use]
    pub fn markdown(mut self, text: impl Into<String>) -> Self {
        self.markdown = text.into();
        self
    }

    /// Marks it as something not to use any more. A function has no way to warn: Terraform alone can.
    #[must_use]
    pub fn deprecated(mut self, message: impl Into<String>) -> Self {
        self.deprecated = Some(message.into());
        self
    }

    /// The parameter of an argument.
    pub(crate) fn parameter(&self, number: usize) -> Option<&Parameter> {
        self.parameters.get(number).or(self.variadic.as_ref())
    }

    /// Mistakes of the author. The arguments are read into a tuple of `parts`.
    pub(crate) fn mistakes(&self, name: &str, parts: usize) -> Vec<String> {
        let mut found = Vec::new();
        if !is_identifier(name) {
            found.push("the name must consist of lower-case letters, digits and underscores".to_owned());
        }
        let mut seen = BTreeSet::new();
        let parameters = self.parameters.iter().chain(&self.variadic);
        for Parameter { name, checks, .. } in parameters.clone() {
            if !seen.insert(name) {
                found.push(format!("the parameter `{name}` occurs twice"));
            }
            if !is_identifier(name) {
                found
                    .push(format!("the parameter `{name}` must consist of lower-case letters, digits and underscores"));
            }
            for mistake in checks.iter().flat_map(Check::mistakes) {
                found.push(format!("the parameter `{name}` has a check that cannot work: {mistake}"));
            }
        }
        let count = parameters.count();
        if count != parts {
            found.push(format!("there are {count} parameters, and the arguments are a tuple of {parts}"));
        }
        found
    }
}

impl Parameter {
    /// A parameter of any type.
    pub fn of(name: impl Into<String>, ty: Type) -> Self {
        Self {
            name: name.into(),
            ty,
            allow_null: false,
            allow_unknown: false,
            markdown: String::new(),
            checks: Vec::new(),
        }
    }

    /// A text.
    pub fn string(name: impl Into<String>) -> Self {
        Self::of(name, Type::String)
    }

    /// A truth value.
    pub fn bool(name: impl Into<String>) -> Self {
        Self::of(name, Type::Bool)
    }

    /// A number. The tuple of arguments may ask for a whole one by its type.
    pub fn number(name: impl Into<String>) -> Self {
        Self::of(name, Type::Number)
    }

    /// A value of any type.
    pub fn dynamic(name: impl Into<String>) -> Self {
        Self::of(name, Type::Dynamic)
    }

    /// Calls the function also with null; otherwise Terraform refuses null.
    #[must_use]
    pub fn allow_null(mut self) -> Self {
        self.allow_null = true;
        self
    }

    /// Calls the function also with values that are unknown, or in part; otherwise the result is unknown then.
    #[must_use]
    pub fn allow_unknown(mut self) -> Self {
        self.allow_unknown = true;
        self
    }

    /// What it is, for documentation and editors.
    #[must_use]
    pub fn markdown(mut self, text: impl Into<String>) -> Self {
        self.markdown = text.into();
        self
    }

    /// Adds a check of the argument.
    #[must_use]
    pub fn check(mut self, check: Check) -> Self {
        self.checks.push(check);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Message;

    #[test]
    fn the_authors_mistakes_are_found() {
        let checked = Parameter::string("a").check(Check::each(Check::regex("[", Message::new("", ""))));
        let signature = Signature::new([checked, Parameter::bool("a")], Type::Bool).variadic(Parameter::bool("B"));
        let mut found = signature.mistakes("f-1", 2);
        let pattern = found.remove(1);
        assert!(pattern.starts_with("the parameter `a` has a check that cannot work: the pattern \"[\""), "{pattern}");
        assert_eq!(
            found,
            [
                "the name must consist of lower-case letters, digits and underscores",
                "the parameter `a` occurs twice",
                "the parameter `B` must consist of lower-case letters, digits and underscores",
                "there are 3 parameters, and the arguments are a tuple of 2",
            ]
        );
        assert_eq!(Signature::new([Parameter::bool("a")], Type::Bool).mistakes("f", 1), Vec::<String>::new());
    }
}
