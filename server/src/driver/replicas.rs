//! What the servers of one database have to do with each other: they wake each other, and agree on the time.

use std::time::Duration;

use jiff::SignedDuration;
use tokio_util::sync::CancellationToken;

use super::{BackOff, Driver};
use crate::app;
use crate::store;

/// After how long a silence to listen on another connection.
const SILENCE: Duration = Duration::from_mins(1);
/// How often to compare the clocks.
const COMPARE_EVERY: SignedDuration = SignedDuration::from_secs(30);

impl Driver {
    /// Runs for ever. On a database of our own there is nobody to meet.
    pub(super) async fn meet_replicas(&self, soft: &CancellationToken) {
        if !self.db.is_shared() {
            return std::future::pending().await;
        }
        tokio::join!(self.tell(), self.listen(soft), self.compare_clocks(soft));
    }

    /// Tells the others what this server knows. Several wake-ups of one kind that come at once are one word.
    async fn tell(&self) {
        loop {
            self.app.wakes.until_untold().await;
            self.tell_now().await;
        }
    }

    /// Tells what has not been told yet.
    pub(super) async fn tell_now(&self) {
        for wake in self.app.wakes.take_untold() {
            let told = self.step(async { Ok(self.db.tell(wake.word()).await?) }).await;
            if let Err(error) = told {
                // The others look by themselves before long.
                tracing::debug!(error = &error as &dyn std::error::Error, "other servers could not be woken");
            }
        }
    }

    async fn listen(&self, soft: &CancellationToken) {
        let mut back_off = BackOff::new();
        while !soft.is_cancelled() {
            let heard = tokio::select! {
                () = soft.cancelled() => return,
                heard = self.hear(&mut back_off) => heard,
            };
            match heard {
                Err(app::Error::Store(store::Error::Silent)) => {}
                Err(error) => {
                    let pause = back_off.after(&error, "the words of other servers cannot be heard");
                    self.rest(pause, soft).await;
                }
            }
        }
    }

    async fn hear(&self, back_off: &mut BackOff) -> Result<std::convert::Infallible, app::Error> {
        let listener = self.step(async { Ok(self.db.listen().await?) }).await?;
        let mut listener = listener.ok_or(store::Error::Silent)?;
        back_off.reset();
        // Words from before we listened.
        self.app.wakes.heard(None);
        loop {
            // A connection can be dead without saying so.
            let heard = tokio::time::timeout(SILENCE, listener.next()).await.map_err(|_| store::Error::Silent)?;
            self.app.wakes.heard(heard?.as_deref());
        }
    }

    async fn compare_clocks(&self, soft: &CancellationToken) {
        while !soft.is_cancelled() {
            self.rest(COMPARE_EVERY, soft).await;
            if let Err(error) = self.step(self.app.follow_database_clock()).await {
                tracing::debug!(error = &error as &dyn std::error::Error, "the database's clock could not be read");
            }
        }
    }
}
