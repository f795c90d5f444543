//! Between the resource's state and the API's bodies.

use std::collections::BTreeMap;

use jiff::Timestamp;
use justiam_sdk::api::config::ConfigMap;
use justiam_sdk::api::tasks::{NewTask, Task, TaskPatch};
use justiam_sdk::api::values::Words as _;
use serde_json::Value as Json;
use tfplugin::{Attr, AttributePath};

use super::State;

/// An attribute, and what is wrong with it.
pub(super) type Refused = (&'static str, String);

/// The body that creates what was planned, but for the secrets. Everything is known by now.
pub(super) fn new_task(planned: &State) -> Result<NewTask, Refused> {
    let text = |attr: &Attr<String>| attr.as_str().map(str::to_owned);
    let mut new = NewTask::default();
    new.name = text(&planned.name);
    new.description = text(&planned.description);
    new.task_type = planned.task_type.as_str().map(Into::into);
    new.schedule_type = planned.schedule_type.as_str().map(Into::into);
    new.cron_expr = text(&planned.cron_expr);
    new.timezone = text(&planned.timezone);
    new.run_at = instant(&planned.run_at)?;
    new.overlap_policy = planned.overlap_policy.as_str().map(Into::into);
    new.enabled = planned.enabled.as_known().copied();
    new.timeout_seconds = planned.timeout_seconds.as_known().copied();
    new.script = text(&planned.script);
    new.config = json(&planned.config)?;
    new.task_config = entries(&planned.task_config)?;
    Ok(new)
}

/// The body that turns one state into the other, but for the secrets. It names what differs and nothing else.
pub(super) fn patch(prior: &State, planned: &State) -> Result<TaskPatch, Refused> {
    /// `None` where nothing changed; else what the attribute is now, null included.
    #[expect(clippy::option_option, reason = "unchanged, null and a value are three things in a patch")]
    fn changed<T: Clone + PartialEq>(prior: &Attr<T>, planned: &Attr<T>) -> Option<Option<T>> {
        (prior != planned).then(|| planned.as_known().cloned())
    }
    let mut patch = TaskPatch::new();
    patch.name = changed(&prior.name, &planned.name).flatten();
    patch.description = changed(&prior.description, &planned.description);
    patch.task_type = changed(&prior.task_type, &planned.task_type).flatten().map(|word| word.as_str().into());
    patch.schedule_type =
        changed(&prior.schedule_type, &planned.schedule_type).flatten().map(|word| word.as_str().into());
    patch.cron_expr = changed(&prior.cron_expr, &planned.cron_expr);
    patch.timezone = changed(&prior.timezone, &planned.timezone).flatten();
    patch.overlap_policy =
        changed(&prior.overlap_policy, &planned.overlap_policy).flatten().map(|word| word.as_str().into());
    patch.enabled = changed(&prior.enabled, &planned.enabled).flatten();
    patch.timeout_seconds = changed(&prior.timeout_seconds, &planned.timeout_seconds).flatten();
    patch.script = changed(&prior.script, &planned.script);
    if prior.run_at != planned.run_at {
        patch.run_at = Some(instant(&planned.run_at)?);
    }
    // Nothing and an empty object are the same to the server: to write the one for the other is no change.
    let empty = || Json::Object(serde_json::Map::new());
    let (before, after) = (json(&prior.config)?.unwrap_or_else(empty), json(&planned.config)?);
    if after.as_ref().unwrap_or(&empty()) != &before {
        patch.config = Some(after);
    }
    let (before, after) = (entries(&prior.task_config)?.unwrap_or_default(), entries(&planned.task_config)?);
    let after = after.unwrap_or_default();
    if after != before {
        patch.task_config = Some(after);
    }
    Ok(patch)
}

/// The state after a refresh: what the server says, in the configuration's own spelling where it means the same.
pub(super) fn refreshed(task: &Task, state: &State) -> State {
    State {
        config: config(task, &state.config),
        run_at: run_at(task, &state.run_at),
        task_config: task_config(task, &state.task_config),
        // The values that were applied. Whether they are still the server's is said by the revisions.
        secrets: state.secrets.clone(),
        secrets_wo_version: state.secrets_wo_version.clone(),
        secret_revisions: match &task.secret_revisions {
            Some(now) => revisions(now),
            None => state.secret_revisions.clone(),
        },
        ..plain(task)
    }
}

/// The state of a task that Terraform did not know. Values of secrets are unknown to everybody but the server.
pub(super) fn imported(task: &Task) -> State {
    State {
        config: config(task, &Attr::Null),
        run_at: run_at(task, &Attr::Null),
        task_config: task_config(task, &Attr::Null),
        ..plain(task)
    }
}

/// The attributes that are the same in both worlds.
fn plain(task: &Task) -> State {
    State {
        id: Attr::known(task.id.to_string()),
        name: Attr::known(task.name.clone()),
        description: task.description.clone().into(),
        task_type: Attr::known(task.task_type.as_str()),
        schedule_type: Attr::known(task.schedule_type.as_str()),
        cron_expr: task.cron_expr.clone().into(),
        timezone: Attr::known(task.timezone.clone()),
        run_at: Attr::Null,
        overlap_policy: Attr::known(task.overlap_policy.as_str()),
        enabled: Attr::known(task.enabled),
        timeout_seconds: Attr::known(task.timeout_seconds),
        script: task.script.clone().into(),
        config: Attr::Null,
        task_config: Attr::Null,
        secrets: Attr::Null,
        secrets_wo: Attr::Null,
        secrets_wo_version: Attr::Null,
        revision: Attr::known(task.revision.clone()),
        secret_revisions: revisions(&task.secret_revisions.clone().unwrap_or_default()),
    }
}

/// What the server says about secrets, as an attribute.
pub(super) fn revisions(revisions: &BTreeMap<String, String>) -> Attr<BTreeMap<String, Attr<String>>> {
    Attr::Known(revisions.iter().map(|(key, revision)| (key.clone(), Attr::known(revision.clone()))).collect())
}

fn config(task: &Task, state: &Attr<String>) -> Attr<String> {
    let now = task.config.clone().unwrap_or_else(|| Json::Object(serde_json::Map::new()));
    let unset = now.as_object().is_some_and(serde_json::Map::is_empty);
    match state {
        Attr::Known(text) if serde_json::from_str::<Json>(text).is_ok_and(|json| json == now) => state.clone(),
        Attr::Null | Attr::Unknown if unset => Attr::Null,
        _ => Attr::known(now.to_string()),
    }
}

fn run_at(task: &Task, state: &Attr<String>) -> Attr<String> {
    match (state.as_str(), task.run_at) {
        (_, None) => Attr::Null,
        (Some(text), Some(now)) if micros(text) == Some(now.as_microsecond()) => state.clone(),
        (_, Some(now)) => Attr::known(now.to_string()),
    }
}

fn task_config(task: &Task, state: &Attr<BTreeMap<String, Attr<String>>>) -> Attr<BTreeMap<String, Attr<String>>> {
    let now = task.task_config.clone().unwrap_or_default();
    // Nothing configured and an empty map mean the same; each keeps its spelling.
    if now.is_empty() && !state.is_known() {
        return Attr::Null;
    }
    Attr::Known(now.into_iter().map(|(key, value)| (key, Attr::known(value))).collect())
}

/// The attribute that a field of the API comes from. `None` for a field that the configuration does not have.
pub(super) fn attribute(field: &str) -> Option<AttributePath> {
    attribute_of(field, "secrets")
}

/// The same, where secrets come from this attribute.
pub(super) fn attribute_of(field: &str, secrets: &'static str) -> Option<AttributePath> {
    const ATTRIBUTES: [&str; 13] = [
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
        "script",
        "config",
        "task_config",
    ];
    if field == "secrets.set" || field == "secrets.remove" || field.starts_with("secrets.remove[") {
        return Some(AttributePath::of(secrets));
    }
    if let Some(key) = field.strip_prefix("task_config.") {
        return Some(AttributePath::of("task_config").key(key));
    }
    if let Some(key) = field.strip_prefix("secrets.set.").or_else(|| field.strip_prefix("secrets.")) {
        return Some(AttributePath::of(secrets).key(key));
    }
    match field {
        "secrets" => Some(AttributePath::of(secrets)),
        field => ATTRIBUTES.contains(&field).then(|| AttributePath::of(field)),
    }
}

fn instant(attr: &Attr<String>) -> Result<Option<Timestamp>, Refused> {
    attr.as_str()
        .map(|text| text.parse().map_err(|_| ("run_at", format!("`{text}` is not an RFC 3339 instant."))))
        .transpose()
}

fn json(attr: &Attr<String>) -> Result<Option<Json>, Refused> {
    attr.as_str()
        .map(|text| serde_json::from_str(text).map_err(|error| ("config", format!("It is not JSON: {error}."))))
        .transpose()
}

fn entries(attr: &Attr<BTreeMap<String, Attr<String>>>) -> Result<Option<ConfigMap>, Refused> {
    let Some(map) = attr.as_known() else { return Ok(None) };
    map.iter()
        .map(|(key, value)| match value.as_str() {
            Some(value) => Ok((key.clone(), value.to_owned())),
            None => Err(("task_config", format!("The entry `{key}` is null. Leave it out, or give it a text."))),
        })
        .collect::<Result<_, _>>()
        .map(Some)
}

/// Whether two texts name the same instant, as exactly as the server keeps it.
pub(super) fn same_instant(one: &str, other: &str) -> bool {
    micros(one).is_some_and(|one| micros(other) == Some(one))
}

fn micros(text: &str) -> Option<i64> {
    text.parse::<Timestamp>().ok().map(Timestamp::as_microsecond)
}
