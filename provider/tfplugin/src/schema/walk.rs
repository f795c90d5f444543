//! Goes through all attributes of a value, with the matching parts of two other values beside it.

use super::{Attribute, Fields, Kind, Nesting};
use crate::value::{AttributePath, Step, Value};

/// One attribute on the way.
pub(crate) struct Pair<'a> {
    pub(crate) attribute: &'a Attribute,
    pub(crate) path: &'a AttributePath,
    pub(crate) target: &'a mut Value,
    /// The same attribute in the two other values, where they have it. Elements of a set have nothing beside them:
    /// nobody knows which of the other elements they were.
    pub(crate) beside: [Option<&'a Value>; 2],
}

/// Visits each attribute of `target`, outer ones first. `visit` says whether to go on into a nested attribute.
pub(crate) fn walk(
    fields: &Fields,
    target: &mut Value,
    beside: [Option<&Value>; 2],
    visit: &mut dyn FnMut(Pair<'_>) -> bool,
) {
    object(fields, target, beside, &mut AttributePath::default(), visit);
}

fn object(
    fields: &Fields,
    target: &mut Value,
    beside: [Option<&Value>; 2],
    path: &mut AttributePath,
    visit: &mut dyn FnMut(Pair<'_>) -> bool,
) {
    let Value::Object(entries) = target else { return };
    let of = |name: &str| beside.map(|value| value.and_then(|value| value.get(name)));
    for attribute in &fields.attributes {
        let Some(target) = entries.get_mut(&attribute.name) else { continue };
        let beside = of(&attribute.name);
        path.push(Step::Attribute(attribute.name.clone()));
        let descend = visit(Pair { attribute, path, target, beside });
        if let (true, Kind::Nested(nesting, inner)) = (descend, &attribute.kind) {
            nested(*nesting, inner, target, beside, path, visit);
        }
        path.pop();
    }
    for block in &fields.blocks {
        let Some(target) = entries.get_mut(&block.name) else { continue };
        path.push(Step::Attribute(block.name.clone()));
        nested(block.nesting, &block.fields, target, of(&block.name), path, visit);
        path.pop();
    }
}

fn nested(
    nesting: Nesting,
    fields: &Fields,
    target: &mut Value,
    beside: [Option<&Value>; 2],
    path: &mut AttributePath,
    visit: &mut dyn FnMut(Pair<'_>) -> bool,
) {
    match (nesting, target) {
        (Nesting::Single, target) => object(fields, target, beside, path, visit),
        (Nesting::List, Value::List(items)) => {
            for (index, item) in items.iter_mut().enumerate() {
                let beside = beside.map(|value| value.and_then(|value| value.as_elements()?.get(index)));
                path.push(Step::Index(index));
                object(fields, item, beside, path, visit);
                path.pop();
            }
        }
        (Nesting::Map, Value::Map(entries)) => {
            for (key, item) in entries {
                let beside = beside.map(|value| value.and_then(|value| value.get(key)));
                path.push(Step::Key(key.clone()));
                object(fields, item, beside, path, visit);
                path.pop();
            }
        }
        (Nesting::Set, Value::Set(items)) => {
            let visited = |mut item| {
                object(fields, &mut item, [None, None], path, visit);
                item
            };
            *items = std::mem::take(items).into_iter().map(visited).collect();
        }
        _ => {}
    }
}
