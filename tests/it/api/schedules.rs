//! Schedules: what is stored of them, and when they fire next.

mod connections;
mod lists;
mod validation;

use futures::TryStreamExt as _;
use futures::future::join_all;
use justiam_sdk::api::audit::{AuditEntry, AuditQuery};
use justiam_sdk::api::connected_systems::{CsvSettings, NewConnectedSystem, NewRunProfile, RunType};
use justiam_server::app::caller::Permission;
use justiam_server::config::Roles;
use justiam_tests::backend::Backend;
use serde_json::{Value, json};

use super::support::{Answer, Api, NOBODY, answer, merge};

const SCHEDULES: &str = "/api/v1/schedules";

/// A server with a connected system, 1, that has two run profiles, 1 and 2, and with another one, 2, that has 3.
async fn world() -> Api {
    let api = Api::start().await;
    let systems = api.server.client.connected_systems();
    for (name, profiles) in [("HR", vec!["Full Import", "Export"]), ("Payroll", vec!["Full Import"])] {
        let csv = CsvSettings::new("/srv/people.csv", "id", "mail");
        let system = systems.create(&NewConnectedSystem::csv(name, csv)).await.unwrap();
        for profile in profiles {
            let profile = NewRunProfile::new(profile, RunType::FullImport);
            systems.run_profiles(system.id).create(&profile).await.unwrap();
        }
    }
    api
}

/// The body of an enabled schedule that fires on working days at six, with some fields changed.
fn mornings(changes: &Value) -> Value {
    let mut body = json!({
        "name": "Mornings", "triggerType": "Cron", "daysOfWeek": "1,2,3,4,5", "runTimes": "06:00", "isEnabled": true,
        "steps": [],
    });
    merge(&mut body, changes);
    body
}

fn program(index: i64, path: &str) -> Value {
    json!({ "stepIndex": index, "stepType": "Executable", "executablePath": path })
}

async fn create(api: &Api, body: &Value) -> Value {
    api.send("POST", SCHEDULES, body).await.expect(201).json()
}

fn path(schedule: &Value) -> String {
    format!("{SCHEDULES}/{}", schedule["id"].as_str().unwrap())
}

async fn replace(api: &Api, schedule: &Value, body: &Value) -> Value {
    api.send("PUT", &path(schedule), body).await.expect(200).json()
}

async fn post(api: &Api, path: &str) -> Answer {
    answer(api.request("POST", path).header("Content-Type", "application/json")).await
}

async fn read(api: &Api, schedule: &Value) -> Value {
    api.get(&path(schedule)).await.expect(200).json()
}

/// The entries of the audit log about schedules, oldest first.
async fn audit(api: &Api) -> Vec<AuditEntry> {
    let all: Vec<AuditEntry> = api.server.client.audit().list(AuditQuery::new()).try_collect().await.unwrap();
    all.into_iter().rev().filter(|entry| entry.object_kind == "schedule").collect()
}

#[tokio::test]
async fn the_sample_of_the_documentation_comes_back_as_it_was_sent() {
    let api = world().await;
    let sample = r#"{
        "id": "a1b2c3d4-e5f6-7890-abcd-ef1234567890",
        "name": "Daily Delta Sync",
        "description": "Import, sync, and export changes from all connected systems",
        "triggerType": "Cron",
        "cronExpression": "0 6 * * 1-5",
        "patternType": "SpecificTimes",
        "daysOfWeek": "1,2,3,4,5",
        "runTimes": "06:00",
        "intervalValue": null,
        "intervalUnit": null,
        "intervalWindowStart": null,
        "intervalWindowEnd": null,
        "isEnabled": true,
        "lastRunTime": "2026-04-04T06:00:00Z",
        "nextRunTime": "2026-04-07T06:00:00Z",
        "stepCount": 4,
        "created": "2026-01-15T09:30:00Z",
        "lastUpdated": "2026-03-20T14:12:00Z",
        "steps": [
            {
                "id": "b2c3d4e5-f6a7-8901-bcde-f12345678901",
                "stepIndex": 0,
                "name": null,
                "executionMode": "Sequential",
                "stepType": "RunProfile",
                "continueOnFailure": false,
                "timeoutSeconds": null,
                "connectedSystemId": 1,
                "runProfileId": 1,
                "scriptPath": null,
                "arguments": null,
                "executablePath": null,
                "workingDirectory": null,
                "sqlConnectionString": null,
                "sqlScriptPath": null
            }
        ]
    }"#;
    let answer = api.text("POST", SCHEDULES, sample).await.expect(201);
    let created = answer.json();
    assert_eq!(answer.header("location"), path(&created));
    assert_eq!(answer.header("etag"), format!("\"{}\"", created["revision"].as_str().unwrap()));
    let sent: Value = serde_json::from_str(sample).unwrap();
    for (name, value) in sent.as_object().unwrap() {
        let expected = match name.as_str() {
            // Its own, whatever the request says.
            "id" | "steps" => continue,
            "created" => &json!("2026-01-01T00:00:00Z"),
            "nextRunTime" => &json!("2026-01-01T06:00:00Z"),
            "lastRunTime" | "lastUpdated" => &Value::Null,
            "stepCount" => &json!(1),
            _ => value,
        };
        assert_eq!(&created[name], expected, "{name}");
    }
    assert_ne!(created["id"], sent["id"]);
    assert_eq!(created["timezone"], "UTC");
    let step = created["steps"][0].as_object().unwrap();
    for (name, value) in sent["steps"][0].as_object().unwrap() {
        assert!(name == "id" || &step[name] == value, "{name}");
    }
    assert_ne!(step["id"], sent["steps"][0]["id"]);
    assert_eq!(step["sqlConnectionStringRevision"], Value::Null);
    assert_eq!(read(&api, &created).await, created);
    // Sent back, it changes nothing.
    assert_eq!(replace(&api, &created, &created).await, created);
}

#[tokio::test]
async fn a_schedule_needs_no_more_than_a_name() {
    let api = Api::start().await;
    let created = create(&api, &json!({ "name": "Plain" })).await;
    let expected = json!({
        "id": created["id"], "name": "Plain", "description": null, "triggerType": "Manual", "cronExpression": null,
        "patternType": "SpecificTimes", "daysOfWeek": null, "runTimes": null, "intervalValue": null,
        "intervalUnit": null, "intervalWindowStart": null, "intervalWindowEnd": null, "isEnabled": false,
        "lastRunTime": null, "nextRunTime": null, "stepCount": 0, "created": "2026-01-01T00:00:00Z",
        "lastUpdated": null, "timezone": "UTC", "revision": created["revision"], "steps": [],
    });
    assert_eq!(created, expected);
}

#[tokio::test]
async fn names_and_words_are_read_in_any_letter_case_and_what_is_unknown_is_ignored() {
    let api = world().await;
    let body = json!({
        "Name": "Odd", "TRIGGERTYPE": "cron", "patterntype": 1, "DaysOfWeek": "0", "IntervalValue": 59,
        "intervalUNIT": "minutes", "IntervalWindowStart": "22:00", "IntervalWindowEnd": "02:00", "changeReason": ["x"],
        "Steps": [
            { "StepIndex": 3, "STEPTYPE": "runprofile", "ConnectedSystemId": 1, "RunProfileId": 2, "more": {} },
            { "stepindex": 3, "stepType": 2, "executablePath": "/opt/x", "executionmode": "1", "ContinueOnFailure": true },
        ],
    });
    let answer = answer(
        api.request("POST", SCHEDULES).header("Content-Type", "application/json; charset=utf-8").body(body.to_string()),
    );
    let created = answer.await.expect(201).json();
    assert_eq!(created["patternType"], "Interval");
    assert_eq!(created["intervalUnit"], "Minutes");
    assert_eq!(created["steps"][0]["runProfileId"], 2);
    assert_eq!(created["steps"][1]["stepType"], "Executable");
    assert_eq!(created["steps"][1]["executionMode"], "ParallelWithPrevious");
    assert_eq!(created["steps"][1]["continueOnFailure"], true);
}

#[tokio::test]
async fn a_pattern_type_that_is_absent_follows_from_the_other_fields() {
    let api = Api::start().await;
    for (number, (fields, pattern_type, cron)) in [
        (json!({ "daysOfWeek": "0,6", "runTimes": "6:00" }), "SpecificTimes", json!("0 6 * * 0,6")),
        (json!({ "cronExpression": "*/5 * * * *" }), "Custom", json!("*/5 * * * *")),
        // Existing clients send their default.
        (json!({ "cronExpression": "@daily", "patternType": "SpecificTimes" }), "Custom", json!("@daily")),
        (json!({ "cronExpression": "5 4 * * *", "patternType": "Interval" }), "Custom", json!("5 4 * * *")),
        // A stale one beside the fields that count.
        (
            json!({ "cronExpression": "no cron", "daysOfWeek": "0,1,2,3,4,5,6", "runTimes": "00:00,12:30" }),
            "SpecificTimes",
            Value::Null,
        ),
        // Stale fields beside a cron expression that counts.
        (
            json!({ "cronExpression": "5 4 * * *", "patternType": "Custom", "daysOfWeek": "1", "runTimes": "06:00" }),
            "Custom",
            json!("5 4 * * *"),
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let mut body = json!({ "name": format!("s{number}"), "triggerType": "Cron" });
        merge(&mut body, &fields);
        let created = create(&api, &body).await;
        assert_eq!(created["patternType"], pattern_type, "{fields}");
        assert_eq!(created["cronExpression"], cron, "{fields}");
        for (name, value) in fields.as_object().unwrap() {
            assert!(["patternType", "cronExpression"].contains(&name.as_str()) || &created[name] == value, "{name}");
        }
    }
}

#[tokio::test]
async fn a_manual_schedule_keeps_its_pattern_and_never_fires() {
    let api = Api::start().await;
    let whole = create(&api, &mornings(&json!({ "triggerType": "Manual" }))).await;
    assert_eq!((&whole["cronExpression"], &whole["nextRunTime"]), (&json!("0 6 * * 1-5"), &Value::Null));
    let part = create(&api, &json!({ "name": "Part", "runTimes": "06:00", "isEnabled": true })).await;
    assert_eq!((&part["runTimes"], &part["cronExpression"]), (&json!("06:00"), &Value::Null));
    let next = api.get(&format!("{}/next", path(&whole))).await.expect(200).json();
    assert_eq!(next["next"], json!([]));
}

#[tokio::test]
async fn a_replacement_keeps_the_steps_that_it_names() {
    let api = Api::start().await;
    let steps = json!([program(20, "/opt/c"), program(0, "/opt/a"), program(10, "/opt/b"), program(10, "/opt/b2")]);
    let created = create(&api, &mornings(&json!({ "steps": steps }))).await;
    let paths = |schedule: &Value| -> Vec<String> {
        let steps = schedule["steps"].as_array().unwrap().iter();
        steps.map(|step| step["executablePath"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(paths(&created), ["/opt/a", "/opt/b", "/opt/b2", "/opt/c"]);
    let mut body = created.clone();
    body["steps"] = json!([created["steps"][3], program(5, "/opt/new"), created["steps"][0]]);
    body["steps"][0]["executablePath"] = json!("/opt/c3");
    api.server.advance(60);
    let replaced = replace(&api, &created, &body).await;
    assert_eq!(paths(&replaced), ["/opt/a", "/opt/new", "/opt/c3"]);
    assert_eq!(replaced["steps"][0]["id"], created["steps"][0]["id"]);
    assert_eq!(replaced["steps"][2]["id"], created["steps"][3]["id"]);
    assert_ne!(replaced["revision"], created["revision"]);
    assert_eq!((&replaced["stepCount"], &replaced["lastUpdated"]), (&json!(3), &json!("2026-01-01T00:01:00Z")));
    assert_eq!(read(&api, &replaced).await, replaced);
    // Steps of others, unknown ones, and one for two.
    let other = create(&api, &mornings(&json!({ "name": "Other", "steps": [program(0, "/opt/x")] }))).await;
    body["steps"] =
        json!([other["steps"][0], program(1, "/a"), created["steps"][1], replaced["steps"][0], replaced["steps"][0]]);
    body["steps"][1]["id"] = json!("x");
    let refused = api.send("PUT", &path(&created), &body).await;
    refused.wrong_fields(&["steps[0].id", "steps[1].id", "steps[2].id", "steps[4].id"]);
    // Without `steps` it does not say what becomes of them.
    body.as_object_mut().unwrap().remove("steps");
    api.send("PUT", &path(&created), &body).await.wrong_fields(&["steps"]);
    body["steps"] = json!([]);
    assert_eq!(replace(&api, &created, &body).await["steps"], json!([]));
}

#[tokio::test]
async fn a_replacement_resets_what_it_leaves_out() {
    let api = Api::start().await;
    let created = create(&api, &mornings(&json!({ "description": "d", "timezone": "Europe/Zurich" }))).await;
    assert_eq!(created["nextRunTime"], "2026-01-01T05:00:00Z");
    let replaced = replace(&api, &created, &json!({ "name": "Plain", "steps": [] })).await;
    for (name, value) in [
        ("triggerType", json!("Manual")),
        ("timezone", json!("UTC")),
        ("isEnabled", json!(false)),
        ("description", Value::Null),
        ("daysOfWeek", Value::Null),
        ("cronExpression", Value::Null),
        ("nextRunTime", Value::Null),
    ] {
        assert_eq!(replaced[name], value, "{name}");
    }
}

#[tokio::test]
async fn the_next_time_is_right_after_every_change() {
    let api = Api::start().await;
    let created = create(&api, &mornings(&json!({}))).await;
    assert_eq!(created["nextRunTime"], "2026-01-01T06:00:00Z");
    let disabled = post(&api, &format!("{}/disable", path(&created))).await.expect(200).json();
    assert_eq!((&disabled["nextRunTime"], &disabled["isEnabled"]), (&Value::Null, &json!(false)));
    assert_eq!((&disabled["stepCount"], disabled.get("steps")), (&json!(0), None));
    assert_ne!(disabled["revision"], created["revision"]);
    // Again, it changes nothing.
    assert_eq!(post(&api, &format!("{}/disable", path(&created))).await.expect(200).json(), disabled);
    api.server.advance(7 * 3600);
    let enabled = post(&api, &format!("{}/enable", path(&created))).await.expect(200).json();
    assert_eq!(enabled["nextRunTime"], "2026-01-02T06:00:00Z");
    // Another text moves nothing; another pattern or zone counts from now.
    let edited = replace(&api, &created, &mornings(&json!({ "description": "d" }))).await;
    assert_eq!(edited["nextRunTime"], "2026-01-02T06:00:00Z");
    let edited = replace(&api, &created, &mornings(&json!({ "runTimes": "06:00,08:15" }))).await;
    assert_eq!((&edited["nextRunTime"], &edited["cronExpression"]), (&json!("2026-01-01T08:15:00Z"), &Value::Null));
    let edited = replace(&api, &created, &mornings(&json!({ "timezone": "America/New_York" }))).await;
    assert_eq!(edited["nextRunTime"], "2026-01-01T11:00:00Z");
    assert_eq!(
        replace(&api, &created, &mornings(&json!({ "triggerType": "Manual" }))).await["nextRunTime"],
        Value::Null
    );
    for action in ["enable", "disable"] {
        post(&api, &format!("{SCHEDULES}/{NOBODY}/{action}")).await.refused(404, "NOT_FOUND");
        post(&api, &format!("{SCHEDULES}/x/{action}")).await.refused(404, "NOT_FOUND");
    }
}

/// The executions of a schedule, oldest first: when they were due, and what stands in the place of the number of missed ticks.
async fn executions(api: &Api, schedule: &Value) -> Vec<(Value, Value)> {
    let id = schedule["id"].as_str().unwrap();
    let page = api.get(&format!("/api/v1/schedule-executions?scheduleId={id}&sortDescending=false")).await.json();
    let items = page["items"].as_array().unwrap().iter();
    items.map(|item| (item["scheduledFor"].clone(), item["missedTicks"].clone())).collect()
}

#[tokio::test]
async fn a_tick_that_is_due_is_on_record_before_the_schedule_becomes_another_one() {
    // Nobody dispatches here, so that the tick is due when the change comes.
    let backend = Backend::postgres().await;
    let roles = Roles { dispatch: false, work: false, ..Roles::ALL };
    let api = Api::with(backend.server_with(|config| config.roles = roles).await);
    // Beside no dispatcher, schedules become overdue.
    api.server.leave_unchecked();
    let mut schedules = Vec::new();
    for name in ["edited", "disabled", "deleted", "off"] {
        let body = json!({ "name": name, "isEnabled": name != "off", "steps": [program(0, "/opt/x")] });
        schedules.push(create(&api, &mornings(&body)).await);
    }
    api.server.advance(31 * 3600);
    let edited = replace(&api, &schedules[0], &mornings(&json!({ "name": "edited", "runTimes": "09:00" }))).await;
    assert_eq!(edited["nextRunTime"], "2026-01-02T09:00:00Z");
    assert_eq!(edited["lastRunTime"], "2026-01-02T07:00:00Z");
    for index in [1, 3] {
        let disabled = post(&api, &format!("{}/disable", path(&schedules[index]))).await.expect(200).json();
        assert_eq!(disabled["nextRunTime"], Value::Null);
    }
    answer(api.request("DELETE", &path(&schedules[2]))).await.expect(204);
    for schedule in &schedules[..3] {
        assert_eq!(executions(&api, schedule).await, [(json!("2026-01-02T06:00:00Z"), json!(1))]);
    }
    assert_eq!(executions(&api, &schedules[3]).await, []);
}

#[tokio::test]
async fn the_next_instants_are_told() {
    let api = Api::start().await;
    let created = create(&api, &mornings(&json!({ "timezone": "Europe/Zurich", "runTimes": "02:30" }))).await;
    let next =
        api.get(&format!("{}/next?COUNT=2&from=2026-03-27T12:00:00Z&other=1", path(&created))).await.expect(200).json();
    assert_eq!(next["scheduleId"], created["id"]);
    assert_eq!(next["timezone"], "Europe/Zurich");
    assert_eq!(next["next"], json!(["2026-03-30T00:30:00Z", "2026-03-31T00:30:00Z"]));
    api.get(&format!("{}/next?count=1001", path(&created))).await.wrong_fields(&["count"]);
    api.get(&format!("{SCHEDULES}/{NOBODY}/next")).await.refused(404, "NOT_FOUND");
}

#[tokio::test]
async fn changes_find_the_revision_that_they_expect() {
    let api = Api::start().await;
    let created = create(&api, &mornings(&json!({}))).await;
    let stale = |method: &str, suffix: &str| {
        let request = api.request(method, &format!("{}{suffix}", path(&created))).header("If-Match", "\"old\"");
        answer(request.json(&mornings(&json!({}))))
    };
    for (method, suffix) in [("PUT", ""), ("DELETE", ""), ("POST", "/enable"), ("POST", "/disable")] {
        let problem = stale(method, suffix).await.refused(412, "PRECONDITION_FAILED");
        assert!(problem["message"].as_str().unwrap().contains("the schedule has changed"), "{problem}");
    }
    let right = api.request("DELETE", &path(&created)).header("If-Match", created["revision"].as_str().unwrap());
    answer(right).await.expect(204);
    for method in ["GET", "PUT", "DELETE"] {
        api.send(method, &path(&created), &mornings(&json!({}))).await.refused(404, "NOT_FOUND");
        api.send(method, &format!("{SCHEDULES}/not-an-id"), &mornings(&json!({}))).await.refused(404, "NOT_FOUND");
    }
}

#[tokio::test]
async fn every_change_writes_one_entry_of_the_audit_log() {
    let api = Api::start().await;
    let created = create(&api, &mornings(&json!({ "steps": [program(0, "/opt/a"), program(1, "/opt/b")] }))).await;
    replace(&api, &created, &created).await;
    let mut body = created.clone();
    body["runTimes"] = json!("07:00");
    body["steps"] = json!([created["steps"][0], program(2, "/opt/c")]);
    body["steps"][0]["name"] = json!("First");
    let replaced = replace(&api, &created, &body).await;
    for action in ["disable", "disable", "enable"] {
        post(&api, &format!("{}/{action}", path(&created))).await.expect(200);
    }
    answer(api.request("DELETE", &path(&created))).await.expect(204);
    let entries = audit(&api).await;
    let actions: Vec<&str> = entries.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(
        actions,
        ["schedule.create", "schedule.update", "schedule.disable", "schedule.enable", "schedule.delete"]
    );
    let id = |schedule: &Value, index: usize| schedule["steps"][index]["id"].clone();
    assert_eq!(entries[0].details, json!({ "steps_added": [id(&created, 0), id(&created, 1)] }));
    assert_eq!(
        entries[1].details,
        json!({
            "fields": ["cronExpression", "runTimes"],
            "changes": {
                "cronExpression": { "from": "0 6 * * 1-5", "to": "0 7 * * 1-5" },
                "runTimes": { "from": "06:00", "to": "07:00" },
            },
            "steps_added": [id(&replaced, 1)],
            "steps_changed": [id(&created, 0)], "steps_removed": [id(&created, 1)],
        })
    );
    assert_eq!(entries[4].object_name.as_deref(), Some("Mornings"));
}

#[tokio::test]
async fn a_token_does_what_its_permissions_allow() {
    let api = Api::start().await;
    let created = create(&api, &mornings(&json!({}))).await;
    let viewer = api.server.token_with(&[Permission::SchedulesView]).await;
    let manager = api.server.token_with(&[Permission::SchedulesManage]).await;
    let one = path(&created);
    for (method, path, may_view) in [
        ("GET", SCHEDULES.to_owned(), true),
        ("GET", one.clone(), true),
        ("GET", format!("{one}/next"), true),
        ("POST", SCHEDULES.to_owned(), false),
        ("PUT", one.clone(), false),
        ("POST", format!("{one}/enable"), false),
        ("POST", format!("{one}/disable"), false),
        ("DELETE", one.clone(), false),
    ] {
        let send = |token: &str| {
            // As existing clients send it.
            let request = api.anonymous(method, &path).header("X-Api-Key", token);
            let name = if method == "POST" { "Other" } else { "Mornings" };
            answer(request.json(&mornings(&json!({ "name": name }))))
        };
        let (as_viewer, as_manager) = (send(&viewer).await, send(&manager).await);
        let (allowed, refused) = if may_view { (as_viewer, as_manager) } else { (as_manager, as_viewer) };
        assert!(allowed.status < 300, "{method} {path}: {}", allowed.text);
        refused.refused(403, "FORBIDDEN");
        answer(api.anonymous(method, &path)).await.refused(401, "UNAUTHORISED");
    }
}

#[tokio::test]
async fn a_repeated_create_gets_the_first_answer() {
    let api = Api::start().await;
    let send =
        async |body: &Value| answer(api.request("POST", SCHEDULES).header("Idempotency-Key", "k").json(body)).await;
    let first = send(&mornings(&json!({}))).await.expect(201);
    let again = send(&mornings(&json!({}))).await.expect(201);
    assert_eq!((again.text, again.headers.get("etag")), (first.text, first.headers.get("etag")));
    send(&mornings(&json!({ "name": "Other" }))).await.refused(409, "CONFLICT");
    assert_eq!(api.get(SCHEDULES).await.json()["totalCount"], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_hundred_creates_of_the_same_name_are_one_schedule() {
    let api = Api::start().await;
    let body = mornings(&json!({ "steps": [program(0, "/opt/a")] }));
    let answers = join_all((0..200).map(|_| api.send("POST", SCHEDULES, &body))).await;
    let (created, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 201);
    assert_eq!(created.len(), 1);
    for answer in refused {
        let problem = answer.refused(409, "CONFLICT");
        assert_eq!(problem["details"], json!({ "id": created[0].json()["id"], "field": "name" }));
    }
    // Nor can another one be renamed to it.
    let other = create(&api, &mornings(&json!({ "name": "Other" }))).await;
    api.send("PUT", &path(&other), &body).await.refused(409, "CONFLICT");
    assert_eq!(read(&api, &other).await, other);
}
