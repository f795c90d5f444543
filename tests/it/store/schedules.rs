//! Schedules and their steps.

use jiff::Timestamp;
use justiam_sdk::api::connected_systems::{ConnectedSystem, CsvSettings, Direction};
use justiam_sdk::api::ids::ScheduleId;
use justiam_sdk::api::pattern::PatternFields;
use justiam_sdk::api::schedules::{ExecutionMode, IntervalUnit, PatternType, StepType, TriggerType};
use justiam_server::app::invariants::{Reach, check};
use justiam_server::store::schedules::{self, Filter, ScheduleRow, SealedConnection, Sort, StepRow};
// The module alone, without the function of this name.
use justiam_server::store::schedules::steps::{self};
use justiam_server::store::{Db, Error, connected_systems};
use justiam_tests::backend::{Backend, execute, somebody_waits_for};
use justiam_tests::both_databases;

use super::support::{TEXTS, at, id, write};

both_databases!(
    a_schedule_comes_back_as_it_was_stored,
    texts_of_schedules_and_steps_come_back_byte_for_byte,
    a_name_is_taken_once,
    an_update_overwrites_everything_but_creation_and_last_run,
    an_update_to_a_taken_name_changes_nothing,
    a_schedule_is_deleted_once_and_its_steps_with_it,
    steps_come_in_the_order_in_which_they_run,
    a_thousand_steps_are_replaced_at_once,
    lists_are_filtered_and_paged,
    lists_are_sorted_by_each_column,
    due_schedules_come_in_the_order_of_their_times,
    times_are_set_for_many_schedules_at_once,
    schedules_without_a_next_time_are_found,
    users_of_run_profiles_are_found,
    profiles_that_exist_and_belong_together_are_found,
    changes_of_one_schedule_follow_each_other,
    an_idle_schedule_with_a_next_time_is_a_violation,
);

/// An enabled schedule that fires on working days.
fn schedule(number: u64, name: &str) -> ScheduleRow {
    ScheduleRow {
        id: id(number),
        name: name.to_owned(),
        description: None,
        trigger_type: TriggerType::Cron,
        pattern: PatternFields {
            cron_expression: Some("0 6 * * 1-5".into()),
            days_of_week: Some("1,2,3,4,5".into()),
            run_times: Some("06:00".into()),
            ..PatternFields::new(PatternType::SpecificTimes)
        },
        timezone: "UTC".into(),
        is_enabled: true,
        last_run_at: None,
        next_run_at: Some(at(3600)),
        revision: format!("r{number}"),
        created_at: at(0),
        updated_at: None,
        step_count: 0,
    }
}

/// A schedule with a value in every field.
fn full(number: u64, name: &str) -> ScheduleRow {
    ScheduleRow {
        description: Some("what for".into()),
        trigger_type: TriggerType::Manual,
        pattern: PatternFields {
            pattern_type: PatternType::Interval,
            cron_expression: Some("*/15 * * * *".into()),
            days_of_week: Some("0,6".into()),
            run_times: Some("23:59".into()),
            interval_value: Some(59),
            interval_unit: Some(IntervalUnit::Hours),
            interval_window_start: Some("22:00".into()),
            interval_window_end: Some("02:00".into()),
        },
        timezone: "Europe/Vienna".into(),
        is_enabled: false,
        last_run_at: Some(at(-1_000_000_000)),
        next_run_at: None,
        updated_at: Some(at(9)),
        ..schedule(number, name)
    }
}

fn step(number: u64, schedule: u64, position: i64, step_index: i64) -> StepRow {
    StepRow {
        id: id(number),
        schedule_id: id(schedule),
        position,
        step_index,
        name: None,
        execution_mode: ExecutionMode::Sequential,
        step_type: StepType::RunProfile,
        continue_on_failure: false,
        timeout_seconds: None,
        connected_system_id: Some(1),
        run_profile_id: Some(1),
        script_path: None,
        arguments: None,
        executable_path: None,
        working_directory: None,
        sql_connection: None,
        sql_script_path: None,
    }
}

fn full_step(number: u64, schedule: u64, position: i64, text: &str) -> StepRow {
    let text = || text.to_owned();
    StepRow {
        name: Some(text()),
        execution_mode: ExecutionMode::ParallelWithPrevious,
        step_type: StepType::SqlScript,
        continue_on_failure: true,
        timeout_seconds: Some(86_400),
        connected_system_id: Some(i64::MAX),
        run_profile_id: Some(i64::MIN),
        script_path: Some(text()),
        arguments: Some(text()),
        executable_path: Some(text()),
        working_directory: Some(text()),
        sql_connection: Some(SealedConnection {
            shown: text(),
            sealed_by: "key".into(),
            sealed: text(),
            revision: text(),
        }),
        sql_script_path: Some(text()),
        ..step(number, schedule, position, 7)
    }
}

async fn add(db: &Db, new: &[ScheduleRow]) {
    write(db, async |tx| {
        for schedule in new {
            assert!(schedules::insert(tx, schedule).await.unwrap());
        }
    })
    .await;
}

async fn put_steps(db: &Db, schedule: u64, steps: &[StepRow]) {
    write(db, async |tx| steps::replace_steps(tx, id(schedule), steps).await.unwrap()).await;
}

async fn get(db: &Db, number: u64) -> Option<ScheduleRow> {
    schedules::get(&mut db.read().await.unwrap(), id(number)).await.unwrap()
}

async fn steps(db: &Db, schedule: u64) -> Vec<StepRow> {
    steps::steps(&mut db.read().await.unwrap(), id(schedule)).await.unwrap()
}

async fn a_schedule_comes_back_as_it_was_stored(backend: Backend) {
    let db = backend.store().await;
    let (plain, full) = (schedule(1, "plain"), full(2, "full"));
    add(&db, &[plain.clone(), full.clone()]).await;
    put_steps(&db, 2, &[step(1, 2, 0, 0), step(2, 2, 1, 1)]).await;
    let full = ScheduleRow { step_count: 2, ..full };
    let mut tx = db.write().await.unwrap();
    for schedule in [&plain, &full] {
        assert_eq!(schedules::get(&mut tx, schedule.id).await.unwrap().as_ref(), Some(schedule));
        assert_eq!(schedules::lock(&mut tx, schedule.id).await.unwrap().as_ref(), Some(schedule));
        assert_eq!(schedules::id_of(&mut tx, &schedule.name).await.unwrap(), Some(schedule.id));
    }
    assert_eq!(schedules::get(&mut tx, id(3)).await.unwrap(), None);
    assert_eq!(schedules::lock(&mut tx, id(3)).await.unwrap(), None);
    assert_eq!(schedules::id_of(&mut tx, "Plain").await.unwrap(), None);
}

async fn texts_of_schedules_and_steps_come_back_byte_for_byte(backend: Backend) {
    let db = backend.store().await;
    for (number, text) in (1..).zip(TEXTS) {
        let mut schedule = ScheduleRow { step_count: 1, ..full(number, text) };
        schedule.description = Some(text.into());
        schedule.pattern.run_times = Some(text.into());
        schedule.revision = text.into();
        add(&db, &[schedule.clone()]).await;
        let step = full_step(number, number, 0, text);
        put_steps(&db, number, std::slice::from_ref(&step)).await;
        assert_eq!(get(&db, number).await, Some(schedule));
        assert_eq!(steps(&db, number).await, [step]);
    }
}

async fn a_name_is_taken_once(backend: Backend) {
    let db = backend.store().await;
    add(&db, &[schedule(1, "S"), schedule(2, "s")]).await;
    assert!(!write(&db, async |tx| schedules::insert(tx, &schedule(3, "S")).await.unwrap()).await);
    assert_eq!(get(&db, 1).await, Some(schedule(1, "S")));
    assert_eq!(get(&db, 3).await, None);
}

async fn an_update_overwrites_everything_but_creation_and_last_run(backend: Backend) {
    let db = backend.store().await;
    add(&db, &[schedule(1, "S"), full(2, "T")]).await;
    // From little to much, and back.
    let changed = full(1, "S2");
    assert!(write(&db, async |tx| schedules::update(tx, &changed).await.unwrap()).await);
    assert_eq!(get(&db, 1).await, Some(ScheduleRow { last_run_at: None, ..changed }));
    let changed = ScheduleRow { created_at: at(77), ..schedule(2, "T2") };
    assert!(write(&db, async |tx| schedules::update(tx, &changed).await.unwrap()).await);
    let last_run_at = full(2, "T").last_run_at;
    assert_eq!(get(&db, 2).await, Some(ScheduleRow { created_at: at(0), last_run_at, ..changed }));
    assert!(!write(&db, async |tx| schedules::update(tx, &schedule(3, "U")).await.unwrap()).await);
    assert_eq!(get(&db, 3).await, None);
}

async fn an_update_to_a_taken_name_changes_nothing(backend: Backend) {
    let db = backend.store().await;
    add(&db, &[schedule(1, "S"), schedule(2, "T")]).await;
    let mut tx = db.write().await.unwrap();
    let refused = schedules::update(&mut tx, &schedule(2, "S")).await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    drop(tx);
    assert_eq!(get(&db, 2).await, Some(schedule(2, "T")));
}

async fn a_schedule_is_deleted_once_and_its_steps_with_it(backend: Backend) {
    let db = backend.store().await;
    add(&db, &[schedule(1, "S"), schedule(2, "T")]).await;
    put_steps(&db, 1, &[step(1, 1, 0, 0)]).await;
    put_steps(&db, 2, &[step(2, 2, 0, 0)]).await;
    for expected in [true, false] {
        assert_eq!(write(&db, async |tx| schedules::delete(tx, id(1)).await.unwrap()).await, expected);
    }
    assert_eq!(get(&db, 1).await, None);
    assert_eq!(steps(&db, 1).await, []);
    assert_eq!(steps(&db, 2).await.len(), 1);
}

async fn steps_come_in_the_order_in_which_they_run(backend: Backend) {
    let db = backend.store().await;
    add(&db, &[schedule(1, "S"), schedule(2, "T"), schedule(3, "U")]).await;
    put_steps(&db, 1, &[step(4, 1, 1, 1000), step(3, 1, 3, 0), step(2, 1, 2, 10), step(1, 1, 0, 10)]).await;
    put_steps(&db, 2, &[full_step(5, 2, 0, "text")]).await;
    let numbers = |steps: Vec<StepRow>| steps.into_iter().map(|step| step.id).collect::<Vec<_>>();
    assert_eq!(numbers(steps(&db, 1).await), [3, 1, 2, 4].map(id));
    assert_eq!(steps(&db, 2).await, [full_step(5, 2, 0, "text")]);
    let mut tx = db.read().await.unwrap();
    let of_both = steps::steps_of(&mut tx, &[id(2), id(3), id(1), id(4)]).await.unwrap();
    assert_eq!(numbers(of_both), [3, 1, 2, 4, 5].map(id));
    assert_eq!(steps::steps_of(&mut tx, &[]).await.unwrap(), []);
}

async fn a_thousand_steps_are_replaced_at_once(backend: Backend) {
    let db = backend.store().await;
    add(&db, &[schedule(1, "S"), schedule(2, "T")]).await;
    let many: Vec<StepRow> = (0..1000).map(|n| full_step(n + 1, 1, n.try_into().unwrap(), "x")).collect();
    put_steps(&db, 1, &many).await;
    put_steps(&db, 2, &[step(2000, 2, 0, 0)]).await;
    assert_eq!(steps(&db, 1).await, many);
    assert_eq!(get(&db, 1).await.unwrap().step_count, 1000);
    // One stays, one is new, and all others go.
    let few = [StepRow { name: Some("other".into()), ..many[7].clone() }, step(3000, 1, 1, 8)];
    put_steps(&db, 1, &few).await;
    assert_eq!(steps(&db, 1).await, few);
    put_steps(&db, 1, &[]).await;
    assert_eq!(steps(&db, 1).await, []);
    assert_eq!(steps(&db, 2).await.len(), 1);
}

/// The names that a list finds, and how many there are on all pages.
async fn names(db: &Db, filter: &Filter, offset: i64, limit: i64) -> (Vec<String>, i64) {
    let (found, total) = schedules::list(&mut db.read().await.unwrap(), filter, offset, limit).await.unwrap();
    (found.into_iter().map(|schedule| schedule.name).collect(), total)
}

async fn lists_are_filtered_and_paged(backend: Backend) {
    let db = backend.store().await;
    let described =
        |number, name: &str, text: &str| ScheduleRow { description: Some(text.into()), ..schedule(number, name) };
    // Stored out of order.
    add(&db, &[described(3, "C", "100 % ÄPFEL"), schedule(1, "b_x"), described(2, "a", "ὈΔΟΣ"), schedule(4, "B")])
        .await;
    put_steps(&db, 3, &[step(1, 3, 0, 0)]).await;
    let all = Filter::default();
    assert_eq!(names(&db, &all, 0, 3).await, (vec!["b_x".into(), "a".into(), "C".into()], 4));
    assert_eq!(names(&db, &all, 3, 3).await, (vec!["B".into()], 4));
    assert_eq!(names(&db, &all, 4, 3).await, (vec![], 4));
    assert_eq!(names(&db, &all, i64::MAX, 1000).await, (vec![], 4));
    for (search, expected) in [
        ("b", vec!["b_x", "B"]),
        ("_", vec!["b_x"]),
        ("0 %", vec!["C"]),
        ("äpfel", vec!["C"]),
        ("ὀδοσ", vec!["a"]),
        ("\\", vec![]),
    ] {
        let filter = Filter { search: Some(search.into()), ..Filter::default() };
        let total = i64::try_from(expected.len()).unwrap();
        assert_eq!(
            names(&db, &filter, 0, 10).await,
            (expected.into_iter().map(str::to_owned).collect(), total),
            "{search}"
        );
    }
    let named = Filter { name: Some("B".into()), ..Filter::default() };
    assert_eq!(names(&db, &named, 0, 10).await, (vec!["B".into()], 1));
    let (found, _) = schedules::list(&mut db.read().await.unwrap(), &all, 2, 1).await.unwrap();
    assert_eq!(found, [ScheduleRow { step_count: 1, ..described(3, "C", "100 % ÄPFEL") }]);
}

async fn lists_are_sorted_by_each_column(backend: Backend) {
    let db = backend.store().await;
    let timed = |number, name: &str, is_enabled, last_run_at, next_run_at| ScheduleRow {
        is_enabled,
        last_run_at,
        next_run_at,
        ..schedule(number, name)
    };
    add(
        &db,
        &[
            timed(1, "c", false, None, None),
            timed(2, "b", true, Some(at(9)), Some(at(20))),
            timed(3, "B", false, Some(at(5)), None),
            timed(4, "a", true, None, Some(at(10))),
        ],
    )
    .await;
    for (sort, up, down) in [
        (Sort::Created, "c b B a", "a B b c"),
        (Sort::Name, "B a b c", "c b a B"),
        (Sort::IsEnabled, "c B b a", "b a c B"),
        (Sort::LastRun, "B b c a", "b B c a"),
        (Sort::NextRun, "a b c B", "b a c B"),
    ] {
        for (descending, expected) in [(false, up), (true, down)] {
            let filter = Filter { sort, descending, ..Filter::default() };
            assert_eq!(names(&db, &filter, 0, 10).await.0.join(" "), expected, "{sort:?} {descending}");
        }
    }
}

async fn due_schedules_come_in_the_order_of_their_times(backend: Backend) {
    let db = backend.store().await;
    let due_at = |number, seconds: Option<i64>| ScheduleRow {
        next_run_at: seconds.map(at),
        ..schedule(number, &format!("s{number}"))
    };
    let disabled = ScheduleRow { is_enabled: false, ..due_at(5, Some(1)) };
    assert_eq!(schedules::earliest_due(&mut db.read().await.unwrap()).await.unwrap(), None);
    let all =
        [due_at(1, Some(10)), due_at(2, Some(5)), due_at(3, Some(11)), due_at(4, None), disabled, due_at(6, Some(5))];
    add(&db, &all).await;
    let mut tx = db.write().await.unwrap();
    assert_eq!(schedules::earliest_due(&mut tx).await.unwrap(), Some(at(5)));
    let due = schedules::lock_due(&mut tx, at(10), 10).await.unwrap();
    assert_eq!(due, [all[1].to_due(), all[5].to_due(), all[0].to_due()]);
    assert_eq!(schedules::lock_due(&mut tx, at(10), 2).await.unwrap().len(), 2);
    assert_eq!(schedules::lock_due(&mut tx, at(4), 10).await.unwrap(), []);
    if backend.is_shared() {
        // Left to whoever has them.
        let mut other = db.write().await.unwrap();
        assert_eq!(schedules::lock_due(&mut other, at(11), 10).await.unwrap(), [all[2].to_due()]);
    }
}

async fn times_are_set_for_many_schedules_at_once(backend: Backend) {
    let db = backend.store().await;
    add(&db, &[schedule(1, "a"), schedule(2, "b"), schedule(3, "c")]).await;
    write(&db, async |tx| {
        let next: [(ScheduleId, Option<Timestamp>); 3] = [(id(1), Some(at(7))), (id(2), None), (id(9), Some(at(1)))];
        schedules::set_next_runs(tx, next).await.unwrap();
        schedules::stamp_last_run(tx, &[id(2), id(3), id(9)], at(8)).await.unwrap();
        schedules::stamp_last_run(tx, &[], at(9)).await.unwrap();
    })
    .await;
    assert_eq!(get(&db, 1).await, Some(ScheduleRow { next_run_at: Some(at(7)), ..schedule(1, "a") }));
    assert_eq!(
        get(&db, 2).await,
        Some(ScheduleRow { next_run_at: None, last_run_at: Some(at(8)), ..schedule(2, "b") })
    );
    assert_eq!(get(&db, 3).await, Some(ScheduleRow { last_run_at: Some(at(8)), ..schedule(3, "c") }));
}

async fn schedules_without_a_next_time_are_found(backend: Backend) {
    let db = backend.store().await;
    let without = |number| ScheduleRow { next_run_at: None, ..schedule(number, &format!("s{number}")) };
    let manual = ScheduleRow { trigger_type: TriggerType::Manual, ..without(3) };
    let disabled = ScheduleRow { is_enabled: false, ..without(4) };
    add(&db, &[without(2), without(1), manual, disabled, schedule(5, "s5")]).await;
    let found = schedules::lock_without_next_run(&mut db.write().await.unwrap()).await.unwrap();
    assert_eq!(found, [without(1).to_due(), without(2).to_due()]);
}

async fn users_of_run_profiles_are_found(backend: Backend) {
    let db = backend.store().await;
    add(&db, &[schedule(1, "b"), schedule(2, "a"), schedule(3, "c")]).await;
    let of = |number, schedule, system, profile| StepRow {
        connected_system_id: Some(system),
        run_profile_id: Some(profile),
        ..step(number, schedule, 0, 0)
    };
    put_steps(&db, 1, &[of(1, 1, 1, 1), of(2, 1, 1, 2)]).await;
    put_steps(&db, 2, &[of(3, 2, 1, 1), of(4, 2, 1, 1), of(5, 2, 2, 3)]).await;
    // Its ids say nothing: it does not execute a run profile.
    put_steps(&db, 3, &[StepRow { step_type: StepType::PowerShell, ..of(6, 3, 1, 1) }]).await;
    let mut tx = db.read().await.unwrap();
    for (system, profile, expected) in [
        (1, Some(1), vec!["a", "b"]),
        (1, Some(2), vec!["b"]),
        (1, None, vec!["a", "b"]),
        (2, None, vec!["a"]),
        (2, Some(1), vec![]),
        (3, None, vec![]),
    ] {
        assert_eq!(steps::users_of_profile(&mut tx, system, profile).await.unwrap(), expected, "{system} {profile:?}");
    }
}

/// Two connected systems with three run profiles: 1 and 2 of the first, 3 of the second.
async fn add_profiles(db: &Db) {
    write(db, async |tx| {
        for name in ["HR", "Payroll"] {
            let csv = CsvSettings::new("/srv/a.csv", "id", "mail");
            let system = ConnectedSystem::new(0, name.into(), Direction::Inbound, csv, at(0));
            connected_systems::insert(tx, &system).await.unwrap().unwrap();
        }
        for (system, name) in [(1, "Full Import"), (1, "Delta Import"), (2, "Full Import")] {
            let profile = format!(
                "INSERT INTO run_profiles (connected_system_id, name, run_type, page_size, created_at) \
                 VALUES ({system}, '{name}', 'FullImport', 100, 0)"
            );
            execute(tx, &profile).await;
        }
    })
    .await;
}

async fn profiles_that_exist_and_belong_together_are_found(backend: Backend) {
    let db = backend.store().await;
    add_profiles(&db).await;
    let mut tx = db.write().await.unwrap();
    let wanted = [(1, 1), (1, 3), (2, 3), (3, 1), (i64::MAX, i64::MIN), (1, 2)];
    assert_eq!(steps::lock_profiles(&mut tx, &wanted).await.unwrap(), [(1, 1), (1, 2), (2, 3)]);
    assert_eq!(steps::lock_profiles(&mut tx, &[]).await.unwrap(), []);
    if backend.is_shared() {
        let other = db.clone();
        let deleting = tokio::spawn(async move {
            write(&other, async |tx| execute(tx, "DELETE FROM run_profiles WHERE id = 1").await).await;
        });
        somebody_waits_for(&mut tx).await;
        tx.commit().await.unwrap();
        deleting.await.unwrap();
    }
}

async fn changes_of_one_schedule_follow_each_other(backend: Backend) {
    let db = backend.store().await;
    add(&db, &[schedule(1, "a")]).await;
    let mut tx = db.write().await.unwrap();
    schedules::lock(&mut tx, id(1)).await.unwrap().unwrap();
    let other = db.clone();
    let second =
        tokio::spawn(async move { write(&other, async |tx| schedules::lock(tx, id(1)).await.unwrap().unwrap()).await });
    if backend.is_shared() {
        somebody_waits_for(&mut tx).await;
    }
    schedules::update(&mut tx, &ScheduleRow { revision: "first".into(), ..schedule(1, "a") }).await.unwrap();
    steps::replace_steps(&mut tx, id(1), &[step(1, 1, 0, 0)]).await.unwrap();
    tx.commit().await.unwrap();
    let seen = second.await.unwrap();
    assert_eq!((seen.revision.as_str(), seen.step_count), ("first", 1));
}

async fn an_idle_schedule_with_a_next_time_is_a_violation(backend: Backend) {
    let db = backend.store().await;
    let disabled = ScheduleRow { is_enabled: false, ..schedule(1, "disabled") };
    let manual = ScheduleRow { trigger_type: TriggerType::Manual, ..schedule(2, "manual") };
    let at_rest = ScheduleRow { next_run_at: None, ..disabled.clone() };
    add(&db, &[disabled, manual, ScheduleRow { id: id(3), name: "at rest".into(), ..at_rest }, schedule(4, "enabled")])
        .await;
    let checked = check(&db, at(0), Reach::Whole).await.unwrap();
    let violated: Vec<_> = checked.into_iter().filter(|checked| checked.violations > 0).collect();
    assert_eq!(violated.len(), 1);
    assert_eq!(violated[0].name, "idle_schedule_with_next_time");
    assert_eq!(violated[0].examples, [id::<ScheduleId>(1).to_string(), id::<ScheduleId>(2).to_string()]);
}
