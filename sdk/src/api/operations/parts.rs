//! What the table of operations names and no client needs as a type.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use super::Type;
use crate::api::run_logs::{LogEnd, LogPiece};
use crate::api::schedules::NewSchedule;
use crate::api::tasks::NewTask;

/// The one body that an answer has.
pub(super) trait Bodies {
    /// It, by its media type.
    const JSON: &'static [(&'static str, Type)];
}

impl<T: JsonSchema> Bodies for T {
    const JSON: &'static [(&'static str, Type)] = &[("application/json", Type::of::<T>())];
}

/// A log, as text or as events.
pub(super) const LOG: &[(&str, Type)] =
    &[("text/plain", Type::of::<Text>()), ("text/event-stream", Type::of::<LogEvents>())];
/// Figures.
pub(super) const METRICS: &[(&str, Type)] = &[("application/openmetrics-text", Type::of::<Text>())];
/// The document that is made of the table.
pub(super) const DOCUMENT: &[(&str, Type)] = &[("application/json", Type::of::<Document>())];

/// A type that is nothing but its schema.
macro_rules! schemas {
    ($($name:ident = $schema:expr;)+) => {$(
        pub(super) struct $name;

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                let schema: fn(&mut SchemaGenerator) -> Schema = $schema;
                schema(generator)
            }
        }
    )+};
}

schemas! {
    Text = |_| json_schema!({ "type": "string" });
    Document = |_| json_schema!({
        "description": "An OpenAPI document of version 3.1.",
        "type": "object",
        "properties": { "openapi": { "type": "string", "pattern": "^3\\.1\\." } },
        "required": ["openapi"],
        "additionalProperties": true
    });
    LogEvents = |generator| {
        let (piece, end) = (generator.subschema_for::<LogPiece>(), generator.subschema_for::<LogEnd>());
        json_schema!({
            "description": "Server-sent events: `log`, whose data is a piece of the log, and one `end`.",
            "type": "string",
            "x-events": { "log": piece, "end": end }
        })
    };
    Alive = |_| json_schema!({
        "description": "The process answers.",
        "type": "object",
        "properties": {
            "status": { "const": "healthy" },
            "isolation": { "description": "How scripts are isolated; `null` as long as nobody knows.", "type": ["string", "null"] }
        },
        "required": ["status", "isolation"]
    });
    Ready = |_| json_schema!({
        "description": "The database answers, too.",
        "type": "object",
        "properties": { "status": { "const": "ready" } },
        "required": ["status"]
    });
    Product = |_| json_schema!({
        "description": "Which program answers.",
        "type": "object",
        "properties": { "product": { "const": "JustIAM" }, "version": { "type": "string" } },
        "required": ["product", "version"]
    });
    AnyTask = |_| json_schema!({
        "description": "The body of a create. What is wrong with it is the answer.",
        "type": "object",
        "additionalProperties": true
    });
    TaskReplacement = |generator| {
        let mut schema = NewTask::json_schema(generator);
        schema.insert("description".into(), json!("Replaces the definition of a task. What it leaves out returns to its default."));
        change(&mut schema, |properties| {
            properties.remove("secrets");
            properties.insert("task_config".into(), json!({ "description": "Ignored: the entries stay." }));
            not_null(&mut properties["name"]);
        });
        require(&mut schema, "name");
        schema
    };
    ScheduleReplacement = |generator| {
        let mut schema = NewSchedule::json_schema(generator);
        schema.insert("description".into(), json!("Replaces a schedule and all its steps."));
        change(&mut schema, |properties| not_null(&mut properties["steps"]));
        require(&mut schema, "steps");
        schema
    };
}

fn change(schema: &mut Schema, change: impl FnOnce(&mut serde_json::Map<String, Value>)) {
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        change(properties);
    }
}

fn require(schema: &mut Schema, property: &str) {
    let required = schema.ensure_object().entry("required").or_insert_with(|| json!([]));
    if let Some(names) = required.as_array_mut().filter(|names| !names.iter().any(|name| name == property)) {
        names.push(property.into());
    }
}

fn not_null(property: &mut Value) {
    if let Some(Value::Array(types)) = property.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            property["type"] = only.clone();
        }
    }
}
