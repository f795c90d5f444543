//! The one place that reads time and waits for it.

use std::pin::Pin;
use std::time::Duration;

use jiff::Timestamp;

/// What [`Clock::sleep_until`] returns.
pub type Sleep<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// A source of time that tests can move.
pub trait Clock: Send + Sync + 'static {
    /// The current time.
    fn now(&self) -> Timestamp;

    /// Waits until `now` is at or after `wake`. May end early; callers look again.
    fn sleep_until(&self, wake: Timestamp) -> Sleep<'_>;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    fn now(&self) -> Timestamp {
        // Whole microseconds, as they are stored: a time that was read back equals the one that was written.
        let now = Timestamp::now();
        Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
    }

    fn sleep_until(&self, wake: Timestamp) -> Sleep<'_> {
        let wait = wake.duration_since(self.now());
        Box::pin(tokio::time::sleep(Duration::try_from(wait).unwrap_or_default()))
    }
}
