//! The audit log: who changed what.
//!
//! A change writes its entry in its own transaction: there is none without the other. A request that changes nothing,
//! or that repeats an earlier one, leaves none.

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
use crate::store::schedules::{ScheduleRow, StepRow};
use crate::store::tasks::{Definition, TaskRow};
use crate::store::tokens::TokenRow;

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

    /// Adds the names of the fields in which two schedules differ.
    pub(super) fn schedule_changes(self, old: &ScheduleRow, new: &ScheduleRow) -> Self {
        match changed_fields(old, new) {
            names if names.is_empty() => self,
            names => self.with("fields", names),
        }
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

    /// A token was made.
    pub(super) fn new_token(token: &TokenRow) -> Self {
        let permissions: Vec<&str> = token.permissions.split_whitespace().collect();
        Self::new("token.create", "token", token.id.to_string(), &token.name)
            .with("permissions", permissions)
            .with("is_admin", token.is_admin)
            .with("expires_at", token.expires_at.to_string())
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

    /// Adds the names of the fields in which two definitions differ.
    pub(super) fn fields(self, old: &Definition, new: &Definition) -> Self {
        match changed(old, new) {
            names if names.is_empty() => self,
            names => self.with("fields", names),
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

/// The names of the fields in which two schedules differ, as on the wire.
fn changed_fields(old: &ScheduleRow, new: &ScheduleRow) -> Vec<&'static str> {
    let (p, q) = (&old.pattern, &new.pattern);
    [
        ("name", old.name != new.name),
        ("description", old.description != new.description),
        ("triggerType", old.trigger_type != new.trigger_type),
        ("cronExpression", p.cron_expression != q.cron_expression),
        ("patternType", p.pattern_type != q.pattern_type),
        ("daysOfWeek", p.days_of_week != q.days_of_week),
        ("runTimes", p.run_times != q.run_times),
        ("intervalValue", p.interval_value != q.interval_value),
        ("intervalUnit", p.interval_unit != q.interval_unit),
        ("intervalWindowStart", p.interval_window_start != q.interval_window_start),
        ("intervalWindowEnd", p.interval_window_end != q.interval_window_end),
        ("timezone", old.timezone != new.timezone),
        ("isEnabled", old.is_enabled != new.is_enabled),
    ]
    .into_iter()
    .filter_map(|(field, differs)| differs.then_some(field))
    .collect()
}

/// The names of the fields in which two definitions differ.
fn changed(old: &Definition, new: &Definition) -> Vec<&'static str> {
    // Taken apart by name, so that a new field is not forgotten here.
    let Definition {
        name,
        description,
        task_type,
        schedule_type,
        cron_expr,
        timezone,
        run_at,
        overlap_policy,
        enabled,
        timeout_seconds,
        script,
        script_sha256: _,
        config,
        task_config,
    } = old;
    [
        ("name", *name != new.name),
        ("description", *description != new.description),
        ("task_type", *task_type != new.task_type),
        ("schedule_type", *schedule_type != new.schedule_type),
        ("cron_expr", *cron_expr != new.cron_expr),
        ("timezone", *timezone != new.timezone),
        ("run_at", *run_at != new.run_at),
        ("overlap_policy", *overlap_policy != new.overlap_policy),
        ("enabled", *enabled != new.enabled),
        ("timeout_seconds", *timeout_seconds != new.timeout_seconds),
        ("script", *script != new.script),
        ("config", *config != new.config),
        ("task_config", *task_config != new.task_config),
    ]
    .into_iter()
    .filter_map(|(field, differs)| differs.then_some(field))
    .collect()
}
