//! Data sources, one module each.

pub(crate) mod connected_system;
pub(crate) mod run_profile;
pub(crate) mod schedule;
pub(crate) mod schedule_executions;
pub(crate) mod scheduled_task;
pub(crate) mod scheduled_tasks;
pub(crate) mod schedules;
pub(crate) mod task_runs;

use std::fmt::Display;

use jiff::Timestamp;
use justiam_sdk::{Client, Error};
use tfplugin::{Attr, Call};

use crate::checks::id;
use crate::client::Api;
use crate::problem::{Subject, report};

/// How many objects a list shows at the most.
const LIMIT: std::ops::RangeInclusive<i64> = 1..=1000;
/// How many objects a list shows where the configuration names no number.
const DEFAULT_LIMIT: i64 = 20;

/// Asks the server, unless Terraform is interrupted. What goes wrong is reported.
pub(crate) async fn ask<T>(
    call: &mut Call<'_, Api>,
    subject: &Subject,
    summary: &str,
    request: impl AsyncFnOnce(&Client) -> Result<T, Error>,
) -> Option<T> {
    let answer = tokio::select! {
        answer = call.client.call(request) => answer,
        () = call.stop.requested() => {
            call.diagnostics.error(summary, "Terraform was interrupted.");
            return None;
        }
    };
    answer.map_err(|error| report(call.diagnostics, subject, summary, &error)).ok()
}

/// What somebody asks for: its id, or else its name.
fn asked_for(id: Option<impl Display>, name: &Attr<String>) -> String {
    id.map_or_else(|| format!("`{}`", name.as_str().unwrap_or_default()), |id| format!("`{id}`"))
}

/// Says that nothing has this name.
fn nothing_named(call: &mut Call<'_, Api>, noun: &str, name: &str) {
    let detail = format!("There is no {noun} with exactly the name `{name}`. Letter case and blanks count.");
    call.diagnostics.error_at("name", format!("No such {noun}"), detail);
}

/// An instant as Terraform's functions read it.
fn instant(time: Option<Timestamp>) -> Attr<String> {
    time.map(|time| time.to_string()).into()
}

/// For data sources whose questions the server refuses in no field of its own.
fn no_attribute(_: &str) -> Option<tfplugin::AttributePath> {
    None
}
