//! Problems that a user is told of.

use std::error::Error;

use crate::value::{AttributePath, ValueError};

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The operation has failed.
    Error,
    /// The operation goes on.
    Warning,
}

/// One problem: what it is, what to do about it, and which attribute it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// A few words, the same for each problem of the kind.
    pub summary: String,
    /// Sentences about this problem: the reason and what helps.
    pub detail: String,
    /// Where in the configuration. Terraform shows the lines.
    pub path: AttributePath,
}

/// The problems of one call. They are collected, so that a user sees all of them at once.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// No problems.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an error about the whole resource.
    pub fn error(&mut self, summary: impl Into<String>, detail: impl Into<String>) {
        self.error_at(AttributePath::default(), summary, detail);
    }

    /// Adds an error about one attribute.
    pub fn error_at(&mut self, path: impl Into<AttributePath>, summary: impl Into<String>, detail: impl Into<String>) {
        self.push(Severity::Error, path.into(), summary.into(), detail.into());
    }

    /// Adds a warning about the whole resource.
    pub fn warning(&mut self, summary: impl Into<String>, detail: impl Into<String>) {
        self.warning_at(AttributePath::default(), summary, detail);
    }

    /// Adds a warning about one attribute.
    pub fn warning_at(
        &mut self,
        path: impl Into<AttributePath>,
        summary: impl Into<String>,
        detail: impl Into<String>,
    ) {
        self.push(Severity::Warning, path.into(), summary.into(), detail.into());
    }

    /// The value of `result`. An error is added, with all its causes.
    ///
    /// ```
    /// # use tfplugin::Diagnostics;
    /// fn text(file: &str, diagnostics: &mut Diagnostics) -> Option<String> {
    ///     diagnostics.ok("Could not read the note", std::fs::read_to_string(file))
    /// }
    /// # let mut diagnostics = Diagnostics::new();
    /// # assert!(text("/no/such/file", &mut diagnostics).is_none() && diagnostics.has_errors());
    /// ```
    pub fn ok<T, E: Error>(&mut self, summary: impl Into<String>, result: Result<T, E>) -> Option<T> {
        let error = match result {
            Ok(value) => return Some(value),
            Err(error) => error,
        };
        let causes = std::iter::successors(Some(&error as &dyn Error), |&error| error.source());
        let text = causes.map(ToString::to_string).collect::<Vec<_>>().join(": ");
        self.error(summary, format!("{text}."));
        None
    }

    /// Whether there is an error among the problems.
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// Whether there is no problem at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The problems, in the order in which they were found.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.0.iter()
    }

    /// Takes over the problems of `other`.
    pub fn append(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Adds a value that does not have the shape that the schema or the model asks for.
    pub(crate) fn value_error(&mut self, summary: &str, error: &ValueError) {
        let mut detail = error.to_string();
        detail.push('.');
        self.error_at(error.path(), summary, detail);
    }

    fn push(&mut self, severity: Severity, path: AttributePath, summary: String, detail: String) {
        self.0.push(Diagnostic { severity, summary, detail, path });
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}
