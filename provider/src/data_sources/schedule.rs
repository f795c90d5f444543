//! `data "justiam_schedule"`.

mod schema;

use std::collections::BTreeSet;

use justiam_sdk::api::ids::ScheduleId;
use justiam_sdk::api::pattern::{RunTimes, TimeOfDay};
use justiam_sdk::api::schedules::{Schedule, ScheduleStep};
use justiam_sdk::api::values::Words as _;
use justiam_sdk::{Client, Error};
use tfplugin::{Attr, AttributePath, Call, DataSource, Diagnostics, Schema, async_trait, model};
use url::Url;

use super::{ask, asked_for, instant, no_attribute, nothing_named};
use crate::client::Api;
use crate::problem::Subject;

model! {
    /// What is asked for and found.
    #[derive(Debug)]
    pub struct Found {
        pub id: Attr<String>,
        pub name: Attr<String>,
        pub description: Attr<String>,
        pub trigger_type: Attr<String>,
        pub cron_expression: Attr<String>,
        pub pattern_type: Attr<String>,
        pub days_of_week: Attr<BTreeSet<i64>>,
        pub run_times: Attr<BTreeSet<String>>,
        pub interval_value: Attr<i64>,
        pub interval_unit: Attr<String>,
        pub interval_window_start: Attr<String>,
        pub interval_window_end: Attr<String>,
        pub timezone: Attr<String>,
        pub is_enabled: Attr<bool>,
        pub last_run_time: Attr<String>,
        pub next_run_time: Attr<String>,
        pub step_count: Attr<i64>,
        pub created: Attr<String>,
        pub last_updated: Attr<String>,
        pub steps: Attr<Vec<Step>>,
    }

    /// A step.
    #[derive(Debug)]
    #[expect(clippy::struct_field_names, reason = "they are the names of the attributes")]
    pub struct Step {
        pub id: Attr<String>,
        pub step_index: Attr<i64>,
        pub name: Attr<String>,
        pub execution_mode: Attr<String>,
        pub step_type: Attr<String>,
        pub continue_on_failure: Attr<bool>,
        pub timeout_seconds: Attr<i64>,
        pub connected_system_id: Attr<i64>,
        pub run_profile_id: Attr<i64>,
        pub script_path: Attr<String>,
        pub arguments: Attr<String>,
        pub executable_path: Attr<String>,
        pub working_directory: Attr<String>,
        pub sql_connection_string: Attr<String>,
        pub sql_script_path: Attr<String>,
    }
}

/// The data source.
pub(crate) struct Source;

const SUBJECT: Subject = Subject { type_name: Source::TYPE_NAME, noun: "schedule", attribute: no_attribute };

#[async_trait]
impl DataSource for Source {
    const TYPE_NAME: &'static str = "justiam_schedule";
    type Client = Api;
    type State = Found;

    fn schema(&self) -> Schema {
        schema::schema()
    }

    async fn read(&self, wanted: Found, call: &mut Call<'_, Api>) -> Option<Found> {
        let summary = &format!("Could not read the schedule {}", asked_for(wanted.id.as_str(), &wanted.name));
        let found = if let Some(id) = wanted.id.as_str() {
            let id: ScheduleId = call.diagnostics.ok(summary, id.parse())?;
            Some(ask(call, &SUBJECT, summary, async |client| client.schedules().get(id).await).await?)
        } else {
            let name = wanted.name.as_str()?;
            ask(call, &SUBJECT, summary, async |client| named(client, name).await).await?
        };
        if found.is_none() {
            nothing_named(call, SUBJECT.noun, wanted.name.as_str().unwrap_or_default());
        }
        shown(found?, call.diagnostics)
    }
}

/// With its steps, which a list does not have.
async fn named(client: &Client, name: &str) -> Result<Option<Schedule>, Error> {
    match client.schedules().find(name).await? {
        Some(schedule) => client.schedules().get(schedule.id).await.map(Some),
        None => Ok(None),
    }
}

fn shown(schedule: Schedule, diagnostics: &mut Diagnostics) -> Option<Found> {
    let days = days(schedule.days_of_week.as_deref(), diagnostics)?;
    let times = times(schedule.run_times.as_deref(), diagnostics)?;
    let steps = schedule.steps.unwrap_or_default();
    Some(Found {
        id: Attr::known(schedule.id.to_string()),
        name: schedule.name.into(),
        description: schedule.description.into(),
        trigger_type: Attr::known(schedule.trigger_type.as_str()),
        cron_expression: schedule.cron_expression.into(),
        pattern_type: Attr::known(schedule.pattern_type.as_str()),
        days_of_week: days,
        run_times: times,
        interval_value: schedule.interval_value.into(),
        interval_unit: schedule.interval_unit.map(|unit| unit.as_str().to_owned()).into(),
        interval_window_start: schedule.interval_window_start.map(spelled).into(),
        interval_window_end: schedule.interval_window_end.map(spelled).into(),
        timezone: schedule.timezone.into(),
        is_enabled: Attr::Known(schedule.is_enabled),
        last_run_time: instant(schedule.last_run_time),
        next_run_time: instant(schedule.next_run_time),
        step_count: Attr::Known(schedule.step_count),
        created: instant(Some(schedule.created)),
        last_updated: instant(schedule.last_updated),
        steps: Attr::Known(steps.into_iter().enumerate().map(|(at, step)| shown_step(at, step, diagnostics)).collect()),
    })
}

/// Numbers of days. `None` for what is no list of them: an error, for a part of the days would be wrong.
fn days(text: Option<&str>, diagnostics: &mut Diagnostics) -> Option<Attr<BTreeSet<i64>>> {
    let Some(text) = text else { return Some(Attr::Null) };
    let days: Result<BTreeSet<i64>, _> = text.split(',').map(|day| day.trim().parse()).collect();
    if days.is_err() {
        let detail = format!("The server says `{text}`, which is no list of days of the week.");
        diagnostics.error_at("days_of_week", "Could not read the schedule", detail);
    }
    days.ok().map(Attr::Known)
}

/// Times of day in one spelling, such as `06:00`, whichever the server has been given.
fn times(text: Option<&str>, diagnostics: &mut Diagnostics) -> Option<Attr<BTreeSet<String>>> {
    let Some(text) = text else { return Some(Attr::Null) };
    let times: Result<RunTimes, _> = text.parse();
    if times.is_err() {
        let detail = format!("The server says `{text}`, which is no list of times of day.");
        diagnostics.error_at("run_times", "Could not read the schedule", detail);
    }
    times.ok().map(|times| Attr::Known(times.times().iter().map(ToString::to_string).collect()))
}

/// A time of day in the same spelling.
fn spelled(time: String) -> String {
    time.parse::<TimeOfDay>().map_or(time, |time| time.to_string())
}

fn shown_step(at: usize, step: ScheduleStep, diagnostics: &mut Diagnostics) -> Step {
    let connection = step.sql_connection_string.filter(|text| {
        let harmless = has_no_secret(text);
        if !harmless {
            let path = AttributePath::of("steps").index(at).attribute("sql_connection_string");
            let detail = "The server shows a connection string that may hold a password. It is left out, so that it is not in the state.";
            diagnostics.warning_at(path, "Connection string left out", detail);
        }
        harmless
    });
    Step {
        id: Attr::known(step.id.to_string()),
        step_index: Attr::Known(step.step_index),
        name: step.name.into(),
        execution_mode: Attr::known(step.execution_mode.as_str()),
        step_type: Attr::known(step.step_type.as_str()),
        continue_on_failure: Attr::Known(step.continue_on_failure),
        timeout_seconds: step.timeout_seconds.into(),
        connected_system_id: step.connected_system_id.into(),
        run_profile_id: step.run_profile_id.into(),
        script_path: step.script_path.into(),
        arguments: step.arguments.into(),
        executable_path: step.executable_path.into(),
        working_directory: step.working_directory.into(),
        sql_connection_string: connection.into(),
        sql_script_path: step.sql_script_path.into(),
    }
}

/// Whether a connection string certainly holds no secret. The reference server takes them out, but not every server that speaks
/// this API has to, and what a data source reads is in the state for all to see.
fn has_no_secret(text: &str) -> bool {
    const HIDDEN: &str = "***";
    let Ok(url) = Url::parse(text) else { return false };
    let secret =
        |name: &str| ["pass", "pwd", "secret", "token", "key"].iter().any(|word| name.to_lowercase().contains(word));
    url.password().is_none_or(|password| password == HIDDEN)
        && url.query_pairs().all(|(name, value)| value == HIDDEN || !secret(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_connection_string_without_a_secret_is_shown() {
        for harmless in [
            "postgres://reports:***@db.example.com:5432/hr?sslmode=require",
            "postgres://reports@db.example.com/hr",
            "postgresql://db.example.com/hr?user=u&password=***",
            "sqlite:/srv/data/hr.db",
        ] {
            assert!(has_no_secret(harmless), "{harmless}");
        }
        for secret in [
            "postgres://reports:canary@db.example.com/hr",
            "postgres://db.example.com/hr?password=canary",
            "postgres://db.example.com/hr?sslPassword=canary",
            "Server=db;Database=hr;User Id=u;Password=canary",
            "host=db user=u password=canary",
            "",
        ] {
            assert!(!has_no_secret(secret), "{secret}");
        }
    }

    #[test]
    fn times_of_day_have_one_spelling() {
        let mut diagnostics = Diagnostics::new();
        let expected = ["06:00", "12:30"].map(str::to_owned).into();
        assert_eq!(times(Some("12:30, 6:00"), &mut diagnostics), Some(Attr::Known(expected)));
        assert_eq!(times(None, &mut diagnostics), Some(Attr::Null));
        assert_eq!((spelled("8:00".into()), spelled("noon".into())), ("08:00".to_owned(), "noon".to_owned()));
        assert!(diagnostics.is_empty());
        assert_eq!(times(Some("noon"), &mut diagnostics), None);
        assert!(diagnostics.has_errors());
    }

    #[test]
    fn days_that_are_none_are_an_error() {
        let mut diagnostics = Diagnostics::new();
        assert_eq!(days(Some("6, 0"), &mut diagnostics), Some(Attr::Known([0, 6].into())));
        assert_eq!(days(None, &mut diagnostics), Some(Attr::Null));
        assert!(diagnostics.is_empty());
        assert_eq!(days(Some("Monday"), &mut diagnostics), None);
        assert!(diagnostics.has_errors());
    }
}
