//! When something fires: expressions, patterns, and what the calendar makes of them.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use justiam_planner::calendar::{WallTimes, count_ticks, latest_tick, next_tick, preview};
use justiam_planner::pattern::cron_expression;
use justiam_planner::warnings;
use justiam_sdk::api::cron::CronExpr;
use justiam_sdk::api::pattern::{FieldError, PatternFields};
use justiam_sdk::api::schedules::{IntervalUnit, MAX_CRON_EXPRESSION, PatternType};
use justiam_sdk::api::zone;

/// Zones that each do something of their own with their clocks.
const ZONES: [&str; 16] = [
    "UTC",
    "Europe/Zurich",
    "America/New_York",
    "Australia/Lord_Howe",
    "Africa/Monrovia",
    "Pacific/Apia",
    "America/St_Johns",
    "Asia/Kathmandu",
    "Africa/Casablanca",
    "Antarctica/Troll",
    "Europe/Dublin",
    "Asia/Tehran",
    "America/Nuuk",
    "Pacific/Kiritimati",
    "America/Havana",
    "Africa/Cairo",
];

/// The first instant for which an expression that was made of a pattern must fire as the pattern does: 2026-01-01.
const EXACT_FROM: i64 = 1_767_225_600;

/// How many ticks are looked at.
const TICKS: usize = 5;

/// A cron expression, after a byte for the zone and four for a second between 1970 and 2106.
pub fn cron(input: &[u8]) {
    let Some((flags, zone, after, rest)) = place(input) else { return };
    let Ok(text) = str::from_utf8(rest) else { return };
    let expr: CronExpr = match text.parse() {
        Ok(expr) => expr,
        Err(error) => {
            let length = error.to_string().chars().count();
            return assert!((1..1000).contains(&length), "a message of {length} characters");
        }
    };
    assert_eq!(expr.as_str(), text);
    let again: CronExpr = expr.as_str().parse().expect("what was read can be read again");
    assert!(again == expr && again.means(&expr) && expr.means(&again), "an expression means the same each time");
    // Slow where days depend on the month, so not with each input.
    if flags == 15 {
        let fields = expr.fields();
        let all = [
            (fields.minutes, 0..=59),
            (fields.hours, 0..=23),
            (fields.days_of_month, 1..=31),
            (fields.months, 1..=12),
            (fields.days_of_week, 0..=6),
        ];
        for (numbers, bounds) in all {
            assert!(!numbers.is_empty() && numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
            assert!(numbers.iter().all(|number| bounds.contains(number)), "{numbers:?} in {bounds:?}");
        }
    }
    agrees(&expr, &zone, after);
    for warning in warnings::warnings(&expr, &zone, after) {
        assert!(!warning.to_string().is_empty());
    }
}

/// The fields of a schedule's pattern, after the same as [`cron`] and a byte each for the type, the interval's value and its unit. The
/// texts follow, a line each.
pub fn pattern(input: &[u8]) {
    let Some((_, zone, after, rest)) = place(input) else { return };
    let Some(([kind, value, unit], rest)) = rest.split_first_chunk() else { return };
    let Ok(text) = str::from_utf8(rest) else { return };
    let mut lines = text.split('\n').map(str::to_owned);
    let fields = PatternFields {
        pattern_type: match kind % 4 {
            0 => PatternType::SpecificTimes,
            1 => PatternType::Interval,
            2 => PatternType::Custom,
            _ => PatternType::Other("Sometimes".to_owned()),
        },
        interval_value: Some(i64::from(value.cast_signed())),
        interval_unit: match unit % 4 {
            0 => Some(IntervalUnit::Minutes),
            1 => Some(IntervalUnit::Hours),
            2 => Some(IntervalUnit::Other("Days".to_owned())),
            _ => None,
        },
        days_of_week: lines.next(),
        run_times: lines.next(),
        interval_window_start: lines.next(),
        interval_window_end: lines.next(),
        cron_expression: lines.next(),
    };
    let pattern = match fields.read() {
        Ok(pattern) => pattern,
        Err(errors) => {
            assert!(!errors.is_empty(), "refused for no reason");
            for FieldError { field, message } in errors {
                assert!((1..1000).contains(&message.chars().count()), "{field}: {message}");
            }
            return;
        }
    };
    assert_eq!(pattern.to_fields().read().as_ref(), Ok(&pattern), "a pattern survives its fields");
    agrees(&pattern, &zone, after);
    for warning in warnings::of_pattern(&pattern, &zone, after) {
        assert!(!warning.to_string().is_empty());
    }
    if let Some(text) = cron_expression(&pattern, &zone) {
        assert!(text.chars().count() <= MAX_CRON_EXPRESSION, "{text} is too long to be shown");
        let expr: CronExpr = text.parse().expect("what stands for a pattern is an expression");
        let from = after.max(Timestamp::from_second(EXACT_FROM).expect("a timestamp"));
        assert_eq!(
            preview(&expr, &zone, from, TICKS),
            preview(&pattern, &zone, from, TICKS),
            "`{text}` fires as it does"
        );
    }
}

/// What the first byte says beside the zone, a zone, an instant, and what follows.
fn place(input: &[u8]) -> Option<(u8, TimeZone, Timestamp, &[u8])> {
    let (first, rest) = input.split_first()?;
    let (second, rest) = rest.split_first_chunk()?;
    let name = ZONES.get(usize::from(first & 15))?;
    let zone = zone::parse(name).expect("the zones are known");
    let after = Timestamp::from_second(u32::from_be_bytes(*second).into()).expect("the seconds are few");
    Some((first >> 4, zone, after, rest))
}

/// All that the calendar says of the next ticks must fit together.
fn agrees(times: &impl WallTimes, zone: &TimeZone, after: Timestamp) {
    let ticks = preview(times, zone, after, TICKS);
    let mut before = after;
    for (number, tick) in (1..).zip(&ticks) {
        assert!(before < *tick, "{tick} comes behind {before}");
        let moment_before = *tick - SignedDuration::from_nanos(1);
        let between = before + before.duration_until(*tick) / 2;
        for from in [moment_before, between] {
            assert_eq!(next_tick(times, zone, from), Some(*tick), "the first after {from}");
        }
        assert_eq!(count_ticks(times, zone, after, *tick), number, "how many come up to {tick}");
        assert_eq!(count_ticks(times, zone, after, moment_before), number - 1, "how many come before {tick}");
        if !times.is_fixed_time() {
            let wall = zone.to_datetime(*tick);
            assert_eq!(times.next_wall(wall, true), Some(wall), "an interval fires when the clock on the wall says so");
        }
        before = *tick;
    }
    if let (Some(first), Some(last)) = (ticks.first(), ticks.last()) {
        assert_eq!(
            latest_tick(times, zone, *first, *last),
            (*last, next_tick(times, zone, *last)),
            "the latest up to {last}"
        );
    }
}
