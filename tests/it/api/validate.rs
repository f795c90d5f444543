//! Dry runs: `POST /api/v1/tasks/validate` says what a create would, and stores nothing.

use std::time::Instant;

use jiff::civil::date;
use justiam_sdk::api::preview::Validation;
use justiam_sdk::api::tasks::NewTask;
use justiam_sdk::api::values::{ScheduleType, TaskType, WarningKind};
use justiam_server::app::caller::Permission;
use justiam_tests::server::TestServer;
use serde_json::{Value, json};

use super::support::{Api, SCRIPT, answer, body, hourly};

const VALIDATE: &str = "/api/v1/tasks/validate";

async fn validate(api: &Api, new: &NewTask) -> Validation {
    api.server.client.tasks().validate(new).await.unwrap()
}

async fn of_script(api: &Api, script: impl Into<String>) -> Validation {
    validate(api, &NewTask::cron_script("T", "0 * * * *", script)).await
}

/// The messages on one field.
fn on<'a>(validation: &'a Validation, field: &str) -> Vec<&'a str> {
    validation.validation_errors.get(field).into_iter().flatten().map(String::as_str).collect()
}

#[tokio::test]
async fn a_good_task_is_valid_and_not_stored() {
    let api = Api::start().await;
    let mut new = hourly("T");
    new.secrets = Some([("K".to_owned(), "hunter2".into())].into());
    let validation = validate(&api, &new).await;
    assert!(validation.valid, "{validation:?}");
    assert_eq!(validation.validation_errors, [].into());
    let next: Vec<String> = validation.next.iter().map(ToString::to_string).collect();
    assert_eq!(next, (1..=5).map(|hour| format!("2026-01-01T{hour:02}:00:00Z")).collect::<Vec<_>>());
    assert_eq!(validation.warnings, []);
    assert_eq!(api.count().await, 0);
    // It can be created, and once it is, no more.
    let task = api.server.client.tasks().create(&new).await.unwrap();
    let again = validate(&api, &new).await;
    assert!(!again.valid);
    assert_eq!(on(&again, "name"), [format!("a task with the name `T` exists already: {}", task.id)]);
    assert_eq!(again.validation_errors.len(), 1);
    let raw = api.send("POST", VALIDATE, &body(&json!({ "name": "U" }))).await.expect(200);
    assert!(raw.text.starts_with(r#"{"valid":true,"validationErrors":{},"next":["2026-"#), "{}", raw.text);
}

#[tokio::test]
async fn the_errors_are_those_of_a_create_word_for_word() {
    let api = Api::start().await;
    let huge = "x".repeat(300_000);
    for changes in [
        json!({ "name": "", "description": 7, "cron_expr": "61 * * * *", "timezone": "Mars/Olympus", "run_at": "tomorrow",
            "overlap_policy": "later", "enabled": "yes", "timeout_seconds": 31, "script": "package main", "config": [],
            "task_config": { "a": 1, "b": null }, "secrets": { "K": ["hunter2"], "L": "" }, "nonsense": true }),
        json!({ "task_type": "audit_log_cleanup" }),
        json!({ "task_type": null, "schedule_type": null, "name": null }),
        json!({ "schedule_type": "once", "run_at": "2026-02-30T00:00:00Z" }),
        json!({ "name": "Überlänge ".repeat(40), "script": huge.clone() }),
        json!({ "name": huge, "timezone": "🦀", "cron_expr": "🦀 * * * *" }),
        json!({ "script": "" }),
        json!({ "script": 7 }),
    ] {
        let body = body(&changes);
        let refused = api.send("POST", "/api/v1/tasks", &body).await.refused(400, "VALIDATION_ERROR");
        let mut told = api.send("POST", VALIDATE, &body).await.expect(200).json();
        assert_eq!(told["valid"], false);
        // The parser has the same source, and says its own.
        let script = &mut told["validationErrors"]["script"];
        let by_rules = refused["validationErrors"]["script"].as_array().map_or(0, Vec::len);
        if let Some(messages) = script.as_array_mut() {
            assert!(
                messages.len() == by_rules || !body["script"].as_str().unwrap().starts_with("package"),
                "{messages:?}"
            );
            messages.truncate(by_rules);
        } else {
            told["validationErrors"].as_object_mut().unwrap().remove("script");
        }
        assert_eq!(told["validationErrors"], refused["validationErrors"], "{changes}");
        assert!(!told.to_string().contains("hunter2"));
    }
    assert_eq!(api.count().await, 0);
}

#[tokio::test]
async fn the_name_of_a_built_in_task_is_taken() {
    let api = Api::start().await;
    let validation = validate(&api, &hourly("Audit_Log_Cleanup")).await;
    assert!(!validation.valid);
    assert_eq!(on(&validation, "name"), ["`Audit_Log_Cleanup` is the name of a built-in task"]);
    // A task without a name gets one that is nobody's.
    let mut unnamed = NewTask::default();
    unnamed.task_type = Some(TaskType::AuditLogCleanup);
    unnamed.schedule_type = Some(ScheduleType::Once);
    let validation = validate(&api, &unnamed).await;
    assert!(validation.valid && validation.next.is_empty(), "{validation:?}");
}

#[tokio::test]
async fn a_schedule_is_shown_although_something_else_is_wrong() {
    let api = Api::start().await;
    let mut new = NewTask::cron_script("", "30 1 * * *", SCRIPT);
    new.timezone = Some("America/New_York".into());
    let validation = validate(&api, &new).await;
    assert!(!validation.valid);
    assert_eq!(validation.next.len(), 5);
    let [warning] = validation.warnings.as_slice() else { panic!("{:?}", validation.warnings) };
    assert_eq!((&warning.kind, warning.date), (&WarningKind::RunsOnce, Some(date(2026, 11, 1))));
    // In a zone that does not exist it fires never, and not in UTC.
    new.timezone = Some("America/Gotham".into());
    let validation = validate(&api, &new).await;
    assert_eq!((validation.next.len(), validation.warnings.len()), (0, 0));
}

#[tokio::test]
async fn once_fires_at_its_instant_or_at_once() {
    let api = Api::start().await;
    for (run_at, expected) in
        [("2026-01-01T08:00:00+01:00", "2026-01-01T07:00:00Z"), ("2025-06-01T00:00:00Z", "2026-01-01T00:00:00Z")]
    {
        let body = body(&json!({ "schedule_type": "once", "cron_expr": null, "run_at": run_at, "enabled": false }));
        let told = api.send("POST", VALIDATE, &body).await.expect(200).json();
        assert_eq!((&told["valid"], &told["next"]), (&json!(true), &json!([expected])));
    }
}

#[tokio::test]
async fn a_syntax_error_is_told_with_line_and_column() {
    let api = Api::start().await;
    let source = "package task\r\n\r\nfunc Run() (string, error) {\r\n\treturn \"ü\" nil\r\n}\r\n";
    let validation = of_script(&api, source).await;
    assert!(!validation.valid);
    // Columns count bytes.
    assert_eq!(on(&validation, "script"), ["4:14: expected ';', found nil", "5:4: expected '}', found 'EOF'"]);
    assert_eq!(validation.next.len(), 5);
    // What a header lacks and what the parser finds are told together.
    let validation = of_script(&api, "package main\nfun Run() (string, error) { return \"\", nil }\n").await;
    let expected =
        ["the script declares `package main`; it must be `package task`", "2:1: expected declaration, found fun"];
    assert_eq!(on(&validation, "script"), expected);
}

#[tokio::test]
async fn a_compile_error_is_told_with_line_and_column() {
    let api = Api::start().await;
    let run = "func Run() (string, error) {\r\n\treturn `ü` + undefined.Thing, nil\r\n}\r\n";
    let validation = of_script(&api, format!("package task\r\n{run}")).await;
    assert!(!validation.valid);
    assert_eq!(on(&validation, "script"), ["3:16: undefined: undefined"]);
    assert_eq!(validation.next.len(), 5);
    let validation =
        of_script(&api, "package task\nimport \"no/such\"\nfunc Run() (string, error) { return 1, nil }").await;
    assert_eq!(on(&validation, "script"), ["2:8: the package \"no/such\" is not available to scripts"]);
    // The parser goes first.
    let validation = of_script(&api, format!("package task\r\n{run}fun")).await;
    assert_eq!(on(&validation, "script"), ["5:1: expected declaration, found fun"]);
}

#[tokio::test]
async fn what_is_wrong_with_run_is_told_once() {
    let api = Api::start().await;
    let one = "`func Run` must take nothing and return `(string, error)`; this one returns one value";
    for (script, expected) in [
        ("package task\nfunc Run() string { return `` }", &[one][..]),
        ("package task\nfunc Run() string { return undefined }", &[one, "2:28: undefined: undefined"]),
        ("package task\nfunc run() {}", &["the script has no `func Run() (string, error)`"]),
        // What the look at the header cannot decide.
        ("package task\nvar Run = 3", &["Run has the type int; a script needs `func Run() (string, error)`"]),
    ] {
        let validation = of_script(&api, script).await;
        assert_eq!(on(&validation, "script"), expected, "{script}");
    }
}

#[tokio::test]
async fn what_compiles_is_right_and_is_not_run() {
    let api = Api::start().await;
    let run = "func Run() (string, error) { return ``, nil }";
    for script in [
        SCRIPT.to_owned(),
        "package task\n\n// ' \" ` { \u{2028} 🦀\nfunc Run() (string, error) {\n\treturn `\n`, nil\n}".to_owned(),
        format!("package task\nvar x = f()\nfunc f() int {{ panic(1) }}\nfunc init() {{ for {{}} }}\n{run}"),
    ] {
        let validation = of_script(&api, script.as_str()).await;
        assert!(validation.valid && validation.warnings.is_empty(), "{script}: {validation:?}");
    }
}

#[tokio::test]
async fn hostile_sources_are_bounded() {
    let api = Api::start().await;
    let started = Instant::now();
    let run = "\nfunc Run() (string, error) { return \"\", nil }\n";
    for (middle, expected) in [
        ("var x = ".to_owned() + &"(".repeat(250_000), "exceeded max nesting depth"),
        ("func f() {".to_owned() + &"{".repeat(120_000) + &"}".repeat(120_000) + "}", "exceeded max nesting depth"),
        ("var x = ".to_owned() + &"!".repeat(250_000) + "a", "exceeded max nesting depth"),
        ("fun\n".repeat(60_000), "expected declaration, found fun"),
        ("var x = 1 ".to_owned() + &"y".repeat(250_000), "found yyyy"),
        ("var x = `\0".to_owned() + &"`".repeat(3), "NUL"),
    ] {
        let validation = of_script(&api, format!("package task{run}{middle}")).await;
        let messages = on(&validation, "script");
        assert!(messages.iter().any(|message| message.contains(expected)), "{expected}: {validation:?}");
        assert!(messages.len() <= 11 && messages.iter().all(|message| message.len() < 1000), "{expected}");
    }
    assert!(started.elapsed().as_secs() < 60);
    // And nothing is left of it.
    assert!(of_script(&api, SCRIPT).await.valid);
}

#[tokio::test]
async fn many_at_a_time_wait_for_their_turn() {
    let api = Api::start().await;
    let checks = (0..12).map(|number| {
        let script = if number % 2 == 0 { SCRIPT } else { "package task\nfunc Run() (string, error) {" };
        let client = api.server.client.clone();
        async move { client.tasks().validate(&NewTask::cron_script("T", "0 * * * *", script)).await.unwrap() }
    });
    for (number, validation) in futures::future::join_all(checks).await.into_iter().enumerate() {
        assert_eq!(validation.valid, number % 2 == 0, "{validation:?}");
        assert_eq!(validation.warnings, []);
    }
}

#[tokio::test]
async fn without_the_interpreter_the_script_is_not_checked_and_that_is_told() {
    for (yaegi, reason) in
        [("no-such-yaegi", "`no-such-yaegi` was not found"), ("/no/such/yaegi", "could not be started")]
    {
        let api = Api::with(TestServer::start_with(|config| config.yaegi = yaegi.into()).await);
        let validation = of_script(&api, "package task\nfunc Run() (string, error) {").await;
        assert!(validation.valid, "{validation:?}");
        let [warning] = validation.warnings.as_slice() else { panic!("{:?}", validation.warnings) };
        assert_eq!((&warning.kind, warning.date), (&WarningKind::SyntaxNotChecked, None));
        assert!(warning.message.starts_with("the script was not checked: "), "{}", warning.message);
        assert!(warning.message.contains(reason), "{}", warning.message);
    }
}

#[tokio::test]
async fn who_may_look_may_validate_and_nobody_else() {
    let api = Api::start().await;
    let mut new = hourly("T");
    new.secrets = Some([("K".to_owned(), "v".into())].into());
    let viewer = api.server.client_with(&[Permission::TasksView]).await;
    assert!(viewer.tasks().validate(&new).await.unwrap().valid);
    let other = [Permission::TasksManage, Permission::TasksRun, Permission::SecretsWrite];
    let error = api.server.client_with(&other).await.tasks().validate(&new).await.unwrap_err();
    assert!(error.to_string().contains("`tasks.view`"), "{error}");
    answer(api.anonymous("POST", VALIDATE).json(&body(&json!({})))).await.refused(401, "UNAUTHORISED");
}

#[tokio::test]
async fn what_is_no_json_object_stays_a_refusal() {
    let api = Api::start().await;
    let long = format!(r#"{{"name":"{}"}}"#, "x".repeat(1024 * 1024));
    for text in ["", "null", "[]", "{\"name\":\"hunter2\"", r#"{"name":"a","name":"b"}"#] {
        let answer = api.text("POST", VALIDATE, text).await;
        answer.refused(400, "VALIDATION_ERROR");
        assert!(!answer.text.contains("hunter2"), "{}", answer.text);
    }
    api.text("POST", VALIDATE, long).await.refused(413, "PAYLOAD_TOO_LARGE");
    let empty: Value = api.text("POST", VALIDATE, "{}").await.expect(200).json();
    assert_eq!(empty["valid"], false);
    assert!(empty["validationErrors"]["task_type"][0].is_string(), "{empty}");
    let errors = api.send("GET", VALIDATE, &json!({})).await.expect(405);
    assert_eq!(errors.header("allow"), "POST");
}
