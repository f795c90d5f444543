//! What must hold of any input. Fuzzers call these functions (`server/fuzz`), and a test replays with them what fuzzers have found worth
//! keeping. What concerns one reader stands beside it, in a file with this name.

#[cfg(test)]
mod corpus;
mod times;

use crate::app::{FieldErrors, Object, connector, identity, json, schedules, secrets, tasks};
use crate::driver::execute::script;

pub use times::{cron, pattern};

/// The bodies of requests that create and change things. The first byte says which; the rest is the body.
pub fn api_body(input: &[u8]) {
    let Some((kind, body)) = input.split_first() else { return };
    let body = match json::read(body) {
        Ok(serde_json::Value::Object(body)) => body,
        Ok(_) => return,
        Err(defect) => return assert!(defect.to_string().contains(", at line "), "{defect}"),
    };
    match kind.wrapping_sub(b'0') % 8 {
        0 => tasks::fuzzing::created(body),
        1 => tasks::fuzzing::replaced(body),
        2 => tasks::fuzzing::patched(body),
        3 => schedules::fuzzing::written(body, false),
        4 => schedules::fuzzing::written(body, true),
        5 => secrets::fuzzing::replaced(body),
        6 => secrets::fuzzing::patched(body),
        _ => identity::fuzzing::user(body),
    }
}

/// What a script's process sends to the server. The first byte says in which pieces it arrives.
pub fn host_protocol(input: &[u8]) {
    script::channel::fuzzing::sent(input);
}

/// The CSV file of a connected system. The first byte says what parts the columns.
pub fn csv(input: &[u8]) {
    connector::fuzzing::file(input);
}

/// What a body is refused with: at least one message, each of a length that a person can read. A field without a name has a path
/// without a name.
pub(crate) fn refused(errors: &FieldErrors) {
    assert!(!errors.is_empty(), "refused for no reason");
    for (path, messages) in errors.iter() {
        assert!(path.chars().count() <= 200, "a path of {} characters", path.chars().count());
        for message in messages {
            let length = message.chars().count();
            assert!((1..=1000).contains(&length), "{path}: a message of {length} characters");
        }
    }
}

/// The same body as a client would send it that had got this value.
pub(crate) fn sent_back(value: &impl serde::Serialize) -> Object {
    match json::read(&serde_json::to_vec(value).expect("what the server shows is JSON")) {
        Ok(serde_json::Value::Object(body)) => body,
        other => panic!("what the server shows is not taken for a JSON object: {other:?}"),
    }
}
