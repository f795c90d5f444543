//! When a task fires next.

use jiff::Timestamp;
use justiam_planner::due::Schedule;
use justiam_planner::warnings::Kind;
use justiam_sdk::api::ids::TaskId;
use justiam_sdk::api::preview::{COUNT, DEFAULT_COUNT, NextQuery, NextRuns, Warning};
use justiam_sdk::api::values::WarningKind;

use super::stored_schedule;
use crate::app::caller::{Caller, Permission};
use crate::app::{App, Error, FieldErrors, Result};
use crate::store::tasks;

impl App {
    /// When a task fires next by itself; of a disabled one, when it would.
    pub async fn next_runs(&self, caller: &Caller, id: TaskId, query: &NextQuery) -> Result<NextRuns> {
        caller.require(Permission::TasksView)?;
        let mut errors = FieldErrors::default();
        let count = query.count.unwrap_or(DEFAULT_COUNT);
        if !COUNT.contains(&count) {
            errors.add("count", format!("must be from {} to {}", COUNT.start(), COUNT.end()));
        }
        errors.check()?;
        let mut tx = self.db.read().await?;
        let task = tasks::get(&mut tx, id).await?.ok_or_else(|| Error::no_task(&id))?;
        drop(tx);
        let from = query.from.unwrap_or_else(|| self.now());
        let schedule = stored_schedule(&task)?;
        let mut answer = NextRuns::new(id, task.definition.timezone);
        answer.next = match &schedule {
            Schedule::Cron { .. } | Schedule::Pattern { .. } => first_ticks(&schedule, from, count),
            // Armed as long as it has a next time.
            Schedule::Once { .. } => task.next_run_at.filter(|next| *next > from).into_iter().collect(),
        };
        answer.warnings = warnings_of(&schedule, from);
        Ok(answer)
    }
}

/// The first instants after `from` at which something fires that gets this schedule there.
pub(in crate::app) fn first_ticks(schedule: &Schedule, from: Timestamp, count: u32) -> Vec<Timestamp> {
    schedule.preview(from, usize::try_from(count).unwrap_or(usize::MAX))
}

/// What a user may not expect of a schedule within a year from `from`.
pub(in crate::app) fn warnings_of(schedule: &Schedule, from: Timestamp) -> Vec<Warning> {
    let found = schedule.warnings(from);
    found
        .into_iter()
        .map(|found| {
            let mut warning = Warning::new(kind(found.kind), found.to_string());
            warning.date = found.date;
            warning
        })
        .collect()
}

fn kind(kind: Kind) -> WarningKind {
    match kind {
        Kind::Moved => WarningKind::Moved,
        Kind::RunsOnce => WarningKind::RunsOnce,
        Kind::FewerTicks => WarningKind::FewerTicks,
        Kind::MoreTicks => WarningKind::MoreTicks,
        Kind::EitherDay => WarningKind::EitherDay,
        Kind::BothDays => WarningKind::BothDays,
        Kind::LeapDayOnly => WarningKind::LeapDayOnly,
    }
}
