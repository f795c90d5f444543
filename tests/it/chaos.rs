//! Replicas that are killed and a database that restarts while tasks fire: the short form. `tests/chaos` is the full one.

use std::time::Duration;

use jiff::SignedDuration;
use justiam_tests::chaos::{self, Fault, Plan};

#[tokio::test(flavor = "multi_thread")]
async fn every_tick_is_accounted_for_once_whoever_is_frozen() {
    let report = chaos::run(&Plan {
        name: "short freezes",
        // One of them for longer than a lease.
        fault: Fault::Freezes([11, 12, 35].map(Duration::from_secs)),
        lasts: Duration::from_secs(37),
        database_restarts: 1,
        cron_tasks: 200,
        once_tasks: 60,
        script_tasks: 6,
        clocks: [-5, 0, 5].map(SignedDuration::from_secs),
        follow_database_clock: false,
    })
    .await;
    assert!(report.is_clean(), "{report}");
    assert!(report.ticks > 150 && report.visits > 0, "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_tick_is_accounted_for_once_whatever_is_killed() {
    let report = chaos::run(&Plan {
        name: "short",
        fault: Fault::Kills { every: Duration::from_secs(2) },
        lasts: Duration::from_secs(16),
        database_restarts: 2,
        cron_tasks: 400,
        once_tasks: 120,
        script_tasks: 12,
        // Nobody corrects them.
        clocks: [-5, 0, 5].map(SignedDuration::from_secs),
        follow_database_clock: false,
    })
    .await;
    assert!(report.is_clean(), "{report}");
    // It was not clean because nothing happened.
    assert!(report.kills >= 6 && report.ticks > 300 && report.visits > 0, "{report}");
}
