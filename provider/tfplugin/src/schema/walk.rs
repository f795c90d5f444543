//! Goes through all attributes of a value, with the matching parts of two other values beside it, or through all of
//! its objects.

use super::counterpart::counterparts;
use super::{Attribute, Fields, Kind, Nesting};
use crate::value::{AttributePath, Step, Value};

/// Where a visit is.
#[derive(Debug, Default)]
pub(crate) struct Place {
    path: AttributePath,
    /// How many steps lead to the outermost set on the way, if there is one.
    set: Option<usize>,
}

impl Place {
    /// The way as a user would write it. Elements of a set have no name, and are left out.
    pub(crate) fn path(&self) -> &AttributePath {
        &self.path
    }

    /// The way as far as the protocol can say it: a path into a set ends at the set.
    pub(crate) fn address(&self) -> AttributePath {
        self.address_of(&self.path)
    }

    /// The same of a path that goes on from this place.
    pub(crate) fn address_of(&self, path: &AttributePath) -> AttributePath {
        path.steps().iter().take(self.set.unwrap_or(usize::MAX)).cloned().collect()
    }

    fn within(&mut self, step: Step, visit: impl FnOnce(&mut Self)) {
        self.path.push(step);
        visit(self);
        self.path.pop();
    }

    fn within_set(&mut self, visit: impl FnOnce(&mut Self)) {
        let outer = self.set;
        self.set = outer.or(Some(self.path.steps().len()));
        visit(self);
        self.set = outer;
    }
}

/// One attribute on the way.
pub(crate) struct Pair<'a> {
    pub(crate) attribute: &'a Attribute,
    pub(crate) place: &'a Place,
    pub(crate) target: &'a mut Value,
    /// The same attribute in the two other values, where they have it. An element of a set has none of the second
    /// beside it, and of the first only the element that is the same by the comparisons of its attributes: nobody
    /// else knows which of the other elements it was.
    pub(crate) beside: [Option<&'a Value>; 2],
}

/// Visits each attribute of `target`, outer ones first. `visit` says whether to go on into a nested attribute.
pub(crate) fn walk(
    fields: &Fields,
    target: &mut Value,
    beside: [Option<&Value>; 2],
    visit: &mut dyn FnMut(Pair<'_>) -> bool,
) {
    object(fields, target, beside, &mut Place::default(), visit);
}

fn object(
    fields: &Fields,
    target: &mut Value,
    beside: [Option<&Value>; 2],
    place: &mut Place,
    visit: &mut dyn FnMut(Pair<'_>) -> bool,
) {
    let Value::Object(entries) = target else { return };
    let of = |name: &str| beside.map(|value| value.and_then(|value| value.get(name)));
    for attribute in &fields.attributes {
        let Some(target) = entries.get_mut(&attribute.name) else { continue };
        let beside = of(&attribute.name);
        place.within(Step::Attribute(attribute.name.clone()), |place| {
            let descend = visit(Pair { attribute, place, target, beside });
            if let (true, Kind::Nested(nesting, inner)) = (descend, &attribute.kind) {
                nested(*nesting, inner, target, beside, place, visit);
            }
        });
    }
    for block in &fields.blocks {
        let Some(target) = entries.get_mut(&block.name) else { continue };
        place.within(Step::Attribute(block.name.clone()), |place| {
            nested(block.nesting, &block.fields, target, of(&block.name), place, visit);
        });
    }
}

fn nested(
    nesting: Nesting,
    fields: &Fields,
    target: &mut Value,
    beside: [Option<&Value>; 2],
    place: &mut Place,
    visit: &mut dyn FnMut(Pair<'_>) -> bool,
) {
    match (nesting, target) {
        (Nesting::Single, target) => object(fields, target, beside, place, visit),
        (Nesting::List, Value::List(items)) => {
            for (index, item) in items.iter_mut().enumerate() {
                let beside = beside.map(|value| value.and_then(|value| value.as_elements()?.get(index)));
                place.within(Step::Index(index), |place| object(fields, item, beside, place, visit));
            }
        }
        (Nesting::Map, Value::Map(entries)) => {
            for (key, item) in entries {
                let beside = beside.map(|value| value.and_then(|value| value.get(key)));
                place.within(Step::Key(key.clone()), |place| object(fields, item, beside, place, visit));
            }
        }
        (Nesting::Set, Value::Set(items)) => {
            let priors = counterparts(fields, items, beside[0]);
            place.within_set(|place| {
                let visited = |(mut item, prior)| {
                    object(fields, &mut item, [prior, None], place, visit);
                    item
                };
                *items = std::mem::take(items).into_iter().zip(priors).map(visited).collect();
            });
        }
        _ => {}
    }
}

/// Visits each object of `value`, outer ones first: the value itself, and what its nested attributes and blocks hold.
pub(crate) fn objects(fields: &Fields, value: &Value, visit: &mut dyn FnMut(&Fields, &Value, &Place)) {
    each(Nesting::Single, fields, value, &mut Place::default(), visit);
}

fn each(
    nesting: Nesting,
    fields: &Fields,
    value: &Value,
    place: &mut Place,
    visit: &mut dyn FnMut(&Fields, &Value, &Place),
) {
    let one = |value: &Value, place: &mut Place, visit: &mut dyn FnMut(&Fields, &Value, &Place)| {
        each(Nesting::Single, fields, value, place, visit);
    };
    match (nesting, value) {
        (Nesting::Single, Value::Object(entries)) => {
            visit(fields, value, place);
            for (name, nesting, inner) in fields.nested() {
                let Some(value) = entries.get(name) else { continue };
                place.within(Step::Attribute(name.to_owned()), |place| each(nesting, inner, value, place, visit));
            }
        }
        (Nesting::List, Value::List(items)) => {
            for (index, item) in items.iter().enumerate() {
                place.within(Step::Index(index), |place| one(item, place, visit));
            }
        }
        (Nesting::Map, Value::Map(entries)) => {
            for (key, item) in entries {
                place.within(Step::Key(key.clone()), |place| one(item, place, visit));
            }
        }
        (Nesting::Set, Value::Set(items)) => {
            place.within_set(|place| items.iter().for_each(|item| one(item, place, visit)));
        }
        _ => {}
    }
}
