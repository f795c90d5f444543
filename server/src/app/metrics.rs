//! Figures for monitoring. Those here are read from the database, so that every server on it tells the same; what this process has
//! counted itself is in [`counts`].

pub mod counts;
pub mod histogram;

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;

use super::caller::{Caller, Permission};
use super::invariants::{Checked, Reach, look};
use super::{App, Result};
use crate::store;
use crate::store::metrics::{ActiveExecutions, ActiveRuns, ActiveSteps, active_executions, active_runs, active_steps};
use crate::store::{schedules, tasks};
use counts::Counts;

/// How long figures are good. However many ask, the database is asked once in this time.
const GOOD_FOR: SignedDuration = SignedDuration::from_secs(1);
/// How long a scrape waits for the database: what the process has counted is told all the same.
const PATIENCE: Duration = Duration::from_secs(5);

/// What was measured in one state of the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metrics {
    /// The runs that have not ended.
    pub active: ActiveRuns,
    /// The steps whose turn has come and that have not ended.
    pub steps: ActiveSteps,
    /// The executions of schedules that have not ended.
    pub executions: ActiveExecutions,
    /// How long the most overdue enabled task or schedule has waited; zero when none is due.
    pub due_lag: SignedDuration,
    /// What always holds, and whether it does. Of the history, only what is newest is looked at.
    pub invariants: Vec<Checked>,
}

/// The latest figures and when they were read. Whoever asks meanwhile waits for them.
#[derive(Default)]
pub(super) struct Latest(Mutex<Option<(Timestamp, Arc<Metrics>)>>);

impl App {
    /// Whether the caller may see figures.
    pub fn may_see_metrics(&self, caller: &Caller) -> Result<()> {
        caller.require(Permission::TasksView)
    }

    /// Figures of the database that are not older than a second; `None` where it does not answer soon.
    pub async fn metrics(&self) -> Option<Arc<Metrics>> {
        match tokio::time::timeout(PATIENCE, self.look_at_database()).await {
            Ok(Ok(metrics)) => Some(metrics),
            Ok(Err(error)) => {
                self.counts.error(&error);
                None
            }
            Err(_) => {
                self.counts.error(&store::Error::Silent.into());
                None
            }
        }
    }

    /// What this process has counted since it began.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    async fn look_at_database(&self) -> Result<Arc<Metrics>> {
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
            executions: active_executions(&mut tx).await?,
            due_lag: due.map_or(SignedDuration::ZERO, |due| due.duration_until(now).max(SignedDuration::ZERO)),
            invariants: look(&mut tx, now, Reach::Recent).await?,
        });
        *latest = Some((now, Arc::clone(&metrics)));
        Ok(metrics)
    }
}
