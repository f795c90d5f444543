//! A step and the run profile that it runs, changed in one apply. Terraform destroys what is not needed any more before it changes
//! what has used it, unless `create_before_destroy` turns that round.

use justiam_tests::terraform::Workspace;

use super::super::world;
use super::{apply, stored_steps};

const AFTERWARDS: &str = "lifecycle {\n    create_before_destroy = true\n  }";

fn systems() -> String {
    let system = |name: &str| {
        format!(
            "resource \"justiam_connected_system\" \"{name}\" {{\n  name = \"{name}\"\n  csv = {{ file_path = \"/srv/{name}.csv\", \
             id_column = \"id\", email_column = \"mail\" }}\n}}\n"
        )
    };
    system("hr") + &system("payroll")
}

fn profile(name: &str, system: &str, more: &str) -> String {
    format!(
        "resource \"justiam_run_profile\" \"{name}\" {{\n  connected_system_id = justiam_connected_system.{system}.id\n  \
         name = \"{name}\"\n  run_type = \"FullImport\"\n  {more}\n}}\n"
    )
}

/// A schedule that runs these profiles.
fn schedule(profiles: &[&str]) -> String {
    let step = |name: &&str| {
        format!(
            "    {{ step_type = \"RunProfile\", connected_system_id = justiam_run_profile.{name}.connected_system_id, run_profile_id = \
             justiam_run_profile.{name}.id }},\n"
        )
    };
    super::schedule(&format!("steps = [\n{}]", profiles.iter().map(step).collect::<String>()))
}

/// What a user does with a step of the type `RunProfile` and its run profile: both go.
async fn remove_both(workspace: &Workspace, more: &str) {
    apply(workspace, &(systems() + &profile("stays", "hr", more) + &schedule(&["stays"]))).await;
}

fn both(more: &str) -> String {
    systems() + &profile("stays", "hr", more) + &profile("goes", "hr", more) + &schedule(&["stays", "goes"])
}

#[tokio::test]
async fn a_step_goes_with_its_run_profile() {
    let (server, workspace) = world().await;
    apply(&workspace, &both(AFTERWARDS)).await;
    remove_both(&workspace, AFTERWARDS).await;
    assert_eq!(stored_steps(&server).await.len(), 1);
    workspace.destroy().await.ok();
}

#[tokio::test]
async fn what_is_needed_can_be_said_later() {
    let (server, workspace) = world().await;
    apply(&workspace, &both("")).await;
    workspace.config(&both(AFTERWARDS));
    workspace.apply().await.ok();
    remove_both(&workspace, AFTERWARDS).await;
    assert_eq!(stored_steps(&server).await.len(), 1);
}

#[tokio::test]
async fn without_it_the_error_says_what_to_do() {
    let (server, workspace) = world().await;
    apply(&workspace, &both("")).await;
    workspace.config(&(systems() + &profile("stays", "hr", "") + &schedule(&["stays"])));
    let said = workspace.apply().await;
    said.fails_with(&["Could not delete the run profile `goes`", "`Nightly`", "create_before_destroy = true"]);
    assert_eq!(stored_steps(&server).await.len(), 2);
    // The way out that the error names: first the step, then the run profile.
    workspace.config(&(systems() + &profile("stays", "hr", "") + &profile("goes", "hr", "") + &schedule(&["stays"])));
    workspace.apply().await.ok();
    remove_both(&workspace, "").await;
}

#[tokio::test]
async fn a_run_profile_is_replaced_under_its_step() {
    let (server, workspace) = world().await;
    let config = |system: &str, more: &str| systems() + &profile("moves", system, more) + &schedule(&["moves"]);
    apply(&workspace, &config("hr", AFTERWARDS)).await;
    let before = stored_steps(&server).await.remove(0);
    apply(&workspace, &config("payroll", AFTERWARDS)).await;
    let after = stored_steps(&server).await.remove(0);
    assert_eq!(after.id, before.id);
    assert_ne!(after.connected_system_id, before.connected_system_id);
    assert_ne!(after.run_profile_id, before.run_profile_id);
}

#[tokio::test]
async fn a_step_goes_with_its_run_profile_and_the_connected_system() {
    let (server, workspace) = world().await;
    let stays = || systems() + &profile("stays", "hr", AFTERWARDS);
    let gone = systems().replace("\"payroll\"", "\"old\"");
    let (_, gone) = gone.split_at(gone.find("resource \"justiam_connected_system\" \"old\"").unwrap());
    apply(&workspace, &(stays() + gone + &profile("goes", "old", AFTERWARDS) + &schedule(&["stays", "goes"]))).await;
    apply(&workspace, &(stays() + &schedule(&["stays"]))).await;
    assert!(server.client.connected_systems().find("old").await.unwrap().is_none());
}
