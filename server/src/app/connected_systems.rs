//! Connected systems.

mod definition;
mod run_profiles;

use justiam_sdk::api::connected_systems::{ConnectedSystem, ConnectedSystemQuery};
use justiam_sdk::api::page::Items;

use super::audit::{Changes, Event};
use super::caller::{Caller, Permission};
use super::error::shown;
use super::executions::page_of_items;
use super::fields::Object;
use super::{App, Error, FieldErrors, IdempotencyKey, Result};
use crate::store::{self, Tx, connected_systems, connector_objects};
use definition::Definition;

impl App {
    /// Creates a connected system.
    pub async fn create_connected_system(
        &self,
        caller: &Caller,
        body: Object,
        key: Option<&IdempotencyKey>,
    ) -> Result<ConnectedSystem> {
        caller.require(Permission::ConnectedSystemsManage)?;
        let mut system = Definition::read(body)?.into_system(0, self.now());
        let mut tx = self.db.write().await?;
        if let Some(answer) = self.earlier_answer(&mut tx, caller, key).await? {
            tx.commit().await?;
            return Ok(answer);
        }
        match connected_systems::insert(&mut tx, &system).await? {
            Some(id) => system.id = id,
            None => return Err(taken(&mut tx, &system.name).await?),
        }
        self.note(&mut tx, caller, event("connected_system.create", &system)).await?;
        self.keep_answer(&mut tx, caller, key, &system).await?;
        tx.commit().await?;
        Ok(system)
    }

    /// Reads a connected system.
    pub async fn connected_system(&self, caller: &Caller, id: i64) -> Result<ConnectedSystem> {
        caller.require(Permission::ConnectedSystemsView)?;
        let mut tx = self.db.read().await?;
        connected_systems::get(&mut tx, id).await?.ok_or_else(|| Error::no_connected_system(&id))
    }

    /// Lists connected systems by name.
    pub async fn list_connected_systems(
        &self,
        caller: &Caller,
        query: &ConnectedSystemQuery,
    ) -> Result<Items<ConnectedSystem>> {
        caller.require(Permission::ConnectedSystemsView)?;
        let mut errors = FieldErrors::default();
        let (page, size, offset) = page_of_items(query.page, query.page_size, &mut errors);
        errors.check()?;
        let mut tx = self.db.read().await?;
        let (items, total) = connected_systems::list(&mut tx, query.name.as_deref(), offset, size).await?;
        Ok(Items::new(items, total, page, size))
    }

    /// Replaces the definition of a connected system. What was imported stays, unless the direction is another one now.
    pub async fn replace_connected_system(&self, caller: &Caller, id: i64, body: Object) -> Result<ConnectedSystem> {
        caller.require(Permission::ConnectedSystemsManage)?;
        let mut tx = self.db.write().await?;
        let stored = connected_systems::lock(&mut tx, id).await?.ok_or_else(|| Error::no_connected_system(&id))?;
        let mut system = Definition::read(body)?.into_system(id, stored.created);
        system.last_updated = stored.last_updated;
        (system.object_count, system.connectors_count) = (stored.object_count, stored.connectors_count);
        system.pending_export_objects_count = stored.pending_export_objects_count;
        // A request that changes nothing leaves no trace.
        if system == stored {
            return Ok(stored);
        }
        if connected_systems::id_of(&mut tx, &system.name).await?.is_some_and(|other| other != id) {
            return Err(taken(&mut tx, &system.name).await?);
        }
        system.last_updated = Some(self.now());
        match connected_systems::update(&mut tx, &system).await {
            // Somebody took the name between the look and the write.
            Err(store::Error::Conflict(_)) => return Err(name_conflict(&system.name, None)),
            done => done?,
        }
        if system.direction != stored.direction {
            // What was imported says who users shall be, or who they have been written as: never both.
            connector_objects::forget_all(&mut tx, id).await?;
            (system.object_count, system.connectors_count, system.pending_export_objects_count) = (0, 0, 0);
        }
        let changes = Changes::between(&stored, &system);
        self.note(&mut tx, caller, event("connected_system.update", &system).changes(changes)).await?;
        tx.commit().await?;
        Ok(system)
    }

    /// Deletes a connected system with its run profiles and its connector space. Users and groups stay as they are.
    pub async fn delete_connected_system(&self, caller: &Caller, id: i64) -> Result<()> {
        caller.require(Permission::ConnectedSystemsManage)?;
        let mut tx = self.db.write().await?;
        let system = connected_systems::lock(&mut tx, id).await?.ok_or_else(|| Error::no_connected_system(&id))?;
        store::run_profiles::lock_of(&mut tx, id).await?;
        run_profiles::refuse_used(&mut tx, id, None).await?;
        connected_systems::delete(&mut tx, id).await?;
        self.note(&mut tx, caller, event("connected_system.delete", &system)).await?;
        Ok(tx.commit().await?)
    }
}

fn event(action: &'static str, system: &ConnectedSystem) -> Event {
    Event::new(action, "connected_system", system.id.to_string(), &system.name)
}

async fn taken(tx: &mut Tx, name: &str) -> Result<Error> {
    Ok(name_conflict(name, connected_systems::id_of(tx, name).await?))
}

fn name_conflict(name: &str, other: Option<i64>) -> Error {
    let (which, details) = match other {
        Some(other) => (format!(": {other}"), serde_json::json!({ "id": other, "field": "name" })),
        None => (String::new(), serde_json::json!({ "field": "name" })),
    };
    Error::Conflict {
        message: format!("a connected system with the name `{}` exists already{which}", shown(name)),
        details: Some(details),
    }
}
