//! Access tokens.

use justiam_sdk::api::service_accounts::ServiceAccount;
use justiam_server::store::tokens::{self, Owned, TokenRow};
use justiam_server::store::{Db, Error, service_accounts};
use justiam_tests::backend::Backend;
use justiam_tests::both_databases;

use super::service_accounts::account;
use super::support::{TEXTS, at, id, write};

both_databases!(
    a_token_is_found_by_its_hash_alone_and_with_its_account,
    one_hash_is_one_token,
    the_tokens_of_an_account_are_listed_the_newest_first,
    a_token_is_revoked_and_locked,
    the_last_use_is_written_for_many_tokens_at_once,
    tokens_that_have_ended_are_forgotten_in_batches,
    a_token_goes_with_its_account,
);

/// A token of the account with number 1, from second `number`.
pub(crate) fn token(number: u64, hash: &[u8]) -> TokenRow {
    TokenRow {
        id: id(number),
        account: id(1),
        name: TEXTS[7].into(),
        prefix: "justiam_pat_abcdef".into(),
        hash: hash.into(),
        permissions: None,
        created_at: at(number.try_into().unwrap()),
        expires_at: at(1000),
        last_used_at: None,
        revoked_at: None,
    }
}

async fn store(backend: &Backend) -> (Db, ServiceAccount) {
    let (db, account) = (backend.store().await, account(1, "one"));
    write(&db, async |tx| service_accounts::insert(tx, &account).await.unwrap()).await;
    (db, account)
}

async fn add(db: &Db, token: &TokenRow) {
    write(db, async |tx| tokens::insert(tx, token).await.unwrap()).await;
}

async fn read(db: &Db, number: u64) -> Option<TokenRow> {
    tokens::get(&mut db.read().await.unwrap(), id(number)).await.unwrap().map(|owned| owned.token)
}

async fn a_token_is_found_by_its_hash_alone_and_with_its_account(backend: Backend) {
    let (db, account) = store(&backend).await;
    let every_byte: Vec<u8> = (0..=255).collect();
    let (one, two) = (
        TokenRow {
            permissions: Some("tasks.run tasks.view".into()),
            last_used_at: Some(at(3)),
            revoked_at: Some(at(4)),
            ..token(1, &every_byte)
        },
        token(2, &every_byte[..255]),
    );
    for token in [&one, &two] {
        add(&db, token).await;
    }
    let owned = |token: TokenRow| Some(Owned { token, account: account.clone() });
    for (hash, expected) in [(&every_byte[..], owned(one)), (&every_byte[..255], owned(two)), (b"", None)] {
        let mut tx = db.read().await.unwrap();
        assert_eq!(tokens::find(&mut tx, hash).await.unwrap(), expected);
        if let Some(owned) = expected {
            assert_eq!(tokens::get(&mut tx, owned.token.id).await.unwrap(), Some(owned));
        }
    }
}

async fn one_hash_is_one_token(backend: Backend) {
    let (db, _) = store(&backend).await;
    add(&db, &token(1, b"h")).await;
    let mut tx = db.write().await.unwrap();
    let refused = tokens::insert(&mut tx, &token(2, b"h")).await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
}

async fn the_tokens_of_an_account_are_listed_the_newest_first(backend: Backend) {
    let (db, _) = store(&backend).await;
    write(&db, async |tx| service_accounts::insert(tx, &account(2, "two")).await.unwrap()).await;
    for number in 1..=3 {
        add(&db, &token(number, &[u8::try_from(number).unwrap()])).await;
    }
    add(&db, &TokenRow { account: id(2), expires_at: at(5), ..token(9, b"9") }).await;
    let listed = async |account, offset, limit| {
        let mut tx = db.read().await.unwrap();
        let (owned, total) = tokens::list(&mut tx, account, offset, limit).await.unwrap();
        (owned.into_iter().map(|owned| (owned.token.id, owned.account.name)).collect::<Vec<_>>(), total)
    };
    let one = |number| (id(number), "one".to_owned());
    assert_eq!(listed(Some(id(1)), 0, 2).await, (vec![one(3), one(2)], 3));
    assert_eq!(listed(Some(id(1)), 2, 2).await, (vec![one(1)], 3));
    assert_eq!(listed(None, 0, 2).await, (vec![(id(9), "two".to_owned()), one(3)], 4));
    assert_eq!(listed(Some(id(7)), 0, 2).await, (vec![], 0));
    write(&db, async |tx| tokens::revoke(tx, id(2), at(4)).await.unwrap()).await;
    let mut tx = db.read().await.unwrap();
    for (account, now, expected) in [(1, 4, 2), (1, 1000, 0), (2, 4, 1), (2, 5, 0), (3, 0, 0)] {
        assert_eq!(tokens::living(&mut tx, id(account), at(now)).await.unwrap(), expected, "{account} {now}");
    }
}

async fn a_token_is_revoked_and_locked(backend: Backend) {
    let (db, _) = store(&backend).await;
    for number in 1..=2 {
        add(&db, &token(number, &[u8::try_from(number).unwrap()])).await;
    }
    write(&db, async |tx| {
        assert_eq!(tokens::lock(tx, id(1)).await.unwrap().unwrap().token, token(1, &[1]));
        assert_eq!(tokens::lock(tx, id(3)).await.unwrap(), None);
        tokens::revoke(tx, id(1), at(7)).await.unwrap();
    })
    .await;
    assert_eq!(read(&db, 1).await, Some(TokenRow { revoked_at: Some(at(7)), ..token(1, &[1]) }));
    assert_eq!(read(&db, 2).await, Some(token(2, &[2])));
}

async fn the_last_use_is_written_for_many_tokens_at_once(backend: Backend) {
    let (db, _) = store(&backend).await;
    for number in 1..=3 {
        add(&db, &token(number, &[u8::try_from(number).unwrap()])).await;
    }
    for (uses, expected) in [
        (vec![(1, 10), (2, 11)], [Some(10), Some(11), None]),
        // Another server may have written a later one. Tokens that are gone are no error.
        (vec![(1, 9), (2, 12), (8, 12)], [Some(10), Some(12), None]),
        (vec![], [Some(10), Some(12), None]),
    ] {
        let uses: Vec<_> = uses.into_iter().map(|(number, second)| (id(number), at(second))).collect();
        write(&db, async |tx| tokens::used(tx, &uses).await.unwrap()).await;
        for (number, second) in (1..).zip(expected) {
            assert_eq!(read(&db, number).await.unwrap().last_used_at, second.map(at));
        }
    }
}

async fn tokens_that_have_ended_are_forgotten_in_batches(backend: Backend) {
    let (db, _) = store(&backend).await;
    for (number, expires, revoked) in
        [(1, 49, None), (2, 50, None), (3, 99, Some(49)), (4, 99, Some(50)), (5, 40, Some(30)), (6, 99, None)]
    {
        let hash = [u8::try_from(number).unwrap()];
        add(&db, &TokenRow { expires_at: at(expires), revoked_at: revoked.map(at), ..token(number, &hash) }).await;
    }
    let mut forgotten = Vec::new();
    for _ in 0..3 {
        forgotten.push(write(&db, async |tx| tokens::forget(tx, at(50), 2).await.unwrap()).await);
    }
    assert_eq!(forgotten, [2, 1, 0]);
    for number in 1..=6 {
        assert_eq!(read(&db, number).await.is_some(), [2, 4, 6].contains(&number), "{number}");
    }
}

async fn a_token_goes_with_its_account(backend: Backend) {
    let (db, _) = store(&backend).await;
    add(&db, &token(1, b"h")).await;
    assert!(write(&db, async |tx| service_accounts::delete(tx, id(1)).await.unwrap()).await);
    assert_eq!(tokens::find(&mut db.read().await.unwrap(), b"h").await.unwrap(), None);
}
