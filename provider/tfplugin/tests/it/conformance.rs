//! The example leads the life of its objects by Terraform's rules, each of which `tfplugin-client` checks.

use serde_json::{Value as Json, json};
use tempfile::TempDir;
use tfplugin::{AttributePath, Refinement, Value};
use tfplugin_client::{Action, Session, UNKNOWN};

use crate::launch;

/// The example, with a directory for its things.
async fn start() -> (Session, TempDir) {
    let things = TempDir::new().unwrap();
    let session = launch().connect().await;
    let problems = session.configure(json!({"directory": things.path().to_str().unwrap()})).await;
    assert_eq!(problems, []);
    (session, things)
}

fn full() -> Json {
    json!({
        "name": "full", "size": 0.1, "note": "Hello", "any": {"text": "x", "list": [1, true]},
        "tags": ["b", "a"], "secrets": {"key": "value"}, "secret_wo": "hush", "secret_wo_version": 1,
        "steps": [{"program": "p"}, {"program": "q", "retries": 5}], "rule": [{"allow": "all"}],
    })
}

fn with(name: &str, value: Json) -> Json {
    let mut json = full();
    json[name] = value;
    json
}

#[tokio::test]
async fn an_object_is_created_changed_replaced_imported_and_destroyed() {
    let (session, things) = start().await;
    let thing = session.resource("thing_thing").await;
    let created = thing.settle(None, &thing.config(full())).await;
    assert_eq!(created.value.get("id"), Some(&"id-full".into()));

    // In place: the id is known beforehand, the revision is not.
    let config = thing.config(with("note", json!("Bye")));
    let plan = thing.plan(Some(&created), &config).await.ok();
    assert_eq!((plan.action, plan.planned.get("id")), (Action::Update, Some(&"id-full".into())));
    assert!(plan.planned.get("revision").unwrap().is_unknown());
    let changed = thing.settle(Some(&created), &config).await;
    assert_eq!(changed.value.get("revision"), Some(&2.into()));

    let config = thing.config(with("name", json!("other")));
    let plan = thing.plan(Some(&changed), &config).await.ok();
    assert_eq!((plan.action, &plan.replace[..]), (Action::Replace, &[AttributePath::of("name")][..]));
    let replaced = thing.settle(Some(&changed), &config).await;
    assert!(things.path().join("id-other").exists() && !things.path().join("id-full").exists());

    // Imported and read, it is what it was, but for what only Terraform knows.
    let imported = thing.import("id-other").await.ok();
    let read = thing.read(&imported).await.ok().unwrap();
    assert_eq!(read.value, replaced.value);
    thing.destroy(&read).await.ok();
    assert!(!things.path().join("id-other").exists());
    assert!(thing.read(&read).await.ok().is_none());
    assert!(session.shutdown().await.success());
}

#[tokio::test]
async fn what_is_known_later_only_makes_the_plan_more_exact() {
    let (session, _things) = start().await;
    let thing = session.resource("thing_thing").await;
    for name in ["name", "size", "enabled", "any", "note", "tags", "secrets", "steps", "rule"] {
        let early = thing.config(with(name, json!(UNKNOWN)));
        let plan = thing.plan(None, &early).await.ok();
        assert!(plan.planned.get(name).unwrap().is_unknown(), "{name}");
        let plan = thing.plan_again(&plan, &thing.config(full())).await.ok();
        thing.apply(&plan).await.ok();
    }
    // Within as well.
    let early = thing.config(with("steps", json!([{"program": UNKNOWN}, {"program": "q", "retries": UNKNOWN}])));
    let plan = thing.plan(None, &early).await.ok();
    let plan = thing.plan_again(&plan, &thing.config(full())).await.ok();
    thing.apply(&plan).await.ok();
}

#[tokio::test]
async fn what_is_known_of_an_unknown_value_is_planned() {
    let (session, _things) = start().await;
    let thing = session.resource("thing_thing").await;
    let Value::Object(mut entries) = thing.config(full()) else { panic!("an object") };
    let promise = Value::from(Refinement::new().not_null().prefix("fu"));
    entries.insert("name".into(), promise.clone());
    let plan = thing.plan(None, &Value::Object(entries)).await.ok();
    assert_eq!(plan.planned.get("name"), Some(&promise));
    let plan = thing.plan_again(&plan, &thing.config(full())).await.ok();
    thing.apply(&plan).await.ok();
}

#[tokio::test]
async fn what_is_taken_out_of_the_configuration_is_planned_away() {
    let (session, _things) = start().await;
    let thing = session.resource("thing_thing").await;
    let state = thing.settle(None, &thing.config(full())).await;
    for name in ["size", "any", "note", "tags", "secrets", "secret_wo", "steps", "rule"] {
        let without = thing.config(with(name, if name == "rule" { json!([]) } else { Json::Null }));
        thing.settle(Some(&state), &without).await;
        thing.settle(Some(&state), &thing.config(full())).await;
    }
}

#[tokio::test]
async fn a_default_in_a_set_comes_back() {
    let (session, _things) = start().await;
    let thing = session.resource("thing_thing").await;
    let marks = |weight: Json| thing.config(with("marks", json!([{"name": "a", "weight": weight}, {"name": "b"}])));
    let state = thing.settle(None, &marks(json!(5))).await;
    let changed = thing.settle(Some(&state), &marks(Json::Null)).await;
    let weight = |mark: &Value| mark.get("weight").cloned();
    let weights = changed.value.get("marks").unwrap().as_elements().unwrap().iter().map(weight);
    assert_eq!(weights.collect::<Vec<_>>(), [Some(1.into()), Some(1.into())]);
}

#[tokio::test]
async fn a_half_made_object_is_replaced() {
    let (session, _things) = start().await;
    let thing = session.resource("thing_thing").await;
    let plan = thing.plan(None, &thing.config(with("mood", json!("partial")))).await.ok();
    let half = thing.apply(&plan).await.result.unwrap();
    assert!(half.tainted);
    let plan = thing.plan(Some(&half), &thing.config(full())).await.ok();
    assert_eq!(plan.action, Action::Replace);
    assert!(!thing.apply(&plan).await.ok().tainted);

    let plan = thing.plan(None, &thing.config(with("mood", json!("broken")))).await.ok();
    let failed = thing.apply(&plan).await;
    assert!(failed.result.is_none());
    assert_eq!(failed.failed()[0].summary, "Broken");
}

#[tokio::test]
async fn an_old_state_has_todays_schema() {
    let (session, _things) = start().await;
    let thing = session.resource("thing_thing").await;
    let upgraded = thing.upgrade(0, &json!({"id": "id-old", "title": "old"})).await.ok();
    assert_eq!([upgraded.value.get("name"), upgraded.value.get("old")], [Some(&"old".into()), Some(&Value::Null)]);
    thing.upgrade(0, &json!({"id": true})).await.failed();
}

#[tokio::test]
async fn all_names_are_in_the_metadata() {
    let (session, _things) = start().await;
    let request = tfplugin_client::wire::tfplugin6::get_metadata::Request {};
    let metadata = session.provider().get_metadata(request).await.unwrap().into_inner();
    let schemas = session.schemas().await;
    macro_rules! same_names {
        ($($kind:ident . $name:ident),*) => {$(
            let mut names: Vec<&str> = metadata.$kind.iter().map(|item| &item.$name[..]).collect();
            names.sort_unstable();
            assert_eq!(names, schemas.$kind.keys().collect::<Vec<_>>(), stringify!($kind));
        )*};
    }
    same_names!(resources.type_name, data_sources.type_name, ephemeral_resources.type_name, list_resources.type_name);
    same_names!(actions.type_name, functions.name);
    assert!(!schemas.actions.is_empty() && !schemas.functions.is_empty() && !schemas.list_resources.is_empty());
    assert_eq!(metadata.server_capabilities, Some(schemas.capabilities));
}
