//! The one place that reads time and waits for it.

use std::pin::Pin;
use std::time::Duration;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};
use rustix::time::{ClockId, clock_gettime};

/// What [`Clock::sleep_until`] returns.
pub type Sleep<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// A source of time that tests can move.
pub trait Clock: Send + Sync + 'static {
    /// The current time.
    fn now(&self) -> Timestamp;

    /// Waits until `now` is at or after `wake`. May end early; callers look again.
    fn sleep_until(&self, wake: Timestamp) -> Sleep<'_>;

    /// The time since some moment, on a clock that nobody sets: for how long something has taken.
    fn monotonic(&self) -> SignedDuration;
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

    fn monotonic(&self) -> SignedDuration {
        // It goes on while the process is stopped.
        let time = clock_gettime(ClockId::Boottime);
        SignedDuration::new(time.tv_sec, i32::try_from(time.tv_nsec).unwrap_or_default())
    }
}

/// A clock that is corrected by how far it is from the clock of a shared database, so that its servers agree on the time and
/// none of them is early.
pub struct DatabaseClock {
    own: Arc<dyn Clock>,
    offset_micros: AtomicI64,
}

impl DatabaseClock {
    /// A clock that is not corrected yet.
    pub fn new(own: Arc<dyn Clock>) -> Self {
        Self { own, offset_micros: AtomicI64::new(0) }
    }

    /// What the clock shows without correction.
    pub fn own_now(&self) -> Timestamp {
        self.own.now()
    }

    /// How far the database's clock is ahead.
    pub fn correct_by(&self, offset: SignedDuration) {
        let micros = i64::try_from(offset.as_micros()).unwrap_or_default();
        let old = self.offset_micros.swap(micros, Ordering::Relaxed);
        if (micros - old).abs() > 1_000_000 {
            tracing::warn!(
                offset_ms = micros / 1000,
                "the clock of this machine is apart from the database's, which counts"
            );
        }
    }

    fn offset(&self) -> SignedDuration {
        SignedDuration::from_micros(self.offset_micros.load(Ordering::Relaxed))
    }
}

impl Clock for DatabaseClock {
    fn now(&self) -> Timestamp {
        self.own.now().saturating_add(self.offset()).unwrap_or(Timestamp::MAX)
    }

    fn sleep_until(&self, wake: Timestamp) -> Sleep<'_> {
        self.own.sleep_until(wake.saturating_sub(self.offset()).unwrap_or(wake))
    }

    fn monotonic(&self) -> SignedDuration {
        self.own.monotonic()
    }
}
