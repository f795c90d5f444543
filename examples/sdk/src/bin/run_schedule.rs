//! Creates a schedule whose steps are programs on the server, runs it, follows it, and changes it.
//!
//! ```text
//! JUSTIAM_ENDPOINT=http://127.0.0.1:8080 JUSTIAM_TOKEN=… \
//!     cargo run -p justiam-sdk-examples --bin run_schedule -- "Nightly" /srv/justiam/steps/a.sh /srv/justiam/steps/b.sh
//! ```

use std::env;
use std::error::Error;
use std::io::Write as _;

use futures::TryStreamExt as _;
use justiam_sdk::Client;
use justiam_sdk::api::executions::{Execution, ExecutionStatus};
use justiam_sdk::api::ids::ScheduleId;
use justiam_sdk::api::pattern::{DaysOfWeek, Pattern};
use justiam_sdk::api::schedules::{NewSchedule, NewScheduleStep, Schedule};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let client = Client::builder(env::var("JUSTIAM_ENDPOINT")?).token(env::var("JUSTIAM_TOKEN")?).build()?;
    let mut arguments = env::args().skip(1);
    let name = arguments.next().ok_or("name the schedule, and then its programs")?;
    let schedule = create(&client, &name, arguments).await?;
    let status = run(&client, &schedule).await?;
    describe(&client, schedule.id).await?;
    if status == Some(ExecutionStatus::Completed) { Ok(()) } else { Err("the execution did not complete".into()) }
}

async fn create(
    client: &Client,
    name: &str,
    programs: impl Iterator<Item = String>,
) -> Result<Schedule, Box<dyn Error>> {
    let weekdays_at_two = Pattern::SpecificTimes { days: DaysOfWeek::WORKING_DAYS, times: "02:00".parse()? };
    let mut schedule = NewSchedule::on(name, &weekdays_at_two).in_zone("Europe/Zurich").enabled();
    for program in programs {
        schedule = schedule.then(NewScheduleStep::executable(program).ended_after(3600));
    }
    let schedule = client.schedules().create(&schedule).await?;
    Ok(schedule)
}

/// Runs a schedule, shows each change, and returns how it ended.
async fn run(client: &Client, schedule: &Schedule) -> Result<Option<ExecutionStatus>, Box<dyn Error>> {
    let mut out = std::io::stdout();
    let mut status = None;
    let run = client.schedules().run(schedule.id).await?;
    let mut changes = client.executions().follow(run.execution_id);
    while let Some(execution) = changes.try_next().await? {
        writeln!(out, "{}", line(&execution))?;
        status = Some(execution.status);
    }
    Ok(status)
}

/// An execution in one line: how it stands, and how its steps do.
fn line(execution: &Execution) -> String {
    let steps = execution.steps.iter().flatten();
    let steps: Vec<String> = steps.map(|step| format!("{}: {}", step.name, step.status)).collect();
    format!("{} ({})", execution.status, steps.join(", "))
}

/// Changes one thing of a schedule, and only if nobody has changed it meanwhile.
async fn describe(client: &Client, id: ScheduleId) -> Result<(), Box<dyn Error>> {
    let schedule = client.schedules().get(id).await?;
    let mut body = schedule.to_new().ok_or("the server left the steps out")?;
    body.description = Some("Ran by hand once".to_owned());
    client.schedules().replace_if(id, &body, &schedule.revision).await?;
    Ok(())
}
