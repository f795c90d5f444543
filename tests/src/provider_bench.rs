//! What the provider costs under the real Terraform: many tasks beside as many of Terraform's own `terraform_data`.
//!
//! Runs of the two kinds alternate, so that a busy minute of the machine hits both; ratios are of medians.

mod meter;
mod table;
mod workload;

use std::fs;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::faults::Faults;
use crate::process::ServerProcess;
use crate::terraform::Workspace;

use meter::{Cost, measure};
use table::{Figures, median};
pub use workload::Secrets;

/// What can be measured.
pub const ROWS: [&str; 6] = ["create", "plan", "change", "latency", "destroy", "memory"];

/// How often a round repeats what is quick.
const REPEATS: usize = 5;
/// How much further away the server is for the row about it.
const LATENCY: Duration = Duration::from_millis(50);
/// How many tasks there are for the row about memory, and in how many pieces they are made: Terraform's time for a create grows with the
/// square of the number.
const MANY: (usize, usize) = (5000, 10);

/// What to measure.
#[derive(Debug)]
pub struct Bench {
    /// How often everything is done.
    pub rounds: usize,
    /// How many objects there are of each kind.
    pub objects: usize,
    /// Where the tasks' secrets are.
    pub secrets: Secrets,
    /// Which rows; none stands for all.
    pub rows: Vec<String>,
}

/// A server that has nothing yet, and a folder for each kind of object.
struct World {
    tasks: Workspace,
    data: Workspace,
    faults: Faults,
    _server: ServerProcess,
    _folder: TempDir,
}

impl World {
    async fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let server = ServerProcess::start(folder.path()).await;
        let faults = Faults::start(&server.endpoint).await;
        let workspace = || {
            let workspace = Workspace::new(&faults.endpoint, &server.token);
            workspace.file("task.go", workload::SCRIPT);
            workspace
        };
        Self { tasks: workspace(), data: workspace(), faults, _server: server, _folder: folder }
    }
}

impl Bench {
    /// Measures, and makes a table of it.
    pub async fn run(&self) -> String {
        let mut figures = Figures::default();
        if ROWS.iter().any(|row| *row != "memory" && self.wants(row)) {
            for round in 0..self.rounds {
                self.round(round, &mut figures).await;
            }
        }
        if self.wants("memory") {
            figures.many = Some(self.many().await);
        }
        figures.table(self)
    }

    fn wants(&self, row: &str) -> bool {
        self.rows.is_empty() || self.rows.iter().any(|wanted| wanted == row)
    }

    async fn round(&self, round: usize, figures: &mut Figures) {
        let world = World::start().await;
        let World { tasks, data, faults, .. } = &world;
        tasks.config(&workload::tasks(0, self.objects, self.secrets));
        data.config(&workload::data(self.objects));
        let beside = self.wants("create") || self.wants("plan") || self.wants("destroy");

        let apply = ["apply", "-input=false", "-no-color", "-auto-approve"];
        let created = both(round, beside, async || measure(tasks, &apply).await, async || measure(data, &apply).await);
        figures.create.add(created.await, faults.take().len());

        if self.wants("plan") {
            let plan = ["plan", "-input=false", "-no-color", "-detailed-exitcode"];
            for repeat in 0..REPEATS {
                let plans =
                    both(repeat, true, async || measure(tasks, &plan).await, async || measure(data, &plan).await);
                figures.plan.add(plans.await, faults.take().len());
            }
        }
        if self.wants("change") {
            let change = format!("-var=changed={round}");
            let changed = measure(tasks, &["apply", "-input=false", "-no-color", "-auto-approve", &change]).await;
            figures.change.push((changed, faults.take().len()));
        }
        if self.wants("latency") {
            let refresh = ["plan", "-input=false", "-no-color", "-refresh-only"];
            for _ in 0..REPEATS {
                let near = measure(tasks, &refresh).await;
                faults.delay(LATENCY);
                let far = measure(tasks, &refresh).await;
                faults.delay(Duration::ZERO);
                figures.latency.push((near.took, far.took));
            }
            faults.take();
        }
        if self.wants("destroy") {
            let destroy = ["destroy", "-input=false", "-no-color", "-auto-approve"];
            let gone =
                both(round, true, async || measure(tasks, &destroy).await, async || measure(data, &destroy).await);
            figures.destroy.add(gone.await, faults.take().len());
        }
    }

    /// Plans many tasks: what that costs, and how many requests it takes.
    async fn many(&self) -> (Cost, usize) {
        let (objects, pieces) = MANY;
        let World { tasks, faults, .. } = &World::start().await;
        let mut whole: Option<Value> = None;
        let size = objects / pieces;
        for piece in 0..pieces {
            // Each piece is made with an empty state, and all states are one in the end.
            let _ = fs::remove_file(tasks.path().join("terraform.tfstate"));
            tasks.config(&workload::tasks(piece * size, size, self.secrets));
            tasks.apply().await.ok();
            let mut state: Value = serde_json::from_str(&tasks.state_text()).unwrap();
            let instances = state["resources"][0]["instances"].as_array_mut().unwrap();
            for instance in &mut *instances {
                instance["index_key"] = (instance["index_key"].as_u64().unwrap() + (piece * size) as u64).into();
            }
            match &mut whole {
                None => whole = Some(state),
                Some(whole) => whole["resources"][0]["instances"].as_array_mut().unwrap().append(instances),
            }
        }
        tasks.file("terraform.tfstate", &whole.unwrap().to_string());
        tasks.config(&workload::tasks(0, objects, self.secrets));
        faults.take();
        let mut costs = Vec::new();
        for _ in 0..self.rounds {
            costs.push(measure(tasks, &["plan", "-input=false", "-no-color", "-detailed-exitcode"]).await);
        }
        let peak = costs.iter().map(|cost| cost.peak_kib).max().unwrap();
        let cost = Cost { took: median(costs.iter().map(|cost| cost.took)), peak_kib: peak, ..costs[0] };
        (cost, faults.take().len() / self.rounds)
    }
}

/// Measures both kinds, in an order that changes from round to round.
async fn both(
    round: usize,
    beside: bool,
    tasks: impl AsyncFn() -> Cost,
    data: impl AsyncFn() -> Cost,
) -> (Cost, Option<Cost>) {
    if !beside {
        return (tasks().await, None);
    }
    if round.is_multiple_of(2) {
        let tasks = tasks().await;
        (tasks, Some(data().await))
    } else {
        let data = data().await;
        (tasks().await, Some(data))
    }
}
