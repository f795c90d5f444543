//! Counting matches without visiting each.

use jiff::civil::{Date, DateTime, Time, date};
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
        // Each is tried by itself: whatever comes after the last one of the day may be decades away.
        for minute in (0..60).filter(|minute| expr.matches(first.date().at(first.hour(), *minute, 0, 0))) {
            times.minutes |= 1 << minute;
        }
        for hour in (0..24).filter(|hour| expr.matches(first.date().at(*hour, first.minute(), 0, 0))) {
            times.hours |= 1 << hour;
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
            return if self.on(expr, first) { self.before(to) - self.before(from) } else { 0 };
        }
        let head = if self.on(expr, first) { self.in_a_day() - self.before(from) } else { 0 };
        let tail = if self.on(expr, last) { self.before(to) } else { 0 };
        head + self.days_between(expr, first, last) * self.in_a_day() + tail
    }

    /// Whether an expression fires on a day, going by the calendar alone: one of the times of day tells it.
    fn on(&self, expr: &CronExpr, day: Date) -> bool {
        let (hour, minute) = (self.hours.trailing_zeros(), self.minutes.trailing_zeros());
        let time = i8::try_from(hour).ok().zip(i8::try_from(minute).ok());
        time.and_then(|(hour, minute)| Time::new(hour, minute, 0, 0).ok())
            .is_some_and(|time| expr.matches(day.to_datetime(time)))
    }

    /// How many days match that lie between two others. Each is looked at by itself: the next match may be decades away.
    fn days_between(&self, expr: &CronExpr, first: Date, last: Date) -> i64 {
        let after = std::iter::successors(first.tomorrow().ok(), |day| day.tomorrow().ok());
        let matching = after.take_while(|day| *day < last).filter(|day| self.on(expr, *day)).count();
        i64::try_from(matching).unwrap_or(i64::MAX)
    }
}
