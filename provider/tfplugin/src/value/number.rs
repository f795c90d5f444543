//! Numbers of any size, without losing a digit.

mod decimal;
mod order;

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use self::decimal::{Decimal, exact_text};
use super::ValueError;

/// 2^63: the first float that is no `i64`. Its negative is the last that is one.
const LIMIT: f64 = 9_223_372_036_854_775_808.0;

/// A number as Terraform knows it: any size, any precision, compared by numeric value.
#[derive(Clone, Debug)]
pub struct Number(Repr);

/// Each number has exactly one form, the first that can hold it: numbers are compared much more often than they are
/// read, and the digits of a float are a lot of work.
#[derive(Clone, Debug)]
enum Repr {
    Int(i64),
    /// A binary fraction, or an infinity. Terraform sends such numbers as floats, too.
    Float(f64),
    Decimal {
        /// The canonical text.
        text: Box<str>,
        /// How it compares with the nearest float.
        beside: Ordering,
    },
}

impl Number {
    /// The value, if it is a whole number in the range of `i64`.
    pub fn as_i64(&self) -> Option<i64> {
        if let Repr::Int(int) = self.0 { Some(int) } else { None }
    }

    /// The value, if it is a whole number in the range of `u64`.
    pub fn as_u64(&self) -> Option<u64> {
        match &self.0 {
            Repr::Int(int) => u64::try_from(*int).ok(),
            Repr::Float(_) | Repr::Decimal { .. } => self.to_string().parse().ok(),
        }
    }

    /// The nearest `f64`.
    #[expect(clippy::cast_precision_loss, reason = "the nearest float is what is asked for")]
    pub fn to_f64(&self) -> f64 {
        match &self.0 {
            Repr::Int(int) => *int as f64,
            Repr::Float(float) => *float,
            Repr::Decimal { text, .. } => nearest(text),
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
        if float.is_nan() {
            None
        } else if float.fract() == 0.0 && (-LIMIT..LIMIT).contains(&float) {
            Some(Self(Repr::Int(float as i64)))
        } else {
            Some(Self(Repr::Float(float)))
        }
    }

    /// The number with this canonical text.
    fn from_canonical(text: String) -> Self {
        if let Ok(int) = text.parse() {
            return Self(Repr::Int(int));
        }
        let float = nearest(&text);
        Self(match order::beside(&text, float) {
            Ordering::Equal => Repr::Float(float),
            beside => Repr::Decimal { text: text.into(), beside },
        })
    }

    /// The form in which the number goes over the wire.
    pub(super) fn wire(&self) -> Wire<'_> {
        match &self.0 {
            Repr::Int(int) => Wire::Int(*int),
            Repr::Float(float) => Wire::Float(*float),
            Repr::Decimal { text, .. } => Wire::Decimal(text),
        }
    }

    /// Whether it is not one of the two infinities.
    pub(super) fn is_finite(&self) -> bool {
        if let Repr::Float(float) = self.0 { float.is_finite() } else { true }
    }

    /// About how many bytes it takes on the wire.
    pub(super) fn wire_length(&self) -> usize {
        if let Repr::Decimal { text, .. } = &self.0 { text.len() } else { size_of::<u64>() }
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
            Repr::Decimal { text, .. } => f.write_str(text),
            Repr::Float(float) if float.is_infinite() => f.write_str(if *float > 0.0 { "inf" } else { "-inf" }),
            Repr::Float(float) => f.write_str(&exact_text(*float)),
        }
    }
}

impl FromStr for Number {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let decimal = Decimal::parse(text).ok_or_else(|| ValueError::new("is not a decimal number"))?;
        Ok(Self::from_canonical(decimal.to_text()))
    }
}

/// The nearest float of a decimal number; an infinity if it is beyond all floats.
fn nearest(text: &str) -> f64 {
    // Each decimal number has one.
    text.parse().unwrap_or(f64::NAN)
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

impl From<i64> for Number {
    fn from(int: i64) -> Self {
        Self(Repr::Int(int))
    }
}

impl From<u64> for Number {
    fn from(int: u64) -> Self {
        // The digits of so small a number are its canonical text.
        i64::try_from(int).map_or_else(|_| Self::from_canonical(int.to_string()), Self::from)
    }
}
