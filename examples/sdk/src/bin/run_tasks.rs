//! Runs tasks by name, waits for them, and shows their history as a table.
//!
//! ```text
//! JUSTIAM_ENDPOINT=http://127.0.0.1:8080 JUSTIAM_TOKEN=… cargo run -p justiam-sdk-examples --bin run_tasks -- "Hello Script"
//! ```

use std::env;
use std::error::Error;
use std::io::Write as _;

use futures::TryStreamExt as _;
use justiam_sdk::Client;
use justiam_sdk::api::runs::Run;
use justiam_sdk::api::values::RunStatus;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let client = Client::builder(env::var("JUSTIAM_ENDPOINT")?).token(env::var("JUSTIAM_TOKEN")?).build()?;
    let mut rows = vec![["TASK", "STATUS", "TRIGGER", "STARTED", "TOOK", "RESULT"].map(str::to_owned)];
    let mut all_well = true;
    for name in env::args().skip(1) {
        let task = client.tasks().find(&name).await?.ok_or_else(|| format!("there is no task `{name}`"))?;
        let run = client.tasks().run(task.id).await?;
        let ended = client.runs().wait(run.id).await?;
        all_well &= ended.status == RunStatus::Success;
        let history: Vec<Run> = client.tasks().runs(task.id).try_collect().await?;
        rows.extend(history.iter().map(row));
    }
    let widths: Vec<usize> =
        (0..6).map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default()).collect();
    let mut out = std::io::stdout();
    for row in &rows {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        writeln!(out, "{}", cells.join("  ").trim_end())?;
    }
    if all_well { Ok(()) } else { Err("a run did not succeed".into()) }
}

fn row(run: &Run) -> [String; 6] {
    let result = run.output.as_ref().or(run.error.as_ref()).or(run.reason.as_ref());
    [
        run.task_name.clone(),
        run.status.to_string(),
        run.trigger.to_string(),
        run.started_at.map(|at| format!("{at:.3}")).unwrap_or_default(),
        run.duration_ms.map(|took| format!("{took} ms")).unwrap_or_default(),
        result.map(|text| text.lines().next().unwrap_or_default().to_owned()).unwrap_or_default(),
    ]
}
