//! Who may work on a run, and for how long.
//!
//! A worker that claims a run gets a *lease*: it may work until the lease ends, and renews it long before. What a worker
//! writes carries the number of its attempt, and only the latest attempt's word counts. Two rules make it impossible that two
//! workers are at work on one run at the same time: a worker counts from the moment *before* it asked, on a clock that
//! nobody sets, and stops well before others may take it for dead.
//!
//! A run whose worker is lost ends as an error. It is not started again: its script may have done a part of its work.

use jiff::{SignedDuration, Timestamp};

/// How long a lease lasts, from the moment at which it was asked for.
pub const LENGTH: SignedDuration = SignedDuration::from_secs(30);

/// When a worker renews: a third of the lease, so that one failure is no harm.
pub const RENEW_AFTER: SignedDuration = SignedDuration::from_secs(10);

/// When a worker that could not renew stops its script. The rest of the lease is for ending the process tree, and for clocks
/// that are apart.
pub const STOP_AFTER: SignedDuration = SignedDuration::from_secs(20);

/// How often somebody looks for lost runs: a run whose worker died is found within [`LENGTH`] and this.
pub const SWEEP_EVERY: SignedDuration = SignedDuration::from_secs(10);

/// What a worker does about the lease that it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// Go on, and look again after this time.
    Work(SignedDuration),
    /// Ask for a longer lease, and go on meanwhile.
    Renew,
    /// Stop the script: the lease may end before a renewal comes.
    Stop,
}

/// The end of a lease that was asked for at `asked_at`.
pub fn ends_at(asked_at: Timestamp) -> Timestamp {
    asked_at.saturating_add(LENGTH).unwrap_or(Timestamp::MAX)
}

/// Decides for a worker. `since_asked` is the time since it sent the request that got it the lease (or its latest renewal),
/// on a monotonic clock. A request that was answered late counts from its beginning all the same.
pub fn hold(since_asked: SignedDuration) -> Hold {
    if since_asked >= STOP_AFTER {
        Hold::Stop
    } else if since_asked >= RENEW_AFTER {
        Hold::Renew
    } else {
        Hold::Work(RENEW_AFTER - since_asked.max(SignedDuration::ZERO))
    }
}

/// Whether the worker of a run counts as lost. How long the run has been at work does not matter.
pub fn is_lost(lease_until: Timestamp, now: Timestamp) -> bool {
    now >= lease_until
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seconds(seconds: i64) -> SignedDuration {
        SignedDuration::from_secs(seconds)
    }

    #[test]
    fn a_worker_renews_early_and_stops_before_the_end() {
        for (since_asked, expected) in [
            (seconds(-5), Hold::Work(seconds(10))),
            (seconds(0), Hold::Work(seconds(10))),
            (seconds(9), Hold::Work(seconds(1))),
            (seconds(10), Hold::Renew),
            (SignedDuration::from_millis(19_999), Hold::Renew),
            (seconds(20), Hold::Stop),
            (seconds(3600), Hold::Stop),
        ] {
            assert_eq!(hold(since_asked), expected, "{since_asked}");
        }
    }

    #[test]
    fn a_lease_counts_as_lost_from_its_end_on() {
        let asked_at: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        for (now, expected) in [
            ("2025-12-31T00:00:00Z", false),
            ("2026-01-01T00:00:00Z", false),
            ("2026-01-01T00:00:29.999999Z", false),
            ("2026-01-01T00:00:30Z", true),
            ("2027-01-01T00:00:00Z", true),
        ] {
            assert_eq!(is_lost(ends_at(asked_at), now.parse().unwrap()), expected, "{now}");
        }
        assert_eq!(ends_at(Timestamp::MAX), Timestamp::MAX);
    }

    proptest! {
        /// A worker whose renewals fail, or arrive and are answered late, beside a sweeper whose clock is up to 4 seconds apart.
        #[test]
        fn a_worker_has_stopped_before_it_counts_as_lost(
            renewals in prop::collection::vec((any::<bool>(), 0_i64..40_000), 0..20),
            apart in -4_000_i64..4_000,
            looks_every in 1_i64..2_000,
        ) {
            let zero: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
            let at = |millis: i64| zero.saturating_add(SignedDuration::from_millis(millis)).unwrap();
            let (mut now, mut asked, mut stored) = (0, 0, ends_at(at(0)));
            let mut renewals = renewals.into_iter();
            // When the answer to a renewal comes, and when it was asked for.
            let mut answer: Option<(i64, i64)> = None;
            let stopped = loop {
                if let Some((comes, was_asked)) = answer.filter(|(comes, _)| *comes <= now) {
                    prop_assert!(comes >= was_asked);
                    (asked, answer) = (was_asked, None);
                }
                match hold(SignedDuration::from_millis(now - asked)) {
                    Hold::Work(_) => {}
                    Hold::Stop => break now,
                    Hold::Renew => if answer.is_none() && let Some((works, takes)) = renewals.next() && works {
                        // The write itself may happen right away and its answer be late.
                        stored = ends_at(at(now));
                        answer = Some((now + takes, now));
                    }
                }
                now += looks_every;
            };
            // Four seconds are left for ending the process tree.
            prop_assert!(!is_lost(stored, at(stopped + 4_000 + apart)), "stopped at {stopped}, lease until {stored}");
        }
    }
}
