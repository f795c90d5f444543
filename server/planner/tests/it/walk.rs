//! The planner against a walk that looks at every minute and knows no arithmetic, in all zones of the database.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use justiam_planner::calendar::{count_ticks, latest_tick, next_tick, preview, ticks};
use justiam_planner::due::{Due, Schedule, due};
use justiam_sdk::api::cron::CronExpr;
use proptest::prelude::*;

use super::support::later;

pub(crate) const DAY: i64 = 24 * 60 * 60;

/// The rule in its plainest form. A fixed time fires when the clock shows it, or has jumped over it, for the first time; an
/// interval fires whenever the clock shows it. `is_time` tells of a minute on the wall whether it is one of the times.
pub(crate) fn walk(
    is_fixed_time: bool,
    mut is_time: impl FnMut(DateTime) -> bool,
    zone: &TimeZone,
    after: Timestamp,
    until: Timestamp,
) -> Vec<Timestamp> {
    let minute = SignedDuration::from_mins(1);
    // Two days ahead, so that it is known what the clock has shown before.
    let mut now = Timestamp::from_second((after.as_second() - 2 * DAY).div_euclid(60) * 60).unwrap();
    let mut highest = zone.to_datetime(now);
    let mut fired = Vec::new();
    while let Ok(at) = now.checked_add(minute)
        && at <= until
    {
        now = at;
        let shown = zone.to_datetime(now);
        assert_eq!((shown.second(), shown.subsec_nanosecond()), (0, 0), "an offset with seconds needs another walk");
        let is_tick = if is_fixed_time {
            std::iter::successors(highest.checked_add(minute).ok(), |wall| wall.checked_add(minute).ok())
                .take_while(|wall| *wall <= shown)
                .any(&mut is_time)
        } else {
            is_time(shown)
        };
        highest = highest.max(shown);
        if is_tick && now > after {
            fired.push(now);
        }
    }
    fired
}

/// Whether an expression matches a wall-clock minute. Remembers how long nothing does, for a search can be long.
struct Matches<'a> {
    expr: &'a CronExpr,
    from: DateTime,
    next: Option<DateTime>,
}

impl<'a> Matches<'a> {
    fn of(expr: &'a CronExpr) -> Self {
        Self { expr, from: DateTime::MAX, next: None }
    }

    fn at(&mut self, wall: DateTime) -> bool {
        if wall < self.from || self.next.is_none_or(|next| wall > next) {
            (self.from, self.next) = (wall, self.expr.next_wall(wall, true));
        }
        self.next == Some(wall)
    }
}

pub(crate) fn zones() -> Vec<String> {
    let names = jiff::tz::db().available().map(|name| name.to_string());
    let names: Vec<String> = names.filter(|name| justiam_sdk::api::zone::parse(name).is_ok()).collect();
    assert!(names.len() > 300, "only {} zones", names.len());
    names
}

/// One field of an expression; `plain` says how often it is `*`.
fn field(plain: u32, below: u8, from: u8) -> BoxedStrategy<String> {
    let value = from..below;
    prop_oneof![
        plain => Just("*".to_owned()),
        2 => value.clone().prop_map(|value| value.to_string()),
        1 => (1..below).prop_map(|step| format!("*/{step}")),
        1 => (value.clone(), value.clone()).prop_map(|(a, b)| format!("{a},{b}")),
        1 => (value.clone(), value).prop_map(|(a, b)| format!("{}-{}", a.min(b), a.max(b))),
    ]
    .boxed()
}

fn exprs() -> impl Strategy<Value = CronExpr> {
    // Hours at which clocks are changed come up more often.
    let hours = prop_oneof![2 => field(2, 24, 0), 1 => field(1, 4, 0), 1 => Just("23".to_owned())];
    let days = prop_oneof![12 => field(12, 32, 1), 1 => Just("L".to_owned()), 1 => Just("15W".to_owned())];
    let weekdays = prop_oneof![12 => field(12, 7, 0), 1 => Just("SUN#L".to_owned()), 1 => Just("SUN#2".to_owned())];
    (field(2, 60, 0), hours, days, field(16, 13, 1), weekdays)
        .prop_filter_map("never fires", |(m, h, d, month, w)| format!("{m} {h} {d} {month} {w}").parse().ok())
}

/// An instant between 1975 and 2040; mostly within two days of a change of the clocks, if the zone still has any.
pub(crate) fn instant(zone: &TimeZone, any: i64, before: i64, near: bool) -> Timestamp {
    let any = Timestamp::from_microsecond(any).unwrap();
    let change = zone.following(any).next().filter(|change| near && change.timestamp().as_second() < 2_200_000_000);
    change.map_or(any, |change| later(change.timestamp(), -before))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn agrees_with_a_walk_through_every_minute(
        expr in exprs(),
        name in prop::sample::select(zones()),
        any in 160_000_000_000_000_i64..2_200_000_000_000_000,
        before in 0..2 * DAY,
        near in prop::bool::weighted(0.8),
        length in 0..3 * DAY,
    ) {
        let zone = justiam_sdk::api::zone::parse(&name).unwrap();
        let after = instant(&zone, any, before, near);
        let until = later(after, length);
        let mut matches = Matches::of(&expr);
        let expected = walk(expr.is_fixed_time(), |wall| matches.at(wall), &zone, after, until);
        let found: Vec<Timestamp> = ticks(&expr, &zone, after).take_while(|tick| *tick <= until).collect();
        prop_assert_eq!(&found, &expected, "{} in {} after {} until {}", expr, name, after, until);
        prop_assert_eq!(count_ticks(&expr, &zone, after, until), i64::try_from(expected.len()).unwrap());
        prop_assert_eq!(preview(&expr, &zone, after, expected.len()), expected);
    }

    #[test]
    fn counting_agrees_with_visiting(
        expr in exprs(),
        name in prop::sample::select(zones()),
        any in 160_000_000_000_000_i64..2_200_000_000_000_000,
        before in 0..2 * DAY,
        near in any::<bool>(),
        length in 0..900 * DAY,
    ) {
        let zone = justiam_sdk::api::zone::parse(&name).unwrap();
        let start = instant(&zone, any, before, near);
        let Some(first) = next_tick(&expr, &zone, start) else { return Ok(()) };
        prop_assert!(first > start);
        // A thousand ticks at the most, for the visit is slow.
        let far = preview(&expr, &zone, first, 1000).last().copied().unwrap_or(first);
        let until = later(first, length).min(far);
        let (mut latest, mut missed, mut next) = (first, 0, next_tick(&expr, &zone, first));
        while let Some(tick) = next.filter(|tick| *tick <= until) {
            prop_assert!(tick > latest, "{} in {} after {}", expr, name, latest);
            (latest, missed, next) = (tick, missed + 1, next_tick(&expr, &zone, tick));
        }
        prop_assert_eq!(count_ticks(&expr, &zone, first, until), missed, "{} in {}: {} until {}", expr, name, first, until);
        prop_assert_eq!(latest_tick(&expr, &zone, first, until), (latest, next));
        let schedule = Schedule::Cron { expr: Box::new(expr), zone };
        prop_assert_eq!(due(&schedule, first, until), Some(Due { tick: latest, missed_ticks: missed, next_run_at: next }));
    }

    /// Whoever asks between two ticks gets the second.
    #[test]
    fn the_next_tick_does_not_depend_on_when_one_asks(
        expr in exprs(),
        name in prop::sample::select(zones()),
        any in 160_000_000_000_000_i64..2_200_000_000_000_000,
        before in 0..2 * DAY,
        parts in prop::collection::vec(0.0..1.0, 20),
    ) {
        let zone = justiam_sdk::api::zone::parse(&name).unwrap();
        let start = instant(&zone, any, before, true);
        let Some(tick) = next_tick(&expr, &zone, start) else { return Ok(()) };
        let span = start.duration_until(tick);
        for part in parts {
            let asked = start.checked_add(span.mul_f64(part)).unwrap();
            if asked < tick {
                prop_assert_eq!(next_tick(&expr, &zone, asked), Some(tick), "{} in {} asked at {}", expr, name, asked);
            }
        }
    }
}
