//! `justiam-server bench …`

use std::error::Error;
use std::fmt::Display;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::{Done, say, secret};
use crate::bench::{self, Ground, Load, Soak, Workload, measure, measure_api, measure_soak};
use crate::telemetry::{self, LogFormat};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Runs that wait and do nothing: how many are started and ended in a second
    BurnDown {
        /// How many runs
        #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000), value_name = "N")]
        runs: u32,
        #[command(flatten)]
        ground: GroundArgs,
    },
    /// Tasks that fall due at a steady rate: the time from due to started
    Latency {
        /// How many fall due in a second
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000), value_name = "N")]
        rate: u32,
        /// For how many seconds
        #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=3600), value_name = "S")]
        seconds: u32,
        #[command(flatten)]
        ground: GroundArgs,
    },
    /// Tasks that all fall due at the same instant: until each is recorded, and until each has started
    Storm {
        /// How many tasks
        #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000), value_name = "N")]
        tasks: u32,
        #[command(flatten)]
        ground: GroundArgs,
    },
    /// Tasks that do not fall due: what they cost
    Rest {
        /// How many tasks
        #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000), value_name = "N")]
        tasks: u32,
        /// For how many seconds to look
        #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=3600), value_name = "S")]
        seconds: u32,
        #[command(flatten)]
        ground: GroundArgs,
    },
    /// Hello-world scripts, triggered one after the other, in turns with the bare interpreter
    ScriptLatency {
        /// How many
        #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000), value_name = "N")]
        runs: u32,
        #[command(flatten)]
        ground: GroundArgs,
    },
    /// Hello-world scripts that wait: how many end in a second
    Scripts {
        /// How many
        #[arg(long, default_value_t = 2000, value_parser = clap::value_parser!(u32).range(1..=100_000), value_name = "N")]
        runs: u32,
        #[command(flatten)]
        ground: GroundArgs,
    },
    /// One script that looks up users: how many calls it makes in a second
    ScriptCalls {
        /// How many
        #[arg(long, default_value_t = 50_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000), value_name = "N")]
        calls: u32,
        #[command(flatten)]
        ground: GroundArgs,
    },
    /// A CSV file that is imported and synchronised with users and groups, twice
    Connector {
        /// How many rows it has
        #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000), value_name = "N")]
        rows: u32,
        #[command(flatten)]
        ground: GroundArgs,
    },
    /// Scripts without a pause while other tasks fall due: the time from due to started
    ScriptCrowd {
        /// How many scripts; there must be more workers than that
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000), value_name = "N")]
        scripts: u32,
        /// How many other tasks fall due in a second
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000), value_name = "N")]
        rate: u32,
        /// For how many seconds
        #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=15), value_name = "S")]
        seconds: u32,
        /// Create and list users in the scripts, instead of computing
        #[arg(long)]
        calls: bool,
        #[command(flatten)]
        ground: GroundArgs,
    },
    /// The API of a server with many tasks, in a process of its own: reads, writes and pages of its list
    Api {
        /// How many tasks there are
        #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000), value_name = "N")]
        tasks: u32,
        /// On how many connections to ask
        #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000), value_name = "N")]
        connections: u32,
        /// How many seconds each of four parts takes
        #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..=3600), value_name = "S")]
        seconds: u32,
        /// How many pages to ask for in a second
        #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=10_000), value_name = "N")]
        rate: u32,
        #[command(flatten)]
        ground: GroundArgs,
    },
    /// The API under a mixed load for a long time: fails where the server's memory, descriptors or threads grow
    Soak {
        /// For how many minutes; parts of one are fine
        #[arg(long, default_value_t = 20.0, value_parser = minutes, value_name = "M")]
        minutes: f64,
        /// On how many connections to ask
        #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000), value_name = "N")]
        connections: u32,
        /// How many turns of one request or two there are in a second
        #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000), value_name = "N")]
        rate: u32,
        /// How many tasks there are from the beginning
        #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=1_000_000), value_name = "N")]
        tasks: u32,
        #[command(flatten)]
        ground: GroundArgs,
    },
}

/// On what to measure.
#[derive(Debug, Args)]
pub(super) struct GroundArgs {
    /// How many runs may be at work at a time
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=10_000), value_name = "N")]
    workers: u32,
    /// File that holds the address of a PostgreSQL database (also: the address itself in `DATABASE_URL`), in which a schema is made and
    /// removed; without either, an SQLite database is made and removed
    #[arg(long, env = "JUSTIAM_DATABASE_URL_FILE", value_name = "FILE")]
    database_url_file: Option<PathBuf>,
    /// Folder in which the SQLite database is made [default: the folder for temporary files]
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Log level, or directives such as `info,justiam_server=debug`
    #[arg(long, env = "JUSTIAM_LOG", default_value = "warn", value_name = "FILTER")]
    log: String,
}

impl Command {
    pub(super) async fn run(self) -> Done {
        let (workload, args) = match self {
            Self::BurnDown { runs, ground } => (Workload::BurnDown { runs }, ground),
            Self::Latency { rate, seconds, ground } => (Workload::Latency { per_second: rate, seconds }, ground),
            Self::Storm { tasks, ground } => (Workload::Storm { tasks }, ground),
            Self::Rest { tasks, seconds, ground } => (Workload::Rest { tasks, seconds }, ground),
            Self::ScriptLatency { runs, ground } => (Workload::ScriptLatency { runs }, ground),
            Self::Scripts { runs, ground } => (Workload::Scripts { runs }, ground),
            Self::ScriptCalls { calls, ground } => (Workload::ScriptCalls { calls }, ground),
            Self::Connector { rows, ground } => (Workload::Connector { rows }, ground),
            Self::ScriptCrowd { scripts, rate, seconds, calls, ground } => {
                if ground.workers <= scripts {
                    return Err(format!("with {scripts} busy scripts, --workers must be more than that").into());
                }
                (Workload::ScriptCrowd { scripts, per_second: rate, seconds, calls }, ground)
            }
            Self::Api { tasks, connections, seconds, rate, ground: args } => {
                let (load, workers) = (Load { tasks, connections, seconds, rate }, args.workers);
                let report = args.on_ground(async |ground| measure_api(ground, load, workers).await).await?;
                return no_errors(report.errors);
            }
            Self::Soak { minutes, connections, rate, tasks, ground: args } => {
                let lasts = Duration::from_secs_f64(minutes * 60.0);
                let (soak, workers) = (Soak { lasts, connections, rate, tasks }, args.workers);
                let report = args.on_ground(async |ground| measure_soak(ground, soak, workers).await).await?;
                if !report.grown.is_empty() {
                    return Err(format!("the server uses more and more: {}", report.grown.join("; ")).into());
                }
                return no_errors(report.errors);
            }
        };
        let workers = args.workers;
        let report = args.on_ground(async |ground| measure(ground, workload, workers).await).await?;
        if report.lost > 0 || report.doubled > 0 {
            return Err("runs were lost or doubled".into());
        }
        Ok(())
    }
}

impl GroundArgs {
    /// Makes a database, measures on it, removes it, and says what came of it.
    async fn on_ground<R: Display + Serialize>(
        self,
        measure: impl AsyncFnOnce(&Ground) -> Result<R, bench::Error>,
    ) -> Result<R, Box<dyn Error>> {
        telemetry::start(&self.log, LogFormat::Text)?;
        let url = secret(self.database_url_file.as_deref(), "DATABASE_URL", "the file with the database's address")?;
        let ground = match &url {
            Some(url) => Ground::postgres(url).await?,
            None => Ground::sqlite(&self.folder.unwrap_or_else(std::env::temp_dir)).await?,
        };
        let measured = measure(&ground).await;
        ground.remove().await?;
        let report = measured?;
        say(&if self.json { serde_json::to_string(&report)? } else { report.to_string() })?;
        Ok(report)
    }
}

fn no_errors(errors: u64) -> Done {
    if errors > 0 {
        return Err(format!("{errors} requests did not have the answer that they must have").into());
    }
    Ok(())
}

/// A number of minutes of which something can be seen.
fn minutes(text: &str) -> Result<f64, String> {
    let minutes = text.parse().map_err(|_| "must be a number of minutes".to_owned())?;
    if (0.01..=10_000.0).contains(&minutes) { Ok(minutes) } else { Err("must be from 0.01 to 10000 minutes".into()) }
}
