//! When the pattern of a schedule fires.
//!
//! A pattern has its marks on a clock on the wall: the times of day of `SpecificTimes`, or those that an interval hits from
//! the start of its window on. [`crate::calendar`] says which instants they are in a zone, by the rule for cron expressions:
//! `SpecificTimes` are fixed times, the marks of an interval are an interval's.

mod expression;

use jiff::civil::{DateTime, date};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use justiam_sdk::api::cron::CronExpr;
use justiam_sdk::api::pattern::{DaysOfWeek, Pattern, TimeOfDay};

use crate::calendar::{self, WallTimes};
pub use expression::cron_expression;

/// Minutes of a day.
const DAY: i64 = 24 * 60;
/// Minutes of a week.
const WEEK: i64 = 7 * DAY;
/// A Sunday at midnight. Minutes are counted from it, so that weeks begin with day 0 of the mask.
const EPOCH: DateTime = date(2000, 1, 2).at(0, 0, 0, 0);

/// The first instant after `after` at which `pattern` fires in `zone`, or `None` at the end of the calendar.
pub fn next_after(pattern: &Pattern, zone: &TimeZone, after: Timestamp) -> Option<Timestamp> {
    calendar::next_tick(pattern, zone, after)
}

/// The next `n` instants after `after` at which `pattern` fires in `zone`. Whoever takes `n` from a user bounds it.
pub fn preview(pattern: &Pattern, zone: &TimeZone, after: Timestamp, n: usize) -> Vec<Timestamp> {
    calendar::preview(pattern, zone, after, n)
}

/// How many times `pattern` fires in `zone` after `after` and not after `until`. Counted by weeks and not by ticks.
pub fn count(pattern: &Pattern, zone: &TimeZone, after: Timestamp, until: Timestamp) -> i64 {
    calendar::count_ticks(pattern, zone, after, until)
}

/// The latest instant up to `now` at which `pattern` fires in `zone`, and the one after it. `tick` is one that is known, and
/// the answer where no later one is due.
pub fn latest(pattern: &Pattern, zone: &TimeZone, tick: Timestamp, now: Timestamp) -> (Timestamp, Option<Timestamp>) {
    calendar::latest_tick(pattern, zone, tick, now)
}

impl WallTimes for Pattern {
    fn next_wall(&self, from: DateTime, inclusive: bool) -> Option<DateTime> {
        match Source::of(self) {
            Source::Cron(expr) => expr.next_wall(from, inclusive),
            Source::Marks(marks) => {
                let minute = from.date().at(from.hour(), from.minute(), 0, 0);
                let next = marks.next(minutes(minute) + i64::from(!inclusive || minute < from));
                EPOCH.checked_add(SignedDuration::from_mins(next?)).ok()
            }
        }
    }

    fn is_fixed_time(&self) -> bool {
        match self {
            Self::SpecificTimes { .. } => true,
            Self::Interval { .. } => false,
            Self::Custom(expr) => expr.is_fixed_time(),
        }
    }

    fn counter(&self) -> impl Fn(DateTime, DateTime) -> i64 {
        let (cron, marks) = match Source::of(self) {
            Source::Cron(expr) => (Some(expr.counter()), None),
            Source::Marks(marks) => (None, Some(marks)),
        };
        move |from, to| {
            let by_cron = cron.as_ref().map_or(0, |count| count(from, to));
            let by_marks = marks.as_ref().map_or(0, |marks| marks.before(minutes(to)) - marks.before(minutes(from)));
            by_cron + by_marks.max(0)
        }
    }
}

/// A whole minute on the wall, as minutes since the epoch.
fn minutes(at: DateTime) -> i64 {
    EPOCH.duration_until(at).as_mins()
}

/// Where the times of a pattern come from.
enum Source<'a> {
    Cron(&'a CronExpr),
    Marks(Marks<'a>),
}

impl<'a> Source<'a> {
    fn of(pattern: &'a Pattern) -> Self {
        match pattern {
            Pattern::SpecificTimes { days, times } => {
                Self::Marks(Marks { days: *days, of_a_day: OfADay::Times(times.times()) })
            }
            Pattern::Interval { days, every, window } => {
                let start = i64::from(window.start().minutes());
                let (every, length) = (i64::from(every.in_minutes()), i64::from(window.length()));
                Self::Marks(Marks { days: *days, of_a_day: OfADay::Every { start, every, length } })
            }
            Pattern::Custom(expr) => Self::Cron(expr),
        }
    }
}

/// Marks that are the same each week.
struct Marks<'a> {
    days: DaysOfWeek,
    of_a_day: OfADay<'a>,
}

/// The marks of a day, as minutes from its midnight on. Those of a window over midnight reach into the next day, but not as
/// far as the marks that may begin there.
enum OfADay<'a> {
    Times(&'a [TimeOfDay]),
    Every { start: i64, every: i64, length: i64 },
}

impl Marks<'_> {
    /// Whether a day, counted from the epoch, is one of the pattern's.
    fn is_on(&self, day: i64) -> bool {
        u8::try_from(day.rem_euclid(7)).is_ok_and(|day| self.days.contains(day))
    }

    /// The first mark at a minute or after it.
    fn next(&self, minute: i64) -> Option<i64> {
        let today = minute.div_euclid(DAY);
        (today - 1..=today + 7)
            .filter(|day| self.is_on(*day))
            .find_map(|day| Some(day * DAY + self.of_a_day.next(minute - day * DAY)?))
    }

    /// How many marks come before a minute: a sum that grows with the minute, so that differences count.
    fn before(&self, minute: i64) -> i64 {
        let week = minute.div_euclid(WEEK);
        // Those of the Saturday before may reach into this week, so it and its week are looked at as well.
        let near = (-7..7).filter(|day| self.is_on(*day));
        let near: i64 = near.map(|day| self.of_a_day.before(minute - week * WEEK - day * DAY)).sum();
        let of_a_week: i64 = self.days.iter().map(|_| self.of_a_day.all()).sum();
        (week - 1) * of_a_week + near
    }
}

impl OfADay<'_> {
    /// The first mark at a minute or after it.
    fn next(&self, minute: i64) -> Option<i64> {
        match *self {
            Self::Times(times) => times.iter().map(|time| i64::from(time.minutes())).find(|time| *time >= minute),
            Self::Every { start, every, length } => {
                let after_start = steps(minute - start, every) * every;
                (after_start <= length).then_some(start + after_start)
            }
        }
    }

    /// How many marks come before a minute.
    fn before(&self, minute: i64) -> i64 {
        match *self {
            Self::Times(times) => times.iter().map(|time| i64::from(i64::from(time.minutes()) < minute)).sum(),
            Self::Every { start, every, length } => steps(minute - start, every).min(length / every + 1),
        }
    }

    /// How many marks there are.
    fn all(&self) -> i64 {
        // A window that starts on a day is over before the day after the next one.
        self.before(2 * DAY)
    }
}

/// How many steps it takes from the start to get to a minute or beyond.
fn steps(minute: i64, every: i64) -> i64 {
    if minute <= 0 { 0 } else { (minute - 1) / every + 1 }
}
