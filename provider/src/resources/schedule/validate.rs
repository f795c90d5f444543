//! What is checked at plan time beyond single values: which attributes go together. What is not known yet passes; the server has the
//! last word.

use justiam_sdk::api::pattern::{TimeOfDay, Window};
use justiam_sdk::api::schedules::{PatternType, StepType, TriggerType};
use justiam_sdk::api::values::Words as _;
use tfplugin::{Attr, AttributePath, Diagnostics};

use super::{State, Step, order, step_path};

/// What a configuration says about an attribute, whatever its type.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Given {
    Known,
    Null,
    Unknown,
}

impl Given {
    fn of<T>(attr: &Attr<T>) -> Self {
        match attr {
            Attr::Known(_) => Self::Known,
            Attr::Null => Self::Null,
            Attr::Unknown => Self::Unknown,
        }
    }
}

/// Reports what does not go together.
pub(super) fn validate(config: &State, diagnostics: &mut Diagnostics) {
    pattern(config, diagnostics);
    window(config, diagnostics);
    let Some(steps) = config.steps.as_known() else { return };
    for (at, step) in steps.iter().enumerate() {
        match step {
            Attr::Known(step) => of_type(step, &step_path(at), diagnostics),
            Attr::Null => {
                let detail = format!("{}: a step must not be null.", step_path(at));
                diagnostics.error_at(step_path(at), "Missing step", detail);
            }
            Attr::Unknown => {}
        }
    }
    // The places of steps hang together, so all must be there; their values may be open.
    let known: Option<Vec<&Step>> = steps.iter().map(Attr::as_known).collect();
    if let Some(Err((at, message))) = known.map(|steps| order::indexes(&steps)) {
        let path = step_path(at).attribute("step_index");
        diagnostics.error_at(path.clone(), "Invalid step index", format!("{path}: {message}"));
    }
}

/// The pattern type that a configuration without one means; `None` where that is not known yet.
pub(super) fn pattern_type(config: &State) -> Option<PatternType> {
    let cron = Given::of(&config.cron_expression);
    let others = || fields(config).into_iter().filter(|(name, _)| *name != "cron_expression").map(|(_, given)| given);
    if others().any(|given| given == Given::Known) {
        Some(PatternType::SpecificTimes)
    } else if cron == Given::Unknown || (cron == Given::Known && others().any(|given| given == Given::Unknown)) {
        None
    } else if cron == Given::Known {
        Some(PatternType::Custom)
    } else {
        Some(PatternType::SpecificTimes)
    }
}

fn fields(config: &State) -> [(&'static str, Given); 7] {
    [
        ("cron_expression", Given::of(&config.cron_expression)),
        ("days_of_week", Given::of(&config.days_of_week)),
        ("run_times", Given::of(&config.run_times)),
        ("interval_value", Given::of(&config.interval_value)),
        ("interval_unit", Given::of(&config.interval_unit)),
        ("interval_window_start", Given::of(&config.interval_window_start)),
        ("interval_window_end", Given::of(&config.interval_window_end)),
    ]
}

fn pattern(config: &State, diagnostics: &mut Diagnostics) {
    let (pattern_type, said) = match &config.pattern_type {
        Attr::Known(word) => (Some(PatternType::from(word.as_str())), true),
        Attr::Null => (pattern_type(config), false),
        Attr::Unknown => (None, true),
    };
    let Some(pattern_type) = pattern_type else { return };
    let needed: &[&str] = match pattern_type {
        PatternType::SpecificTimes => &["days_of_week", "run_times"],
        PatternType::Interval => {
            &["days_of_week", "interval_value", "interval_unit", "interval_window_start", "interval_window_end"]
        }
        PatternType::Custom => &["cron_expression"],
        // The attribute's own check has refused it.
        _ => return,
    };
    let source = if said {
        format!("`pattern_type` is `{pattern_type}`")
    } else {
        format!("`pattern_type` is not set, so it is `{pattern_type}`")
    };
    let fires = config.trigger_type.as_str() == Some(TriggerType::Cron.as_str());
    for (name, given) in fields(config) {
        if given == Given::Null && fires && needed.contains(&name) {
            let example = example(name);
            let detail = format!(
                "{source}, and `trigger_type` is `Cron`, so `{name}` is required.\n\nhint: such as `{name} = {example}`"
            );
            diagnostics.error_at(name, format!("Missing {}", name.replace('_', " ")), detail);
        }
        if given == Given::Known && !needed.contains(&name) {
            // What is set tells what may have been meant.
            let hint = match name {
                "cron_expression" => hint_of(&PatternType::Custom),
                "run_times" => hint_of(&PatternType::SpecificTimes),
                "days_of_week" => String::new(),
                _ => hint_of(&PatternType::Interval),
            };
            let detail = format!("{source}, and `{name}` is not part of that pattern.{hint}");
            diagnostics.error_at(name, format!("Unexpected {}", name.replace('_', " ")), detail);
        }
    }
    let by_itself = config.is_enabled.as_known() == Some(&true);
    let manual = config.trigger_type.is_null() || config.trigger_type.as_str() == Some(TriggerType::Manual.as_str());
    if by_itself && manual && fields(config).iter().any(|(_, given)| *given == Given::Known) {
        let detail = "The schedule is enabled and has a pattern, but a `Manual` schedule never fires by itself.\n\nhint: set \
                      `trigger_type = \"Cron\"`";
        diagnostics.warning_at("trigger_type", "Pattern without effect", detail);
    }
}

fn hint_of(pattern_type: &PatternType) -> String {
    format!("\n\nhint: for that, set `pattern_type = \"{pattern_type}\"`")
}

fn example(attribute: &str) -> &'static str {
    match attribute {
        "cron_expression" => "\"0 6 * * 1-5\"",
        "days_of_week" => "[1, 2, 3, 4, 5]",
        "run_times" => "[\"06:00\"]",
        "interval_value" => "15",
        "interval_unit" => "\"Minutes\"",
        "interval_window_start" => "\"08:00\"",
        _ => "\"18:00\"",
    }
}

fn window(config: &State, diagnostics: &mut Diagnostics) {
    let time = |attr: &Attr<String>| attr.as_str().and_then(|text| text.parse::<TimeOfDay>().ok());
    let ends = time(&config.interval_window_start).zip(time(&config.interval_window_end));
    if ends.is_some_and(|(start, end)| Window::new(start, end).is_none()) {
        let detail = "The window ends when it starts.\n\nhint: all day is from `\"00:00\"` to `\"23:59\"`";
        diagnostics.error_at("interval_window_end", "Invalid window", detail);
    }
}

/// The attributes that a step of each type must and may have, with what is said where one is missing.
fn of_type(step: &Step, path: &AttributePath, diagnostics: &mut Diagnostics) {
    let Some(step_type) = step.step_type.as_str().map(StepType::from) else { return };
    let (needed, allowed): (&[(&str, &str)], &[&str]) = match step_type {
        StepType::RunProfile => (
            &[
                ("connected_system_id", "`connected_system_id = justiam_connected_system.hr.id`"),
                ("run_profile_id", "`run_profile_id = justiam_run_profile.hr_import.id`"),
            ],
            &[],
        ),
        StepType::PowerShell => {
            (&[("script_path", "`script_path = \"/srv/scripts/notify.ps1\"`")], &["arguments", "working_directory"])
        }
        StepType::Executable => {
            (&[("executable_path", "`executable_path = \"/srv/bin/report\"`")], &["arguments", "working_directory"])
        }
        StepType::SqlScript => (
            &[
                (
                    "sql_connection_string",
                    "`sql_connection_string = var.report_database`, or `sql_connection_string_wo`",
                ),
                ("sql_script_path", "`sql_script_path = \"/srv/sql/cleanup.sql\"`"),
            ],
            &["sql_connection_string_wo", "sql_connection_string_wo_version"],
        ),
        _ => return,
    };
    for (name, given) in fields_of_step(step) {
        let path = path.clone().attribute(name);
        let needs = needed.iter().find(|(needed, _)| *needed == name);
        let elsewhere = name == "sql_connection_string" && !step.sql_connection_string_wo.is_null();
        if let Some((_, example)) = needs
            && given == Given::Null
            && !elsewhere
        {
            let detail = format!("{path}: a `{step_type}` step must have it.\n\nhint: such as {example}");
            diagnostics.error_at(path, format!("Missing {name}"), detail);
        } else if needs.is_none() && given == Given::Known && !allowed.contains(&name) {
            let detail = format!(
                "{path}: it has no effect in a `{step_type}` step.\n\nhint: leave it out, or change `step_type`"
            );
            diagnostics.error_at(path, format!("Unexpected {name}"), detail);
        }
    }
}

fn fields_of_step(step: &Step) -> [(&'static str, Given); 10] {
    [
        ("connected_system_id", Given::of(&step.connected_system_id)),
        ("run_profile_id", Given::of(&step.run_profile_id)),
        ("script_path", Given::of(&step.script_path)),
        ("executable_path", Given::of(&step.executable_path)),
        ("arguments", Given::of(&step.arguments)),
        ("working_directory", Given::of(&step.working_directory)),
        ("sql_connection_string", Given::of(&step.sql_connection_string)),
        ("sql_connection_string_wo", Given::of(&step.sql_connection_string_wo)),
        ("sql_connection_string_wo_version", Given::of(&step.sql_connection_string_wo_version)),
        ("sql_script_path", Given::of(&step.sql_script_path)),
    ]
}
