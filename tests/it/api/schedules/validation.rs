//! What is wrong with bodies of schedules, all at once, each at its field.

use serde_json::{Value, json};

use super::{Api, SCHEDULES, create, mornings, path, program, world};

async fn refused(api: &Api, changes: &Value, fields: &[&str]) -> Value {
    api.send("POST", SCHEDULES, &mornings(changes)).await.wrong_fields(fields)
}

/// What a POST says of one step.
async fn wrong_step(api: &Api, step: Value, fields: &[&str]) -> Value {
    let fields: Vec<String> = fields.iter().map(|field| format!("steps[1].{field}")).collect();
    let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
    refused(api, &json!({ "steps": [program(0, "/opt/x"), step] }), &fields).await
}

#[tokio::test]
async fn each_field_of_a_schedule_has_its_limits() {
    let api = Api::start().await;
    let long = |count: usize| "ä".repeat(count);
    for (changes, fields) in [
        (json!({ "name": null }), vec!["name"]),
        (json!({ "name": " \u{2003}" }), vec!["name"]),
        (json!({ "name": "a\nb" }), vec!["name"]),
        (json!({ "name": "a\u{0}b", "description": "\u{0}" }), vec!["name", "description"]),
        (json!({ "name": long(201), "description": long(1001) }), vec!["name", "description"]),
        (
            json!({ "name": 1, "description": [], "isEnabled": "true", "steps": {} }),
            vec!["name", "description", "isEnabled", "steps"],
        ),
        (json!({ "triggerType": "Sometimes", "patternType": 3 }), vec!["triggerType", "patternType"]),
        (json!({ "triggerType": 2, "patternType": true }), vec!["triggerType", "patternType"]),
        (json!({ "timezone": "Mars/Base" }), vec!["timezone"]),
        (json!({ "daysOfWeek": "7", "runTimes": "24:00" }), vec!["daysOfWeek", "runTimes"]),
        (json!({ "daysOfWeek": "", "runTimes": "" }), vec!["daysOfWeek", "runTimes"]),
        (json!({ "daysOfWeek": 1, "runTimes": ["06:00"] }), vec!["daysOfWeek", "runTimes"]),
        // What does not count must be right all the same.
        (
            json!({ "intervalValue": 60, "intervalUnit": "Days", "intervalWindowEnd": "8" }),
            vec!["intervalValue", "intervalUnit", "intervalWindowEnd"],
        ),
        (json!({ "triggerType": "Manual", "runTimes": "6" }), vec!["runTimes"]),
        (json!({ "patternType": "Custom" }), vec!["cronExpression"]),
        (json!({ "patternType": "Custom", "cronExpression": "61 * * * *" }), vec!["cronExpression"]),
        (json!({ "patternType": "Custom", "cronExpression": "0 0 30 2 *" }), vec!["cronExpression"]),
        (
            json!({ "patternType": "Custom", "cronExpression": format!("0 0 * * {}1", "1,".repeat(46)) }),
            vec!["cronExpression"],
        ),
        (
            json!({ "patternType": "Interval" }),
            vec!["intervalValue", "intervalUnit", "intervalWindowStart", "intervalWindowEnd"],
        ),
        (json!({ "daysOfWeek": null, "runTimes": null }), vec!["daysOfWeek", "runTimes", "cronExpression"]),
        (json!({ "daysOfWeek": null, "runTimes": null, "patternType": 0 }), vec!["daysOfWeek", "runTimes"]),
        (
            json!({ "patternType": "Interval", "intervalValue": 0, "intervalUnit": 0, "intervalWindowStart": "08:00", "intervalWindowEnd": "08:00" }),
            vec!["intervalValue", "intervalWindowEnd"],
        ),
    ] {
        refused(&api, &changes, &fields).await;
    }
    let fits = json!({
        "name": long(200), "description": long(1000), "patternType": "Interval", "intervalValue": 59, "intervalUnit": "Hours",
        "intervalWindowStart": "00:00", "intervalWindowEnd": "23:59",
    });
    assert_eq!(create(&api, &mornings(&fits)).await["description"], fits["description"]);
    let custom =
        json!({ "name": "Custom", "patternType": "Custom", "cronExpression": format!("0 0 * * {}1", "1,".repeat(45)) });
    create(&api, &mornings(&custom)).await;
}

#[tokio::test]
async fn a_property_that_stands_twice_is_refused() {
    let api = Api::start().await;
    for (body, field) in [
        (r#"{"name":"a","Name":"b"}"#, "Name"),
        (r#"{"name":"a","other":1,"OTHER":2}"#, "OTHER"),
        (
            r#"{"name":"a","steps":[{"stepType":2,"executablePath":"/a","EXECUTABLEPATH":"/b"}]}"#,
            "steps[0].EXECUTABLEPATH",
        ),
    ] {
        api.text("POST", SCHEDULES, body).await.wrong_fields(&[field]);
    }
    api.text("POST", SCHEDULES, r#"{"name":"a","name":"b"}"#).await.refused(400, "VALIDATION_ERROR");
    for body in ["", "[]", "{", "null"] {
        api.text("POST", SCHEDULES, body).await.refused(400, "VALIDATION_ERROR");
    }
}

#[tokio::test]
async fn each_type_of_step_needs_its_own_fields() {
    let api = world().await;
    for (step, fields, words) in [
        (json!({}), vec!["connectedSystemId", "runProfileId"], "Connected System ID is required"),
        (json!({ "connectedSystemId": 1, "runProfileId": 0 }), vec!["runProfileId"], "Run Profile ID is required"),
        (
            json!({ "connectedSystemId": 2, "runProfileId": 1 }),
            vec!["runProfileId"],
            "connected system 2 has no run profile 1",
        ),
        (
            json!({ "connectedSystemId": 9, "runProfileId": 1 }),
            vec!["connectedSystemId"],
            "there is no connected system 9",
        ),
        (
            json!({ "connectedSystemId": -1, "runProfileId": i64::MIN }),
            vec!["connectedSystemId"],
            "there is no connected system -1",
        ),
        (json!({ "stepType": "PowerShell" }), vec!["scriptPath"], "Script path is required"),
        (json!({ "stepType": "PowerShell", "scriptPath": " " }), vec!["scriptPath"], "Script path is required"),
        (json!({ "stepType": "PowerShell", "scriptPath": "a.ps1" }), vec!["scriptPath"], "must be an absolute path"),
        (
            json!({ "stepType": "Executable", "scriptPath": "/a" }),
            vec!["executablePath"],
            "Executable path is required",
        ),
        (
            json!({ "stepType": "Executable", "executablePath": "/a", "workingDirectory": "a" }),
            vec!["workingDirectory"],
            "must be an absolute path",
        ),
        (
            json!({ "stepType": "SqlScript", "sqlScriptPath": "/a" }),
            vec!["sqlConnectionString"],
            "Connection string is required",
        ),
        (
            json!({ "stepType": "SqlScript", "sqlConnectionString": "sqlite:/a" }),
            vec!["sqlScriptPath"],
            "SQL script path is required",
        ),
        (
            json!({ "stepType": "Executable", "executablePath": "/a", "sqlConnectionString": "sqlite:/a" }),
            vec!["sqlConnectionString"],
            "is for steps of the type `SqlScript` only",
        ),
    ] {
        let errors = wrong_step(&api, step.clone(), &fields).await;
        let message = errors[format!("steps[1].{}", fields[0])][0].as_str().unwrap();
        assert!(message.contains(words), "{step}: {message}");
    }
}

#[tokio::test]
async fn each_field_of_a_step_has_its_limits() {
    let api = Api::start().await;
    let long = |count: usize| format!("/{}", "ä".repeat(count - 1));
    let mut step = json!({ "stepType": "Executable", "executablePath": "/a" });
    for (name, longest) in [
        ("name", 200),
        ("scriptPath", 500),
        ("arguments", 2000),
        ("executablePath", 500),
        ("workingDirectory", 500),
        ("sqlScriptPath", 500),
    ] {
        let mut wrong = step.clone();
        wrong[name] = json!(long(longest + 1));
        wrong_step(&api, wrong.clone(), &[name]).await;
        wrong[name] = json!("/a\u{0}");
        wrong_step(&api, wrong.clone(), &[name]).await;
        wrong[name] = json!(7);
        wrong_step(&api, wrong, &[name]).await;
        step[name] = json!(long(longest));
    }
    for (name, least, most) in [("stepIndex", 0, 1000), ("timeoutSeconds", 1, 86_400)] {
        for value in [json!(least - 1), json!(most + 1), json!(1.5), json!("1")] {
            let mut wrong = step.clone();
            wrong[name] = value;
            wrong_step(&api, wrong, &[name]).await;
        }
        step[name] = json!(most);
    }
    for (name, value) in [("stepType", json!(4)), ("executionMode", json!("Both")), ("continueOnFailure", json!(1))] {
        let mut wrong = step.clone();
        wrong[name] = value;
        wrong_step(&api, wrong, &[name]).await;
    }
    let created = create(&api, &mornings(&json!({ "steps": [step, program(0, "/opt/x")] }))).await;
    for (name, value) in step.as_object().unwrap() {
        assert_eq!(&created["steps"][1][name], value, "{name}");
    }
}

#[tokio::test]
async fn a_thousand_steps_are_stored_and_no_more() {
    let api = Api::start().await;
    let steps = |count: i64| (0..count).map(|index| program(index, "/opt/x")).collect::<Vec<_>>();
    let created = create(&api, &mornings(&json!({ "steps": steps(1000) }))).await;
    assert_eq!(created["stepCount"], 1000);
    refused(&api, &json!({ "steps": steps(1001) }), &["steps"]).await;
    let mut body = created.clone();
    body["steps"].as_array_mut().unwrap().swap(3, 7);
    let replaced = api.send("PUT", &path(&created), &body).await.expect(200).json();
    assert_eq!(replaced, created);
    refused(
        &api,
        &json!({ "name": "Other", "steps": [1, null, "x", [], program(0, "/a")] }),
        &["steps[0]", "steps[1]", "steps[2]", "steps[3]"],
    )
    .await;
}

#[tokio::test]
async fn all_that_is_wrong_is_told_at_once() {
    let api = world().await;
    let body = json!({
        "name": "", "triggerType": "Cron", "patternType": "Interval", "timezone": "x", "steps": [
            { "stepIndex": 1001, "connectedSystemId": 1, "runProfileId": 99 },
            { "stepType": "SqlScript", "sqlConnectionString": "mysql://h/x" },
        ],
    });
    let answer = api.send("POST", SCHEDULES, &body).await;
    answer.wrong_fields(&[
        "name",
        "timezone",
        "daysOfWeek",
        "intervalValue",
        "intervalUnit",
        "intervalWindowStart",
        "intervalWindowEnd",
        "steps[0].stepIndex",
        "steps[0].runProfileId",
        "steps[1].sqlConnectionString",
        "steps[1].sqlScriptPath",
    ]);
}
