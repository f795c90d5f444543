//! Schedules, executions, activities and connected systems: what each method sends, lists, waiting and following.

use std::pin::pin;

use futures::{StreamExt as _, TryStreamExt as _};
use justiam_sdk::api::activities::{ActivityQuery, ActivityStatus};
use justiam_sdk::api::connected_systems::{
    ConnectedSystemQuery, CsvSettings, NewConnectedSystem, NewRunProfile, RunType,
};
use justiam_sdk::api::executions::{ExecutionQuery, ExecutionStatus, StepStatus};
use justiam_sdk::api::pattern::{DaysOfWeek, Every, Pattern, Window};
use justiam_sdk::api::preview::NextQuery;
use justiam_sdk::api::schedules::{NewSchedule, NewScheduleStep, Schedule, ScheduleQuery};
use serde_json::{Value, json};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::support::{client, json_answer, line, problem, requests, server};

const SCHEDULE: &str = "a1b2c3d4-e5f6-7890-abcd-ef1234567890";
const STEP: &str = "b2c3d4e5-f6a7-8901-bcde-f12345678901";
const EXECUTION: &str = "0199f2a6-0000-7000-8000-0000000000ee";
const ACTIVITY: &str = "0199f2a6-0000-7000-8000-0000000000ac";

/// A server that answers everything with an empty object, which fits nothing: only the requests matter.
async fn listener() -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(json_answer(200, &json!({}))).mount(&server).await;
    server
}

async fn lines(server: &MockServer) -> Vec<String> {
    requests(server).await.iter().map(line).collect()
}

/// The sample of the product's documentation.
fn schedule_json() -> Value {
    json!({
        "id": SCHEDULE, "name": "Daily Delta Sync",
        "description": "Import, sync, and export changes from all connected systems",
        "triggerType": "Cron", "cronExpression": "0 6 * * 1-5", "patternType": "SpecificTimes",
        "daysOfWeek": "1,2,3,4,5", "runTimes": "06:00", "intervalValue": null, "intervalUnit": null,
        "intervalWindowStart": null, "intervalWindowEnd": null, "isEnabled": true,
        "lastRunTime": "2026-04-04T06:00:00Z", "nextRunTime": "2026-04-07T06:00:00Z", "stepCount": 4,
        "created": "2026-01-15T09:30:00Z", "lastUpdated": "2026-03-20T14:12:00Z",
        "steps": [{
            "id": STEP, "stepIndex": 0, "name": null, "executionMode": "Sequential", "stepType": "RunProfile",
            "continueOnFailure": false, "timeoutSeconds": null, "connectedSystemId": 1, "runProfileId": 1,
            "scriptPath": null, "arguments": null, "executablePath": null, "workingDirectory": null,
            "sqlConnectionString": null, "sqlScriptPath": null,
        }],
    })
}

fn execution_json(status: &str, steps: &[&str]) -> Value {
    let steps: Vec<Value> = steps
        .iter()
        .enumerate()
        .map(|(index, status)| {
            json!({
                "stepIndex": index, "name": format!("Step {}", index + 1), "stepType": "Executable",
                "executionMode": "Sequential", "continueOnFailure": false, "status": status,
            })
        })
        .collect();
    json!({
        "id": EXECUTION, "scheduleId": SCHEDULE, "scheduleName": "Daily Delta Sync", "status": status,
        "currentStepIndex": 0, "totalSteps": steps.len(), "queuedAt": "2026-04-07T06:00:00Z", "startedAt": null,
        "completedAt": null, "initiatedByType": "System", "initiatedById": null, "initiatedByName": "Scheduler",
        "errorMessage": null, "steps": steps,
    })
}

fn page(items: &[Value], total: usize, page: usize, size: usize) -> ResponseTemplate {
    let pages = total.div_ceil(size);
    json_answer(
        200,
        &json!({
            "items": items, "totalCount": total, "page": page, "pageSize": size, "totalPages": pages,
            "hasNextPage": page < pages, "hasPreviousPage": page > 1,
        }),
    )
}

#[tokio::test]
async fn schedules() {
    let server = listener().await;
    let client = client(&server.uri(), 0);
    let schedules = client.schedules();
    let id = SCHEDULE.parse().unwrap();
    let pattern = Pattern::Interval {
        days: DaysOfWeek::WORKING_DAYS,
        every: Every::minutes(45).unwrap(),
        window: Window::new("22:00".parse().unwrap(), "02:00".parse().unwrap()).unwrap(),
    };
    let new = NewSchedule::on("Nights", &pattern)
        .described("d")
        .in_zone("Europe/Zurich")
        .enabled()
        .then(NewScheduleStep::run_profile(1, 2).continuing_on_failure())
        .beside(NewScheduleStep::executable("/opt/x").with_arguments("-v 'a b'").in_directory("/opt").ended_after(60))
        .then(NewScheduleStep::sql_script("sqlite:/srv/a.db", "/srv/a.sql").named("Report"));
    let _ = schedules.create(&new).await;
    let _ = schedules.create(&NewSchedule::manual("M")).await;
    let _ = schedules.get(id).await;
    let mut query = ScheduleQuery::searching("100% ü").with_steps();
    (query.page, query.page_size) = (Some(2), Some(1000));
    (query.sort_by, query.sort_descending) = (Some("nextRunTime".into()), Some(true));
    let _ = schedules.page(&query).await;
    let _ = pin!(schedules.list(query)).next().await;
    let _ = schedules.find("Daily Delta Sync").await;
    let _ = schedules.replace(id, &NewSchedule::manual("M")).await;
    let _ = schedules.replace_if(id, &NewSchedule::manual("M"), "r7").await;
    let _ = schedules.delete(id).await;
    let _ = schedules.enable(id).await;
    let _ = schedules.disable(id).await;
    let _ = schedules.run(id).await;
    let mut next = NextQuery::new();
    next.count = Some(3);
    let _ = schedules.next(id, &next).await;

    let search = "search=100%25+%C3%BC&sortBy=nextRunTime&sortDescending=true&include=steps";
    assert_eq!(
        lines(&server).await,
        [
            concat!(
                r#"POST /api/v1/schedules {"name":"Nights","description":"d","triggerType":"Cron","#,
                r#""patternType":"Interval","daysOfWeek":"1,2,3,4,5","intervalValue":45,"intervalUnit":"Minutes","#,
                r#""intervalWindowStart":"22:00","intervalWindowEnd":"02:00","timezone":"Europe/Zurich","#,
                r#""isEnabled":true,"steps":[{"stepIndex":0,"stepType":"RunProfile","continueOnFailure":true,"#,
                r#""connectedSystemId":1,"runProfileId":2},"#,
                r#"{"stepIndex":0,"executionMode":"ParallelWithPrevious","stepType":"Executable","#,
                r#""timeoutSeconds":60,"arguments":"-v 'a b'","executablePath":"/opt/x","#,
                r#""workingDirectory":"/opt"},"#,
                r#"{"stepIndex":1,"name":"Report","stepType":"SqlScript","#,
                r#""sqlConnectionString":"sqlite:/srv/a.db","sqlScriptPath":"/srv/a.sql"}]}"#
            )
            .to_owned(),
            r#"POST /api/v1/schedules {"name":"M","triggerType":"Manual","steps":[]}"#.to_owned(),
            format!("GET /api/v1/schedules/{SCHEDULE}"),
            format!("GET /api/v1/schedules?page=2&pageSize=1000&{search}"),
            format!("GET /api/v1/schedules?page=1&pageSize=1000&{search}"),
            "GET /api/v1/schedules?name=Daily+Delta+Sync".to_owned(),
            format!("PUT /api/v1/schedules/{SCHEDULE} {}", r#"{"name":"M","triggerType":"Manual","steps":[]}"#),
            format!("PUT /api/v1/schedules/{SCHEDULE} {}", r#"{"name":"M","triggerType":"Manual","steps":[]}"#),
            format!("DELETE /api/v1/schedules/{SCHEDULE}"),
            format!("POST /api/v1/schedules/{SCHEDULE}/enable"),
            format!("POST /api/v1/schedules/{SCHEDULE}/disable"),
            format!("POST /api/v1/schedules/{SCHEDULE}/run"),
            format!("GET /api/v1/schedules/{SCHEDULE}/next?count=3"),
        ]
    );
    let sent = requests(&server).await;
    let if_match = |index: usize| sent[index].headers.get("If-Match").map(|value| value.to_str().unwrap());
    assert_eq!((if_match(6), if_match(7)), (None, Some("\"r7\"")));
    for post in sent.iter().filter(|request| request.method == "POST") {
        assert!(post.headers.contains_key("Idempotency-Key"), "{}", line(post));
    }
}

#[tokio::test]
async fn executions_and_activities() {
    let server = listener().await;
    let client = client(&server.uri(), 0);
    let (executions, activities) = (client.executions(), client.activities());
    let id = EXECUTION.parse().unwrap();
    let _ = executions.get(id).await;
    let query = ExecutionQuery::of(SCHEDULE.parse().unwrap()).with_status(ExecutionStatus::InProgress);
    let _ = executions.page(&query).await;
    let _ = pin!(executions.list(query)).next().await;
    let _ = executions.active().await;
    let _ = executions.cancel(id).await;
    let _ = executions.wait(id).await;
    let _ = activities.get(ACTIVITY.parse().unwrap()).await;
    let _ = activities.page(&ActivityQuery::of(id).with_status(ActivityStatus::FailedWithError)).await;
    let _ = pin!(activities.list(ActivityQuery::of_system(7))).next().await;
    let filter = format!("scheduleId={SCHEDULE}&status=InProgress");
    assert_eq!(
        lines(&server).await,
        [
            format!("GET /api/v1/schedule-executions/{EXECUTION}"),
            format!("GET /api/v1/schedule-executions?{filter}"),
            format!("GET /api/v1/schedule-executions?page=1&{filter}"),
            "GET /api/v1/schedule-executions/active".to_owned(),
            format!("POST /api/v1/schedule-executions/{EXECUTION}/cancel"),
            format!("GET /api/v1/schedule-executions/{EXECUTION}"),
            format!("GET /api/v1/activities/{ACTIVITY}"),
            format!("GET /api/v1/activities?status=FailedWithError&scheduleExecutionId={EXECUTION}"),
            "GET /api/v1/activities?page=1&connectedSystemId=7".to_owned(),
        ]
    );
}

#[tokio::test]
async fn connected_systems_and_run_profiles() {
    let server = listener().await;
    let client = client(&server.uri(), 0);
    let systems = client.connected_systems();
    let new = NewConnectedSystem::csv("HR", CsvSettings::new("/srv/hr.csv", "id", "mail")).described("d").outbound();
    let _ = systems.create(&new).await;
    let _ = systems.get(7).await;
    let _ = systems.page(&ConnectedSystemQuery::new()).await;
    let _ = pin!(systems.list(ConnectedSystemQuery::new())).next().await;
    let _ = systems.find("HR").await;
    let _ = systems.replace(7, &new).await;
    let _ = systems.delete(7).await;
    let profiles = systems.run_profiles(7);
    let profile = NewRunProfile::new("All", RunType::FullImport).with_file("/srv/all.csv");
    let _ = profiles.create(&profile).await;
    let _ = profiles.get(9).await;
    let _ = profiles.list().await;
    let _ = profiles.replace(9, &profile).await;
    let _ = profiles.delete(9).await;
    let _ = profiles.execute(9).await;
    let system = concat!(
        r#"{"name":"HR","description":"d","direction":"Outbound","csv":{"filePath":"/srv/hr.csv","delimiter":",","#,
        r#""idColumn":"id","emailColumn":"mail","firstNameColumn":null,"lastNameColumn":null,"activeColumn":null,"#,
        r#""groupsColumn":null,"groupsDelimiter":";","attributeColumns":{}}}"#
    );
    let profile = r#"{"name":"All","runType":"FullImport","filePath":"/srv/all.csv"}"#;
    let path = "/api/v1/synchronisation/connected-systems";
    assert_eq!(
        lines(&server).await,
        [
            format!("POST {path} {system}"),
            format!("GET {path}/7"),
            format!("GET {path}"),
            format!("GET {path}?page=1"),
            format!("GET {path}?name=HR"),
            format!("PUT {path}/7 {system}"),
            format!("DELETE {path}/7"),
            format!("POST {path}/7/run-profiles {profile}"),
            format!("GET {path}/7/run-profiles/9"),
            format!("GET {path}/7/run-profiles"),
            format!("PUT {path}/7/run-profiles/9 {profile}"),
            format!("DELETE {path}/7/run-profiles/9"),
            format!("POST {path}/7/run-profiles/9/execute"),
        ]
    );
}

#[tokio::test]
async fn pages_are_read_as_long_as_the_server_says_that_one_more_comes() {
    // The last answer says that there is one more but has nothing: others have deleted the rest meanwhile.
    for (answers, expected) in [
        (vec![page(&[], 0, 1, 20)], 0),
        (vec![page(&[schedule_json(), schedule_json()], 2, 1, 2)], 2),
        (vec![page(&[schedule_json()], 2, 1, 1), page(&[schedule_json()], 2, 2, 1)], 2),
        (vec![page(&[schedule_json()], 3, 1, 1), page(&[], 3, 2, 1)], 1),
    ] {
        let count = answers.len();
        let server = server(answers).await;
        let client = client(&server.uri(), 0);
        let found: Vec<_> = client.schedules().list(ScheduleQuery::new()).try_collect().await.unwrap();
        assert_eq!((found.len(), requests(&server).await.len()), (expected, count));
    }
}

#[tokio::test]
async fn a_name_is_compared_also_where_the_server_does_not_know_the_filter() {
    let server = server([page(&[schedule_json()], 1, 1, 20), page(&[schedule_json()], 1, 1, 20)]).await;
    let client = client(&server.uri(), 0);
    assert_eq!(client.schedules().find("Daily Delta Sync").await.unwrap().unwrap().id.to_string(), SCHEDULE);
    assert_eq!(client.schedules().find("Nightly").await.unwrap(), None);
}

#[test]
fn the_sample_of_the_documentation_is_read_and_makes_the_body_that_changes_nothing() {
    let mut schedule: Schedule = serde_json::from_value(schedule_json()).unwrap();
    assert_eq!((schedule.timezone.as_str(), schedule.step_count), ("UTC", 4));
    let body = serde_json::to_value(schedule.to_new().unwrap()).unwrap();
    assert_eq!(
        body,
        json!({
            "name": "Daily Delta Sync", "description": "Import, sync, and export changes from all connected systems",
            "triggerType": "Cron", "patternType": "SpecificTimes", "daysOfWeek": "1,2,3,4,5", "runTimes": "06:00",
            "timezone": "UTC", "isEnabled": true,
            "steps": [{
                "id": STEP, "stepIndex": 0, "executionMode": "Sequential", "stepType": "RunProfile",
                "continueOnFailure": false, "connectedSystemId": 1, "runProfileId": 1,
            }],
        })
    );
    schedule.steps = None;
    assert_eq!(schedule.to_new(), None);
}

#[tokio::test]
async fn waiting_looks_until_no_step_is_at_work_any_more() {
    let answers = [
        execution_json("Queued", &["Queued"]),
        execution_json("Paused", &["Queued"]),
        execution_json("InProgress", &["Processing"]),
        execution_json("Cancelled", &["Cancelling"]),
        execution_json("Cancelled", &["Cancelled"]),
    ];
    let server = server(answers.iter().map(|body| json_answer(200, body))).await;
    let execution = client(&server.uri(), 0).executions().wait(EXECUTION.parse().unwrap()).await.unwrap();
    assert_eq!(execution.status, ExecutionStatus::Cancelled);
    assert_eq!(execution.steps.unwrap()[0].status, StepStatus::Cancelled);
    assert_eq!(requests(&server).await.len(), 5);
}

#[tokio::test]
async fn a_follower_sees_each_change_one_time_and_the_end() {
    let answers = [
        execution_json("InProgress", &["Processing", "Waiting"]),
        execution_json("InProgress", &["Processing", "Waiting"]),
        execution_json("InProgress", &["Completed", "Processing"]),
        execution_json("Completed", &["Completed", "Completed"]),
    ];
    let server = server(answers.iter().map(|body| json_answer(200, body))).await;
    let client = client(&server.uri(), 0);
    let seen: Vec<_> = client.executions().follow(EXECUTION.parse().unwrap()).try_collect().await.unwrap();
    let first_steps: Vec<_> =
        seen.iter().map(|execution| execution.steps.as_ref().unwrap()[0].status.clone()).collect();
    assert_eq!(first_steps, [StepStatus::Processing, StepStatus::Completed, StepStatus::Completed]);
    assert_eq!(seen[2].status, ExecutionStatus::Completed);
    assert_eq!(requests(&server).await.len(), 4);
}

#[tokio::test]
async fn an_error_ends_a_follower() {
    let server =
        server([json_answer(200, &execution_json("InProgress", &["Processing"])), problem(404, "NOT_FOUND")]).await;
    let client = client(&server.uri(), 0);
    let seen: Vec<_> = client.executions().follow(EXECUTION.parse().unwrap()).collect().await;
    assert_eq!(seen.len(), 2);
    assert!(seen[1].as_ref().unwrap_err().is_not_found());
}

#[tokio::test]
async fn waiting_looks_until_the_activity_has_ended() {
    let activity = |status: &str| {
        json_answer(
            200,
            &json!({
                "id": ACTIVITY, "targetType": "ConnectedSystemRunProfile", "targetName": "All", "status": status,
                "created": "2026-04-07T06:00:00Z", "objectsProcessed": 3, "initiatedByType": "ApiKey",
            }),
        )
    };
    let server = server(["NotSet", "InProgress", "CompleteWithError"].map(activity)).await;
    let activity = client(&server.uri(), 0).activities().wait(ACTIVITY.parse().unwrap()).await.unwrap();
    assert_eq!((activity.status, activity.objects_processed), (ActivityStatus::CompleteWithError, 3));
}
