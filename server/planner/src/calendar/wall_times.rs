//! Times on a clock on the wall: what an expression or a pattern says before a zone comes into it.

use jiff::civil::DateTime;
use justiam_sdk::api::cron::CronExpr;

use super::count::TimesOfDay;

/// Whole minutes on a clock on the wall that come again and again. The calendar says which instants they are in a zone.
pub trait WallTimes {
    /// The first of them: after `from`, or at it when `inclusive`. `None` when none is left before the end of the calendar.
    fn next_wall(&self, from: DateTime, inclusive: bool) -> Option<DateTime>;

    /// Whether they are fixed times, as opposed to an interval. The two kinds meet daylight saving differently.
    fn is_fixed_time(&self) -> bool;

    /// Counts those from one time on and before another, both whole minutes. What a count needs is worked out once, here.
    fn counter(&self) -> impl Fn(DateTime, DateTime) -> i64;
}

impl WallTimes for CronExpr {
    fn next_wall(&self, from: DateTime, inclusive: bool) -> Option<DateTime> {
        Self::next_wall(self, from, inclusive)
    }

    fn is_fixed_time(&self) -> bool {
        Self::is_fixed_time(self)
    }

    fn counter(&self) -> impl Fn(DateTime, DateTime) -> i64 {
        let times = TimesOfDay::of(self);
        move |from, to| times.between(self, from, to)
    }
}
