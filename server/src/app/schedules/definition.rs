//! From the body of a request to a schedule that keeps all rules.

use jiff::tz::TimeZone;
use justiam_planner::pattern::cron_expression;
use justiam_sdk::api::pattern::{FieldError, PatternFields};
use justiam_sdk::api::schedules::{MAX_DESCRIPTION, MAX_NAME, PatternType, TriggerType};
use justiam_sdk::api::tasks::DEFAULT_TIMEZONE;
use justiam_sdk::api::zone;

use super::steps::{self, StepDraft, text};
use crate::app::FieldErrors;
use crate::app::fields::{Field, Fields, Object};

/// The fields of patterns other than `Custom`.
const PATTERN: [&str; 6] =
    ["daysOfWeek", "runTimes", "intervalValue", "intervalUnit", "intervalWindowStart", "intervalWindowEnd"];

/// What a request wants a schedule to be, right or wrong.
pub(super) struct Draft {
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) trigger_type: TriggerType,
    pub(super) pattern: PatternFields,
    pub(super) timezone: String,
    pub(super) is_enabled: bool,
    /// In the order in which they run.
    pub(super) steps: Vec<StepDraft>,
    /// What is wrong, as far as the body alone tells.
    pub(super) errors: FieldErrors,
}

/// Reads the body of a create, or of a replacement, which must say what becomes of the steps.
pub(super) fn read(body: Object, is_replacement: bool) -> Draft {
    let mut fields = Fields::loose(body, "");
    let name = name(&mut fields);
    let description = text(&mut fields, "description", MAX_DESCRIPTION);
    let trigger_type = fields.any_word("triggerType").value().unwrap_or(TriggerType::Manual);
    let (timezone, zone) = timezone(&mut fields);
    let pattern = pattern(&mut fields, &trigger_type, &zone);
    let is_enabled = fields.flag("isEnabled").value().unwrap_or_default();
    let steps = fields.array("steps");
    let mut errors = fields.finish_loosely();
    if is_replacement && matches!(steps, Field::Absent | Field::Null) && !errors.has("steps") {
        errors.add("steps", "is required: a PUT replaces all steps; `[]` removes them");
    }
    let steps = steps::read(steps.value().unwrap_or_default(), is_replacement, &mut errors);
    Draft { name, description, trigger_type, pattern, timezone, is_enabled, steps, errors }
}

fn name(fields: &mut Fields) -> String {
    let name = text(fields, "name", MAX_NAME);
    if !fields.is_wrong("name") {
        match &name {
            None => fields.wrong("name", "is required"),
            Some(name) if name.trim().is_empty() => fields.wrong("name", "must not be blank"),
            Some(name) if name.chars().any(char::is_control) => {
                fields.wrong("name", "must not contain control characters");
            }
            Some(_) => {}
        }
    }
    name.unwrap_or_default()
}

fn timezone(fields: &mut Fields) -> (String, TimeZone) {
    let name = fields.text("timezone").value().unwrap_or_else(|| DEFAULT_TIMEZONE.to_owned());
    let zone = match zone::parse(&name) {
        Ok(zone) => zone,
        Err(error) => {
            fields.wrong("timezone", error.to_string());
            // The other fields are checked all the same.
            TimeZone::UTC
        }
    };
    (name, zone)
}

/// Reads what says when the schedule fires. All of it is kept as it was given, also what does not count, so each field must be right
/// by itself; those that count must be there as well where the trigger is `Cron`.
fn pattern(fields: &mut Fields, trigger: &TriggerType, zone: &TimeZone) -> PatternFields {
    let given = fields.any_word("patternType").value();
    let cron = fields.text("cronExpression").value();
    let mut pattern = PatternFields {
        days_of_week: fields.text("daysOfWeek").value(),
        run_times: fields.text("runTimes").value(),
        interval_value: fields.integer("intervalValue").value(),
        interval_unit: fields.any_word("intervalUnit").value(),
        interval_window_start: fields.text("intervalWindowStart").value(),
        interval_window_end: fields.text("intervalWindowEnd").value(),
        ..PatternFields::new(given.clone().unwrap_or(PatternType::SpecificTimes))
    };
    let is_empty = pattern == PatternFields::new(pattern.pattern_type.clone());
    if is_empty && cron.is_some() {
        // Existing clients send a cron expression beside the pattern type that is their default.
        pattern.pattern_type = PatternType::Custom;
    }
    let is_custom = pattern.pattern_type == PatternType::Custom;
    if is_custom {
        pattern.cron_expression = cron;
    }
    // Not that somebody tried and got the type wrong.
    let is_absent = is_empty && !PATTERN.iter().any(|field| fields.is_wrong(field));
    let read = pattern.read();
    let required = *trigger == TriggerType::Cron && !fields.is_wrong("patternType");
    let whole = read.as_ref().err().into_iter().flatten();
    let others = [PatternType::SpecificTimes, PatternType::Interval];
    let parts = others.map(|pattern_type| PatternFields { pattern_type, ..pattern.clone() }.read().err());
    // A field that is there is wrong whatever the type is; one that is missing counts for the type alone.
    let wrong = whole
        .filter(|error| required || is_given(&pattern, error.field))
        .chain(parts.iter().flatten().flatten().filter(|error| is_given(&pattern, error.field)));
    for FieldError { field, message } in wrong {
        if fields.is_wrong(field) {
            continue;
        }
        if *field == "cronExpression" && pattern.cron_expression.is_none() {
            fields.wrong(field, "Cron expression is required for the pattern `Custom`");
        } else {
            fields.wrong(field, message.clone());
        }
    }
    if required && is_absent && given.is_none() && !is_custom {
        fields.wrong("cronExpression", "Cron expression is required where no other field says when the schedule fires");
    }
    if let (false, Ok(read)) = (is_custom, &read) {
        pattern.cron_expression = cron_expression(read, zone);
    }
    pattern
}

fn is_given(pattern: &PatternFields, field: &str) -> bool {
    match field {
        "cronExpression" => pattern.cron_expression.is_some(),
        "daysOfWeek" => pattern.days_of_week.is_some(),
        "runTimes" => pattern.run_times.is_some(),
        "intervalValue" => pattern.interval_value.is_some(),
        "intervalUnit" => pattern.interval_unit.is_some(),
        "intervalWindowStart" => pattern.interval_window_start.is_some(),
        "intervalWindowEnd" => pattern.interval_window_end.is_some(),
        _ => false,
    }
}
