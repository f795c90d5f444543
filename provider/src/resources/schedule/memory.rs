//! What private state remembers of a schedule: nothing that a user writes, all that the next change needs.

use justiam_sdk::api::ids::StepId;
use justiam_sdk::api::schedules::Schedule;
use serde::{Deserialize, Serialize};
use tfplugin::{Diagnostics, Private};

/// The name in private state.
const NAME: &str = "schedule";

/// A schedule as it was last seen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Memory {
    /// Its revision, so that no change overwrites one that Terraform has not seen.
    pub(super) revision: String,
    /// Its steps, in the order of the state's.
    pub(super) steps: Vec<Remembered>,
}

/// A step as it was last seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Remembered {
    /// Its id on the server.
    pub(super) id: StepId,
    /// Its connection string, where it has one.
    pub(super) connection: Option<Connection>,
}

/// A connection string as the server tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Connection {
    /// Changes whenever the string does.
    pub(super) revision: Option<String>,
    /// The string without its password. A step that brings it back keeps what is stored.
    pub(super) shown: String,
}

impl Memory {
    /// What is to be remembered of the server's answer.
    pub(super) fn of(schedule: &Schedule) -> Self {
        let steps = schedule.steps.iter().flatten().map(|step| Remembered {
            id: step.id,
            connection: step
                .sql_connection_string
                .clone()
                .map(|shown| Connection { revision: step.sql_connection_string_revision.clone(), shown }),
        });
        Self { revision: schedule.revision.clone(), steps: steps.collect() }
    }

    /// What private state holds; nothing for an object that was just imported.
    pub(super) fn recall(private: &Private) -> Self {
        private.get(NAME).unwrap_or_default()
    }

    /// Puts it into private state.
    pub(super) fn store(&self, private: &mut Private, diagnostics: &mut Diagnostics) {
        if let Err(error) = private.set(NAME, self) {
            diagnostics.warning("Could not remember the steps of a schedule", error.to_string());
        }
    }
}
