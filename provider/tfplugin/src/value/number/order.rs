//! Which of two numbers is more.

use std::cmp::Ordering;

use super::{LIMIT, Number, Repr, nearest};

/// By numeric value, whatever the forms.
impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        match (&self.0, &other.0) {
            (Repr::Int(this), Repr::Int(that)) => this.cmp(that),
            // Neither NaN nor a negative zero comes in.
            (Repr::Float(this), Repr::Float(that)) => this.total_cmp(that),
            (Repr::Decimal { text: this, .. }, Repr::Decimal { text: that, .. }) => {
                Digits::of(this).cmp(&Digits::of(that))
            }
            (Repr::Int(int), Repr::Float(float)) => compare_int(*int, *float),
            (Repr::Float(float), Repr::Int(int)) => compare_int(*int, *float).reverse(),
            (Repr::Decimal { text, .. }, Repr::Int(int)) => Digits::of(text).cmp(&Digits::of(&int.to_string())),
            (Repr::Int(int), Repr::Decimal { text, .. }) => Digits::of(&int.to_string()).cmp(&Digits::of(text)),
            // Rounding keeps the order.
            (Repr::Decimal { text, beside }, Repr::Float(float)) => nearest(text).total_cmp(float).then(*beside),
            (Repr::Float(float), Repr::Decimal { text, beside }) => {
                float.total_cmp(&nearest(text)).then(beside.reverse())
            }
        }
    }
}

/// A float that is held as such is no `i64`: it is beyond their range, or lies between two of them.
#[expect(clippy::cast_possible_truncation, reason = "checked to be in range; above it, the last i64 is as good")]
fn compare_int(int: i64, float: f64) -> Ordering {
    let below = float.floor();
    if below >= -LIMIT && int <= below as i64 { Ordering::Less } else { Ordering::Greater }
}

/// How the decimal number compares with its nearest float.
pub(super) fn beside(text: &str, float: f64) -> Ordering {
    /// No float has more digits.
    const ALL: usize = 767;
    if float.is_infinite() {
        return if float > 0.0 { Ordering::Less } else { Ordering::Greater };
    }
    let number = Digits::of(text);
    if float == 0.0 {
        return number.cmp(&Digits::of("0"));
    }
    // Rounded to as many digits as the number has or more, the float does not change sides, but may become the number.
    // The first digits cost little, and suffice nearly always.
    let mut digits = number.count().clamp(17, ALL);
    loop {
        let rounded = format!("{float:.*e}", digits - 1);
        match number.cmp(&Digits::of(&rounded)) {
            Ordering::Equal if digits < ALL => digits = ALL.min(2 * digits),
            order => return order,
        }
    }
}

/// The digits of a number that is written as its [canonical text](super::Repr::Decimal), or as floats are.
struct Digits<'a> {
    negative: bool,
    /// Where the decimal point falls, counted from the first digit that is not zero; the least for zero itself.
    point: i64,
    /// All digits from that one on, in two parts.
    parts: [&'a str; 2],
}

impl<'a> Digits<'a> {
    fn of(text: &'a str) -> Self {
        let length = |text: &str| i64::try_from(text.len()).unwrap_or(i64::MAX);
        let (negative, unsigned) = text.strip_prefix('-').map_or((false, text), |unsigned| (true, unsigned));
        let (mantissa, exponent) = unsigned.split_once('e').unwrap_or((unsigned, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        if whole != "0" {
            let point = length(whole).saturating_add(exponent.parse().unwrap_or(0));
            return Self { negative, point, parts: [whole, fraction] };
        }
        let significant = fraction.trim_start_matches('0');
        let point = if significant.is_empty() { i64::MIN } else { length(significant) - length(fraction) };
        Self { negative, point, parts: ["", significant] }
    }

    fn count(&self) -> usize {
        self.parts[0].len() + self.parts[1].len()
    }

    fn cmp(&self, other: &Self) -> Ordering {
        // Zero has no sign here, and is between the others.
        let sign = |this: &Self| match this.point {
            i64::MIN => 0,
            _ if this.negative => -1,
            _ => 1,
        };
        let magnitude = || self.point.cmp(&other.point).then_with(|| self.compare_digits(other));
        sign(self).cmp(&sign(other)).then_with(|| if self.negative { magnitude().reverse() } else { magnitude() })
    }

    fn compare_digits(&self, other: &Self) -> Ordering {
        let digits = |this: &Self| this.parts[0].bytes().chain(this.parts[1].bytes());
        let (mut ours, mut theirs) = (digits(self), digits(other));
        loop {
            match (ours.next(), theirs.next()) {
                (None, None) => return Ordering::Equal,
                (this, that) if this.unwrap_or(b'0') == that.unwrap_or(b'0') => {}
                (this, that) => return this.unwrap_or(b'0').cmp(&that.unwrap_or(b'0')),
            }
        }
    }
}
