//! What a configuration says around resources: `moved`, `removed` and `import` blocks, `for_each`, modules, `lifecycle`, tests and
//! checks; and the options of commands that choose among objects.

mod checked;
mod generated;

use std::collections::BTreeMap;
use std::fs;

use futures::TryStreamExt as _;
use justiam_sdk::api::schedules::ScheduleQuery;
use justiam_sdk::api::tasks::TaskQuery;
use justiam_tests::server::TestServer;
use justiam_tests::terraform::Workspace;
use serde_json::Value as Json;

use super::world;

/// A task that only a trigger runs.
fn on_demand(label: &str, more: &str) -> String {
    format!(
        "resource \"justiam_scheduled_task\" \"{label}\" {{\n  task_type = \"audit_log_cleanup\"\n  schedule_type = \"once\"\n{more}\n}}\n"
    )
}

/// A connected system, a run profile of it, and a schedule that uses both.
const CHAIN: &str = r#"
resource "justiam_connected_system" "hr" {
  name = "HR"
  csv  = { file_path = "/srv/hr.csv", id_column = "id", email_column = "mail" }
}

resource "justiam_run_profile" "full" {
  connected_system_id = justiam_connected_system.hr.id
  name                = "Full"
  run_type            = "FullImport"
}

resource "justiam_schedule" "nightly" {
  name  = "Nightly"
  steps = [{
    step_type           = "RunProfile"
    connected_system_id = justiam_connected_system.hr.id
    run_profile_id      = justiam_run_profile.full.id
  }]
}
"#;

/// The revision of each task by its name, and of each schedule; none of the built-in ones.
async fn revisions(server: &TestServer) -> BTreeMap<String, String> {
    let tasks: Vec<_> = server.client.tasks().list(TaskQuery::new()).try_collect().await.unwrap();
    let schedules: Vec<_> = server.client.schedules().list(ScheduleQuery::new()).try_collect().await.unwrap();
    let tasks = tasks.into_iter().filter(|task| !task.is_system).map(|task| (task.name, task.revision));
    tasks.chain(schedules.into_iter().map(|schedule| (schedule.name, schedule.revision))).collect()
}

/// The addresses in the state.
async fn addresses(workspace: &Workspace) -> Vec<String> {
    let said = workspace.run(&["state", "list"]).await.ok();
    said.text.lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn what_is_renamed_or_moves_into_a_module_stays_the_same_object() {
    let (server, workspace) = world().await;
    workspace.config(&(on_demand("old", "name = \"T\"\nsecrets = { A = \"1\" }") + CHAIN));
    workspace.apply().await.ok();
    let before = revisions(&server).await;

    let moved = |from: &str, to: &str| format!("moved {{\n  from = {from}\n  to = {to}\n}}\n");
    let renamed = CHAIN.replace("\"nightly\"", "\"each_night\"");
    workspace.config(
        &(on_demand("new", "name = \"T\"\nsecrets = { A = \"1\" }")
            + &renamed
            + &moved("justiam_scheduled_task.old", "justiam_scheduled_task.new")
            + &moved("justiam_schedule.nightly", "justiam_schedule.each_night")),
    );
    let said = workspace.apply().await.ok();
    assert!(said.text.contains("0 added, 0 changed, 0 destroyed"), "{}", said.text);

    fs::create_dir(workspace.path().join("inside")).unwrap();
    let source =
        "terraform {\n  required_providers {\n    justiam = {\n      source = \"justiam/justiam\"\n    }\n  }\n}\n";
    let task = on_demand("it", "name = \"T\"\nsecrets = { A = \"1\" }");
    workspace.file("inside/main.tf", &format!("{source}{task}{CHAIN}"));
    let mut module = "module \"m\" {\n  source = \"./inside\"\n}\n".to_owned();
    for (from, to) in [
        ("justiam_scheduled_task.new", "justiam_scheduled_task.it"),
        ("justiam_schedule.each_night", "justiam_schedule.nightly"),
        ("justiam_connected_system.hr", "justiam_connected_system.hr"),
        ("justiam_run_profile.full", "justiam_run_profile.full"),
    ] {
        module += &moved(from, &format!("module.m.{to}"));
    }
    workspace.config(&module);
    workspace.run(&["get", "-no-color"]).await.ok();
    let said = workspace.apply().await.ok();
    assert!(said.text.contains("0 added, 0 changed, 0 destroyed"), "{}", said.text);
    workspace.plan_nothing().await;
    assert_eq!(revisions(&server).await, before);
    assert!(addresses(&workspace).await.iter().all(|address| address.starts_with("module.m.")));
}

#[tokio::test]
async fn what_is_removed_without_being_destroyed_stays_on_the_server() {
    let (server, workspace) = world().await;
    workspace.config(&(on_demand("t", "name = \"T\"") + CHAIN));
    workspace.apply().await.ok();
    let before = revisions(&server).await;
    let types = ["scheduled_task.t", "schedule.nightly", "run_profile.full", "connected_system.hr"];
    let removed = types.map(|address| {
        format!("removed {{\n  from = justiam_{address}\n  lifecycle {{\n    destroy = false\n  }}\n}}\n")
    });
    workspace.config(&removed.concat());
    let said = workspace.apply().await.ok();
    assert!(said.text.contains("0 added, 0 changed, 0 destroyed"), "{}", said.text);
    assert_eq!(addresses(&workspace).await, [""; 0]);
    assert_eq!(revisions(&server).await, before);
    assert!(server.client.connected_systems().find("HR").await.unwrap().is_some());
}

#[tokio::test]
async fn u28_a_change_of_one_object_touches_no_other() {
    let (server, workspace) = world().await;
    let tasks = |a: &str, keys: &str| {
        format!(
            "{CHAIN}{}",
            on_demand(
                "each",
                &format!(
                    "for_each = {{ {keys} }}\nname = each.key\ndescription = each.value\nsecrets = {{ A = \"{a}\" }}"
                )
            )
        )
    };
    workspace.config(&tasks("1", "a = 1, b = 2, c = 3"));
    workspace.apply().await.ok();
    let before = revisions(&server).await;
    assert_eq!(before.keys().collect::<Vec<_>>(), ["Nightly", "a", "b", "c"]);

    // One of a `for_each` is changed, one goes, one comes.
    workspace.config(&tasks("1", "a = 1, b = 22, d = 4"));
    let said = workspace.apply().await.ok();
    assert!(said.text.contains("1 added, 1 changed, 1 destroyed"), "{}", said.text);
    let after = revisions(&server).await;
    assert_eq!(after.keys().collect::<Vec<_>>(), ["Nightly", "a", "b", "d"]);
    assert_eq!((&after["a"], &after["Nightly"]), (&before["a"], &before["Nightly"]));
    assert_ne!(after["b"], before["b"]);

    // What a schedule's step refers to is changed in place, and the schedule is not written.
    workspace
        .config(&tasks("1", "a = 1, b = 22, d = 4").replace("\"Full\"", "\"Renamed\"").replace("hr.csv", "hr2.csv"));
    let said = workspace.apply().await.ok();
    assert!(said.text.contains("0 added, 2 changed, 0 destroyed"), "{}", said.text);
    assert_eq!(revisions(&server).await, after);

    // What a step still refers to is not deleted behind its back.
    let said =
        workspace.run(&["destroy", "-input=false", "-no-color", "-auto-approve", "-target=justiam_run_profile.full"]);
    // Terraform itself takes the schedule along, because it depends on the run profile.
    let said = said.await.ok();
    assert!(said.text.contains("2 destroyed"), "{}", said.text);
    workspace.apply().await.ok();
    let system = server.client.connected_systems().find("HR").await.unwrap().unwrap().id;
    workspace.run(&["state", "rm", "justiam_schedule.nightly"]).await.ok();
    let refused =
        workspace.run(&["destroy", "-input=false", "-no-color", "-auto-approve", "-target=justiam_run_profile.full"]);
    refused.await.fails_with(&["Could not delete the run profile `Renamed`", "Nightly"]);
    assert_eq!(server.client.connected_systems().run_profiles(system).list().await.unwrap().len(), 1);
}

#[tokio::test]
async fn objects_are_chosen_by_target_replace_and_workspace() {
    let (server, workspace) = world().await;
    let both = |description: &str| {
        let task = |label: &str| {
            let name = format!("name = \"{label} of ${{terraform.workspace}}\"\ndescription = \"{description}\"");
            on_demand(label, &name)
        };
        task("one") + &task("two")
    };
    let apply = ["apply", "-input=false", "-no-color", "-auto-approve"];
    let with = |option: &'static str| [&apply[..], &[option]].concat();
    workspace.config(&both("first"));
    workspace.apply().await.ok();
    let first = revisions(&server).await;

    workspace.config(&both("second"));
    let said = workspace.run(&with("-target=justiam_scheduled_task.one")).await.ok();
    assert!(said.text.contains("0 added, 1 changed, 0 destroyed"), "{}", said.text);
    let second = revisions(&server).await;
    assert_ne!(second["one of default"], first["one of default"]);
    assert_eq!(second["two of default"], first["two of default"]);
    workspace.apply().await.ok();

    let id = |workspace: &Workspace| workspace.attributes("justiam_scheduled_task.one").unwrap()["id"].clone();
    let before = id(&workspace);
    let said = workspace.run(&with("-replace=justiam_scheduled_task.one")).await.ok();
    assert!(said.text.contains("1 added, 0 changed, 1 destroyed"), "{}", said.text);
    assert_ne!(id(&workspace), before);

    // Each workspace has its own objects.
    workspace.run(&["workspace", "new", "-no-color", "staging"]).await.ok();
    workspace.apply().await.ok();
    let names = ["one of default", "one of staging", "two of default", "two of staging"];
    assert_eq!(revisions(&server).await.into_keys().collect::<Vec<_>>(), names);
    workspace.destroy().await.ok();
    assert_eq!(revisions(&server).await.into_keys().collect::<Vec<_>>(), ["one of default", "two of default"]);
    workspace.run(&["workspace", "select", "-no-color", "default"]).await.ok();
    workspace.plan_nothing().await;
}

#[tokio::test]
async fn u38_schedules_are_code_in_modules_with_dependencies_and_one_replaces_the_other_without_a_gap() {
    let (server, workspace) = world().await;
    fs::create_dir(workspace.path().join("nightly")).unwrap();
    let module = r#"
        terraform {
          required_providers {
            justiam = { source = "justiam/justiam" }
          }
        }
        variable "name" { type = string }
        variable "type" { type = string }
        resource "justiam_scheduled_task" "this" {
          name          = "${var.name} (${var.type})"
          task_type     = var.type
          schedule_type = "cron"
          cron_expr     = "0 3 * * *"
          lifecycle { create_before_destroy = true }
        }
        output "id" { value = justiam_scheduled_task.this.id }
    "#;
    workspace.file("nightly/main.tf", module);
    let config = |r#type: &str| {
        format!(
            r#"
            module "nightly" {{
              source   = "./nightly"
              for_each = toset(["EU", "US"])
              name     = each.key
              type     = "{type}"
            }}
            # Read once the tasks are there.
            data "justiam_scheduled_tasks" "all" {{
              search     = "("
              depends_on = [module.nightly]
            }}
            output "names" {{ value = sort(data.justiam_scheduled_tasks.all.tasks[*].name) }}
            output "ids" {{ value = [for each in module.nightly : each.id] }}
            "#
        )
    };
    let names = async || -> Json {
        let said = workspace.run(&["output", "-json", "names"]).await.ok();
        serde_json::from_str(&said.text).unwrap()
    };
    workspace.config(&config("audit_log_cleanup"));
    workspace.run(&["get", "-no-color"]).await.ok();
    workspace.apply().await.ok();
    assert_eq!(names().await, serde_json::json!(["EU (audit_log_cleanup)", "US (audit_log_cleanup)"]));
    workspace.plan_nothing().await;

    // Another type is another task, and the new one is there before the old one goes.
    workspace.config(&config("preset_cache_refresh"));
    let said = workspace.apply().await.ok();
    assert!(said.text.contains("2 added, 0 changed, 2 destroyed"), "{}", said.text);
    let created = said.text.find("Creation complete").unwrap();
    assert!(created < said.text.find("Destroying...").unwrap(), "{}", said.text);
    let now: Vec<String> = revisions(&server).await.into_keys().collect();
    assert_eq!(now, ["EU (preset_cache_refresh)", "US (preset_cache_refresh)"]);
    workspace.apply().await.ok();
    workspace.plan_nothing().await;
}
