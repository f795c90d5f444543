//! The examples that the pages show: applied where the installed Terraform can, and valid in any case.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use justiam_sdk::api::connected_systems::{CsvSettings, NewConnectedSystem, NewRunProfile, RunType};
use justiam_sdk::api::schedules::NewSchedule;
use justiam_tests::server::TestServer;
use justiam_tests::terraform::{Workspace, said};
use tokio::io::AsyncWriteExt as _;

use super::{files, root};

/// Values for the variables that examples declare, in the order of their names.
const VARIABLES: [(&str, &str); 2] =
    [("directory_token", "not-a-secret"), ("report_database", "postgres://reports:pass@db.example.com/reports")];

/// A workspace with an example and the files beside it that it reads.
fn workspace(server: Option<&TestServer>, example: &Path) -> Workspace {
    let (endpoint, token) = server.map_or(("http://127.0.0.1:1", "none"), |server| (&server.endpoint, &server.token));
    let mut workspace = Workspace::new(endpoint, token);
    let text = fs::read_to_string(example).unwrap();
    if text.contains("required_providers") {
        workspace.file("main.tf", &text);
    } else {
        workspace.config(&text);
    }
    for beside in [".json", ".go"].iter().flat_map(|ending| files(example.parent().unwrap(), ending)) {
        fs::copy(&beside, workspace.path().join(beside.file_name().unwrap())).unwrap();
    }
    for (name, value) in VARIABLES {
        workspace.variable(&format!("TF_VAR_{name}"), value);
    }
    workspace
}

/// The examples of one kind of page. That none is missing is seen where the pages are made.
fn examples(kind: &str) -> Vec<PathBuf> {
    let folder = root().join("examples").join(kind);
    let mut found = if folder.exists() { files(&folder, ".tf") } else { Vec::new() };
    found.retain(|path| !path.file_name().unwrap().to_string_lossy().starts_with("import"));
    found.sort();
    found
}

/// Applies an example, looks whether anything is left to be done, and destroys what it made.
async fn apply(server: &TestServer, example: &Path) {
    let workspace = workspace(Some(server), example);
    let applied = workspace.apply().await;
    assert_eq!(applied.code, 0, "{}: {}", example.display(), applied.text);
    // What an example says of the present moment changes with it.
    if !fs::read_to_string(example).unwrap().contains("plantimestamp()") {
        let planned = workspace.plan().await;
        assert_eq!(planned.code, 0, "{} has changes after its apply: {}", example.display(), planned.text);
    }
    let destroyed = workspace.destroy().await;
    assert_eq!(destroyed.code, 0, "{}: {}", example.display(), destroyed.text);
}

#[tokio::test]
async fn the_example_of_each_resource_is_applied_planned_empty_and_destroyed() {
    let server = TestServer::start().await;
    let examples = examples("resources");
    assert!(examples.len() >= 4, "{examples:?}");
    // One after the other: some of them use the same names.
    for example in examples {
        apply(&server, &example).await;
    }
}

#[tokio::test]
async fn the_example_of_each_data_source_finds_what_it_looks_for() {
    let server = TestServer::start().await;
    let systems = server.client.connected_systems();
    let csv = CsvSettings::new("/srv/identities/hr.csv", "id", "mail");
    let hr = systems.create(&NewConnectedSystem::csv("HR", csv)).await.unwrap();
    systems.run_profiles(hr.id).create(&NewRunProfile::new("Full import", RunType::FullImport)).await.unwrap();
    server.client.schedules().create(&NewSchedule::manual("Daily Delta Sync")).await.unwrap();
    let examples = examples("data-sources");
    assert!(examples.len() >= 8, "{examples:?}");
    for example in examples {
        apply(&server, &example).await;
    }
}

#[tokio::test]
async fn the_examples_of_the_provider_its_functions_and_its_ephemeral_resources_are_applied() {
    let server = TestServer::start().await;
    let kinds = ["provider", "functions", "ephemeral-resources"];
    let examples: Vec<PathBuf> = kinds.iter().flat_map(|kind| examples(kind)).collect();
    assert!(!examples.is_empty());
    for example in examples {
        apply(&server, &example).await;
    }
}

/// Whether this Terraform knows what the example shows: it needs 1.12 for identities, and 1.14 for actions and lists.
fn is_for_a_newer_terraform(example: &Path) -> bool {
    let name = example.file_name().unwrap().to_string_lossy();
    name == "import-by-identity.tf" || name.ends_with(".hcl") || example.starts_with(root().join("examples/actions"))
}

#[tokio::test]
async fn every_other_example_is_valid() {
    let applied = ["provider", "resources", "data-sources", "functions", "ephemeral-resources"];
    let applied: Vec<PathBuf> = applied.iter().flat_map(|kind| examples(kind)).collect();
    let mut others = files(&root().join("examples"), ".tf");
    others.retain(|example| !applied.contains(example) && !is_for_a_newer_terraform(example));
    assert!(others.len() >= 8, "{others:?}");
    for example in others {
        let workspace = workspace(None, &example);
        let text = fs::read_to_string(&example).unwrap();
        if !text.contains("resource \"") && text.contains("import {") {
            // An import needs a resource to go to; the registry shows it beside the resource's own example.
            workspace.file("resource.tf", &fs::read_to_string(example.with_file_name("resource.tf")).unwrap());
        }
        let said = workspace.run(&["validate", "-no-color"]).await;
        assert_eq!(said.code, 0, "{}: {}", example.display(), said.text);
    }
}

#[tokio::test]
async fn examples_for_a_newer_terraform_can_at_least_be_read_by_this_one() {
    let mut newer = files(&root().join("examples"), ".tf");
    newer.extend(files(&root().join("examples"), ".tfquery.hcl"));
    newer.retain(|example| is_for_a_newer_terraform(example));
    for example in newer {
        let workspace = Workspace::new("http://127.0.0.1:1", "none");
        let mut format = workspace.command(&["fmt", "-no-color", "-check", "-"]).stdin(Stdio::piped()).spawn().unwrap();
        let text = fs::read(&example).unwrap();
        format.stdin.take().unwrap().write_all(&text).await.unwrap();
        let said = said(&format.wait_with_output().await.unwrap());
        assert_eq!(said.code, 0, "{} is not formatted, or no HCL: {}", example.display(), said.text);
    }
}
