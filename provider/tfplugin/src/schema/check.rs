//! Checks of configured values: small, composable, and silent about values that are null or not known yet.
//!
//! A message never repeats the value: it may be a secret, and Terraform shows the line of the configuration anyway.

mod collection;
mod number;
mod text;

use std::fmt;
use std::sync::Arc;

use crate::diagnostics::Diagnostics;
use crate::value::{AttributePath, Value};

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
pub struct Check {
    run: Arc<Run>,
    /// What is wrong with the check itself, such as a pattern that is none.
    mistakes: Vec<String>,
}

/// Looks at a value and reports what is wrong with it.
type Run = dyn Fn(&Value, &AttributePath, &mut Diagnostics) + Send + Sync;

impl Check {
    /// A check of any value. It is not asked about values that are null or unknown; a collection may have elements
    /// that are, and nothing should be said then that could turn out wrong.
    pub fn new(check: impl Fn(&Value) -> Result<(), Message> + Send + Sync + 'static) -> Self {
        Self::reporting(move |value, path, diagnostics| {
            if let Err(Message { summary, detail }) = check(value) {
                diagnostics.error_at(path.clone(), summary, detail);
            }
        })
    }

    /// A check of a text.
    pub fn text(check: impl Fn(&str) -> Result<(), Message> + Send + Sync + 'static) -> Self {
        Self::new(move |value| value.as_str().map_or(Ok(()), &check))
    }

    /// All of the checks pass: one check where one is asked for, such as within [`each`](Self::each).
    pub fn all_of(checks: impl IntoIterator<Item = Self>) -> Self {
        let checks: Vec<Self> = checks.into_iter().collect();
        let mistakes = mistakes(&checks);
        let all = Self::reporting(move |value, path, diagnostics| {
            for check in &checks {
                check.run(value, path, diagnostics);
            }
        });
        all.with_mistakes(mistakes)
    }

    /// At least one of the checks passes; `message` is for a value that passes none.
    pub fn any_of(checks: impl IntoIterator<Item = Self>, message: Message) -> Self {
        let checks: Vec<Self> = checks.into_iter().collect();
        let mistakes = mistakes(&checks);
        let any = Self::new(move |value| {
            let passes = checks.iter().any(|check| check.passes(value));
            if passes { Ok(()) } else { Err(message.clone()) }
        });
        any.with_mistakes(mistakes)
    }

    /// `check` does not pass; `message` is for a value that does. A collection of which a part is unknown is not
    /// checked, and a value that `check` does not look at, such as a number where it checks texts, passes `check`.
    pub fn not(check: Self, message: Message) -> Self {
        let mistakes = check.mistakes.clone();
        let not = Self::new(move |value| {
            let passes = !value.has_unknown() && check.passes(value);
            if passes { Err(message.clone()) } else { Ok(()) }
        });
        not.with_mistakes(mistakes)
    }

    fn reporting(run: impl Fn(&Value, &AttributePath, &mut Diagnostics) + Send + Sync + 'static) -> Self {
        Self { run: Arc::new(run), mistakes: Vec::new() }
    }

    /// Says what is wrong with the check itself. It is reported when the process starts.
    fn with_mistakes(mut self, mistakes: impl IntoIterator<Item = String>) -> Self {
        self.mistakes.extend(mistakes);
        self
    }

    fn passes(&self, value: &Value) -> bool {
        let mut problems = Diagnostics::new();
        self.run(value, &AttributePath::default(), &mut problems);
        !problems.has_errors()
    }

    /// What is wrong with the check itself.
    pub(crate) fn mistakes(&self) -> &[String] {
        &self.mistakes
    }

    /// Checks a value, unless it is null or unknown.
    pub(crate) fn run(&self, value: &Value, path: &AttributePath, diagnostics: &mut Diagnostics) {
        match value {
            Value::Null | Value::Unknown(_) => {}
            Value::Dynamic(typed) => self.run(&typed.value, path, diagnostics),
            value => (self.run)(value, path, diagnostics),
        }
    }
}

fn mistakes(checks: &[Check]) -> Vec<String> {
    checks.iter().flat_map(|check| check.mistakes.iter().cloned()).collect()
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Check")
    }
}

#[cfg(test)]
mod tests;
