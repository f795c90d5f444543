//! Decimal text, and the one form of it that each number has.

use std::fmt::Write as _;

/// Exponents beyond this are nobody's configuration; expanding them would be somebody's attack.
const MAX_EXPONENT: i64 = 100_000;

/// Up to so many zeros are written out; beyond that the text gets an exponent.
const MAX_ZEROS: i64 = 64;

/// All digits of a finite float.
pub(super) fn exact_text(float: f64) -> String {
    // A fraction of so many binary places has as many decimal ones; no float has more than 1074.
    let exponent = i64::try_from((float.to_bits() >> 52) & 0x7ff).unwrap_or(0).max(1) - 1075;
    let places = -exponent - i64::from(float.to_bits().trailing_zeros().min(52));
    let exact = format!("{float:.0$}", usize::try_from(places).unwrap_or(0));
    Decimal::parse(&exact).map_or(exact, |decimal| decimal.to_text())
}

/// `digits × 10^exponent`, with no zero at either end of the digits.
pub(super) struct Decimal {
    negative: bool,
    digits: String,
    exponent: i64,
}

impl Decimal {
    pub(super) fn parse(text: &str) -> Option<Self> {
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

    pub(super) fn to_text(&self) -> String {
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
