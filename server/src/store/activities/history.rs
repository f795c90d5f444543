//! Lists of activities, and what is too old to be kept.

use justiam_sdk::api::activities::{Activity, ActivityStatus};
use justiam_sdk::api::ids::{ActivityId, ExecutionId};
use justiam_sdk::api::values::Words;

use super::{Row, select_activities};
use crate::store::{Result, Tx, on};

/// Which activities to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Those with this status.
    pub status: Option<ActivityStatus>,
    /// Steps of this execution.
    pub execution: Option<ExecutionId>,
    /// Run profiles of this connected system.
    pub connected_system: Option<i64>,
    /// Run profiles alone, and no programs of steps.
    pub only_profiles: bool,
}

macro_rules! pages {
    ($where:literal) => {
        (
            concat!(
                "SELECT count(*) FROM activities a LEFT JOIN active_steps s ON s.activity_id = a.id WHERE ",
                $where,
                " AND (CAST($3 AS TEXT) IS NULL OR $3 = CASE WHEN s.status = 'processing' THEN 'InProgress' ELSE a.status END) \
                 AND (NOT CAST($4 AS BOOLEAN) OR a.target_type = 'ConnectedSystemRunProfile')"
            ),
            select_activities!(
                "WHERE ",
                $where,
                " AND (CAST($3 AS TEXT) IS NULL OR $3 = CASE WHEN s.status = 'processing' THEN 'InProgress' ELSE a.status END) \
                 AND (NOT CAST($4 AS BOOLEAN) OR a.target_type = 'ConnectedSystemRunProfile') \
                 ORDER BY a.id DESC LIMIT $5 OFFSET $6"
            ),
        )
    };
}

/// One page of activities, newest first, and how many there are on all pages.
pub async fn list(tx: &mut Tx, filter: &Filter, offset: i64, limit: i64) -> Result<(Vec<Activity>, i64)> {
    // Each kind of question has a statement of its own, so that each finds its index.
    let (count, page) = match (filter.execution, filter.connected_system) {
        (None, None) => pages!("CAST($1 AS TEXT) IS NULL AND CAST($2 AS BIGINT) IS NULL"),
        (Some(_), None) => pages!("a.execution_id = $1 AND CAST($2 AS BIGINT) IS NULL"),
        (None, Some(_)) => pages!(
            "CAST($1 AS TEXT) IS NULL AND a.connected_system_id = $2 AND a.target_type = 'ConnectedSystemRunProfile'"
        ),
        (Some(_), Some(_)) => {
            pages!("a.execution_id = $1 AND a.connected_system_id = $2 AND a.target_type = 'ConnectedSystemRunProfile'")
        }
    };
    let execution = filter.execution.map(|execution| execution.to_string());
    let status = filter.status.as_ref().map(Words::as_str);
    let total: i64 = on!(tx, conn => sqlx::query_scalar(count)
        .bind(&execution).bind(filter.connected_system).bind(status).bind(filter.only_profiles).fetch_one(conn).await?);
    let found: Vec<Row> = on!(tx, conn => sqlx::query_as(page)
        .bind(&execution).bind(filter.connected_system).bind(status).bind(filter.only_profiles)
        .bind(limit).bind(offset).fetch_all(conn).await?);
    Ok((found.into_iter().map(Activity::try_from).collect::<Result<_>>()?, total))
}

/// Whether an activity that has not ended executes a run profile of a connected system, or any of them, or is going to.
pub async fn uses_profile(tx: &mut Tx, connected_system: i64, run_profile: Option<i64>) -> Result<bool> {
    Ok(on!(tx, conn => sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM activities WHERE connected_system_id = $1 AND completed_at IS NULL \
         AND target_type = 'ConnectedSystemRunProfile' AND (CAST($2 AS BIGINT) IS NULL OR run_profile_id = $2))",
    ).bind(connected_system).bind(run_profile).fetch_one(conn).await?))
}

/// Removes up to `limit` activities that were recorded before `before`, have ended and are no steps of an execution: those go
/// with their execution. Returns how many are gone.
pub async fn prune(tx: &mut Tx, before: ActivityId, limit: i64) -> Result<u64> {
    Ok(on!(tx, conn => sqlx::query(
        "DELETE FROM activities WHERE id IN (SELECT id FROM activities WHERE execution_id IS NULL AND id < $1 \
         AND completed_at IS NOT NULL ORDER BY id LIMIT $2)",
    ).bind(before.to_string()).bind(limit).execute(conn).await?.rows_affected()))
}
