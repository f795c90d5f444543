//! Maps that are null, empty or not known yet, and new tasks without the secrets of the old.

use serde_json::{Value, json};

use super::{ADDRESS, BOTH, Case, map, task};

#[tokio::test]
async fn u11_a_null_map_leaves_secrets_alone_and_an_empty_one_removes_them() {
    for attribute in BOTH {
        let case = Case::applied(&map(attribute, &[("A", "one"), ("B", "two")])).await;
        // A variable that nobody has set, or the attribute taken out.
        for none in [format!("{attribute} = null"), String::new()] {
            let mine = case.keys().await;
            case.config(&none);
            let plan = case.workspace.plan().await;
            assert_eq!(plan.flat().contains("Secrets stay on the server"), attribute == "secrets", "{}", plan.text);
            assert_eq!(plan.flat().contains("`A`, `B`"), attribute == "secrets", "{}", plan.text);
            case.apply(&none).await;
            assert_eq!(case.changes(), [] as [Value; 0], "{attribute}");
            assert_eq!(case.keys().await, mine);
            case.drift(&[("B", "theirs")], &[]).await;
            case.workspace.plan_nothing().await;
            // What comes back is looked after again.
            case.apply(&map(attribute, &[("A", "one"), ("B", "two")])).await;
            assert_eq!(case.changes().last(), Some(&json!({ "secrets": { "set": { "B": "two" } } })), "{attribute}");
            case.drift(&[("B", "theirs")], &[]).await;
            case.apply(&map(attribute, &[("A", "one"), ("B", "two")])).await;
            let state = case.workspace.attributes(ADDRESS).unwrap();
            assert_eq!(state["secret_revisions"], json!(case.keys().await.revisions));
            case.changes();
        }
        case.apply(&format!("{attribute} = {{}}")).await;
        assert_eq!(case.changes(), [json!({ "secrets": { "remove": ["A", "B"] } })]);
        assert!(case.keys().await.keys.is_empty());
    }
    // On the way to the other attribute.
    let case = Case::applied(&map("secrets", &[("A", "one")])).await;
    case.apply("secrets_wo = null").await;
    assert_eq!(case.changes(), [] as [Value; 0]);
    assert_eq!(case.keys().await.keys, ["A"]);
}

#[tokio::test]
async fn a_task_that_would_be_made_anew_without_its_secrets_is_refused() {
    let case =
        Case::applied(&(map("secrets_wo", &[("A", "one"), ("B", "two")]) + "\nsecrets_wo_version = \"1\"")).await;
    let mine = case.keys().await;
    case.apply("secrets_wo_version = \"1\"").await;
    let replace = ["apply", "-auto-approve", "-no-color", "-input=false", "-replace", ADDRESS];
    let refused = case.workspace.run(&replace).await;
    refused.fails_with(&["A new task needs its secrets", "no values to leave as they are", "`A`, `B`"]);
    assert_eq!(case.keys().await, mine);
    // The same without a version: Terraform remembers what it has written.
    case.config("");
    case.workspace.run(&replace).await.fails_with(&["A new task needs its secrets", "`A`, `B`"]);
    case.config("task_type = \"audit_log_cleanup\"");
    let other = case.workspace.path().join("main.tf");
    let text = std::fs::read_to_string(&other).unwrap().replace("  task_type = \"script\"\n", "");
    case.workspace.file("main.tf", &text.replace("  script = file(\"task.go\")\n", ""));
    // What the server brings itself reads no secrets.
    assert!(case.workspace.plan_changes().await.text.contains("1 to add, 0 to change, 1 to destroy"));
    assert_eq!(case.keys().await, mine);
    case.config(&map("secrets_wo", &[("A", "one"), ("B", "two")]));
    case.workspace.run(&replace).await.ok();
    assert_eq!(case.keys().await.keys, mine.keys);
    case.config("secrets_wo = {}");
    case.workspace.run(&replace).await.ok();
    assert!(case.keys().await.keys.is_empty());
    // A task that is new from the beginning.
    let case = Case::start().await;
    case.config("secrets_wo_version = \"1\"");
    case.workspace.apply().await.fails_with(&["A new task needs its secrets"]);
    assert_eq!(case.changes(), [] as [Value; 0]);
}

#[tokio::test]
async fn u21_a_plan_that_cannot_name_keys_says_so() {
    for attribute in BOTH {
        let case = Case::applied(&map(attribute, &[("A", "one"), ("k-1", "one")])).await;
        let source = "resource \"terraform_data\" \"source\" {\n  input = \"k-2\"\n}\n";
        let keyed = task(&format!("{attribute} = {{\n  A = \"one\"\n  (terraform_data.source.output) = \"two\"\n}}"));
        case.workspace.config(&(source.to_owned() + &keyed));
        let plan = case.workspace.plan().await;
        assert!(plan.flat().contains("Keys of secrets are not known yet"), "{}", plan.text);
        assert!(plan.flat().contains("has now are kept, written or removed: `A`, `k-1`"), "{}", plan.text);
        case.workspace.apply().await.ok();
        assert_eq!(case.changes(), [json!({ "secrets": { "set": { "k-2": "two" }, "remove": ["k-1"] } })]);
        case.workspace.plan_nothing().await;
    }
}
