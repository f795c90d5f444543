//! What always holds between schedules, executions, activities and active steps.

use super::{Bound, Invariant};

/// All of them.
pub(super) const SCHEDULES: [Invariant; 12] = [
    Invariant {
        name: "cron_schedule_without_next_time",
        meaning: "an enabled schedule with a pattern has no next time, so it will not fire",
        sql: find!("id", "schedules WHERE is_enabled AND trigger_type = 'Cron' AND next_run_at IS NULL"),
        bound: Bound::Nothing,
    },
    Invariant {
        name: "idle_schedule_with_next_time",
        meaning: "a schedule that is disabled or has no pattern has a next time, at which it will not fire",
        sql: find!("id", "schedules WHERE (NOT is_enabled OR trigger_type <> 'Cron') AND next_run_at IS NOT NULL"),
        bound: Bound::Nothing,
    },
    Invariant {
        name: "overdue_schedule",
        meaning: "an enabled schedule has been due for more than a minute: no dispatcher keeps up",
        sql: find!("id", "schedules WHERE is_enabled AND next_run_at IS NOT NULL AND next_run_at < $1"),
        bound: Bound::Overdue,
    },
    Invariant {
        name: "step_lease_ended",
        meaning: "a step is still at work although its lease ended so long ago that a sweep should have ended it",
        sql: find!("activity_id", "active_steps WHERE status = 'processing' AND lease_until < $1"),
        bound: Bound::LeaseEnded,
    },
    Invariant {
        name: "execution_at_rest",
        meaning: "an execution has not ended although none of its steps is active: nobody will end it",
        sql: find!(
            "e.id",
            "schedule_executions e WHERE e.completed_at IS NULL AND NOT EXISTS (SELECT 1 FROM active_steps a \
             WHERE a.execution_id = e.id)"
        ),
        bound: Bound::Nothing,
    },
    Invariant {
        name: "execution_without_its_group",
        meaning: "an execution that has not ended has reached an index that none of its steps has",
        sql: find!(
            "e.id",
            "schedule_executions e WHERE e.completed_at IS NULL AND NOT EXISTS (SELECT 1 FROM activities a \
             WHERE a.execution_id = e.id AND a.step_index = e.current_step_index)"
        ),
        bound: Bound::Nothing,
    },
    Invariant {
        name: "step_after_execution",
        meaning: "a step is active although its execution has ended, and nobody was asked to stop it",
        sql: find!(
            "s.activity_id",
            "active_steps s LEFT JOIN schedule_executions e ON e.id = s.execution_id WHERE s.execution_id IS NOT NULL \
             AND NOT s.cancel_requested AND (e.id IS NULL OR e.completed_at IS NOT NULL)"
        ),
        bound: Bound::Nothing,
    },
    Invariant {
        name: "active_step_without_activity",
        meaning: "a step is active that has no activity, or whose activity has ended",
        sql: find!(
            "s.activity_id",
            "active_steps s LEFT JOIN activities a ON a.id = s.activity_id WHERE a.id IS NULL OR a.completed_at IS NOT NULL"
        ),
        bound: Bound::Nothing,
    },
    Invariant {
        name: "impossible_active_step",
        meaning: "an active step is neither queued nor processing, or is at work without a worker, a lease or a start",
        sql: find!(
            "activity_id",
            "active_steps WHERE status NOT IN ('queued', 'processing') OR (status = 'queued' AND cancel_requested) \
             OR (status = 'processing' AND (worker IS NULL OR lease_until IS NULL OR started_at IS NULL))"
        ),
        bound: Bound::Nothing,
    },
    Invariant {
        name: "lost_activity",
        meaning: "an activity has no end, is not active, and its turn will not come: nobody will end it",
        sql: find!(
            "a.id",
            "(SELECT id, execution_id, completed_at FROM activities ORDER BY id DESC LIMIT $1) a \
             WHERE a.completed_at IS NULL AND NOT EXISTS (SELECT 1 FROM active_steps s WHERE s.activity_id = a.id) \
             AND NOT EXISTS (SELECT 1 FROM schedule_executions e WHERE e.id = a.execution_id AND e.completed_at IS NULL)"
        ),
        bound: Bound::Newest,
    },
    Invariant {
        name: "impossible_execution",
        meaning: "an execution has a status that does not go with its times, or not the number of steps that it says",
        sql: find!(
            "e.id",
            "(SELECT id, status, started_at, completed_at, total_steps FROM schedule_executions ORDER BY id DESC LIMIT $1) e \
             WHERE e.completed_at < e.started_at \
             OR (e.completed_at IS NULL AND e.status <> CASE WHEN e.started_at IS NULL THEN 'Queued' ELSE 'InProgress' END) \
             OR (e.completed_at IS NOT NULL AND e.status NOT IN ('Completed', 'Failed', 'Cancelled')) \
             OR (e.total_steps <> (SELECT count(*) FROM activities a WHERE a.execution_id = e.id) \
             AND (e.started_at IS NOT NULL OR e.completed_at IS NULL OR EXISTS (SELECT 1 FROM activities a WHERE a.execution_id = e.id)))"
        ),
        bound: Bound::Newest,
    },
    Invariant {
        name: "impossible_activity",
        meaning: "an activity has ended without a time, before it started, or as something that is no end",
        sql: find!(
            "a.id",
            "(SELECT id, status, started_at, completed_at FROM activities ORDER BY id DESC LIMIT $1) a \
             WHERE (a.status = 'NotSet' AND (a.completed_at IS NOT NULL OR a.started_at IS NOT NULL)) OR (a.status <> 'NotSet' \
             AND (a.completed_at IS NULL OR a.completed_at < a.started_at OR a.status NOT IN ('Complete', \
             'CompleteWithWarning', 'CompleteWithError', 'FailedWithError', 'Cancelled')))"
        ),
        bound: Bound::Newest,
    },
];
