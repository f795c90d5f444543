//! What the due time of a task or a schedule asks for.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use justiam_sdk::api::cron::CronExpr;
use justiam_sdk::api::pattern::Pattern;

use crate::calendar::{WallTimes, count_ticks, latest_tick, next_tick, preview};
use crate::warnings::{self, Warning};

/// When a task or a schedule fires by itself.
#[derive(Debug, Clone)]
pub enum Schedule {
    /// At each tick of a cron expression.
    Cron {
        /// The expression.
        expr: Box<CronExpr>,
        /// The zone in which it counts.
        zone: TimeZone,
    },
    /// At each tick of a pattern.
    Pattern {
        /// The pattern.
        pattern: Box<Pattern>,
        /// The zone in which it counts.
        zone: TimeZone,
    },
    /// One time, at or after the instant; without one never.
    Once {
        /// The instant.
        run_at: Option<Timestamp>,
    },
}

impl Schedule {
    /// When a task fires first that is created, enabled or given this schedule at `now`. An edit is never retroactive.
    pub fn first_after(&self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Cron { expr, zone } => next_tick(&**expr, zone, now),
            Self::Pattern { pattern, zone } => next_tick(&**pattern, zone, now),
            // One in the past fires at once, and its nominal time is now: an instant that fired before can be armed again.
            Self::Once { run_at } => run_at.map(|run_at| run_at.max(now)),
        }
    }

    /// The first `n` instants at which a task fires that gets this schedule at `now`, fewer where there are no more. Whoever
    /// takes `n` from a user bounds it.
    pub fn preview(&self, now: Timestamp, n: usize) -> Vec<Timestamp> {
        match self {
            Self::Cron { expr, zone } => preview(&**expr, zone, now, n),
            Self::Pattern { pattern, zone } => preview(&**pattern, zone, now, n),
            Self::Once { .. } => self.first_after(now).into_iter().take(n).collect(),
        }
    }

    /// What a user may not expect within a year from `now`.
    pub fn warnings(&self, now: Timestamp) -> Vec<Warning> {
        match self {
            Self::Cron { expr, zone } => warnings::warnings(expr, zone, now),
            Self::Pattern { pattern, zone } => warnings::of_pattern(pattern, zone, now),
            Self::Once { .. } => Vec::new(),
        }
    }
}

/// What to record for a task or a schedule whose time has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// The nominal time of the one run to record: the latest tick that is due.
    pub tick: Timestamp,
    /// How many earlier ticks the run stands for too.
    pub missed_ticks: i64,
    /// When it fires next, counted from the nominal time and not from now, so that nothing drifts.
    pub next_run_at: Option<Timestamp>,
}

/// Decides for what was to fire at `next_run_at`. `None` when that is not yet. After a downtime the missed ticks are counted and
/// not visited: a year of them takes a fraction of a millisecond.
pub fn due(schedule: &Schedule, next_run_at: Timestamp, now: Timestamp) -> Option<Due> {
    if next_run_at > now {
        return None;
    }
    Some(match schedule {
        Schedule::Cron { expr, zone } => latest_of(&**expr, zone, next_run_at, now),
        Schedule::Pattern { pattern, zone } => latest_of(&**pattern, zone, next_run_at, now),
        Schedule::Once { .. } => Due { tick: next_run_at, missed_ticks: 0, next_run_at: None },
    })
}

fn latest_of(times: &impl WallTimes, zone: &TimeZone, first: Timestamp, now: Timestamp) -> Due {
    let next = next_tick(times, zone, first);
    if next.is_none_or(|next| next > now) {
        return Due { tick: first, missed_ticks: 0, next_run_at: next };
    }
    let (tick, next) = latest_tick(times, zone, first, now);
    Due { tick, missed_ticks: count_ticks(times, zone, first, now), next_run_at: next }
}

#[cfg(test)]
mod tests {
    use justiam_sdk::api::pattern::{Every, Window};
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn hourly() -> Schedule {
        cron("0 * * * *", TimeZone::UTC)
    }

    #[test]
    fn one_run_stands_for_all_ticks_of_a_downtime() {
        let due_now = due(&hourly(), at("2026-01-01T01:00:00Z"), at("2026-01-01T04:30:00Z"));
        assert_eq!(
            due_now,
            Some(Due {
                tick: at("2026-01-01T04:00:00Z"),
                missed_ticks: 3,
                next_run_at: Some(at("2026-01-01T05:00:00Z"))
            })
        );
        assert_eq!(due(&hourly(), at("2026-01-01T05:00:00Z"), at("2026-01-01T04:59:59.999999Z")), None);
    }

    #[test]
    fn once_fires_one_time() {
        let once = Schedule::Once { run_at: Some(at("2026-01-01T00:00:00Z")) };
        assert_eq!(once.first_after(at("2025-06-01T00:00:00Z")), Some(at("2026-01-01T00:00:00Z")));
        assert_eq!(once.first_after(at("2026-06-01T00:00:00Z")), Some(at("2026-06-01T00:00:00Z")));
        let fired = due(&once, at("2026-01-01T00:00:00Z"), at("2026-06-01T00:00:00Z")).unwrap();
        assert_eq!((fired.missed_ticks, fired.next_run_at), (0, None));
        assert_eq!(Schedule::Once { run_at: None }.first_after(at("2026-06-01T00:00:00Z")), None);
    }

    fn cron(text: &str, zone: TimeZone) -> Schedule {
        Schedule::Cron { expr: Box::new(text.parse().unwrap()), zone }
    }

    /// `days at times`, or `days from start to end` every seven minutes.
    fn pattern(text: &str, zone: TimeZone) -> Schedule {
        let words: Vec<&str> = text.split(' ').collect();
        let pattern = match *words.as_slice() {
            [days, "at", times] => {
                Pattern::SpecificTimes { days: days.parse().unwrap(), times: times.parse().unwrap() }
            }
            [days, "from", start, "to", end] => {
                let window = Window::new(start.parse().unwrap(), end.parse().unwrap()).unwrap();
                Pattern::Interval { days: days.parse().unwrap(), every: Every::minutes(7).unwrap(), window }
            }
            _ => panic!("{text}"),
        };
        Schedule::Pattern { pattern: Box::new(pattern), zone }
    }

    #[test]
    fn a_pattern_is_due_as_an_expression_is() {
        let schedule = pattern("1,2,3,4,5 at 06:00", TimeZone::UTC);
        // A Friday, and Tuesday after it.
        let (friday, now) = (at("2026-01-02T06:00:00Z"), at("2026-01-06T08:00:00Z"));
        assert_eq!(schedule.first_after(at("2026-01-01T06:00:00Z")), Some(friday));
        assert_eq!(schedule.preview(friday, 2), [at("2026-01-05T06:00:00Z"), at("2026-01-06T06:00:00Z")]);
        let expected =
            Due { tick: at("2026-01-06T06:00:00Z"), missed_ticks: 2, next_run_at: Some(at("2026-01-07T06:00:00Z")) };
        assert_eq!(due(&schedule, friday, now), Some(expected));
        assert_eq!(due(&cron("0 6 * * 1-5", TimeZone::UTC), friday, now), Some(expected));
    }

    proptest! {
        #[test]
        fn ticks_rise_strictly_and_splitting_a_downtime_loses_none(
            text in prop::sample::select(vec![
                "*/7 * * * *",
                "30 2 * * *",
                "0 1-3 * * *",
                "0 0 1 * *",
                "15 */5 * * 1-5",
                "0,6 at 00:30,01:30,02:30,12:00",
                "0,1,2,3,4,5,6 from 22:00 to 04:00",
                "0 from 00:00 to 23:59",
            ]),
            zone in prop::sample::select(vec!["UTC", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "America/Santiago"]),
            start in 1_700_000_000_i64..1_900_000_000,
            minutes in 0_i64..60_000,
            split in 0_i64..60_000,
        ) {
            let zone = justiam_sdk::api::zone::parse(zone).unwrap();
            let is_pattern = text.contains("at") || text.contains("from");
            let schedule = if is_pattern { pattern(text, zone) } else { cron(text, zone) };
            let start = Timestamp::from_second(start).unwrap();
            let end = Timestamp::from_second(start.as_second() + minutes * 60).unwrap();
            let middle = Timestamp::from_second(start.as_second() + split.min(minutes) * 60).unwrap();
            let first = schedule.first_after(start).unwrap();
            prop_assert!(first > start);
            let whole = due(&schedule, first, end);
            let mut count = 0;
            let mut next = first;
            for until in [middle, end] {
                if let Some(part) = due(&schedule, next, until) {
                    prop_assert!(part.tick <= until);
                    prop_assert!(part.next_run_at.unwrap() > until);
                    count += part.missed_ticks + 1;
                    next = part.next_run_at.unwrap();
                }
            }
            prop_assert_eq!(count, whole.map_or(0, |whole| whole.missed_ticks + 1));
            prop_assert_eq!(next, whole.map_or(first, |whole| whole.next_run_at.unwrap()));
        }
    }
}
