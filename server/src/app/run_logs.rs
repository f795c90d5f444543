//! The logs of runs: what their scripts print.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use futures::Stream;
use futures::stream::unfold;
use justiam_sdk::api::ids::RunId;
use justiam_sdk::api::run_logs::{LogEnd, LogEvent, LogPiece};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use super::caller::{Caller, Permission};
use super::{App, Error, Result};
use crate::store::run_logs::{self, Piece};
use crate::store::{self, runs};

/// How many logs one server lets people follow at a time: each asks the database twice a second.
const MOST_FOLLOWERS: usize = 100;
/// How often a follower looks for something new. In real time: it is a person who waits.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Those who follow logs on this server.
pub(crate) struct Followers {
    places: Arc<Semaphore>,
    /// Ends them all.
    end: CancellationToken,
}

impl Default for Followers {
    fn default() -> Self {
        Self { places: Arc::new(Semaphore::new(MOST_FOLLOWERS)), end: CancellationToken::new() }
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
    _place: OwnedSemaphorePermit,
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
    /// end of the run, when the server does.
    pub(crate) async fn follow_run(
        self: &Arc<Self>,
        caller: &Caller,
        id: RunId,
        from: u64,
    ) -> Result<impl Stream<Item = LogEvent> + Send + use<>> {
        caller.require(Permission::TasksView)?;
        let place = Arc::clone(&self.followers.places).try_acquire_owned().map_err(|_| {
            Error::TooMany(format!(
                "{MOST_FOLLOWERS} logs are being followed on this server, which is as many as it allows"
            ))
        })?;
        let app = Arc::clone(self);
        let mut follower = Follower { app, run: id, at: from, events: VecDeque::new(), ended: false, _place: place };
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
