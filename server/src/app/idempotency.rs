//! A repeated create or trigger is answered again, not done again.

use jiff::{SignedDuration, Timestamp};
use ring::digest::{SHA256, digest};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::caller::Caller;
use super::{App, Error, FieldErrors, Result};
use crate::store::{self, Tx, idempotency};

/// How long an answer is kept.
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(24);

/// What a client sends so that it may repeat a request.
#[derive(Debug, Clone)]
pub struct IdempotencyKey {
    key: String,
    request: Vec<u8>,
}

impl IdempotencyKey {
    /// A key for a request, which is told by all its parts (method, path, body).
    pub fn new(key: &str, parts: &[&[u8]]) -> Result<Self> {
        if key.is_empty() || key.len() > 255 || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            let mut errors = FieldErrors::default();
            errors.add("Idempotency-Key", "must be 1 to 255 visible ASCII characters");
            return Err(Error::Invalid(errors));
        }
        let mut request = Vec::new();
        for part in parts {
            request.extend_from_slice(digest(&SHA256, part).as_ref());
        }
        Ok(Self { key: key.to_owned(), request: digest(&SHA256, &request).as_ref().to_vec() })
    }
}

impl App {
    /// The answer that this request got before, if it is a repetition; else the key is taken for this request. A repetition that
    /// comes while the request is being carried out waits for its answer.
    pub(super) async fn earlier_answer<T: DeserializeOwned>(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        key: Option<&IdempotencyKey>,
    ) -> Result<Option<T>> {
        let Some(key) = key else { return Ok(None) };
        let request = self.vault.fingerprint(&key.request);
        let now = self.now();
        let since = kept_since(now);
        if idempotency::take(tx, &caller.principal, &key.key, &request, since, now).await? {
            return Ok(None);
        }
        let Some(kept) = idempotency::find(tx, &caller.principal, &key.key).await? else { return Ok(None) };
        if kept.request != request {
            return Err(Error::Conflict {
                message: "this Idempotency-Key was used for another request within the last 24 hours".into(),
                details: None,
            });
        }
        let answer = serde_json::from_str(&kept.answer)
            .map_err(|_| store::Error::Corrupt { column: "idempotency_keys.answer" })?;
        Ok(Some(answer))
    }

    /// Keeps an answer in the transaction that does the work: either both happen or none.
    pub(super) async fn keep_answer<T: Serialize>(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        key: Option<&IdempotencyKey>,
        answer: &T,
    ) -> Result<()> {
        let Some(key) = key else { return Ok(()) };
        let answer =
            serde_json::to_string(answer).map_err(|_| store::Error::Corrupt { column: "idempotency_keys.answer" })?;
        Ok(idempotency::keep(tx, &caller.principal, &key.key, &answer).await?)
    }
}

/// Answers that were kept before this are forgotten.
pub(crate) fn kept_since(now: Timestamp) -> Timestamp {
    now.saturating_sub(KEPT_FOR).unwrap_or_default()
}
