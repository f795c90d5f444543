//! What a plan says, for assertions on all of it.

use std::collections::{BTreeMap, BTreeSet};

use justiam_tests::terraform::Workspace;
use serde_json::Value as Json;

/// The planned changes: for each address of a resource what is done, and the names of the attributes that differ. Resources to which
/// nothing happens are left out.
pub(crate) async fn planned(workspace: &Workspace) -> BTreeMap<String, (String, BTreeSet<String>)> {
    workspace.run(&["plan", "-input=false", "-no-color", "-out=planned"]).await.ok();
    let shown = workspace.command(&["show", "-json", "planned"]).output().await.unwrap();
    let plan: Json = serde_json::from_slice(&shown.stdout).unwrap();
    let changes = plan["resource_changes"].as_array().into_iter().flatten();
    changes
        .filter_map(|change| {
            let actions: Vec<&str> = change["change"]["actions"].as_array()?.iter().filter_map(Json::as_str).collect();
            let action = actions.join(" and ");
            let names = different(&change["change"]);
            (action != "no-op").then(|| (change["address"].as_str().unwrap().to_owned(), (action, names)))
        })
        .collect()
}

/// Attributes whose value changes, or is known only after the apply.
fn different(change: &Json) -> BTreeSet<String> {
    let entries = |side: &str| change[side].as_object().cloned().unwrap_or_default();
    let (before, after, unknown) = (entries("before"), entries("after"), entries("after_unknown"));
    let open = |value: &Json| !matches!(value, Json::Bool(false)) && holds_true(value);
    let names = before.keys().chain(after.keys()).chain(unknown.keys());
    names
        .filter(|name| before.get(*name) != after.get(*name) || unknown.get(*name).is_some_and(open))
        .cloned()
        .collect()
}

fn holds_true(value: &Json) -> bool {
    match value {
        Json::Bool(value) => *value,
        Json::Array(items) => items.iter().any(holds_true),
        Json::Object(entries) => entries.values().any(holds_true),
        _ => false,
    }
}

/// Fails the test unless exactly these attributes of these resources change in place. A revision, which changes with everything, is not
/// looked at.
#[track_caller]
pub(crate) fn assert_updates(planned: &BTreeMap<String, (String, BTreeSet<String>)>, expected: &[(&str, &[&str])]) {
    let seen: BTreeMap<&str, (&str, Vec<&str>)> = planned
        .iter()
        .map(|(address, (action, names))| {
            let names = names.iter().map(String::as_str).filter(|name| *name != "revision").collect();
            (address.as_str(), (action.as_str(), names))
        })
        .collect();
    let expected =
        expected.iter().map(|(address, names)| (*address, ("update", names.to_vec()))).collect::<BTreeMap<_, _>>();
    assert_eq!(seen, expected);
}
