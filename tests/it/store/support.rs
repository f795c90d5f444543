//! Rows to store, and short ways to store them.

use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use justiam_sdk::api::ids::{RunId, TaskId};
use justiam_sdk::api::runs::Run;
use justiam_sdk::api::values::{OverlapPolicy, ScheduleType, TaskType, Trigger};
use justiam_server::store::active_runs::{self, Claimed};
use justiam_server::store::runs::{self, Fate, NewRun};
use justiam_server::store::tasks::{self, Definition, TaskRow};
use justiam_server::store::{Db, Tx};

/// Texts that databases have been seen to change: quotes, wildcards, line ends, blanks, what looks like a number or JSON, and
/// characters of one to four bytes, combined ones, and ones that are at the edges of what Unicode has.
pub(crate) const TEXTS: [&str; 9] = [
    "",
    " \t leading and trailing \r\n",
    "007",
    "1e400",
    "null",
    "{\"a\": [1, \"\\u0041\"]}",
    "it's \"quoted\" \\ % _ $1 ? :name @x; --",
    "Grüße, 世界, 👩‍👩‍👧, e\u{301}, \u{feff}\u{202e}\u{10ffff}",
    "\u{1}\u{7f}\u{80}\u{85}\u{2028}",
];

/// No runs.
pub(crate) const NONE: [u64; 0] = [];

/// An id. Later numbers sort later.
pub(crate) fn id<T: FromStr<Err: std::fmt::Debug>>(number: u64) -> T {
    format!("019b0000-0000-7000-8000-{number:012x}").parse().unwrap()
}

/// An instant, some seconds after the tests' beginning.
pub(crate) fn at(seconds: i64) -> Timestamp {
    let start: Timestamp = "2026-01-01T00:00:00.000001Z".parse().unwrap();
    start.saturating_add(SignedDuration::from_secs(seconds)).unwrap()
}

/// An enabled hourly task.
pub(crate) fn task(number: u64, name: &str) -> TaskRow {
    TaskRow {
        id: id(number),
        definition: Definition {
            name: name.to_owned(),
            description: None,
            task_type: TaskType::AuditLogCleanup,
            schedule_type: ScheduleType::Cron,
            cron_expr: Some("0 * * * *".into()),
            timezone: "UTC".into(),
            run_at: None,
            overlap_policy: OverlapPolicy::Allow,
            enabled: true,
            timeout_seconds: 30,
            script: None,
            script_sha256: None,
            config: serde_json::Map::new(),
            task_config: [].into(),
        },
        is_system: false,
        next_run_at: Some(at(3600)),
        revision: format!("r{number}"),
        created_at: at(0),
        updated_at: at(0),
        last_run_at: None,
        last_status: None,
    }
}

/// The same with an overlap policy.
pub(crate) fn task_with(number: u64, policy: OverlapPolicy) -> TaskRow {
    let mut task = task(number, &format!("{policy} {number}"));
    task.definition.overlap_policy = policy;
    task
}

/// A run for the tick of its own number.
pub(crate) fn run(number: u64, task: TaskId, fate: Fate) -> NewRun {
    NewRun {
        id: id(number),
        task_id: task,
        task_name: "T".into(),
        trigger: Trigger::Cron,
        scheduled_for: at(number.try_into().unwrap()),
        missed_ticks: 0,
        triggered_by: None,
        queued_at: at(0),
        fate,
    }
}

/// Does something in a transaction of its own, and commits it.
pub(crate) async fn write<T>(db: &Db, work: impl AsyncFnOnce(&mut Tx) -> T) -> T {
    let mut tx = db.write().await.unwrap();
    let done = work(&mut tx).await;
    tx.commit().await.unwrap();
    done
}

/// Stores tasks.
pub(crate) async fn add_tasks(db: &Db, new: &[TaskRow]) {
    write(db, async |tx| {
        for task in new {
            assert!(tasks::insert(tx, task).await.unwrap());
        }
    })
    .await;
}

/// Records runs.
pub(crate) async fn add_runs(db: &Db, new: &[NewRun]) {
    let recorded = write(db, async |tx| runs::insert(tx, new).await.unwrap()).await;
    assert_eq!(recorded.len(), new.len());
}

/// Starts up to `limit` runs for half a minute.
pub(crate) async fn claim(db: &Db, worker: &str, limit: i64) -> Vec<Claimed> {
    write(db, async |tx| active_runs::claim(tx, worker, at(30), at(0), limit).await.unwrap()).await
}

/// The numbers of runs.
pub(crate) fn numbers(claimed: &[Claimed]) -> Vec<u64> {
    claimed.iter().map(|run| number(run.id)).collect()
}

/// The number of a run.
pub(crate) fn number(run: RunId) -> u64 {
    (1..10_000).find(|number| id::<RunId>(*number) == run).unwrap()
}

/// A run as it is stored.
pub(crate) async fn stored(db: &Db, number: u64) -> Run {
    let mut tx = db.read().await.unwrap();
    runs::get(&mut tx, id(number)).await.unwrap().unwrap()
}

/// How a run stands, and why.
pub(crate) async fn standing(db: &Db, number: u64) -> String {
    let run = stored(db, number).await;
    let words = [Some(run.status.to_string()), run.reason, run.error];
    words.into_iter().flatten().collect::<Vec<_>>().join(": ")
}
