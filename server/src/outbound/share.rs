//! What the requests of one run may take of the server at a time. A run that wants more waits, for itself alone.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Answers up to this length need no room.
pub(super) const SMALL: usize = 1 << 20;

/// How much room there is for longer ones, in MiB, if a single one does not need more.
const MOST_MIB: usize = 32;

/// How many names are looked up.
const LOOK_UPS: usize = 4;

/// The share of one run.
#[derive(Clone)]
pub(super) struct Share {
    /// In KiB.
    bodies: Arc<Semaphore>,
    listings: Arc<Semaphore>,
    pub(super) look_ups: Arc<Semaphore>,
}

/// Room that is taken until this is dropped.
#[derive(Debug)]
pub(crate) struct Room(#[expect(dead_code, reason = "what it holds is what counts")] Option<OwnedSemaphorePermit>);

impl Share {
    /// For answers of so many MiB.
    pub(super) fn new(max_body_mib: usize) -> Self {
        Self {
            bodies: Arc::new(Semaphore::new(MOST_MIB.max(max_body_mib) << 10)),
            listings: Arc::new(Semaphore::new(1)),
            look_ups: Arc::new(Semaphore::new(LOOK_UPS)),
        }
    }

    /// Waits for room for an answer of so many bytes. Who has such room must not ask for more: all could wait for one another.
    pub(super) async fn body(&self, bytes: usize) -> Room {
        let kib = u32::try_from(bytes.div_ceil(1 << 10)).unwrap_or(u32::MAX);
        Room(Arc::clone(&self.bodies).acquire_many_owned(kib).await.ok())
    }

    /// Waits until no other directory is listed.
    pub(super) async fn listing(&self) -> Room {
        Room(Arc::clone(&self.listings).acquire_owned().await.ok())
    }
}
