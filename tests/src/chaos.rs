//! Replicas that are killed and frozen, and a database that restarts, while thousands of tasks fire. Afterwards every tick must
//! be accounted for exactly once, and every run must have ended.

mod ledger;
mod load;
mod replica;
mod report;
mod witness;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use justiam_planner::lease;
use justiam_server::app::invariants::{self, Reach};
use justiam_server::clock::{Clock as _, SystemClock};
use justiam_server::store::Db;
use tokio::time::{Instant, interval, sleep_until};

use crate::postgres::{Cluster, Settings, Stop};
use ledger::Ledger;
use replica::{Replica, Ward};
pub use report::Report;
use witness::Witness;

/// What is done to the replicas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// One after the other is killed with signal 9, and started again.
    Kills {
        /// How often.
        every: Duration,
    },
    /// Each is frozen once, for these times. The longest one begins first, and the others follow one after the other.
    Freezes([Duration; 3]),
}

/// What happens, and to how much.
#[derive(Debug, Clone)]
pub struct Plan {
    /// A name for the report.
    pub name: &'static str,
    /// What is done to the replicas.
    pub fault: Fault,
    /// For how long.
    pub lasts: Duration,
    /// How many times the database restarts meanwhile: gently, then at once.
    pub database_restarts: usize,
    /// How many cron tasks of cheap types there are.
    pub cron_tasks: usize,
    /// How many tasks fire once, spread over the time.
    pub once_tasks: usize,
    /// How many cron tasks run a script for one to three seconds.
    pub script_tasks: usize,
    /// How wrong the clock of each replica is.
    pub clocks: [SignedDuration; 3],
    /// Whether replicas correct their clocks by the database's. Without, they live in a time that is moved so that a full minute
    /// comes early: the short form has no time to wait for one.
    pub follow_database_clock: bool,
}

/// How much later than lease and sweep a run may end, on a busy machine.
const SLACK: Duration = Duration::from_secs(15);
/// In a moved time, how long after the beginning of the faults a full minute comes.
const MINUTE_AFTER: SignedDuration = SignedDuration::from_secs(7);
/// How long it takes to start replicas and to create a task, at the most.
const START: SignedDuration = SignedDuration::from_secs(6);
const PER_TASK: SignedDuration = SignedDuration::from_millis(4);

/// The time in which the replicas live, but for the errors of their clocks.
#[derive(Debug, Clone, Copy)]
struct Time(SignedDuration);

impl Time {
    /// The machine's time; or one in which a full minute comes when the faults are under way.
    fn of(plan: &Plan) -> Self {
        if plan.follow_database_clock {
            return Self(SignedDuration::ZERO);
        }
        let wanted = SystemClock.now() + START + plan.creation() + MINUTE_AFTER;
        Self(SignedDuration::from_secs(60 - wanted.as_second() % 60))
    }

    fn now(self) -> Timestamp {
        SystemClock.now() + self.0
    }
}

impl Plan {
    /// How long it takes to create the tasks, at the most.
    fn creation(&self) -> SignedDuration {
        PER_TASK * i32::try_from(self.cron_tasks + self.once_tasks + self.script_tasks).unwrap()
    }
}

/// Carries out a plan on a database and replicas of its own.
pub async fn run(plan: &Plan) -> Report {
    let time = Time::of(plan);
    let cluster = blocking(|| Cluster::start(&Settings::default()));
    let witness = Witness::start().await;
    let folder = tempfile::tempdir().unwrap();
    let mut wards = Vec::new();
    for (number, error) in plan.clocks.iter().enumerate() {
        let home = folder.path().join(format!("replica-{number}"));
        let replica = Replica::new(home, cluster.url(), time.0 + *error, plan.follow_database_clock);
        wards.push(Ward::start(replica).await);
    }
    // Faults begin when the first `once` task is due.
    let begins = time.now() + plan.creation();
    let load = load::create(&wards[0].client(), plan, begins, witness.address()).await;
    tokio::time::sleep(begins.duration_since(time.now()).try_into().unwrap_or_default()).await;

    let fault_began = Instant::now();
    let end = fault_began + plan.lasts;
    let restarts = async {
        for restart in 0..plan.database_restarts {
            let parts = u32::try_from(plan.database_restarts + 1).unwrap();
            sleep_until(fault_began + plan.lasts / parts * u32::try_from(restart + 1).unwrap()).await;
            let how = if restart % 2 == 0 { Stop::Fast } else { Stop::Immediate };
            blocking(|| {
                cluster.stop(how);
                cluster.start_again();
            });
        }
    };
    let (kills, ()) = tokio::join!(hurt(plan.fault, &wards, end), restarts);
    sleep_until(end).await;

    // From here on nobody is hurt. What was due until now must be recorded, and what was active must end.
    let (quiet_since, until) = (Instant::now(), time.now());
    let settled = settle(&cluster, until, quiet_since).await;
    let ledger = Ledger::read(&cluster.url()).await;
    let mut report = ledger.audit(&load, until);
    report.broken.extend(witness.complaints());
    let db = Db::open_postgres(&cluster.url().into(), 1).await.unwrap();
    let checked = invariants::check(&db, time.now(), Reach::Whole).await.unwrap();
    db.close().await;
    report.broken.extend(checked.iter().filter(|checked| checked.violations > 0).map(|checked| format!("{checked:?}")));
    report.visits = witness.visits();
    if settled.is_none() {
        report.broken.push("runs were still active, or ticks not recorded, after lease and sweep".to_owned());
    }
    for ward in &wards {
        report.unasked_ends += ward.unasked_ends();
        report.complaints.extend(ward.complaints());
    }
    report.name = plan.name;
    report.kills = kills;
    report.database_restarts = plan.database_restarts;
    report.settled_after = settled;
    report
}

/// Does to the replicas what is planned, and counts how often.
async fn hurt(fault: Fault, wards: &[Ward], end: Instant) -> usize {
    match fault {
        Fault::Kills { every } => {
            let mut beat = interval(every);
            let mut kills = 0;
            beat.tick().await;
            while Instant::now() + every < end {
                beat.tick().await;
                wards[kills % wards.len()].kill().await;
                kills += 1;
            }
            kills
        }
        Fault::Freezes([first, second, longest]) => {
            let one_after_the_other = async {
                wards[0].freeze(first).await;
                wards[1].freeze(second).await;
            };
            tokio::join!(wards[2].freeze(longest), one_after_the_other);
            3
        }
    }
}

/// Waits until all that was due at `until` is recorded and has ended. How long that took; `None` when it took too long.
async fn settle(cluster: &Cluster, until: Timestamp, since: Instant) -> Option<Duration> {
    let patience = Duration::try_from(lease::LENGTH + lease::SWEEP_EVERY).unwrap() + SLACK;
    let mut look = interval(Duration::from_millis(200));
    while since.elapsed() < patience {
        look.tick().await;
        if Ledger::is_settled(&cluster.url(), until).await {
            return Some(since.elapsed());
        }
    }
    None
}

/// Does what blocks without holding up the replicas' wards.
fn blocking<T>(work: impl FnOnce() -> T) -> T {
    tokio::task::block_in_place(work)
}
