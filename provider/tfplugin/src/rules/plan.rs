//! What a plan looks like before and after the author's own rules.

use std::collections::BTreeSet;

use crate::diagnostics::Diagnostics;
use crate::schema::{Fields, Kind, Nesting, OnUpdate, Pair, bare, walk};
use crate::value::{AttributePath, Value};

/// Fills in what the configuration leaves open: defaults, prior values that mean the same, and "known after apply"
/// for what is computed when an object comes into being.
///
/// `planned` is Terraform's proposal: the configuration, with prior values where it says nothing.
pub(crate) fn prepare_plan(fields: &Fields, prior: Option<&Value>, config: &Value, planned: &mut Value) {
    sets_as_configured(fields, config, planned);
    walk(fields, planned, [prior, Some(config)], &mut |Pair { attribute, target, beside: [prior, config], .. }| {
        if attribute.write_only {
            *target = Value::Null;
            return false;
        }
        if !bare(config.unwrap_or(target)).is_null() {
            match prior {
                Some(prior) if attribute.keeps(prior, target) => {
                    *target = prior.clone();
                    return false;
                }
                _ => return true,
            }
        }
        match prior {
            _ if attribute.default.is_some() => {
                *target = attribute.default_value().unwrap_or_default();
                // It may leave something open in its turn.
                return true;
            }
            None if attribute.is_computed() => *target = Value::UNKNOWN,
            // Within a default, which knows nothing of what is there already.
            Some(prior) if attribute.is_computed() && config.is_none() && target.is_null() => *target = prior.clone(),
            // Terraform proposes nothing where a part of what was there has been configured, and is not any more.
            Some(prior) if attribute.is_computed() && target.is_null() && !prior.is_null() => *target = Value::UNKNOWN,
            _ => {}
        }
        false
    });
}

/// Takes the elements of known sets from the configuration. In the proposal they have prior values where they say
/// nothing, and nobody could tell these from what is configured: the walk has no configuration beside such an element.
fn sets_as_configured(fields: &Fields, config: &Value, planned: &mut Value) {
    let (Value::Object(configured), Value::Object(entries)) = (config, planned) else { return };
    for (name, nesting, inner) in fields.nested() {
        let (Some(config), Some(planned)) = (configured.get(name), entries.get_mut(name)) else { continue };
        match (nesting, config, planned) {
            (Nesting::Single, config, planned) => sets_as_configured(inner, config, planned),
            (Nesting::Set, Value::Set(_), planned) => planned.clone_from(config),
            (Nesting::List, Value::List(config), Value::List(planned)) => {
                for (config, planned) in config.iter().zip(planned) {
                    sets_as_configured(inner, config, planned);
                }
            }
            (Nesting::Map, Value::Map(config), Value::Map(planned)) => {
                for (key, planned) in planned {
                    config.get(key).into_iter().for_each(|config| sets_as_configured(inner, config, planned));
                }
            }
            _ => {}
        }
    }
}

/// Once anything changes, computed values that change with it become "known after apply": those that say so, and
/// those that have had no value so far.
pub(crate) fn mark_changes(fields: &Fields, prior: &Value, config: &Value, planned: &mut Value) {
    if planned.alike(prior) {
        return;
    }
    // What becomes unknown is a change too, with which others may change.
    while mark(fields, prior, config, planned) {}
}

/// Says whether it has marked anything.
fn mark(fields: &Fields, prior: &Value, config: &Value, planned: &mut Value) -> bool {
    let different = different(prior, planned);
    let mut marked = false;
    walk(fields, planned, [Some(prior), Some(config)], &mut |Pair { attribute, target, beside, .. }| {
        let [Some(prior), config] = beside else { return true };
        if config.is_some_and(|config| !bare(config).is_null()) {
            return true;
        }
        let open = attribute.is_computed() && attribute.default.is_none() && prior.alike(target);
        let changes = match &attribute.on_update {
            OnUpdate::Keep => prior.is_null(),
            OnUpdate::Unknown => true,
            OnUpdate::With(names) => names.iter().any(|name| different.contains(name)),
        };
        if open && changes {
            *target = Value::UNKNOWN;
            marked = true;
        }
        // There is no configuration within a default.
        attribute.default.is_some()
    });
    marked
}

/// The names of the top-level attributes and blocks that are not what they were.
fn different(prior: &Value, planned: &Value) -> BTreeSet<String> {
    let planned = planned.as_entries().into_iter().flatten();
    planned
        .filter(|(name, value)| prior.get(name).is_none_or(|prior| !prior.alike(value)))
        .map(|(name, _)| name.clone())
        .collect()
}

/// Adds what the author promises about computed values that are not known yet.
pub(crate) fn promise(fields: &Fields, config: &Value, planned: &mut Value) {
    walk(fields, planned, [None, Some(config)], &mut |Pair { attribute, target, beside: [_, config], .. }| {
        // A configured value is not the provider's to promise.
        if let (Value::Unknown(known @ None), Some(Value::Null)) = (&mut *target, config)
            && !attribute.promise.is_empty()
        {
            *known = Some(Box::new(attribute.promise.clone()));
        }
        true
    });
}

/// Reports what an author's answer to a configuration (a plan, what was read or opened) must not contain: a configured
/// value that it changed, or a value for an attribute that only the configuration may set.
pub(crate) fn check_configured(
    fields: &Fields,
    prior: Option<&Value>,
    config: &Value,
    planned: &mut Value,
    diagnostics: &mut Diagnostics,
) {
    walk(fields, planned, [prior, Some(config)], &mut |Pair { attribute, place, target, beside: [prior, config] }| {
        let Some(config) = config else { return false };
        let path = place.path();
        if attribute.write_only {
            return false;
        }
        if bare(config).is_null() {
            if !attribute.is_computed() && !bare(target).is_null() {
                not_configured(path, "is not set by the configuration, and not marked as computed", diagnostics);
            }
            return false;
        }
        if target.alike(config) || prior.is_some_and(|prior| target.alike(prior)) {
            return false;
        }
        if let Kind::Nested(..) = &attribute.kind
            && same_shape(target, config)
        {
            return true;
        }
        not_configured(path, "differs from what the configuration says", diagnostics);
        false
    });
}

/// Whether two nested attributes have the same elements, whatever is in them.
fn same_shape(planned: &Value, config: &Value) -> bool {
    match (planned, config) {
        (Value::Object(_), Value::Object(_)) => true,
        (Value::List(planned), Value::List(config)) => planned.len() == config.len(),
        (Value::Set(planned), Value::Set(config)) => planned.len() == config.len(),
        (Value::Map(planned), Value::Map(config)) => planned.keys().eq(config.keys()),
        _ => false,
    }
}

fn not_configured(path: &AttributePath, problem: &str, diagnostics: &mut Diagnostics) {
    let detail = format!("The provider's value of {path} {problem}. This is a mistake in the provider.");
    diagnostics.error_at(path.clone(), "Provider changed a configured value", detail);
}
