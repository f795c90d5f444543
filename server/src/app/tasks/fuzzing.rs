//! What must hold of any body about a task.

use std::collections::BTreeMap;

use jiff::Timestamp;
use justiam_sdk::api::ids::TaskId;
use serde_json::Value;
use uuid::Uuid;

use super::definition::{self, Wanted};
use super::{new_draft, view};
use crate::app::fields::Object;
use crate::app::{Error, Result, secrets};
use crate::fuzzing::{refused, sent_back};
use crate::store::tasks::{Definition, TaskRow};

/// The body of a create.
pub(crate) fn created(body: Object) {
    let Some(body) = marked(body) else { return };
    check(new_draft(body, TaskId::from_uuid(Uuid::max())).wanted());
}

/// The body of a replacement.
pub(crate) fn replaced(body: Object) {
    let Some(body) = marked(body) else { return };
    check(definition::read_replacement(body, &stored()));
}

/// The body of a patch.
pub(crate) fn patched(body: Object) {
    let Some(body) = marked(body) else { return };
    check(definition::read_patch(body, &stored()));
}

/// Makes the values of secrets known, so that they can be looked for.
fn marked(mut body: Object) -> Option<Object> {
    secrets::fuzzing::is_unmarked(&body).then(|| {
        if let Some(Value::Object(secrets)) = body.get_mut("secrets") {
            secrets::fuzzing::mark(secrets);
        }
        body
    })
}

/// What is accepted can be got and put back, and is the same then.
fn check(wanted: Result<Wanted>) {
    let wanted = match wanted {
        Ok(wanted) => wanted,
        Err(Error::Invalid(errors)) => {
            secrets::fuzzing::shows_no_value(&errors);
            return refused(&errors);
        }
        Err(other) => panic!("refused in another way: {other}"),
    };
    assert!(definition::schedule_of(&wanted.definition).is_some(), "a stored task has a schedule");
    let task = row(wanted.definition);
    let shown = sent_back(&view(task.clone(), BTreeMap::new()));
    for outcome in [definition::read_replacement(shown.clone(), &task), definition::read_patch(shown, &task)] {
        match outcome {
            Ok(again) => assert_eq!(again.definition, task.definition, "what was got was put back"),
            Err(error) => panic!("what was got cannot be put back: {error:?}"),
        }
    }
}

fn stored() -> TaskRow {
    let body = serde_json::json!({
        "name": "Nightly", "task_type": "script", "schedule_type": "cron", "cron_expr": "0 3 * * *",
        "script": "package task\n\nfunc Run() (string, error) { return \"\", nil }\n", "task_config": { "ids": "[1]" }, "config": { "a": [1.50] },
    });
    let Value::Object(body) = body else { unreachable!() };
    let wanted = new_draft(body, TaskId::from_uuid(Uuid::max())).wanted();
    row(wanted.unwrap_or_else(|error| panic!("the stored task is right: {error:?}")).definition)
}

fn row(definition: Definition) -> TaskRow {
    TaskRow {
        id: TaskId::from_uuid(Uuid::max()),
        definition,
        is_system: false,
        next_run_at: None,
        revision: "1".to_owned(),
        created_at: Timestamp::UNIX_EPOCH,
        updated_at: Timestamp::UNIX_EPOCH,
        last_run_at: None,
        last_status: None,
    }
}
