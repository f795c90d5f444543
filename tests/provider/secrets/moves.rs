//! From one attribute to the other, and from a task that Terraform did not know.

use justiam_sdk::api::tasks::NewTask;
use serde_json::{Value, json};

use super::{ADDRESS, BOTH, Case, SCRIPT, map, task};

const ONE: [(&str, &str); 2] = [("A", "one"), ("B", "two")];
const OTHER: [(&str, &str); 2] = [("A", "one"), ("B", "other")];

#[tokio::test]
async fn u19_moving_between_the_attributes_is_in_place_and_sends_only_what_differs() {
    let case = Case::applied(&map("secrets", &ONE)).await;
    let id = case.id().await;
    let mut revisions = case.keys().await.revisions;
    let versioned = |values: &[(&str, &str)]| map("secrets_wo", values) + "\nsecrets_wo_version = \"1\"";
    for (config, changed) in [
        (map("secrets_wo", &ONE), false),
        (map("secrets", &ONE), false),
        (map("secrets_wo", &OTHER), true),
        (map("secrets", &ONE), true),
        (versioned(&ONE), false),
        (map("secrets", &ONE), false),
        (versioned(&OTHER), true),
    ] {
        case.config(&config);
        let change = case.planned().await;
        assert_eq!(change["actions"], json!(["update"]), "{config}: {change}");
        case.changes();
        case.apply(&config).await;
        let sent = case.changes();
        let after = case.keys().await.revisions;
        assert_eq!(after["A"], revisions["A"], "{config}");
        assert_eq!(after["B"] != revisions["B"], changed, "{config}");
        let patches: Vec<_> = sent.iter().filter(|sent| sent.get("secrets").is_some()).collect();
        assert_eq!(patches.len(), usize::from(changed), "{config}: {sent:?}");
        assert!(
            patches.iter().all(|patch| patch["secrets"]["set"].as_object().unwrap().len() == 1),
            "{config}: {sent:?}"
        );
        revisions = after;
        let state = case.workspace.attributes(ADDRESS).unwrap();
        assert_eq!(state["secrets"].is_null(), config.starts_with("secrets_wo"), "{config}");
    }
    assert_eq!(case.id().await, id);
}

#[tokio::test]
async fn u12_a_state_from_before_the_new_attributes_plans_empty_and_replaces_nothing() {
    let case = Case::applied(&map("secrets", &ONE)).await;
    let mut state: Value = serde_json::from_str(&case.workspace.state_text()).unwrap();
    for resource in state["resources"].as_array_mut().unwrap() {
        let attributes = resource["instances"][0]["attributes"].as_object_mut().unwrap();
        for name in ["secrets_wo", "secrets_wo_version", "revision", "secret_revisions"] {
            assert!(attributes.remove(name).is_some());
        }
    }
    case.workspace.file("terraform.tfstate", &state.to_string());
    case.workspace.plan_nothing().await;
    // Also where nothing is looked up.
    case.config(&map("secrets", &OTHER));
    case.workspace.run(&["apply", "-refresh=false", "-auto-approve", "-no-color"]).await.ok();
    assert_eq!(case.changes(), [json!({ "secrets": { "set": { "B": "other" } } })]);
    case.workspace.plan_nothing().await;
}

#[tokio::test]
async fn u20_an_import_is_one_update_in_place_that_names_only_secrets_and_sends_nothing_that_is_equal() {
    for attribute in BOTH {
        let case = Case::start().await;
        let mut new = NewTask::cron_script("Task", "0 3 * * *", SCRIPT);
        new.secrets = Some(
            [("A", "same"), ("B", "old"), ("C", "theirs")].map(|(key, value)| (key.to_owned(), value.into())).into(),
        );
        let id = case.server.client.tasks().create(&new).await.unwrap().id;
        let before = case.keys().await;
        let import = format!("import {{\n  to = {ADDRESS}\n  id = \"Task\"\n}}\n");
        let values = map(attribute, &[("A", "same"), ("B", "new"), ("D", "added")]);
        case.workspace.config(&format!("{import}{}", task(&values)));
        let change = case.planned().await;
        Case::names(&change, &["A", "B", "D"], &["C"]);
        for (name, after) in change["after"].as_object().unwrap() {
            let may_differ = ["secrets", "secrets_wo", "secret_revisions", "revision"].contains(&name.as_str());
            assert!(may_differ || *after == change["before"][name], "{name}: {change}");
        }
        let said = case.workspace.apply().await.ok();
        assert!(said.text.contains("1 imported, 0 added, 1 changed, 0 destroyed"), "{}", said.text);
        let sent = case.changes();
        assert_eq!(sent[0], json!({ "A": "same", "B": "new" }), "the question");
        assert_eq!(sent[1..], [json!({ "secrets": { "set": { "B": "new", "D": "added" }, "remove": ["C"] } })]);
        case.workspace.plan_nothing().await;
        let after = case.keys().await;
        assert_eq!(after.keys, ["A", "B", "D"]);
        assert_eq!(after.revisions["A"], before.revisions["A"]);
        assert_ne!(after.revisions["B"], before.revisions["B"]);

        // Where all is equal, nothing is sent at all, and the task keeps its revision.
        let revision = case.server.client.tasks().get(id).await.unwrap().revision;
        case.workspace.run(&["state", "rm", ADDRESS]).await.ok();
        let said = case.workspace.apply().await.ok();
        assert!(said.text.contains("1 imported, 0 added, 1 changed, 0 destroyed"), "{}", said.text);
        assert_eq!(case.changes(), [json!({ "A": "same", "B": "new", "D": "added" })], "the question alone");
        case.workspace.plan_nothing().await;
        assert_eq!(case.server.client.tasks().get(id).await.unwrap().revision, revision);
        assert_eq!(case.workspace.attributes(ADDRESS).unwrap()["revision"], json!(revision));
    }
}
