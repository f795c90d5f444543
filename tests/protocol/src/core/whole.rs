//! What holds for every value that a provider returns.

use tfplugin::{AttributePath, Step, Value};

use super::rule::{Breach, Found, Rule};
use crate::schema::{Kind, Nesting, Object};

/// Checks a plan, or a state if everything in it must be known.
pub fn check_object(object: &Object, value: &Value, must_be_known: bool) -> Vec<Breach> {
    let mut found = Found::default();
    check(object, value, &AttributePath::default(), &mut found);
    if must_be_known {
        unknown(value, &AttributePath::default(), &mut found);
    }
    found.into_vec()
}

fn check(object: &Object, value: &Value, path: &AttributePath, found: &mut Found) {
    let Value::Object(entries) = value else { return };
    for (name, attribute) in &object.attributes {
        let Some(value) = entries.get(name) else { continue };
        let path = path.clone().attribute(name);
        if attribute.write_only {
            if !value.is_null() {
                found.add(&path, Rule::WriteOnly);
            }
        } else if let Kind::Nested(_, object) = &attribute.kind {
            within(object, value, &path, found);
        }
    }
    for (name, block) in &object.blocks {
        let Some(value) = entries.get(name) else { continue };
        let path = path.clone().attribute(name);
        if value.is_null() && block.nesting != Nesting::Single {
            found.add(&path, Rule::NullBlock);
        }
        within(&block.object, value, &path, found);
    }
}

fn within(object: &Object, value: &Value, path: &AttributePath, found: &mut Found) {
    match value {
        Value::List(items) => {
            for (index, item) in items.iter().enumerate() {
                check(object, item, &path.clone().index(index), found);
            }
        }
        Value::Map(entries) => {
            for (key, item) in entries {
                check(object, item, &path.clone().key(key), found);
            }
        }
        Value::Set(items) => items.iter().for_each(|item| check(object, item, path, found)),
        value => check(object, value, path, found),
    }
}

/// Reports everything unknown.
pub(super) fn unknown(value: &Value, path: &AttributePath, found: &mut Found) {
    let mut each = |step: Step, value: &Value| unknown(value, &path.clone().step(step), found);
    match value {
        value if value.is_unknown() => found.add(path, Rule::Known),
        Value::Object(entries) => {
            for (name, value) in entries {
                each(Step::Attribute(name.clone()), value);
            }
        }
        Value::Map(entries) => {
            for (key, value) in entries {
                each(Step::Key(key.clone()), value);
            }
        }
        Value::List(items) | Value::Tuple(items) => {
            for (index, value) in items.iter().enumerate() {
                each(Step::Index(index), value);
            }
        }
        Value::Set(items) if items.iter().any(Value::has_unknown) => found.add(path, Rule::Known),
        Value::Dynamic(typed) => unknown(&typed.value, path, found),
        _ => {}
    }
}
