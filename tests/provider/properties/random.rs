//! Configurations made by chance.

use std::collections::BTreeSet;

use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Map, Value as Json, json};

use super::KINDS;
use crate::SCRIPT;

/// Tasks and schedules.
#[derive(Debug, Clone)]
pub(super) struct Configuration {
    tasks: Vec<Json>,
    schedules: Vec<Json>,
}

impl Configuration {
    /// As a file of Terraform.
    pub(super) fn json(&self) -> Json {
        let named = |objects: &[Json]| -> Map<String, Json> {
            objects.iter().enumerate().map(|(at, object)| (format!("o{at}"), object.clone())).collect()
        };
        json!({ "resource": { KINDS[0]: named(&self.tasks), KINDS[1]: named(&self.schedules) } })
    }

    /// What the plan after an import may name: secrets, whose values nobody tells, and what is empty, which an import finds as null.
    pub(super) fn open_after_an_import(&self, address: &str) -> BTreeSet<String> {
        let (kind, name) = address.split_once(".o").unwrap();
        let at: usize = name.parse().unwrap();
        let mut open = BTreeSet::new();
        if kind == KINDS[0] {
            let object = &self.tasks[at];
            let empty =
                |name: &str| object[name] == json!({}) || object[name].as_str().is_some_and(|text| text == "{}");
            if object["secrets"].is_object() {
                open.extend(["secrets", "secret_revisions", "revision"].map(str::to_owned));
            }
            open.extend(["config", "task_config"].into_iter().filter(|name| empty(name)).map(str::to_owned));
            if !open.is_empty() {
                open.insert("revision".to_owned());
            }
        } else {
            // An import knows neither passwords nor whether the order of the steps or an index of their own gives their places.
            let steps = self.schedules[at]["steps"].as_array();
            let unknown = |step: &Json| step["step_type"] == "SqlScript" || !step["step_index"].is_null();
            if steps.into_iter().flatten().any(unknown) {
                open.insert("steps".to_owned());
            }
        }
        open
    }
}

/// As many as are wanted, the same ones for the same seed.
pub(super) fn configurations(seed: u64, count: usize) -> Vec<Configuration> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let strategy = (vec(task(), 4..10), vec(schedule(), 4..10))
        .prop_map(|(tasks, schedules)| Configuration { tasks: unique(tasks), schedules: unique(schedules) });
    (0..count).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
}

/// Names are unique on a server.
fn unique(mut objects: Vec<Json>) -> Vec<Json> {
    for (at, object) in objects.iter_mut().enumerate() {
        object["name"] = json!(format!("{}{at}", object["name"].as_str().unwrap()));
    }
    objects
}

/// Texts with what breaks formats: quotes, line ends, blanks at both ends, other scripts, nothing at all.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~&&[^$%]]{0,20}",
        "[a-zäöü✓日\u{2028}\\t\\r\\n \"\\\\'<>&]{1,20}",
        Just(String::new()),
        // A template of Terraform, taken literally.
        Just("a $${b} %%{c}".to_owned()),
    ]
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z]{1,8}", "[A-Zäé \"']{0,6}x"]
}

fn cron() -> impl Strategy<Value = Json> {
    let spellings: &'static [&'static str] = &[
        "@daily",
        "@hourly",
        "0 3 * * *",
        "  0   3 * jan  MON-fri ",
        "*/15 9-17 * * 1-5",
        "0 0 L * *",
        "0 0 * * 7",
        "5,35 4 ? 1 *",
        "0 0 * * 5#2",
    ];
    select(spellings).prop_map(Json::from)
}

fn zone() -> impl Strategy<Value = Json> {
    prop_oneof![Just(Json::Null), select(&["UTC", "Europe/Zurich", "Pacific/Chatham"][..]).prop_map(Json::from)]
}

/// A value, or none.
fn maybe<T: Into<Json> + std::fmt::Debug + Clone>(strategy: impl Strategy<Value = T>) -> impl Strategy<Value = Json> {
    option::of(strategy).prop_map(|value| value.map_or(Json::Null, Into::into))
}

fn map(value: impl Strategy<Value = String>) -> impl Strategy<Value = Json> {
    option::of(btree_map("[A-Za-z_]{1,6}", value, 0..4)).prop_map(|map| json!(map))
}

fn config() -> impl Strategy<Value = Json> {
    let spellings: &'static [&'static str] = &[
        "{}",
        "{\"a\":1}",
        " { \"b\" : [1.0, 2e3, null, \"x\"],\n \"a\" : { \"c\": {} } } ",
        "{\"\u{fc}\":\"\\u00fc\",\"n\":-0.10}",
        "{\"big\":123456789012345678901234567890.5}",
    ];
    maybe(select(spellings))
}

fn task() -> impl Strategy<Value = Json> {
    let when = prop_oneof![
        cron().prop_map(|cron| json!({ "schedule_type": "cron", "cron_expr": cron })),
        maybe(select(
            &[
                "2035-01-31T09:00:00+01:00",
                "2035-06-01T00:00:00.123456Z",
                "2035-06-01t00:00:00-05:30",
                "2035-12-31T23:59:59Z"
            ][..]
        ))
        .prop_map(|run_at| json!({ "schedule_type": "once", "run_at": run_at })),
    ];
    let what = prop_oneof![
        4 => "[a-zäö \\t]{0,10}(\r)?".prop_map(|comment| json!({ "task_type": "script", "script": format!("// {comment}\n{SCRIPT}") })),
        1 => select(&["audit_log_cleanup", "user_message_delivery"][..]).prop_map(|kind| json!({ "task_type": kind })),
    ];
    let plain = (
        name(),
        maybe(text()),
        zone(),
        maybe(any::<bool>()),
        maybe(1_i64..=30),
        maybe(select(&["allow", "skip", "queue", "replace"][..])),
    );
    let maps = (config(), map(text()), map("[!-~&&[^$%]]{1,12}"));
    (when, what, plain, maps).prop_map(|(when, what, plain, (config, task_config, secrets))| {
        let (name, description, timezone, enabled, timeout_seconds, overlap_policy) = plain;
        merged([
            when,
            what,
            json!({
                "name": name, "description": description, "timezone": timezone, "enabled": enabled, "timeout_seconds": timeout_seconds,
                "overlap_policy": overlap_policy, "config": config, "task_config": task_config, "secrets": secrets,
            }),
        ])
    })
}

fn schedule() -> impl Strategy<Value = Json> {
    let time = || select(&["6:00", "06:00", "00:00", "9:05", "23:59", "12:30"][..]);
    let days = || btree_set(0..=6, 1..=7);
    let pattern = prop_oneof![
        Just(json!({})),
        cron().prop_map(|cron| json!({ "cron_expression": cron })),
        cron().prop_map(|cron| json!({ "cron_expression": cron, "pattern_type": "Custom" })),
        (days(), btree_set(time(), 1..3))
            .prop_filter("one spelling of a time of day", |(_, times)| {
                !(times.contains("6:00") && times.contains("06:00"))
            })
            .prop_map(|(days, times)| json!({ "days_of_week": days, "run_times": times })),
        (days(), 1..=59, select(&["Minutes", "Hours"][..]), select(&["8:00", "08:00", "22:15"][..])).prop_map(
            |(days, value, unit, start)| json!({
                "pattern_type": "Interval", "days_of_week": days, "interval_value": value, "interval_unit": unit,
                "interval_window_start": start, "interval_window_end": "4:30",
            })
        ),
    ];
    let steps = (vec(step(), 0..5), any::<bool>()).prop_map(|(mut steps, indexed)| {
        for (at, step) in steps.iter_mut().enumerate().filter(|_| indexed) {
            step["step_index"] = json!(at * 3);
            step["execution_mode"] = Json::Null;
        }
        steps
    });
    (name(), maybe(text()), zone(), maybe(any::<bool>()), pattern, any::<bool>(), option::of(steps)).prop_map(
        |(name, description, timezone, enabled, pattern, fires, steps)| {
            let fires = fires && pattern != json!({});
            let trigger = if fires { json!("Cron") } else { Json::Null };
            merged([
                pattern,
                json!({
                    "name": name, "description": description, "timezone": timezone, "is_enabled": enabled, "trigger_type": trigger,
                    "steps": steps,
                }),
            ])
        },
    )
}

fn step() -> impl Strategy<Value = Json> {
    let what = prop_oneof![
        Just(json!({ "step_type": "Executable", "executable_path": "/bin/true", "working_directory": "/srv" })),
        maybe(select(&["-a b", "'x y'  z"][..])).prop_map(
            |arguments| json!({ "step_type": "PowerShell", "script_path": "/srv/a.ps1", "arguments": arguments })
        ),
        Just(json!({
            "step_type": "SqlScript", "sql_script_path": "/srv/a.sql", "sql_connection_string": "postgres://u:pass-word@db/x",
        })),
    ];
    let mode = maybe(select(&["Sequential", "ParallelWithPrevious"][..]));
    (what, maybe("[a-zäö ]{0,5}x"), mode, maybe(any::<bool>()), maybe(1_i64..=86_400)).prop_map(
        |(what, name, mode, goes_on, timeout)| {
            merged([
                what,
                json!({
                    "name": name, "execution_mode": mode, "continue_on_failure": goes_on, "timeout_seconds": timeout,
                }),
            ])
        },
    )
}

fn merged<const N: usize>(objects: [Json; N]) -> Json {
    let entries = objects.into_iter().flat_map(|object| match object {
        Json::Object(entries) => entries.into_iter().collect::<Vec<_>>(),
        _ => Vec::new(),
    });
    Json::Object(entries.collect())
}
