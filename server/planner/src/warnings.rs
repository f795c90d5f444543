//! What a user may not expect of an expression or a pattern: what daylight saving does to it in the coming year, and fields of
//! an expression that mean something else than they seem to.

use std::fmt;

use jiff::civil::{Date, DateTime, Time, date};
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};
use justiam_sdk::api::cron::CronExpr;
use justiam_sdk::api::pattern::Pattern;

use crate::calendar::WallTimes;
use crate::calendar::stretch::{next_change, wall};

/// How far ahead changes of the clocks are looked for.
const YEAR: SignedDuration = SignedDuration::from_hours(366 * 24);

/// How many changes of the clocks are looked at. Zones have two a year, at most four.
const MAX_CHANGES: usize = 16;

/// How many times a message names one by one.
const NAMED: usize = 2;

/// One thing that a user may not expect. Displays as a sentence without a full stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// What it is about.
    pub kind: Kind,
    /// The day on which it happens, in the zone of the schedule; `None` where it is about every day.
    pub date: Option<Date>,
    message: String,
}

/// What a warning is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Times that the clocks skip, so that the tick comes later.
    Moved,
    /// Times that the clocks show twice, of which only the first counts.
    RunsOnce,
    /// A day with fewer ticks than usual.
    FewerTicks,
    /// A day with more ticks than usual.
    MoreTicks,
    /// Day of month and day of week are given, and one of them is enough.
    EitherDay,
    /// Day of month and day of week are given, and both must match.
    BothDays,
    /// Fires in leap years only.
    LeapDayOnly,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// What a user may not expect of `expr` in `zone` within a year from `now`: first what is about every day, then the days on
/// which the clocks change, in order.
pub fn warnings(expr: &CronExpr, zone: &TimeZone, now: Timestamp) -> Vec<Warning> {
    let mut found = Vec::new();
    found.extend(day_fields(expr));
    found.extend(leap_day(expr, zone, now));
    found.extend(changes_of_clocks(expr, zone, now));
    found
}

/// What a user may not expect of `expr` at any time and in any zone.
pub fn of_expression(expr: &CronExpr) -> Vec<Warning> {
    let leap_day = is_leap_day(expr).then(|| {
        let message = "it fires on 29 February only, so in leap years".to_owned();
        Warning { kind: Kind::LeapDayOnly, date: None, message }
    });
    day_fields(expr).into_iter().chain(leap_day).collect()
}

/// What a user may not expect of a pattern in `zone` within a year from `now`.
pub fn of_pattern(pattern: &Pattern, zone: &TimeZone, now: Timestamp) -> Vec<Warning> {
    if let Pattern::Custom(expr) = pattern { warnings(expr, zone, now) } else { changes_of_clocks(pattern, zone, now) }
}

fn changes_of_clocks(times: &impl WallTimes, zone: &TimeZone, now: Timestamp) -> Vec<Warning> {
    let mut found = Vec::new();
    let between = times.counter();
    let until = now.saturating_add(YEAR).unwrap_or(Timestamp::MAX);
    let changes = std::iter::successors(next_change(zone, now), |change| next_change(zone, *change));
    let mut old_offset = zone.to_offset(now);
    for change in changes.take_while(|change| *change <= until).take(MAX_CHANGES) {
        let offset = zone.to_offset(change);
        if let Some(clocks) = Clocks::at(change, old_offset, offset) {
            if times.is_fixed_time() {
                found.extend(clocks.fixed_times(times, &between));
            } else {
                found.extend(clocks.interval(&between));
            }
        }
        old_offset = offset;
    }
    found
}

/// A change of the clocks.
struct Clocks {
    from: DateTime,
    to: DateTime,
}

impl Clocks {
    fn at(change: Timestamp, old: Offset, new: Offset) -> Option<Self> {
        let clocks = Self { from: wall(change, old)?, to: wall(change, new)? };
        (clocks.from != clocks.to).then_some(clocks)
    }

    /// The wall-clock times that it skips or repeats: from the first on, before the second.
    fn range(&self) -> (DateTime, DateTime) {
        (self.from.min(self.to), self.from.max(self.to))
    }

    fn skips(&self) -> bool {
        self.from < self.to
    }

    fn fixed_times(&self, times: &impl WallTimes, between: impl Fn(DateTime, DateTime) -> i64) -> Option<Warning> {
        let (first, end) = self.range();
        let count = between(first, end);
        if count == 0 {
            return None;
        }
        let (day, one) = (first.date(), count == 1);
        let named = self.names(times, count);
        let (kind, message) = if self.skips() {
            let to = time_on(day, self.to);
            let verb = if one { "does" } else { "do" };
            let what = match (times.next_wall(end, true) == Some(end), one) {
                (true, true) => format!("the run at {to} stands for it too"),
                (true, false) => format!("the run at {to} stands for them too"),
                (false, true) => format!("it runs at {to}"),
                (false, false) => format!("one run at {to} stands for them"),
            };
            (Kind::Moved, format!("{named} {verb} not exist; {what}"))
        } else if one {
            (Kind::RunsOnce, format!("{named} comes twice; it runs at the first"))
        } else {
            (Kind::RunsOnce, format!("{named} come twice; each runs at the first"))
        };
        Some(self.warning(kind, day, &message))
    }

    /// One warning for each day that has more or fewer ticks; there are two where midnight is among the times.
    fn interval(&self, between: impl Fn(DateTime, DateTime) -> i64) -> Vec<Warning> {
        let (first, end) = self.range();
        let mut found = Vec::new();
        let mut from = first;
        while from < end {
            let day = from.date();
            let tomorrow = day.tomorrow().map_or(end, |next| next.to_datetime(Time::midnight()));
            let to = tomorrow.min(end);
            let count = between(from, to);
            if count > 0 {
                let usual = between(day.to_datetime(Time::midnight()), tomorrow);
                let (kind, ticks) =
                    if self.skips() { (Kind::FewerTicks, usual - count) } else { (Kind::MoreTicks, usual + count) };
                let when = if day == self.from.date() { "that day".to_owned() } else { format!("on {day}") };
                let usually = if usual == 1 { "once".to_owned() } else { format!("{usual} times") };
                let message = match ticks {
                    0 => format!("it does not run {when}"),
                    1 => format!("it runs once {when}, usually {usually}"),
                    _ => format!("it runs {ticks} times {when}, usually {usually}"),
                };
                found.push(self.warning(kind, day, &message));
            }
            from = to;
        }
        found
    }

    /// The first of the times that it skips or repeats, and how many there are beside.
    fn names(&self, times: &impl WallTimes, count: i64) -> String {
        let (first, end) = self.range();
        let walls = std::iter::successors(times.next_wall(first, true), |wall| times.next_wall(*wall, false));
        let names: Vec<String> =
            walls.take_while(|wall| *wall < end).take(NAMED).map(|wall| time_on(first.date(), wall)).collect();
        let more = count - i64::try_from(names.len()).unwrap_or(0);
        if more == 0 {
            return names.join(" and ");
        }
        format!("{}, and {more} more", names.join(", "))
    }

    fn warning(&self, kind: Kind, day: Date, what: &str) -> Warning {
        let (from, to) = (time_on(self.from.date(), self.from), time_on(self.from.date(), self.to));
        let go = if self.skips() { "go" } else { "go back" };
        let message = format!("on {} the clocks {go} from {from} to {to}: {what}", self.from.date());
        Warning { kind, date: Some(day), message }
    }
}

/// The time alone where it is clear which day is meant.
fn time_on(day: Date, at: DateTime) -> String {
    let time = at.strftime("%H:%M");
    if at.date() == day { time.to_string() } else { format!("{time} on {}", at.date()) }
}

/// How the two day fields go together, where a user may think otherwise.
fn day_fields(expr: &CronExpr) -> Option<Warning> {
    let fields: Vec<&str> = expr.as_str().split_whitespace().collect();
    let &[_, _, day, _, weekday] = fields.as_slice() else { return None };
    let plain = |field: &str| matches!(field, "*" | "?");
    if plain(day) || plain(weekday) {
        return None;
    }
    let starts_with_star = |field: &str| field.starts_with(['*', '?']);
    let (kind, message) = if starts_with_star(day) || starts_with_star(weekday) {
        let message = format!(
            "a day must match both day of month `{day}` and day of week `{weekday}`, because one of the fields starts with `*`"
        );
        (Kind::BothDays, message)
    } else {
        let message = format!(
            "a day that matches either day of month `{day}` or day of week `{weekday}` is enough, because neither field starts \
             with `*`"
        );
        (Kind::EitherDay, message)
    };
    Some(Warning { kind, date: None, message })
}

fn leap_day(expr: &CronExpr, zone: &TimeZone, now: Timestamp) -> Option<Warning> {
    if !is_leap_day(expr) {
        return None;
    }
    let next = expr.next_wall(wall(now, zone.to_offset(now))?, false)?.date();
    let message = format!("it fires on 29 February only; the next one is {next}");
    Some(Warning { kind: Kind::LeapDayOnly, date: None, message })
}

/// Whether an expression fires on 29 February and on no other day.
fn is_leap_day(expr: &CronExpr) -> bool {
    // Every combination of another date and a weekday comes up within these years.
    let mut day = date(2000, 1, 1);
    while let Some(tick) = expr.next_wall(day.at(0, 0, 0, 0), true).filter(|tick| tick.year() <= 2040) {
        if (tick.month(), tick.day()) != (2, 29) {
            return false;
        }
        day = date(tick.year(), 3, 1);
    }
    true
}

#[cfg(test)]
mod tests {
    use justiam_sdk::api::pattern::{Every, Window};

    use super::*;

    fn texts(expr: &str, zone: &str, now: &str) -> Vec<String> {
        let zone = justiam_sdk::api::zone::parse(zone).unwrap();
        let found = warnings(&expr.parse().unwrap(), &zone, now.parse().unwrap());
        found.iter().map(ToString::to_string).collect()
    }

    const NOW: &str = "2026-01-01T00:00:00Z";
    const SPRING: &str = "on 2026-03-08 the clocks go from 02:00 to 03:00: ";
    const AUTUMN: &str = "on 2026-11-01 the clocks go back from 02:00 to 01:00: ";

    #[test]
    fn daylight_saving_in_words() {
        let cases: [(&str, &[(&str, &str)]); 14] = [
            ("0 3 * * *", &[]),
            ("30 2 * * *", &[(SPRING, "02:30 does not exist; it runs at 03:00")]),
            ("0,30 2 * * *", &[(SPRING, "02:00 and 02:30 do not exist; one run at 03:00 stands for them")]),
            ("0-59 2 * * *", &[(SPRING, "02:00, 02:01, and 58 more do not exist; one run at 03:00 stands for them")]),
            ("0 2,3 * * *", &[(SPRING, "02:00 does not exist; the run at 03:00 stands for it too")]),
            ("0,30 2-3 * * *", &[(SPRING, "02:00 and 02:30 do not exist; the run at 03:00 stands for them too")]),
            ("30 1 * * *", &[(AUTUMN, "01:30 comes twice; it runs at the first")]),
            ("0,30 1 * * *", &[(AUTUMN, "01:00 and 01:30 come twice; each runs at the first")]),
            ("30 1 * * 1", &[]),
            ("*/15 2 * * *", &[(SPRING, "it does not run that day")]),
            ("* 2 8 3 *", &[(SPRING, "it does not run that day")]),
            (
                "*/15 * * * *",
                &[
                    (SPRING, "it runs 92 times that day, usually 96 times"),
                    (AUTUMN, "it runs 100 times that day, usually 96 times"),
                ],
            ),
            ("30 */2 * * *", &[(SPRING, "it runs 11 times that day, usually 12 times")]),
            ("* 1 * * *", &[(AUTUMN, "it runs 120 times that day, usually 60 times")]),
        ];
        for (expr, expected) in cases {
            let expected: Vec<String> = expected.iter().map(|(when, what)| format!("{when}{what}")).collect();
            assert_eq!(texts(expr, "America/New_York", NOW), expected, "{expr}");
            assert_eq!(texts(expr, "UTC", NOW), [""; 0], "{expr}");
        }
    }

    #[test]
    fn gaps_and_folds_of_other_kinds() {
        for (expr, zone, now, expected) in [
            (
                "15 2 * * *",
                "Australia/Lord_Howe",
                NOW,
                "on 2026-10-04 the clocks go from 02:00 to 02:30: 02:15 does not exist; it runs at 02:30",
            ),
            (
                "0 0 * * *",
                "Africa/Cairo",
                NOW,
                "on 2026-04-24 the clocks go from 00:00 to 01:00: 00:00 does not exist; it runs at 01:00",
            ),
            (
                "59 23 * * *",
                "Africa/Cairo",
                NOW,
                "on 2026-10-30 the clocks go back from 00:00 to 23:00 on 2026-10-29: 23:59 comes twice; it runs at the first",
            ),
            (
                "0 12 * * *",
                "Pacific/Apia",
                "2011-12-01T00:00:00Z",
                "on 2011-12-30 the clocks go from 00:00 to 00:00 on 2011-12-31: 12:00 does not exist; it runs at 00:00 on 2011-12-31",
            ),
            (
                "0 */6 * * *",
                "Pacific/Apia",
                "2011-12-01T00:00:00Z",
                "on 2011-12-30 the clocks go from 00:00 to 00:00 on 2011-12-31: it does not run that day",
            ),
            (
                "30 */23 * * *",
                "Africa/Cairo",
                NOW,
                "on 2026-10-30 the clocks go back from 00:00 to 23:00 on 2026-10-29: it runs 3 times on 2026-10-29, usually 2 times",
            ),
        ] {
            let found = texts(expr, zone, now);
            assert!(found.iter().any(|text| text == expected), "{expr} in {zone}: {found:#?}");
        }
    }

    #[test]
    fn patterns_are_told_of_the_same_way() {
        let time = |text: &str| text.parse().unwrap();
        let specific = |days: &str, times: &str| Pattern::SpecificTimes {
            days: days.parse().unwrap(),
            times: times.parse().unwrap(),
        };
        let hourly = |days: &str, start: &str, end: &str| Pattern::Interval {
            days: days.parse().unwrap(),
            every: Every::hours(1).unwrap(),
            window: Window::new(time(start), time(end)).unwrap(),
        };
        let custom = Pattern::Custom(Box::new("30 1 * * *".parse().unwrap()));
        let cases: [(Pattern, &[(&str, &str)]); 8] = [
            (specific("1,2,3,4,5", "02:30"), &[]),
            (specific("0", "02:30,12:00"), &[(SPRING, "02:30 does not exist; it runs at 03:00")]),
            (specific("0", "02:30,03:00"), &[(SPRING, "02:30 does not exist; the run at 03:00 stands for it too")]),
            (specific("0", "01:30"), &[(AUTUMN, "01:30 comes twice; it runs at the first")]),
            (hourly("1,2,3,4,5", "08:00", "18:00"), &[]),
            (
                hourly("0", "00:00", "03:00"),
                &[
                    (SPRING, "it runs 3 times that day, usually 4 times"),
                    (AUTUMN, "it runs 5 times that day, usually 4 times"),
                ],
            ),
            // The night from Saturday reaches into the Sunday.
            (
                hourly("6", "22:00", "02:00"),
                &[
                    (SPRING, "it runs 2 times that day, usually 3 times"),
                    (AUTUMN, "it runs 4 times that day, usually 3 times"),
                ],
            ),
            (custom, &[(AUTUMN, "01:30 comes twice; it runs at the first")]),
        ];
        let zone = justiam_sdk::api::zone::parse("America/New_York").unwrap();
        for (pattern, expected) in cases {
            let expected: Vec<String> = expected.iter().map(|(when, what)| format!("{when}{what}")).collect();
            let found = of_pattern(&pattern, &zone, NOW.parse().unwrap());
            assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), expected, "{pattern:?}");
            assert_eq!(of_pattern(&pattern, &TimeZone::UTC, NOW.parse().unwrap()), []);
        }
    }

    #[test]
    fn only_the_coming_year_counts() {
        // From between the two changes of 2026: first the autumn of that year, then the spring of the next.
        let found = texts("30 * * * *", "America/New_York", "2026-06-01T00:00:00Z");
        assert_eq!(found.len(), 2, "{found:#?}");
        assert!(found[0].starts_with(AUTUMN) && found[1].starts_with("on 2027-03-14 "), "{found:#?}");
    }

    #[test]
    fn day_fields_in_words() {
        let either = "a day that matches either day of month `13` or day of week `5` is enough, because neither field starts with `*`";
        let both =
            "a day must match both day of month `*/13` and day of week `5`, because one of the fields starts with `*`";
        for (expr, expected) in [
            ("0 0 13 * 5", Some(either)),
            ("0 0 */13 * 5", Some(both)),
            ("0 0 13 * *", None),
            ("0 0 * * 5", None),
            ("0 0 ? * 5", None),
            ("0 0 */2 * *", None),
            ("@weekly", None),
        ] {
            assert_eq!(texts(expr, "UTC", NOW), expected.into_iter().collect::<Vec<_>>(), "{expr}");
        }
    }

    #[test]
    fn leap_days_in_words() {
        let next = |day: &str| vec![format!("it fires on 29 February only; the next one is {day}")];
        assert_eq!(texts("0 0 29 2 *", "UTC", NOW), next("2028-02-29"));
        assert_eq!(texts("0 0 29 2 *", "UTC", "2097-01-01T00:00:00Z"), next("2104-02-29"));
        assert_eq!(texts("0 0 L 2 *", "UTC", NOW), [""; 0]);
        assert_eq!(texts("0 0 28,29 2 *", "UTC", NOW), [""; 0]);
    }

    #[test]
    fn what_holds_at_any_time_needs_neither_zone_nor_clock() {
        let texts = |expr: &str| -> Vec<String> {
            of_expression(&expr.parse().unwrap()).iter().map(ToString::to_string).collect()
        };
        assert_eq!(texts("0 0 29 2 *"), ["it fires on 29 February only, so in leap years"]);
        assert_eq!(texts("30 2 * * *"), [""; 0]);
        let [either] = &texts("0 0 13 * 5")[..] else { panic!("one warning") };
        assert!(either.starts_with("a day that matches either"), "{either}");
    }

    #[test]
    fn kinds_and_dates() {
        let zone = justiam_sdk::api::zone::parse("America/New_York").unwrap();
        let found = warnings(&"30 1,2 13 3,11 0".parse().unwrap(), &zone, NOW.parse().unwrap());
        let found: Vec<_> = found.iter().map(|warning| (warning.kind, warning.date)).collect();
        let day = |month, day| Some(date(2026, month, day));
        assert_eq!(found, [(Kind::EitherDay, None), (Kind::Moved, day(3, 8)), (Kind::RunsOnce, day(11, 1))]);
    }
}
