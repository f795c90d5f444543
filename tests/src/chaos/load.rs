//! The tasks that fire, and when each does so first.

use std::net::SocketAddr;

use jiff::{SignedDuration, Timestamp};
use justiam_sdk::Client;
use justiam_sdk::api::ids::TaskId;
use justiam_sdk::api::tasks::NewTask;
use justiam_sdk::api::values::{OverlapPolicy, ScheduleType, TaskType};
use tokio::task::JoinSet;

use super::{Plan, witness};

/// How many requests are on their way at a time.
const AT_ONCE: usize = 8;
const POLICIES: [OverlapPolicy; 4] =
    [OverlapPolicy::Allow, OverlapPolicy::Skip, OverlapPolicy::Queue, OverlapPolicy::Replace];
const EXPRESSIONS: [&str; 6] = ["* * * * *", "* * * * *", "*/2 * * * *", "1-59/2 * * * *", "*/3 * * * *", "0 * * * *"];
const ZONES: [&str; 3] = ["UTC", "America/New_York", "Asia/Kathmandu"];

/// A task that was created.
pub(super) struct Expected {
    pub(super) id: TaskId,
    pub(super) name: String,
    /// When it fires first, as the server said.
    pub(super) first: Timestamp,
    /// The expression and zone of a cron task; `None` for one that fires once.
    pub(super) cron: Option<(String, String)>,
}

/// Creates all tasks of a plan. Those that fire once do so from `begins` on.
pub(super) async fn create(client: &Client, plan: &Plan, begins: Timestamp, witness: SocketAddr) -> Vec<Expected> {
    let step = SignedDuration::try_from(plan.lasts).unwrap() / i32::try_from(plan.once_tasks.max(1)).unwrap();
    let once = (0_u16..).take(plan.once_tasks).map(|number| {
        let name = format!("once {number}");
        let mut new = if number % 5 == 0 {
            script(name, number.into(), witness)
        } else {
            NewTask::new(name, TaskType::SamlSessionCleanup, ScheduleType::Once)
        };
        new.run_at = Some(begins + step * i32::from(number));
        new
    });
    let cron = (0..plan.cron_tasks).map(|number| {
        let types = [TaskType::TrustedDeviceExpiry, TaskType::SamlSessionCleanup];
        let mut new = NewTask::new(name(number), types[number % 2].clone(), ScheduleType::Cron);
        schedule(&mut new, number, EXPRESSIONS[number / POLICIES.len() % EXPRESSIONS.len()]);
        new
    });
    let scripts = (plan.cron_tasks..).take(plan.script_tasks).map(|number| {
        let mut new = script(name(number), number, witness);
        new.schedule_type = Some(ScheduleType::Cron);
        schedule(&mut new, number, "* * * * *");
        new
    });
    let all: Vec<NewTask> = once.chain(cron).chain(scripts).collect();
    let mut creating = JoinSet::new();
    for part in 0..AT_ONCE {
        let (client, mine) = (client.clone(), all.iter().skip(part).step_by(AT_ONCE).cloned().collect::<Vec<_>>());
        creating.spawn(async move {
            let mut created = Vec::new();
            for new in mine {
                let task = client.tasks().create(&new).await.unwrap();
                created.push(Expected {
                    id: task.id,
                    name: task.name,
                    first: task.next_run_at.unwrap(),
                    cron: task.cron_expr.map(|expr| (expr, task.timezone)),
                });
            }
            created
        });
    }
    creating.join_all().await.into_iter().flatten().collect()
}

/// A task whose script is seen at work for one to three seconds.
fn script(name: String, number: usize, witness: SocketAddr) -> NewTask {
    let mut new = NewTask::triggered_script(&name, witness::SCRIPT);
    let entries =
        [("name", name), ("witness", witness.to_string()), ("millis", (1000 + 500 * (number % 5)).to_string())];
    new.task_config = Some(entries.map(|(key, value)| (key.to_owned(), value)).into());
    new
}

/// The witness reads in a name whether two runs may overlap.
fn name(number: usize) -> String {
    format!("{} {number}", POLICIES[number % POLICIES.len()])
}

fn schedule(new: &mut NewTask, number: usize, cron_expr: &str) {
    new.overlap_policy = Some(POLICIES[number % POLICIES.len()].clone());
    new.cron_expr = Some(cron_expr.to_owned());
    new.timezone = Some(ZONES[number % ZONES.len()].to_owned());
}
