//! Reference server for JustIAM scheduled tasks.
//!
//! The server is a function of its settings, a listener, a clock and a shutdown: see [`Server::serve`]. Nothing is global, so two
//! servers can run in one process, which is how the tests run it. To embed one in the tests of another program:
//!
//! ```no_run
//! use std::sync::Arc;
//! use justiam_server::{Server, clock::SystemClock, config::Config, lifecycle::Shutdown};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let mut config = Config::new("/tmp/iam-test");
//! // Scripts are started through the server's own program, which yours is not.
//! config.helper = "/usr/local/bin/justiam-server".into();
//! let server = Server::open(config, Arc::new(SystemClock)).await?;
//! let token = server.bootstrap_token().await?.expect("a fresh server").token;
//!
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! let endpoint = format!("http://{}", listener.local_addr()?);
//! let shutdown = Shutdown::new();
//! let running = tokio::spawn(server.serve(listener, shutdown.clone()));
//! // … talk to `endpoint` with `token` …
//! shutdown.soft.cancel();
//! running.await??;
//! # Ok(())
//! # }
//! ```
//!
//! Layers, each of which knows only those to its right: `http` → [`app`] → [`store`], and [`driver`] → planner, `app`, `store`.

pub mod allowed_folders;
pub mod app;
pub mod bench;
pub mod cli;
pub mod clock;
pub mod config;
pub mod driver;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod gate;
mod http;
pub mod lifecycle;
pub mod listen;
mod open;
pub mod outbound;
mod shares;
pub mod store;
pub mod telemetry;

use std::path::PathBuf;
use std::sync::Arc;

use tokio::net::TcpListener;
use url::Url;

use allowed_folders::AllowedFolders;
use app::App;
use app::tokens::IssuedToken;
use app::vault::VaultError;
use clock::Clock;
use config::{Config, DataDir, DataDirError, Limits, Roles};
use driver::execute::Executor;
use driver::execute::script::{self, Demand, Network, Probed, ScriptRunner, SetupError};
use driver::execute::step::StepExecutor;
use driver::execute::step::programs::{self, Programs};
use driver::execute::syntax::SyntaxChecker;
use driver::{Driver, Settings};
use gate::Gate;
use lifecycle::Shutdown;
use listen::Listeners;
use outbound::Outbound;
use telemetry::traces::Telemetry;

pub use open::open_app;

/// How many connections the listener for metrics has at the most.
const MONITORING_CONNECTIONS: u32 = 32;

/// Why a server cannot start, or ended badly.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The data folder cannot be used.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// A setting is out of its range.
    #[error("{0}")]
    Setting(String),
    /// Nobody else could do what this server leaves out.
    #[error("a server on SQLite is alone, so it has all roles; roles can be split among servers on PostgreSQL")]
    AloneWithRoles,
    /// Servers that share secrets must share what these are encrypted with.
    #[error(
        "servers on PostgreSQL share their secrets: set JWT_SECRET or name a file with it, the same for all of them"
    )]
    NoSharedSecret,
    /// Nothing would open what the database holds.
    #[error(
        "this database holds values that were encrypted under another secret (key id {keys}), and there is none in the data folder: \
         give the server's secret with JWT_SECRET, --jwt-secret-file or --jwt-secret-command"
    )]
    LostSecret {
        /// Names the keys, which tells nothing about them.
        keys: String,
    },
    /// The server's secret cannot be used.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The database cannot be opened or brought up to date.
    #[error("could not open the database")]
    Database(#[from] store::Error),
    /// Requests of scripts cannot be sent.
    #[error("could not prepare the sending of requests")]
    Outbound(#[source] reqwest::Error),
    /// Scripts cannot be run.
    #[error(transparent)]
    Scripts(#[from] SetupError),
    /// Programs of steps cannot be run.
    #[error("could not prepare the folder for temporary files of steps")]
    Programs(#[source] std::io::Error),
    /// What is demanded does not hold, although the kernel took it.
    #[error("the sandbox of scripts does not hold, and --script-isolation demands one; it did not prevent: {0}")]
    LeakySandbox(String),
    /// The first token would be lost, so it was not kept.
    #[error(
        "the first token could not be shown on standard output, so it was not kept; start again where somebody reads that, or \
         make a token with `token create --admin` first"
    )]
    FirstToken(#[source] std::io::Error),
    /// A first use case failed.
    #[error("could not prepare the database")]
    Prepare(#[from] app::Error),
}

/// A server that is ready to serve. Holds its data folder.
pub struct Server {
    app: Arc<App>,
    driver: Arc<Driver>,
    telemetry: Telemetry,
    roles: Roles,
    limits: Limits,
    scripts: ScriptRunner,
    /// Here and not in `app`, so that an `app` that outlives the server holds none of its folders.
    _syntax: Arc<SyntaxChecker>,
    data_dir: DataDir,
}

impl Server {
    /// Opens the data folder and the database, and prepares both. On PostgreSQL any number of servers may share the database, each
    /// with a data folder of its own.
    pub async fn open(config: Config, clock: Arc<dyn Clock>) -> Result<Self, ServeError> {
        // Before anything is made.
        config.check().map_err(ServeError::Setting)?;
        if config.database_url.is_none() && config.roles != Roles::ALL {
            return Err(ServeError::AloneWithRoles);
        }
        let folders = AllowedFolders::new(&config.step_folders, &config.data_dir).map_err(ServeError::Setting)?;
        let data_dir = DataDir::hold(&config.data_dir)?;
        let app = Arc::new(open_app(&config, &data_dir, clock).await?);
        app.seed_system_tasks().await?;
        let telemetry = Telemetry::new(config.traces_endpoint().as_deref()).map_err(ServeError::Setting)?;
        let _ = app.telemetry.set(telemetry.clone());
        let outbound = outbound_of(&config, &telemetry, &app.clock)?;
        let scripts = ScriptRunner::new(script_settings(&config, data_dir.scripts()))?;
        app.tell_isolation(look_at_isolation(&scripts, config.script_isolation).await?);
        let programs = Arc::new(
            Programs::new(program_settings(&config, &folders, data_dir.steps()), app.db.clone())
                .map_err(ServeError::Programs)?,
        );
        let syntax = Arc::new(SyntaxChecker::new(scripts.clone()));
        app.check_syntax_with(SyntaxChecker::on_call(&syntax));
        let settings = Settings {
            slots: config.workers,
            step_slots: config.step_workers,
            roles: config.roles,
            history: config.history,
        };
        let steps = StepExecutor::new(programs, folders);
        let executor = Executor::new(scripts.clone(), outbound, telemetry.clone());
        let driver = Arc::new(Driver::new(Arc::clone(&app), Arc::new(executor), Arc::new(steps), settings));
        let (roles, limits) = (config.roles, config.limits);
        Ok(Self { app, driver, telemetry, roles, limits, scripts, _syntax: syntax, data_dir })
    }

    /// An admin token for a server that nobody can use yet; `None` where there are service accounts already.
    pub async fn bootstrap_token(&self) -> Result<Option<IssuedToken>, ServeError> {
        self.tell_bootstrap_token(|_| Ok(())).await
    }

    /// The same, which `tell` shows to somebody. If that fails, no token was made, and the next start makes one.
    pub async fn tell_bootstrap_token(
        &self,
        tell: impl FnOnce(&IssuedToken) -> std::io::Result<()>,
    ) -> Result<Option<IssuedToken>, ServeError> {
        self.app.create_first_token(tell).await.map_err(|error| match error {
            app::Error::NotShown(cause) => ServeError::FirstToken(cause),
            other => other.into(),
        })
    }

    /// The use cases, for a program that embeds the server.
    pub fn app(&self) -> &Arc<App> {
        &self.app
    }

    /// Serves on a listener until the shutdown's soft stage, and returns when everything that had begun has ended.
    pub async fn serve(self, listener: TcpListener, shutdown: Shutdown) -> Result<(), ServeError> {
        self.serve_on(listener.into(), shutdown).await
    }

    /// The same on listeners of any kind.
    pub async fn serve_on(self, listeners: Listeners, shutdown: Shutdown) -> Result<(), ServeError> {
        let gate =
            |listener, routes, limits: &_| Gate::new(listener, routes, limits, self.app.counts.connections.clone());
        let api = gate(listeners.api, http::router(Arc::clone(&self.app), self.roles, &self.limits), &self.limits);
        // Few monitor a server, and the files that connections may take are shared.
        let few = Limits { connections: self.limits.connections.min(MONITORING_CONNECTIONS), ..self.limits.clone() };
        let monitoring =
            listeners.metrics.map(|listener| gate(listener, http::monitoring(Arc::clone(&self.app)), &few));
        let monitor = async {
            if let Some(gate) = monitoring {
                gate.run(&shutdown.soft).await;
            }
        };
        let end_followers = async {
            shutdown.soft.cancelled().await;
            self.app.end_followers();
        };
        let drive = async {
            let look = async {
                tokio::select! {
                    () = shutdown.soft.cancelled() => {}
                    () = look_at_interpreter(&self.scripts) => {}
                }
            };
            tokio::join!(Arc::clone(&self.driver).run(&shutdown.soft, &shutdown.hard), look);
        };
        tokio::join!(api.run(&shutdown.soft), monitor, end_followers, drive);
        self.telemetry.end().await;
        self.app.db.close().await;
        drop(self.data_dir);
        Ok(())
    }
}

/// How scripts are run in a folder.
pub(crate) fn script_settings(config: &Config, folder: PathBuf) -> script::Settings {
    script::Settings {
        network: config.script_network,
        memory_mib: config.script_memory_mib,
        demand: config.script_isolation,
        layers: config.script_layers,
        ..script::Settings::new(&config.yaegi, &config.helper, folder)
    }
}

/// How programs of steps are run, with their temporary files in `temporary`.
pub(crate) fn program_settings(config: &Config, folders: &AllowedFolders, temporary: PathBuf) -> programs::Settings {
    programs::Settings {
        pwsh: config.pwsh.clone(),
        sql_hosts: config.sql_hosts.clone(),
        demand: config.script_isolation,
        layers: config.script_layers,
        ..programs::Settings::new(&config.helper, temporary, folders.clone())
    }
}

/// What sends requests for scripts; nothing where they have no network.
pub(crate) fn outbound_of(
    config: &Config,
    telemetry: &Telemetry,
    clock: &Arc<dyn Clock>,
) -> Result<Option<Outbound>, ServeError> {
    if config.script_network == Network::None {
        return Ok(None);
    }
    let settings = outbound::Settings {
        destinations: config.fetch.clone(),
        max_body_mib: config.fetch_max_body_mib,
        gworkspace: Url::parse(&config.gworkspace_url)
            .map_err(|error| ServeError::Setting(format!("gworkspace_url cannot be read: {error}")))?,
    };
    Outbound::new(settings, telemetry.clone(), Arc::clone(clock)).map(Some).map_err(ServeError::Outbound)
}

/// Has the sandbox of scripts tried out, and tells the operator what came of it.
async fn look_at_isolation(scripts: &ScriptRunner, demand: Demand) -> Result<String, ServeError> {
    let Probed { isolation, whole, possible } = match scripts.probe().await {
        Ok(probed) => probed,
        Err(why) => {
            tracing::error!(why, "it is not known how scripts are isolated");
            return Ok(format!("unknown: {why}"));
        }
    };
    if !possible.is_empty() && whole {
        let possible = possible.join(", ");
        if demand == Demand::Sandbox {
            return Err(ServeError::LeakySandbox(possible));
        }
        tracing::error!(isolation, possible, "the sandbox of scripts does not hold");
    } else if whole {
        tracing::info!(isolation, "scripts are isolated");
    } else if demand == Demand::Sandbox {
        tracing::error!(isolation, "scripts are refused: this server demands a sandbox, and its kernel has none");
    } else {
        tracing::warn!(isolation, possible = possible.join(", "), "scripts are isolated in part");
    }
    Ok(isolation)
}

/// Tells the operator if the interpreter cannot be used, before a script needs it.
async fn look_at_interpreter(scripts: &ScriptRunner) {
    // A run is big, and all of the server would carry its room around.
    if let Err(why) = Box::pin(scripts.try_interpreter()).await {
        tracing::error!(why, "scripts cannot be run");
    }
}
