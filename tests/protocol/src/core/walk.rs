//! Looking into values.

use tfplugin::{AttributePath, Step, Type, Value};

use crate::value::unknown;

/// The attribute of an object. What is null or unknown as a whole is so in each attribute.
pub(super) fn field(object: &Value, name: &str) -> Value {
    if object.is_unknown() { unknown() } else { object.get(name).cloned().unwrap_or_default() }
}

/// The element of a list, or null.
pub(super) fn element(list: &Value, index: usize) -> Value {
    list.as_elements().and_then(|items| items.get(index)).cloned().unwrap_or_default()
}

/// What a path leads to; null if it leads nowhere in this value.
pub(crate) fn at(value: &Value, path: &AttributePath) -> Value {
    let next = |value: Value, step: &Step| match (step, value) {
        (step, Value::Dynamic(typed)) => at(&typed.value, &AttributePath::from_iter([step.clone()])),
        (Step::Attribute(name) | Step::Key(name), value) => field(&value, name),
        (Step::Index(_), value) if value.is_unknown() => value,
        (Step::Index(index), value) => element(&value, *index),
    };
    path.steps().iter().fold(value.clone(), next)
}

/// Whether the path leads to something in values of this type.
pub(crate) fn leads_somewhere(ty: &Type, path: &[Step]) -> bool {
    let Some((step, rest)) = path.split_first() else { return true };
    match (ty, step) {
        // Its shape is up to the value.
        (Type::Dynamic, _) => true,
        (Type::Object(attributes), Step::Attribute(name)) => {
            attributes.get(name).is_some_and(|ty| leads_somewhere(ty, rest))
        }
        (Type::Map(element), Step::Key(_)) | (Type::List(element), Step::Index(_)) => leads_somewhere(element, rest),
        (Type::Tuple(types), Step::Index(index)) => types.get(*index).is_some_and(|ty| leads_somewhere(ty, rest)),
        _ => false,
    }
}
