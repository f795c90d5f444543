//! When a cron expression fires.
//!
//! Daylight saving follows Vixie cron as Debian ships it. An expression that names times of day (neither its minute nor its
//! hour field starts with `*`) is a *fixed time*: it runs once on a day with a repeated hour, at the first pass, and a time
//! that the clocks skip runs at the first instant after the gap. Every other expression is an *interval* and follows
//! elapsed time: it runs in both passes of a repeated hour, and not at all for a skipped one.

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};
use justiam_sdk::api::cron::CronExpr;

/// How many offset changes a search may cross. Zones have two a year, and every expression that fires at all fires within
/// 40 years, so nothing real comes near it; it bounds what a strange zone could cost.
const MAX_TRANSITIONS: usize = 400;

/// The first instant after `after` at which `expr` fires in `zone`, or `None` when there is none before the end of the
/// calendar.
pub fn next_tick(expr: &CronExpr, zone: &TimeZone, after: Timestamp) -> Option<Timestamp> {
    let mut stretch = Stretch::around(zone, after);
    // The current stretch is searched from `after` on, every later one from its beginning.
    let mut from = (wall(after, stretch.offset)?, false);
    if expr.is_fixed_time()
        && let Some(first_new) = stretch.end_of_fold().filter(|first_new| *first_new > from.0)
    {
        from = (first_new, true);
    }
    for _ in 0..MAX_TRANSITIONS {
        if let Some(tick) = search(expr, &stretch, from) {
            return Some(tick);
        }
        stretch = stretch.next(zone)?;
        let (begin, old_offset) = stretch.begin?;
        from = (wall(begin, stretch.offset)?, true);
        if expr.is_fixed_time() {
            let old_wall = wall(begin, old_offset)?;
            if old_wall < from.0 {
                // A gap: one tick for all the times that it swallowed, and for the instant after it.
                if expr.next_wall(old_wall, true).is_some_and(|skipped| skipped <= from.0) {
                    return Some(begin);
                }
            } else {
                // A fold: its times have had their tick in the first pass.
                from = (old_wall, true);
            }
        }
    }
    None
}

/// A stretch of time in which a zone's offset from UTC does not change.
struct Stretch {
    offset: Offset,
    /// Where it begins, and the offset before that.
    begin: Option<(Timestamp, Offset)>,
    /// The first instant that no longer belongs to it.
    end: Option<Timestamp>,
}

impl Stretch {
    fn around(zone: &TimeZone, at: Timestamp) -> Self {
        // `preceding` leaves out a change at the very instant, which is where the stretch begins.
        let just_after = at.checked_add(SignedDuration::from_nanos(1)).unwrap_or(at);
        let begin =
            zone.preceding(just_after).next().map(|change| change.timestamp()).and_then(|begin| {
                Some((begin, zone.to_offset(begin.checked_sub(SignedDuration::from_nanos(1)).ok()?)))
            });
        Self { offset: zone.to_offset(at), begin, end: zone.following(at).next().map(|change| change.timestamp()) }
    }

    fn next(&self, zone: &TimeZone) -> Option<Self> {
        let begin = self.end?;
        Some(Self {
            offset: zone.to_offset(begin),
            begin: Some((begin, self.offset)),
            end: zone.following(begin).next().map(|change| change.timestamp()),
        })
    }

    /// Where a stretch that begins with a fold stops repeating the wall-clock times of the one before.
    fn end_of_fold(&self) -> Option<DateTime> {
        let (begin, old_offset) = self.begin?;
        (old_offset > self.offset).then(|| wall(begin, old_offset)).flatten()
    }
}

fn search(expr: &CronExpr, stretch: &Stretch, (from, inclusive): (DateTime, bool)) -> Option<Timestamp> {
    let tick = stretch.offset.to_timestamp(expr.next_wall(from, inclusive)?).ok()?;
    stretch.end.is_none_or(|end| tick < end).then_some(tick)
}

fn wall(at: Timestamp, offset: Offset) -> Option<DateTime> {
    // The ends of the calendar are ten thousand years away; arithmetic there may fail and must not panic.
    (at > Timestamp::MIN && at < Timestamp::MAX).then(|| offset.to_datetime(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks(expr: &str, zone: &str, from: &str, until: &str) -> Vec<String> {
        let expr: CronExpr = expr.parse().unwrap();
        let zone = justiam_sdk::api::zone::parse(zone).unwrap();
        let until: Timestamp = until.parse().unwrap();
        let first = next_tick(&expr, &zone, from.parse().unwrap());
        std::iter::successors(first, |tick| next_tick(&expr, &zone, *tick))
            .take_while(|tick| *tick <= until)
            .take(200)
            .map(|tick| tick.to_zoned(zone.clone()).strftime("%m-%d %H:%M %:z").to_string())
            .collect()
    }

    /// Expression, zone, from and until, ticks.
    type Case = (&'static str, &'static str, (&'static str, &'static str), &'static [&'static str]);

    /// Clocks in New York go from 02:00 to 03:00 on 2026-03-08 (07:00 UTC) and from 02:00 back to 01:00 on 2026-11-01 (06:00 UTC).
    #[test]
    fn daylight_saving_table() {
        let spring = ("2026-03-08T05:00:00Z", "2026-03-09T03:59:00Z");
        let autumn = ("2026-11-01T04:00:00Z", "2026-11-02T04:59:00Z");
        let cases: [Case; 14] = [
            ("30 2 * * *", "America/New_York", spring, &["03-08 03:00 -04:00"]),
            ("30 2,14 * * *", "America/New_York", spring, &["03-08 03:00 -04:00", "03-08 14:30 -04:00"]),
            ("0,30 2 * * *", "America/New_York", spring, &["03-08 03:00 -04:00"]),
            ("30 2,3 * * *", "America/New_York", spring, &["03-08 03:00 -04:00", "03-08 03:30 -04:00"]),
            ("0 2,3 * * *", "America/New_York", spring, &["03-08 03:00 -04:00"]),
            ("*/15 2 * * *", "America/New_York", spring, &[]),
            ("30 1 * * *", "America/New_York", autumn, &["11-01 01:30 -04:00"]),
            ("30 1,13 * * *", "America/New_York", autumn, &["11-01 01:30 -04:00", "11-01 13:30 -05:00"]),
            (
                "0 1-3 * * *",
                "America/New_York",
                autumn,
                &["11-01 01:00 -04:00", "11-01 02:00 -05:00", "11-01 03:00 -05:00"],
            ),
            (
                "30 */2 * * *",
                "America/New_York",
                ("2026-11-01T03:59:00Z", "2026-11-01T09:59:00Z"),
                &["11-01 00:30 -04:00", "11-01 02:30 -05:00", "11-01 04:30 -05:00"],
            ),
            (
                "30 * * * *",
                "America/New_York",
                ("2026-11-01T04:59:00Z", "2026-11-01T07:59:00Z"),
                &["11-01 01:30 -04:00", "11-01 01:30 -05:00", "11-01 02:30 -05:00"],
            ),
            ("0 0 * * *", "Africa/Cairo", ("2026-04-23T12:00:00Z", "2026-04-24T12:00:00Z"), &["04-24 01:00 +03:00"]),
            (
                "15 2 * * *",
                "Australia/Lord_Howe",
                ("2026-10-03T12:00:00Z", "2026-10-04T12:00:00Z"),
                &["10-04 02:30 +11:00"],
            ),
            ("0 0 * * *", "Europe/London", ("2026-03-28T12:00:00Z", "2026-03-29T22:00:00Z"), &["03-29 00:00 +00:00"]),
        ];
        for (expr, zone, (from, until), expected) in cases {
            assert_eq!(ticks(expr, zone, from, until), expected, "{expr} in {zone}");
        }
    }

    #[test]
    fn a_whole_day_that_never_was_is_a_gap_like_any_other() {
        // Samoa went from 2011-12-29 to 2011-12-31.
        assert_eq!(
            ticks("0 12 30 12 *", "Pacific/Apia", "2011-12-29T00:00:00Z", "2012-12-31T00:00:00Z"),
            ["12-31 00:00 +14:00", "12-30 12:00 +14:00"]
        );
    }

    #[test]
    fn a_start_inside_the_second_pass_does_not_repeat_fixed_times() {
        // 06:10 UTC is 01:10 for the second time.
        assert_eq!(
            ticks("30 1 * * *", "America/New_York", "2026-11-01T06:10:00Z", "2026-11-02T08:00:00Z"),
            ["11-02 01:30 -05:00"]
        );
    }

    #[test]
    fn leap_days_are_found_across_many_offset_changes() {
        assert_eq!(
            ticks("0 0 29 2 *", "Europe/Berlin", "2096-03-01T00:00:00Z", "2104-12-31T00:00:00Z"),
            ["02-29 00:00 +01:00"]
        );
    }
}
