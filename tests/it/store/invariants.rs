//! What always holds, broken on purpose and found.

use jiff::{SignedDuration, Timestamp};
use justiam_server::app::invariants::{Reach, check};
use justiam_server::store::Db;
use justiam_server::store::invariants::{self, Bounds, Violations};
use justiam_tests::backend::{Backend, execute};
use justiam_tests::both_databases;

both_databases!(
    each_is_found_where_it_is_broken,
    what_only_looks_like_it_is_no_violation,
    many_are_counted_and_five_are_named,
    a_look_at_what_is_recent_takes_in_ten_thousand_runs,
    some_say_that_servers_keep_up,
);

/// When the tests look, in microseconds. `@` in their statements is this number.
const NOW: i64 = 1_767_225_600_000_000;

/// Removes what a case has left.
const CLEAN: &str = "DELETE FROM tasks; DELETE FROM runs; DELETE FROM active_runs; DELETE FROM run_logs; \
                     DELETE FROM schedules; DELETE FROM schedule_executions; DELETE FROM activities; DELETE FROM active_steps";

fn now() -> Timestamp {
    Timestamp::from_microsecond(NOW).unwrap()
}

/// Writes without any rule.
async fn write(db: &Db, statements: &str) {
    let mut tx = db.write().await.unwrap();
    execute(&mut tx, &statements.replace('@', &NOW.to_string())).await;
    tx.commit().await.unwrap();
}

async fn violated(db: &Db, reach: Reach) -> Vec<(&'static str, u64, Vec<String>)> {
    let checked = check(db, now(), reach).await.unwrap();
    let violated = checked.into_iter().filter(|checked| checked.violations > 0);
    violated.map(|checked| (checked.name, checked.violations, checked.examples)).collect()
}

fn task(id: &str, policy: &str, schedule_type: &str, enabled: bool, next_run_at: &str) -> String {
    format!(
        "INSERT INTO tasks (id, name, name_folded, task_type, schedule_type, timezone, overlap_policy, enabled, \
         timeout_seconds, config, task_config, is_system, next_run_at, revision, created_at, updated_at) \
         VALUES ('{id}', '{id}', '{id}', 'script', '{schedule_type}', 'UTC', '{policy}', {enabled}, 30, '{{}}', '{{}}', \
         FALSE, {next_run_at}, 'r', @, @);"
    )
}

/// A task that only a trigger runs.
fn idle(id: &str, policy: &str) -> String {
    task(id, policy, "once", true, "NULL")
}

fn run(id: &str, task: &str, status: &str, trigger: &str, started_at: &str, finished_at: &str) -> String {
    format!(
        "INSERT INTO runs (id, task_id, task_name, status, trigger, scheduled_for, queued_at, started_at, finished_at) \
         VALUES ('{id}', '{task}', 'n', {status}, '{trigger}', @, @, {started_at}, {finished_at});"
    )
}

/// A run that has not ended, in the history and among the active ones.
fn active(id: &str, task: &str, status: &str, ready: bool, started_at: &str, lease_until: &str) -> String {
    let history = run(id, task, "NULL", "manual", "NULL", "NULL");
    let worker = if status == "running" { "'w'" } else { "NULL" };
    format!(
        "{history} INSERT INTO active_runs (id, task_id, status, ready, started_at, worker, lease_until) \
         VALUES ('{id}', '{task}', '{status}', {ready}, {started_at}, {worker}, {lease_until});"
    )
}

fn running(id: &str, task: &str, started_at: &str) -> String {
    active(id, task, "running", false, started_at, "@")
}

fn queued(id: &str, task: &str, ready: bool) -> String {
    active(id, task, "queued", ready, "NULL", "NULL")
}

fn schedule(id: &str, trigger: &str, next_run_at: &str) -> String {
    format!(
        "INSERT INTO schedules (id, name, folded, trigger_type, pattern_type, timezone, is_enabled, next_run_at, revision, \
         created_at) VALUES ('{id}', '{id}', '{id}', '{trigger}', 'Custom', 'UTC', TRUE, {next_run_at}, 'r', @);"
    )
}

/// An execution with one step, which is called like it.
fn execution(id: &str, status: &str, started_at: &str, completed_at: &str, step_status: &str) -> String {
    let ended = if step_status == "NotSet" { "NULL" } else { "@" };
    format!(
        "INSERT INTO schedule_executions (id, schedule_id, schedule_name, status, trigger, scheduled_for, current_step_index, \
         total_steps, queued_at, started_at, completed_at, initiated_by_type) \
         VALUES ('{id}', 's', 's', '{status}', 'manual', @, 0, 1, @, {started_at}, {completed_at}, 'System'); \
         INSERT INTO activities (id, target_type, target_name, status, created_at, completed_at, initiated_by_type, \
         execution_id, position, step_index) \
         VALUES ('{id}', 'ScheduleStep', 'a', '{step_status}', @, {ended}, 'System', '{id}', 0, 0);"
    )
}

/// Its step is active.
fn active_step(id: &str, status: &str, lease_until: &str) -> String {
    let (worker, started) = if status == "processing" { ("'w'", "@") } else { ("NULL", "NULL") };
    format!(
        "INSERT INTO active_steps (activity_id, execution_id, status, worker, started_at, lease_until) \
         VALUES ('{id}', '{id}', '{status}', {worker}, {started}, {lease_until});"
    )
}

fn at_work(id: &str) -> String {
    execution(id, "InProgress", "@", "NULL", "NotSet") + &active_step(id, "processing", "@")
}

/// What is broken by which statements, how often it is found, and where.
type Case = (&'static str, Vec<String>, u64, &'static [&'static str]);

fn cases() -> Vec<Case> {
    [of_runs(), of_schedules()].concat()
}

fn of_runs() -> Vec<Case> {
    vec![
        (
            "cron_task_without_next_time",
            vec![task("a", "allow", "cron", true, "NULL"), task("b", "allow", "cron", true, "NULL")],
            2,
            &["a", "b"],
        ),
        ("overdue_task", vec![task("a", "allow", "cron", true, "@ - 60000001")], 1, &["a"]),
        ("overdue_task", vec![task("a", "allow", "once", true, "0")], 1, &["a"]),
        ("lease_ended", vec![idle("a", "skip"), active("r", "a", "running", false, "@", "@ - 20000001")], 1, &["r"]),
        ("queue_at_rest", vec![idle("a", "queue"), queued("r", "a", false), queued("s", "a", false)], 1, &["a"]),
        (
            "concurrent_runs",
            vec![
                idle("a", "queue"),
                running("r", "a", "@ + 60000001"),
                running("s", "a", "@ + 60000001"),
                idle("b", "skip"),
                queued("t", "b", true),
                running("u", "b", "@"),
                idle("c", "replace"),
                queued("v", "c", true),
                queued("w", "c", true),
            ],
            3,
            &["a", "b", "c"],
        ),
        ("held_back_under_allow", vec![idle("a", "allow"), running("r", "a", "@"), queued("s", "a", false)], 1, &["s"]),
        ("queued_without_task", vec![queued("r", "a", true)], 1, &["r"]),
        ("impossible_active_run", vec![idle("a", "allow"), active("r", "a", "paused", true, "@", "@")], 1, &["r"]),
        ("impossible_active_run", vec![idle("a", "allow"), active("r", "a", "running", true, "@", "@")], 1, &["r"]),
        ("impossible_active_run", vec![idle("a", "allow"), running("r", "a", "NULL")], 1, &["r"]),
        ("impossible_active_run", vec![idle("a", "allow"), active("r", "a", "running", false, "@", "NULL")], 1, &["r"]),
        (
            "active_without_history",
            vec![idle("a", "allow"), queued("r", "a", true), "DELETE FROM runs".into()],
            1,
            &["r"],
        ),
        (
            "active_after_end",
            vec![
                idle("a", "allow"),
                running("r", "a", "@"),
                "UPDATE runs SET status = 'success', finished_at = @".into(),
            ],
            1,
            &["r"],
        ),
        ("lost_run", vec![run("r", "gone", "NULL", "manual", "NULL", "NULL")], 1, &["r"]),
        (
            "tick_recorded_twice",
            vec![
                run("r", "a", "'success'", "cron", "@", "@"),
                run("s", "a", "'cancelled'", "once", "NULL", "@"),
                run("t", "a", "'success'", "manual", "@", "@"),
            ],
            1,
            &["s"],
        ),
        ("impossible_end", vec![run("r", "a", "'success'", "manual", "@", "NULL")], 1, &["r"]),
        ("impossible_end", vec![run("r", "a", "'error'", "manual", "@", "@ - 1")], 1, &["r"]),
        ("impossible_end", vec![run("r", "a", "'running'", "manual", "@", "@")], 1, &["r"]),
        (
            "log_without_run",
            vec![
                run("r", "a", "'success'", "manual", "@", "@"),
                "INSERT INTO run_logs (run_id, at, text) VALUES ('r', 0, 'x'), ('s', 0, 'x'), ('s', 1, 'y')".into(),
            ],
            1,
            &["s"],
        ),
    ]
}

fn of_schedules() -> Vec<Case> {
    vec![
        (
            "cron_schedule_without_next_time",
            vec![schedule("a", "Cron", "NULL"), schedule("b", "Manual", "NULL"), schedule("c", "Cron", "@")],
            1,
            &["a"],
        ),
        ("idle_schedule_with_next_time", vec![schedule("a", "Manual", "@"), schedule("b", "Cron", "@")], 1, &["a"]),
        ("overdue_schedule", vec![schedule("a", "Cron", "@ - 60000001")], 1, &["a"]),
        (
            "step_lease_ended",
            vec![execution("e", "InProgress", "@", "NULL", "NotSet"), active_step("e", "processing", "@ - 20000001")],
            1,
            &["e"],
        ),
        ("execution_at_rest", vec![execution("e", "InProgress", "@", "NULL", "NotSet"), at_work("f")], 1, &["e"]),
        (
            "execution_without_its_group",
            vec![at_work("e"), "UPDATE schedule_executions SET current_step_index = 1".into()],
            1,
            &["e"],
        ),
        (
            "step_after_execution",
            vec![at_work("e"), "UPDATE schedule_executions SET status = 'Cancelled', completed_at = @".into()],
            1,
            &["e"],
        ),
        (
            "active_step_without_activity",
            vec![
                at_work("e"),
                at_work("f"),
                "UPDATE active_steps SET activity_id = 'g' WHERE activity_id = 'f';".into(),
                "UPDATE activities SET status = 'Complete', completed_at = @ WHERE id = 'f'".into(),
            ],
            1,
            &["g"],
        ),
        ("impossible_active_step", vec![at_work("e"), "UPDATE active_steps SET worker = NULL".into()], 1, &["e"]),
        (
            "lost_activity",
            vec![
                execution("e", "Completed", "@", "@", "NotSet"),
                "UPDATE activities SET execution_id = NULL; UPDATE schedule_executions SET total_steps = 0".into(),
            ],
            1,
            &["e"],
        ),
        (
            "impossible_execution",
            vec![
                execution("e", "Completed", "@", "@ - 1", "Complete"),
                execution("f", "InProgress", "@", "@", "Complete"),
                execution("g", "Completed", "NULL", "@", "Complete"),
                "UPDATE schedule_executions SET total_steps = 2 WHERE id = 'g';".into(),
                execution("h", "Cancelled", "NULL", "@", "Cancelled"),
            ],
            3,
            &["e", "f", "g"],
        ),
        (
            "impossible_activity",
            vec![execution("e", "Completed", "@", "@", "Complete"), "UPDATE activities SET started_at = @ + 1".into()],
            1,
            &["e"],
        ),
    ]
}

async fn each_is_found_where_it_is_broken(backend: Backend) {
    let db = backend.store().await;
    // Otherwise the database itself would refuse the second one.
    write(&db, "DROP INDEX runs_tick").await;
    let mut broken: Vec<&str> = Vec::new();
    for (name, statements, count, examples) in cases() {
        write(&db, CLEAN).await;
        assert_eq!(violated(&db, Reach::Whole).await, []);
        write(&db, &statements.join("\n")).await;
        for reach in [Reach::Whole, Reach::Recent] {
            let examples: Vec<String> = examples.iter().map(ToString::to_string).collect();
            assert_eq!(violated(&db, reach).await, [(name, count, examples)], "{statements:#?}");
        }
        broken.push(name);
    }
    broken.dedup();
    let all = check(&db, now(), Reach::Whole).await.unwrap();
    assert_eq!(broken, all.iter().map(|checked| checked.name).collect::<Vec<_>>(), "not all of them were broken");
}

async fn what_only_looks_like_it_is_no_violation(backend: Backend) {
    let db = backend.store().await;
    for statements in [
        // Disabled, or without a schedule, or due for no more than a minute.
        vec![
            task("a", "allow", "cron", false, "NULL"),
            task("b", "allow", "cron", false, "0"),
            idle("c", "allow"),
            task("d", "allow", "cron", true, "@ - 60000000"),
        ],
        // A lease that ended as long ago as a sweep may take.
        vec![idle("a", "skip"), active("r", "a", "running", false, "@", "@ - 20000000")],
        // One works and one waits; and in another task one's turn has come.
        vec![
            idle("a", "queue"),
            running("r", "a", "@"),
            queued("s", "a", false),
            idle("b", "replace"),
            queued("t", "b", true),
            queued("u", "b", false),
        ],
        // Both began under `allow`.
        vec![idle("a", "queue"), running("r", "a", "@"), running("s", "a", "@ - 1"), queued("t", "a", false)],
        vec![idle("a", "allow"), running("r", "a", "@"), running("s", "a", "@"), queued("t", "a", true)],
        // A deleted task's run that is being stopped.
        vec![running("r", "gone", "@")],
        // Steps that wait, are at work, or are being stopped after their execution was cancelled.
        vec![
            execution("e", "Queued", "NULL", "NULL", "NotSet"),
            active_step("e", "queued", "NULL"),
            at_work("f"),
            at_work("g"),
            "UPDATE schedule_executions SET status = 'Cancelled', completed_at = @ WHERE id = 'g';".into(),
            "UPDATE active_steps SET cancel_requested = TRUE WHERE execution_id = 'g';".into(),
            execution("h", "Failed", "NULL", "@", "Cancelled"),
            schedule("a", "Cron", "@ - 60000000"),
        ],
        // Triggers have no tick, and tasks have ticks of their own.
        vec![
            run("r", "a", "'success'", "manual", "@", "@"),
            run("s", "a", "'cancelled'", "manual", "NULL", "@"),
            run("t", "a", "'success'", "cron", "@", "@"),
            run("u", "b", "'error'", "cron", "@ - 1", "@"),
        ],
    ] {
        write(&db, CLEAN).await;
        write(&db, &statements.join("\n")).await;
        assert_eq!(violated(&db, Reach::Whole).await, [], "{statements:#?}");
    }
}

async fn many_are_counted_and_five_are_named(backend: Backend) {
    let db = backend.store().await;
    let statements: Vec<String> =
        (0..12).map(|number| task(&format!("t{number:02}"), "allow", "cron", true, "NULL")).collect();
    write(&db, &statements.join("\n")).await;
    let examples = ["t00", "t01", "t02", "t03", "t04"].map(String::from).to_vec();
    assert_eq!(violated(&db, Reach::Whole).await, [("cron_task_without_next_time", 12, examples)]);
}

async fn a_look_at_what_is_recent_takes_in_ten_thousand_runs(backend: Backend) {
    let db = backend.store().await;
    write(&db, &run("0", "a", "NULL", "manual", "NULL", "NULL")).await;
    let fill = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9999) \
                INSERT INTO runs (id, task_id, task_name, status, trigger, scheduled_for, queued_at, finished_at) \
                SELECT 'r' || i, 'a', 'n', 'cancelled', 'manual', @, @, @ FROM n;";
    write(&db, fill).await;
    let lost = [("lost_run", 1, vec!["0".to_owned()])];
    assert_eq!(violated(&db, Reach::Recent).await, lost);
    write(&db, &run("s", "a", "'success'", "manual", "@", "@")).await;
    assert_eq!(violated(&db, Reach::Recent).await, []);
    assert_eq!(violated(&db, Reach::Whole).await, lost);
}

async fn some_say_that_servers_keep_up(backend: Backend) {
    let db = backend.store().await;
    let timely: Vec<&str> = invariants::all().filter(|one| one.needs_servers()).map(|one| one.name).collect();
    assert_eq!(timely, ["overdue_task", "lease_ended", "overdue_schedule", "step_lease_ended"]);
    write(&db, &task("a", "allow", "cron", true, "@")).await;
    let mut bounds = Bounds { overdue: now(), lease_ended: now(), newest: 1 };
    let overdue = invariants::all().find(|one| one.name == "overdue_task").unwrap();
    let mut tx = db.read().await.unwrap();
    assert_eq!(overdue.violations(&mut tx, &bounds).await.unwrap(), Violations::default());
    bounds.overdue = now() + SignedDuration::from_micros(1);
    let found = Violations { count: 1, examples: vec!["a".to_owned()] };
    assert_eq!(overdue.violations(&mut tx, &bounds).await.unwrap(), found);
}
