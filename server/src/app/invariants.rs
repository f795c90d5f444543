//! Whether everything is as it must be: for operators, for monitoring, and at the end of every test.

use jiff::{SignedDuration, Timestamp};
use justiam_planner::lease;
use serde::Serialize;

use super::{App, Result};
use crate::store::invariants::{Bounds, all};
use crate::store::{Db, Tx};

/// How long a task or schedule may be due before it counts as overdue. The dispatcher needs milliseconds, and looks every 30 seconds when
/// all else fails.
const OVERDUE_AFTER: SignedDuration = SignedDuration::from_secs(60);

/// How many runs of the history a look at what is recent takes in.
const RECENT: i64 = 10_000;

/// How much of the history to look at. Everything else is looked at in whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// All of it, which may take a while.
    Whole,
    /// The newest 10,000 runs.
    Recent,
}

/// Something that always holds, and whether it does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// Its name, for programs.
    pub name: &'static str,
    /// What is wrong where it does not hold.
    pub meaning: &'static str,
    /// How many violations there are; none is well.
    pub violations: u64,
    /// Ids of what is wrong, five at the most.
    pub examples: Vec<String>,
    /// Whether it says that servers keep up, so that it holds only while there are some.
    pub needs_servers: bool,
}

impl App {
    /// Looks for violations of what always holds, in one state of the database.
    pub async fn invariants(&self, reach: Reach) -> Result<Vec<Checked>> {
        check(&self.db, self.now(), reach).await
    }
}

/// Looks for violations of what always holds, in one state of a database, as of `now`.
pub async fn check(db: &Db, now: Timestamp, reach: Reach) -> Result<Vec<Checked>> {
    let mut tx = db.read().await?;
    if reach == Reach::Whole {
        // However long the history is.
        tx.without_limits().await?;
    }
    look(&mut tx, now, reach).await
}

/// Looks in a transaction that has begun.
pub(super) async fn look(tx: &mut Tx, now: Timestamp, reach: Reach) -> Result<Vec<Checked>> {
    let before = |ago| now.saturating_sub(ago).unwrap_or(Timestamp::MIN);
    let bounds = Bounds {
        overdue: before(OVERDUE_AFTER),
        // Twice, for a sweep may be late.
        lease_ended: before(lease::SWEEP_EVERY * 2),
        newest: match reach {
            Reach::Whole => i64::MAX,
            Reach::Recent => RECENT,
        },
    };
    let mut checked = Vec::new();
    for invariant in all() {
        let found = invariant.violations(tx, &bounds).await?;
        checked.push(Checked {
            name: invariant.name,
            meaning: invariant.meaning,
            violations: found.count,
            examples: found.examples,
            needs_servers: invariant.needs_servers(),
        });
    }
    Ok(checked)
}
