//! What a plan may be, given the configuration and what there was before.

use tfplugin::{AttributePath, Value};

use super::rule::{Breach, Found, Rule};
use super::walk::{element, field};
use crate::schema::{Attribute, Block, Kind, Nesting, Object};
use crate::value::same;

/// Checks a planned object against the configuration and the prior object, either of which may be null.
///
/// A provider may decide what the configuration leaves null and the schema calls computed. All else is planned as it
/// is configured, or as it was before, where that means the same. Elements of a set are taken on trust, because
/// nobody can tell which of them was which.
pub fn check_plan(object: &Object, prior: &Value, config: &Value, planned: &Value) -> Vec<Breach> {
    let mut found = Found::default();
    check_object(object, prior, config, planned, &AttributePath::default(), &mut found);
    found.into_vec()
}

fn check_object(
    object: &Object,
    prior: &Value,
    config: &Value,
    planned: &Value,
    path: &AttributePath,
    found: &mut Found,
) {
    match (config.is_null(), planned.is_null()) {
        (false, true) => found.add(path, Rule::PlannedAbsent),
        (true, false) => found.add(path, Rule::PlannedPresent),
        (true, true) => {}
        (false, false) if planned.is_unknown() => found.add(path, Rule::PlannedUnknown),
        (false, false) => {
            check_attributes(object, prior, config, planned, path, found);
            for (name, block) in &object.blocks {
                let [prior, config, planned] = [prior, config, planned].map(|value| field(value, name));
                check_block(block, &prior, &config, &planned, &path.clone().attribute(name), found);
            }
        }
    }
}

fn check_attributes(
    object: &Object,
    prior: &Value,
    config: &Value,
    planned: &Value,
    path: &AttributePath,
    found: &mut Found,
) {
    for (name, attribute) in &object.attributes {
        let [prior, config, planned] = [prior, config, planned].map(|value| field(value, name));
        check_attribute(attribute, &prior, &config, &planned, &path.clone().attribute(name), found);
    }
}

fn check_attribute(
    attribute: &Attribute,
    prior: &Value,
    config: &Value,
    planned: &Value,
    path: &AttributePath,
    found: &mut Found,
) {
    let as_before = same(planned, prior) && !prior.is_null() && !config.is_null();
    let is_free = attribute.computed && (!attribute.optional || config.is_null());
    // That a write-only attribute is null is a rule of every value.
    if attribute.write_only || is_free || as_before || same(planned, config) {
        return;
    }
    if config.is_null() {
        found.add(path, Rule::NotComputed);
        return;
    }
    match &attribute.kind {
        Kind::Plain(_) if planned.is_unknown() => found.add(path, Rule::PlannedUnknown),
        Kind::Plain(_) => found.add(path, Rule::NotConfigured),
        Kind::Nested(nesting, object) => check_nested(*nesting, object, prior, config, planned, path, found),
    }
}

/// Checks a nested attribute that is configured.
fn check_nested(
    nesting: Nesting,
    object: &Object,
    prior: &Value,
    config: &Value,
    planned: &Value,
    path: &AttributePath,
    found: &mut Found,
) {
    match (nesting, config, planned) {
        (_, _, Value::Null) => found.add(path, Rule::PlannedAbsent),
        (_, _, planned) if planned.is_unknown() => found.add(path, Rule::PlannedUnknown),
        (Nesting::Single | Nesting::Group, Value::Object(_), Value::Object(_)) => {
            check_attributes(object, prior, config, planned, path, found);
        }
        (_, Value::List(configs), Value::List(plans)) => {
            if plans.len() != configs.len() {
                found.add(path, Rule::PlannedCount);
                return;
            }
            for (index, (config, planned)) in configs.iter().zip(plans).enumerate() {
                let path = path.clone().index(index);
                check_attributes(object, &element(prior, index), config, planned, &path, found);
            }
        }
        (_, Value::Map(configs), Value::Map(plans)) => {
            if !plans.keys().eq(configs.keys()) {
                found.add(path, Rule::PlannedKeys);
                return;
            }
            for ((key, config), planned) in configs.iter().zip(plans.values()) {
                check_attributes(object, &field(prior, key), config, planned, &path.clone().key(key), found);
            }
        }
        (_, Value::Set(configs), Value::Set(plans)) => {
            if plans.len() != configs.len() {
                found.add(path, Rule::PlannedCount);
            }
        }
        // An unknown configuration was planned as something.
        _ => found.add(path, Rule::NotConfigured),
    }
}

fn check_block(block: &Block, prior: &Value, config: &Value, planned: &Value, path: &AttributePath, found: &mut Found) {
    if same(planned, config) {
        return;
    }
    match (block.nesting, config, planned) {
        // It comes from a `dynamic` block, and nobody knows yet how many there will be.
        (_, config, _) if config.is_unknown() => found.add(path, Rule::NotConfigured),
        (_, _, planned) if planned.is_unknown() => found.add(path, Rule::PlannedUnknown),
        (Nesting::Single | Nesting::Group, ..) => check_object(&block.object, prior, config, planned, path, found),
        (_, Value::List(configs), Value::List(plans)) => {
            if plans.len() != configs.len() {
                found.add(path, Rule::PlannedCount);
                return;
            }
            for (index, (config, planned)) in configs.iter().zip(plans).enumerate() {
                let path = path.clone().index(index);
                check_object(&block.object, &element(prior, index), config, planned, &path, found);
            }
        }
        (_, Value::Map(configs), Value::Map(plans)) => {
            if !plans.keys().eq(configs.keys()) {
                found.add(path, Rule::PlannedKeys);
                return;
            }
            for ((key, config), planned) in configs.iter().zip(plans.values()) {
                check_object(&block.object, &field(prior, key), config, planned, &path.clone().key(key), found);
            }
        }
        (_, Value::Set(_), Value::Set(plans)) if plans.iter().any(Value::is_unknown) => {
            found.add(path, Rule::PlannedUnknown);
        }
        // That blocks are not null is a rule of every value.
        _ => {}
    }
}
