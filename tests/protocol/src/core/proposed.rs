//! What Terraform proposes to a provider: the configuration, with prior values where the provider computes them.

use std::collections::BTreeMap;

use tfplugin::Value;

use super::walk::{element, field};
use crate::schema::{Attribute, Kind, Nesting, Object};
use crate::value::same;

/// The proposal for an object that was `prior` (null if it is to be created) and shall be `config`.
///
/// A computed attribute that the configuration leaves null keeps its prior value. Nested objects are matched with
/// prior ones by position, name or, in a set, by what is configured of them.
pub fn proposed(object: &Object, prior: &Value, config: &Value) -> Value {
    if config.is_null() { prior.clone() } else { merged(object, prior, config) }
}

fn merged(object: &Object, prior: &Value, config: &Value) -> Value {
    let Value::Object(entries) = config else { return config.clone() };
    let mut proposal = BTreeMap::new();
    for (name, config) in entries {
        let prior = field(prior, name);
        let value = match (object.attributes.get(name), object.blocks.get(name)) {
            (Some(attribute), _) => attribute_value(attribute, &prior, config),
            (None, Some(block)) => nested(block.nesting, &block.object, &prior, config),
            (None, None) => config.clone(),
        };
        proposal.insert(name.clone(), value);
    }
    Value::Object(proposal)
}

fn attribute_value(attribute: &Attribute, prior: &Value, config: &Value) -> Value {
    if attribute.computed && config.is_null() {
        let was_configured = attribute.optional && is_partly_configured(attribute, prior);
        return if was_configured { config.clone() } else { prior.clone() };
    }
    match &attribute.kind {
        Kind::Nested(nesting, object) => nested(*nesting, object, prior, config),
        Kind::Plain(_) => config.clone(),
    }
}

/// Whether a nested value has something in it that only a configuration can have set: taking it out of the
/// configuration takes it away.
fn is_partly_configured(attribute: &Attribute, value: &Value) -> bool {
    let Kind::Nested(_, object) = &attribute.kind else { return false };
    let in_object = |value: &Value| {
        object.attributes.iter().any(|(name, attribute)| {
            let inner = field(value, name);
            !inner.is_null() && (!attribute.computed || is_partly_configured(attribute, &inner))
        })
    };
    match value {
        Value::Object(_) => in_object(value),
        Value::Map(entries) => entries.values().any(in_object),
        value => value.as_elements().is_some_and(|items| items.iter().any(in_object)),
    }
}

fn nested(nesting: Nesting, object: &Object, prior: &Value, config: &Value) -> Value {
    match (nesting, config) {
        (Nesting::Single | Nesting::Group, config) => merged(object, prior, config),
        (_, Value::List(items)) => {
            let of = |(index, config)| merged(object, &element(prior, index), config);
            Value::List(items.iter().enumerate().map(of).collect())
        }
        (_, Value::Map(entries)) => {
            let of = |(name, config): (&String, &Value)| (name.clone(), merged(object, &field(prior, name), config));
            Value::Map(entries.iter().map(of).collect())
        }
        (_, Value::Set(items)) => {
            let mut left: Vec<&Value> = prior.as_elements().unwrap_or_default().iter().collect();
            let mut of = |config| {
                let matching = left.iter().position(|prior| comes_from(object, prior, config));
                let prior = matching.map(|position| left.remove(position).clone());
                merged(object, &prior.unwrap_or_default(), config)
            };
            Value::Set(items.iter().map(&mut of).collect())
        }
        _ => config.clone(),
    }
}

/// Whether the prior object may be what became of this configuration: it differs in computed attributes only, and
/// only where the configuration leaves them null.
fn comes_from(object: &Object, prior: &Value, config: &Value) -> bool {
    let of_attribute = |(name, attribute): (&String, &Attribute)| {
        let (prior, config) = (field(prior, name), field(config, name));
        if same(&prior, &config) || (attribute.computed && config.is_null()) {
            return true;
        }
        match &attribute.kind {
            Kind::Plain(_) => false,
            Kind::Nested(nesting, object) => nested_comes_from(*nesting, object, &prior, &config),
        }
    };
    same(prior, config)
        || object.attributes.iter().all(of_attribute)
            && object.blocks.iter().all(|(name, block)| {
                nested_comes_from(block.nesting, &block.object, &field(prior, name), &field(config, name))
            })
}

fn nested_comes_from(nesting: Nesting, object: &Object, prior: &Value, config: &Value) -> bool {
    match (nesting, prior, config) {
        _ if same(prior, config) => true,
        (Nesting::Single | Nesting::Group, Value::Object(_), Value::Object(_)) => comes_from(object, prior, config),
        (_, Value::List(prior), Value::List(config)) => {
            prior.len() == config.len()
                && prior.iter().zip(config).all(|(prior, config)| comes_from(object, prior, config))
        }
        (_, Value::Map(prior), Value::Map(config)) => {
            prior.keys().eq(config.keys())
                && prior.values().zip(config.values()).all(|(prior, config)| comes_from(object, prior, config))
        }
        // Sets within sets are matched as a whole.
        _ => false,
    }
}
