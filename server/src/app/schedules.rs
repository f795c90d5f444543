//! Schedules.

mod arrange;
mod definition;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod next;
mod steps;

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use jiff::Timestamp;
use justiam_sdk::api::ids::ScheduleId;
use justiam_sdk::api::page::Items;
use justiam_sdk::api::schedules::{Schedule, ScheduleQuery, ScheduleStep};
use serde_json::json;

use super::audit::{Changes, Event};
use super::caller::{Caller, Permission};
use super::executions::{ScheduleFiring, page_of_items, schedule_of};
use super::fields::Object;
use super::metrics::counts::{Counts, Outcomes};
use super::secrets::told_revision;
use super::vault::Vault;
use super::wake::Wake;
use super::{App, Error, FieldErrors, IdempotencyKey, Result};
use crate::store::schedules::{self, Filter, ScheduleRow, Sort, StepRow};
use crate::store::{self, Tx};
use definition::Draft;

impl App {
    /// Creates a schedule with its steps.
    pub async fn create_schedule(
        &self,
        caller: &Caller,
        body: Object,
        key: Option<&IdempotencyKey>,
    ) -> Result<Schedule> {
        caller.require(Permission::SchedulesManage)?;
        let draft = definition::read(body, false);
        let mut tx = self.db.write().await?;
        if let Some(answer) = self.earlier_answer(&mut tx, caller, key).await? {
            tx.commit().await?;
            return Ok(answer);
        }
        let now = self.now();
        let id = ScheduleId::from_uuid(self.new_id());
        let born = ScheduleRow {
            id,
            name: String::new(),
            description: None,
            trigger_type: draft.trigger_type.clone(),
            pattern: draft.pattern.clone(),
            timezone: String::new(),
            is_enabled: false,
            last_run_at: None,
            next_run_at: None,
            revision: self.new_revision(),
            created_at: now,
            updated_at: None,
            step_count: 0,
        };
        let (schedule, steps) = self.arrange(&mut tx, draft, &born, &[]).await?;
        if !schedules::insert(&mut tx, &schedule).await? {
            refuse_taken_name(&mut tx, id, &schedule.name).await?;
            return Err(Error::Conflict {
                message: "a schedule with this name has just been deleted".into(),
                details: None,
            });
        }
        schedules::replace_steps(&mut tx, id, &steps).await?;
        let event = Event::schedule("schedule.create", id, &schedule.name);
        self.note(&mut tx, caller, event.step_changes(&[], &steps)).await?;
        let answer = view(schedule, Some(steps), &self.vault);
        self.keep_answer(&mut tx, caller, key, &answer).await?;
        tx.commit().await?;
        self.wakes.all(Wake::Dispatch);
        Ok(answer)
    }

    /// Reads a schedule with its steps.
    pub async fn schedule(&self, caller: &Caller, id: ScheduleId) -> Result<Schedule> {
        caller.require(Permission::SchedulesView)?;
        let mut tx = self.db.read().await?;
        let schedule = schedules::get(&mut tx, id).await?.ok_or_else(|| Error::no_schedule(&id))?;
        let steps = schedules::steps(&mut tx, id).await?;
        Ok(view(schedule, Some(steps), &self.vault))
    }

    /// Lists schedules.
    pub async fn list_schedules(&self, caller: &Caller, query: &ScheduleQuery) -> Result<Items<Schedule>> {
        caller.require(Permission::SchedulesView)?;
        let mut errors = FieldErrors::default();
        let (page, size, offset) = page_of_items(query.page, query.page_size, &mut errors);
        let includes = query.include.iter().flat_map(|list| list.split(',')).map(str::trim);
        let includes: Vec<&str> = includes.filter(|include| !include.is_empty()).collect();
        for wrong in includes.iter().filter(|include| !include.eq_ignore_ascii_case("steps")) {
            errors.add("include", format!("`{}` is not `steps`", super::error::shown(wrong)));
        }
        errors.check()?;
        let filter = Filter {
            name: query.name.clone(),
            search: query.search.clone().filter(|text| !text.is_empty()),
            sort: sort_of(query.sort_by.as_deref().unwrap_or_default()),
            descending: query.sort_descending.unwrap_or_default(),
        };
        let mut tx = self.db.read().await?;
        let (rows, total) = schedules::list(&mut tx, &filter, offset, size).await?;
        let mut steps: HashMap<ScheduleId, Vec<StepRow>> = HashMap::new();
        if !includes.is_empty() {
            let ids: Vec<ScheduleId> = rows.iter().map(|row| row.id).collect();
            for step in schedules::steps_of(&mut tx, &ids).await? {
                steps.entry(step.schedule_id).or_default().push(step);
            }
        }
        let items = rows.into_iter().map(|row| {
            let steps = (!includes.is_empty()).then(|| steps.remove(&row.id).unwrap_or_default());
            view(row, steps, &self.vault)
        });
        Ok(Items::new(items.collect(), total, page, size))
    }

    /// Replaces a schedule and its steps. Steps that the body names by their id stay the same ones.
    pub async fn replace_schedule(
        &self,
        caller: &Caller,
        id: ScheduleId,
        body: Object,
        if_match: Option<&str>,
        key: Option<&IdempotencyKey>,
    ) -> Result<Schedule> {
        caller.require(Permission::SchedulesManage)?;
        let draft = definition::read(body, true);
        let mut tx = self.db.write().await?;
        // Before the revision is looked at: the first attempt has changed it.
        if let Some(answer) = self.earlier_answer(&mut tx, caller, key).await? {
            tx.commit().await?;
            return Ok(answer);
        }
        let (stored, fired) = self.schedule_to_change(&mut tx, id, if_match).await?;
        let old_steps = schedules::steps(&mut tx, id).await?;
        let (mut schedule, steps) = self.arrange(&mut tx, draft, &stored, &old_steps).await?;
        refuse_taken_name(&mut tx, id, &schedule.name).await?;
        // A request that changes nothing leaves no trace, so that it can be repeated.
        if schedule != stored || steps != old_steps {
            self.touch(&mut schedule);
            match schedules::update(&mut tx, &schedule).await {
                // On PostgreSQL another request may have taken it since the look; that one has the id.
                Err(store::Error::Conflict(_)) => return Err(name_conflict(&schedule.name, None)),
                updated => updated?,
            };
            if steps != old_steps {
                schedules::replace_steps(&mut tx, id, &steps).await?;
            }
            let changes = Changes::of_schedule(&stored, &schedule);
            let event = Event::schedule("schedule.update", id, &schedule.name).changes(changes);
            self.note(&mut tx, caller, event.step_changes(&old_steps, &steps)).await?;
        }
        let answer = view(schedule, Some(steps), &self.vault);
        self.keep_answer(&mut tx, caller, key, &answer).await?;
        tx.commit().await?;
        self.schedule_changed(&fired);
        Ok(answer)
    }

    /// Lets a schedule fire by itself, or keeps it from that.
    pub async fn enable_schedule(
        &self,
        caller: &Caller,
        id: ScheduleId,
        is_enabled: bool,
        if_match: Option<&str>,
    ) -> Result<Schedule> {
        caller.require(Permission::SchedulesManage)?;
        let mut tx = self.db.write().await?;
        let (mut schedule, fired) = self.schedule_to_change(&mut tx, id, if_match).await?;
        if schedule.is_enabled != is_enabled {
            schedule.is_enabled = is_enabled;
            schedule.next_run_at = first_after(&schedule, self.now());
            self.touch(&mut schedule);
            schedules::update(&mut tx, &schedule).await?;
            let action = if is_enabled { "schedule.enable" } else { "schedule.disable" };
            self.note(&mut tx, caller, Event::schedule(action, id, &schedule.name)).await?;
        }
        tx.commit().await?;
        self.schedule_changed(&fired);
        Ok(view(schedule, None, &self.vault))
    }

    /// Deletes a schedule and its steps. Its executions go on and stay.
    pub async fn delete_schedule(&self, caller: &Caller, id: ScheduleId, if_match: Option<&str>) -> Result<()> {
        caller.require(Permission::SchedulesManage)?;
        let mut tx = self.db.write().await?;
        let (schedule, fired) = self.schedule_to_change(&mut tx, id, if_match).await?;
        schedules::delete(&mut tx, id).await?;
        self.note(&mut tx, caller, Event::schedule("schedule.delete", id, &schedule.name)).await?;
        tx.commit().await?;
        self.schedule_changed(&fired);
        Ok(())
    }

    /// A schedule for somebody who changes it, in the revision that they expect, and what became of a tick that was recorded. One that is due and
    /// that no dispatcher has come to yet is on record before the schedule becomes another one: an edit is never retroactive.
    async fn schedule_to_change(
        &self,
        tx: &mut Tx,
        id: ScheduleId,
        if_match: Option<&str>,
    ) -> Result<(ScheduleRow, Outcomes)> {
        let schedule = schedules::lock(tx, id).await?.ok_or_else(|| Error::no_schedule(&id))?;
        if let Some(given) = if_match.filter(|given| *given != schedule.revision) {
            let given = super::error::shown(given);
            return Err(Error::Stale { kind: "schedule", given, current: schedule.revision });
        }
        // A pattern that this version cannot plan must not keep anybody from changing it.
        let due = || catch_unwind(AssertUnwindSafe(|| ScheduleFiring::of_due(schedule.to_due(), self.now()))).ok()?;
        let firing = schedule.is_enabled.then(due).flatten();
        let Some((firing, next_run_at)) = firing else {
            return Ok((schedule, Outcomes::default()));
        };
        let fired = self.fire_tick(tx, firing).await?;
        schedules::set_next_runs(tx, [(id, next_run_at)]).await?;
        let schedule = schedules::get(tx, id).await?.ok_or_else(|| Error::no_schedule(&id))?;
        Ok((schedule, fired))
    }

    /// Wakes whom a change concerns and counts what fired, once it is committed.
    fn schedule_changed(&self, fired: &Outcomes) {
        Counts::fired(&self.counts.schedule_ticks, fired);
        self.wakes.all(Wake::Dispatch);
        if fired.has_recorded() {
            self.wakes.all(Wake::Step);
        }
    }

    fn touch(&self, schedule: &mut ScheduleRow) {
        schedule.revision = self.new_revision();
        schedule.updated_at = Some(self.now());
    }
}

/// When a schedule fires by itself that becomes what it is at `now`.
fn first_after(schedule: &ScheduleRow, now: Timestamp) -> Option<Timestamp> {
    schedule.is_enabled.then(|| schedule_of(&schedule.to_due())?.first_after(now)).flatten()
}

fn view(row: ScheduleRow, steps: Option<Vec<StepRow>>, vault: &Vault) -> Schedule {
    let mut schedule = Schedule::new(row.id, row.name, row.revision, row.created_at);
    let p = row.pattern;
    schedule.description = row.description;
    schedule.trigger_type = row.trigger_type;
    schedule.cron_expression = p.cron_expression;
    schedule.pattern_type = p.pattern_type;
    schedule.days_of_week = p.days_of_week;
    schedule.run_times = p.run_times;
    schedule.interval_value = p.interval_value;
    schedule.interval_unit = p.interval_unit;
    schedule.interval_window_start = p.interval_window_start;
    schedule.interval_window_end = p.interval_window_end;
    schedule.is_enabled = row.is_enabled;
    schedule.last_run_time = row.last_run_at;
    schedule.next_run_time = row.next_run_at;
    schedule.step_count = row.step_count;
    schedule.last_updated = row.updated_at;
    schedule.timezone = row.timezone;
    schedule.steps = steps.map(|steps| steps.into_iter().map(|step| view_step(step, vault)).collect());
    schedule
}

fn view_step(row: StepRow, vault: &Vault) -> ScheduleStep {
    let mut step = ScheduleStep::new(row.id, row.step_index, row.step_type);
    step.name = row.name;
    step.execution_mode = row.execution_mode;
    step.continue_on_failure = row.continue_on_failure;
    step.timeout_seconds = row.timeout_seconds;
    step.connected_system_id = row.connected_system_id;
    step.run_profile_id = row.run_profile_id;
    step.script_path = row.script_path;
    step.arguments = row.arguments;
    step.executable_path = row.executable_path;
    step.working_directory = row.working_directory;
    if let Some(sql) = row.sql_connection {
        let opens = vault.open_connection_string(row.id, &sql.sealed_by, &sql.sealed).is_ok();
        step.sql_connection_string = Some(sql.shown);
        step.sql_connection_string_revision = Some(told_revision(sql.revision, opens));
    }
    step.sql_script_path = row.sql_script_path;
    step
}

fn sort_of(word: &str) -> Sort {
    match word.to_ascii_lowercase().as_str() {
        "name" => Sort::Name,
        "isenabled" | "enabled" | "status" => Sort::IsEnabled,
        "lastruntime" | "lastrun" => Sort::LastRun,
        "nextruntime" | "nextrun" => Sort::NextRun,
        _ => Sort::Created,
    }
}

/// Looked up in the transaction that will write, so the answer stays true.
async fn refuse_taken_name(tx: &mut Tx, id: ScheduleId, name: &str) -> Result<()> {
    match schedules::id_of(tx, name).await? {
        Some(other) if other != id => Err(name_conflict(name, Some(other))),
        _ => Ok(()),
    }
}

fn name_conflict(name: &str, other: Option<ScheduleId>) -> Error {
    let (which, details) = match other {
        Some(other) => (format!(": {other}"), json!({ "id": other, "field": "name" })),
        None => (String::new(), json!({ "field": "name" })),
    };
    let message = format!("a schedule with the name `{}` exists already{which}", super::error::shown(name));
    Error::Conflict { message, details: Some(details) }
}

fn unreadable() -> Error {
    Error::Store(store::Error::Corrupt { column: "schedules.pattern_type" })
}
