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

/// The first plan of an object with a name to come, and the one that is made once the name is known.
async fn twice(
    prior: Option<&State>,
    first: plan::Response,
    second: plan::Response,
    change: impl FnOnce(&mut Plan),
) -> Result<Plan, String> {
    let fake = Fake::default();
    for answer in [first, second] {
        fake.answer("ValidateResourceConfig", &validate::Response::default());
        fake.answer("PlanResourceChange", &answer);
    }
    let story = async |thing: &Lifecycle<'_>| {
        let mut plan = thing.plan(prior, &schema().object(json!({"name": UNKNOWN}))).await.ok();
        change(&mut plan);
        thing.plan_again(&plan, &config()).await.ok()
    };
    caught(with(&fake, story)).await
}

#[tokio::test]
async fn the_final_plan_keeps_to_the_first() {
    let of = |json: Json| plan::Response { planned_state: on_the_wire(json), ..planned() };
    let first = || of(json!({"id": "soon", "name": UNKNOWN}));
    let good = twice(None, first(), of(json!({"id": "soon", "name": "n"})), |_| {}).await.unwrap();
    assert_eq!((good.action, good.planned.get("name")), (Action::Create, Some(&"n".into())));
    let text = twice(None, first(), of(json!({"id": "late", "name": "n"})), |_| {}).await.err().unwrap();
    assert!(text.starts_with("the final PlanResourceChange of x_thing"), "{text}");
    assert!(text.ends_with("- `id` is not what was planned"), "{text}");
    // What was promised of the name is not kept by what it turns out to be.
    let promised = |plan: &mut Plan| promise(plan, b"\xc7\x06\x0c\x82\x01\xc2\x02\xa1x");
    let text = twice(None, first(), of(json!({"id": "soon", "name": "n"})), promised).await.err().unwrap();
    assert!(text.ends_with("- `name` does not keep what the plan promised: it begins differently"), "{text}");
}

#[tokio::test]
async fn the_final_plan_does_what_the_first_said_or_nothing() {
    let first = || plan::Response { planned_state: on_the_wire(json!({"id": "1", "name": UNKNOWN})), ..planned() };
    let second = |replace: &[&str]| plan::Response {
        planned_state: on_the_wire(json!({"id": "1", "name": "n"})),
        requires_replace: replace.iter().map(|name| path(name)).collect(),
        ..planned()
    };
    let plan = twice(Some(&state()), first(), second(&[]), |_| {}).await.unwrap();
    assert_eq!(plan.action, Action::Nothing);
    let other = State { value: schema().object(json!({"id": "1", "name": "old"})), ..state() };
    let plan = twice(Some(&other), first(), second(&[]), |_| {}).await.unwrap();
    assert_eq!(plan.action, Action::Update);
    let action = |plan: &mut Plan| plan.action = Action::Replace;
    let text = twice(Some(&other), first(), second(&[]), action).await.err().unwrap();
    assert!(text.ends_with("- the object is to be changed in another way than the first plan said"), "{text}");
}
