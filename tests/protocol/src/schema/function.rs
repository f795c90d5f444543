//! The functions of a provider.

use serde_json::Value as Json;
use tfplugin::{Type, Value};

use super::object::read_type;
use crate::value;
use crate::wire::tfplugin6 as pb;

/// The types of a function's parameters and of its result.
#[derive(Clone, Debug)]
pub struct Function {
    name: String,
    /// The types of the parameters that every call has.
    pub parameters: Vec<Type>,
    /// The type of each argument more, if there may be more.
    pub variadic: Option<Type>,
    /// The type of the result.
    pub result: Type,
}

impl Function {
    pub(super) fn read(name: &str, function: &pb::Function, mistakes: &mut Vec<String>) -> Self {
        let mut read = |ty: &[u8], part: &str| {
            let place = format!("{name}({part})");
            if ty.is_empty() {
                mistakes.push(format!("`{place}` has no type"));
            }
            read_type(ty, &place, mistakes)
        };
        let parameters = function.parameters.iter().map(|one| read(&one.r#type, &one.name)).collect();
        let variadic = function.variadic_parameter.as_ref().map(|one| read(&one.r#type, &one.name));
        let result = function.r#return.as_ref().map_or(&[][..], |result| &result.r#type);
        let result = read(result, "result");
        Self { name: name.to_owned(), parameters, variadic, result }
    }

    /// Arguments, ready to be sent.
    ///
    /// # Panics
    /// An argument does not fit its parameter, or there are more than parameters.
    pub fn arguments(&self, arguments: &[Json]) -> Vec<pb::DynamicValue> {
        let argument = |(index, json): (usize, &Json)| {
            let ty = self.parameters.get(index).or(self.variadic.as_ref());
            let ty = ty.unwrap_or_else(|| panic!("{} has no parameter for argument {index}", self.name));
            let encoded = value::from_json(json, ty).and_then(|value| value::encode(&value, ty));
            encoded.unwrap_or_else(|error| panic!("argument {index} of {}: {error}", self.name))
        };
        arguments.iter().enumerate().map(argument).collect()
    }

    /// The result of a call.
    ///
    /// # Panics
    /// It is not of the function's type.
    pub fn result(&self, result: Option<&pb::DynamicValue>) -> Value {
        value::decode(result, &self.result).unwrap_or_else(|error| panic!("the result of {}: {error}", self.name))
    }
}
