//! A repeated create, change or trigger is answered again, not done again.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use justiam_sdk::api::ids::TokenId;
use justiam_sdk::api::secrets::Secret;
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
        match self.earlier_text(tx, caller, key).await? {
            Some(text) => serde_json::from_str(&text).map(Some).map_err(|_| corrupt().into()),
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
        let (Some(sealed), Some(key)) = (self.earlier_text(tx, caller, key).await?, key) else { return Ok(None) };
        let sealed = STANDARD.decode(sealed).map_err(|_| corrupt())?;
        let text = self.vault.open_answer(&caller.principal, &key.key, &sealed).ok_or_else(corrupt)?;
        serde_json::from_str(text.expose()).map(Some).map_err(|_| corrupt().into())
    }

    /// The kept answer to this request, whose key is taken if there is none.
    async fn earlier_text(&self, tx: &mut Tx, caller: &Caller, key: Option<&IdempotencyKey>) -> Result<Option<String>> {
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
        Ok(Some(kept.answer))
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
        Ok(idempotency::keep(tx, &caller.principal, &key.key, &answer).await?)
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
        Ok(idempotency::keep(tx, &caller.principal, &key.key, &STANDARD.encode(sealed)).await?)
    }
}

fn corrupt() -> store::Error {
    store::Error::Corrupt { column: "idempotency_keys.answer" }
}

/// Answers that were kept before this are forgotten.
pub(crate) fn kept_since(now: Timestamp) -> Timestamp {
    now.saturating_sub(KEPT_FOR).unwrap_or_default()
}
