//! Patterns against a walk that looks at every minute and knows no arithmetic, in all zones of the database.

use std::collections::BTreeSet;

use jiff::civil::{DateTime, Time, date};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use justiam_planner::calendar::{WallTimes as _, ticks};
use justiam_planner::due::{Due, Schedule, due};
use justiam_planner::pattern::{count, latest, next_after, preview};
use justiam_sdk::api::pattern::{DaysOfWeek, Every, Pattern, RunTimes, TimeOfDay, Window};
use proptest::prelude::*;

use super::support::{later, zone};
use super::walk::{self, DAY};

/// The minutes of a week at which a pattern has a mark, found by looking at a clock that goes on minute by minute.
pub(crate) struct Clock(BTreeSet<(i8, Time)>);

impl Clock {
    pub(crate) fn of(pattern: &Pattern) -> Self {
        let mut marks = BTreeSet::new();
        // A Sunday. The window of a Saturday ends on the next one, which is another day of the same name.
        let sunday = date(2023, 1, 1);
        for day in 0..7_i8 {
            let at = |time: TimeOfDay| {
                let midnight = sunday.checked_add(SignedDuration::from_hours(24 * i64::from(day))).unwrap();
                midnight.at(time.hour().cast_signed(), time.minute().cast_signed(), 0, 0)
            };
            let on = |days: &DaysOfWeek| days.iter().any(|on| i8::try_from(on).unwrap() == day);
            let mut mark = |at: DateTime| marks.insert((at.weekday().to_sunday_zero_offset(), at.time()));
            match pattern {
                Pattern::SpecificTimes { days, times } if on(days) => {
                    for time in times.times() {
                        mark(at(*time));
                    }
                }
                Pattern::Interval { days, every, window } if on(days) => {
                    let mut clock = at(window.start());
                    for minute in 0.. {
                        if minute % every.in_minutes() == 0 {
                            mark(clock);
                        }
                        if (clock.hour(), clock.minute()) == (at(window.end()).hour(), at(window.end()).minute()) {
                            break;
                        }
                        clock = clock.checked_add(SignedDuration::from_mins(1)).unwrap();
                    }
                }
                Pattern::SpecificTimes { .. } | Pattern::Interval { .. } => {}
                Pattern::Custom(_) => panic!("expressions have a walk of their own"),
            }
        }
        Self(marks)
    }

    /// Whether the marks are at some minutes of some hours of some days, all with all.
    pub(crate) fn is_a_product(&self) -> bool {
        let days: BTreeSet<i8> = self.0.iter().map(|(day, _)| *day).collect();
        let hours: BTreeSet<i8> = self.0.iter().map(|(_, time)| time.hour()).collect();
        let minutes: BTreeSet<i8> = self.0.iter().map(|(_, time)| time.minute()).collect();
        days.len() * hours.len() * minutes.len() == self.0.len()
    }

    fn shows(&self, wall: DateTime) -> bool {
        self.0.contains(&(wall.weekday().to_sunday_zero_offset(), wall.time()))
    }
}

fn walk(pattern: &Pattern, zone: &TimeZone, after: Timestamp, until: Timestamp) -> Vec<Timestamp> {
    let clock = Clock::of(pattern);
    let fixed = matches!(pattern, Pattern::SpecificTimes { .. });
    walk::walk(fixed, |wall| clock.shows(wall), zone, after, until)
}

/// Times of day, more of them at hours at which clocks are changed.
fn times_of_day() -> impl Strategy<Value = TimeOfDay> {
    let hours = prop_oneof![2 => 0..24_u8, 2 => 0..4_u8, 1 => Just(23_u8)];
    let minutes = prop_oneof![1 => 0..60_u8, 1 => Just(0_u8), 1 => Just(30_u8), 1 => Just(59_u8)];
    (hours, minutes).prop_map(|(hour, minute)| TimeOfDay::new(hour, minute).unwrap())
}

fn days_of_week() -> impl Strategy<Value = DaysOfWeek> {
    let some = prop::collection::btree_set(0..7_u8, 1..7).prop_map(|days| DaysOfWeek::new(days).unwrap());
    prop_oneof![3 => some, 1 => Just(DaysOfWeek::ALL), 1 => Just(DaysOfWeek::WORKING_DAYS)]
}

pub(crate) fn patterns() -> impl Strategy<Value = Pattern> {
    let any_times = prop::collection::vec(times_of_day(), 1..12).prop_map(|times| RunTimes::new(times).unwrap());
    let product = (prop::collection::btree_set(0..24_u8, 1..6), prop::collection::btree_set(0..60_u8, 1..5));
    let product = product.prop_map(|(hours, minutes)| {
        let times = hours.iter().flat_map(|hour| minutes.iter().map(|minute| TimeOfDay::new(*hour, *minute).unwrap()));
        RunTimes::new(times).unwrap()
    });
    let values = prop_oneof![2 => 1..60_u8, 1 => prop::sample::select(vec![1_u8, 5, 10, 15, 20, 30, 59])];
    let every = (values, any::<bool>());
    let every =
        every.prop_map(|(value, hours)| if hours { Every::hours(value) } else { Every::minutes(value) }.unwrap());
    let whole_hours = (0..24_u8, 0..24_u8, prop::sample::select(vec![0_u8, 30, 59]));
    let whole_hours = whole_hours.prop_filter_map("no window", |(start, end, minute)| {
        Window::new(TimeOfDay::new(start, 0)?, TimeOfDay::new(end, minute)?)
    });
    let any_window = (times_of_day(), times_of_day());
    let any_window = any_window.prop_filter_map("no window", |(start, end)| Window::new(start, end));
    let window = prop_oneof![2 => any_window, 2 => whole_hours, 1 => Just(Window::ALL_DAY)];
    prop_oneof![
        1 => (days_of_week(), any_times).prop_map(|(days, times)| Pattern::SpecificTimes { days, times }),
        1 => (days_of_week(), product).prop_map(|(days, times)| Pattern::SpecificTimes { days, times }),
        2 => (days_of_week(), every, window).prop_map(|(days, every, window)| Pattern::Interval { days, every, window }),
    ]
}

/// All zones, and often one of those whose clocks change in different ways.
pub(crate) fn zones() -> impl Strategy<Value = String> {
    let often = ["America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "America/Santiago", "UTC"];
    prop_oneof![prop::sample::select(often.map(str::to_owned).to_vec()), prop::sample::select(walk::zones()),]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn agrees_with_a_walk_through_every_minute(
        pattern in patterns(),
        name in zones(),
        any in 160_000_000_000_000_i64..2_200_000_000_000_000,
        before in 0..2 * DAY,
        near in prop::bool::weighted(0.8),
        length in 0..5 * DAY,
    ) {
        let zone = zone(&name);
        let after = walk::instant(&zone, any, before, near);
        let until = later(after, length);
        let expected = walk(&pattern, &zone, after, until);
        let found: Vec<Timestamp> = ticks(&pattern, &zone, after).take_while(|tick| *tick <= until).collect();
        prop_assert_eq!(&found, &expected, "{:?} in {} after {} until {}", pattern, name, after, until);
        prop_assert_eq!(count(&pattern, &zone, after, until), i64::try_from(expected.len()).unwrap());
        prop_assert_eq!(preview(&pattern, &zone, after, expected.len()), expected);
    }

    #[test]
    fn counting_agrees_with_visiting(
        pattern in patterns(),
        name in zones(),
        any in 160_000_000_000_000_i64..2_200_000_000_000_000,
        before in 0..2 * DAY,
        near in any::<bool>(),
        length in 0..900 * DAY,
    ) {
        let zone = zone(&name);
        let start = walk::instant(&zone, any, before, near);
        let first = next_after(&pattern, &zone, start).unwrap();
        prop_assert!(first > start);
        // A thousand ticks at the most, for the visit is slow.
        let far = preview(&pattern, &zone, first, 1000).last().copied().unwrap();
        let until = later(first, length).min(far);
        let (mut tick, mut missed, mut next) = (first, 0, next_after(&pattern, &zone, first));
        while let Some(at) = next.filter(|at| *at <= until) {
            prop_assert!(at > tick, "{:?} in {} after {}", pattern, name, tick);
            (tick, missed, next) = (at, missed + 1, next_after(&pattern, &zone, at));
        }
        prop_assert_eq!(count(&pattern, &zone, first, until), missed, "{:?} in {}: {} until {}", pattern, name, first, until);
        prop_assert_eq!(latest(&pattern, &zone, first, until), (tick, next));
        let schedule = Schedule::Pattern { pattern: Box::new(pattern), zone };
        prop_assert_eq!(due(&schedule, first, until), Some(Due { tick, missed_ticks: missed, next_run_at: next }));
    }

    /// On the wall, where no zone comes into it and a second more or less must not matter either.
    #[test]
    fn times_on_the_wall_are_those_of_the_clock(
        pattern in patterns(),
        minutes in -40_000_000_i64..40_000_000,
        seconds in 0..60_i64,
        length in 0..12_000_i64,
    ) {
        let clock = Clock::of(&pattern);
        let from = date(2020, 1, 1).at(0, 0, 0, 0).checked_add(SignedDuration::from_mins(minutes)).unwrap();
        let to = from.checked_add(SignedDuration::from_mins(length)).unwrap();
        let all: Vec<DateTime> = from.series(jiff::Span::new().minutes(1)).take_while(|at| *at < to).filter(|at| clock.shows(*at)).collect();
        prop_assert_eq!(pattern.counter()(from, to), i64::try_from(all.len()).unwrap());
        prop_assert_eq!(pattern.counter()(to, from), 0);
        let mut found = Vec::new();
        let mut next = pattern.next_wall(from, true);
        while let Some(at) = next.filter(|at| *at < to) {
            found.push(at);
            next = pattern.next_wall(at, false);
        }
        prop_assert_eq!(&found, &all);
        let within = from.checked_add(SignedDuration::from_secs(seconds)).unwrap();
        prop_assert_eq!(pattern.next_wall(within, true), pattern.next_wall(from, seconds == 0));
    }
}

#[test]
fn the_ends_of_the_calendar_are_met_without_a_panic() {
    let [daily, often] =
        [super::support::specific("0,1,2,3,4,5,6", "00:00"), super::support::interval("5", "59m", "22:00", "21:59")];
    for pattern in [daily, often] {
        for zone in [TimeZone::UTC, zone("America/New_York"), zone("Pacific/Apia")] {
            for end in [Timestamp::MAX, later(Timestamp::MAX, -DAY), Timestamp::MIN, later(Timestamp::MIN, DAY)] {
                next_after(&pattern, &zone, end);
                count(&pattern, &zone, end, Timestamp::MAX);
                count(&pattern, &zone, end, Timestamp::MIN);
            }
        }
        for end in [DateTime::MIN, DateTime::MAX] {
            pattern.next_wall(end, true);
            pattern.next_wall(end, false);
            pattern.counter()(end, DateTime::MAX);
        }
    }
}
