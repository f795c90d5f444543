//! What went wrong in other schedulers, as far as pure rules can get it wrong, one test each. Daylight saving in full is in
//! `matrix.rs`.
//!
//! Not here, because the rules know nothing of what failed:
//!
//! - A replica that believes to lead when it no longer does; replicas that share a host's name and so one leadership; jobs
//!   that stop after an election; a leader that a failed start left half alive. There is no leader: a unique index on task and
//!   nominal time makes a tick one run, whoever records it.
//! - Jobs that are missing from one replica's list, or whose next time is kept in memory alone. Both are rows.
//! - A stalled or failing database that ends the loop for good, a locked database file, a missing index. That is the driver's
//!   loop and the store's start; what the rules owe is that nothing is lost when the loop goes on, and that is tested here.
//! - A duplicate that comes out as an error every minute. The insert ignores it.
//! - A sweep that gets no further than one page of runs without an end. That is a query.

use std::panic::catch_unwind;

use jiff::{SignedDuration, Timestamp};
use justiam_planner::calendar::{next_tick, preview, ticks};
use justiam_planner::due::{Due, Schedule, due};
use justiam_planner::lease;
use justiam_planner::overlap::{DEFAULT_MAX_QUEUED, Decision, decide};
use justiam_sdk::api::values::OverlapPolicy;

use super::support::{at, between, cron, expr, later, zone};

fn seconds(text: &str) -> i64 {
    at(text).as_second()
}

/// A scheduler that looks at these moments and keeps nothing but the next time. Returns the tick of each run, and how many
/// ticks were folded into runs.
fn run(schedule: &Schedule, first: Timestamp, looks: impl IntoIterator<Item = Timestamp>) -> (Vec<Timestamp>, i64) {
    let (mut next, mut runs, mut folded) = (Some(first), Vec::new(), 0);
    for now in looks {
        if let Some(due) = next.and_then(|next| due(schedule, next, now)) {
            runs.push(due.tick);
            folded += due.missed_ticks;
            next = due.next_run_at;
        }
    }
    (runs, folded)
}

#[test]
fn a_pass_that_comes_late_loses_an_occurrence() {
    // Whatever the delay, and however often it is looked for: each tick is a run or counted in one.
    let schedule = cron("*/5 * * * *", "UTC");
    let start = at("2026-01-01T00:00:00Z");
    for every in (1..7200).step_by(59) {
        let first = schedule.first_after(start).unwrap();
        let looks = (0..=14_400 / every).map(|look| later(start, look * every));
        let last = later(start, 14_400 / every * every);
        let (runs, folded) = run(&schedule, first, looks);
        let expected = last.duration_since(start).as_secs() / 300;
        assert_eq!(i64::try_from(runs.len()).unwrap() + folded, expected, "every {every} s");
    }
}

#[test]
fn a_minute_of_looking_back_misses_what_a_pause_of_61_seconds_hid() {
    let schedule = cron("* * * * *", "UTC");
    let next = at("2026-01-01T00:01:00Z");
    for (pause, missed) in [(0, 0), (59, 0), (60, 1), (61, 1), (130, 2)] {
        let found = due(&schedule, next, later(next, pause)).unwrap();
        assert_eq!((found.tick, found.missed_ticks), (later(next, missed * 60), missed), "{pause} s");
    }
}

#[test]
fn a_long_interval_with_frequent_restarts_never_runs() {
    let schedule = cron("0 3 * * 1", "Europe/Zurich");
    let start = at("2026-01-01T00:00:00Z");
    let first = schedule.first_after(start).unwrap();
    // A restart each hour: nothing is kept but what is stored.
    let (runs, folded) = run(&schedule, first, (0..24 * 70).map(|hour| later(start, hour * 3600)));
    assert_eq!((runs.len(), folded), (10, 0));
}

#[test]
fn the_next_time_is_counted_from_now_and_drifts() {
    // Each tick is handled up to a minute late; a million of them stay on the minute.
    let (schedule, start) = (cron("* * * * *", "UTC"), at("2026-01-01T00:00:00Z"));
    let mut next = schedule.first_after(start).unwrap();
    for tick in 1..=1_000_000_i64 {
        assert_eq!(next, later(start, tick * 60));
        let late = SignedDuration::from_micros(tick * 7_919 % 60_000_000);
        let found = due(&schedule, next, next.checked_add(late).unwrap()).unwrap();
        assert_eq!((found.tick, found.missed_ticks), (next, 0));
        next = found.next_run_at.unwrap();
    }
}

#[test]
fn the_hour_that_comes_twice_runs_everything_twice() {
    let autumn = ("2026-10-24T22:00:00Z", "2026-10-25T22:59:00Z");
    for text in ["30 2 * * *", "30 2,14 * * *", "0-30 2 * * *", "0 2-4 * * *"] {
        let ticks = between(text, "Europe/Zurich", autumn.0, autumn.1);
        let mut walls: Vec<&str> = ticks.iter().map(|tick| &tick[..11]).collect();
        let all = walls.len();
        walls.dedup();
        assert_eq!(walls.len(), all, "{text}: {ticks:?}");
        assert!(ticks.iter().filter(|tick| tick.contains(" 02:")).all(|tick| tick.ends_with("+02:00")), "{ticks:?}");
    }
}

#[test]
fn the_hour_that_does_not_come_loses_its_runs() {
    for text in ["30 2 * * *", "30 2,14 * * *", "0-30 2 * * *", "0 2 * * *"] {
        let ticks = between(text, "Europe/Zurich", "2026-03-28T23:00:00Z", "2026-03-29T03:59:00Z");
        assert_eq!(ticks, ["03-29 03:00 +02:00"], "{text}");
    }
}

#[test]
fn the_next_time_equals_now_and_thousands_are_launched() {
    for (name, from) in [
        ("America/New_York", "2026-03-08T06:50:00Z"),
        ("America/New_York", "2026-11-01T05:50:00Z"),
        ("Australia/Lord_Howe", "2026-10-03T15:20:00Z"),
        ("Africa/Cairo", "2026-04-23T21:50:00Z"),
    ] {
        for text in ["30 2 * * *", "0 0 * * *", "*/5 * * * *", "0 * * * *", "15 0-3 * * *"] {
            let (expr, zone, from) = (expr(text), zone(name), seconds(from));
            for now in (from..from + 1200).map(|second| Timestamp::from_second(second).unwrap()) {
                let tick = next_tick(&expr, &zone, now).unwrap();
                assert!(tick > now && next_tick(&expr, &zone, tick).unwrap() > tick, "{text} in {name} at {now}");
            }
        }
    }
}

#[test]
fn one_bad_schedule_stops_all_others() {
    // An expression that has nothing left to fire, at the end of the calendar: no panic, no endless search, no next time.
    let bad = cron("30 2 * * *", "America/New_York");
    let end = at("9999-12-30T00:00:00Z");
    assert_eq!(bad.first_after(end), None);
    assert_eq!(bad.first_after(Timestamp::MAX), None);
    assert_eq!(due(&bad, end, Timestamp::MAX), Some(Due { tick: end, missed_ticks: 0, next_run_at: None }));
    // What cannot fire is refused when it is written, so it never gets among the others.
    assert!("0 0 31 2 *".parse::<justiam_sdk::api::cron::CronExpr>().is_err());
    let good = cron("30 2 * * *", "America/New_York");
    assert_eq!(good.first_after(at("2026-03-08T05:00:00Z")), Some(at("2026-03-08T07:00:00Z")));
}

#[test]
fn all_tasks_of_the_missing_hour_run_one_by_one() {
    let ticks = between("0-59 2 * * *", "Europe/Zurich", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z");
    assert_eq!(ticks, ["03-29 03:00 +02:00"]);
    let ticks = between("0-59 0-23 * * *", "Pacific/Apia", "2011-12-30T09:57:00Z", "2011-12-30T10:02:00Z");
    assert_eq!(
        ticks,
        ["12-29 23:58 -10:00", "12-29 23:59 -10:00", "12-31 00:00 +14:00", "12-31 00:01 +14:00", "12-31 00:02 +14:00"]
    );
}

#[test]
fn a_time_inside_a_gap_panics() {
    for name in ["America/New_York", "Africa/Cairo", "Pacific/Apia", "Australia/Lord_Howe", "Antarctica/Troll"] {
        for text in ["30 2 * * *", "0 0 30 12 *", "*/7 */5 * * *", "0 0 L * *", "0 0 29 2 *"] {
            for start in [Timestamp::MIN, at("-000001-01-01T00:00:00Z"), at("1900-01-01T00:00:00Z"), Timestamp::MAX] {
                let calm = catch_unwind(|| preview(&expr(text), &zone(name), start, 20));
                assert!(calm.is_ok(), "{text} in {name} after {start}");
            }
        }
    }
}

#[test]
fn a_gap_at_midnight_skips_the_whole_day() {
    for (name, from, expected) in [
        ("Africa/Cairo", "2026-04-22T22:00:00Z", ["04-24 01:00 +03:00", "04-25 00:00 +03:00"]),
        ("Asia/Beirut", "2026-03-28T00:00:00Z", ["03-29 01:00 +03:00", "03-30 00:00 +03:00"]),
        ("America/Santiago", "2026-09-05T12:00:00Z", ["09-06 01:00 -03:00", "09-07 00:00 -03:00"]),
        ("America/Asuncion", "2023-09-30T12:00:00Z", ["10-01 01:00 -03:00", "10-02 00:00 -03:00"]),
        ("America/Havana", "2026-03-07T12:00:00Z", ["03-08 01:00 -04:00", "03-09 00:00 -04:00"]),
    ] {
        let until = later(at(from), 2 * 24 * 3600 + 3600).to_string();
        assert_eq!(between("0 0 * * *", name, from, &until), expected, "{name}");
        assert_eq!(between("@daily", name, from, &until), expected, "{name}");
    }
}

#[test]
fn an_extra_run_at_the_first_instant_after_a_gap() {
    for (text, expected) in [
        ("0 0 * * *", &["03-29 00:00 +00:00"][..]),
        ("59 0 * * *", &["03-29 00:59 +00:00"]),
        ("0 12 * * *", &["03-29 12:00 +01:00"]),
        ("30 * 29 3 *", &["03-29 00:30 +00:00", "03-29 02:30 +01:00"]),
    ] {
        let until = if text.starts_with("30") { "2026-03-29T02:00:00Z" } else { "2026-03-29T22:00:00Z" };
        assert_eq!(between(text, "Europe/London", "2026-03-28T12:00:00Z", until), expected, "{text}");
    }
}

#[test]
fn the_next_time_lies_in_the_past_during_the_repeated_hour() {
    let zone = zone("Europe/Zurich");
    let begin = seconds("2026-10-24T23:59:00Z");
    for text in ["30 2 * * *", "*/15 * * * *", "30 * * * *", "15,45 2 * * *"] {
        let expr = expr(text);
        let mut last = None;
        for now in (begin..begin + 3 * 3600).map(|second| Timestamp::from_second(second).unwrap()) {
            let tick = next_tick(&expr, &zone, now);
            assert!(tick.is_some_and(|tick| tick > now) && tick >= last, "{text} at {now}: {last:?}, then {tick:?}");
            last = tick;
        }
    }
}

#[test]
fn an_edit_makes_all_tasks_fire_at_once() {
    let now = at("2026-06-15T12:34:56.789Z");
    for text in ["* * * * *", "34 12 * * *", "0 0 1 1 *"] {
        let first = cron(text, "UTC").first_after(now).unwrap();
        assert!(first > now, "{text}: {first}");
        assert_eq!(due(&cron(text, "UTC"), first, now), None);
    }
    // On the very tick, too: that one belongs to the schedule before the edit.
    let noon = at("2026-06-15T12:00:00Z");
    assert_eq!(cron("0 12 * * *", "UTC").first_after(noon), Some(at("2026-06-16T12:00:00Z")));
}

#[test]
fn a_task_that_was_missed_once_stays_in_the_past_for_ever() {
    let schedule = cron("0 3 * * *", "Europe/Zurich");
    for (due_at, now, missed) in [
        ("2026-01-01T02:00:00Z", "2026-01-01T02:00:00Z", 0),
        ("2026-01-01T02:00:00Z", "2026-01-09T12:00:00Z", 8),
        ("2001-01-01T02:00:00Z", "2026-01-01T12:00:00Z", 9131),
    ] {
        let found = due(&schedule, at(due_at), at(now)).unwrap();
        assert_eq!(found.missed_ticks, missed, "{due_at}");
        assert!(found.tick <= at(now) && found.next_run_at.unwrap() > at(now), "{found:?}");
    }
}

#[test]
fn a_new_schedule_is_saved_without_a_next_time() {
    let now = at("2026-06-15T12:34:56Z");
    for text in ["* * * * *", "0 0 29 2 *", "30 2 29 2 */7", "0 0 L * *", "0 0 31 12 5#5", "@yearly", "59 23 31 12 0"] {
        for name in ["UTC", "America/New_York", "Pacific/Apia", "Africa/Casablanca"] {
            assert!(cron(text, name).first_after(now).is_some_and(|first| first > now), "{text} in {name}");
        }
    }
}

#[test]
fn the_end_of_a_run_moves_the_next_time_again() {
    // The next time is the same whenever a tick is handled, so there is nothing that an end could move.
    let schedule = cron("0 3 * * 1", "Europe/Zurich");
    let next = schedule.first_after(at("2026-01-01T00:00:00Z")).unwrap();
    let week = later(next, 7 * 24 * 3600);
    for late in [0, 1, 3600, 6 * 24 * 3600] {
        let found = due(&schedule, next, later(next, late)).unwrap();
        assert_eq!((found.tick, found.next_run_at), (next, Some(week)), "{late} s late");
        assert_eq!(due(&schedule, week, later(next, late)), None);
    }
}

#[test]
fn a_decision_that_is_taken_again_after_a_crash_is_another_one() {
    // Whoever repeats it later names the same tick as long as no newer one is due, and so meets the first one's row.
    let schedule = cron("0 * * * *", "UTC");
    let next = at("2026-01-01T01:00:00Z");
    let first = due(&schedule, next, at("2026-01-01T01:00:00.5Z"));
    assert_eq!(due(&schedule, next, at("2026-01-01T01:59:59Z")), first);
    assert_eq!(due(&schedule, next, at("2026-01-01T02:00:00Z")).unwrap().missed_ticks, 1);
}

/// A script of 2.5 intervals: how many of thirty ticks start at once, wait, are recorded as skipped, or replace another.
fn outcomes(policy: &OverlapPolicy) -> [u64; 4] {
    let schedule = cron("* * * * *", "UTC");
    let zero = at("2026-01-01T00:00:00Z");
    let mut outcomes = [0; 4];
    // When each active run will have ended, and how many wait.
    let (mut ends, mut waiting): (Vec<Timestamp>, u64) = (Vec::new(), 0);
    let mut next = schedule.first_after(zero).unwrap();
    for _ in 0..30 {
        let now = next;
        while let Some(over) = ends.iter().copied().filter(|end| *end <= now).min() {
            ends.retain(|end| *end != over);
            if waiting > 0 {
                waiting -= 1;
                ends.push(later(over, 150));
            }
        }
        let active = u64::try_from(ends.len()).unwrap() + waiting;
        match decide(policy, active, waiting, DEFAULT_MAX_QUEUED) {
            Decision::Start => {
                outcomes[0] += 1;
                ends.push(later(now, 150));
            }
            Decision::Wait => {
                outcomes[1] += 1;
                waiting += 1;
            }
            Decision::Skip | Decision::QueueFull => outcomes[2] += 1,
            Decision::Replace => {
                outcomes[3] += 1;
                (ends, waiting) = (vec![later(now, 150)], 0);
            }
        }
        if *policy != OverlapPolicy::Allow {
            assert!(ends.len() <= 1, "{policy}: two at work at {now}");
        }
        next = due(&schedule, next, now).unwrap().next_run_at.unwrap();
    }
    outcomes
}

#[test]
fn a_slow_run_makes_slots_vanish_without_a_trace() {
    // Each tick has an outcome, whatever the policy.
    assert_eq!(outcomes(&OverlapPolicy::Allow), [30, 0, 0, 0]);
    assert_eq!(outcomes(&OverlapPolicy::Skip), [10, 0, 20, 0]);
    assert_eq!(outcomes(&OverlapPolicy::Queue), [1, 29, 0, 0]);
    assert_eq!(outcomes(&OverlapPolicy::Replace), [1, 0, 0, 29]);
}

#[test]
fn a_long_run_is_taken_for_dead_because_of_its_age() {
    // It began a day ago and renewed five seconds ago.
    let renewed = at("2026-01-02T00:00:00Z");
    assert!(!lease::is_lost(lease::ends_at(renewed), later(renewed, 5)));
}

#[test]
fn a_dead_worker_holds_its_run_for_hours() {
    let renewed = at("2026-01-01T00:00:00Z");
    let until = lease::ends_at(renewed);
    let sweeps = (0..).map(|sweep| renewed.checked_add(lease::SWEEP_EVERY * sweep).unwrap());
    let found = sweeps.into_iter().find(|now| lease::is_lost(until, *now)).unwrap();
    assert!(renewed.duration_until(found) <= lease::LENGTH + lease::SWEEP_EVERY, "{found}");
}

#[test]
fn nothing_is_scheduled_from_a_start_inside_a_gap_or_a_fold() {
    // The very instant of a change, the one before, and the middle of the second pass: ticks go on, and none has no length.
    for now in ["2026-03-29T01:00:00Z", "2026-03-29T00:59:59.999999Z", "2026-10-25T01:00:00Z", "2026-10-25T01:30:00Z"] {
        for text in ["30 2 * * *", "*/30 * * * *", "0 3 * * *", "@hourly"] {
            let found = preview(&expr(text), &zone("Europe/Zurich"), at(now), 3);
            assert!(found.len() == 3 && found.is_sorted() && found[0] > at(now), "{text} after {now}: {found:?}");
            assert!(found[0] <= later(at(now), 25 * 3600), "{text} after {now}: {found:?}");
            assert!(found[0] < found[1] && found[1] < found[2], "{text} after {now}: {found:?}");
        }
    }
}

#[test]
fn a_clock_that_is_set_back_fires_the_same_minute_again() {
    let schedule = cron("* * * * *", "UTC");
    let found = due(&schedule, at("2026-01-01T12:00:00Z"), at("2026-01-01T12:00:00.1Z")).unwrap();
    let next = found.next_run_at.unwrap();
    for now in ["2026-01-01T11:00:00Z", "2026-01-01T11:59:59Z", "2026-01-01T12:00:00Z", "2026-01-01T12:00:59.999Z"] {
        assert_eq!(due(&schedule, next, at(now)), None, "{now}");
    }
    // A machine that slept for three days: one run.
    let woke = due(&schedule, next, later(next, 3 * 24 * 3600)).unwrap();
    assert_eq!((woke.tick, woke.missed_ticks), (later(next, 3 * 24 * 3600), 3 * 24 * 60));
}

#[test]
fn catching_up_after_a_year_starts_a_thousand_runs() {
    let found = due(&cron("* * * * *", "America/New_York"), at("2025-01-01T00:00:00Z"), at("2026-01-01T00:00:30Z"));
    assert_eq!(
        found,
        Some(Due {
            tick: at("2026-01-01T00:00:00Z"),
            missed_ticks: 365 * 24 * 60,
            next_run_at: Some(at("2026-01-01T00:01:00Z"))
        })
    );
}

#[test]
fn new_time_zone_data_repeats_or_loses_a_stored_time() {
    // Stored at 01:30 UTC under older data; the zone says now that the task fires at 02:30 UTC. It fires once for the stored
    // time, then goes on by the new data.
    let (text, name) = ("30 3 * * *", "Europe/Zurich");
    let stored = at("2026-06-15T00:30:00Z");
    let found = due(&cron(text, name), stored, stored).unwrap();
    assert_eq!((found.tick, found.missed_ticks), (stored, 0));
    assert_eq!(found.next_run_at, ticks(&expr(text), &zone(name), stored).next());
}
