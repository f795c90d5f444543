//! What is wrong with a value, and where in it.

use std::fmt;

use super::{AttributePath, Step, Type, Value};

/// A value that does not fit its type or its model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueError {
    // Innermost step first: the path grows while the error travels outwards.
    steps: Vec<Step>,
    problem: String,
}

impl ValueError {
    /// A problem with the value at hand.
    pub fn new(problem: impl Into<String>) -> Self {
        Self { steps: Vec::new(), problem: problem.into() }
    }

    /// The value at hand is something else than `expected`.
    pub fn expected(expected: impl fmt::Display, found: &Value) -> Self {
        Self::new(format!("expected {expected}, found {}", found.kind()))
    }

    pub(crate) fn mismatch(expected: &Type, found: &Value) -> Self {
        Self::expected(format_args!("a value of type {expected}"), found)
    }

    pub(crate) fn too_deep() -> Self {
        Self::new("is nested too deeply")
    }

    /// Says that the value at hand is found under `step` of a larger one.
    #[must_use]
    pub fn under(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// The same place with another problem.
    pub(super) fn because(self, other: Self) -> Self {
        Self { problem: other.problem, ..self }
    }

    /// Where in the value the problem is.
    pub fn path(&self) -> AttributePath {
        self.steps.iter().rev().cloned().collect()
    }

    /// What the problem is.
    pub fn problem(&self) -> &str {
        &self.problem
    }
}

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.steps.is_empty() { f.write_str(&self.problem) } else { write!(f, "{}: {}", self.path(), self.problem) }
    }
}

impl std::error::Error for ValueError {}
