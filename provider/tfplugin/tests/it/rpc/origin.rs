//! Objects that come from elsewhere: from a user, an older version, another type; and the configuration for them.

use serde_json::json;
use tfplugin_client::wire::tfplugin6::{self as pb, import_resource_state as import};
use tfplugin_client::{Action, Source};

use super::problems::error;
use super::requests::raw;
use super::resource::{full_state, with};
use super::{THING, World, full};

/// The answer to an import that has found one thing.
fn imported(state: Option<pb::DynamicValue>, identity: Option<pb::ResourceIdentityData>) -> import::Response {
    let imported = import::ImportedResource { type_name: THING.into(), state, private: vec![], identity };
    import::Response { imported_resources: vec![imported], ..Default::default() }
}

#[tokio::test]
async fn a_thing_is_imported_by_its_id() {
    let world = World::start().await;
    let answer = answer!(world, import_resource_state, world.to_import("id-full"));
    let state = world.wire(json!({"id": "id-full"}));
    assert_eq!(answer, imported(state, world.identity("id-full")));
    world.end().await;
}

#[tokio::test]
async fn a_thing_is_imported_by_its_identity() {
    let world = World::start().await;
    let identity = world.some_identity(&json!({"id": "id-full"}));
    let request = import::Request { identity: identity.clone(), ..world.to_import("") };
    // What the user has said stands until it has been read.
    let mut expected = imported(world.wire(json!({"id": "id-full"})), identity);
    expected.imported_resources[0].private = br#"{"$tfplugin.imported":true}"#.to_vec();
    assert_eq!(answer!(world, import_resource_state, request), expected);
    world.end().await;
}

#[tokio::test]
async fn an_upgrade_that_returns_nothing_is_an_error_and_no_loss() {
    let world = World::start().await;
    let answer = answer!(world, upgrade_resource_state, world.to_upgrade(0, &json!({"id": "id-a", "title": "silent"})));
    assert_eq!(answer.upgraded_state, None);
    assert_eq!(answer.diagnostics, [error("Upgrade failed", "The provider returned nothing, and did not say why.")]);
    let request = world.to_upgrade_identity(0, &json!({"key": "silent"}));
    let answer = answer!(world, upgrade_resource_identity, request);
    assert_eq!(answer.diagnostics, [error("Upgrade failed", "The provider returned nothing, and did not say why.")]);
    world.end().await;
}

#[tokio::test]
async fn what_was_imported_and_read_is_what_was_created() {
    let world = World::start().await;
    let created = world.created(full()).await;
    let life = world.life().await;
    for imported in [
        life.import("id-full").await.ok(),
        life.import_by_identity(&json!({"id": "id-full", "directory": world.directory()})).await.ok(),
    ] {
        let read = life.read(&imported).await.ok().unwrap();
        assert_eq!((read.value, read.identity), (created.value.clone(), created.identity.clone()));
    }
    world.end().await;
}

#[tokio::test]
async fn an_import_that_finds_nothing_says_for_what_it_looked() {
    let world = World::start().await;
    let identity = world.some_identity(&json!({"directory": "/d"}));
    let answer = answer!(world, import_resource_state, import::Request { identity, ..world.to_import("") });
    let detail = r#"There is no thing_thing with the id { directory = "/d" }."#;
    assert_eq!(
        answer,
        import::Response { diagnostics: vec![error("Nothing to import", detail)], ..Default::default() }
    );
    // A thing that does not exist shows when it is read.
    let life = world.life().await;
    let imported = life.import("id-none").await.ok();
    assert!(life.read(&imported).await.ok().is_none());
    world.end().await;
}

#[tokio::test]
async fn a_state_of_an_older_version_is_upgraded() {
    let world = World::start().await;
    let upgraded = |state| pb::upgrade_resource_state::Response { upgraded_state: state, diagnostics: vec![] };
    let answer = answer!(world, upgrade_resource_state, world.to_upgrade(0, &json!({"id": "id-a", "title": "a"})));
    assert_eq!(answer, upgraded(world.wire(json!({"id": "id-a", "name": "a", "enabled": true}))));

    // Of today's version, but of another build of it: attributes have come and gone.
    let stored = json!({"id": "id-a", "name": "a", "gone": [1], "enabled": false, "rule": []});
    let answer = answer!(world, upgrade_resource_state, world.to_upgrade(1, &stored));
    assert_eq!(answer, upgraded(world.wire(json!({"id": "id-a", "name": "a", "enabled": false}))));

    let answer = answer!(world, upgrade_resource_state, world.to_upgrade(0, &json!({"id": 5, "title": ["a"]})));
    let unreadable = error("State not readable", "id: expected a value of type string, found a number");
    assert_eq!(answer, pb::upgrade_resource_state::Response { upgraded_state: None, diagnostics: vec![unreadable] });
    world.end().await;
}

#[tokio::test]
async fn a_state_is_upgraded_refreshed_and_as_configured() {
    let world = World::start().await;
    world.created(json!({"name": "a"})).await;
    let life = world.life().await;
    let upgraded = life.upgrade(0, &json!({"id": "id-a", "title": "a"})).await.ok();
    let config = life.config(json!({"name": "a"}));
    let state = life.settle(Some(&upgraded), &config).await;
    assert_eq!(state.value.get("revision"), Some(&1.into()));
    world.end().await;
}

#[tokio::test]
async fn an_object_of_another_type_becomes_a_thing() {
    let world = World::start().await;
    let request = pb::move_resource_state::Request {
        source_private: br#"{"not":"ours"}"#.to_vec(),
        source_identity: raw(&json!({"some": "identity"})),
        ..world.to_move("a")
    };
    let expected = pb::move_resource_state::Response {
        target_state: world.wire(json!({"id": "id-a", "name": "a", "enabled": true})),
        target_private: br#"{"moved":true}"#.to_vec(),
        target_identity: world.identity("id-a"),
        diagnostics: vec![],
    };
    assert_eq!(answer!(world, move_resource_state, request), expected);

    world.created(json!({"name": "a"})).await;
    let life = world.life().await;
    let source = Source {
        provider: "terraform.io/builtin/terraform".into(),
        type_name: "terraform_data".into(),
        state: json!({"id": "x", "input": {"type": "string", "value": "a"}}),
        ..Source::default()
    };
    let moved = life.move_from(&source).await.ok();
    let plan = life.plan(life.refresh(&moved).await.ok().as_ref(), &life.config(json!({"name": "a"}))).await.ok();
    assert_eq!(plan.action, Action::Nothing);
    world.end().await;
}

#[tokio::test]
async fn before_the_provider_is_configured_a_moved_identity_lacks_what_only_the_client_knows() {
    let world = World::unconfigured().await;
    let expected = pb::move_resource_state::Response {
        target_state: world.wire(json!({"id": "id-a", "name": "a", "enabled": true})),
        target_private: br#"{"moved":true}"#.to_vec(),
        target_identity: world.some_identity(&json!({"id": "id-a"})),
        diagnostics: vec![],
    };
    assert_eq!(answer!(world, move_resource_state, world.to_move("a")), expected);
    world.end().await;
}

#[tokio::test]
async fn an_object_that_cannot_become_a_thing_is_refused() {
    let world = World::start().await;
    let refused = |detail| pb::move_resource_state::Response {
        diagnostics: vec![error("Move not supported", detail)],
        ..Default::default()
    };
    let other = pb::move_resource_state::Request { source_type_name: "null_resource".into(), ..world.to_move("a") };
    let expected = refused("A null_resource of terraform.io/builtin/terraform cannot become a thing.");
    assert_eq!(answer!(world, move_resource_state, other), expected);
    let list = raw(&json!({"input": {"type": ["list", "string"], "value": ["a"]}}));
    let list = pb::move_resource_state::Request { source_state: list, ..world.to_move("a") };
    let expected = refused("Only data with a text can become a thing.");
    assert_eq!(answer!(world, move_resource_state, list), expected);
    world.end().await;
}

#[tokio::test]
async fn a_generated_configuration_has_what_it_needs() {
    let world = World::start().await;
    let answer = answer!(world, generate_resource_config, world.to_generate(full_state()));
    // Nothing computed, write-only, or equal to a default; and the version of a secret that cannot be generated.
    let steps = json!([{"program": "p"}, {"program": "q", "retries": 5}]);
    let config = with(&with(&full(), "steps", steps), "secret_wo", json!(null));
    let config = world.wire(with(&config, "secret_wo_version", json!(null)));
    assert_eq!(answer, pb::generate_resource_config::Response { config, diagnostics: vec![] });

    let state = json!({"id": "id-a", "name": "a", "enabled": false, "old": "x", "revision": 7});
    let answer = answer!(world, generate_resource_config, world.to_generate(state));
    let config = world.wire(json!({"name": "a", "enabled": false}));
    assert_eq!(answer, pb::generate_resource_config::Response { config, diagnostics: vec![] });
    world.end().await;
}

#[tokio::test]
async fn a_generated_configuration_changes_nothing() {
    let world = World::start().await;
    let without_secret = with(&with(&full(), "secret_wo", json!(null)), "secret_wo_version", json!(null));
    let life = world.life().await;
    for config in [json!({"name": "a"}), json!({"name": "b", "enabled": false, "size": 1}), without_secret] {
        let state = life.settle(None, &life.config(config)).await;
        let request = pb::generate_resource_config::Request {
            type_name: THING.into(),
            state: Some(life.schema.encode(&state.value)),
        };
        let generated = answer!(world, generate_resource_config, request);
        assert_eq!(generated.diagnostics, []);
        let config = world.decoded(generated.config.as_ref());
        let plan = life.plan(Some(&state), &config).await.ok();
        assert_eq!((plan.action, plan.planned), (Action::Nothing, state.value));
    }
    world.end().await;
}
