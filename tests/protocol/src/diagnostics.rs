//! What a provider says is wrong.

use crate::wire::tfplugin6::Diagnostic;
use crate::wire::tfplugin6::diagnostic::Severity;

/// Whether there is an error among the problems.
pub fn has_errors(problems: &[Diagnostic]) -> bool {
    problems.iter().any(is_error)
}

/// The errors among the problems, as text.
pub fn errors(problems: &[Diagnostic]) -> Vec<String> {
    problems.iter().filter(|problem| is_error(problem)).map(text).collect()
}

/// A severity that is none counts as an error, so that it shows.
fn is_error(problem: &Diagnostic) -> bool {
    problem.severity() != Severity::Warning
}

fn text(problem: &Diagnostic) -> String {
    format!("{}: {}", problem.summary, problem.detail)
}
