//! Access tokens.

use futures::future::join_all;
use justiam_server::store::Error;
use justiam_server::store::tokens::{self, TokenRow};
use justiam_tests::backend::Backend;
use justiam_tests::both_databases;

use super::support::{TEXTS, at, id, write};

both_databases!(
    a_token_is_found_by_its_hash_alone,
    one_hash_is_one_token,
    many_servers_that_start_at_once_make_one_first_token,
);

fn token(number: u64, hash: &[u8]) -> TokenRow {
    TokenRow {
        id: id(number),
        name: TEXTS[7].into(),
        hash: hash.into(),
        permissions: "tasks.view tasks.run".into(),
        is_admin: number == 1,
        created_at: at(1),
        expires_at: at(2),
    }
}

async fn a_token_is_found_by_its_hash_alone(backend: Backend) {
    let db = backend.store().await;
    let every_byte: Vec<u8> = (0..=255).collect();
    let (one, two) = (token(1, &every_byte), token(2, &every_byte[..255]));
    assert_eq!(tokens::count(&mut db.read().await.unwrap()).await.unwrap(), 0);
    for token in [&one, &two] {
        write(&db, async |tx| tokens::insert(tx, token).await.unwrap()).await;
    }
    for (hash, expected) in [(&every_byte[..], Some(one)), (&every_byte[..255], Some(two)), (b"", None)] {
        assert_eq!(tokens::find(&mut db.read().await.unwrap(), hash).await.unwrap(), expected);
    }
    assert_eq!(tokens::count(&mut db.read().await.unwrap()).await.unwrap(), 2);
}

async fn one_hash_is_one_token(backend: Backend) {
    let db = backend.store().await;
    write(&db, async |tx| tokens::insert(tx, &token(1, b"h")).await.unwrap()).await;
    let mut tx = db.write().await.unwrap();
    let refused = tokens::insert(&mut tx, &token(2, b"h")).await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
}

async fn many_servers_that_start_at_once_make_one_first_token(backend: Backend) {
    let db = backend.store().await;
    let made = join_all((1..=8_u8).map(|number| {
        let db = db.clone();
        async move {
            let mut tx = db.write().await.unwrap();
            tokens::lock(&mut tx).await.unwrap();
            let first = tokens::count(&mut tx).await.unwrap() == 0;
            if first {
                tokens::insert(&mut tx, &token(number.into(), &[number])).await.unwrap();
            }
            tx.commit().await.unwrap();
            first
        }
    }))
    .await;
    assert_eq!(made.iter().filter(|made| **made).count(), 1);
    assert_eq!(tokens::count(&mut db.read().await.unwrap()).await.unwrap(), 1);
}
