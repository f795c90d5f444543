//! From a failed request to a diagnostic that says what to do next.

use std::error::Error as _;
use std::fmt::Write as _;

use justiam_sdk::Error;
use justiam_sdk::api::problem::Code;
use justiam_sdk::client::ApiError;
use tfplugin::{AttributePath, Diagnostics};

/// Reports a failed request about one task.
pub(crate) fn report(diagnostics: &mut Diagnostics, summary: &str, error: &Error) {
    match error {
        Error::Api(error) => report_answer(diagnostics, summary, error),
        Error::Unexpected { .. } => {
            let hint = "Something other than a JustIAM server answered: check the provider's `endpoint`, and whether a proxy or \
                        login page stands in front of the server. Nothing is known about the task, so the state is left as it is.";
            diagnostics.error(summary, format!("{}.\n\n{hint}", chain(error)));
        }
        Error::Transport { .. } => {
            let hint = "Is the server running, and can it be reached from here under the provider's `endpoint`?";
            diagnostics.error(summary, format!("{}.\n\n{hint}", chain(error)));
        }
        Error::Timeout { .. } => {
            let hint = "The server may be overloaded. `request_timeout` in the provider block sets how long to wait.";
            diagnostics.error(summary, format!("{}.\n\n{hint}", chain(error)));
        }
        other => diagnostics.error(summary, format!("{}.", chain(other))),
    }
}

fn report_answer(diagnostics: &mut Diagnostics, summary: &str, error: &ApiError) {
    let problem = &error.problem;
    let request = error.request_id.as_ref().map_or_else(String::new, |id| format!("\n\nRequest id: {id}"));
    for (field, messages) in &problem.validation_errors {
        for message in messages {
            let detail = format!("The server refuses `{field}`: {message}.{request}");
            match attribute(field) {
                Some(path) => diagnostics.error_at(path, summary, detail),
                None => diagnostics.error(summary, detail),
            }
        }
    }
    if !problem.validation_errors.is_empty() {
        return;
    }
    let hint = match &problem.code {
        Some(Code::Unauthorised) => {
            "\n\nThe token is missing, wrong or expired: see `token` in the provider block, or `JUSTIAM_TOKEN`."
        }
        Some(Code::TooManyRequests) => {
            "\n\nThe server asks for fewer requests: lower `max_concurrency` or raise `max_retries` in the provider block."
        }
        Some(Code::ServiceUnavailable) => "\n\nThe server cannot work at the moment; try again later.",
        _ => "",
    };
    let mut detail = format!("The server answered {}: {}.{hint}", error.status, problem.message.trim_end_matches('.'));
    if let Some(import) = import_block(error) {
        detail.push_str(&import);
    }
    diagnostics.error(summary, detail + &request);
}

/// For a name that is taken: how to go on with the task that has it.
fn import_block(error: &ApiError) -> Option<String> {
    let details = error.problem.details.as_ref()?;
    let id = details.get("id")?.as_str()?;
    (error.problem.code == Some(Code::Conflict)).then(|| {
        format!(
            "\n\nTo manage the existing task with this configuration, add this block (with the resource's own name in place of \
             `this`) and apply again; otherwise choose another name.\n\n\
             import {{\n  to = justiam_scheduled_task.this\n  id = \"{id}\"\n}}"
        )
    })
}

/// The attribute that a field of the API comes from. `None` for a field that the configuration does not have.
fn attribute(field: &str) -> Option<AttributePath> {
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
        return Some(AttributePath::of("secrets"));
    }
    if let Some(key) = field.strip_prefix("task_config.") {
        return Some(AttributePath::of("task_config").key(key));
    }
    if let Some(key) = field.strip_prefix("secrets.set.").or_else(|| field.strip_prefix("secrets.")) {
        return Some(AttributePath::of("secrets").key(key));
    }
    if field == "secrets" || ATTRIBUTES.contains(&field) { Some(AttributePath::of(field)) } else { None }
}

/// An error with all its causes.
fn chain(error: &Error) -> String {
    let mut text = capitalised(&error.to_string());
    let mut cause = error.source();
    let mut last = String::new();
    while let Some(error) = cause {
        let next = error.to_string();
        if next != last {
            let _ = write!(text, ": {next}");
        }
        last = next;
        cause = error.source();
    }
    text
}

fn capitalised(text: &str) -> String {
    // An address keeps its spelling.
    if text.starts_with("http") {
        return text.to_owned();
    }
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
