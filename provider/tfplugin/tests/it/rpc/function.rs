//! Functions, and what is wrong with their arguments.

use serde_json::{Value as Json, json};
use tfplugin::Value;
use tfplugin_client::wire::tfplugin6::call_function::{Request, Response};
use tfplugin_client::wire::tfplugin6::{DynamicValue, FunctionError};
use tfplugin_client::{UNKNOWN, unknown};

use super::World;

/// The result of a call.
async fn result(world: &World, name: &str, arguments: &[Json]) -> Value {
    let answer = answer!(world, call_function, world.to_call(name, arguments));
    assert_eq!(answer.error, None);
    world.schemas.function(name).result(answer.result.as_ref())
}

/// The answer that is an error, of one argument or of the whole call.
fn failed(argument: Option<i64>, text: &str) -> Response {
    Response { result: None, error: Some(FunctionError { text: text.into(), function_argument: argument }) }
}

async fn failure(world: &World, name: &str, arguments: &[Json]) -> Response {
    answer!(world, call_function, world.to_call(name, arguments))
}

#[tokio::test]
async fn functions_compute() {
    let world = World::start().await;
    assert_eq!(result(&world, "join", &[json!("-"), json!("a"), json!(null), json!("b")]).await, "a-b".into());
    assert_eq!(result(&world, "join", &[json!("-")]).await, "".into());
    assert_eq!(result(&world, "share", &[json!(8), json!(1)]).await.as_number().unwrap().to_string(), "0.125");
    assert_eq!(result(&world, "longest", &[json!(["a", "bcd", "ef"])]).await, "bcd".into());
    assert_eq!(result(&world, "longest", &[json!([])]).await, Value::Null);
    world.end().await;
}

#[tokio::test]
async fn there_are_as_many_arguments_as_parameters() {
    let world = World::start().await;
    let call = world.to_call("share", &[json!(8), json!(1)]);
    let more = Request { arguments: [&call.arguments[..], &call.arguments[..1]].concat(), ..call.clone() };
    assert_eq!(answer!(world, call_function, more), failed(Some(2), "This is one argument too many."));
    let fewer = Request { arguments: call.arguments[..1].to_vec(), ..call };
    let expected = failed(None, "There are too few arguments: 1 of 2.");
    assert_eq!(answer!(world, call_function, fewer), expected);
    let none = Request { name: "join".into(), arguments: vec![] };
    let expected = failed(None, "There are too few arguments: 0 of 1.");
    assert_eq!(answer!(world, call_function, none), expected);
    world.end().await;
}

#[tokio::test]
async fn null_is_an_argument_only_where_it_is_allowed() {
    let world = World::start().await;
    let null = failed(Some(1), "The value must not be null.");
    assert_eq!(failure(&world, "share", &[json!(1), json!(null)]).await, null);
    let expected = failed(Some(0), "The value must not be null.");
    assert_eq!(failure(&world, "longest", &[json!(null)]).await, expected);
    let within = failure(&world, "longest", &[json!(["a", null])]).await;
    assert_eq!(within, failed(Some(0), "[1]: expected a string, found null."));
    let state = result(&world, "state", &[json!(null)]).await;
    assert_eq!((state.get("known"), state.get("null")), (Some(&true.into()), Some(&true.into())));
    world.end().await;
}

#[tokio::test]
async fn the_result_of_what_is_not_known_is_not_known() {
    let world = World::start().await;
    assert_eq!(result(&world, "join", &[json!(UNKNOWN), json!("a")]).await, unknown());
    assert_eq!(result(&world, "join", &[json!("-"), json!("a"), json!(UNKNOWN)]).await, unknown());
    assert_eq!(result(&world, "longest", &[json!(UNKNOWN)]).await, unknown());
    // Also when it is deep within an argument.
    assert_eq!(result(&world, "longest", &[json!(["a", UNKNOWN])]).await, unknown());
    // A function that takes what is unknown decides by itself.
    let state = result(&world, "state", &[json!(UNKNOWN)]).await;
    assert_eq!((state.get("known"), state.get("null")), (Some(&false.into()), Some(&false.into())));
    let state = result(&world, "state", &[json!([1, UNKNOWN])]).await;
    assert_eq!((state.get("known"), state.get("null")), (Some(&true.into()), Some(&false.into())));
    world.end().await;
}

#[tokio::test]
async fn an_error_names_its_argument() {
    let world = World::start().await;
    let nothing = failed(Some(0), "Nothing has no parts.");
    assert_eq!(failure(&world, "share", &[json!(0), json!(1)]).await, nothing);
    let negative = failed(Some(1), "expected a whole number from 0 to 4294967295.");
    assert_eq!(failure(&world, "share", &[json!(1), json!(-1)]).await, negative);
    let long = failed(Some(0), "The value must have 0 to 3 characters, and has 8.");
    assert_eq!(failure(&world, "join", &[json!("long one")]).await, long);
    world.end().await;
}

#[tokio::test]
async fn an_argument_of_a_variadic_parameter_has_a_number_of_its_own() {
    let world = World::start().await;
    let bad = |arguments: Vec<DynamicValue>| Request { name: "join".into(), arguments };
    let text = |text: &str| world.schemas.function("join").arguments(&[json!(text)]).remove(0);
    let number = DynamicValue { msgpack: b"\x05".to_vec(), json: Vec::new() };
    let expected = failed(Some(3), "The value is malformed: expected a string in msgpack.");
    let call = bad(vec![text("-"), text("a"), text("b"), number.clone()]);
    assert_eq!(answer!(world, call_function, call), expected);
    let expected = failed(Some(0), "The value is malformed: expected a string in msgpack.");
    assert_eq!(answer!(world, call_function, bad(vec![number])), expected);
    world.end().await;
}

#[tokio::test]
async fn a_call_needs_no_configuration() {
    let world = World::unconfigured().await;
    assert_eq!(result(&world, "join", &[json!("-"), json!("a"), json!("b")]).await, "a-b".into());
    world.end().await;
}
