//! Makes an order of a step: looks for everything that it names, and says what is wrong with it.

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use justiam_sdk::api::secrets::Secret;
use sqlx::sqlite::SqliteConnectOptions;

use super::order::{SqlOrder, Work};
use super::{Job, Settings, words};
use crate::store::Db;

/// What a process is to do, and where it begins.
pub(super) struct Prepared {
    pub(super) work: Work,
    pub(super) working_directory: PathBuf,
}

/// Looks for what the job names.
pub(super) async fn prepare(job: &Job, settings: &Settings, db: &Db) -> Result<Prepared, String> {
    match job {
        Job::Executable { path, arguments, working_directory } => {
            let program = file(settings, "executablePath", path)?;
            let mode = fs::metadata(&program).map_err(|error| format!("executablePath: `{path}`: {error}"))?;
            if mode.permissions().mode() & 0o111 == 0 {
                return Err(format!("executablePath: `{path}` may not be executed; allow it with `chmod +x`"));
            }
            let arguments = words::split(arguments.as_deref().unwrap_or_default())?;
            let working_directory = working_folder(settings, working_directory.as_deref(), &program)?;
            Ok(Prepared { work: Work::Program { program, arguments, home: None }, working_directory })
        }
        Job::PowerShell { script_path, arguments, working_directory } => {
            let script = file(settings, "scriptPath", script_path)?;
            let program = locate(&settings.pwsh).ok_or_else(|| no_powershell(&settings.pwsh))?;
            let mut all: Vec<String> = ["-NoLogo", "-NoProfile", "-NonInteractive", "-File"].map(str::to_owned).into();
            all.push(text("scriptPath", &script)?.to_owned());
            all.extend(words::split(arguments.as_deref().unwrap_or_default())?);
            let working_directory = working_folder(settings, working_directory.as_deref(), &script)?;
            let home = program.parent().map(Path::to_owned);
            Ok(Prepared { work: Work::Program { program, arguments: all, home }, working_directory })
        }
        Job::Sql { connection_string, script_path } => {
            let script = file(settings, "sqlScriptPath", script_path)?;
            let file = sqlite_file(settings, connection_string)?;
            let own = db.origin().await.map_err(|_| {
                "the server could not find out which database is its own, which no step may use; try again".to_owned()
            })?;
            let sql = SqlOrder {
                script,
                url: connection_string.expose().to_owned(),
                file,
                own,
                hosts: settings.sql_hosts.iter().map(ToString::to_string).collect(),
            };
            Ok(Prepared { work: Work::Sql(sql), working_directory: "/".into() })
        }
    }
}

/// The file of an SQLite database; nothing for PostgreSQL.
fn sqlite_file(settings: &Settings, connection_string: &Secret) -> Result<Option<PathBuf>, String> {
    let url = connection_string.expose();
    if ["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
        return Ok(None);
    }
    if !url.starts_with("sqlite:") {
        let why = "sqlConnectionString: it must begin with `postgres://`, `postgresql://` or `sqlite:`";
        return Err(why.to_owned());
    }
    // Neither the text nor the library's error is repeated: who knows what was written there.
    let options = SqliteConnectOptions::from_str(url)
        .map_err(|_| "sqlConnectionString: it cannot be read; write `sqlite:` and the path of a file".to_owned())?;
    let path = options.get_filename();
    let path = text("sqlConnectionString", path)?;
    file(settings, "sqlConnectionString", path).map(Some)
}

/// A file in an allowed folder, by its real path.
fn file(settings: &Settings, field: &str, path: &str) -> Result<PathBuf, String> {
    let real = settings.folders.resolve(path).map_err(|why| format!("{field}: {why}"))?;
    // Anything else could hold up whoever opens it.
    if real.is_file() { Ok(real) } else { Err(format!("{field}: `{path}` is not a file")) }
}

/// The folder in which a program begins: its own one where the step names none.
fn working_folder(settings: &Settings, path: Option<&str>, program: &Path) -> Result<PathBuf, String> {
    let Some(path) = path else { return Ok(program.parent().unwrap_or(program).to_owned()) };
    let real = settings.folders.resolve(path).map_err(|why| format!("workingDirectory: {why}"))?;
    if real.is_dir() { Ok(real) } else { Err(format!("workingDirectory: `{path}` is not a folder")) }
}

fn text<'a>(field: &str, path: &'a Path) -> Result<&'a str, String> {
    path.to_str().ok_or_else(|| format!("{field}: the path `{}` is not UTF-8", path.display()))
}

/// The real path of a program: a bare name is looked up on `PATH`.
fn locate(program: &Path) -> Option<PathBuf> {
    let found = if program.components().count() > 1 {
        Some(program.to_owned())
    } else {
        let folders = env::var_os("PATH").unwrap_or_default();
        env::split_paths(&folders).map(|folder| folder.join(program)).find(|path| path.is_file())
    };
    // What it needs to run lies beside the program itself and not beside a link to it.
    found?.canonicalize().ok().filter(|path| path.is_file())
}

fn no_powershell(program: &Path) -> String {
    format!(
        "PowerShell was not found as `{}`; install `pwsh` on the server, or set --pwsh (JUSTIAM_PWSH) to its path",
        program.display()
    )
}
