//! Several servers on one PostgreSQL database.

mod loss;
mod overlap;
mod races;
mod roles;

use futures::future::join_all;
use jiff::SignedDuration;
use justiam_sdk::api::tasks::Task;
use justiam_server::clock::Clock as _;
use justiam_server::config::Roles;
use justiam_tests::clock::ManualClock;
use justiam_tests::postgres::{self, TestDatabase};
use justiam_tests::server::{START, TestServer};
use justiam_tests::until;
use sqlx::{AssertSqlSafe, PgConnection};

use super::support::{cheap, create, history, ticks};

const ALL: &str = "api,dispatch,work";

/// Servers that share a database and a clock.
struct Servers {
    all: Vec<TestServer>,
    clock: ManualClock,
    /// For what no server tells.
    watch: PgConnection,
    database: TestDatabase,
}

impl Servers {
    /// One server for each list of roles.
    async fn start(roles: &[&str]) -> Self {
        let (database, clock) = (postgres::database().await, ManualClock::at(START));
        let mut servers = Vec::new();
        for roles in roles {
            servers.push(replica(&database, &clock, roles).await);
        }
        Self { all: servers, clock, watch: database.connect().await, database }
    }

    /// Any of them: another one each time.
    fn any(&self, n: usize) -> &TestServer {
        &self.all[n % self.all.len()]
    }

    async fn number(&mut self, sql: &str) -> i64 {
        sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut self.watch).await.unwrap()
    }

    /// Waits until nothing is due any more, and every run has ended.
    async fn at_rest(&mut self) {
        let now = self.clock.now().as_microsecond();
        until("everything that is due to be done", async || {
            let sql = "SELECT (SELECT count(*) FROM tasks WHERE enabled AND next_run_at <= $1) \
                       + (SELECT count(*) FROM active_runs)";
            let left: i64 = sqlx::query_scalar(sql).bind(now).fetch_one(&mut self.watch).await.unwrap();
            left == 0
        })
        .await;
    }

    /// Moves the clock by some seconds in which all servers are alive: in small steps, each of which waits for the renewals of
    /// leases. A server that was just looking when the clock moved looks at the next step.
    async fn live(&mut self, seconds: i64) {
        let mut left = seconds;
        while left > 0 {
            let mut looks = 0;
            until("leases to be renewed", async || {
                if looks % 40 == 0 && left > 0 {
                    self.clock.advance(SignedDuration::from_secs(1));
                    left -= 1;
                }
                looks += 1;
                let sql = "SELECT count(*) FROM active_runs WHERE status = 'running' AND lease_until <= $1";
                let soon = self.clock.now().as_microsecond() + 15_000_000;
                let late: i64 = sqlx::query_scalar(sql).bind(soon).fetch_one(&mut self.watch).await.unwrap();
                late == 0
            })
            .await;
        }
    }
}

/// One more server on a database.
async fn replica(database: &TestDatabase, clock: &ManualClock, roles: &str) -> TestServer {
    let roles: Roles = roles.parse().unwrap();
    TestServer::start_on_postgres(&database.url, clock.clone(), |config| config.roles = roles).await
}

/// Creates cheap tasks that fire on every full minute, at all servers at once.
async fn every_minute(servers: &Servers, count: usize) -> Vec<Task> {
    let creating = (0..count).map(async |n| create(servers.any(n), &cheap(&format!("T{n}"), "* * * * *")).await);
    join_all(creating).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_tick_is_one_run_whoever_records_it() {
    let mut servers = Servers::start(&[ALL; 3]).await;
    every_minute(&servers, 60).await;
    for _ in 0..5 {
        servers.clock.advance(SignedDuration::from_mins(1));
        servers.at_rest().await;
    }
    let runs = servers.number("SELECT count(*) FROM runs WHERE task_name LIKE 'T%'").await;
    let distinct = "SELECT count(DISTINCT (task_id, scheduled_for)) FROM runs WHERE task_name LIKE 'T%'";
    assert_eq!((runs, servers.number(distinct).await), (300, 300));
    // Not all are a success: a minute in one step is longer than a lease, and a claim may have looked at the clock before it.
    let ended = "SELECT count(*) FROM runs WHERE task_name LIKE 'T%' AND status IS NOT NULL AND missed_ticks = 0";
    assert_eq!(servers.number(ended).await, 300);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ticks_that_nobody_was_there_for_are_caught_up_once() {
    let mut servers = Servers::start(&[ALL; 3]).await;
    every_minute(&servers, 30).await;
    servers.at_rest().await;
    // An hour in which none of them looked, and then all of them look.
    servers.clock.advance(SignedDuration::from_mins(60));
    servers.at_rest().await;
    let once = "SELECT count(*) FROM runs WHERE task_name LIKE 'T%' AND missed_ticks = 59";
    let all = "SELECT count(*) FROM runs WHERE task_name LIKE 'T%'";
    assert_eq!((servers.number(once).await, servers.number(all).await), (30, 30));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_one_server_creates_the_others_fire_and_show() {
    let mut servers = Servers::start(&["api", ALL, "api"]).await;
    let task = create(&servers.all[0], &cheap("T", "* * * * *")).await;
    servers.clock.advance(SignedDuration::from_mins(1));
    servers.at_rest().await;
    assert_eq!(ticks(&history(&servers.all[2].client, task.id).await), [("2026-01-01T00:01:00Z".to_owned(), 0)]);
}
