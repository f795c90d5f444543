//! The provider as a whole, and what all calls have in common.

use std::collections::BTreeSet;

use serde_json::json;
use tfplugin_client::UNKNOWN;
use tfplugin_client::wire::tfplugin6 as pb;
use tonic::Code;

use super::problems::{all_say, error, error_at};
use super::{THING, World, all, ended};

fn names<'n>(names: impl IntoIterator<Item = &'n String>) -> BTreeSet<&'n str> {
    names.into_iter().map(String::as_str).collect()
}

#[tokio::test]
async fn metadata_and_schemas_name_the_same() {
    let world = World::unconfigured().await;
    let metadata = answer!(world, get_metadata, pb::get_metadata::Request {});
    let schemas = answer!(world, get_provider_schema, pb::get_provider_schema::Request {});
    let capabilities = pb::ServerCapabilities {
        plan_destroy: true,
        get_provider_schema_optional: true,
        move_resource_state: true,
        generate_resource_config: true,
    };
    assert_eq!(metadata.server_capabilities, Some(capabilities));
    assert_eq!(schemas.server_capabilities, Some(capabilities));
    assert_eq!((metadata.diagnostics, schemas.diagnostics), (vec![], vec![]));

    assert_eq!(names(metadata.resources.iter().map(|one| &one.type_name)), BTreeSet::from([THING]));
    assert_eq!(names(schemas.resource_schemas.keys()), BTreeSet::from([THING]));
    assert_eq!(names(metadata.data_sources.iter().map(|one| &one.type_name)), BTreeSet::from([THING]));
    assert_eq!(names(schemas.data_source_schemas.keys()), BTreeSet::from([THING]));
    assert_eq!(names(metadata.ephemeral_resources.iter().map(|one| &one.type_name)), BTreeSet::from(["thing_key"]));
    assert_eq!(names(schemas.ephemeral_resource_schemas.keys()), BTreeSet::from(["thing_key"]));
    assert_eq!(names(metadata.list_resources.iter().map(|one| &one.type_name)), BTreeSet::from([THING]));
    assert_eq!(names(schemas.list_resource_schemas.keys()), BTreeSet::from([THING]));
    assert_eq!(names(metadata.actions.iter().map(|one| &one.type_name)), BTreeSet::from(["thing_poke"]));
    assert_eq!(names(schemas.action_schemas.keys()), BTreeSet::from(["thing_poke"]));
    let functions = BTreeSet::from(["join", "longest", "share", "state"]);
    assert_eq!(names(metadata.functions.iter().map(|one| &one.name)), functions);
    assert_eq!(names(schemas.functions.keys()), functions);
    assert_eq!(metadata.state_stores, []);
    assert!(schemas.state_store_schemas.is_empty());
    world.end().await;
}

#[tokio::test]
async fn functions_can_be_asked_for_alone() {
    let world = World::unconfigured().await;
    let functions = answer!(world, get_functions, pb::get_functions::Request {});
    let schemas = answer!(world, get_provider_schema, pb::get_provider_schema::Request {});
    assert_eq!(functions, pb::get_functions::Response { functions: schemas.functions, diagnostics: vec![] });
    let join = &functions.functions["join"];
    let parameter = |name: &str, allow_null_value| pb::function::Parameter {
        name: name.into(),
        r#type: b"\"string\"".to_vec(),
        allow_null_value,
        description_kind: pb::StringKind::Markdown.into(),
        ..Default::default()
    };
    let expected = pb::Function {
        parameters: vec![parameter("separator", false)],
        variadic_parameter: Some(parameter("words", true)),
        r#return: Some(pb::function::Return { r#type: b"\"string\"".to_vec() }),
        summary: "Joins words.".into(),
        description: "Joins words; those that are null are left out.".into(),
        description_kind: pb::StringKind::Markdown.into(),
        deprecation_message: String::new(),
    };
    assert_eq!(*join, expected);
    assert_eq!(functions.functions["share"].deprecation_message, "Write the division itself.");
    world.end().await;
}

#[tokio::test]
async fn the_identity_has_a_schema_of_its_own() {
    let world = World::unconfigured().await;
    let answer = answer!(world, get_resource_identity_schemas, pb::get_resource_identity_schemas::Request {});
    let attribute = |name: &str, required, description: &str| pb::resource_identity_schema::IdentityAttribute {
        name: name.into(),
        r#type: b"\"string\"".to_vec(),
        required_for_import: required,
        optional_for_import: !required,
        description: description.into(),
    };
    let schema = pb::ResourceIdentitySchema {
        version: 1,
        identity_attributes: vec![attribute("id", true, "The name of the file."), attribute("directory", false, "")],
    };
    let identity_schemas = [(THING.to_owned(), schema)].into();
    assert_eq!(answer, pb::get_resource_identity_schemas::Response { identity_schemas, diagnostics: vec![] });
    world.end().await;
}

#[tokio::test]
async fn the_providers_configuration_is_validated() {
    let world = World::unconfigured().await;
    let provider = &world.schemas.provider;
    let of = |json| pb::validate_provider_config::Request { config: Some(provider.encode(&provider.object(json))) };
    assert_eq!(answer!(world, validate_provider_config, of(json!({"directory": "/d"}))).diagnostics, []);
    assert_eq!(answer!(world, validate_provider_config, of(json!({"directory": UNKNOWN}))).diagnostics, []);
    let empty = answer!(world, validate_provider_config, of(json!({"directory": ""}))).diagnostics;
    let detail = "The value must have 1 to 4096 characters, and has 0.";
    assert_eq!(empty, [error_at("directory", "Invalid length", detail)]);
    world.end().await;
}

#[tokio::test]
async fn a_configuration_that_fails_leaves_no_client_until_the_next_one() {
    let world = World::start().await;
    let provider = &world.schemas.provider;
    let of = |json| pb::configure_provider::Request {
        config: Some(provider.encode(&provider.object(json))),
        terraform_version: "1.14.0".into(),
        ..Default::default()
    };
    assert!(answer!(world, read_resource, world.to_read(json!({"id": "id-none"}))).diagnostics.is_empty());
    let problems = answer!(world, configure_provider, of(json!({"directory": null}))).diagnostics;
    let detail = "The provider made no client, and did not say why.";
    assert_eq!(problems, [error("Provider is not configured", detail)]);
    let answer = answer!(world, read_resource, world.to_read(json!({"id": "id-none"})));
    let failed = error("Provider is not configured", "The provider's configuration has failed.");
    assert_eq!(answer.diagnostics, [failed]);
    assert_eq!(answer!(world, configure_provider, of(json!({"directory": world.directory()}))).diagnostics, []);
    assert!(answer!(world, read_resource, world.to_read(json!({"id": "id-none"}))).diagnostics.is_empty());
    world.end().await;
}

#[tokio::test]
async fn before_it_is_configured_each_call_works_or_says_that_it_cannot() {
    let world = World::unconfigured().await;
    let one = || json!({"id": "id-a", "name": "a"});
    let poke = || json!({"id": "id-a"});
    let mut found = problems!(world;
        read_resource(world.to_read(one())),
        apply_resource_change(world.to_apply(json!(null), one(), one())),
        import_resource_state(world.to_import("id-a")),
        read_data_source(world.to_read_data(json!({"name": "a"}))),
        open_ephemeral_resource(world.to_open(json!({"thing": "a"}))),
        renew_ephemeral_resource(world.to_renew("a", "")),
        close_ephemeral_resource(world.to_close("a", "")),
        plan_action(world.to_plan_action(poke())),
    );
    found.push(("invoke_action", ended(all(answer!(world, invoke_action, world.to_invoke(poke()))).await).1));
    let mut events = all(answer!(world, list_resource, world.to_list(json!({})))).await;
    found.push(("list_resource", events.remove(0).diagnostic));
    all_say(found, &error("Provider is not configured", "The provider has not been configured yet."));
    assert!(events.is_empty());

    for (rpc, problems) in problems!(world;
        validate_resource_config(world.to_validate(one())),
        upgrade_resource_state(world.to_upgrade(1, &one())),
        upgrade_resource_identity(world.to_upgrade_identity(0, &json!({"key": "id-a"}))),
        plan_resource_change(world.to_plan(json!(null), json!({"name": "a"}))),
        plan_resource_change(world.to_plan(one(), json!(null))),
        move_resource_state(world.to_move("a")),
        generate_resource_config(world.to_generate(one())),
        validate_data_resource_config(world.to_validate_data(json!({"name": "a"}))),
        validate_ephemeral_resource_config(world.to_validate_key(json!({"thing": "a"}))),
        validate_action_config(world.to_validate_action(poke())),
        validate_list_resource_config(world.to_validate_list(json!({}))),
    ) {
        assert_eq!(problems, [], "{rpc}");
    }
    let answer = answer!(world, call_function, world.to_call("join", &[json!("-"), json!("a")]));
    assert_eq!(world.schemas.function("join").result(answer.result.as_ref()), "a".into());
    world.end().await;
}

#[tokio::test]
async fn there_are_no_state_stores() {
    let world = World::start().await;
    let mut provider = world.session.provider();
    let codes = [
        provider.validate_state_store_config(pb::validate_state_store_config::Request::default()).await.err(),
        provider.configure_state_store(pb::configure_state_store::Request::default()).await.err(),
        provider.read_state_bytes(pb::read_state_bytes::Request::default()).await.err(),
        provider.write_state_bytes(tonic::codegen::tokio_stream::iter([])).await.err(),
        provider.lock_state(pb::lock_state::Request::default()).await.err(),
        provider.unlock_state(pb::unlock_state::Request::default()).await.err(),
        provider.get_states(pb::get_states::Request::default()).await.err(),
        provider.delete_state(pb::delete_state::Request::default()).await.err(),
    ];
    assert_eq!(codes.map(|status| status.map(|status| status.code())), [Some(Code::Unimplemented); 8]);
    world.end().await;
}
