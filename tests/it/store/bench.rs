//! What a measurement asks of its database.

use justiam_sdk::api::secrets::Secret;
use justiam_sdk::api::values::RunStatus;
use justiam_server::store::runs::{self, Ending, Fate, NewRun};
use justiam_server::store::{active_runs, bench};
use justiam_tests::backend::Backend;
use justiam_tests::both_databases;

use super::support::{add_runs, at, claim, id, run, write};

both_databases!(a_measurement_counts_what_is_stored, the_database_looks_at_its_tables);

async fn a_measurement_counts_what_is_stored(backend: Backend) {
    let db = backend.store().await;
    assert!(!bench::any_active(&db).await.unwrap());
    assert_eq!(bench::last_of(&db, at(60)).await.unwrap(), (None, None));
    let tick = |number: u64, task: u64| NewRun {
        scheduled_for: at(60),
        queued_at: at(60 + i64::try_from(number).unwrap()),
        ..run(number, id(task), Fate::Ready)
    };
    add_runs(&db, &[tick(1, 7), tick(2, 8), tick(3, 9), run(4, id(7), Fate::Ready)]).await;
    assert!(bench::any_active(&db).await.unwrap());
    claim(&db, "w", 9).await;
    write(&db, async |tx| {
        let all: Vec<_> = (1..=4).map(|number| (id(number), 1)).collect();
        let ended = active_runs::take_ended(tx, "w", &all).await.unwrap();
        let ends: Vec<_> = ended
            .into_iter()
            .map(|ended| {
                let status = if ended.id == id(3) { RunStatus::Error } else { RunStatus::Success };
                ended.into_end(Ending { status, output: None, error: None, isolation: None })
            })
            .collect();
        runs::end(tx, &ends, at(70)).await.unwrap();
    })
    .await;
    assert!(!bench::any_active(&db).await.unwrap());
    assert_eq!((bench::ended(&db).await.unwrap(), bench::ended_of(&db, at(60)).await.unwrap()), (3, 2));
    assert_eq!(bench::last_of(&db, at(60)).await.unwrap(), (Some(at(63)), Some(at(70))));
    // All started at 0.
    assert_eq!(bench::lags_of(&db, at(60)).await.unwrap(), [-60_000_000; 3]);
    let mut lags = bench::lags(&db).await.unwrap();
    lags.sort_unstable();
    assert_eq!(lags, [-60_000_000, -60_000_000, -60_000_000, -4_000_000]);
    assert_eq!(bench::lags_since(&db, at(60)).await.unwrap(), [-60_000_000; 3]);
    assert_eq!(bench::lags_since(&db, at(61)).await.unwrap(), Vec::<i64>::new());
}

async fn the_database_looks_at_its_tables(backend: Backend) {
    let db = backend.store().await;
    bench::analyze(&db).await.unwrap();
}

#[tokio::test]
async fn a_schema_is_made_and_removed() {
    let database = justiam_tests::postgres::database().await;
    let url = Secret::from(database.url.as_str());
    let name = format!("{}_bench", database.schema());
    bench::create_schema(&url, &name).await.unwrap();
    assert!(bench::create_schema(&url, &name).await.is_err());
    bench::drop_schema(&url, &name).await.unwrap();
    assert!(bench::drop_schema(&url, &name).await.is_err());
}
