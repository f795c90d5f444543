//! Connection strings: when they are sent, where they are shown, and how drift is seen.

use std::fs;

use justiam_sdk::api::ids::StepId;
use justiam_sdk::api::schedules::{Schedule, ScheduleStep};

use super::super::world;
use super::{ADDRESS, apply, program, stored, stored_steps, with_steps};

const CANARY: &str = "canary-7b3e90";

fn address(password: &str) -> String {
    format!("postgres://u:{password}@db.example.com/x")
}

/// A step with its connection string in this attribute.
fn sql(attribute: &str, password: &str, more: &str) -> String {
    let address = address(password);
    format!("{{ step_type = \"SqlScript\", sql_script_path = \"/a.sql\", {attribute} = \"{address}\"{more} }}")
}

fn revision(schedule: &Schedule, at: usize) -> Option<String> {
    schedule.steps.as_ref().unwrap()[at].sql_connection_string_revision.clone()
}

#[tokio::test]
async fn values_are_shown_nowhere_but_in_the_state() {
    for (attribute, in_state) in [("sql_connection_string", true), ("sql_connection_string_wo", false)] {
        let (server, mut workspace) = world().await;
        workspace.config(&with_steps(&[&sql(attribute, CANARY, "")]));
        // The most talkative log that there is, provider included.
        let log = workspace.path().join("trace.log");
        workspace.variable("TF_LOG", "TRACE");
        workspace.variable("TF_LOG_PATH", log.to_str().unwrap());
        let mut said = vec![workspace.plan_changes().await, workspace.apply().await.ok()];
        assert_eq!(workspace.state_text().contains(CANARY), in_state, "{attribute}");
        workspace.config(&with_steps(&[&program("/new", ""), &sql(attribute, CANARY, ", name = \"n\"")]));
        said.push(workspace.plan_changes().await);
        said.push(workspace.apply().await.ok());
        said.push(workspace.run(&["show", "-no-color"]).await.ok());
        workspace.plan_nothing().await;
        said.push(workspace.destroy().await.ok());
        for said in said {
            assert!(!said.text.contains(CANARY), "{}", said.text);
        }
        let trace = fs::read_to_string(log).unwrap();
        assert!(trace.contains("justiam"), "the log is empty, so it proves nothing");
        assert!(!trace.contains(CANARY), "{attribute}");
        drop(server);
    }
}

#[tokio::test]
async fn what_did_not_change_is_not_sent_again() {
    for attribute in ["sql_connection_string", "sql_connection_string_wo"] {
        let (server, workspace) = world().await;
        apply(&workspace, &with_steps(&[&sql(attribute, "one", "")])).await;
        let before = stored(&server).await;
        let step = &before.steps.as_ref().unwrap()[0];
        assert_eq!(step.sql_connection_string.as_deref(), Some("postgres://u:***@db.example.com/x"));
        // An insert, and an edit of the step itself.
        apply(&workspace, &with_steps(&[&program("/a", ""), &sql(attribute, "one", ", timeout_seconds = 5")])).await;
        let after = stored(&server).await;
        assert_eq!(after.steps.as_ref().unwrap()[1].id, step.id, "{attribute}");
        assert_eq!(revision(&after, 1), revision(&before, 0), "{attribute}");
    }
}

#[tokio::test]
async fn a_new_value_is_sent() {
    let (server, workspace) = world().await;
    apply(&workspace, &with_steps(&[&sql("sql_connection_string", "one", "")])).await;
    let before = stored(&server).await;
    workspace.config(&with_steps(&[&sql("sql_connection_string", "two", "")]));
    let plan = workspace.plan_changes().await;
    assert!(plan.text.contains("(sensitive value)"), "{}", plan.text);
    workspace.apply().await.ok();
    workspace.plan_nothing().await;
    assert_ne!(revision(&stored(&server).await, 0), revision(&before, 0));
}

#[tokio::test]
async fn a_write_only_value_is_sent_with_another_version() {
    let (server, workspace) = world().await;
    let version = |password: &str, version: &str| {
        with_steps(&[&sql(
            "sql_connection_string_wo",
            password,
            &format!(", sql_connection_string_wo_version = {version}"),
        )])
    };
    apply(&workspace, &version("one", "1")).await;
    let before = stored(&server).await;
    // The value alone is no change: Terraform does not know what it was.
    workspace.config(&version("two", "1"));
    workspace.plan_nothing().await;
    workspace.config(&version("two", "2"));
    let plan = workspace.plan_changes().await;
    assert!(plan.text.contains("sql_connection_string_wo_version"), "{}", plan.text);
    workspace.apply().await.ok();
    workspace.plan_nothing().await;
    assert_ne!(revision(&stored(&server).await, 0), revision(&before, 0));
    // To the stored attribute and back.
    apply(&workspace, &with_steps(&[&sql("sql_connection_string", "three", "")])).await;
    assert_eq!(workspace.attributes(ADDRESS).unwrap()["steps"][0]["sql_connection_string"], address("three"));
    apply(&workspace, &version("four", "2")).await;
    assert!(!workspace.state_text().contains("three"));
}

#[tokio::test]
async fn a_value_that_somebody_changed_is_written_again() {
    for attribute in ["sql_connection_string", "sql_connection_string_wo"] {
        let (server, workspace) = world().await;
        apply(&workspace, &with_steps(&[&program("/a", ""), &sql(attribute, "mine", "")])).await;
        let mine = stored(&server).await;
        let mut theirs = mine.to_new().unwrap();
        theirs.steps[1].sql_connection_string = Some(address("theirs").into());
        server.client.schedules().replace(mine.id, &theirs).await.unwrap();
        let theirs = stored(&server).await;
        assert_ne!(revision(&theirs, 1), revision(&mine, 1));
        let plan = workspace.plan_changes().await;
        assert!(plan.text.contains("0 to add, 1 to change, 0 to destroy"), "{}", plan.text);
        assert!(plan.text.contains("sql_connection_string "), "{attribute}: {}", plan.text);
        workspace.apply().await.ok();
        workspace.plan_nothing().await;
        let repaired = stored(&server).await;
        assert_ne!(revision(&repaired, 1), revision(&theirs, 1), "{attribute}");
        assert_eq!(repaired.steps.unwrap()[1].id, mine.steps.unwrap()[1].id);
    }
}

#[tokio::test]
async fn steps_that_look_the_same_run_against_their_own_databases() {
    for attribute in ["sql_connection_string", "sql_connection_string_wo"] {
        let (server, workspace) = world().await;
        // Without names, and with one script. The server shows all of the address of an SQLite file.
        let config = |databases: &[&str]| {
            let step = |database: &&str| {
                format!(
                    "{{ step_type = \"SqlScript\", sql_script_path = \"/a.sql\", {attribute} = \"sqlite:/{database}\" }}"
                )
            };
            let steps: Vec<String> = databases.iter().map(step).collect();
            with_steps(&steps.iter().map(String::as_str).collect::<Vec<_>>())
        };
        let steps = async || -> Vec<(String, StepId, Option<String>)> {
            let steps = stored_steps(&server).await.into_iter();
            let told = |step: ScheduleStep| {
                (step.sql_connection_string.unwrap(), step.id, step.sql_connection_string_revision)
            };
            steps.map(told).collect()
        };
        apply(&workspace, &config(&["a", "b", "c"])).await;
        let three = steps().await;
        apply(&workspace, &config(&["new", "a", "b", "c"])).await;
        let four = steps().await;
        assert_eq!(four[0].0, "sqlite:/new", "{attribute}");
        assert_eq!(four[1..], three, "{attribute}");
        apply(&workspace, &config(&["b", "c"])).await;
        assert_eq!(steps().await, three[1..], "{attribute}");
    }
}

#[tokio::test]
async fn steps_that_differ_in_their_passwords_alone_keep_them() {
    for attribute in ["sql_connection_string", "sql_connection_string_wo"] {
        let (server, workspace) = world().await;
        let config = |passwords: &[&str]| {
            let steps: Vec<String> = passwords.iter().map(|password| sql(attribute, password, "")).collect();
            with_steps(&steps.iter().map(String::as_str).collect::<Vec<_>>())
        };
        // A replacement with the whole string changes no revision if, and only if, the server has that string.
        let has = async |passwords: &[&str]| {
            let before = stored(&server).await;
            let mut same = before.to_new().unwrap();
            for (step, password) in same.steps.iter_mut().zip(passwords) {
                step.sql_connection_string = Some(address(password).into());
            }
            let after = server.client.schedules().replace(before.id, &same).await.unwrap();
            assert_eq!(after.revision, before.revision, "{attribute}: {passwords:?}");
        };
        apply(&workspace, &config(&["one", "two", "three"])).await;
        has(&["one", "two", "three"]).await;
        apply(&workspace, &config(&["new", "one", "two", "three"])).await;
        has(&["new", "one", "two", "three"]).await;
        apply(&workspace, &config(&["one", "two", "three"])).await;
        has(&["one", "two", "three"]).await;
        apply(&workspace, &config(&["two", "three"])).await;
        has(&["two", "three"]).await;
    }
}
