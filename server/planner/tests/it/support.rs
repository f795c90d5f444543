//! Short ways to say things.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use justiam_planner::calendar::ticks;
use justiam_planner::due::Schedule;
use justiam_sdk::api::cron::CronExpr;

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

/// The ticks after the first instant up to the second, as local time and offset; 200 at most.
pub(crate) fn between(text: &str, name: &str, from: &str, until: &str) -> Vec<String> {
    let (expr, zone, until) = (expr(text), zone(name), at(until));
    ticks(&expr, &zone, at(from))
        .take_while(|tick| *tick <= until)
        .take(200)
        .map(|tick| tick.to_zoned(zone.clone()).strftime("%m-%d %H:%M %:z").to_string())
        .collect()
}
