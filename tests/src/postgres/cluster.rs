//! A PostgreSQL server of the tests' own.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Mutex;

/// The oldest version that the server works with.
const OLDEST: u32 = 15;

/// How a cluster is made.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The folder in which the cluster's own folder is made. It must be open to every user, because PostgreSQL refuses to run
    /// as root, and its path short, because the path of a socket may have 107 bytes.
    pub parent: PathBuf,
    /// Whether a commit waits for the disk. Without, it survives everything but a crash of the machine.
    pub durable: bool,
    /// How many connections it accepts.
    pub max_connections: u32,
    /// Further settings of PostgreSQL: name and value.
    pub settings: Vec<(String, String)>,
}

impl Default for Settings {
    /// For tests: on the disk, not durable, 300 connections.
    fn default() -> Self {
        Self { parent: "/tmp".into(), durable: false, max_connections: 300, settings: Vec::new() }
    }
}

/// How a server is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Ends all connections, and itself in good order.
    Fast,
    /// Ends all connections and itself at once; the next start recovers.
    Immediate,
    /// Killed with signal 9; the next start recovers.
    Kill,
}

/// A temporary PostgreSQL server. It and its folder are gone when this is dropped, and also when the process ends in any other
/// way: a small shell keeps it, and stops when the pipe from this process closes.
///
/// The server listens on a socket in a folder that only its user can enter, and trusts whoever gets there: no port is taken, no
/// password has to be kept, and nobody else on the machine can reach it. All functions block.
#[derive(Debug)]
pub struct Cluster {
    folder: PathBuf,
    version: String,
    keeper: Mutex<Keeper>,
}

#[derive(Debug)]
struct Keeper {
    shell: Child,
    answers: BufReader<ChildStdout>,
}

impl Drop for Keeper {
    fn drop(&mut self) {
        // Closes its stdin, which tells it to end.
        let _ = self.shell.wait();
    }
}

impl Cluster {
    /// Makes a cluster and starts it.
    pub fn start(settings: &Settings) -> Self {
        let (programs, version) = programs();
        let mut command = Command::new("sh");
        command.arg("-c").arg(include_str!("keeper.sh")).arg("keeper").arg(programs).arg(&settings.parent);
        for (name, value) in all_settings(settings) {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        if let Some((user, group)) = unprivileged() {
            command.uid(user).gid(group);
        }
        // Nothing of the caller's world: its PG… variables, its working folder, its terminal's signals.
        command
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("TZ", "UTC")
            .current_dir("/")
            .process_group(0);
        let mut shell = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let answers = BufReader::new(shell.stdout.take().unwrap());
        let mut keeper = Keeper { shell, answers };
        let folder = keeper.answer();
        assert!(folder.starts_with('/'), "PostgreSQL could not be prepared in {}: {folder}", settings.parent.display());
        let cluster = Self { folder: folder.into(), version, keeper: Mutex::new(keeper) };
        cluster.start_again();
        cluster
    }

    /// Starts the server after [`Cluster::stop`], and waits until it accepts connections.
    pub fn start_again(&self) {
        let answer = self.keeper.lock().unwrap().ask("start");
        assert!(answer == "started", "PostgreSQL does not start:\n{}", self.log());
    }

    /// Stops the server, and waits for its end.
    pub fn stop(&self, how: Stop) {
        let word = match how {
            Stop::Fast => "fast",
            Stop::Immediate => "immediate",
            Stop::Kill => "kill",
        };
        assert_eq!(self.keeper.lock().unwrap().ask(word), "stopped");
    }

    /// Where to connect.
    pub fn url(&self) -> String {
        format!("postgres://postgres@{}/postgres", self.folder.display().to_string().replace('/', "%2F"))
    }

    /// The folder with the data, the log and the socket.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Its version, such as `15.18`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// What the server has said so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }
}

impl Keeper {
    fn ask(&mut self, word: &str) -> String {
        writeln!(self.shell.stdin.as_mut().unwrap(), "{word}").unwrap();
        self.answer()
    }

    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }
}

fn all_settings(settings: &Settings) -> Vec<(String, String)> {
    let durable = if settings.durable { "on" } else { "off" };
    let mut all: Vec<(String, String)> = [
        ("listen_addresses", ""),
        ("fsync", durable),
        // Protects from pages that a crash of the machine tore, so it goes with `fsync`.
        ("full_page_writes", durable),
        ("max_connections", &settings.max_connections.to_string()),
        // Far from UTC, so that nobody relies on the database's own zone.
        ("timezone", "Asia/Kathmandu"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    all.extend(settings.settings.iter().cloned());
    all
}

/// The folder with the programs of PostgreSQL, and their version.
fn programs() -> (PathBuf, String) {
    let mut folders = Vec::new();
    if let Ok(said) = Command::new("pg_config").arg("--bindir").output() {
        folders.push(PathBuf::from(String::from_utf8_lossy(&said.stdout).trim()));
    }
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    folders.extend(versions.map(|version| version.path().join("bin")));
    for folder in folders {
        let Ok(said) = Command::new(folder.join("postgres")).arg("--version").output() else { continue };
        let text = String::from_utf8_lossy(&said.stdout);
        let version = text.split_whitespace().nth(2).unwrap_or_default();
        let major: String = version.chars().take_while(char::is_ascii_digit).collect();
        if folder.join("initdb").exists() && major.parse::<u32>().is_ok_and(|major| major >= OLDEST) {
            return (folder, version.to_owned());
        }
    }
    panic!(
        "the programs of PostgreSQL {OLDEST} or newer are missing: neither in the folder that `pg_config --bindir` names, \
         nor in /usr/lib/postgresql/*/bin"
    );
}

/// The user and group that run PostgreSQL where this process is root; `None` where it is not.
fn unprivileged() -> Option<(u32, u32)> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").unwrap();
    let of = |name: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2).map(str::parse);
        Some((fields.next()?.ok()?, fields.next()?.ok()?))
    };
    Some(of("postgres").or_else(|| of("nobody")).expect("no user `postgres` or `nobody` to run PostgreSQL as"))
}
