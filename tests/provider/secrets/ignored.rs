//! `ignore_changes`, and drift of what it ignores: what is written is what the plan has seen.

use serde_json::{Value, json};

use super::{ADDRESS, Case, map};

fn ignoring(what: &str, values: &str, more: &str) -> String {
    format!("{values}\n{more}\nlifecycle {{\n  ignore_changes = {what}\n}}")
}

#[tokio::test]
async fn drift_of_ignored_secrets_is_repaired_with_the_values_that_were_applied_and_never_with_ignored_ones() {
    for what in ["[secrets]", "all"] {
        let case = Case::applied(&map("secrets", &[("A", "one"), ("B", "two")])).await;
        let one = json!({ "secrets": { "set": { "A": "one" } } });
        // Ignored: another value, another key, no attribute at all, and the other attribute.
        for values in [
            map("secrets", &[("A", "ignored"), ("B", "two")]),
            map("secrets", &[("A", "ignored"), ("C", "ignored")]),
            String::new(),
            if what == "all" { map("secrets_wo", &[("A", "ignored"), ("C", "ignored")]) } else { String::new() },
        ] {
            case.drift(&[("A", "theirs")], &[]).await;
            case.config(&ignoring(what, &values, ""));
            Case::names(&case.planned().await, &["A"], &[]);
            case.changes();
            let said = case.workspace.apply().await.ok();
            assert_eq!(case.changes(), std::slice::from_ref(&one), "{what}: {values}");
            let said = said.flat();
            assert!(said.contains("Secrets differ from what Terraform last saw acknowledged"), "{said}");
            assert!(said.contains("these are the values that Terraform has applied"), "{said}");
            case.workspace.plan_nothing().await;
            assert_eq!(case.workspace.attributes(ADDRESS).unwrap()["secrets"], json!({ "A": "one", "B": "two" }));
            assert_eq!(case.keys().await.keys, ["A", "B"]);
        }
    }
    // Both at once, one of them from the state.
    let case = Case::applied(&map("secrets", &[("A", "one")])).await;
    case.config(&ignoring("[secrets]", &map("secrets_wo", &[("A", "one")]), ""));
    case.workspace.plan().await.fails_with(&["Conflicting attributes", "take `secrets` out of `ignore_changes`"]);
}

#[tokio::test]
async fn ignored_write_only_secrets_that_others_rotate_are_left_to_them() {
    let case = Case::applied(&map("secrets_wo", &[("A", "one")])).await;
    case.drift(&[("A", "theirs"), ("X", "theirs")], &[]).await;
    let theirs = case.keys().await;
    case.apply(&ignoring("[secrets_wo]", &map("secrets_wo", &[("A", "one")]), "description = \"d\"")).await;
    assert_eq!(case.changes(), [json!({ "description": "d" })]);
    assert_eq!(case.keys().await, theirs);
    // The same without the attribute, where a version holds its place.
    case.apply("description = \"d\"\nsecrets_wo_version = \"1\"").await;
    assert_eq!(case.changes(), [] as [Value; 0]);
    assert_eq!(case.keys().await, theirs);
}
