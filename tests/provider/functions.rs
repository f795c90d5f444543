//! Functions: cron expressions read and followed without a server, as the server does.

use justiam_sdk::api::tasks::NewTask;
use justiam_server::clock::Clock as _;
use justiam_tests::programs::program;
use justiam_tests::server::TestServer;
use justiam_tests::terraform::Workspace;
use serde_json::{Value as Json, json};
use tfplugin_client::wire::tfplugin6::{DynamicValue, FunctionError, call_function};
use tfplugin_client::{Session, UNKNOWN, decode, unknown};

use super::SCRIPT;

/// Calls of functions of a provider that has no configuration.
struct Functions(Session);

impl Functions {
    async fn start() -> Self {
        Self(Session::start(&program("terraform-provider-justiam")).await)
    }

    async fn answer(&self, name: &str, arguments: &[Json]) -> (Option<FunctionError>, Option<DynamicValue>) {
        let arguments = self.0.schemas().await.function(name).arguments(arguments);
        let request = call_function::Request { name: name.to_owned(), arguments };
        let answer = self.0.provider().call_function(request).await.unwrap().into_inner();
        (answer.error, answer.result)
    }

    /// The result of a call, as JSON.
    async fn call(&self, name: &str, arguments: &[Json]) -> Json {
        let (error, result) = self.answer(name, arguments).await;
        assert_eq!(error, None, "{name}({arguments:?})");
        let function = self.0.schemas().await.function(name);
        serde_json::from_slice(&function.result(result.as_ref()).to_json(&function.result).unwrap()).unwrap()
    }

    /// The number of the argument that is refused, and why.
    async fn refusal(&self, name: &str, arguments: &[Json]) -> (Option<i64>, String) {
        let (error, result) = self.answer(name, arguments).await;
        assert_eq!(result, None, "{name}({arguments:?})");
        let error = error.unwrap_or_else(|| panic!("{name}({arguments:?}) should have failed"));
        (error.function_argument, error.text)
    }
}

#[tokio::test]
async fn expressions_in_a_configuration_are_read_and_followed_without_a_server() {
    let workspace = Workspace::new("http://127.0.0.1:1", "none");
    workspace.config(
        r#"
        variable "expr" { default = "30 2 * * 1-5" }

        output "parsed" { value = provider::justiam::cron_parse(var.expr) }
        output "next" { value = provider::justiam::cron_next(var.expr, "Europe/Zurich", "2026-03-26T12:00:00Z", 3) }
        output "in_words" {
          value = formatdate("EEE hh:mm", provider::justiam::cron_next("@daily", "Asia/Tokyo", "2026-01-01T00:00:00Z", 1)[0])
        }
        "#,
    );
    workspace.apply().await.ok();
    let said = workspace.run(&["output", "-json"]).await.ok();
    let outputs: Json = serde_json::from_str(&said.text).unwrap();
    assert_eq!(
        outputs["parsed"]["value"],
        json!({
            "minutes": [30], "hours": [2], "days_of_month": (1..=31).collect::<Vec<_>>(), "months": (1..=12).collect::<Vec<_>>(),
            "days_of_week": [1, 2, 3, 4, 5], "fires": "fixed_time", "warnings": [],
        })
    );
    // The clocks change on the Sunday between.
    let next = json!(["2026-03-27T02:30:00+01:00", "2026-03-30T02:30:00+02:00", "2026-03-31T02:30:00+02:00"]);
    assert_eq!(outputs["next"]["value"], next);
    assert_eq!(outputs["in_words"]["value"], "Fri 00:00");

    // Terraform points at the argument.
    let said = workspace.run(&["plan", "-input=false", "-no-color", "-var", "expr=61 * * * *"]).await;
    said.fails_with(&[
        r#"Invalid value for "expr" parameter: `61` is not a valid minute field; it takes 0-59"#,
        "hint: the fields are minute, hour, day of month, month, day of week",
    ]);
}

#[tokio::test]
async fn expressions_are_told_in_numbers_and_words() {
    let functions = Functions::start().await;
    let all = |from: u8, to: u8| (from..=to).collect::<Vec<_>>();
    for (expr, minutes, hours, days, months, weekdays, fires) in [
        ("@hourly", vec![0], all(0, 23), all(1, 31), all(1, 12), all(0, 6), "interval"),
        ("*/20 9-17/4 1,15 JAN *", vec![0, 20, 40], vec![9, 13, 17], vec![1, 15], vec![1], all(0, 6), "interval"),
        ("0 0 L FEB ?", vec![0], vec![0], vec![28, 29], vec![2], all(0, 6), "fixed_time"),
        ("5 4 * * SUN#1,FRI#L", vec![5], vec![4], all(1, 31), all(1, 12), vec![0, 5], "fixed_time"),
    ] {
        let parsed = functions.call("cron_parse", &[json!(expr)]).await;
        let expected = json!({
            "minutes": minutes, "hours": hours, "days_of_month": days, "months": months, "days_of_week": weekdays,
            "fires": fires, "warnings": [],
        });
        assert_eq!(parsed, expected, "{expr}");
    }
    for (expr, warning) in [
        ("0 3 13 * FRI", "a day that matches either day of month `13` or day of week `FRI` is enough"),
        ("0 3 */2 * 5", "a day must match both day of month `*/2` and day of week `5`"),
        ("0 0 29 2 *", "it fires on 29 February only, so in leap years"),
    ] {
        let parsed = functions.call("cron_parse", &[json!(expr)]).await;
        let said = parsed["warnings"][0].as_str().unwrap();
        assert!(said.starts_with(warning), "{expr}: {said}");
    }
}

#[tokio::test]
async fn instants_follow_the_clocks_of_the_zone() {
    let functions = Functions::start().await;
    let (york, spring, autumn) = ("America/New_York", "2026-03-08T00:00:00-05:00", "2026-11-01T00:00:00-04:00");
    for (expr, zone, after, expected) in [
        ("30 2 * * *", york, spring, &["2026-03-08T03:00:00-04:00", "2026-03-09T02:30:00-04:00"][..]),
        ("30 1 * * *", york, autumn, &["2026-11-01T01:30:00-04:00", "2026-11-02T01:30:00-05:00"]),
        ("30 */1 * * *", york, "2026-11-01T05:00:00Z", &["2026-11-01T01:30:00-04:00", "2026-11-01T01:30:00-05:00"]),
        // What is due at the instant itself is left out.
        ("0 0 * * *", "UTC", "2026-01-01T00:00:00Z", &["2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z"]),
        ("0 0 * * *", "UTC", "2025-12-31T23:59:59.999Z", &["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"]),
        (
            "15 2 * * *",
            "Australia/Lord_Howe",
            "2026-10-03T12:00:00Z",
            &["2026-10-04T02:30:00+11:00", "2026-10-05T02:15:00+11:00"],
        ),
        // An offset with seconds has no form in RFC 3339.
        ("0 0 * * *", york, "1880-01-01T00:00:00Z", &["1880-01-01T04:56:02Z", "1880-01-02T04:56:02Z"]),
    ] {
        let next = functions.call("cron_next", &[json!(expr), json!(zone), json!(after), json!(2)]).await;
        assert_eq!(next, json!(expected), "{expr} in {zone} after {after}");
    }
    let many = functions.call("cron_next", &[json!("* * * * *"), json!("UTC"), json!(spring), json!(1000)]).await;
    assert_eq!(many.as_array().unwrap().len(), 1000);
    // Fewer where the calendar ends.
    let arguments = [json!("0 0 29 2 *"), json!("UTC"), json!("4990-01-01T00:00:00Z"), json!(1000)];
    assert_eq!(functions.call("cron_next", &arguments).await, json!(["4992-02-29T00:00:00Z", "4996-02-29T00:00:00Z"]));
}

#[tokio::test]
async fn an_argument_that_is_wrong_is_named_by_its_number() {
    let functions = Functions::start().await;
    let good = [json!("@daily"), json!("UTC"), json!("2026-01-01T00:00:00Z"), json!(1)];
    for (number, wrong, text) in [
        (0, json!("0 0 * *"), "`0 0 * *` has 4 fields; a cron expression has five"),
        (0, json!("0 0 30 2 *"), "`0 0 30 2 *` never fires: no date matches its day and month fields."),
        (1, json!("CET"), "`CET` is not an IANA time zone name such as `UTC` or `Europe/Zurich`"),
        (2, json!("yesterday"), "`yesterday` is not an RFC 3339 instant.\n\nhint: write date, `T`, time and zone"),
        (2, json!("2026-01-01T00:00:00"), "`2026-01-01T00:00:00` is not an RFC 3339 instant."),
        (3, json!(0), "The value must be a whole number from 1 to 1000."),
        (3, json!(1001), "The value must be a whole number from 1 to 1000."),
        (3, json!(1.5), "The value must be a whole number from 1 to 1000."),
        (3, json!(-1), "The value must be a whole number from 1 to 1000."),
        (3, Json::Null, "The value must not be null."),
    ] {
        let mut arguments = good.clone();
        arguments[number] = wrong;
        let (argument, said) = functions.refusal("cron_next", &arguments).await;
        assert_eq!(argument, Some(number.try_into().unwrap()), "{arguments:?}: {said}");
        assert!(said.starts_with(text), "{arguments:?}: {said}");
    }
    // What is not known yet makes a result that is not known yet.
    for number in 0..good.len() {
        let mut arguments = good.clone();
        arguments[number] = json!(UNKNOWN);
        let (error, result) = functions.answer("cron_next", &arguments).await;
        let ty = &functions.0.schemas().await.function("cron_next").result;
        assert_eq!((error, decode(result.as_ref(), ty).unwrap()), (None, unknown()), "argument {number}");
    }
}

/// Expressions of all kinds, right and wrong.
const CORPUS: &[&str] = &[
    "* * * * *",
    "0 3 * * *",
    "*/15 2 * * *",
    "0 9-17/2 * JAN-MAR MON-FRI",
    "0,30 1,13 1,15,L * *",
    "0 0 L * *",
    "0 0 15W * ?",
    "0 0 LW * *",
    "0 0 * * 5#2",
    "0 0 * * FRI#L",
    "0 0 13 * 5",
    "0 0 */13 * 5",
    "0 0 29 2 *",
    "  0  3 * * *  ",
    "@hourly",
    "@daily",
    "@Weekly",
    "@annually",
    "",
    " ",
    "@reboot",
    "@midnight",
    "@every 5m",
    "0 0 * *",
    "0 0 0 * * *",
    "0 0 * * * 2026",
    "60 * * * *",
    "0 24 * * *",
    "0 0 0 * *",
    "0 0 32 * *",
    "0 0 * 13 *",
    "0 0 * * 8",
    "0 0 30 2 *",
    "0 0 31 2,4,6,9,11 *",
    "*/0 * * * *",
    "5-1 * * * *",
    "0 0 * * MON-",
    "0 0 * * FRI#6",
    "a b c d e",
    "0 0 * * MONDAY",
    "-1 * * * *",
    "1.5 * * * *",
    "0\n3 * * *",
    "0 3 * * *\n",
    "0\t3\t*\t*\t*",
    "０ 3 * * *",
];

#[tokio::test]
async fn u3_an_expression_is_accepted_by_functions_plans_and_the_server_or_by_none_of_them() {
    let server = TestServer::start().await;
    let functions = Functions::start().await;
    let tasks = functions.0.resource("justiam_scheduled_task").await;
    let after = json!(server.clock.now().to_string());
    let mut refused = 0;
    for expr in CORPUS {
        let validation = server.client.tasks().validate(&NewTask::cron_script("T", *expr, SCRIPT)).await.unwrap();
        let says: Vec<&String> = validation.validation_errors.get("cron_expr").into_iter().flatten().collect();
        let config = tasks.config(json!({
            "name": "T", "task_type": "script", "schedule_type": "cron", "cron_expr": expr, "script": SCRIPT,
        }));
        let problems = tasks.validate(&config).await;
        if validation.valid {
            assert_eq!(problems, [], "{expr:?}");
            functions.call("cron_parse", &[json!(expr)]).await;
            // And it means the same to both.
            let arguments = [json!(expr), json!("UTC"), after.clone(), json!(validation.next.len())];
            assert_eq!(functions.call("cron_next", &arguments).await, json!(validation.next), "{expr:?}");
        } else {
            refused += 1;
            let [reason] = says[..] else { panic!("{expr:?}: {validation:?}") };
            let (argument, text) = functions.refusal("cron_parse", &[json!(expr)]).await;
            assert_eq!(argument, Some(0), "{expr:?}");
            assert!(text.starts_with(reason.as_str()), "{expr:?}: {text}");
            assert!(problems[0].detail.starts_with(reason.as_str()), "{expr:?}: {problems:?}");
        }
    }
    // Neither side accepts or refuses everything.
    assert_eq!((refused, CORPUS.len()), (25, 46));
}
