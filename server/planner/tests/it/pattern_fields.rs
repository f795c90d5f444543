//! Whatever the fields of a pattern hold: they are read or refused, and what is read is shown in a way that reads the same.

use justiam_planner::pattern::{cron_expression, next_after};
use justiam_sdk::api::pattern::{DaysOfWeek, PatternFields, RunTimes, TimeOfDay};
use justiam_sdk::api::schedules::{IntervalUnit, PatternType};
use proptest::prelude::*;

use super::pattern_walk::patterns;
use super::support::{at, zone};

/// Texts that are nearly right, and texts that are nothing at all.
fn texts() -> impl Strategy<Value = String> {
    let parts = prop_oneof![
        3 => (0..26_u8, 0..62_u8).prop_map(|(hour, minute)| format!("{hour}:{minute:02}")),
        3 => (0..9_u8).prop_map(|day| day.to_string()),
        1 => "[0-9:+ \\-\u{0660}\u{ff11}é\u{0}]{0,6}",
        1 => Just(" ".to_owned()),
    ];
    let lists = prop::collection::vec(parts, 0..45).prop_map(|parts| parts.join(","));
    prop_oneof![4 => lists, 1 => any::<String>(), 1 => ".{190,210}"]
}

fn fields() -> impl Strategy<Value = PatternFields> {
    let cron = prop_oneof![2 => "[1-5]?[0-9] (\\*|1?[0-9]) \\* \\* [0-7]", 1 => texts()];
    let cron = prop::option::weighted(0.9, cron);
    let times = prop_oneof![2 => "[01]?[0-9]:[0-5][0-9](,[01]?[0-9]:[0-5][0-9]){0,42}", 1 => texts()];
    let times = prop::option::weighted(0.9, times);
    let time = || prop::option::weighted(0.9, prop_oneof![3 => "[012]?[0-9]:[0-6][0-9]", 1 => texts()]);
    let days = prop::option::weighted(0.9, prop_oneof![2 => "[0-6](,[0-6]){0,5}", 1 => texts()]);
    let value = prop::option::weighted(0.9, prop_oneof![3 => 0..=60_i64, 1 => any::<i64>()]);
    let types = ["SpecificTimes", "Interval", "Custom", "Fortnightly"].map(PatternType::from).to_vec();
    let units = ["Minutes", "Hours", "Days"].map(IntervalUnit::from).to_vec();
    let unit = prop::option::weighted(0.9, prop::sample::select(units));
    (prop::sample::select(types), cron, days, times, value, unit, time(), time()).prop_map(
        |(pattern_type, cron, days, times, value, unit, start, end)| PatternFields {
            cron_expression: cron,
            days_of_week: days,
            run_times: times,
            interval_value: value,
            interval_unit: unit,
            interval_window_start: start,
            interval_window_end: end,
            ..PatternFields::new(pattern_type)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn what_is_read_is_shown_in_a_way_that_reads_the_same(fields in fields()) {
        match fields.read() {
            Ok(pattern) => {
                let shown = pattern.to_fields();
                let again = shown.read();
                prop_assert_eq!(again.as_ref(), Ok(&pattern));
                prop_assert_eq!(again.unwrap().to_fields(), shown);
                let zone = zone("America/New_York");
                prop_assert!(next_after(&pattern, &zone, at("2026-01-01T00:00:00Z")).is_some());
                cron_expression(&pattern, &zone);
            }
            Err(errors) => {
                prop_assert!(!errors.is_empty());
                for error in &errors {
                    prop_assert!(!error.message.is_empty() && error.message.chars().count() < 300, "{:?}", error);
                    prop_assert_eq!(errors.iter().filter(|other| other.field == error.field).count(), 1);
                }
            }
        }
    }

    #[test]
    fn a_pattern_survives_its_fields(pattern in patterns()) {
        prop_assert_eq!(pattern.to_fields().read(), Ok(pattern));
    }

    #[test]
    fn texts_are_read_or_refused(text in texts()) {
        if let Ok(days) = text.parse::<DaysOfWeek>() {
            prop_assert_eq!(days.to_string().parse(), Ok(days));
        }
        if let Ok(times) = text.parse::<RunTimes>() {
            prop_assert!(times.times().is_sorted_by(|a, b| a < b));
            prop_assert_eq!(times.to_string().parse(), Ok(times));
        }
        if let Ok(time) = text.parse::<TimeOfDay>() {
            prop_assert_eq!(time.to_string().parse(), Ok(time));
        }
    }
}
