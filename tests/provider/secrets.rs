//! Secrets of tasks, with either attribute: what is sent, what a plan shows, and what becomes of changes by others.

mod absent;
mod canary;
mod ignored;
mod moves;
mod older;
mod sealed;
mod trouble;
mod write_only;

use std::collections::BTreeMap;

use justiam_sdk::api::ids::TaskId;
use justiam_sdk::api::secrets::{SecretKeys, SecretsPatch};
use justiam_server::app::caller::Permission;
use justiam_tests::faults::Faults;
use justiam_tests::server::TestServer;
use justiam_tests::terraform::{Said, Workspace};
use serde_json::{Value, json};

use super::{ADDRESS, SCRIPT, task};

/// A server, a way to it that counts, and a workspace with a task's script.
struct Case {
    server: TestServer,
    faults: Faults,
    workspace: Workspace,
}

impl Case {
    async fn start() -> Self {
        let server = TestServer::start().await;
        let faults = Faults::start(&server.endpoint).await;
        let workspace = Workspace::new(&faults.endpoint, &server.token);
        workspace.file("task.go", SCRIPT);
        Self { server, faults, workspace }
    }

    /// With a task that has been applied.
    async fn applied(more: &str) -> Self {
        let case = Self::start().await;
        case.apply(more).await;
        case.changes();
        case
    }

    fn config(&self, more: &str) {
        self.workspace.config(&task(more));
    }

    /// Applies, after which nothing is left to change.
    async fn apply(&self, more: &str) -> Said {
        self.config(more);
        let said = self.workspace.apply().await.ok();
        self.workspace.plan_nothing().await;
        said
    }

    /// What the plan would change of the task, as Terraform's JSON says it.
    async fn planned(&self) -> Value {
        self.workspace.run(&["plan", "-input=false", "-out=plan"]).await.ok();
        self.shown().await
    }

    async fn shown(&self) -> Value {
        let shown = self.workspace.run(&["show", "-json", "plan"]).await.ok();
        let plan: Value = serde_json::from_str(&shown.text).unwrap();
        let changes = plan["resource_changes"].as_array().unwrap();
        changes.iter().find(|change| change["address"] == ADDRESS).unwrap()["change"].clone()
    }

    /// Fails unless the plan is an update in place that names these keys as written, and these as removed.
    #[track_caller]
    fn names(change: &Value, written: &[&str], removed: &[&str]) {
        assert_eq!(change["actions"], json!(["update"]), "{change}");
        let unknown: Value = written.iter().map(|key| ((*key).to_owned(), Value::Bool(true))).collect();
        assert_eq!(change["after_unknown"]["secret_revisions"], unknown, "{change}");
        assert_eq!(change["after_unknown"]["revision"], true, "{change}");
        let after = change["after"]["secret_revisions"].as_object().unwrap();
        for (key, revision) in change["before"]["secret_revisions"].as_object().unwrap() {
            let expected = (!removed.contains(&key.as_str()) && !written.contains(&key.as_str())).then_some(revision);
            assert_eq!(after.get(key), expected, "{key}: {change}");
        }
    }

    async fn id(&self) -> TaskId {
        self.server.client.tasks().find("Task").await.unwrap().unwrap().id
    }

    async fn keys(&self) -> SecretKeys {
        self.server.client.secrets(self.id().await).keys().await.unwrap()
    }

    /// Somebody else writes and removes secrets.
    async fn drift(&self, set: &[(&str, &str)], remove: &[&str]) {
        let mut patch = SecretsPatch::new();
        patch.set = set.iter().map(|(key, value)| ((*key).to_owned(), (*value).into())).collect();
        patch.remove = remove.iter().map(|key| (*key).to_owned()).collect();
        self.server.client.secrets(self.id().await).update(&patch).await.unwrap();
    }

    /// The bodies of all requests but reads since this was last asked.
    fn changes(&self) -> Vec<Value> {
        let seen = self.faults.take().into_iter().filter(|seen| seen.method != "GET");
        seen.map(|seen| serde_json::from_str(&seen.body).unwrap_or(Value::String(seen.target))).collect()
    }

    /// What private state holds about the task, as text.
    fn private(&self) -> String {
        use base64::Engine as _;
        let state: Value = serde_json::from_str(&self.workspace.state_text()).unwrap();
        let resources = state["resources"].as_array().unwrap();
        let task = resources.iter().find(|resource| resource["type"] == "justiam_scheduled_task").unwrap();
        let private = task["instances"][0]["private"].as_str().unwrap_or_default();
        String::from_utf8(base64::engine::general_purpose::STANDARD.decode(private).unwrap()).unwrap()
    }
}

/// One of the attributes, with these values.
fn map(attribute: &str, values: &[(&str, &str)]) -> String {
    let values: BTreeMap<_, _> = values.iter().copied().collect();
    format!("{attribute} = {}", serde_json::to_string(&values).unwrap().replace("\":\"", "\" = \""))
}

const BOTH: [&str; 2] = ["secrets", "secrets_wo"];

#[tokio::test]
async fn u21_the_plan_names_the_key_that_changes_and_nothing_else_is_sent() {
    for attribute in BOTH {
        let case = Case::applied(&map(attribute, &[("A", "one"), ("B", "two"), ("C", "three")])).await;
        let before = case.keys().await;
        assert_eq!(case.workspace.attributes(ADDRESS).unwrap()["secret_revisions"], json!(before.revisions));

        // One is rotated, one removed, one added, one stays.
        case.config(&map(attribute, &[("A", "one"), ("B", "rotated"), ("D", "four")]));
        Case::names(&case.planned().await, &["B", "D"], &["C"]);
        let shown = case.workspace.run(&["show", "-no-color", "plan"]).await.ok();
        assert!(shown.text.contains("~ \"B\" = "), "{}", shown.text);
        assert!(!shown.text.contains("rotated"), "{}", shown.text);
        case.workspace.apply().await.ok();
        assert_eq!(case.changes(), [json!({ "secrets": { "set": { "B": "rotated", "D": "four" }, "remove": ["C"] } })]);
        case.workspace.plan_nothing().await;
        let after = case.keys().await;
        assert_eq!(after.keys, ["A", "B", "D"]);
        assert_eq!(after.revisions["A"], before.revisions["A"]);
        assert_ne!(after.revisions["B"], before.revisions["B"]);
        let state = case.workspace.attributes(ADDRESS).unwrap();
        assert_eq!(state["secret_revisions"], json!(after.revisions));
        assert_eq!(state["revision"], json!(case.server.client.tasks().get(case.id().await).await.unwrap().revision));

        // An empty map is no secrets at all.
        case.apply(&format!("{attribute} = {{}}")).await;
        assert!(case.keys().await.keys.is_empty());
    }
}

#[tokio::test]
async fn u14_an_unrelated_update_sends_no_secret_and_the_script_still_has_its_own() {
    let script = "package task\nimport \"secrets\"\nfunc Run() (string, error) { return secrets.Get(\"A\")[:3] + secrets.Get(\"none\"), nil }";
    for attribute in BOTH {
        let case = Case::start().await;
        case.workspace.file("task.go", script);
        for (value, description) in [("one-value", "first"), ("one-value", "second"), ("two-value", "third")] {
            case.changes();
            case.config(&format!("{}\ndescription = \"{description}\"", map(attribute, &[("A", value)])));
            case.workspace.apply().await.ok();
            if description == "second" {
                assert_eq!(case.changes(), [json!({ "description": "second" })], "{attribute}");
            }
            let run = case.server.client.tasks().run(case.id().await).await.unwrap();
            assert_eq!(case.server.ended(run.id).await.output.as_deref(), Some(&value[..3]), "{attribute}");
        }
    }
}

#[tokio::test]
async fn u13_u22_drift_of_a_single_key_is_repaired_in_place_and_no_other_is_written() {
    for attribute in BOTH {
        let case = Case::applied(&map(attribute, &[("A", "one"), ("B", "two")])).await;
        let mine = case.keys().await;
        let two = json!({ "secrets": { "set": { "B": "two" } } });
        let none = json!({ "secrets": { "remove": ["C"] } });
        for (set, remove, sent, written, removed, text) in [
            (&[("B", "theirs")][..], &[][..], &two, &["B"][..], &[][..], "changed or removed on the server: `B`"),
            (&[][..], &["B"][..], &two, &["B"][..], &[][..], "changed or removed on the server: `B`"),
            (&[("C", "theirs")][..], &[][..], &none, &[][..], &["C"][..], "added on the server and are removed: `C`"),
        ] {
            case.drift(set, remove).await;
            Case::names(&case.planned().await, written, removed);
            let said = case.workspace.apply().await.ok();
            assert!(said.flat().contains("Secrets differ from what Terraform last saw acknowledged"), "{}", said.text);
            assert!(said.flat().contains(text), "{}", said.text);
            assert_eq!(case.changes().last(), Some(sent), "{attribute}");
            case.workspace.plan_nothing().await;
            let repaired = case.keys().await;
            assert_eq!(repaired.keys, ["A", "B"]);
            assert_eq!(repaired.revisions["A"], mine.revisions["A"]);
        }
        // A refresh alone accepts nothing: the next plan still repairs.
        case.drift(&[("A", "theirs")], &[]).await;
        case.workspace.run(&["apply", "-refresh-only", "-auto-approve", "-no-color"]).await.ok();
        Case::names(&case.planned().await, &["A"], &[]);
        // Without a refresh nobody knows of a change by others, and nothing is overwritten blindly.
        case.apply(&map(attribute, &[("A", "one"), ("B", "two")])).await;
        case.drift(&[("B", "theirs")], &[]).await;
        case.config(&map(attribute, &[("A", "new"), ("B", "two")]));
        let refused = case.workspace.run(&["apply", "-refresh=false", "-auto-approve", "-no-color"]).await;
        refused.fails_with(&["Could not change the task `Task`", "412"]);
        case.changes();
        case.workspace.apply().await.ok();
        assert_eq!(case.changes(), [json!({ "secrets": { "set": { "A": "new", "B": "two" } } })]);
        case.workspace.run(&["plan", "-refresh=false", "-detailed-exitcode"]).await.ok();
    }
}

#[tokio::test]
async fn u18_who_may_only_look_can_plan() {
    for attribute in BOTH {
        let mut case = Case::applied(&map(attribute, &[("A", "one"), ("B", "two")])).await;
        let token = case.server.token_with(&[Permission::TasksView]).await;
        case.workspace.variable("JUSTIAM_TOKEN", &token);
        case.workspace.plan_nothing().await;
        case.drift(&[("B", "theirs")], &[]).await;
        Case::names(&case.planned().await, &["B"], &[]);
        let refused = case.workspace.apply().await;
        refused.fails_with(&["Could not change the task `Task`", "403"]);
        assert_ne!(case.changes().len(), 0);
    }
}

#[tokio::test]
async fn secrets_that_are_not_configured_are_left_to_others_until_they_are() {
    for attribute in BOTH {
        let case = Case::applied("").await;
        case.drift(&[("X", "theirs"), ("Y", "theirs")], &[]).await;
        case.workspace.plan_nothing().await;
        case.apply("description = \"changed\"").await;
        assert_eq!(case.changes(), [json!({ "description": "changed" })]);
        let theirs = case.keys().await;
        assert_eq!(theirs.keys, ["X", "Y"]);
        assert_eq!(case.workspace.attributes(ADDRESS).unwrap()["secret_revisions"], json!(theirs.revisions));
        // From now on they are Terraform's. One is equal, so it is not sent.
        case.config(&format!("{}\ndescription = \"changed\"", map(attribute, &[("X", "theirs"), ("Z", "mine")])));
        Case::names(&case.planned().await, &["X", "Z"], &["Y"]);
        case.workspace.apply().await.ok();
        let sent = case.changes();
        assert_eq!(sent[0], json!({ "X": "theirs" }), "the question");
        assert_eq!(sent[1..], [json!({ "secrets": { "set": { "Z": "mine" }, "remove": ["Y"] } })]);
        case.workspace.plan_nothing().await;
        assert_eq!(case.keys().await.revisions["X"], theirs.revisions["X"]);
    }
}

#[tokio::test]
async fn u11_taking_an_attribute_out_or_ignoring_it_wipes_nothing_that_others_need() {
    // Terraform hides an ignored write-only attribute from the plan, as if it had been taken out. Both leave the secrets alone.
    let case = Case::applied(&map("secrets_wo", &[("A", "one"), ("B", "two")])).await;
    let mine = case.keys().await;
    case.apply("").await;
    case.apply("description = \"one\"").await;
    let ignoring =
        |values: &str, more: &str| format!("{values}\n{more}\nlifecycle {{\n  ignore_changes = [secrets_wo]\n}}");
    let other = map("secrets_wo", &[("A", "other"), ("C", "other")]);
    case.apply(&ignoring(&other, "description = \"one\"")).await;
    case.apply(&ignoring(&other, "description = \"two\"")).await;
    case.apply(&ignoring(&other, "description = \"two\"\nsecrets_wo_version = \"2\"")).await;
    assert_eq!(case.changes(), [json!({ "description": "one" }), json!({ "description": "two" })]);
    assert_eq!(case.keys().await, mine);
    // It is known all the same what was applied.
    case.apply(&format!("{}\ndescription = \"two\"", map("secrets_wo", &[("A", "one"), ("B", "two")]))).await;
    assert_eq!(case.keys().await, mine);

    // An ignored `secrets` is the map of the state.
    let case = Case::applied(&map("secrets", &[("A", "one")])).await;
    let ignoring =
        ignoring(&map("secrets", &[("A", "other")]), "description = \"one\"").replace("[secrets_wo]", "[secrets]");
    case.apply(&ignoring).await;
    assert_eq!(case.changes(), [json!({ "description": "one" })]);
}

#[tokio::test]
async fn many_keys_odd_keys_and_empty_values_are_secrets_like_others() {
    for attribute in BOTH {
        let odd = [("", ""), ("ключ ✓ \\\"", "Ünï\\nwörd"), (" a.b/c ", ""), ("LONG", &"x".repeat(64 * 1024))];
        let mut values: BTreeMap<String, String> = (0..996).map(|n| (format!("K{n}"), format!("v{n}"))).collect();
        values.extend(odd[1..].iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
        let body = |values: &BTreeMap<String, String>| {
            let lines = values.iter().map(|(key, value)| format!("  \"{key}\" = \"{value}\"\n"));
            format!("{attribute} = {{\n{}}}", lines.collect::<String>())
        };
        let case = Case::applied(&body(&values)).await;
        assert_eq!(case.keys().await.keys.len(), 999);
        values.insert("K7".into(), String::new());
        values.remove("K8");
        values.insert(" a.b/c ".into(), "no longer empty".into());
        case.apply(&body(&values)).await;
        let sent = json!({ "secrets": { "set": { " a.b/c ": "no longer empty", "K7": "" }, "remove": ["K8"] } });
        assert_eq!(case.changes(), [sent]);
    }
}

#[tokio::test]
async fn what_is_not_known_yet_is_written_only_if_it_turns_out_to_differ() {
    let source = |input: &str| {
        format!("resource \"terraform_data\" \"source\" {{\n  input = {input}\n  triggers_replace = \"TRIGGER\"\n}}\n")
    };
    for attribute in BOTH {
        // The value of one key.
        let case = Case::start().await;
        let config = |trigger: &str, value: &str| {
            let one = format!("{attribute} = {{\n  A = \"one\"\n  B = terraform_data.source.output\n}}");
            case.workspace.config(&(source(&format!("\"{value}\"")).replace("TRIGGER", trigger) + &task(&one)));
        };
        config("1", "two");
        case.workspace.apply().await.ok();
        case.workspace.plan_nothing().await;
        let first = case.keys().await;
        case.changes();
        // Not known when Terraform plans, and then the same.
        config("2", "two");
        Case::names(&case.planned().await, &["B"], &[]);
        case.workspace.apply().await.ok();
        assert_eq!(case.changes(), [] as [Value; 0], "{attribute}");
        case.workspace.plan_nothing().await;
        assert_eq!(case.keys().await, first);
        config("3", "other");
        case.workspace.apply().await.ok();
        assert_eq!(case.changes(), [json!({ "secrets": { "set": { "B": "other" } } })]);
        case.workspace.plan_nothing().await;

        // The whole map.
        let whole = |trigger: &str, input: &str| {
            let all = format!("{attribute} = terraform_data.source.output");
            case.workspace.config(&(source(input).replace("TRIGGER", trigger) + &task(&all)));
        };
        whole("4", "{ A = \"one\", C = \"three\" }");
        let change = case.planned().await;
        assert_eq!(change["after_unknown"]["secret_revisions"], true, "{change}");
        case.workspace.apply().await.ok();
        assert_eq!(case.changes(), [json!({ "secrets": { "set": { "C": "three" }, "remove": ["B"] } })]);
        case.workspace.plan_nothing().await;
        assert_eq!(case.keys().await.revisions["A"], first.revisions["A"]);
    }
    // What looks right as long as one of the two is not known.
    let case = Case::start().await;
    case.workspace.config(
        &(source("{ A = \"a\" }").replace("TRIGGER", "1")
            + &task("secrets = terraform_data.source.output\nsecrets_wo = { A = \"a\" }")),
    );
    case.workspace.apply().await.fails_with(&["Only one of `secrets` and `secrets_wo` may be set"]);
    assert_eq!(case.changes(), [] as [Value; 0]);
}
