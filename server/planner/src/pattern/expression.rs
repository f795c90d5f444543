//! The cron expression that fires when a pattern does.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use justiam_sdk::api::pattern::Pattern;
use justiam_sdk::api::schedules::MAX_CRON_EXPRESSION;

use super::{DAY, Marks, Source};
use crate::calendar::WallTimes as _;

/// 2026-01-01. Nothing fires before it, so that what zones did until then is of no account.
const BEGIN: i64 = 1_767_225_600;

/// The expression that fires at exactly the same instants, or `None` where there is none, and where it would be too long for
/// the field that shows it. That of `Custom` is as it was written.
///
/// An expression says the same where all days of the pattern have the same times, and the times are each of some hours with
/// each of some minutes. It must also be of the pattern's kind, or the two would part when the clocks change: that of an
/// interval needs a minute or hour field that starts with `*`, unless the zone keeps its offset for good.
pub fn cron_expression(pattern: &Pattern, zone: &TimeZone) -> Option<String> {
    let marks = match Source::of(pattern) {
        Source::Cron(expr) => return Some(expr.as_str().to_owned()),
        Source::Marks(marks) => marks,
    };
    let (days, times) = one_of_all(&days(&marks))?;
    let (hours, minutes) = one_of_all(&times)?;
    // A list without stars is always a fixed time, and so is the pattern.
    let stars = !pattern.is_fixed_time();
    let (minutes, hours) = (field(minutes, 60, stars), field(hours, 24, stars));
    let same_kind = !stars || minutes.starts_with('*') || hours.starts_with('*') || keeps_its_offset(zone);
    let days = if days == 0b111_1111 { "*".to_owned() } else { list(days) };
    let text = format!("{minutes} {hours} * * {days}");
    (same_kind && text.len() <= MAX_CRON_EXPRESSION).then_some(text)
}

/// The minutes of each hour of each day of the week, a bit each, as they are shown by a clock on the wall.
fn days(marks: &Marks<'_>) -> [[u64; 24]; 7] {
    let mut days = [[0; 24]; 7];
    for day in marks.days.iter().map(i64::from) {
        let mut mark = marks.of_a_day.next(0);
        while let Some(minute) = mark {
            let index = |number: i64| usize::try_from(number).unwrap_or_default();
            let (day, hour) = (index((day + minute / DAY) % 7), index(minute % DAY / 60));
            days[day][hour] |= 1 << (minute % 60);
            mark = marks.of_a_day.next(minute + 1);
        }
    }
    days
}

/// Which of the values are not empty, a bit each, and what all of those are. `None` where they differ.
fn one_of_all<T: Copy + Default + PartialEq>(values: &[T]) -> Option<(u64, T)> {
    let (mut which, mut found) = (0, None);
    for (index, value) in values.iter().enumerate().filter(|(_, value)| **value != T::default()) {
        if *found.get_or_insert(*value) != *value {
            return None;
        }
        which |= 1 << index;
    }
    Some((which, found?))
}

/// A field for some of the values from 0 to below `size`.
fn field(values: u64, size: u64, stars: bool) -> String {
    let multiples =
        |step: u64| (0..size).filter(|value| value % step == 0).fold(0, |bits, value| bits | 1_u64 << value);
    if stars && values == multiples(1) {
        return "*".to_owned();
    }
    match (2..size).find(|step| stars && values == multiples(*step)) {
        Some(step) => format!("*/{step}"),
        None => list(values),
    }
}

/// Values in ascending order, three or more in a row as a range.
fn list(values: u64) -> String {
    let mut parts = Vec::new();
    let mut rest = values;
    while rest != 0 {
        let first = rest.trailing_zeros();
        let last = first + (rest >> first).trailing_ones() - 1;
        match last - first {
            0 => parts.push(first.to_string()),
            1 => parts.push(format!("{first},{last}")),
            _ => parts.push(format!("{first}-{last}")),
        }
        rest &= !(u64::MAX >> (63 - last));
    }
    parts.join(",")
}

/// Whether a zone's offset is the same at all times that count.
fn keeps_its_offset(zone: &TimeZone) -> bool {
    Timestamp::from_second(BEGIN).is_ok_and(|begin| zone.following(begin).next().is_none())
}
