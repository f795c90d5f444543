//! What Terraform demands of a provider, and how the author's mistakes look to a user.

use serde_json::json;

use crate::workspace::Workspace;

fn thing(attributes: &str) -> String {
    format!("resource \"thing_thing\" \"a\" {{\n{attributes}\n}}\n")
}

#[test]
fn pitfall_11_numbers_keep_every_digit() {
    let numbers = [
        "0.1",
        "1.5",
        "123456789012345678901234567890",
        "1e-20",
        "-9223372036854775809",
        "0.30000000000000004",
        "0.12345678901234567890",
    ];
    for number in numbers {
        let workspace = Workspace::new(&thing(&format!("  name = \"n\"\n  any  = {number}\n  size = {number}\n")));
        workspace.apply().ok();
        workspace.nothing_to_do();
    }
}

#[test]
fn pitfall_09_partly_known_values_pass() {
    // What is known of `name` (its prefix) comes as a refinement.
    let workspace = Workspace::new(
        "resource \"thing_thing\" \"a\" {\n  name = \"first\"\n}\n\
         resource \"thing_thing\" \"b\" {\n  name = \"pre-${thing_thing.a.id}\"\n  \
         tags = [\"x\", thing_thing.a.id]\n  any = { inner = thing_thing.a.revision }\n}\n",
    );
    workspace.apply().ok();
    assert_eq!(workspace.attributes("b")["name"], "pre-id-first");
    assert_eq!(workspace.attributes("b")["tags"], json!(["id-first", "x"]));
    workspace.nothing_to_do();
}

#[test]
fn pitfall_10_values_of_open_type_keep_it() {
    for value in [
        "\"text\"",
        "[1, \"two\", null]",
        "{ a = { b = [] } }",
        "toset([\"x\", \"y\"])",
        "true",
        "null",
        "tonumber(null)",
    ] {
        let workspace = Workspace::new(&thing(&format!("  name = \"n\"\n  any  = {value}\n")));
        workspace.apply().ok();
        workspace.nothing_to_do();
    }
}

#[test]
fn pitfall_14_a_write_only_value_is_nowhere_but_in_the_configuration() {
    let with =
        |version| thing(&format!("  name = \"w\"\n  secret_wo = \"hush-hush\"\n  secret_wo_version = {version}\n"));
    let workspace = Workspace::new(&with(1));
    workspace.terraform(&["plan", "-out", "plan"]).ok();
    workspace.terraform(&["apply", "plan"]).ok();
    assert!(!workspace.state_text().contains("hush"));
    assert_eq!(workspace.attributes("a")["secret_wo"], json!(null));
    // `create` has seen it, and remembers its length.
    assert_eq!(workspace.instance("a")["private"], "eyJzZWNyZXRfbGVuZ3RoIjo5fQ==");
    workspace.nothing_to_do();
    workspace.write(&with(2));
    workspace.apply().ok().says("1 to change");
}

#[test]
fn pitfall_15_a_failed_create_leaves_nothing() {
    let workspace = Workspace::new(&thing("  name = \"b\"\n  mood = \"broken\""));
    workspace
        .apply()
        .failed()
        .says("This thing cannot be created.")
        .says("in resource \"thing_thing\" \"a\": 13: mood");
    assert_eq!(workspace.instance("a"), json!(null));
}

#[test]
fn pitfall_15_a_half_done_create_is_kept() {
    let workspace = Workspace::new(&thing("  name = \"p\"\n  mood = \"partial\""));
    workspace.apply().failed().says("The thing exists, but is not ready.");
    let instance = workspace.instance("a");
    assert_eq!((&instance["status"], &instance["attributes"]["id"]), (&json!("tainted"), &json!("id-p")));
}

#[test]
fn pitfall_15_a_failed_update_keeps_the_prior_state() {
    let workspace = Workspace::new(&thing("  name = \"u\"\n  size = 1"));
    workspace.apply().ok();
    workspace.write(&thing("  name = \"u\"\n  size = 2\n  mood = \"broken\""));
    workspace.apply().failed().says("This thing cannot be changed.");
    let attributes = workspace.attributes("a");
    assert_eq!(
        (&attributes["size"], &attributes["mood"], &attributes["revision"]),
        (&json!(1), &json!(null), &json!(1))
    );
}

#[test]
fn pitfall_15_a_failed_destroy_keeps_the_object() {
    let workspace = Workspace::new(&thing("  name = \"s\"\n  mood = \"stubborn\""));
    workspace.apply().ok();
    workspace.terraform(&["destroy", "-auto-approve"]).failed().says("This thing does not go.");
    assert_eq!(workspace.attributes("a")["id"], "id-s");
}

#[test]
fn pitfall_15_a_wrong_result_is_reported_with_its_attribute() {
    let workspace = Workspace::new(&thing("  name = \"right\"\n  mood = \"wrong\""));
    let run = workspace
        .apply()
        .failed()
        .says("Provider returned an inconsistent result")
        .says("In the provider's answer, name is not");
    assert!(!run.text.contains("Provider produced inconsistent result"), "{}", run.text);
    assert_eq!(workspace.attributes("a")["id"], "id-right");
}

#[test]
fn pitfall_16_a_panic_is_a_diagnostic_and_nobody_elses_problem() {
    let workspace = Workspace::new(
        "resource \"thing_thing\" \"a\" {\n  name = \"a\"\n  mood = \"panic\"\n}\n\
         resource \"thing_thing\" \"b\" {\n  name = \"b\"\n}\n",
    );
    let run = workspace.apply().failed().says("The provider panicked").says("this thing panics (at ").says("main.rs:");
    assert!(!run.text.contains("Stack trace"), "{}", run.text);
    assert_eq!(workspace.attributes("b")["id"], "id-b");
    assert_eq!(workspace.instance("a"), json!(null));
}

#[test]
fn pitfall_12_nested_attributes_and_blocks_load() {
    let workspace = Workspace::new("");
    let run = workspace.terraform(&["providers", "schema", "-json"]).ok();
    let start = run.text.find('{').unwrap();
    let schema: serde_json::Value = serde_json::from_str(run.text[start..].lines().next().unwrap()).unwrap();
    let (_, provider) = schema["provider_schemas"].as_object().unwrap().iter().next().unwrap();
    let block = &provider["resource_schemas"]["thing_thing"]["block"];
    assert_eq!(block["attributes"]["steps"]["nested_type"]["nesting_mode"], "list");
    assert_eq!(block["attributes"]["steps"]["type"], json!(null));
    assert_eq!(block["attributes"]["secrets"]["type"], json!(["map", "string"]));
    assert_eq!(block["attributes"]["secret_wo"]["write_only"], true);
    assert_eq!(block["block_types"]["rule"]["nesting_mode"], "list");
}

#[test]
fn checks_name_the_place() {
    let workspace = Workspace::new(&thing(
        "  name = \"\"\n  tags = [\"short\", \"much too long a tag\"]\n  steps = [{ program = \"p\", retries = 10 }]",
    ));
    let run = workspace.terraform(&["validate"]).failed();
    let run = run.says("must have 1 to 40 characters, and has 0").says("1 to 10 characters, and has 19");
    run.says("must be a whole number from 0 to 9");
    workspace.write(&thing("  name = \"forbidden\"\n  old = \"x\""));
    workspace
        .terraform(&["validate"])
        .failed()
        .says("Forbidden name")
        .says("Attribute `old` is deprecated")
        .says("Use `note`");
}

#[test]
fn values_that_mean_the_same_are_no_change() {
    let workspace = Workspace::new(&thing("  name = \"k\"\n  note = \"Hello\""));
    workspace.apply().ok();
    workspace.write(&thing("  name = \"k\"\n  note = \"HELLO\""));
    workspace.nothing_to_do();
    // Neither is what the server makes of it.
    let file = workspace.things().join("id-k");
    let changed = std::fs::read_to_string(&file).unwrap().replace("Hello", "hello");
    std::fs::write(&file, changed).unwrap();
    workspace.nothing_to_do();
    workspace.write(&thing("  name = \"k\"\n  note = \"Hello you\""));
    workspace.apply().ok().says("1 to change");
}

#[test]
fn what_excludes_each_other_is_shown_with_its_line() {
    let workspace = Workspace::new(&thing("  name = \"r\"\n  note = \"n\"\n  old  = \"o\""));
    let run = workspace.terraform(&["validate"]).failed().says("Conflicting attributes");
    let run = run.says("Only one of `note` and `old` may be set, and `note` and `old` are.");
    run.says("in resource \"thing_thing\" \"a\": 14: old = \"o\"");
    workspace.write(&thing("  name = \"r\"\n  note = \"n\"\n  old  = null"));
    workspace.terraform(&["validate"]).ok();
}

#[test]
fn a_cosmetic_edit_is_no_change() {
    let with = |json: &str, program: &str| {
        let steps = format!("steps = [{{ program = \"{program}\" }}]");
        thing(&format!("  name = \"c\"\n  any = <<EOT\n{json}\nEOT\n  {steps}\n"))
    };
    let workspace = Workspace::new(&with("{\"a\": 1, \"b\": [true]}", "sh -c"));
    workspace.apply().ok();
    workspace.write(&with("{ \"b\": [ true ],\n  \"a\": 1.0 }", " sh  -c "));
    workspace.nothing_to_do();
    workspace.write(&with("{\"a\": 2, \"b\": [true]}", "sh -c"));
    workspace.apply().ok().says("1 changed");
}

#[test]
fn an_attribute_replaces_only_if_its_condition_holds() {
    let with = |size: &str| thing(&format!("  name = \"s\"\n  size = {size}"));
    let workspace = Workspace::new(&with("0.2"));
    workspace.apply().ok();
    workspace.write(&with("0.25"));
    workspace.apply().ok().says("0 added, 1 changed, 0 destroyed");
    workspace.write(&with("0.1"));
    workspace.terraform(&["plan"]).ok().says("size = 0.25 -> 0.1 # forces replacement");
    workspace.apply().ok().says("1 added, 0 changed, 1 destroyed");
}

#[test]
fn a_value_that_may_turn_out_to_need_it_replaces() {
    let with = |note: &str| {
        format!(
            "resource \"thing_thing\" \"a\" {{\n  name = \"a\"\n  note = \"{note}\"\n}}\n\
             resource \"thing_thing\" \"b\" {{\n  name = \"b\"\n  size = 3 - thing_thing.a.revision\n}}\n"
        )
    };
    let workspace = Workspace::new(&with("first"));
    workspace.apply().ok();
    // The revision becomes 2, and the size with it 1, but nobody knows that while Terraform plans.
    workspace.write(&with("second"));
    workspace.apply().ok().says("1 added, 1 changed, 1 destroyed");
    workspace.nothing_to_do();
}

#[test]
fn an_attribute_that_requires_it_replaces() {
    let workspace = Workspace::new(&thing("  name = \"first\""));
    workspace.apply().ok();
    workspace.write(&thing("  name = \"second\""));
    workspace.terraform(&["plan"]).ok().says("# forces replacement").says("id = \"id-first\" -> (known after apply)");
    workspace.apply().ok().says("1 added, 0 changed, 1 destroyed");
}

#[test]
fn a_warning_of_the_plan_is_shown() {
    let workspace = Workspace::new(&thing("  name = \"unlucky\""));
    workspace.terraform(&["plan"]).ok().says("Unlucky name").says("This may end badly.");
}

#[test]
fn an_unknown_provider_configuration_still_plans() {
    let workspace = Workspace::new("");
    workspace.write_all(&format!(
        "resource \"terraform_data\" \"place\" {{\n  input = \"{}\"\n}}\n\
         provider \"thing\" {{\n  directory = terraform_data.place.output\n}}\n\
         resource \"thing_thing\" \"a\" {{\n  name = \"a\"\n}}\n",
        workspace.things().display()
    ));
    workspace.terraform(&["plan"]).ok().says("2 to add");
    // By the time of apply it is known.
    workspace.apply().ok();
    assert!(workspace.has_thing("id-a"));
}

#[test]
fn a_promise_about_an_unknown_value_lets_terraform_decide_while_it_plans() {
    // Without `never_null`, Terraform cannot tell how many there will be.
    let config = |attribute: &str| {
        format!(
            "resource \"thing_thing\" \"a\" {{\n  name = \"a\"\n}}\n\
             resource \"thing_thing\" \"b\" {{\n  count = thing_thing.a.{attribute} == null ? 0 : 1\n  name = \"b\"\n}}\n"
        )
    };
    let workspace = Workspace::new(&config("revision"));
    workspace.terraform(&["plan"]).failed().says("value depends on resource attributes that cannot be determined");
    workspace.write(&config("id"));
    workspace.terraform(&["plan"]).ok().says("2 to add");
    workspace.apply().ok();
    workspace.nothing_to_do();
}

#[test]
fn a_broken_promise_about_an_unknown_value_is_reported_with_its_name() {
    let workspace = Workspace::new(&thing("  name = \"x\"\n  mood = \"nameless\""));
    let run = workspace.apply().failed().says("Provider returned an inconsistent result");
    run.says("In the provider's answer, id is null, which the plan excludes.");
}
