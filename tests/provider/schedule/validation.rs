//! Mistakes that are found at plan time, without a server.

use justiam_tests::terraform::Workspace;

/// A workspace whose server does not exist: whoever asks it fails.
fn offline() -> Workspace {
    Workspace::new("http://127.0.0.1:1", "none")
}

const TIMES: [(&str, &str); 4] =
    [("name", "\"Nightly\""), ("trigger_type", "\"Cron\""), ("days_of_week", "[1, 2]"), ("run_times", "[\"06:00\"]")];

const INTERVAL: [(&str, &str); 8] = [
    ("name", "\"Nightly\""),
    ("trigger_type", "\"Cron\""),
    ("pattern_type", "\"Interval\""),
    ("days_of_week", "[1, 2]"),
    ("interval_value", "15"),
    ("interval_unit", "\"Minutes\""),
    ("interval_window_start", "\"08:00\""),
    ("interval_window_end", "\"18:00\""),
];

const CUSTOM: [(&str, &str); 4] = [
    ("name", "\"Nightly\""),
    ("trigger_type", "\"Cron\""),
    ("pattern_type", "\"Custom\""),
    ("cron_expression", "\"0 6 * * 1-5\""),
];

/// A schedule with these attributes, of which the last of a name counts.
fn schedule(attributes: &[(&str, &str)], changes: &[(&str, &str)]) -> String {
    let mut all = attributes.to_vec();
    for (name, value) in changes {
        all.retain(|(other, _)| other != name);
        all.push((name, value));
    }
    let lines: Vec<String> = all.iter().map(|(name, value)| format!("  {name} = {value}")).collect();
    format!("resource \"justiam_schedule\" \"s\" {{\n{}\n}}\n", lines.join("\n"))
}

type Case<'a> = (&'a [(&'a str, &'a str)], &'a str, &'a str, &'a [&'a str]);

#[tokio::test]
async fn each_mistake_is_reported_on_its_attribute_with_a_hint() {
    let cases: [Case<'_>; 34] = [
        (&TIMES, "name", "\"  \"", &["Invalid name", "must not be blank"]),
        (&TIMES, "name", "join(\"\", [for i in range(201) : \"x\"])", &["has 201 characters; 200 are allowed"]),
        (&TIMES, "description", "join(\"\", [for i in range(1001) : \"x\"])", &["1000 characters"]),
        (&TIMES, "trigger_type", "\"cron\"", &["Invalid trigger type", "hint: write `Cron`"]),
        (&TIMES, "pattern_type", "\"Daily\"", &["must be one of `SpecificTimes`, `Interval`, `Custom`"]),
        (&TIMES, "timezone", "\"CET\"", &["Invalid time zone", "`Europe/Zurich`"]),
        (
            &TIMES,
            "days_of_week",
            "null",
            &["Missing days of week", "is not set, so it is `SpecificTimes`", "hint: such as"],
        ),
        (&TIMES, "days_of_week", "[]", &["1 to 7 elements"]),
        (&TIMES, "days_of_week", "[7]", &["whole number from 0 to 6"]),
        (&TIMES, "days_of_week", "[0.5]", &["whole number from 0 to 6"]),
        (&TIMES, "run_times", "null", &["Missing run times", "`run_times = [\"06:00\"]`"]),
        (&TIMES, "run_times", "[]", &["Invalid run times", "no time of day"]),
        (&TIMES, "run_times", "[\"24:00\"]", &["Invalid time of day", "`24:00` is not a time of day"]),
        (&TIMES, "run_times", "[\"6:00\", \"06:00\"]", &["twice, in two spellings"]),
        (
            &TIMES,
            "run_times",
            "[for i in range(34) : format(\"15:%02d\", i)]",
            &["34 times of day have more than 200 characters", "33 times always fit", "Interval"],
        ),
        (&TIMES, "interval_value", "5", &["Unexpected interval value", "set `pattern_type = \"Interval\"`"]),
        (
            &TIMES,
            "cron_expression",
            "\"0 6 * * *\"",
            &["Unexpected cron expression", "set `pattern_type = \"Custom\"`"],
        ),
        (&INTERVAL, "interval_value", "60", &["whole number from 1 to 59"]),
        (&INTERVAL, "interval_value", "0", &["whole number from 1 to 59"]),
        (&INTERVAL, "interval_value", "null", &["Missing interval value"]),
        (&INTERVAL, "interval_unit", "\"minutes\"", &["Invalid interval unit", "hint: write `Minutes`"]),
        (&INTERVAL, "interval_unit", "null", &["Missing interval unit"]),
        (&INTERVAL, "interval_window_start", "null", &["Missing interval window start", "\"08:00\""]),
        (&INTERVAL, "interval_window_start", "\"8\"", &["Invalid time of day"]),
        (&INTERVAL, "interval_window_end", "null", &["Missing interval window end", "\"18:00\""]),
        (&INTERVAL, "interval_window_end", "\"8:00\"", &["Invalid window", "\"00:00\"` to `\"23:59\""]),
        (&INTERVAL, "days_of_week", "null", &["Missing days of week", "`pattern_type` is `Interval`"]),
        (&INTERVAL, "run_times", "[\"06:00\"]", &["Unexpected run times", "set `pattern_type = \"SpecificTimes\"`"]),
        (&CUSTOM, "cron_expression", "null", &["Missing cron expression", "0 6 * * 1-5"]),
        (
            &CUSTOM,
            "cron_expression",
            "\"61 * * * *\"",
            &["Invalid cron expression", "`61` is not a valid minute field"],
        ),
        (&CUSTOM, "cron_expression", "\"0 0 30 2 *\"", &["never fires"]),
        (&CUSTOM, "cron_expression", "join(\",\", [for i in range(60) : i])", &["100 characters"]),
        (&CUSTOM, "days_of_week", "[1]", &["Unexpected days of week"]),
        (&CUSTOM, "pattern_type", "\"SpecificTimes\"", &["Missing days of week", "Unexpected cron expression"]),
    ];
    let workspace = offline();
    for (attributes, attribute, value, texts) in cases {
        workspace.config(&schedule(attributes, &[(attribute, value)]));
        let said = workspace.run(&["validate", "-no-color"]).await.fails_with(texts);
        assert!(said.text.contains("on main.tf line"), "{attribute}: {}", said.text);
    }
}

#[tokio::test]
async fn each_mistake_in_a_step_is_reported_with_the_steps_place() {
    let step = |attributes: &str| {
        format!("[{{ step_type = \"Executable\", executable_path = \"/bin/true\" }}, {{ {attributes} }}]")
    };
    let cases: [(&str, &[&str]); 31] = [
        ("step_type = \"RunProfile\"", &["steps[1].connected_system_id", "steps[1].run_profile_id", "hint: such as"]),
        ("step_type = \"RunProfile\", connected_system_id = 1", &["Missing run_profile_id", "steps[1].run_profile_id"]),
        ("step_type = \"RunProfile\", connected_system_id = 0, run_profile_id = 1", &["steps[1].connected_system_id"]),
        ("step_type = \"PowerShell\"", &["Missing script_path", "/srv/scripts/notify.ps1"]),
        ("step_type = \"Executable\"", &["Missing executable_path", "steps[1].executable_path"]),
        (
            "step_type = \"Executable\", executable_path = \"bin/true\"",
            &["Invalid path", "steps[1].executable_path: ", "begin with `/`"],
        ),
        ("step_type = \"Executable\", executable_path = \"\"", &["Invalid path"]),
        (
            "step_type = \"Executable\", executable_path = \"/x\", working_directory = \"x\"",
            &["steps[1].working_directory: "],
        ),
        (
            "step_type = \"Executable\", executable_path = \"/x\", script_path = \"/y\"",
            &["Unexpected script_path", "no effect in a `Executable` step"],
        ),
        ("step_type = \"PowerShell\", script_path = \"/x\", run_profile_id = 1", &["Unexpected run_profile_id"]),
        (
            "step_type = \"PowerShell\", script_path = \"/${join(\"\", [for i in range(500) : \"x\"])}\"",
            &["has 501 characters; 500 are allowed"],
        ),
        (
            "step_type = \"PowerShell\", script_path = \"/x\", arguments = join(\"\", [for i in range(1001) : \"xx\"])",
            &["2000 characters"],
        ),
        ("step_type = \"SqlScript\"", &["Missing sql_connection_string", "Missing sql_script_path"]),
        (
            "step_type = \"SqlScript\", sql_script_path = \"/x\", sql_connection_string = \"Server=h\"",
            &["Invalid connection string", "`sqlite:`"],
        ),
        (
            "step_type = \"SqlScript\", sql_script_path = \"/x\", sql_connection_string = \"postgres://u:***@h/x\"",
            &["what the server shows"],
        ),
        (
            "step_type = \"SqlScript\", sql_script_path = \"/x\", sql_connection_string = \"postgres://u:a b@h/x\"",
            &["must not contain blanks"],
        ),
        (
            "step_type = \"SqlScript\", sql_script_path = \"/x\", sql_connection_string_wo = \"mysql://h/x\"",
            &["Invalid connection string"],
        ),
        (
            "step_type = \"SqlScript\", sql_script_path = \"/x\", sql_connection_string = \"sqlite:/a\", sql_connection_string_wo = \"sqlite:/a\"",
            &["Conflicting attributes", "steps[1].sql_connection_string_wo: Only one of"],
        ),
        (
            "step_type = \"SqlScript\", sql_script_path = \"/x\", sql_connection_string = \"sqlite:/a\", sql_connection_string_wo_version = 1",
            &["`sql_connection_string_wo_version` requires `sql_connection_string_wo`"],
        ),
        (
            "step_type = \"Executable\", executable_path = \"/x\", sql_connection_string = \"sqlite:/a\"",
            &["Unexpected sql_connection_string"],
        ),
        ("step_type = \"Program\", executable_path = \"/x\"", &["Invalid step type", "`RunProfile`"]),
        ("step_type = \"powershell\", script_path = \"/x\"", &["hint: write `PowerShell`"]),
        (
            "step_type = \"Executable\", executable_path = \"/x\", execution_mode = \"Parallel\"",
            &["Invalid execution mode", "`ParallelWithPrevious`"],
        ),
        ("step_type = \"Executable\", executable_path = \"/x\", timeout_seconds = 0", &["from 1 to 86400"]),
        (
            "step_type = \"Executable\", executable_path = \"/x\", timeout_seconds = 86401",
            &["steps[1].timeout_seconds: "],
        ),
        (
            "step_type = \"Executable\", executable_path = \"/x\", step_index = 0",
            &["Invalid step index", "steps[0].step_index: It has no `step_index`"],
        ),
        ("step_type = \"Executable\", executable_path = \"/x\", step_index = 1001", &["from 0 to 1000"]),
        ("step_type = \"Executable\", executable_path = \"/x\", step_index = -1", &["from 0 to 1000"]),
        ("step_type = \"Executable\", executable_path = \"/x\", name = \"\"", &["steps[1].name: "]),
        (
            "step_type = \"Executable\", executable_path = \"/x\", name = join(\"\", [for i in range(201) : \"x\"])",
            &["200 characters"],
        ),
        ("executable_path = \"/x\"", &["attribute \"step_type\" is required"]),
    ];
    let workspace = offline();
    for (attributes, texts) in cases {
        let steps = step(attributes);
        workspace.config(&schedule(&TIMES, &[("steps", &steps)]));
        let said = workspace.run(&["validate", "-no-color"]).await;
        // What Terraform itself finds has words of its own.
        let told = said.code != 0 && texts.iter().all(|text| said.flat().contains(text));
        assert!(told, "{attributes}: {texts:?} are not in:\n{}", said.text);
    }
    workspace.config(&schedule(&TIMES, &[("steps", "[null]")]));
    workspace.run(&["validate", "-no-color"]).await.fails_with(&["Missing step", "steps[0]: a step must not be null"]);
    let many = "[for i in range(1001) : { step_type = \"Executable\", executable_path = \"/x\" }]";
    workspace.config(&schedule(&TIMES, &[("steps", many)]));
    workspace.run(&["validate", "-no-color"]).await.fails_with(&["Invalid number of elements", "0 to 1000 elements"]);
}

#[tokio::test]
async fn steps_that_are_not_in_their_order_are_named() {
    let workspace = offline();
    let steps = |indexes: &[&str]| {
        let step =
            |index: &&str| format!("{{ step_type = \"Executable\", executable_path = \"/x\", step_index = {index} }}");
        format!("[{}]", indexes.iter().map(step).collect::<Vec<_>>().join(", "))
    };
    workspace.config(&schedule(&TIMES, &[("steps", &steps(&["0", "5", "3"]))]));
    workspace.run(&["validate", "-no-color"]).await.fails_with(&[
        "steps[2].step_index: `step_index` is 3, and a step before it has 5",
        "hint: move the step up in the list",
    ]);
    workspace.config(&schedule(&TIMES, &[("steps", &steps(&["0", "0", "7", "1000"]))]));
    workspace.run(&["validate", "-no-color"]).await.ok();
}

#[tokio::test]
async fn a_connection_string_is_never_shown() {
    let workspace = offline();
    let values = [
        "canary://u:canary@h/x",
        "postgres://u:canary@h/x y",
        "Server=h;Password=canary",
        // What only a look at the whole address tells.
        "postgres://u:canary/1@h/x",
        "postgres://u:canary@h:port/x",
        "sqlite:",
    ];
    for (attribute, value) in
        ["sql_connection_string", "sql_connection_string_wo"].iter().flat_map(|name| values.map(|value| (*name, value)))
    {
        let steps = format!("[{{ step_type = \"SqlScript\", sql_script_path = \"/x\", {attribute} = var.secret }}]");
        let variable = format!("variable \"secret\" {{\n  sensitive = true\n  default = \"{value}\"\n}}\n");
        workspace.config(&format!("{variable}{}", schedule(&TIMES, &[("steps", &steps)])));
        let said = workspace.plan().await.fails_with(&["Invalid connection string"]);
        assert!(!said.text.contains("canary"), "{}", said.text);
    }
}

#[tokio::test]
async fn what_is_not_known_yet_passes() {
    let workspace = offline();
    let unknown = "terraform_data.d.output";
    let list = format!("[{unknown}]");
    let steps = format!(
        "[{{ step_type = {unknown}, executable_path = {unknown} }}, {{ step_type = \"RunProfile\", connected_system_id = {unknown}, \
         run_profile_id = {unknown}, step_index = null }}, {{ step_type = \"SqlScript\", sql_script_path = {unknown}, \
         sql_connection_string = {unknown} }}]"
    );
    let data = "resource \"terraform_data\" \"d\" {\n  input = \"x\"\n}\n";
    let configs = [
        schedule(&TIMES, &[("run_times", &list), ("days_of_week", &list), ("timezone", unknown), ("steps", &steps)]),
        schedule(
            &INTERVAL,
            &[("interval_unit", unknown), ("interval_window_end", unknown), ("interval_value", unknown)],
        ),
        schedule(&CUSTOM, &[("cron_expression", unknown), ("pattern_type", "null"), ("trigger_type", unknown)]),
        schedule(&CUSTOM, &[("pattern_type", unknown), ("steps", "jsondecode(terraform_data.d.output)")]),
    ];
    for config in configs {
        workspace.config(&format!("{data}{config}"));
        workspace.plan_changes().await;
    }
}

#[tokio::test]
async fn a_pattern_that_has_no_effect_is_warned_of() {
    let workspace = offline();
    let config = schedule(&TIMES, &[("trigger_type", "\"Manual\""), ("is_enabled", "true")]);
    workspace.config(&config);
    let said = workspace.run(&["validate", "-no-color"]).await.ok();
    assert!(said.flat().contains("Pattern without effect"), "{}", said.text);
    for changes in [
        [("trigger_type", "\"Cron\""), ("is_enabled", "true")],
        [("trigger_type", "\"Manual\""), ("is_enabled", "false")],
    ] {
        workspace.config(&schedule(&TIMES, &changes));
        assert!(!workspace.run(&["validate", "-no-color"]).await.ok().text.contains("Pattern"));
    }
}
