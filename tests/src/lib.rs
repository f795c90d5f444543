//! The test harness: servers, clocks and Terraform workspaces that belong to one test each.
#![expect(clippy::missing_panics_doc, reason = "a test that cannot go on has failed, and says where")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

pub mod backend;
pub mod chaos;
pub mod clock;
pub mod disk;
pub mod faults;
pub mod invariants;
pub mod postgres;
pub mod process;
pub mod programs;
pub mod provider_bench;
pub mod provider_docs;
pub mod proxy;
pub mod server;
pub mod terraform;

use std::time::Duration;

/// How long a test waits for anything before it fails.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Waits for something, and fails the test when it takes too long.
pub async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    let Ok(value) = tokio::time::timeout(PATIENCE, future).await else { panic!("waited in vain for {what}") };
    value
}

/// Looks often until a condition holds.
pub async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let mut look = tokio::time::interval(Duration::from_millis(5));
    soon(what, async {
        while !condition().await {
            look.tick().await;
        }
    })
    .await;
}
