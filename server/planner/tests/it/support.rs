//! Short ways to say things.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use justiam_planner::calendar::{WallTimes, ticks};
use justiam_planner::due::Schedule;
use justiam_sdk::api::cron::CronExpr;
use justiam_sdk::api::pattern::{DaysOfWeek, Every, Pattern, RunTimes, TimeOfDay, Window};

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn expr(text: &str) -> CronExpr {
    text.parse().unwrap()
}

pub(crate) fn zone(name: &str) -> TimeZone {
    justiam_sdk::api::zone::parse(name).unwrap()
}

pub(crate) fn cron(text: &str, name: &str) -> Schedule {
    Schedule::Cron { expr: Box::new(expr(text)), zone: zone(name) }
}

pub(crate) fn later(at: Timestamp, seconds: i64) -> Timestamp {
    at.checked_add(SignedDuration::from_secs(seconds)).unwrap()
}

/// Days such as `1,2,3`, times such as `06:00,12:30`.
pub(crate) fn specific(days: &str, times: &str) -> Pattern {
    let (days, times): (DaysOfWeek, RunTimes) = (days.parse().unwrap(), times.parse().unwrap());
    Pattern::SpecificTimes { days, times }
}

/// Days such as `1,2,3`, a distance such as `15m` or `2h`, the ends of the window.
pub(crate) fn interval(days: &str, every: &str, start: &str, end: &str) -> Pattern {
    let time = |text: &str| text.parse::<TimeOfDay>().unwrap();
    let (value, unit) = every.split_at(every.len() - 1);
    let value = value.parse().unwrap();
    let every = if unit == "h" { Every::hours(value) } else { Every::minutes(value) };
    let window = Window::new(time(start), time(end)).unwrap();
    Pattern::Interval { days: days.parse().unwrap(), every: every.unwrap(), window }
}

/// The ticks after the first instant up to the second, as local time and offset; 200 at most.
pub(crate) fn between(text: &str, name: &str, from: &str, until: &str) -> Vec<String> {
    shown(&expr(text), name, from, until)
}

/// The same of whatever has times.
pub(crate) fn shown(times: &impl WallTimes, name: &str, from: &str, until: &str) -> Vec<String> {
    let (zone, until) = (zone(name), at(until));
    ticks(times, &zone, at(from))
        .take_while(|tick| *tick <= until)
        .take(200)
        .map(|tick| tick.to_zoned(zone.clone()).strftime("%m-%d %H:%M %:z").to_string())
        .collect()
}
