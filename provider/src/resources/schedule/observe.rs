//! From the server's answer to the resource's state.

use std::collections::BTreeSet;

use justiam_sdk::api::pattern::{DaysOfWeek, RunTimes};
use justiam_sdk::api::schedules::{PatternType, Schedule, ScheduleStep};
use justiam_sdk::api::values::Words as _;
use tfplugin::{Attr, Sensitive};

use super::memory::{Memory, Remembered};
use super::{State, Step, convert, order};

/// The state of a schedule: what the server says. What it cannot say, and what it says in other words, is taken from the state so
/// far. An error names the field of an answer that means nothing.
pub(super) fn refreshed(schedule: &Schedule, state: &State, memory: &Memory) -> Result<State, String> {
    let custom = schedule.pattern_type == PatternType::Custom;
    Ok(State {
        id: Attr::known(schedule.id.to_string()),
        name: Attr::known(schedule.name.clone()),
        description: schedule.description.clone().into(),
        trigger_type: Attr::known(schedule.trigger_type.as_str()),
        pattern_type: Attr::known(schedule.pattern_type.as_str()),
        // Of the other patterns the server derives it; that belongs to nobody's configuration.
        cron_expression: schedule.cron_expression.clone().filter(|_| custom).into(),
        days_of_week: days(schedule)?,
        run_times: times(schedule)?,
        interval_value: schedule.interval_value.into(),
        interval_unit: schedule.interval_unit.as_ref().map(|unit| unit.as_str().to_owned()).into(),
        interval_window_start: schedule.interval_window_start.clone().into(),
        interval_window_end: schedule.interval_window_end.clone().into(),
        timezone: Attr::known(schedule.timezone.clone()),
        is_enabled: Attr::known(schedule.is_enabled),
        steps: Attr::Known(steps(schedule, state, memory)?.into_iter().map(Attr::Known).collect()),
    })
}

fn days(schedule: &Schedule) -> Result<Attr<BTreeSet<Attr<i64>>>, String> {
    let Some(text) = schedule.days_of_week.as_deref() else { return Ok(Attr::Null) };
    let days: DaysOfWeek = text.parse().map_err(|error| format!("`daysOfWeek`: {error}"))?;
    Ok(Attr::Known(days.iter().map(|day| Attr::Known(day.into())).collect()))
}

fn times(schedule: &Schedule) -> Result<Attr<BTreeSet<Attr<String>>>, String> {
    let Some(text) = schedule.run_times.as_deref() else { return Ok(Attr::Null) };
    let times: RunTimes = text.parse().map_err(|error| format!("`runTimes`: {error}"))?;
    Ok(Attr::Known(times.times().iter().map(|time| Attr::known(time.to_string())).collect()))
}

fn steps(schedule: &Schedule, state: &State, memory: &Memory) -> Result<Vec<Step>, String> {
    let steps = schedule.steps.as_deref().ok_or("`steps` is missing")?;
    let before = convert::steps(state);
    let by_order = order::by_mode(steps.iter().map(|step| Some(step.execution_mode.as_str())));
    let reproduced = by_order.iter().zip(steps).all(|(index, step)| *index == Some(step.step_index));
    let written = before.iter().any(|step| !step.step_index.is_null());
    let steps = steps.iter().map(|step| {
        let remembered = memory.steps.iter().position(|remembered| remembered.id == step.id);
        let known = remembered.and_then(|at| Some((&memory.steps[at], *before.get(at)?)));
        Step {
            step_index: if written || !reproduced { Attr::Known(step.step_index) } else { Attr::Null },
            sql_connection_string: match (&step.sql_connection_string, known) {
                (None, _) => Attr::Null,
                // It is what was applied, so the state knows it, or must not know it.
                (Some(_), Some((remembered, before))) if is_the_same(step, remembered) => {
                    before.sql_connection_string.clone()
                }
                // Without its password it differs from every configured string that has one, so the plan repairs it.
                (Some(shown), _) => Attr::Known(Sensitive::from(shown.clone())),
            },
            sql_connection_string_wo: Attr::Null,
            sql_connection_string_wo_version: known
                .map_or(Attr::Null, |(_, before)| before.sql_connection_string_wo_version.clone()),
            ..plain(step)
        }
    });
    Ok(steps.collect())
}

fn is_the_same(step: &ScheduleStep, remembered: &Remembered) -> bool {
    remembered.connection.as_ref().is_some_and(|connection| connection.revision == step.sql_connection_string_revision)
}

/// The attributes that are the same in both worlds.
fn plain(step: &ScheduleStep) -> Step {
    Step {
        name: step.name.clone().into(),
        execution_mode: Attr::known(step.execution_mode.as_str()),
        step_type: Attr::known(step.step_type.as_str()),
        continue_on_failure: Attr::Known(step.continue_on_failure),
        timeout_seconds: step.timeout_seconds.into(),
        connected_system_id: step.connected_system_id.into(),
        run_profile_id: step.run_profile_id.into(),
        script_path: step.script_path.clone().into(),
        arguments: step.arguments.clone().into(),
        executable_path: step.executable_path.clone().into(),
        working_directory: step.working_directory.clone().into(),
        sql_script_path: step.sql_script_path.clone().into(),
        ..Step::default()
    }
}

#[cfg(test)]
mod tests {
    use justiam_sdk::api::ids::{ScheduleId, StepId};
    use justiam_sdk::api::schedules::StepType;

    use super::*;

    fn step(id: u8, index: i64) -> ScheduleStep {
        let id: StepId = format!("00000000-0000-7000-8000-0000000000{id:02}").parse().unwrap();
        let mut step = ScheduleStep::new(id, index, StepType::SqlScript);
        step.sql_script_path = Some(format!("/srv/{id}.sql"));
        step.sql_connection_string = Some("postgres://u:***@h/x".to_owned());
        step.sql_connection_string_revision = Some("r1".to_owned());
        step
    }

    fn schedule(steps: Vec<ScheduleStep>) -> Schedule {
        let id: ScheduleId = "00000000-0000-7000-8000-000000000000".parse().unwrap();
        let created = "2026-01-15T09:30:00Z".parse().unwrap();
        let mut schedule = Schedule::new(id, "Nightly".to_owned(), "s1".to_owned(), created);
        schedule.steps = Some(steps);
        schedule
    }

    /// What the state is after an apply that sent a connection string for each step.
    fn applied(schedule: &Schedule) -> State {
        let mut state = refreshed(schedule, &State::default(), &Memory::default()).unwrap();
        let applied = |step: Attr<Step>| {
            step.map(|step| Step {
                sql_connection_string: Attr::Known("postgres://u:canary@h/x".to_owned().into()),
                ..step
            })
        };
        state.steps = state.steps.map(|steps| steps.into_iter().map(applied).collect());
        state
    }

    #[test]
    fn indexes_are_written_where_the_order_does_not_give_them() {
        let indexes = |indexes: &[i64], state: &State| {
            let steps = indexes.iter().zip(1..).map(|(index, id)| step(id, *index)).collect();
            let state = refreshed(&schedule(steps), state, &Memory::default()).unwrap();
            convert::steps(&state).iter().map(|step| step.step_index.into_known()).collect::<Vec<_>>()
        };
        assert_eq!(indexes(&[0, 1, 2], &State::default()), [None, None, None]);
        assert_eq!(indexes(&[0, 0, 2], &State::default()), [Some(0), Some(0), Some(2)]);
        let written = Step { step_index: Attr::Known(0), ..Step::default() };
        let state = State { steps: Attr::Known(vec![Attr::Known(written)]), ..State::default() };
        assert_eq!(indexes(&[0, 1], &state), [Some(0), Some(1)]);
    }

    #[test]
    fn a_connection_string_is_the_applied_one_until_its_revision_changes() {
        let before = schedule(vec![step(1, 0), step(2, 1)]);
        let (state, memory) = (applied(&before), Memory::of(&before));
        assert_eq!(refreshed(&before, &state, &memory).unwrap(), state);
        // Also where somebody has put a step before it.
        let after = schedule(vec![step(3, 0), step(1, 1), step(2, 2)]);
        let strings = |state: &State| -> Vec<String> {
            let steps = convert::steps(state);
            steps.iter().map(|step| step.sql_connection_string.as_known().unwrap().expose().clone()).collect()
        };
        let (shown, applied) = ("postgres://u:***@h/x", "postgres://u:canary@h/x");
        assert_eq!(strings(&refreshed(&after, &state, &memory).unwrap()), [shown, applied, applied]);
        let mut changed = before.clone();
        changed.steps.as_mut().unwrap()[1].sql_connection_string_revision = Some("r2".to_owned());
        let drifted = refreshed(&changed, &state, &memory).unwrap();
        assert_eq!(strings(&drifted), [applied, shown]);
        // Looking twice does not make it right.
        assert_eq!(refreshed(&changed, &drifted, &Memory::of(&changed)).unwrap(), drifted);
    }

    #[test]
    fn a_derived_cron_expression_is_nobodys() {
        let mut schedule = schedule(Vec::new());
        schedule.days_of_week = Some("1,2".to_owned());
        schedule.run_times = Some("6:00,12:30".to_owned());
        schedule.cron_expression = Some("0 6 * * 1-2".to_owned());
        let state = refreshed(&schedule, &State::default(), &Memory::default()).unwrap();
        assert!(state.cron_expression.is_null());
        assert_eq!(state.run_times, Attr::Known(["06:00", "12:30"].map(Attr::known).into_iter().collect()));
        schedule.pattern_type = PatternType::Custom;
        let state = refreshed(&schedule, &State::default(), &Memory::default()).unwrap();
        assert_eq!(state.cron_expression.as_str(), Some("0 6 * * 1-2"));
    }

    #[test]
    fn an_answer_that_means_nothing_is_named() {
        let mut schedule = schedule(Vec::new());
        schedule.days_of_week = Some("8".to_owned());
        assert!(refreshed(&schedule, &State::default(), &Memory::default()).unwrap_err().starts_with("`daysOfWeek`"));
        schedule.steps = None;
        schedule.days_of_week = None;
        assert!(refreshed(&schedule, &State::default(), &Memory::default()).unwrap_err().contains("`steps`"));
    }
}
