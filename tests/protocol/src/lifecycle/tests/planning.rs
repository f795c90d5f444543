//! Plans.

use super::*;

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
