//! Cases of the acceptance catalogue that no other file has. `docs/dev/testing.md` says where each case is.

use justiam_tests::programs::program;
use serde_json::{Map, Value as Json, json};
use tfplugin_client::{Session, UNKNOWN};

use super::plans::{assert_updates, planned};
use super::{ADDRESS, SCRIPT, task, world};

/// The least that each resource needs.
fn least() -> [(&'static str, Json); 4] {
    [
        (
            "justiam_scheduled_task",
            json!({ "name": "T", "task_type": "script", "schedule_type": "cron", "cron_expr": "@daily", "script": SCRIPT }),
        ),
        (
            "justiam_schedule",
            json!({ "name": "S", "steps": [{ "step_type": "Executable", "executable_path": "/bin/true" }] }),
        ),
        (
            "justiam_connected_system",
            json!({ "name": "HR", "csv": { "file_path": "/srv/hr.csv", "id_column": "id", "email_column": "mail" } }),
        ),
        ("justiam_run_profile", json!({ "connected_system_id": 1, "name": "Import", "run_type": "FullImport" })),
    ]
}

#[tokio::test]
async fn any_attribute_may_be_known_only_after_the_apply() {
    let session = Session::start(&program("terraform-provider-justiam")).await;
    let mut tried = 0;
    for (resource, config) in least() {
        let lifecycle = session.resource(resource).await;
        let schema = &session.schemas().await.resource(resource).object;
        let attributes = schema.attributes.iter().filter(|(_, attribute)| attribute.optional || attribute.required);
        for (name, _) in attributes {
            let mut open = config.clone();
            open[name] = json!(UNKNOWN);
            let config = lifecycle.config(open);
            let problems = lifecycle.validate(&config).await;
            let errors = tfplugin_client::diagnostics::errors(&problems);
            assert_eq!(errors, Vec::<String>::new(), "{resource}.{name}");
            lifecycle.plan(None, &config).await.ok();
            tried += 1;
        }
    }
    assert!(tried > 35, "{tried}");
    // Within a step and the settings of a file as well, and all at once.
    let (schedule, system) =
        (session.resource("justiam_schedule").await, session.resource("justiam_connected_system").await);
    let step = json!({ "step_type": UNKNOWN, "name": UNKNOWN, "executable_path": UNKNOWN, "timeout_seconds": UNKNOWN,
        "step_index": UNKNOWN, "execution_mode": UNKNOWN, "continue_on_failure": UNKNOWN, "arguments": UNKNOWN,
        "sql_connection_string": UNKNOWN, "connected_system_id": UNKNOWN });
    let config = schedule
        .config(json!({ "name": UNKNOWN, "trigger_type": UNKNOWN, "days_of_week": [UNKNOWN], "run_times": [UNKNOWN],
        "cron_expression": UNKNOWN, "steps": [step.clone(), step, UNKNOWN] }));
    assert_eq!(schedule.validate(&config).await, []);
    schedule.plan(None, &config).await.ok();
    let config = system
        .config(json!({ "name": UNKNOWN, "csv": { "file_path": UNKNOWN, "id_column": UNKNOWN, "email_column": UNKNOWN,
        "delimiter": UNKNOWN, "attribute_columns": { "a": UNKNOWN, "b": UNKNOWN } } }));
    assert_eq!(system.validate(&config).await, []);
    system.plan(None, &config).await.ok();
}

#[tokio::test]
async fn null_and_empty_are_both_stable_and_each_keeps_its_spelling() {
    let (_server, workspace) = world().await;
    workspace.file("task.go", SCRIPT);
    let schedule = |more: &str| format!("resource \"justiam_schedule\" \"s\" {{\n  name = \"s\"\n{more}\n}}\n");
    let system = |more: &str| {
        format!(
            "resource \"justiam_connected_system\" \"c\" {{\n  name = \"c\"\n  description = {more}\n  csv = {{ file_path = \"/srv/a.csv\", \
             id_column = \"id\", email_column = \"mail\", attribute_columns = {} }}\n}}\n",
            if more == "null" { "null" } else { "{}" }
        )
    };
    let empty = task("description = \"\"\nconfig = \"{}\"\ntask_config = {}\nsecrets = {}")
        + &schedule("description = \"\"\nsteps = []")
        + &system("\"\"");
    let null = task("description = null\nconfig = null\ntask_config = null\nsecrets = null")
        + &schedule("description = null\nsteps = null")
        + &system("null");
    // From each to itself, and to the other and back.
    for (config, description, map) in
        [(&empty, json!(""), json!({})), (&null, json!(null), json!(null)), (&empty, json!(""), json!({}))]
    {
        workspace.config(config);
        workspace.apply().await.ok();
        workspace.plan_nothing().await;
        let state = |address: &str, name: &str| workspace.attributes(address).unwrap()[name].clone();
        for address in [ADDRESS, "justiam_schedule.s", "justiam_connected_system.c"] {
            assert_eq!(state(address, "description"), description, "{address}");
        }
        assert_eq!(state(ADDRESS, "task_config"), map);
        assert_eq!(state(ADDRESS, "secrets"), map);
        assert_eq!(state("justiam_connected_system.c", "csv")["attribute_columns"], map);
        assert_eq!(state("justiam_schedule.s", "steps"), json!([]));
    }
}

#[tokio::test]
async fn a_state_from_before_an_attribute_came_replaces_nothing() {
    let (_server, workspace) = world().await;
    workspace.file("task.go", SCRIPT);
    let config = |description: &str| {
        task(&format!("description = \"{description}\"\nsecrets = {{ A = \"aaaa\", B = \"bbbb\" }}"))
            + "resource \"justiam_schedule\" \"s\" {\n  name = \"s\"\n  steps = [{ step_type = \"Executable\", executable_path = \"/a\" }]\n}\n"
    };
    workspace.config(&config("d"));
    workspace.apply().await.ok();
    let mut state: Json = serde_json::from_str(&workspace.state_text()).unwrap();
    for resource in state["resources"].as_array_mut().unwrap() {
        let attributes = resource["instances"][0]["attributes"].as_object_mut().unwrap();
        for newer in ["revision", "secret_revisions", "secrets_wo", "secrets_wo_version", "timezone"] {
            attributes.remove(newer);
        }
        for step in attributes.get_mut("steps").and_then(Json::as_array_mut).into_iter().flatten() {
            without(step.as_object_mut().unwrap(), &["sql_connection_string_wo", "sql_connection_string_wo_version"]);
        }
    }
    workspace.file("terraform.tfstate", &state.to_string());
    workspace.plan_nothing().await;
    workspace.config(&config("e"));
    assert_updates(&planned(&workspace).await, &[(ADDRESS, &["description"])]);
    workspace.apply().await.ok();
    workspace.plan_nothing().await;
}

fn without(entries: &mut Map<String, Json>, names: &[&str]) {
    for name in names {
        entries.remove(*name);
    }
}
