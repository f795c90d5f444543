//! When tokens were last used.
//!
//! A request only notes it in memory. Once a minute all of it is written in one go, so no request waits for that or fails by it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use justiam_sdk::api::ids::TokenId;

use super::{App, Result};
use crate::store::{Db, tokens};

/// What has not been written yet.
#[derive(Default)]
pub(super) struct Uses(Mutex<HashMap<TokenId, Timestamp>>);

impl Uses {
    pub(super) fn note(&self, token: TokenId, at: Timestamp) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(token, at);
    }

    fn all(&self) -> Vec<(TokenId, Timestamp)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().map(|(token, at)| (*token, *at)).collect()
    }

    /// Forgets what has been written, but for tokens that were used again meanwhile.
    fn forget(&self, written: &[(TokenId, Timestamp)]) {
        let mut uses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (token, at) in written {
            if uses.get(token) == Some(at) {
                uses.remove(token);
            }
        }
    }
}

impl App {
    /// Writes when tokens were last used. What cannot be written is written next time.
    pub(crate) async fn write_uses(&self, db: &Db) -> Result<()> {
        let uses = self.uses.all();
        if uses.is_empty() {
            return Ok(());
        }
        let mut tx = db.write().await?;
        tokens::used(&mut tx, &uses).await?;
        tx.commit().await?;
        self.uses.forget(&uses);
        Ok(())
    }
}
