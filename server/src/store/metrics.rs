//! Figures for monitoring.

use super::{Result, Tx, on};

/// How many runs have not ended, by where they stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ActiveRuns {
    /// Waiting for their turn or for a worker.
    pub queued: i64,
    /// Of these, those whose turn has come: a free worker would take them.
    pub ready: i64,
    /// At work.
    pub running: i64,
}

/// Counts the runs that have not ended.
pub async fn active_runs(tx: &mut Tx) -> Result<ActiveRuns> {
    let (queued, ready, running): (i64, i64, i64) = on!(tx, conn => sqlx::query_as(
        "SELECT count(CASE WHEN status = 'queued' THEN 1 END), count(CASE WHEN ready THEN 1 END), \
         count(CASE WHEN status = 'running' THEN 1 END) FROM active_runs",
    ).fetch_one(conn).await?);
    Ok(ActiveRuns { queued, ready, running })
}

/// How many steps of schedules have not ended, by where they stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ActiveSteps {
    /// Waiting for a worker or for their connected system.
    pub queued: i64,
    /// At work.
    pub processing: i64,
}

/// Counts the steps whose turn has come and that have not ended.
pub async fn active_steps(tx: &mut Tx) -> Result<ActiveSteps> {
    let (queued, processing): (i64, i64) = on!(tx, conn => sqlx::query_as(
        "SELECT count(CASE WHEN status = 'queued' THEN 1 END), count(CASE WHEN status = 'processing' THEN 1 END) \
         FROM active_steps",
    ).fetch_one(conn).await?);
    Ok(ActiveSteps { queued, processing })
}

/// How many executions of schedules have not ended, by where they stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ActiveExecutions {
    /// No step has begun.
    pub queued: i64,
    /// A step has begun.
    pub in_progress: i64,
}

/// Counts the executions that have not ended.
pub async fn active_executions(tx: &mut Tx) -> Result<ActiveExecutions> {
    let (queued, in_progress): (i64, i64) = on!(tx, conn => sqlx::query_as(
        "SELECT count(CASE WHEN status = 'Queued' THEN 1 END), count(CASE WHEN status = 'InProgress' THEN 1 END) \
         FROM schedule_executions WHERE completed_at IS NULL",
    ).fetch_one(conn).await?);
    Ok(ActiveExecutions { queued, in_progress })
}
