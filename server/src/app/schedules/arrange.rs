//! From what a request wants to the rows that are stored: what the body alone does not tell.

use std::collections::{BTreeSet, HashMap, HashSet};

use justiam_sdk::api::connection;
use justiam_sdk::api::ids::StepId;
use justiam_sdk::api::schedules::StepType;

use super::steps::{Connection, StepDraft};
use super::{Draft, first_after};
use crate::app::{App, Error, FieldErrors, Result};
use crate::store::schedules::{self, ScheduleRow, SealedConnection, StepRow};
use crate::store::{Tx, connected_systems};

impl App {
    /// What a schedule and its steps become, or all that is wrong with the request.
    pub(super) async fn arrange(
        &self,
        tx: &mut Tx,
        draft: Draft,
        stored: &ScheduleRow,
        stored_steps: &[StepRow],
    ) -> Result<(ScheduleRow, Vec<StepRow>)> {
        let mut errors = draft.errors;
        check_profiles(tx, &draft.steps, &mut errors).await?;
        let known: HashMap<StepId, &StepRow> = stored_steps.iter().map(|step| (step.id, step)).collect();
        let mut steps = Vec::with_capacity(draft.steps.len());
        for (position, step) in (0..).zip(draft.steps) {
            let old = step.id.and_then(|id| known.get(&id).copied());
            if let (Some(id), None) = (step.id, old) {
                errors.add(step.path("id"), format!("`{id}` is not a step of this schedule; a new step has no id"));
            }
            steps.push(self.step_row(stored, position, step, old, &mut errors)?);
        }
        errors.check()?;
        let mut schedule = ScheduleRow {
            name: draft.name,
            description: draft.description,
            trigger_type: draft.trigger_type,
            pattern: draft.pattern,
            timezone: draft.timezone,
            is_enabled: draft.is_enabled,
            step_count: i64::try_from(steps.len()).unwrap_or(i64::MAX),
            ..stored.clone()
        };
        let same = schedule.trigger_type == stored.trigger_type
            && schedule.pattern == stored.pattern
            && schedule.timezone == stored.timezone
            && schedule.is_enabled == stored.is_enabled;
        // An edit is never retroactive, and one of something else does not move the next time.
        if !same {
            schedule.next_run_at = first_after(&schedule, self.now());
        }
        Ok((schedule, steps))
    }

    fn step_row(
        &self,
        schedule: &ScheduleRow,
        position: i64,
        mut step: StepDraft,
        old: Option<&StepRow>,
        errors: &mut FieldErrors,
    ) -> Result<StepRow> {
        let id = old.map_or_else(|| StepId::from_uuid(self.new_id()), |old| old.id);
        let path = step.path("sqlConnectionString");
        let sql_connection = match step.sql_connection.take() {
            Some(wanted) => {
                let old = old.and_then(|old| old.sql_connection.as_ref());
                self.seal_connection(id, wanted, old, || {
                    let message = "is what the server shows of a connection string, without its secrets: send the whole one, or \
                                   the `id` of the step with exactly what is shown of it";
                    errors.add(path, message);
                })?
            }
            None => None,
        };
        Ok(step.into_row(id, schedule.id, position, sql_connection))
    }

    /// Seals a connection string, or keeps the stored one where it is the same or where the request has what is shown of it.
    fn seal_connection(
        &self,
        step: StepId,
        wanted: Connection,
        old: Option<&SealedConnection>,
        refuse: impl FnOnce(),
    ) -> Result<Option<SealedConnection>> {
        if let Some(old) = old {
            let is_shown = wanted.value.expose() == old.shown;
            let is_same = || {
                let opened = self.vault.open_connection_string(step, &old.sealed_by, &old.sealed);
                opened.is_ok_and(|opened| opened == wanted.value)
            };
            if is_shown || is_same() {
                return Ok(Some(old.clone()));
            }
        }
        if connection::is_redacted(&wanted.value) {
            refuse();
            return Ok(None);
        }
        let sealed = self.vault.seal_connection_string(step, &wanted.value).map_err(|_| Error::Crypto)?;
        let sealed_by = self.vault.key_id().to_owned();
        Ok(Some(SealedConnection { shown: wanted.shown, sealed_by, sealed, revision: self.new_revision() }))
    }
}

/// Checks that run profiles exist and belong to their connected systems. Nobody deletes them before the transaction ends.
async fn check_profiles(tx: &mut Tx, steps: &[StepDraft], errors: &mut FieldErrors) -> Result<()> {
    let pair = |step: &StepDraft| {
        let ids =
            step.connected_system_id.zip(step.run_profile_id).filter(|(system, profile)| *system != 0 && *profile != 0);
        ids.filter(|_| step.step_type == StepType::RunProfile)
    };
    let wanted: BTreeSet<(i64, i64)> = steps.iter().filter_map(pair).collect();
    if wanted.is_empty() {
        return Ok(());
    }
    let wanted: Vec<_> = wanted.into_iter().collect();
    let found: HashSet<_> = schedules::lock_profiles(tx, &wanted).await?.into_iter().collect();
    let missing: BTreeSet<i64> =
        wanted.iter().filter(|pair| !found.contains(pair)).map(|(system, _)| *system).collect();
    let mut no_systems = BTreeSet::new();
    for system in missing {
        // Only for the text, so without a lock: who deletes a system takes it before its run profiles.
        if connected_systems::get(tx, system).await?.is_none() {
            no_systems.insert(system);
        }
    }
    for step in steps {
        let Some((system, profile)) = pair(step).filter(|pair| !found.contains(pair)) else { continue };
        if no_systems.contains(&system) {
            errors.add(step.path("connectedSystemId"), format!("there is no connected system {system}"));
        } else {
            errors.add(step.path("runProfileId"), format!("connected system {system} has no run profile {profile}"));
        }
    }
    Ok(())
}
