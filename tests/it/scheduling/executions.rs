//! Executions of schedules: which steps run when, and what their ends mean.

mod cancels;
mod firings;
mod killed;
mod loss;
mod support;

use jiff::SignedDuration;
use justiam_sdk::api::activities::{ActivityQuery, ActivityStatus};
use justiam_sdk::api::executions::{ExecutionStatus, InitiatorType, StepStatus};
use justiam_sdk::api::schedules::StepType;
use justiam_server::app::Error;
use justiam_server::driver::execute::step::StepEnding;
use justiam_server::store::schedules;
use justiam_tests::backend::{Backend, execute};
use justiam_tests::both_databases;
use justiam_tests::until;

use support::{Engine, admin, standing, steps};

both_databases!(
    groups_follow_each_other_and_steps_of_a_group_overlap,
    a_failed_group_ends_its_execution_and_the_steps_after_it_do_not_run,
    a_failure_that_may_be_passed_is_passed,
    errors_of_single_objects_are_a_failure_and_warnings_are_not,
    a_step_that_takes_too_long_is_stopped,
    what_a_step_told_is_kept,
    a_step_that_panics_fails,
    run_profiles_of_one_system_take_turns,
    edits_and_deletes_change_neither_course_nor_record,
    a_thousand_steps_run,
    as_many_steps_as_there_are_workers_are_at_work,
    a_shutdown_ends_steps_that_take_too_long,
);

async fn groups_follow_each_other_and_steps_of_a_group_overlap(backend: Backend) {
    let engine = Engine::start(&backend).await;
    let schedule = engine.schedule(&[("c", 7), ("a", 0), ("b", 0), ("d", 1000)]).await;
    let id = engine.run(schedule).await;
    let group = engine.steps(2).await;
    assert_eq!(group.iter().map(|step| step.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    let execution = engine.execution(id).await;
    assert_eq!(execution.status, ExecutionStatus::InProgress);
    assert_eq!((execution.current_step_index, execution.total_steps), (0, 4));
    assert_eq!(standing(&execution), ["a Processing", "b Processing", "c Waiting", "d Waiting"]);
    for (step, active) in steps(&execution).iter().zip([true, true, false, false]) {
        assert_eq!((step.task_id.is_some(), step.started_at.is_some()), (true, active), "{}", step.name);
    }
    let mut group = group.into_iter();
    group.next().unwrap().succeed();
    until("the first step to end", async || standing(&engine.execution(id).await)[0] == "a Completed").await;
    engine.assert_nobody().await;
    engine.clock.advance(SignedDuration::from_secs(5));
    group.next().unwrap().succeed();
    let third = engine.step().await;
    assert_eq!((third.name.as_str(), engine.execution(id).await.current_step_index), ("c", 7));
    third.succeed();
    engine.step().await.succeed();
    let execution = engine.settled(id, ExecutionStatus::Completed).await;
    assert_eq!((execution.current_step_index, execution.error_message.clone()), (1000, None));
    let first = &steps(&execution)[0];
    assert_eq!((first.task_id, first.activity_status.clone()), (None, Some(ActivityStatus::Complete)));
    let took = |at: usize| {
        let step = &steps(&execution)[at];
        step.started_at.unwrap().duration_until(step.completed_at.unwrap())
    };
    assert_eq!((took(0), took(1)), (SignedDuration::ZERO, SignedDuration::from_secs(5)));
    engine.stop().await;
}

async fn a_failed_group_ends_its_execution_and_the_steps_after_it_do_not_run(backend: Backend) {
    let engine = Engine::start(&backend).await;
    let schedule = engine.schedule(&[("a", 0), ("b", 0), ("c", 1), ("d", 2)]).await;
    let id = engine.run(schedule).await;
    let [first, second] = engine.steps(2).await.try_into().ok().unwrap();
    first.fail("no such file");
    until("the failure to be recorded", async || standing(&engine.execution(id).await)[0] == "a Failed").await;
    // The others of its group end as they would.
    assert_eq!(engine.execution(id).await.status, ExecutionStatus::InProgress);
    second.succeed();
    let execution = engine.settled(id, ExecutionStatus::Failed).await;
    assert_eq!(standing(&execution), ["a Failed", "b Completed", "c Cancelled", "d Cancelled"]);
    assert_eq!(execution.error_message.as_deref(), Some("step `a` failed, and its continueOnFailure is false"));
    assert_eq!(steps(&execution)[0].error_message.as_deref(), Some("no such file"));
    assert_eq!(steps(&execution)[3].error_message.as_deref(), Some("not run: an earlier step failed"));
    assert_eq!(execution.current_step_index, 0);
    engine.assert_nobody().await;
    engine.stop().await;
}

async fn a_failure_that_may_be_passed_is_passed(backend: Backend) {
    let engine = Engine::start(&backend).await;
    // In each group one fails; what counts is the word of the one that fails.
    let names = [("a", 0), ("b", 0), ("c", 1), ("d", 1), ("e", 2)];
    let schedule = engine
        .schedule_with(&names, |_, steps| {
            steps[0].continue_on_failure = true;
            steps[2].continue_on_failure = true;
        })
        .await;
    let id = engine.run(schedule).await;
    let [first, second] = engine.steps(2).await.try_into().ok().unwrap();
    first.fail("a");
    second.succeed();
    let [third, fourth] = engine.steps(2).await.try_into().ok().unwrap();
    third.succeed();
    fourth.fail("d");
    let execution = engine.settled(id, ExecutionStatus::Failed).await;
    assert_eq!(standing(&execution), ["a Failed", "b Completed", "c Completed", "d Failed", "e Cancelled"]);
    engine.write(async |tx| execute(tx, "UPDATE schedule_steps SET continue_on_failure = TRUE").await).await;
    let id = engine.run(schedule).await;
    for count in [2, 2, 1] {
        for step in engine.steps(count).await {
            step.fail("all of them");
        }
    }
    let execution = engine.settled(id, ExecutionStatus::Completed).await;
    assert!(steps(&execution).iter().all(|step| step.status == StepStatus::Failed));
    engine.stop().await;
}

async fn errors_of_single_objects_are_a_failure_and_warnings_are_not(backend: Backend) {
    let engine = Engine::start(&backend).await;
    let schedule = engine.schedule(&[("a", 0), ("b", 1), ("c", 2)]).await;
    let id = engine.run(schedule).await;
    engine.step().await.end_as(StepEnding::new(ActivityStatus::CompleteWithWarning));
    engine.step().await.end_as(StepEnding::new(ActivityStatus::CompleteWithError));
    let execution = engine.settled(id, ExecutionStatus::Failed).await;
    assert_eq!(standing(&execution), ["a Completed with Warning", "b Completed with Error", "c Cancelled"]);
    engine.stop().await;
}

async fn a_step_that_takes_too_long_is_stopped(backend: Backend) {
    let engine = Engine::start(&backend).await;
    let schedule = engine.schedule_with(&[("a", 0), ("b", 1)], |_, steps| {
        steps[0].timeout_seconds = Some(15);
        steps[0].continue_on_failure = true;
    });
    let id = engine.run(schedule.await).await;
    let first = engine.step().await;
    engine.clock.advance(SignedDuration::from_secs(14));
    assert!(!first.is_stopped());
    engine.clock.advance(SignedDuration::from_secs(1));
    first.stopped().await;
    let second = engine.step().await;
    let execution = engine.execution(id).await;
    let step = &steps(&execution)[0];
    assert_eq!((&step.status, step.error_message.as_deref()), (&StepStatus::Failed, Some("timed out after 15 s")));
    // Without a limit there is none.
    engine.clock.advance(SignedDuration::from_secs(8));
    assert!(!second.is_stopped());
    second.succeed();
    engine.settled(id, ExecutionStatus::Completed).await;
    engine.stop().await;
}

async fn what_a_step_told_is_kept(backend: Backend) {
    let engine = Engine::start(&backend).await;
    let schedule = engine.schedule(&[("a", 3)]).await;
    let id = engine.run(schedule).await;
    let step = engine.step().await;
    engine.clock.advance(SignedDuration::from_millis(1500));
    let mut ending = StepEnding::failed("exit code 3");
    ending.exit_code = Some(3);
    ending.output = Some("the last words\n".into());
    ending.isolation = Some("a sandbox".into());
    ending.message = Some("some words".into());
    ending.objects.processed = 7;
    ending.objects.counts.insert("added".into(), 4);
    step.end_as(ending);
    let execution = engine.settled(id, ExecutionStatus::Failed).await;
    let step = &steps(&execution)[0];
    assert_eq!((step.exit_code, step.output.as_deref(), step.step_index), (Some(3), Some("the last words\n"), 3));
    let activity = engine.app.activity(&admin(), step.activity_id.unwrap()).await.unwrap();
    assert_eq!(activity.status, ActivityStatus::FailedWithError);
    assert_eq!(activity.execution_time_ms, Some(1500));
    assert_eq!((activity.message.as_deref(), activity.isolation.as_deref()), (Some("some words"), Some("a sandbox")));
    assert_eq!((activity.objects_processed, activity.counts["added"]), (7, 4));
    assert_eq!((activity.target_name.as_str(), activity.schedule_step_index), ("a", Some(3)));
    assert_eq!(activity.schedule_execution_id, Some(id));
    assert_eq!(activity.scheduled_by_schedule_id, Some(schedule));
    assert_eq!(
        (activity.initiated_by_type, activity.initiated_by_name),
        (InitiatorType::ApiKey, Some("the admin".into()))
    );
    let listed = engine.app.list_activities(&admin(), &ActivityQuery::new()).await.unwrap();
    assert_eq!((listed.total_count, listed.items[0].id), (1, activity.id));
    engine.stop().await;
}

async fn a_step_that_panics_fails(backend: Backend) {
    let engine = Engine::start(&backend).await;
    let schedule = engine.schedule(&[("a", 0)]).await;
    let id = engine.run(schedule).await;
    engine.step().await.panic();
    let execution = engine.settled(id, ExecutionStatus::Failed).await;
    let expected = "the server failed while it executed this step; its log has the cause";
    assert_eq!(steps(&execution)[0].error_message.as_deref(), Some(expected));
    engine.stop().await;
}

async fn run_profiles_of_one_system_take_turns(backend: Backend) {
    let engine = Engine::start(&backend).await;
    let names = [("a", 0), ("b", 0), ("c", 0), ("d", 0)];
    let schedule = engine
        .schedule_with(&names, |_, steps| {
            for (step, system) in steps.iter_mut().zip([1, 1, 2, 1]) {
                step.step_type = StepType::RunProfile;
                step.connected_system_id = Some(system);
                step.run_profile_id = Some(system);
            }
            // Another type of step may have the number as well.
            steps[3].step_type = StepType::Executable;
        })
        .await;
    let id = engine.run(schedule).await;
    let first = engine.steps(3).await;
    assert_eq!(first.iter().map(|step| step.name.as_str()).collect::<Vec<_>>(), ["a", "c", "d"]);
    assert_eq!(standing(&engine.execution(id).await)[1], "b Queued");
    engine.assert_nobody().await;
    for step in first {
        step.succeed();
    }
    engine.step().await.succeed();
    engine.settled(id, ExecutionStatus::Completed).await;
    engine.stop().await;
}

async fn edits_and_deletes_change_neither_course_nor_record(backend: Backend) {
    let engine = Engine::start(&backend).await;
    let schedule = engine.schedule(&[("a", 0), ("b", 1), ("c", 2)]).await;
    let id = engine.run(schedule).await;
    let step = engine.step().await;
    engine
        .write(async |tx| {
            execute(tx, "UPDATE schedules SET name = 'another'; UPDATE schedule_steps SET name = 'x', step_index = 9")
                .await;
        })
        .await;
    step.succeed();
    let step = engine.step().await;
    assert_eq!(step.name, "b");
    engine.write(async |tx| assert!(schedules::delete(tx, schedule).await.unwrap())).await;
    step.succeed();
    engine.step().await.succeed();
    let execution = engine.settled(id, ExecutionStatus::Completed).await;
    assert_eq!(standing(&execution), ["a Completed", "b Completed", "c Completed"]);
    assert_eq!(execution.schedule_name, format!("S {schedule}"));
    let gone = engine.app.run_schedule(&admin(), schedule, None).await.unwrap_err();
    assert!(matches!(gone, Error::NotFound { .. }), "{gone}");
    engine.stop().await;
}

async fn a_thousand_steps_run(backend: Backend) {
    let engine = Engine::start(&backend).await;
    let names: Vec<String> = (0..1000).map(|n| format!("{n:04}")).collect();
    // Ten groups of a hundred.
    let steps_of: Vec<(&str, i64)> = (0..).zip(&names).map(|(n, name)| (name.as_str(), n / 100)).collect();
    let schedule = engine.schedule(&steps_of).await;
    let id = engine.run(schedule).await;
    for expected in &names {
        // One after the other, so that their order shows.
        let step = engine.step().await;
        assert_eq!(step.name[..2], expected[..2]);
        step.succeed();
    }
    let execution = engine.settled(id, ExecutionStatus::Completed).await;
    assert_eq!((execution.total_steps, execution.current_step_index), (1000, 9));
    engine.stop().await;
}

async fn as_many_steps_as_there_are_workers_are_at_work(backend: Backend) {
    let clock = justiam_tests::clock::ManualClock::at(justiam_tests::server::START);
    let engine = Engine::start_with(&backend, clock, |settings| settings.step_slots = 2).await;
    let schedule = engine.schedule(&[("a", 0), ("b", 0), ("c", 0)]).await;
    let id = engine.run(schedule).await;
    let [first, second] = engine.steps(2).await.try_into().ok().unwrap();
    assert_eq!((first.name.as_str(), second.name.as_str()), ("a", "b"));
    assert_eq!(standing(&engine.execution(id).await)[2], "c Queued");
    first.succeed();
    engine.step().await.succeed();
    second.succeed();
    engine.settled(id, ExecutionStatus::Completed).await;
    engine.stop().await;
}

async fn a_shutdown_ends_steps_that_take_too_long(backend: Backend) {
    let engine = Engine::start(&backend).await;
    let schedule = engine.schedule(&[("a", 0), ("b", 1)]).await;
    let id = engine.run(schedule).await;
    let step = engine.step().await;
    engine.shutdown.soft.cancel();
    engine.shutdown.hard.cancel();
    step.stopped().await;
    let clock = engine.clock.clone();
    engine.stop().await;
    let engine = Engine::start_with(&backend, clock, |_| {}).await;
    let execution = engine.execution(id).await;
    assert_eq!(execution.status, ExecutionStatus::Failed);
    let expected = "the server was shut down before the step ended";
    assert_eq!(steps(&execution)[0].error_message.as_deref(), Some(expected));
    engine.stop().await;
}
