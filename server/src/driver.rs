//! Carries out what the planner decides: turns ticks into runs and executions, and runs and
//! steps into outcomes.
//!
//! Loops that take no input but the database and the clock. A wake-up only makes a loop look sooner; a lost one costs half a
//! minute at the most. Any number of servers may do this on one PostgreSQL database, and none of them leads.

mod dispatch;
pub mod execute;
mod finish;
mod housekeeping;
mod leases;
mod notes;
mod replicas;
mod steps;
mod sweep;
mod worker;

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;

use crate::app::metrics::counts::Loop;
use crate::app::{self, App};
use crate::config::{History, Roles};
use crate::store::{self, Db};
pub use dispatch::TickReport;
use execute::Execute;
use execute::step::ExecuteStep;

/// How long a loop rests at the most before it looks again.
const LONGEST_REST: SignedDuration = SignedDuration::from_secs(30);
/// The first pause after the database failed; it doubles up to [`LONGEST_BACK_OFF`].
const FIRST_BACK_OFF: SignedDuration = SignedDuration::from_millis(250);
/// The longest pause after the database failed.
const LONGEST_BACK_OFF: SignedDuration = SignedDuration::from_secs(5);
/// How long a step may wait for a database on the network. One that was given up has no effect, or is found to have had it.
const STEP: Duration = Duration::from_secs(20);
/// Connections of the loops and of runs that are being prepared. They never wait for those of the API.
const CONNECTIONS: u32 = 8;

/// The dispatcher and the workers of one server.
pub struct Driver {
    app: Arc<App>,
    db: Db,
    /// A connection that nothing else can take: without renewals, runs are stopped.
    lease_db: Db,
    executor: Arc<dyn Execute>,
    steps: Arc<dyn ExecuteStep>,
    settings: Settings,
    /// This process, in the leases that it holds. No two processes share it, whatever their machines are called.
    worker: String,
}

/// What an operator decides about a driver.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How many runs may be at work at a time.
    pub slots: u32,
    /// How many steps of schedules may be at work at a time.
    pub step_slots: u32,
    /// What this server does.
    pub roles: Roles,
    /// What it keeps.
    pub history: History,
}

impl Driver {
    /// A driver that executes runs with `executor` and steps of schedules with `steps`.
    pub fn new(app: Arc<App>, executor: Arc<dyn Execute>, steps: Arc<dyn ExecuteStep>, settings: Settings) -> Self {
        let (db, lease_db) = (app.db.separate(CONNECTIONS), app.db.separate(1));
        let worker = app.new_id().to_string();
        Self { app, db, lease_db, executor, steps, settings, worker }
    }

    /// Mends what an earlier process left behind, then works until `soft` fires, and lets runs end until `hard` fires.
    pub async fn run(self: Arc<Self>, soft: &CancellationToken, hard: &CancellationToken) {
        let roles = self.settings.roles;
        // They are missed from now on, also where the database keeps them from beginning.
        let dispatch = if roles.dispatch { &[Loop::Dispatch, Loop::Sweep][..] } else { &[] };
        let work = if roles.work { &[Loop::Work, Loop::Steps][..] } else { &[] };
        dispatch.iter().chain(work).for_each(|of| self.comes_round(*of));
        self.recover(soft).await;
        // Each on the heap: together they are large, and they live as long as the process.
        let dispatch = Box::pin(async {
            if roles.dispatch {
                tokio::join!(
                    Box::pin(self.dispatch_until(soft)),
                    Box::pin(self.sweep_until(soft)),
                    Box::pin(self.keep_house_until(soft))
                );
            }
        });
        let work = Box::pin(async {
            if roles.work {
                Box::pin(self.work_until(soft, hard)).await;
            }
        });
        tokio::select! {
            // A server that has no loop has words to tell all the same.
            _ = async { tokio::join!(dispatch, work, Box::pin(self.write_notes_until(soft))) } => {}
            // Until the last run has ended: its successor may wait on another server.
            () = Box::pin(self.meet_replicas(soft)) => {}
        }
        if self.db.is_shared() {
            // The last run's successor, for example.
            self.tell_now().await;
            self.db.close().await;
            self.lease_db.close().await;
        }
    }

    /// Gives up on a database on the network that does not answer. SQLite has a limit of its own, and answers in the end.
    async fn step<T>(&self, step: impl Future<Output = app::Result<T>>) -> app::Result<T> {
        let began = Instant::now();
        let done = if self.db.is_shared() {
            tokio::time::timeout(STEP, step).await.unwrap_or_else(|_| {
                // Its connection may be one on which nothing will ever be heard.
                self.db.replace_connections(began);
                Err(store::Error::Silent.into())
            })
        } else {
            step.await
        };
        done.inspect_err(|error| self.app.counts.error(error))
    }

    /// Whoever asks whether this server works looks when its loops came round last.
    fn comes_round(&self, of: Loop) {
        self.app.counts.beat(of, self.app.clock.monotonic());
    }

    async fn rest(&self, pause: SignedDuration, until: &CancellationToken) {
        let wake = self.app.now().saturating_add(pause).unwrap_or(Timestamp::MAX);
        tokio::select! {
            () = until.cancelled() => {}
            () = self.app.clock.sleep_until(wake) => {}
        }
    }
}

/// Pauses after failures: each about twice as long as the one before.
struct BackOff(SignedDuration);

impl BackOff {
    fn new() -> Self {
        Self(FIRST_BACK_OFF)
    }

    fn reset(&mut self) {
        self.0 = FIRST_BACK_OFF;
    }

    /// Says in the log that something failed, and how long to rest before another attempt.
    fn after(&mut self, error: &app::Error, what: &str) -> SignedDuration {
        let pause = self.0;
        self.0 = self.0.saturating_add(self.0).min(LONGEST_BACK_OFF);
        let pause_ms = i64::try_from(pause.as_millis()).unwrap_or(i64::MAX);
        tracing::warn!(error = error as &dyn std::error::Error, pause_ms, "{what}, trying again");
        pause
    }
}
