//! Calls of functions.

use super::Service;
use super::offers::FunctionOffer;
use crate::diagnostics::Diagnostics;
use crate::function::FunctionError;
use crate::provider::Provider;
use crate::value::{AttributePath, Value};
use crate::wire::{self, tfplugin6 as pb};

impl<P: Provider> Service<P> {
    pub(super) fn call_function(
        &self,
        request: &pb::call_function::Request,
    ) -> Result<pb::DynamicValue, FunctionError> {
        let Some(FunctionOffer { function, signature }) = self.offers.functions.get(&*request.name) else {
            return Err(FunctionError::new(format!("This provider has no function {}.", request.name)));
        };
        let mut arguments = Vec::new();
        for (number, argument) in request.arguments.iter().enumerate() {
            let Some(parameter) = signature.parameter(number) else {
                return Err(FunctionError::argument(number, "This is one argument too many."));
            };
            let argument = wire::decode(Some(argument), &parameter.ty)
                .map_err(|error| FunctionError::argument(number, format!("The value is malformed: {error}.")))?;
            if argument.is_null() && !parameter.allow_null {
                return Err(FunctionError::argument(number, "The value must not be null."));
            }
            if argument.has_unknown() && !parameter.allow_unknown {
                return unknown(&signature.returns);
            }
            let mut problems = Diagnostics::new();
            for check in &parameter.checks {
                check.run(&argument, &AttributePath::default(), &mut problems);
            }
            if let Some(problem) = problems.into_iter().next() {
                return Err(FunctionError::argument(number, problem.detail));
            }
            arguments.push(argument);
        }
        let count = signature.parameters.len();
        if arguments.len() < count {
            let text = format!("There are too few arguments: {} of {count}.", arguments.len());
            return Err(FunctionError::new(text));
        }
        if signature.variadic.is_some() {
            let rest = arguments.split_off(count);
            arguments.push(Value::Tuple(rest));
        }
        let result = function.call(arguments)?;
        let encoded = result.conform(&signature.returns).and_then(|result| wire::encode(&result, &signature.returns));
        encoded.map_err(|error| {
            FunctionError::new(format!(
                "The function's result is malformed: {error}. This is a mistake in the provider."
            ))
        })
    }
}

/// The result where an argument is not known.
fn unknown(ty: &crate::Type) -> Result<pb::DynamicValue, FunctionError> {
    wire::encode(&Value::UNKNOWN, ty).map_err(|error| FunctionError::new(error.to_string()))
}
