//! What the examples' README says is true.

use std::fs;

use justiam_sdk::api::values::RunStatus;
use serde_json::Value;

use super::github;
use super::world::folder;

fn readme() -> String {
    fs::read_to_string(folder("README.md")).unwrap()
}

#[tokio::test]
async fn its_commands_give_a_file_to_a_variable_apply_an_example_and_run_it() {
    let (world, github) = github::world().await;
    let mut variables = github::variables(&github);
    assert_eq!(variables.as_object_mut().unwrap().remove("app_private_key"), Some(Value::from(github::KEY)));
    world.variables(&variables);
    world.file("app.pem", github::KEY);
    let commands: String =
        readme().split("```shell\n").skip(1).map(|block| block.split("```").next().unwrap().to_owned()).collect();
    let said = world.shell(&commands).await;
    let run = world.only_run().await;
    assert_eq!(run.status, RunStatus::Success, "{:?}", run.error);
    assert!(run.output.unwrap().starts_with("2 teams: 2 members added, 2 removed\n"));
    assert!(said.text.contains(&format!("{{\"data\":[{{\"id\":\"{}\"", run.id)), "{}", said.text);
}

#[test]
fn its_table_says_which_examples_run_by_themselves() {
    for example in fs::read_dir(folder("")).unwrap().flatten().filter(|entry| entry.path().is_dir()) {
        let name = example.file_name().into_string().unwrap();
        let main = fs::read_to_string(example.path().join("main.tf")).unwrap();
        let text = readme();
        let row = text.lines().find(|line| line.starts_with(&format!("| `{name}` |"))).unwrap();
        // A task that fires once and has no instant for that fires never.
        let triggered = main.lines().all(|line| !line.trim_start().starts_with("cron_expr"));
        assert_eq!(row.ends_with("| when you trigger it |"), triggered, "{row}");
    }
}
