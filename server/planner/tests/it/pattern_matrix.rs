//! Patterns on days on which the clocks change and over midnight, by hand.

use justiam_planner::pattern::preview;
use justiam_sdk::api::pattern::{Pattern, Window};

use super::support::{at, expr, interval, shown, specific, zone};

const NEW_YORK: &str = "America/New_York";
const ALL: &str = "0,1,2,3,4,5,6";

/// Sunday 2026-03-08, when the clocks of New York go from 02:00 to 03:00, and Sunday 2026-11-01, when they go back from 02:00
/// to 01:00: from midnight to midnight.
const SPRING: (&str, &str) = ("2026-03-08T04:59:59Z", "2026-03-09T03:59:59Z");
const AUTUMN: (&str, &str) = ("2026-11-01T03:59:59Z", "2026-11-02T04:59:59Z");

fn check(pattern: &Pattern, zone: &str, (from, until): (&str, &str), expected: &[&str]) {
    assert_eq!(shown(pattern, zone, from, until), *expected, "{pattern:?} in {zone}");
}

#[test]
fn specific_times_are_fixed_times() {
    for (times, day, expected) in [
        ("02:30", SPRING, &["03-08 03:00 -04:00"][..]),
        ("02:00,02:30", SPRING, &["03-08 03:00 -04:00"]),
        ("02:30,03:00", SPRING, &["03-08 03:00 -04:00"]),
        ("01:59,02:59,03:01", SPRING, &["03-08 01:59 -05:00", "03-08 03:00 -04:00", "03-08 03:01 -04:00"]),
        ("01:30", SPRING, &["03-08 01:30 -05:00"]),
        ("02:30,03:00", AUTUMN, &["11-01 02:30 -05:00", "11-01 03:00 -05:00"]),
        ("01:30", AUTUMN, &["11-01 01:30 -04:00"]),
        ("01:00,01:59,02:00", AUTUMN, &["11-01 01:00 -04:00", "11-01 01:59 -04:00", "11-01 02:00 -05:00"]),
    ] {
        check(&specific(ALL, times), NEW_YORK, day, expected);
        check(&specific("0", times), NEW_YORK, day, expected);
        check(&specific("1,2,3,4,5,6", times), NEW_YORK, day, &[]);
    }
}

#[test]
fn a_skipped_time_at_the_end_of_its_day_fires_on_the_next_one() {
    // Friday 2026-04-24 begins at 01:00 in Cairo.
    let night = ("2026-04-23T12:00:00Z", "2026-04-24T12:00:00Z");
    check(&specific("5", "00:30"), "Africa/Cairo", night, &["04-24 01:00 +03:00"]);
    check(&specific("4", "00:30"), "Africa/Cairo", night, &[]);
    // Saturday 2026-09-05 is followed by Sunday at 01:00 in Santiago.
    let night = ("2026-09-05T12:00:00Z", "2026-09-06T12:00:00Z");
    check(&specific("0", "00:00,00:59"), "America/Santiago", night, &["09-06 01:00 -03:00"]);
    // Samoa had no 30 December 2011, which was a Friday.
    let days = ("2011-12-29T00:00:00Z", "2011-12-31T20:00:00Z");
    check(&specific("5", "12:00"), "Pacific/Apia", days, &["12-31 00:00 +14:00"]);
    check(&interval("5", "1h", "08:00", "18:00"), "Pacific/Apia", days, &[]);
}

#[test]
fn marks_of_an_interval_follow_elapsed_time() {
    let half_hours = interval("0", "30m", "01:00", "03:00");
    check(&half_hours, NEW_YORK, SPRING, &["03-08 01:00 -05:00", "03-08 01:30 -05:00", "03-08 03:00 -04:00"]);
    check(
        &half_hours,
        NEW_YORK,
        AUTUMN,
        &[
            "11-01 01:00 -04:00",
            "11-01 01:30 -04:00",
            "11-01 01:00 -05:00",
            "11-01 01:30 -05:00",
            "11-01 02:00 -05:00",
            "11-01 02:30 -05:00",
            "11-01 03:00 -05:00",
        ],
    );
    // A window that the clocks skip as a whole has no marks.
    let ten_minutes = interval("0", "10m", "02:00", "02:50");
    check(&ten_minutes, NEW_YORK, SPRING, &[]);
    assert_eq!(shown(&ten_minutes, NEW_YORK, AUTUMN.0, AUTUMN.1).len(), 6);
    // Where the start is skipped, the marks stay where they are on other days.
    let shifted = interval("0", "45m", "02:30", "04:30");
    check(&shifted, NEW_YORK, SPRING, &["03-08 03:15 -04:00", "03-08 04:00 -04:00"]);
    check(&shifted, NEW_YORK, AUTUMN, &["11-01 02:30 -05:00", "11-01 03:15 -05:00", "11-01 04:00 -05:00"]);
    check(
        &interval("0", "1h", "01:15", "02:15"),
        "Australia/Lord_Howe",
        ("2026-10-03T12:00:00Z", "2026-10-04T12:00:00Z"),
        &["10-04 01:15 +10:30"],
    );
}

#[test]
fn a_window_over_midnight_belongs_to_the_day_on_which_it_starts() {
    let night = interval("6", "1h", "22:30", "02:30");
    // The night from Saturday to the Sunday on which the clocks go on: 02:30 is skipped.
    check(
        &night,
        NEW_YORK,
        ("2026-03-07T05:00:00Z", "2026-03-14T05:00:00Z"),
        &["03-07 22:30 -05:00", "03-07 23:30 -05:00", "03-08 00:30 -05:00", "03-08 01:30 -05:00"],
    );
    // The one on which they go back: 01:30 comes twice.
    check(
        &night,
        NEW_YORK,
        ("2026-10-31T04:00:00Z", "2026-11-07T05:00:00Z"),
        &[
            "10-31 22:30 -04:00",
            "10-31 23:30 -04:00",
            "11-01 00:30 -04:00",
            "11-01 01:30 -04:00",
            "11-01 01:30 -05:00",
            "11-01 02:30 -05:00",
        ],
    );
    check(
        &interval("5", "2h", "22:00", "02:00"),
        "UTC",
        ("2026-01-01T00:00:00Z", "2026-01-08T00:00:00Z"),
        &["01-02 22:00 +00:00", "01-03 00:00 +00:00", "01-03 02:00 +00:00"],
    );
    // Sunday's own window is another one.
    check(
        &interval("0", "1h", "22:30", "02:30"),
        "UTC",
        ("2026-03-08T00:00:00Z", "2026-03-09T12:00:00Z"),
        &["03-08 22:30 +00:00", "03-08 23:30 +00:00", "03-09 00:30 +00:00", "03-09 01:30 +00:00", "03-09 02:30 +00:00"],
    );
}

#[test]
fn the_interval_starts_anew_with_each_window_and_its_end_counts() {
    // 59 minutes do not go into a day: the last mark is at 23:36, and the next day begins at 00:00 all the same.
    let marks = shown(&interval(ALL, "59m", "00:00", "23:59"), "UTC", "2026-01-01T22:00:00Z", "2026-01-02T02:00:00Z");
    assert_eq!(
        marks,
        ["01-01 22:37 +00:00", "01-01 23:36 +00:00", "01-02 00:00 +00:00", "01-02 00:59 +00:00", "01-02 01:58 +00:00"]
    );
    let one_day = ("2026-01-01T00:00:00Z", "2026-01-01T23:59:00Z");
    for (every, start, end, expected) in [
        ("30m", "08:00", "09:00", &["01-01 08:00 +00:00", "01-01 08:30 +00:00", "01-01 09:00 +00:00"][..]),
        ("30m", "08:00", "08:59", &["01-01 08:00 +00:00", "01-01 08:30 +00:00"]),
        ("59h", "08:00", "09:00", &["01-01 08:00 +00:00"]),
        ("59m", "08:00", "08:59", &["01-01 08:00 +00:00", "01-01 08:59 +00:00"]),
        ("59m", "08:00", "08:58", &["01-01 08:00 +00:00"]),
    ] {
        // A Thursday.
        check(&interval("4", every, start, end), "UTC", one_day, expected);
    }
    assert_eq!(
        shown(&interval("4", "1m", "00:00", "23:59"), "UTC", "2026-01-02T00:00:00Z", "2026-01-08T00:00:00Z").len(),
        1
    );
}

#[test]
fn a_window_that_is_as_long_as_a_day_and_starts_in_the_middle_has_no_seam() {
    let found = shown(&interval(ALL, "6h", "12:01", "12:00"), "UTC", "2026-01-01T12:00:00Z", "2026-01-02T18:01:00Z");
    let expected = ["01-01 12:01", "01-01 18:01", "01-02 00:01", "01-02 06:01", "01-02 12:01", "01-02 18:01"];
    assert_eq!(found, expected.map(|at| format!("{at} +00:00")));
}

#[test]
fn equal_ends_are_no_window() {
    let time = "08:00".parse().unwrap();
    assert_eq!(Window::new(time, time), None);
}

#[test]
fn one_day_of_the_week_comes_every_seven_days() {
    for (day, first) in [("0", "2026-01-04"), ("3", "2026-01-07"), ("4", "2026-01-01"), ("6", "2026-01-03")] {
        let found = preview(&specific(day, "06:00"), &zone("UTC"), at("2026-01-01T00:00:00Z"), 3);
        let first = at(&format!("{first}T06:00:00Z"));
        assert_eq!(found, [0, 7, 14].map(|days| super::support::later(first, days * 24 * 60 * 60)), "{day}");
    }
}

#[test]
fn a_custom_pattern_fires_as_its_expression() {
    let custom = Pattern::Custom(Box::new(expr("30 1 * * *")));
    check(&custom, NEW_YORK, AUTUMN, &["11-01 01:30 -04:00"]);
    let custom = Pattern::Custom(Box::new(expr("30 * * * 0")));
    let found = shown(&custom, NEW_YORK, "2026-11-01T04:59:00Z", "2026-11-01T06:59:00Z");
    assert_eq!(found, ["11-01 01:30 -04:00", "11-01 01:30 -05:00"]);
}
