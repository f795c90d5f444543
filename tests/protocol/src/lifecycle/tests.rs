//! The whole way, with answers made by hand.
#![expect(clippy::unnecessary_wraps, reason = "values are optional in the messages that they are made for")]

mod applying;
mod fake;
mod planning;
mod reading;
mod settling;

use std::collections::HashMap;

use fake::Fake;
use futures::FutureExt as _;
use prost::Message;
use serde_json::json;

use super::*;
use crate::UNKNOWN;
use crate::wire::tfplugin6::{
    apply_resource_change as apply, attribute_path, import_resource_state as import, move_resource_state as moved,
    plan_resource_change as plan, read_resource as read, upgrade_resource_state as upgrade,
    validate_resource_config as validate,
};

/// `{ id = (computed), name = …, secret = (write-only) }`, with the identity `{ id = … }`.
fn schemas() -> Schemas {
    let text = || pb::schema::Attribute { r#type: b"\"string\"".to_vec(), ..Default::default() };
    let attributes = vec![
        pb::schema::Attribute { name: "id".into(), computed: true, ..text() },
        pb::schema::Attribute { name: "name".into(), required: true, ..text() },
        pb::schema::Attribute { name: "secret".into(), optional: true, write_only: true, ..text() },
    ];
    let block = Some(pb::schema::Block { attributes, ..Default::default() });
    let schemas = pb::get_provider_schema::Response {
        resource_schemas: HashMap::from([("x_thing".to_owned(), pb::Schema { version: 1, block })]),
        ..Default::default()
    };
    let id = pb::resource_identity_schema::IdentityAttribute {
        name: "id".into(),
        r#type: b"\"string\"".to_vec(),
        required_for_import: true,
        ..Default::default()
    };
    let identity = pb::ResourceIdentitySchema { version: 0, identity_attributes: vec![id] };
    let identities = pb::get_resource_identity_schemas::Response {
        identity_schemas: HashMap::from([("x_thing".to_owned(), identity)]),
        diagnostics: Vec::new(),
    };
    Schemas::read(&schemas, &identities).unwrap()
}

fn schema() -> Schema {
    schemas().resource("x_thing").clone()
}

fn on_the_wire(json: Json) -> Option<DynamicValue> {
    Some(schema().encode(&schema().object(json)))
}

fn raw_value(msgpack: &[u8]) -> DynamicValue {
    DynamicValue { msgpack: msgpack.to_vec(), json: Vec::new() }
}

fn null() -> Option<DynamicValue> {
    Some(schema().encode(&Value::Null))
}

fn identity(id: &Json) -> Option<ResourceIdentityData> {
    let schemas = schemas();
    let schema = schemas.identity("x_thing");
    Some(schema.encode(&schema.object(&json!({"id": id}))))
}

fn config() -> Value {
    schema().object(json!({"name": "n", "secret": "hush"}))
}

fn state() -> State {
    let value = schema().object(json!({"id": "1", "name": "n"}));
    State { value, private: b"kept".to_vec(), identity: Value::Null, tainted: false }
}

fn error() -> Vec<Diagnostic> {
    vec![Diagnostic { severity: pb::diagnostic::Severity::Error.into(), summary: "No".into(), ..Default::default() }]
}

fn path(name: &str) -> pb::AttributePath {
    let selector = Some(attribute_path::step::Selector::AttributeName(name.to_owned()));
    pb::AttributePath { steps: vec![attribute_path::Step { selector }] }
}

/// A plan for the new object: `1` is its id to be.
fn planned() -> plan::Response {
    plan::Response {
        planned_state: on_the_wire(json!({"id": UNKNOWN, "name": "n"})),
        planned_private: b"planned".to_vec(),
        planned_identity: identity(&json!(UNKNOWN)),
        ..Default::default()
    }
}

fn applied() -> apply::Response {
    apply::Response {
        new_state: on_the_wire(json!({"id": "1", "name": "n"})),
        private: b"kept".to_vec(),
        new_identity: identity(&json!("1")),
        ..Default::default()
    }
}

fn found() -> read::Response {
    read::Response { new_state: on_the_wire(json!({"id": "1", "name": "n"})), ..Default::default() }
}

fn imported() -> import::ImportedResource {
    let state = on_the_wire(json!({"id": "1"}));
    import::ImportedResource { type_name: "x_thing".into(), state, ..Default::default() }
}

fn imports(imported: Vec<import::ImportedResource>) -> import::Response {
    import::Response { imported_resources: imported, ..Default::default() }
}

/// Runs a story with the resource of a fake provider.
async fn with<T>(fake: &Fake, story: impl AsyncFnOnce(&Lifecycle<'_>) -> T) -> T {
    let schemas = schemas();
    story(&Lifecycle::new(fake.client().await, "x_thing", schemas.resource("x_thing"), &schemas)).await
}

/// The text with which a call of a fake provider fails when it gives this answer.
async fn failure<T>(rpc: &'static str, answer: impl Message, story: impl AsyncFnOnce(&Lifecycle<'_>) -> T) -> String {
    let fake = Fake::default();
    fake.answer("ValidateResourceConfig", &validate::Response::default());
    fake.answer(rpc, &answer);
    caught(with(&fake, story)).await.err().expect("a broken rule")
}

/// What the future returns, or the text with which it fails.
async fn caught<T>(future: impl Future<Output = T>) -> Result<T, String> {
    let caught = std::panic::AssertUnwindSafe(future).catch_unwind().await;
    caught.map_err(|panic| *panic.downcast::<String>().unwrap())
}
