//! When a schedule fires next.

use justiam_sdk::api::ids::ScheduleId;
use justiam_sdk::api::preview::{COUNT, DEFAULT_COUNT, NextExecutions, NextQuery};
use justiam_sdk::api::schedules::TriggerType;

use super::unreadable;
use crate::app::caller::{Caller, Permission};
use crate::app::executions::schedule_of;
use crate::app::tasks::next::{first_ticks, warnings_of};
use crate::app::{App, Error, FieldErrors, Result};
use crate::store::schedules;

impl App {
    /// When a schedule fires next by itself; of a disabled one, when it would.
    pub async fn next_executions(&self, caller: &Caller, id: ScheduleId, query: &NextQuery) -> Result<NextExecutions> {
        caller.require(Permission::SchedulesView)?;
        let mut errors = FieldErrors::default();
        let count = query.count.unwrap_or(DEFAULT_COUNT);
        if !COUNT.contains(&count) {
            errors.add("count", format!("must be from {} to {}", COUNT.start(), COUNT.end()));
        }
        errors.check()?;
        let mut tx = self.db.read().await?;
        let stored = schedules::get(&mut tx, id).await?.ok_or_else(|| Error::no_schedule(&id))?;
        drop(tx);
        let from = query.from.unwrap_or_else(|| self.now());
        let mut answer = NextExecutions::new(id, stored.timezone.clone());
        if stored.trigger_type == TriggerType::Cron {
            let schedule = schedule_of(&stored.to_due()).ok_or_else(unreadable)?;
            answer.next = first_ticks(&schedule, from, count);
            answer.warnings = warnings_of(&schedule, from);
        }
        Ok(answer)
    }
}
