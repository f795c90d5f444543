//! `secrets_wo` and its version.

use serde_json::{Value, json};

use super::{ADDRESS, Case, map, task};

/// A task whose secret comes from an ephemeral variable.
fn ephemeral(more: &str) -> String {
    format!(
        "variable \"x\" {{\n  type      = string\n  ephemeral = true\n}}\n{}",
        task(&format!("secrets_wo = {{ A = var.x }}\n{more}"))
    )
}

#[tokio::test]
async fn u15_u17_a_changed_write_only_value_is_seen_without_a_version() {
    let case = Case::start().await;
    case.workspace.config(&ephemeral(""));
    let with = |command: &'static str, x: &str| {
        let (x, workspace) = (format!("-var=x={x}"), &case.workspace);
        async move { workspace.run(&[command, &x, "-input=false", "-no-color"]).await }
    };
    let apply = |x: &str| {
        let (x, workspace) = (format!("-var=x={x}"), &case.workspace);
        async move { workspace.run(&["apply", "-auto-approve", &x, "-input=false", "-no-color"]).await.ok() }
    };
    apply("one").await;
    assert_eq!(case.workspace.attributes(ADDRESS).unwrap()["secrets_wo"], Value::Null);
    case.changes();
    assert!(with("plan", "one").await.ok().text.contains("No changes"));
    let plan = with("plan", "two").await.ok();
    assert!(plan.text.contains("0 to add, 1 to change, 0 to destroy"), "{}", plan.text);
    assert!(plan.text.contains("~ \"A\" = "), "{}", plan.text);
    apply("two").await;
    assert_eq!(case.changes(), [json!({ "secrets": { "set": { "A": "two" } } })]);
    assert!(with("plan", "two").await.ok().text.contains("No changes"));
    assert!(case.private().contains("argon2id"), "{}", case.private());
}

#[tokio::test]
async fn u17_with_a_version_its_change_alone_counts_and_it_may_be_any_text() {
    let versioned = |value: &str, version: &str| {
        format!("{}\nsecrets_wo_version = \"{version}\"", map("secrets_wo", &[("A", value), ("B", "b")]))
    };
    let case = Case::applied(&versioned("one", "1")).await;
    let first = case.keys().await;
    // Nothing of values is kept.
    assert!(!case.private().contains("argon2id"), "{}", case.private());
    // The same version, whatever the value.
    case.config(&versioned("two", "1"));
    case.workspace.plan_nothing().await;
    case.apply(&format!("{}\ndescription = \"d\"", versioned("three", "1"))).await;
    assert_eq!(case.changes(), [json!({ "description": "d" })]);
    // Another version writes all.
    case.config(&versioned("two", "2026-01 ✓"));
    Case::names(&case.planned().await, &["A", "B"], &[]);
    case.apply(&versioned("two", "2026-01 ✓")).await;
    let sent = case.changes();
    assert_eq!(sent, [json!({ "description": null, "secrets": { "set": { "A": "two", "B": "b" } } })]);
    let second = case.keys().await;
    assert_ne!(second.revisions["A"], first.revisions["A"]);
    assert_eq!(second.revisions["B"], first.revisions["B"]);
    // Keys that come and go count, and drift does.
    case.drift(&[("B", "theirs")], &[]).await;
    let other = map("secrets_wo", &[("B", "b"), ("C", "c")]) + "\nsecrets_wo_version = \"2026-01 ✓\"";
    case.apply(&other).await;
    assert_eq!(case.changes(), [json!({ "secrets": { "set": { "B": "b", "C": "c" }, "remove": ["A"] } })]);
    // Without the map, the version says that all is left as it is.
    let third = case.keys().await;
    case.apply("secrets_wo_version = \"3\"").await;
    assert_eq!(case.changes(), [] as [Value; 0]);
    // Without the version, values count again; the server says that these are the same.
    case.apply(&map("secrets_wo", &[("B", "b"), ("C", "c")])).await;
    assert_eq!(case.changes(), [json!({ "B": "b", "C": "c" })]);
    assert_eq!(case.keys().await, third);
    assert!(case.private().contains("argon2id"));
    // A version for values that are known already writes nothing.
    case.apply(&other).await;
    assert_eq!(case.changes(), [] as [Value; 0]);
}

#[tokio::test]
async fn a_write_only_value_may_differ_between_plan_and_apply_and_the_one_at_apply_counts() {
    let case = Case::start().await;
    case.workspace.config(&ephemeral(""));
    let (plan, apply) = (["plan", "-out=plan", "-input=false", "-no-color"], ["apply", "-input=false", "-no-color"]);
    let plan_with = async |x: &str| case.workspace.run(&[&plan[..], &[x]].concat()).await.ok();
    let apply_with = async |x: &str| case.workspace.run(&[&apply[..], &[x, "plan"]].concat()).await;
    for (planned, applied) in [("-var=x=one", "-var=x=two"), ("-var=x=three", "-var=x=four")] {
        plan_with(planned).await;
        apply_with(applied).await.ok();
        let sent = case.changes().pop().unwrap();
        let value = applied.rsplit('=').next().unwrap();
        assert!(sent["secrets"] == json!({ "A": value }) || sent["secrets"]["set"] == json!({ "A": value }), "{sent}");
        assert!(plan_with(applied).await.text.contains("No changes"));
    }
    // A plan that names the key, and then the value is the old one.
    plan_with("-var=x=five").await;
    apply_with("-var=x=four").await.ok();
    assert_eq!(case.changes(), [] as [Value; 0]);
    // A plan that does not: Terraform itself refuses, and nothing is written. With a version it is none of its business.
    case.workspace.config(&ephemeral("description = \"d\""));
    plan_with("-var=x=four").await;
    apply_with("-var=x=six").await.fails_with(&["inconsistent final plan", ".secret_revisions"]);
    assert_eq!(case.changes(), [] as [Value; 0]);
    case.workspace.config(&ephemeral("description = \"d\"\nsecrets_wo_version = \"1\""));
    plan_with("-var=x=four").await;
    apply_with("-var=x=four").await.ok();
    case.workspace.config(&ephemeral("description = \"e\"\nsecrets_wo_version = \"1\""));
    plan_with("-var=x=seven").await;
    case.changes();
    apply_with("-var=x=eight").await.ok();
    assert_eq!(case.changes(), [json!({ "description": "e" })]);
}
