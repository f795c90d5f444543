//! `justiam-server script …`

use std::convert::Infallible;
use std::error::Error;
use std::fs::File;
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Subcommand};
use justiam_sdk::api::config::ConfigMap;
use justiam_sdk::api::ids::{RunId, TaskId};
use justiam_sdk::api::script::check_header;
use justiam_sdk::api::secrets::SecretMap;
use justiam_sdk::api::tasks::{MAX_SCRIPT, TIMEOUT_SECONDS};
use justiam_sdk::api::{config, secrets};
use tempfile::TempDir;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{Storage, fail, keep_private, open_without_secret, prepared};
use crate::app::App;
use crate::app::identity::actor::ScriptActor;
use crate::app::syntax::{Checked, beside_header, has_place};
use crate::clock::{Clock, SystemClock};
use crate::config::{Config, DEFAULT_FETCH_MAX_BODY_MIB, DEFAULT_GWORKSPACE_URL};
use crate::driver::execute::log::Log;
use crate::driver::execute::script::{DEFAULT_MEMORY_MIB, Demand, Directory, End, Host, Network, Script, ScriptRunner};
use crate::driver::execute::syntax::SyntaxChecker;
use crate::outbound::{Destinations, Rule};
use crate::telemetry::traces::Telemetry;
use crate::telemetry::{self, LogFormat};
use crate::{outbound_of, script_settings};

/// How often to show what a script has printed.
const SHOW_EVERY: Duration = Duration::from_millis(250);
/// The exit code of a command that could not do what it was asked for.
const CANNOT: u8 = 2;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Parse and compile scripts without running them
    Check(Check),
    /// Run a script here, as the server would
    Run(Run),
}

#[derive(Debug, Args)]
pub(super) struct Check {
    /// The scripts; `-` reads standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    scripts: Scripts,
}

#[derive(Debug, Args)]
pub(super) struct Run {
    /// The script; `-` reads standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// A config entry; may be given several times
    #[arg(long, value_name = "KEY=VALUE")]
    config: Vec<String>,
    /// A secret, which is the text of a file without one line break at its end; may be given several times
    #[arg(long, value_name = "KEY=@FILE")]
    secret: Vec<String>,
    /// How many seconds the script may run
    #[arg(long, default_value_t = *TIMEOUT_SECONDS.end(), value_parser = clap::value_parser!(i64).range(TIMEOUT_SECONDS), value_name = "SECONDS")]
    timeout: i64,
    /// Folder of a server whose users and groups the script gets and changes: those in its SQLite database, or in the PostgreSQL one of
    /// `DATABASE_URL`, with the server's secret in `JWT_SECRET`; without it, the functions of package idp fail
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    #[command(flatten)]
    scripts: Scripts,
    #[command(flatten)]
    requests: Requests,
}

/// What runs scripts, and how they are isolated.
#[derive(Debug, Args)]
pub(super) struct Scripts {
    /// The Yaegi interpreter: a path, or a name on PATH
    #[arg(long, env = "JUSTIAM_YAEGI", default_value = "yaegi", value_name = "PROGRAM")]
    yaegi: PathBuf,
    /// How scripts may reach the network: `all` (by any package), `fetch` (by the packages fetch and gworkspace only) or `none`
    #[arg(long, env = "JUSTIAM_SCRIPT_NETWORK", default_value = "all", value_name = "WORD")]
    script_network: Network,
    /// How much memory a script may use, in MiB
    #[arg(long, env = "JUSTIAM_SCRIPT_MEMORY_MIB", default_value_t = DEFAULT_MEMORY_MIB, value_parser = clap::value_parser!(u32).range(64..=65_536), value_name = "MIB")]
    script_memory_mib: u32,
    /// What scripts must be isolated with to be run: `any` (what the kernel has) or `sandbox` (Landlock and seccomp)
    #[arg(long, env = "JUSTIAM_SCRIPT_ISOLATION", default_value = "any", value_name = "WORD")]
    script_isolation: Demand,
}

/// Where the server sends requests for scripts.
#[derive(Debug, Args)]
pub(super) struct Requests {
    /// Where requests of scripts may go: a list of host names, `*.example.com`, addresses and networks; nowhere else if not empty
    #[arg(long, env = "JUSTIAM_FETCH_ALLOW", value_delimiter = ',', value_name = "LIST")]
    fetch_allow: Vec<Rule>,
    /// Where requests of scripts may not go, even if allowed; a list of the same form
    #[arg(long, env = "JUSTIAM_FETCH_DENY", value_delimiter = ',', value_name = "LIST")]
    fetch_deny: Vec<Rule>,
    /// The longest answer to a request of a script, in MiB
    #[arg(long, env = "JUSTIAM_FETCH_MAX_BODY_MIB", default_value_t = DEFAULT_FETCH_MAX_BODY_MIB, value_parser = clap::value_parser!(u32).range(1..=100), value_name = "MIB")]
    fetch_max_body_mib: u32,
    /// Where the directory of Google Workspace is
    #[arg(long, env = "JUSTIAM_GWORKSPACE_URL", default_value = DEFAULT_GWORKSPACE_URL, value_name = "URL")]
    gworkspace_url: String,
}

/// A runner of scripts in a temporary folder.
struct Workplace {
    // Dropped in this order: the runner waits until nothing uses the folder.
    scripts: ScriptRunner,
    config: Config,
    _folder: TempDir,
    interrupts: [Signal; 2],
}

impl Command {
    /// The exit code is 1 if something is wrong with a script, and 2 if the command could not do its work.
    pub(super) async fn run(self) -> ExitCode {
        match self.carry_out().await {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::FAILURE,
            Err(error) => {
                fail(error.as_ref());
                ExitCode::from(CANNOT)
            }
        }
    }

    async fn carry_out(self) -> Result<bool, Box<dyn Error>> {
        keep_private()?;
        match self {
            Self::Check(check) => check.run().await,
            Self::Run(run) => run.run().await,
        }
    }
}

impl Check {
    /// Whether all scripts are right.
    async fn run(self) -> Result<bool, Box<dyn Error>> {
        let sources = self.files.iter().map(|file| Ok((name(file), read(file)?)));
        let sources: Vec<(String, Result<String, String>)> = sources.collect::<Result<_, String>>()?;
        let mut workplace = Workplace::new(|config| self.scripts.set(config))?;
        let checker = SyntaxChecker::new(workplace.scripts.clone());
        let mut right = true;
        for (name, source) in sources {
            let found = match source {
                Ok(source) => tokio::select! {
                    found = mistakes(&checker, source) => {
                        found.map_err(|reason| format!("{name} could not be checked: {reason}"))?
                    }
                    () = workplace.interrupted() => return Err("interrupted".into()),
                },
                Err(unreadable) => vec![unreadable],
            };
            for message in &found {
                let space = if has_place(message) { "" } else { " " };
                writeln!(io::stderr(), "{name}:{space}{message}")?;
            }
            if found.is_empty() {
                writeln!(io::stdout(), "{name}: ok")?;
            }
            right &= found.is_empty();
        }
        Ok(right)
    }
}

/// What is wrong with a source, or why nobody could look.
async fn mistakes(checker: &SyntaxChecker, source: String) -> Result<Vec<String>, String> {
    let mut found: Vec<String> = check_header(&source).err().map(|error| error.to_string()).into_iter().collect();
    match checker.check(source).await {
        Checked::Sound => {}
        Checked::Wrong(more) => {
            let told = !found.is_empty();
            found.extend(beside_header(more, told));
        }
        Checked::Unknown(reason) => return Err(reason),
    }
    Ok(found)
}

impl Run {
    /// Whether the script succeeded.
    async fn run(self) -> Result<bool, Box<dyn Error>> {
        let config = config_entries(&self.config)?;
        let secrets = read_secrets(&self.secret)?;
        let source = match read(&self.file)? {
            Ok(source) => source,
            Err(unreadable) => {
                writeln!(io::stderr(), "{}: {unreadable}", name(&self.file))?;
                return Ok(false);
            }
        };
        let mut workplace = Workplace::new(|config| {
            self.scripts.set(config);
            self.requests.set(config);
        })?;
        let log = Arc::<Log>::default();
        log.hide(secrets.clone());
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let outbound = outbound_of(&workplace.config, &Telemetry::new(None)?, &clock)?;
        let mut host = Host::new(secrets, config);
        if let Some(outbound) = outbound {
            host = host.with_outbound(outbound);
        }
        let app = match self.data_dir {
            Some(folder) => Some(open_server(folder).await?),
            None => None,
        };
        if let Some(app) = &app {
            host = host.with_directory(directory(app, &self.file));
        }
        let timeout = Duration::from_secs(self.timeout.unsigned_abs());
        let script = Script { run_id: "script run".to_owned(), source, host, timeout };
        let mut interrupted = false;
        let scripts = workplace.scripts.clone();
        let running = scripts.run_logging(script, Arc::clone(&log), async {
            tokio::select! {
                () = workplace.interrupted() => interrupted = true,
                () = tokio::time::sleep(timeout) => {}
            }
        });
        let outcome = tokio::select! {
            outcome = running => outcome,
            shown = show(&log) => match shown? {},
        };
        if let Some(app) = app {
            app.db.close().await;
        }
        log.show(&mut io::stderr())?;
        if !outcome.log.is_empty() && !outcome.log.ends_with(b"\n") {
            writeln!(io::stderr())?;
        }
        let redactor = log.redactor();
        let error = match outcome.end {
            End::Success { output } => {
                let mut stdout = io::stdout();
                stdout.write_all(redactor.whole(&output).as_bytes())?;
                stdout.flush()?;
                return Ok(true);
            }
            End::Error { message } => redactor.shortened(&message),
            End::Stopped if interrupted => "interrupted".to_owned(),
            End::Stopped => format!("timed out after {} s", self.timeout),
        };
        writeln!(io::stderr(), "error: {error}")?;
        Ok(false)
    }
}

impl Scripts {
    pub(super) fn set(self, config: &mut Config) {
        config.yaegi = self.yaegi;
        config.script_network = self.script_network;
        config.script_memory_mib = self.script_memory_mib;
        config.script_isolation = self.script_isolation;
    }
}

impl Requests {
    pub(super) fn set(self, config: &mut Config) {
        config.fetch = Destinations { allow: self.fetch_allow, deny: self.fetch_deny };
        config.fetch_max_body_mib = self.fetch_max_body_mib;
        config.gworkspace_url = self.gworkspace_url;
    }
}

/// The server whose data is in a folder.
async fn open_server(folder: PathBuf) -> Result<Arc<App>, Box<dyn Error>> {
    let storage = Storage {
        data_dir: folder,
        jwt_secret_file: None,
        jwt_secret_command: None,
        old_jwt_secret_file: Vec::new(),
        database_url_file: None,
    };
    let config = storage.without_secret()?;
    Ok(Arc::new(open_without_secret(&config, &prepared(&config)?).await?))
}

/// The users and groups of a server, for a script that is none of its tasks.
fn directory(app: &Arc<App>, script: &Path) -> Directory {
    let actor = ScriptActor {
        task_id: TaskId::from_uuid(app.new_id()),
        task_name: format!("script run {}", name(script)),
        run_id: RunId::from_uuid(app.new_id()),
    };
    Directory::new(Arc::clone(app), actor)
}

/// Shows what a script prints, as it comes.
async fn show(log: &Log) -> io::Result<Infallible> {
    let mut look = tokio::time::interval(SHOW_EVERY);
    loop {
        look.tick().await;
        log.show(&mut io::stderr())?;
    }
}

impl Workplace {
    fn new(set: impl FnOnce(&mut Config)) -> Result<Self, Box<dyn Error>> {
        telemetry::start("warn", LogFormat::Text)?;
        let interrupts = [signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?];
        let folder = tempfile::Builder::new()
            .prefix("justiam-script-")
            .tempdir()
            .map_err(|error| format!("could not make a temporary folder: {error}"))?;
        let mut config = Config::new(folder.path());
        set(&mut config);
        let scripts = ScriptRunner::new(script_settings(&config, folder.path().join("scripts")))?;
        Ok(Self { scripts, config, _folder: folder, interrupts })
    }

    /// Waits for Ctrl-C, or for a request to end.
    async fn interrupted(&mut self) {
        let [interrupt, terminate] = &mut self.interrupts;
        tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
    }
}

/// What a file is called in messages.
fn name(file: &Path) -> String {
    if file == Path::new("-") { "<stdin>".to_owned() } else { file.display().to_string() }
}

/// Reads a script as it is. The inner error is what is wrong with it.
fn read(file: &Path) -> Result<Result<String, String>, String> {
    let bytes = if file == Path::new("-") { bounded(io::stdin(), MAX_SCRIPT) } else { open(file, MAX_SCRIPT) };
    let bytes = bytes.map_err(|error| format!("could not read {}: {error}", name(file)))?;
    if bytes.len() > MAX_SCRIPT {
        return Ok(Err(format!("the script is longer than {MAX_SCRIPT} bytes")));
    }
    Ok(String::from_utf8(bytes).map_err(|error| not_utf8("script", error.utf8_error())))
}

fn not_utf8(what: &str, error: std::str::Utf8Error) -> String {
    format!("the {what} is not valid UTF-8: byte {} does not fit", error.valid_up_to() + 1)
}

fn open(file: &Path, most: usize) -> io::Result<Vec<u8>> {
    bounded(File::open(file)?, most)
}

/// Reads no more than one byte too many.
fn bounded(from: impl Read, most: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(most as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn config_entries(arguments: &[String]) -> Result<ConfigMap, String> {
    let mut entries = ConfigMap::new();
    for argument in arguments {
        let (key, value) = argument
            .split_once('=')
            .ok_or_else(|| format!("--config {argument}: a config entry is given as KEY=VALUE"))?;
        check_key("--config", key, entries.contains_key(key), config::MAX_KEY)?;
        if value.len() > config::MAX_VALUE {
            return Err(format!("--config {key}: the value is longer than {} bytes", config::MAX_VALUE));
        }
        entries.insert(key.to_owned(), value.to_owned());
    }
    Ok(entries)
}

fn read_secrets(arguments: &[String]) -> Result<SecretMap, String> {
    let (mut values, mut length) = (SecretMap::new(), 0);
    for argument in arguments {
        // Whatever stands behind the key may be the secret itself, so it is not repeated.
        let (key, file) = argument.split_once('=').ok_or("--secret: a secret is given as KEY=@FILE")?;
        check_key("--secret", key, values.contains_key(key), secrets::MAX_KEY)?;
        let file = file.strip_prefix('@').ok_or_else(|| {
            format!(
                "--secret {key}: everybody on this machine can read a command line; \
                 write the secret to a file and give --secret {key}=@FILE"
            )
        })?;
        let value = secret(Path::new(file)).map_err(|error| format!("--secret {key}: {file}: {error}"))?;
        length += value.len();
        if length > secrets::MAX_VALUES {
            return Err(format!("--secret {key}: all secrets together are longer than {} bytes", secrets::MAX_VALUES));
        }
        values.insert(key.to_owned(), value.into());
    }
    Ok(values)
}

/// The text of a file without one line break at its end, which editors add and `echo` does.
fn secret(file: &Path) -> Result<String, String> {
    let bytes = open(file, secrets::MAX_VALUE + 2).map_err(|error| error.to_string())?;
    let mut text = String::from_utf8(bytes).map_err(|error| not_utf8("secret", error.utf8_error()))?;
    if text.ends_with('\n') {
        text.truncate(text.len() - if text.ends_with("\r\n") { 2 } else { 1 });
    }
    if text.len() > secrets::MAX_VALUE {
        return Err(format!("the secret is longer than {} bytes", secrets::MAX_VALUE));
    }
    Ok(text)
}

fn check_key(option: &str, key: &str, taken: bool, longest: usize) -> Result<(), String> {
    if key.is_empty() {
        Err(format!("{option}: the key must not be empty"))
    } else if key.len() > longest {
        Err(format!("{option}: a key may have {longest} bytes at the most"))
    } else if key.chars().any(char::is_control) {
        Err(format!("{option}: a key must not contain control characters"))
    } else if taken {
        Err(format!("{option} {key}: the key is given more than once"))
    } else {
        Ok(())
    }
}
