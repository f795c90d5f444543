//! Whether this server can do its work.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use tokio::sync::Mutex;

use super::metrics::counts::{Label as _, Loop, STUCK_AFTER};
use super::{App, Result};
use crate::store::readiness;

/// How long an answer is good. However many ask, the database is written to once in this time.
const GOOD_FOR: SignedDuration = SignedDuration::from_secs(1);
/// How long the database may take to accept a write.
const PATIENCE: Duration = Duration::from_secs(3);

/// What keeps a server from its work.
type Parts = Arc<[&'static str]>;

/// The latest answer and when it was found. Whoever asks meanwhile waits for it.
#[derive(Default)]
pub(super) struct Readiness(Mutex<Option<(SignedDuration, Parts)>>);

impl App {
    /// What keeps this server from its work: `database` (does not accept a write soon), `schema` (of another version), and the loops
    /// that do not come round. Empty when it is ready. Not older than a second.
    pub async fn unready(&self) -> Arc<[&'static str]> {
        let mut latest = self.readiness.0.lock().await;
        let now = self.clock.monotonic();
        if let Some((at, unready)) = &*latest
            && (*at..at.saturating_add(GOOD_FOR)).contains(&now)
        {
            return Arc::clone(unready);
        }
        let mut unready = Vec::new();
        match tokio::time::timeout(PATIENCE, self.try_database()).await {
            Ok(Ok(true)) => {}
            Ok(Ok(false)) => unready.push("schema"),
            Ok(Err(error)) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "the database does not accept a write");
                unready.push("database");
            }
            Err(_) => unready.push("database"),
        }
        let loops = self.counts.loops(self.clock.monotonic());
        unready.extend(loops.into_iter().filter(|(_, age)| *age > STUCK_AFTER).map(|(of, _)| Loop::word(of)));
        let unready: Arc<[&'static str]> = unready.into();
        let before = latest.take().map(|(_, before)| before).unwrap_or_default();
        if before != unready {
            let parts = unready.join(", ");
            if unready.is_empty() {
                tracing::info!("ready again");
            } else {
                tracing::warn!(parts, "not ready");
            }
        }
        *latest = Some((now, Arc::clone(&unready)));
        unready
    }

    /// Has the database write something, and tells whether its schema is the one that this version knows.
    async fn try_database(&self) -> Result<bool> {
        let mut tx = self.db.write().await?;
        let known = readiness::is_schema_known(&mut tx).await?;
        if known {
            readiness::write(&mut tx, self.now()).await?;
            tx.commit().await?;
        }
        Ok(known)
    }
}
