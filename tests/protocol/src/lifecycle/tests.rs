//! The whole way, with answers made by hand.
#![expect(clippy::unnecessary_wraps, reason = "values are optional in the messages that they are made for")]

mod fake;

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

// ----- plan -----

async fn plan_fails(prior: Option<&State>, answer: plan::Response) -> String {
    failure("PlanResourceChange", answer, async |thing| thing.plan(prior, &config()).await).await
}

#[tokio::test]
async fn a_plan_that_breaks_a_rule_is_reported() {
    let of = |json: Json| plan::Response { planned_state: on_the_wire(json), ..planned() };
    for (answer, expected) in [
        (of(json!({"name": "m"})), "`name` is planned as neither what is configured nor what it was before"),
        (of(json!({"name": "n", "secret": "hush"})), "`secret` is write-only, and was returned nevertheless"),
        (
            plan::Response { planned_state: null(), ..planned() },
            "the object is planned as null, though it is configured",
        ),
        (plan::Response { planned_state: None, ..planned() }, "the object is planned as null"),
        (
            plan::Response { planned_state: Some(raw_value(b"\x81\xa2id\xc0")), ..planned() },
            "`name` does not fit the schema: is missing",
        ),
        (
            plan::Response { planned_state: Some(raw_value(b"\x81\xa2id\x01")), ..planned() },
            "`id` does not fit the schema: expected a string",
        ),
        (
            plan::Response { requires_replace: vec![path("nome")], ..planned() },
            "`nome` is said to require replacement, and is no attribute",
        ),
        (plan::Response { legacy_type_system: true, ..planned() }, "the object carries the mark of the old SDK"),
        (plan::Response { deferred: Some(pb::Deferred::default()), ..planned() }, "the object is left for later"),
    ] {
        let text = plan_fails(None, answer).await;
        assert!(text.starts_with("PlanResourceChange of x_thing breaks the rules of Terraform:\n- "), "{text}");
        assert!(text.contains(expected) && !text.contains("hush"), "{expected}: {text}");
    }
}

fn raw_value(msgpack: &[u8]) -> DynamicValue {
    DynamicValue { msgpack: msgpack.to_vec(), json: Vec::new() }
}

#[tokio::test]
async fn a_create_asks_as_terraform_does() {
    let fake = Fake::default();
    fake.answer("ValidateResourceConfig", &validate::Response::default());
    fake.answer("PlanResourceChange", &planned());
    fake.answer("ApplyResourceChange", &applied());
    let state = with(&fake, async |thing| {
        let plan = thing.plan(None, &config()).await.ok();
        assert_eq!(plan.action, Action::Create);
        thing.apply(&plan).await.ok()
    })
    .await;
    assert_eq!(state.identity.get("id"), Some(&"1".into()));
    assert_eq!((&state.value, &state.private[..], state.tainted), (&self::state().value, &b"kept"[..], false));
    let [asked] = &fake.asked::<plan::Request>("PlanResourceChange")[..] else { panic!("one call") };
    assert_eq!((&asked.prior_state, &asked.config), (&null(), &on_the_wire(json!({"name": "n", "secret": "hush"}))));
    assert_eq!(asked.proposed_new_state, asked.config);
    assert!(asked.client_capabilities.unwrap().write_only_attributes_allowed);
    let [asked] = &fake.asked::<apply::Request>("ApplyResourceChange")[..] else { panic!("one call") };
    assert_eq!((&asked.prior_state, &asked.planned_state), (&null(), &planned().planned_state));
    assert_eq!((&asked.planned_private[..], &asked.planned_identity), (&b"planned"[..], &identity(&json!(UNKNOWN))));
    assert_eq!(asked.config, on_the_wire(json!({"name": "n", "secret": "hush"})));
}

#[tokio::test]
async fn what_does_not_change_is_not_applied() {
    let fake = Fake::default();
    fake.answer("ValidateResourceConfig", &validate::Response::default());
    fake.answer("PlanResourceChange", &plan::Response { planned_state: found().new_state, ..planned() });
    with(&fake, async |thing| {
        let plan = thing.plan(Some(&state()), &config()).await.ok();
        assert_eq!(plan.action, Action::Nothing);
        assert!(thing.apply(&plan).await.ok() == state());
    })
    .await;
    assert_eq!(fake.asked::<apply::Request>("ApplyResourceChange").len(), 0);
}

#[tokio::test]
async fn a_replacement_is_planned_twice_and_destroys_first() {
    let fake = Fake::default();
    let config = schema().object(json!({"name": "other"}));
    let replace = vec![path("id"), path("name")];
    let first = json!({"id": "1", "name": "other"});
    let anew = json!({"id": UNKNOWN, "name": "other"});
    fake.answer("ValidateResourceConfig", &validate::Response::default());
    let answer = plan::Response { planned_state: on_the_wire(first), requires_replace: replace, ..planned() };
    fake.answer("PlanResourceChange", &answer);
    fake.answer("PlanResourceChange", &plan::Response { planned_state: on_the_wire(anew), ..planned() });
    fake.answer("ApplyResourceChange", &apply::Response { new_state: null(), ..Default::default() });
    let made = on_the_wire(json!({"id": "2", "name": "other"}));
    fake.answer("ApplyResourceChange", &apply::Response { new_state: made, ..applied() });
    with(&fake, async |thing| {
        let plan = thing.plan(Some(&state()), &config).await.ok();
        assert_eq!(plan.action, Action::Replace);
        // The id does not change in the first plan, so it is no reason.
        assert_eq!(plan.replace, ["name".into()]);
        assert_eq!(thing.apply(&plan).await.ok().value.get("id"), Some(&"2".into()));
    })
    .await;
    let [first, second] = &fake.asked::<plan::Request>("PlanResourceChange")[..] else { panic!("two calls") };
    assert_eq!((&first.prior_state, &first.prior_private[..]), (&found().new_state, &b"kept"[..]));
    assert_eq!(first.proposed_new_state, on_the_wire(json!({"id": "1", "name": "other"})));
    assert_eq!((&second.prior_state, &second.prior_private[..]), (&null(), &b"planned"[..]));
    let [destroy, create] = &fake.asked::<apply::Request>("ApplyResourceChange")[..] else { panic!("two calls") };
    assert_eq!((&destroy.prior_state, &destroy.planned_state, &destroy.config), (&found().new_state, &null(), &null()));
    assert_eq!(&create.prior_state, &null());
}

#[tokio::test]
async fn errors_of_a_plan_end_it() {
    let fake = Fake::default();
    fake.answer("ValidateResourceConfig", &validate::Response { diagnostics: error() });
    fake.answer("ValidateResourceConfig", &validate::Response::default());
    fake.answer("PlanResourceChange", &plan::Response { diagnostics: error(), ..planned() });
    with(&fake, async |thing| {
        assert_eq!(thing.plan(None, &config()).await.failed(), error());
        assert_eq!(fake.asked::<plan::Request>("PlanResourceChange").len(), 0);
        let failed = thing.plan(None, &config()).await;
        assert!(failed.result.is_none());
        assert_eq!(failed.failed(), error());
    })
    .await;
}

#[tokio::test]
async fn the_final_plan_keeps_to_the_first() {
    let story = async |second: Json, config: Value| {
        let fake = Fake::default();
        let later = schema().object(json!({"name": UNKNOWN}));
        for planned_state in [json!({"id": "soon", "name": UNKNOWN}), second] {
            fake.answer("ValidateResourceConfig", &validate::Response::default());
            let planned_state = on_the_wire(planned_state);
            fake.answer("PlanResourceChange", &plan::Response { planned_state, ..planned() });
        }
        let both = with(&fake, async |thing| {
            let plan = thing.plan(None, &later).await.ok();
            thing.plan_again(&plan, &config).await.ok().planned
        });
        caught(both).await
    };
    let good = story(json!({"id": "soon", "name": "n"}), config()).await;
    assert_eq!(good.unwrap().get("name"), Some(&"n".into()));
    let text = story(json!({"id": "late", "name": "n"}), config()).await.unwrap_err();
    assert!(text.contains("the final PlanResourceChange of x_thing"), "{text}");
    assert!(text.ends_with("- `id` is not what was planned"), "{text}");
}

// ----- apply -----

async fn apply_fails(answer: apply::Response) -> String {
    let mut plan = None;
    let fake = Fake::default();
    fake.answer("ValidateResourceConfig", &validate::Response::default());
    let planned_state = Some(schema().encode(&schema().object(json!({"id": UNKNOWN, "name": "n"}))));
    fake.answer("PlanResourceChange", &plan::Response { planned_state, ..planned() });
    with(&fake, async |thing| plan = Some(thing.plan(None, &config()).await.ok())).await;
    let mut plan = plan.unwrap();
    // Refined: the id begins with `1` or with nothing that is null.
    let start = plan.wire.msgpack.windows(3).position(|bytes| bytes == b"\xd4\0\0").unwrap();
    plan.wire.msgpack.splice(start..start + 3, *b"\xc7\x06\x0c\x82\x01\xc2\x02\xa11");
    failure("ApplyResourceChange", answer, async |thing| thing.apply(&plan).await).await
}

#[tokio::test]
async fn a_result_that_breaks_a_rule_is_reported() {
    let of = |json: Json| apply::Response { new_state: on_the_wire(json), ..applied() };
    for (answer, expected) in [
        (of(json!({"id": "1", "name": "m"})), "- `name` is not what was planned"),
        (of(json!({"id": UNKNOWN, "name": "n"})), "- `id` is unknown, where everything is known"),
        (of(json!({"name": "n"})), "- `id` does not keep what the plan promised: it is null"),
        (of(json!({"id": "2", "name": "n"})), "- `id` does not keep what the plan promised: it begins differently"),
        (of(json!({"id": "1", "name": "n", "secret": "hush"})), "- `secret` is write-only"),
        (apply::Response { new_state: null(), ..applied() }, "- the object is gone, though it was to be created"),
        (apply::Response { new_state: Some(raw_value(b"\xa1x")), ..applied() }, "- the object does not fit the schema"),
        (apply::Response { legacy_type_system: true, ..applied() }, "- the object carries the mark of the old SDK"),
        (apply::Response { new_identity: identity(&json!(UNKNOWN)), ..applied() }, "- `id` is unknown"),
    ] {
        let text = apply_fails(answer).await;
        assert!(text.starts_with("ApplyResourceChange"), "{text}");
        assert!(text.contains(expected) && !text.contains("hush"), "{expected}: {text}");
    }
}

#[tokio::test]
async fn after_an_error_what_is_left_is_kept() {
    let fake = Fake::default();
    let create = |new_state| apply::Response { new_state, diagnostics: error(), ..applied() };
    fake.answer("ValidateResourceConfig", &validate::Response::default());
    fake.answer("ValidateResourceConfig", &validate::Response::default());
    fake.answer("PlanResourceChange", &planned());
    fake.answer("ApplyResourceChange", &create(null()));
    // Half made: it differs from the plan by its nature.
    fake.answer("ApplyResourceChange", &create(on_the_wire(json!({"id": "1"}))));
    let changed = on_the_wire(json!({"id": "1", "name": "other"}));
    fake.answer("PlanResourceChange", &plan::Response { planned_state: changed, ..planned() });
    fake.answer("ApplyResourceChange", &create(null()));
    fake.answer("ApplyResourceChange", &create(null()));
    with(&fake, async |thing| {
        let plan = thing.plan(None, &config()).await.ok();
        let nothing = thing.apply(&plan).await;
        assert!(nothing.result.is_none() && nothing.problems == error());
        let half = thing.apply(&plan).await.result.unwrap();
        assert!(half.tainted && half.value.get("name") == Some(&Value::Null));
        let plan = thing.plan(Some(&state()), &schema().object(json!({"name": "other"}))).await.ok();
        assert_eq!(plan.action, Action::Update);
        assert!(thing.apply(&plan).await.result.unwrap() == state());
        thing.destroy(&state()).await.failed();
    })
    .await;
}

#[tokio::test]
async fn a_tainted_object_is_replaced() {
    let fake = Fake::default();
    fake.answer("ValidateResourceConfig", &validate::Response::default());
    fake.answer("PlanResourceChange", &planned());
    let tainted = State { tainted: true, ..state() };
    let action = with(&fake, async |thing| thing.plan(Some(&tainted), &config()).await.ok().action).await;
    assert_eq!(action, Action::Replace);
    let asked = fake.asked::<plan::Request>("PlanResourceChange");
    assert_eq!((asked.len(), &asked[0].prior_state, asked[0].prior_private.len()), (1, &null(), 0));
}

#[tokio::test]
async fn what_is_destroyed_is_gone() {
    let text = failure("ApplyResourceChange", applied(), async |thing| thing.destroy(&state()).await).await;
    assert!(text.ends_with("- the object is there, though it was to be destroyed"), "{text}");
}

#[tokio::test]
async fn a_provider_that_wants_to_plans_a_destroy() {
    let fake = Fake::default();
    let keeps = plan::Response { planned_state: found().new_state, ..Default::default() };
    let gone = plan::Response { planned_state: null(), planned_private: b"planned".to_vec(), ..Default::default() };
    fake.answer("PlanResourceChange", &gone);
    fake.answer("ApplyResourceChange", &apply::Response { new_state: null(), ..Default::default() });
    let mut schemas = schemas();
    schemas.capabilities.plan_destroy = true;
    let destroy = async || {
        let thing = Lifecycle::new(fake.client().await, "x_thing", schemas.resource("x_thing"), &schemas);
        thing.destroy(&state()).await.ok();
    };
    destroy().await;
    let asked = fake.asked::<apply::Request>("ApplyResourceChange");
    assert_eq!(asked[0].planned_private, b"planned");

    fake.answer("PlanResourceChange", &keeps);
    let text = caught(destroy()).await.unwrap_err();
    assert!(text.ends_with("- the object is planned, though it is not configured"), "{text}");
}

// ----- the other calls -----

#[tokio::test]
async fn a_read_that_breaks_a_rule_is_reported() {
    let of = |json: Json| read::Response { new_state: on_the_wire(json), ..found() };
    for (answer, expected) in [
        (of(json!({"id": UNKNOWN, "name": "n"})), "- `id` is unknown"),
        (of(json!({"id": "1", "name": "n", "secret": "hush"})), "- `secret` is write-only"),
        (read::Response { new_state: Some(raw_value(b"\xc1")), ..found() }, "- the object does not fit the schema"),
        (read::Response { deferred: Some(pb::Deferred::default()), ..found() }, "- the object is left for later"),
        (read::Response { new_identity: identity(&json!(UNKNOWN)), ..found() }, "(identity) of x_thing breaks"),
    ] {
        let text = failure("ReadResource", answer, async |thing| thing.read(&state()).await).await;
        assert!(text.starts_with("ReadResource") && text.contains(expected) && !text.contains("hush"), "{text}");
    }
}

#[tokio::test]
async fn a_refresh_goes_through_the_state_file() {
    let fake = Fake::default();
    let upgraded_state = found().new_state;
    fake.answer("UpgradeResourceState", &upgrade::Response { upgraded_state, ..Default::default() });
    fake.answer("ReadResource", &read::Response { private: b"new".to_vec(), ..found() });
    fake.answer("UpgradeResourceState", &upgrade::Response { diagnostics: error(), ..Default::default() });
    let upgraded_state = found().new_state;
    fake.answer("UpgradeResourceState", &upgrade::Response { upgraded_state, ..Default::default() });
    fake.answer("ReadResource", &read::Response { new_state: null(), ..found() });
    with(&fake, async |thing| {
        let read = thing.refresh(&state()).await.ok().unwrap();
        assert_eq!((&read.value, &read.private[..]), (&state().value, &b"new"[..]));
        thing.refresh(&state()).await.failed();
        assert!(thing.refresh(&state()).await.ok().is_none());
    })
    .await;
    let asked = &fake.asked::<upgrade::Request>("UpgradeResourceState")[0];
    assert_eq!(asked.version, 1);
    let json: Json = serde_json::from_slice(&asked.raw_state.as_ref().unwrap().json).unwrap();
    assert_eq!(json, json!({"id": "1", "name": "n", "secret": null}));
    assert_eq!(fake.asked::<read::Request>("ReadResource")[0].private, b"kept");
}

#[tokio::test]
async fn an_upgrade_that_breaks_a_rule_is_reported() {
    for (upgraded_state, expected) in [
        (null(), "- the object was lost on the way to today's schema"),
        (on_the_wire(json!({"id": UNKNOWN})), "- `id` is unknown"),
        (Some(raw_value(b"\x80")), "`id` does not fit the schema: is missing"),
    ] {
        let answer = upgrade::Response { upgraded_state, ..Default::default() };
        let story = async |thing: &Lifecycle<'_>| thing.upgrade(0, &json!({"title": "n"})).await;
        let text = failure("UpgradeResourceState", answer, story).await;
        assert!(text.starts_with("UpgradeResourceState of x_thing") && text.contains(expected), "{text}");
    }
}

#[tokio::test]
async fn an_import_that_breaks_a_rule_is_reported() {
    let of = |json: Json| imports(vec![import::ImportedResource { state: on_the_wire(json), ..imported() }]);
    for (answer, expected) in [
        (imports(Vec::new()), "- the object was imported as 0 objects in place of one"),
        (imports(vec![imported(), imported()]), "as 2 objects"),
        (
            imports(vec![import::ImportedResource { type_name: "x_other".into(), ..imported() }]),
            "- the object was imported as an object of another type",
        ),
        (imports(vec![import::ImportedResource { state: null(), ..imported() }]), "- the object was imported as null"),
        (of(json!({"id": UNKNOWN})), "- `id` is unknown"),
        (of(json!({"id": "1", "secret": "hush"})), "- `secret` is write-only"),
        (import::Response { deferred: Some(pb::Deferred::default()), ..imports(vec![imported()]) }, "left for later"),
        (
            imports(vec![import::ImportedResource { identity: identity(&json!(UNKNOWN)), ..imported() }]),
            "ImportResourceState (identity) of x_thing",
        ),
    ] {
        let text = failure("ImportResourceState", answer, async |thing| thing.import("1").await).await;
        assert!(text.starts_with("ImportResourceState") && text.contains(expected), "{expected}: {text}");
        assert!(!text.contains("hush"), "{text}");
    }
}

#[tokio::test]
async fn an_import_asks_by_id_or_by_identity() {
    let fake = Fake::default();
    fake.answer("ImportResourceState", &imports(vec![imported()]));
    fake.answer("ImportResourceState", &imports(vec![imported()]));
    with(&fake, async |thing| {
        assert_eq!(thing.import("one").await.ok().value.get("id"), Some(&"1".into()));
        thing.import_by_identity(&json!({"id": "one"})).await.ok();
    })
    .await;
    let [by_id, by_identity] = &fake.asked::<import::Request>("ImportResourceState")[..] else { panic!("two calls") };
    assert_eq!((&by_id.id[..], &by_id.identity), ("one", &None));
    assert_eq!((&by_identity.id[..], &by_identity.identity), ("", &identity(&json!("one"))));
}

#[tokio::test]
async fn a_move_is_checked_like_an_upgrade() {
    let source = Source { type_name: "y".into(), version: 4, state: json!({"a": 1}), ..Source::default() };
    for (target_state, expected) in [
        (null(), "- the object was lost on the way"),
        (on_the_wire(json!({"id": UNKNOWN})), "- `id` is unknown"),
        (on_the_wire(json!({"secret": "hush"})), "- `secret` is write-only"),
    ] {
        let answer = moved::Response { target_state, ..Default::default() };
        let text = failure("MoveResourceState", answer, async |thing| thing.move_from(&source).await).await;
        assert!(text.starts_with("MoveResourceState of x_thing") && text.contains(expected), "{text}");
    }
    let fake = Fake::default();
    let target_private = b"new".to_vec();
    fake.answer(
        "MoveResourceState",
        &moved::Response { target_state: found().new_state, target_private, ..Default::default() },
    );
    let moved = with(&fake, async |thing| thing.move_from(&source).await.ok()).await;
    assert!(moved == State { private: b"new".to_vec(), ..state() });
    let asked = &fake.asked::<moved::Request>("MoveResourceState")[0];
    assert_eq!((&asked.source_type_name[..], asked.source_schema_version), ("y", 4));
    assert_eq!(asked.source_state.as_ref().unwrap().json, b"{\"a\":1}");
}

// ----- from one run to the next -----

/// The answers to everything but the last plan of an object that is made and read.
fn until_settled(fake: &Fake) {
    for _ in 0..3 {
        fake.answer("ValidateResourceConfig", &validate::Response::default());
    }
    fake.answer("PlanResourceChange", &planned());
    fake.answer("PlanResourceChange", &planned());
    fake.answer("ApplyResourceChange", &applied());
    let upgraded_state = found().new_state;
    fake.answer("UpgradeResourceState", &upgrade::Response { upgraded_state, ..Default::default() });
}

#[tokio::test]
async fn after_apply_there_is_nothing_to_do() {
    let fake = Fake::default();
    until_settled(&fake);
    fake.answer("ReadResource", &found());
    fake.answer("PlanResourceChange", &plan::Response { planned_state: found().new_state, ..planned() });
    let state = with(&fake, async |thing| thing.settle(None, &config()).await).await;
    assert_eq!(state.value, self::state().value);

    for (read, planned_state, expected) in [
        // What is read differs from what is configured; or the provider computes something anew each time.
        (json!({"id": "1", "name": "N"}), json!({"id": "1", "name": "n"}), "`name` differs from the plan"),
        (json!({"id": "1", "name": "n"}), json!({"id": UNKNOWN, "name": "n"}), "`id` differs from the plan"),
    ] {
        let fake = Fake::default();
        until_settled(&fake);
        fake.answer("ReadResource", &read::Response { new_state: on_the_wire(read), ..found() });
        let planned_state = on_the_wire(planned_state);
        fake.answer("PlanResourceChange", &plan::Response { planned_state, ..planned() });
        let settle = with(&fake, async |thing| thing.settle(None, &config()).await);
        let text = caught(settle).await.err().unwrap();
        assert!(text.starts_with("the plan after apply of x_thing") && text.contains(expected), "{text}");
    }
}

#[tokio::test]
#[should_panic(expected = "ReadResource failed: ")]
async fn a_call_that_is_not_implemented_fails() {
    let _ = with(&Fake::default(), async |thing| thing.read(&state()).await).await;
}
