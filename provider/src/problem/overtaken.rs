//! What has become of an object that somebody else changed after Terraform had looked at it.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use justiam_sdk::Error;
use justiam_sdk::api::pattern::TimeOfDay;
use tfplugin::{Model, Value, same};

use crate::checks::same_cron;

/// How many differences are listed.
const MOST: usize = 20;
/// The longest value that is shown, in characters.
const LONGEST: usize = 60;

/// Attributes whose values are shown. Others are only named: they may be long, or hold what a configuration calls sensitive.
const SHOWN: [&str; 27] = [
    "name",
    "description",
    "task_type",
    "schedule_type",
    "cron_expr",
    "timezone",
    "run_at",
    "overlap_policy",
    "enabled",
    "timeout_seconds",
    "trigger_type",
    "pattern_type",
    "cron_expression",
    "days_of_week",
    "run_times",
    "interval_value",
    "interval_unit",
    "interval_window_start",
    "interval_window_end",
    "is_enabled",
    "step_type",
    "step_index",
    "execution_mode",
    "continue_on_failure",
    "connected_system_id",
    "run_profile_id",
    "script_path",
];

/// Says what is different about an object whose change was refused because it is not what Terraform saw. `now` is what a second look has
/// found.
pub(crate) fn since_the_plan<S: Model>(prior: &S, now: Result<S, Error>) -> String {
    match now {
        Ok(now) => told(&differences(prior.clone().into_value(), now.into_value())),
        Err(error) if error.is_not_found() => "It has been deleted in the meantime.".to_owned(),
        // The refusal itself is what counts.
        Err(_) => "What is different could not be read.".to_owned(),
    }
}

/// Whether the server has exactly what was planned: an earlier attempt of the change was made, and its answer got lost.
pub(crate) fn is_as_planned<S: Model>(planned: &S, now: &S) -> bool {
    differences(planned.clone().into_value(), now.clone().into_value()).is_empty()
}

fn told(differences: &[String]) -> String {
    if differences.is_empty() {
        return "Nothing that Terraform manages is different any more.".to_owned();
    }
    let mut text = "Different from what Terraform saw:".to_owned();
    for difference in differences.iter().take(MOST) {
        text.push_str("\n  - ");
        text.push_str(difference);
    }
    if differences.len() > MOST {
        let _ = write!(text, "\n  - and {} more", differences.len() - MOST);
    }
    text
}

/// One line for each attribute that differs.
fn differences(prior: Value, now: Value) -> Vec<String> {
    let (Value::Object(prior), Value::Object(mut now)) = (prior, now) else { return Vec::new() };
    let mut lines = Vec::new();
    for (name, prior) in prior {
        let now = now.remove(&name).unwrap_or_default();
        match name.as_str() {
            // The state has values of secrets and the server's answer has none; their revisions tell.
            "revision" | "secrets" | "secrets_wo" | "secrets_wo_version" => {}
            "secret_revisions" => by_key("the secret", &prior, &now, &mut lines),
            "task_config" => by_key("task_config", &prior, &now, &mut lines),
            "steps" => steps(&prior, &now, &mut lines),
            name => one(name, name, &prior, &now, &mut lines),
        }
    }
    lines
}

fn one(place: &str, name: &str, prior: &Value, now: &Value, lines: &mut Vec<String>) {
    if means(prior, now) {
        return;
    }
    let values = shown(prior).zip(shown(now)).filter(|_| SHOWN.contains(&name));
    lines.push(values.map_or_else(|| place.to_owned(), |(prior, now)| format!("{place}: {prior} → {now}")));
}

/// The entries of a map, without their values.
fn by_key(noun: &str, prior: &Value, now: &Value, lines: &mut Vec<String>) {
    let entry = |map: &Value, key: &str| map.as_entries().and_then(|entries| entries.get(key)).cloned();
    let keys: BTreeSet<&String> =
        [prior, now].into_iter().filter_map(Value::as_entries).flat_map(|map| map.keys()).collect();
    for key in keys {
        let became = match (entry(prior, key), entry(now, key)) {
            (None, Some(_)) => "was added",
            (Some(_), None) => "was removed",
            (prior, now) if prior == now => continue,
            _ => "was changed",
        };
        lines.push(format!("{noun} `{key}` {became}"));
    }
}

fn steps(prior: &Value, now: &Value, lines: &mut Vec<String>) {
    let (prior, now) = (prior.as_elements().unwrap_or_default(), now.as_elements().unwrap_or_default());
    if prior.len() != now.len() {
        lines.push(format!("steps: there were {}, and there are {}", prior.len(), now.len()));
        return;
    }
    for (at, (prior, now)) in prior.iter().zip(now).enumerate() {
        for (name, prior) in prior.as_entries().into_iter().flatten() {
            one(&format!("steps[{at}].{name}"), name, prior, now.get(name).unwrap_or(&Value::Null), lines);
        }
    }
}

/// Whether two values mean the same: the state keeps the configuration's spelling.
fn means(prior: &Value, now: &Value) -> bool {
    let time = |value: &Value| value.as_str().and_then(|text| text.parse::<TimeOfDay>().ok());
    let text = move |prior: &Value, now: &Value| {
        same::json(prior, now) || same_cron(prior, now) || time(prior).is_some_and(|prior| time(now) == Some(prior))
    };
    prior == now || text(prior, now) || same::each(text)(prior, now)
}

/// A short value, as a configuration writes it.
fn shown(value: &Value) -> Option<String> {
    let text = match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(value) => value.to_string(),
        Value::String(text) if !text.contains(char::is_control) => format!("\"{text}\""),
        Value::Set(items) => format!("[{}]", items.iter().map(shown).collect::<Option<Vec<_>>>()?.join(", ")),
        _ => return None,
    };
    (text.chars().count() <= LONGEST).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object<const N: usize>(entries: [(&str, Value); N]) -> Value {
        Value::Object(entries.map(|(name, value)| (name.to_owned(), value)).into())
    }

    fn map<const N: usize>(entries: [(&str, &str); N]) -> Value {
        Value::Map(entries.map(|(name, value)| (name.to_owned(), value.into())).into())
    }

    #[test]
    fn plain_values_are_shown_and_others_named() {
        let long = "x".repeat(100);
        let prior = object([
            ("name", "a".into()),
            ("cron_expr", "@daily".into()),
            ("description", Value::Null),
            ("script", "package task".into()),
            ("config", "{\"a\": 1}".into()),
            ("timeout_seconds", 30.into()),
            ("task_config", map([("a", "1"), ("b", "1")])),
            ("secrets", map([("A", "canary")])),
            ("secret_revisions", map([("A", "1"), ("B", "1")])),
            ("revision", "1".into()),
            ("run_times", Value::Set(["6:00".into()].into_iter().collect())),
        ]);
        let now = object([
            ("name", "b".into()),
            ("cron_expr", "0 0 * * *".into()),
            ("description", long.as_str().into()),
            ("script", "package  task".into()),
            ("config", "{\"a\":1}".into()),
            ("timeout_seconds", 5.into()),
            ("task_config", map([("b", "canary"), ("c", "1")])),
            ("secrets", Value::Null),
            ("secret_revisions", map([("B", "2")])),
            ("revision", "2".into()),
            ("run_times", Value::Set(["06:00".into()].into_iter().collect())),
        ]);
        assert_eq!(
            differences(prior, now),
            [
                "description",
                "name: \"a\" → \"b\"",
                "script",
                "the secret `A` was removed",
                "the secret `B` was changed",
                "task_config `a` was removed",
                "task_config `b` was changed",
                "task_config `c` was added",
                "timeout_seconds: 30 → 5",
            ]
        );
    }

    #[test]
    fn steps_are_compared_one_by_one() {
        let step = |path: &str, connection: &str| {
            object([("script_path", path.into()), ("sql_connection_string", connection.into())])
        };
        let schedule = |steps: Vec<Value>| object([("steps", Value::List(steps))]);
        let prior = || schedule(vec![step("/a", "canary-1"), step("/b", "")]);
        assert_eq!(
            differences(prior(), schedule(vec![step("/c", "canary-2"), step("/b", "")])),
            ["steps[0].script_path: \"/a\" → \"/c\"", "steps[0].sql_connection_string"]
        );
        assert_eq!(differences(prior(), schedule(vec![])), ["steps: there were 2, and there are 0"]);
        assert_eq!(differences(prior(), prior()), Vec::<String>::new());
    }

    #[test]
    fn a_long_list_is_cut() {
        let many: Vec<String> = (0..30).map(|at| format!("d{at}")).collect();
        let text = told(&many);
        assert!(text.ends_with("\n  - d19\n  - and 10 more"), "{text}");
        assert!(told(&[]).starts_with("Nothing that Terraform manages"));
    }
}
