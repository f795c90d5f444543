//! Checks of lists, sets and maps.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use super::{Check, Message};
use crate::value::Value;

impl Check {
    /// The list, set or map has so many elements.
    pub fn items(range: RangeInclusive<usize>) -> Self {
        let (least, most) = (*range.start(), *range.end());
        let mistake = range.is_empty().then(|| format!("nothing has {least} to {most} elements"));
        let items = Self::new(move |value| {
            let Some(possible) = count(value) else { return Ok(()) };
            let count = match (*possible.start(), *possible.end()) {
                (_, too_few) if too_few < least => too_few,
                (too_many, _) if too_many > most => too_many,
                _ => return Ok(()),
            };
            let detail = format!("There must be {least} to {most} elements, and there are {count}.");
            Err(Message::new("Invalid number of elements", detail))
        });
        items.with_mistakes(mistake)
    }

    /// No element of a list occurs twice.
    pub fn unique() -> Self {
        Self::reporting(|value, path, diagnostics| {
            let mut seen = BTreeMap::new();
            // What is unknown may turn out to be different.
            let known = |(_, element): &(usize, &Value)| !element.has_unknown();
            for (index, element) in value.as_elements().unwrap_or_default().iter().enumerate().filter(known) {
                if let Some(first) = seen.get(element) {
                    let detail = format!("The elements {first} and {index} are the same, and each may occur once.");
                    diagnostics.error_at(path.clone().index(index), "Element occurs twice", detail);
                } else {
                    seen.insert(element, index);
                }
            }
        })
    }

    /// Each element of a list, set or map passes `check`.
    pub fn each(check: Self) -> Self {
        let mistakes = check.mistakes.clone();
        let each = Self::reporting(move |value, path, diagnostics| {
            if let Some(entries) = value.as_entries() {
                for (key, value) in entries {
                    check.run(value, &path.clone().key(key), diagnostics);
                }
            }
            let is_set = matches!(value, Value::Set(_));
            for (index, value) in value.as_elements().unwrap_or_default().iter().enumerate() {
                let path = if is_set { path.clone() } else { path.clone().index(index) };
                check.run(value, &path, diagnostics);
            }
        });
        each.with_mistakes(mistakes)
    }

    /// Each key of a map passes `check`.
    pub fn keys(check: Self) -> Self {
        let mistakes = check.mistakes.clone();
        let keys = Self::reporting(move |value, path, diagnostics| {
            for key in value.as_entries().into_iter().flat_map(|entries| entries.keys()) {
                check.run(&Value::from(key.as_str()), &path.clone().key(key), diagnostics);
            }
        });
        keys.with_mistakes(mistakes)
    }
}

/// How many elements there are at least and at most: unknown elements of a set may turn out to be one that is there.
fn count(value: &Value) -> Option<RangeInclusive<usize>> {
    if let Some(entries) = value.as_entries() {
        return Some(entries.len()..=entries.len());
    }
    let elements = value.as_elements()?;
    let most = elements.len();
    if !matches!(value, Value::Set(_)) || !value.has_unknown() {
        return Some(most..=most);
    }
    let known = elements.iter().filter(|element| !element.has_unknown()).count();
    Some(known.max(1)..=most)
}
