//! Figures for monitoring, read from the database, so that every server on it tells the same.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;

use super::caller::{Caller, Permission};
use super::invariants::{Checked, Reach, look};
use super::{App, Result};
use crate::store::metrics::{ActiveRuns, ActiveSteps, active_runs, active_steps};
use crate::store::{schedules, tasks};

/// How long figures are good. However many ask, the database is asked once in this time.
const GOOD_FOR: SignedDuration = SignedDuration::from_secs(1);

/// What was measured in one state of the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metrics {
    /// The runs that have not ended.
    pub active: ActiveRuns,
    /// The steps whose turn has come and that have not ended.
    pub steps: ActiveSteps,
    /// How long the most overdue enabled task or schedule has waited; zero when none is due.
    pub due_lag: SignedDuration,
    /// What always holds, and whether it does. Of the history, only what is newest is looked at.
    pub invariants: Vec<Checked>,
}

/// The latest figures and when they were read. Whoever asks meanwhile waits for them.
#[derive(Default)]
pub(super) struct Latest(Mutex<Option<(Timestamp, Arc<Metrics>)>>);

impl App {
    /// Figures that are not older than a second.
    pub async fn metrics(&self, caller: &Caller) -> Result<Arc<Metrics>> {
        caller.require(Permission::TasksView)?;
        let mut latest = self.metrics.0.lock().await;
        let now = self.now();
        if let Some((at, metrics)) = &*latest
            && (*at..at.saturating_add(GOOD_FOR).unwrap_or(Timestamp::MAX)).contains(&now)
        {
            return Ok(Arc::clone(metrics));
        }
        let mut tx = self.db.read().await?;
        let task = tasks::earliest_due(&mut tx).await?;
        let due = task.into_iter().chain(schedules::earliest_due(&mut tx).await?).min();
        let metrics = Arc::new(Metrics {
            active: active_runs(&mut tx).await?,
            steps: active_steps(&mut tx).await?,
            due_lag: due.map_or(SignedDuration::ZERO, |due| due.duration_until(now).max(SignedDuration::ZERO)),
            invariants: look(&mut tx, now, Reach::Recent).await?,
        });
        *latest = Some((now, Arc::clone(&metrics)));
        Ok(metrics)
    }
}
