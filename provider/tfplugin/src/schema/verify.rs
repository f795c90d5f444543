//! Finds the mistakes of a schema's author. Terraform would refuse the whole provider, with less helpful words.

use std::collections::BTreeSet;

use super::{Attribute, Fields, Kind, Nesting, Presence};

/// All mistakes in `fields`, whose model has the fields `model`.
pub(super) fn mistakes(fields: &Fields, model: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    object(fields, "", false, &mut found);
    let names: BTreeSet<&str> = names(fields).collect();
    for name in model.iter().filter(|name| !names.contains(*name)) {
        found.push(format!("`{name}` is in the model, but not in the schema"));
    }
    for name in names.iter().filter(|name| !model.contains(name)) {
        found.push(format!("`{name}` is in the schema, but not in the model"));
    }
    found
}

fn names(fields: &Fields) -> impl Iterator<Item = &str> {
    let attributes = fields.attributes.iter().map(|attribute| attribute.name.as_str());
    attributes.chain(fields.blocks.iter().map(|block| block.name.as_str()))
}

fn object(fields: &Fields, parent: &str, in_set: bool, found: &mut Vec<String>) {
    let mut seen = BTreeSet::new();
    for name in names(fields) {
        if !seen.insert(name) {
            found.push(format!("`{parent}{name}` occurs twice"));
        }
        if !is_identifier(name) {
            found.push(format!("`{parent}{name}` must consist of lower-case letters, digits and underscores"));
        }
    }
    for attribute in &fields.attributes {
        let name = format!("{parent}{}", attribute.name);
        self::attribute(attribute, &name, in_set, found);
        if let Kind::Nested(nesting, inner) = &attribute.kind {
            object(inner, &format!("{name}."), in_set || *nesting == Nesting::Set, found);
        }
    }
    for block in &fields.blocks {
        object(&block.fields, &format!("{parent}{}.", block.name), in_set || block.nesting == Nesting::Set, found);
    }
}

fn attribute(attribute: &Attribute, name: &str, in_set: bool, found: &mut Vec<String>) {
    if attribute.presence.is_none() {
        found.push(format!("`{name}` is neither required nor optional nor computed"));
    }
    if attribute.write_only && attribute.is_computed() {
        found.push(format!("`{name}` is write-only, so the provider cannot compute it or give it a default"));
    }
    if in_set && attribute.write_only {
        found.push(format!("`{name}` is write-only, which is impossible within a set"));
    }
    if in_set && attribute.is_computed() && attribute.default.is_none() {
        found.push(format!("`{name}` is computed, but elements of a set are not told apart before and after"));
    }
    if attribute.presence == Some(Presence::Computed) && !attribute.checks.is_empty() {
        found.push(format!("`{name}` is only computed, so there is no configuration to check"));
    }
    if !attribute.promise.is_empty() {
        if !attribute.is_computed() {
            found.push(format!("`{name}` has a promise about its computed value, and is not computed"));
        } else if attribute.promise.of_type(&attribute.ty()).as_deref() != Some(&attribute.promise) {
            found.push(format!("`{name}` has a promise that values of its type cannot keep"));
        }
    }
    if let Some(Err(error)) = attribute.default.clone().map(|value| value.conform(&attribute.ty())) {
        found.push(format!("the default of `{name}` does not fit: {error}"));
    }
}

pub(crate) fn is_identifier(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|byte| byte.is_ascii_lowercase() || byte == b'_')
        && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}
