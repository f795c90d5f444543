//! Runs: triggers, ticks, histories and cancels.

use jiff::Timestamp;
use justiam_planner::overlap::{Decision, MAX_QUEUED, decide};
use justiam_sdk::api::ids::{RunId, TaskId};
use justiam_sdk::api::page::{DEFAULT_RUN_LIMIT, Page};
use justiam_sdk::api::runs::{Run, RunQuery};
use justiam_sdk::api::values::{RunStatus, Trigger, Words as _};

use super::caller::{Caller, Permission};
use super::tasks::{offset, page_of};
use super::{App, Error, FieldErrors, IdempotencyKey, Result};
use crate::store::runs::NewRun;
use crate::store::tasks::TaskRow;
use crate::store::{Tx, runs, tasks};

/// Why a task fires now.
#[derive(Debug, Clone)]
pub(crate) struct Firing {
    pub(crate) trigger: Trigger,
    pub(crate) scheduled_for: Timestamp,
    pub(crate) missed_ticks: i64,
    pub(crate) triggered_by: Option<String>,
}

/// What became of a firing.
#[derive(Debug)]
pub(crate) struct Fired {
    pub(crate) run: RunId,
    /// `false` when the tick had been recorded before.
    pub(crate) recorded: bool,
    /// Runs to stop once the transaction is committed.
    pub(crate) stop: Vec<RunId>,
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
        let task = tasks::get(&mut tx, id).await?.ok_or_else(|| Error::no_task(&id))?;
        let firing = Firing {
            trigger: Trigger::Manual,
            scheduled_for: self.now(),
            missed_ticks: 0,
            triggered_by: Some(caller.name.clone()),
        };
        let fired = self.fire(&mut tx, &task, firing).await?;
        let run = runs::get(&mut tx, fired.run).await?.ok_or_else(|| Error::no_run(&fired.run))?;
        self.keep_answer(&mut tx, caller, key, &run).await?;
        tx.commit().await?;
        self.stop_runs(&fired.stop);
        self.work.notify_one();
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
        if run.status.is_terminal() {
            return Err(Error::Conflict {
                message: format!("run {id} has ended already, as `{}`", run.status),
                details: None,
            });
        }
        runs::cancel(&mut tx, id, &format!("cancelled by {}", caller.name), self.now()).await?;
        let run = runs::get(&mut tx, id).await?.ok_or_else(|| Error::no_run(&id))?;
        self.keep_answer(&mut tx, caller, key, &run).await?;
        tx.commit().await?;
        self.stop_runs(&[id]);
        self.work.notify_one();
        Ok(run)
    }

    /// Records one firing of a task, as its overlap policy wants it. The transaction holds the task still meanwhile.
    pub(crate) async fn fire(&self, tx: &mut Tx, task: &TaskRow, firing: Firing) -> Result<Fired> {
        let now = self.now();
        if firing.trigger != Trigger::Manual
            && let Some(run) = runs::of_tick(tx, task.id, firing.scheduled_for).await?
        {
            // Recorded before, as after a clock that was set back: nothing may be skipped or replaced for it.
            return Ok(Fired { run, recorded: false, stop: Vec::new() });
        }
        let count = runs::count_active(tx, task.id).await?;
        let decision = decide(&task.definition.overlap_policy, count.active, count.waiting);
        let mut run = NewRun {
            id: RunId::from_uuid(self.new_id()),
            task_id: task.id,
            task_name: task.definition.name.clone(),
            trigger: firing.trigger,
            scheduled_for: firing.scheduled_for,
            missed_ticks: firing.missed_ticks,
            triggered_by: firing.triggered_by,
            queued_at: now,
            cancelled: None,
        };
        let mut stop = Vec::new();
        match decision {
            Decision::Start | Decision::Wait => {}
            Decision::Skip => {
                let active = runs::oldest_active(tx, task.id).await?;
                let active = active.map_or_else(String::new, |id| format!(" {id}"));
                run.cancelled = Some(format!("skipped: run{active} of this task is still active"));
            }
            Decision::QueueFull => {
                run.cancelled = Some(format!("not queued: {MAX_QUEUED} runs of this task are waiting already"));
            }
            Decision::Replace => {
                stop = runs::cancel_active(tx, task.id, &format!("replaced by run {}", run.id), now).await?;
            }
        }
        let recorded = runs::insert(tx, &run).await?;
        Ok(Fired { run: run.id, recorded, stop })
    }
}
