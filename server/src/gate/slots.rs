//! How many connections there are, in all and from each address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// The connections of one listener.
pub(super) struct Slots {
    all: Arc<Semaphore>,
    /// Wakes connections that should end as soon as they can, because others wait.
    crowded: Notify,
    per_address: u32,
    by_address: Mutex<HashMap<IpAddr, u32>>,
}

/// A connection that is counted.
pub(super) struct Slot {
    slots: Arc<Slots>,
    network: Option<IpAddr>,
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

    /// Waits until there is room for one more connection. Those on which nothing is asked make room.
    pub(super) async fn room(&self) -> OwnedSemaphorePermit {
        if let Ok(permit) = Arc::clone(&self.all).try_acquire_owned() {
            return permit;
        }
        self.crowded.notify_waiters();
        match Arc::clone(&self.all).acquire_owned().await {
            Ok(permit) => permit,
            // Nobody closes it.
            Err(_) => std::future::pending().await,
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
    pub(super) fn take(self: &Arc<Self>, room: OwnedSemaphorePermit, address: Option<IpAddr>) -> Option<Slot> {
        let network = address.map(network);
        if let Some(network) = network {
            let mut by_address = self.by_address.lock().unwrap_or_else(PoisonError::into_inner);
            let count = by_address.entry(network).or_default();
            if *count >= self.per_address {
                return None;
            }
            *count += 1;
        }
        Some(Slot { slots: Arc::clone(self), network, _one_of_all: room })
    }
}

impl Drop for Slot {
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
        let first = slots.take(slots.room().await, Some(a)).unwrap();
        let _second = slots.take(slots.room().await, Some(same)).unwrap();
        assert!(slots.take(slots.room().await, Some(also_same)).is_none());
        let _other = slots.take(slots.room().await, Some(other)).unwrap();
        let _socket = slots.take(slots.room().await, None).unwrap();
        drop(first);
        let _third = slots.take(slots.room().await, Some(also_same)).unwrap();
        assert_eq!(slots.all.available_permits(), 6);
        assert_eq!(slots.by_address.lock().unwrap().len(), 2);
    }
}
