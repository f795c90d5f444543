//! Whether the database is of use.

use justiam_server::store::readiness;
use justiam_tests::backend::{Backend, execute};
use justiam_tests::both_databases;

use super::support::{at, write};

both_databases!(a_schema_is_known_until_somebody_brings_it_further, a_write_waits_for_nobody_who_is_just_writing,);

async fn a_schema_is_known_until_somebody_brings_it_further(backend: Backend) {
    let db = backend.store().await;
    let known = async || readiness::is_schema_known(&mut db.read().await.unwrap()).await.unwrap();
    assert!(known().await);
    let later = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
                 VALUES (9999, 'later', TRUE, '', 0)";
    write(&db, async |tx| execute(tx, later).await).await;
    assert!(!known().await);
}

async fn a_write_waits_for_nobody_who_is_just_writing(backend: Backend) {
    let db = backend.store().await;
    write(&db, async |tx| readiness::write(tx, at(1)).await.unwrap()).await;
    // On SQLite nobody else can be writing meanwhile.
    if db.is_shared() {
        let mut first = db.write().await.unwrap();
        readiness::write(&mut first, at(2)).await.unwrap();
        write(&db, async |tx| readiness::write(tx, at(3)).await.unwrap()).await;
        first.commit().await.unwrap();
    }
}
