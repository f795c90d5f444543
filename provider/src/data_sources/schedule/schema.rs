//! The schema.

use justiam_sdk::api::ids::ScheduleId;
use tfplugin::{Attribute, Relation, Schema, Type};

use crate::data_sources::id;

pub(super) fn schema() -> Schema {
    let text = |name: &str| Attribute::string(name).computed();
    let number = |name: &str| Attribute::number(name).computed();
    Schema::new()
        .markdown("A schedule with its steps, by its id or its name.")
        .attributes([
            text("id").optional().check(id::<ScheduleId>()).markdown("The schedule's id, a UUID."),
            text("name").optional().markdown("The schedule's name."),
            text("description").markdown("Free text."),
            text("trigger_type").markdown("What starts it: `Cron`, its pattern; `Manual`, only somebody who runs it."),
            text("cron_expression").markdown(
                "The cron expression that fires exactly as the pattern does; null where there is none. Of `Custom`, as it was written.",
            ),
            text("pattern_type").markdown("Which attributes say when it fires: `SpecificTimes`, `Interval` or `Custom`."),
            Attribute::set("days_of_week", Type::Number).computed().markdown("Days of the week: 0 is Sunday, 6 is Saturday."),
            Attribute::set("run_times", Type::String).computed().markdown("Times of day, such as `06:00`."),
            number("interval_value").markdown("The distance of an interval's marks."),
            text("interval_unit").markdown("What `interval_value` counts: `Minutes` or `Hours`."),
            text("interval_window_start").markdown("The time of day of an interval's first mark."),
            text("interval_window_end").markdown("The time of day after which an interval has no mark."),
            text("timezone").markdown("The IANA time zone in which the pattern counts."),
            Attribute::bool("is_enabled").computed().markdown("Whether it fires by itself."),
            text("last_run_time").markdown("When it last began an execution; null where there is none."),
            text("next_run_time").markdown("When it fires next by itself; null where it does not."),
            number("step_count").markdown("How many steps it has."),
            text("created").markdown("When it was created."),
            text("last_updated").markdown("When its definition last changed; null where it never did."),
            Attribute::nested_list("steps", steps()).computed().markdown("The steps, by `step_index`."),
        ])
        .relation(Relation::exactly_one_of(["id", "name"]))
}

fn steps() -> [Attribute; 15] {
    let text = |name: &str| Attribute::string(name).computed();
    let number = |name: &str| Attribute::number(name).computed();
    [
        text("id").markdown("The step's id, a UUID."),
        number("step_index").markdown("When it runs: ascending; steps with the same index run in parallel."),
        text("name").markdown("Its name, as it was given."),
        text("execution_mode").markdown("How it was meant to follow the one before it: `Sequential` or `ParallelWithPrevious`."),
        text("step_type").markdown("What it does: `RunProfile`, `PowerShell`, `Executable` or `SqlScript`."),
        Attribute::bool("continue_on_failure").computed().markdown("Whether later steps run also when this one has failed."),
        number("timeout_seconds").markdown("After how many seconds it is ended; null for never."),
        number("connected_system_id").markdown("The connected system of a `RunProfile`."),
        number("run_profile_id").markdown("The run profile."),
        text("script_path").markdown("The path of a PowerShell script on the server."),
        text("arguments").markdown("The arguments of a program or a PowerShell script."),
        text("executable_path").markdown("The path of a program on the server."),
        text("working_directory").markdown("The working directory on the server."),
        text("sql_connection_string").markdown(
            "The address of a database, with `***` in place of a password. Null where the server shows one that may hold a password.",
        ),
        text("sql_script_path").markdown("The path of an SQL script on the server."),
    ]
}
