//! Many users at once.

use std::time::Duration;

use futures::future::join_all;
use justiam_sdk::api::tasks::NewTask;
use justiam_sdk::api::values::{ScheduleType, TaskType};
use serde::Deserialize;
use tokio::time::{Instant, sleep_until};

use super::server::ServerProcess;
use super::user::{Tally, User};
use crate::bench::ground::Result;

/// A script of the usual kind: a page of text.
const SCRIPT: &str = include_str!("task.go");

/// How often a user begins.
#[derive(Debug, Clone, Copy)]
pub(in crate::bench) enum Pace {
    /// So many times, without a pause.
    Times(u64),
    /// Again and again for so long, without a pause.
    For(Duration),
    /// Every so often for so long, whatever becomes of it; the users take turns.
    Every(Duration, Duration),
}

/// Users who work side by side.
pub(in crate::bench) struct Crowd(Vec<User>);

impl Crowd {
    /// So many users, each on a connection of his own.
    pub(in crate::bench) async fn connect(server: &ServerProcess, count: u32) -> Result<Self> {
        let mut users = Vec::new();
        for number in 0..count as usize {
            users.push(User::connect(server, number).await?);
        }
        Ok(Self(users))
    }

    pub(in crate::bench) fn len(&self) -> u64 {
        self.0.len() as u64
    }

    /// Lets all of them do something, which gets the user and counts his turns. Returns what became of the requests, and how many seconds
    /// it took.
    pub(in crate::bench) async fn work(&mut self, pace: Pace, job: impl AsyncFn(&mut User, u64)) -> (Tally, f64) {
        let begun = Instant::now();
        let count = self.0.len();
        join_all(self.0.iter_mut().map(|user| take_turns(user, count, pace, begun, &job))).await;
        let seconds = begun.elapsed().as_secs_f64();
        let mut all = Tally::default();
        for user in &mut self.0 {
            all.add(std::mem::take(&mut user.tally));
        }
        (all, seconds)
    }
}

async fn take_turns(user: &mut User, count: usize, pace: Pace, begun: Instant, job: &impl AsyncFn(&mut User, u64)) {
    for turn in 0.. {
        let due = match pace {
            Pace::Times(times) if turn >= times => return,
            Pace::Times(_) | Pace::For(_) => Instant::now(),
            Pace::Every(every, _) => {
                let share = every.mul_f64(fraction(user.number, count));
                begun + share + every.saturating_mul(turn.try_into().unwrap_or(u32::MAX))
            }
        };
        if let Pace::For(lasts) | Pace::Every(_, lasts) = pace
            && due >= begun + lasts
        {
            return;
        }
        sleep_until(due).await;
        user.due_at(due);
        job(user, turn).await;
    }
}

#[expect(clippy::cast_precision_loss, reason = "there are a few thousand users at the most")]
fn fraction(number: usize, count: usize) -> f64 {
    number as f64 / count as f64
}

/// A task as people have them: a script, config entries, and two secrets. It does not fall due.
pub(in crate::bench) fn task(name: String) -> NewTask {
    let mut new = NewTask::triggered_script(name, SCRIPT);
    new.description = Some("Removes those who have left from a group, and tells how many they were".into());
    let entries = [("group", "contractors"), ("dry_run", "false"), ("notify", "identity@example.com")];
    new.task_config = Some(entries.map(|(key, value)| (key.to_owned(), value.to_owned())).into());
    let secrets =
        [("api_token", "a-token-that-nobody-has"), ("webhook", "https://example.com/hook/a-part-that-nobody-knows")];
    new.secrets = Some(secrets.map(|(key, value)| (key.to_owned(), value.into())).into());
    new
}

/// A task whose run does next to nothing: it looks for old entries of the audit log.
pub(in crate::bench) fn cheap_task(name: String) -> NewTask {
    NewTask::new(name, TaskType::AuditLogCleanup, ScheduleType::Once)
}

/// The id in an answer.
pub(in crate::bench) fn id_in(answer: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Made {
        id: String,
    }
    serde_json::from_slice::<Made>(answer).ok().map(|made| made.id)
}
