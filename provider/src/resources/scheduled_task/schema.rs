//! The schema, and what can be checked at plan time.

use std::collections::BTreeMap;

use jiff::Timestamp;
use justiam_sdk::api::tasks::{DEFAULT_TIMEZONE, MAX_DESCRIPTION, MAX_NAME, MAX_SCRIPT, TIMEOUT_SECONDS};
use justiam_sdk::api::values::{OverlapPolicy, ScheduleType, TaskType, Words as _};
use justiam_sdk::api::{config, script, secrets};
use serde_json::Value as Json;
use tfplugin::{Attr, Attribute, AttributePath, Check, Diagnostics, Message, Relation, Schema, Type, Value, same};

use super::State;
use crate::checks::{cron, same_cron, timezone, word};

pub(super) fn schema() -> Schema {
    Schema::new().markdown("A scheduled task: a Go script, or work that the server brings itself, on a cron expression or on demand.").attributes([
        Attribute::string("id").computed().markdown("The task's id, a UUID."),
        Attribute::string("name").required().check(Check::text(name)).markdown(
            "The task's name: 1 to 200 characters, unique on the server, and none of the names of the built-in tasks.",
        ),
        Attribute::string("description").optional().check(Check::length(0..=MAX_DESCRIPTION)).markdown(
            "Free text of up to 4,000 characters.",
        ),
        Attribute::string("task_type").required().requires_replace().check(word::<TaskType>("task type")).markdown(
            "What the task does: `script` runs the Go source in `script`; `saml_session_cleanup`, `audit_log_cleanup`, \
             `trusted_device_expiry`, `user_message_delivery`, `access_request_expiry`, `preset_cache_refresh` and `agent_token_cleanup` \
             are brought by the server. Changing it replaces the task.",
        ),
        Attribute::string("schedule_type").required().check(word::<ScheduleType>("schedule type")).markdown(
            "`cron`: the task fires on `cron_expr`. `once`: it fires one time at `run_at`, or without `run_at` only when it is triggered.",
        ),
        Attribute::string("cron_expr").optional().check(Check::text(cron)).keep_prior_if(same_cron).markdown(
            "Five fields: minute, hour, day of month, month, day of week, with lists, ranges, steps, names (`MON`, `JAN`), `L`, `#` and \
             macros such as `@daily`. Required for `schedule_type` `cron`, and only allowed there.",
        ),
        Attribute::string("timezone").default(DEFAULT_TIMEZONE).check(Check::text(timezone)).markdown(
            "The IANA time zone in which `cron_expr` counts. Default `UTC`.",
        ),
        Attribute::string("run_at").optional().check(Check::text(instant)).keep_prior_if(same_instant).markdown(
            "When a `once` task fires, an RFC 3339 instant such as `2026-01-31T08:00:00Z`. One in the past fires at once. \
             Only for `schedule_type` `once`.",
        ),
        Attribute::string("overlap_policy").default("allow").check(word::<OverlapPolicy>("overlap policy")).markdown(
            "What happens when the task fires while a run is active: `allow` starts another run, `skip` drops the new one and records it as \
             cancelled, `queue` lets it wait for its turn, `replace` cancels the active run. Default `allow`.",
        ),
        Attribute::bool("enabled").default(true).markdown("Whether the task fires by itself; it can be triggered either way. Default `true`."),
        Attribute::number("timeout_seconds").default(*TIMEOUT_SECONDS.end()).check(Check::int(TIMEOUT_SECONDS)).markdown(
            "Seconds after which a run is ended as an error, from 1 to 30. Default `30`.",
        ),
        Attribute::string("script").optional().check(Check::text(go_script)).markdown(
            "Go source with `package task` and `func Run() (string, error)`, up to 256 KiB, kept byte for byte. Required for `task_type` `script`, \
             and only allowed there.",
        ),
        Attribute::string("config").optional().check(Check::text(json_object)).keep_prior_if(same::json).markdown(
            "A JSON object that the server stores with the task, as `jsonencode` writes it; compared by meaning. Default `{}`.",
        ),
        Attribute::map("task_config", Type::String)
            .optional()
            .check(Check::items(0..=config::MAX_KEYS))
            .check(Check::keys(Check::text(key)))
            .check(Check::each(Check::text(config_value)))
            .markdown("What the script reads with the package `config`. Values are text and visible; write a list with `jsonencode`, or separated by commas."),
    ]).attributes(secret_attributes()).relation(Relation::at_most_one_of(["secrets", "secrets_wo"]))
}

/// Secrets, and what is known about them.
fn secret_attributes() -> [Attribute; 5] {
    let values = |name| {
        Attribute::map(name, Type::String)
            .optional()
            .sensitive()
            .check(Check::items(0..=secrets::MAX_KEYS))
            .check(Check::keys(Check::text(key)))
            .check(Check::each(Check::text(secret_value)))
    };
    [
        values("secrets").markdown(
            "What the script reads with the package `secrets`; the task has these and no others. The server never returns a value; Terraform \
             keeps the values in its state. Only values that differ are sent, and what was changed on the server is written again. Without \
             this attribute and `secrets_wo`, secrets stay as they are; a key taken out of the map is removed, and `{}` removes all.",
        ),
        values("secrets_wo").write_only().markdown(
            "The same as `secrets`, with values that are in no plan and no state; only one of the two may be set. The private state has a \
             salted, slow fingerprint of each value, by which a plan sees what has changed. Terraform 1.11 or later. Null leaves the \
             secrets on the server as they are, and `{}` removes them.",
        ),
        Attribute::string("secrets_wo_version").optional().markdown(
            "Any text. Where it is set, values of `secrets_wo` are written when it changes and not when they do, and no fingerprints are kept: \
             for values that differ in each run. Keys that come and go, and changes on the server, count all the same. With a null `secrets_wo` \
             values stay as they are; a new script task has none, so its create is refused.",
        ),
        Attribute::string("revision").computed().changes_on_update().markdown(
            "An opaque text that changes with the task's definition, config entries and secrets, and not with its runs. An update is refused if \
             somebody else has changed the task since Terraform looked at it.",
        ),
        Attribute::map("secret_revisions", Type::String).computed().markdown(
            "For each secret of the task an opaque text that changes with its value. A plan shows here which secrets will be written: their \
             revisions are known after apply.",
        ),
    ]
}

/// Checks what involves several attributes. What is unknown passes: the server has the last word.
pub(super) fn validate(config: &State, diagnostics: &mut Diagnostics) {
    refuse_nulls("task_config", &config.task_config, diagnostics);
    refuse_nulls("secrets", &config.secrets, diagnostics);
    refuse_nulls("secrets_wo", &config.secrets_wo, diagnostics);
    match config.schedule_type.as_str() {
        Some("cron") => {
            if config.cron_expr.is_null() {
                let detail = "`schedule_type` is `cron`, so `cron_expr` is required, such as `\"0 3 * * *\"` for every day at 03:00.\n\nhint: for a task that only runs when it is triggered, use `schedule_type = \"once\"`";
                diagnostics.error_at("cron_expr", "Missing cron expression", detail);
            }
            if config.run_at.is_known() {
                let detail = "`run_at` is for `schedule_type` `once`; a `cron` task fires on its `cron_expr`.";
                diagnostics.error_at("run_at", "Unexpected run_at", detail);
            }
        }
        Some("once") if config.cron_expr.is_known() => {
            let detail = "`schedule_type` is `once`, so `cron_expr` would have no effect.\n\nhint: remove `cron_expr`, or set `schedule_type = \"cron\"`";
            diagnostics.error_at("cron_expr", "Unexpected cron expression", detail);
        }
        _ => {}
    }
    match config.task_type.as_str() {
        Some("script") if config.script.is_null() => {
            let detail = "`task_type` is `script`, so `script` is required: Go source with `package task` and `func Run() (string, error)`.";
            diagnostics.error_at("script", "Missing script", detail);
        }
        Some(other) if other != "script" && config.script.is_known() => {
            let detail =
                format!("`script` is for `task_type` `script`; `{other}` does the work that the server brings itself.");
            diagnostics.error_at("script", "Unexpected script", detail);
        }
        _ => {}
    }
}

/// Reports entries of a map that are null: the server has no such thing, and an apply would fail halfway.
fn refuse_nulls<T>(attribute: &str, map: &Attr<BTreeMap<String, Attr<T>>>, diagnostics: &mut Diagnostics) {
    for (key, _) in map.as_known().into_iter().flatten().filter(|(_, value)| value.is_null()) {
        let detail = format!("`{key}` is null.\n\nhint: leave the key out, or give it a text");
        diagnostics.error_at(AttributePath::of(attribute).key(key), format!("Missing value in {attribute}"), detail);
    }
}

fn name(text: &str) -> Result<(), Message> {
    let length = text.chars().count();
    let refuse = |detail: String| Err(Message::new("Invalid name", detail));
    if text.trim().is_empty() {
        refuse("The name must not be blank.".into())
    } else if length > MAX_NAME {
        refuse(format!("The name has {length} characters; {MAX_NAME} are allowed."))
    } else if text.chars().any(char::is_control) {
        refuse("The name must not contain control characters such as line breaks.".into())
    } else if TaskType::BUILT_IN.iter().any(|(built_in, ..)| built_in.as_str().eq_ignore_ascii_case(text)) {
        refuse(format!(
            "`{text}` is the name of a built-in task.\n\nhint: choose another name, such as `{text} (custom)`"
        ))
    } else {
        Ok(())
    }
}

fn instant(text: &str) -> Result<(), Message> {
    text.parse::<Timestamp>().map(drop).map_err(|_| {
        let detail = format!("`{text}` is not an RFC 3339 instant.\n\nhint: write date, `T`, time and zone, such as `2026-01-31T08:00:00Z` or `2026-01-31T09:00:00+01:00`");
        Message::new("Invalid instant", detail)
    })
}

fn go_script(text: &str) -> Result<(), Message> {
    if text.len() > MAX_SCRIPT {
        let detail = format!("The script is {} bytes long; {MAX_SCRIPT} are allowed.", text.len());
        return Err(Message::new("Script too long", detail));
    }
    no_nul(text, "script")?;
    script::check_header(text).map_err(|error| {
        let hint = "\n\nhint: a script looks like this:\n\n  package task\n\n  func Run() (string, error) {\n      return \"done\", nil\n  }";
        Message::new("Invalid script", format!("{}.{hint}", sentence(&error.to_string())))
    })
}

fn json_object(text: &str) -> Result<(), Message> {
    let refuse = |detail: String| {
        Err(Message::new(
            "Invalid config",
            format!("{detail}\n\nhint: write `config = jsonencode({{ key = \"value\" }})`"),
        ))
    };
    match serde_json::from_str::<Json>(text) {
        Ok(Json::Object(_)) => Ok(()),
        Ok(_) => refuse("`config` must be a JSON object.".into()),
        Err(error) => refuse(format!("`config` must be JSON text: {error}.")),
    }
}

fn key(text: &str) -> Result<(), Message> {
    let refuse = |detail: String| Err(Message::new("Invalid key", detail));
    if text.is_empty() {
        refuse("A key must not be empty.".into())
    } else if text.len() > secrets::MAX_KEY {
        refuse(format!("A key may be {} bytes long; this one has {}.", secrets::MAX_KEY, text.len()))
    } else if text.chars().any(char::is_control) {
        refuse("A key must not contain control characters.".into())
    } else {
        Ok(())
    }
}

fn config_value(text: &str) -> Result<(), Message> {
    if text.len() > config::MAX_VALUE {
        let detail = format!("The value is {} bytes long; {} are allowed.", text.len(), config::MAX_VALUE);
        return Err(Message::new("Value too long", detail));
    }
    no_nul(text, "value")
}

/// Says nothing about the value but its length.
fn secret_value(text: &str) -> Result<(), Message> {
    if text.len() > secrets::MAX_VALUE {
        let detail = format!("The secret is {} bytes long; {} are allowed.", text.len(), secrets::MAX_VALUE);
        return Err(Message::new("Secret too long", detail));
    }
    no_nul(text, "secret")
}

fn no_nul(text: &str, what: &str) -> Result<(), Message> {
    if text.contains('\0') {
        return Err(Message::new(format!("Invalid {what}"), format!("The {what} must not contain a NUL character.")));
    }
    Ok(())
}

fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

fn same_instant(prior: &Value, new: &Value) -> bool {
    match (prior, new) {
        (Value::String(prior), Value::String(new)) => super::convert::same_instant(prior, new),
        _ => false,
    }
}
