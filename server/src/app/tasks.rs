//! Tasks.

pub(crate) mod definition;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
pub(super) mod next;
mod validate;

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use justiam_planner::due::Schedule;
use justiam_sdk::api::config::ConfigMap;
use justiam_sdk::api::ids::TaskId;
use justiam_sdk::api::page::{DEFAULT_LIMIT, MAX_DEPTH, MAX_LIMIT, Page};
use justiam_sdk::api::tasks::{INCLUDES, Task, TaskQuery};
use justiam_sdk::api::values::{OverlapPolicy, TaskType, Words as _};
use serde_json::json;

use super::audit::{Changes, Event, Touched};
use super::caller::{Caller, Permission};
use super::fields::Object;
use super::metrics::counts::Counts;
use super::secrets::Change;
use super::wake::Wake;
use super::{App, Error, FieldErrors, IdempotencyKey, Result};
use crate::store::tasks::{Definition, Filter, TaskRow};
use crate::store::{self, Tx, active_runs, secrets, tasks};
use definition::{Draft, Wanted};

impl App {
    /// Creates a task with its config entries and secrets.
    pub async fn create_task(&self, caller: &Caller, body: Object, key: Option<&IdempotencyKey>) -> Result<Task> {
        caller.require(Permission::TasksManage)?;
        let id = TaskId::from_uuid(self.new_id());
        let wanted = new_draft(body, id).wanted()?;
        require_secrets(caller, wanted.secrets.as_ref())?;
        refuse_system_name(&wanted.definition.name)?;
        let now = self.now();
        let task = TaskRow {
            id,
            next_run_at: wanted.schedule.first_after(now),
            definition: wanted.definition,
            is_system: false,
            revision: self.new_revision(),
            created_at: now,
            updated_at: now,
            last_run_at: None,
            last_status: None,
        };
        let mut tx = self.db.write().await?;
        if let Some(answer) = self.earlier_answer(&mut tx, caller, key).await? {
            tx.commit().await?;
            return Ok(answer);
        }
        if !tasks::insert(&mut tx, &task).await? {
            refuse_taken_name(&mut tx, id, &task.definition.name).await?;
            return Err(Error::Conflict {
                message: "a task with this name has just been deleted".into(),
                details: None,
            });
        }
        let touched = match &wanted.secrets {
            Some(change) => self.change_secrets(&mut tx, id, change).await?,
            None => Touched::default(),
        };
        self.note(&mut tx, caller, Event::task("task.create", &task).secrets(touched)).await?;
        let answer = self.view(&mut tx, task).await?;
        self.keep_answer(&mut tx, caller, key, &answer).await?;
        tx.commit().await?;
        self.wakes.all(Wake::Dispatch);
        Ok(answer)
    }

    /// Reads a task with everything but the values of its secrets.
    pub async fn task(&self, caller: &Caller, id: TaskId) -> Result<Task> {
        caller.require(Permission::TasksView)?;
        let mut tx = self.db.read().await?;
        let task = tasks::get(&mut tx, id).await?.ok_or_else(|| Error::no_task(&id))?;
        self.view(&mut tx, task).await
    }

    /// Lists tasks in the order of their creation.
    pub async fn list_tasks(&self, caller: &Caller, query: &TaskQuery) -> Result<Page<Task>> {
        caller.require(Permission::TasksView)?;
        let mut errors = FieldErrors::default();
        let (page, limit) = page_of(query.page, query.limit, DEFAULT_LIMIT, &mut errors);
        let includes = query.include.iter().flat_map(|list| list.split(',')).map(str::trim);
        let includes: Vec<&str> = includes.filter(|include| !include.is_empty()).collect();
        for wrong in includes.iter().filter(|include| !INCLUDES.contains(include)) {
            errors.add("include", format!("`{}` is none of {}", super::error::shown(wrong), INCLUDES.join(", ")));
        }
        if query.task_type.as_ref().is_some_and(|task_type| !task_type.is_known()) {
            errors.add("task_type", TaskType::expected());
        }
        errors.check()?;
        let wants = |name: &str| includes.contains(&name);
        let filter = Filter {
            name: query.name.clone(),
            search: query.search.clone(),
            task_type: query.task_type.clone(),
            enabled: query.enabled,
            script: wants("script"),
            config: wants("config"),
            task_config: wants("task_config"),
        };
        let mut tx = self.db.read().await?;
        let (rows, total) = tasks::list(&mut tx, &filter, offset(page, limit), i64::from(limit)).await?;
        let mut revisions: HashMap<TaskId, BTreeMap<String, String>> = HashMap::new();
        if wants("secrets")
            && let (Some(first), Some(last)) = (rows.first(), rows.last())
        {
            let each = |task: TaskId, secret| revisions.entry(task).or_default().extend([self.told(task, secret)]);
            secrets::between(&mut tx, first.id, last.id, each).await?;
        }
        let data = rows
            .into_iter()
            .map(|row| {
                let revisions = revisions.remove(&row.id).unwrap_or_default();
                let mut task = view(row, revisions);
                // Each part that was not asked for is left out, not empty.
                task.script = task.script.filter(|_| wants("script"));
                task.script_sha256 = task.script_sha256.filter(|_| wants("script_sha256"));
                task.config = task.config.filter(|_| wants("config"));
                task.task_config = task.task_config.filter(|_| wants("task_config"));
                task.secret_revisions = task.secret_revisions.filter(|_| wants("secrets"));
                task
            })
            .collect();
        Ok(Page { data, total, page, limit })
    }

    /// Replaces a task's definition.
    pub async fn replace_task(
        &self,
        caller: &Caller,
        id: TaskId,
        body: Object,
        if_match: Option<&str>,
        key: Option<&IdempotencyKey>,
    ) -> Result<Task> {
        self.change_task(caller, id, if_match, key, |stored| definition::read_replacement(body, stored)).await
    }

    /// Changes a part of a task.
    pub async fn patch_task(
        &self,
        caller: &Caller,
        id: TaskId,
        body: Object,
        if_match: Option<&str>,
        key: Option<&IdempotencyKey>,
    ) -> Result<Task> {
        self.change_task(caller, id, if_match, key, |stored| definition::read_patch(body, stored)).await
    }

    /// Deletes a task and ends its runs.
    pub async fn delete_task(&self, caller: &Caller, id: TaskId, if_match: Option<&str>) -> Result<()> {
        caller.require(Permission::TasksManage)?;
        let mut tx = self.db.write().await?;
        let mut task = self.writable_task(&mut tx, id).await?;
        check_revision(&task, if_match)?;
        // A tick that is due is on record, also when its task goes.
        let mut fired = self.fire_if_due(&mut tx, &mut task).await?;
        fired.stop.extend(active_runs::cancel_all(&mut tx, &[(id, "the task was deleted".into())], self.now()).await?);
        tasks::delete(&mut tx, id).await?;
        self.note(&mut tx, caller, Event::task("task.delete", &task)).await?;
        tx.commit().await?;
        Counts::fired(&self.counts.ticks, &fired.outcomes);
        self.stop_work(&fired.stop);
        Ok(())
    }

    /// A task's config entries.
    pub async fn config(&self, caller: &Caller, id: TaskId) -> Result<ConfigMap> {
        caller.require(Permission::TasksView)?;
        let mut tx = self.db.read().await?;
        let task = tasks::get(&mut tx, id).await?.ok_or_else(|| Error::no_task(&id))?;
        Ok(task.definition.task_config)
    }

    /// Replaces all config entries of a task.
    pub async fn replace_config(
        &self,
        caller: &Caller,
        id: TaskId,
        body: Object,
        if_match: Option<&str>,
    ) -> Result<ConfigMap> {
        caller.require(Permission::TasksManage)?;
        let mut errors = FieldErrors::default();
        let entries = super::fields::texts(body, "", &mut errors);
        definition::check_config(&entries, "", &mut errors);
        errors.check()?;
        let change = |stored: &TaskRow| {
            let definition = Definition { task_config: entries, ..stored.definition.clone() };
            let schedule = stored_schedule(stored)?;
            Ok(Wanted { definition, schedule, secrets: None })
        };
        let task = self.change_task(caller, id, if_match, None, change).await?;
        Ok(task.task_config.unwrap_or_default())
    }

    /// Reads a task, asks what it shall become, and stores that, in one transaction.
    async fn change_task(
        &self,
        caller: &Caller,
        id: TaskId,
        if_match: Option<&str>,
        key: Option<&IdempotencyKey>,
        change: impl FnOnce(&TaskRow) -> Result<Wanted>,
    ) -> Result<Task> {
        caller.require(Permission::TasksManage)?;
        let mut tx = self.db.write().await?;
        // Before the revision is looked at: the first attempt has changed it.
        if let Some(answer) = self.earlier_answer(&mut tx, caller, key).await? {
            tx.commit().await?;
            return Ok(answer);
        }
        let mut stored = self.writable_task(&mut tx, id).await?;
        check_revision(&stored, if_match)?;
        // An edit is never retroactive: what is due fires as it was.
        let fired = self.fire_if_due(&mut tx, &mut stored).await?;
        let wanted = change(&stored)?;
        require_secrets(caller, wanted.secrets.as_ref())?;
        refuse_system_name(&wanted.definition.name)?;
        let now = self.now();
        let mut task = TaskRow {
            next_run_at: next_run_after_edit(&stored, &wanted, now),
            definition: wanted.definition,
            ..stored.clone()
        };
        refuse_taken_name(&mut tx, id, &task.definition.name).await?;
        let touched = match &wanted.secrets {
            Some(change) => self.change_secrets(&mut tx, id, change).await?,
            None => Touched::default(),
        };
        // A request that changes nothing leaves no trace, so that it can be repeated.
        if task != stored || !touched.is_empty() {
            task.revision = self.new_revision();
            task.updated_at = now;
            tasks::update(&mut tx, &task).await?;
            let changes = Changes::of_task(&stored.definition, &task.definition);
            let event = Event::task("task.update", &task).changes(changes);
            self.note(&mut tx, caller, event.secrets(touched)).await?;
        }
        let policy = &task.definition.overlap_policy;
        if *policy != stored.definition.overlap_policy {
            active_runs::reorder(&mut tx, id, *policy != OverlapPolicy::Allow, now).await?;
        }
        let answer = self.view(&mut tx, task).await?;
        self.keep_answer(&mut tx, caller, key, &answer).await?;
        tx.commit().await?;
        Counts::fired(&self.counts.ticks, &fired.outcomes);
        self.stop_work(&fired.stop);
        self.wakes.all(Wake::Dispatch);
        // Another overlap policy may let waiting runs start.
        self.wakes.all(Wake::Work);
        Ok(answer)
    }

    /// A task that may be changed: one that exists and is not the server's own.
    pub(super) async fn writable_task(&self, tx: &mut Tx, id: TaskId) -> Result<TaskRow> {
        let task = tasks::lock(tx, id).await?.ok_or_else(|| Error::no_task(&id))?;
        if task.is_system {
            let name = &task.definition.name;
            return Err(Error::Forbidden(format!(
                "`{name}` is a built-in task; built-in tasks cannot be changed or deleted"
            )));
        }
        Ok(task)
    }

    async fn view(&self, tx: &mut Tx, task: TaskRow) -> Result<Task> {
        let secrets = secrets::list(tx, task.id).await?;
        let id = task.id;
        Ok(view(task, secrets.into_iter().map(|secret| self.told(id, secret)).collect()))
    }
}

/// Reads the body of a create for a task with this id.
fn new_draft(body: Object, id: TaskId) -> Draft {
    // The last digits of the id, which are random; the first ones are the time, and the same for a whole minute.
    let short = id.as_uuid().simple().to_string().split_off(24);
    definition::read_new(body, |task_type| format!("{task_type} {short}"))
}

fn view(row: TaskRow, revisions: BTreeMap<String, String>) -> Task {
    let d = row.definition;
    let mut task = Task::new(row.id, d.name, d.task_type, d.schedule_type, row.revision, row.created_at);
    task.description = d.description;
    task.cron_expr = d.cron_expr;
    task.timezone = d.timezone;
    task.run_at = d.run_at;
    task.overlap_policy = d.overlap_policy;
    task.enabled = d.enabled;
    task.timeout_seconds = d.timeout_seconds;
    task.script = d.script;
    task.script_sha256 = d.script_sha256;
    task.config = Some(d.config.into());
    task.task_config = Some(d.task_config);
    task.secret_revisions = Some(revisions);
    task.is_system = row.is_system;
    task.next_run_at = row.next_run_at;
    task.last_run_at = row.last_run_at;
    task.last_status = row.last_status;
    task.updated_at = row.updated_at;
    task
}

/// When an edited task fires next. A new expression, zone or kind of schedule counts from now, and so does enabling; an edit
/// is never retroactive. A `run_at` that has fired is armed again by another `run_at` alone.
fn next_run_after_edit(stored: &TaskRow, wanted: &Wanted, now: Timestamp) -> Option<Timestamp> {
    let (old, new) = (&stored.definition, &wanted.definition);
    let same_kind = old.schedule_type == new.schedule_type;
    let keep = match wanted.schedule {
        Schedule::Cron { .. } | Schedule::Pattern { .. } => {
            let enabled_now = new.enabled && !old.enabled;
            same_kind && old.cron_expr == new.cron_expr && old.timezone == new.timezone && !enabled_now
        }
        Schedule::Once { .. } => same_kind && old.run_at == new.run_at,
    };
    if keep { stored.next_run_at } else { wanted.schedule.first_after(now) }
}

fn stored_schedule(stored: &TaskRow) -> Result<Schedule> {
    definition::schedule_of(&stored.definition).ok_or(Error::Store(store::Error::Corrupt { column: "tasks.cron_expr" }))
}

pub(super) fn check_revision(task: &TaskRow, if_match: Option<&str>) -> Result<()> {
    match if_match {
        Some(given) if given != task.revision => {
            Err(Error::Stale { kind: "task", given: super::error::shown(given), current: task.revision.clone() })
        }
        _ => Ok(()),
    }
}

fn require_secrets(caller: &Caller, change: Option<&Change>) -> Result<()> {
    match change {
        Some(_) => caller.require(Permission::SecretsWrite),
        None => Ok(()),
    }
}

/// The names of built-in tasks are taken in any letter case, on every server.
fn refuse_system_name(name: &str) -> Result<()> {
    let is_system = TaskType::BUILT_IN.iter().any(|(task_type, ..)| task_type.as_str().eq_ignore_ascii_case(name));
    if is_system {
        return Err(Error::Forbidden(format!("`{}` is the name of a built-in task", super::error::shown(name))));
    }
    Ok(())
}

/// Looked up in the transaction that will write, so the answer stays true.
async fn refuse_taken_name(tx: &mut Tx, id: TaskId, name: &str) -> Result<()> {
    match tasks::id_of(tx, name).await? {
        Some(other) if other != id => Err(Error::Conflict {
            message: format!("a task with the name `{}` exists already: {other}", super::error::shown(name)),
            details: Some(json!({ "id": other, "field": "name" })),
        }),
        _ => Ok(()),
    }
}

/// The page that a query names, with its bounds checked.
pub(super) fn page_of(page: Option<u32>, limit: Option<u32>, default: u32, errors: &mut FieldErrors) -> (u32, u32) {
    let (page, limit) = (page.unwrap_or(1), limit.unwrap_or(default));
    if page == 0 {
        errors.add("page", "counts from 1");
    }
    if !(1..=MAX_LIMIT).contains(&limit) {
        errors.add("limit", format!("must be from 1 to {MAX_LIMIT}"));
    } else if page.checked_mul(limit).is_none_or(|depth| depth > MAX_DEPTH) {
        errors.add("page", too_deep("limit"));
    }
    (page, limit)
}

/// What is wrong with a page that is too far from the first one.
pub(super) fn too_deep(limit: &str) -> String {
    format!("times `{limit}` must be {MAX_DEPTH} at the most; narrow the list by other parts of the query")
}

/// How many items lie before a page.
pub(super) fn offset(page: u32, limit: u32) -> i64 {
    i64::from(page.saturating_sub(1)) * i64::from(limit)
}
