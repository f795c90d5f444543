//! Looks, after every story, for what must not be in its database.

use std::thread;

use jiff::Timestamp;
use justiam_server::app::invariants::{Checked, Reach, check};
use justiam_server::config::{Config, DataDir};
use justiam_server::store::Db;

/// Fails the test if something in the database of a server is not as it must be. That servers keep up is left out: a test may
/// move the clock and end.
pub(crate) async fn assert(config: &Config, now: Timestamp) {
    let violated = violations(config, now).await;
    assert!(violated.is_empty(), "what always holds does not: {violated:#?}");
}

/// The same from where nothing can be awaited, beside a server that may be in the middle of anything.
pub(crate) fn assert_beside(config: &Config, now: Timestamp) {
    let violated = thread::scope(|scope| {
        let look = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(violations(config, now))
        });
        look.join().unwrap()
    });
    assert!(violated.is_empty(), "what always holds does not: {violated:#?}");
}

async fn violations(config: &Config, now: Timestamp) -> Vec<Checked> {
    let db = match &config.database_url {
        Some(url) => Db::open_postgres(url, 1).await.unwrap(),
        None => Db::open_sqlite(&DataDir::open(&config.data_dir).unwrap().database().unwrap()).await.unwrap(),
    };
    let mut checked = check(&db, now, Reach::Whole).await.unwrap();
    db.close().await;
    checked.retain(|checked| checked.violations > 0 && !checked.needs_servers);
    checked
}
