//! Which changes need another object.

use crate::schema::{Fields, Nesting, Pair, objects, walk};
use crate::value::{AttributePath, Step, Type, Value};

/// The changed attributes that cannot change in place.
pub(crate) fn replacements(fields: &Fields, prior: &Value, planned: &mut Value) -> Vec<AttributePath> {
    let mut paths = unknown_as_a_whole(fields, prior, planned);
    walk(fields, planned, [Some(prior), None], &mut |Pair { attribute, place, target, beside: [prior, _] }| {
        let changed = prior.is_none_or(|prior| !prior.alike(target));
        if changed && attribute.replaces(prior, target) {
            // Terraform refuses a path that leads to nothing, as all do that go on into a set.
            let path = place.address();
            if !paths.contains(&path) {
                paths.push(path);
            }
        }
        // What is the same has no changes within: without this, each element of a set would count as new.
        changed
    });
    paths
}

/// The nested attributes and blocks of which nothing is known, not even their elements, and which have attributes that
/// may need another object: what Terraform plans now as a change in place must remain one.
fn unknown_as_a_whole(all: &Fields, prior: &Value, planned: &Value) -> Vec<AttributePath> {
    let mut paths = Vec::new();
    objects(all, planned, &mut |fields, object, place| {
        for (name, nesting, inner) in fields.nested() {
            if !object.get(name).is_some_and(Value::is_unknown) {
                continue;
            }
            let path = place.path().clone().attribute(name);
            let prior = at(prior, &path).unwrap_or(&Value::Null);
            if any_replaces(nesting, inner, prior)
                && let Some(path) = address_of_path(all, &path)
                && !paths.contains(&path)
            {
                paths.push(path);
            }
        }
    });
    paths
}

/// Whether an attribute within a nested one, all of which is unknown, needs another object.
fn any_replaces(nesting: Nesting, fields: &Fields, prior: &Value) -> bool {
    let in_object = |prior: &Value| {
        let attributes = fields.attributes.iter();
        let mut replaced = attributes.map(|attribute| attribute.replaces(prior.get(&attribute.name), &Value::UNKNOWN));
        replaced.any(|replaces| replaces)
            || fields
                .nested()
                .any(|(name, nesting, inner)| any_replaces(nesting, inner, prior.get(name).unwrap_or(&Value::Null)))
    };
    let elements: Vec<&Value> = match (nesting, prior) {
        (Nesting::Single, prior) => return in_object(prior),
        (_, Value::Map(entries)) => entries.values().collect(),
        (_, prior) => prior.as_elements().unwrap_or_default().iter().collect(),
    };
    // An element that has not been there before has no prior values.
    in_object(&Value::Null) || elements.into_iter().any(in_object)
}

/// What is at the end of a path that does not lead into sets.
fn at<'a>(value: &'a Value, path: &AttributePath) -> Option<&'a Value> {
    path.steps().iter().try_fold(value, |value, step| match step {
        Step::Attribute(name) | Step::Key(name) => value.get(name),
        Step::Index(index) => value.as_elements()?.get(*index),
    })
}

/// A path that an author has given, as far as the protocol can say it: one into a set ends at the set. None if the
/// schema has nothing there. What is in a value of dynamic type, the schema cannot tell: such a path ends at the value.
pub(crate) fn address_of_path(fields: &Fields, path: &AttributePath) -> Option<AttributePath> {
    let mut ty = &fields.ty();
    let mut address = AttributePath::default();
    for step in path.steps() {
        ty = match (ty, step) {
            (Type::Object(types), Step::Attribute(name)) => types.get(name)?,
            (Type::List(element), Step::Index(_)) | (Type::Map(element), Step::Key(_)) => element,
            (Type::Tuple(types), Step::Index(index)) => types.get(*index)?,
            (Type::Set(_) | Type::Dynamic, _) => break,
            _ => return None,
        };
        address.push(step.clone());
    }
    // The whole object is no attribute.
    (!address.steps().is_empty()).then_some(address)
}
