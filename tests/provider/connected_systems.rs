//! `justiam_connected_system` and `justiam_run_profile`.

use justiam_sdk::api::connected_systems::{CsvSettings, Direction, NewConnectedSystem, NewRunProfile, RunType};
use justiam_tests::terraform::Workspace;
use serde_json::json;

use super::world;

const SYSTEM: &str = "justiam_connected_system.hr";
const PROFILE: &str = "justiam_run_profile.import";

/// A connected system with what is required, and more lines in it and in its `csv`.
fn system(more: &str, csv: &str) -> String {
    format!(
        "resource \"justiam_connected_system\" \"hr\" {{\n  name = \"HR\"\n  csv = {{\n    file_path = \"/srv/hr.csv\"\n    \
         id_column = \"id\"\n    email_column = \"mail\"\n{csv}\n  }}\n{more}\n}}\n"
    )
}

/// A run profile of that connected system, and more lines.
fn profile(more: &str) -> String {
    format!(
        "resource \"justiam_run_profile\" \"import\" {{\n  connected_system_id = {SYSTEM}.id\n  name = \"Full import\"\n  \
         run_type = \"FullImport\"\n{more}\n}}\n"
    )
}

fn import_block(to: &str, id: &str) -> String {
    format!("import {{\n  to = {to}\n  id = \"{id}\"\n}}\n")
}

const FULL: &str = r#"
  description = "Who works here"
  direction   = "Outbound"
"#;

const FULL_CSV: &str = r#"
    delimiter         = ";"
    first_name_column = "first"
    last_name_column  = "last"
    active_column     = "active"
    groups_column     = "teams"
    groups_delimiter  = "|"
    attribute_columns = { room = "location" }
"#;

#[tokio::test]
async fn a_minimal_connected_system_and_run_profile_get_the_documented_defaults() {
    let (server, workspace) = world().await;
    workspace.config(&(system("", "") + &profile("")));
    workspace.apply().await.ok();
    workspace.plan_nothing().await;
    let found = server.client.connected_systems().find("HR").await.unwrap().unwrap();
    assert_eq!(
        workspace.attributes(SYSTEM).unwrap(),
        json!({
            "id": found.id, "name": "HR", "description": null, "connector_name": "CSV", "direction": "Inbound",
            "csv": {
                "file_path": "/srv/hr.csv", "delimiter": ",", "id_column": "id", "email_column": "mail",
                "first_name_column": null, "last_name_column": null, "active_column": null, "groups_column": null,
                "groups_delimiter": ";", "attribute_columns": null,
            },
        })
    );
    let profile = server.client.connected_systems().run_profiles(found.id).find("Full import").await.unwrap().unwrap();
    assert_eq!(
        workspace.attributes(PROFILE).unwrap(),
        json!({
            "id": profile.id, "connected_system_id": found.id, "name": "Full import", "run_type": "FullImport",
            "page_size": 500, "file_path": null,
        })
    );
    workspace.destroy().await.ok();
    assert!(server.client.connected_systems().find("HR").await.unwrap().is_none());
}

#[tokio::test]
async fn every_attribute_is_written_changed_in_place_and_returned_to_its_default() {
    let (server, workspace) = world().await;
    let full = system(FULL, FULL_CSV) + &profile("page_size = 50\nfile_path = \"/srv/other.csv\"");
    workspace.config(&full);
    workspace.apply().await.ok();
    workspace.plan_nothing().await;
    let first = server.client.connected_systems().find("HR").await.unwrap().unwrap();
    assert_eq!((first.description.as_deref(), &first.direction), (Some("Who works here"), &Direction::Outbound));
    let mut csv = CsvSettings::new("/srv/hr.csv", "id", "mail");
    csv.delimiter = ";".into();
    csv.first_name_column = Some("first".into());
    csv.last_name_column = Some("last".into());
    csv.active_column = Some("active".into());
    csv.groups_column = Some("teams".into());
    csv.groups_delimiter = "|".into();
    csv.attribute_columns = [("room".into(), "location".into())].into();
    assert_eq!(first.csv, csv);
    let profiles = server.client.connected_systems().run_profiles(first.id).list().await.unwrap();
    assert_eq!((profiles[0].page_size, profiles[0].file_path.as_deref()), (50, Some("/srv/other.csv")));

    workspace.config(&(system("", "") + &profile("")));
    let plan = workspace.plan_changes().await;
    assert!(plan.text.contains("0 to add, 2 to change, 0 to destroy"), "{}", plan.text);
    // Another direction does more than the plan's lines say.
    assert!(plan.flat().contains("Warning: The connector space will be emptied"), "{}", plan.text);
    assert!(plan.flat().contains("(`Inbound` in the place of `Outbound`)"), "{}", plan.text);
    workspace.apply().await.ok();
    workspace.plan_nothing().await;
    let reset = server.client.connected_systems().find("HR").await.unwrap().unwrap();
    assert_eq!(reset.id, first.id);
    assert_eq!((reset.description, reset.direction), (None, Direction::Inbound));
    assert_eq!(reset.csv, CsvSettings::new("/srv/hr.csv", "id", "mail"));

    // An empty map says the same as none, and stays as it is written.
    workspace.config(&(system("", "attribute_columns = {}") + &profile("")));
    let said = workspace.apply().await.ok();
    assert!(!said.text.contains("Warning: The connector space"), "{}", said.text);
    workspace.plan_nothing().await;
    assert_eq!(workspace.attributes(SYSTEM).unwrap()["csv"]["attribute_columns"], json!({}));
}

#[tokio::test]
async fn drift_of_every_attribute_is_seen_named_and_repaired() {
    type OfSystem = (&'static str, fn(&mut NewConnectedSystem));
    type OfProfile = (&'static str, fn(&mut NewRunProfile));
    let (server, workspace) = world().await;
    workspace.config(&(system(FULL, FULL_CSV) + &profile("page_size = 50\nfile_path = \"/srv/other.csv\"")));
    workspace.apply().await.ok();
    let systems = server.client.connected_systems();
    let mine = systems.find("HR").await.unwrap().unwrap();
    let drifts: [OfSystem; 13] = [
        ("name", |new| new.name = "Theirs".into()),
        ("description", |new| new.description = None),
        ("direction", |new| new.direction = Some(Direction::Inbound)),
        ("file_path", |new| new.csv.file_path = "/srv/theirs.csv".into()),
        ("delimiter", |new| new.csv.delimiter = ",".into()),
        ("id_column", |new| new.csv.id_column = "theirs".into()),
        ("email_column", |new| new.csv.email_column = "theirs".into()),
        ("first_name_column", |new| new.csv.first_name_column = None),
        ("last_name_column", |new| new.csv.last_name_column = Some("theirs".into())),
        ("active_column", |new| new.csv.active_column = None),
        ("groups_column", |new| new.csv.groups_column = None),
        ("groups_delimiter", |new| new.csv.groups_delimiter = ",".into()),
        ("attribute_columns", |new| new.csv.attribute_columns.clear()),
    ];
    for (attribute, drift) in drifts {
        let mut new = NewConnectedSystem::csv(mine.name.clone(), mine.csv.clone());
        (new.description, new.direction) = (mine.description.clone(), Some(mine.direction.clone()));
        drift(&mut new);
        systems.replace(mine.id, &new).await.unwrap();
        repaired(&workspace, attribute).await;
        let now = systems.get(mine.id).await.unwrap();
        assert_eq!((now.name, now.csv, now.direction), (mine.name.clone(), mine.csv.clone(), mine.direction.clone()));
    }
    let profiles = systems.run_profiles(mine.id);
    let mine = profiles.find("Full import").await.unwrap().unwrap();
    let drifts: [OfProfile; 4] = [
        ("name", |new| new.name = "Theirs".into()),
        ("run_type", |new| new.run_type = RunType::Export),
        ("page_size", |new| new.page_size = None),
        ("file_path", |new| new.file_path = None),
    ];
    for (attribute, drift) in drifts {
        let mut new = NewRunProfile::new(mine.name.clone(), mine.run_type.clone());
        (new.page_size, new.file_path) = (Some(mine.page_size), mine.file_path.clone());
        drift(&mut new);
        profiles.replace(mine.id, &new).await.unwrap();
        repaired(&workspace, attribute).await;
        assert_eq!(profiles.get(mine.id).await.unwrap(), mine);
    }
}

/// A plan shows the attribute as a change in place, and an apply makes it what is configured.
async fn repaired(workspace: &Workspace, attribute: &str) {
    let plan = workspace.plan_changes().await;
    assert!(plan.text.contains("0 to add, 1 to change, 0 to destroy"), "{attribute}: {}", plan.text);
    assert!(plan.text.contains(&format!("{attribute} ")), "{attribute}: {}", plan.text);
    workspace.apply().await.ok();
    workspace.plan_nothing().await;
}

#[tokio::test]
async fn what_somebody_deleted_is_created_again() {
    let (server, workspace) = world().await;
    workspace.config(&(system("", "") + &profile("")));
    workspace.apply().await.ok();
    let systems = server.client.connected_systems();
    let first = systems.find("HR").await.unwrap().unwrap();
    let profile = systems.run_profiles(first.id).list().await.unwrap().remove(0);
    systems.run_profiles(first.id).delete(profile.id).await.unwrap();
    let plan = workspace.plan_changes().await;
    assert!(plan.text.contains("1 to add, 0 to change, 0 to destroy"), "{}", plan.text);
    workspace.apply().await.ok();
    systems.delete(first.id).await.unwrap();
    let plan = workspace.plan_changes().await;
    assert!(plan.text.contains("2 to add, 0 to change, 0 to destroy"), "{}", plan.text);
    workspace.apply().await.ok();
    workspace.plan_nothing().await;
    let again = systems.find("HR").await.unwrap().unwrap();
    assert_ne!(again.id, first.id);
    // And one that is gone already is destroyed all the same.
    systems.delete(again.id).await.unwrap();
    workspace.destroy().await.ok();
}

#[tokio::test]
async fn only_another_connected_system_replaces_a_run_profile() {
    let (server, workspace) = world().await;
    let other = CsvSettings::new("/srv/other.csv", "id", "mail");
    let other = server.client.connected_systems().create(&NewConnectedSystem::csv("Other", other)).await.unwrap();
    workspace.config(&(system("", "") + &profile("")));
    workspace.apply().await.ok();
    workspace.config(&(system("", "") + &profile("").replace(&format!("{SYSTEM}.id"), &other.id.to_string())));
    let plan = workspace.plan_changes().await;
    assert!(plan.text.contains("1 to add, 0 to change, 1 to destroy"), "{}", plan.text);
    workspace.apply().await.ok();
    workspace.plan_nothing().await;
    assert_eq!(server.client.connected_systems().run_profiles(other.id).list().await.unwrap().len(), 1);
}

#[tokio::test]
async fn both_are_imported_by_id_or_name_and_then_nothing_is_left_to_change() {
    let (server, workspace) = world().await;
    let systems = server.client.connected_systems();
    let mut csv = CsvSettings::new("/srv/hr.csv", "id", "mail");
    csv.attribute_columns = [("room".into(), "location".into())].into();
    let hr = systems.create(&NewConnectedSystem::csv("HR", csv)).await.unwrap().id;
    let import =
        systems.run_profiles(hr).create(&NewRunProfile::new("Full import", RunType::FullImport)).await.unwrap().id;
    let config = system("", "attribute_columns = { room = \"location\" }") + &profile("");
    for (of_system, of_profile) in [
        (hr.to_string(), format!("{hr}/{import}")),
        ("HR".into(), "HR/Full import".into()),
        (hr.to_string(), format!("HR/{import}")),
        ("HR".into(), import.to_string()),
    ] {
        workspace.config(&(import_block(SYSTEM, &of_system) + &import_block(PROFILE, &of_profile) + &config));
        let said = workspace.apply().await.ok();
        assert!(said.text.contains("2 imported, 0 added, 0 changed, 0 destroyed"), "{}", said.text);
        workspace.plan_nothing().await;
        workspace.run(&["state", "rm", SYSTEM, PROFILE]).await.ok();
    }
}

#[tokio::test]
async fn what_cannot_be_imported_says_why() {
    let (server, workspace) = world().await;
    let csv = CsvSettings::new("/srv/hr.csv", "id", "mail");
    let hr = server.client.connected_systems().create(&NewConnectedSystem::csv("HR", csv)).await.unwrap().id;
    let config = system("", "") + &profile("");
    let cases: [(&str, &str, &[&str]); 8] = [
        (SYSTEM, "Nobody", &["no connected system with the name `Nobody`", "its id (a number) or its exact name"]),
        (SYSTEM, "4711", &["Could not import the connected system `4711`", "there is no connected system"]),
        (PROFILE, "Nobody/x", &["no connected system with the name `Nobody`"]),
        (PROFILE, "HR/x", &["The connected system `HR` has no run profile with the name `x`"]),
        (PROFILE, "HR/4711", &["Could not import the run profile `HR/4711`", "there is no run profile"]),
        (PROFILE, "4711", &["No connected system has a run profile with the id 4711"]),
        (PROFILE, "HR/", &["with a slash between them"]),
        (PROFILE, "HR", &["with a slash between them"]),
    ];
    for (to, id, texts) in cases {
        // The connected system has to be there for its run profile.
        let first = if to == PROFILE { import_block(SYSTEM, &hr.to_string()) } else { String::new() };
        workspace.config(&(first + &import_block(to, id) + &config));
        workspace.plan().await.fails_with(texts);
    }
}

#[tokio::test]
async fn a_name_that_is_taken_prints_an_import_block_that_works() {
    let (server, workspace) = world().await;
    let systems = server.client.connected_systems();
    let csv = CsvSettings::new("/srv/hr.csv", "id", "mail");
    let hr = systems.create(&NewConnectedSystem::csv("HR", csv)).await.unwrap().id;
    let import =
        systems.run_profiles(hr).create(&NewRunProfile::new("Full import", RunType::FullImport)).await.unwrap().id;
    let config = system("", "") + &profile("");
    workspace.config(&config);
    let text = format!("to = justiam_connected_system.this id = \"{hr}\"");
    workspace.apply().await.fails_with(&["exists already", "To manage the existing connected system", &text]);
    let config = import_block(SYSTEM, &hr.to_string()) + &config;
    workspace.config(&config);
    let text = format!("to = justiam_run_profile.this id = \"{import}\"");
    workspace.apply().await.fails_with(&["already", "To manage the existing run profile", &text]);
    workspace.config(&(import_block(PROFILE, &import.to_string()) + &config));
    workspace.apply().await.ok();
    workspace.plan_nothing().await;
}

#[tokio::test]
async fn each_mistake_is_reported_on_its_attribute_before_anybody_is_asked() {
    let workspace = Workspace::new("http://127.0.0.1:1", "none");
    let of_system = |more: &str, csv: &str| (system(more, csv), String::new());
    let of_profile = |more: &str| (system("", ""), profile(more));
    let cases: [((String, String), &str, &[&str]); 13] = [
        (of_system("direction = \"inbound\"", ""), "direction", &["Invalid direction", "hint: write `Inbound`"]),
        (of_system("connector_name = \"LDAP\"", ""), "connector_name", &["Invalid connector", "`CSV`"]),
        (of_system("", "delimiter = \"ab\""), "csv.delimiter", &["must be one ASCII character"]),
        (of_system("", "delimiter = \"\\\"\""), "csv.delimiter", &["a meaning of their own"]),
        (of_system("", "groups_column = \" \""), "csv.groups_column", &["The column must not be blank"]),
        (of_system("", "groups_delimiter = \"\""), "csv.groups_delimiter", &["must not be blank"]),
        (of_system("", "groups_column = \"mail\""), "csv.groups_column", &["`mail` has another meaning already"]),
        (of_system("", "attribute_columns = { mail = \"m\" }"), "csv.attribute_columns", &["another meaning already"]),
        (
            of_system("", "attribute_columns = { a = null }"),
            "csv.attribute_columns",
            &["`csv.attribute_columns[\"a\"]` is null", "hint:"],
        ),
        (of_system("", "attribute_columns = { a = \"x\", b = \"x\" }"), "csv.attribute_columns", &["`x` already"]),
        (of_profile("page_size = 10001"), "page_size", &["page_size"]),
        (of_profile("file_path = \"hr.csv\""), "file_path", &["must be absolute", "hint: begin with `/`"]),
        (of_profile("page_size = 0"), "page_size", &["page_size"]),
    ];
    for ((system, profile), attribute, texts) in cases {
        workspace.config(&(system + &profile));
        let said = workspace.run(&["validate", "-no-color"]).await.fails_with(texts);
        // Of an attribute within another, Terraform shows the resource, and the provider the path.
        let shown = if attribute.contains('.') { attribute.to_owned() } else { format!(" {attribute} = ") };
        assert!(said.text.contains(&shown), "{attribute}: {}", said.text);
    }
    for (wrong, right, texts) in [
        ("name = \"HR\"", "name = \"\"", ["Invalid name", "must not be blank"]),
        ("/srv/hr.csv", "hr.csv", ["Invalid path", "must be absolute"]),
        ("FullImport", "FullSync", ["Invalid run type", "`FullSynchronisation`"]),
        ("id_column = \"id\"", "id_column = null", ["id_column", "required"]),
    ] {
        workspace.config(&(system("", "") + &profile("")).replace(wrong, right));
        workspace.run(&["validate", "-no-color"]).await.fails_with(&texts);
    }
}

#[tokio::test]
async fn what_a_step_of_a_schedule_uses_is_not_deleted() {
    use justiam_sdk::api::schedules::{NewSchedule, NewScheduleStep};
    let (server, workspace) = world().await;
    workspace.config(&(system("", "") + &profile("")));
    workspace.apply().await.ok();
    let id = |address: &str| workspace.attributes(address).unwrap()["id"].as_i64().unwrap();
    let steps = NewSchedule::manual("Nightly").then(NewScheduleStep::run_profile(id(SYSTEM), id(PROFILE)));
    let schedule = server.client.schedules().create(&steps).await.unwrap();
    workspace.destroy().await.fails_with(&["Could not delete the run profile `Full import`", "`Nightly`"]);
    assert!(workspace.attributes(PROFILE).is_some());
    server.client.schedules().delete(schedule.id).await.unwrap();
    workspace.destroy().await.ok();
}
