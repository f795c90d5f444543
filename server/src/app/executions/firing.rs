//! A schedule fires: the execution is recorded with its steps as they are at this moment.

use std::path::Path;

use jiff::Timestamp;
use justiam_planner::due::{self, due};
use justiam_planner::steps::first_group;
use justiam_sdk::api::executions::{ExecutionStatus, InitiatorType};
use justiam_sdk::api::ids::{ActivityId, ExecutionId, ScheduleId};
use justiam_sdk::api::schedules::{StepType, TriggerType};
use justiam_sdk::api::values::Trigger;
use justiam_sdk::api::zone;

use super::super::metrics::counts::{Outcome, Outcomes};
use super::super::{App, Error, Result};
use crate::store::activities::{self, NewStep, SnapshotStep};
use crate::store::executions::{self, Initiator, NewExecution};
use crate::store::schedules::DueSchedule;
use crate::store::{Tx, active_steps, schedules};

/// Who makes executions on a pattern.
const SCHEDULER: &str = "Scheduler";
/// Why an execution fails whose schedule has no steps.
const NO_STEPS: &str = "the schedule has no steps, so there was nothing to run";

/// A schedule that fires now, and why.
#[derive(Debug, Clone)]
pub(crate) struct ScheduleFiring {
    pub(crate) schedule_id: ScheduleId,
    pub(crate) schedule_name: String,
    pub(crate) trigger: Trigger,
    pub(crate) scheduled_for: Timestamp,
    pub(crate) missed_ticks: i64,
    pub(crate) initiator: Initiator,
}

impl ScheduleFiring {
    /// What a schedule whose time has come asks for, and when it fires next. `None` where this version cannot read its pattern.
    pub(crate) fn of_due(schedule: DueSchedule, now: Timestamp) -> Option<(Self, Option<Timestamp>)> {
        let due = due(&schedule_of(&schedule)?, schedule.next_run_at?, now)?;
        let firing = Self {
            schedule_id: schedule.id,
            schedule_name: schedule.name,
            trigger: Trigger::Cron,
            scheduled_for: due.tick,
            missed_ticks: due.missed_ticks,
            initiator: Initiator { kind: InitiatorType::System, id: None, name: Some(SCHEDULER.to_owned()) },
        };
        Some((firing, due.next_run_at))
    }
}

/// When a schedule fires by itself.
pub(crate) fn schedule_of(schedule: &DueSchedule) -> Option<due::Schedule> {
    if schedule.trigger_type != TriggerType::Cron {
        return None;
    }
    let pattern = Box::new(schedule.pattern.read().ok()?);
    Some(due::Schedule::Pattern { pattern, zone: zone::parse(&schedule.timezone).ok()? })
}

impl App {
    /// Records the execution that a firing asks for, and tells what became of it. The transaction holds the schedule still meanwhile.
    /// `None` when its tick has been recorded before. Wake the workers of steps once the transaction is committed.
    pub(crate) async fn fire_schedule(
        &self,
        tx: &mut Tx,
        firing: ScheduleFiring,
    ) -> Result<Option<(ExecutionId, Outcome)>> {
        let id = ExecutionId::from_uuid(self.new_id());
        let by_itself = firing.trigger != Trigger::Manual;
        let steps = activities::steps_of_schedule(tx, firing.schedule_id).await?;
        if steps.is_empty() && !by_itself {
            return Err(Error::Refused(format!("schedule `{}` has no steps to run", firing.schedule_name)));
        }
        let active = if by_itself { executions::oldest_active(tx, firing.schedule_id).await? } else { None };
        let ended = if let Some(active) = active {
            let reason = format!("skipped: execution {active} of this schedule is still active");
            Some((ExecutionStatus::Cancelled, reason))
        } else {
            steps.is_empty().then(|| (ExecutionStatus::Failed, NO_STEPS.to_owned()))
        };
        let outcome = match &ended {
            Some((ExecutionStatus::Cancelled, _)) => Outcome::Skipped,
            Some(_) => Outcome::NoSteps,
            None => Outcome::Run,
        };
        let indexes: Vec<i64> = steps.iter().map(|step| step.step_index).collect();
        let first_index = first_group(&indexes).unwrap_or_default();
        let new = NewExecution {
            id,
            schedule_id: firing.schedule_id,
            schedule_name: firing.schedule_name,
            trigger: firing.trigger,
            scheduled_for: firing.scheduled_for,
            missed_ticks: firing.missed_ticks,
            first_index,
            total_steps: i64::try_from(steps.len()).unwrap_or(i64::MAX),
            queued_at: self.now(),
            initiator: firing.initiator,
            ended,
        };
        // Recorded before, as after a clock that was set back.
        if !executions::insert(tx, &new).await? {
            return Ok(None);
        }
        // What never begins needs no copy of its steps: a schedule of a thousand may be skipped every minute.
        if new.ended.is_none() {
            let steps: Vec<NewStep> = steps.into_iter().map(|step| self.new_step(step, &new.schedule_name)).collect();
            activities::insert_steps(tx, &new, &steps).await?;
            active_steps::insert_group(tx, id, first_index).await?;
            schedules::stamp_last_run(tx, &[new.schedule_id], new.queued_at).await?;
        }
        Ok(Some((id, outcome)))
    }

    /// The same for a tick: what became of it, to be counted once the transaction is committed.
    pub(crate) async fn fire_tick(&self, tx: &mut Tx, firing: ScheduleFiring) -> Result<Outcomes> {
        let mut outcomes = Outcomes::default();
        let folded = firing.missed_ticks.unsigned_abs();
        match self.fire_schedule(tx, firing).await? {
            Some((_, outcome)) => {
                outcomes.add(outcome, 1);
                outcomes.add(Outcome::Folded, folded);
            }
            None => outcomes.add(Outcome::Repeated, 1),
        }
        Ok(outcomes)
    }

    fn new_step(&self, step: SnapshotStep, schedule_name: &str) -> NewStep {
        let name = step_name(&step);
        let is_profile = StepType::from(step.step_type.as_str()) == StepType::RunProfile;
        let profile = step.profile_name.filter(|_| is_profile);
        let system = step.system_name.filter(|_| is_profile);
        NewStep {
            activity: ActivityId::from_uuid(self.new_id()),
            step: step.id,
            target_name: profile.unwrap_or_else(|| name.clone()),
            target_context: system.unwrap_or_else(|| schedule_name.to_owned()),
            name,
        }
    }
}

/// A step's own name, or what it runs.
fn step_name(step: &SnapshotStep) -> String {
    if let Some(name) = &step.name {
        return name.clone();
    }
    let runs = match StepType::from(step.step_type.as_str()) {
        StepType::RunProfile => {
            let names = step.system_name.as_ref().zip(step.profile_name.as_ref());
            names.map(|(system, profile)| format!("{system} - {profile}"))
        }
        StepType::PowerShell => file_name(step.script_path.as_deref()),
        StepType::Executable => file_name(step.executable_path.as_deref()),
        StepType::SqlScript => file_name(step.sql_script_path.as_deref()),
        _ => None,
    };
    runs.unwrap_or_else(|| format!("Step {}", step.step_index + 1))
}

fn file_name(path: Option<&str>) -> Option<String> {
    Some(Path::new(path?).file_name()?.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(step_type: &str) -> SnapshotStep {
        SnapshotStep {
            id: "s".into(),
            step_index: 4,
            step_type: step_type.into(),
            name: None,
            system_name: Some("HR".into()),
            profile_name: Some("Full Import".into()),
            script_path: Some("/srv/steps/clean.ps1".into()),
            executable_path: Some("/opt/report".into()),
            sql_script_path: Some("/srv/steps/a.sql".into()),
        }
    }

    #[test]
    fn a_step_without_a_name_is_called_after_what_it_runs() {
        for (step_type, expected) in [
            ("RunProfile", "HR - Full Import"),
            ("PowerShell", "clean.ps1"),
            ("Executable", "report"),
            ("SqlScript", "a.sql"),
            ("Later", "Step 5"),
        ] {
            assert_eq!(step_name(&step(step_type)), expected);
        }
        assert_eq!(step_name(&SnapshotStep { name: Some("Mine".into()), ..step("Executable") }), "Mine");
        assert_eq!(step_name(&SnapshotStep { profile_name: None, ..step("RunProfile") }), "Step 5");
    }
}
