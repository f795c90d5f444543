//! Requests that change tasks in the very moment in which these are due.

use futures::future::join_all;
use jiff::SignedDuration;
use justiam_sdk::api::ids::TaskId;
use justiam_sdk::api::tasks::TaskPatch;
use justiam_sdk::api::values::{OverlapPolicy, ScheduleType};
use justiam_tests::server::TestServer;

use super::super::support::{cheap, create, history, ticks};
use super::{ALL, Servers};

const MINUTES: i64 = 8;
/// Of each kind of disturbance; three servers and four policies have to do with it.
const TASKS: i64 = 12;

/// What is done to a task while its tick comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Disturbance {
    Nothing,
    Trigger,
    /// Everything but its schedule.
    Edit,
    Disable,
    Zone,
    Delete,
}

use Disturbance::{Delete, Disable, Edit, Nothing, Trigger, Zone};

const POLICIES: [OverlapPolicy; 4] =
    [OverlapPolicy::Allow, OverlapPolicy::Skip, OverlapPolicy::Queue, OverlapPolicy::Replace];

/// As the database counts and as Rust does.
fn count(number: i64) -> usize {
    number.try_into().unwrap()
}

async fn update(server: &TestServer, task: TaskId, change: impl FnOnce(&mut TaskPatch)) {
    let mut patch = TaskPatch::new();
    change(&mut patch);
    server.client.tasks().update(task, &patch).await.unwrap();
}

async fn disturb(server: &TestServer, other: &TestServer, task: TaskId, how: Disturbance, minute: usize) {
    match how {
        Nothing => {}
        Trigger => drop(server.client.tasks().run(task).await.unwrap()),
        Edit => {
            update(server, task, |patch| patch.overlap_policy = Some(POLICIES[minute % 4].clone())).await;
            update(other, task, |patch| patch.description = Some(Some(format!("minute {minute}")))).await;
        }
        Disable => {
            update(server, task, |patch| patch.enabled = Some(false)).await;
            update(other, task, |patch| patch.enabled = Some(true)).await;
        }
        Zone => {
            let zone = ["Asia/Kathmandu", "UTC", "Europe/Zurich"][minute % 3];
            update(server, task, |patch| patch.timezone = Some(zone.into())).await;
        }
        Delete => server.client.tasks().delete(task).await.unwrap(),
    }
}

/// Tasks that fire every minute and are disturbed whenever they do.
async fn storm(disturbances: &[Disturbance]) -> Servers {
    let mut servers = Servers::start(&[ALL; 3]).await;
    let mut tasks = Vec::new();
    for how in disturbances {
        for n in 0..count(TASKS) {
            let mut new = cheap(&format!("{how:?} {n}"), "* * * * *");
            new.overlap_policy = Some(POLICIES[n % 4].clone());
            tasks.push((*how, create(servers.any(n), &new).await.id));
        }
    }
    for minute in 0..count(MINUTES) {
        servers.clock.advance(SignedDuration::from_secs(50));
        let clock = servers.clock.clone();
        let disturbing = join_all(tasks.iter().enumerate().map(|(n, (how, task))| {
            let (one, other) = (servers.any(n + minute), servers.any(n + minute + 1));
            disturb(one, other, *task, *how, minute)
        }));
        let tick = async {
            // Earlier or later among the requests.
            for _ in 0..minute * 10 {
                tokio::task::yield_now().await;
            }
            clock.advance(SignedDuration::from_secs(10));
        };
        tokio::join!(disturbing, tick);
        // What was deleted is there again, under its old name.
        for (n, (how, task)) in tasks.iter_mut().enumerate() {
            if *how == Delete {
                *task = create(servers.any(n), &cheap(&format!("{how:?} {}", n % count(TASKS)), "* * * * *")).await.id;
            }
        }
        servers.at_rest().await;
    }
    // One more minute, in peace.
    servers.clock.advance(SignedDuration::from_mins(1));
    servers.at_rest().await;
    servers.any(0).check_invariants().await;
    servers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn requests_that_race_with_ticks_leave_no_orphan_no_double_and_no_lost_tick() {
    let mut servers = storm(&[Nothing, Trigger, Edit, Disable, Zone, Delete]).await;
    let doubles = "SELECT count(*) - count(DISTINCT (task_id, scheduled_for)) FROM runs WHERE trigger = 'cron'";
    assert_eq!(servers.number(doubles).await, 0);
    let uneven = "SELECT count(*) FROM runs WHERE trigger = 'cron' AND scheduled_for % 60000000 <> 0";
    assert_eq!(servers.number(uneven).await, 0);
    let folded = "SELECT count(*) FROM runs WHERE task_name LIKE '% %' AND missed_ticks > 0";
    assert_eq!(servers.number(folded).await, 0);
    // Of tasks whose schedule nobody touched, every tick is there.
    let complete = format!(
        "SELECT count(*) FROM (SELECT task_id FROM runs WHERE trigger = 'cron' AND task_name ~ '^(Nothing|Trigger|Edit) ' \
         GROUP BY task_id HAVING count(*) = {}) t",
        MINUTES + 1
    );
    assert_eq!(servers.number(&complete).await, 3 * TASKS);
    let triggers = "SELECT count(*) FROM runs WHERE trigger = 'manual' AND task_name LIKE 'Trigger %'";
    assert_eq!(servers.number(triggers).await, TASKS * MINUTES);
    // Afterwards every task fires as if nothing had been.
    let last = "SELECT count(*) FROM runs r JOIN tasks t ON t.id = r.task_id WHERE t.name LIKE '% %' \
        AND r.scheduled_for = (SELECT max(scheduled_for) FROM runs WHERE trigger = 'cron')";
    assert_eq!(servers.number(last).await, 6 * TASKS);
    // A deleted task has nothing after its end.
    let orphans = "SELECT count(*) FROM runs r WHERE status IS NULL OR (task_name LIKE 'Delete %' \
        AND NOT EXISTS (SELECT 1 FROM tasks t WHERE t.id = r.task_id) AND finished_at > \
        (SELECT max(c.created_at) FROM tasks c WHERE c.name = r.task_name))";
    assert_eq!(servers.number(orphans).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_tick_that_was_due_before_an_edit_is_not_lost() {
    let mut servers = Servers::start(&["api"]).await;
    let mut tasks = Vec::new();
    for name in ["Zone", "Expression", "Kind"] {
        tasks.push(create(servers.any(0), &cheap(name, "* * * * *")).await.id);
    }
    // Due, and no dispatcher has looked yet, as in the milliseconds that it needs.
    servers.clock.advance(SignedDuration::from_mins(1));
    update(servers.any(0), tasks[0], |patch| patch.timezone = Some("Europe/Zurich".into())).await;
    update(servers.any(0), tasks[1], |patch| patch.cron_expr = Some(Some("*/2 * * * *".into()))).await;
    update(servers.any(0), tasks[2], |patch| {
        patch.schedule_type = Some(ScheduleType::Once);
        patch.cron_expr = Some(None);
    })
    .await;
    servers.all.push(super::replica(&servers.database, &servers.clock, "dispatch,work").await);
    servers.at_rest().await;
    for task in tasks {
        let runs = history(&servers.any(0).client, task).await;
        assert_eq!(ticks(&runs), [("2026-01-01T00:01:00Z".to_owned(), 0)]);
    }
}
