//! What names an object for good.

use serde_json::json;
use tfplugin_client::UNKNOWN;
use tfplugin_client::wire::tfplugin6 as pb;

use super::problems::{error, error_at};
use super::resource::with;
use super::{THING, World};

/// What a user reads when one attribute of an identity is not what it was.
fn changed(attribute: &str) -> pb::Diagnostic {
    let detail = format!(
        "The object's identity has another {attribute} than before, and an object keeps its identity. If another \
         object has taken its place, the provider should have said that this one is gone; otherwise this is a mistake \
         in the provider."
    );
    error("Identity changed", &detail)
}

#[tokio::test]
async fn the_one_that_apply_returns_stays_through_read_and_plan() {
    let world = World::start().await;
    let created = world.created(json!({"name": "a"})).await;
    let life = world.life().await;
    let identity = world.schemas.identity(THING);
    let expected = identity.object(&json!({"id": "id-a", "directory": world.directory()}));
    assert_eq!(created.identity, expected);
    let read = life.read(&created).await.ok().unwrap();
    assert_eq!(read.identity, expected);

    let create = answer!(world, plan_resource_change, world.to_plan(json!(null), json!({"name": "b"})));
    assert_eq!(create.planned_identity, None);
    let prior = json!({"id": "id-a", "name": "a", "enabled": true, "revision": 1});
    for config in [json!({"name": "a", "note": "new"}), json!({"name": "a"}), json!(null)] {
        let request = pb::plan_resource_change::Request {
            prior_identity: world.identity("id-a"),
            ..world.to_plan(prior.clone(), config)
        };
        assert_eq!(answer!(world, plan_resource_change, request).planned_identity, world.identity("id-a"));
    }
    world.end().await;
}

#[tokio::test]
async fn a_core_that_sends_none_gets_one_and_no_error() {
    let world = World::start().await;
    world.created(json!({"name": "a"})).await;
    let prior = json!({"id": "id-a", "name": "a", "enabled": true, "revision": 1});
    let plan = answer!(world, plan_resource_change, world.to_plan(prior.clone(), json!({"name": "a", "note": "new"})));
    assert_eq!((plan.diagnostics, plan.planned_identity), (vec![], None));

    let planned = with(&with(&prior, "note", json!("new")), "revision", json!(UNKNOWN));
    let request = world.to_apply(prior.clone(), planned, json!({"name": "a", "note": "new"}));
    let state = with(&with(&prior, "note", json!("new")), "revision", json!(2));
    let expected = pb::apply_resource_change::Response {
        new_state: world.wire(state.clone()),
        private: br#"{"kept":1}"#.to_vec(),
        new_identity: world.identity("id-a"),
        ..Default::default()
    };
    assert_eq!(answer!(world, apply_resource_change, request), expected);
    let read = answer!(world, read_resource, world.to_read(state));
    assert_eq!((read.diagnostics, read.new_identity), (vec![], world.identity("id-a")));
    world.end().await;
}

#[tokio::test]
async fn a_read_that_finds_another_one_is_an_error_that_names_the_attribute() {
    let world = World::start().await;
    let state = json!({"id": "id-a", "name": "a", "mood": "another-identity"});
    let request =
        pb::read_resource::Request { current_identity: world.identity("id-a"), ..world.to_read(state.clone()) };
    assert_eq!(answer!(world, read_resource, request).diagnostics, [changed("id")]);
    // Where Terraform knows of none, there is none that it could differ from.
    let answer = answer!(world, read_resource, world.to_read(state));
    assert_eq!((answer.diagnostics, answer.new_identity), (vec![], world.identity("id-another")));
    world.end().await;
}

#[tokio::test]
async fn an_attribute_that_was_not_known_before_may_be_found_out() {
    let world = World::start().await;
    world.created(json!({"name": "a"})).await;
    let known = world.some_identity(&json!({"id": "id-a"}));
    let state = json!({"id": "id-a", "name": "a", "enabled": true, "revision": 1});
    let request = pb::read_resource::Request { current_identity: known, ..world.to_read(state) };
    let answer = answer!(world, read_resource, request);
    assert_eq!((answer.diagnostics, answer.new_identity), (vec![], world.identity("id-a")));
    world.end().await;
}

#[tokio::test]
async fn an_apply_that_makes_another_one_is_an_error_and_keeps_what_exists() {
    let world = World::start().await;
    world.created(json!({"name": "a"})).await;
    let prior = json!({"id": "id-a", "name": "a", "enabled": true, "revision": 1});
    let planned = with(&with(&prior, "note", json!("new")), "revision", json!(UNKNOWN));
    let request = pb::apply_resource_change::Request {
        planned_identity: world.some_identity(&json!({"id": "id-a", "directory": "/elsewhere"})),
        ..world.to_apply(prior.clone(), planned, json!({"name": "a", "note": "new"}))
    };
    let expected = pb::apply_resource_change::Response {
        new_state: world.wire(with(&with(&prior, "note", json!("new")), "revision", json!(2))),
        private: br#"{"kept":1}"#.to_vec(),
        diagnostics: vec![changed("directory")],
        // An object keeps its identity.
        new_identity: request.planned_identity.clone(),
        ..Default::default()
    };
    assert_eq!(answer!(world, apply_resource_change, request), expected);
    world.end().await;
}

#[tokio::test]
async fn after_an_import_another_spelling_is_no_change() {
    let world = World::start().await;
    world.created(json!({"name": "a"})).await;
    let identity = world.some_identity(&json!({"id": "id-a", "directory": "./somewhere"}));
    let request = pb::import_resource_state::Request { identity: identity.clone(), ..world.to_import("") };
    let imported = answer!(world, import_resource_state, request).imported_resources.remove(0);
    assert_eq!(imported.identity, identity);
    let read = |private| pb::read_resource::Request {
        private,
        current_identity: identity.clone(),
        ..world.to_read(json!({"id": "id-a"}))
    };
    let first = answer!(world, read_resource, read(imported.private));
    assert_eq!((first.diagnostics, first.new_identity), (vec![], world.identity("id-a")));
    // Once.
    let second = answer!(world, read_resource, read(first.private));
    assert_eq!((second.diagnostics, second.new_identity), (vec![changed("directory")], identity));
    world.end().await;
}

#[tokio::test]
async fn one_of_an_older_version_is_upgraded() {
    let world = World::start().await;
    let upgraded =
        |identity| pb::upgrade_resource_identity::Response { upgraded_identity: identity, diagnostics: vec![] };
    let old = world.to_upgrade_identity(0, &json!({"key": "id-a"}));
    let expected = upgraded(world.some_identity(&json!({"id": "id-a"})));
    assert_eq!(answer!(world, upgrade_resource_identity, old), expected);
    let today = world.to_upgrade_identity(1, &json!({"id": "id-a", "directory": world.directory()}));
    assert_eq!(answer!(world, upgrade_resource_identity, today), upgraded(world.identity("id-a")));
    world.end().await;
}

#[tokio::test]
async fn a_state_from_before_there_were_identities_has_none() {
    let world = World::start().await;
    let schema = world.schemas.identity(THING);
    let none = Some(schema.encode(&tfplugin::Value::Null));
    for version in [0, 1] {
        for stored in [None, Some(&b""[..]), Some(b"{}"), Some(b"null")] {
            let raw_identity = stored.map(|json| pb::RawState { json: json.to_vec(), ..Default::default() });
            let request = pb::upgrade_resource_identity::Request { type_name: THING.into(), version, raw_identity };
            let answer = answer!(world, upgrade_resource_identity, request);
            let upgraded_identity = none.clone();
            assert_eq!(answer, pb::upgrade_resource_identity::Response { upgraded_identity, diagnostics: vec![] });
        }
    }
    world.end().await;
}

#[tokio::test]
async fn one_that_was_stored_wrong_is_a_problem() {
    let world = World::start().await;
    let answer = answer!(world, upgrade_resource_identity, world.to_upgrade_identity(1, &json!({"id": ["x"]})));
    let misfit =
        error_at("id", "Identity does not fit the schema", "id: expected a value of type string, found a list.");
    let expected = pb::upgrade_resource_identity::Response { upgraded_identity: None, diagnostics: vec![misfit] };
    assert_eq!(answer, expected);
    let answer = answer!(world, upgrade_resource_identity, world.to_upgrade_identity(0, &json!({"key": ["x"]})));
    let unreadable = error("Identity not readable", "key: expected a value of type string, found a list");
    let expected = pb::upgrade_resource_identity::Response { upgraded_identity: None, diagnostics: vec![unreadable] };
    assert_eq!(answer, expected);
    world.end().await;
}
