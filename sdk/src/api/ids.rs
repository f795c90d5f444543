//! Ids that cannot be swapped: one type per kind of thing, all of them UUIDs on the wire.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a {kind} id: it must be a UUID")]
pub struct NotAnId {
    kind: &'static str,
    text: String,
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $kind:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Makes an id from a UUID.
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID behind the id.
            pub const fn as_uuid(&self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;

            /// Reads the hyphenated form alone, so that one thing has one spelling in a URL.
            fn from_str(text: &str) -> Result<Self, NotAnId> {
                let error = || NotAnId { kind: $kind, text: text.chars().take(64).collect() };
                if text.len() != uuid::fmt::Hyphenated::LENGTH {
                    return Err(error());
                }
                Uuid::try_parse(text).map(Self).map_err(|_| error())
            }
        }
    )+};
}

ids! {
    /// Identifies a task.
    TaskId = "task";
    /// Identifies one run of a task.
    RunId = "run";
    /// Identifies a service account.
    ServiceAccountId = "service account";
    /// Identifies an access token.
    TokenId = "token";
    /// Identifies a user.
    UserId = "user";
    /// Identifies a federated provider.
    ProviderId = "federated provider";
    /// Identifies an application.
    ApplicationId = "application";
    /// Identifies an access request.
    AccessRequestId = "access request";
    /// Identifies a group of users.
    GroupId = "group";
    /// Identifies a message to a user.
    MessageId = "message";
    /// Identifies a schedule.
    ScheduleId = "schedule";
    /// Identifies a step of a schedule.
    StepId = "step";
    /// Identifies an execution of a schedule.
    ExecutionId = "schedule execution";
    /// Identifies an activity.
    ActivityId = "activity";
    /// Identifies an entry of the audit log.
    AuditEntryId = "audit log entry";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_hyphenated_form_only() {
        let text = "0199f2a6-0000-7000-8000-000000000001";
        assert_eq!(text.parse::<TaskId>().unwrap().to_string(), text);
        for wrong in ["", "x", "0199f2a6000070008000000000000001", "{0199f2a6-0000-7000-8000-000000000001}"] {
            assert!(wrong.parse::<TaskId>().is_err(), "{wrong}");
        }
        assert_eq!("nope".parse::<RunId>().unwrap_err().to_string(), "`nope` is not a run id: it must be a UUID");
    }
}
