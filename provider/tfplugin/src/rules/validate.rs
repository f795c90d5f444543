//! What is checked before anything is planned.

use std::collections::{BTreeMap, HashSet};

use crate::diagnostics::{Diagnostics, Severity};
use crate::schema::{Fields, Place, Schema, bare, objects, walk};
use crate::value::{AttributePath, Step, Value};

/// How many findings of an attribute are shown: a user reads no more of them, however many elements are wrong.
const MAX_FINDINGS: usize = 100;

/// Runs the checks of all attributes.
pub(crate) fn run_checks(fields: &Fields, config: &mut Value, diagnostics: &mut Diagnostics) {
    let mut findings = Findings::default();
    walk(fields, config, [None, None], &mut |pair| {
        let mut found = Diagnostics::new();
        for check in &pair.attribute.checks {
            check.run(pair.target, pair.place.path(), &mut found);
        }
        findings.report(found, pair.place, diagnostics);
        true
    });
    findings.finish(diagnostics);
}

/// Checks what holds between the attributes of each object.
pub(crate) fn check_relations(fields: &Fields, config: &Value, diagnostics: &mut Diagnostics) {
    let mut findings = Findings::default();
    objects(fields, config, &mut |fields, object, place| {
        let mut found = Diagnostics::new();
        for relation in &fields.relations {
            if let Some((name, message)) = relation.violation(fields, object) {
                let path = name.map(|name| Step::Attribute(name.to_owned()));
                let path = place.path().steps().iter().cloned().chain(path).collect::<AttributePath>();
                found.error_at(path, message.summary, message.detail);
            }
        }
        findings.report(found, place, diagnostics);
    });
    findings.finish(diagnostics);
}

/// Warns of everything deprecated that the configuration uses: Terraform shows the flag in its documentation, and
/// leaves the warning to the provider.
pub(crate) fn deprecations(schema: &Schema, config: &mut Value, diagnostics: &mut Diagnostics) {
    if let Some(message) = &schema.deprecated {
        diagnostics.warning("Deprecated", message);
    }
    let mut findings = Findings::default();
    walk(&schema.fields, config, [None, None], &mut |pair| {
        if let (Some(message), false) = (&pair.attribute.deprecated, bare(pair.target).is_null()) {
            let mut found = Diagnostics::new();
            let path = pair.place.path().clone();
            found.warning_at(path.clone(), format!("Attribute {} is deprecated", names(&path)), message);
            findings.report(found, pair.place, diagnostics);
        }
        true
    });
    objects(&schema.fields, config, &mut |fields, object, place| {
        let mut found = Diagnostics::new();
        for block in &fields.blocks {
            let used = match object.get(&block.name) {
                None | Some(Value::Null) => false,
                Some(Value::Map(entries)) => !entries.is_empty(),
                Some(value) => value.as_elements().is_none_or(|items| !items.is_empty()),
            };
            if let (Some(message), true) = (&block.deprecated, used) {
                let path = place.path().clone().attribute(&block.name);
                found.warning_at(path.clone(), format!("Block {} is deprecated", names(&path)), message);
            }
        }
        findings.report(found, place, diagnostics);
    });
    findings.finish(diagnostics);
}

/// The names on the way, without elements. Terraform shows one warning of each summary only, and each attribute has
/// something of its own to say.
fn names(path: &AttributePath) -> String {
    let name = |step: &Step| if let Step::Attribute(name) = step { Some(name.clone()) } else { None };
    format!("`{}`", path.steps().iter().filter_map(name).collect::<Vec<_>>().join("."))
}

/// What has been reported so far.
#[derive(Default)]
struct Findings {
    /// The paths and details.
    seen: HashSet<(String, String)>,
    /// By attribute, the number of errors and that of warnings.
    counts: BTreeMap<String, [Count; 2]>,
}

#[derive(Default)]
struct Count {
    findings: usize,
    /// The first of those that are not shown.
    first_left_out: AttributePath,
}

impl Findings {
    /// Adds what was found at a place or below it, in words that say where it is: Terraform shows the line of a
    /// top-level attribute, and of the attributes of blocks, but not those within a nested attribute. Elements of a set
    /// that have the same problem are one place.
    fn report(&mut self, found: Diagnostics, place: &Place, diagnostics: &mut Diagnostics) {
        for problem in found {
            let names = names(&problem.path);
            let detail = match problem.path.steps() {
                [] | [_] => problem.detail,
                _ => format!("{}: {}", problem.path, problem.detail),
            };
            let path = place.address_of(&problem.path);
            if !self.seen.insert((path.to_string(), detail.clone())) {
                continue;
            }
            let [errors, warnings] = self.counts.entry(names).or_default();
            let count = if problem.severity == Severity::Error { errors } else { warnings };
            count.findings += 1;
            if count.findings > MAX_FINDINGS {
                if count.findings == MAX_FINDINGS + 1 {
                    count.first_left_out = path;
                }
                continue;
            }
            match problem.severity {
                Severity::Error => diagnostics.error_at(path, problem.summary, detail),
                Severity::Warning => diagnostics.warning_at(path, problem.summary, detail),
            }
        }
    }

    /// Says how much has been left out.
    fn finish(self, diagnostics: &mut Diagnostics) {
        for (names, [errors, warnings]) in self.counts {
            let more = |count: &Count| count.findings.checked_sub(MAX_FINDINGS).filter(|more| *more > 0);
            if let Some(more) = more(&errors) {
                let detail = format!("Problems with {names} that are not shown: {more}.");
                diagnostics.error_at(errors.first_left_out, format!("More problems with {names}"), detail);
            }
            if let Some(more) = more(&warnings) {
                let detail = format!("Warnings of {names} that are not shown: {more}.");
                diagnostics.warning_at(warnings.first_left_out, format!("More warnings of {names}"), detail);
            }
        }
    }
}

/// Refuses write-only attributes when Terraform is too old to keep them out of its files.
pub(crate) fn refuse_write_only(fields: &Fields, config: &mut Value, diagnostics: &mut Diagnostics) {
    let mut findings = Findings::default();
    walk(fields, config, [None, None], &mut |pair| {
        if pair.attribute.write_only && !pair.target.is_null() {
            let mut found = Diagnostics::new();
            found.error_at(
                pair.place.path().clone(),
                "Write-only attribute not supported",
                "This attribute is kept out of plans and states, which needs Terraform 1.11 or later. Upgrade \
                 Terraform, or use the attribute's counterpart that is stored.",
            );
            findings.report(found, pair.place, diagnostics);
        }
        true
    });
    findings.finish(diagnostics);
}
