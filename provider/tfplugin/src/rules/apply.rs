//! What may come back from create, read and update.

use super::restore;
use crate::diagnostics::Diagnostics;
use crate::schema::{Fields, Pair, walk};
use crate::value::{AttributePath, Set, Step, Type, Value};

/// Brings a returned state into shape: write-only attributes are null, and a value that means the same as the one
/// `before` (the plan's, or the last state's) is that one.
pub(crate) fn settle(fields: &Fields, before: Option<&Value>, state: &mut Value) {
    if let Some(before) = before {
        restore(state, before);
    }
    walk(fields, state, [before, None], &mut |Pair { attribute, target, beside: [before, _], .. }| {
        if attribute.write_only {
            *target = Value::Null;
        } else if let Some(before) = before
            && attribute.keeps(before, target)
        {
            *target = before.clone();
        }
        true
    });
}

/// Makes all write-only attributes null.
pub(crate) fn forget_write_only(fields: &Fields, state: &mut Value) {
    walk(fields, state, [None, None], &mut |Pair { attribute, target, .. }| {
        if attribute.write_only {
            *target = Value::Null;
        }
        true
    });
}

/// Reports what Terraform would call an inconsistent result: an attribute that is not what the plan promised.
///
/// The values are not shown. They may be secrets, and the author of the provider needs the name only.
pub(crate) fn verify_result(planned: &Value, state: &Value, diagnostics: &mut Diagnostics) {
    compare(planned, state, &mut AttributePath::default(), diagnostics);
}

fn compare(planned: &Value, state: &Value, path: &mut AttributePath, diagnostics: &mut Diagnostics) {
    match (planned, state) {
        // Unknown in the state is reported by `forget_unknown`.
        (_, Value::Unknown(_)) => {}
        (Value::Unknown(known), state) => {
            if let Some(problem) = known.as_ref().and_then(|known| known.violation(state)) {
                broken_promise(path, problem, diagnostics);
            }
        }
        (Value::Object(planned), Value::Object(state)) => {
            for (name, planned) in planned {
                step(Step::Attribute(name.clone()), planned, state.get(name), path, diagnostics);
            }
        }
        (Value::Map(planned), Value::Map(state)) => {
            if !planned.keys().eq(state.keys()) {
                inconsistent(path, "has other keys than planned", diagnostics);
            }
            for (key, planned) in planned.iter().filter(|(key, _)| state.contains_key(*key)) {
                step(Step::Key(key.clone()), planned, state.get(key), path, diagnostics);
            }
        }
        (Value::List(planned), Value::List(state)) | (Value::Tuple(planned), Value::Tuple(state)) => {
            if planned.len() != state.len() {
                inconsistent(path, "has another number of elements than planned", diagnostics);
            }
            for (index, (planned, state)) in planned.iter().zip(state).enumerate() {
                step(Step::Index(index), planned, Some(state), path, diagnostics);
            }
        }
        (Value::Set(planned), Value::Set(state)) if planned.iter().any(Value::has_unknown) => {
            if let Some(problem) = set_problem(planned, state) {
                inconsistent(path, problem, diagnostics);
            }
        }
        (Value::Dynamic(planned), Value::Dynamic(state)) if planned.ty == state.ty => {
            compare(&planned.value, &state.value, path, diagnostics);
        }
        // Where the plan left a part of the type open, the result says more.
        (Value::Dynamic(planned), Value::Dynamic(state)) if fits(&planned.ty, &state.ty) => {
            match planned.value.clone().conform(&state.ty) {
                Ok(planned) => compare(&planned, &state.value, path, diagnostics),
                Err(_) => inconsistent(path, "is not what was planned", diagnostics),
            }
        }
        (planned, state) if planned == state => {}
        _ => inconsistent(path, "is not what was planned", diagnostics),
    }
}

/// What is wrong with a set of which some elements were unknown, wholly or in part. Which of these became which is
/// nobody's to say; each must have become one that is there, each that is there must have been planned, and what was
/// known is still there. There may be fewer elements than planned: two can have become the same.
fn set_problem(planned: &Set, state: &Set) -> Option<&'static str> {
    let (open, known): (Vec<&Value>, Vec<&Value>) = planned.iter().partition(|item| item.has_unknown());
    let becomes = |planned: &Value, state: &Value| {
        let mut problems = Diagnostics::new();
        compare(planned, state, &mut AttributePath::default(), &mut problems);
        !problems.has_errors()
    };
    let was_planned = |item: &Value| planned.contains(item) || open.iter().any(|planned| becomes(planned, item));
    if state.len() > planned.len() {
        Some("has more elements than planned")
    } else if !known.into_iter().all(|item| state.contains(item))
        || !open.iter().all(|planned| state.iter().any(|item| becomes(planned, item)))
    {
        Some("lacks an element that was planned")
    } else if !state.iter().all(was_planned) {
        Some("has an element that was not planned")
    } else {
        None
    }
}

/// Whether a value of type `state` may stand where one of type `planned` was announced, parts of which were open.
fn fits(planned: &Type, state: &Type) -> bool {
    match (planned, state) {
        (Type::Dynamic, _) => true,
        (Type::List(planned), Type::List(state))
        | (Type::Set(planned), Type::Set(state))
        | (Type::Map(planned), Type::Map(state)) => fits(planned, state),
        (Type::Object(planned), Type::Object(state)) => {
            planned.keys().eq(state.keys())
                && planned.values().zip(state.values()).all(|(plan, state)| fits(plan, state))
        }
        (Type::Tuple(planned), Type::Tuple(state)) => {
            planned.len() == state.len() && planned.iter().zip(state).all(|(plan, state)| fits(plan, state))
        }
        (planned, state) => planned == state,
    }
}

fn step(step: Step, planned: &Value, state: Option<&Value>, path: &mut AttributePath, diagnostics: &mut Diagnostics) {
    path.push(step);
    compare(planned, state.unwrap_or(&Value::Null), path, diagnostics);
    path.pop();
}

fn inconsistent(path: &AttributePath, problem: &str, diagnostics: &mut Diagnostics) {
    diagnostics.error_at(
        path.clone(),
        "Provider returned an inconsistent result",
        format!(
            "In the provider's answer, {path} {problem}. This is a mistake in the provider: a computed attribute that changes with \
             updates must be marked so, and a configured one must come back as it is."
        ),
    );
}

fn broken_promise(path: &AttributePath, problem: &str, diagnostics: &mut Diagnostics) {
    let detail = format!(
        "In the provider's answer, {path} {problem}. This is a mistake in the provider: what a plan says about a value that is not \
         known yet must hold in the end."
    );
    diagnostics.error_at(path.clone(), "Provider returned an inconsistent result", detail);
}

/// Makes everything unknown null, and reports it: in what is stored, all is known.
pub(crate) fn forget_unknown(state: &mut Value, diagnostics: &mut Diagnostics) {
    forget(state, &mut AttributePath::default(), diagnostics);
}

fn forget(value: &mut Value, path: &mut AttributePath, diagnostics: &mut Diagnostics) {
    let mut within = |step, value: &mut Value| {
        path.push(step);
        forget(value, path, diagnostics);
        path.pop();
    };
    match value {
        Value::Object(entries) => {
            for (name, value) in entries {
                within(Step::Attribute(name.clone()), value);
            }
        }
        Value::Map(entries) => {
            for (key, value) in entries {
                within(Step::Key(key.clone()), value);
            }
        }
        Value::List(items) | Value::Tuple(items) => {
            for (index, value) in items.iter_mut().enumerate() {
                within(Step::Index(index), value);
            }
        }
        Value::Set(items) if items.iter().any(Value::has_unknown) => {
            let known = |mut value: Value| {
                forget(&mut value, path, diagnostics);
                value
            };
            *items = std::mem::take(items).into_iter().map(known).collect();
        }
        Value::Dynamic(typed) => forget(&mut typed.value, path, diagnostics),
        Value::Unknown(_) => {
            *value = Value::Null;
            diagnostics.error_at(
                path.clone(),
                "Provider left a value unknown",
                format!("In the provider's answer, {path} is still unknown. This is a mistake in the provider."),
            );
        }
        _ => {}
    }
}
