//! Activities: what steps of executions and run profiles do.

use justiam_sdk::api::activities::{Activity, ActivityQuery, ActivityStatus, TargetType};
use justiam_sdk::api::ids::ActivityId;
use justiam_sdk::api::page::Items;
use justiam_sdk::api::values::Words as _;

use super::caller::{Caller, Permission};
use super::executions::{initiator, page_of_items};
use super::{App, Error, FieldErrors, Result};
use crate::store::Tx;
use crate::store::activities::{self, Filter};

/// Whoever may read schedules may read what all their steps do. Whoever may read connected systems alone may read what run
/// profiles do, and not what programs print. Tells whether it is the latter.
fn require_view(caller: &Caller) -> Result<bool> {
    match caller.require(Permission::SchedulesView) {
        Ok(()) => Ok(false),
        Err(error) => caller.require(Permission::ConnectedSystemsView).map(|()| true).map_err(|_| error),
    }
}

impl App {
    /// Reads one activity.
    pub async fn activity(&self, caller: &Caller, id: ActivityId) -> Result<Activity> {
        let only_profiles = require_view(caller)?;
        let mut tx = self.db.read().await?;
        let activity = activities::get(&mut tx, id).await?;
        let visible =
            |activity: &Activity| !only_profiles || activity.target_type == TargetType::ConnectedSystemRunProfile;
        activity.filter(visible).ok_or_else(|| Error::no_activity(&id))
    }

    /// Lists activities, newest first.
    pub async fn list_activities(&self, caller: &Caller, query: &ActivityQuery) -> Result<Items<Activity>> {
        let only_profiles = require_view(caller)?;
        let mut errors = FieldErrors::default();
        let (page, size, offset) = page_of_items(query.page, query.page_size, &mut errors);
        if query.status.as_ref().is_some_and(|status| !status.is_known()) {
            errors.add("status", ActivityStatus::expected());
        }
        errors.check()?;
        let filter = Filter {
            status: query.status.clone(),
            execution: query.schedule_execution_id,
            connected_system: query.connected_system_id,
            only_profiles,
        };
        let mut tx = self.db.read().await?;
        let (items, total) = activities::list(&mut tx, &filter, offset, size).await?;
        Ok(Items::new(items, total, page, size))
    }

    /// Records that somebody executes a run profile, which begins when its connected system is free. `None` when there is no such
    /// run profile. Wake the workers of steps once the transaction is committed.
    pub(crate) async fn enqueue_run_profile(
        &self,
        tx: &mut Tx,
        connected_system: i64,
        run_profile: i64,
        caller: &Caller,
    ) -> Result<Option<ActivityId>> {
        let (id, now) = (ActivityId::from_uuid(self.new_id()), self.now());
        let recorded =
            activities::insert_run_profile(tx, id, connected_system, run_profile, &initiator(caller), now).await?;
        Ok(recorded.then_some(id))
    }
}
