//! Schedules: sequences of steps that run on a pattern or on demand.
//!
//! Bodies have camelCase names. The server reads them in any letter case, ignores properties that it does not know, and takes
//! enum words in any letter case, or as their number.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ids::{ScheduleId, StepId};
use super::page::MAX_SEARCH;
use super::pattern::Pattern;
use super::schema;
use super::secrets::Secret;
use super::values::words;

/// The longest name of a schedule or of a step, in characters.
pub const MAX_NAME: usize = 200;
/// The longest description, in characters.
pub const MAX_DESCRIPTION: usize = 1000;
/// The longest cron expression of a schedule, in characters.
pub const MAX_CRON_EXPRESSION: usize = 100;
/// The longest path of a script or an executable, name of a folder, or connection string, in characters.
pub const MAX_PATH: usize = 500;
/// The longest command line of a step, in characters.
pub const MAX_ARGUMENTS: usize = 2000;
/// The most steps of a schedule.
pub const MAX_STEPS: usize = 1000;
/// What a list can add to each schedule, in any letter case and between commas.
const INCLUDE: &str = r"^\s*(?:[Ss][Tt][Ee][Pp][Ss]\s*)?(?:,\s*(?:[Ss][Tt][Ee][Pp][Ss]\s*)?)*$";
/// The bounds of `stepIndex`.
pub const STEP_INDEX: std::ops::RangeInclusive<i64> = 0..=1000;
/// The bounds of a step's `timeoutSeconds`.
pub const STEP_TIMEOUT_SECONDS: std::ops::RangeInclusive<i64> = 1..=86_400;

words! {
    /// What starts a schedule.
    TriggerType {
        /// Its pattern.
        Cron = "Cron",
        /// Only somebody who runs it.
        Manual = "Manual",
    }

    /// Which fields say when a schedule fires.
    PatternType {
        /// Times of day on days of the week.
        SpecificTimes = "SpecificTimes",
        /// Marks at a distance within a window of the day, on days of the week.
        Interval = "Interval",
        /// A cron expression.
        Custom = "Custom",
    }

    /// What the number of an interval counts.
    IntervalUnit {
        /// Minutes.
        Minutes = "Minutes",
        /// Hours.
        Hours = "Hours",
    }

    /// How a step was meant to follow the one before it. The server keeps it; `stepIndex` decides.
    ExecutionMode {
        /// After the step before it.
        Sequential = "Sequential",
        /// Beside the step before it.
        ParallelWithPrevious = "ParallelWithPrevious",
    }

    /// What a step does.
    StepType {
        /// Executes a run profile of a connected system.
        RunProfile = "RunProfile",
        /// Runs a PowerShell script.
        PowerShell = "PowerShell",
        /// Runs a program.
        Executable = "Executable",
        /// Runs SQL statements in a database.
        SqlScript = "SqlScript",
    }
}

/// A schedule as the server tells it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Schedule {
    /// The schedule.
    pub id: ScheduleId,
    /// Unique among schedules.
    pub name: String,
    /// Free text.
    pub description: Option<String>,
    /// What starts it.
    pub trigger_type: TriggerType,
    /// The cron expression that fires exactly as the pattern does, where there is one; of `Custom`, as it was written.
    pub cron_expression: Option<String>,
    /// Which fields say when it fires.
    pub pattern_type: PatternType,
    /// Days of the week with commas between them: 0 is Sunday, 6 is Saturday.
    pub days_of_week: Option<String>,
    /// Times of day such as `06:00`, with commas between them.
    pub run_times: Option<String>,
    /// The distance of an interval's marks, from 1 to 59.
    pub interval_value: Option<i64>,
    /// What `intervalValue` counts.
    pub interval_unit: Option<IntervalUnit>,
    /// The time of day of an interval's first mark.
    pub interval_window_start: Option<String>,
    /// The time of day after which an interval has no mark. One before the start is on the next day.
    pub interval_window_end: Option<String>,
    /// Whether it fires by itself. Somebody can run it either way.
    pub is_enabled: bool,
    /// When it last began an execution.
    pub last_run_time: Option<Timestamp>,
    /// When it fires next by itself; `null` when it is disabled or `Manual`.
    pub next_run_time: Option<Timestamp>,
    /// How many steps it has.
    pub step_count: i64,
    /// When it was created.
    pub created: Timestamp,
    /// When its definition last changed.
    pub last_updated: Option<Timestamp>,
    /// The IANA time zone in which the pattern counts.
    #[serde(default = "utc")]
    pub timezone: String,
    /// Opaque; changes with the definition, never with executions.
    #[serde(default)]
    pub revision: String,
    /// The steps, in the order of their `stepIndex`, and of the request where that is the same. Lists leave them out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<Vec<ScheduleStep>>,
}

fn utc() -> String {
    super::tasks::DEFAULT_TIMEZONE.to_owned()
}

impl Schedule {
    /// A disabled schedule that only somebody who runs it starts.
    pub fn new(id: ScheduleId, name: String, revision: String, created: Timestamp) -> Self {
        Self {
            id,
            name,
            description: None,
            trigger_type: TriggerType::Manual,
            cron_expression: None,
            pattern_type: PatternType::SpecificTimes,
            days_of_week: None,
            run_times: None,
            interval_value: None,
            interval_unit: None,
            interval_window_start: None,
            interval_window_end: None,
            is_enabled: false,
            last_run_time: None,
            next_run_time: None,
            step_count: 0,
            created,
            last_updated: None,
            timezone: utc(),
            revision,
            steps: None,
        }
    }

    /// The body of a replacement that changes nothing: for whoever changes one thing. `None` where the steps were left out, for a
    /// replacement without them would remove them all.
    pub fn to_new(&self) -> Option<NewSchedule> {
        let Self { name, description, trigger_type, cron_expression, pattern_type, timezone, .. } = self;
        Some(NewSchedule {
            name: name.clone(),
            description: description.clone(),
            trigger_type: Some(trigger_type.clone()),
            // Of other patterns the server makes the expression.
            cron_expression: cron_expression.clone().filter(|_| *pattern_type == PatternType::Custom),
            pattern_type: Some(pattern_type.clone()),
            days_of_week: self.days_of_week.clone(),
            run_times: self.run_times.clone(),
            interval_value: self.interval_value,
            interval_unit: self.interval_unit.clone(),
            interval_window_start: self.interval_window_start.clone(),
            interval_window_end: self.interval_window_end.clone(),
            timezone: Some(timezone.clone()),
            is_enabled: Some(self.is_enabled),
            steps: self.steps.as_ref()?.iter().map(ScheduleStep::to_new).collect(),
        })
    }
}

/// A step of a schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ScheduleStep {
    /// The step. It stays the same over updates that name it.
    pub id: StepId,
    /// When it runs: ascending; steps with the same index run in parallel.
    pub step_index: i64,
    /// Its name, as it was given.
    pub name: Option<String>,
    /// How it was meant to follow the one before it.
    pub execution_mode: ExecutionMode,
    /// What it does.
    pub step_type: StepType,
    /// Whether later steps run also when this one has failed.
    pub continue_on_failure: bool,
    /// After how many seconds it is ended; `null` for never.
    pub timeout_seconds: Option<i64>,
    /// Of `RunProfile`: the connected system.
    pub connected_system_id: Option<i64>,
    /// Of `RunProfile`: the run profile.
    pub run_profile_id: Option<i64>,
    /// Of `PowerShell`: the script's path on the server.
    pub script_path: Option<String>,
    /// Of `PowerShell` and `Executable`: the arguments, parted by blanks; quotes hold together what has blanks.
    pub arguments: Option<String>,
    /// Of `Executable`: the program's path on the server.
    pub executable_path: Option<String>,
    /// Of `PowerShell` and `Executable`: the working directory on the server.
    pub working_directory: Option<String>,
    /// Of `SqlScript`: the address of the database, without its password.
    pub sql_connection_string: Option<String>,
    /// Of `SqlScript`: the path of the SQL text on the server.
    pub sql_script_path: Option<String>,
    /// Opaque; changes whenever the connection string does.
    #[serde(default)]
    pub sql_connection_string_revision: Option<String>,
}

impl ScheduleStep {
    /// A step that names nothing yet to run.
    pub fn new(id: StepId, step_index: i64, step_type: StepType) -> Self {
        Self {
            id,
            step_index,
            name: None,
            execution_mode: ExecutionMode::Sequential,
            step_type,
            continue_on_failure: false,
            timeout_seconds: None,
            connected_system_id: None,
            run_profile_id: None,
            script_path: None,
            arguments: None,
            executable_path: None,
            working_directory: None,
            sql_connection_string: None,
            sql_script_path: None,
            sql_connection_string_revision: None,
        }
    }

    /// The step of a replacement that changes nothing. It keeps the id, and by it what is stored of a connection string.
    pub fn to_new(&self) -> NewScheduleStep {
        NewScheduleStep {
            id: Some(self.id),
            step_index: self.step_index,
            name: self.name.clone(),
            execution_mode: Some(self.execution_mode.clone()),
            step_type: Some(self.step_type.clone()),
            continue_on_failure: Some(self.continue_on_failure),
            timeout_seconds: self.timeout_seconds,
            connected_system_id: self.connected_system_id,
            run_profile_id: self.run_profile_id,
            script_path: self.script_path.clone(),
            arguments: self.arguments.clone(),
            executable_path: self.executable_path.clone(),
            working_directory: self.working_directory.clone(),
            sql_connection_string: self.sql_connection_string.clone().map(Secret::from),
            sql_script_path: self.sql_script_path.clone(),
        }
    }
}

/// Creates a schedule, or replaces one, with its steps, all or nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
#[schemars(transform = schema::loose)]
pub struct NewSchedule {
    /// Unique among schedules; up to 200 characters.
    #[schemars(length(max = MAX_NAME), regex(pattern = schema::LINE))]
    pub name: String,
    /// Free text of up to 1,000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = MAX_DESCRIPTION), regex(pattern = schema::TEXT))]
    pub description: Option<String>,
    /// `Manual` where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::any_word::<TriggerType>")]
    pub trigger_type: Option<TriggerType>,
    /// Of `Custom`: five cron fields, up to 100 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = MAX_CRON_EXPRESSION), extend("format" = "cron"))]
    pub cron_expression: Option<String>,
    /// Where absent: `Custom` beside a cron expression alone, else `SpecificTimes`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::any_word::<PatternType>")]
    pub pattern_type: Option<PatternType>,
    /// Days of the week with commas between them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = super::pattern::MAX_DAYS), extend("format" = "days-of-week"))]
    pub days_of_week: Option<String>,
    /// Times of day with commas between them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = super::pattern::MAX_TIMES), extend("format" = "times-of-day"))]
    pub run_times: Option<String>,
    /// The distance of an interval's marks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = *super::pattern::INTERVAL_VALUE.start(), max = *super::pattern::INTERVAL_VALUE.end()))]
    pub interval_value: Option<i64>,
    /// What `intervalValue` counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::any_word::<IntervalUnit>")]
    pub interval_unit: Option<IntervalUnit>,
    /// The time of day of an interval's first mark.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "time-of-day"))]
    pub interval_window_start: Option<String>,
    /// The time of day after which an interval has no mark.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "time-of-day"))]
    pub interval_window_end: Option<String>,
    /// An IANA time zone; `UTC` where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "time-zone"))]
    pub timezone: Option<String>,
    /// `false` where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_enabled: Option<bool>,
    /// The steps. A replacement without the property is refused; an empty list removes all.
    #[schemars(with = "Option<Vec<NewScheduleStep>>", length(max = MAX_STEPS))]
    pub steps: Vec<NewScheduleStep>,
}

impl NewSchedule {
    /// A disabled schedule that only somebody who runs it starts.
    pub fn manual(name: impl Into<String>) -> Self {
        Self { name: name.into(), trigger_type: Some(TriggerType::Manual), ..Self::default() }
    }

    /// A disabled schedule that fires on a pattern.
    pub fn on(name: impl Into<String>, pattern: &Pattern) -> Self {
        let mut schedule = Self { name: name.into(), trigger_type: Some(TriggerType::Cron), ..Self::default() };
        let fields = pattern.to_fields();
        schedule.pattern_type = Some(fields.pattern_type);
        schedule.cron_expression = fields.cron_expression;
        schedule.days_of_week = fields.days_of_week;
        schedule.run_times = fields.run_times;
        schedule.interval_value = fields.interval_value;
        schedule.interval_unit = fields.interval_unit;
        schedule.interval_window_start = fields.interval_window_start;
        schedule.interval_window_end = fields.interval_window_end;
        schedule
    }

    /// The same with a description.
    #[must_use]
    pub fn described(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// The same in another time zone.
    #[must_use]
    pub fn in_zone(mut self, timezone: impl Into<String>) -> Self {
        self.timezone = Some(timezone.into());
        self
    }

    /// The same, and it fires by itself.
    #[must_use]
    pub fn enabled(mut self) -> Self {
        self.is_enabled = Some(true);
        self
    }

    /// The same with one more step, which runs after all that there are.
    #[must_use]
    pub fn then(mut self, step: NewScheduleStep) -> Self {
        let index = self.steps.iter().map(|step| step.step_index).max().map_or(0, |last| last + 1);
        self.steps.push(NewScheduleStep { step_index: index, ..step });
        self
    }

    /// The same with one more step, which runs beside the last one.
    #[must_use]
    pub fn beside(mut self, step: NewScheduleStep) -> Self {
        let index = self.steps.iter().map(|step| step.step_index).max().unwrap_or_default();
        let mode = if self.steps.is_empty() { None } else { Some(ExecutionMode::ParallelWithPrevious) };
        self.steps.push(NewScheduleStep { step_index: index, execution_mode: mode, ..step });
        self
    }
}

/// A step of a new schedule, or of a replacement.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
#[schemars(transform = schema::loose)]
pub struct NewScheduleStep {
    /// The step to keep; a replacement makes new ones of those without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "schema::Anything")]
    pub id: Option<StepId>,
    /// From 0 to 1000.
    #[schemars(with = "Option<i64>", range(min = *STEP_INDEX.start(), max = *STEP_INDEX.end()))]
    pub step_index: i64,
    /// Up to 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = MAX_NAME), regex(pattern = schema::TEXT))]
    pub name: Option<String>,
    /// `Sequential` where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::any_word::<ExecutionMode>")]
    pub execution_mode: Option<ExecutionMode>,
    /// `RunProfile` where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::any_word::<StepType>")]
    pub step_type: Option<StepType>,
    /// `false` where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub continue_on_failure: Option<bool>,
    /// From 1 to 86,400; never ended where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = *STEP_TIMEOUT_SECONDS.start(), max = *STEP_TIMEOUT_SECONDS.end()))]
    pub timeout_seconds: Option<i64>,
    /// Of `RunProfile`: the connected system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connected_system_id: Option<i64>,
    /// Of `RunProfile`: the run profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_profile_id: Option<i64>,
    /// Of `PowerShell`: the script's path on the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = MAX_PATH), regex(pattern = schema::TEXT))]
    pub script_path: Option<String>,
    /// Of `PowerShell` and `Executable`: the arguments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = MAX_ARGUMENTS), regex(pattern = schema::TEXT))]
    pub arguments: Option<String>,
    /// Of `Executable`: the program's path on the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = MAX_PATH), regex(pattern = schema::TEXT))]
    pub executable_path: Option<String>,
    /// Of `PowerShell` and `Executable`: the working directory on the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = MAX_PATH), regex(pattern = schema::TEXT))]
    pub working_directory: Option<String>,
    /// Of `SqlScript`: the address of the database. For a step that is kept, what the server shows of it keeps what is stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", length(max = MAX_PATH), regex(pattern = schema::TEXT))]
    pub sql_connection_string: Option<Secret>,
    /// Of `SqlScript`: the path of the SQL text on the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = MAX_PATH), regex(pattern = schema::TEXT))]
    pub sql_script_path: Option<String>,
}

impl NewScheduleStep {
    fn of(step_type: StepType) -> Self {
        Self { step_type: Some(step_type), ..Self::default() }
    }

    /// Executes a run profile of a connected system.
    pub fn run_profile(connected_system: i64, run_profile: i64) -> Self {
        Self {
            connected_system_id: Some(connected_system),
            run_profile_id: Some(run_profile),
            ..Self::of(StepType::RunProfile)
        }
    }

    /// Runs a PowerShell script.
    pub fn power_shell(script_path: impl Into<String>) -> Self {
        Self { script_path: Some(script_path.into()), ..Self::of(StepType::PowerShell) }
    }

    /// Runs a program.
    pub fn executable(path: impl Into<String>) -> Self {
        Self { executable_path: Some(path.into()), ..Self::of(StepType::Executable) }
    }

    /// Runs SQL statements in a database.
    pub fn sql_script(connection_string: impl Into<Secret>, path: impl Into<String>) -> Self {
        Self {
            sql_connection_string: Some(connection_string.into()),
            sql_script_path: Some(path.into()),
            ..Self::of(StepType::SqlScript)
        }
    }

    /// The same with a name.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The same with arguments, for a script or a program: parted by blanks; quotes hold together what has blanks.
    #[must_use]
    pub fn with_arguments(mut self, arguments: impl Into<String>) -> Self {
        self.arguments = Some(arguments.into());
        self
    }

    /// The same in a folder on the server, for a script or a program.
    #[must_use]
    pub fn in_directory(mut self, working_directory: impl Into<String>) -> Self {
        self.working_directory = Some(working_directory.into());
        self
    }

    /// The same, and it is ended after so many seconds.
    #[must_use]
    pub fn ended_after(mut self, seconds: i64) -> Self {
        self.timeout_seconds = Some(seconds);
        self
    }

    /// The same, and later steps run also when this one has failed.
    #[must_use]
    pub fn continuing_on_failure(mut self) -> Self {
        self.continue_on_failure = Some(true);
        self
    }
}

/// Which schedules to list.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ScheduleQuery {
    /// The page, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<i64>,
    /// Schedules on a page: up to 1000, 20 where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub page_size: Option<i64>,
    /// Schedules whose name or description contains this text, in any letter case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = MAX_SEARCH), regex(pattern = schema::TEXT))]
    pub search: Option<String>,
    /// The schedule with exactly this name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = schema::TEXT))]
    pub name: Option<String>,
    /// `name`, `isEnabled`, `lastRunTime`, `nextRunTime`, or by creation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = schema::TEXT))]
    pub sort_by: Option<String>,
    /// Whether the last comes first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sort_descending: Option<bool>,
    /// Whether each schedule shows its steps: `steps`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = INCLUDE))]
    pub include: Option<String>,
}

impl ScheduleQuery {
    /// All schedules, in the order of their creation.
    pub fn new() -> Self {
        Self::default()
    }

    /// The schedule with this name: one or none.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..Self::default() }
    }

    /// Schedules whose name or description contains a text, in any letter case.
    pub fn searching(text: impl Into<String>) -> Self {
        Self { search: Some(text.into()), ..Self::default() }
    }

    /// The same, and each schedule shows its steps.
    #[must_use]
    pub fn with_steps(mut self) -> Self {
        self.include = Some("steps".to_owned());
        self
    }
}

/// The answer to a run of a schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ScheduleRun {
    /// The execution that was recorded.
    pub execution_id: super::ids::ExecutionId,
    /// For people.
    pub message: String,
}

impl ScheduleRun {
    /// An answer.
    pub fn new(execution_id: super::ids::ExecutionId, message: String) -> Self {
        Self { execution_id, message }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::values::Words as _;

    #[test]
    fn words_are_read_in_any_case_and_as_numbers() {
        assert_eq!(StepType::from_any_case("powershell"), Some(StepType::PowerShell));
        assert_eq!(StepType::from_any_case("3"), Some(StepType::SqlScript));
        assert_eq!(StepType::from_any_case("4"), None);
        assert_eq!(TriggerType::from_any_case(""), None);
    }

    #[test]
    fn steps_follow_and_accompany_each_other() {
        let schedule = NewSchedule::manual("n")
            .then(NewScheduleStep::run_profile(1, 1))
            .beside(NewScheduleStep::run_profile(2, 4))
            .then(NewScheduleStep::executable("/opt/report").continuing_on_failure());
        assert_eq!(schedule.steps.iter().map(|step| step.step_index).collect::<Vec<_>>(), [0, 0, 1]);
    }

    #[test]
    fn debug_shows_no_connection_string() {
        let step = NewScheduleStep::sql_script("postgres://u:canary@db/x", "/srv/a.sql");
        assert!(!format!("{step:?}").contains("canary"));
    }
}
