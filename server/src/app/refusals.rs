//! Requests that were refused, in the audit log.
//!
//! Nobody fills the disk with them: of one account there are so many entries in an hour, and tokens that nobody knows are counted and
//! summed up once a minute.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use justiam_sdk::api::audit::AuditEntry;
use justiam_sdk::api::ids::AuditEntryId;
use serde_json::{Map, Value};

use super::caller::{Caller, Permission, Refused};
use super::error::shown;
use super::{App, Object, Result};
use crate::store::{Db, audit};

/// How many entries about one account there are in an hour.
const MOST_IN_AN_HOUR: u32 = 60;
const HOUR: SignedDuration = SignedDuration::from_hours(1);
/// How many accounts are remembered before those are forgotten whose hour is over.
const MANY: usize = 1000;

/// What has been refused lately.
#[derive(Default)]
pub(super) struct Refusals {
    by_principal: Mutex<HashMap<String, Hour>>,
    unknown: Mutex<Unknown>,
}

struct Hour {
    began: Timestamp,
    entries: u32,
}

/// Tokens that nobody knows, since this was last written.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Unknown {
    count: u64,
    first: Option<Timestamp>,
}

/// What to write about a refusal.
#[derive(Debug, PartialEq, Eq)]
enum Entry {
    Itself,
    /// It is the first of this hour that is not written: that others follow until then.
    NoMore(Timestamp),
    Nothing,
}

impl Refusals {
    /// Counts a refusal.
    fn count(&self, principal: &str, now: Timestamp) -> Entry {
        let mut hours = self.by_principal.lock().unwrap_or_else(PoisonError::into_inner);
        let is_over = |hour: &Hour| hour.began.saturating_add(HOUR).is_ok_and(|end| end <= now) || hour.began > now;
        if hours.len() >= MANY {
            hours.retain(|_, hour| !is_over(hour));
        }
        let hour = hours.entry(principal.to_owned()).or_insert(Hour { began: now, entries: 0 });
        if is_over(hour) {
            *hour = Hour { began: now, entries: 0 };
        }
        hour.entries = hour.entries.saturating_add(1);
        match hour.entries {
            ..=MOST_IN_AN_HOUR => Entry::Itself,
            entries if entries == MOST_IN_AN_HOUR + 1 => {
                Entry::NoMore(hour.began.saturating_add(HOUR).unwrap_or(Timestamp::MAX))
            }
            _ => Entry::Nothing,
        }
    }
}

/// The request that was refused.
#[derive(Debug)]
pub(crate) struct Asked {
    /// Its method.
    pub(crate) method: String,
    /// The pattern of its path: what stands in the place of an id may be anything.
    pub(crate) route: String,
    /// From where it came, if it was not through a Unix socket.
    pub(crate) address: Option<IpAddr>,
    /// What its answer is known by.
    pub(crate) request_id: Option<String>,
}

/// Why a caller may not do something.
#[derive(Debug, Clone)]
pub(crate) enum Denial {
    /// For want of this permission.
    Lacks(Permission),
    /// For this reason.
    Because(String),
}

impl App {
    /// Writes down that a caller may not do something. The answer does not depend on it.
    pub(crate) async fn note_denial(&self, caller: &Caller, denial: Denial, asked: Asked) {
        let mut details = Object::new();
        match denial {
            Denial::Lacks(permission) => details.insert("permission".into(), permission.as_str().into()),
            Denial::Because(reason) => {
                details.insert("reason".into(), reason.chars().take(200).collect::<String>().into())
            }
        };
        let mut entry = self.refusal(caller.name.clone(), "access.refused", "request", details, &asked);
        entry.principal = Some(caller.principal.clone());
        entry.token_id = caller.token.as_ref().map(|token| token.id);
        self.write_refusal(entry).await;
    }

    /// Writes down that somebody came with a token that is good no more, or counts one that nobody knows.
    pub(crate) async fn note_refused_token(&self, refused: &Refused, asked: Asked) {
        let Some(holder) = &refused.holder else {
            let mut unknown = self.refusals.unknown.lock().unwrap_or_else(PoisonError::into_inner);
            unknown.count = unknown.count.saturating_add(1);
            unknown.first.get_or_insert_with(|| self.now());
            return;
        };
        let details = Map::from_iter([("why".to_owned(), Value::from(refused.why.word()))]);
        let actor = holder.account_name.clone();
        let mut entry = self.refusal(actor, "access.token_refused", "token", details, &asked);
        entry.principal = Some(Caller::principal_of(holder.account));
        entry.token_id = Some(holder.token);
        entry.object_id = Some(holder.token.to_string());
        entry.object_name = Some(holder.token_name.clone());
        self.write_refusal(entry).await;
    }

    /// Writes down how many tokens came that nobody knows. What cannot be written is written next time.
    pub(crate) async fn write_unknown_tokens(&self, db: &Db) -> Result<()> {
        let taken = std::mem::take(&mut *self.refusals.unknown.lock().unwrap_or_else(PoisonError::into_inner));
        let Some(first) = taken.first else { return Ok(()) };
        let id = AuditEntryId::from_uuid(self.new_id());
        let mut entry =
            AuditEntry::new(id, self.now(), "nobody".into(), "access.unknown_tokens".into(), "token".into());
        entry.details = serde_json::json!({ "count": taken.count, "since": first.to_string() });
        let written = async {
            let mut tx = db.write().await?;
            audit::put(&mut tx, &entry).await?;
            Ok(tx.commit().await?)
        };
        let written = written.await;
        if written.is_err() {
            let mut unknown = self.refusals.unknown.lock().unwrap_or_else(PoisonError::into_inner);
            unknown.count = unknown.count.saturating_add(taken.count);
            unknown.first = Some(first);
        }
        written
    }

    fn refusal(&self, actor: String, action: &str, kind: &str, mut details: Object, asked: &Asked) -> AuditEntry {
        let id = AuditEntryId::from_uuid(self.new_id());
        let mut entry = AuditEntry::new(id, self.now(), actor, action.to_owned(), kind.to_owned());
        details.insert("method".into(), shown(&asked.method).into());
        details.insert("route".into(), asked.route.as_str().into());
        if let Some(address) = asked.address {
            details.insert("address".into(), address.to_string().into());
        }
        entry.details = Value::Object(details);
        entry.request_id.clone_from(&asked.request_id);
        entry
    }

    async fn write_refusal(&self, mut entry: AuditEntry) {
        match self.refusals.count(entry.principal.as_deref().unwrap_or_default(), entry.at) {
            Entry::Itself => {}
            Entry::NoMore(until) => {
                "access.refusals_omitted".clone_into(&mut entry.action);
                "service_account".clone_into(&mut entry.object_kind);
                (entry.object_id, entry.object_name, entry.request_id, entry.token_id) = (None, None, None, None);
                entry.details = serde_json::json!({ "after": MOST_IN_AN_HOUR, "until": until.to_string() });
            }
            Entry::Nothing => return,
        }
        let written: Result<()> = async {
            let mut tx = self.db.write().await?;
            audit::put(&mut tx, &entry).await?;
            Ok(tx.commit().await?)
        }
        .await;
        if let Err(error) = written {
            tracing::warn!(error = &error as &dyn std::error::Error, "a refusal could not be written to the audit log");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    #[test]
    fn an_account_has_so_many_entries_in_an_hour_and_one_that_says_so() {
        let refusals = Refusals::default();
        for second in 0..60 {
            assert_eq!(refusals.count("one", at(second)), Entry::Itself);
        }
        assert_eq!(refusals.count("one", at(60)), Entry::NoMore(at(3600)));
        assert_eq!(refusals.count("one", at(3599)), Entry::Nothing);
        assert_eq!(refusals.count("two", at(3599)), Entry::Itself);
        assert_eq!(refusals.count("one", at(3600)), Entry::Itself);
        // A clock that goes back begins another hour.
        assert_eq!(refusals.count("two", at(0)), Entry::Itself);
    }

    #[test]
    fn hours_that_are_over_are_forgotten() {
        let refusals = Refusals::default();
        for number in 0..MANY {
            refusals.count(&number.to_string(), at(0));
        }
        refusals.count("one more", at(3600));
        assert_eq!(refusals.by_principal.lock().unwrap().len(), 1);
    }
}
