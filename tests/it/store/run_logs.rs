//! The logs of runs.

use justiam_sdk::api::values::RunStatus;
use justiam_server::store::active_runs::Claimed;
use justiam_server::store::run_logs::{self, Addition, HEAD, Piece, TAIL};
use justiam_server::store::runs::{self, Fate};
use justiam_server::store::{Db, active_runs};
use justiam_tests::backend::{Backend, number as ask};
use justiam_tests::both_databases;

use super::support::{TEXTS, add_runs, at, claim, id, run, write};

both_databases!(
    pieces_are_read_in_their_order_from_anywhere,
    pieces_that_are_written_again_count_once,
    the_middle_of_a_long_log_goes,
    only_the_attempt_that_is_at_work_holds_a_run,
    whoever_holds_a_run_keeps_others_from_ending_it,
    logs_go_with_their_runs,
    the_status_of_a_run_is_read_alone,
);

fn addition(run: u64, pieces: &[(u64, &str)]) -> Addition {
    let pieces: Vec<Piece> = pieces.iter().map(|(at, text)| Piece { at: *at, text: (*text).to_owned() }).collect();
    let end = pieces.last().map_or(0, Piece::end);
    Addition { run: id(run), pieces, tail_from: end.saturating_sub(TAIL), end }
}

async fn append(db: &Db, additions: &[Addition]) {
    let additions: Vec<&Addition> = additions.iter().collect();
    write(db, async |tx| run_logs::append(tx, &additions).await.unwrap()).await;
}

async fn read(db: &Db, run: u64, from: u64) -> Vec<(u64, String)> {
    let pieces = run_logs::read(&mut db.read().await.unwrap(), id(run), from).await.unwrap();
    pieces.into_iter().map(|piece| (piece.at, piece.text)).collect()
}

async fn pieces_are_read_in_their_order_from_anywhere(backend: Backend) {
    let db = backend.store().await;
    append(&db, &[addition(1, &[(0, "one "), (4, "zwö"), (100, "last")]), addition(2, &[(0, "other")])]).await;
    append(&db, &[]).await;
    let piece = |at: u64, text: &str| (at, text.to_owned());
    for (from, expected) in [
        (0, vec![piece(0, "one "), piece(4, "zwö"), piece(100, "last")]),
        (3, vec![piece(3, " "), piece(4, "zwö"), piece(100, "last")]),
        (4, vec![piece(4, "zwö"), piece(100, "last")]),
        // In the middle of a character.
        (7, vec![piece(100, "last")]),
        (50, vec![piece(100, "last")]),
        (104, vec![]),
        (u64::MAX, vec![]),
    ] {
        assert_eq!(read(&db, 1, from).await, expected, "{from}");
    }
    assert_eq!(read(&db, 2, 0).await, [piece(0, "other")]);
    assert_eq!(read(&db, 3, 0).await, []);
    let texts = addition(4, &[(0, &TEXTS.concat())]);
    append(&db, &[texts]).await;
    assert_eq!(read(&db, 4, 0).await, [piece(0, &TEXTS.concat())]);
}

async fn pieces_that_are_written_again_count_once(backend: Backend) {
    let db = backend.store().await;
    append(&db, &[addition(1, &[(0, "one "), (4, "tw")])]).await;
    append(&db, &[addition(1, &[(4, "two "), (8, "three")])]).await;
    append(&db, &[addition(1, &[(6, "o three")])]).await;
    let text: String = read(&db, 1, 0).await.into_iter().map(|(_, text)| text).collect();
    assert_eq!(text, "one two three");
}

async fn the_middle_of_a_long_log_goes(backend: Backend) {
    let db = backend.store().await;
    let (kib_8, other) = ("x".repeat(8 << 10), addition(2, &[(HEAD + 8, "other")]));
    append(&db, &[other]).await;
    for number in 0..40 {
        append(&db, &[addition(1, &[(number * (8 << 10), &kib_8)])]).await;
    }
    let pieces: Vec<u64> = read(&db, 1, 0).await.into_iter().map(|(at, _)| at >> 13).collect();
    assert_eq!(pieces, (0..8).chain(32..40).collect::<Vec<_>>());
    // A piece in which the end begins stays.
    append(&db, &[addition(1, &[(40 << 13, "y")])]).await;
    let pieces: Vec<u64> = read(&db, 1, HEAD).await.into_iter().map(|(at, _)| at >> 13).collect();
    assert_eq!(pieces, (32..=40).collect::<Vec<_>>());
    assert_eq!(read(&db, 2, 0).await, [(HEAD + 8, "other".to_owned())]);
}

async fn only_the_attempt_that_is_at_work_holds_a_run(backend: Backend) {
    let db = backend.store().await;
    add_runs(&db, &[run(1, id(7), Fate::Ready), run(2, id(7), Fate::Waiting)]).await;
    let hold = async |run: &Claimed| write(&db, async |tx| run_logs::hold(tx, run).await.unwrap()).await;
    let claimed = claim(&db, "w", 9).await.remove(0);
    assert!(hold(&claimed).await);
    assert!(!hold(&Claimed { attempt: 2, ..claimed.clone() }).await);
    assert!(!hold(&Claimed { id: id(2), attempt: 0, ..claimed.clone() }).await, "it waits");
    // Also while somebody wants it to end.
    write(&db, async |tx| active_runs::cancel(tx, id(1), "enough", at(4)).await.unwrap()).await;
    assert!(hold(&claimed).await);
    write(&db, async |tx| active_runs::take_ended(tx, "w", &[(id(1), 1)]).await.unwrap()).await;
    assert!(!hold(&claimed).await);
}

async fn whoever_holds_a_run_keeps_others_from_ending_it(backend: Backend) {
    let db = backend.store().await;
    add_runs(&db, &[run(1, id(7), Fate::Ready)]).await;
    let claimed = claim(&db, "w", 1).await.remove(0);
    let mut tx = db.write().await.unwrap();
    assert!(run_logs::hold(&mut tx, &claimed).await.unwrap());
    let (ending, other) = (
        db.clone(),
        tokio::spawn({
            let db = db.clone();
            async move {
                let lost = write(&db, async |tx| active_runs::take_lost(tx, at(60), &[id(1)]).await.unwrap()).await;
                let log = read(&db, 1, 0).await;
                (lost.len(), log.len())
            }
        }),
    );
    let piece = addition(1, &[(0, "just in time")]);
    run_logs::append(&mut tx, &[&piece]).await.unwrap();
    assert!(!other.is_finished());
    tx.commit().await.unwrap();
    assert_eq!(other.await.unwrap(), (1, 1));
    assert!(!write(&ending, async |tx| run_logs::hold(tx, &claimed).await.unwrap()).await);
}

async fn logs_go_with_their_runs(backend: Backend) {
    let db = backend.store().await;
    let over = || Fate::Cancelled("over".into());
    add_runs(&db, &[run(1, id(7), over()), run(2, id(7), over()), run(3, id(7), Fate::Ready)]).await;
    append(&db, &[1, 2, 3].map(|run| addition(run, &[(0, "a"), (1, "b")]))).await;
    let nobody = "00000000-0000-0000-0000-000000000000".parse().unwrap();
    let (gone, _) = write(&db, async |tx| runs::prune(tx, nobody, id(2), 10).await.unwrap()).await;
    assert_eq!(gone, 1);
    let left = "SELECT count(*) FROM run_logs";
    assert_eq!((read(&db, 1, 0).await, ask(&mut db.read().await.unwrap(), left).await), (vec![], 4));
}

async fn the_status_of_a_run_is_read_alone(backend: Backend) {
    let db = backend.store().await;
    add_runs(
        &db,
        &[run(1, id(7), Fate::Ready), run(2, id(7), Fate::Waiting), run(3, id(7), Fate::Cancelled(String::new()))],
    )
    .await;
    claim(&db, "w", 1).await;
    let mut tx = db.read().await.unwrap();
    for (number, expected) in
        [(1, Some(RunStatus::Running)), (2, Some(RunStatus::Queued)), (3, Some(RunStatus::Cancelled)), (4, None)]
    {
        assert_eq!(runs::status(&mut tx, id(number)).await.unwrap(), expected);
    }
}
