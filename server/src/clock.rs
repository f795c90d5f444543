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

/// A clock that follows the clock of a shared database, so that its servers agree on the time and none of them is early. Between
/// two looks at the database it goes on by the monotonic clock: whoever sets the clock of the machine changes nothing.
pub struct DatabaseClock {
    own: Arc<dyn Clock>,
    /// The database's time less the monotonic clock.
    offset_micros: AtomicI64,
}

impl DatabaseClock {
    /// A clock that shows the machine's time until it is set.
    pub fn new(own: Arc<dyn Clock>) -> Self {
        let clock = Self { own, offset_micros: AtomicI64::new(0) };
        clock.set(clock.monotonic(), clock.own.now());
        clock
    }

    /// At the monotonic moment `at`, the database's clock showed `time`.
    pub fn set(&self, at: SignedDuration, time: Timestamp) {
        let offset = i64::try_from(time.as_duration().saturating_sub(at).as_micros()).unwrap_or_default();
        self.offset_micros.store(offset, Ordering::Relaxed);
        let apart = self.own.now().duration_until(time);
        if apart.abs() > SignedDuration::from_secs(1) {
            let apart_ms = i64::try_from(apart.as_millis()).unwrap_or_default();
            tracing::debug!(apart_ms, "the clock of this machine is apart from the database's, which counts");
        }
    }
}

impl Clock for DatabaseClock {
    fn now(&self) -> Timestamp {
        let offset = SignedDuration::from_micros(self.offset_micros.load(Ordering::Relaxed));
        let micros = self.monotonic().saturating_add(offset).as_micros();
        i64::try_from(micros).ok().and_then(|micros| Timestamp::from_microsecond(micros).ok()).unwrap_or(Timestamp::MAX)
    }

    fn sleep_until(&self, wake: Timestamp) -> Sleep<'_> {
        let wait = self.now().duration_until(wake);
        self.own.sleep_until(self.own.now().saturating_add(wait).unwrap_or(Timestamp::MAX))
    }

    fn monotonic(&self) -> SignedDuration {
        self.own.monotonic()
    }
}
