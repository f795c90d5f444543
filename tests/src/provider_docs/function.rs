//! The parameters and the result of a function, as its page shows them.

use std::fmt::Write as _;
use tfplugin_client::wire::tfplugin6 as pb;

use super::text::wrap;
use super::types;

/// The sections that say how a function is called and what it returns.
pub(super) fn sections(name: &str, function: &pb::Function, mistakes: &mut Vec<String>) -> String {
    let parameters: Vec<(&pb::function::Parameter, bool)> = function
        .parameters
        .iter()
        .map(|parameter| (parameter, false))
        .chain(function.variadic_parameter.iter().map(|parameter| (parameter, true)))
        .collect();
    let mut signature = Vec::new();
    let mut lines = Vec::new();
    for (at, (parameter, variadic)) in parameters.into_iter().enumerate() {
        let ty = read(&parameter.r#type, &parameter.name, mistakes);
        if parameter.description.trim().is_empty() {
            mistakes.push(format!("the parameter `{}` has no description", parameter.name));
        }
        let dots = if variadic { "..." } else { "" };
        signature.push(format!("{} {}{dots}", parameter.name, types::in_code(&ty)));
        let mut words = types::in_words(&ty);
        if variadic {
            words += ", Variadic";
        }
        if parameter.allow_null_value {
            words += ", Nullable";
        }
        lines
            .push(wrap(&format!("{}. `{}` ({words}) {}", at + 1, parameter.name, parameter.description.trim()), "   "));
    }
    let result = function.r#return.as_ref().map_or(&[][..], |result| &result.r#type);
    let result = read(result, "the result", mistakes);
    let code = types::in_code(&result);
    let mut text = format!("## Signature\n\n```text\n{name}({}) {code}\n```", signature.join(", "));
    if !lines.is_empty() {
        let _ = write!(text, "\n\n## Arguments\n\n{}", lines.join("\n"));
    }
    let attributes = types::attributes(&result);
    if !attributes.is_empty() {
        let lines: Vec<String> =
            attributes.iter().map(|(name, ty)| format!("- `{name}` ({})", types::in_words(ty))).collect();
        let _ = write!(text, "\n\n## Return Type\n\nAn object with these attributes:\n\n{}", lines.join("\n"));
    }
    text
}

fn read(json: &[u8], name: &str, mistakes: &mut Vec<String>) -> serde_json::Value {
    types::read(json, name).unwrap_or_else(|mistake| {
        mistakes.push(mistake);
        serde_json::Value::Null
    })
}
