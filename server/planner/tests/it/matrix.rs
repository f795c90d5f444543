//! Daylight saving, day by day: a table of expressions that other schedulers get wrong in one way or another.

use super::support::between;
use justiam_sdk::api::cron::{CronError, CronExpr};

const NEW_YORK: &str = "America/New_York";

/// Clocks in New York go from 02:00 to 03:00 on 2026-03-08 (07:00 UTC): that day, and the next.
const SPRING: (&str, &str) = ("2026-03-08T05:00:00Z", "2026-03-09T15:00:00Z");
/// And from 02:00 back to 01:00 on 2026-11-01 (06:00 UTC): that day.
const AUTUMN: (&str, &str) = ("2026-11-01T03:59:00Z", "2026-11-02T04:59:00Z");

/// Expression, zone, from and until, ticks.
type Case = (&'static str, &'static str, (&'static str, &'static str), &'static [&'static str]);

fn check(cases: &[Case]) {
    for (expr, zone, (from, until), expected) in cases {
        assert_eq!(between(expr, zone, from, until), *expected, "{expr} in {zone}");
    }
}

#[test]
fn skipped_times_of_a_spring_day() {
    check(&[
        ("30 2 * * *", NEW_YORK, SPRING, &["03-08 03:00 -04:00", "03-09 02:30 -04:00"]),
        ("30 2,14 * * *", NEW_YORK, SPRING, &["03-08 03:00 -04:00", "03-08 14:30 -04:00", "03-09 02:30 -04:00"]),
        ("0,30 2 8 3 *", NEW_YORK, SPRING, &["03-08 03:00 -04:00"]),
        ("30 2,3 8 3 *", NEW_YORK, SPRING, &["03-08 03:00 -04:00", "03-08 03:30 -04:00"]),
        ("0 2,3 8 3 *", NEW_YORK, SPRING, &["03-08 03:00 -04:00"]),
        ("0,15,30,45 2 8 3 *", NEW_YORK, SPRING, &["03-08 03:00 -04:00"]),
        (
            "0 0-23/2 * * *",
            NEW_YORK,
            ("2026-03-08T04:59:00Z", "2026-03-08T08:00:00Z"),
            &["03-08 00:00 -05:00", "03-08 03:00 -04:00", "03-08 04:00 -04:00"],
        ),
        ("0 3 8 3 *", NEW_YORK, SPRING, &["03-08 03:00 -04:00"]),
        ("59 1 8 3 *", NEW_YORK, SPRING, &["03-08 01:59 -05:00"]),
        (
            "*/15 2 * * *",
            NEW_YORK,
            SPRING,
            &["03-09 02:00 -04:00", "03-09 02:15 -04:00", "03-09 02:30 -04:00", "03-09 02:45 -04:00"],
        ),
        (
            "0 * * * *",
            NEW_YORK,
            ("2026-03-08T05:30:00Z", "2026-03-08T08:30:00Z"),
            &["03-08 01:00 -05:00", "03-08 03:00 -04:00", "03-08 04:00 -04:00"],
        ),
        (
            "0 */2 8 3 *",
            NEW_YORK,
            ("2026-03-08T04:59:00Z", "2026-03-08T11:00:00Z"),
            &["03-08 00:00 -05:00", "03-08 04:00 -04:00", "03-08 06:00 -04:00"],
        ),
    ]);
}

#[test]
fn repeated_times_of_an_autumn_day() {
    check(&[
        ("30 1 * * *", NEW_YORK, AUTUMN, &["11-01 01:30 -04:00"]),
        ("30 1,13 * * *", NEW_YORK, AUTUMN, &["11-01 01:30 -04:00", "11-01 13:30 -05:00"]),
        ("0 1-3 * * *", NEW_YORK, AUTUMN, &["11-01 01:00 -04:00", "11-01 02:00 -05:00", "11-01 03:00 -05:00"]),
        (
            "30 * * * *",
            NEW_YORK,
            ("2026-11-01T04:59:00Z", "2026-11-01T07:59:00Z"),
            &["11-01 01:30 -04:00", "11-01 01:30 -05:00", "11-01 02:30 -05:00"],
        ),
        (
            "0 */2 * * *",
            NEW_YORK,
            ("2026-11-01T03:59:00Z", "2026-11-01T09:59:00Z"),
            &["11-01 00:00 -04:00", "11-01 02:00 -05:00", "11-01 04:00 -05:00"],
        ),
        (
            "*/30 1 * * *",
            NEW_YORK,
            AUTUMN,
            &["11-01 01:00 -04:00", "11-01 01:30 -04:00", "11-01 01:00 -05:00", "11-01 01:30 -05:00"],
        ),
        // From 01:10 of the second pass on.
        ("30 1 * * *", NEW_YORK, ("2026-11-01T06:10:00Z", "2026-11-02T08:00:00Z"), &["11-02 01:30 -05:00"]),
    ]);
}

#[test]
fn gaps_and_folds_of_other_kinds() {
    check(&[
        ("0 0 * * *", "Africa/Cairo", ("2026-04-23T12:00:00Z", "2026-04-24T12:00:00Z"), &["04-24 01:00 +03:00"]),
        ("30 23 * * *", "Africa/Cairo", ("2026-10-29T12:00:00Z", "2026-10-30T12:00:00Z"), &["10-29 23:30 +03:00"]),
        (
            "15 2 * * *",
            "Australia/Lord_Howe",
            ("2026-10-03T12:00:00Z", "2026-10-04T12:00:00Z"),
            &["10-04 02:30 +11:00"],
        ),
        (
            "45 1 * * *",
            "Australia/Lord_Howe",
            ("2026-04-04T12:00:00Z", "2026-04-05T12:00:00Z"),
            &["04-05 01:45 +11:00"],
        ),
        (
            "15,45 * * * *",
            "Australia/Lord_Howe",
            ("2026-04-04T14:00:00Z", "2026-04-04T16:00:00Z"),
            &["04-05 01:15 +11:00", "04-05 01:45 +11:00", "04-05 01:45 +10:30", "04-05 02:15 +10:30"],
        ),
        // Two hours at once.
        ("30 1 * * *", "Antarctica/Troll", ("2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z"), &["03-29 03:00 +02:00"]),
        // The clocks go on an hour after midnight, from 01:00 to 02:00.
        ("0 0 * * *", "Europe/London", ("2026-03-28T12:00:00Z", "2026-03-29T22:00:00Z"), &["03-29 00:00 +00:00"]),
    ]);
}

#[test]
fn a_whole_day_that_never_was_is_a_gap_like_any_other() {
    // Samoa went from 2011-12-29 to 2011-12-31.
    let years = ("2011-12-29T00:00:00Z", "2012-12-31T00:00:00Z");
    let nights = ("2011-12-29T00:00:00Z", "2012-01-01T00:00:00Z");
    check(&[
        ("0 12 30 12 *", "Pacific/Apia", years, &["12-31 00:00 +14:00", "12-30 12:00 +14:00"]),
        (
            "0 12 * * *",
            "Pacific/Apia",
            nights,
            &["12-29 12:00 -10:00", "12-31 00:00 +14:00", "12-31 12:00 +14:00", "01-01 12:00 +14:00"],
        ),
        (
            "0 */12 * * *",
            "Pacific/Apia",
            nights,
            &[
                "12-29 00:00 -10:00",
                "12-29 12:00 -10:00",
                "12-31 00:00 +14:00",
                "12-31 12:00 +14:00",
                "01-01 00:00 +14:00",
                "01-01 12:00 +14:00",
            ],
        ),
    ]);
}

#[test]
fn a_day_that_came_twice_is_a_fold_like_any_other() {
    // The clocks of Kwajalein went back by 23 hours in the night after 1969-09-30, to 01:00.
    let days = ("1969-09-29T11:00:00Z", "1969-10-02T00:00:00Z");
    check(&[
        ("0 12 * * *", "Pacific/Kwajalein", days, &["09-30 12:00 +11:00", "10-01 12:00 -12:00"]),
        (
            "0 */12 * * *",
            "Pacific/Kwajalein",
            days,
            &[
                "09-30 00:00 +11:00",
                "09-30 12:00 +11:00",
                "09-30 12:00 -12:00",
                "10-01 00:00 -12:00",
                "10-01 12:00 -12:00",
            ],
        ),
    ]);
}

#[test]
fn dates_that_never_come_are_refused_and_rare_ones_found() {
    for text in ["0 0 30 2 *", "0 0 31 2,4 *"] {
        assert_eq!(text.parse::<CronExpr>().unwrap_err(), CronError::NeverFires(text.into()));
    }
    check(&[
        // Day of month or day of week, as in Vixie cron.
        (
            "0 0 13 * 5",
            "UTC",
            ("2026-02-01T00:00:00Z", "2026-03-12T00:00:00Z"),
            &[
                "02-06 00:00 +00:00",
                "02-13 00:00 +00:00",
                "02-20 00:00 +00:00",
                "02-27 00:00 +00:00",
                "03-06 00:00 +00:00",
            ],
        ),
        // Eight years apart, across sixteen changes of the clocks.
        ("0 0 29 2 *", "Europe/Berlin", ("2096-03-01T00:00:00Z", "2104-12-31T00:00:00Z"), &["02-29 00:00 +01:00"]),
        // A Sunday that is a leap day: 2032, then 2060.
        ("30 2 29 2 */7", NEW_YORK, ("2032-03-01T00:00:00Z", "2061-01-01T00:00:00Z"), &["02-29 02:30 -05:00"]),
    ]);
}
