//! The schema, and the checks of single values.

use std::collections::BTreeSet;

use justiam_sdk::api::connection;
use justiam_sdk::api::pattern::{INTERVAL_VALUE, MAX_TIMES, RunTimes, TimeOfDay};
use justiam_sdk::api::schedules::{
    ExecutionMode, IntervalUnit, MAX_ARGUMENTS, MAX_CRON_EXPRESSION, MAX_DESCRIPTION, MAX_NAME, MAX_PATH, MAX_STEPS,
    PatternType, STEP_INDEX, STEP_TIMEOUT_SECONDS, StepType, TriggerType,
};
use justiam_sdk::api::secrets::Secret;
use justiam_sdk::api::tasks::DEFAULT_TIMEZONE;
use tfplugin::{Attribute, Check, Message, Relation, Schema, Type, Value, same};

use crate::checks::{absolute_path, cron, line, same_cron, timezone, word};

pub(super) fn schema() -> Schema {
    Schema::new()
        .markdown("A schedule: steps that run in order or side by side, on a pattern or on demand.")
        .attributes([
            Attribute::string("id").computed().markdown("The schedule's id, a UUID."),
            Attribute::string("name")
                .required()
                .check(line("name", MAX_NAME))
                .markdown("The schedule's name: 1 to 200 characters, unique on the server."),
            Attribute::string("description")
                .optional()
                .check(Check::length(0..=MAX_DESCRIPTION))
                .markdown("Free text of up to 1,000 characters."),
            Attribute::bool("is_enabled")
                .default(false)
                .markdown("Whether the schedule fires by itself; it can be run either way. Default `false`."),
            Attribute::nested_list("steps", step())
                .default(Value::List(Vec::new()))
                .check(Check::items(0..=MAX_STEPS))
                .relation(Relation::at_most_one_of(["sql_connection_string", "sql_connection_string_wo"]))
                .relation(Relation::requires("sql_connection_string_wo_version", ["sql_connection_string_wo"]))
                .markdown("What the schedule does, in the order in which it is done: up to 1,000 steps."),
        ])
        .attributes(pattern())
}

/// What says when a schedule fires.
fn pattern() -> [Attribute; 10] {
    [
        Attribute::string("trigger_type").default("Manual").check(word::<TriggerType>("trigger type")).markdown(
            "`Cron`: the schedule fires on its pattern. `Manual`: it runs only when somebody runs it. Default `Manual`.",
        ),
        Attribute::string("pattern_type").optional().computed().check(word::<PatternType>("pattern type")).markdown(
            "`SpecificTimes`: at `run_times` on `days_of_week`. `Interval`: every so often within a window of the day, on `days_of_week`. \
             `Custom`: on `cron_expression`. Without it, `Custom` where `cron_expression` alone is set, else `SpecificTimes`.",
        ),
        Attribute::string("cron_expression")
            .optional()
            .check(Check::length(1..=MAX_CRON_EXPRESSION))
            .check(Check::text(cron))
            .keep_prior_if(same_cron)
            .markdown(
                "Of `Custom`: five fields (minute, hour, day of month, month, day of week) of up to 100 characters together. The expression \
                 that the server makes of the other patterns is no attribute here.",
            ),
        Attribute::set("days_of_week", Type::Number)
            .optional()
            .check(Check::items(1..=7))
            .check(Check::each(Check::int(0..=6)))
            .markdown("Of `SpecificTimes` and `Interval`: the days, from 0 (Sunday) to 6 (Saturday). A window counts for the day on which it starts."),
        Attribute::set("run_times", Type::String)
            .optional()
            .check(Check::each(Check::text(time_of_day)))
            .check(Check::new(distinct_times))
            .keep_prior_if(same::each(same_time))
            .markdown("Of `SpecificTimes`: times of day such as `06:00`, with up to 200 characters together; 33 always fit."),
        Attribute::number("interval_value")
            .optional()
            .check(Check::int(INTERVAL_VALUE))
            .markdown("Of `Interval`: the distance of the marks, from 1 to 59."),
        Attribute::string("interval_unit")
            .optional()
            .check(word::<IntervalUnit>("interval unit"))
            .markdown("Of `Interval`: what `interval_value` counts, `Minutes` or `Hours`."),
        Attribute::string("interval_window_start")
            .optional()
            .check(Check::text(time_of_day))
            .keep_prior_if(same_time)
            .markdown("Of `Interval`: the time of day of the first mark, such as `08:00`."),
        Attribute::string("interval_window_end")
            .optional()
            .check(Check::text(time_of_day))
            .keep_prior_if(same_time)
            .markdown(
                "Of `Interval`: the time of day after which there is no mark; one before the start is on the next day. All day is from `00:00` to \
                 `23:59`.",
            ),
        Attribute::string("timezone").default(DEFAULT_TIMEZONE).check(Check::text(timezone)).markdown(
            "The IANA time zone in which the pattern counts. Default `UTC`.",
        ),
    ]
}

fn step() -> [Attribute; 16] {
    let path = |attribute: &str| Attribute::string(attribute).optional().check(absolute_path(MAX_PATH));
    [
        Attribute::string("step_type").required().check(word::<StepType>("step type")).markdown(
            "What the step does: `RunProfile`, `PowerShell`, `Executable` or `SqlScript`.",
        ),
        Attribute::string("name").optional().check(Check::length(1..=MAX_NAME)).markdown(
            "Its name in executions, up to 200 characters. Without one the server says what it runs.",
        ),
        Attribute::number("step_index").optional().check(Check::int(STEP_INDEX)).markdown(
            "Its place, from 0 to 1000: ascending, and steps with the same index run in parallel. Set it in all steps or in none; without it the \
             order of the list and `execution_mode` give it.",
        ),
        Attribute::string("execution_mode").default("Sequential").check(word::<ExecutionMode>("execution mode")).markdown(
            "`Sequential`: after the step before it. `ParallelWithPrevious`: beside it. Where `step_index` is set, that counts. Default `Sequential`.",
        ),
        Attribute::bool("continue_on_failure").default(false).markdown(
            "Whether later steps run also when this one has failed. Default `false`.",
        ),
        Attribute::number("timeout_seconds").optional().check(Check::int(STEP_TIMEOUT_SECONDS)).markdown(
            "Seconds after which the step is ended as failed, from 1 to 86,400. Without it, never.",
        ),
        Attribute::number("connected_system_id").optional().check(Check::int(1..=i64::MAX)).markdown(
            "Of `RunProfile`: the id of the connected system.",
        ),
        Attribute::number("run_profile_id").optional().check(Check::int(1..=i64::MAX)).markdown(
            "Of `RunProfile`: the id of the run profile, which belongs to the connected system.",
        ),
        path("script_path").markdown("Of `PowerShell`: the script's absolute path on the server."),
        path("executable_path").markdown("Of `Executable`: the program's absolute path on the server."),
        Attribute::string("arguments").optional().check(Check::length(1..=MAX_ARGUMENTS)).markdown(
            "Of `PowerShell` and `Executable`: arguments, parted by blanks; quotes hold together what has blanks. No shell reads them. Up to \
             2,000 characters.",
        ),
        path("working_directory").markdown("Of `PowerShell` and `Executable`: the absolute path of a folder on the server."),
        path("sql_script_path").markdown("Of `SqlScript`: the absolute path of the SQL text on the server."),
        Attribute::string("sql_connection_string").optional().sensitive().check(Check::text(connection)).markdown(
            "Of `SqlScript`: the address of the database, `postgres://…` or `sqlite:…`, up to 500 characters. It is in the state as it is.",
        ),
        Attribute::string("sql_connection_string_wo").optional().write_only().check(Check::text(connection)).markdown(
            "The same, kept out of plan and state, for Terraform 1.11 or later. It is sent with every \
             change of the schedule. A new value alone is none: change `sql_connection_string_wo_version` with it.",
        ),
        Attribute::string("sql_connection_string_wo_version").optional().markdown(
            "Any text or number. A change of it sends `sql_connection_string_wo` again.",
        ),
    ]
}

fn time_of_day(text: &str) -> Result<(), Message> {
    text.parse::<TimeOfDay>().map(drop).map_err(|error| Message::new("Invalid time of day", format!("{error}.")))
}

/// No time twice, and no more than fit. Of what is not known, or no time of day, others speak.
fn distinct_times(value: &Value) -> Result<(), Message> {
    let given = value.as_elements().unwrap_or_default();
    let times: Option<Vec<TimeOfDay>> = given.iter().map(|time| time.as_str()?.parse().ok()).collect();
    if given.is_empty() {
        let detail =
            "There is no time of day in it.\n\nhint: write `run_times = [\"06:00\"]`, or leave the attribute out";
        return Err(Message::new("Invalid run times", detail));
    }
    let Some(times) = times else { return Ok(()) };
    let distinct: BTreeSet<&TimeOfDay> = times.iter().collect();
    if distinct.len() < times.len() {
        Err(Message::new("Invalid run times", "The same time of day is in it twice, in two spellings."))
    } else if RunTimes::new(times.iter().copied()).is_none() {
        let detail = format!(
            "Its {} times of day have more than {MAX_TIMES} characters together.\n\nhint: {} times always fit; `pattern_type = \"Interval\"` \
             fires at marks of equal distance",
            times.len(),
            (MAX_TIMES + 1) / "06:00,".len()
        );
        Err(Message::new("Invalid run times", detail))
    } else {
        Ok(())
    }
}

fn same_time(prior: &Value, new: &Value) -> bool {
    let time = |value: &Value| value.as_str().and_then(|text| text.parse::<TimeOfDay>().ok());
    time(prior).is_some_and(|prior| time(new) == Some(prior))
}

/// The server's own rules. They say nothing about the value but its length: it may have a password in it.
fn connection(text: &str) -> Result<(), Message> {
    let secret = Secret::from(text);
    let refuse = |detail: String| Err(Message::new("Invalid connection string", detail));
    match connection::shown(&secret) {
        Err(problem) => refuse(format!("The connection string {problem}.")),
        Ok(_) if connection::is_redacted(&secret) => refuse(
            "The connection string has `***` where a secret belongs: it is what the server shows of one.\n\nhint: write the password \
             itself, from a sensitive variable"
                .into(),
        ),
        Ok(_) => Ok(()),
    }
}
