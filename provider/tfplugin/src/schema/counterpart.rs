//! Which element of one set is which of another: elements have no address, so nothing but their content can tell.

use super::{Attribute, Fields, Kind, Nesting};
use crate::value::{Set, Value};

/// How many elements of a set may differ from all prior ones and still be looked for among them. Each is compared with
/// each, which takes a while: a text may have to be parsed for it.
pub(super) const MAX_DIFFERENT: usize = 300;

/// For each element of `new` the element of `prior` that it was: the equal one, or else the only one that means the
/// same by the comparisons of the attributes. If more than [`MAX_DIFFERENT`] have no equal one, these have none.
///
/// No element of `prior` is given twice: two elements that became one would be one element too few.
pub(super) fn counterparts<'a>(fields: &Fields, new: &Set, prior: Option<&'a Value>) -> Vec<Option<&'a Value>> {
    let Some(Value::Set(prior)) = prior else { return vec![None; new.len()] };
    let equal = |item| prior.as_slice().binary_search(item).ok().and_then(|index| prior.as_slice().get(index));
    let found: Vec<Option<&Value>> = new.iter().map(equal).collect();
    if !compares(fields) {
        return found;
    }
    let free: Vec<&Value> = prior.iter().filter(|item| !new.contains(item)).collect();
    let open: Vec<&Value> = new.iter().zip(&found).filter(|(_, found)| found.is_none()).map(|(item, _)| item).collect();
    if free.len().max(open.len()) > MAX_DIFFERENT {
        return found;
    }
    let only = |item: &Value| {
        let same_as_item = only_one(&free, |prior| same_object(fields, prior, item))?;
        only_one(&open, |item| same_object(fields, same_as_item, item)).map(|_| same_as_item)
    };
    new.iter().zip(&found).map(|(item, found)| found.or_else(|| only(item))).collect()
}

/// The only one of `values` for which `holds`.
fn only_one<'a>(values: &[&'a Value], mut holds: impl FnMut(&Value) -> bool) -> Option<&'a Value> {
    let mut all = values.iter().copied().filter(|value| holds(value));
    match (all.next(), all.next()) {
        (Some(only), None) => Some(only),
        _ => None,
    }
}

/// Whether any attribute compares by meaning.
fn compares(fields: &Fields) -> bool {
    fields.attributes.iter().any(Attribute::compares) || fields.nested().any(|(_, _, inner)| compares(inner))
}

/// Whether two objects mean the same, each attribute by its own comparison.
fn same_object(fields: &Fields, prior: &Value, new: &Value) -> bool {
    let attribute = |attribute: &Attribute| match (prior.get(&attribute.name), new.get(&attribute.name)) {
        (Some(prior), Some(new)) => same_attribute(attribute, prior, new),
        (prior, new) => prior == new,
    };
    let blocks = || {
        fields.blocks.iter().all(|block| match (prior.get(&block.name), new.get(&block.name)) {
            (Some(prior), Some(new)) => same_nested(block.nesting, &block.fields, prior, new),
            (prior, new) => prior == new,
        })
    };
    match (prior, new) {
        (Value::Object(_), Value::Object(_)) => fields.attributes.iter().all(attribute) && blocks(),
        (prior, new) => prior == new,
    }
}

fn same_attribute(attribute: &Attribute, prior: &Value, new: &Value) -> bool {
    let nested = || match &attribute.kind {
        Kind::Nested(nesting, inner) => same_nested(*nesting, inner, prior, new),
        Kind::Plain(_) => false,
    };
    // In a configuration the default is not there yet.
    let default = || new.is_null() && attribute.default_value().as_ref() == Some(prior);
    prior == new || attribute.keeps(prior, new) || default() || nested()
}

fn same_nested(nesting: Nesting, fields: &Fields, prior: &Value, new: &Value) -> bool {
    let same = |(prior, new): (&Value, &Value)| same_object(fields, prior, new);
    match (nesting, prior, new) {
        (Nesting::List, Value::List(prior), Value::List(new)) => {
            prior.len() == new.len() && prior.iter().zip(new).all(same)
        }
        (Nesting::Map, Value::Map(prior), Value::Map(new)) => {
            prior.keys().eq(new.keys()) && prior.values().zip(new.values()).all(same)
        }
        (Nesting::Set, Value::Set(items), Value::Set(new)) => {
            items.len() == new.len() && counterparts(fields, new, Some(prior)).iter().all(Option::is_some)
        }
        (_, prior, new) => same_object(fields, prior, new),
    }
}
