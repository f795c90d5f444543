//! The full form of the chaos test: `chaos [--json] [kills|freezes]...`; without names, all plans one after the other.

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use jiff::SignedDuration;
use justiam_tests::chaos::{self, Fault, Plan};

/// Three replicas, 2,000 cron tasks, a replica killed every two seconds for two minutes, two restarts of the database.
fn kills() -> Plan {
    Plan {
        name: "kills",
        fault: Fault::Kills { every: Duration::from_secs(2) },
        lasts: Duration::from_mins(2),
        database_restarts: 2,
        cron_tasks: 2000,
        once_tasks: 600,
        script_tasks: 24,
        clocks: [-5, 0, 5].map(SignedDuration::from_secs),
        follow_database_clock: true,
    }
}

/// The same, with replicas that are frozen for about twice as long as a lease, and for longer.
fn freezes() -> Plan {
    Plan {
        name: "freezes",
        fault: Fault::Freezes([59, 61, 130].map(Duration::from_secs)),
        lasts: Duration::from_secs(132),
        ..kills()
    }
}

#[tokio::main]
async fn main() -> io::Result<ExitCode> {
    let mut names: Vec<String> = std::env::args().skip(1).collect();
    let json = names.iter().any(|name| name == "--json");
    names.retain(|name| name != "--json");
    let all = [kills(), freezes()];
    if let Some(unknown) = names.iter().find(|name| all.iter().all(|plan| plan.name != name.as_str())) {
        writeln!(io::stderr(), "`{unknown}` is not a plan; there are kills, freezes")?;
        return Ok(ExitCode::from(2));
    }
    let mut clean = true;
    for plan in all.iter().filter(|plan| names.is_empty() || names.iter().any(|name| name == plan.name)) {
        let report = chaos::run(plan).await;
        clean &= report.is_clean();
        let text = if json { format!("{}\n", report.to_json()) } else { report.to_string() };
        io::stdout().write_all(text.as_bytes())?;
    }
    Ok(if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
