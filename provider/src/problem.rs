//! From a failed request to a diagnostic that says what to do next.

mod overtaken;

use std::error::Error as _;
use std::fmt::Write as _;

use justiam_sdk::Error;
use justiam_sdk::api::problem::Code;
use justiam_sdk::client::ApiError;
use serde_json::Value as Json;
use tfplugin::{AttributePath, Diagnostics};

pub(crate) use overtaken::{is_as_planned, since_the_plan};

/// What a request is about.
pub(crate) struct Subject {
    /// The type of the resource, as in a configuration.
    pub(crate) type_name: &'static str,
    /// What people call it.
    pub(crate) noun: &'static str,
    /// The attribute that a field of the API comes from. `None` for a field that the configuration does not have.
    pub(crate) attribute: fn(&str) -> Option<AttributePath>,
}

/// Reports that something could not be deleted which steps of schedules may use.
pub(crate) fn report_undeleted(diagnostics: &mut Diagnostics, subject: &Subject, summary: &str, error: &Error) {
    match error {
        Error::Api(answer) if answer.problem.code == Some(Code::Conflict) => {
            diagnostics.error(summary, said(answer, STILL_USED));
        }
        error => report(diagnostics, subject, summary, error),
    }
}

/// What to do about it.
const STILL_USED: &str = "\n\nTerraform destroys what a configuration has no more before it changes the schedule that has used it. Write \
                          `lifecycle { create_before_destroy = true }` into the run profile and apply; from then on it goes after the \
                          step. Or remove the step first, apply, and then remove the run profile.";

/// Reports a failed request about one object.
pub(crate) fn report(diagnostics: &mut Diagnostics, subject: &Subject, summary: &str, error: &Error) {
    report_at(diagnostics, subject, summary, error, subject.attribute);
}

/// The same, where the attribute that a field comes from depends on the configuration.
pub(crate) fn report_at(
    diagnostics: &mut Diagnostics,
    subject: &Subject,
    summary: &str,
    error: &Error,
    attribute: impl Fn(&str) -> Option<AttributePath>,
) {
    match error {
        Error::Api(error) => report_answer(diagnostics, subject, summary, error, attribute),
        Error::Unexpected { .. } => {
            let hint = format!(
                "Something other than a JustIAM server answered: check the provider's `endpoint`, and whether a proxy or login page \
                 stands in front of the server. Nothing is known about the {}, so the state is left as it is.",
                subject.noun
            );
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
        Error::Decode { .. } => {
            let hint = "Does the provider's `endpoint` lead to a JustIAM server, and is the server of a version that this provider knows?";
            diagnostics.error(summary, format!("{}.\n\n{hint}", chain(error)));
        }
        other => diagnostics.error(summary, format!("{}.", chain(other))),
    }
}

fn report_answer(
    diagnostics: &mut Diagnostics,
    subject: &Subject,
    summary: &str,
    error: &ApiError,
    attribute: impl Fn(&str) -> Option<AttributePath>,
) {
    let problem = &error.problem;
    let request = request_id(error);
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
        Some(Code::Forbidden) => {
            "\n\nThe provider's token is valid, but it may not do this: use one whose owner has the permission, or ask an administrator."
        }
        Some(Code::TooManyRequests) => {
            "\n\nThe server asks for fewer requests: lower `max_concurrency` or raise `max_retries` in the provider block."
        }
        Some(Code::PreconditionFailed) => OVERTAKEN,
        Some(Code::ServiceUnavailable) => "\n\nThe server cannot work at the moment; try again later.",
        Some(Code::InternalError) => "\n\nThis is a defect of the server, whose log says more under the request id.",
        // Somebody who speaks JSON and is not the server, or a path that the server does not have.
        None => "\n\nIs the provider's `endpoint` the address of a JustIAM server, without a path of its own?",
        Some(_) => "",
    };
    let import = import_block(subject, error).unwrap_or_default();
    diagnostics.error(summary, said(error, &(hint.to_owned() + &import)));
}

/// Reports that an object could not be changed. `since` says what [`since_the_plan`] has found out.
pub(crate) fn report_unchanged(
    diagnostics: &mut Diagnostics,
    subject: &Subject,
    summary: &str,
    error: &Error,
    since: Option<&str>,
    attribute: impl Fn(&str) -> Option<AttributePath>,
) {
    match (error, since) {
        (Error::Api(answer), Some(since)) => {
            diagnostics.error(summary, said(answer, &format!("{OVERTAKEN}\n\n{since}")));
        }
        (Error::Api(answer), None) if error.is_not_found() => {
            let hint = "\n\nIt, or what it refers to, has been deleted since Terraform looked at it. Plan again: what is gone is created anew.";
            diagnostics.error(summary, said(answer, hint));
        }
        _ => report_at(diagnostics, subject, summary, error, attribute),
    }
}

/// Reports that the user has stopped Terraform before the server's answer to a change was there.
pub(crate) fn report_interrupted(diagnostics: &mut Diagnostics, summary: &str) {
    let detail =
        "Terraform was interrupted before the server's answer. Whether the server has done it, the next plan tells.";
    diagnostics.error(summary, detail);
}

/// What to do about a change that came first.
const OVERTAKEN: &str =
    "\n\nSomebody else has changed it since Terraform looked at it. Nothing was overwritten: plan and apply again.";

/// What the server said, what to do about it, and where its log says more.
fn said(error: &ApiError, hint: &str) -> String {
    let message = error.problem.message.trim_end_matches('.');
    format!("The server answered {}: {message}.{hint}{}", error.status, request_id(error))
}

fn request_id(error: &ApiError) -> String {
    error.request_id.as_ref().map_or_else(String::new, |id| format!("\n\nRequest id: {id}"))
}

/// For a name that is taken: how to go on with the object that has it.
fn import_block(subject: &Subject, error: &ApiError) -> Option<String> {
    let details = error.problem.details.as_ref()?;
    let id = match details.get("id")? {
        Json::String(id) => id.clone(),
        Json::Number(id) => id.to_string(),
        _ => return None,
    };
    let Subject { type_name, noun, .. } = subject;
    (error.problem.code == Some(Code::Conflict)).then(|| {
        format!(
            "\n\nTo manage the existing {noun} with this configuration, add this block (with the resource's own name in place of \
             `this`) and apply again; otherwise choose another name.\n\n\
             import {{\n  to = {type_name}.this\n  id = \"{id}\"\n}}\n\n\
             Where it is the {noun} that this apply replaces, an import is no way: a name is free only when the old {noun} is gone. Give the \
             new one another name, or take `create_before_destroy` out, also where a resource that depends on this one has it."
        )
    })
}

/// An error with all its causes.
pub(crate) fn chain(error: &Error) -> String {
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
