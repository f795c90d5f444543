//! The cron expressions of patterns: exact, or none.

use jiff::Timestamp;
use justiam_planner::calendar::ticks;
use justiam_planner::pattern::cron_expression;
use justiam_sdk::api::cron::CronExpr;
use justiam_sdk::api::pattern::{DaysOfWeek, Pattern, RunTimes, TimeOfDay};
use proptest::prelude::*;

use super::pattern_walk::{Clock, patterns, zones};
use super::support::{at, expr, interval, later, specific, zone};
use super::walk::{self, DAY};

const ALL: &str = "0,1,2,3,4,5,6";

/// In a zone that keeps its offset, and in one that does not.
fn expressions(pattern: &Pattern) -> [Option<String>; 2] {
    ["UTC", "America/New_York"].map(|name| cron_expression(pattern, &zone(name)))
}

#[test]
fn specific_times_have_one_where_hours_and_minutes_go_together() {
    for (days, times, expected) in [
        ("1,2,3,4,5", "06:00", Some("0 6 * * 1-5")),
        ("5,4,3,2,1", "6:00", Some("0 6 * * 1-5")),
        (ALL, "00:00", Some("0 0 * * *")),
        ("0,6", "06:00,12:00,18:00", Some("0 6,12,18 * * 0,6")),
        ("1,2", "08:00,09:00,10:00", Some("0 8-10 * * 1,2")),
        ("1,2,3,5", "06:15,06:45,18:15,18:45", Some("15,45 6,18 * * 1-3,5")),
        ("0", "06:00,06:15,06:30,06:45", Some("0,15,30,45 6 * * 0")),
        ("6", "23:59", Some("59 23 * * 6")),
        ("1", "06:00,07:30", None),
        ("1", "06:00,06:30,07:00", None),
    ] {
        let expected = expected.map(str::to_owned);
        // No star in the fields of minute and hour, so that zones do not matter.
        assert_eq!(expressions(&specific(days, times)), [expected.clone(), expected], "{times} on {days}");
    }
}

#[test]
fn intervals_have_one_where_hours_and_minutes_go_together_and_a_star_says_interval() {
    // Days, distance, window; the expression in UTC, and whether other zones have it too.
    for (days, every, start, end, expected, everywhere) in [
        ("1,2,3,4,5", "15m", "08:00", "17:59", Some("*/15 8-17 * * 1-5"), true),
        ("1,2,3,4,5", "15m", "08:00", "17:45", Some("*/15 8-17 * * 1-5"), true),
        (ALL, "1m", "00:00", "23:59", Some("* * * * *"), true),
        (ALL, "5m", "00:00", "23:59", Some("*/5 * * * *"), true),
        (ALL, "1h", "00:00", "23:59", Some("0 * * * *"), true),
        (ALL, "2h", "00:00", "23:59", Some("0 */2 * * *"), true),
        (ALL, "6h", "00:30", "23:59", Some("30 */6 * * *"), true),
        ("1", "30m", "06:15", "06:50", Some("15,45 6 * * 1"), false),
        ("1", "20m", "06:10", "07:59", Some("10,30,50 6,7 * * 1"), false),
        ("1,2,3,4,5", "1h", "08:00", "18:00", Some("0 8-18 * * 1-5"), false),
        ("1,2,3,4,5", "2h", "08:00", "18:00", Some("0 8,10,12,14,16,18 * * 1-5"), false),
        ("3", "59h", "09:05", "09:04", Some("5 9 * * 3"), false),
        ("3", "59m", "09:00", "09:59", Some("*/59 9 * * 3"), true),
        (ALL, "2h", "23:00", "22:59", Some("0 1,3,5,7,9,11,13,15,17,19,21,23 * * *"), false),
        // 18:00 is a mark, 18:15 is none.
        ("1,2,3,4,5", "15m", "08:00", "18:00", None, false),
        // The marks wander through the hour.
        (ALL, "59m", "00:00", "23:59", None, false),
        (ALL, "7m", "00:00", "23:59", None, false),
        (ALL, "7m", "06:00", "06:59", Some("*/7 6 * * *"), true),
        // Friday has other times than Saturday.
        ("5", "1h", "22:00", "02:00", None, false),
        // All days have the same, for each window reaches into the next day.
        (ALL, "1h", "22:00", "02:00", Some("0 0-2,22,23 * * *"), false),
        // A window over midnight whose marks all come before.
        ("5", "1h", "22:30", "00:15", Some("30 22,23 * * 5"), false),
    ] {
        let expected = expected.map(str::to_owned);
        let found = expressions(&interval(days, every, start, end));
        let elsewhere = if everywhere { expected.clone() } else { None };
        assert_eq!(found, [expected, elsewhere], "{every} from {start} to {end} on {days}");
    }
}

#[test]
fn a_zone_that_no_longer_changes_its_clocks_is_like_utc() {
    let hourly = interval("1,2,3,4,5", "1h", "08:00", "18:00");
    for name in ["UTC", "Etc/UTC", "Asia/Tokyo", "Asia/Kolkata"] {
        assert_eq!(cron_expression(&hourly, &zone(name)).as_deref(), Some("0 8-18 * * 1-5"), "{name}");
    }
    for name in ["Europe/Zurich", "Africa/Casablanca", "America/Santiago"] {
        assert_eq!(cron_expression(&hourly, &zone(name)), None, "{name}");
    }
}

#[test]
fn a_custom_pattern_keeps_its_spelling() {
    let custom = Pattern::Custom(Box::new(expr("  0 6 * * MON-FRI")));
    assert_eq!(expressions(&custom), [Some("  0 6 * * MON-FRI".to_owned()), Some("  0 6 * * MON-FRI".to_owned())]);
}

#[test]
fn one_that_is_too_long_to_be_shown_is_none() {
    // Two minutes of three in a row, so that there are no ranges.
    let pattern = |n: u8| {
        let times = (0..60).filter(|minute| minute % 3 > 0).take(n.into());
        let times = RunTimes::new(times.map(|minute| TimeOfDay::new(6, minute).unwrap()));
        Pattern::SpecificTimes { days: DaysOfWeek::new([1]).unwrap(), times: times.unwrap() }
    };
    assert_eq!(expressions(&pattern(34)), [None, None]);
    assert!(cron_expression(&pattern(33), &zone("UTC")).is_some_and(|text| text.len() == 100));
}

/// Why an interval has no expression that is a fixed time: the two would part on this day.
#[test]
fn an_expression_of_the_other_kind_would_fire_at_other_times() {
    let (hourly, zone) = (interval("0", "1h", "01:00", "04:00"), zone("America/New_York"));
    let midnight = at("2026-03-08T05:00:00Z");
    let of_the_day = |ticks: &mut dyn Iterator<Item = Timestamp>| -> Vec<i8> {
        ticks.take(3).map(|tick| tick.to_zoned(zone.clone()).hour()).collect()
    };
    assert_eq!(of_the_day(&mut ticks(&hourly, &zone, midnight)), [1, 3, 4]);
    let fixed = expr("0 1,2,4 * * 0");
    assert_eq!(of_the_day(&mut ticks(&fixed, &zone, midnight)), [1, 3, 4]);
    let two = interval("0", "2h", "02:00", "04:00");
    assert_eq!(of_the_day(&mut ticks(&two, &zone, midnight))[0], 4);
    assert_eq!(of_the_day(&mut ticks(&expr("0 2,4 * * 0"), &zone, midnight))[..2], [3, 4]);
    assert_eq!(cron_expression(&two, &zone), None);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn an_expression_fires_when_its_pattern_does(
        pattern in patterns(),
        name in zones(),
        any in 1_767_225_600_000_000_i64..2_200_000_000_000_000,
        before in 0..2 * DAY,
        near in prop::bool::weighted(0.8),
        length in 0..9 * DAY,
    ) {
        let zone = zone(&name);
        let Some(text) = cron_expression(&pattern, &zone) else { return Ok(()) };
        let expr: CronExpr = text.parse().unwrap();
        prop_assert!(text.len() <= 100);
        let after = walk::instant(&zone, any, before, near);
        let until = later(after, length);
        let by_pattern: Vec<Timestamp> = ticks(&pattern, &zone, after).take_while(|tick| *tick <= until).collect();
        let by_expression: Vec<Timestamp> = ticks(&expr, &zone, after).take_while(|tick| *tick <= until).collect();
        prop_assert_eq!(by_pattern, by_expression, "{:?} as {} in {} after {}", pattern, text, name, after);
    }
    #[test]
    fn there_is_one_exactly_where_there_can_be_one(pattern in patterns()) {
        let there_can = Clock::of(&pattern).is_a_product();
        let [steady, moving] = expressions(&pattern);
        // The fields of this pattern generator fit into the length.
        prop_assert_eq!(steady.is_some(), there_can, "{:?}", pattern);
        prop_assert!(moving.is_none() || moving == steady, "{:?}", pattern);
        prop_assert!(moving == steady || matches!(pattern, Pattern::Interval { .. }), "{:?}", pattern);
    }
}
