//! The logs of runs: what their scripts print.

use std::collections::{HashMap, VecDeque};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::Stream;
use futures::stream::unfold;
use jiff::{SignedDuration, Timestamp};
use justiam_sdk::api::ids::RunId;
use justiam_sdk::api::run_logs::{LogEnd, LogEvent, LogPiece};
use tokio_util::sync::CancellationToken;

use super::caller::{Caller, Permission};
use super::{App, Error, Result};
use crate::store::run_logs::{self, Piece};
use crate::store::{self, runs};

/// How many logs one server lets people follow at a time: each asks the database twice a second.
const MOST_FOLLOWED: usize = 100;
/// How many of them one caller may follow.
const MOST_FOLLOWED_BY_ONE: usize = 10;
/// How often a follower looks for something new. In real time: it is a person who waits.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Those who follow logs on this server.
#[derive(Default)]
pub(crate) struct Followers {
    counts: Arc<Counts>,
    /// Ends them all.
    end: CancellationToken,
}

/// How many logs each principal follows.
#[derive(Default)]
struct Counts(Mutex<HashMap<String, usize>>);

/// The right to follow a log, until it goes away.
struct Place {
    counts: Arc<Counts>,
    principal: String,
}

impl Followers {
    fn place(&self, caller: &Caller) -> Result<Place> {
        let mut counts = self.counts.lock();
        if counts.get(&caller.principal).is_some_and(|count| *count >= MOST_FOLLOWED_BY_ONE) {
            return Err(too_many(format!(
                "service account `{}` follows {MOST_FOLLOWED_BY_ONE} logs on this server, which is as many as it allows to one",
                caller.name
            )));
        }
        if counts.values().sum::<usize>() >= MOST_FOLLOWED {
            return Err(too_many(format!(
                "{MOST_FOLLOWED} logs are being followed on this server, which is as many as it allows"
            )));
        }
        *counts.entry(caller.principal.clone()).or_default() += 1;
        Ok(Place { counts: Arc::clone(&self.counts), principal: caller.principal.clone() })
    }
}

/// Somebody else's may end at any time.
fn too_many(message: String) -> Error {
    Error::TooMany { message, retry_after: SignedDuration::from_secs(5) }
}

impl Counts {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.counts.lock();
        let Some(count) = counts.get_mut(&self.principal) else { return };
        *count -= 1;
        if *count == 0 {
            counts.remove(&self.principal);
        }
    }
}

/// Somebody who follows a log.
struct Follower {
    app: Arc<App>,
    run: RunId,
    /// Where the next piece may begin.
    at: u64,
    events: VecDeque<LogEvent>,
    ended: bool,
    /// When the caller's token ends, and with it the right to see more.
    until: Option<Timestamp>,
    _place: Place,
}

impl App {
    /// What the script of a run has printed so far; of a long log the beginning and the end.
    pub async fn run_log(&self, caller: &Caller, id: RunId) -> Result<String> {
        caller.require(Permission::TasksView)?;
        let mut tx = self.db.read().await?;
        runs::status(&mut tx, id).await?.ok_or_else(|| Error::no_run(&id))?;
        Ok(whole(&run_logs::read(&mut tx, id, 0).await?))
    }

    /// Follows what the script of a run prints, from a place in its log to the end of the run. The stream also ends, without an
    /// end of the run, when the server or the caller's token does. A token never allows less than before, so there is nothing
    /// else to look at again.
    pub(crate) async fn follow_run(
        self: &Arc<Self>,
        caller: &Caller,
        id: RunId,
        from: u64,
    ) -> Result<impl Stream<Item = LogEvent> + Send + use<>> {
        caller.require(Permission::TasksView)?;
        let mut follower = Follower {
            app: Arc::clone(self),
            run: id,
            at: from,
            events: VecDeque::new(),
            ended: false,
            until: caller.expires_at,
            _place: self.followers.place(caller)?,
        };
        if !follower.look().await? {
            return Err(Error::no_run(&id));
        }
        Ok(unfold(follower, |mut follower| async move { Some((follower.next().await?, follower)) }))
    }

    /// Lets nobody follow a log any longer.
    pub(crate) fn end_followers(&self) {
        self.followers.end.cancel();
    }
}

impl Follower {
    /// What comes next; `None` where nothing more does.
    async fn next(&mut self) -> Option<LogEvent> {
        let app = Arc::clone(&self.app);
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            if self.ended {
                return None;
            }
            tokio::select! {
                () = app.followers.end.cancelled() => return None,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            if self.until.is_some_and(|until| until <= app.now()) {
                return None;
            }
            match self.look().await {
                // A database that is away comes back.
                Ok(true) | Err(Error::Store(store::Error::Unavailable(_) | store::Error::Silent)) => {}
                Ok(false) => return None,
                Err(error) => {
                    tracing::error!(error = &error as &dyn std::error::Error, run.id = %self.run, "a log cannot be followed");
                    return None;
                }
            }
        }
    }

    /// Looks for something new. `false` where the run is gone.
    async fn look(&mut self) -> Result<bool> {
        let mut tx = self.app.db.read().await?;
        let Some(status) = runs::status(&mut tx, self.run).await? else { return Ok(false) };
        for piece in run_logs::read(&mut tx, self.run, self.at).await? {
            self.at = piece.end();
            self.events.push_back(LogEvent::Log(LogPiece::new(piece.at, piece.text)));
        }
        if status.is_terminal() {
            // The last pieces are stored together with the end.
            self.events.push_back(LogEvent::End(LogEnd::new(status)));
            self.ended = true;
        }
        Ok(true)
    }
}

/// The text of a log, with a line where something was left out.
pub(crate) fn whole<'a>(pieces: impl IntoIterator<Item = &'a Piece>) -> String {
    since(0, pieces)
}

/// The same of a log that goes on at `end`.
pub(crate) fn since<'a>(mut end: u64, pieces: impl IntoIterator<Item = &'a Piece>) -> String {
    let mut text = String::new();
    for piece in pieces {
        if piece.at > end {
            let _ = write!(text, "\n… {} bytes left out …\n", piece.at - end);
        }
        text.push_str(&piece.text);
        end = piece.end();
    }
    text
}
