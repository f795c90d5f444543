//! A clock that only moves when a test moves it, and one that is wrong.

use jiff::{SignedDuration, Timestamp};
use justiam_server::clock::{Clock, Sleep, SystemClock};
use tokio::sync::watch;

/// A clock that stands still until it is moved. Clones show the same time.
#[derive(Debug, Clone)]
pub struct ManualClock(watch::Sender<Timestamp>);

impl ManualClock {
    /// A clock that shows `start`.
    pub fn at(start: &str) -> Self {
        Self(watch::Sender::new(start.parse().unwrap()))
    }

    /// Moves on.
    pub fn advance(&self, by: SignedDuration) {
        self.0.send_modify(|now| *now = now.checked_add(by).unwrap());
    }

    /// Moves to an instant, also back.
    pub fn set(&self, to: &str) {
        self.0.send_replace(to.parse().unwrap());
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.borrow()
    }

    fn sleep_until(&self, wake: Timestamp) -> Sleep<'_> {
        let mut time = self.0.subscribe();
        // `wait_for` looks at the current time first, so a step taken meanwhile still wakes the sleeper.
        Box::pin(async move {
            let _ = time.wait_for(|now| *now >= wake).await;
        })
    }

    fn monotonic(&self) -> SignedDuration {
        Timestamp::UNIX_EPOCH.duration_until(self.now())
    }
}

/// The machine's clock, but for a constant error.
#[derive(Debug, Clone, Copy)]
pub struct ShiftedClock(pub SignedDuration);

impl Clock for ShiftedClock {
    fn now(&self) -> Timestamp {
        SystemClock.now().checked_add(self.0).unwrap()
    }

    fn sleep_until(&self, wake: Timestamp) -> Sleep<'_> {
        Box::pin(async move { SystemClock.sleep_until(wake.checked_sub(self.0).unwrap()).await })
    }

    fn monotonic(&self) -> SignedDuration {
        SystemClock.monotonic()
    }
}
