//! Tells a caller who knows values whether they are those of a task's secrets.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use jiff::SignedDuration;
use justiam_sdk::api::ids::TaskId;
use justiam_sdk::api::secrets::{Secret, SecretMap};

use super::check;
use crate::app::audit::Event;
use crate::app::caller::{Caller, Permission};
use crate::app::fields::{Object, texts};
use crate::app::{App, Error, FieldErrors, Result};
use crate::store::secrets::{self, SealedSecret};
use crate::store::tasks;

/// How often one caller may compare the secrets of one task within [`WINDOW`]: enough for programs, too little for guessing.
const MOST: usize = 30;
const WINDOW: SignedDuration = SignedDuration::from_mins(1);

impl App {
    /// Tells for each key whether the task's secret has this value. `false` also where there is no such key, and where the
    /// stored value was sealed under another server secret: whoever writes it then mends it.
    pub async fn compare_secrets(&self, caller: &Caller, id: TaskId, body: Object) -> Result<BTreeMap<String, bool>> {
        caller.require(Permission::SecretsWrite)?;
        let mut errors = FieldErrors::default();
        let given: SecretMap =
            texts(body, "", &mut errors).into_iter().map(|(key, value)| (key, Secret::from(value))).collect();
        check(&given, "", &mut errors);
        errors.check()?;
        let mut tx = self.db.read().await?;
        let task = tasks::get(&mut tx, id).await?.ok_or_else(|| Error::no_task(&id))?;
        self.comparisons.count(caller, id, self.clock.monotonic())?;
        let stored = secrets::list(&mut tx, id).await?;
        // The note needs a transaction that writes, and the comparison none at all.
        drop(tx);
        let stored: HashMap<String, SealedSecret> =
            stored.into_iter().map(|secret| (secret.key.clone(), secret)).collect();
        let keys: Vec<String> = given.keys().cloned().collect();
        let is_same = |key: &str, value: &Secret| {
            let opened = stored.get(key).and_then(|secret| self.vault.open(id, key, &secret.sealed_by, &secret.sealed));
            opened.is_some_and(|stored| self.vault.same(&stored, value))
        };
        let answer = given.iter().map(|(key, value)| (key.clone(), is_same(key, value))).collect();
        let mut tx = self.db.write().await?;
        self.note(&mut tx, caller, Event::task("secrets.compare", &task).with("keys", keys)).await?;
        tx.commit().await?;
        Ok(answer)
    }
}

/// When callers compared secrets within the last minute, on the monotonic clock. Each server counts for itself.
#[derive(Debug, Default)]
pub(in crate::app) struct Comparisons(Mutex<Counted>);

#[derive(Debug, Default)]
struct Counted {
    by_caller: HashMap<(String, TaskId), VecDeque<SignedDuration>>,
    tidied_at: SignedDuration,
}

impl Comparisons {
    fn count(&self, caller: &Caller, task: TaskId, now: SignedDuration) -> Result<()> {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if now - counted.tidied_at >= WINDOW {
            counted.by_caller.retain(|_, times| times.back().is_some_and(|last| now - *last < WINDOW));
            counted.tidied_at = now;
        }
        let times = counted.by_caller.entry((caller.principal.clone(), task)).or_default();
        while times.front().is_some_and(|first| now - *first >= WINDOW) {
            times.pop_front();
        }
        if let Some(first) = times.front().filter(|_| times.len() >= MOST) {
            let message = format!("secrets of one task can be compared {MOST} times a minute");
            return Err(Error::TooMany { message, retry_after: WINDOW - (now - *first) });
        }
        times.push_back(now);
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
            short_token: None,
            request_id: None,
        }
    }

    #[test]
    fn thirty_a_minute_for_each_caller_and_task() {
        let comparisons = Comparisons::default();
        let task = |number: u8| format!("0199f2a6-0000-7000-8000-0000000000{number:02}").parse().unwrap();
        let count = |principal: &str, number: u8, millis: i64| {
            comparisons.count(&caller(principal), task(number), SignedDuration::from_millis(millis))
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
}
