//! What becomes of plans.

use super::*;

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

#[tokio::test]
async fn a_plan_may_leave_the_identity_open_and_keeps_to_what_it_says() {
    let story = async |planned_identity| {
        let fake = Fake::default();
        fake.answer("ValidateResourceConfig", &validate::Response::default());
        fake.answer("PlanResourceChange", &plan::Response { planned_identity, ..planned() });
        fake.answer("ApplyResourceChange", &applied());
        let story = async |thing: &Lifecycle<'_>| {
            let plan = thing.plan(None, &config()).await.ok();
            thing.apply(&plan).await.ok().identity
        };
        caught(with(&fake, story)).await
    };
    let one = schemas().identity("x_thing").object(&json!({"id": "1"}));
    for open in [None, identity(&json!(UNKNOWN)), identity(&json!("1"))] {
        assert_eq!(story(open).await.unwrap(), one);
    }
    let text = story(identity(&json!("2"))).await.unwrap_err();
    assert!(
        text.starts_with("ApplyResourceChange (identity)") && text.ends_with("- `id` is not what was planned"),
        "{text}"
    );
}
