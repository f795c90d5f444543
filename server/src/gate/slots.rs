//! How many connections there are, in all and from each address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// The connections of one listener.
pub(super) struct Slots {
    all: Arc<Semaphore>,
    /// Wakes connections that should end as soon as they can, because others wait.
    crowded: Notify,
    per_address: u32,
    by_address: Mutex<HashMap<IpAddr, u32>>,
}

/// How often connections that rest are asked to end while others wait: one may just have begun to rest.
const ASKED_EVERY: Duration = Duration::from_millis(100);

/// A connection that its address may have.
pub(super) struct Share {
    slots: Arc<Slots>,
    network: Option<IpAddr>,
}

/// A connection that is counted.
pub(super) struct Slot {
    _share: Share,
    _one_of_all: OwnedSemaphorePermit,
}

impl Slots {
    pub(super) fn new(all: u32, per_address: u32) -> Self {
        Self {
            all: Arc::new(Semaphore::new(all as usize)),
            crowded: Notify::new(),
            per_address,
            by_address: Mutex::default(),
        }
    }

    /// Whether there is no room.
    pub(super) fn are_taken(&self) -> bool {
        self.all.available_permits() == 0
    }

    /// Others wait for room.
    pub(super) async fn crowded(&self) {
        self.crowded.notified().await;
    }

    /// Counts a connection of an address; `None` when it has as many as it may. Without an address only the sum counts.
    pub(super) fn share(self: &Arc<Self>, address: Option<IpAddr>) -> Option<Share> {
        let network = address.map(network);
        if let Some(network) = network {
            let mut by_address = self.by_address.lock().unwrap_or_else(PoisonError::into_inner);
            let count = by_address.entry(network).or_default();
            if *count >= self.per_address {
                return None;
            }
            *count += 1;
        }
        Some(Share { slots: Arc::clone(self), network })
    }
}

impl Share {
    /// Waits until there is room for one more connection. Those on which nothing is asked make room.
    pub(super) async fn room(self) -> Slot {
        let all = Arc::clone(&self.slots.all);
        if let Ok(permit) = Arc::clone(&all).try_acquire_owned() {
            return Slot { _share: self, _one_of_all: permit };
        }
        let mut free = pin!(all.acquire_owned());
        loop {
            self.slots.crowded.notify_waiters();
            // Nobody closes the semaphore.
            if let Ok(Ok(permit)) = timeout(ASKED_EVERY, free.as_mut()).await {
                return Slot { _share: self, _one_of_all: permit };
            }
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let Some(network) = self.network else { return };
        let mut by_address = self.slots.by_address.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = by_address.get_mut(&network) {
            *count -= 1;
            if *count == 0 {
                by_address.remove(&network);
            }
        }
    }
}

/// What stands for an address where addresses are counted: whoever has an IPv6 address has 2^64 of them.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_address_has_its_share_and_gets_it_back() {
        let slots = Arc::new(Slots::new(10, 2));
        let [a, same, also_same, other]: [IpAddr; 4] =
            ["fd00::1", "fd00::2", "fd00::ffff:0:0:9", "fd00:0:0:1::1"].map(|text| text.parse().unwrap());
        let first = slots.share(Some(a)).unwrap().room().await;
        let _second = slots.share(Some(same)).unwrap().room().await;
        assert!(slots.share(Some(also_same)).is_none());
        let _other = slots.share(Some(other)).unwrap().room().await;
        let _socket = slots.share(None).unwrap().room().await;
        drop(first);
        let _third = slots.share(Some(also_same)).unwrap().room().await;
        assert_eq!(slots.all.available_permits(), 6);
        assert_eq!(slots.by_address.lock().unwrap().len(), 2);
    }
}
