//! Calls about an object that change nothing.

use super::*;

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
