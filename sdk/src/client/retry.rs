//! When to try again.

use std::time::Duration;

use ring::rand::{SecureRandom, SystemRandom};

/// How often and how soon to try again after a failure that may pass: no connection, a time-out, 429, 502, 503 and 504.
///
/// Every request is safe to repeat: those that create, change or trigger something carry an idempotency key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// How many times to try again; 0 means one attempt.
    pub max_retries: u32,
    /// The pause before the first retry; it doubles each time, and a part of it is left to chance.
    pub first_pause: Duration,
    /// The longest pause, also where the server asks for a longer one with `Retry-After`.
    pub longest_pause: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self { max_retries: 4, first_pause: Duration::from_millis(200), longest_pause: Duration::from_secs(30) }
    }
}

impl Retry {
    /// The pause before retry number `retry` (from 0).
    pub(super) fn pause(&self, retry: u32, asked_for: Option<Duration>) -> Duration {
        let doubled = self.first_pause.saturating_mul(2_u32.saturating_pow(retry.min(16)));
        let pause = asked_for.unwrap_or(Duration::ZERO).max(doubled).min(self.longest_pause);
        // Up to a quarter more, so that many clients that failed together do not come back together.
        pause + pause.mul_f64(f64::from(random_byte()) / 1024.0)
    }
}

fn random_byte() -> u8 {
    let mut byte = [128];
    // Without random numbers the pause is merely the same for everybody.
    let _ = SystemRandom::new().fill(&mut byte);
    byte[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_and_honour_the_server_within_bounds() {
        let retry =
            Retry { max_retries: 9, first_pause: Duration::from_millis(100), longest_pause: Duration::from_secs(2) };
        let near = |pause: Duration, millis: u64| {
            (Duration::from_millis(millis)..=Duration::from_millis(millis * 5 / 4)).contains(&pause)
        };
        assert!(near(retry.pause(0, None), 100));
        assert!(near(retry.pause(2, None), 400));
        assert!(near(retry.pause(30, None), 2000));
        assert!(near(retry.pause(0, Some(Duration::from_secs(1))), 1000));
        assert!(near(retry.pause(0, Some(Duration::from_hours(1))), 2000));
    }
}
