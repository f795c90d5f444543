//! What the tasks of the built-in types do.
//!
//! The work is done in batches, each in a transaction of its own: whoever else wants to write waits for one batch, not
//! for all of the work, and what is done stays done when the work is stopped.

use jiff::{SignedDuration, Timestamp};
use justiam_sdk::api::values::TaskType;

use super::{App, Error, Result};
use crate::config::AUDIT_DAYS;
use crate::store::identity::{access_requests, agent_tokens, presets, saml_sessions, trusted_devices, user_messages};
use crate::store::{Db, audit};

/// How many rows one transaction handles.
const BATCH: u32 = 1000;

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// For how many days an agent token may be idle.
const AGENT_TOKEN_DAYS: u32 = 7;

/// How the work came to its end.
#[derive(Debug)]
pub(crate) enum End<S> {
    /// Nothing is left to do.
    Finished,
    /// Somebody wanted it to stop.
    Stopped(S),
    /// The database failed.
    Failed(Error),
}

/// What was done.
#[derive(Debug)]
pub(crate) struct Report<S> {
    /// What was done, with its count, as the end of a sentence.
    pub(crate) done: String,
    /// How it ended.
    pub(crate) end: End<S>,
}

/// The work of one built-in type.
#[derive(Debug, Clone, Copy)]
enum Work {
    SamlSessions,
    /// Entries older than this many days.
    AuditLog(u32),
    TrustedDevices,
    UserMessages,
    AccessRequests,
    Presets,
    AgentTokens,
}

impl App {
    /// Does the work of a built-in type. `stop` is asked before each batch. `None` when the type is not one of them.
    pub(crate) async fn carry_out<S>(
        &self,
        db: &Db,
        task_type: &TaskType,
        stop: impl Fn() -> Option<S>,
    ) -> Option<Report<S>> {
        let work = Work::of(task_type, self.audit_days)?;
        // One instant for the whole work, so that it has an end.
        let now = self.now();
        let mut count = 0;
        let end = loop {
            if let Some(why) = stop() {
                break End::Stopped(why);
            }
            match Self::batch(db, work, now).await {
                Ok(rows) => {
                    count += rows;
                    if !work.may_have_more(rows) {
                        break End::Finished;
                    }
                }
                Err(error) => break End::Failed(error),
            }
        };
        Some(Report { done: work.told(count), end })
    }

    /// One transaction's share of the work. Returns how many rows it handled.
    async fn batch(db: &Db, work: Work, now: Timestamp) -> Result<u64> {
        let limit = i64::from(BATCH);
        let mut tx = db.write().await?;
        let rows = match work {
            Work::SamlSessions => saml_sessions::remove_expired(&mut tx, now, limit).await,
            Work::AuditLog(days) => audit::delete_before(&mut tx, days_before(now, days), limit).await,
            Work::TrustedDevices => trusted_devices::remove_expired(&mut tx, now, limit).await,
            Work::UserMessages => user_messages::deliver(&mut tx, now, limit).await,
            Work::AccessRequests => access_requests::expire(&mut tx, now, limit).await,
            Work::Presets => presets::rebuild_cache(&mut tx, now).await,
            Work::AgentTokens => agent_tokens::delete_unused(&mut tx, days_before(now, AGENT_TOKEN_DAYS), limit).await,
        }?;
        tx.commit().await?;
        Ok(rows)
    }
}

impl Work {
    fn of(task_type: &TaskType, audit_days: u32) -> Option<Self> {
        match task_type {
            TaskType::SamlSessionCleanup => Some(Self::SamlSessions),
            TaskType::AuditLogCleanup => Some(Self::AuditLog(audit_days.clamp(*AUDIT_DAYS.start(), *AUDIT_DAYS.end()))),
            TaskType::TrustedDeviceExpiry => Some(Self::TrustedDevices),
            TaskType::UserMessageDelivery => Some(Self::UserMessages),
            TaskType::AccessRequestExpiry => Some(Self::AccessRequests),
            TaskType::PresetCacheRefresh => Some(Self::Presets),
            TaskType::AgentTokenCleanup => Some(Self::AgentTokens),
            _ => None,
        }
    }

    fn may_have_more(self, rows: u64) -> bool {
        // A cache that is half made is none, so it is made in one go.
        !matches!(self, Self::Presets) && rows >= u64::from(BATCH)
    }

    fn told(self, count: u64) -> String {
        let s = if count == 1 { "" } else { "s" };
        match self {
            Self::SamlSessions => format!("removed {count} expired SAML session{s}"),
            Self::AuditLog(days) => {
                let entries = if count == 1 { "entry" } else { "entries" };
                format!("deleted {count} audit log {entries} older than {days} day{}", if days == 1 { "" } else { "s" })
            }
            Self::TrustedDevices => format!("removed {count} expired trusted device{s}"),
            Self::UserMessages => format!("delivered {count} user message{s}"),
            Self::AccessRequests => format!("expired {count} access request{s}"),
            Self::Presets => format!("rebuilt the preset cache with {count} preset{s}"),
            Self::AgentTokens => {
                format!("deleted {count} agent token{s} unused for more than {AGENT_TOKEN_DAYS} days")
            }
        }
    }
}

fn days_before(now: Timestamp, days: u32) -> Timestamp {
    let days = DAY * i32::try_from(days).unwrap_or(i32::MAX);
    now.saturating_sub(days).unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::app::vault::Vault;
    use crate::clock::SystemClock;

    #[tokio::test]
    async fn the_work_can_be_stopped_between_two_batches_and_goes_on_later() {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open_sqlite(&folder.path().join("test.db")).await.unwrap();
        let app = App::new(
            db,
            Arc::new(SystemClock),
            Vault::new(&"a secret of a server that is long enough".into()).unwrap(),
        );
        let user = "0199f2a6-0000-7000-8000-000000000001";
        let sessions: Vec<_> = (0..2001)
            .map(|number| {
                let id = format!("0199f2a6-0000-7000-8000-{number:012}");
                json!({ "id": id, "user": user, "expires_at": "2026-01-01T00:00:00Z" })
            })
            .collect();
        let fixtures = json!({ "users": [{ "id": user, "email": "a@example.com" }], "saml_sessions": sessions });
        app.load_fixtures(fixtures.to_string().as_bytes()).await.unwrap();
        let asked = Cell::new(0);
        let stop = || {
            asked.set(asked.get() + 1);
            (asked.get() > 2).then_some("enough")
        };
        let report = app.carry_out(&app.db, &TaskType::SamlSessionCleanup, stop).await.unwrap();
        assert!(matches!(report.end, End::Stopped("enough")), "{report:?}");
        assert_eq!((report.done.as_str(), asked.get()), ("removed 2000 expired SAML sessions", 3));
        let report = app.carry_out(&app.db, &TaskType::SamlSessionCleanup, || None::<()>).await.unwrap();
        assert!(matches!(report.end, End::Finished), "{report:?}");
        assert_eq!(report.done, "removed 1 expired SAML session");
        for other in ["script", "a_later_type"] {
            assert!(app.carry_out(&app.db, &other.into(), || None::<()>).await.is_none());
        }
    }
}
