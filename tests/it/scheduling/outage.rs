//! Databases that go away and come back, are silent, slow, or held by somebody else.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::join_all;
use jiff::SignedDuration;
use justiam_sdk::api::ids::TaskId;
use justiam_sdk::api::problem::Code;
use justiam_sdk::api::tasks::{NewTask, TaskPatch};
use justiam_sdk::api::values::{OverlapPolicy, RunStatus};
use justiam_server::Server;
use justiam_server::clock::SystemClock;
use justiam_server::config::Config;
use justiam_tests::clock::ManualClock;
use justiam_tests::postgres::{Cluster, Settings, TestDatabase, database_on, own_cluster};
use justiam_tests::proxy::{Proxy, Way};
use justiam_tests::server::{START, TestServer};
use justiam_tests::{PATIENCE, soon, until};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{Connection as _, Executor as _};
use tokio::time::timeout;

use super::support::{Gate, SCRIPT, cheap, create, dispatched, history, ticks};

/// How soon everything must go on after connections have died without a word.
const HEALED_WITHIN: Duration = Duration::from_secs(35);

/// A server whose way to its database can be broken. Declared in this order, the database is dropped last.
struct Broken {
    server: TestServer,
    proxy: Proxy,
    database: TestDatabase,
}

impl Broken {
    async fn start() -> Self {
        Self::start_on(own_cluster()).await
    }

    async fn start_on(cluster: &Cluster) -> Self {
        let database = database_on(&cluster.url()).await;
        let proxy = Proxy::start(cluster);
        let url = proxy.url(cluster, &database.url);
        let server = TestServer::start_on_postgres(&url, ManualClock::at(START), |_| {}).await;
        Self { server, proxy, database }
    }

    /// How many runs a task has, seen past the server.
    async fn runs_of(&self, task: TaskId) -> i64 {
        let sql = "SELECT count(*) FROM runs WHERE task_id = $1";
        let mut connection = self.database.connect().await;
        sqlx::query_scalar(sql).bind(task.to_string()).fetch_one(&mut connection).await.unwrap()
    }

    /// Takes the database away until the server has noticed.
    async fn away_for_a_moment(&self) {
        self.proxy.set(Way::Refusing);
        self.proxy.cut();
        let tried = self.proxy.connections();
        self.going_on("the server to try again", async || self.proxy.connections() > tried + 2).await;
        self.proxy.set(Way::Open);
    }

    /// The runs of a task that are at work.
    async fn at_work(&self, task: TaskId) -> Vec<String> {
        let sql = "SELECT id FROM active_runs WHERE task_id = $1 AND status = 'running'";
        let mut connection = self.database.connect().await;
        sqlx::query_scalar(sql).bind(task.to_string()).fetch_all(&mut connection).await.unwrap()
    }

    /// Waits until so many runs of a task have ended, all well.
    async fn ended_well(&self, task: TaskId, runs: usize) {
        let all = async || {
            let found = history(&self.server.client, task).await;
            let spoiled = found.iter().find(|run| run.status.is_terminal() && run.status != RunStatus::Success);
            assert!(spoiled.is_none(), "{spoiled:#?}");
            found.len() == runs && found.iter().all(|run| run.status == RunStatus::Success)
        };
        self.going_on("all runs to end well", all).await;
    }

    /// Lets the clock go on, as fast as the machine's, until a condition holds: loops that rest after a failure rest by it.
    async fn going_on(&self, what: &str, mut condition: impl AsyncFnMut() -> bool) {
        let mut beat = tokio::time::interval(Duration::from_millis(50));
        let began = Instant::now();
        while !condition().await {
            assert!(began.elapsed() < PATIENCE, "waited in vain for {what}");
            beat.tick().await;
            self.server.clock.advance(SignedDuration::from_millis(50));
        }
    }

    async fn move_on_until(&self, task: TaskId, runs: i64) {
        self.going_on("the runs to be recorded", async || self.runs_of(task).await >= runs).await;
    }
}

#[tokio::test]
async fn a_database_that_is_away_for_a_minute_costs_nothing_but_time() {
    let broken = Broken::start().await;
    let (server, proxy) = (&broken.server, &broken.proxy);
    let task = create(server, &cheap("T", "*/10 * * * *")).await;
    server.clock.set("2026-01-01T00:10:00Z");
    broken.ended_well(task.id, 1).await;
    proxy.set(Way::Refusing);
    proxy.cut();
    let tried = proxy.connections();
    for second in 0..60 {
        server.clock.set(&format!("2026-01-01T00:19:{second:02}Z"));
        tokio::task::yield_now().await;
    }
    server.clock.set("2026-01-01T00:20:00Z");
    // It keeps trying, and says to its clients what is wrong.
    broken.going_on("the server to try again", async || proxy.connections() > tried + 2).await;
    let refused = server.client.tasks().get(task.id).await.unwrap_err();
    assert_eq!(refused.api().unwrap().problem.code, Some(Code::ServiceUnavailable));
    proxy.set(Way::Open);
    broken.move_on_until(task.id, 2).await;
    let runs = history(&server.client, task.id).await;
    assert_eq!(ticks(&runs), [("2026-01-01T00:10:00Z".to_owned(), 0), ("2026-01-01T00:20:00Z".to_owned(), 0)]);
    broken.ended_well(task.id, 2).await;
    server.check_invariants().await;
}

#[tokio::test]
async fn ticks_that_were_missed_while_the_database_was_away_are_one_run() {
    let broken = Broken::start().await;
    let task = create(&broken.server, &cheap("T", "* * * * *")).await;
    broken.proxy.set(Way::Refusing);
    broken.proxy.cut();
    broken.server.clock.set("2026-01-01T00:03:30Z");
    let tried = broken.proxy.connections();
    broken.going_on("the server to try", async || broken.proxy.connections() > tried).await;
    broken.proxy.set(Way::Open);
    broken.move_on_until(task.id, 1).await;
    let runs = history(&broken.server.client, task.id).await;
    assert_eq!(ticks(&runs), [("2026-01-01T00:03:00Z".to_owned(), 2)]);
}

#[tokio::test]
async fn a_script_that_ends_while_the_database_is_away_has_its_end_recorded_later() {
    let (broken, gate) = (Broken::start().await, Gate::new().await);
    let task = create(&broken.server, &gate.task("T", OverlapPolicy::Queue)).await;
    let run = broken.server.client.tasks().run(task.id).await.unwrap();
    let next = broken.server.client.tasks().run(task.id).await.unwrap();
    let visitor = gate.visitor().await;
    broken.proxy.set(Way::Refusing);
    broken.proxy.cut();
    broken.server.advance(10);
    visitor.release("kept").await;
    broken.proxy.set(Way::Open);
    broken.going_on("the next one to start", async || broken.at_work(task.id).await == [next.id.to_string()]).await;
    gate.visitor().await.release("next").await;
    assert_eq!(broken.server.client.runs().get(run.id).await.unwrap().output.as_deref(), Some("kept"));
    broken.going_on("the end to be recorded", async || broken.at_work(task.id).await.is_empty()).await;
    assert_eq!(broken.server.client.runs().get(next.id).await.unwrap().output.as_deref(), Some("next"));
}

#[tokio::test]
async fn a_run_whose_claim_was_never_answered_is_claimed_again() {
    let broken = Broken::start().await;
    let task = create(&broken.server, &cheap("T", "0 * * * *")).await;
    // Slow enough to be seen before the server hears of it.
    broken.proxy.set(Way::Slow(Duration::from_millis(100)));
    broken.server.clock.set("2026-01-01T01:00:00Z");
    broken.going_on("the run to be claimed", async || !broken.at_work(task.id).await.is_empty()).await;
    broken.away_for_a_moment().await;
    broken.ended_well(task.id, 1).await;
}

#[tokio::test]
async fn a_run_that_is_about_to_begin_when_the_database_goes_away_begins_later() {
    // Its own, so that what sessions do is what this server does.
    let cluster = Cluster::start(&Settings::default());
    let broken = Broken::start_on(&cluster).await;
    let (script, cheap) = (NewTask::triggered_script("Script", SCRIPT), cheap("T", "0 * * * *"));
    for new in [script, cheap] {
        let task = create(&broken.server, &new).await;
        broken.proxy.set(Way::Slow(Duration::from_millis(100)));
        broken.server.client.tasks().run(task.id).await.unwrap();
        broken
            .going_on("the run to be read", async || {
                let sql =
                    "SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE query LIKE 'SELECT NOT cancel_requested FROM%')";
                sqlx::query_scalar(sql).fetch_one(&mut broken.database.connect().await).await.unwrap()
            })
            .await;
        broken.away_for_a_moment().await;
        broken.ended_well(task.id, 1).await;
    }
}

#[tokio::test]
async fn connections_on_which_nothing_gets_through_hold_nobody_up_for_long() {
    let broken = Broken::start().await;
    let task = create(&broken.server, &cheap("T", "* * * * *")).await;
    broken.server.clock.set("2026-01-01T00:01:00Z");
    broken.move_on_until(task.id, 1).await;
    // A firewall has forgotten all connections; new ones get through.
    broken.proxy.forget();
    broken.server.clock.set("2026-01-01T00:02:00Z");
    let loops = async {
        let mut beat = tokio::time::interval(Duration::from_millis(50));
        while broken.runs_of(task.id).await < 2 {
            broken.server.clock.advance(SignedDuration::from_millis(50));
            beat.tick().await;
        }
    };
    // Every connection of the pool is asked for at least once.
    let requests =
        join_all((0..20).map(|_| async { while broken.server.client.tasks().get(task.id).await.is_err() {} }));
    let (loops, requests) = tokio::join!(timeout(HEALED_WITHIN, loops), timeout(HEALED_WITHIN, requests));
    assert!(loops.is_ok(), "no tick was recorded");
    assert!(requests.is_ok(), "a request was not answered");
}

#[tokio::test]
async fn a_network_that_drops_everything_for_a_while_loses_nothing() {
    let broken = Broken::start().await;
    let task = create(&broken.server, &cheap("T", "* * * * *")).await;
    broken.proxy.set(Way::Silent);
    broken.server.clock.set("2026-01-01T00:01:00Z");
    let client = broken.server.client.clone();
    let mut creating = tokio::spawn(async move { client.tasks().create(&cheap("Delayed", "0 * * * *")).await });
    // Whether on a connection that is open or on a new one, nobody gets an answer.
    assert!(timeout(Duration::from_millis(200), &mut creating).await.is_err());
    broken.proxy.set(Way::Open);
    soon("the request to be answered", creating).await.unwrap().unwrap();
    broken.move_on_until(task.id, 1).await;
    assert_eq!(ticks(&history(&broken.server.client, task.id).await), [("2026-01-01T00:01:00Z".to_owned(), 0)]);
}

#[tokio::test]
async fn a_slow_way_to_the_database_is_only_slow() {
    let broken = Broken::start().await;
    broken.proxy.set(Way::Slow(Duration::from_millis(20)));
    let task = create(&broken.server, &cheap("T", "0 * * * *")).await;
    broken.server.clock.set("2026-01-01T01:00:00Z");
    broken.move_on_until(task.id, 1).await;
    broken.ended_well(task.id, 1).await;
}

#[tokio::test]
async fn a_server_that_finds_no_database_says_so_and_not_where() {
    let cluster = own_cluster();
    let database = database_on(&cluster.url()).await;
    let proxy = Proxy::start(cluster);
    proxy.set(Way::Refusing);
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config::new(folder.path());
    config.database_url = Some(proxy.url(cluster, &database.url).replace("postgres@", "postgres:pa55word@").into());
    config.jwt_secret = Some("a secret of thirty-two bytes or more".into());
    let error =
        Box::pin(soon("the server to give up", Server::open(config, Arc::new(SystemClock)))).await.err().unwrap();
    assert_eq!(error.to_string(), "could not open the database");
    assert!(!format!("{error:?}").contains("pa55word"), "{error:?}");
}

#[tokio::test]
async fn a_server_whose_database_goes_away_as_it_starts_mends_and_works_later() {
    let broken = Broken::start().await;
    let task = create(&broken.server, &cheap("T", "* * * * *")).await;
    let Broken { server, proxy, database } = broken;
    server.stop().await;
    database.connect().await.execute("UPDATE tasks SET next_run_at = NULL").await.unwrap();
    let url = proxy.url(own_cluster(), &database.url);
    let server = TestServer::start_on_postgres(&url, ManualClock::at(START), |_| {}).await;
    proxy.set(Way::Refusing);
    proxy.cut();
    let broken = Broken { server, proxy, database };
    let tried = broken.proxy.connections();
    broken.going_on("the server to try", async || broken.proxy.connections() > tried + 3).await;
    broken.proxy.set(Way::Open);
    let healed = async || broken.server.client.tasks().get(task.id).await.is_ok_and(|task| task.next_run_at.is_some());
    broken.going_on("the task to have a next time", healed).await;
}

/// Somebody else writes to the database for ten seconds, while requests, ticks and runs go on.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_ever_hears_that_sqlite_is_locked() {
    let server = TestServer::start().await;
    let ticking = create(&server, &cheap("Ticking", "* * * * *")).await;
    let file = server.data_dir().join("server/justiam.db");
    let mut other = SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(file)).await.unwrap();
    let began = Instant::now();
    let hold = async {
        other.execute("BEGIN IMMEDIATE").await.unwrap();
        tokio::time::sleep(Duration::from_secs(10)).await;
        other.execute("COMMIT").await.unwrap();
    };
    let clock = async {
        for _ in 0..200 {
            tokio::time::sleep(Duration::from_millis(55)).await;
            server.clock.advance(SignedDuration::from_secs(6));
        }
    };
    let load = join_all((0..8).map(|user| {
        let client = server.client.clone();
        async move {
            let task = client.tasks().create(&cheap(&format!("T{user}"), "0 * * * *")).await.unwrap();
            let mut requests = 1;
            while began.elapsed() < Duration::from_secs(12) {
                let mut patch = TaskPatch::default();
                patch.description = Some(Some(requests.to_string()));
                client.tasks().update(task.id, &patch).await.unwrap();
                client.tasks().run(task.id).await.unwrap();
                requests += 2;
            }
            (task.id, requests / 2)
        }
    }));
    let (users, (), ()) = tokio::join!(load, hold, clock);
    assert!(began.elapsed() >= Duration::from_secs(10));
    for (task, triggers) in users {
        assert!(triggers > 1, "a user who did nothing proves nothing");
        until("all runs of a user to end", async || {
            let runs = history(&server.client, task).await;
            runs.iter().filter(|run| run.triggered_by.is_some() && run.status == RunStatus::Success).count() == triggers
        })
        .await;
    }
    dispatched(&server).await;
    // 20 minutes have passed, and each is accounted for.
    let runs = history(&server.client, ticking.id).await;
    assert_eq!(runs.iter().map(|run| run.missed_ticks + 1).sum::<i64>(), 20, "{:?}", ticks(&runs));
}
