//! How much of something each of many has at a time.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

/// Who has how many, and how many each may have.
pub(crate) struct Shares<K> {
    most: u32,
    taken: Mutex<HashMap<K, u32>>,
}

/// One that somebody has, until it is dropped.
pub(crate) struct Share<K: Eq + Hash> {
    shares: Arc<Shares<K>>,
    owner: K,
}

impl<K: Clone + Eq + Hash> Shares<K> {
    pub(crate) fn new(most: u32) -> Arc<Self> {
        Arc::new(Self { most, taken: Mutex::default() })
    }

    /// How many each may have.
    pub(crate) fn most(&self) -> u32 {
        self.most
    }

    /// Takes one, or `None` for who has as many as he may.
    pub(crate) fn take(self: &Arc<Self>, owner: K) -> Option<Share<K>> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.entry(owner.clone()).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Share { shares: Arc::clone(self), owner })
    }
}

impl<K: Eq + Hash> Drop for Share<K> {
    fn drop(&mut self) {
        let mut taken = self.shares.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.owner) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.owner);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_a_share_and_gives_it_back() {
        let shares = Shares::new(2);
        let first = shares.take("a").unwrap();
        let _second = shares.take("a").unwrap();
        assert!(shares.take("a").is_none());
        let other = shares.take("b").unwrap();
        drop((first, other));
        let _third = shares.take("a").unwrap();
        assert_eq!(*shares.taken.lock().unwrap(), [("a", 2)].into());
    }
}
