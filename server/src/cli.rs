//! The command line.

mod backup;
mod bench;
mod check;
mod config;
mod gate;
mod next;
mod openapi;
mod script;
mod secrets;
mod seed;
mod server_secret;
mod steps;
mod token;

use std::error::Error;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use justiam_sdk::api::secrets::Secret;
use rustix::process::DumpableBehavior;
use tokio::signal::unix::{SignalKind, signal};

use crate::allowed_folders::AllowedFolders;
use crate::app::App;
use crate::app::tokens::IssuedToken;
use crate::clock::SystemClock;
use crate::config::{Config, DEFAULT_AUDIT_DAYS, DEFAULT_QUEUE_LIMIT, DEFAULT_STEP_WORKERS, DataDir, History, Roles};
use crate::driver::execute::script::helper;
use crate::driver::execute::step::programs;
use crate::lifecycle::Shutdown;
use crate::open::{SecretUse, open_app_for};
use crate::store::Db;
use crate::telemetry::logs::Logs;
use crate::telemetry::{self, LogFormat};
use crate::{ServeError, Server};

/// Reference server for JustIAM scheduled tasks.
#[derive(Debug, Parser)]
#[command(name = "justiam-server", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the API and run tasks
    Serve(Box<Serve>),
    /// Bring the database schema up to date and exit
    Migrate(Storage),
    /// Manage access tokens
    #[command(subcommand)]
    Token(token::Command),
    /// See by which keys stored secrets are encrypted, and let one server secret follow another
    #[command(subcommand)]
    Secrets(secrets::Command),
    /// Load users and what belongs to them from a file
    Seed(seed::Seed),
    /// Show what the command line and the environment tell a server
    #[command(subcommand)]
    Config(config::Command),
    /// Look for violations of what always holds in the database
    Check(check::Check),
    /// Copy the SQLite database to a file, also beside a running server
    Backup(backup::Backup),
    /// Print when a cron expression fires
    Next(next::Next),
    /// Print the OpenAPI document of the HTTP API
    #[command(name = "openapi")]
    OpenApi(openapi::OpenApi),
    /// Check and run scripts without a server
    #[command(subcommand)]
    Script(script::Command),
    /// Measure the engine on a database that is made for it and removed
    #[command(subcommand)]
    Bench(bench::Command),
}

/// Where the data is.
#[derive(Debug, Args)]
struct Storage {
    /// Folder for the database, the generated secret and running scripts; made where it is missing
    #[arg(long, env = "JUSTIAM_DATA_DIR", default_value = "justiam-data", value_name = "DIR")]
    data_dir: PathBuf,
    /// File that holds the secret which encrypts the secrets of tasks (also: the text itself in `JWT_SECRET`); without one of the three,
    /// one is made in the data folder at the first start
    #[arg(long, env = "JUSTIAM_JWT_SECRET_FILE", value_name = "FILE")]
    jwt_secret_file: Option<PathBuf>,
    /// Command that prints this secret within 10 seconds; its words are those of a shell, and no shell runs it
    #[arg(long, env = "JUSTIAM_JWT_SECRET_COMMAND", value_name = "COMMAND")]
    jwt_secret_command: Option<String>,
    /// File that holds another such secret, under which values may still be encrypted; may be given several times (also: the texts
    /// themselves in `JWT_SECRET_OLD`, one a line)
    #[arg(long, env = "JUSTIAM_OLD_JWT_SECRET_FILES", value_delimiter = ',', value_name = "FILE")]
    old_jwt_secret_file: Vec<PathBuf>,
    /// File that holds the address of a PostgreSQL database, such as `postgres://user:password@host/name` (also: the address itself in
    /// `DATABASE_URL`); without either, the data folder has an SQLite database
    #[arg(long, env = "JUSTIAM_DATABASE_URL_FILE", value_name = "FILE")]
    database_url_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct Serve {
    #[command(flatten)]
    data: Storage,
    #[command(flatten)]
    gate: gate::Gate,
    #[command(flatten)]
    scripts: script::Scripts,
    #[command(flatten)]
    requests: script::Requests,
    #[command(flatten)]
    steps: steps::Steps,
    /// How many runs may be at work at a time
    #[arg(long, env = "JUSTIAM_WORKERS", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=10_000), value_name = "N")]
    workers: u32,
    /// How many steps of schedules may be at work at a time
    #[arg(long, env = "JUSTIAM_STEP_WORKERS", default_value_t = DEFAULT_STEP_WORKERS, value_parser = clap::value_parser!(u32).range(1..=1000), value_name = "N")]
    step_workers: u32,
    /// How many connections to PostgreSQL requests may use; the server needs up to nine more
    #[arg(long, env = "JUSTIAM_DATABASE_CONNECTIONS", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1000), value_name = "N")]
    database_connections: u32,
    /// What this server does: a list of `api`, `dispatch` and `work`; on SQLite always all
    #[arg(long, env = "JUSTIAM_ROLES", default_value = "api,dispatch,work", value_name = "LIST")]
    roles: Roles,
    /// For how many days runs are kept
    #[arg(long, env = "JUSTIAM_HISTORY_DAYS", default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=3650), value_name = "DAYS")]
    history_days: u32,
    /// For how many days the audit log is kept, from 1 to 3650
    #[arg(long, env = "JUSTIAM_AUDIT_DAYS", default_value_t = DEFAULT_AUDIT_DAYS, value_parser = clap::value_parser!(u32).range(1..=3650), value_name = "DAYS")]
    audit_days: u32,
    /// How many runs of one task may wait under the overlap policy `queue`; more are recorded as cancelled
    #[arg(long, env = "JUSTIAM_QUEUE_LIMIT", default_value_t = DEFAULT_QUEUE_LIMIT, value_parser = clap::value_parser!(u32).range(1..=100_000), value_name = "N")]
    queue_limit: u32,
    /// Base address of an OTLP collector for traces, such as `http://127.0.0.1:4318`; without one nothing is exported
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", value_name = "URL")]
    otlp_endpoint: Option<String>,
    /// The whole address for traces, where it is not `/v1/traces` below the base address
    #[arg(long, env = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", value_name = "URL")]
    otlp_traces_endpoint: Option<String>,
    /// The whole address for the log at an OTLP collector, such as `http://127.0.0.1:4318/v1/logs`; without one it goes to stderr alone
    #[arg(long, env = "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", value_name = "URL")]
    otlp_logs_endpoint: Option<String>,
    /// Log level, or directives such as `info,justiam_server=debug`
    #[arg(long, env = "JUSTIAM_LOG", default_value = "info", value_name = "FILTER")]
    log: String,
    /// How a line of the log looks
    #[arg(long, env = "JUSTIAM_LOG_FORMAT", value_enum, default_value = "text", value_name = "FORMAT")]
    log_format: LogFormat,
}

/// Runs the program with its arguments.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    // The helper that isolates a script: it must act before any thread exists, and its arguments are ours alone.
    if helper::is_meant(args.iter().skip(1)) {
        return helper::main(args.into_iter().skip(2));
    }
    // As are those that start and attend the programs of steps.
    if let Some(code) = programs::helper(args.get(1..).unwrap_or_default()) {
        return code;
    }
    let parsed = Cli::command()
        .try_get_matches_from(args)
        .and_then(|matches| Cli::from_arg_matches(&matches).map(|cli| (cli, matches)));
    let (cli, matches) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => {
            // Help and version are asked for and go to stdout; the rest goes to stderr, with exit code 2.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error),
    };
    let done = runtime.block_on(async {
        match cli.command {
            Command::Script(command) => return Ok(command.run().await),
            Command::Serve(serve) => serve.run().await,
            Command::Migrate(data) => data.migrate().await,
            Command::Token(command) => Box::pin(command.run()).await,
            Command::Secrets(command) => command.run().await,
            Command::Seed(seed) => seed.run().await,
            Command::Config(config::Command::Show(_)) => config::show(&matches),
            Command::Check(check) => check.run().await,
            Command::Backup(backup) => backup.run().await,
            Command::Next(next) => next.run(),
            Command::OpenApi(openapi) => openapi.run(),
            Command::Bench(command) => command.run().await,
        }?;
        Ok(ExitCode::SUCCESS)
    });
    done.unwrap_or_else(|error: Box<dyn Error>| fail(error.as_ref()))
}

type Done = Result<(), Box<dyn Error>>;

impl Storage {
    fn config(&self) -> Result<Config, Box<dyn Error>> {
        keep_private()?;
        let mut config = self.without_secret()?;
        config.jwt_secret =
            server_secret::current(self.jwt_secret_file.as_deref(), self.jwt_secret_command.as_deref())?;
        config.old_jwt_secrets = server_secret::old(&self.old_jwt_secret_file)?;
        Ok(config)
    }

    /// For what needs no secret: then none is read, and no command is run for one.
    fn without_secret(&self) -> Result<Config, Box<dyn Error>> {
        let mut config = Config::new(&self.data_dir);
        config.database_url =
            secret(self.database_url_file.as_deref(), "DATABASE_URL", "the file with the database's address")?;
        Ok(config)
    }

    async fn migrate(self) -> Done {
        let config = self.without_secret()?;
        let data_dir = DataDir::hold(&config.data_dir)?;
        if let Some(url) = &config.database_url {
            Db::open_postgres(url, 1).await?.close().await;
            return say("the PostgreSQL database is up to date");
        }
        open_without_secret(&config, &data_dir).await?.db.close().await;
        say(&format!("{} is up to date", data_dir.database()?.display()))
    }
}

/// The folder of a server that has been there before. Whoever only looks must not make one.
fn prepared(config: &Config) -> Result<DataDir, Box<dyn Error>> {
    if config.database_url.is_none() && !config.data_dir.join("justiam.db").exists() {
        return Err(format!("{} holds no server's data", config.data_dir.display()).into());
    }
    Ok(DataDir::open(&config.data_dir)?)
}

/// Use cases for what neither encrypts nor decrypts.
async fn open_without_secret(config: &Config, data_dir: &DataDir) -> Result<App, ServeError> {
    open_app_for(SecretUse::Nothing, config, data_dir, Arc::new(SystemClock)).await
}

/// A secret setting: from a file, else from the environment. Never from the command line, which everybody on the machine can read.
fn secret(file: Option<&Path>, variable: &str, what: &str) -> Result<Option<Secret>, Box<dyn Error>> {
    match file {
        Some(file) => secret_file(file, what).map(Some),
        None => Ok(std::env::var(variable).ok().filter(|secret| !secret.is_empty()).map(Into::into)),
    }
}

/// The text of a file, without white space at its end.
fn secret_file(file: &Path, what: &str) -> Result<Secret, Box<dyn Error>> {
    let text =
        std::fs::read_to_string(file).map_err(|error| format!("could not read {what} {}: {error}", file.display()))?;
    Ok(text.trim_end().into())
}

impl Serve {
    async fn run(mut self) -> Done {
        let logs = self.otlp_logs_endpoint.take().filter(|url| !url.is_empty());
        let logs = logs.map(|url| Logs::new(&url)).transpose()?;
        telemetry::start_exporting(&self.log, self.log_format, logs.as_ref())?;
        let done = Box::pin(self.serve()).await;
        if let Some(logs) = logs {
            logs.end().await;
        }
        done
    }

    async fn serve(self) -> Done {
        keep_private()?;
        // From now on SIGHUP, by which certificates are read again, ends no server, also where there are none.
        let _hangups = signal(SignalKind::hangup())?;
        let mut config = self.data.config()?;
        self.scripts.set(&mut config);
        self.requests.set(&mut config);
        self.steps.set(&mut config);
        self.gate.set(&mut config);
        config.workers = self.workers;
        config.step_workers = self.step_workers;
        config.database_connections = self.database_connections;
        config.roles = self.roles;
        config.history = History { days: self.history_days };
        config.audit_days = self.audit_days;
        config.queue_limit = self.queue_limit;
        // An empty variable counts as none.
        config.otlp_endpoint = self.otlp_endpoint.filter(|url| !url.is_empty());
        config.otlp_traces_endpoint = self.otlp_traces_endpoint.filter(|url| !url.is_empty());
        let folders = AllowedFolders::new(&config.step_folders, &config.data_dir)?;
        let files =
            [("--jwt-secret-file", &self.data.jwt_secret_file), ("--database-url-file", &self.data.database_url_file)];
        for (setting, file) in files.into_iter().chain(self.gate.secret_files()) {
            file.as_deref().map_or(Ok(()), |file| folders.keep_out(setting, file))?;
        }
        for file in self.data.old_jwt_secret_file.iter().filter(|file| !file.as_os_str().is_empty()) {
            folders.keep_out("--old-jwt-secret-file", file)?;
        }
        let server = Server::open(config, Arc::new(SystemClock)).await?;
        let listeners = self.gate.listen().await?;
        let address = listeners.api.endpoint()?;
        server.tell_bootstrap_token(|token| token::show(&first_token(token))).await?;
        if let Some(file) = &self.gate.address_file {
            write_whole(file, &format!("{address}\n"))
                .map_err(|error| format!("could not write {}: {error}", file.display()))?;
        }
        if let Some(metrics) = &listeners.metrics {
            tracing::info!(address = metrics.endpoint()?, "serving metrics");
        }
        tracing::info!(address, version = env!("CARGO_PKG_VERSION"), "serving");
        let shutdown = Shutdown::new();
        let signals = tokio::spawn(shutdown.clone().on_signals());
        server.serve_on(listeners, shutdown).await?;
        signals.abort();
        tracing::info!("ended");
        Ok(())
    }
}

/// Environment and memory, with secrets in them, are nobody's business, also not that of the user's other processes. What this
/// one starts is not concerned.
fn keep_private() -> std::io::Result<()> {
    Ok(rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)?)
}

/// Whoever waits for the file must never read half of it.
fn write_whole(file: &Path, text: &str) -> std::io::Result<()> {
    let mut aside = file.as_os_str().to_owned();
    aside.push(".new");
    std::fs::write(&aside, text)?;
    std::fs::rename(&aside, file)
}

fn first_token(token: &IssuedToken) -> String {
    format!(
        "First start. Admin token, shown this one time, valid until {}:\n{}",
        token.expires_at,
        token.token.expose()
    )
}

fn say(text: &str) -> Done {
    writeln!(std::io::stdout(), "{text}")?;
    Ok(())
}

/// Whoever mistypes the folder of a running server shall see it.
fn tell_of_new(folder: &Path) -> Done {
    let folder = folder.display();
    writeln!(std::io::stderr(), "note: {folder} held no server's data; it has been prepared for a new server")?;
    Ok(())
}

/// Tells an error with all its causes.
fn fail(error: &(dyn Error + 'static)) -> ExitCode {
    let mut text = format!("error: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    let _ = writeln!(std::io::stderr(), "{text}");
    ExitCode::FAILURE
}
