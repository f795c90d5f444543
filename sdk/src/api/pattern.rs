//! When a schedule fires: the values behind its pattern fields, which exist only if they are valid.
//!
//! The planner says at which instants a [`Pattern`] fires; here is what its fields may hold.

use std::fmt;
use std::str::FromStr;

use super::cron::CronExpr;
use super::schedules::{IntervalUnit, MAX_CRON_EXPRESSION, PatternType, TriggerType};
use super::values::Words as _;

/// The longest `daysOfWeek`, in characters.
pub const MAX_DAYS: usize = 50;
/// The longest `runTimes`, in characters.
pub const MAX_TIMES: usize = 200;
/// The bounds of `intervalValue`.
pub const INTERVAL_VALUE: std::ops::RangeInclusive<i64> = 1..=59;

/// Days of the week, at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DaysOfWeek(u8);

impl DaysOfWeek {
    /// Every day.
    pub const ALL: Self = Self(0b111_1111);
    /// Monday to Friday.
    pub const WORKING_DAYS: Self = Self(0b011_1110);

    /// Days by number: 0 is Sunday, 6 is Saturday. `None` where there is none, or another number.
    pub fn new(days: impl IntoIterator<Item = u8>) -> Option<Self> {
        let mut mask = 0_u8;
        for day in days {
            mask |= 1_u8.checked_shl(u32::from(day)).filter(|bit| *bit <= 0b100_0000)?;
        }
        (mask != 0).then_some(Self(mask))
    }

    /// Whether a day, by number, is one of them.
    pub fn contains(self, day: u8) -> bool {
        day < 7 && self.0 & (1 << day) != 0
    }

    /// The days in ascending order.
    pub fn iter(self) -> impl Iterator<Item = u8> {
        (0..7).filter(move |day| self.contains(*day))
    }
}

impl fmt::Display for DaysOfWeek {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days: Vec<String> = self.iter().map(|day| day.to_string()).collect();
        f.write_str(&days.join(","))
    }
}

impl FromStr for DaysOfWeek {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut mask = 0_u8;
        for part in parts(text, MAX_DAYS, "days of the week such as `1,2,3,4,5`: 0 is Sunday, 6 is Saturday")? {
            let day = part.parse().ok().filter(|day: &u8| *day < 7 && part.len() == 1);
            let Some(day) = day else {
                return Err(format!("`{}` is not a day of the week: 0 is Sunday, 6 is Saturday", shown(part)));
            };
            mask |= 1 << day;
        }
        Ok(Self(mask))
    }
}

/// A minute of the day, on a clock on the wall.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeOfDay {
    hour: u8,
    minute: u8,
}

impl TimeOfDay {
    /// A time of day; `None` where the clock has none such.
    pub const fn new(hour: u8, minute: u8) -> Option<Self> {
        if hour < 24 && minute < 60 { Some(Self { hour, minute }) } else { None }
    }

    /// Minutes since midnight.
    pub const fn minutes(self) -> u16 {
        self.hour as u16 * 60 + self.minute as u16
    }

    /// From 0 to 23.
    pub const fn hour(self) -> u8 {
        self.hour
    }

    /// From 0 to 59.
    pub const fn minute(self) -> u8 {
        self.minute
    }

    fn short(self) -> String {
        format!("{}:{:02}", self.hour, self.minute)
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.hour(), self.minute())
    }
}

impl FromStr for TimeOfDay {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = |text: &str, longest: usize| {
            let fits = (1..=longest).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
            fits.then(|| text.parse().ok()).flatten()
        };
        let time = text.split_once(':').and_then(|(hour, minute)| {
            let minute = (minute.len() == 2).then(|| digits(minute, 2)).flatten()?;
            Self::new(digits(hour, 2)?, minute)
        });
        time.ok_or_else(|| format!("`{}` is not a time of day such as `06:00`, from 00:00 to 23:59", shown(text)))
    }
}

/// Times of day, at least one, in ascending order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunTimes(Vec<TimeOfDay>);

impl RunTimes {
    /// Times of day; `None` where there is none, and where they are too many for [`MAX_TIMES`].
    pub fn new(times: impl IntoIterator<Item = TimeOfDay>) -> Option<Self> {
        let mut times: Vec<TimeOfDay> = times.into_iter().collect();
        times.sort_unstable();
        times.dedup();
        let times = Self(times);
        (!times.0.is_empty() && times.list(|time| time.short()).len() <= MAX_TIMES).then_some(times)
    }

    /// The times in ascending order.
    pub fn times(&self) -> &[TimeOfDay] {
        &self.0
    }

    fn list(&self, written: fn(&TimeOfDay) -> String) -> String {
        self.0.iter().map(written).collect::<Vec<_>>().join(",")
    }
}

impl fmt::Display for RunTimes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = self.list(TimeOfDay::to_string);
        // What was read as `6:00` must fit again.
        f.write_str(&if list.len() > MAX_TIMES { self.list(|time| time.short()) } else { list })
    }
}

impl FromStr for RunTimes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = "times of day such as `06:00,12:30`";
        let times = parts(text, MAX_TIMES, expected)?.into_iter().map(TimeOfDay::from_str);
        Self::new(times.collect::<Result<Vec<_>, _>>()?).ok_or_else(|| format!("must be {expected}"))
    }
}

/// The distance of an interval's marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Every {
    value: u8,
    hours: bool,
}

impl Every {
    /// So many minutes, from 1 to 59.
    pub fn minutes(value: u8) -> Option<Self> {
        Self::new(value.into(), &IntervalUnit::Minutes)
    }

    /// So many hours, from 1 to 59.
    pub fn hours(value: u8) -> Option<Self> {
        Self::new(value.into(), &IntervalUnit::Hours)
    }

    fn new(value: i64, unit: &IntervalUnit) -> Option<Self> {
        let value = INTERVAL_VALUE.contains(&value).then(|| u8::try_from(value).ok()).flatten()?;
        Some(Self { value, hours: *unit == IntervalUnit::Hours })
    }

    /// The distance in minutes.
    pub fn in_minutes(self) -> u16 {
        u16::from(self.value) * if self.hours { 60 } else { 1 }
    }
}

/// The part of the day in which an interval has marks. Both ends count; an end before the start is on the next day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    start: TimeOfDay,
    end: TimeOfDay,
}

impl Window {
    /// From 00:00 to 23:59.
    pub const ALL_DAY: Self = Self { start: TimeOfDay { hour: 0, minute: 0 }, end: TimeOfDay { hour: 23, minute: 59 } };

    /// A window; `None` where both ends are the same.
    pub fn new(start: TimeOfDay, end: TimeOfDay) -> Option<Self> {
        (start != end).then_some(Self { start, end })
    }

    /// The time of the first mark.
    pub fn start(self) -> TimeOfDay {
        self.start
    }

    /// The time of the last mark, where the interval hits it.
    pub fn end(self) -> TimeOfDay {
        self.end
    }

    /// From start to end, in minutes.
    pub fn length(self) -> u16 {
        let (start, end) = (self.start.minutes(), self.end.minutes());
        if end > start { end - start } else { 24 * 60 - start + end }
    }
}

/// When a schedule fires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pattern {
    /// At these times on these days. They are fixed times: once on a day with a repeated hour, after the gap on one with a
    /// skipped hour.
    SpecificTimes {
        /// The days.
        days: DaysOfWeek,
        /// The times.
        times: RunTimes,
    },
    /// At marks on a clock on the wall: from the start of the window on, in windows that start on these days. They follow elapsed
    /// time: both times in a repeated hour, never in a skipped one.
    Interval {
        /// The days on which windows start.
        days: DaysOfWeek,
        /// The distance of the marks. It starts anew with each window.
        every: Every,
        /// The window.
        window: Window,
    },
    /// As a cron expression says.
    Custom(Box<CronExpr>),
}

/// The pattern fields of a schedule, as they travel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatternFields {
    /// Which of the others count.
    pub pattern_type: PatternType,
    /// Of `Custom`.
    pub cron_expression: Option<String>,
    /// Of `SpecificTimes` and `Interval`.
    pub days_of_week: Option<String>,
    /// Of `SpecificTimes`.
    pub run_times: Option<String>,
    /// Of `Interval`.
    pub interval_value: Option<i64>,
    /// Of `Interval`.
    pub interval_unit: Option<IntervalUnit>,
    /// Of `Interval`.
    pub interval_window_start: Option<String>,
    /// Of `Interval`.
    pub interval_window_end: Option<String>,
}

/// What is wrong with one field of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// The field, as on the wire.
    pub field: &'static str,
    /// What is wrong.
    pub message: String,
}

impl PatternFields {
    /// Fields of a type, without values.
    pub fn new(pattern_type: PatternType) -> Self {
        Self {
            pattern_type,
            cron_expression: None,
            days_of_week: None,
            run_times: None,
            interval_value: None,
            interval_unit: None,
            interval_window_start: None,
            interval_window_end: None,
        }
    }

    /// The pattern, or all that is wrong.
    pub fn read(&self) -> Result<Pattern, Vec<FieldError>> {
        let mut errors = Vec::new();
        let pattern = match &self.pattern_type {
            PatternType::SpecificTimes => {
                let days = self.days(&mut errors);
                let times = required("runTimes", self.run_times.as_deref(), &self.pattern_type, &mut errors);
                days.zip(times).map(|(days, times)| Pattern::SpecificTimes { days, times })
            }
            PatternType::Interval => {
                let days = self.days(&mut errors);
                let every = self.every(&mut errors);
                let window = self.window(&mut errors);
                days.zip(every).zip(window).map(|((days, every), window)| Pattern::Interval { days, every, window })
            }
            PatternType::Custom => self.cron(&mut errors).map(|expr| Pattern::Custom(Box::new(expr))),
            PatternType::Other(_) => {
                errors.push(FieldError { field: "patternType", message: PatternType::expected() });
                None
            }
        };
        pattern.filter(|_| errors.is_empty()).ok_or(errors)
    }

    fn days(&self, errors: &mut Vec<FieldError>) -> Option<DaysOfWeek> {
        required("daysOfWeek", self.days_of_week.as_deref(), &self.pattern_type, errors)
    }

    fn every(&self, errors: &mut Vec<FieldError>) -> Option<Every> {
        let (least, most) = (INTERVAL_VALUE.start(), INTERVAL_VALUE.end());
        let value = match self.interval_value {
            None => {
                errors.push(missing("intervalValue", &self.pattern_type));
                None
            }
            Some(value) if !INTERVAL_VALUE.contains(&value) => {
                let message = format!("must be from {least} to {most}, not {value}");
                errors.push(FieldError { field: "intervalValue", message });
                None
            }
            some => some,
        };
        let unit = match &self.interval_unit {
            None => {
                errors.push(missing("intervalUnit", &self.pattern_type));
                None
            }
            Some(IntervalUnit::Other(_)) => {
                errors.push(FieldError { field: "intervalUnit", message: IntervalUnit::expected() });
                None
            }
            some => some.as_ref(),
        };
        Every::new(value?, unit?)
    }

    fn window(&self, errors: &mut Vec<FieldError>) -> Option<Window> {
        let start = required("intervalWindowStart", self.interval_window_start.as_deref(), &self.pattern_type, errors);
        let end = required("intervalWindowEnd", self.interval_window_end.as_deref(), &self.pattern_type, errors);
        let window = Window::new(start?, end?);
        if window.is_none() {
            let message = "must not be the start of the window; all day is from `00:00` to `23:59`".to_owned();
            errors.push(FieldError { field: "intervalWindowEnd", message });
        }
        window
    }

    fn cron(&self, errors: &mut Vec<FieldError>) -> Option<CronExpr> {
        let Some(text) = self.cron_expression.as_deref() else {
            errors.push(missing("cronExpression", &self.pattern_type));
            return None;
        };
        let length = text.chars().count();
        let read = if length > MAX_CRON_EXPRESSION {
            Err(format!("must have up to {MAX_CRON_EXPRESSION} characters, not {length}"))
        } else {
            text.parse::<CronExpr>().map_err(|error| error.to_string())
        };
        read.map_err(|message| errors.push(FieldError { field: "cronExpression", message })).ok()
    }
}

impl Pattern {
    /// The fields that say the same. Without a cron expression but for [`Pattern::Custom`]: the server makes that.
    pub fn to_fields(&self) -> PatternFields {
        match self {
            Self::SpecificTimes { days, times } => PatternFields {
                days_of_week: Some(days.to_string()),
                run_times: Some(times.to_string()),
                ..PatternFields::new(PatternType::SpecificTimes)
            },
            Self::Interval { days, every, window } => PatternFields {
                days_of_week: Some(days.to_string()),
                interval_value: Some(every.value.into()),
                interval_unit: Some(if every.hours { IntervalUnit::Hours } else { IntervalUnit::Minutes }),
                interval_window_start: Some(window.start.to_string()),
                interval_window_end: Some(window.end.to_string()),
                ..PatternFields::new(PatternType::Interval)
            },
            Self::Custom(expr) => PatternFields {
                cron_expression: Some(expr.as_str().to_owned()),
                ..PatternFields::new(PatternType::Custom)
            },
        }
    }
}

fn required<T: FromStr<Err = String>>(
    field: &'static str,
    text: Option<&str>,
    pattern_type: &PatternType,
    errors: &mut Vec<FieldError>,
) -> Option<T> {
    let Some(text) = text else {
        errors.push(missing(field, pattern_type));
        return None;
    };
    text.parse().map_err(|message| errors.push(FieldError { field, message })).ok()
}

fn missing(field: &'static str, pattern_type: &PatternType) -> FieldError {
    let message = format!(
        "is required: `{trigger}` schedules with the pattern `{pattern_type}` need it",
        trigger = TriggerType::Cron
    );
    FieldError { field, message }
}

/// The parts of a list with commas, without the blanks around them.
fn parts<'a>(text: &'a str, longest: usize, expected: &str) -> Result<Vec<&'a str>, String> {
    let length = text.chars().count();
    if length > longest {
        return Err(format!("must have up to {longest} characters, not {length}"));
    }
    let parts: Vec<&str> = text.split(',').map(str::trim).collect();
    if parts.iter().all(|part| part.is_empty()) {
        return Err(format!("must be {expected}"));
    }
    Ok(parts)
}

/// As much of a text as an error may quote.
fn shown(text: &str) -> String {
    text.chars().take(20).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_read_and_written() {
        for (text, expected) in [("1,2,3,4,5", "1,2,3,4,5"), ("6, 0", "0,6"), ("0", "0"), ("3,3", "3")] {
            assert_eq!(text.parse::<DaysOfWeek>().unwrap().to_string(), expected);
        }
        for wrong in ["", ",", "7", "1,", "-1", "01", "Mon", "1;2", "1,2,3,4,5,6,7"] {
            assert!(wrong.parse::<DaysOfWeek>().is_err(), "{wrong}");
        }
        assert_eq!(DaysOfWeek::new([7]), None);
        assert_eq!(DaysOfWeek::new([200]), None);
    }

    #[test]
    fn times_are_read_and_written() {
        for (text, expected) in [("06:00", "06:00"), ("6:00", "06:00"), ("23:59,00:00 , 6:05", "00:00,06:05,23:59")] {
            assert_eq!(text.parse::<RunTimes>().unwrap().to_string(), expected);
        }
        for wrong in ["", "24:00", "06:60", "6", "06:0", "006:00", "06:00:00", "+6:00", "06:00,", "6.00"] {
            assert!(wrong.parse::<RunTimes>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn times_that_can_be_read_fit_when_they_are_written_again() {
        let short: Vec<String> = (0..40).map(|n| format!("{}:{:02}", n / 5, n % 5 * 10)).collect();
        let text = short.join(",");
        assert_eq!(text.len(), 199);
        let times: RunTimes = text.parse().unwrap();
        assert_eq!(times.to_string(), text);
        let time = |n: u8| TimeOfDay::new(10 + n / 10, n % 10).unwrap();
        assert!(RunTimes::new((0..33).map(time)).is_some());
        assert_eq!(RunTimes::new((0..34).map(time)), None);
    }

    #[test]
    fn a_window_over_midnight_is_as_long_as_it_looks() {
        let window = |start: &str, end: &str| Window::new(start.parse().unwrap(), end.parse().unwrap());
        assert_eq!(window("22:00", "02:00").unwrap().length(), 240);
        assert_eq!(window("08:00", "18:00").unwrap().length(), 600);
        assert_eq!(window("08:00", "08:00"), None);
        assert_eq!(Window::ALL_DAY.length(), 1439);
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let fields = PatternFields { interval_value: Some(60), ..PatternFields::new(PatternType::Interval) };
        let wrong: Vec<_> = fields.read().unwrap_err().into_iter().map(|error| error.field).collect();
        assert_eq!(wrong, ["daysOfWeek", "intervalValue", "intervalUnit", "intervalWindowStart", "intervalWindowEnd"]);
    }

    #[test]
    fn a_pattern_survives_its_fields() {
        let days = DaysOfWeek::WORKING_DAYS;
        let time = |text: &str| text.parse::<TimeOfDay>().unwrap();
        for pattern in [
            Pattern::SpecificTimes { days, times: RunTimes::new([time("06:00"), time("12:30")]).unwrap() },
            Pattern::Interval { days, every: Every::hours(2).unwrap(), window: Window::ALL_DAY },
            Pattern::Custom(Box::new("0 6 * * 1-5".parse().unwrap())),
        ] {
            assert_eq!(pattern.to_fields().read().unwrap(), pattern);
        }
    }
}
