//! The command line.

mod next;
mod token;

use std::error::Error;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Parser, Subcommand};
use tokio::net::TcpListener;

use crate::Server;
use crate::app::tokens::IssuedToken;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::driver::execute::script;
use crate::lifecycle::Shutdown;
use crate::telemetry::{self, LogFormat};

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
    Serve(Serve),
    /// Bring the database schema up to date and exit
    Migrate(Data),
    /// Manage access tokens
    #[command(subcommand)]
    Token(token::Command),
    /// Print when a cron expression fires
    Next(next::Next),
}

/// Where the data is.
#[derive(Debug, Args)]
struct Data {
    /// Folder for the database, the generated secret and running scripts; made where it is missing
    #[arg(long, env = "JUSTIAM_DATA_DIR", default_value = "justiam-data", value_name = "DIR")]
    data_dir: PathBuf,
    /// File that holds the secret which encrypts the secrets of tasks (also: the text itself in `JWT_SECRET`); without either, one is made
    /// in the data folder at the first start
    #[arg(long, env = "JUSTIAM_JWT_SECRET_FILE", value_name = "FILE")]
    jwt_secret_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct Serve {
    #[command(flatten)]
    data: Data,
    /// Address to listen on; port 0 takes a free one
    #[arg(long, env = "JUSTIAM_LISTEN", default_value = "127.0.0.1:8080", value_name = "ADDRESS")]
    listen: String,
    /// File to write the real address to once the server listens
    #[arg(long, value_name = "FILE")]
    address_file: Option<PathBuf>,
    /// The Yaegi interpreter: a path, or a name on PATH
    #[arg(long, env = "JUSTIAM_YAEGI", default_value = "yaegi", value_name = "PROGRAM")]
    yaegi: PathBuf,
    /// How many runs may be at work at a time
    #[arg(long, env = "JUSTIAM_WORKERS", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=1024), value_name = "N")]
    workers: u32,
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
    if script::helper::is_meant(args.iter().skip(1)) {
        return script::helper::main(args.into_iter().skip(2));
    }
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
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
            Command::Serve(serve) => serve.run().await,
            Command::Migrate(data) => data.migrate().await,
            Command::Token(command) => command.run().await,
            Command::Next(next) => next.run(),
        }
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(error.as_ref()),
    }
}

type Done = Result<(), Box<dyn Error>>;

impl Data {
    fn config(&self) -> Result<Config, Box<dyn Error>> {
        let mut config = Config::new(&self.data_dir);
        config.jwt_secret = match &self.jwt_secret_file {
            Some(file) => {
                let text = std::fs::read_to_string(file)
                    .map_err(|error| format!("could not read the JWT secret file {}: {error}", file.display()))?;
                Some(text.trim_end().into())
            }
            None => std::env::var("JWT_SECRET").ok().filter(|secret| !secret.is_empty()).map(Into::into),
        };
        Ok(config)
    }

    async fn migrate(self) -> Done {
        let config = self.config()?;
        let data_dir = crate::config::DataDir::hold(&config.data_dir)?;
        crate::open_app(&config, &data_dir, Arc::new(SystemClock)).await?.db.close().await;
        say(&format!("{} is up to date", data_dir.database()?.display()))
    }
}

impl Serve {
    async fn run(self) -> Done {
        telemetry::start(&self.log, self.log_format)?;
        let mut config = self.data.config()?;
        config.yaegi = self.yaegi;
        config.workers = self.workers;
        let server = Server::open(config, Arc::new(SystemClock)).await?;
        let listener = TcpListener::bind(&self.listen)
            .await
            .map_err(|error| format!("could not listen on {}: {error}", self.listen))?;
        let address = listener.local_addr()?;
        if let Some(token) = server.bootstrap_token().await? {
            say(&first_token(&token))?;
        }
        if let Some(file) = &self.address_file {
            write_whole(file, &format!("http://{address}\n"))
                .map_err(|error| format!("could not write {}: {error}", file.display()))?;
        }
        tracing::info!(%address, version = env!("CARGO_PKG_VERSION"), "serving");
        let shutdown = Shutdown::new();
        let signals = tokio::spawn(shutdown.clone().on_signals());
        server.serve(listener, shutdown).await?;
        signals.abort();
        tracing::info!("ended");
        Ok(())
    }
}

/// Whoever waits for the file must never read half of it.
fn write_whole(file: &std::path::Path, text: &str) -> std::io::Result<()> {
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
