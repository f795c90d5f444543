//! Run profiles of connected systems.

use justiam_sdk::api::connected_systems::{DEFAULT_PAGE_SIZE, PAGE_SIZE, RunProfile, RunProfileRun, RunType};
use justiam_sdk::api::values::Words as _;

use super::definition::{name, path};
use crate::app::audit::{Changes, Event};
use crate::app::caller::{Caller, Permission};
use crate::app::error::shown;
use crate::app::fields::{Fields, Object};
use crate::app::wake::Wake;
use crate::app::{App, Error, IdempotencyKey, Result};
use crate::store::{self, Tx, activities, connected_systems, run_profiles, schedules};

impl App {
    /// Creates a run profile.
    pub async fn create_run_profile(
        &self,
        caller: &Caller,
        system: i64,
        body: Object,
        key: Option<&IdempotencyKey>,
    ) -> Result<RunProfile> {
        caller.require(Permission::ConnectedSystemsManage)?;
        let mut tx = self.db.write().await?;
        if let Some(answer) = self.earlier_answer(&mut tx, caller, key).await? {
            tx.commit().await?;
            return Ok(answer);
        }
        connected_systems::hold(&mut tx, system).await?.ok_or_else(|| Error::no_connected_system(&system))?;
        let mut profile = read(body, 0, system)?;
        match run_profiles::insert(&mut tx, &profile, self.now()).await? {
            Some(id) => profile.id = id,
            None => return Err(taken(&mut tx, &profile).await?),
        }
        self.note(&mut tx, caller, event("run_profile.create", &profile)).await?;
        self.keep_answer(&mut tx, caller, key, &profile).await?;
        tx.commit().await?;
        Ok(profile)
    }

    /// Reads a run profile.
    pub async fn run_profile(&self, caller: &Caller, system: i64, id: i64) -> Result<RunProfile> {
        caller.require(Permission::ConnectedSystemsView)?;
        let mut tx = self.db.read().await?;
        let found = run_profiles::get(&mut tx, system, id).await?;
        found.map(|named| named.profile).ok_or_else(|| Error::no_run_profile(&id))
    }

    /// All run profiles of a connected system, in the order of their ids.
    pub async fn list_run_profiles(&self, caller: &Caller, system: i64) -> Result<Vec<RunProfile>> {
        caller.require(Permission::ConnectedSystemsView)?;
        let mut tx = self.db.read().await?;
        connected_systems::get(&mut tx, system).await?.ok_or_else(|| Error::no_connected_system(&system))?;
        Ok(run_profiles::list(&mut tx, system).await?.into_iter().map(|named| named.profile).collect())
    }

    /// Replaces a run profile. An activity that is at work goes on with the old one.
    pub async fn replace_run_profile(&self, caller: &Caller, system: i64, id: i64, body: Object) -> Result<RunProfile> {
        caller.require(Permission::ConnectedSystemsManage)?;
        let mut tx = self.db.write().await?;
        let stored = run_profiles::lock(&mut tx, system, id).await?.ok_or_else(|| Error::no_run_profile(&id))?.profile;
        let profile = read(body, id, system)?;
        // A request that changes nothing leaves no trace.
        if profile == stored {
            return Ok(stored);
        }
        if run_profiles::id_of(&mut tx, system, &profile.name).await?.is_some_and(|other| other != id) {
            return Err(taken(&mut tx, &profile).await?);
        }
        match run_profiles::update(&mut tx, &profile).await {
            // Somebody took the name between the look and the write.
            Err(store::Error::Conflict(_)) => return Err(name_conflict(&profile, None)),
            done => done?,
        }
        let changes = Changes::between(&stored, &profile);
        self.note(&mut tx, caller, event("run_profile.update", &profile).changes(changes)).await?;
        tx.commit().await?;
        Ok(profile)
    }

    /// Deletes a run profile that no schedule uses.
    pub async fn delete_run_profile(&self, caller: &Caller, system: i64, id: i64) -> Result<()> {
        caller.require(Permission::ConnectedSystemsManage)?;
        let mut tx = self.db.write().await?;
        let profile = run_profiles::lock(&mut tx, system, id).await?.ok_or_else(|| Error::no_run_profile(&id))?.profile;
        refuse_used(&mut tx, system, Some(id)).await?;
        run_profiles::delete(&mut tx, id).await?;
        self.note(&mut tx, caller, event("run_profile.delete", &profile)).await?;
        Ok(tx.commit().await?)
    }

    /// Executes a run profile, as soon as no other one of its connected system is at work.
    pub async fn execute_profile(
        &self,
        caller: &Caller,
        system: i64,
        id: i64,
        key: Option<&IdempotencyKey>,
    ) -> Result<RunProfileRun> {
        caller.require(Permission::SchedulesRun)?;
        let mut tx = self.db.write().await?;
        if let Some(answer) = self.earlier_answer(&mut tx, caller, key).await? {
            tx.commit().await?;
            return Ok(answer);
        }
        let named = run_profiles::get(&mut tx, system, id).await?.ok_or_else(|| Error::no_run_profile(&id))?;
        let activity = self.enqueue_run_profile(&mut tx, system, id, caller).await?;
        let activity = activity.ok_or_else(|| Error::no_run_profile(&id))?;
        self.note(
            &mut tx,
            caller,
            event("run_profile.execute", &named.profile).with("activity_id", activity.to_string()),
        )
        .await?;
        let message = format!("run profile `{}` of `{}` runs", named.profile.name, named.system);
        let run = RunProfileRun::new(activity, message);
        self.keep_answer(&mut tx, caller, key, &run).await?;
        tx.commit().await?;
        self.wakes.all(Wake::Step);
        Ok(run)
    }
}

/// Fails where a step of a schedule executes the run profile, or any of the connected system, and also where an execution that
/// has begun still will: what becomes of its schedule changes nothing for it.
pub(super) async fn refuse_used(tx: &mut Tx, system: i64, id: Option<i64>) -> Result<()> {
    let what = if id.is_some() { "the run profile is" } else { "run profiles of the connected system are" };
    let users = schedules::users_of_profile(tx, system, id).await?;
    if users.is_empty() {
        if activities::uses_profile(tx, system, id).await? {
            let message = format!("{what} used by an execution that has not ended; wait for its end, or cancel it");
            return Err(Error::Conflict { message, details: None });
        }
        return Ok(());
    }
    let names: Vec<String> = users.iter().take(10).map(|name| format!("`{}`", shown(name))).collect();
    let more = if users.len() > names.len() { ", …" } else { "" };
    let names = names.join(", ");
    Err(Error::Conflict {
        message: format!("{what} used by steps of the schedules {names}{more}; remove these steps first"),
        details: None,
    })
}

fn event(action: &'static str, profile: &RunProfile) -> Event {
    let event = Event::new(action, "run_profile", profile.id.to_string(), &profile.name);
    event.with("connected_system_id", profile.connected_system_id)
}

fn read(body: Object, id: i64, system: i64) -> Result<RunProfile> {
    let mut fields = Fields::loose(body, "");
    let name = name(&mut fields);
    let run_type = run_type(&mut fields);
    let page_size = fields.integer("pageSize").value().unwrap_or(DEFAULT_PAGE_SIZE);
    if !PAGE_SIZE.contains(&page_size) {
        let (least, most) = (PAGE_SIZE.start(), PAGE_SIZE.end());
        fields.wrong("pageSize", format!("must be a whole number from {least} to {most}, not {page_size}"));
    }
    let file_path = path(&mut fields, "filePath");
    fields.finish_loosely().check()?;
    let mut profile = RunProfile::new(id, name, system, run_type.unwrap_or(RunType::FullImport));
    (profile.page_size, profile.file_path) = (page_size, file_path);
    Ok(profile)
}

/// A word in any letter case. Not its number: those of existing clients begin elsewhere.
fn run_type(fields: &mut Fields) -> Option<RunType> {
    let Some(word) = fields.text("runType").value() else {
        if !fields.is_wrong("runType") {
            fields.wrong("runType", format!("is required; it {}", RunType::expected()));
        }
        return None;
    };
    let known = RunType::from_any_case(&word).filter(|_| !word.bytes().all(|byte| byte.is_ascii_digit()));
    if known.is_none() {
        fields.wrong("runType", format!("{}, not `{}`", RunType::expected(), shown(&word)));
    }
    known
}

async fn taken(tx: &mut Tx, profile: &RunProfile) -> Result<Error> {
    let other = run_profiles::id_of(tx, profile.connected_system_id, &profile.name).await?;
    Ok(name_conflict(profile, other))
}

fn name_conflict(profile: &RunProfile, other: Option<i64>) -> Error {
    let (which, details) = match other {
        Some(other) => (format!(": {other}"), serde_json::json!({ "id": other, "field": "name" })),
        None => (String::new(), serde_json::json!({ "field": "name" })),
    };
    let name = shown(&profile.name);
    Error::Conflict {
        message: format!("the connected system has a run profile with the name `{name}` already{which}"),
        details: Some(details),
    }
}
