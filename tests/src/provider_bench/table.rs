//! What was measured, as a table.

use std::fmt::Write as _;
use std::time::Duration;

use super::meter::Cost;
use super::{Bench, LATENCY, MANY, Secrets};

/// Everything that was measured.
#[derive(Default)]
pub(super) struct Figures {
    pub(super) create: Pair,
    pub(super) plan: Pair,
    pub(super) destroy: Pair,
    /// The change of one task, and its requests.
    pub(super) change: Vec<(Cost, usize)>,
    /// A refresh with a server that is near, and with one that is far.
    pub(super) latency: Vec<(Duration, Duration)>,
    /// A plan of many tasks, and its requests.
    pub(super) many: Option<(Cost, usize)>,
}

/// The same command on tasks and on Terraform's own objects.
#[derive(Default)]
pub(super) struct Pair {
    tasks: Vec<Cost>,
    data: Vec<Cost>,
    requests: usize,
}

impl Pair {
    /// Adds one run of each, and the requests of the first.
    pub(super) fn add(&mut self, (tasks, data): (Cost, Option<Cost>), requests: usize) {
        self.tasks.push(tasks);
        self.data.extend(data);
        self.requests = self.requests.max(requests);
    }

    fn row(&self, name: &str, times: &str, requests: &str) -> String {
        let tasks = median(self.tasks.iter().map(|cost| cost.took));
        let data = median(self.data.iter().map(|cost| cost.took));
        let ratio = tasks.as_secs_f64() / data.as_secs_f64();
        let processor = median(self.tasks.iter().map(|cost| cost.processor));
        format!(
            "| {name}, median of {} | {times} | {ratio:.2} × ({tasks:.2?} against {data:.2?}; {:.2} to {:.2} × in a pair) |\n\
             | requests of it | {requests} | {} |\n\
             | processor time of the provider | – | {processor:.2?} |\n",
            self.tasks.len(),
            self.ratios().fold(f64::INFINITY, f64::min),
            self.ratios().fold(0.0, f64::max),
            self.requests,
        )
    }

    fn ratios(&self) -> impl Iterator<Item = f64> {
        self.tasks.iter().zip(&self.data).map(|(tasks, data)| tasks.took.as_secs_f64() / data.took.as_secs_f64())
    }
}

impl Figures {
    /// The rows that were asked for.
    pub(super) fn table(&self, bench: &Bench) -> String {
        let objects = bench.objects;
        let secrets = match bench.secrets {
            Secrets::InState => "`secrets`",
            Secrets::WriteOnly => "`secrets_wo`",
        };
        let mut table = format!("| {objects} tasks with two {secrets} each | Must be | Result |\n|---|---|---|\n");
        let pairs = [
            ("plan", &self.plan, "Plan without changes", "≤ 1.3 ×", "≤ 20".to_owned()),
            ("create", &self.create, "Create", "≤ 1.2 ×", format!("{objects}")),
            ("destroy", &self.destroy, "Destroy", "≤ 1.2 ×", "–".to_owned()),
        ];
        for (row, pair, name, times, requests) in pairs {
            if bench.wants(row) {
                table += &pair.row(name, times, &requests);
            }
        }
        if let Some((_, requests)) = self.change.iter().max_by_key(|(_, requests)| *requests) {
            let took = median(self.change.iter().map(|(cost, _)| cost.took));
            let _ = writeln!(table, "| Requests of a change of one ({took:.2?}) | ≤ 25 | {requests} |");
        }
        if !self.latency.is_empty() {
            let near = median(self.latency.iter().map(|(near, _)| *near));
            let far = median(self.latency.iter().map(|(_, far)| *far));
            let more = far.as_secs_f64() - near.as_secs_f64();
            let _ = writeln!(
                table,
                "| Refresh with {LATENCY:?} more to the server | ≤ 2 s more | {more:.2} s more ({far:.2?} against {near:.2?}) |"
            );
        }
        let costs = [&self.create, &self.plan, &self.destroy].into_iter().flat_map(|pair| &pair.tasks);
        if let Some(peak) = costs.chain(self.change.iter().map(|(cost, _)| cost)).map(|cost| cost.peak_kib).max() {
            let _ = writeln!(table, "| Peak memory of the provider | ≤ 12 MB | {} |", megabytes(peak));
        }
        if let Some((cost, requests)) = &self.many {
            let (many, took) = (MANY.0, cost.took);
            let peak = megabytes(cost.peak_kib);
            let _ =
                writeln!(table, "| Peak memory, plan of {many} ({requests} requests, {took:.2?}) | ≤ 40 MB | {peak} |");
        }
        table
    }
}

fn megabytes(kib: u64) -> String {
    let tenths = kib * 1024 / 100_000;
    format!("{}.{} MB", tenths / 10, tenths % 10)
}

/// The middle one; nothing where there is none.
pub(super) fn median(times: impl Iterator<Item = Duration>) -> Duration {
    let mut times: Vec<Duration> = times.collect();
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
