//! What a user would see.

use tfplugin_client::wire::tfplugin6::attribute_path::Step;
use tfplugin_client::wire::tfplugin6::attribute_path::step::Selector;
use tfplugin_client::wire::tfplugin6::diagnostic::Severity;
use tfplugin_client::wire::tfplugin6::{AttributePath, Diagnostic};

/// An error about the whole.
pub(super) fn error(summary: &str, detail: &str) -> Diagnostic {
    let (summary, detail) = (summary.to_owned(), detail.to_owned());
    Diagnostic { severity: Severity::Error.into(), summary, detail, attribute: None }
}

/// An error about one attribute.
pub(super) fn error_at(attribute: &str, summary: &str, detail: &str) -> Diagnostic {
    Diagnostic { attribute: Some(path(attribute)), ..error(summary, detail) }
}

/// A warning about the whole.
pub(super) fn warning(summary: &str, detail: &str) -> Diagnostic {
    Diagnostic { severity: Severity::Warning.into(), ..error(summary, detail) }
}

/// A warning about one attribute.
pub(super) fn warning_at(attribute: &str, summary: &str, detail: &str) -> Diagnostic {
    Diagnostic { attribute: Some(path(attribute)), ..warning(summary, detail) }
}

/// The same about an attribute of an element of the list.
pub(super) fn within(mut problem: Diagnostic, index: i64, attribute: &str) -> Diagnostic {
    let steps = [Selector::ElementKeyInt(index), Selector::AttributeName(attribute.to_owned())];
    let path = problem.attribute.get_or_insert_default();
    path.steps.extend(steps.map(|step| Step { selector: Some(step) }));
    problem
}

/// The path of a top-level attribute.
pub(super) fn path(attribute: &str) -> AttributePath {
    AttributePath { steps: vec![Step { selector: Some(Selector::AttributeName(attribute.to_owned())) }] }
}

/// That each of these calls has found exactly this wrong.
#[track_caller]
pub(super) fn all_say(problems: Vec<(&str, Vec<Diagnostic>)>, expected: &Diagnostic) {
    for (rpc, found) in problems {
        assert_eq!(&found[..], std::slice::from_ref(expected), "{rpc}");
    }
}
