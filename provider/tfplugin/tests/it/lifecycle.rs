//! What a user does with Terraform, from the first plan to destroy, and what happens when it is interrupted.

use std::fs;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde_json::json;

use crate::until;
use crate::workspace::{Workspace, ended, until_gone};

const FULL: &str = r#"
resource "thing_thing" "a" {
  name    = "full"
  size    = 0.1
  note    = "Hello"
  any     = { text = "x", list = [1, true] }
  tags    = ["b", "a"]
  secrets = { key = "value" }
  steps   = [{ program = "p" }, { program = "q", retries = 5 }]
  rule {
    allow = "all"
  }
}
"#;

#[test]
fn create_plan_update_import_destroy() {
    let workspace = Workspace::new(FULL);
    let plan = workspace.terraform(&["plan", "-detailed-exitcode"]);
    assert_eq!(plan.code, Some(2), "{}", plan.text);
    plan.says("revision = (known after apply)").says("secrets = (sensitive value)");
    workspace.apply().ok();
    assert_eq!(
        workspace.attributes("a")["steps"],
        json!([{"number": 1, "program": "p", "retries": 3}, {"number": 2, "program": "q", "retries": 5}])
    );
    workspace.nothing_to_do();

    // In place: the computed id stays known, the revision that changes does not.
    workspace.write(&FULL.replace("\"Hello\"", "\"Bye\""));
    let update = workspace.apply().ok().says("0 to add, 1 to change, 0 to destroy");
    assert!(!update.text.contains("id = (known after apply)"), "{}", update.text);
    assert_eq!(
        (&workspace.attributes("a")["revision"], &workspace.attributes("a")["note"]),
        (&json!(2), &json!("Bye"))
    );
    workspace.nothing_to_do();

    // Forgotten, and taken over again: nothing differs.
    workspace.terraform(&["state", "rm", "thing_thing.a"]).ok();
    workspace.terraform(&["import", "thing_thing.a", "id-full"]).ok();
    workspace.nothing_to_do();

    workspace.terraform(&["destroy", "-auto-approve"]).ok();
    assert!(!workspace.has_thing("id-full"));
}

#[test]
fn what_is_gone_is_created_anew() {
    let workspace = Workspace::new("resource \"thing_thing\" \"a\" {\n  name = \"lost\"\n}\n");
    workspace.apply().ok();
    fs::remove_file(workspace.things().join("id-lost")).unwrap();
    workspace.apply().ok().says("1 added, 0 changed, 0 destroyed");
    assert!(workspace.has_thing("id-lost"));
    workspace.terraform(&["import", "thing_thing.b", "id-none"]).failed();
}

#[test]
fn drift_is_seen_and_repaired() {
    let workspace = Workspace::new("resource \"thing_thing\" \"a\" {\n  name = \"drifting\"\n  size = 1\n}\n");
    workspace.apply().ok();
    let file = workspace.things().join("id-drifting");
    let changed = fs::read_to_string(&file).unwrap().replace("\"size\":1", "\"size\":2");
    fs::write(&file, changed).unwrap();
    workspace.terraform(&["plan"]).ok().says("size = 2 -> 1");
    workspace.apply().ok();
    workspace.nothing_to_do();
}

#[test]
fn pitfall_05_ctrl_c_during_create_loses_nothing() {
    let workspace =
        Workspace::new("resource \"thing_thing\" \"a\" {\n  name = \"slow\"\n  mood = \"slow-create\"\n}\n");
    let mut terraform = workspace.spawn(&["apply", "-auto-approve"]);
    until("the thing is created", || workspace.has_thing("id-slow"));
    kill_process_group(Pid::from_child(&terraform), Signal::INT).unwrap();
    assert!(ended(&mut terraform).is_some(), "Terraform goes on after Ctrl-C");
    assert_eq!(workspace.attributes("a")["id"], "id-slow");
    until_gone(&workspace.providers());
}

#[test]
fn pitfall_07_a_killed_terraform_leaves_no_provider() {
    let workspace = Workspace::new("resource \"thing_thing\" \"a\" {\n  name = \"slow\"\n  mood = \"slow\"\n}\n");
    let mut terraform = workspace.spawn(&["apply", "-auto-approve"]);
    until("the thing is created", || workspace.has_thing("id-slow"));
    let providers = workspace.providers();
    assert_eq!(providers.len(), 1);
    kill_process(Pid::from_child(&terraform), Signal::KILL).unwrap();
    terraform.wait().unwrap();
    until_gone(&providers);
}

#[test]
fn no_run_leaves_a_process_or_a_socket() {
    let workspace = Workspace::new(FULL);
    workspace.apply().ok();
    assert_eq!(fs::read_dir(workspace.path().join("tmp")).unwrap().count(), 0);
}

#[test]
fn an_old_state_is_upgraded() {
    let workspace = Workspace::new("resource \"thing_thing\" \"a\" {\n  name = \"old\"\n}\n");
    workspace.apply().ok();
    let mut state = workspace.state();
    let instance = &mut state["resources"][0]["instances"][0];
    instance["schema_version"] = json!(0);
    instance["attributes"] = json!({"id": "id-old", "title": "old"});
    fs::write(workspace.path().join("terraform.tfstate"), state.to_string()).unwrap();
    workspace.nothing_to_do();

    let mut state = workspace.state();
    state["resources"][0]["instances"][0]["attributes"] = json!({"id": 5, "title": ["old"]});
    fs::write(workspace.path().join("terraform.tfstate"), state.to_string()).unwrap();
    workspace.terraform(&["plan"]).failed().says("State not readable");
}

#[test]
fn a_state_with_other_attributes_is_read() {
    let workspace = Workspace::new("resource \"thing_thing\" \"a\" {\n  name = \"kept\"\n}\n");
    workspace.apply().ok();
    let mut state = workspace.state();
    let attributes = state["resources"][0]["instances"][0]["attributes"].as_object_mut().unwrap();
    attributes.remove("size");
    attributes.remove("rule");
    attributes.insert("dropped".to_owned(), json!({"in": ["a", "later", "version"]}));
    fs::write(workspace.path().join("terraform.tfstate"), state.to_string()).unwrap();
    workspace.nothing_to_do();
}
