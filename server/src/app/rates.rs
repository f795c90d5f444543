//! How often somebody may ask.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::SignedDuration;

use super::caller::Caller;
use super::{App, Error, Result};
use crate::config::Limits;
use crate::shares::{Share, Shares};

/// How many callers are told apart. More are not counted until others are forgotten, so that nobody fills the memory.
const MOST_KNOWN: usize = 100_000;
/// After which time somebody may try again who has too many requests at work.
const SOON: SignedDuration = SignedDuration::from_secs(1);
/// How often those are forgotten who have not asked for a while.
const TIDIED_EVERY: SignedDuration = SignedDuration::from_mins(1);

/// How often each principal has asked and how many of its requests are at work, and how often each address has asked without a valid
/// token. Each server counts for itself.
pub(super) struct Rates {
    requests: Buckets<String>,
    failed_logins: Buckets<Option<IpAddr>>,
    per_second: u32,
    at_work: Arc<Shares<String>>,
}

/// A request at work, until it is dropped.
pub(crate) type AtWork = Share<String>;

impl Rates {
    pub(super) fn new(limits: &Limits) -> Self {
        let minute = SignedDuration::from_mins(1);
        let failed = limits.failed_logins_per_minute;
        Self {
            requests: Buckets::new(SignedDuration::from_secs(1), limits.requests_per_second, limits.request_burst),
            failed_logins: Buckets::new(minute, failed, failed),
            per_second: limits.requests_per_second,
            // There is room for others also while one account sends slowly.
            at_work: Shares::new(limits.requests_at_work.div_ceil(2)),
        }
    }
}

impl App {
    /// Lets in who has logged in, unless that principal asks too often. Whoever could not log in from an address (of a network, where
    /// it is one of very many) hears why, and after some attempts that these were too many. Others from there still get in.
    pub(crate) fn admit(&self, address: Option<IpAddr>, login: Result<Caller>) -> Result<Caller> {
        let now = self.clock.monotonic();
        let taken = match &login {
            Ok(caller) => self.rates.requests.take(&caller.principal, now).map_err(|retry_after| {
                let message = format!(
                    "service account `{}` asks too often: {} requests per second are allowed",
                    caller.name, self.rates.per_second
                );
                Error::TooMany { message, retry_after }
            }),
            Err(refused @ Error::Unauthorised(_)) => {
                self.rates.failed_logins.take(&address, now).map_err(|retry_after| {
                    let message =
                        format!("{refused}, and too many requests without a valid token have come from your address");
                    Error::TooMany { message, retry_after }
                })
            }
            Err(_) => Ok(()),
        };
        taken.and(login)
    }

    /// Takes note that a caller has one more request at work, unless it has as many as one account may.
    pub(crate) fn begin(&self, caller: &Caller) -> Result<AtWork> {
        let at_work = &self.rates.at_work;
        at_work.take(caller.principal.clone()).ok_or_else(|| {
            let most = at_work.most();
            let message =
                format!("service account `{}` has as many requests at work as one account may: {most}", caller.name);
            Error::TooMany { message, retry_after: SOON }
        })
    }
}

/// For each caller a bucket of tokens: each request takes one, and time brings them back. Of a bucket it is enough to know when it will
/// be full again.
struct Buckets<K> {
    /// How long it takes until a token comes back.
    each: SignedDuration,
    /// How long it takes until an empty bucket is full.
    whole: SignedDuration,
    known: Mutex<Known<K>>,
}

struct Known<K> {
    full_at: HashMap<K, SignedDuration>,
    tidied_at: SignedDuration,
}

impl<K: Clone + Eq + Hash> Buckets<K> {
    fn new(time: SignedDuration, tokens: u32, size: u32) -> Self {
        let each = time / i32::try_from(tokens).unwrap_or(i32::MAX);
        let whole = each * i32::try_from(size).unwrap_or(i32::MAX);
        Self { each, whole, known: Mutex::new(Known { full_at: HashMap::new(), tidied_at: SignedDuration::ZERO }) }
    }

    /// Takes a token, or says after which time there will be one.
    fn take(&self, key: &K, now: SignedDuration) -> std::result::Result<(), SignedDuration> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if now - known.tidied_at >= TIDIED_EVERY {
            known.full_at.retain(|_, full_at| *full_at > now);
            known.tidied_at = now;
        }
        // More than an empty bucket lacks is none that this clock has seen: it was set back.
        let full_at = known.full_at.get(key).copied().filter(|full_at| *full_at - now <= self.whole);
        if full_at.is_none() && known.full_at.len() >= MOST_KNOWN {
            return Ok(());
        }
        let full_at = full_at.map_or(now, |full_at| full_at.max(now)) + self.each;
        if full_at - now > self.whole {
            return Err(full_at - now - self.whole);
        }
        known.full_at.insert(key.clone(), full_at);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_set_back_locks_nobody_out() {
        let buckets = Buckets::new(SignedDuration::from_secs(1), 1, 2);
        buckets.take(&"a", SignedDuration::from_hours(1)).unwrap();
        for expected in [true, true, false] {
            assert_eq!(buckets.take(&"a", SignedDuration::ZERO).is_ok(), expected);
        }
    }

    #[test]
    fn a_bucket_gives_what_is_in_it_and_fills_steadily() {
        let millis = SignedDuration::from_millis;
        let buckets = Buckets::new(SignedDuration::from_secs(1), 10, 3);
        let mut taken = Vec::new();
        for at in [0, 0, 0, 0, 50, 100, 100, 1000, 1000, 1000, 1000] {
            taken.push(buckets.take(&"a", millis(at)).map_err(|wait| wait.as_millis()));
        }
        let expected = [Ok(()), Ok(()), Ok(()), Err(100), Err(50), Ok(()), Err(100), Ok(()), Ok(()), Ok(()), Err(100)];
        assert_eq!(taken, expected);
        buckets.take(&"b", millis(1000)).unwrap();
    }

    #[test]
    fn whoever_is_quiet_is_forgotten_and_a_crowd_does_not_fill_the_memory() {
        let buckets = Buckets::new(SignedDuration::from_mins(1), 10, 10);
        for key in 0..MOST_KNOWN + 10 {
            buckets.take(&key, SignedDuration::from_secs(1)).unwrap();
        }
        assert_eq!(buckets.known.lock().unwrap().full_at.len(), MOST_KNOWN);
        buckets.take(&0, SignedDuration::from_secs(100)).unwrap();
        assert_eq!(buckets.known.lock().unwrap().full_at.len(), 1);
    }
}
