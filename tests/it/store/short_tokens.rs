//! Tokens that end soon.

use justiam_server::store::short_tokens::{self, ShortTokenRow};
use justiam_server::store::{Db, service_accounts, tokens};
use justiam_tests::backend::{self, Backend};
use justiam_tests::both_databases;

use super::service_accounts::account;
use super::support::{TEXTS, at, id, write};
use super::tokens::token;

both_databases!(
    a_short_token_is_read_as_it_was_stored,
    an_end_is_written_for_one_token,
    tokens_that_have_ended_are_forgotten_in_batches,
    the_ends_of_a_makers_living_tokens_are_told,
    a_short_token_goes_with_its_maker,
);

fn short(number: u64) -> ShortTokenRow {
    ShortTokenRow {
        id: id(number),
        maker: id(1),
        name: TEXTS[7].into(),
        permissions: "tasks.run tasks.view".into(),
        created_at: at(1),
        latest_end: at(100 + i64::try_from(number).unwrap()),
        expires_at: at(2),
        revoked_at: None,
    }
}

async fn store(backend: &Backend, numbers: std::ops::Range<u64>) -> Db {
    let db = backend.store().await;
    let maker = token(1, b"h");
    write(&db, async |tx| service_accounts::insert(tx, &account(1, "one")).await.unwrap()).await;
    write(&db, async |tx| tokens::insert(tx, &maker).await.unwrap()).await;
    for number in numbers {
        write(&db, async |tx| short_tokens::insert(tx, &short(number)).await.unwrap()).await;
    }
    db
}

async fn read(db: &Db, number: u64) -> Option<ShortTokenRow> {
    short_tokens::get(&mut db.read().await.unwrap(), id(number)).await.unwrap()
}

async fn a_short_token_is_read_as_it_was_stored(backend: Backend) {
    let db = store(&backend, 2..4).await;
    let revoked = ShortTokenRow { revoked_at: Some(at(2)), ..short(4) };
    write(&db, async |tx| short_tokens::insert(tx, &revoked).await.unwrap()).await;
    for expected in [short(2), short(3), revoked] {
        let found = short_tokens::get(&mut db.read().await.unwrap(), expected.id).await.unwrap();
        assert_eq!(found, Some(expected.clone()));
        let locked = write(&db, async |tx| short_tokens::lock(tx, expected.id).await.unwrap()).await;
        assert_eq!(locked, Some(expected));
    }
    assert_eq!(read(&db, 1).await, None);
    assert_eq!(write(&db, async |tx| short_tokens::lock(tx, id(1)).await.unwrap()).await, None);
}

async fn an_end_is_written_for_one_token(backend: Backend) {
    let db = store(&backend, 2..4).await;
    write(&db, async |tx| short_tokens::set_end(tx, id(2), at(50), None).await.unwrap()).await;
    assert_eq!(read(&db, 2).await, Some(ShortTokenRow { expires_at: at(50), ..short(2) }));
    write(&db, async |tx| short_tokens::set_end(tx, id(2), at(50), Some(at(9))).await.unwrap()).await;
    assert_eq!(read(&db, 2).await.unwrap().revoked_at, Some(at(9)));
    assert_eq!(read(&db, 3).await, Some(short(3)));
}

async fn tokens_that_have_ended_are_forgotten_in_batches(backend: Backend) {
    let db = store(&backend, 2..8).await;
    for (number, end, revoked) in
        [(2, 50, None), (3, 51, None), (4, 99, Some(50)), (5, 99, Some(51)), (6, 40, Some(30))]
    {
        write(&db, async |tx| short_tokens::set_end(tx, id(number), at(end), revoked.map(at)).await.unwrap()).await;
    }
    write(&db, async |tx| short_tokens::set_end(tx, id(7), at(99), None).await.unwrap()).await;
    let mut forgotten = Vec::new();
    for _ in 0..3 {
        forgotten.push(write(&db, async |tx| short_tokens::forget(tx, at(50), 2).await.unwrap()).await);
    }
    assert_eq!(forgotten, [2, 1, 0]);
    for number in 2..8 {
        assert_eq!(read(&db, number).await.is_some(), [3, 5, 7].contains(&number), "{number}");
    }
}

async fn the_ends_of_a_makers_living_tokens_are_told(backend: Backend) {
    let db = store(&backend, 2..6).await;
    for (number, end, revoked) in [(2, 90, None), (3, 60, None), (4, 50, None), (5, 99, Some(10))] {
        write(&db, async |tx| short_tokens::set_end(tx, id(number), at(end), revoked.map(at)).await.unwrap()).await;
    }
    let mut tx = db.read().await.unwrap();
    assert_eq!(short_tokens::ends(&mut tx, id(1), at(50)).await.unwrap(), [at(60), at(90)]);
    assert_eq!(short_tokens::ends(&mut tx, id(9), at(50)).await.unwrap(), []);
}

async fn a_short_token_goes_with_its_maker(backend: Backend) {
    let db = store(&backend, 2..3).await;
    write(&db, async |tx| backend::execute(tx, "DELETE FROM tokens").await).await;
    assert_eq!(read(&db, 2).await, None);
}
