//! `justiam-server next …`

use std::fmt::Write as _;

use clap::Args;
use jiff::Timestamp;
use justiam_planner::calendar::preview;
use justiam_sdk::api::cron::CronExpr;
use justiam_sdk::api::zone;

use super::{Done, say};
use crate::clock::{Clock as _, SystemClock};

#[derive(Debug, Args)]
pub(super) struct Next {
    /// The cron expression, as one argument
    #[arg(value_name = "EXPR")]
    expr: String,
    /// IANA time zone in which it counts
    #[arg(long, default_value = "UTC", value_name = "ZONE")]
    timezone: String,
    /// Instant after which to begin, such as `2026-03-08T00:00:00Z` [default: now]
    #[arg(long, value_name = "INSTANT")]
    from: Option<String>,
    /// How many to print, from 1 to 1000
    #[arg(long, default_value = "10", value_name = "N")]
    count: String,
}

impl Next {
    pub(super) fn run(self) -> Done {
        let lines = self.lines().map_err(|error| one_line(&error))?;
        say(&lines)
    }

    fn lines(&self) -> Result<String, String> {
        let expr: CronExpr = self.expr.parse().map_err(|error| format!("{error}"))?;
        let zone = zone::parse(&self.timezone).map_err(|error| error.to_string())?;
        let from = match &self.from {
            Some(text) => text.parse().map_err(|_| {
                let shown: String = text.chars().take(64).collect();
                format!("`{shown}` is not an instant with date, time and offset, such as `2026-03-08T00:00:00Z`")
            })?,
            None => SystemClock.now(),
        };
        let count = self.count.parse().ok().filter(|count| (1..=1000).contains(count));
        let count: usize = count.ok_or_else(|| {
            let shown: String = self.count.chars().take(64).collect();
            format!("`{shown}` is not a count: it must be a whole number from 1 to 1000")
        })?;
        let found = preview(&expr, &zone, from, count);
        if found.is_empty() {
            return Err(format!(
                "`{expr}` does not fire after {from}: the calendar of cron expressions ends in the year 5000"
            ));
        }
        Ok(join(&found))
    }
}

fn join(instants: &[Timestamp]) -> String {
    let mut lines = String::new();
    for instant in instants {
        let _ = write!(lines, "{}{instant}", if lines.is_empty() { "" } else { "\n" });
    }
    lines
}

/// Messages quote what the user wrote, which may hold line breaks.
fn one_line(text: &str) -> String {
    text.chars().map(|char| if char.is_control() { ' ' } else { char }).collect()
}
