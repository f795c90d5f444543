//! The OpenAPI document, made of the table of operations and the types that it names.

mod operation;
mod schemas;
mod table;

use std::sync::{Arc, OnceLock};

use axum::body::Bytes;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodRouter, get};
use http::header;
use justiam_sdk::api::operations::OPERATIONS;
use serde_json::{Map, Value, json};

use crate::app::App;
use schemas::Schemas;
pub(crate) use table::tables;

const ABOUT: &str = "Scheduled tasks, schedules, and what belongs to them.\n\n\
    Bodies are JSON objects of at most 1 MiB in which no key stands twice. What no schema can say, such as whether a cron expression \
    fires, is answered with 400 and named in `validationErrors`; whole numbers are written without a point. A path that there is not is \
    a 404 without `code`, a method that a path does not have a 405. Later versions may add fields and words to answers.";

/// How exact a document is about answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// As clients should read them: later versions may add fields and words.
    Open,
    /// As this very version gives them, for tests: nothing that is not named.
    Closed,
}

/// `GET /api/openapi.json`. The document is made when somebody asks for it first.
pub(super) fn route() -> MethodRouter<Arc<App>> {
    let made: Arc<OnceLock<Bytes>> = Arc::default();
    get(move || async move { answer(made.get_or_init(|| document(Form::Open).to_string().into()).clone()) })
}

fn answer(document: Bytes) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], document).into_response()
}

/// The document.
pub(crate) fn document(form: Form) -> Value {
    let mut schemas = Schemas::new();
    let mut paths: Map<String, Value> = Map::new();
    let mut tags: Vec<Value> = Vec::new();
    for described in &OPERATIONS {
        let path = paths.entry(described.path).or_insert_with(|| json!({}));
        path[described.method.as_str().to_ascii_lowercase()] = operation::describe(described, &mut schemas);
        let tag = json!({ "name": described.tag });
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    let responses = operation::failures(&mut schemas);
    let mut document = json!({
        "openapi": "3.1.0",
        "info": { "title": "JustIAM scheduled tasks", "version": env!("CARGO_PKG_VERSION"), "description": ABOUT },
        "servers": [{ "url": "/" }],
        "tags": tags,
        "paths": paths,
        "components": {
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer", "description": "A personal access token, or a short token." },
                "apiKey": { "type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The same." }
            },
            "responses": responses,
            "schemas": {}
        }
    });
    schemas.finish(&mut document, form);
    document
}

#[cfg(test)]
mod tests {
    use super::*;

    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(object) => {
                found.extend(object.get("$ref").and_then(Value::as_str).map(str::to_owned));
                object.values().for_each(|value| references(value, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }

    #[test]
    fn every_reference_leads_somewhere_and_every_schema_is_used() {
        for form in [Form::Open, Form::Closed] {
            let document = document(form);
            let mut found = Vec::new();
            references(&document, &mut found);
            for reference in &found {
                assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
            }
            for name in document["components"]["schemas"].as_object().unwrap().keys() {
                assert!(found.contains(&format!("#/components/schemas/{name}")), "{name} is not used");
            }
        }
    }

    #[test]
    fn answers_are_open_and_bodies_are_not() {
        let document = document(Form::Open);
        let schemas = &document["components"]["schemas"];
        assert_eq!(schemas["Task"].get("additionalProperties"), None);
        assert!(schemas["RunStatus"]["x-extensible-enum"].is_array());
        assert_eq!(schemas["NewTask"]["additionalProperties"], false);
        let needed = ["task_type", "schedule_type"];
        assert!(needed.iter().all(|name| schemas["NewTask"]["required"].as_array().unwrap().contains(&json!(name))));
        let closed = super::document(Form::Closed);
        assert_eq!(closed["components"]["schemas"]["Task"]["additionalProperties"], false);
        assert!(closed["components"]["schemas"]["RunStatus"]["enum"].is_array());
    }
}
