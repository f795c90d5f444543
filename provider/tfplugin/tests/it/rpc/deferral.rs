//! What is put off to a later plan.

use serde_json::json;
use tfplugin::Value;
use tfplugin_client::wire::tfplugin6::deferred::Reason;
use tfplugin_client::wire::tfplugin6::{self as pb, Deferred};
use tfplugin_client::{UNKNOWN, unknown};

use super::problems::{all_say, error, error_at, warning_at};
use super::requests::patient;
use super::resource::with;
use super::{THING, World, all, ended};

fn deferred(reason: Reason) -> Option<Deferred> {
    Some(Deferred { reason: reason.into() })
}

const ABSENT: Reason = Reason::AbsentPrereq;
const PROVIDER: Reason = Reason::ProviderConfigUnknown;

#[tokio::test]
async fn a_plan_is_put_off_if_terraform_can() {
    let world = World::start().await;
    let config = json!({"name": "a", "mood": "later"});
    let prior = json!({"id": "id-a", "name": "a", "enabled": true, "revision": 1});
    let now = world.to_plan(prior.clone(), config.clone());
    let later = pb::plan_resource_change::Request { client_capabilities: patient(), ..now.clone() };
    let planned = with(&with(&prior, "mood", json!("later")), "revision", json!(UNKNOWN));
    let expected = pb::plan_resource_change::Response { planned_state: world.wire(planned), ..Default::default() };
    let answer = answer!(world, plan_resource_change, later);
    assert_eq!(answer, pb::plan_resource_change::Response { deferred: deferred(ABSENT), ..expected.clone() });
    let answer = answer!(world, plan_resource_change, now);
    let diagnostics = vec![warning_at("mood", "Not later", "This Terraform cannot put things off.")];
    assert_eq!(answer, pb::plan_resource_change::Response { diagnostics, ..expected });
    world.end().await;
}

#[tokio::test]
async fn a_read_is_put_off_with_the_state_as_it_was() {
    let world = World::start().await;
    let state = json!({"id": "id-a", "name": "a", "note": "old", "mood": "later"});
    let now = pb::read_resource::Request { current_identity: world.identity("id-a"), ..world.to_read(state.clone()) };
    let later = pb::read_resource::Request { client_capabilities: patient(), ..now.clone() };
    let expected = pb::read_resource::Response {
        new_state: world.wire(state),
        private: br#"{"kept":1}"#.to_vec(),
        new_identity: world.identity("id-a"),
        deferred: deferred(ABSENT),
        ..Default::default()
    };
    assert_eq!(answer!(world, read_resource, later), expected);
    let gone = answer!(world, read_resource, now);
    assert_eq!((gone.new_state, gone.deferred), (world.wire(json!(null)), None));
    world.end().await;
}

#[tokio::test]
async fn an_import_is_put_off_with_an_unknown_state() {
    let world = World::start().await;
    let now = world.to_import("later");
    let later = pb::import_resource_state::Request { client_capabilities: patient(), ..now.clone() };
    let expected = |identity| pb::import_resource_state::Response {
        imported_resources: vec![pb::import_resource_state::ImportedResource {
            type_name: THING.into(),
            state: world.encoded(&unknown()),
            private: vec![],
            identity,
        }],
        deferred: deferred(ABSENT),
        ..Default::default()
    };
    assert_eq!(answer!(world, import_resource_state, later.clone()), expected(None));
    // What the user has said is not lost.
    let identity = world.some_identity(&json!({"id": "later"}));
    let by_identity = pb::import_resource_state::Request { id: String::new(), identity: identity.clone(), ..later };
    assert_eq!(answer!(world, import_resource_state, by_identity), expected(identity));
    let answer = answer!(world, import_resource_state, now);
    assert_eq!(answer.imported_resources[0].state, world.wire(json!({"id": "later"})));
    assert_eq!(answer.deferred, None);
    world.end().await;
}

#[tokio::test]
async fn data_is_put_off_with_an_unknown_state() {
    let world = World::start().await;
    let now = world.to_read_data(json!({"name": "a", "mood": "later"}));
    let later = pb::read_data_source::Request { client_capabilities: patient(), ..now.clone() };
    let state = Some(world.schemas.data_source(THING).encode(&unknown()));
    let expected = pb::read_data_source::Response { state, deferred: deferred(ABSENT), ..Default::default() };
    assert_eq!(answer!(world, read_data_source, later), expected);
    let diagnostics = vec![error_at("name", "No such thing", "There is no thing of that name.")];
    let expected = pb::read_data_source::Response { diagnostics, ..Default::default() };
    assert_eq!(answer!(world, read_data_source, now), expected);
    world.end().await;
}

#[tokio::test]
async fn a_key_is_put_off_with_an_unknown_result_and_is_not_open() {
    let world = World::start().await;
    let now = world.to_open(json!({"thing": "lock", "mood": "later"}));
    let later = pb::open_ephemeral_resource::Request { client_capabilities: patient(), ..now.clone() };
    let result = Some(world.schemas.ephemeral_resource("thing_key").encode(&unknown()));
    let expected = pb::open_ephemeral_resource::Response { result, deferred: deferred(ABSENT), ..Default::default() };
    assert_eq!(answer!(world, open_ephemeral_resource, later), expected);
    assert!(!world.has("key-lock"));
    let opened = answer!(world, open_ephemeral_resource, now);
    assert_eq!((opened.diagnostics, opened.deferred), (vec![], None));
    assert!(world.has("key-lock"));
    world.end().await;
}

#[tokio::test]
async fn an_action_is_put_off_if_terraform_can() {
    let world = World::start().await;
    let now = world.to_plan_action(json!({"id": "id-a", "mood": "later"}));
    let later = pb::plan_action::Request { client_capabilities: patient(), ..now.clone() };
    let expected = pb::plan_action::Response { diagnostics: vec![], deferred: deferred(ABSENT) };
    assert_eq!(answer!(world, plan_action, later), expected);
    assert_eq!(answer!(world, plan_action, now), pb::plan_action::Response::default());
    world.end().await;
}

#[tokio::test]
async fn while_the_providers_configuration_is_unknown_everything_is_put_off() {
    let world = World::unknown().await;
    let state = || json!({"id": "id-a", "name": "a", "enabled": true, "revision": 1});
    let identity = || world.some_identity(&json!({"id": "id-a"}));
    let read = pb::read_resource::Request {
        client_capabilities: patient(),
        current_identity: identity(),
        ..world.to_read(state())
    };
    let expected = pb::read_resource::Response {
        new_state: world.wire(state()),
        private: br#"{"kept":1}"#.to_vec(),
        new_identity: identity(),
        deferred: deferred(PROVIDER),
        ..Default::default()
    };
    assert_eq!(answer!(world, read_resource, read), expected);

    let plan = pb::plan_resource_change::Request {
        client_capabilities: patient(),
        prior_identity: identity(),
        ..world.to_plan(state(), json!({"name": "a", "note": "new"}))
    };
    let planned = with(&with(&state(), "note", json!("new")), "revision", json!(UNKNOWN));
    let expected = pb::plan_resource_change::Response {
        planned_state: world.wire(planned),
        planned_identity: identity(),
        deferred: deferred(PROVIDER),
        ..Default::default()
    };
    assert_eq!(answer!(world, plan_resource_change, plan), expected);
    let destroy = pb::plan_resource_change::Request {
        client_capabilities: patient(),
        prior_identity: identity(),
        ..world.to_plan(state(), json!(null))
    };
    let expected = pb::plan_resource_change::Response { planned_state: world.wire(json!(null)), ..expected };
    assert_eq!(answer!(world, plan_resource_change, destroy), expected);

    let import = pb::import_resource_state::Request { client_capabilities: patient(), ..world.to_import("id-a") };
    let answer = answer!(world, import_resource_state, import);
    assert_eq!((answer.diagnostics, answer.deferred), (vec![], deferred(PROVIDER)));
    assert_eq!(answer.imported_resources[0].state, world.encoded(&unknown()));

    let data = world.to_read_data(json!({"name": "a"}));
    let data = pb::read_data_source::Request { client_capabilities: patient(), ..data };
    let state = Some(world.schemas.data_source(THING).encode(&unknown()));
    let expected = pb::read_data_source::Response { state, deferred: deferred(PROVIDER), ..Default::default() };
    assert_eq!(answer!(world, read_data_source, data), expected);

    let open = world.to_open(json!({"thing": "lock"}));
    let open = pb::open_ephemeral_resource::Request { client_capabilities: patient(), ..open };
    let result = Some(world.schemas.ephemeral_resource("thing_key").encode(&unknown()));
    let expected = pb::open_ephemeral_resource::Response { result, deferred: deferred(PROVIDER), ..Default::default() };
    assert_eq!(answer!(world, open_ephemeral_resource, open), expected);

    let action = world.to_plan_action(json!({"id": "id-a"}));
    let action = pb::plan_action::Request { client_capabilities: patient(), ..action };
    let expected = pb::plan_action::Response { diagnostics: vec![], deferred: deferred(PROVIDER) };
    assert_eq!(answer!(world, plan_action, action), expected);
    world.end().await;
}

#[tokio::test]
async fn what_cannot_be_put_off_says_that_the_configuration_is_unknown() {
    let world = World::unknown().await;
    let state = || json!({"id": "id-a", "name": "a"});
    let mut found = problems!(world;
        read_resource(world.to_read(state())),
        apply_resource_change(world.to_apply(json!(null), state(), state())),
        import_resource_state(world.to_import("id-a")),
        read_data_source(world.to_read_data(json!({"name": "a"}))),
        open_ephemeral_resource(world.to_open(json!({"thing": "lock"}))),
        renew_ephemeral_resource(world.to_renew("lock", "")),
        close_ephemeral_resource(world.to_close("lock", "")),
    );
    // Terraform says that it can put things off, but these have nowhere to say it.
    let invoke =
        pb::invoke_action::Request { client_capabilities: patient(), ..world.to_invoke(json!({"id": "id-a"})) };
    found.push(("invoke_action", ended(all(answer!(world, invoke_action, invoke)).await).1));
    let mut events = all(answer!(world, list_resource, world.to_list(json!({})))).await;
    found.push(("list_resource", events.remove(0).diagnostic));
    let detail = "The provider's configuration depends on values that are known only after apply. Set it to values \
                  that are known, or apply what they come from first, with -target.";
    all_say(found, &error("Provider is not configured", detail));

    // Plans do without.
    let plan = answer!(world, plan_resource_change, world.to_plan(json!(null), json!({"name": "a"})));
    assert_eq!((plan.diagnostics, plan.deferred), (vec![], None));
    assert_eq!(
        world.schemas.resource(THING).decode(plan.planned_state.as_ref()).unwrap().get("name"),
        Some(&Value::from("a"))
    );
    let plan = answer!(world, plan_resource_change, world.to_plan(state(), json!(null)));
    assert_eq!((plan.diagnostics, plan.deferred), (vec![], None));
    let plan = answer!(world, plan_action, world.to_plan_action(json!({"id": "id-a"})));
    assert_eq!(plan, pb::plan_action::Response::default());
    world.end().await;
}
