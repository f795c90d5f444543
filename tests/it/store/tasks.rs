//! Tasks.

use std::collections::BTreeMap;

use justiam_sdk::api::ids::TaskId;
use justiam_sdk::api::values::{OverlapPolicy, RunStatus, ScheduleType, TaskType};
use justiam_server::store::runs::{self, End, Ending, Fate};
use justiam_server::store::tasks::{self, Filter, TaskRow};
use justiam_server::store::{Db, Error, active_runs};
use justiam_tests::backend::Backend;
use justiam_tests::both_databases;

use super::support::{TEXTS, add_runs, add_tasks, at, claim, id, run, task, task_with, write};

both_databases!(
    a_page_that_is_too_long_is_refused_and_shorter_ones_are_not,
    a_task_comes_back_as_it_was_stored,
    texts_come_back_byte_for_byte,
    a_name_is_taken_once,
    an_update_overwrites_everything_but_what_a_task_is_born_with,
    an_update_to_a_taken_name_changes_nothing,
    a_task_is_deleted_once,
    lists_are_filtered_and_paged_in_the_order_of_creation,
    searches_find_parts_of_names_in_any_letter_case,
    the_last_run_is_the_newest_that_began,
    due_tasks_come_in_the_order_of_their_times,
    next_times_are_set_for_many_tasks_at_once,
    tasks_without_a_next_time_are_found,
    serial_tasks_are_those_that_do_not_allow_overlap,
    what_is_not_committed_never_happened,
);

/// A task with a value in every field.
fn full(number: u64, name: &str) -> TaskRow {
    let mut task = task(number, name);
    let d = &mut task.definition;
    d.description = Some("what for".into());
    d.task_type = TaskType::Script;
    d.schedule_type = ScheduleType::Once;
    d.cron_expr = Some("*/5 9-17 * * MON-FRI".into());
    d.timezone = "Europe/Vienna".into();
    d.run_at = Some(at(-1_000_000_000));
    d.overlap_policy = OverlapPolicy::Replace;
    d.enabled = false;
    d.timeout_seconds = 7;
    d.script = Some("package task\r\n\tü\n".repeat(10_000));
    d.script_sha256 = Some("ab".repeat(32));
    // Numbers come back with all their digits, and keys in their order.
    let config = r#"{"z": 1.10, "a": 123456789012345678901234567890, "n": {"x": [null, true, 1e400, "ü\u0001"]}}"#;
    d.config = serde_json::from_str(config).unwrap();
    d.task_config = BTreeMap::from(TEXTS.map(|text| (text.to_owned(), text.to_owned())));
    task.is_system = true;
    task.next_run_at = None;
    task.updated_at = at(9);
    task
}

async fn get(db: &Db, number: u64) -> Option<TaskRow> {
    tasks::get(&mut db.read().await.unwrap(), id(number)).await.unwrap()
}

async fn a_task_comes_back_as_it_was_stored(backend: Backend) {
    let db = backend.store().await;
    let (plain, full) = (task(1, "plain"), full(2, "full"));
    add_tasks(&db, &[plain.clone(), full.clone()]).await;
    let mut tx = db.write().await.unwrap();
    for task in [&plain, &full] {
        let name = task.definition.name.as_str();
        assert_eq!(tasks::get(&mut tx, task.id).await.unwrap().as_ref(), Some(task));
        assert_eq!(tasks::lock(&mut tx, task.id).await.unwrap().as_ref(), Some(task));
        assert_eq!(tasks::lock_to_fire(&mut tx, task.id).await.unwrap(), Some(task.to_due()));
        assert_eq!(tasks::id_of(&mut tx, name).await.unwrap(), Some(task.id));
    }
    let config = serde_json::to_string(&get(&db, 2).await.unwrap().definition.config).unwrap();
    assert!(config.starts_with(r#"{"z":1.10,"a":123456789012345678901234567890,"#), "{config}");
    assert_eq!(tasks::get(&mut tx, id(3)).await.unwrap(), None);
    assert_eq!(tasks::lock(&mut tx, id(3)).await.unwrap(), None);
    assert_eq!(tasks::lock_to_fire(&mut tx, id(3)).await.unwrap(), None);
    assert_eq!(tasks::id_of(&mut tx, "Plain").await.unwrap(), None);
}

async fn texts_come_back_byte_for_byte(backend: Backend) {
    let db = backend.store().await;
    for (number, text) in (1..).zip(TEXTS) {
        let mut task = task(number, text);
        task.definition.description = Some(text.into());
        task.definition.script = Some(text.into());
        task.definition.cron_expr = Some(text.into());
        task.definition.config = serde_json::Map::from_iter([(text.to_owned(), text.into())]);
        task.revision = text.into();
        add_tasks(&db, &[task.clone()]).await;
        assert_eq!(get(&db, number).await, Some(task));
    }
}

async fn a_name_is_taken_once(backend: Backend) {
    let db = backend.store().await;
    add_tasks(&db, &[task(1, "T"), task(2, "t")]).await;
    let second = write(&db, async |tx| tasks::insert(tx, &task(3, "T")).await.unwrap()).await;
    assert!(!second);
    assert_eq!(get(&db, 1).await, Some(task(1, "T")));
    assert_eq!(get(&db, 3).await, None);
}

async fn an_update_overwrites_everything_but_what_a_task_is_born_with(backend: Backend) {
    let db = backend.store().await;
    add_tasks(&db, &[task(1, "T"), full(2, "U")]).await;
    // From little to much, and back.
    let changed = TaskRow { is_system: false, created_at: at(0), ..full(1, "T2") };
    assert!(write(&db, async |tx| tasks::update(tx, &changed).await.unwrap()).await);
    assert_eq!(get(&db, 1).await, Some(changed));
    let changed = TaskRow { is_system: true, next_run_at: Some(at(5)), ..task(2, "U2") };
    assert!(write(&db, async |tx| tasks::update(tx, &changed).await.unwrap()).await);
    assert_eq!(get(&db, 2).await, Some(changed));
    assert!(!write(&db, async |tx| tasks::update(tx, &task(3, "V")).await.unwrap()).await);
    assert_eq!(get(&db, 3).await, None);
}

async fn an_update_to_a_taken_name_changes_nothing(backend: Backend) {
    let db = backend.store().await;
    add_tasks(&db, &[task(1, "T"), task(2, "U")]).await;
    let mut tx = db.write().await.unwrap();
    let refused = tasks::update(&mut tx, &TaskRow { revision: "new".into(), ..task(2, "T") }).await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    drop(tx);
    assert_eq!(get(&db, 2).await, Some(task(2, "U")));
}

async fn a_task_is_deleted_once(backend: Backend) {
    let db = backend.store().await;
    add_tasks(&db, &[task(1, "T"), task(2, "U")]).await;
    for expected in [true, false] {
        assert_eq!(write(&db, async |tx| tasks::delete(tx, id(1)).await.unwrap()).await, expected);
    }
    assert_eq!(get(&db, 1).await, None);
    assert_eq!(get(&db, 2).await, Some(task(2, "U")));
}

/// The names that a list finds, and how many there are on all pages.
async fn names(db: &Db, filter: &Filter, offset: i64, limit: i64) -> (Vec<String>, u64) {
    let (found, total) = tasks::list(&mut db.read().await.unwrap(), filter, offset, limit).await.unwrap();
    (found.into_iter().map(|task| task.definition.name).collect(), total)
}

async fn lists_are_filtered_and_paged_in_the_order_of_creation(backend: Backend) {
    let db = backend.store().await;
    let mut disabled = full(2, "a");
    disabled.definition.enabled = false;
    // Stored out of order.
    add_tasks(&db, &[task(3, "C"), disabled.clone(), task(1, "b"), task(4, "B")]).await;
    let all = Filter::default();
    let cases = [
        (all.clone(), 0, 10, vec!["b", "a", "C", "B"], 4),
        (all.clone(), 1, 2, vec!["a", "C"], 4),
        (all.clone(), 2, 2, vec!["C", "B"], 4),
        (all.clone(), 3, 2, vec!["B"], 4),
        (all.clone(), 4, 2, vec![], 4),
        (all.clone(), 9, 2, vec![], 4),
        (all.clone(), 0, 0, vec![], 4),
        (Filter { name: Some("b".into()), ..all.clone() }, 0, 10, vec!["b"], 1),
        (Filter { name: Some(String::new()), ..all.clone() }, 0, 10, vec![], 0),
        (Filter { enabled: Some(false), ..all.clone() }, 0, 10, vec!["a"], 1),
        (Filter { enabled: Some(true), ..all.clone() }, 1, 1, vec!["C"], 3),
        (Filter { task_type: Some(TaskType::Script), ..all.clone() }, 0, 10, vec!["a"], 1),
        (Filter { task_type: Some(TaskType::Script), enabled: Some(true), ..all.clone() }, 0, 10, vec![], 0),
    ];
    for (filter, offset, limit, expected, total) in cases {
        let expected = expected.into_iter().map(str::to_owned).collect();
        assert_eq!(names(&db, &filter, offset, limit).await, (expected, total), "{filter:?} {offset} {limit}");
    }
    for wanted in [true, false] {
        let (script, config, task_config) = (wanted, wanted, wanted);
        let filter = Filter { name: Some("a".into()), script, config, task_config, ..Filter::default() };
        let mut expected = disabled.clone();
        if !wanted {
            let d = &mut expected.definition;
            (d.script, d.config, d.task_config) = (None, serde_json::Map::new(), BTreeMap::new());
        }
        let found = tasks::list(&mut db.read().await.unwrap(), &filter, 0, 10).await.unwrap();
        assert_eq!(found, (vec![expected], 1));
    }
}

async fn searches_find_parts_of_names_in_any_letter_case(backend: Backend) {
    let db = backend.store().await;
    for (number, name) in (1..).zip(["Grüße", "100% sure", "a_b", "aXb", r"back\slash", "[x]*"]) {
        add_tasks(&db, &[task(number, name)]).await;
    }
    for (search, expected) in [
        ("GRÜSS", vec![]),
        ("RÜß", vec!["Grüße"]),
        ("0% S", vec!["100% sure"]),
        ("%", vec!["100% sure"]),
        ("a_b", vec!["a_b"]),
        ("A", vec!["a_b", "aXb", r"back\slash"]),
        (r"k\S", vec![r"back\slash"]),
        ("*", vec!["[x]*"]),
        ("", vec!["Grüße", "100% sure", "a_b", "aXb", r"back\slash", "[x]*"]),
    ] {
        let filter = Filter { search: Some(search.into()), ..Filter::default() };
        assert_eq!(names(&db, &filter, 0, 10).await.0, expected, "{search}");
    }
}

async fn the_last_run_is_the_newest_that_began(backend: Backend) {
    let db = backend.store().await;
    add_tasks(&db, &[task(1, "T")]).await;
    let last = async || {
        let task = get(&db, 1).await.unwrap();
        let (listed, _) = tasks::list(&mut db.read().await.unwrap(), &Filter::default(), 0, 1).await.unwrap();
        assert_eq!((task.last_run_at, &task.last_status), (listed[0].last_run_at, &listed[0].last_status));
        (task.last_run_at, task.last_status)
    };
    assert_eq!(last().await, (None, None));
    let skipped = Fate::Cancelled("skipped".into());
    add_runs(&db, &[run(1, id(1), skipped.clone()), run(2, id(1), Fate::Ready), run(3, id(1), Fate::Ready)]).await;
    assert_eq!(last().await, (None, None));
    claim(&db, "w", 1).await;
    assert_eq!(last().await, (Some(at(0)), Some(RunStatus::Running)));
    write(&db, async |tx| {
        let ended = active_runs::take_ended(tx, "w", &[(id(2), 1)]).await.unwrap();
        let ending = Ending { status: RunStatus::Error, output: None, error: None, isolation: None };
        let ends: Vec<End> = ended.into_iter().map(|ended| ended.into_end(ending.clone())).collect();
        runs::end(tx, &ends, at(5)).await.unwrap();
    })
    .await;
    assert_eq!(last().await, (Some(at(0)), Some(RunStatus::Error)));
    // What never began is not the last run, however new it is.
    add_runs(&db, &[run(4, id(1), skipped)]).await;
    assert_eq!(last().await, (Some(at(0)), Some(RunStatus::Error)));
    write(&db, async |tx| active_runs::claim(tx, "w", at(99), at(7), 1).await.unwrap()).await;
    assert_eq!(last().await, (Some(at(7)), Some(RunStatus::Running)));
}

async fn due_tasks_come_in_the_order_of_their_times(backend: Backend) {
    let db = backend.store().await;
    let due =
        |number: u64, next: Option<i64>| TaskRow { next_run_at: next.map(at), ..task(number, &number.to_string()) };
    let mut disabled = due(5, Some(1));
    disabled.definition.enabled = false;
    add_tasks(&db, &[due(1, Some(30)), due(2, Some(10)), due(3, Some(10)), due(4, None), disabled, due(6, Some(20))])
        .await;
    let found = async |now: i64, limit: i64| {
        let found = write(&db, async |tx| tasks::lock_due(tx, at(now), limit).await.unwrap()).await;
        found.into_iter().map(|task| task.name).collect::<Vec<_>>()
    };
    assert_eq!(found(9, 10).await, Vec::<String>::new());
    assert_eq!(found(10, 10).await, ["2", "3"]);
    assert_eq!(found(99, 10).await, ["2", "3", "6", "1"]);
    assert_eq!(found(99, 3).await, ["2", "3", "6"]);
    assert_eq!(tasks::earliest_due(&mut db.read().await.unwrap()).await.unwrap(), Some(at(10)));
    let one = write(&db, async |tx| tasks::lock_due(tx, at(10), 1).await.unwrap()).await.remove(0);
    let d = task(2, "2").definition;
    assert_eq!((one.id, one.name, one.schedule_type), (id(2), d.name, d.schedule_type));
    assert_eq!((one.cron_expr, one.timezone, one.run_at), (d.cron_expr, d.timezone, d.run_at));
    assert_eq!((one.overlap_policy, one.next_run_at), (d.overlap_policy, Some(at(10))));
    if backend.is_shared() {
        // What another server has locked is left to it, and nobody waits.
        let mut first = db.write().await.unwrap();
        tasks::lock_due(&mut first, at(99), 2).await.unwrap();
        assert_eq!(found(99, 10).await, ["6", "1"]);
        first.commit().await.unwrap();
        assert_eq!(found(99, 10).await, ["2", "3", "6", "1"]);
    }
}

async fn next_times_are_set_for_many_tasks_at_once(backend: Backend) {
    let db = backend.store().await;
    assert_eq!(tasks::earliest_due(&mut db.read().await.unwrap()).await.unwrap(), None);
    add_tasks(&db, &[task(1, "T"), task(2, "U"), task(3, "V")]).await;
    // One that is gone meanwhile is no error.
    let next = [(id(1), Some(at(-5_000_000_000))), (id(2), None), (id(9), Some(at(1)))];
    write(&db, async |tx| tasks::set_next_runs(tx, next).await.unwrap()).await;
    for (number, expected) in [(1, Some(at(-5_000_000_000))), (2, None), (3, Some(at(3600)))] {
        let task = get(&db, number).await.unwrap();
        assert_eq!(task.next_run_at, expected, "{number}");
        assert_eq!(task.revision, format!("r{number}"), "a tick is no edit");
    }
    assert_eq!(tasks::earliest_due(&mut db.read().await.unwrap()).await.unwrap(), Some(at(-5_000_000_000)));
    write(&db, async |tx| tasks::set_next_runs(tx, []).await.unwrap()).await;
}

async fn tasks_without_a_next_time_are_found(backend: Backend) {
    let db = backend.store().await;
    let without = |number: u64| TaskRow { next_run_at: None, ..task(number, &number.to_string()) };
    let (mut disabled, mut once) = (without(3), without(4));
    disabled.definition.enabled = false;
    once.definition.schedule_type = ScheduleType::Once;
    add_tasks(&db, &[task(1, "1"), without(5), without(2), disabled, once]).await;
    let found = tasks::lock_without_next_run(&mut db.write().await.unwrap()).await.unwrap();
    assert_eq!(found.iter().map(|task| task.name.as_str()).collect::<Vec<_>>(), ["2", "5"]);
}

async fn serial_tasks_are_those_that_do_not_allow_overlap(backend: Backend) {
    use OverlapPolicy::{Allow, Queue, Replace, Skip};
    let db = backend.store().await;
    for (number, policy) in (1..).zip([Skip, Allow, Queue, Replace]) {
        add_tasks(&db, &[task_with(number, policy)]).await;
    }
    let asked: Vec<TaskId> = [9, 4, 3, 2, 1].map(id).into();
    let mut tx = db.write().await.unwrap();
    let expected: Vec<TaskId> = [1, 3, 4].map(id).into();
    assert_eq!(tasks::serial(&mut tx, &asked).await.unwrap(), expected);
    assert_eq!(tasks::lock_serial(&mut tx, &asked).await.unwrap(), expected);
    assert_eq!(tasks::lock_serial(&mut tx, &asked[3..4]).await.unwrap(), []);
    assert_eq!(tasks::lock_serial(&mut tx, &[]).await.unwrap(), []);
}

async fn what_is_not_committed_never_happened(backend: Backend) {
    let db = backend.store().await;
    add_tasks(&db, &[task(1, "T")]).await;
    let mut tx = db.write().await.unwrap();
    tasks::insert(&mut tx, &task(2, "U")).await.unwrap();
    tasks::delete(&mut tx, id(1)).await.unwrap();
    tasks::set_next_runs(&mut tx, [(id(1), None)]).await.unwrap();
    drop(tx);
    assert_eq!(get(&db, 1).await, Some(task(1, "T")));
    assert_eq!(get(&db, 2).await, None);
}

async fn a_page_that_is_too_long_is_refused_and_shorter_ones_are_not(backend: Backend) {
    let db = backend.store().await;
    let with_script = |number: u64| {
        let mut task = task(number, &number.to_string());
        task.definition.script = Some("x".repeat(1 << 20));
        task
    };
    // Room for 64 of them, and each has a few bytes more.
    add_tasks(&db, &(1..=64).map(with_script).collect::<Vec<_>>()).await;
    let mut tx = db.read().await.unwrap();
    let mut filter = Filter { script: true, ..Filter::default() };
    let refused = tasks::list(&mut tx, &filter, 0, 1000).await;
    assert!(matches!(refused, Err(Error::LongPage)), "{refused:?}");
    assert_eq!(tasks::list(&mut tx, &filter, 0, 63).await.unwrap().0.len(), 63);
    // What is not asked for is not read.
    (filter.script, filter.config, filter.task_config) = (false, true, true);
    assert_eq!(tasks::list(&mut tx, &filter, 0, 1000).await.unwrap().0.len(), 64);
}
