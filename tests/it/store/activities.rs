//! Activities: steps of executions and run profiles that somebody executed.

use justiam_sdk::api::activities::{Activity, ActivityStatus, ObjectError, TargetType};
use justiam_sdk::api::executions::{InitiatorType, StepStatus};
use justiam_sdk::api::ids::ActivityId;
use justiam_server::driver::execute::step::StepEnding;
use justiam_server::store::activities::{self, Filter};
use justiam_server::store::executions::Initiator;
// Some of its functions are in files of their own.
use justiam_server::store::{Db, active_steps, activities as history, activities as steps};
use justiam_tests::backend::{Backend, execute};
use justiam_tests::both_databases;

use super::executions::{claim_steps, execution_of};
use super::support::{TEXTS, at, id, write};

both_databases!(
    steps_are_snapshots_with_all_that_they_need,
    the_end_of_a_step_is_told_whole,
    steps_that_will_not_begin_are_cancelled,
    a_run_profile_is_recorded_where_it_exists,
    progress_counts_for_the_attempt_that_is_at_work,
    activities_are_listed_by_what_they_are,
    old_activities_are_removed,
);

async fn stored(db: &Db, number: u64) -> Activity {
    activities::get(&mut db.read().await.unwrap(), id(number)).await.unwrap().unwrap()
}

async fn finish(db: &Db, number: u64, ending: &StepEnding) {
    write(db, async |tx| {
        let ended = active_steps::take_ended(tx, "w", id(number), 1).await.unwrap().unwrap();
        activities::end(tx, ended.activity, ended.started_at, ending, at(10)).await.unwrap();
    })
    .await;
}

/// A connected system with two run profiles.
async fn profiles(db: &Db) {
    let sql = "INSERT INTO connected_systems (name, connector, direction, settings, created_at) VALUES ('HR', 'x', 'x', '', 0); \
               INSERT INTO run_profiles (connected_system_id, name, run_type, page_size, created_at) \
               VALUES (1, 'Full Import', 'x', 1, 0), (1, 'Export', 'x', 1, 0)";
    write(db, async |tx| execute(tx, sql).await).await;
}

fn admin() -> Initiator {
    Initiator { kind: InitiatorType::ApiKey, id: Some("t".into()), name: Some("admin".into()) }
}

async fn steps_are_snapshots_with_all_that_they_need(backend: Backend) {
    let db = backend.store().await;
    profiles(&db).await;
    execution_of(&db, 1, &[2, 0]).await;
    let mut tx = db.read().await.unwrap();
    let found = steps::steps_of_schedule(&mut tx, id(901)).await.unwrap();
    let found: Vec<_> =
        found.iter().map(|step| (step.id.as_str(), step.step_index, step.executable_path.as_deref())).collect();
    assert_eq!(found, [("step 101", 0, Some("/x")), ("step 100", 2, Some("/x"))]);
    assert_eq!(steps::indexes(&mut tx, id(1)).await.unwrap(), [0, 2]);
    drop(tx);
    write(&db, async |tx| execute(tx, "DELETE FROM schedules").await).await;
    let mut tx = db.read().await.unwrap();
    let job = activities::job(&mut tx, id(101)).await.unwrap().unwrap();
    assert_eq!(
        (job.name.as_str(), job.step_type.as_deref(), job.timeout_seconds),
        ("n101", Some("Executable"), Some(9))
    );
    assert_eq!((job.step_id.as_deref(), job.executable_path.as_deref()), (Some("step 101"), Some("/x")));
    assert_eq!((job.sql_sealed_by.as_deref(), job.sql_sealed.as_deref()), (Some("k"), Some("sealed")));
    assert_eq!(activities::job(&mut tx, id(9)).await.unwrap(), None);
    let found = steps::of_execution(&mut tx, id(1)).await.unwrap();
    assert_eq!((found[0].status.clone(), found[1].status.clone()), (StepStatus::Queued, StepStatus::Waiting));
    assert_eq!((found[0].name.as_str(), found[0].task_id, found[0].continue_on_failure), ("n101", Some(id(101)), true));
    drop(tx);
    claim_steps(&db, "w", 9).await;
    let found = steps::of_execution(&mut db.read().await.unwrap(), id(1)).await.unwrap();
    assert_eq!((found[0].status.clone(), found[0].started_at), (StepStatus::Processing, Some(at(1))));
    write(&db, async |tx| active_steps::cancel(tx, id(1), "why").await.unwrap()).await;
    let found = steps::of_execution(&mut db.read().await.unwrap(), id(1)).await.unwrap();
    assert_eq!(found[0].status, StepStatus::Cancelling);
}

async fn the_end_of_a_step_is_told_whole(backend: Backend) {
    let db = backend.store().await;
    execution_of(&db, 1, &[0; TEXTS.len()]).await;
    claim_steps(&db, "w", 99).await;
    for (number, text) in (100..).zip(TEXTS) {
        let mut ending = StepEnding::failed(text);
        ending.message = Some(text.to_owned());
        ending.output = Some(text.to_owned());
        ending.isolation = Some(text.to_owned());
        ending.exit_code = Some(-1);
        ending.objects.to_process = Some(9);
        ending.objects.processed = 8;
        ending.objects.counts.insert(text.to_owned(), 3);
        ending.objects.errors.push(ObjectError::new(text, text));
        finish(&db, number, &ending).await;
        let found = stored(&db, number).await;
        assert_eq!(found.status, ActivityStatus::FailedWithError);
        for told in [&found.error_message, &found.message, &found.output, &found.isolation] {
            assert_eq!(told.as_deref(), Some(text));
        }
        assert_eq!((found.exit_code, found.objects_to_process, found.objects_processed), (Some(-1), Some(9), 8));
        assert_eq!((found.counts, found.errors), (ending.objects.counts, ending.objects.errors));
        assert_eq!((found.executed, found.completed, found.execution_time_ms), (Some(at(1)), Some(at(10)), Some(9000)));
        assert_eq!(
            (found.target_name.as_str(), found.target_context.as_deref()),
            (format!("t{number}").as_str(), Some("c"))
        );
    }
    let group = steps::group(&mut db.read().await.unwrap(), id(1), 0).await.unwrap();
    assert!(group.iter().all(|step| step.failed && step.continue_on_failure));
    assert_eq!((group.len(), group[0].name.as_str()), (TEXTS.len(), "n100"));
}

async fn steps_that_will_not_begin_are_cancelled(backend: Backend) {
    let db = backend.store().await;
    execution_of(&db, 1, &[0, 0, 1]).await;
    claim_steps(&db, "w", 1).await;
    let cancelled = write(&db, async |tx| {
        active_steps::cancel(tx, id(1), "why").await.unwrap();
        steps::cancel_rest(tx, id(1), "why", at(4)).await.unwrap()
    })
    .await;
    assert_eq!(cancelled, 2);
    let found = stored(&db, 101).await;
    assert_eq!((found.status, found.error_message.as_deref()), (ActivityStatus::Cancelled, Some("why")));
    assert_eq!((found.executed, found.completed), (None, Some(at(4))));
    assert_eq!(stored(&db, 100).await.status, ActivityStatus::InProgress);
}

async fn a_run_profile_is_recorded_where_it_exists(backend: Backend) {
    let db = backend.store().await;
    profiles(&db).await;
    let insert = async |number, system, profile| {
        write(&db, async |tx| {
            activities::insert_run_profile(tx, id(number), system, profile, &admin(), at(0)).await.unwrap()
        })
        .await
    };
    assert!(insert(1, 1, 2).await);
    assert!(!insert(2, 1, 3).await && !insert(3, 2, 1).await);
    let found = stored(&db, 1).await;
    assert_eq!((found.target_type, found.status), (TargetType::ConnectedSystemRunProfile, ActivityStatus::NotSet));
    assert_eq!((found.target_name.as_str(), found.target_context.as_deref()), ("Export", Some("HR")));
    assert_eq!((found.connected_system_id, found.run_profile_id), (Some(1), Some(2)));
    assert_eq!((found.initiated_by_id.as_deref(), found.initiated_by_name.as_deref()), (Some("t"), Some("admin")));
    let claimed = claim_steps(&db, "w", 9).await;
    assert_eq!(claimed.iter().map(|step| step.activity).collect::<Vec<ActivityId>>(), [id(1)]);
}

async fn progress_counts_for_the_attempt_that_is_at_work(backend: Backend) {
    let db = backend.store().await;
    execution_of(&db, 1, &[0]).await;
    let progress = async |attempt, processed, to_process| {
        write(&db, async |tx| activities::progress(tx, id(100), attempt, processed, to_process).await.unwrap()).await
    };
    assert!(!progress(1, 5, None).await);
    claim_steps(&db, "w", 1).await;
    assert!(progress(1, 5, Some(20)).await && !progress(2, 9, None).await && progress(1, 7, None).await);
    let found = stored(&db, 100).await;
    assert_eq!((found.objects_processed, found.objects_to_process), (7, Some(20)));
    finish(&db, 100, &StepEnding::failed("lost")).await;
    assert!(!progress(1, 8, None).await);
    assert_eq!(stored(&db, 100).await.objects_processed, 7, "what was told is not taken back");
}

async fn activities_are_listed_by_what_they_are(backend: Backend) {
    let db = backend.store().await;
    profiles(&db).await;
    execution_of(&db, 1, &[0, 1]).await;
    claim_steps(&db, "w", 1).await;
    write(&db, async |tx| {
        activities::insert_run_profile(tx, id(500), 1, 1, &admin(), at(0)).await.unwrap();
    })
    .await;
    let list = async |filter: Filter, offset, limit| {
        let (found, total) = history::list(&mut db.read().await.unwrap(), &filter, offset, limit).await.unwrap();
        (found.iter().map(|activity| activity.id).collect::<Vec<_>>(), total)
    };
    assert_eq!(list(Filter::default(), 0, 2).await, (vec![id(500), id(101)], 3));
    assert_eq!(list(Filter::default(), 2, 2).await, (vec![id(100)], 3));
    let of = |status| Filter { status, execution: Some(id(1)), ..Filter::default() };
    assert_eq!(list(of(None), 0, 9).await, (vec![id(101), id(100)], 2));
    assert_eq!(list(of(Some(ActivityStatus::InProgress)), 0, 9).await, (vec![id(100)], 1));
    assert_eq!(list(of(Some(ActivityStatus::NotSet)), 0, 9).await, (vec![id(101)], 1));
    let system = Filter { connected_system: Some(1), ..Filter::default() };
    assert_eq!(list(system.clone(), 0, 9).await, (vec![id(500)], 1));
    assert_eq!(list(Filter { execution: Some(id(1)), ..system }, 0, 9).await, (vec![], 0));
    assert_eq!(list(Filter { only_profiles: true, ..Filter::default() }, 0, 9).await, (vec![id(500)], 1));
    let uses =
        async |system, profile| history::uses_profile(&mut db.read().await.unwrap(), system, profile).await.unwrap();
    assert_eq!((uses(1, None).await, uses(1, Some(1)).await), (true, true));
    assert_eq!((uses(2, None).await, uses(1, Some(99)).await), (false, false));
    claim_steps(&db, "w", 9).await;
    finish(&db, 500, &StepEnding::new(ActivityStatus::Complete)).await;
    assert!(!uses(1, Some(1)).await);
}

async fn old_activities_are_removed(backend: Backend) {
    let db = backend.store().await;
    profiles(&db).await;
    execution_of(&db, 1, &[0]).await;
    for number in [10, 20, 30] {
        write(&db, async |tx| {
            activities::insert_run_profile(tx, id(number), 1, 1, &admin(), at(0)).await.unwrap();
        })
        .await;
    }
    claim_steps(&db, "w", 9).await;
    for number in [10, 100] {
        finish(&db, number, &StepEnding::new(ActivityStatus::Complete)).await;
    }
    let prune = async |before| write(&db, async |tx| history::prune(tx, id(before), 9).await.unwrap()).await;
    assert_eq!((prune(10).await, prune(400).await, prune(400).await), (0, 1, 0));
    assert_eq!(stored(&db, 100).await.status, ActivityStatus::Complete, "it goes with its execution");
}
