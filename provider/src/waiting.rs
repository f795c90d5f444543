//! Waiting for what the server has begun: one loop for runs of tasks and executions of schedules, in resources and in actions.

mod execution;
mod run;

use std::time::Duration;

use justiam_sdk::{Client, Error};
use tfplugin::{Diagnostics, Progress, Stop};
use tokio::time::{Instant, sleep, timeout_at};

use crate::client::Api;
use crate::problem::{Subject, report};

/// How long to wait, in seconds, as a configuration may say.
pub(crate) const LIMIT: std::ops::RangeInclusive<i64> = 1..=86_400;
/// How long to wait, in seconds, where a configuration says nothing.
pub(crate) const DEFAULT_LIMIT: i64 = 300;

/// The pauses between two looks at something that shows nothing new.
const FIRST_LOOK: Duration = Duration::from_millis(20);
const LATER_LOOKS: Duration = Duration::from_secs(1);

/// Something that the server works on, and that ends by itself.
pub(crate) trait Work: Sized + PartialEq + Send + Sync {
    /// How it stands now.
    fn again(&self, client: &Client) -> impl Future<Output = Result<Self, Error>> + Send;

    /// Whether it will never change again.
    fn is_over(&self) -> bool;

    /// What people call it: "run … of the task `Report`".
    fn name(&self) -> String;

    /// How it stands: one word.
    fn stands(&self) -> &str;

    /// What has changed since `before`, a line each; at the beginning there is none.
    fn news(&self, before: Option<&Self>) -> Vec<String>;

    /// Of something that is over and has not ended well: a summary and the reason.
    fn failure(&self) -> Option<(String, String)>;
}

/// How waiting has ended.
#[derive(Debug)]
pub(crate) enum Ending {
    /// It is over, or nobody waited for it.
    Seen,
    /// It goes on, and nobody waits any longer.
    TimedOut(Duration),
    /// It goes on, and the user has stopped Terraform.
    Interrupted,
    /// The server does not say any more how it stands.
    Lost(Error),
}

/// Looks at something until it is over, and tells of each change. Returns how it stood at the last look. Without a limit there is
/// no other look than the first, which has been made.
///
/// The server may be away for a while meanwhile, such as for a restart. Between two looks, other requests have their turn.
pub(crate) async fn wait<W: Work>(
    first: W,
    limit: Option<Duration>,
    api: &Api,
    stop: &Stop,
    progress: Option<&Progress>,
) -> (W, Ending) {
    let mut now = first;
    tell(progress, now.news(None)).await;
    let Some(limit) = limit else { return (now, Ending::Seen) };
    let deadline = Instant::now() + limit;
    let mut pause = FIRST_LOOK;
    let mut trouble = None;
    while !now.is_over() {
        let look = async {
            sleep(pause).await;
            api.call(async |client| now.again(client).await).await
        };
        let answer = tokio::select! {
            answer = timeout_at(deadline, look) => answer,
            () = stop.requested() => return (now, Ending::Interrupted),
        };
        pause = (pause * 2).min(LATER_LOOKS);
        match answer {
            Ok(Ok(next)) => {
                if next != now {
                    tell(progress, next.news(Some(&now))).await;
                    pause = FIRST_LOOK;
                }
                (now, trouble) = (next, None);
            }
            Ok(Err(error)) if may_pass(&error) => trouble = Some(error),
            Ok(Err(error)) => return (now, Ending::Lost(error)),
            Err(_) => return (now, trouble.map_or(Ending::TimedOut(limit), Ending::Lost)),
        }
    }
    (now, Ending::Seen)
}

/// Says what is wrong with how it ended, if anything is. `after_error` is what an error means for whoever has waited.
///
/// What did not end well, or not in time, is a warning where it may (`fail_on_error` is false).
pub(crate) fn judge<W: Work>(
    work: &W,
    ending: Ending,
    fail_on_error: bool,
    after_error: &str,
    subject: &Subject,
    diagnostics: &mut Diagnostics,
) {
    let name = work.name();
    let (summary, detail) = match ending {
        Ending::Seen => match work.failure() {
            Some(failure) => failure,
            None => return,
        },
        Ending::TimedOut(limit) => (
            format!("Still {} after {} s: the {name}", work.stands(), limit.as_secs()),
            format!(
                "Terraform has stopped waiting; the {name} goes on. `timeout_seconds` sets how long to wait, and `wait = false` waits for \
                 nothing."
            ),
        ),
        Ending::Interrupted => {
            let detail = format!("The {name} was {}, and goes on without Terraform.{after_error}", work.stands());
            diagnostics.error("Interrupted while waiting", detail);
            return;
        }
        Ending::Lost(error) => {
            let mut told = Diagnostics::new();
            report(&mut told, subject, &format!("Could not see how the {name} ends"), &error);
            let Some(problem) = told.iter().next() else { return };
            (problem.summary.clone(), format!("{}\n\nAs far as is known, it goes on.", problem.detail))
        }
    };
    if fail_on_error {
        diagnostics.error(summary, detail + after_error);
    } else {
        diagnostics.warning(summary, detail);
    }
}

/// Reports that the server did not begin. `attribute` has named what should have been run.
pub(crate) fn report_refused(
    diagnostics: &mut Diagnostics,
    subject: &Subject,
    attribute: &str,
    summary: &str,
    error: &Error,
) {
    match error {
        Error::Api(answer) if error.is_not_found() => {
            let message = answer.problem.message.trim_end_matches('.');
            let detail = format!("The server answered {}: {message}. It may have been deleted.", answer.status);
            diagnostics.error_at(attribute, summary, detail);
        }
        error => report(diagnostics, subject, summary, error),
    }
}

async fn tell(progress: Option<&Progress>, lines: Vec<String>) {
    if let Some(progress) = progress {
        for line in lines {
            progress.report(line).await;
        }
    }
}

/// Whether the next look may be answered, although this one was not.
fn may_pass(error: &Error) -> bool {
    match error {
        Error::Transport { .. } | Error::Timeout { .. } | Error::Interrupted { .. } => true,
        Error::Api(answer) => matches!(answer.status, 429 | 500..),
        Error::Unexpected { status, .. } => matches!(status, 502..=504),
        _ => false,
    }
}
