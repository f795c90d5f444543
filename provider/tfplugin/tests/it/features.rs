//! What a provider can offer beside managed resources, under the real Terraform.

use std::fs;

use serde_json::json;

use crate::workspace::Workspace;

const THING: &str = "resource \"thing_thing\" \"a\" {\n  name = \"first\"\n  size = 2.5\n}\n";

#[test]
fn a_data_source_is_read() {
    let workspace = Workspace::new(&format!(
        "{THING}data \"thing_thing\" \"a\" {{\n  name = thing_thing.a.name\n  depends_on = [thing_thing.a]\n}}\n\
         output \"found\" {{\n  value = data.thing_thing.a\n}}\n"
    ));
    workspace.apply().ok();
    let expected = json!({
        "enabled": true, "id": "id-first", "mood": null, "name": "first", "size": 2.5, "unit": "litre",
    });
    assert_eq!(workspace.state()["outputs"]["found"]["value"], expected);
    workspace.nothing_to_do();
}

#[test]
fn problems_of_a_data_source_name_the_place() {
    let of = |arguments: &str| Workspace::new(&format!("data \"thing_thing\" \"a\" {{\n{arguments}}}\n"));
    let run = of("  name = \"none\"\n").terraform(&["plan"]).failed();
    run.says("No such thing").says("in data \"thing_thing\" \"a\"").says("name = \"none\"");
    of("  name = \"forbidden\"\n").terraform(&["validate"]).failed().says("Nothing has this name.");
    of("  name = \"\"\n").terraform(&["validate"]).failed().says("must have 1 to 40 characters, and has 0");
    let run = of("  name = \"x\"\n  mood = \"panic-read\"\n").terraform(&["plan"]).failed();
    run.says("The provider panicked").says("this thing panics in read (at ");
    // What the configuration says must come back, and nothing may be left open.
    let run = of("  name = \"x\"\n  mood = \"wrong\"\n").terraform(&["plan"]).failed();
    run.says("Provider changed a configured value").says("name differs from what the configuration says");
    let run = of("  name = \"x\"\n  mood = \"forgetful\"\n").terraform(&["plan"]).failed();
    run.says("Provider left a value unknown").says("id is still unknown");
}

/// A key whose secret goes into a write-only attribute, and into the configuration of something that takes its time.
fn with_key(mood: &str) -> Workspace {
    Workspace::new(&format!(
        "ephemeral \"thing_key\" \"k\" {{\n  thing = \"lock\"\n  mood = \"{mood}\"\n}}\n\
         resource \"thing_thing\" \"a\" {{\n  name = \"kept\"\n  secret_wo = ephemeral.thing_key.k.secret\n  \
         secret_wo_version = 1\n}}\n"
    ))
}

#[test]
fn an_ephemeral_resource_is_opened_and_closed() {
    let workspace = with_key("plain");
    workspace.terraform(&["plan", "-out", "plan"]).ok();
    assert!(workspace.has_thing("closed-lock") && !workspace.has_thing("key-lock"));
    fs::remove_file(workspace.things().join("closed-lock")).unwrap();
    workspace.terraform(&["apply", "plan"]).ok();
    assert!(workspace.has_thing("closed-lock") && !workspace.has_thing("key-lock"));
    // `create` has seen the secret, and remembers its length; nothing else does.
    assert_eq!(workspace.instance("a")["private"], "eyJzZWNyZXRfbGVuZ3RoIjo5fQ==");
    assert!(!workspace.state_text().contains("hush"));
    let plan = workspace.terraform(&["show", "-json", "plan"]).ok().text;
    assert!(plan.contains("\"name\":\"kept\"") && plan.contains("\"secret_wo_version\":1"), "{plan}");
    assert!(!plan.contains("hush"), "{plan}");
    workspace.nothing_to_do();
}

#[test]
fn an_ephemeral_resource_is_renewed() {
    let workspace = Workspace::new(
        "ephemeral \"thing_key\" \"k\" {\n  thing = \"lock\"\n  mood = \"renewed\"\n}\n\
         provider \"thing\" {\n  alias = \"other\"\n  directory = dirname(\"${ephemeral.thing_key.k.secret}/x\")\n}\n\
         resource \"terraform_data\" \"wait\" {\n  input = ephemeralasnull(ephemeral.thing_key.k.secret)\n  \
         provisioner \"local-exec\" {\n    command = \"n=0; until grep -q renewed things/key-lock; do n=$((n + 1)); \
         [ $n -lt 20000 ] || exit 1; done\"\n  }\n}\n",
    );
    workspace.apply().ok();
    assert_eq!(fs::read_to_string(workspace.things().join("closed-lock")).unwrap(), "renewed");
}

#[test]
fn a_failed_open_stops_what_depends_on_it() {
    with_key("panic-open").terraform(&["plan"]).failed().says("this thing panics in open");
    let run = with_key("panic-close").terraform(&["plan"]).failed();
    run.says("The provider panicked").says("this thing panics in close");
}

#[test]
fn functions_compute() {
    let workspace = Workspace::new(
        "output \"joined\" {\n  value = provider::thing::join(\"-\", \"a\", null, \"b\")\n}\n\
         output \"nothing\" {\n  value = provider::thing::join(\"-\")\n}\n\
         output \"share\" {\n  value = provider::thing::share(8, 1)\n}\n\
         output \"state\" {\n  value = provider::thing::state({ a = [1, null] })\n}\n\
         output \"null\" {\n  value = provider::thing::state(null)\n}\n",
    );
    workspace.apply().ok();
    let outputs = &workspace.state()["outputs"];
    assert_eq!((&outputs["joined"]["value"], &outputs["nothing"]["value"]), (&json!("a-b"), &json!("")));
    assert_eq!(outputs["share"]["value"], json!(0.125));
    assert_eq!(outputs["state"]["value"], json!({"known": true, "null": false}));
    assert_eq!(outputs["null"]["value"], json!({"known": true, "null": true}));
    workspace.nothing_to_do();
}

#[test]
fn an_error_of_a_function_names_the_argument() {
    let call = |call: &str| {
        Workspace::new(&format!("output \"x\" {{\n  value = provider::thing::{call}\n}}\n"))
            .terraform(&["plan"])
            .failed()
    };
    call("share(0, 1)").says("Invalid value for \"whole\" parameter: Nothing has no parts.");
    call("share(1, -1)").says("Invalid value for \"part\" parameter: expected a whole number from 0 to 4294967295.");
    call("share(1, 0.5)").says("Invalid value for \"part\" parameter: expected a whole number");
    call("join(\"long one\")").says("Invalid value for \"separator\" parameter: The value must have 0 to 3 characters");
    call("join(\"-\", \"a\", \"panic\")").says("this function panics (at ");
}

#[test]
fn a_function_of_what_is_not_known_is_not_known() {
    let workspace = Workspace::new(&format!(
        "{THING}output \"joined\" {{\n  value = provider::thing::join(\"-\", thing_thing.a.id)\n}}\n\
         output \"state\" {{\n  value = provider::thing::state(thing_thing.a.revision)\n}}\n"
    ));
    let plan = workspace.terraform(&["plan"]).ok().says("+ joined = (known after apply)");
    plan.says("+ known = false");
}

#[test]
fn an_object_of_another_type_is_taken_over() {
    let workspace = Workspace::new("resource \"terraform_data\" \"old\" {\n  input = \"first\"\n}\n");
    workspace.apply().ok();
    workspace.write("resource \"thing_thing\" \"a\" {\n  name = \"first\"\n}\n");
    // The object that the state will speak of.
    workspace.apply().ok();
    workspace.terraform(&["state", "rm", "thing_thing.a"]).ok();
    let moved = "moved {\n  from = terraform_data.old\n  to = thing_thing.a\n}\n";
    workspace.write("resource \"terraform_data\" \"old\" {\n  input = \"first\"\n}\n");
    workspace.apply().ok();
    workspace.write(&format!("{moved}resource \"thing_thing\" \"a\" {{\n  name = \"first\"\n}}\n"));
    workspace.apply().ok().says("0 added, 0 changed, 0 destroyed");
    assert_eq!(workspace.attributes("a")["revision"], 1);
    // {"moved":true}
    assert_eq!(workspace.instance("a")["private"], "eyJtb3ZlZCI6dHJ1ZX0=");
    workspace.nothing_to_do();
}

#[test]
fn an_object_that_does_not_fit_is_not_taken_over() {
    let workspace = Workspace::new("resource \"terraform_data\" \"old\" {\n  input = [\"first\"]\n}\n");
    workspace.apply().ok();
    workspace.write(
        "moved {\n  from = terraform_data.old\n  to = thing_thing.a\n}\n\
         resource \"thing_thing\" \"a\" {\n  name = \"x\"\n}\n",
    );
    workspace
        .terraform(&["plan"])
        .failed()
        .says("Move not supported")
        .says("Only data with a text can become a thing.");
}

#[test]
fn import_blocks_and_generated_configuration() {
    let workspace = Workspace::new("resource \"thing_thing\" \"a\" {\n  name = \"known\"\n  size = 3\n}\n");
    workspace.apply().ok();
    workspace.terraform(&["state", "rm", "thing_thing.a"]).ok();
    workspace.write("import {\n  to = thing_thing.b\n  id = \"id-known\"\n}\n");
    let run = workspace.terraform(&["plan", "-generate-config-out=generated.tf"]).ok();
    run.says("1 to import, 0 to add, 0 to change, 0 to destroy");
    let generated = fs::read_to_string(workspace.path().join("generated.tf")).unwrap();
    let lines: Vec<_> = generated.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert!(lines.contains(&"name = \"known\"".to_owned()) && lines.contains(&"size = 3".to_owned()), "{generated}");
    assert!(!generated.contains("revision") && !generated.contains("old"), "{generated}");
    workspace.apply().ok();
    workspace.nothing_to_do();
}

#[test]
fn a_plan_to_destroy_is_looked_at() {
    let workspace = Workspace::new("resource \"thing_thing\" \"a\" {\n  name = \"dear\"\n  mood = \"precious\"\n}\n");
    workspace.apply().ok();
    workspace.terraform(&["plan", "-destroy"]).ok().says("Precious").says("This thing will be missed.");
}

#[test]
fn a_module_speaks_to_the_provider() {
    let workspace = Workspace::new("resource \"thing_thing\" \"a\" {\n  name = \"a\"\n}\n");
    let file = workspace.path().join("main.tf");
    let text = fs::read_to_string(&file).unwrap();
    let meta = "terraform {\n  provider_meta \"thing\" {\n    purpose = \"testing\"\n  }\n";
    fs::write(&file, text.replacen("terraform {\n", meta, 1)).unwrap();
    workspace.apply().ok();
    // {"purpose":"testing"}
    assert_eq!(workspace.instance("a")["private"], "eyJwdXJwb3NlIjoidGVzdGluZyJ9");
    workspace.nothing_to_do();
}
