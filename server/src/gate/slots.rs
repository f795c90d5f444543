//! How many connections there are, in all and from each address.

use std::net::{IpAddr, Ipv6Addr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::shares::{self, Shares};

/// The connections of one listener.
pub(super) struct Slots {
    all: Arc<Semaphore>,
    /// Wakes connections that should end as soon as they can, because others wait.
    crowded: Notify,
    by_address: Arc<Shares<IpAddr>>,
}

/// How often connections that rest are asked to end while others wait: one may just have begun to rest.
const ASKED_EVERY: Duration = Duration::from_millis(100);

/// A connection that its address may have.
pub(super) struct Share {
    slots: Arc<Slots>,
    _of_address: Option<shares::Share<IpAddr>>,
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
            by_address: Shares::new(per_address),
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
        let of_address = match address {
            Some(address) => Some(self.by_address.take(network(address))?),
            None => None,
        };
        Some(Share { slots: Arc::clone(self), _of_address: of_address })
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
    }
}
