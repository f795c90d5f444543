//! Time cut into stretches in which a zone's offset from UTC does not change.

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use super::wall_times::WallTimes;

/// A stretch of time with one offset, and which of its wall-clock times count.
pub(crate) struct Stretch {
    pub(crate) offset: Offset,
    /// The first wall-clock minute that counts. Every later one up to the end does too.
    pub(crate) from: DateTime,
    /// A tick at the very beginning, for fixed times that the clocks have skipped. Lies before `from`.
    pub(crate) made_up: Option<Timestamp>,
    /// The first instant that no longer belongs to the stretch.
    pub(crate) end: Option<Timestamp>,
}

impl Stretch {
    /// What is left after an instant of the stretch in which it lies. `None` at the ends of the calendar.
    pub(crate) fn after(times: &impl WallTimes, zone: &TimeZone, after: Timestamp) -> Option<Self> {
        let offset = zone.to_offset(after);
        let mut from = minute_after(wall(after, offset)?)?;
        if times.is_fixed_time()
            && let Some((begin, old_offset)) = last_change(zone, after)
            && old_offset > offset
        {
            // The stretch began with a fold, whose times have had their tick in the first pass.
            from = from.max(minute_from(wall(begin, old_offset)?)?);
        }
        Some(Self { offset, from, made_up: None, end: next_change(zone, after) })
    }

    /// The stretch behind this one.
    pub(crate) fn next(&self, times: &impl WallTimes, zone: &TimeZone) -> Option<Self> {
        let begin = self.end?;
        let offset = zone.to_offset(begin);
        let (old_wall, new_wall) = (wall(begin, self.offset)?, wall(begin, offset)?);
        let end = next_change(zone, begin);
        let mut next = Self { offset, from: minute_from(new_wall)?, made_up: None, end };
        if times.is_fixed_time() {
            if old_wall >= new_wall {
                // A fold: its times have had their tick in the first pass.
                next.from = minute_from(old_wall)?;
            } else if times.next_wall(minute_from(old_wall)?, true).is_some_and(|skipped| skipped < new_wall) {
                // A gap: one tick for all the times that it swallowed, and for the instant after it.
                next.made_up = Some(begin);
                next.from = minute_after(new_wall)?;
            }
        }
        Some(next)
    }

    /// Where the stretch ends on its own clock: the first wall-clock minute that no longer belongs to it.
    pub(crate) fn end_wall(&self) -> Option<DateTime> {
        minute_from(wall(self.end?, self.offset)?)
    }

    /// The first wall-clock minute of the stretch's clock that lies after an instant.
    pub(crate) fn minute_after(&self, at: Timestamp) -> Option<DateTime> {
        minute_after(wall(at, self.offset)?)
    }

    /// Whether at least `span` of it is left.
    pub(crate) fn is_long(&self, span: SignedDuration) -> bool {
        self.end_wall().is_none_or(|end| self.from.duration_until(end) >= span)
    }
}

/// What a clock with this offset shows. `None` at the ends of the calendar: arithmetic there may fail and must not panic.
pub(crate) fn wall(at: Timestamp, offset: Offset) -> Option<DateTime> {
    (at > Timestamp::MIN && at < Timestamp::MAX).then(|| offset.to_datetime(at))
}

/// The latest change of offset up to an instant, and the offset before it.
fn last_change(zone: &TimeZone, at: Timestamp) -> Option<(Timestamp, Offset)> {
    let moment = SignedDuration::from_nanos(1);
    // `preceding` leaves out a change at the very instant.
    let begin = zone.preceding(at.checked_add(moment).unwrap_or(at)).next()?.timestamp();
    Some((begin, zone.to_offset(begin.checked_sub(moment).ok()?)))
}

pub(crate) fn next_change(zone: &TimeZone, after: Timestamp) -> Option<Timestamp> {
    zone.following(after).next().map(|change| change.timestamp())
}

/// The whole minute at a wall-clock time, or the next one.
fn minute_from(at: DateTime) -> Option<DateTime> {
    if at.second() == 0 && at.subsec_nanosecond() == 0 { Some(at) } else { minute_after(at) }
}

fn minute_after(at: DateTime) -> Option<DateTime> {
    at.date().at(at.hour(), at.minute(), 0, 0).checked_add(SignedDuration::from_mins(1)).ok()
}
