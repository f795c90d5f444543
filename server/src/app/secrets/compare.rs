//! Tells a caller who knows values whether they are those of a task's secrets.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use jiff::SignedDuration;
use justiam_sdk::api::ids::TaskId;
use justiam_sdk::api::secrets::{MAX_KEYS, Secret, SecretMap};
use serde_json::json;

use super::check;
use crate::app::audit::Event;
use crate::app::caller::{Caller, Permission};
use crate::app::fields::{Object, texts};
use crate::app::{App, Error, FieldErrors, Result};
use crate::store::secrets::{self, SealedSecret};
use crate::store::tasks;

/// How often one caller may compare the secrets of one task within [`WINDOW`], and how many keys in all: enough for programs, too
/// little for guessing.
const MOST: usize = 30;
const MOST_KEYS: usize = MAX_KEYS;
const WINDOW: SignedDuration = SignedDuration::from_mins(1);

/// How many keys an entry of the audit log names.
const MOST_NAMED: usize = 100;

impl App {
    /// Tells for each key whether the task's secret has this value. `false` also where there is no such key, and where the
    /// stored value cannot be opened: whoever writes it then mends it.
    pub async fn compare_secrets(&self, caller: &Caller, id: TaskId, body: Object) -> Result<BTreeMap<String, bool>> {
        caller.require(Permission::SecretsWrite)?;
        let mut errors = FieldErrors::default();
        let given: SecretMap =
            texts(body, "", &mut errors).into_iter().map(|(key, value)| (key, Secret::from(value))).collect();
        check(&given, "", &mut errors);
        errors.check()?;
        let mut tx = self.db.read().await?;
        let task = tasks::get(&mut tx, id).await?.ok_or_else(|| Error::no_task(&id))?;
        self.comparisons.count(caller, id, given.len(), self.clock.monotonic())?;
        let stored = secrets::list(&mut tx, id).await?;
        // The note needs a transaction that writes, and the comparison none at all.
        drop(tx);
        let stored: HashMap<String, SealedSecret> =
            stored.into_iter().map(|secret| (secret.key.clone(), secret)).collect();
        // Keys that the caller has made up are counted and not stored.
        let (known, unknown): (Vec<&String>, Vec<&String>) = given.keys().partition(|key| stored.contains_key(*key));
        let named: Vec<&String> = known.iter().copied().take(MOST_NAMED).collect();
        let event = Event::task("secrets.compare", &task)
            .with("keys", json!(named))
            .with("more_keys", known.len() - named.len())
            .with("unknown_keys", unknown.len());
        let is_same = |key: &str, value: &Secret| {
            let opened = stored.get(key).map(|secret| self.vault.open(id, key, &secret.sealed_by, &secret.sealed));
            matches!(opened, Some(Ok(stored)) if self.vault.same(&stored, value))
        };
        let answer = given.iter().map(|(key, value)| (key.clone(), is_same(key, value))).collect();
        let mut tx = self.db.write().await?;
        self.note(&mut tx, caller, event).await?;
        tx.commit().await?;
        Ok(answer)
    }
}

/// When callers compared secrets within the last minute, and how many keys, on the monotonic clock. Each server counts for itself.
#[derive(Debug, Default)]
pub(in crate::app) struct Comparisons(Mutex<Counted>);

#[derive(Debug, Default)]
struct Counted {
    by_caller: HashMap<(String, TaskId), VecDeque<(SignedDuration, usize)>>,
    tidied_at: SignedDuration,
}

impl Comparisons {
    fn count(&self, caller: &Caller, task: TaskId, keys: usize, now: SignedDuration) -> Result<()> {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if now - counted.tidied_at >= WINDOW {
            counted.by_caller.retain(|_, times| times.back().is_some_and(|(last, _)| now - *last < WINDOW));
            counted.tidied_at = now;
        }
        let times = counted.by_caller.entry((caller.principal.clone(), task)).or_default();
        while times.front().is_some_and(|(first, _)| now - *first >= WINDOW) {
            times.pop_front();
        }
        let (mut requests, mut compared) = (times.len() + 1, times.iter().map(|(_, keys)| keys).sum::<usize>() + keys);
        let mut wait = None;
        // The one that has to be over before this one is within the bounds.
        for (at, keys) in times.iter() {
            if requests <= MOST && compared <= MOST_KEYS {
                break;
            }
            (requests, compared) = (requests - 1, compared - keys);
            wait = Some(WINDOW - (now - *at));
        }
        if let Some(retry_after) = wait {
            let message =
                format!("secrets of one task can be compared {MOST} times a minute, with {MOST_KEYS} keys in all");
            return Err(Error::TooMany { message, retry_after });
        }
        times.push_back((now, keys));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(principal: &str) -> Caller {
        Caller {
            principal: principal.to_owned(),
            name: "n".to_owned(),
            permissions: Vec::new(),
            is_admin: true,
            expires_at: None,
            token: None,
            request_id: None,
        }
    }

    #[test]
    fn thirty_a_minute_for_each_caller_and_task() {
        let comparisons = Comparisons::default();
        let task = |number: u8| format!("0199f2a6-0000-7000-8000-0000000000{number:02}").parse().unwrap();
        let count = |principal: &str, number: u8, millis: i64| {
            comparisons.count(&caller(principal), task(number), 1, SignedDuration::from_millis(millis))
        };
        for number in 0..30 {
            count("a", 1, 90_000 + number * 1000).unwrap();
        }
        let error = count("a", 1, 120_500).unwrap_err();
        assert!(
            matches!(error, Error::TooMany { retry_after, .. } if retry_after == SignedDuration::from_millis(29_500))
        );
        count("a", 2, 120_500).unwrap();
        count("b", 1, 120_500).unwrap();
        assert!(count("a", 1, 149_999).is_err());
        count("a", 1, 150_000).unwrap();
        assert!(count("a", 1, 150_999).is_err());
        count("a", 1, 151_000).unwrap();
        // What is over is forgotten.
        count("c", 3, 400_000).unwrap();
        assert_eq!(comparisons.0.lock().unwrap().by_caller.len(), 1);
    }

    #[test]
    fn a_thousand_keys_a_minute() {
        let comparisons = Comparisons::default();
        let task = "0199f2a6-0000-7000-8000-000000000001".parse().unwrap();
        let count = |keys: usize, second: i64| match comparisons.count(
            &caller("a"),
            task,
            keys,
            SignedDuration::from_secs(second),
        ) {
            Ok(()) => None,
            Err(Error::TooMany { retry_after, .. }) => Some(retry_after.as_secs()),
            Err(other) => panic!("{other}"),
        };
        assert_eq!((count(300, 100), count(400, 110), count(300, 120)), (None, None, None));
        // Until the first is over, or the first two.
        assert_eq!((count(1, 130), count(300, 130), count(301, 130)), (Some(30), Some(30), Some(40)));
        assert_eq!((count(0, 131), count(300, 160), count(1, 160)), (None, None, Some(10)));
        // A whole task at one time, once the minute is over.
        assert_eq!((count(1000, 219), count(1000, 220), count(1000, 280)), (Some(1), None, None));
    }
}
