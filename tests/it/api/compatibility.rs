//! A client that was written from the documentation alone finds what it relies on: definitions of schedules.

mod client;
mod executions;

use serde_json::{Value, json};

use self::client::{SCHEDULES, Tool};
use super::support::{Api, NOBODY};

/// A server, and the client.
async fn world() -> (Api, Tool) {
    let api = Api::start().await;
    let tool = Tool::new(&api.server.endpoint, &api.server.token);
    (api, tool)
}

/// Every working day at six.
fn mornings() -> Value {
    json!({ "daysOfWeek": "1,2,3,4,5", "runTimes": "06:00" })
}

fn id(value: &Value) -> &str {
    value["Id"].as_str().unwrap()
}

/// Some fields of an object, one after the other.
fn fields<const N: usize>(value: &Value, names: [&str; N]) -> [Value; N] {
    names.map(|name| value[name].clone())
}

#[tokio::test]
async fn it_connects() {
    let (_api, tool) = world().await;
    let (health, version) = tool.connect().await;
    assert_eq!(health["Status"], "healthy");
    assert!(version["Version"].is_string(), "{version}");
}

#[tokio::test]
async fn it_creates_schedules_on_each_pattern_and_by_hand() {
    let (_api, tool) = world().await;
    // It is midnight between Wednesday, the last of December, and Thursday, the first of January 2026.
    for (name, body, expression, first) in [
        ("Mornings", mornings(), json!("0 6 * * 1-5"), "2026-01-01T06:00:00Z"),
        ("Two times", json!({ "daysOfWeek": "0,6", "runTimes": "06:00,12:30" }), json!(null), "2026-01-03T06:00:00Z"),
        (
            "Office hours",
            json!({
                "patternType": "Interval", "daysOfWeek": "1,2,3,4,5", "intervalValue": 2, "intervalUnit": "Hours",
                "intervalWindowStart": "08:30", "intervalWindowEnd": "18:00",
            }),
            json!("30 8,10,12,14,16 * * 1-5"),
            "2026-01-01T08:30:00Z",
        ),
        (
            "By cron",
            json!({ "patternType": "Custom", "cronExpression": "15 2 * * 0" }),
            json!("15 2 * * 0"),
            "2026-01-04T02:15:00Z",
        ),
    ] {
        let created = tool.new_schedule(name, &body).await.unwrap();
        assert_eq!(created["IsEnabled"], false, "{name}");
        let enabled = tool.switch(id(&created), "enable").await.unwrap();
        assert_eq!((&enabled["CronExpression"], &enabled["NextRunTime"]), (&expression, &json!(first)), "{name}");
        for (field, sent) in body.as_object().unwrap() {
            assert_eq!(&enabled[client_name(field)], sent, "{name}: {field}");
        }
    }
    let manual = tool.new_schedule("By hand", &json!({ "triggerType": "Manual" })).await.unwrap();
    assert_eq!(fields(&manual, ["TriggerType", "NextRunTime"]), [json!("Manual"), Value::Null]);
}

fn client_name(field: &str) -> String {
    field[..1].to_uppercase() + &field[1..]
}

#[tokio::test]
async fn old_versions_send_the_numbers_of_words() {
    let (_api, tool) = world().await;
    let body = json!({
        "triggerType": 0, "patternType": 1, "daysOfWeek": "1", "intervalValue": 1, "intervalUnit": 1,
        "intervalWindowStart": "00:00", "intervalWindowEnd": "23:59",
        "steps": [{ "stepIndex": 0, "executionMode": 1, "stepType": 2, "executablePath": "/opt/report" }],
    });
    let created = tool.new_schedule("Numbers", &body).await.unwrap();
    let words = fields(&created, ["TriggerType", "PatternType", "IntervalUnit"]);
    assert_eq!(words, [json!("Cron"), json!("Interval"), json!("Hours")]);
    let words = fields(&created["Steps"][0], ["ExecutionMode", "StepType"]);
    assert_eq!(words, [json!("ParallelWithPrevious"), json!("Executable")]);
}

#[tokio::test]
async fn words_and_names_are_read_in_any_letter_case() {
    let (_api, tool) = world().await;
    let body = json!({
        "NAME": "Loud", "TriggerType": "cron", "PATTERNTYPE": "specifictimes", "daysofweek": "1", "RunTimes": "06:00",
        "changeReason": "unknown", "Steps": [{ "STEPINDEX": 4, "StepType": "powershell", "ScriptPath": "/srv/a.ps1" }],
    });
    let created = tool.call("POST", SCHEDULES, Some(&body)).await.unwrap();
    assert_eq!(created["CronExpression"], "0 6 * * 1");
    assert_eq!(fields(&created["Steps"][0], ["StepIndex", "StepType"]), [json!(4), json!("PowerShell")]);
}

#[tokio::test]
async fn a_stale_expression_does_not_win_over_changed_fields() {
    let (_api, tool) = world().await;
    let created = tool.new_schedule("S", &mornings()).await.unwrap();
    assert_eq!(created["CronExpression"], "0 6 * * 1-5");
    let changed = tool.set_schedule(id(&created), &json!({ "runTimes": "07:00", "isEnabled": true })).await.unwrap();
    assert_eq!(
        fields(&changed, ["RunTimes", "CronExpression", "NextRunTime"]),
        [json!("07:00"), json!("0 7 * * 1-5"), json!("2026-01-01T07:00:00Z")]
    );
}

#[tokio::test]
async fn an_expression_beside_the_default_pattern_type_counts_as_custom() {
    let (_api, tool) = world().await;
    let created = tool.new_schedule("S", &json!({ "cronExpression": "*/20 * * * *" })).await.unwrap();
    assert_eq!(fields(&created, ["PatternType", "CronExpression"]), [json!("Custom"), json!("*/20 * * * *")]);
}

#[tokio::test]
async fn enabling_and_disabling_has_no_body_and_answers_with_the_schedule() {
    let (_api, tool) = world().await;
    let created = tool.new_schedule("S", &mornings()).await.unwrap();
    let path = format!("{SCHEDULES}/{}", id(&created));
    let enabled = tool.call("POST", &format!("{path}/enable"), None).await.unwrap();
    assert_eq!(fields(&enabled, ["IsEnabled", "NextRunTime"]), [json!(true), json!("2026-01-01T06:00:00Z")]);
    let disabled = tool.switch(id(&created), "disable").await.unwrap();
    assert_eq!(fields(&disabled, ["IsEnabled", "NextRunTime"]), [json!(false), Value::Null]);
}

#[tokio::test]
async fn steps_are_added_and_removed_by_sending_the_whole_schedule_back() {
    let (_api, tool) = world().await;
    let schedule = tool.new_schedule("S", &json!({ "triggerType": "Manual" })).await.unwrap();
    let id = id(&schedule);
    let program = |path: &str| json!({ "stepType": "Executable", "executablePath": path, "timeoutSeconds": 60 });
    tool.add_step(id, false, &program("/opt/a")).await.unwrap();
    let one = tool.add_step(id, true, &program("/opt/b")).await.unwrap();
    let two = tool.add_step(id, false, &program("/opt/c")).await.unwrap();
    let indexes = |schedule: &Value| {
        let steps = schedule["Steps"].as_array().unwrap();
        steps.iter().map(|step| step["StepIndex"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!((indexes(&one), indexes(&two)), (vec![0, 0], vec![0, 0, 1]));
    assert_eq!(two["StepCount"], 3);
    for row in 0..2 {
        assert_eq!(one["Steps"][row]["Id"], two["Steps"][row]["Id"], "a step that was echoed is the same one");
    }
    // The tool forgets time-outs of other steps: a replacement is whole.
    assert_eq!((&two["Steps"][0]["TimeoutSeconds"], &two["Steps"][2]["TimeoutSeconds"]), (&Value::Null, &json!(60)));
    let removed = tool.remove_steps(id, 0).await.unwrap();
    assert_eq!((indexes(&removed), &removed["Steps"][0]["ExecutablePath"]), (vec![0], &json!("/opt/c")));
    assert_ne!(removed["Steps"][0]["Id"], two["Steps"][2]["Id"], "a step without its id is a new one");
    let refused = tool.add_step(NOBODY, false, &program("/opt/a")).await.unwrap_err();
    assert_eq!((refused.status, refused.code.as_str()), (404, "NOT_FOUND"));
}

#[tokio::test]
async fn what_it_forgets_of_a_step_with_sql_is_told_and_changes_nothing() {
    let (_api, tool) = world().await;
    let step = json!({
        "stepIndex": 0, "stepType": "SqlScript", "sqlConnectionString": "postgres://u:canary@db/x",
        "sqlScriptPath": "/srv/a.sql",
    });
    let body = json!({ "triggerType": "Manual", "steps": [step] });
    let schedule = tool.new_schedule("S", &body).await.unwrap();
    let shown = schedule["Steps"][0]["SqlConnectionString"].as_str().unwrap();
    assert!(shown.contains("db/x") && !shown.contains("canary"), "{shown}");
    // What it has read and sends back as it is keeps what is stored.
    let echoed = tool.set_schedule(id(&schedule), &json!({ "description": "d" })).await.unwrap();
    assert_eq!(echoed["Steps"][0]["SqlConnectionStringRevision"], schedule["Steps"][0]["SqlConnectionStringRevision"]);
    let step = json!({ "stepType": "Executable", "executablePath": "/opt/a" });
    let refused = tool.add_step(id(&schedule), false, &step).await.unwrap_err();
    assert!(refused.status == 400 && refused.fields.contains("Connection string is required"), "{refused:?}");
    assert_eq!(tool.schedule(id(&schedule)).await.unwrap()["StepCount"], 1);
}

#[tokio::test]
async fn all_schedules_are_read_in_pages_of_a_hundred() {
    let (_api, tool) = world().await;
    assert_eq!(tool.schedules().await, Vec::<Value>::new());
    for number in 0..101 {
        tool.new_schedule(&format!("S{number:03}"), &json!({ "triggerType": "Manual" })).await.unwrap();
    }
    let before = tool.requests();
    let all = tool.schedules().await;
    assert_eq!((all.len(), tool.requests() - before), (101, 2));
    let names: Vec<_> = all.iter().map(|schedule| schedule["Name"].as_str().unwrap().to_owned()).collect();
    assert!(names.is_sorted(), "{names:?}");
    let answer = tool.get(&format!("{SCHEDULES}?search=s00&sortBy=name&sortDescending=true&pageSize=3")).await.unwrap();
    let envelope = fields(&answer, ["TotalCount", "Page", "PageSize", "TotalPages", "HasNextPage", "HasPreviousPage"]);
    assert_eq!(envelope, [json!(10), json!(1), json!(3), json!(4), json!(true), json!(false)]);
    assert_eq!(answer["Items"][0]["Name"], "S009");
}

#[tokio::test]
async fn errors_have_the_words_that_it_shows() {
    let (api, tool) = world().await;
    let step = |step: Value| json!({ "triggerType": "Manual", "steps": [step] });
    for (body, words) in [
        (json!({ "patternType": "Custom" }), "Cron expression is required"),
        (step(json!({ "stepIndex": 0 })), "Connected System ID is required"),
        (step(json!({ "stepType": "RunProfile", "connectedSystemId": 1 })), "Run Profile ID is required"),
        (step(json!({ "stepType": "PowerShell" })), "Script path is required"),
        (step(json!({ "stepType": "Executable" })), "Executable path is required"),
        (step(json!({ "stepType": "SqlScript" })), "Connection string is required"),
    ] {
        let refused = tool.new_schedule("S", &body).await.unwrap_err();
        assert_eq!((refused.status, refused.code.as_str()), (400, "VALIDATION_ERROR"), "{refused:?}");
        assert!(!refused.message.is_empty() && refused.fields.contains(words), "{words}: {refused:?}");
    }
    // A shell that takes the list `0` for nothing sends a schedule for Sundays without its days.
    let refused = tool.new_schedule("S", &json!({ "runTimes": "06:00" })).await.unwrap_err();
    assert!(refused.status == 400 && refused.fields.contains("daysOfWeek"), "{refused:?}");

    let created = tool.new_schedule("S", &mornings()).await.unwrap();
    let refused = tool.new_schedule("S", &mornings()).await.unwrap_err();
    assert_eq!((refused.status, refused.code.as_str()), (409, "CONFLICT"));
    let refused = tool.call("POST", &format!("{SCHEDULES}/{}/run", id(&created)), None).await.unwrap_err();
    assert!(refused.status == 400 && refused.message.contains("no steps"), "{refused:?}");
    for unknown in [NOBODY, "not-an-id"] {
        let refused = tool.schedule(unknown).await.unwrap_err();
        assert_eq!((refused.status, refused.code.as_str()), (404, "NOT_FOUND"));
        assert!(!refused.message.is_empty());
    }
    let stranger = Tool::new(&api.server.endpoint, "jim_ak_stranger");
    assert_eq!(stranger.schedule(id(&created)).await.unwrap_err().status, 401);
    tool.remove_schedule(id(&created)).await.unwrap();
    assert_eq!(tool.remove_schedule(id(&created)).await.unwrap_err().status, 404);
}
