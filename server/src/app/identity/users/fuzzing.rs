//! What must hold of any body about a user.

use jiff::Timestamp;
use justiam_sdk::api::ids::UserId;
use justiam_sdk::api::users::User;
use uuid::Uuid;

use super::overlay;
use crate::app::Error;
use crate::app::fields::Object;
use crate::fuzzing::{refused, sent_back};

/// The body of a create, a replacement or a patch: they differ in what it is laid over.
pub(crate) fn user(body: Object) {
    let new = || User::new(UserId::from_uuid(Uuid::max()), String::new(), Timestamp::UNIX_EPOCH);
    let mut user = new();
    match overlay(body, &mut user) {
        Ok(()) => {
            let mut again = new();
            let outcome = overlay(sent_back(&user), &mut again);
            assert!(outcome.is_ok(), "what was got cannot be put back: {outcome:?}");
            assert_eq!(again, user, "what was got was put back");
        }
        Err(Error::Invalid(errors)) => refused(&errors),
        Err(other) => panic!("refused in another way: {other}"),
    }
}
