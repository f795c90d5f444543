//! Requests that no call can make sense of.

use std::collections::BTreeMap;

use serde_json::json;
use tfplugin::Type;
use tfplugin_client::wire::tfplugin6::{self as pb, DynamicValue};
use tfplugin_client::{encode, from_json};

use super::problems::{all_say, error, error_at, within};
use super::{THING, World, all, ended};

#[tokio::test]
async fn a_type_that_the_provider_does_not_have_is_a_problem_of_that_call() {
    let world = World::start().await;
    let other = || "thing_other".to_owned();
    let one = || json!({"id": "id-a", "name": "a"});
    all_say(
        problems!(world;
            validate_resource_config(world.to_validate(one())) with type_name = other(),
            upgrade_resource_state(world.to_upgrade(1, &one())) with type_name = other(),
            upgrade_resource_identity(world.to_upgrade_identity(1, &one())) with type_name = other(),
            read_resource(world.to_read(one())) with type_name = other(),
            plan_resource_change(world.to_plan(one(), one())) with type_name = other(),
            apply_resource_change(world.to_apply(one(), one(), one())) with type_name = other(),
            import_resource_state(world.to_import("id-a")) with type_name = other(),
            move_resource_state(world.to_move("a")) with target_type_name = other(),
            generate_resource_config(world.to_generate(one())) with type_name = other(),
        ),
        &error("Unknown resource type", "This provider has no resource thing_other."),
    );
    let named = || json!({"name": "a"});
    all_say(
        problems!(world;
            validate_data_resource_config(world.to_validate_data(named())) with type_name = other(),
            read_data_source(world.to_read_data(named())) with type_name = other(),
        ),
        &error("Unknown data source type", "This provider has no data source thing_other."),
    );
    let lock = || json!({"thing": "lock"});
    all_say(
        problems!(world;
            validate_ephemeral_resource_config(world.to_validate_key(lock())) with type_name = other(),
            open_ephemeral_resource(world.to_open(lock())) with type_name = other(),
            renew_ephemeral_resource(world.to_renew("lock", "")) with type_name = other(),
            close_ephemeral_resource(world.to_close("lock", "")) with type_name = other(),
        ),
        &error("Unknown ephemeral resource type", "This provider has no ephemeral resource thing_other."),
    );
    let poke = || json!({"id": "id-a"});
    let invoke = pb::invoke_action::Request { action_type: other(), ..world.to_invoke(poke()) };
    let mut found = problems!(world;
        validate_action_config(world.to_validate_action(poke())) with action_type = other(),
        plan_action(world.to_plan_action(poke())) with action_type = other(),
    );
    found.push(("invoke_action", ended(all(answer!(world, invoke_action, invoke)).await).1));
    all_say(found, &error("Unknown action type", "This provider has no action thing_other."));

    let list = pb::list_resource::Request { type_name: other(), ..world.to_list(json!({})) };
    let mut found = problems!(world;
        validate_list_resource_config(world.to_validate_list(json!({}))) with type_name = other(),
    );
    let events = all(answer!(world, list_resource, list)).await;
    assert_eq!((events.len(), &events[0].display_name, &events[0].identity), (1, &String::new(), &None));
    found.push(("list_resource", events[0].diagnostic.clone()));
    all_say(found, &error("Unknown list type", "This provider has no list thing_other."));

    let call = pb::call_function::Request { name: other(), arguments: vec![] };
    let text = "This provider has no function thing_other.".into();
    let error = Some(pb::FunctionError { text, function_argument: None });
    assert_eq!(answer!(world, call_function, call), pb::call_function::Response { result: None, error });
    world.end().await;
}

/// Something that cannot be read, in each form in which values travel.
trait Broken {
    fn broken() -> Self;
}

impl Broken for Option<DynamicValue> {
    fn broken() -> Self {
        Some(DynamicValue { msgpack: b"\xc1".to_vec(), json: Vec::new() })
    }
}

impl Broken for Option<pb::ResourceIdentityData> {
    fn broken() -> Self {
        Some(pb::ResourceIdentityData { identity_data: Broken::broken() })
    }
}

/// What each of these calls finds wrong when one of its values is broken.
macro_rules! broken {
    ($world:expr; $($rpc:ident($request:expr): $($field:ident)+,)+) => {
        vec![$($({
            let mut request = $request;
            request.$field = Broken::broken();
            (concat!(stringify!($rpc), ", ", stringify!($field)), answer!($world, $rpc, request).diagnostics)
        }),+),+]
    };
}

#[tokio::test]
async fn a_malformed_value_is_a_problem_of_that_call() {
    let world = World::start().await;
    let one = || json!({"id": "id-a", "name": "a"});
    let poke = || json!({"id": "id-a"});
    let provider = &world.schemas.provider;
    let config = || Some(provider.encode(&provider.object(json!({"directory": world.directory()}))));
    let mut found = broken!(world;
        validate_provider_config(pb::validate_provider_config::Request { config: None }): config,
        validate_resource_config(world.to_validate(one())): config,
        read_resource(world.to_read(one())): current_state provider_meta current_identity,
        plan_resource_change(world.to_plan(one(), one())):
            prior_state proposed_new_state config provider_meta prior_identity,
        apply_resource_change(world.to_apply(one(), one(), one())):
            prior_state planned_state config provider_meta planned_identity,
        import_resource_state(world.to_import("")): identity,
        generate_resource_config(world.to_generate(one())): state,
        validate_data_resource_config(world.to_validate_data(json!({"name": "a"}))): config,
        read_data_source(world.to_read_data(json!({"name": "a"}))): config provider_meta,
        validate_ephemeral_resource_config(world.to_validate_key(json!({"thing": "a"}))): config,
        open_ephemeral_resource(world.to_open(json!({"thing": "a"}))): config,
        validate_action_config(world.to_validate_action(poke())): config,
        plan_action(world.to_plan_action(poke())): config,
        validate_list_resource_config(world.to_validate_list(json!({}))): config,
    );
    let invoke = pb::invoke_action::Request { config: Broken::broken(), ..world.to_invoke(poke()) };
    found.push(("invoke_action", ended(all(answer!(world, invoke_action, invoke)).await).1));
    let list = pb::list_resource::Request { config: Broken::broken(), ..world.to_list(json!({})) };
    found.push(("list_resource", all(answer!(world, list_resource, list)).await.remove(0).diagnostic));
    // The last one, because it takes the client away.
    let configure = pb::configure_provider::Request { config: config(), ..Default::default() };
    found.extend(broken!(world; configure_provider(configure): config,));
    assert_eq!(found.len(), 28);
    all_say(found, &error("Terraform sent a malformed value", "expected a map in msgpack."));
    world.end().await;
}

#[tokio::test]
async fn a_malformed_part_of_a_value_is_named() {
    let world = World::start().await;
    // The same value by a schema that differs in one place.
    let problems = async |change: &dyn Fn(&mut BTreeMap<String, Type>)| {
        let Type::Object(mut types) = world.schemas.resource(THING).ty().clone() else { unreachable!() };
        change(&mut types);
        let ty = Type::Object(types);
        let steps = json!([{"program": "p", "retries": true}]);
        let value = from_json(&json!({"name": "a", "steps": steps, "rule": []}), &ty).unwrap();
        let config = Some(encode(&value, &ty).unwrap());
        let request = pb::validate_resource_config::Request { config, ..world.to_validate(json!({"name": "a"})) };
        answer!(world, validate_resource_config, request).diagnostics
    };
    let step = || Type::object([("program", Type::String), ("retries", Type::Bool), ("number", Type::Number)]);
    let steps = |types: &mut BTreeMap<String, Type>| _ = types.insert("steps".into(), Type::list(step()));
    let malformed = "Terraform sent a malformed value";
    let expected = error_at("steps", malformed, "steps[0].retries: expected a number in msgpack.");
    assert_eq!(problems(&steps).await, [within(expected, 0, "retries")]);

    let detail = "more: is not in the schema.";
    let more = |types: &mut BTreeMap<String, Type>| {
        types.insert("steps".into(), Type::list(Type::Dynamic));
        types.insert("more".into(), Type::String);
    };
    assert_eq!(problems(&more).await, [error_at("more", malformed, detail)]);
    world.end().await;
}

#[tokio::test]
async fn stored_text_that_cannot_be_read_is_a_problem_of_that_call() {
    let world = World::start().await;
    let broken = || Some(pb::RawState { json: b"[]".to_vec(), ..Default::default() });
    let none = || Some(pb::RawState::default());

    let of = |raw_state| pb::upgrade_resource_state::Request { raw_state, ..world.to_upgrade(1, &json!({})) };
    let found = answer!(world, upgrade_resource_state, of(broken())).diagnostics;
    assert_eq!(found, [error("State does not fit the schema", "expected a value of type object.")]);
    let size = Some(pb::RawState { json: br#"{"size": true}"#.to_vec(), ..Default::default() });
    let found = answer!(world, upgrade_resource_state, of(size)).diagnostics;
    assert_eq!(found, [error_at("size", "State does not fit the schema", "size: is not a decimal number.")]);
    let before = [error("State cannot be read", "The state was written by a Terraform older than 0.12.")];
    assert_eq!(answer!(world, upgrade_resource_state, of(none())).diagnostics, before);
    assert_eq!(answer!(world, upgrade_resource_state, of(None)).diagnostics, before);

    let of = |source_state| pb::move_resource_state::Request { source_state, ..world.to_move("a") };
    let found = answer!(world, move_resource_state, of(broken())).diagnostics;
    assert_eq!(found, [error("State not readable", "expected a value of type object.")]);
    assert_eq!(answer!(world, move_resource_state, of(none())).diagnostics, before);
    world.end().await;
}

#[tokio::test]
async fn a_configuration_that_is_unknown_as_a_whole_is_a_problem_of_that_call() {
    let world = World::start().await;
    let unknown = || Some(DynamicValue { msgpack: b"\xd4\0\0".to_vec(), json: Vec::new() });
    all_say(
        problems!(world;
            validate_resource_config(world.to_validate(json!({}))) with config = unknown(),
            validate_data_resource_config(world.to_validate_data(json!({}))) with config = unknown(),
            validate_ephemeral_resource_config(world.to_validate_key(json!({}))) with config = unknown(),
            validate_action_config(world.to_validate_action(json!({}))) with config = unknown(),
            validate_list_resource_config(world.to_validate_list(json!({}))) with config = unknown(),
            read_resource(world.to_read(json!({}))) with current_state = unknown(),
            read_data_source(world.to_read_data(json!({}))) with config = unknown(),
            open_ephemeral_resource(world.to_open(json!({}))) with config = unknown(),
            plan_action(world.to_plan_action(json!({}))) with config = unknown(),
            plan_resource_change(world.to_plan(json!(null), json!({}))) with config = unknown(),
            apply_resource_change(world.to_apply(json!(null), json!({}), json!({}))) with config = unknown(),
            generate_resource_config(world.to_generate(json!({}))) with state = unknown(),
            validate_provider_config(pb::validate_provider_config::Request::default()) with config = unknown(),
            configure_provider(pb::configure_provider::Request::default()) with config = unknown(),
        ),
        &error("Unexpected value", "expected an object, found an unknown value."),
    );
    world.end().await;
}
