//! The history of runs.

use futures::future::join_all;
use justiam_sdk::api::ids::RunId;
use justiam_sdk::api::runs::Run;
use justiam_sdk::api::values::{OverlapPolicy, RunStatus, Trigger};
use justiam_server::store::runs::{self, End, Ending, Fate, NewRun};
use justiam_server::store::{Db, Error, active_runs, tasks};
use justiam_tests::backend::Backend;
use justiam_tests::both_databases;

use super::support::{
    TEXTS, add_runs, add_tasks, at, claim, id, number, run, standing, stored, task, task_with, write,
};

both_databases!(
    a_run_is_read_as_one_whether_it_is_active_or_not,
    a_tick_is_recorded_once,
    a_tick_that_many_record_at_once_is_recorded_once,
    triggers_have_no_tick,
    the_runs_of_ticks_are_found,
    histories_are_filtered_and_paged_newest_first,
    a_page_that_is_too_long_is_refused_and_shorter_ones_are_not,
    texts_come_back_byte_for_byte,
    a_nul_is_refused_or_kept_but_never_cut,
    an_end_is_written_once,
    old_runs_are_pruned_but_the_newest_of_a_task_and_active_ones,
);

fn ending(status: RunStatus) -> Ending {
    Ending { status, output: None, error: None, isolation: None }
}

fn end(number: u64, ending: Ending) -> End {
    End { id: id(number), ending, reason: None, started_at: Some(at(1)), attempt: 1 }
}

async fn a_run_is_read_as_one_whether_it_is_active_or_not(backend: Backend) {
    let db = backend.store().await;
    let mut new = run(1, id(7), Fate::Ready);
    new.task_name = TEXTS[7].into();
    new.trigger = Trigger::Manual;
    new.missed_ticks = i64::MAX;
    new.triggered_by = Some(TEXTS[6].into());
    new.queued_at = at(2);
    add_runs(&db, &[new.clone()]).await;
    let mut expected = Run::new(id(1), id(7), new.task_name, Trigger::Manual, at(1), at(2));
    expected.missed_ticks = i64::MAX;
    expected.triggered_by = new.triggered_by;
    assert_eq!(stored(&db, 1).await, expected);
    assert_eq!(expected.status, RunStatus::Queued);

    write(&db, async |tx| active_runs::claim(tx, "w", at(30), at(3), 1).await.unwrap()).await;
    expected.status = RunStatus::Running;
    expected.started_at = Some(at(3));
    expected.attempt = 1;
    assert_eq!(stored(&db, 1).await, expected);

    write(&db, async |tx| active_runs::cancel(tx, id(1), "enough", at(4)).await.unwrap()).await;
    expected.reason = Some("enough".into());
    assert_eq!(stored(&db, 1).await, expected);

    write(&db, async |tx| {
        let ended = active_runs::take_ended(tx, "w", &[(id(1), 1)]).await.unwrap().remove(0);
        let ending = Ending { output: Some("o".into()), isolation: Some("i".into()), ..ending(RunStatus::Success) };
        runs::end(tx, &[ended.into_end(ending)], at(5)).await.unwrap();
    })
    .await;
    expected.status = RunStatus::Cancelled;
    expected.finished_at = Some(at(5));
    expected.duration_ms = Some(2000);
    expected.output = Some("o".into());
    expected.isolation = Some("i".into());
    assert_eq!(stored(&db, 1).await, expected);

    add_runs(&db, &[run(2, id(7), Fate::Cancelled("skipped".into()))]).await;
    let mut expected = Run::new(id(2), id(7), "T".into(), Trigger::Cron, at(2), at(0));
    expected.status = RunStatus::Cancelled;
    expected.finished_at = Some(at(0));
    expected.reason = Some("skipped".into());
    assert_eq!(stored(&db, 2).await, expected);
    assert_eq!(runs::get(&mut db.read().await.unwrap(), id(3)).await.unwrap(), None);
}

async fn a_tick_is_recorded_once(backend: Backend) {
    let db = backend.store().await;
    let tick = |number: u64, fate: Fate| NewRun { scheduled_for: at(60), ..run(number, id(7), fate) };
    let other = run(5, id(8), Fate::Ready);
    let other = NewRun { scheduled_for: at(60), ..other };
    let batch = [tick(1, Fate::Ready), tick(2, Fate::Ready), other];
    let recorded = write(&db, async |tx| runs::insert(tx, &batch).await.unwrap()).await;
    assert_eq!(recorded, [id(1), id(5)].into());
    for (number, fate) in [(3, Fate::Ready), (4, Fate::Cancelled("skipped".into()))] {
        let again = [tick(number, fate), run(100 + number, id(7), Fate::Ready)];
        let recorded = write(&db, async |tx| runs::insert(tx, &again).await.unwrap()).await;
        assert_eq!(recorded, [id(100 + number)].into(), "the other one of the batch is recorded");
    }
    // Also after it has ended, and as a tick of another kind.
    assert_eq!(claim(&db, "w", 1).await[0].id, id(1));
    let once = NewRun { trigger: Trigger::Once, ..tick(6, Fate::Ready) };
    assert_eq!(write(&db, async |tx| runs::insert(tx, &[once]).await.unwrap()).await, [].into());
    let active = active_runs::of_tasks(&mut db.read().await.unwrap(), &[id(7)]).await.unwrap();
    assert_eq!(active[&id(7)].active, 3);
    assert_eq!(write(&db, async |tx| runs::insert(tx, &[]).await.unwrap()).await, [].into());
}

async fn a_tick_that_many_record_at_once_is_recorded_once(backend: Backend) {
    let db = backend.store().await;
    // Eight dispatchers with the same hundred ticks, in two batches each.
    let recorded = join_all((0..8_u64).map(|dispatcher| {
        let db = db.clone();
        async move {
            let mut recorded = Vec::new();
            for ticks in [1..=50, 51..=100] {
                let batch: Vec<NewRun> = ticks
                    .map(|tick| NewRun { id: id(dispatcher * 1000 + tick), ..run(tick, id(7), Fate::Ready) })
                    .collect();
                recorded.extend(write(&db, async |tx| runs::insert(tx, &batch).await.unwrap()).await);
            }
            recorded
        }
    }))
    .await
    .concat();
    let mut ticks: Vec<u64> = recorded.iter().map(|run| number(*run) % 1000).collect();
    ticks.sort_unstable();
    assert_eq!(ticks, (1..=100).collect::<Vec<_>>());
    let active = active_runs::of_tasks(&mut db.read().await.unwrap(), &[id(7)]).await.unwrap();
    assert_eq!((active[&id(7)].active, active[&id(7)].queued), (100, 100));
}

async fn triggers_have_no_tick(backend: Backend) {
    let db = backend.store().await;
    let trigger =
        |number: u64| NewRun { trigger: Trigger::Manual, scheduled_for: at(60), ..run(number, id(7), Fate::Ready) };
    let tick = NewRun { scheduled_for: at(60), ..run(3, id(7), Fate::Ready) };
    add_runs(&db, &[trigger(1), trigger(2), tick]).await;
    add_runs(&db, &[trigger(4)]).await;
}

async fn the_runs_of_ticks_are_found(backend: Backend) {
    let db = backend.store().await;
    let manual = NewRun { trigger: Trigger::Manual, ..run(4, id(7), Fate::Ready) };
    let cancelled = run(3, id(8), Fate::Cancelled("skipped".into()));
    add_runs(&db, &[run(1, id(7), Fate::Ready), run(2, id(7), Fate::Ready), cancelled, manual]).await;
    let asked = [(id(7), at(1)), (id(8), at(3)), (id(8), at(1)), (id(7), at(4)), (id(9), at(2))];
    let mut found = runs::of_ticks(&mut db.read().await.unwrap(), asked).await.unwrap();
    found.sort_unstable_by_key(|(_, _, run)| *run);
    assert_eq!(found, [(id(7), at(1), id(1)), (id(8), at(3), id(3))]);
    assert_eq!(runs::of_ticks(&mut db.read().await.unwrap(), []).await.unwrap(), []);
}

async fn histories_are_filtered_and_paged_newest_first(backend: Backend) {
    use RunStatus::{Cancelled, Queued, Running, Success};
    let db = backend.store().await;
    let skipped = || Fate::Cancelled("skipped".into());
    add_runs(&db, &[run(2, id(7), Fate::Ready), run(1, id(8), skipped()), run(4, id(7), skipped())]).await;
    assert_eq!(claim(&db, "w", 1).await.len(), 1);
    add_runs(&db, &[run(3, id(7), Fate::Waiting), run(5, id(7), Fate::Ready)]).await;
    for (task, status, offset, limit, expected, total) in [
        (None, None, 0, 10, vec![5, 4, 3, 2, 1], 5),
        (None, None, 1, 2, vec![4, 3], 5),
        (None, None, 5, 2, vec![], 5),
        (Some(7), None, 0, 10, vec![5, 4, 3, 2], 4),
        (Some(9), None, 0, 10, vec![], 0),
        (None, Some(Queued), 0, 10, vec![5, 3], 2),
        (None, Some(Running), 0, 10, vec![2], 1),
        (None, Some(Cancelled), 1, 10, vec![1], 2),
        (Some(7), Some(Cancelled), 0, 10, vec![4], 1),
        (None, Some(Success), 0, 10, vec![], 0),
    ] {
        let mut tx = db.read().await.unwrap();
        let (page, all) = runs::list(&mut tx, task.map(id), status.as_ref(), offset, limit).await.unwrap();
        let found: Vec<u64> = page.iter().map(|run| number(run.id)).collect();
        assert_eq!((found, all), (expected, total), "{task:?} {status:?} {offset} {limit}");
    }
}

async fn a_page_that_is_too_long_is_refused_and_shorter_ones_are_not(backend: Backend) {
    let db = backend.store().await;
    add_runs(&db, &(1..=9).map(|number| run(number, id(7), Fate::Ready)).collect::<Vec<_>>()).await;
    for number in 1..=9 {
        let ended = Ending { output: Some("x".repeat(8 << 20)), ..ending(RunStatus::Success) };
        write(&db, async |tx| runs::end(tx, &[end(number, ended)], at(9)).await.unwrap()).await;
    }
    let mut tx = db.read().await.unwrap();
    let refused = runs::list(&mut tx, None, None, 0, 1000).await;
    assert!(matches!(refused, Err(Error::LongPage)), "{refused:?}");
    assert_eq!(runs::list(&mut tx, None, None, 0, 8).await.unwrap().0.len(), 8);
}

async fn texts_come_back_byte_for_byte(backend: Backend) {
    let db = backend.store().await;
    let huge = "a\u{10ffff}\"\\\n".repeat(100_000);
    for (number, text) in (1..).zip(TEXTS.into_iter().chain([huge.as_str()])) {
        let new = NewRun { task_name: text.into(), triggered_by: Some(text.into()), ..run(number, id(7), Fate::Ready) };
        add_runs(&db, &[new]).await;
        let text = Some(text.to_owned());
        let ended =
            Ending { output: text.clone(), error: text.clone(), isolation: text.clone(), ..ending(RunStatus::Error) };
        let end = End { reason: text.clone(), ..end(number, ended) };
        write(&db, async |tx| runs::end(tx, &[end], at(9)).await.unwrap()).await;
        let run = stored(&db, number).await;
        assert_eq!((Some(run.task_name), run.triggered_by), (text.clone(), text.clone()));
        assert_eq!((&run.output, &run.error, &run.isolation, &run.reason), (&text, &text, &text, &text));
    }
}

/// Texts from outside never have one when they get here; this is what happens if one has.
async fn a_nul_is_refused_or_kept_but_never_cut(backend: Backend) {
    let db = backend.store().await;
    add_runs(&db, &[run(1, id(7), Fate::Ready)]).await;
    let text = Some("before\0after".to_owned());
    let ended = end(1, Ending { output: text.clone(), ..ending(RunStatus::Success) });
    let mut tx = db.write().await.unwrap();
    match runs::end(&mut tx, &[ended], at(9)).await {
        Err(Error::Database(_)) => assert!(backend.is_shared()),
        Err(error) => panic!("{error:?}"),
        Ok(()) => {
            tx.commit().await.unwrap();
            assert_eq!(stored(&db, 1).await.output, text);
        }
    }
}

async fn an_end_is_written_once(backend: Backend) {
    let db = backend.store().await;
    add_runs(&db, &[run(1, id(7), Fate::Ready), run(2, id(7), Fate::Ready)]).await;
    let first = [end(1, Ending { output: Some("first".into()), ..ending(RunStatus::Success) })];
    write(&db, async |tx| runs::end(tx, &first, at(5)).await.unwrap()).await;
    let once = stored(&db, 1).await;
    let second = [end(1, ending(RunStatus::Error)), end(2, ending(RunStatus::Error)), end(9, ending(RunStatus::Error))];
    write(&db, async |tx| runs::end(tx, &second, at(6)).await.unwrap()).await;
    assert_eq!(stored(&db, 1).await, once);
    assert_eq!(standing(&db, 2).await, "error");
    write(&db, async |tx| runs::end(tx, &[], at(6)).await.unwrap()).await;
}

/// Prunes in batches of two, and returns the numbers of what is left.
async fn prune(db: &Db, before: u64) -> Vec<u64> {
    let mut after: RunId = "00000000-0000-0000-0000-000000000000".parse().unwrap();
    let mut gone = 0;
    let (all, _) = runs::list(&mut db.read().await.unwrap(), None, None, 0, 100).await.unwrap();
    loop {
        let (now_gone, last) = write(db, async |tx| runs::prune(tx, after, id(before), 2).await.unwrap()).await;
        gone += now_gone;
        let Some(last) = last else { break };
        assert!(last > after);
        after = last;
    }
    let (left, _) = runs::list(&mut db.read().await.unwrap(), None, None, 0, 100).await.unwrap();
    assert_eq!(all.len() as u64 - gone, left.len() as u64);
    left.iter().rev().map(|run| number(run.id)).collect()
}

async fn old_runs_are_pruned_but_the_newest_of_a_task_and_active_ones(backend: Backend) {
    let db = backend.store().await;
    add_tasks(&db, &[task(7, "T"), task(8, "U"), task_with(9, OverlapPolicy::Queue)]).await;
    let over = || Fate::Cancelled("over".into());
    let of = |numbers: &[u64], task: u64, fate: fn() -> Fate| {
        numbers.iter().map(|number| run(*number, id(task), fate())).collect::<Vec<_>>()
    };
    add_runs(&db, &of(&[1, 3, 5, 7], 7, over)).await;
    add_runs(&db, &of(&[2, 4, 12], 8, over)).await;
    add_runs(&db, &of(&[6], 9, || Fate::Ready)).await;
    add_runs(&db, &of(&[8, 9], 9, || Fate::Waiting)).await;
    // Of a task that is gone.
    add_runs(&db, &of(&[10, 11, 13], 6, over)).await;
    assert_eq!(prune(&db, 1).await, (1..=13).collect::<Vec<_>>());
    assert_eq!(prune(&db, 5).await, [5, 6, 7, 8, 9, 10, 11, 12, 13]);
    assert_eq!(prune(&db, 13).await, [6, 7, 8, 9, 12, 13]);
    assert_eq!(prune(&db, 100).await, [6, 7, 8, 9, 12]);
    write(&db, async |tx| assert!(tasks::delete(tx, id(7)).await.unwrap())).await;
    assert_eq!(prune(&db, 100).await, [6, 8, 9, 12]);
    assert_eq!(claim(&db, "w", 9).await.len(), 1);
    assert_eq!(prune(&db, 100).await, [6, 8, 9, 12]);
}
