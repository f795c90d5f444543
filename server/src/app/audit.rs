//! The audit log: who changed what, and who was refused.
//!
//! A change writes its entry in its own transaction: there is none without the other. A request that changes nothing,
//! or that repeats an earlier one, leaves none.

mod changes;

use std::collections::{HashMap, HashSet};

use justiam_sdk::api::audit::{AuditEntry, AuditQuery};
use justiam_sdk::api::ids::{AuditEntryId, ScheduleId, StepId, TaskId};
use justiam_sdk::api::page::{DEFAULT_RUN_LIMIT, Page};
use justiam_sdk::api::runs::Run;
use serde_json::Value;

use super::caller::{Caller, Permission};
use super::tasks::{offset, page_of};
use super::{App, FieldErrors, Result};
use crate::store::Tx;
use crate::store::audit::{self, Filter};
use crate::store::schedules::StepRow;
use crate::store::tasks::TaskRow;

pub(super) use changes::Changes;

/// Who acts, where it is nobody who came with a token.
const COMMAND_LINE: &str = "command line";

/// The keys of secrets that a change made a difference to.
#[derive(Debug, Default)]
pub(super) struct Touched {
    pub(super) set: Vec<String>,
    pub(super) removed: Vec<String>,
}

impl Touched {
    pub(super) fn is_empty(&self) -> bool {
        self.set.is_empty() && self.removed.is_empty()
    }
}

/// A change to write down.
#[derive(Debug)]
pub(super) struct Event {
    action: &'static str,
    object_kind: &'static str,
    object_id: String,
    object_name: String,
    details: super::Object,
}

impl Event {
    /// Something was done to a task.
    pub(super) fn task(action: &'static str, task: &TaskRow) -> Self {
        Self::new(action, "task", task.id.to_string(), &task.definition.name)
    }

    /// A task was run.
    pub(super) fn fired(id: TaskId, name: &str) -> Self {
        Self::new("task.run", "task", id.to_string(), name)
    }

    /// Something was done to a run.
    pub(super) fn run(action: &'static str, run: &Run) -> Self {
        Self::new(action, "run", run.id.to_string(), &run.task_name).with("task_id", run.task_id.to_string())
    }

    /// Something was done to a schedule.
    pub(super) fn schedule(action: &'static str, id: ScheduleId, name: &str) -> Self {
        Self::new(action, "schedule", id.to_string(), name)
    }

    /// Adds which steps are new, other than before, or gone, and whose connection strings are. Never the strings.
    pub(super) fn step_changes(mut self, old: &[StepRow], new: &[StepRow]) -> Self {
        let before: HashMap<StepId, &StepRow> = old.iter().map(|step| (step.id, step)).collect();
        let after: HashSet<StepId> = new.iter().map(|step| step.id).collect();
        let revision = |step: &StepRow| step.sql_connection.as_ref().map(|sql| sql.revision.clone());
        let ids = |steps: Vec<&StepRow>| steps.into_iter().map(|step| step.id.to_string()).collect::<Vec<_>>();
        let was = |step: &StepRow| before.get(&step.id).copied();
        let added = new.iter().filter(|step| was(step).is_none()).collect();
        let changed = new.iter().filter(|step| was(step).is_some_and(|old| old != *step)).collect();
        let removed = old.iter().filter(|step| !after.contains(&step.id)).collect();
        let secret = |step: &&StepRow| revision(step).is_some() && revision(step) != was(step).and_then(revision);
        let secrets = new.iter().filter(secret).collect();
        for (name, steps) in [
            ("steps_added", added),
            ("steps_changed", changed),
            ("steps_removed", removed),
            ("sql_connection_strings_set", secrets),
        ] {
            let ids = ids(steps);
            if !ids.is_empty() {
                self = self.with(name, ids);
            }
        }
        self
    }

    /// Something was done to a thing of this kind.
    pub(super) fn new(action: &'static str, object_kind: &'static str, object_id: String, object_name: &str) -> Self {
        Self { action, object_kind, object_id, object_name: object_name.to_owned(), details: super::Object::new() }
    }

    /// Adds a fact that is no secret.
    pub(super) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.details.insert(name.to_owned(), value.into());
        self
    }

    /// Adds the names of fields that are other than before, and what they were and are, as far as that is no secret.
    pub(super) fn changes(self, changes: Changes) -> Self {
        match changes.into_values() {
            (names, _) if names.is_empty() => self,
            (names, changes) => self.with("fields", names).with("changes", changes),
        }
    }

    /// Adds the keys of secrets that were written or removed.
    pub(super) fn secrets(mut self, touched: Touched) -> Self {
        for (name, keys) in [("secrets_set", touched.set), ("secrets_removed", touched.removed)] {
            if !keys.is_empty() {
                self = self.with(name, keys);
            }
        }
        self
    }
}

impl App {
    /// Writes down what a caller does, in the transaction that does it.
    pub(super) async fn note(&self, tx: &mut Tx, caller: &Caller, event: Event) -> Result<()> {
        let mut entry = self.entry(caller.name.clone(), event);
        entry.principal = Some(caller.principal.clone());
        entry.token_id = caller.token.as_ref().map(|token| token.id);
        entry.request_id.clone_from(&caller.request_id);
        Ok(audit::put(tx, &entry).await?)
    }

    /// Writes down what somebody does who can write to the database.
    pub(super) async fn note_command(&self, tx: &mut Tx, event: Event) -> Result<()> {
        Ok(audit::put(tx, &self.entry(COMMAND_LINE.to_owned(), event)).await?)
    }

    /// Writes down that fixtures were loaded, and how many of each kind. None are no change.
    pub(super) async fn note_load(&self, tx: &mut Tx, loaded: &[(&'static str, usize)]) -> Result<()> {
        if loaded.iter().all(|(_, count)| *count == 0) {
            return Ok(());
        }
        let id = AuditEntryId::from_uuid(self.new_id());
        let mut entry = AuditEntry::new(id, self.now(), COMMAND_LINE.into(), "fixtures.load".into(), "fixtures".into());
        entry.details = loaded.iter().map(|(kind, count)| ((*kind).to_owned(), Value::from(*count))).collect();
        Ok(audit::put(tx, &entry).await?)
    }

    pub(super) fn entry(&self, actor: String, event: Event) -> AuditEntry {
        let id = AuditEntryId::from_uuid(self.new_id());
        let mut entry = AuditEntry::new(id, self.now(), actor, event.action.to_owned(), event.object_kind.to_owned());
        entry.object_id = Some(event.object_id);
        entry.object_name = Some(event.object_name);
        entry.details = Value::Object(event.details);
        entry
    }

    /// Lists entries of the audit log, newest first.
    pub async fn list_audit(&self, caller: &Caller, query: &AuditQuery) -> Result<Page<AuditEntry>> {
        caller.require(Permission::AuditView)?;
        let mut errors = FieldErrors::default();
        let (page, limit) = page_of(query.page, query.limit, DEFAULT_RUN_LIMIT, &mut errors);
        errors.check()?;
        let filter =
            Filter { action: query.action.clone(), object_id: query.object_id.clone(), actor: query.actor.clone() };
        let mut tx = self.db.read().await?;
        let (data, total) = audit::list(&mut tx, &filter, offset(page, limit), i64::from(limit)).await?;
        Ok(Page { data, total, page, limit })
    }
}
