//! Executions of schedules: runs by hand, histories and cancels.

mod course;
mod firing;

use justiam_sdk::api::executions::{Execution, ExecutionQuery, ExecutionStatus, InitiatorType};
use justiam_sdk::api::ids::{ExecutionId, ScheduleId};
use justiam_sdk::api::page::{Items, MAX_DEPTH};
use justiam_sdk::api::schedules::ScheduleRun;
use justiam_sdk::api::values::{Trigger, Words as _};

use super::audit::Event;
use super::caller::{Caller, Permission};
use super::metrics::counts::End;
use super::tasks::too_deep;
use super::wake::Wake;
use super::{App, Error, FieldErrors, IdempotencyKey, Result};
use crate::store::executions::{self, Filter, Initiator, Order};
use crate::store::{active_steps, activities, schedules};
pub(crate) use firing::{ScheduleFiring, schedule_of};

/// Items on a page of schedules, executions or activities, where the caller names no number.
const DEFAULT_PAGE_SIZE: i64 = 20;
/// The most that one page may hold. Who asks for more gets these.
const MAX_PAGE_SIZE: i64 = 1000;

/// Which page of schedules, executions or activities is meant: its number, its size, and how many items lie before it.
pub(super) fn page_of_items(page: Option<i64>, size: Option<i64>, errors: &mut FieldErrors) -> (i64, i64, i64) {
    let (page, size) = (page.unwrap_or(1).max(1), size.unwrap_or(DEFAULT_PAGE_SIZE).min(MAX_PAGE_SIZE));
    if size < 1 {
        errors.add("pageSize", "must be at least 1");
    } else if page.saturating_mul(size) > MAX_DEPTH.into() {
        errors.add("page", too_deep("pageSize"));
    }
    (page, size, (page - 1).saturating_mul(size.max(1)))
}

/// Who a caller is for the history.
pub(super) fn initiator(caller: &Caller) -> Initiator {
    let account = caller.principal.strip_prefix("account:");
    let kind = if account.is_some() { InitiatorType::ApiKey } else { InitiatorType::User };
    let id = account.unwrap_or(&caller.principal);
    Initiator { kind, id: Some(id.to_owned()), name: Some(caller.name.clone()) }
}

impl App {
    /// Runs a schedule now. Also disabled ones, those that nothing else starts, and while others of its executions are active.
    pub async fn run_schedule(
        &self,
        caller: &Caller,
        id: ScheduleId,
        key: Option<&IdempotencyKey>,
    ) -> Result<ScheduleRun> {
        caller.require(Permission::SchedulesRun)?;
        let mut tx = self.db.write().await?;
        if let Some(answer) = self.earlier_answer(&mut tx, caller, key).await? {
            tx.commit().await?;
            return Ok(answer);
        }
        let schedule = schedules::lock(&mut tx, id).await?.ok_or_else(|| Error::no_schedule(&id))?;
        let firing = ScheduleFiring {
            schedule_id: id,
            schedule_name: schedule.name.clone(),
            trigger: Trigger::Manual,
            scheduled_for: self.now(),
            missed_ticks: 0,
            initiator: initiator(caller),
        };
        let execution = self.fire_schedule(&mut tx, firing).await?;
        // Nothing but a tick can have been recorded before.
        let (execution, _) = execution.ok_or(crate::store::Error::Corrupt { column: "schedule_executions.id" })?;
        let event = Event::new("schedule.run", "schedule", id.to_string(), &schedule.name);
        self.note(&mut tx, caller, event.with("execution_id", execution.to_string())).await?;
        let run = ScheduleRun::new(execution, format!("schedule `{}` runs", schedule.name));
        self.keep_answer(&mut tx, caller, key, &run).await?;
        tx.commit().await?;
        self.wakes.all(Wake::Step);
        Ok(run)
    }

    /// Reads one execution with its steps.
    pub async fn execution(&self, caller: &Caller, id: ExecutionId) -> Result<Execution> {
        caller.require(Permission::SchedulesView)?;
        let mut tx = self.db.read().await?;
        let mut execution = executions::get(&mut tx, id).await?.ok_or_else(|| Error::no_execution(&id))?;
        execution.steps = Some(activities::of_execution(&mut tx, id).await?);
        Ok(execution)
    }

    /// Lists executions, newest first unless the caller says otherwise.
    pub async fn list_executions(&self, caller: &Caller, query: &ExecutionQuery) -> Result<Items<Execution>> {
        caller.require(Permission::SchedulesView)?;
        let mut errors = FieldErrors::default();
        let (page, size, offset) = page_of_items(query.page, query.page_size, &mut errors);
        // A word of existing clients for which there is never an execution here.
        let is_paused = |status: &ExecutionStatus| status.as_str().eq_ignore_ascii_case("paused");
        if query.status.as_ref().is_some_and(|status| !status.is_known() && !is_paused(status)) {
            errors.add("status", ExecutionStatus::expected());
        }
        errors.check()?;
        let filter = Filter {
            schedule: query.schedule_id,
            status: query.status.clone(),
            order: order(query.sort_by.as_deref()),
            descending: query.sort_descending.unwrap_or(true),
        };
        let mut tx = self.db.read().await?;
        let (items, total) = executions::list(&mut tx, &filter, offset, size).await?;
        Ok(Items::new(items, total, page, size))
    }

    /// All executions that have not ended, oldest first.
    pub async fn active_executions(&self, caller: &Caller) -> Result<Vec<Execution>> {
        caller.require(Permission::SchedulesView)?;
        let mut tx = self.db.read().await?;
        Ok(executions::active(&mut tx).await?)
    }

    /// Cancels an execution that has not ended. It has ended by that, for good; steps that are at work are stopped, and what they
    /// do until then is recorded.
    pub async fn cancel_execution(
        &self,
        caller: &Caller,
        id: ExecutionId,
        key: Option<&IdempotencyKey>,
    ) -> Result<Execution> {
        caller.require(Permission::SchedulesRun)?;
        let mut tx = self.db.write().await?;
        if let Some(answer) = self.earlier_answer(&mut tx, caller, key).await? {
            tx.commit().await?;
            return Ok(answer);
        }
        let execution = executions::lock(&mut tx, id).await?.ok_or_else(|| Error::no_execution(&id))?;
        if execution.status.is_terminal() {
            return Err(Error::Refused(format!(
                "Cannot cancel execution {id}: it has ended already, as {}",
                execution.status
            )));
        }
        let reason = format!("Cancelled by {}", caller.name);
        let at_work = active_steps::cancel(&mut tx, id, &reason).await?;
        let now = self.now();
        activities::cancel_rest(&mut tx, id, &reason, now).await?;
        executions::end(&mut tx, id, &ExecutionStatus::Cancelled, Some(&reason), now).await?;
        let event = Event::new("execution.cancel", "schedule execution", id.to_string(), &execution.schedule_name);
        self.note(&mut tx, caller, event.with("schedule_id", execution.schedule_id.to_string())).await?;
        let execution = executions::get(&mut tx, id).await?.ok_or_else(|| Error::no_execution(&id))?;
        self.keep_answer(&mut tx, caller, key, &execution).await?;
        tx.commit().await?;
        let began = execution.started_at.unwrap_or(execution.queued_at);
        self.counts.executions.observe(End::Cancelled, began.duration_until(now));
        self.stop_work(&at_work);
        Ok(execution)
    }
}

/// The names by which existing clients sort, in any letter case.
fn order(sort_by: Option<&str>) -> Order {
    match sort_by.map(str::to_ascii_lowercase).as_deref() {
        Some("status") => Order::Status,
        Some("startedat" | "started") => Order::Started,
        Some("completedat" | "completed") => Order::Completed,
        _ => Order::Queued,
    }
}
