//! Data that is looked up.

use serde_json::json;
use tfplugin_client::UNKNOWN;
use tfplugin_client::wire::tfplugin6::read_data_source::Response;

use super::World;
use super::problems::{error, error_at};

#[tokio::test]
async fn what_is_found_completes_the_configuration() {
    let world = World::start().await;
    world.created(json!({"name": "a", "size": 2.5})).await;
    let read = |config| world.to_read_data(config);
    let found = json!({"name": "a", "id": "id-a", "size": 2.5, "enabled": true, "unit": "litre"});
    let expected = Response { state: Some(world.data(found.clone())), ..Response::default() };
    assert_eq!(answer!(world, read_data_source, read(json!({"name": "a"}))), expected);
    // What is configured is no default.
    let mut found = found;
    found["unit"] = json!("ounce");
    let expected = Response { state: Some(world.data(found)), ..Response::default() };
    assert_eq!(answer!(world, read_data_source, read(json!({"name": "a", "unit": "ounce"}))), expected);
    world.end().await;
}

#[tokio::test]
async fn what_is_not_found_is_an_error() {
    let world = World::start().await;
    let answer = answer!(world, read_data_source, world.to_read_data(json!({"name": "none"})));
    let diagnostics = vec![error_at("name", "No such thing", "There is no thing of that name.")];
    assert_eq!(answer, Response { diagnostics, ..Response::default() });
    // Without a reason, there is one nevertheless.
    let answer = answer!(world, read_data_source, world.to_read_data(json!({"name": "none", "mood": "later"})));
    assert_eq!(answer.diagnostics, [error_at("name", "No such thing", "There is no thing of that name.")]);
    world.end().await;
}

#[tokio::test]
async fn what_does_not_fit_the_configuration_is_an_error() {
    let world = World::start().await;
    let answer = answer!(world, read_data_source, world.to_read_data(json!({"name": "a", "mood": "wrong"})));
    let detail =
        "The provider's value of name differs from what the configuration says. This is a mistake in the provider.";
    assert_eq!(answer.diagnostics, [error_at("name", "Provider changed a configured value", detail)]);
    let answer = answer!(world, read_data_source, world.to_read_data(json!({"name": "a", "mood": "forgetful"})));
    let left_unknown = |name: &str| {
        let detail = format!("In the provider's answer, {name} is still unknown. This is a mistake in the provider.");
        error_at(name, "Provider left a value unknown", &detail)
    };
    assert_eq!(answer.diagnostics, ["enabled", "id", "size"].map(left_unknown));
    world.end().await;
}

#[tokio::test]
async fn a_configuration_is_validated() {
    let world = World::start().await;
    let problems =
        async |config| answer!(world, validate_data_resource_config, world.to_validate_data(config)).diagnostics;
    assert_eq!(problems(json!({"name": "a"})).await, []);
    assert_eq!(problems(json!({"name": UNKNOWN, "mood": UNKNOWN})).await, []);
    let forbidden = error_at("name", "Forbidden name", "Nothing has this name.");
    assert_eq!(problems(json!({"name": "forbidden"})).await, [forbidden]);
    let detail = "The value must have 1 to 40 characters, and has 0.";
    assert_eq!(problems(json!({"name": ""})).await, [error_at("name", "Invalid length", detail)]);
    world.end().await;
}

#[tokio::test]
async fn a_thing_that_cannot_be_read_is_an_error() {
    let world = World::start().await;
    std::fs::create_dir(world.file("id-a")).unwrap();
    let answer = answer!(world, read_data_source, world.to_read_data(json!({"name": "a"})));
    assert_eq!(answer.diagnostics, [error("Not readable", "Is a directory (os error 21)")]);
    assert_eq!(answer.state, None);
    world.end().await;
}
