//! The grammar of cron expressions. When an expression fires next is the planner's business.
//!
//! Five fields (minute, hour, day of month, month, day of week), names (`MON`, `JAN`), lists, ranges, steps, `7` for Sunday,
//! `L`, `#`, and macros such as `@hourly`. Day of month and day of week follow Vixie cron: when neither starts with `*`, a
//! day that matches either one is enough; otherwise a day must match both.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use croner::parser::{CronParser, Seconds, Year};
use croner::{Cron, CronComponent, CronPattern};
use jiff::civil::{Date, DateTime, date};

const FIELDS: [(&str, &str); 5] = [
    ("minute", "0-59"),
    ("hour", "0-23"),
    ("day of month", "1-31"),
    ("month", "1-12 or JAN-DEC"),
    ("day of week", "0-7 or SUN-SAT, where 0 and 7 are Sunday"),
];

const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const DAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// The longest text that is looked at, in bytes. Real expressions are a tenth of it.
pub const MAX_LENGTH: usize = 512;

/// A cron expression that can fire. Keeps the text as it was written.
#[derive(Clone)]
pub struct CronExpr {
    text: String,
    cron: Cron,
    fixed_time: bool,
}

/// The same text: two spellings of the same times are not equal. [`CronExpr::means`] compares the times.
impl PartialEq for CronExpr {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for CronExpr {}

/// The numbers that the fields of an expression stand for, each list in order. Sunday is 0.
///
/// `L`, `15W` and `FRI#2` are another day from month to month: the lists have each day that they can be.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fields {
    /// Minutes of an hour.
    pub minutes: Vec<u8>,
    /// Hours of a day.
    pub hours: Vec<u8>,
    /// Days of a month, as the day-of-month field alone has them in the months of the expression.
    pub days_of_month: Vec<u8>,
    /// Months of a year.
    pub months: Vec<u8>,
    /// Days of a week, as the day-of-week field alone has them.
    pub days_of_week: Vec<u8>,
}

/// Why a text is not a cron expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CronError {
    /// The number of fields is wrong.
    #[error(
        "`{text}` has {found} fields; a cron expression has five: minute, hour, day of month, month, day of week (or a macro such as `@daily`)"
    )]
    FieldCount {
        /// The expression.
        text: String,
        /// How many fields it has.
        found: usize,
    },
    /// One field does not parse.
    #[error("`{value}` is not a valid {field} field; it takes {range}, `*`, lists `a,b`, ranges `a-b` and steps `*/n`")]
    Field {
        /// Which field.
        field: &'static str,
        /// What stands there.
        value: String,
        /// What may stand there.
        range: &'static str,
    },
    /// The text as a whole does not parse.
    #[error("`{text}` is not a cron expression: {cause}")]
    Syntax {
        /// The expression.
        text: String,
        /// What the parser says.
        cause: String,
    },
    /// No date ever matches.
    #[error("`{0}` never fires: no date matches its day and month fields")]
    NeverFires(String),
}

impl CronExpr {
    /// The text, byte for byte as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The first wall-clock time that matches: after `from`, or at it when `inclusive`. `None` when none is left before the
    /// end of the calendar (the year 5000).
    pub fn next_wall(&self, from: DateTime, inclusive: bool) -> Option<DateTime> {
        self.cron.find_next_occurrence(&from, inclusive).ok()
    }

    /// Whether a wall-clock time matches.
    pub fn matches(&self, at: DateTime) -> bool {
        self.cron.is_time_matching(&at).unwrap_or(false)
    }

    /// Whether another expression fires at the same times, however it is written: `0 0 * * SUN`, `0  0 * * 7` and `@weekly`.
    ///
    /// Fields are compared one by one. Days that are named in two ways (`1-7` on Mondays, or the first Monday) count as different.
    pub fn means(&self, other: &Self) -> bool {
        self.fixed_time == other.fixed_time && self.times() == other.times()
    }

    /// The pattern without what the parser remembers of its spelling.
    fn times(&self) -> CronPattern {
        let mut pattern = self.cron.pattern.clone();
        let CronPattern { minutes, hours, days, months, days_of_week, .. } = &mut pattern;
        for field in [minutes, hours, days, months, days_of_week] {
            field.from_wildcard = false;
            field.step = 1;
        }
        pattern
    }

    /// Whether the expression names times of day (neither its minute nor its hour field starts with `*`), as opposed to an
    /// interval. The two kinds meet daylight saving differently.
    pub fn is_fixed_time(&self) -> bool {
        self.fixed_time
    }

    /// What each field stands for.
    pub fn fields(&self) -> Fields {
        let pattern = &self.cron.pattern;
        let fields: Vec<&str> = self.text.split_whitespace().collect();
        // A macro, which has one field, names no day that depends on the month.
        let (day, month, weekday) = match fields[..] {
            [_, _, day, month, weekday] => (day, month, weekday),
            _ => ("*", "*", "*"),
        };
        let days_of_month = if pattern.days.has_modifiers() {
            distinct(&format!("0 0 {day} {month} *"), Date::day)
        } else {
            numbers(&pattern.days)
        };
        let days_of_week = if pattern.days_of_week.has_modifiers() {
            distinct(&format!("0 0 * * {weekday}"), |day| day.weekday().to_sunday_zero_offset())
        } else {
            numbers(&pattern.days_of_week)
        };
        let (minutes, hours) = (numbers(&pattern.minutes), numbers(&pattern.hours));
        Fields { minutes, hours, days_of_month, months: numbers(&pattern.months), days_of_week }
    }
}

fn numbers(field: &CronComponent) -> Vec<u8> {
    field.values().into_iter().filter_map(|number| number.try_into().ok()).collect()
}

/// What the days are on which an expression fires once a day, such as their numbers. Within these 28 years each month begins on each
/// day of the week, in leap years too.
fn distinct(text: &str, what: impl Fn(Date) -> i8) -> Vec<u8> {
    let Ok(cron) = parser(true).parse(text) else { return Vec::new() };
    let next = |from: DateTime, inclusive| cron.find_next_occurrence(&from, inclusive).ok();
    let days = std::iter::successors(next(date(2000, 1, 1).at(0, 0, 0, 0), true), |day| next(*day, false));
    let found: BTreeSet<i8> = days.map(DateTime::date).take_while(|day| day.year() < 2028).map(what).collect();
    found.into_iter().filter_map(|number| number.try_into().ok()).collect()
}

impl FromStr for CronExpr {
    type Err = CronError;

    fn from_str(text: &str) -> Result<Self, CronError> {
        let shown: String = text.chars().take(80).collect();
        if text.len() > MAX_LENGTH {
            return Err(CronError::Syntax { text: shown, cause: format!("it is longer than {MAX_LENGTH} bytes") });
        }
        let fields: Vec<&str> = text.split_whitespace().collect();
        let is_macro = fields.len() == 1 && fields[0].starts_with('@');
        if fields.len() != 5 && !is_macro {
            return Err(CronError::FieldCount { text: shown, found: fields.len() });
        }
        let misread =
            fields.iter().zip(FIELDS).enumerate().find(|(index, (field, _))| !is_macro && is_misread(*index, field));
        if let Some((_, (value, (field, range)))) = misread {
            return Err(CronError::Field { field, value: value.chars().take(80).collect(), range });
        }
        let starts_with_star = |index: usize| fields.get(index).is_some_and(|field| field.starts_with(['*', '?']));
        let either_day = !is_macro && !starts_with_star(2) && !starts_with_star(4);
        let cron = parser(!either_day).parse(text).map_err(|cause| explain(&shown, &fields, &cause))?;
        let fixed_time = if is_macro {
            !fields[0].eq_ignore_ascii_case("@hourly")
        } else {
            !starts_with_star(0) && !starts_with_star(1)
        };
        let expr = Self { text: text.to_owned(), cron, fixed_time };
        // Each day of the week comes in each month, and each day of the month in a year: most expressions need no search.
        let any = |index: usize| fields.get(index).is_some_and(|field| matches!(*field, "*" | "?"));
        let comes = is_macro || (any(2) && !text.contains('#')) || (any(3) && any(4));
        if comes || fires(text, !either_day) { Ok(expr) } else { Err(CronError::NeverFires(shown)) }
    }
}

impl fmt::Debug for CronExpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CronExpr").field(&self.text).finish()
    }
}

impl fmt::Display for CronExpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn parser(both_days: bool) -> CronParser {
    CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).dom_and_dow(both_days).build()
}

/// What the library takes for something else than it looks like, or for nothing at all: empty parts of lists, names beside digits or in
/// fields of something else, `L` for the last of no day of the week, a `+` before days of the week, letters of other alphabets.
fn is_misread(index: usize, field: &str) -> bool {
    let is_wrong_word = |word: &str| {
        let word = word.to_ascii_uppercase();
        let name = if index == 4 { word.strip_suffix('L').unwrap_or(&word) } else { &word };
        let names: &[&str] = match index {
            3 => &MONTHS,
            4 => &DAYS,
            _ => &[],
        };
        name.bytes().any(|byte| byte.is_ascii_alphabetic() && (index != 2 || !b"LW".contains(&byte)))
            && !names.contains(&name)
    };
    let is_wrong_part = |part: &str| {
        part.is_empty()
            || (index == 4 && part.eq_ignore_ascii_case("L"))
            || part.split(['-', '/', '#']).any(is_wrong_word)
    };
    !field.is_ascii() || field.starts_with('+') || field.split(',').any(is_wrong_part)
}

/// Whether five fields ever match. Every combination of day and date comes within 40 years; without an end of the search, a date that
/// never comes would be looked for up to the end of the calendar, which takes the library a second.
fn fires(fields: &str, both_days: bool) -> bool {
    let parser = CronParser::builder().seconds(Seconds::Required).year(Year::Required).dom_and_dow(both_days).build();
    let cron = parser.parse(&format!("0 {fields} 2000-2039"));
    cron.is_ok_and(|cron| cron.find_next_occurrence(&date(2000, 1, 1).at(0, 0, 0, 0), true).is_ok())
}

/// The library's messages count bits and positions; this finds the field to blame by trying each one alone.
fn explain(text: &str, fields: &[&str], cause: &croner::errors::CronError) -> CronError {
    for (index, (value, (field, range))) in fields.iter().zip(FIELDS).enumerate() {
        let mut alone = ["*"; 5];
        alone[index] = value;
        if fields.len() == 5 && parser(true).parse(&alone.join(" ")).is_err() {
            return CronError::Field { field, value: value.chars().take(80).collect(), range };
        }
    }
    if text.starts_with('@') {
        let cause = "the macros are @yearly, @annually, @monthly, @weekly, @daily and @hourly".to_owned();
        return CronError::Syntax { text: text.to_owned(), cause };
    }
    CronError::Syntax { text: text.to_owned(), cause: cause.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_what_the_documentation_shows() {
        for text in [
            "* * * * *",
            "0 * * * *",
            "0 3 * * *",
            "*/15 * * * *",
            "0 9-17 * * 1-5",
            "0,30 * * 6-8 *",
            "0 0 * * 7",
            "0 0 * jan MON",
            "@hourly",
            "@daily",
            "@weekly",
            "0 0 L * *",
            "0 0 * * 5#2",
            "  0  3 * * *  ",
        ] {
            let expr: CronExpr = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(expr.as_str(), text);
        }
    }

    #[test]
    fn names_the_field_to_blame() {
        let error = "61 * * * *".parse::<CronExpr>().unwrap_err().to_string();
        assert_eq!(
            error,
            "`61` is not a valid minute field; it takes 0-59, `*`, lists `a,b`, ranges `a-b` and steps `*/n`"
        );
        assert!("0 24 * * *".parse::<CronExpr>().unwrap_err().to_string().contains("hour field"));
        assert!("0 0 * * 8".parse::<CronExpr>().unwrap_err().to_string().contains("day of week field"));
        assert!("0 0 0 * * *".parse::<CronExpr>().unwrap_err().to_string().contains("has 6 fields"));
        assert!("".parse::<CronExpr>().unwrap_err().to_string().contains("has 0 fields"));
        assert!("@fortnightly".parse::<CronExpr>().is_err());
        assert!("ß é * * *".parse::<CronExpr>().is_err());
        assert!("*/0 * * * *".parse::<CronExpr>().is_err());
        assert!(" ".repeat(10_000).parse::<CronExpr>().is_err());
    }

    #[test]
    fn what_the_library_would_take_for_something_else_is_refused() {
        for (text, field) in [
            // An empty part of a list would stand for nothing.
            ("*/6 , * * *", "hour"),
            ("0,,5 0 * * *", "minute"),
            ("0 0 1, * *", "day of month"),
            // The last of no day of the week would stand for nothing, too.
            ("0 0 * * L", "day of week"),
            ("5 0 1 4 l", "day of week"),
            ("0 0 * * 1,L", "day of week"),
            // Names would become numbers wherever they stand: 1FEB would be December.
            ("0 0 1 1FEB *", "month"),
            ("0 0 JAN * *", "day of month"),
            ("0 0 1 TUE *", "month"),
            ("MON 0 * * *", "minute"),
            ("0 0 * * JUL", "day of week"),
            // With a plus, both days would have to match.
            ("0 0 13 * +FRI", "day of week"),
            // A long s and a dotless i have capitals of the Latin alphabet.
            ("0 0 * * \u{17f}un", "day of week"),
            ("0 0 * * fr\u{131}", "day of week"),
        ] {
            let error = text.parse::<CronExpr>().unwrap_err();
            assert!(matches!(&error, CronError::Field { field: found, .. } if *found == field), "{text}: {error}");
        }
        for text in [
            "0 0 L * *",
            "0 0 1,LW * *",
            "0 0 15w * *",
            "0 0 * * 5L",
            "0 0 * * friL",
            "0 0 * * FRI#L",
            "0 0 * * mon#2,SAT-SUN",
            "0 0 ? JUL-sep/2 ?",
        ] {
            assert!(text.parse::<CronExpr>().is_ok(), "{text}");
        }
    }

    #[test]
    fn refuses_what_never_fires() {
        for text in ["0 0 30 2 *", "0 0 31 2,4 *", "0 0 */31 * 1#2", "0 0 */16 * 5#5"] {
            assert_eq!(text.parse::<CronExpr>().unwrap_err(), CronError::NeverFires(text.into()));
        }
        assert!("0 0 29 2 *".parse::<CronExpr>().is_ok());
    }

    #[test]
    fn days_follow_vixie_cron() {
        let days = |text: &str| -> Vec<i8> {
            let expr: CronExpr = text.parse().unwrap();
            let mut at = date(2026, 2, 1).at(0, 0, 0, 0);
            let mut days = Vec::new();
            while let Some(next) = expr.next_wall(at, days.is_empty()).filter(|next| next.month() == 2) {
                days.push(next.day());
                at = next;
            }
            days
        };
        // 2026-02-13 is a Friday.
        assert_eq!(days("0 0 13 * 5"), [6, 13, 20, 27]);
        assert_eq!(days("0 0 */13 * 5"), [27]);
        assert_eq!(days("0 0 13 * *"), [13]);
        assert_eq!(days("0 0 * * 5"), [6, 13, 20, 27]);
    }

    #[test]
    fn spellings_of_the_same_times_mean_the_same() {
        let alike: [&[&str]; 9] = [
            &["0 3 * * *", "0  3 * * *", " 00 03 * * * ", "0 3 * * ?", "0 3 ? * *"],
            &["0 0 * * *", "@daily", "@DAILY"],
            &["0 0 * * 0", "0 0 * * 7", "0 0 * * sun", "0 0 * * SUN", "@weekly"],
            &["0 0 1 1 *", "0 0 1 JAN *", "@yearly", "@annually"],
            &["0 0 1 * *", "@monthly"],
            &["0 * * * *", "@hourly"],
            &["0 9 * * 1-5", "0 9 * * mon-FRI", "0 9 * * 1,2,3,4,5", "0 9 * * 5,4,3,2,1"],
            &["*/15 * * * *", "0,15,30,45 * * * *", "0-59/15 * * * *"],
            &["0 0 L * *", "0 0 l * *"],
        ];
        let parse = |text: &str| text.parse::<CronExpr>().unwrap_or_else(|error| panic!("{text}: {error}"));
        for (at, group) in alike.iter().enumerate() {
            for text in *group {
                for (beside, others) in alike.iter().enumerate() {
                    for other in *others {
                        assert_eq!(parse(text).means(&parse(other)), at == beside, "`{text}` and `{other}`");
                    }
                }
            }
        }
        // The same times of day, but daylight saving meets them differently, or a day of another kind counts.
        for (one, other) in [("0 0-23 * * *", "0 * * * *"), ("0 0 13 * 5", "0 0 */13 * 5"), ("0 0 1 * *", "0 0 1 * 1")]
        {
            assert!(!parse(one).means(&parse(other)), "`{one}` and `{other}`");
        }
    }

    #[test]
    fn tells_fixed_times_from_intervals() {
        for (text, fixed) in [
            ("30 2 * * *", true),
            ("30 1,13 * * *", true),
            ("0 1-3 * * *", true),
            ("0 * * * *", false),
            ("*/15 2 * * *", false),
            ("@hourly", false),
            ("@daily", true),
        ] {
            assert_eq!(text.parse::<CronExpr>().unwrap().is_fixed_time(), fixed, "{text}");
        }
    }

    #[test]
    fn fields_are_told_as_numbers() {
        let fields = |text: &str| text.parse::<CronExpr>().unwrap().fields();
        let work = fields(" */20  9-11,17 1-5/2,31 JAN,jul MON-fri ");
        assert_eq!((work.minutes, work.hours), (vec![0, 20, 40], vec![9, 10, 11, 17]));
        assert_eq!((work.days_of_month, work.months), (vec![1, 3, 5, 31], vec![1, 7]));
        assert_eq!(work.days_of_week, [1, 2, 3, 4, 5]);
        let all = fields("* * ? * 7");
        assert_eq!((all.minutes.len(), all.hours.len(), all.months.len()), (60, 24, 12));
        assert_eq!((all.days_of_month, all.days_of_week), ((1..=31).collect(), vec![0]));
        let weekly = fields("@weekly");
        assert_eq!((weekly.minutes, weekly.hours, weekly.days_of_week), (vec![0], vec![0], vec![0]));
    }

    #[test]
    fn a_day_that_depends_on_the_month_is_each_day_that_it_can_be() {
        for (day, month, days) in [
            ("L", "*", &[28, 29, 30, 31][..]),
            ("L", "2", &[28, 29]),
            ("1,L", "4", &[1, 30]),
            ("15W", "*", &[14, 15, 16]),
            ("1W", "*", &[1, 2, 3]),
            ("LW", "*", &[26, 27, 28, 29, 30, 31]),
        ] {
            let expr: CronExpr = format!("0 0 {day} {month} *").parse().unwrap();
            assert_eq!(expr.fields().days_of_month, days, "{expr}");
        }
        for (weekday, days) in [("FRI#2", &[5][..]), ("5L", &[5]), ("0#1,3", &[0, 3])] {
            let expr: CronExpr = format!("0 0 * * {weekday}").parse().unwrap();
            assert_eq!(expr.fields().days_of_week, days, "{expr}");
        }
    }
}
