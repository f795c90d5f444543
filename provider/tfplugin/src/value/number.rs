//! Numbers of any size, without losing a digit.

use std::cmp::Ordering;
use std::fmt::{self, Write as _};
use std::str::FromStr;

use super::ValueError;

/// Exponents beyond this are nobody's configuration; expanding them would be somebody's attack.
const MAX_EXPONENT: i64 = 100_000;

/// Up to so many zeros are written out; beyond that the text gets an exponent.
const MAX_ZEROS: i64 = 64;

/// A number as Terraform knows it: any size, any precision, compared by numeric value.
#[derive(Clone, Debug)]
pub struct Number(Repr);

/// Each number has exactly one of the first and the last form, and a float never holds what fits an `Int`; so
/// only floats have to be converted when numbers are compared.
#[derive(Clone, Debug)]
enum Repr {
    Int(i64),
    /// As it came over the wire, to go back in the same form.
    Float(f64),
    /// Canonical decimal text of a number that is no `i64`.
    Decimal(Box<str>),
}

impl Number {
    /// The value, if it is a whole number in the range of `i64`.
    pub fn as_i64(&self) -> Option<i64> {
        if let Repr::Int(int) = self.0 { Some(int) } else { None }
    }

    /// The nearest `f64`.
    #[expect(clippy::cast_precision_loss, reason = "the nearest float is what is asked for")]
    pub fn to_f64(&self) -> f64 {
        match &self.0 {
            Repr::Int(int) => *int as f64,
            Repr::Float(float) => *float,
            Repr::Decimal(text) => text.parse().unwrap_or(f64::NAN),
        }
    }

    /// The number that a person means by this float: `0.1` is one tenth, and not the binary fraction beside it.
    /// None if it is no number.
    pub fn from_f64(float: f64) -> Option<Self> {
        if float.is_finite() { format!("{float:e}").parse().ok() } else { Self::from_exact_f64(float) }
    }

    /// Exactly this binary fraction. None if it is no number.
    #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and in range")]
    pub(super) fn from_exact_f64(float: f64) -> Option<Self> {
        // 2^63 is the first float that is no i64; its negative is the last that is one.
        const LIMIT: f64 = 9_223_372_036_854_775_808.0;
        if float.is_nan() {
            None
        } else if float.fract() == 0.0 && (-LIMIT..LIMIT).contains(&float) {
            Some(Self(Repr::Int(float as i64)))
        } else {
            Some(Self(Repr::Float(float)))
        }
    }

    /// The form in which the number goes over the wire.
    pub(super) fn wire(&self) -> Wire<'_> {
        match &self.0 {
            Repr::Int(int) => Wire::Int(*int),
            Repr::Float(float) => Wire::Float(*float),
            Repr::Decimal(text) => Wire::Decimal(text),
        }
    }

    /// Whole numbers below all others: any order does, as long as it agrees with equality.
    fn rank(&self) -> u8 {
        u8::from(!matches!(self.0, Repr::Int(_)))
    }
}

/// A number on its way out.
pub(super) enum Wire<'a> {
    Int(i64),
    Float(f64),
    Decimal(&'a str),
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::Int(int) => write!(f, "{int}"),
            Repr::Decimal(text) => f.write_str(text),
            Repr::Float(float) if float.is_infinite() => f.write_str(if *float > 0.0 { "inf" } else { "-inf" }),
            // No float has more than 1074 binary, hence decimal, places: this is its exact value.
            Repr::Float(float) => {
                let exact = format!("{float:.1074}");
                f.write_str(&Decimal::parse(&exact).map_or(exact, |decimal| decimal.to_text()))
            }
        }
    }
}

impl FromStr for Number {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let decimal = Decimal::parse(text).ok_or_else(|| ValueError::new("is not a decimal number"))?;
        let text = decimal.to_text();
        Ok(Self(text.parse().map_or_else(|_| Repr::Decimal(text.into()), Repr::Int)))
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Number {}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        match (&self.0, &other.0) {
            (Repr::Int(this), Repr::Int(that)) => this.cmp(that),
            (Repr::Decimal(this), Repr::Decimal(that)) => this.cmp(that),
            (Repr::Float(this), Repr::Float(that)) if this.to_bits() == that.to_bits() => Ordering::Equal,
            _ => self.rank().cmp(&other.rank()).then_with(|| self.to_string().cmp(&other.to_string())),
        }
    }
}

impl From<i64> for Number {
    fn from(int: i64) -> Self {
        Self(Repr::Int(int))
    }
}

impl From<u64> for Number {
    fn from(int: u64) -> Self {
        // The digits of so small a number are its canonical text.
        Self(i64::try_from(int).map_or_else(|_| Repr::Decimal(int.to_string().into()), Repr::Int))
    }
}

/// `digits × 10^exponent`, with no zero at either end of the digits.
struct Decimal {
    negative: bool,
    digits: String,
    exponent: i64,
}

impl Decimal {
    fn parse(text: &str) -> Option<Self> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
            None => (text, 0),
        };
        let negative = mantissa.starts_with('-');
        let unsigned = mantissa.strip_prefix(['-', '+']).unwrap_or(mantissa);
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.len() + fraction.len() == 0 || !all_digits(whole) || !all_digits(fraction) {
            return None;
        }
        let digits = format!("{whole}{fraction}");
        let significant = digits.trim_end_matches('0');
        let dropped = i64::try_from(digits.len() - significant.len()).ok()?;
        let digits = significant.trim_start_matches('0').to_owned();
        if digits.is_empty() {
            return Some(Self { negative: false, digits: "0".to_owned(), exponent: 0 });
        }
        let exponent = exponent.checked_sub(i64::try_from(fraction.len()).ok()?)?.checked_add(dropped)?;
        (exponent.abs() <= MAX_EXPONENT).then_some(Self { negative, digits, exponent })
    }

    fn to_text(&self) -> String {
        let mut text = String::with_capacity(self.digits.len() + 8);
        if self.negative {
            text.push('-');
        }
        // Where the decimal point falls, counted from the first digit.
        let point = i64::try_from(self.digits.len()).unwrap_or(i64::MAX).saturating_add(self.exponent);
        let zeros = |count: i64| "0".repeat(usize::try_from(count).unwrap_or(0));
        // Writing to a String cannot fail.
        let _ = match (self.exponent, point) {
            (0..=MAX_ZEROS, _) => write!(text, "{}{}", self.digits, zeros(self.exponent)),
            (i64::MIN..0, 1..) => {
                let (whole, fraction) = self.digits.split_at(usize::try_from(point).unwrap_or(0));
                write!(text, "{whole}.{fraction}")
            }
            (i64::MIN..0, _) if -point <= MAX_ZEROS => write!(text, "0.{}{}", zeros(-point), self.digits),
            _ => write!(text, "{}e{}", self.digits, self.exponent),
        };
        text
    }
}
