//! The schemas of bodies and answers. A type may look different in the two, as vocabularies do.

use justiam_sdk::api::operations::{OPEN_ENUM, Type};
use schemars::generate::{SchemaGenerator, SchemaSettings};
use serde_json::{Value, json};

use super::Form;

/// Where schemas of bodies are until it is known whether answers have others with the same name.
const OF_BODIES: &str = "#/components/bodies/";
const OF_ANSWERS: &str = "#/components/schemas/";

/// What becomes of a body's schema whose name an answer's has as well.
const SUFFIX: &str = "InBody";

pub(super) struct Schemas {
    bodies: SchemaGenerator,
    answers: SchemaGenerator,
    /// Names of schemas that only list parameters, to which nothing refers in the end.
    queries: Vec<String>,
}

impl Schemas {
    pub(super) fn new() -> Self {
        let settings = |path: &'static str| {
            SchemaSettings::draft2020_12().with(|settings| {
                settings.meta_schema = None;
                settings.definitions_path = path.into();
            })
        };
        Self {
            bodies: settings("/components/bodies").for_deserialize().into_generator(),
            answers: settings("/components/schemas").for_serialize().into_generator(),
            queries: Vec::new(),
        }
    }

    pub(super) fn of_body(&mut self, body: Type) -> Value {
        body.schema(&mut self.bodies).into()
    }

    pub(super) fn of_answer(&mut self, answer: Type) -> Value {
        answer.schema(&mut self.answers).into()
    }

    /// The names of parameters, and their schemas.
    pub(super) fn of_query(&mut self, query: Type) -> Vec<(String, Value)> {
        let reference = self.of_body(query);
        let name = reference["$ref"].as_str().and_then(|path| path.strip_prefix(OF_BODIES)).unwrap_or_default();
        self.queries.push(name.to_owned());
        let Some(Value::Object(mut object)) = self.bodies.definitions().get(name).cloned() else { return Vec::new() };
        let Some(Value::Object(properties)) = object.remove("properties") else { return Vec::new() };
        properties
            .into_iter()
            .map(|(name, mut schema)| {
                tidy(&mut schema);
                not_null(&mut schema);
                (name, schema)
            })
            .collect()
    }

    /// Puts all schemas into a document that refers to them.
    pub(super) fn finish(mut self, document: &mut Value, form: Form) {
        let mut answers = self.answers.take_definitions(true);
        for schema in answers.values_mut() {
            answer_only(schema, form);
        }
        let mut bodies = self.bodies.take_definitions(true);
        bodies.retain(|name, _| !self.queries.contains(name));
        let mut all = answers;
        bodies.values_mut().for_each(tidy);
        // What is the same in both stands once.
        let differs = |(name, schema): &(&String, &Value)| all.get(*name).is_some_and(|other| other != *schema);
        let renamed: Vec<String> = bodies.iter().filter(differs).map(|(name, _)| name.clone()).collect();
        for schema in std::iter::once(&mut *document).chain(bodies.values_mut()) {
            tidy(schema);
            refer(schema, &renamed);
        }
        for (name, schema) in bodies {
            let name = if renamed.contains(&name) { name + SUFFIX } else { name };
            all.insert(name, schema);
        }
        all.sort_keys();
        if let Form::Closed = form {
            close(&mut document["paths"]);
        }
        document["components"]["schemas"] = Value::Object(all);
    }
}

/// Points references to schemas of bodies to where they are in the end.
fn refer(value: &mut Value, renamed: &[String]) {
    match value {
        Value::Object(object) => {
            for (key, inner) in object.iter_mut() {
                if key == "$ref"
                    && let Some(name) = inner.as_str().and_then(|path| path.strip_prefix(OF_BODIES))
                {
                    let suffix = if renamed.iter().any(|one| one == name) { SUFFIX } else { "" };
                    *inner = json!(format!("{OF_ANSWERS}{name}{suffix}"));
                } else {
                    refer(inner, renamed);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| refer(item, renamed)),
        _ => {}
    }
}

/// Takes out what says nothing: defaults of `null`, and marks of links between pages of Rust's documentation.
fn tidy(value: &mut Value) {
    match value {
        Value::Object(object) => {
            if object.get("default").is_some_and(Value::is_null) {
                object.remove("default");
            }
            if let Some(Value::String(text)) = object.get_mut("description") {
                *text = text.replace("[`", "`").replace("`]", "`");
            }
            object.values_mut().for_each(tidy);
        }
        Value::Array(items) => items.iter_mut().for_each(tidy),
        _ => {}
    }
}

/// What holds of answers alone: no field has a default, and one that is left out where there is no value is never `null`.
fn answer_only(schema: &mut Value, form: Form) {
    let required = schema.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        for (name, property) in properties {
            if let Some(property) = property.as_object_mut() {
                property.remove("default");
            }
            if !required.iter().any(|one| one == name.as_str()) {
                not_null(property);
            }
        }
    }
    tidy(schema);
    if let Form::Closed = form {
        close(schema);
    }
}

/// Takes `null` away from what a schema allows.
fn not_null(schema: &mut Value) {
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            schema["type"] = only.clone();
        }
    }
    let Some(Value::Array(choices)) = schema.get_mut("anyOf") else { return };
    choices.retain(|choice| choice["type"] != "null");
    if let [only] = choices.as_slice()
        && let Value::Object(only) = only.clone()
        && let Some(schema) = schema.as_object_mut()
    {
        schema.remove("anyOf");
        schema.extend(only);
    }
}

/// Makes vocabularies and objects of answers what this version has, and no more.
fn close(value: &mut Value) {
    match value {
        Value::Object(object) => {
            if let Some(words) = object.remove(OPEN_ENUM) {
                object.insert("enum".into(), words);
            }
            if object.contains_key("properties") && !object.contains_key("additionalProperties") {
                object.insert("additionalProperties".into(), Value::Bool(false));
            }
            object.values_mut().for_each(close);
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}
