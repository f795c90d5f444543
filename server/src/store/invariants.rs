//! What always holds between the rows of a database, as statements that find where it does not.
//!
//! A transaction that is committed leaves every one of them true, however many servers there are. Some speak of time as well:
//! they hold as long as servers are at work.

use jiff::Timestamp;

use super::{Result, Tx, on};

/// How many examples a statement names.
const EXAMPLES: usize = 5;

/// Something that always holds.
#[derive(Debug, Clone, Copy)]
pub struct Invariant {
    /// Its name, for programs.
    pub name: &'static str,
    /// What is wrong where it does not hold.
    pub meaning: &'static str,
    /// Finds the violations: an id, and how many there are in all.
    sql: &'static str,
    bound: Bound,
}

/// What a statement's `$1` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bound {
    /// There is none.
    Nothing,
    Overdue,
    LeaseEnded,
    Newest,
}

/// How far the statements look.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// A task or schedule that was due before this is overdue.
    pub overdue: Timestamp,
    /// A lease that ended before this should have been noticed.
    pub lease_ended: Timestamp,
    /// How many runs, executions and activities of the history are looked at, from the newest on.
    pub newest: i64,
}

/// Where an invariant does not hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Violations {
    /// How many violations there are.
    pub count: u64,
    /// Ids of what is wrong, five at the most.
    pub examples: Vec<String>,
}

impl Invariant {
    /// Whether it says that servers keep up, so that it holds only while there are some.
    pub fn needs_servers(&self) -> bool {
        matches!(self.bound, Bound::Overdue | Bound::LeaseEnded)
    }

    /// Looks for violations.
    pub async fn violations(&self, tx: &mut Tx, bounds: &Bounds) -> Result<Violations> {
        let bound = match self.bound {
            Bound::Nothing => None,
            Bound::Overdue => Some(bounds.overdue.as_microsecond()),
            Bound::LeaseEnded => Some(bounds.lease_ended.as_microsecond()),
            Bound::Newest => Some(bounds.newest),
        };
        let found: Vec<(String, i64)> = on!(tx, conn => {
            let query = sqlx::query_as(self.sql);
            let query = if let Some(bound) = bound { query.bind(bound) } else { query };
            query.fetch_all(conn).await?
        });
        let count = found.first().map_or(0, |(_, count)| u64::try_from(*count).unwrap_or_default());
        Ok(Violations { count, examples: found.into_iter().map(|(id, _)| id).take(EXAMPLES).collect() })
    }
}

macro_rules! find {
    ($id:literal, $rest:literal) => {
        concat!("SELECT ", $id, ", count(*) OVER () FROM ", $rest, " ORDER BY 1 LIMIT 5")
    };
}

mod schedules;

use schedules::SCHEDULES;

/// All of them.
pub fn all() -> impl Iterator<Item = &'static Invariant> {
    TASKS.iter().chain(&SCHEDULES)
}

/// Those of tasks and runs.
const TASKS: [Invariant; 14] = [
    Invariant {
        name: "cron_task_without_next_time",
        meaning: "an enabled cron task has no next time, so it will not fire",
        sql: find!("id", "tasks WHERE enabled AND schedule_type = 'cron' AND next_run_at IS NULL"),
        bound: Bound::Nothing,
    },
    Invariant {
        name: "overdue_task",
        meaning: "an enabled task has been due for more than a minute: no dispatcher keeps up",
        sql: find!("id", "tasks WHERE enabled AND next_run_at IS NOT NULL AND next_run_at < $1"),
        bound: Bound::Overdue,
    },
    Invariant {
        name: "lease_ended",
        meaning: "a run is still running although its lease ended so long ago that a sweep should have ended it",
        sql: find!("id", "active_runs WHERE status = 'running' AND lease_until < $1"),
        bound: Bound::LeaseEnded,
    },
    Invariant {
        name: "queue_at_rest",
        meaning: "runs of a task wait although none of its runs is running or ready",
        sql: find!(
            "q.task_id",
            "active_runs q WHERE q.status = 'queued' AND NOT q.ready AND NOT EXISTS (SELECT 1 FROM active_runs o \
             WHERE o.task_id = q.task_id AND (o.status = 'running' OR o.ready)) GROUP BY q.task_id"
        ),
        bound: Bound::Nothing,
    },
    Invariant {
        name: "concurrent_runs",
        meaning: "two runs of a task are running or ready although its overlap policy allows one",
        // Runs that were running when the policy changed may go on beside each other. The minute is for clocks that are apart.
        sql: find!(
            "a.task_id",
            "active_runs a JOIN tasks t ON t.id = a.task_id WHERE t.overlap_policy <> 'allow' \
             AND (a.ready OR (a.status = 'running' AND a.started_at > t.updated_at + 60000000)) \
             AND EXISTS (SELECT 1 FROM active_runs o WHERE o.task_id = a.task_id AND o.turn <> a.turn \
             AND (o.ready OR o.status = 'running')) GROUP BY a.task_id"
        ),
        bound: Bound::Nothing,
    },
    Invariant {
        name: "held_back_under_allow",
        meaning: "a run waits for others although its task's overlap policy is `allow`",
        sql: find!(
            "a.id",
            "active_runs a JOIN tasks t ON t.id = a.task_id WHERE t.overlap_policy = 'allow' \
             AND a.status = 'queued' AND NOT a.ready"
        ),
        bound: Bound::Nothing,
    },
    Invariant {
        name: "queued_without_task",
        meaning: "a run waits although its task was deleted",
        sql: find!(
            "a.id",
            "active_runs a LEFT JOIN tasks t ON t.id = a.task_id WHERE a.status = 'queued' AND t.id IS NULL"
        ),
        bound: Bound::Nothing,
    },
    Invariant {
        name: "impossible_active_run",
        meaning: "an active run is neither queued nor running, or runs without a worker, a lease or a start",
        sql: find!(
            "id",
            "active_runs WHERE status NOT IN ('queued', 'running') OR (status = 'running' AND (ready \
             OR worker IS NULL OR lease_until IS NULL OR started_at IS NULL))"
        ),
        bound: Bound::Nothing,
    },
    Invariant {
        name: "active_without_history",
        meaning: "an active run has no row in the history",
        sql: find!("a.id", "active_runs a LEFT JOIN runs r ON r.id = a.id WHERE r.id IS NULL"),
        bound: Bound::Nothing,
    },
    Invariant {
        name: "active_after_end",
        meaning: "a run is active although the history has its end",
        sql: find!("a.id", "active_runs a JOIN runs r ON r.id = a.id WHERE r.status IS NOT NULL"),
        bound: Bound::Nothing,
    },
    Invariant {
        name: "lost_run",
        meaning: "a run has no end and is not active: nobody will end it",
        sql: find!(
            "r.id",
            "(SELECT id, status FROM runs ORDER BY id DESC LIMIT $1) r \
             WHERE r.status IS NULL AND NOT EXISTS (SELECT 1 FROM active_runs a WHERE a.id = r.id)"
        ),
        bound: Bound::Newest,
    },
    Invariant {
        name: "tick_recorded_twice",
        meaning: "two runs stand for the same tick of a task",
        sql: find!(
            "max(r.id)",
            "(SELECT id, task_id, scheduled_for, trigger FROM runs ORDER BY id DESC LIMIT $1) r \
             WHERE r.trigger <> 'manual' GROUP BY r.task_id, r.scheduled_for HAVING count(*) > 1"
        ),
        bound: Bound::Newest,
    },
    Invariant {
        name: "impossible_end",
        meaning: "a run has ended without a time, before it started, or as something that is no end",
        sql: find!(
            "r.id",
            "(SELECT id, status, started_at, finished_at FROM runs ORDER BY id DESC LIMIT $1) r \
             WHERE r.status IS NOT NULL AND (r.status NOT IN ('success', 'error', 'cancelled') \
             OR r.finished_at IS NULL OR r.finished_at < r.started_at)"
        ),
        bound: Bound::Newest,
    },
    Invariant {
        name: "log_without_run",
        meaning: "a log is kept although its run was removed",
        sql: find!(
            "l.run_id",
            "(SELECT DISTINCT run_id FROM (SELECT run_id FROM run_logs ORDER BY run_id DESC LIMIT $1) newest) l \
             LEFT JOIN runs r ON r.id = l.run_id WHERE r.id IS NULL"
        ),
        bound: Bound::Newest,
    },
];
