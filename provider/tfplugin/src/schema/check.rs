//! Checks of configured values: small, composable, and silent about values that are null or not known yet.
//!
//! A message never repeats the value: it may be a secret, and Terraform shows the line of the configuration anyway.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;

use crate::diagnostics::Diagnostics;
use crate::value::{AttributePath, Step, Value};

/// What is wrong with a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// A few words.
    pub summary: String,
    /// Sentences: the reason and what helps.
    pub detail: String,
}

impl Message {
    /// A message.
    pub fn new(summary: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { summary: summary.into(), detail: detail.into() }
    }
}

/// A check of one value.
#[derive(Clone)]
pub struct Check(Arc<Run>);

/// Looks at a value and reports what is wrong with it.
type Run = dyn Fn(&Value, &AttributePath, &mut Diagnostics) + Send + Sync;

impl Check {
    /// A check of any value. It is not asked about values that are null or unknown.
    pub fn new(check: impl Fn(&Value) -> Result<(), Message> + Send + Sync + 'static) -> Self {
        Self(Arc::new(move |value, path, diagnostics| {
            if let Err(Message { summary, detail }) = check(value) {
                diagnostics.error_at(path.clone(), summary, detail);
            }
        }))
    }

    /// A check of a text.
    pub fn text(check: impl Fn(&str) -> Result<(), Message> + Send + Sync + 'static) -> Self {
        Self::new(move |value| value.as_str().map_or(Ok(()), &check))
    }

    /// The text is one of these.
    pub fn one_of<S: Into<String>>(allowed: impl IntoIterator<Item = S>) -> Self {
        let allowed: Vec<String> = allowed.into_iter().map(Into::into).collect();
        Self::text(move |text| {
            if allowed.iter().any(|allowed| allowed == text) {
                return Ok(());
            }
            let list = allowed.iter().map(|allowed| format!("{allowed:?}")).collect::<Vec<_>>().join(", ");
            Err(Message::new("Value not allowed", format!("The value must be one of {list}.")))
        })
    }

    /// The text has so many characters.
    pub fn length(range: RangeInclusive<usize>) -> Self {
        Self::text(move |text| {
            let length = text.chars().count();
            if range.contains(&length) {
                return Ok(());
            }
            let (least, most) = (range.start(), range.end());
            let detail = format!("The value must have {least} to {most} characters, and has {length}.");
            Err(Message::new("Invalid length", detail))
        })
    }

    /// The number is whole and in the range.
    pub fn int(range: RangeInclusive<i64>) -> Self {
        Self::new(move |value| match value.as_number() {
            Some(number) if number.as_i64().is_none_or(|int| !range.contains(&int)) => {
                let (least, most) = (range.start(), range.end());
                Err(Message::new(
                    "Number out of range",
                    format!("The value must be a whole number from {least} to {most}."),
                ))
            }
            _ => Ok(()),
        })
    }

    /// The list, set or map has so many elements.
    pub fn items(range: RangeInclusive<usize>) -> Self {
        Self::new(move |value| {
            let count = value.as_elements().map(<[Value]>::len).or_else(|| value.as_entries().map(BTreeMap::len));
            match count {
                Some(count) if !range.contains(&count) => {
                    let (least, most) = (range.start(), range.end());
                    let detail = format!("There must be {least} to {most} elements, and there are {count}.");
                    Err(Message::new("Invalid number of elements", detail))
                }
                _ => Ok(()),
            }
        })
    }

    /// Each element of a list, set or map passes `check`.
    pub fn each(check: Self) -> Self {
        Self(Arc::new(move |value, path, diagnostics| {
            if let Some(entries) = value.as_entries() {
                for (key, value) in entries {
                    check.run(value, &path.clone().key(key), diagnostics);
                }
            }
            let is_set = matches!(value, Value::Set(_));
            for (index, value) in value.as_elements().unwrap_or_default().iter().enumerate() {
                let path = if is_set { path.clone() } else { path.clone().step(Step::Index(index)) };
                check.run(value, &path, diagnostics);
            }
        }))
    }

    /// Each key of a map passes `check`.
    pub fn keys(check: Self) -> Self {
        Self(Arc::new(move |value, path, diagnostics| {
            for key in value.as_entries().into_iter().flat_map(|entries| entries.keys()) {
                check.run(&Value::from(key.as_str()), &path.clone().key(key), diagnostics);
            }
        }))
    }

    /// At least one of the checks passes; `message` is for a value that passes none.
    pub fn any_of(checks: impl IntoIterator<Item = Self>, message: Message) -> Self {
        let checks: Vec<Self> = checks.into_iter().collect();
        Self::new(move |value| {
            let passes = |check: &Self| {
                let mut problems = Diagnostics::new();
                check.run(value, &AttributePath::default(), &mut problems);
                !problems.has_errors()
            };
            if checks.iter().any(passes) { Ok(()) } else { Err(message.clone()) }
        })
    }

    /// Checks a value, unless it is null or unknown.
    pub(crate) fn run(&self, value: &Value, path: &AttributePath, diagnostics: &mut Diagnostics) {
        match value {
            Value::Null | Value::Unknown(_) => {}
            Value::Dynamic(typed) => self.run(&typed.value, path, diagnostics),
            value => (self.0)(value, path, diagnostics),
        }
    }
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Check")
    }
}
