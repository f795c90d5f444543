//! What a change made of an object, in words that hold no secret.

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::store::schedules::ScheduleRow;
use crate::store::tasks::Definition;

/// How many characters of a text are shown.
const MOST_TEXT: usize = 200;
/// How many characters of a key are shown.
const MOST_KEY: usize = 80;
/// How many keys, or items of a list, are shown.
const MOST_ITEMS: usize = 100;

/// What the server decides, which nobody changes.
const OWN: [&str; 8] = [
    "id",
    "created_at",
    "updated_at",
    "created",
    "lastUpdated",
    "objectCount",
    "connectorsCount",
    "pendingExportObjectsCount",
];

/// The fields that are other than before, by their names on the wire, and what they were and are. Texts are cut, and of objects there
/// are only the keys: their values are whatever somebody has put there, which may be a secret in the wrong place.
#[derive(Debug, Default)]
pub(in crate::app) struct Changes(Map<String, Value>);

impl Changes {
    /// How two objects as the API tells them differ. Such an object holds no secret.
    pub(in crate::app) fn between<T: Serialize>(old: &T, new: &T) -> Self {
        let (Value::Object(mut old), Value::Object(new)) = (value(old), value(new)) else { return Self::default() };
        let mut changes = Self::default();
        for (name, new) in new {
            let old = old.shift_remove(&name).unwrap_or_default();
            if !OWN.contains(&name.as_str()) {
                changes.add(&name, old, new);
            }
        }
        // What is left has no value any more.
        for (name, old) in old.into_iter().filter(|(name, _)| !OWN.contains(&name.as_str())) {
            changes.add(&name, old, Value::Null);
        }
        changes
    }

    /// How two definitions of a task differ.
    pub(in crate::app) fn of_task(old: &Definition, new: &Definition) -> Self {
        // Taken apart by name, so that a new field is not forgotten here.
        let Definition {
            name,
            description,
            task_type,
            schedule_type,
            cron_expr,
            timezone,
            run_at,
            overlap_policy,
            enabled,
            timeout_seconds,
            script: _,
            script_sha256,
            config,
            task_config,
        } = old;
        let mut changes = Self::default();
        changes.add("name", value(name), value(&new.name));
        changes.add("description", value(description), value(&new.description));
        changes.add("task_type", value(task_type), value(&new.task_type));
        changes.add("schedule_type", value(schedule_type), value(&new.schedule_type));
        changes.add("cron_expr", value(cron_expr), value(&new.cron_expr));
        changes.add("timezone", value(timezone), value(&new.timezone));
        changes.add("run_at", value(run_at), value(&new.run_at));
        changes.add("overlap_policy", value(overlap_policy), value(&new.overlap_policy));
        changes.add("enabled", value(enabled), value(&new.enabled));
        changes.add("timeout_seconds", value(timeout_seconds), value(&new.timeout_seconds));
        changes.add("script", hashed(script_sha256.as_ref()), hashed(new.script_sha256.as_ref()));
        changes.add("config", value(config), value(&new.config));
        changes.add("task_config", value(task_config), value(&new.task_config));
        changes
    }

    /// How two schedules differ, their steps aside.
    pub(in crate::app) fn of_schedule(old: &ScheduleRow, new: &ScheduleRow) -> Self {
        let (p, q) = (&old.pattern, &new.pattern);
        let mut changes = Self::default();
        changes.add("name", value(&old.name), value(&new.name));
        changes.add("description", value(&old.description), value(&new.description));
        changes.add("triggerType", value(&old.trigger_type), value(&new.trigger_type));
        changes.add("cronExpression", value(&p.cron_expression), value(&q.cron_expression));
        changes.add("patternType", value(&p.pattern_type), value(&q.pattern_type));
        changes.add("daysOfWeek", value(&p.days_of_week), value(&q.days_of_week));
        changes.add("runTimes", value(&p.run_times), value(&q.run_times));
        changes.add("intervalValue", value(&p.interval_value), value(&q.interval_value));
        changes.add("intervalUnit", value(&p.interval_unit), value(&q.interval_unit));
        changes.add("intervalWindowStart", value(&p.interval_window_start), value(&q.interval_window_start));
        changes.add("intervalWindowEnd", value(&p.interval_window_end), value(&q.interval_window_end));
        changes.add("timezone", value(&old.timezone), value(&new.timezone));
        changes.add("isEnabled", value(&old.is_enabled), value(&new.is_enabled));
        changes
    }

    /// Whether nothing is other than before.
    pub(in crate::app) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names of the fields, and what became of each.
    pub(super) fn into_values(self) -> (Vec<String>, Value) {
        (self.0.keys().cloned().collect(), Value::Object(self.0))
    }

    fn add(&mut self, name: &str, old: Value, new: Value) {
        if old == new {
            return;
        }
        let change = match (&old, &new) {
            (Value::Object(old), Value::Object(new)) => keys(old, new),
            (Value::Object(old), Value::Null) => keys(old, &Map::new()),
            (Value::Null, Value::Object(new)) => keys(&Map::new(), new),
            _ => json!({ "from": shown(old), "to": shown(new) }),
        };
        self.0.insert(name.to_owned(), change);
    }
}

fn value<T: Serialize>(of: &T) -> Value {
    serde_json::to_value(of).unwrap_or_default()
}

/// A script as its hash.
fn hashed(sha256: Option<&String>) -> Value {
    sha256.map_or(Value::Null, |hash| Value::String(format!("sha256:{hash}")))
}

/// Which keys came, have another value, and went.
fn keys(old: &Map<String, Value>, new: &Map<String, Value>) -> Value {
    let added = new.keys().filter(|key| !old.contains_key(*key));
    let changed = new.iter().filter(|(key, value)| old.get(*key).is_some_and(|old| old != *value));
    let removed = old.keys().filter(|key| !new.contains_key(*key));
    let lists = [
        ("added", added.collect::<Vec<_>>()),
        ("changed", changed.map(|(key, _)| key).collect()),
        ("removed", removed.collect()),
    ];
    let lists = lists.into_iter().filter(|(_, keys)| !keys.is_empty());
    Value::Object(lists.map(|(name, keys)| (name.to_owned(), named(&keys))).collect())
}

fn named(keys: &[&String]) -> Value {
    let mut shown: Vec<String> = keys.iter().take(MOST_ITEMS).map(|key| cut(key, MOST_KEY)).collect();
    if keys.len() > MOST_ITEMS {
        shown.push(format!("… and {} more", keys.len() - MOST_ITEMS));
    }
    shown.into()
}

/// A value as the log may hold it: not long, and no object.
fn shown(value: Value) -> Value {
    match value {
        Value::String(text) => cut(&text, MOST_TEXT).into(),
        Value::Array(items) => {
            let more = items.len().saturating_sub(MOST_ITEMS);
            let mut shown: Vec<Value> = items.into_iter().take(MOST_ITEMS).map(shown).collect();
            if more > 0 {
                shown.push(format!("… and {more} more").into());
            }
            Value::Array(shown)
        }
        Value::Object(object) => format!("an object with {} keys", object.len()).into(),
        other => other,
    }
}

fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn between(old: &Value, new: &Value) -> Value {
        Changes::between(old, new).into_values().1
    }

    #[test]
    fn what_is_the_same_and_what_the_server_decides_is_left_out() {
        let old = json!({ "id": 1, "updated_at": "a", "name": "x", "enabled": true, "gone": "y" });
        let new = json!({ "id": 2, "updated_at": "b", "name": "x", "enabled": false });
        let expected = json!({ "enabled": { "from": true, "to": false }, "gone": { "from": "y", "to": null } });
        assert_eq!(between(&old, &new), expected);
        assert!(Changes::between(&old, &old).is_empty());
    }

    #[test]
    fn of_objects_there_are_the_keys_alone() {
        let old =
            json!({ "config": { "a": "hunter2", "b": { "c": "hunter2" }, "d": 1 }, "list": [{ "k": "hunter2" }] });
        let new = json!({ "config": { "b": { "c": "hunter3" }, "d": 1, "e": "hunter2" }, "list": [] });
        let changes = between(&old, &new);
        assert_eq!(changes["config"], json!({ "added": ["e"], "changed": ["b"], "removed": ["a"] }));
        assert_eq!(changes["list"], json!({ "from": ["an object with 1 keys"], "to": [] }));
        assert_eq!(
            between(&json!({ "o": null }), &json!({ "o": { "k": "hunter2" } })),
            json!({ "o": { "added": ["k"] } })
        );
        assert!(!changes.to_string().contains("hunter"), "{changes}");
    }

    #[test]
    fn what_is_long_is_cut() {
        let long = "ä".repeat(201);
        let many: Vec<u32> = (0..103).collect();
        let object: Map<String, Value> = (0..103).map(|n| (format!("{n:0>90}"), Value::Null)).collect();
        let changes = between(
            &json!({ "text": "", "list": null, "object": {} }),
            &json!({ "text": long, "list": many, "object": object }),
        );
        assert_eq!(changes["text"]["to"], format!("{}…", "ä".repeat(200)));
        assert_eq!(changes["list"]["to"].as_array().unwrap().len(), 101);
        assert_eq!(changes["list"]["to"][100], "… and 3 more");
        let added = changes["object"]["added"].as_array().unwrap();
        assert_eq!((added[0].as_str().unwrap().chars().count(), added[100].as_str()), (81, Some("… and 3 more")));
    }
}
