//! From one run to the next.

use super::*;

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
