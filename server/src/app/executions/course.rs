//! What the end of a step means for its execution.

use jiff::SignedDuration;
use justiam_planner::steps::{After, after_group};
use justiam_sdk::api::activities::ActivityStatus;
use justiam_sdk::api::executions::{Execution, ExecutionStatus};

use super::super::metrics::counts::Ended;
use super::super::{App, Result};
use crate::store::active_steps::EndedStep;
use crate::store::activities::{self, GroupStep, StepEnding};
use crate::store::{Tx, active_steps, executions};

/// How many failed steps a message names.
const NAMED: usize = 5;
/// What steps say that were to run after a failed one.
const NOT_RUN: &str = "not run: an earlier step failed";

impl App {
    /// Records the ends of steps that are not active any more, and lets their executions, which the transaction holds, go on. Wake
    /// the workers of steps, and count what is returned, once the transaction is committed.
    pub(crate) async fn steps_ended(&self, tx: &mut Tx, ends: &[(EndedStep, StepEnding)]) -> Result<Ended> {
        let now = self.now();
        let mut counted = Ended::default();
        let mut of = Vec::new();
        // All of them first: what an execution does next depends on the whole group.
        for (ended, ending) in ends {
            let mut ending = ending.clone();
            if ending.status == ActivityStatus::Cancelled && ending.error.is_none() {
                ending.error.clone_from(&ended.cancelled);
            }
            activities::end(tx, ended.activity, ended.started_at, &ending, now).await?;
            let took = ended.started_at.map_or(SignedDuration::ZERO, |began| began.duration_until(now));
            counted.steps.push(((&ending.status).into(), took));
            of.extend(ended.execution);
        }
        of.sort_unstable();
        of.dedup();
        for execution in of {
            match executions::get(tx, execution).await? {
                // A cancelled one stays as it is, whatever becomes of its last steps.
                Some(execution) if !execution.status.is_terminal() => {
                    let end = self.go_on(tx, &execution).await?;
                    let began = execution.started_at.unwrap_or(execution.queued_at);
                    counted.executions.extend(end.map(|status| ((&status).into(), began.duration_until(now))));
                }
                _ => {}
            }
        }
        Ok(counted)
    }

    /// Lets the next steps begin where all steps of a group have ended, or ends the execution and tells how.
    async fn go_on(&self, tx: &mut Tx, execution: &Execution) -> Result<Option<ExecutionStatus>> {
        let id = execution.id;
        if active_steps::count(tx, id).await? > 0 {
            return Ok(None);
        }
        let group = activities::group(tx, id, execution.current_step_index).await?;
        let outcomes: Vec<_> = group.iter().map(|step| (step.failed, step.continue_on_failure)).collect();
        let indexes = activities::indexes(tx, id).await?;
        match after_group(&indexes, execution.current_step_index, &outcomes) {
            After::Next(step_index) => {
                executions::reach(tx, id, step_index).await?;
                active_steps::insert_group(tx, id, step_index).await?;
                Ok(None)
            }
            After::Failed(places) => {
                let now = self.now();
                let failed: Vec<&GroupStep> = places.iter().filter_map(|place| group.get(*place)).collect();
                activities::cancel_rest(tx, id, NOT_RUN, now).await?;
                executions::end(tx, id, &ExecutionStatus::Failed, Some(&failure(&failed)), now).await?;
                Ok(Some(ExecutionStatus::Failed))
            }
            After::Completed => {
                executions::end(tx, id, &ExecutionStatus::Completed, None, self.now()).await?;
                Ok(Some(ExecutionStatus::Completed))
            }
        }
    }
}

/// Why an execution failed.
fn failure(failed: &[&GroupStep]) -> String {
    let names: Vec<String> = failed.iter().take(NAMED).map(|step| format!("`{}`", step.name)).collect();
    let more = if failed.len() > NAMED { format!(" and {} more", failed.len() - NAMED) } else { String::new() };
    let (steps, their) = if failed.len() == 1 { ("step", "its") } else { ("steps", "their") };
    format!("{steps} {}{more} failed, and {their} continueOnFailure is false", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_the_first_steps() {
        let step = |name: &str| GroupStep { name: name.into(), failed: true, continue_on_failure: false };
        let steps: Vec<GroupStep> = ["a", "b", "c", "d", "e", "f"].map(step).into();
        let all: Vec<&GroupStep> = steps.iter().collect();
        assert_eq!(failure(&all[..1]), "step `a` failed, and its continueOnFailure is false");
        let expected = "steps `a`, `b`, `c`, `d`, `e` and 1 more failed, and their continueOnFailure is false";
        assert_eq!(failure(&all), expected);
    }
}
