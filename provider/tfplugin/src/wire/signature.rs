//! Signatures and errors of functions in the form of the wire.

use super::tfplugin6::{self as pb, StringKind};
use crate::function::{FunctionError, Parameter, Signature};

pub(crate) fn function(signature: &Signature) -> pb::Function {
    pb::Function {
        parameters: signature.parameters.iter().map(parameter).collect(),
        variadic_parameter: signature.variadic.as_ref().map(parameter),
        r#return: Some(pb::function::Return { r#type: signature.returns.to_json() }),
        summary: signature.summary.clone(),
        description: signature.markdown.clone(),
        description_kind: StringKind::Markdown.into(),
        deprecation_message: signature.deprecated.clone().unwrap_or_default(),
    }
}

fn parameter(parameter: &Parameter) -> pb::function::Parameter {
    pb::function::Parameter {
        name: parameter.name.clone(),
        r#type: parameter.ty.to_json(),
        allow_null_value: parameter.allow_null,
        allow_unknown_values: parameter.allow_unknown,
        description: parameter.markdown.clone(),
        description_kind: StringKind::Markdown.into(),
    }
}

pub(crate) fn function_error(error: FunctionError) -> pb::FunctionError {
    let function_argument = error.argument.and_then(|argument| i64::try_from(argument).ok());
    pb::FunctionError { text: error.text, function_argument }
}
