//! Who changes identities.

use justiam_sdk::api::ids::{RunId, TaskId};

use super::super::audit::Event;
use super::super::caller::{Caller, Permission};
use super::super::{App, Result};
use crate::store::{Tx, audit};

/// Who changes identities: somebody with a token, or the script of a run.
#[derive(Debug, Clone, Copy)]
pub enum Actor<'a> {
    /// Somebody with a token.
    Caller(&'a Caller),
    /// The script of a run.
    Script(&'a ScriptActor),
}

/// The script of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptActor {
    /// Whose script it is.
    pub task_id: TaskId,
    /// The task's name when the run began.
    pub task_name: String,
    /// The run.
    pub run_id: RunId,
}

impl Actor<'_> {
    /// Fails unless this may be done. A script may do everything: whoever may manage tasks decides what scripts do.
    pub fn require(&self, permission: Permission) -> Result<()> {
        match self {
            Self::Caller(caller) => caller.require(permission),
            Self::Script(_) => Ok(()),
        }
    }
}

impl App {
    /// Writes down what an actor does, in the transaction that does it.
    pub(in crate::app) async fn note_by(&self, tx: &mut Tx, actor: &Actor<'_>, event: Event) -> Result<()> {
        let script = match actor {
            Actor::Caller(caller) => return self.note(tx, caller, event).await,
            Actor::Script(script) => script,
        };
        let event = event.with("run_id", script.run_id.to_string());
        let mut entry = self.entry(format!("task {}", script.task_name), event);
        entry.principal = Some(format!("task:{}", script.task_id));
        Ok(audit::put(tx, &entry).await?)
    }
}
