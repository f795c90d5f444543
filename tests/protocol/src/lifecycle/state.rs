//! What Terraform keeps of an object, and what an answer has beside it.

use tfplugin::Value;

use crate::diagnostics;
use crate::wire::tfplugin6::Diagnostic;

/// An object as Terraform keeps it between two runs.
#[derive(Clone, PartialEq)]
pub struct State {
    /// The attributes.
    pub value: Value,
    /// What the provider keeps with it.
    pub private: Vec<u8>,
    /// What names the object for good; null if the resource has no identity.
    pub identity: Value,
    /// The object was not created to the end, and is to be replaced.
    pub tainted: bool,
}

/// What a call has answered.
#[must_use]
pub struct Answer<T> {
    /// Errors and warnings, in the provider's order.
    pub problems: Vec<Diagnostic>,
    /// The result, if there is one. After an error it is what is left: a half-made object, or the one from before.
    pub result: Option<T>,
}

impl<T> Answer<T> {
    pub(super) fn new(problems: Vec<Diagnostic>, result: T) -> Self {
        Self { problems, result: Some(result) }
    }

    pub(super) fn none(problems: Vec<Diagnostic>) -> Self {
        Self { problems, result: None }
    }

    /// The result of a call that must have succeeded. Warnings are no failure.
    ///
    /// # Panics
    /// There are errors; the text has them.
    #[track_caller]
    pub fn ok(self) -> T {
        let errors = diagnostics::errors(&self.problems);
        assert!(errors.is_empty(), "the provider answered with errors:\n{}", errors.join("\n"));
        self.result.expect("a call without errors has a result")
    }

    /// The problems of a call that must have failed.
    ///
    /// # Panics
    /// There is no error among them.
    #[track_caller]
    pub fn failed(self) -> Vec<Diagnostic> {
        assert!(diagnostics::has_errors(&self.problems), "the call should have failed");
        self.problems
    }
}
