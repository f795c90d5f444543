//! Writes what requests leave to be written: when tokens were used, and how many came that nobody knows.

use jiff::SignedDuration;
use tokio_util::sync::CancellationToken;

use super::{BackOff, Driver};
use crate::app;

/// How often to write.
const EVERY: SignedDuration = SignedDuration::from_mins(1);

impl Driver {
    /// Writes once a minute, and at the end.
    pub(super) async fn write_notes_until(&self, soft: &CancellationToken) {
        let mut back_off = BackOff::new();
        let mut pause = EVERY;
        while !soft.is_cancelled() {
            self.rest(pause, soft).await;
            pause = match self.step(self.write_notes()).await {
                Ok(()) => {
                    back_off.reset();
                    EVERY
                }
                Err(error) => back_off.after(&error, "the use of tokens could not be written"),
            };
        }
    }

    async fn write_notes(&self) -> app::Result<()> {
        self.app.write_unknown_tokens(&self.db).await?;
        self.app.write_uses(&self.db).await
    }
}
