//! A server in the test's own process, on a free port, with its own data folder and a clock that the test moves.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use jiff::SignedDuration;
use justiam_sdk::Client;
use justiam_sdk::api::ids::RunId;
use justiam_sdk::api::runs::Run;
use justiam_sdk::client::Retry;
use justiam_server::app::caller::Permission;
use justiam_server::app::invariants::{Checked, Reach};
use justiam_server::app::tokens::NewToken;
use justiam_server::app::{self, App};
use justiam_server::clock::Clock as _;
use justiam_server::config::{Config, DataDir};
use justiam_server::lifecycle::Shutdown;
use justiam_server::{ServeError, Server, open_app};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::clock::ManualClock;
use crate::programs::program;
use crate::{invariants, soon, until};

/// When tests begin, unless they say otherwise: a Thursday, in UTC.
pub const START: &str = "2026-01-01T00:00:00Z";

/// A running server.
pub struct TestServer {
    /// Its address.
    pub endpoint: String,
    /// An admin's token.
    pub token: String,
    /// An admin's client.
    pub client: Client,
    /// Its clock.
    pub clock: ManualClock,
    /// Its shutdown.
    pub shutdown: Shutdown,
    app: Arc<App>,
    config: Config,
    /// Of a server on PostgreSQL.
    database_url: Option<String>,
    /// How many tokens with certain permissions there are.
    limited: AtomicU32,
    /// Whether what always holds is looked for at the end.
    checked: AtomicBool,
    // None once the server was stopped.
    running: Option<JoinHandle<Result<(), ServeError>>>,
    data: Option<TempDir>,
}

/// A story that ends without stopping its server leaves nothing that must not be, either.
impl Drop for TestServer {
    fn drop(&mut self) {
        if self.checked.load(Ordering::Relaxed) && !std::thread::panicking() {
            invariants::assert_beside(&self.config, self.clock.now());
        }
    }
}

/// What servers on one PostgreSQL database share.
pub const SHARED_SECRET: &str = "the secret that servers of a test share";

impl TestServer {
    /// Starts a server at [`START`].
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// Starts a server with other settings than usual.
    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let data = TempDir::new().unwrap();
        Self::open(data, None, ManualClock::at(START), None, change).await
    }

    /// Starts a server on a PostgreSQL database, which it may share with others. It has a token of its own.
    pub async fn start_on_postgres(url: &str, clock: ManualClock, change: impl FnOnce(&mut Config)) -> Self {
        Self::open(TempDir::new().unwrap(), Some(url.to_owned()), clock, None, change).await
    }

    /// Ends this server gently and starts another one on the same data, clock and token.
    pub async fn restart(self) -> Self {
        self.restart_with(|_| {}).await
    }

    /// Restarts the server with other settings than usual.
    pub async fn restart_with(self, change: impl FnOnce(&mut Config)) -> Self {
        let (clock, token, database_url) = (self.clock.clone(), self.token.clone(), self.database_url.clone());
        let data = self.stop().await;
        Self::open(data, database_url, clock, Some(token), change).await
    }

    /// Starts a server on what [`TestServer::stop`] returned. Its client has a new admin's token.
    pub async fn start_on(data: TempDir, clock: ManualClock) -> Self {
        let config = Config::new(data.path().join("server"));
        let folder = DataDir::open(&config.data_dir).unwrap();
        let app = open_app(&config, &folder, Arc::new(clock.clone())).await.unwrap();
        let token = admin_token(&app, "later").await;
        drop(app);
        Self::open(data, None, clock, Some(token), |_| {}).await
    }

    /// Ends the server gently, looks for what must not be, and returns its data folder.
    pub async fn stop(mut self) -> TempDir {
        self.shutdown.soft.cancel();
        soon("the server to end", self.running.take().unwrap()).await.unwrap().unwrap();
        if self.checked.swap(false, Ordering::Relaxed) {
            invariants::assert(&self.config, self.clock.now()).await;
        }
        self.data.take().unwrap()
    }

    /// Fails the test unless everything that always holds does by now, also that the server keeps up with the clock.
    pub async fn check_invariants(&self) {
        until("everything to be as it must", async || {
            let checked = self.app.invariants(Reach::Whole).await.unwrap();
            checked.iter().all(|checked| checked.violations == 0)
        })
        .await;
    }

    /// What always holds, and whether it does at this moment.
    pub async fn invariants(&self) -> Vec<Checked> {
        self.app.invariants(Reach::Whole).await.unwrap()
    }

    /// For a test that breaks what always holds: nothing is looked for when this server ends.
    pub fn leave_unchecked(&self) {
        self.checked.store(false, Ordering::Relaxed);
    }

    async fn open(
        data: TempDir,
        database_url: Option<String>,
        clock: ManualClock,
        token: Option<String>,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        let mut config = Config::new(data.path().join("server"));
        config.helper = program("justiam-server");
        // A clock that stands still brings nobody new requests.
        (config.limits.request_burst, config.limits.failed_logins_per_minute) = (1_000_000, 1_000_000);
        config.limits.connections_per_address = config.limits.connections;
        if let Some(url) = &database_url {
            config.database_url = Some(url.as_str().into());
            config.jwt_secret = Some(SHARED_SECRET.into());
            config.follow_database_clock = false;
        }
        change(&mut config);
        let server = Server::open(config.clone(), Arc::new(clock.clone())).await.unwrap();
        let token = match token {
            Some(token) => token,
            None => match server.bootstrap_token().await.unwrap() {
                Some(first) => first.token.expose().to_owned(),
                None => admin_token(server.app(), "another server's admin").await,
            },
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let shutdown = Shutdown::new();
        let app = Arc::clone(server.app());
        let running = tokio::spawn(server.serve(listener, shutdown.clone()));
        let client = client(&endpoint, &token);
        Self {
            endpoint,
            token,
            client,
            clock,
            shutdown,
            app,
            config,
            database_url,
            limited: AtomicU32::new(0),
            checked: AtomicBool::new(true),
            running: Some(running),
            data: Some(data),
        }
    }

    /// A client with a token that may do this and nothing else.
    pub async fn client_with(&self, permissions: &[Permission]) -> Client {
        client(&self.endpoint, &self.token_with(permissions).await)
    }

    /// A token that may do this and nothing else.
    pub async fn token_with(&self, permissions: &[Permission]) -> String {
        assert!(!permissions.is_empty(), "a token that may do nothing is none");
        // Each has an account of its own: `limited`, `limited 2`, …
        loop {
            let number = self.limited.fetch_add(1, Ordering::Relaxed) + 1;
            let account = if number == 1 { "limited".to_owned() } else { format!("limited {number}") };
            let new = NewToken {
                name: "limited".into(),
                permissions: permissions.to_vec(),
                is_admin: false,
                expires_in_days: 1,
            };
            match self.app.create_token_for(&account, new, |_| Ok(())).await {
                Ok(issued) => return issued.token.expose().to_owned(),
                // Another server of the test has made it, with other permissions.
                Err(app::Error::Invalid(_)) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// The use cases behind the server, for callers that HTTP does not know.
    pub fn app(&self) -> &App {
        &self.app
    }

    /// Loads fixtures, as `justiam-server seed` does.
    pub async fn seed(&self, fixtures: &serde_json::Value) {
        self.app.load_fixtures(fixtures.to_string().as_bytes()).await.unwrap();
    }

    /// How the server says that it isolates scripts.
    pub fn isolation(&self) -> String {
        self.app.isolation().unwrap().to_owned()
    }

    /// The folder with the database.
    pub fn data_dir(&self) -> &Path {
        self.data.as_ref().unwrap().path()
    }

    /// Moves the clock.
    pub fn advance(&self, seconds: i64) {
        self.clock.advance(SignedDuration::from_secs(seconds));
    }

    /// Waits for the end of a run.
    pub async fn ended(&self, run: RunId) -> Run {
        soon("a run to end", self.client.runs().wait(run)).await.unwrap()
    }
}

async fn admin_token(app: &App, name: &str) -> String {
    let new = NewToken { name: name.into(), permissions: Vec::new(), is_admin: true, expires_in_days: 365 };
    app.create_token(new).await.unwrap().token.expose().to_owned()
}

/// A client that does not wait long before it tries again.
pub fn client(endpoint: &str, token: &str) -> Client {
    let retry = Retry { first_pause: Duration::from_millis(1), ..Retry::default() };
    Client::builder(endpoint).token(token).retry(retry).build().unwrap()
}
