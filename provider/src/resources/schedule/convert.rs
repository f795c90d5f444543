//! Between the resource's state and the API's bodies.

use justiam_sdk::api::connection;
use justiam_sdk::api::ids::StepId;
use justiam_sdk::api::pattern::{DaysOfWeek, RunTimes, TimeOfDay};
use justiam_sdk::api::schedules::{NewSchedule, NewScheduleStep};
use justiam_sdk::api::secrets::Secret;
use tfplugin::{Attr, AttributePath, Model as _, Sensitive};

use super::memory::Memory;
use super::{State, Step, keep, order, step_path};

/// An attribute, and what is wrong with it.
pub(super) type Refused = (AttributePath, String);

/// What the body says of a step beside its attributes.
struct Kept {
    id: Option<StepId>,
    connection: Option<Secret>,
}

/// The body that creates what was planned. Write-only values are in the configuration alone.
pub(super) fn new_schedule(planned: &State, config: &State) -> Result<NewSchedule, Refused> {
    let configured = steps(config);
    body(planned, |at, step| Kept { id: None, connection: configured_connection(step, configured.get(at).copied()) })
}

/// The body that turns one state into the other; `None` where both say the same to the server. Steps that stay are named by their ids.
///
/// The connection strings of the configuration are sent with every change: a state does not have those that are write-only, so which
/// step has which is for the server to see. It leaves alone what is the same.
pub(super) fn replacement(
    prior: &State,
    planned: &State,
    config: &State,
    memory: &Memory,
) -> Result<Option<NewSchedule>, Refused> {
    let (before, after, configured) = (steps(prior), steps(planned), steps(config));
    let wanted = |at: usize, step: &Step| configured_connection(step, configured.get(at).copied());
    // Where private state is not about this state, nothing is known of the ids, and all steps count as new.
    if memory.steps.len() != before.len() {
        let all = |at: usize, step: &Step| Kept { id: None, connection: wanted(at, step) };
        let (old, new) = (body(prior, all)?, body(planned, all)?);
        return Ok((old != new).then_some(new));
    }
    let remembered = |at: usize| memory.steps[at].connection.as_ref().map(|connection| connection.shown.clone());
    let old = body(prior, |at, _| Kept { id: Some(memory.steps[at].id), connection: remembered(at).map(Secret::new) })?;
    let old_steps: Vec<_> = before.iter().enumerate().map(|(at, step)| (*step, remembered(at))).collect();
    let new_steps: Vec<_> = after.iter().enumerate().map(|(at, step)| (*step, shown(wanted(at, step)))).collect();
    let kept = keep::kept(&old_steps, &new_steps);
    let mut new = body(planned, |at, step| {
        let Some(was) = kept[at] else { return Kept { id: None, connection: wanted(at, step) } };
        let unchanged = before[was].sql_connection_string == step.sql_connection_string
            && before[was].sql_connection_string_wo_version == step.sql_connection_string_wo_version;
        let connection = match (wanted(at, step), remembered(was)) {
            (Some(_), Some(shown)) if unchanged => Some(Secret::new(shown)),
            (wanted, _) => wanted,
        };
        Kept { id: Some(memory.steps[was].id), connection }
    })?;
    if old == new {
        return Ok(None);
    }
    for (at, (step, planned)) in new.steps.iter_mut().zip(after).enumerate() {
        step.sql_connection_string = wanted(at, planned);
    }
    Ok(Some(new))
}

/// What a server shows of a connection string.
fn shown(connection: Option<Secret>) -> Option<String> {
    connection::shown(&connection?).ok()
}

fn body(state: &State, mut kept: impl FnMut(usize, &Step) -> Kept) -> Result<NewSchedule, Refused> {
    let text = |attr: &Attr<String>| attr.as_str().map(str::to_owned);
    let steps = steps(state);
    let indexes = order::indexes(&steps).map_err(|(at, message)| (step_path(at).attribute("step_index"), message))?;
    let mut new = NewSchedule::default();
    new.name = text(&state.name).unwrap_or_default();
    new.description = text(&state.description);
    new.trigger_type = state.trigger_type.as_str().map(Into::into);
    new.pattern_type = state.pattern_type.as_str().map(Into::into);
    new.cron_expression = text(&state.cron_expression);
    new.days_of_week = days(state)?;
    new.run_times = times(state)?;
    new.interval_value = state.interval_value.as_known().copied();
    new.interval_unit = state.interval_unit.as_str().map(Into::into);
    new.interval_window_start = time("interval_window_start", &state.interval_window_start)?;
    new.interval_window_end = time("interval_window_end", &state.interval_window_end)?;
    new.timezone = text(&state.timezone);
    new.is_enabled = state.is_enabled.as_known().copied();
    for (at, (step, index)) in steps.into_iter().zip(indexes).enumerate() {
        let index = index.ok_or_else(|| {
            (step_path(at).attribute("execution_mode"), "It is not known, so neither is the step's place.".to_owned())
        })?;
        new.steps.push(step_body(step, index, kept(at, step)));
    }
    Ok(new)
}

fn step_body(step: &Step, index: i64, kept: Kept) -> NewScheduleStep {
    let text = |attr: &Attr<String>| attr.as_str().map(str::to_owned);
    let mut new = NewScheduleStep::default();
    new.id = kept.id;
    new.step_index = index;
    new.name = text(&step.name);
    new.execution_mode = step.execution_mode.as_str().map(Into::into);
    new.step_type = step.step_type.as_str().map(Into::into);
    new.continue_on_failure = step.continue_on_failure.as_known().copied();
    new.timeout_seconds = step.timeout_seconds.as_known().copied();
    new.connected_system_id = step.connected_system_id.as_known().copied();
    new.run_profile_id = step.run_profile_id.as_known().copied();
    new.script_path = text(&step.script_path);
    new.arguments = text(&step.arguments);
    new.executable_path = text(&step.executable_path);
    new.working_directory = text(&step.working_directory);
    new.sql_connection_string = kept.connection;
    new.sql_script_path = text(&step.sql_script_path);
    new
}

/// The connection string that a step is to have: the stored attribute, or the write-only one of the configuration.
fn configured_connection(step: &Step, configured: Option<&Step>) -> Option<Secret> {
    let secret = |attr: &Attr<Sensitive<String>>| attr.as_known().map(|text| Secret::new(text.expose().clone()));
    secret(&step.sql_connection_string).or_else(|| secret(&configured?.sql_connection_string_wo))
}

/// The steps of a state or a configuration. An element that is not known yet, or null, counts for nothing: it cannot be applied.
pub(super) fn steps(state: &State) -> Vec<&Step> {
    state.steps.as_known().into_iter().flatten().filter_map(Attr::as_known).collect()
}

fn days(state: &State) -> Result<Option<String>, Refused> {
    let Some(days) = state.days_of_week.as_known() else { return Ok(None) };
    let days = days.iter().map(|day| day.as_known().and_then(|day| u8::try_from(*day).ok()));
    let days: Option<Vec<u8>> = days.collect();
    let days = days.and_then(DaysOfWeek::new);
    let wrong = || (AttributePath::of("days_of_week"), "Days are numbers from 0 (Sunday) to 6 (Saturday).".to_owned());
    days.map(|days| Some(days.to_string())).ok_or_else(wrong)
}

fn times(state: &State) -> Result<Option<String>, Refused> {
    let Some(times) = state.run_times.as_known() else { return Ok(None) };
    let times = times.iter().map(|time| time.as_str().unwrap_or_default().parse::<TimeOfDay>());
    let times = times.collect::<Result<Vec<_>, _>>().map_err(|error| wrong("run_times", &error))?;
    let times = RunTimes::new(times)
        .ok_or_else(|| wrong("run_times", "there is no time of day in it, or there are too many"))?;
    Ok(Some(times.to_string()))
}

fn time(attribute: &'static str, attr: &Attr<String>) -> Result<Option<String>, Refused> {
    let time = attr.as_str().map(str::parse::<TimeOfDay>).transpose().map_err(|error| wrong(attribute, &error))?;
    Ok(time.map(|time| time.to_string()))
}

fn wrong(attribute: &str, error: &str) -> Refused {
    (AttributePath::of(attribute), format!("The value of `{attribute}` cannot be sent: {error}."))
}

/// The attribute that a field of the API comes from. `None` for a field that the configuration does not have.
pub(super) fn attribute(field: &str) -> Option<AttributePath> {
    if let Some(of_step) = field.strip_prefix("steps[") {
        let (position, rest) = of_step.split_once(']')?;
        let path = step_path(position.parse().ok()?);
        return match rest.strip_prefix('.') {
            None => Some(path),
            Some(name) => Some(snake(name, Step::FIELDS).map_or(path.clone(), |name| path.attribute(name))),
        };
    }
    snake(field, State::FIELDS).map(AttributePath::of)
}

/// The same in a configuration that may give a connection string in either of two attributes.
pub(super) fn attribute_in(field: &str, config: &State) -> Option<AttributePath> {
    let position = field.strip_prefix("steps[").and_then(|rest| rest.strip_suffix("].sqlConnectionString"));
    let position = position.and_then(|position| position.parse::<usize>().ok());
    let step = position.and_then(|position| steps(config).get(position).copied());
    match (position, step) {
        (Some(position), Some(step)) if !step.sql_connection_string_wo.is_null() => {
            Some(step_path(position).attribute("sql_connection_string_wo"))
        }
        _ => attribute(field),
    }
}

/// `runTimes` is `run_times`, if there is an attribute of that name.
fn snake(field: &str, attributes: &[&'static str]) -> Option<&'static str> {
    let same = |attribute: &str| {
        let letters = attribute.chars().filter(|letter| *letter != '_');
        letters.eq(field.chars().map(|letter| letter.to_ascii_lowercase()))
    };
    attributes.iter().copied().find(|attribute| same(attribute))
}

#[cfg(test)]
mod tests {
    use super::super::memory::{Connection, Remembered};
    use super::*;

    fn step(path: &str) -> Step {
        Step {
            step_type: Attr::known("SqlScript"),
            execution_mode: Attr::known("Sequential"),
            sql_script_path: Attr::known(path),
            ..Step::default()
        }
    }

    fn stored(path: &str, connection: &str) -> Step {
        Step { sql_connection_string: Attr::Known(connection.to_owned().into()), ..step(path) }
    }

    fn write_only(path: &str, connection: &str, version: &str) -> (Step, Step) {
        let planned = Step { sql_connection_string_wo_version: Attr::known(version), ..step(path) };
        let config = Step { sql_connection_string_wo: Attr::Known(connection.to_owned().into()), ..planned.clone() };
        (planned, config)
    }

    fn state(steps: impl IntoIterator<Item = Step>) -> State {
        let steps = steps.into_iter().map(Attr::Known).collect();
        State { name: Attr::known("Nightly"), steps: Attr::Known(steps), ..State::default() }
    }

    fn id(number: usize) -> StepId {
        format!("00000000-0000-7000-8000-0000000000{number:02}").parse().unwrap()
    }

    /// A memory of so many steps, each with a connection string.
    fn memory(steps: usize) -> Memory {
        let connection = Connection { revision: Some("r".to_owned()), shown: "shown".to_owned() };
        let steps = (0..steps).map(|number| Remembered { id: id(number), connection: Some(connection.clone()) });
        Memory { revision: "s".to_owned(), steps: steps.collect() }
    }

    /// Ids and connection strings of a replacement.
    fn sent(prior: &State, planned: &State, config: &State, memory: &Memory) -> Vec<(Option<StepId>, String)> {
        let new = replacement(prior, planned, config, memory).unwrap().unwrap_or_default();
        let text = |step: &NewScheduleStep| step.sql_connection_string.as_ref().map_or("", Secret::expose).to_owned();
        new.steps.iter().map(|step| (step.id, text(step))).collect()
    }

    #[test]
    fn a_change_sends_all_connection_strings_and_no_change_sends_nothing() {
        let prior = state([stored("/a", "one"), stored("/b", "two")]);
        let planned = state([stored("/new", "three"), stored("/a", "one"), stored("/b", "changed")]);
        assert_eq!(
            sent(&prior, &planned, &planned, &memory(2)),
            [(None, "three".to_owned()), (Some(id(0)), "one".to_owned()), (Some(id(1)), "changed".to_owned())]
        );
        assert_eq!(sent(&prior, &prior, &prior, &memory(2)), []);
        // Where nothing is known of the steps, all are new.
        assert_eq!(sent(&prior, &planned, &planned, &memory(1)).iter().filter_map(|(id, _)| *id).count(), 0);
    }

    #[test]
    fn a_write_only_connection_string_is_sent_with_its_version_or_after_drift() {
        let ((before, _), (same, config)) = (write_only("/a", "old", "1"), write_only("/a", "new", "1"));
        let sends = |before: &Step, planned: &Step, config: &Step| {
            let sent = sent(&state([before.clone()]), &state([planned.clone()]), &state([config.clone()]), &memory(1));
            sent.first().map(|(_, connection)| connection.clone())
        };
        assert_eq!(sends(&before, &same, &config), None);
        let (bumped, config) = write_only("/a", "new", "2");
        assert_eq!(sends(&before, &bumped, &config).as_deref(), Some("new"));
        // What the server shows stands in the state after somebody has changed it there.
        let drifted = Step { sql_connection_string: Attr::Known("theirs".to_owned().into()), ..before.clone() };
        assert_eq!(sends(&drifted, &same, &config).as_deref(), Some("new"));
        assert_eq!(sends(&stored("/a", "old"), &same, &config).as_deref(), Some("new"));
        let (planned, config) = (stored("/a", "stored"), stored("/a", "stored"));
        assert_eq!(sends(&before, &planned, &config).as_deref(), Some("stored"));
        let new = new_schedule(&state([bumped]), &state([write_only("/a", "new", "2").1])).unwrap();
        assert_eq!(new.steps[0].sql_connection_string, Some("new".into()));
    }

    #[test]
    fn steps_that_look_the_same_get_their_own_write_only_connection_strings() {
        let steps = |names: &[&str]| {
            let address = |name: &str| format!("postgres://u:{name}@h/x");
            let steps = names.iter().map(|name| write_only("/a", &address(name), "1"));
            let (planned, config): (Vec<Step>, Vec<Step>) = steps.unzip();
            (state(planned), state(config))
        };
        let (before, _) = steps(&["a", "b", "c"]);
        for names in [&["new", "a", "b", "c"][..], &["b", "c"], &["a", "c"]] {
            let (planned, config) = steps(names);
            let sent = sent(&before, &planned, &config, &memory(3));
            let expected: Vec<String> = names.iter().map(|name| format!("postgres://u:{name}@h/x")).collect();
            assert_eq!(sent.into_iter().map(|(_, connection)| connection).collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn sets_are_sent_in_order_and_in_one_spelling() {
        let planned = State {
            days_of_week: Attr::Known([5, 0, 3].map(Attr::Known).into_iter().collect()),
            run_times: Attr::Known(["12:30", "6:00"].map(Attr::known).into_iter().collect()),
            interval_window_start: Attr::known("8:00"),
            ..state([])
        };
        let new = new_schedule(&planned, &planned).unwrap();
        assert_eq!(new.days_of_week.as_deref(), Some("0,3,5"));
        assert_eq!(new.run_times.as_deref(), Some("06:00,12:30"));
        assert_eq!(new.interval_window_start.as_deref(), Some("08:00"));
        let wrong = State { run_times: Attr::Known([Attr::known("24:00")].into()), ..state([]) };
        assert_eq!(new_schedule(&wrong, &wrong).unwrap_err().0, AttributePath::of("run_times"));
    }

    #[test]
    fn fields_of_the_api_lead_to_attributes() {
        let path = |field: &str| attribute(field).map(|path| path.to_string());
        for (field, expected) in [
            ("name", Some("name")),
            ("runTimes", Some("run_times")),
            ("isEnabled", Some("is_enabled")),
            ("steps", Some("steps")),
            ("steps[2].scriptPath", Some("steps[2].script_path")),
            ("steps[0].sqlConnectionString", Some("steps[0].sql_connection_string")),
            ("steps[7]", Some("steps[7]")),
            ("steps[7].id", Some("steps[7]")),
            ("steps[x].name", None),
            ("nextRunTime", None),
        ] {
            assert_eq!(path(field).as_deref(), expected, "{field}");
        }
        let config = state([stored("/a", "x"), write_only("/a", "x", "1").1]);
        let path = |field: &str| attribute_in(field, &config).map(|path| path.to_string());
        assert_eq!(path("steps[0].sqlConnectionString").as_deref(), Some("steps[0].sql_connection_string"));
        assert_eq!(path("steps[1].sqlConnectionString").as_deref(), Some("steps[1].sql_connection_string_wo"));
        assert_eq!(path("steps[1].sqlScriptPath").as_deref(), Some("steps[1].sql_script_path"));
        assert_eq!(path("runTimes").as_deref(), Some("run_times"));
    }
}
