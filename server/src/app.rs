//! Use cases: one public function for each thing that a client can ask for.
//!
//! A use case checks permission and input, owns its transaction, and decides the order of rules. It knows nothing of HTTP,
//! and the SQL is the store's.

pub mod caller;
pub(crate) mod error;
pub(crate) mod fields;
mod idempotency;
pub mod runs;
pub mod secrets;
pub mod system_tasks;
pub mod tasks;
pub mod tokens;
pub mod vault;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use justiam_sdk::api::ids::RunId;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::{ContextV7, Uuid};

pub use error::{Error, FieldErrors};
pub use fields::Object;
pub use idempotency::IdempotencyKey;

use crate::clock::Clock;
use crate::store::Db;
use vault::Vault;

/// The result of a use case.
pub type Result<T> = std::result::Result<T, Error>;

/// Bytes as lower-case hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// What all use cases share.
pub struct App {
    pub(crate) db: Db,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) vault: Vault,
    /// Woken when a task may have become due earlier than the dispatcher thinks.
    pub(crate) dispatch: Notify,
    /// Woken when a run may be ready to start.
    pub(crate) work: Notify,
    ids: Mutex<ContextV7>,
    /// The runs that this process is executing, and how to stop each.
    running: Mutex<HashMap<RunId, CancellationToken>>,
}

impl App {
    /// Puts the parts together.
    pub fn new(db: Db, clock: Arc<dyn Clock>, vault: Vault) -> Self {
        Self {
            db,
            clock,
            vault,
            dispatch: Notify::new(),
            work: Notify::new(),
            ids: Mutex::new(ContextV7::new()),
            running: Mutex::default(),
        }
    }

    /// Whether the database answers.
    pub async fn ready(&self) -> Result<()> {
        let mut tx = self.db.read().await?;
        crate::store::tokens::count(&mut tx).await?;
        Ok(())
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A new id: sorted by the clock's time, and within one millisecond by the order of creation.
    #[expect(clippy::cast_sign_loss, reason = "clocks before 1970 count as 1970")]
    pub(crate) fn new_id(&self) -> Uuid {
        let now = self.now();
        let context = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
        let nanos = now.subsec_nanosecond().max(0) as u32;
        Uuid::new_v7(uuid::Timestamp::from_unix(&*context, now.as_second().max(0) as u64, nanos))
    }

    /// An opaque text that was never used before.
    pub(crate) fn new_revision(&self) -> String {
        self.new_id().simple().to_string()
    }

    /// Registers a run that this process begins to execute. The token fires when the run must stop.
    pub(crate) fn run_begins(&self, id: RunId) -> CancellationToken {
        let token = CancellationToken::new();
        self.running.lock().unwrap_or_else(PoisonError::into_inner).insert(id, token.clone());
        token
    }

    /// Forgets a run that this process has ended.
    pub(crate) fn run_ended(&self, id: RunId) {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }

    /// Stops runs that somebody asked to cancel. Call it after the request is committed.
    pub(crate) fn stop_runs(&self, ids: &[RunId]) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        for token in ids.iter().filter_map(|id| running.get(id)) {
            token.cancel();
        }
    }
}
