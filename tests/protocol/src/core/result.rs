//! What may become of a plan.

use tfplugin::{AttributePath, Step, Type, Value};

use super::promise::promises;
use super::rule::{Breach, Found, Rule};
use super::whole;
use crate::wire::tfplugin6::DynamicValue;

/// Checks what a plan has become: the state after apply, or the plan that is made again once more is known.
///
/// Everything that was planned as known comes back. What was unknown may become anything of its type. In a set, each
/// element that comes back must fit one that was planned, and each that was planned one that comes back.
pub fn check_result(planned: &Value, result: &Value) -> Vec<Breach> {
    let mut found = Found::default();
    compare(planned, result, &AttributePath::default(), &mut found);
    found.into_vec()
}

/// Checks that what was planned as unknown has become what the plan promised of it. `planned` is the plan as it came
/// over the wire.
///
/// # Panics
/// `planned` is no value of the type.
pub fn check_promises(planned: &DynamicValue, ty: &Type, result: &Value) -> Vec<Breach> {
    let promises = promises(&planned.msgpack, ty).expect("a plan that was read before");
    let broken = |promise: super::promise::Promise| {
        let problem = promise.violation(result)?;
        Some(Breach { rule: Rule::Promise(problem.to_owned()), path: promise.path() })
    };
    promises.into_iter().filter_map(broken).collect()
}

/// Checks an identity, which has no schema beside its type.
pub(crate) fn check_known(value: &Value) -> Vec<Breach> {
    let mut found = Found::default();
    whole::unknown(value, &AttributePath::default(), &mut found);
    found.into_vec()
}

fn compare(planned: &Value, result: &Value, path: &AttributePath, found: &mut Found) {
    match (planned, result) {
        (planned, _) if planned.is_unknown() => {}
        (Value::Object(plans), Value::Object(results)) => {
            for (name, planned) in plans {
                let result = results.get(name).unwrap_or(&Value::Null);
                compare(planned, result, &path.clone().attribute(name), found);
            }
        }
        (Value::Map(plans), Value::Map(results)) => {
            if !plans.keys().eq(results.keys()) {
                found.add(path, Rule::NotTheElementsPlanned);
            }
            for (key, planned) in plans {
                if let Some(result) = results.get(key) {
                    compare(planned, result, &path.clone().key(key), found);
                }
            }
        }
        (Value::List(plans), Value::List(results)) | (Value::Tuple(plans), Value::Tuple(results)) => {
            if plans.len() != results.len() {
                found.add(path, Rule::NotTheElementsPlanned);
            }
            for (index, (planned, result)) in plans.iter().zip(results).enumerate() {
                compare(planned, result, &path.clone().step(Step::Index(index)), found);
            }
        }
        (Value::Set(plans), Value::Set(results)) => {
            let fits = |planned: &Value, result: &Value| check_result(planned, result).is_empty();
            let all_come_back = plans.iter().all(|planned| results.iter().any(|result| fits(planned, result)));
            let all_were_planned = results.iter().all(|result| plans.iter().any(|planned| fits(planned, result)));
            // Fewer is possible: two that were unknown may have become the same.
            if !all_come_back || !all_were_planned || results.len() > plans.len() {
                found.add(path, Rule::NotTheElementsPlanned);
            }
        }
        (Value::Dynamic(planned), Value::Dynamic(result)) if fits(&planned.ty, &result.ty) => {
            compare(&planned.value, &result.value, path, found);
        }
        (planned, result) if planned == result => {}
        _ => found.add(path, Rule::NotAsPlanned),
    }
}

/// Whether a value of type `result` may stand where one of type `planned` was announced, parts of which were open.
fn fits(planned: &Type, result: &Type) -> bool {
    match (planned, result) {
        (Type::Dynamic, _) => true,
        (Type::List(planned), Type::List(result))
        | (Type::Set(planned), Type::Set(result))
        | (Type::Map(planned), Type::Map(result)) => fits(planned, result),
        (Type::Object(plans), Type::Object(results)) => {
            plans.keys().eq(results.keys())
                && plans.values().zip(results.values()).all(|(plan, result)| fits(plan, result))
        }
        (Type::Tuple(plans), Type::Tuple(results)) => {
            plans.len() == results.len() && plans.iter().zip(results).all(|(plan, result)| fits(plan, result))
        }
        (planned, result) => planned == result,
    }
}
