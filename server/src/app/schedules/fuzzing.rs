//! What must hold of any body about a schedule.

use jiff::Timestamp;
use justiam_sdk::api::connection;
use justiam_sdk::api::ids::{ScheduleId, StepId};
use justiam_sdk::api::secrets::Secret;
use serde_json::Value;
use url::Url;
use uuid::Uuid;

use super::definition::{self, Draft};
use super::steps::StepDraft;
use super::view;
use crate::app::executions::schedule_of;
use crate::app::fields::Object;
use crate::app::vault::Vault;
use crate::fuzzing::{refused, sent_back};
use crate::store::schedules::{ScheduleRow, SealedConnection, StepRow};

/// A password that nobody has by chance.
const PASSWORD: &str = "canary-83d1";

/// The body of a create or of a replacement.
pub(crate) fn written(body: Object, is_replacement: bool) {
    connections(&body);
    let draft = definition::read(body, is_replacement);
    if !draft.errors.is_empty() {
        return refused(&draft.errors);
    }
    assert!(draft.steps.is_sorted_by_key(|step| step.step_index), "steps are in the order in which they run");
    // The second time it is what a client has got and puts back.
    let (schedule, steps) = rows(draft);
    let _ = schedule_of(&schedule.to_due());
    let vault = Vault::new(&Secret::from("0123456789abcdef0123456789abcdef")).expect("the secret is long enough");
    let shown = sent_back(&view(schedule.clone(), Some(steps.clone()), &vault));
    let again = definition::read(shown, true);
    assert!(again.errors.is_empty(), "what was got cannot be put back: {:?}", again.errors);
    assert_eq!(rows(again), (schedule, steps), "what was got was put back");
}

/// Where there are connection strings, nothing shows a password of theirs.
fn connections(body: &Object) {
    let named = |object: &Object, name: &str| -> Option<Value> {
        object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.clone())
    };
    let Some(Value::Array(steps)) = named(body, "steps") else { return };
    for step in steps.iter().filter_map(Value::as_object) {
        let Some(Value::String(text)) = named(step, "sqlConnectionString") else { continue };
        let Ok(mut url) = Url::parse(&text) else { continue };
        if url.as_str().contains(PASSWORD) || url.set_password(Some(PASSWORD)).is_err() {
            continue;
        }
        match connection::shown(&Secret::from(url.as_str())) {
            Ok(shown) => {
                assert!(!shown.contains(PASSWORD), "a password is shown");
                assert_eq!(
                    connection::shown(&Secret::from(shown.as_str())),
                    Ok(shown),
                    "what is shown is shown as it is"
                );
            }
            Err(message) => assert!(!message.contains(PASSWORD), "a message shows a password"),
        }
    }
}

/// What would be stored.
fn rows(draft: Draft) -> (ScheduleRow, Vec<StepRow>) {
    let id = ScheduleId::from_uuid(Uuid::max());
    let schedule = ScheduleRow {
        id,
        name: draft.name,
        description: draft.description,
        trigger_type: draft.trigger_type,
        pattern: draft.pattern,
        timezone: draft.timezone,
        is_enabled: draft.is_enabled,
        last_run_at: None,
        next_run_at: None,
        revision: "1".to_owned(),
        created_at: Timestamp::UNIX_EPOCH,
        updated_at: None,
        step_count: i64::try_from(draft.steps.len()).expect("steps are few"),
    };
    let steps = (0..).zip(draft.steps).map(|(position, step)| row(id, position, step)).collect();
    (schedule, steps)
}

fn row(schedule_id: ScheduleId, position: i64, mut step: StepDraft) -> StepRow {
    let id = StepId::from_uuid(Uuid::from_u128(position.unsigned_abs().into()));
    let sql_connection = step.sql_connection.take().map(|connection| SealedConnection {
        shown: connection.shown,
        sealed_by: String::new(),
        sealed: String::new(),
        revision: String::new(),
    });
    step.into_row(id, schedule_id, position, sql_connection)
}
