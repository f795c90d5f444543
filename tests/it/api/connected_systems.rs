//! Connected systems and run profiles over HTTP.

use justiam_sdk::api::audit::AuditQuery;
use justiam_sdk::api::connected_systems::{
    ConnectedSystemQuery, CsvSettings, Direction, NewConnectedSystem, NewRunProfile, RunType,
};
use justiam_server::app::caller::Permission::{ConnectedSystemsManage, ConnectedSystemsView, SchedulesView};
use justiam_tests::backend::Backend;
use justiam_tests::both_databases;
use justiam_tests::clock::ManualClock;
use justiam_tests::postgres::database;
use justiam_tests::server::{START, TestServer};
use serde_json::{Value, json};

use super::support::{Api, answer};

both_databases!(of_many_creates_of_one_name_at_once_one_wins);

const PATH: &str = "/api/v1/synchronisation/connected-systems";

fn csv() -> Value {
    json!({ "filePath": "/srv/hr.csv", "idColumn": "id", "emailColumn": "email" })
}

async fn hr(api: &Api) -> i64 {
    api.send("POST", PATH, &json!({ "name": "HR", "csv": csv() })).await.expect(201).json()["id"].as_i64().unwrap()
}

#[tokio::test]
async fn a_connected_system_lives_from_its_creation_to_its_end() {
    let api = Api::start().await;
    let systems = api.server.client.connected_systems();
    let body = NewConnectedSystem::csv("HR", CsvSettings::new("/srv/hr.csv", "id", "email"));
    let made = systems.create(&body).await.unwrap();
    assert_eq!((made.id, &made.direction, made.last_updated), (1, &Direction::Inbound, None));
    assert_eq!(systems.get(made.id).await.unwrap(), made);
    let mut changed = body.clone().outbound();
    changed.description = Some("people".into());
    changed.csv.delimiter = ";".into();
    api.server.advance(60);
    let replaced = systems.replace(made.id, &changed).await.unwrap();
    assert_eq!((&replaced.direction, replaced.csv.delimiter.as_str()), (&Direction::Outbound, ";"));
    assert!(replaced.last_updated > Some(made.created));
    // The same again changes nothing and leaves no trace.
    assert_eq!(systems.replace(made.id, &changed).await.unwrap(), replaced);
    let profiles = systems.run_profiles(made.id);
    let import = profiles.create(&NewRunProfile::new("Import", RunType::FullImport)).await.unwrap();
    let sync = profiles.create(&NewRunProfile::new("Sync", RunType::FullSynchronisation)).await.unwrap();
    assert_eq!((import.page_size, import.connected_system_id), (500, made.id));
    assert_eq!(profiles.list().await.unwrap(), [import.clone(), sync.clone()]);
    let mut other = NewRunProfile::new("Changes", RunType::DeltaImport);
    (other.page_size, other.file_path) = (Some(7), Some("/srv/changes.csv".into()));
    let replaced = profiles.replace(import.id, &other).await.unwrap();
    assert_eq!((replaced.page_size, replaced.file_path.as_deref()), (7, Some("/srv/changes.csv")));
    assert_eq!(profiles.get(import.id).await.unwrap(), replaced);
    profiles.delete(import.id).await.unwrap();
    assert!(profiles.get(import.id).await.unwrap_err().is_not_found());
    systems.delete(made.id).await.unwrap();
    assert!(systems.get(made.id).await.unwrap_err().is_not_found());
    assert!(profiles.list().await.unwrap_err().is_not_found());
    // Ids are not used again.
    assert_eq!(systems.create(&body).await.unwrap().id, 2);
    let log = api.server.client.audit().page(&AuditQuery::new()).await.unwrap().data;
    let actions: Vec<String> = log.into_iter().rev().map(|entry| entry.action).collect();
    let actions: Vec<&str> = actions.iter().map(String::as_str).collect();
    // The admin's account and token were there before.
    let actions = &actions[2..];
    assert_eq!(
        actions,
        [
            "connected_system.create",
            "connected_system.update",
            "run_profile.create",
            "run_profile.create",
            "run_profile.update",
            "run_profile.delete",
            "connected_system.delete",
            "connected_system.create",
        ]
    );
}

#[tokio::test]
async fn all_wrong_fields_are_named_with_their_paths() {
    let api = Api::start().await;
    let id = hr(&api).await;
    api.send("POST", PATH, &json!({})).await.wrong_fields(&["name", "csv"]);
    let body = json!({
        "name": " ", "connectorName": "LDAP", "direction": "Sideways", "description": "x".repeat(1001),
        "csv": {
            "filePath": "hr.csv", "idColumn": "", "delimiter": "::", "groupsDelimiter": "", "firstNameColumn": "a",
            "lastNameColumn": "a", "activeColumn": 1, "attributeColumns": { "x": "same", "y": "same", "a": "b", "z": 1 },
        },
    });
    let fields = [
        "name",
        "connectorName",
        "direction",
        "description",
        "csv.filePath",
        "csv.idColumn",
        "csv.emailColumn",
        "csv.delimiter",
        "csv.groupsDelimiter",
        "csv.lastNameColumn",
        "csv.activeColumn",
        "csv.attributeColumns.y",
        "csv.attributeColumns.a",
        "csv.attributeColumns.z",
    ];
    for (method, path) in [("POST", PATH.to_owned()), ("PUT", format!("{PATH}/{id}"))] {
        let said = api.send(method, &path, &body).await.wrong_fields(&fields);
        assert_eq!(said["csv.filePath"], json!(["must be an absolute path, one that begins with `/`, not `hr.csv`"]));
        assert_eq!(said["direction"], json!(["must be one of `Inbound`, `Outbound`, not `Sideways`"]));
    }
    let path = format!("{PATH}/{id}/run-profiles");
    api.send("POST", &path, &json!({})).await.wrong_fields(&["name", "runType"]);
    let body = json!({ "name": "x".repeat(201), "runType": "Import", "pageSize": 0, "filePath": "x" });
    api.send("POST", &path, &body).await.wrong_fields(&["name", "runType", "pageSize", "filePath"]);
}

#[tokio::test]
async fn bodies_are_read_in_any_letter_case_and_unknown_properties_ignored() {
    let api = Api::start().await;
    let body = json!({
        "NAME": "HR", "Direction": "OUTBOUND", "colour": "red",
        "CSV": { "filepath": "/srv/hr.csv", "IDColumn": "id", "EmailColumn": "email", "AttributeColumns": { "Dept": "d" }, "x": 1 },
    });
    let made = api.send("POST", PATH, &body).await.expect(201).json();
    assert_eq!((&made["direction"], &made["csv"]["attributeColumns"]), (&json!("Outbound"), &json!({ "Dept": "d" })));
    let path = format!("{PATH}/{}/run-profiles", made["id"]);
    let body = json!({ "Name": "Import", "RUNTYPE": "fullimport" });
    assert_eq!(api.send("POST", &path, &body).await.expect(201).json()["runType"], "FullImport");
    // The numbers of existing clients begin elsewhere, so none is guessed.
    for number in [json!(1), json!("1")] {
        let body = json!({ "name": "Number", "runType": number });
        api.send("POST", &path, &body).await.wrong_fields(&["runType"]);
    }
    // What a read returns can be sent back.
    let path = format!("{PATH}/{}", made["id"]);
    assert_eq!(api.send("PUT", &path, &made).await.expect(200).json(), made);
}

#[tokio::test]
async fn lists_have_pages_and_names() {
    let api = Api::start().await;
    for name in ["b", "a", "c"] {
        api.send("POST", PATH, &json!({ "name": name, "csv": csv() })).await.expect(201);
    }
    let page = api.get(&format!("{PATH}?page=0&pageSize=2&filter=x")).await.expect(200).json();
    let names: Vec<&Value> = page["items"].as_array().unwrap().iter().map(|item| &item["name"]).collect();
    assert_eq!(names, ["a", "b"]);
    assert_eq!(
        (&page["totalCount"], &page["page"], &page["pageSize"], &page["totalPages"], &page["hasNextPage"]),
        (&json!(3), &json!(1), &json!(2), &json!(2), &json!(true))
    );
    assert_eq!(api.get(&format!("{PATH}?page=9")).await.json()["totalCount"], 3);
    api.get(&format!("{PATH}?pageSize=0")).await.wrong_fields(&["pageSize"]);
    assert_eq!(api.get(&format!("{PATH}?PAGESIZE=5000")).await.json()["pageSize"], 1000);
    let query = ConnectedSystemQuery::named("c");
    let found = api.server.client.connected_systems().page(&query).await.unwrap();
    assert_eq!((found.items.len(), found.total_count), (1, 1));
}

#[tokio::test]
async fn names_that_are_taken_and_things_that_are_not_there() {
    let api = Api::start().await;
    let id = hr(&api).await;
    let taken = api.send("POST", PATH, &json!({ "name": "HR", "csv": csv() })).await.refused(409, "CONFLICT");
    assert_eq!(taken["details"], json!({ "id": id, "field": "name" }));
    let other = api.send("POST", PATH, &json!({ "name": "B", "csv": csv() })).await.expect(201).json()["id"].clone();
    api.send("PUT", &format!("{PATH}/{other}"), &json!({ "name": "HR", "csv": csv() })).await.refused(409, "CONFLICT");
    let profile = json!({ "name": "P", "runType": "Export" });
    let path = format!("{PATH}/{id}/run-profiles");
    let made = api.send("POST", &path, &profile).await.expect(201);
    assert_eq!(made.header("location"), format!("{path}/1"));
    api.send("POST", &path, &profile).await.refused(409, "CONFLICT");
    // Another connected system may have a run profile with the same name; it is not this one's.
    let second =
        api.send("POST", &format!("{PATH}/{other}/run-profiles"), &profile).await.expect(201).json()["id"].clone();
    for path in [format!("{PATH}/x"), format!("{PATH}/99"), format!("{path}/x"), format!("{path}/{second}")] {
        for method in ["GET", "PUT", "DELETE"] {
            let body = json!({ "name": "n", "runType": "Export", "csv": csv() });
            api.send(method, &path, &body).await.refused(404, "NOT_FOUND");
        }
    }
    api.send("POST", &format!("{path}/{second}/execute"), &json!({})).await.refused(404, "NOT_FOUND");
    api.get(&format!("{PATH}/99/run-profiles")).await.refused(404, "NOT_FOUND");
}

#[tokio::test]
async fn permissions_are_asked_for() {
    let api = Api::start().await;
    let id = hr(&api).await;
    let profile = json!({ "name": "P", "runType": "Export" });
    api.send("POST", &format!("{PATH}/{id}/run-profiles"), &profile).await.expect(201);
    let reader = api.server.client_with(&[ConnectedSystemsView]).await;
    assert_eq!(reader.connected_systems().get(id).await.unwrap().name, "HR");
    let forbidden = |error: justiam_sdk::client::Error| error.api().unwrap().status == 403;
    assert!(forbidden(reader.connected_systems().delete(id).await.unwrap_err()));
    assert!(forbidden(reader.connected_systems().run_profiles(id).execute(1).await.unwrap_err()));
    let manager = api.server.client_with(&[ConnectedSystemsManage, SchedulesView]).await;
    assert!(forbidden(manager.connected_systems().get(id).await.unwrap_err()));
    assert!(forbidden(manager.connected_systems().run_profiles(id).execute(1).await.unwrap_err()));
}

#[tokio::test]
async fn what_steps_of_schedules_use_is_not_deleted() {
    let api = Api::start().await;
    let id = hr(&api).await;
    let path = format!("{PATH}/{id}/run-profiles");
    api.send("POST", &path, &json!({ "name": "P", "runType": "FullImport" })).await.expect(201);
    let step = json!({ "stepType": "RunProfile", "connectedSystemId": id, "runProfileId": 1 });
    let schedule = json!({ "name": "Nightly", "steps": [step] });
    let schedule = api.send("POST", "/api/v1/schedules", &schedule).await.expect(201).json();
    let message = |refused: Value| refused["message"].as_str().unwrap().to_owned();
    let profile = api.send("DELETE", &format!("{path}/1"), &json!({})).await.refused(409, "CONFLICT");
    let text = "the run profile is used by steps of the schedules `Nightly`; remove these steps first";
    assert_eq!(message(profile), text);
    let system = api.send("DELETE", &format!("{PATH}/{id}"), &json!({})).await.refused(409, "CONFLICT");
    assert!(message(system).starts_with("run profiles of the connected system are used"));
    let schedule = format!("/api/v1/schedules/{}", schedule["id"].as_str().unwrap());
    api.send("DELETE", &schedule, &json!({})).await.expect(204);
    api.send("DELETE", &format!("{PATH}/{id}"), &json!({})).await.expect(204);
}

#[tokio::test]
async fn what_an_execution_still_needs_is_not_deleted_either() {
    // Nobody begins the step.
    let database = database().await;
    let clock = ManualClock::at(START);
    let server = TestServer::start_on_postgres(&database.url, clock, |config| config.roles.work = false).await;
    let api = Api::with(server);
    let id = hr(&api).await;
    let path = format!("{PATH}/{id}/run-profiles");
    api.send("POST", &path, &json!({ "name": "P", "runType": "FullImport" })).await.expect(201);
    let step = json!({ "stepType": "RunProfile", "connectedSystemId": id, "runProfileId": 1 });
    let schedule = json!({ "name": "Nightly", "steps": [step] });
    let schedule = api.send("POST", "/api/v1/schedules", &schedule).await.expect(201).json();
    let schedule = format!("/api/v1/schedules/{}", schedule["id"].as_str().unwrap());
    let run = api.send("POST", &format!("{schedule}/run"), &json!({})).await.expect(202).json();
    api.send("DELETE", &schedule, &json!({})).await.expect(204);
    for path in [format!("{path}/1"), format!("{PATH}/{id}")] {
        let refused = api.send("DELETE", &path, &json!({})).await.refused(409, "CONFLICT");
        let text = "used by an execution that has not ended; wait for its end, or cancel it";
        assert!(refused["message"].as_str().unwrap().ends_with(text), "{refused}");
    }
    let cancel = format!("/api/v1/schedule-executions/{}/cancel", run["executionId"].as_str().unwrap());
    api.send("POST", &cancel, &json!({})).await.expect(200);
    api.send("DELETE", &format!("{PATH}/{id}"), &json!({})).await.expect(204);
}

#[tokio::test]
async fn a_repeated_request_gets_the_first_answer() {
    let api = Api::start().await;
    let post = async |path: &str, body: &Value| {
        answer(api.request("POST", path).header("Idempotency-Key", "key").json(body)).await.expect(201).text
    };
    let body = json!({ "name": "HR", "csv": csv() });
    assert_eq!(post(PATH, &body).await, post(PATH, &body).await);
    assert_eq!(api.get(PATH).await.json()["totalCount"], 1);
}

async fn of_many_creates_of_one_name_at_once_one_wins(backend: Backend) {
    let api = Api::with(backend.server().await);
    let body = json!({ "name": "HR", "csv": csv() });
    let answers = futures::future::join_all((0..8).map(|_| api.send("POST", PATH, &body))).await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409, 409, 409, 409, 409, 409]);
}
