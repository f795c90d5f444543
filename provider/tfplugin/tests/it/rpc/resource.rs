//! The life of a resource's object.

use serde_json::{Value as Json, json};
use tfplugin::AttributePath;
use tfplugin_client::wire::tfplugin6 as pb;
use tfplugin_client::{Action, UNKNOWN};

use super::problems::{error, error_at, path, warning_at, within};
use super::{World, full};

/// The same thing with one attribute of another value.
pub(super) fn with(thing: &Json, name: &str, value: Json) -> Json {
    let mut thing = thing.clone();
    thing[name] = value;
    thing
}

/// The full thing as it is after its creation.
pub(super) fn full_state() -> Json {
    let state = with(&full(), "secret_wo", json!(null));
    let steps = json!([{"program": "p", "retries": 3, "number": 1}, {"program": "q", "retries": 5, "number": 2}]);
    let state = with(&with(&state, "steps", steps), "enabled", json!(true));
    with(&with(&state, "id", json!("id-full")), "revision", json!(1))
}

fn meta(world: &World, purpose: &str) -> Option<pb::DynamicValue> {
    let schema = world.schemas.provider_meta.as_ref().unwrap();
    Some(schema.encode(&schema.object(json!({"purpose": purpose}))))
}

#[tokio::test]
async fn a_thing_is_created_changed_replaced_and_destroyed_by_the_rules() {
    let world = World::start().await;
    let life = world.life().await;
    let created = life.settle(None, &life.config(full())).await;
    assert_eq!(created.value, world.thing(full_state()));

    let config = life.config(with(&full(), "note", json!("Bye")));
    assert_eq!(life.plan(Some(&created), &config).await.ok().action, Action::Update);
    let changed = life.settle(Some(&created), &config).await;
    let expected = with(&with(&full_state(), "note", json!("Bye")), "revision", json!(2));
    assert_eq!(changed.value, world.thing(expected.clone()));

    let config = life.config(with(&full(), "name", json!("other")));
    let plan = life.plan(Some(&changed), &config).await.ok();
    assert_eq!((plan.action, plan.replace), (Action::Replace, vec![AttributePath::of("name")]));
    let replaced = life.settle(Some(&changed), &config).await;
    let expected = with(&with(&full_state(), "name", json!("other")), "id", json!("id-other"));
    assert_eq!(replaced.value, world.thing(expected));
    assert!(world.has("id-other") && !world.has("id-full"));

    life.destroy(&replaced).await.ok();
    assert!(!world.has("id-other"));
    assert!(life.read(&replaced).await.ok().is_none());
    world.end().await;
}

#[tokio::test]
async fn a_thing_whose_values_become_known_during_apply_is_what_was_planned() {
    let world = World::start().await;
    let life = world.life().await;
    let early = json!({
        "name": "a", "size": UNKNOWN, "note": UNKNOWN, "any": UNKNOWN, "tags": ["x", UNKNOWN],
        "secrets": {"key": UNKNOWN}, "steps": [{"program": UNKNOWN}],
    });
    let late = json!({
        "name": "a", "size": 1, "note": "n", "any": [1], "tags": ["x", "y"],
        "secrets": {"key": "value"}, "steps": [{"program": "p"}],
    });
    let plan = life.plan(None, &life.config(early)).await.ok();
    let plan = life.plan_again(&plan, &life.config(late.clone())).await.ok();
    let created = life.apply(&plan).await.ok();
    let state = with(&with(&late, "id", json!("id-a")), "revision", json!(1));
    let steps = json!([{"program": "p", "retries": 3, "number": 1}]);
    assert_eq!(created.value, world.thing(with(&with(&state, "steps", steps), "enabled", json!(true))));
    world.end().await;
}

#[tokio::test]
async fn a_plan_to_create_has_defaults_and_what_is_known_after_apply() {
    let world = World::start().await;
    let answer = answer!(world, plan_resource_change, world.to_plan(json!(null), full()));
    let planned = world.decoded(answer.planned_state.as_ref());
    let steps = json!([
        {"program": "p", "retries": 3, "number": UNKNOWN},
        {"program": "q", "retries": 5, "number": UNKNOWN},
    ]);
    let expected = with(&with(&full_state(), "revision", json!(UNKNOWN)), "steps", steps);
    let expected = world.thing(with(&expected, "id", json!("to be")));
    for (name, value) in expected.as_entries().unwrap() {
        if name == "id" {
            assert!(planned.get(name).unwrap().is_unknown(), "{name}");
        } else {
            assert_eq!(planned.get(name), Some(value), "{name}");
        }
    }
    let planned_state = answer.planned_state.clone();
    assert_eq!(answer, pb::plan_resource_change::Response { planned_state, ..Default::default() });
    world.end().await;
}

#[tokio::test]
async fn a_plan_to_change_names_what_replaces() {
    let world = World::start().await;
    let config = with(&full(), "name", json!("other"));
    let answer = answer!(world, plan_resource_change, world.to_plan(full_state(), config.clone()));
    assert_eq!(answer.requires_replace, [path("name")]);
    let planned = world.decoded(answer.planned_state.as_ref());
    let expected = with(&with(&full_state(), "name", json!("other")), "revision", json!(UNKNOWN));
    assert_eq!(planned, world.thing(expected));

    // Growing is possible in place, shrinking is not.
    let grown = answer!(world, plan_resource_change, world.to_plan(full_state(), with(&full(), "size", json!(0.2))));
    let shrunk = answer!(world, plan_resource_change, world.to_plan(full_state(), with(&full(), "size", json!(0.05))));
    assert_eq!((grown.requires_replace, shrunk.requires_replace), (vec![], vec![path("size")]));
    world.end().await;
}

#[tokio::test]
async fn a_plan_without_a_change_is_the_prior_state() {
    let world = World::start().await;
    let request = pb::plan_resource_change::Request {
        prior_private: br#"{"kept":1}"#.to_vec(),
        prior_identity: world.identity("id-full"),
        ..world.to_plan(full_state(), full())
    };
    let expected = pb::plan_resource_change::Response {
        planned_state: world.wire(full_state()),
        planned_private: br#"{"kept":1}"#.to_vec(),
        planned_identity: world.identity("id-full"),
        ..Default::default()
    };
    assert_eq!(answer!(world, plan_resource_change, request), expected);
    world.end().await;
}

#[tokio::test]
async fn a_plan_to_destroy_may_warn() {
    let world = World::start().await;
    let state = with(&full_state(), "mood", json!("precious"));
    let request = pb::plan_resource_change::Request {
        prior_private: br#"{"kept":1}"#.to_vec(),
        prior_identity: world.identity("id-full"),
        ..world.to_plan(state, json!(null))
    };
    let expected = pb::plan_resource_change::Response {
        planned_state: world.wire(json!(null)),
        planned_private: br#"{"kept":1}"#.to_vec(),
        planned_identity: world.identity("id-full"),
        diagnostics: vec![warning_at("mood", "Precious", "This thing will be missed.")],
        ..Default::default()
    };
    assert_eq!(answer!(world, plan_resource_change, request), expected);
    world.end().await;
}

#[tokio::test]
async fn private_state_goes_from_plan_to_apply_and_to_read() {
    let world = World::start().await;
    // What the first plan has left reaches the second one, where Terraform gives it back; otherwise the state's does.
    let plan = |planned: &[u8]| pb::plan_resource_change::Request {
        prior_private: br#"{"of":"state"}"#.to_vec(),
        planned_private: planned.to_vec(),
        ..world.to_plan(full_state(), with(&full(), "note", json!("Bye")))
    };
    let answer = answer!(world, plan_resource_change, plan(b""));
    assert_eq!(answer.planned_private, br#"{"of":"state"}"#);
    let answer = answer!(world, plan_resource_change, plan(br#"{"of":"plan"}"#));
    assert_eq!(answer.planned_private, br#"{"of":"plan"}"#);

    let planned = with(&with(&full_state(), "id", json!(UNKNOWN)), "revision", json!(UNKNOWN));
    let request = pb::apply_resource_change::Request {
        provider_meta: meta(&world, "testing"),
        ..world.to_apply(json!(null), planned, full())
    };
    let answer = answer!(world, apply_resource_change, request);
    let private = br#"{"kept":1,"purpose":"testing","secret_length":4}"#.to_vec();
    let expected = pb::apply_resource_change::Response {
        new_state: world.wire(full_state()),
        private: private.clone(),
        new_identity: world.identity("id-full"),
        ..Default::default()
    };
    assert_eq!(world.decoded(answer.new_state.as_ref()), world.thing(full_state()));
    assert_eq!(answer, expected);

    let request = pb::read_resource::Request { private: private.clone(), ..world.to_read(full_state()) };
    let expected = pb::read_resource::Response {
        new_state: world.wire(full_state()),
        private,
        new_identity: world.identity("id-full"),
        ..Default::default()
    };
    assert_eq!(answer!(world, read_resource, request), expected);
    world.end().await;
}

#[tokio::test]
async fn a_thing_that_is_gone_has_no_state() {
    let world = World::start().await;
    let gone = world.wire(json!(null));
    let answer = answer!(world, read_resource, world.to_read(full_state()));
    let private = br#"{"kept":1}"#.to_vec();
    assert_eq!(answer, pb::read_resource::Response { new_state: gone.clone(), private, ..Default::default() });
    // That it is gone already is no obstacle to its end.
    let answer = answer!(world, apply_resource_change, world.to_apply(full_state(), json!(null), json!(null)));
    assert_eq!(answer, pb::apply_resource_change::Response { new_state: gone, ..Default::default() });
    world.end().await;
}

#[tokio::test]
async fn what_failed_to_be_created_leaves_nothing_or_what_exists() {
    let world = World::start().await;
    let config = |mood: &str| json!({"name": "a", "enabled": true, "mood": mood});
    let create = |mood: &str| {
        let planned = with(&with(&config(mood), "id", json!(UNKNOWN)), "revision", json!(UNKNOWN));
        let request = world.to_apply(json!(null), planned, config(mood));
        let provider = world.session.provider();
        async move { { provider }.apply_resource_change(request).await.unwrap().into_inner() }
    };
    let answer = create("broken").await;
    let expected = pb::apply_resource_change::Response {
        new_state: world.wire(json!(null)),
        private: br#"{"kept":1}"#.to_vec(),
        diagnostics: vec![error_at("mood", "Broken", "This thing cannot be created.")],
        ..Default::default()
    };
    assert_eq!(answer, expected);
    assert!(!world.has("id-a"));

    let state = |mood: &str| with(&with(&config(mood), "id", json!("id-a")), "revision", json!(1));
    let answer = create("partial").await;
    let expected = pb::apply_resource_change::Response {
        new_state: world.wire(state("partial")),
        private: br#"{"kept":1}"#.to_vec(),
        diagnostics: vec![error("Half done", "The thing exists, but is not ready.")],
        new_identity: world.identity("id-a"),
        ..Default::default()
    };
    assert_eq!(answer, expected);

    let answer = create("wrong").await;
    let detail = "In the provider's answer, name is not what was planned. This is a mistake in the provider: a computed \
                  attribute that changes with updates must be marked so, and a configured one must come back as it is.";
    assert_eq!(answer.diagnostics, [error_at("name", "Provider returned an inconsistent result", detail)]);
    let returned = with(&state("wrong"), "name", json!("another"));
    assert_eq!(world.decoded(answer.new_state.as_ref()), world.thing(returned));
    assert_eq!(answer.new_identity, world.identity("id-a"));
    world.end().await;
}

#[tokio::test]
async fn what_failed_to_change_or_to_go_is_what_it_was() {
    let world = World::start().await;
    world.created(json!({"name": "a"})).await;
    let prior = json!({"id": "id-a", "name": "a", "enabled": true, "revision": 1});
    let config = json!({"name": "a", "mood": "broken"});
    let planned = with(&with(&prior, "mood", json!("broken")), "revision", json!(UNKNOWN));
    let request = pb::apply_resource_change::Request {
        planned_identity: world.identity("id-a"),
        ..world.to_apply(prior.clone(), planned, config)
    };
    let expected = pb::apply_resource_change::Response {
        new_state: world.wire(prior.clone()),
        private: br#"{"kept":1}"#.to_vec(),
        diagnostics: vec![error_at("mood", "Broken", "This thing cannot be changed.")],
        new_identity: world.identity("id-a"),
        ..Default::default()
    };
    assert_eq!(answer!(world, apply_resource_change, request), expected);

    let prior = with(&prior, "mood", json!("stubborn"));
    let request = pb::apply_resource_change::Request {
        planned_identity: world.identity("id-a"),
        ..world.to_apply(prior.clone(), json!(null), json!(null))
    };
    let expected = pb::apply_resource_change::Response {
        new_state: world.wire(prior),
        diagnostics: vec![error("Stubborn", "This thing does not go.")],
        ..expected
    };
    assert_eq!(answer!(world, apply_resource_change, request), expected);
    assert!(world.has("id-a"));
    world.end().await;
}

#[tokio::test]
async fn a_configuration_is_validated() {
    let world = World::start().await;
    assert_eq!(answer!(world, validate_resource_config, world.to_validate(full())).diagnostics, []);
    let config = json!({"name": "forbidden", "old": "x", "steps": [{"program": "p", "retries": 10}]});
    let problems = answer!(world, validate_resource_config, world.to_validate(config)).diagnostics;
    let detail = "steps[0].retries: The value must be a whole number from 0 to 9.";
    let expected = [
        within(error_at("steps", "Number out of range", detail), 0, "retries"),
        warning_at("old", "Attribute `old` is deprecated", "Use `note` instead."),
        error_at("name", "Forbidden name", "Nothing may have this name."),
    ];
    assert_eq!(problems, expected);
    // What Terraform is too old to keep secret is refused.
    let request = pb::validate_resource_config::Request { client_capabilities: None, ..world.to_validate(full()) };
    let problems = answer!(world, validate_resource_config, request).diagnostics;
    assert_eq!(problems.len(), 1);
    assert_eq!(
        (&problems[0].attribute, &*problems[0].summary),
        (&Some(path("secret_wo")), "Write-only attribute not supported")
    );
    world.end().await;
}

#[tokio::test]
async fn an_object_whose_state_does_not_fit_is_kept_with_what_does() {
    let world = World::start().await;
    let planned = json!({"id": UNKNOWN, "name": "a", "enabled": true, "revision": UNKNOWN, "mood": "deep"});
    let request = world.to_apply(json!(null), planned, json!({"name": "a", "mood": "deep"}));
    let applied = answer!(world, apply_resource_change, request);
    let summaries: Vec<&str> = applied.diagnostics.iter().map(|problem| problem.summary.as_str()).collect();
    assert_eq!(summaries, ["The provider returned a malformed value"]);
    let expected = json!({"id": "id-a", "name": "a", "enabled": true, "revision": 1, "mood": "deep"});
    assert_eq!(applied.new_state, world.wire(expected));
    assert_eq!(applied.new_identity, world.identity("id-a"));
    world.end().await;
}

#[tokio::test]
async fn a_replacement_for_a_reason_that_does_not_exist_is_an_error_that_names_it() {
    let world = World::start().await;
    let prior = json!({"id": "id-a", "name": "a", "enabled": true, "revision": 1});
    let plan = answer!(world, plan_resource_change, world.to_plan(prior, json!({"name": "a", "mood": "lost"})));
    let detail =
        "The plan replaces the object because of nowhere, which does not exist. This is a mistake in the provider.";
    assert_eq!((plan.diagnostics, plan.requires_replace), (vec![error("Invalid plan", detail)], vec![]));
    world.end().await;
}
