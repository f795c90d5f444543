//! A value is looked for everywhere.

use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::process::Stdio;

use justiam_tests::faults::Fault;
use justiam_tests::process::ServerProcess;
use justiam_tests::terraform::{Workspace, said as outcome};
use justiam_tests::{soon, until};
use rustix::process::{Signal, kill_process};
use tokio::process::Command;

use super::super::SCRIPT;
use super::super::interrupts::providers_in;
use super::{ADDRESS, BOTH, Case, map, task};

/// Long enough to be compressed, and with nothing in it that JSON or HCL would write in another way.
const CANARY: &str = "canary-4f9d1c-8e27ab";

/// All files below a folder that hold the canary, also in any part of an archive.
async fn holders(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if entry.file_type().unwrap().is_dir() {
                folders.push(path);
                continue;
            }
            let Ok(mut file) = fs::File::open(&path) else { continue };
            let mut bytes = Vec::new();
            if file.read_to_end(&mut bytes).is_err() {
                continue;
            }
            if bytes.starts_with(b"PK") {
                let parts = Command::new("unzip").arg("-p").arg(&path).output().await.unwrap();
                assert!(parts.status.success() && !parts.stdout.is_empty());
                bytes = parts.stdout;
            }
            if bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes()) {
                found.push(path.file_name().unwrap().to_string_lossy().into_owned());
            }
        }
    }
    found.sort();
    found
}

#[tokio::test]
async fn u15_a_value_is_where_the_guide_says_and_nowhere_else() {
    for attribute in BOTH {
        let server_folder = tempfile::tempdir().unwrap();
        let log = fs::File::create(server_folder.path().join("server.log")).unwrap();
        let server = ServerProcess::start_logging(server_folder.path(), "127.0.0.1:0", "trace", Stdio::from(log)).await;
        let mut workspace = Workspace::new(&server.endpoint, &server.token);
        workspace.file("task.go", SCRIPT);
        // The values come from variables, so that no file of the configuration has them.
        let config = |version: &str| {
            let secrets = map(attribute, &[("A", "VALUE"), ("B", "VALUE")]).replace("\"VALUE\"", "var.value");
            // Terraform writes variables into plan files, unless they are ephemeral.
            let kind = if attribute == "secrets" { "sensitive" } else { "ephemeral" };
            let variable = format!("variable \"value\" {{\n  type = string\n  {kind} = true\n}}\n");
            variable + &task(&format!("description = \"{version}\"\n{secrets}"))
        };
        workspace.config(&config("one"));
        workspace.variable("TF_VAR_value", CANARY);
        let trace = server_folder.path().join("trace.log");
        workspace.variable("TF_LOG", "TRACE");
        workspace.variable("TF_LOG_PATH", trace.to_str().unwrap());
        let mut said = vec![
            workspace.run(&["plan", "-input=false", "-no-color", "-out=plan"]).await.ok(),
            workspace.run(&["show", "-no-color", "plan"]).await.ok(),
        ];
        let json = workspace.run(&["show", "-json", "plan"]).await.ok();
        said.push(workspace.run(&["apply", "-input=false", "-no-color", "plan"]).await.ok());
        // Another apply, so that there is a backup of the state; and one that the server refuses.
        workspace.config(&config("two"));
        said.push(workspace.apply().await.ok());
        workspace.config(&config("three").replace("0 3 * * *", "0 3 31 2 *"));
        said.push(workspace.apply().await);
        said.push(workspace.run(&["show", "-no-color"]).await.ok());
        for said in &said {
            assert!(!said.text.contains(CANARY), "{attribute}: {}", said.text);
        }
        let kept = attribute == "secrets";
        assert_eq!(json.text.contains(CANARY), kept, "{attribute}: the plan's JSON");
        let expected: &[&str] = if kept { &["plan", "terraform.tfstate", "terraform.tfstate.backup"] } else { &[] };
        assert_eq!(holders(workspace.path()).await, expected, "{attribute}");
        assert!(workspace.path().join("terraform.tfstate.backup").exists());
        assert_eq!(holders(server_folder.path()).await, [] as [String; 0], "{attribute}");
        let trace = fs::read_to_string(&trace).unwrap();
        assert!(trace.contains("secret_revisions") || trace.contains("justiam"), "the log proves nothing");
        server.kill().await;
        assert_eq!(holders(server_folder.path()).await, [] as [String; 0], "{attribute}");
    }
}

#[tokio::test]
async fn a_provider_that_dies_with_a_value_in_its_hands_shows_it_nowhere() {
    for attribute in BOTH {
        let mut case = Case::start().await;
        // Where Terraform reports the end of a plugin, with all that it knows.
        let traces = tempfile::tempdir().unwrap();
        let trace = traces.path().join("trace.log");
        case.workspace.variable("TF_LOG", "TRACE");
        case.workspace.variable("TF_LOG_PATH", trace.to_str().unwrap());
        case.config(&map(attribute, &[("A", CANARY)]));
        case.faults.inject("POST", "/tasks", 1, Fault::Silence);
        let apply = case.workspace.spawn(&["apply", "-input=false", "-no-color", "-auto-approve"]);
        until("the request", async || case.faults.hit() == 1).await;
        for provider in providers_in(case.workspace.path()) {
            kill_process(provider, Signal::KILL).unwrap();
        }
        let said = outcome(&soon("the end of the apply", apply.wait_with_output()).await.unwrap());
        let said = said.fails_with(&["plugin"]);
        assert!(!said.text.contains(CANARY), "{}", said.text);
        assert!(case.faults.take().iter().any(|seen| seen.body.contains(CANARY)), "the request had no value");
        assert_eq!(holders(case.workspace.path()).await, ["main.tf"]);
        assert_eq!(holders(traces.path()).await, [] as [String; 0]);
    }
}

#[tokio::test]
async fn a_value_is_shown_by_no_change_that_fails_nor_by_import_and_destroy() {
    for attribute in BOTH {
        let mut case = Case::start().await;
        let traces = tempfile::tempdir().unwrap();
        case.workspace.variable("TF_LOG", "TRACE");
        case.workspace.variable("TF_LOG_PATH", traces.path().join("trace.log").to_str().unwrap());
        let mut said = Vec::new();
        case.config(&map(attribute, &[("A", "first")]));
        said.push(case.workspace.apply().await.ok());
        case.config(&map(attribute, &[("A", CANARY), ("B", CANARY)]));
        for fault in [
            Fault::problem(403, "FORBIDDEN", "not today"),
            Fault::problem(400, "BAD_REQUEST", "not so"),
            Fault::problem(412, "PRECONDITION_FAILED", "too late"),
            Fault::html(413),
        ] {
            case.faults.inject("PATCH", "/tasks/", 1, fault);
            said.push(case.workspace.apply().await.fails_with(&["Could not change the task"]));
        }
        // A provider that aborts, as after a mistake that nothing catches, in the middle of a change.
        case.faults.inject("PATCH", "/tasks/", 1, Fault::Silence);
        let hits = case.faults.hit();
        let apply = case.workspace.spawn(&["apply", "-input=false", "-no-color", "-auto-approve"]);
        until("the request", async || case.faults.hit() > hits).await;
        for provider in providers_in(case.workspace.path()) {
            kill_process(provider, Signal::ABORT).unwrap();
        }
        said.push(outcome(&soon("the end of the apply", apply.wait_with_output()).await.unwrap()));
        assert!(case.faults.take().iter().any(|seen| seen.body.contains(CANARY)), "no request had a value");
        assert_eq!(holders(case.workspace.path()).await, ["main.tf"]);
        // An import asks the server about the values, and is refused once.
        said.push(case.workspace.apply().await.ok());
        said.push(case.workspace.run(&["state", "rm", ADDRESS]).await.ok());
        said.push(case.workspace.run(&["import", "-no-color", "-input=false", ADDRESS, "Task"]).await.ok());
        case.faults.inject("POST", "/secrets/compare", 1, Fault::problem(400, "BAD_REQUEST", "not so"));
        said.push(case.workspace.apply().await.fails_with(&["Could not change the task"]));
        said.push(case.workspace.apply().await.ok());
        said.push(case.workspace.destroy().await.ok());
        for said in &said {
            assert!(!said.text.contains(CANARY), "{attribute}: {}", said.text);
        }
        assert_eq!(holders(traces.path()).await, [] as [String; 0], "{attribute}");
        let expected: &[&str] =
            if attribute == "secrets" { &["main.tf", "terraform.tfstate.backup"] } else { &["main.tf"] };
        let mut found = holders(case.workspace.path()).await;
        found.retain(|name| !name.ends_with(".backup") || name == "terraform.tfstate.backup");
        assert_eq!(found, expected, "{attribute}");
    }
}
