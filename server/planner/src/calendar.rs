//! When a cron expression fires, or the pattern of a schedule.
//!
//! Daylight saving follows Vixie cron as Debian ships it. An expression that names times of day (neither its minute nor its
//! hour field starts with `*`) is a *fixed time*: it runs once on a day with a repeated hour, at the first pass, and a time
//! that the clocks skip runs at the first instant after the gap. Every other expression is an *interval* and follows
//! elapsed time: it runs in both passes of a repeated hour, and not at all for a skipped one.

pub(crate) mod count;
pub(crate) mod stretch;
mod wall_times;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use stretch::Stretch;
pub use wall_times::WallTimes;

/// How many stretches of unchanged offset a search looks at. Where the next match is far away it goes there directly, so it
/// looks at three or four; this bounds what a strange zone could cost.
const MAX_STRETCHES: usize = 64;

/// More than two offsets from UTC can be apart, both ways together: what lies this far from a wall-clock time in one offset
/// does so in every other.
const FAR: SignedDuration = SignedDuration::from_hours(72);

/// The first instant after `after` at which `times` come in `zone`, or `None` when there is none before the year 5000 has
/// begun. Takes about a microsecond, and a tenth of a millisecond for an instant that is decades away.
pub fn next_tick(times: &impl WallTimes, zone: &TimeZone, after: Timestamp) -> Option<Timestamp> {
    let mut stretch = Stretch::after(times, zone, after)?;
    for _ in 0..MAX_STRETCHES {
        if let Some(tick) = stretch.made_up {
            return Some(tick);
        }
        let tick = stretch.offset.to_timestamp(times.next_wall(stretch.from, true)?).ok()?;
        let Some(end) = stretch.end.filter(|end| *end <= tick) else { return Some(tick) };
        let near = tick.checked_sub(FAR).ok()?;
        // A long stretch cannot be undone by a fold, so nothing fires before the match; skipped times lie near it too.
        stretch = if near > end && stretch.is_long(FAR) {
            Stretch::after(times, zone, near)?
        } else {
            stretch.next(times, zone)?
        };
    }
    None
}

/// The instants after `after` at which `times` come in `zone`, in order.
pub fn ticks(times: &impl WallTimes, zone: &TimeZone, after: Timestamp) -> impl Iterator<Item = Timestamp> {
    std::iter::successors(next_tick(times, zone, after), move |tick| next_tick(times, zone, *tick))
}

/// The next `n` instants after `after` at which `times` come in `zone`, fewer where the calendar ends. Whoever takes `n` from
/// a user bounds it.
pub fn preview(times: &impl WallTimes, zone: &TimeZone, after: Timestamp, n: usize) -> Vec<Timestamp> {
    ticks(times, zone, after).take(n).collect()
}

/// How many times `times` come in `zone` after `after` and not after `until`. Counted by days and not by ticks.
pub fn count_ticks(times: &impl WallTimes, zone: &TimeZone, after: Timestamp, until: Timestamp) -> i64 {
    let between = times.counter();
    let mut ticks = 0;
    let mut stretch = Stretch::after(times, zone, after);
    while let Some(now) = stretch {
        ticks += i64::from(now.made_up.is_some_and(|tick| tick <= until));
        let last = now.end.is_none_or(|end| end > until);
        let to = if last { now.minute_after(until) } else { now.end_wall() };
        let Some(to) = to else { return ticks };
        ticks += between(now.from, to);
        stretch = if last { None } else { now.next(times, zone) };
    }
    ticks
}

/// The latest instant up to `now` at which `times` come in `zone`, and the one after it. `tick` is one that is known, and the
/// answer where no later one is due.
pub fn latest_tick(
    times: &impl WallTimes,
    zone: &TimeZone,
    mut tick: Timestamp,
    now: Timestamp,
) -> (Timestamp, Option<Timestamp>) {
    // Nothing fires after this and up to `now`. Each round halves what lies between.
    let mut quiet_after = now;
    loop {
        let next = next_tick(times, zone, tick);
        let Some(due) = next.filter(|next| *next <= quiet_after) else { return (tick, next) };
        let middle = tick.saturating_add(tick.duration_until(quiet_after) / 2).unwrap_or(tick);
        if let Some(later) = next_tick(times, zone, middle).filter(|later| *later <= quiet_after) {
            tick = later;
        } else {
            quiet_after = middle;
            tick = due;
        }
    }
}
