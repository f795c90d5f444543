//! A repeated create, change or trigger is answered again, not done again.

use jiff::{SignedDuration, Timestamp};
use justiam_sdk::api::ids::TokenId;
use justiam_sdk::api::secrets::Secret;
use ring::digest::{SHA256, digest};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::caller::Caller;
use super::vault::Unopened;
use super::{App, Error, FieldErrors, Result};
use crate::store::idempotency::{self, KeptAnswer};
use crate::store::{self, Tx};

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

    /// The same for a request that one token may repeat and no other, because the answer holds what not each token of the account may
    /// get.
    pub(super) fn of_token(&self, token: TokenId) -> Self {
        let request = [&self.request, token.as_uuid().as_bytes().as_slice()].concat();
        Self { key: self.key.clone(), request: digest(&SHA256, &request).as_ref().to_vec() }
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
        match self.earlier(tx, caller, key).await? {
            Some(kept) => serde_json::from_str(&kept.answer).map(Some).map_err(|_| corrupt().into()),
            None => Ok(None),
        }
    }

    /// The same where the answer holds a secret, so that it was sealed.
    pub(super) async fn earlier_sealed_answer<T: DeserializeOwned>(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        key: Option<&IdempotencyKey>,
    ) -> Result<Option<T>> {
        let (Some(kept), Some(key)) = (self.earlier(tx, caller, key).await?, key) else { return Ok(None) };
        let opened = self.vault.open_answer(&caller.principal, &key.key, &kept.sealed_by, &kept.answer);
        let text = opened.map_err(|why| cannot_repeat(key, why))?;
        serde_json::from_str(text.expose()).map(Some).map_err(|_| corrupt().into())
    }

    /// What is kept of this request, whose key is taken if there is nothing.
    async fn earlier(&self, tx: &mut Tx, caller: &Caller, key: Option<&IdempotencyKey>) -> Result<Option<KeptAnswer>> {
        let Some(key) = key else { return Ok(None) };
        let principal = &caller.principal;
        let sealed = self.vault.seal_request(principal, &key.key, &key.request).map_err(|_| Error::Crypto)?;
        let now = self.now();
        let since = kept_since(now);
        if idempotency::take(tx, principal, &key.key, self.vault.key_id(), &sealed, since, now).await? {
            return Ok(None);
        }
        let Some(kept) = idempotency::find(tx, principal, &key.key).await? else { return Ok(None) };
        let request = self.vault.open_request(principal, &key.key, &kept.sealed_by, &kept.request);
        if request.map_err(|why| cannot_repeat(key, why))? != key.request {
            return Err(Error::Conflict {
                message: "this Idempotency-Key was used for another request within the last 24 hours".into(),
                details: None,
            });
        }
        Ok(Some(kept))
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
        let answer = serde_json::to_string(answer).map_err(|_| corrupt())?;
        Ok(idempotency::keep(tx, &caller.principal, &key.key, &answer, false).await?)
    }

    /// Keeps an answer that holds a secret: sealed, so that the database does not tell it.
    pub(super) async fn keep_sealed_answer<T: Serialize>(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        key: Option<&IdempotencyKey>,
        answer: &T,
    ) -> Result<()> {
        let Some(key) = key else { return Ok(()) };
        let answer = Secret::new(serde_json::to_string(answer).map_err(|_| corrupt())?);
        let sealed = self.vault.seal_answer(&caller.principal, &key.key, &answer).map_err(|_| Error::Crypto)?;
        Ok(idempotency::keep(tx, &caller.principal, &key.key, &sealed, true).await?)
    }
}

/// Whether it is the same request cannot be told, or its answer not be read. It may have been carried out.
fn cannot_repeat(key: &IdempotencyKey, why: Unopened) -> Error {
    let message = format!(
        "what is kept of an earlier request with the Idempotency-Key `{}` cannot be decrypted: {why}; look whether that request was \
         carried out, and send this one with another key",
        key.key
    );
    Error::Conflict { message, details: None }
}

fn corrupt() -> store::Error {
    store::Error::Corrupt { column: "idempotency_keys.answer" }
}

/// Answers that were kept before this are forgotten.
pub(crate) fn kept_since(now: Timestamp) -> Timestamp {
    now.saturating_sub(KEPT_FOR).unwrap_or_default()
}
