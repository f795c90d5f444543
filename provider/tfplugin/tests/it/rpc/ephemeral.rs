//! What is open while Terraform runs.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::json;
use tfplugin_client::wire::tfplugin6 as pb;

use super::World;
use super::problems::{error, error_at};

#[tokio::test]
async fn a_key_is_opened_and_closed() {
    let world = World::start().await;
    let opened = answer!(world, open_ephemeral_resource, world.to_open(json!({"thing": "lock"})));
    let private = br#"{"thing":"lock","mood":""}"#.to_vec();
    let expected = pb::open_ephemeral_resource::Response {
        result: Some(world.key(json!({"thing": "lock", "secret": "hush-lock"}))),
        private: Some(private.clone()),
        ..Default::default()
    };
    assert_eq!(opened.result, expected.result);
    assert_eq!(opened, expected);
    assert!(world.has("key-lock"));

    let request = pb::close_ephemeral_resource::Request { type_name: "thing_key".into(), private: Some(private) };
    let closed = answer!(world, close_ephemeral_resource, request);
    assert_eq!(closed, pb::close_ephemeral_resource::Response::default());
    assert!(world.has("closed-lock") && !world.has("key-lock"));
    world.end().await;
}

#[tokio::test]
async fn a_key_is_renewed_as_long_as_it_says_when() {
    let world = World::start().await;
    let opened = answer!(world, open_ephemeral_resource, world.to_open(json!({"thing": "lock", "mood": "renewed"})));
    assert_eq!(opened.diagnostics, []);
    assert!(is_soon(opened.renew_at));
    let renew = |private| pb::renew_ephemeral_resource::Request { type_name: "thing_key".into(), private };
    let first = answer!(world, renew_ephemeral_resource, renew(opened.private));
    assert_eq!(first.diagnostics, []);
    assert_eq!(first.private(), br#"{"thing":"lock","mood":"renewed","renewals":1}"#);
    assert!(is_soon(first.renew_at));
    assert_eq!(std::fs::read_to_string(world.file("key-lock")).unwrap(), "renewed");
    // The last one, because it does not say when the next is.
    let second = answer!(world, renew_ephemeral_resource, renew(first.private));
    let private = Some(br#"{"thing":"lock","mood":"renewed","renewals":2}"#.to_vec());
    let expected = pb::renew_ephemeral_resource::Response { diagnostics: vec![], renew_at: None, private };
    assert_eq!(second, expected);
    world.end().await;
}

/// Whether the time is about now, as the example wants it.
#[expect(clippy::disallowed_methods, reason = "the provider has no other clock either")]
fn is_soon(time: Option<prost_types::Timestamp>) -> bool {
    let time = SystemTime::try_from(time.unwrap()).unwrap();
    let away = time.duration_since(SystemTime::now()).unwrap_or_else(|past| past.duration());
    time > UNIX_EPOCH && away < Duration::from_mins(1)
}

#[tokio::test]
async fn a_key_that_cannot_be_opened_renewed_or_closed_is_an_error() {
    let world = World::start().await;
    std::fs::create_dir(world.file("key-lock")).unwrap();
    let directory = "Is a directory (os error 21)";
    let opened = answer!(world, open_ephemeral_resource, world.to_open(json!({"thing": "lock"})));
    let diagnostics = vec![error("Not opened", directory)];
    assert_eq!(opened, pb::open_ephemeral_resource::Response { diagnostics, ..Default::default() });
    let renewed = answer!(world, renew_ephemeral_resource, world.to_renew("lock", ""));
    assert_eq!(renewed.diagnostics, [error("Not renewed", directory)]);
    let closed = answer!(world, close_ephemeral_resource, world.to_close("none", ""));
    assert_eq!(closed.diagnostics, [error("Not closed", "No such file or directory (os error 2)")]);
    world.end().await;
}

#[tokio::test]
async fn a_configuration_is_validated() {
    let world = World::start().await;
    let problems =
        async |config| answer!(world, validate_ephemeral_resource_config, world.to_validate_key(config)).diagnostics;
    assert_eq!(problems(json!({"thing": "lock"})).await, []);
    assert_eq!(problems(json!({"thing": ""})).await, [error_at("thing", "No thing", "A key needs a thing.")]);
    world.end().await;
}

#[tokio::test]
async fn what_is_open_and_cannot_be_handed_over_is_closed() {
    let world = World::start().await;
    for (mood, summary) in [("wrong", "Provider changed a configured value"), ("half", "Half open")] {
        let opened = answer!(world, open_ephemeral_resource, world.to_open(json!({"thing": mood, "mood": mood})));
        assert!(opened.diagnostics.iter().any(|problem| problem.summary == summary), "{:?}", opened.diagnostics);
        assert_eq!(opened.result, None);
        assert!(world.has(&format!("closed-{mood}")) && !world.has(&format!("key-{mood}")), "{mood}");
    }
    let request = pb::open_ephemeral_resource::Request {
        client_capabilities: super::requests::patient(),
        ..world.to_open(json!({"thing": "late", "mood": "late"}))
    };
    let opened = answer!(world, open_ephemeral_resource, request);
    assert!(opened.deferred.is_some() && opened.diagnostics.is_empty());
    assert!(world.has("closed-late") && !world.has("key-late"));
    world.end().await;
}
