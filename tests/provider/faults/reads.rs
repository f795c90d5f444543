//! Requests that only look.

use std::fmt::Write as _;

use justiam_tests::terraform::Workspace;

use super::{KINDS, Kind, assert_errors, config, id, world};

/// Reads of tasks beyond these may be answered by one list.
const SINGLE_READS: usize = 8;

/// The kinds in groups of which each process reads every task singly.
fn groups(kinds: &[Kind]) -> impl Iterator<Item = Vec<&Kind>> {
    kinds.chunks(SINGLE_READS).map(|kinds| kinds.iter().collect())
}

fn broken(workspace: &Workspace, faults: &justiam_tests::faults::Faults, kinds: &[&Kind], times: usize) {
    for kind in kinds {
        for resource in ["justiam_scheduled_task", "justiam_schedule"] {
            let id = id(workspace, &format!("{resource}.{}", kind.name));
            faults.inject("GET", &id, times, (kind.fault)());
        }
    }
}

#[tokio::test]
async fn u35_no_failed_read_empties_the_state() {
    for kinds in groups(&KINDS) {
        let (_server, faults, mut workspace) = world(0).await;
        workspace.config(&config(&kinds, "d"));
        workspace.apply().await.ok();
        let before = workspace.state_text();
        let expected: Vec<(String, &str)> = kinds
            .iter()
            .flat_map(|kind| {
                let (name, says) = (kind.name, kind.says);
                let task = (format!("Could not read the task `task-{name}`"), says);
                [task, (format!("Could not read the schedule `schedule-{name}`"), says)]
            })
            .collect();
        for command in [&["plan"][..], &["apply", "-auto-approve"], &["destroy", "-auto-approve"]] {
            broken(&workspace, &faults, &kinds, 1);
            let said = workspace.run(&[command, &["-input=false", "-no-color"]].concat()).await;
            assert_eq!(said.code, 1, "{}", said.text);
            assert_errors(&said, &expected);
            assert_eq!(faults.hit() % (2 * kinds.len()), 0);
            assert_eq!(workspace.state_text(), before, "{command:?}");
        }
        workspace.plan_nothing().await;

        // What may pass is tried again, and nobody notices.
        workspace.variable("JUSTIAM_MAX_RETRIES", "1");
        let passing: Vec<&Kind> = kinds.into_iter().filter(|kind| kind.passes).collect();
        broken(&workspace, &faults, &passing, 1);
        let hit = faults.hit();
        workspace.plan_nothing().await;
        assert_eq!(faults.hit() - hit, 2 * passing.len());
    }
}

#[tokio::test]
async fn imports_and_data_sources_fail_clearly_and_leave_nothing_behind() {
    for kinds in groups(&KINDS) {
        let (_server, faults, workspace) = world(0).await;
        let config = config(&kinds, "d");
        workspace.config(&config);
        workspace.apply().await.ok();
        let (mut imports, mut sources, mut imported, mut read) = (config, String::new(), Vec::new(), Vec::new());
        for kind in &kinds {
            for (resource, noun) in [("justiam_scheduled_task", "task"), ("justiam_schedule", "schedule")] {
                let (name, says) = (kind.name, kind.says);
                let id = id(&workspace, &format!("{resource}.{name}"));
                let _ = writeln!(imports, "import {{\n  to = {resource}.{name}\n  id = \"{id}\"\n}}");
                let _ = writeln!(sources, "data \"{resource}\" \"{name}\" {{\n  id = \"{id}\"\n}}");
                imported.push((format!("Could not import the {noun} `{id}`"), says));
                read.push((format!("Could not read the {noun} `{id}`"), says));
                faults.inject("GET", &id, 1, (kind.fault)());
            }
        }
        // Terraform has never heard of them.
        std::fs::remove_file(workspace.path().join("terraform.tfstate")).unwrap();
        workspace.config(&sources);
        let said = workspace.plan().await;
        assert_errors(&said, &read);

        for (summary, _) in &imported {
            let id = summary.rsplit('`').nth(1).unwrap();
            let kind = kinds[imported.iter().position(|(other, _)| other == summary).unwrap() / 2];
            faults.inject("GET", id, 1, (kind.fault)());
        }
        workspace.config(&imports);
        let said = workspace.apply().await;
        assert_errors(&said, &imported);
        assert_eq!(workspace.attributes(&format!("justiam_schedule.{}", kinds[0].name)), None);
        let said = workspace.apply().await.ok();
        let all = format!("{} imported, 0 added, 0 changed, 0 destroyed", imported.len());
        assert!(said.text.contains(&all), "{}", said.text);
    }
}
