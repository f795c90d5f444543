//! Actions, one module each.

pub(crate) mod run_schedule;
pub(crate) mod run_task;

use std::time::Duration;

use tfplugin::{Attr, Attribute, Check, Diagnostics};

use crate::waiting::{DEFAULT_LIMIT, LIMIT};

/// How to wait, for an action on `noun`: a run or an execution.
fn waiting(noun: &str) -> [Attribute; 3] {
    [
        Attribute::bool("wait")
            .optional()
            .markdown(format!("Whether to wait until the {noun} has ended, and to tell how it goes on. Default `true`.")),
        Attribute::bool("fail_on_error").optional().markdown(format!(
            "Whether the action fails where the {noun} fails, is cancelled, or has not ended in time. Otherwise it warns. Default `true`."
        )),
        Attribute::number("timeout_seconds").optional().check(Check::int(LIMIT)).markdown(format!(
            "How many seconds to wait for the end, from 1 to 86,400. The {noun} itself goes on. Default `300`."
        )),
    ]
}

/// How long to wait; not at all where nobody shall.
fn limit(wait: Attr<bool>, timeout_seconds: Attr<i64>) -> Option<Duration> {
    let seconds = timeout_seconds.as_known().copied().unwrap_or(DEFAULT_LIMIT);
    wait.as_known().is_none_or(|wait| *wait).then(|| Duration::from_secs(seconds.unsigned_abs()))
}

/// Says that nothing has this name.
fn nothing_named(diagnostics: &mut Diagnostics, attribute: &str, noun: &str, name: &str) {
    let detail = format!("There is no {noun} with exactly the name `{name}`. Letter case and blanks count.");
    diagnostics.error_at(attribute, format!("No such {noun}"), detail);
}
