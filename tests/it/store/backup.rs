//! A copy of a database that is in use.

use std::fs::{self, File};

use justiam_server::store::{Db, backup, tasks};

use super::support::{add_tasks, task};

#[tokio::test]
async fn a_copy_has_what_was_committed_and_nothing_of_what_comes_later() {
    let folder = tempfile::tempdir().unwrap();
    let (file, copy) = (folder.path().join("a.db"), folder.path().join("b.db"));
    let db = Db::open_sqlite(&file).await.unwrap();
    add_tasks(&db, &[task(1, "one")]).await;
    // Somebody is just writing.
    let mut tx = db.write().await.unwrap();
    assert!(tasks::insert(&mut tx, &task(2, "two")).await.unwrap());
    File::create(&copy).unwrap();
    backup::copy(&file, &copy).await.unwrap();
    tx.commit().await.unwrap();
    let copied = Db::open_sqlite(&copy).await.unwrap();
    let mut tx = copied.read().await.unwrap();
    assert!(tasks::get(&mut tx, super::support::id(1)).await.unwrap().is_some());
    assert!(tasks::get(&mut tx, super::support::id(2)).await.unwrap().is_none());
    drop(tx);
    copied.close().await;
    // Nothing is overwritten.
    let before = fs::read(&copy).unwrap();
    backup::copy(&file, &copy).await.unwrap_err();
    assert_eq!(fs::read(&copy).unwrap(), before);
}
