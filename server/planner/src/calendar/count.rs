//! Counting matches without visiting each.

use jiff::civil::{Date, DateTime, date};
use justiam_sdk::api::cron::CronExpr;

/// The times of day of an expression. They are the same on each day that matches: one bit for each hour and each minute of
/// an hour.
pub(crate) struct TimesOfDay {
    hours: u32,
    minutes: u64,
}

impl TimesOfDay {
    pub(crate) fn of(expr: &CronExpr) -> Self {
        let mut times = Self { hours: 0, minutes: 0 };
        // Any day that matches shows them.
        let Some(first) = expr.next_wall(date(2000, 1, 1).at(0, 0, 0, 0), true) else { return times };
        let mut at = Some(first);
        while let Some(minute) = at.filter(|at| at.date() == first.date() && at.hour() == first.hour()) {
            times.minutes |= 1 << minute.minute();
            at = expr.next_wall(minute, false);
        }
        let mut at = Some(first);
        while let Some(hour) = at.filter(|at| at.date() == first.date()) {
            times.hours |= 1 << hour.hour();
            at = expr.next_wall(hour.date().at(hour.hour(), 59, 0, 0), false);
        }
        times
    }

    /// How many a day that matches has.
    fn in_a_day(&self) -> i64 {
        i64::from(self.hours.count_ones() * self.minutes.count_ones())
    }

    /// How many of them come before the time of day of `at`, which is a whole minute.
    fn before(&self, at: DateTime) -> i64 {
        let hour: u32 = 1 << at.hour();
        let minutes = self.minutes & ((1_u64 << at.minute()) - 1);
        let whole_hours = (self.hours & (hour - 1)).count_ones() * self.minutes.count_ones();
        let rest = if self.hours & hour == 0 { 0 } else { minutes.count_ones() };
        i64::from(whole_hours + rest)
    }

    /// How many wall-clock times match from `from` on and before `to`, both whole minutes.
    pub(crate) fn between(&self, expr: &CronExpr, from: DateTime, to: DateTime) -> i64 {
        if from >= to {
            return 0;
        }
        let (first, last) = (from.date(), to.date());
        if first == last {
            return if day_matches(expr, first) { self.before(to) - self.before(from) } else { 0 };
        }
        let head = if day_matches(expr, first) { self.in_a_day() - self.before(from) } else { 0 };
        let tail = if day_matches(expr, last) { self.before(to) } else { 0 };
        head + days_between(expr, first, last) * self.in_a_day() + tail
    }
}

/// Whether an expression fires on a day, going by the calendar alone.
fn day_matches(expr: &CronExpr, day: Date) -> bool {
    expr.next_wall(day.at(0, 0, 0, 0), true).is_some_and(|tick| tick.date() == day)
}

/// How many days match that lie between two others.
fn days_between(expr: &CronExpr, first: Date, last: Date) -> i64 {
    let mut days = 0;
    let mut day = first;
    while let Ok(next) = day.tomorrow() {
        match expr.next_wall(next.at(0, 0, 0, 0), true) {
            Some(tick) if tick.date() < last => day = tick.date(),
            _ => break,
        }
        days += 1;
    }
    days
}
