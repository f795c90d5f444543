//! Creates, updates and deletes.

use std::collections::BTreeMap;

use super::{KINDS, Kind, assert_errors, config, id, names, world};

fn all() -> Vec<&'static Kind> {
    KINDS.iter().collect()
}

/// What is said where these kinds of failures are final.
fn expected(kinds: &[&Kind], doing: &str) -> Vec<(String, &'static str)> {
    let both = kinds.iter().flat_map(|kind| {
        let task = (format!("Could not {doing} the task `task-{}`", kind.name), kind.says);
        [task, (format!("Could not {doing} the schedule `schedule-{}`", kind.name), kind.says)]
    });
    both.collect()
}

/// Each task and schedule once.
fn once(kinds: &[&Kind]) -> BTreeMap<String, usize> {
    kinds.iter().flat_map(|kind| ["task", "schedule"].map(|noun| (format!("{noun}-{}", kind.name), 1))).collect()
}

#[tokio::test]
async fn u34_a_create_that_is_tried_again_makes_one_object() {
    let (server, faults, workspace) = world(1).await;
    let kinds = all();
    for kind in &kinds {
        for noun in ["task", "schedule"] {
            faults.inject("POST", &format!("\"{noun}-{}\"", kind.name), 1, (kind.fault)());
        }
    }
    workspace.config(&config(&kinds, "d"));
    let said = workspace.apply().await;
    let (passed, failed): (Vec<&Kind>, Vec<&Kind>) = kinds.iter().partition(|kind| kind.passes);
    assert_errors(&said, &expected(&failed, "create"));
    assert_eq!(faults.hit(), 2 * kinds.len());
    assert_eq!(names(&server).await, once(&passed));
    for kind in &kinds {
        let there = workspace.attributes(&format!("justiam_scheduled_task.{}", kind.name)).is_some();
        assert_eq!(there, kind.passes, "{}", kind.name);
    }
    workspace.apply().await.ok();
    workspace.plan_nothing().await;
    assert_eq!(names(&server).await, once(&kinds));
}

#[tokio::test]
async fn u36_after_a_create_whose_answer_never_came_the_error_has_an_import_block() {
    let (server, faults, workspace) = world(0).await;
    let kinds: Vec<&Kind> = KINDS.iter().filter(|kind| kind.name == "lost").collect();
    let config = config(&kinds, "d");
    faults.inject("POST", "\"task-lost\"", 1, justiam_tests::faults::Fault::LostAnswer);
    faults.inject("POST", "\"schedule-lost\"", 1, justiam_tests::faults::Fault::TruncatedAnswer);
    workspace.config(&config);
    assert_errors(&workspace.apply().await, &expected(&kinds, "create"));
    assert_eq!(names(&server).await, once(&kinds));

    // They are there, and Terraform does not know it. Nothing is taken over in silence.
    let said = workspace.apply().await.fails_with(&["To manage the existing task", "To manage the existing schedule"]);
    assert_eq!(names(&server).await, once(&kinds));
    let lines: Vec<&str> = said.text.lines().map(|line| line.trim_start_matches(['│', ' '])).collect();
    let blocks = lines.iter().enumerate().filter(|(_, line)| line.starts_with("import {"));
    let blocks: Vec<String> = blocks.map(|(at, _)| lines[at..at + 4].join("\n").replace(".this", ".lost")).collect();
    assert_eq!(blocks.len(), 2, "{}", said.text);
    workspace.config(&format!("{config}{}", blocks.join("\n")));
    let said = workspace.apply().await.ok();
    assert!(said.text.contains("2 imported, 0 added, 0 changed, 0 destroyed"), "{}", said.text);
}

#[tokio::test]
async fn an_update_that_fails_leaves_the_old_state_and_is_made_by_the_next_apply() {
    let (server, faults, workspace) = world(1).await;
    let kinds = all();
    workspace.config(&config(&kinds, "before"));
    workspace.apply().await.ok();
    for kind in &kinds {
        faults.inject("PATCH", &id(&workspace, &format!("justiam_scheduled_task.{}", kind.name)), 1, (kind.fault)());
        faults.inject("PUT", &id(&workspace, &format!("justiam_schedule.{}", kind.name)), 1, (kind.fault)());
    }
    workspace.config(&config(&kinds, "after"));
    let said = workspace.apply().await;
    let failed: Vec<&Kind> = kinds.iter().copied().filter(|kind| !kind.passes).collect();
    assert_errors(&said, &expected(&failed, "change"));
    assert_eq!(faults.hit(), 2 * kinds.len());
    for kind in &kinds {
        let expected = if kind.passes { "after" } else { "before" };
        for resource in ["justiam_scheduled_task", "justiam_schedule"] {
            let state = workspace.attributes(&format!("{resource}.{}", kind.name)).unwrap();
            assert_eq!(state["description"], expected, "{resource}.{}", kind.name);
        }
        let task = server.client.tasks().find(&format!("task-{}", kind.name)).await.unwrap().unwrap();
        assert_eq!(task.description.as_deref(), Some(expected), "{}", kind.name);
    }
    workspace.apply().await.ok();
    workspace.plan_nothing().await;
    assert_eq!(names(&server).await, once(&kinds));
}

#[tokio::test]
async fn a_delete_that_fails_is_remembered_and_one_that_is_tried_again_is_no_error() {
    let (server, faults, workspace) = world(1).await;
    let kinds = all();
    workspace.config(&config(&kinds, "d"));
    workspace.apply().await.ok();
    for kind in &kinds {
        for resource in ["justiam_scheduled_task", "justiam_schedule"] {
            faults.inject("DELETE", &id(&workspace, &format!("{resource}.{}", kind.name)), 1, (kind.fault)());
        }
    }
    let said = workspace.destroy().await;
    // Of an answer to a delete only the status counts, and nobody reads its body.
    let failed: Vec<&Kind> = kinds.iter().copied().filter(|kind| !kind.passes && kind.name != "j200").collect();
    assert_errors(&said, &expected(&failed, "delete"));
    let unnoticed = KINDS.iter().filter(|kind| kind.name == "j200");
    let left: Vec<&Kind> = failed.iter().copied().chain(unnoticed).collect();
    assert_eq!(names(&server).await, once(&left));
    for kind in &kinds {
        let there = workspace.attributes(&format!("justiam_schedule.{}", kind.name)).is_some();
        assert_eq!(there, failed.iter().any(|failed| failed.name == kind.name), "{}", kind.name);
    }
    workspace.destroy().await.ok();
}
