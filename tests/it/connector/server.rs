//! Run profiles that a server executes, with the files in `examples/connectors`.

use std::path::Path;

use justiam_sdk::api::activities::{Activity, ActivityStatus};
use justiam_sdk::api::connected_systems::{CsvSettings, NewConnectedSystem, NewRunProfile, RunType};
use justiam_sdk::api::users::UserQuery;
use justiam_tests::backend::Backend;
use justiam_tests::{both_databases, soon};

both_databases!(the_example_becomes_users_and_groups, a_system_that_is_busy_is_waited_for);

/// The settings of the guide, for files in a folder.
fn hr(folder: &Path) -> NewConnectedSystem {
    let mut csv = CsvSettings::new(folder.join("hr.csv").display().to_string(), "employee_id", "email");
    csv.first_name_column = Some("first_name".into());
    csv.last_name_column = Some("last_name".into());
    csv.active_column = Some("active".into());
    csv.groups_column = Some("groups".into());
    csv.attribute_columns = [("department".to_owned(), "department".to_owned())].into();
    NewConnectedSystem::csv("HR", csv)
}

fn counts(activity: &Activity) -> String {
    activity.counts.iter().map(|(word, count)| format!("{count} {word}")).collect::<Vec<_>>().join(", ")
}

/// A folder with the example's files.
fn examples() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in ["hr.csv", "hr-changes.csv"] {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/connectors").join(file);
        std::fs::copy(from, folder.path().join(file)).unwrap();
    }
    folder
}

async fn the_example_becomes_users_and_groups(backend: Backend) {
    let folder = examples();
    let server = backend.server_with(|config| config.step_folders = vec![folder.path().to_owned()]).await;
    let client = &server.client;
    let system = client.connected_systems().create(&hr(folder.path())).await.unwrap().id;
    let profiles = client.connected_systems().run_profiles(system);
    let run = async |name: &str, run_type: RunType, file: Option<&str>| {
        let mut body = NewRunProfile::new(name, run_type);
        body.file_path = file.map(|file| folder.path().join(file).display().to_string());
        let profile = profiles.create(&body).await.unwrap();
        let started = profiles.execute(profile.id).await.unwrap();
        assert_eq!(started.message, format!("run profile `{name}` of `HR` runs"));
        let activity = soon("the activity to end", client.activities().wait(started.activity_id)).await.unwrap();
        assert_eq!(activity.status, ActivityStatus::Complete, "{activity:?}");
        assert_eq!((activity.target_name.as_str(), activity.target_context.as_deref()), (name, Some("HR")));
        activity
    };
    let import = run("Full Import", RunType::FullImport, None).await;
    assert_eq!((counts(&import).as_str(), import.objects_processed), ("5 added", 5));
    let sync = run("Full Sync", RunType::FullSynchronisation, None).await;
    assert_eq!(counts(&sync), "5 created, 3 groupsCreated, 7 membershipsAdded");
    assert_eq!((sync.objects_to_process, sync.objects_processed), (Some(5), 5));
    let changes = run("Changes", RunType::DeltaImport, Some("hr-changes.csv")).await;
    assert_eq!(counts(&changes), "1 added, 1 removed, 1 updated");
    let sync = run("Delta Sync", RunType::DeltaSynchronisation, None).await;
    assert_eq!(counts(&sync), "1 created, 2 membershipsAdded, 2 membershipsRemoved, 1 removed, 1 updated");
    let page = client.users().page(&UserQuery::new()).await.unwrap();
    let users: Vec<String> = page
        .data
        .iter()
        .map(|user| format!("{} {} {} {}", user.email, user.first_name, user.is_active, user.attributes["department"]))
        .collect();
    assert_eq!(
        users,
        [
            "ada@example.com Ada true Research",
            "ben@example.com Benjamin true Finance",
            "cleo@example.com Cleo true Finance",
            "dora@example.com Dora false Finance",
            "emil@example.com Emil true Sales \"North\"",
            "fay@example.com Fay true Sales",
        ]
    );
    let stored = client.connected_systems().get(system).await.unwrap();
    assert_eq!((stored.object_count, stored.connectors_count, stored.pending_export_objects_count), (5, 5, 0));
}

async fn a_system_that_is_busy_is_waited_for(backend: Backend) {
    let folder = examples();
    let server = backend.server_with(|config| config.step_folders = vec![folder.path().to_owned()]).await;
    let client = &server.client;
    let system = client.connected_systems().create(&hr(folder.path())).await.unwrap().id;
    let profiles = client.connected_systems().run_profiles(system);
    let profile = profiles.create(&NewRunProfile::new("Full Import", RunType::FullImport)).await.unwrap().id;
    let mut all = Vec::new();
    for _ in 0..5 {
        all.push(profiles.execute(profile).await.unwrap().activity_id);
    }
    let mut told = Vec::new();
    for id in all {
        told.push(counts(&soon("the activity to end", client.activities().wait(id)).await.unwrap()));
    }
    // One after the other, in their order: the first one finds what is new.
    assert_eq!(told[0], "5 added");
    assert!(told[1..].iter().all(|told| told == "5 unchanged"), "{told:?}");
}

#[tokio::test]
async fn without_folders_that_are_allowed_nothing_is_read() {
    let folder = examples();
    let server = justiam_tests::server::TestServer::start().await;
    let client = &server.client;
    let system = client.connected_systems().create(&hr(folder.path())).await.unwrap().id;
    let profiles = client.connected_systems().run_profiles(system);
    let profile = profiles.create(&NewRunProfile::new("Full Import", RunType::FullImport)).await.unwrap().id;
    let started = profiles.execute(profile).await.unwrap();
    let ended = soon("the activity to end", client.activities().wait(started.activity_id)).await.unwrap();
    assert_eq!(ended.status, ActivityStatus::FailedWithError);
    assert!(ended.error_message.as_deref().unwrap().contains("--step-folders"), "{ended:?}");
}
