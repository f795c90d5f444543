//! Runs: triggers, ticks, histories and cancels.

use std::collections::HashSet;

use jiff::Timestamp;
use justiam_planner::due::{Schedule, due};
use justiam_planner::overlap::{Decision, decide};
use justiam_sdk::api::ids::{RunId, TaskId};
use justiam_sdk::api::page::{DEFAULT_RUN_LIMIT, Page};
use justiam_sdk::api::runs::{Run, RunQuery};
use justiam_sdk::api::values::{OverlapPolicy, RunStatus, Trigger, Words as _};

use super::audit::Event;
use super::caller::{Caller, Permission};
use super::metrics::counts::{Counts, Outcome, Outcomes};
use super::tasks::definition::schedule;
use super::tasks::{offset, page_of};
use super::wake::Wake;
use super::{App, Error, FieldErrors, IdempotencyKey, Result};
use crate::store::runs::{Fate, NewRun};
use crate::store::tasks::{DueTask, TaskRow};
use crate::store::{Tx, active_runs, runs, tasks};

/// A task that fires now, and why.
#[derive(Debug, Clone)]
pub(crate) struct Firing {
    pub(crate) task_id: TaskId,
    pub(crate) task_name: String,
    pub(crate) overlap_policy: OverlapPolicy,
    pub(crate) trigger: Trigger,
    pub(crate) scheduled_for: Timestamp,
    pub(crate) missed_ticks: i64,
    pub(crate) triggered_by: Option<String>,
}

impl Firing {
    /// What a task whose time has come asks for, and when it fires next. `None` where this version cannot read its schedule.
    pub(crate) fn of_due(task: DueTask, now: Timestamp) -> Option<(Self, Option<Timestamp>)> {
        let schedule = schedule(&task.schedule_type, task.cron_expr.as_deref(), &task.timezone, task.run_at)?;
        let due = due(&schedule, task.next_run_at?, now)?;
        let firing = Self {
            task_id: task.id,
            task_name: task.name,
            overlap_policy: task.overlap_policy,
            trigger: if matches!(schedule, Schedule::Once { .. }) { Trigger::Once } else { Trigger::Cron },
            scheduled_for: due.tick,
            missed_ticks: due.missed_ticks,
            triggered_by: None,
        };
        Some((firing, due.next_run_at))
    }
}

/// What became of firings.
#[derive(Debug, Default)]
pub(crate) struct Fired {
    /// The runs that were recorded, in the order of the firings. A tick that had been recorded before has none.
    pub(crate) recorded: Vec<RunId>,
    /// Runs to stop once the transaction is committed.
    pub(crate) stop: Vec<RunId>,
    /// To be counted then.
    pub(crate) outcomes: Outcomes,
}

impl App {
    /// Runs a task now. Also for disabled and built-in tasks.
    pub async fn run_task(&self, caller: &Caller, id: TaskId, key: Option<&IdempotencyKey>) -> Result<Run> {
        caller.require(Permission::TasksRun)?;
        let mut tx = self.db.write().await?;
        if let Some(answer) = self.earlier_answer(&mut tx, caller, key).await? {
            tx.commit().await?;
            return Ok(answer);
        }
        let task = tasks::lock_to_fire(&mut tx, id).await?.ok_or_else(|| Error::no_task(&id))?;
        let firing = Firing {
            task_id: id,
            task_name: task.name.clone(),
            overlap_policy: task.overlap_policy,
            trigger: Trigger::Manual,
            scheduled_for: self.now(),
            missed_ticks: 0,
            triggered_by: Some(caller.name.clone()),
        };
        let fired = self.fire(&mut tx, vec![firing]).await?;
        let mut run = None;
        for recorded in fired.recorded {
            run = runs::get(&mut tx, recorded).await?;
        }
        // Triggers have no tick that could have been recorded before.
        let run = run.ok_or(crate::store::Error::Corrupt { column: "runs.id" })?;
        self.note(&mut tx, caller, Event::fired(id, &task.name).with("run_id", run.id.to_string())).await?;
        self.keep_answer(&mut tx, caller, key, &run).await?;
        tx.commit().await?;
        Counts::fired(&self.counts.triggers, &fired.outcomes);
        self.stop_work(&fired.stop);
        self.wakes.all(Wake::Work);
        Ok(run)
    }

    /// Reads one run.
    pub async fn run(&self, caller: &Caller, id: RunId) -> Result<Run> {
        caller.require(Permission::TasksView)?;
        let mut tx = self.db.read().await?;
        runs::get(&mut tx, id).await?.ok_or_else(|| Error::no_run(&id))
    }

    /// Lists runs, newest first.
    pub async fn list_runs(&self, caller: &Caller, query: &RunQuery) -> Result<Page<Run>> {
        caller.require(Permission::TasksView)?;
        let mut errors = FieldErrors::default();
        let (page, limit) = page_of(query.page, query.limit, DEFAULT_RUN_LIMIT, &mut errors);
        if query.status.as_ref().is_some_and(|status| !status.is_known()) {
            errors.add("status", RunStatus::expected());
        }
        errors.check()?;
        let mut tx = self.db.read().await?;
        let (data, total) =
            runs::list(&mut tx, query.task_id, query.status.as_ref(), offset(page, limit), i64::from(limit)).await?;
        Ok(Page { data, total, page, limit })
    }

    /// Lists the runs of one task that exists, newest first.
    pub async fn list_task_runs(&self, caller: &Caller, id: TaskId, query: &RunQuery) -> Result<Page<Run>> {
        caller.require(Permission::TasksView)?;
        let mut tx = self.db.read().await?;
        tasks::get(&mut tx, id).await?.ok_or_else(|| Error::no_task(&id))?;
        drop(tx);
        if query.task_id.is_some_and(|other| other != id) {
            let mut errors = FieldErrors::default();
            errors.add("task_id", "names another task than the path");
            return Err(Error::Invalid(errors));
        }
        let mut query = query.clone();
        query.task_id = Some(id);
        self.list_runs(caller, &query).await
    }

    /// Cancels a run that has not ended. A running one ends as soon as its process is gone.
    pub async fn cancel_run(&self, caller: &Caller, id: RunId, key: Option<&IdempotencyKey>) -> Result<Run> {
        caller.require(Permission::TasksRun)?;
        let mut tx = self.db.write().await?;
        if let Some(answer) = self.earlier_answer(&mut tx, caller, key).await? {
            tx.commit().await?;
            return Ok(answer);
        }
        let run = runs::get(&mut tx, id).await?.ok_or_else(|| Error::no_run(&id))?;
        let serial = tasks::lock_serial(&mut tx, &[run.task_id]).await?;
        // It may have ended while we waited for the lock.
        let run = runs::get(&mut tx, id).await?.ok_or_else(|| Error::no_run(&id))?;
        if run.status.is_terminal() {
            return Err(Error::Conflict {
                message: format!("run {id} has ended already, as `{}`", run.status),
                details: None,
            });
        }
        // To ask again for what was asked for already changes nothing.
        if !active_runs::is_cancel_requested(&mut tx, id).await? {
            let reason = format!("cancelled by {}", caller.name);
            if !active_runs::cancel(&mut tx, id, &reason, self.now()).await? {
                let message = format!("run {id} has just ended");
                return Err(Error::Conflict { message, details: None });
            }
            active_runs::settle(&mut tx, &serial, self.now()).await?;
            self.note(&mut tx, caller, Event::run("run.cancel", &run)).await?;
        }
        let run = runs::get(&mut tx, id).await?.ok_or_else(|| Error::no_run(&id))?;
        self.keep_answer(&mut tx, caller, key, &run).await?;
        tx.commit().await?;
        self.stop_work(&[id]);
        self.wakes.all(Wake::Work);
        Ok(run)
    }

    /// Records the tick of a task that is due and that no dispatcher has come to yet, before the task becomes another one. What is
    /// returned is to be counted, and stopped, once the transaction is committed.
    pub(crate) async fn fire_if_due(&self, tx: &mut Tx, task: &mut TaskRow) -> Result<Fired> {
        let now = self.now();
        let is_due = task.definition.enabled && task.next_run_at.is_some_and(|next| next <= now);
        let Some((firing, next_run_at)) = is_due.then(|| Firing::of_due(task.to_due(), now)).flatten() else {
            return Ok(Fired::default());
        };
        let fired = self.fire(tx, vec![firing]).await?;
        tasks::set_next_runs(tx, [(task.id, next_run_at)]).await?;
        task.next_run_at = next_run_at;
        Ok(fired)
    }

    /// Records firings of tasks, each as the task's overlap policy wants it. The transaction holds the tasks still meanwhile.
    pub(crate) async fn fire(&self, tx: &mut Tx, mut firings: Vec<Firing>) -> Result<Fired> {
        let now = self.now();
        let ticks = firings.iter().filter(|firing| firing.trigger != Trigger::Manual);
        let ticks: Vec<_> = ticks.map(|firing| (firing.task_id, firing.scheduled_for)).collect();
        let mut outcomes = Outcomes::default();
        if !ticks.is_empty() {
            // Recorded before, as after a clock that was set back: nothing may be skipped or replaced for them.
            let recorded = runs::of_ticks(tx, ticks).await?;
            let recorded: HashSet<_> = recorded.into_iter().map(|(task, tick, _)| (task, tick)).collect();
            let all = firings.len();
            firings.retain(|firing| {
                firing.trigger == Trigger::Manual || !recorded.contains(&(firing.task_id, firing.scheduled_for))
            });
            outcomes.add(Outcome::Repeated, (all - firings.len()) as u64);
        }
        let serial: Vec<TaskId> =
            firings.iter().filter(|f| f.overlap_policy != OverlapPolicy::Allow).map(|f| f.task_id).collect();
        let active = active_runs::of_tasks(tx, &serial).await?;
        let mut new = Vec::with_capacity(firings.len());
        let mut became = Vec::with_capacity(firings.len());
        let mut replaced = Vec::new();
        for firing in firings {
            let id = RunId::from_uuid(self.new_id());
            let task = active.get(&firing.task_id);
            let (count, queued) = task.map_or((0, 0), |task| (task.active, task.queued));
            let (outcome, fate) = match decide(&firing.overlap_policy, count, queued, self.queue_limit) {
                Decision::Start => (Outcome::Run, Fate::Ready),
                Decision::Wait => (Outcome::Queued, Fate::Waiting),
                Decision::Skip => {
                    let active = task.map_or_else(String::new, |task| format!(" {}", task.oldest));
                    (Outcome::Skipped, Fate::Cancelled(format!("skipped: run{active} of this task is still active")))
                }
                Decision::QueueFull => {
                    let limit = self.queue_limit;
                    let reason = format!("not queued: {limit} runs of this task are waiting already");
                    (Outcome::QueueFull, Fate::Cancelled(reason))
                }
                Decision::Replace => {
                    replaced.push((firing.task_id, format!("replaced by run {id}")));
                    (Outcome::Replaced, Fate::Waiting)
                }
            };
            became.push(outcome);
            new.push(NewRun {
                id,
                task_id: firing.task_id,
                task_name: firing.task_name,
                trigger: firing.trigger,
                scheduled_for: firing.scheduled_for,
                missed_ticks: firing.missed_ticks,
                triggered_by: firing.triggered_by,
                queued_at: now,
                fate,
            });
        }
        let stop = active_runs::cancel_all(tx, &replaced, now).await?;
        let recorded = runs::insert(tx, &new).await?;
        // What was to be replaced may have ended meanwhile, or been only waiting.
        let replaced: Vec<TaskId> = replaced.into_iter().map(|(task, _)| task).collect();
        active_runs::settle(tx, &replaced, now).await?;
        for (run, outcome) in new.iter().zip(became) {
            let is_new = recorded.contains(&run.id);
            outcomes.add(if is_new { outcome } else { Outcome::Repeated }, 1);
            outcomes.add(Outcome::Folded, if is_new { run.missed_ticks.unsigned_abs() } else { 0 });
        }
        let recorded = new.iter().map(|run| run.id).filter(|id| recorded.contains(id)).collect();
        Ok(Fired { recorded, stop, outcomes })
    }
}
