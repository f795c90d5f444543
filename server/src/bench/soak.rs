//! The API under a mixed load for a long time: whether the server's memory stays as it is.

use std::cell::RefCell;
use std::fmt;
use std::time::Duration;

use http::{Method, StatusCode};
use justiam_sdk::api::paths;
use justiam_sdk::api::secrets::SecretsPatch;
use justiam_sdk::api::tasks::TaskPatch;
use serde::Serialize;
use serde_json::json;
use tokio::time::{Instant, interval};

use super::api::crowd::{Crowd, Pace, cheap_task, id_in};
use super::api::report::Requests;
use super::api::server::Home;
use super::api::user::{Ask, User};
use super::api::{PROVIDERS, fill, path};
use super::footprint::Footprint;
use super::ground::{Ground, Result};

/// How often to look at the server, unless the soak is short.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// How often at the least.
const LOOKS: u32 = 16;
/// By how much the mean of the last quarter may be above that of the second.
const GROWTH: f64 = 1.10;
/// What is no growth, however little there was: a few threads or descriptors more at one moment than at another.
const NOISE: f64 = 3.0;

/// How long and how hard.
#[derive(Debug, Clone, Copy)]
pub struct Soak {
    /// For how long.
    pub lasts: Duration,
    /// On how many connections.
    pub connections: u32,
    /// How many turns there are in a second, of one request each or a few.
    pub rate: u32,
    /// How many tasks there are from the beginning.
    pub tasks: u32,
}

/// What the server used, and when.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Sample {
    /// Seconds since the load began.
    pub at: f64,
    /// Resident memory in megabytes.
    pub memory_mb: f64,
    /// Open descriptors.
    pub descriptors: f64,
    /// Threads.
    pub threads: f64,
}

/// What became of it.
#[derive(Debug, Clone, Serialize)]
pub struct SoakReport {
    /// On which database.
    pub database: String,
    /// On how many connections.
    pub connections: u32,
    /// What was asked.
    pub requests: Requests,
    /// What the server used.
    pub samples: Vec<Sample>,
    /// What has grown, and by how much; empty where all is well.
    pub grown: Vec<String>,
    /// The most resident memory at any time, in megabytes.
    pub peak_mb: f64,
    /// Processor time of the server.
    pub cpu_seconds: f64,
    /// How many requests did not have the answer that they must have.
    pub errors: u64,
    /// The first of them.
    pub first_error: Option<String>,
}

/// What is looked at: its name, its unit, and where a sample has it.
type Use = (&'static str, &'static str, fn(&Sample) -> f64);

const USES: [Use; 3] = [
    ("memory", " MB", |sample| sample.memory_mb),
    ("descriptors", "", |sample| sample.descriptors),
    ("threads", "", |sample| sample.threads),
];

/// Asks a server again and again, and looks at what it uses meanwhile.
pub async fn measure(ground: &Ground, soak: Soak, workers: u32) -> Result<SoakReport> {
    let mut home = Home::new(ground, workers, soak.connections)?;
    let server = home.start().await?;
    let footprint = server.footprint();
    let mut crowd = Crowd::connect(&server, soak.connections).await?;
    let (ids, mut all, _) = fill(&mut crowd, soak.tasks).await;
    // They were not a part of the mixed load.
    all.took.clear();
    let own = RefCell::new(vec![None; soak.connections as usize]);
    let pace = Pace::Every(Duration::from_secs(soak.connections.into()) / soak.rate, soak.lasts);
    let work = crowd.work(pace, async |user, turn| take_turn(user, turn, &ids, &own).await);
    let ((tally, seconds), samples) = tokio::join!(work, look(&footprint, soak.lasts));
    all.add(tally);
    let requests = Requests::of("mixed", &mut all, seconds);
    let (peak_mb, cpu_seconds) = (footprint.peak_memory_mb(), footprint.cpu_seconds());
    drop(crowd);
    server.stop().await?;
    Ok(SoakReport {
        database: ground.database.into(),
        connections: soak.connections,
        requests,
        grown: grown(&samples),
        samples,
        peak_mb,
        cpu_seconds,
        errors: all.errors,
        first_error: all.first_error,
    })
}

/// Looks at the server again and again for so long.
async fn look(footprint: &Footprint, lasts: Duration) -> Vec<Sample> {
    let begun = Instant::now();
    let mut beat = interval(LOOK_EVERY.min(lasts / LOOKS));
    let mut samples = Vec::new();
    while begun.elapsed() < lasts {
        beat.tick().await;
        samples.push(Sample {
            at: begun.elapsed().as_secs_f64(),
            memory_mb: footprint.memory_mb(),
            descriptors: footprint.descriptors(),
            threads: footprint.threads(),
        });
    }
    samples
}

/// What a user does in one of twenty turns. All of them have a task of their own for a while, and begin at different turns.
async fn take_turn(user: &mut User, turn: u64, ids: &[String], own: &RefCell<Vec<Option<String>>>) {
    let number = user.number;
    let some = (number as u64 * 7919 + turn * 104_729) % (ids.len().max(1) as u64);
    let Some(some) = ids.get(usize::try_from(some).unwrap_or_default()).map(|id| path(id)) else { return };
    let mine = own.borrow()[number].clone();
    match ((turn + number as u64) % 20, mine) {
        (_, None) => {
            let new = cheap_task(format!("soak {number} {turn}"));
            let made = user.ask(Ask::send("create a task", Method::POST, paths::tasks(), &new)).await;
            own.borrow_mut()[number] = made.and_then(|made| id_in(&made));
        }
        (0, Some(mine)) => {
            user.ask(Ask::bare("delete a task", Method::DELETE, path(&mine), StatusCode::NO_CONTENT)).await;
            own.borrow_mut()[number] = None;
        }
        (1..=2, Some(mine)) => {
            let mut patch = TaskPatch::default();
            patch.description = Some(Some(format!("edited in turn {turn}")));
            user.ask(Ask::send("change a task", Method::PATCH, path(&mine), &patch)).await;
        }
        (3, _) => {
            let mut set = SecretsPatch::new();
            set.set.insert("api_token".into(), format!("a-token-of-turn-{turn}").into());
            user.ask(Ask::send("write a secret", Method::PATCH, format!("{some}/secrets"), &set)).await;
        }
        (4..=5, Some(mine)) => {
            let run = format!("{}/run", path(&mine));
            user.ask(Ask::bare("run a task", Method::POST, run, StatusCode::ACCEPTED)).await;
        }
        (6, Some(mine)) => drop(user.ask(Ask::get("runs of a task", format!("{}/runs", path(&mine)))).await),
        (7, _) => drop(user.ask(Ask::get("all runs", paths::runs())).await),
        (8..=9, _) => drop(user.ask(Ask::get("page of 20", paths::tasks())).await),
        (10, _) => drop(user.ask(Ask::get("provider's page of 500", format!("{}?{PROVIDERS}", paths::tasks()))).await),
        (11, _) => drop(user.ask(Ask::get("when a task fires", format!("{some}/next"))).await),
        (12, _) => drop(user.ask(Ask::get("audit log", paths::routes::AUDIT_LOG.into())).await),
        (13, _) => drop(user.ask(Ask::get("metrics", paths::routes::METRICS.into())).await),
        (14, _) => {
            let nobody = format!("{}/0190a1b2-0000-7000-8000-000000000000", paths::tasks());
            user.ask(Ask::bare("a task that is not there", Method::GET, nobody, StatusCode::NOT_FOUND)).await;
        }
        (15, _) => {
            let wrong = json!({ "name": "wrong", "schedule_type": "cron", "cron_expr": "61 * * * *" });
            let wrong = Ask::send("a task that is wrong", Method::POST, paths::tasks(), &wrong);
            user.ask(Ask { expected: StatusCode::BAD_REQUEST, ..wrong }).await;
        }
        (16, _) => {
            let short = json!({ "ttl_seconds": 60 });
            let made = Ask::send("make a short token", Method::POST, paths::routes::SHORT_TOKENS.into(), &short);
            if let Some(id) = user.ask(made).await.and_then(|made| id_in(&made)) {
                let end = format!("{}/{id}", paths::routes::SHORT_TOKENS);
                user.ask(Ask::bare("end a short token", Method::DELETE, end, StatusCode::NO_CONTENT)).await;
            }
        }
        _ => drop(user.ask(Ask::get("read a task", some)).await),
    }
}

/// What of the last quarter is more than what of the second one. The first one is for coming to rest.
fn grown(samples: &[Sample]) -> Vec<String> {
    let quarter = samples.len() / 4;
    let mut grown = Vec::new();
    for (what, unit, of) in USES {
        let (early, late) = (mean(&samples[quarter..quarter * 2], of), mean(&samples[samples.len() - quarter..], of));
        if late > early * GROWTH && late > early + NOISE {
            grown
                .push(format!("{what} from {early:.1}{unit} in the second quarter to {late:.1}{unit} in the last one"));
        }
    }
    grown
}

#[expect(clippy::cast_precision_loss, reason = "a figure to read")]
fn mean(samples: &[Sample], of: fn(&Sample) -> f64) -> f64 {
    samples.iter().map(of).sum::<f64>() / samples.len().max(1) as f64
}

impl fmt::Display for SoakReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "soak on {}, {} connections", self.database, self.connections)?;
        writeln!(f, "{}", self.requests)?;
        let quarter = self.samples.len() / 4;
        for (what, unit, of) in USES {
            let means = self.samples.chunks(quarter.max(1)).take(4).map(|part| format!("{:.1}{unit}", mean(part, of)));
            let means: Vec<_> = means.collect();
            writeln!(f, "  {what} of the server, mean of each quarter: {}", means.join(", "))?;
        }
        writeln!(f, "  {:>8.1} MB of memory at the most", self.peak_mb)?;
        writeln!(f, "  {:>8.1} s of processor time of the server", self.cpu_seconds)?;
        write!(f, "  {:>8} errors", self.errors)?;
        self.first_error.iter().try_for_each(|error| write!(f, ", the first: {error}"))?;
        self.grown.iter().try_for_each(|grown| write!(f, "\n  grown: {grown}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn soaked(memory: impl Fn(u32) -> f64) -> Vec<String> {
        let sample = |at: u32| Sample { at: at.into(), memory_mb: memory(at), descriptors: 220.0, threads: 12.0 };
        grown(&(0..120).map(sample).collect::<Vec<_>>())
    }

    #[test]
    fn memory_that_rises_at_first_and_then_stays_has_not_grown() {
        assert_eq!(soaked(|at| f64::from(at.min(30)) + 40.0), [""; 0]);
    }

    #[test]
    fn memory_that_rises_to_the_end_has_grown() {
        let grown = soaked(|at| 40.0 + f64::from(at) / 10.0);
        assert_eq!(grown, ["memory from 44.5 MB in the second quarter to 50.5 MB in the last one"]);
    }
}
