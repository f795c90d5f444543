//! Checks of numbers.

use std::ops::{Bound, RangeBounds, RangeInclusive};

use super::{Check, Message};
use crate::value::Number;

impl Check {
    /// The number is whole and in the range.
    pub fn int(range: RangeInclusive<i64>) -> Self {
        let (least, most) = (*range.start(), *range.end());
        let mistake = range.is_empty().then(|| format!("no number is from {least} to {most}"));
        let int = Self::new(move |value| match value.as_number() {
            Some(number) if number.as_i64().is_none_or(|int| !range.contains(&int)) => Err(Message::new(
                "Number out of range",
                format!("The value must be a whole number from {least} to {most}."),
            )),
            _ => Ok(()),
        });
        int.with_mistakes(mistake)
    }

    /// The number, whole or not, is in the range. A bound is the number that it is written as: `0.1` is one tenth,
    /// and numbers are compared digit by digit, however many they have.
    pub fn range(range: impl RangeBounds<f64>) -> Self {
        let (Some(start), Some(end)) = (bound(range.start_bound()), bound(range.end_bound())) else {
            return Self::new(|_| Ok(())).with_mistakes(["a bound of its range is not a number".to_owned()]);
        };
        let words = words(&start, &end);
        let mistake = is_empty(&start, &end).then(|| format!("no number is {words}"));
        let range = Self::new(move |value| match value.as_number() {
            Some(number) if !(start.as_ref(), end.as_ref()).contains(number) => {
                Err(Message::new("Number out of range", format!("The value must be {words}.")))
            }
            _ => Ok(()),
        });
        range.with_mistakes(mistake)
    }
}

fn bound(bound: Bound<&f64>) -> Option<Bound<Number>> {
    Some(match bound {
        Bound::Included(float) => Bound::Included(Number::from_f64(*float)?),
        Bound::Excluded(float) => Bound::Excluded(Number::from_f64(*float)?),
        Bound::Unbounded => Bound::Unbounded,
    })
}

fn is_empty(start: &Bound<Number>, end: &Bound<Number>) -> bool {
    match (start, end) {
        (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
        (Bound::Included(start), Bound::Included(end)) => start > end,
        (Bound::Included(start) | Bound::Excluded(start), Bound::Included(end) | Bound::Excluded(end)) => start >= end,
    }
}

fn words(start: &Bound<Number>, end: &Bound<Number>) -> String {
    let start = match start {
        Bound::Included(start) => Some(format!("at least {start}")),
        Bound::Excluded(start) => Some(format!("more than {start}")),
        Bound::Unbounded => None,
    };
    let end = match end {
        Bound::Included(end) => Some(format!("at most {end}")),
        Bound::Excluded(end) => Some(format!("less than {end}")),
        Bound::Unbounded => None,
    };
    start.into_iter().chain(end).collect::<Vec<_>>().join(" and ")
}
