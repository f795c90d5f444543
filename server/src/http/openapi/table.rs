//! The operations as tables in Markdown, for `docs/dev/http-api.md`.

use std::fmt::Write as _;

use justiam_sdk::api::operations::{Access, Answer, OPERATIONS, Operation};
use justiam_sdk::api::permissions::Permission;
use serde_json::Value;

use super::schemas::Schemas;

/// A heading and a table for each part of the contract.
pub(crate) fn tables() -> String {
    let mut schemas = Schemas::new();
    let mut text = String::new();
    let mut tag = "";
    for operation in &OPERATIONS {
        // Writing to a text does not fail.
        if operation.tag != tag {
            tag = operation.tag;
            let begin = if text.is_empty() { "" } else { "\n" };
            let _ = writeln!(text, "{begin}### {tag}\n");
            text.push_str("| Method and path | Does | Permission | Answer | Honours |\n|---|---|---|---|---|\n");
        }
        let answers: Vec<String> = operation.answers.iter().map(|answer| told(answer, &mut schemas)).collect();
        let _ = writeln!(
            text,
            "| `{} {}` | {} | {} | {} | {} |",
            operation.method.as_str(),
            operation.path,
            operation.summary,
            needed(operation),
            answers.join("; "),
            honoured(operation)
        );
    }
    text
}

fn needed(operation: &Operation) -> String {
    let list = |permissions: &[Permission], word: &str| {
        permissions.iter().map(|permission| format!("`{permission}`")).collect::<Vec<_>>().join(word)
    };
    let needed = match operation.access {
        Access::Open => "–".to_owned(),
        Access::All(needed) => list(needed, " and "),
        Access::Any(needed) => list(needed, " or "),
        _ => "any token".to_owned(),
    };
    match operation.also_needs {
        Some((property, permission)) => format!("{needed}; with `{property}` also `{permission}`"),
        None => needed,
    }
}

fn told(answer: &Answer, schemas: &mut Schemas) -> String {
    let mut told = vec![answer.status.to_string()];
    for (media, body) in answer.bodies {
        let schema = schemas.of_answer(*body);
        let name = |schema: &Value| schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()).map(str::to_owned);
        told.push(match (*media, name(&schema), name(&schema["items"])) {
            ("application/json", Some(name), _) => format!("`{name}`"),
            ("application/json", None, Some(name)) => format!("list of `{name}`"),
            ("application/json", None, None) => "JSON".to_owned(),
            (media, ..) => format!("`{media}`"),
        });
    }
    if answer.has_etag {
        told.push("`ETag`".to_owned());
    }
    if answer.location.is_some() {
        told.push("`Location`".to_owned());
    }
    told.join(", ")
}

fn honoured(operation: &Operation) -> String {
    let key = operation.is_repeatable.then_some("`Idempotency-Key`");
    let revision = operation.if_match.then_some("`If-Match`");
    key.into_iter().chain(revision).collect::<Vec<_>>().join(", ")
}
