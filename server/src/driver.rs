//! Carries out what the planner decides: turns ticks into runs, and runs into outcomes.
//!
//! Two loops, neither of which takes any input but the database and the clock. A wake-up only makes a loop look sooner; a
//! lost one costs half a minute at the most.

mod dispatch;
pub mod execute;
mod worker;

use std::sync::Arc;

use jiff::SignedDuration;
use tokio_util::sync::CancellationToken;

use crate::app::App;
pub use dispatch::TickReport;
use execute::Executor;

/// How long a loop rests at the most before it looks again.
const LONGEST_REST: SignedDuration = SignedDuration::from_secs(30);
/// The first pause after the database failed; it doubles up to [`LONGEST_REST`].
const FIRST_BACK_OFF: SignedDuration = SignedDuration::from_secs(1);

/// The dispatcher and the workers of one server.
pub struct Driver {
    app: Arc<App>,
    executor: Executor,
    slots: u32,
}

impl Driver {
    /// A driver that executes up to `slots` runs at a time.
    pub fn new(app: Arc<App>, executor: Executor, slots: u32) -> Self {
        Self { app, executor, slots }
    }

    /// Mends what an earlier process left behind, then works until `soft` fires, and lets runs end until `hard` fires.
    pub async fn run(self: Arc<Self>, soft: &CancellationToken, hard: &CancellationToken) {
        self.recover(soft).await;
        tokio::join!(self.dispatch_until(soft), self.work_until(soft, hard));
    }
}

/// Doubles from [`FIRST_BACK_OFF`] to [`LONGEST_REST`].
struct BackOff(SignedDuration);

impl BackOff {
    fn new() -> Self {
        Self(FIRST_BACK_OFF)
    }

    fn reset(&mut self) {
        self.0 = FIRST_BACK_OFF;
    }

    fn next(&mut self) -> SignedDuration {
        let pause = self.0;
        self.0 = self.0.saturating_add(self.0).min(LONGEST_REST);
        pause
    }
}
