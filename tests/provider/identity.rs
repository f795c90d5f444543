//! Identities: what tells an object from all others for good, and import by it. Terraform 1.12 and later use them.

use justiam_sdk::api::connected_systems::{CsvSettings, NewConnectedSystem, NewRunProfile, RunType};
use justiam_sdk::api::runs::RunQuery;
use justiam_sdk::api::schedules::NewSchedule;
use justiam_sdk::api::tasks::NewTask;
use justiam_tests::programs::program;
use justiam_tests::server::TestServer;
use serde_json::{Value as Json, json};
use tfplugin_client::{Lifecycle, Session, State};

use super::SCRIPT;

/// A server, and a provider that is configured for it.
async fn world() -> (TestServer, Session) {
    let server = TestServer::start().await;
    let session = Session::start(&program("terraform-provider-justiam")).await;
    let problems = session.configure(json!({"endpoint": server.endpoint, "token": server.token})).await;
    assert_eq!(problems, []);
    (server, session)
}

/// The identity of an object, as JSON.
fn identity(objects: &Lifecycle<'_>, state: &State) -> Json {
    serde_json::from_slice(&state.identity.to_json(objects.identity.unwrap().ty()).unwrap()).unwrap()
}

/// Creates an object and changes it: it gets an identity and keeps it. The identity is returned.
async fn created_and_changed(objects: &Lifecycle<'_>, config: Json, changed: Json) -> (State, Json) {
    let created = objects.settle(None, &objects.config(config)).await;
    let changed = objects.settle(Some(&created), &objects.config(changed)).await;
    let first = identity(objects, &created);
    assert_eq!(identity(objects, &changed), first);
    (changed, first)
}

/// What is imported by an identity is the object, and keeps the identity.
async fn imported(objects: &Lifecycle<'_>, by: &Json, config: Json) {
    let imported = objects.import_by_identity(by).await.ok();
    let settled = objects.settle(Some(&imported), &objects.config(config)).await;
    assert_eq!(identity(objects, &imported), *by);
    assert_eq!(identity(objects, &settled), *by);
}

#[tokio::test]
async fn objects_have_an_identity_that_an_update_keeps_and_an_import_takes() {
    let (server, session) = world().await;

    let tasks = session.resource("justiam_scheduled_task").await;
    let task = |cron: &str| json!({"name": "Task", "task_type": "script", "schedule_type": "cron", "cron_expr": cron, "script": SCRIPT});
    let (state, by) = created_and_changed(&tasks, task("0 3 * * *"), task("0 4 * * *")).await;
    assert_eq!(by, json!({"id": server.client.tasks().find("Task").await.unwrap().unwrap().id}));
    imported(&tasks, &by, task("0 4 * * *")).await;
    // A replacement is another object.
    let built_in = json!({"name": "Task", "task_type": "audit_log_cleanup", "schedule_type": "once"});
    let replaced = tasks.settle(Some(&state), &tasks.config(built_in)).await;
    assert_ne!(identity(&tasks, &replaced), by);

    let runs = session.resource("justiam_task_run").await;
    let task = server.client.tasks().find("Task").await.unwrap().unwrap().id;
    let run = |seconds: i64| json!({"task_id": task, "timeout_seconds": seconds});
    let (_, by) = created_and_changed(&runs, run(30), run(60)).await;
    let page = server.client.runs().page(&RunQuery::default()).await.unwrap();
    assert_eq!(by, json!({"id": page.data[0].id}));
    imported(&runs, &by, run(60)).await;

    let schedules = session.resource("justiam_schedule").await;
    let schedule = |timezone: &str| json!({"name": "Nightly", "trigger_type": "Manual", "timezone": timezone});
    let (_, by) = created_and_changed(&schedules, schedule("UTC"), schedule("Asia/Tokyo")).await;
    assert_eq!(by, json!({"id": server.client.schedules().find("Nightly").await.unwrap().unwrap().id}));
    imported(&schedules, &by, schedule("Asia/Tokyo")).await;

    let systems = session.resource("justiam_connected_system").await;
    let system = |delimiter: &str| {
        let csv =
            json!({"file_path": "/srv/hr.csv", "id_column": "id", "email_column": "mail", "delimiter": delimiter});
        json!({"name": "HR", "csv": csv})
    };
    let (_, by) = created_and_changed(&systems, system(","), system(";")).await;
    let id = server.client.connected_systems().find("HR").await.unwrap().unwrap().id;
    assert_eq!(by, json!({"id": id}));
    imported(&systems, &by, system(";")).await;

    let profiles = session.resource("justiam_run_profile").await;
    let profile =
        |size: i64| json!({"connected_system_id": id, "name": "Full", "run_type": "FullImport", "page_size": size});
    let (_, by) = created_and_changed(&profiles, profile(500), profile(50)).await;
    let profile_id = server.client.connected_systems().run_profiles(id).find("Full").await.unwrap().unwrap().id;
    assert_eq!(by, json!({"connected_system_id": id, "id": profile_id}));
    imported(&profiles, &by, profile(50)).await;
}

#[tokio::test]
async fn an_object_from_before_there_were_identities_gets_one_when_it_is_read() {
    let (server, session) = world().await;
    let tasks = session.resource("justiam_scheduled_task").await;
    let id = server.client.tasks().create(&NewTask::cron_script("Task", "0 3 * * *", SCRIPT)).await.unwrap().id;
    let imported = tasks.import(&id.to_string()).await.ok();
    let stored = serde_json::from_slice(&imported.value.to_json(tasks.schema.ty()).unwrap()).unwrap();
    // As Terraform takes it from a state file that knows of none.
    let old = tasks.upgrade(tasks.schema.version, &stored).await.ok();
    assert!(old.identity.is_null());
    let read = tasks.read(&old).await.ok().unwrap();
    assert_eq!(identity(&tasks, &read), json!({"id": id}));
}

#[tokio::test]
async fn an_identity_without_an_object_is_an_error_that_names_it() {
    let (server, session) = world().await;
    let nobody = "0199f2a6-0000-7000-8000-000000000001";
    let system = NewConnectedSystem::csv("HR", CsvSettings::new("/srv/hr.csv", "id", "mail"));
    let system = server.client.connected_systems().create(&system).await.unwrap().id;
    let other = NewConnectedSystem::csv("CRM", CsvSettings::new("/srv/crm.csv", "id", "mail"));
    let other = server.client.connected_systems().create(&other).await.unwrap().id;
    let profile = NewRunProfile::new("Full", RunType::FullImport);
    let profile = server.client.connected_systems().run_profiles(system).create(&profile).await.unwrap().id;
    server.client.schedules().create(&NewSchedule::manual("Nightly")).await.unwrap();
    for (type_name, by, summary) in [
        ("justiam_scheduled_task", json!({"id": nobody}), format!("Could not import the task `{nobody}`")),
        ("justiam_task_run", json!({"id": nobody}), format!("Could not import the run `{nobody}`")),
        ("justiam_schedule", json!({"id": nobody}), format!("Could not import the schedule `{nobody}`")),
        ("justiam_connected_system", json!({"id": 999}), "Could not import the connected system `999`".to_owned()),
        // A profile of another system is no profile of this one.
        (
            "justiam_run_profile",
            json!({"connected_system_id": other, "id": profile}),
            format!("Could not import the run profile `{other}/{profile}`"),
        ),
    ] {
        let objects = session.resource(type_name).await;
        let problems = objects.import_by_identity(&by).await.failed();
        assert_eq!((problems.len(), &problems[0].summary), (1, &summary), "{problems:?}");
        assert!(problems[0].detail.starts_with("The server answered 404: "), "{problems:?}");
    }
    let systems = session.resource("justiam_connected_system").await;
    let problems = systems.import_by_identity(&json!({"id": 1.5})).await.failed();
    assert_eq!(problems[0].summary, "Nothing to import");
    assert_eq!(problems[0].detail, "There is no justiam_connected_system with the id { id = 1.5 }.");
}
