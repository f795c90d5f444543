//! What this process has counted since it began. Only atomics on the way of runs: counting holds up nobody.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use jiff::SignedDuration;
use justiam_sdk::api::activities::ActivityStatus;
use justiam_sdk::api::executions::ExecutionStatus;
use justiam_sdk::api::values::RunStatus;

use super::histogram::{Histogram, REQUESTS, RUNS, STEPS, WAITS};
use crate::app::Error;
use crate::store;

/// How long a loop may be silent before it counts as stuck: it rests for 30 seconds at the most, and waits for its database as long.
pub(crate) const STUCK_AFTER: SignedDuration = SignedDuration::from_secs(120);

/// Words of a label, each with its place.
pub trait Label: Copy + 'static {
    /// All of them, in the order of their places.
    const ALL: &'static [Self];

    /// The value of the label.
    fn word(self) -> &'static str;
}

macro_rules! labels {
    ($($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal),+ $(,)? })+) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy, PartialEq, Eq)]
            pub enum $name { $($(#[$variant_doc])* $variant),+ }

            impl Label for $name {
                const ALL: &'static [Self] = &[$(Self::$variant),+];

                fn word(self) -> &'static str {
                    match self { $(Self::$variant => $word),+ }
                }
            }

            impl From<$name> for usize {
                fn from(label: $name) -> Self {
                    label as Self
                }
            }
        )+
    };
}

labels! {
    /// What became of a tick or a trigger.
    Outcome {
        /// A run or an execution that may begin.
        Run = "run",
        /// A run that waits for another one of its task.
        Queued = "queued",
        /// A run that waits for the end of the one whose place it takes.
        Replaced = "replaced",
        /// Recorded as cancelled, because another one is active.
        Skipped = "skipped",
        /// Recorded as cancelled, because too many wait already.
        QueueFull = "queue_full",
        /// Recorded as failed: the schedule has no steps.
        NoSteps = "no_steps",
        /// A tick that was missed and that a later run stands for.
        Folded = "folded",
        /// Recorded before, as after a clock that was set back.
        Repeated = "repeated",
    }
    /// How something ended.
    End {
        /// As it should.
        Success = "success",
        /// With an error, a loss included.
        Error = "error",
        /// Somebody, or its policy, cancelled it.
        Cancelled = "cancelled",
    }
    /// What executes.
    Work {
        /// A run of a task.
        Run = "run",
        /// A step of a schedule, or a run profile.
        Step = "step",
    }
    /// A loop that must come round.
    Loop {
        /// Turns ticks into runs and executions.
        Dispatch = "dispatch",
        /// Looks for what is lost.
        Sweep = "sweep",
        /// Starts runs.
        Work = "work",
        /// Starts steps.
        Steps = "steps",
    }
    /// How the database failed.
    DatabaseError {
        /// It cannot be used at the moment.
        Unavailable = "unavailable",
        /// It did not answer in time.
        Silent = "silent",
        /// It refused a statement, or held what cannot be read.
        Other = "other",
    }
}

impl Error {
    /// How the database failed, if it did. A conflict is no failure: the database did what it should.
    pub(crate) fn database(&self) -> Option<DatabaseError> {
        match self {
            Self::Store(store::Error::Conflict(_)) => None,
            Self::Store(store::Error::Unavailable(_)) => Some(DatabaseError::Unavailable),
            Self::Store(store::Error::Silent) => Some(DatabaseError::Silent),
            Self::Store(_) => Some(DatabaseError::Other),
            _ => None,
        }
    }
}

/// A counter for each word of a label.
#[derive(Debug)]
pub struct Counters<L>(Box<[AtomicU64]>, std::marker::PhantomData<L>);

impl<L: Label + Into<usize>> Default for Counters<L> {
    fn default() -> Self {
        Self(L::ALL.iter().map(|_| AtomicU64::new(0)).collect(), std::marker::PhantomData)
    }
}

impl<L: Label + Into<usize>> Counters<L> {
    /// Counts so many more.
    pub fn add(&self, label: L, more: u64) {
        if let Some(counter) = self.0.get(label.into()) {
            counter.fetch_add(more, Ordering::Relaxed);
        }
    }

    /// The words with their counts.
    pub fn read(&self) -> impl Iterator<Item = (L, u64)> {
        L::ALL.iter().zip(&self.0).map(|(label, count)| (*label, count.load(Ordering::Relaxed)))
    }
}

/// A histogram for each way to end.
#[derive(Debug)]
pub struct Ends([Histogram; 3]);

impl Ends {
    /// Counts one that took so long.
    pub fn observe(&self, end: End, took: SignedDuration) {
        if let Some(histogram) = self.0.get(usize::from(end)) {
            histogram.observe(took);
        }
    }

    /// The words with their histograms.
    pub fn read(&self) -> impl Iterator<Item = (&'static str, &Histogram)> {
        End::ALL.iter().map(|end| end.word()).zip(&self.0)
    }
}

/// How many of something there are now.
#[derive(Debug, Default, Clone)]
pub struct Gauge(Arc<AtomicI64>);

/// One of them, for as long as it lives.
#[derive(Debug)]
pub(crate) struct One(Arc<AtomicI64>);

impl Gauge {
    /// One more.
    pub(crate) fn one(&self) -> One {
        self.0.fetch_add(1, Ordering::Relaxed);
        One(Arc::clone(&self.0))
    }

    /// How many there are.
    pub fn read(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for One {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What became of ticks in a transaction, to be counted once that is committed.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Outcomes(Vec<(Outcome, u64)>);

impl Outcomes {
    pub(crate) fn add(&mut self, outcome: Outcome, more: u64) {
        match self.0.iter_mut().find(|(known, _)| *known == outcome) {
            Some((_, count)) => *count += more,
            None if more > 0 => self.0.push((outcome, more)),
            None => {}
        }
    }

    pub(crate) fn append(&mut self, others: Self) {
        others.0.into_iter().for_each(|(outcome, more)| self.add(outcome, more));
    }

    /// Whether any of it is on record now and was not before.
    pub(crate) fn has_recorded(&self) -> bool {
        self.0.iter().any(|(outcome, _)| *outcome != Outcome::Repeated)
    }
}

/// Steps and executions that ended in a transaction, to be counted once that is committed.
#[derive(Debug, Default)]
#[must_use]
pub(crate) struct Ended {
    pub(crate) steps: Vec<(End, SignedDuration)>,
    pub(crate) executions: Vec<(End, SignedDuration)>,
}

impl From<&RunStatus> for End {
    fn from(status: &RunStatus) -> Self {
        match status {
            RunStatus::Success => Self::Success,
            RunStatus::Cancelled => Self::Cancelled,
            _ => Self::Error,
        }
    }
}

impl From<&ActivityStatus> for End {
    fn from(status: &ActivityStatus) -> Self {
        match status {
            ActivityStatus::Cancelled => Self::Cancelled,
            status if status.is_failure() => Self::Error,
            _ => Self::Success,
        }
    }
}

impl From<&ExecutionStatus> for End {
    fn from(status: &ExecutionStatus) -> Self {
        match status {
            ExecutionStatus::Completed => Self::Success,
            ExecutionStatus::Cancelled => Self::Cancelled,
            _ => Self::Error,
        }
    }
}

/// Which answer to which request.
type Answer = (Arc<str>, &'static str, u16);

/// What this process has counted since it began.
#[derive(Debug)]
pub struct Counts {
    /// What became of ticks of tasks.
    pub ticks: Counters<Outcome>,
    /// What became of triggers of tasks.
    pub triggers: Counters<Outcome>,
    /// What became of ticks of schedules.
    pub schedule_ticks: Counters<Outcome>,
    /// From the nominal time of a tick to the start of its run.
    pub start_lag: Histogram,
    /// From the moment that a run's turn has come to its start.
    pub claims: Histogram,
    /// Runs of tasks, from start to end.
    pub runs: Ends,
    /// Steps of schedules, from start to end.
    pub steps: Ends,
    /// Executions of schedules, from start to end.
    pub executions: Ends,
    /// What a server left behind when it died, and this one has ended.
    pub rescues: Counters<Work>,
    /// Failures of the database that reached a request or a loop.
    pub database_errors: Counters<DatabaseError>,
    /// Requests that have no answer yet.
    pub requests_at_work: Gauge,
    /// Connections of clients.
    pub connections: Gauge,
    requests: RwLock<BTreeMap<Answer, Arc<Histogram>>>,
    /// When each loop came round last, in microseconds of the monotonic clock; nothing where it never has.
    loops: [AtomicI64; 4],
}

/// No loop comes round then.
const NEVER: i64 = i64::MIN;

impl Default for Counts {
    fn default() -> Self {
        let ends = |bounds| Ends([(); 3].map(|()| Histogram::new(bounds)));
        Self {
            ticks: Counters::default(),
            triggers: Counters::default(),
            schedule_ticks: Counters::default(),
            start_lag: Histogram::new(WAITS),
            claims: Histogram::new(WAITS),
            runs: ends(RUNS),
            steps: ends(STEPS),
            executions: ends(STEPS),
            rescues: Counters::default(),
            database_errors: Counters::default(),
            requests_at_work: Gauge::default(),
            connections: Gauge::default(),
            requests: RwLock::default(),
            loops: [(); 4].map(|()| AtomicI64::new(NEVER)),
        }
    }
}

impl Counts {
    /// Counts ticks or triggers of a transaction that is committed.
    pub(crate) fn fired(counters: &Counters<Outcome>, outcomes: &Outcomes) {
        for (outcome, count) in &outcomes.0 {
            counters.add(*outcome, *count);
        }
    }

    /// Counts what ended in a transaction that is committed.
    pub(crate) fn ended(&self, ended: &Ended) {
        for (end, took) in &ended.steps {
            self.steps.observe(*end, *took);
        }
        for (end, took) in &ended.executions {
            self.executions.observe(*end, *took);
        }
    }

    /// Counts an error of a use case where it is a failure of the database.
    pub(crate) fn error(&self, error: &Error) {
        if let Some(kind) = error.database() {
            self.database_errors.add(kind, 1);
        }
    }

    /// Counts an answer to a request of a route, by the route's pattern.
    pub(crate) fn answered(&self, method: &'static str, route: &Arc<str>, status: u16, took: SignedDuration) {
        let answer = (Arc::clone(route), method, status);
        let known = self.requests.read().unwrap_or_else(PoisonError::into_inner).get(&answer).cloned();
        let histogram = known.unwrap_or_else(|| {
            let mut requests = self.requests.write().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(requests.entry(answer).or_insert_with(|| Arc::new(Histogram::new(REQUESTS))))
        });
        histogram.observe(took);
    }

    /// The answers so far: route, method, status and how long they took.
    pub(crate) fn requests(&self) -> Vec<(Answer, Arc<Histogram>)> {
        let requests = self.requests.read().unwrap_or_else(PoisonError::into_inner);
        requests.iter().map(|(answer, histogram)| (answer.clone(), Arc::clone(histogram))).collect()
    }

    /// A loop comes round.
    pub(crate) fn beat(&self, of: Loop, now: SignedDuration) {
        if let Some(beat) = self.loops.get(usize::from(of)) {
            beat.store(i64::try_from(now.as_micros()).unwrap_or(i64::MAX), Ordering::Relaxed);
        }
    }

    /// The loops of this process, and for how long each has not come round.
    pub(crate) fn loops(&self, now: SignedDuration) -> Vec<(Loop, SignedDuration)> {
        let beats = Loop::ALL.iter().zip(&self.loops).map(|(of, beat)| (*of, beat.load(Ordering::Relaxed)));
        let running = beats.filter(|(_, beat)| *beat != NEVER);
        running.map(|(of, beat)| (of, (now - SignedDuration::from_micros(beat)).max(SignedDuration::ZERO))).collect()
    }
}
