//! How a provider is started.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use super::handshake::Handshake;
use super::output::{Lines, Text};
use super::{Plugin, until};
use crate::{Identity, PATIENCE, Session};

/// The name and the value of the variable by which a provider knows that Terraform has started it.
const COOKIE: (&str, &str) =
    ("TF_PLUGIN_MAGIC_COOKIE", "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2");

/// How much of a program's last words a failure repeats, in bytes.
const LAST_WORDS: usize = 4096;

/// A provider that is about to be started, with the environment that Terraform gives to it.
///
/// Nothing of the terminal's own settings for Terraform gets through to it.
pub struct Launch {
    command: Command,
    identity: Identity,
    patience: Duration,
    temp: TempDir,
}

impl Launch {
    pub(super) fn new(program: &Path) -> Self {
        let temp = TempDir::new().expect("a temporary directory");
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os() {
            if matches!(name.to_str(), Some(name) if name.starts_with("TF_") || name.starts_with("PLUGIN_")) {
                command.env_remove(name);
            }
        }
        command
            .env("PLUGIN_UNIX_SOCKET_DIR", temp.path())
            .env("TMPDIR", temp.path())
            .env("PLUGIN_PROTOCOL_VERSIONS", "5,6")
            .env("PLUGIN_MIN_PORT", "10000")
            .env("PLUGIN_MAX_PORT", "25000")
            .env(COOKIE.0, COOKIE.1)
            .stdin(Stdio::null());
        Self { command, identity: Identity::new(1), patience: PATIENCE, temp }.with_certificate()
    }

    /// Sets a variable of its environment, also one that Terraform sets.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Adds an argument; Terraform gives none.
    #[must_use]
    pub fn arg(mut self, argument: &str) -> Self {
        self.command.arg(argument);
        self
    }

    /// Starts it for this client.
    #[must_use]
    pub fn identity(mut self, identity: &Identity) -> Self {
        self.identity = identity.clone();
        self.with_certificate()
    }

    /// Takes everything out of its environment that Terraform sets: as if somebody had started it in a terminal.
    #[must_use]
    pub fn by_hand(mut self) -> Self {
        let ours = ["PLUGIN_PROTOCOL_VERSIONS", "PLUGIN_CLIENT_CERT", "PLUGIN_MIN_PORT", "PLUGIN_MAX_PORT"];
        for name in ours.into_iter().chain([COOKIE.0]) {
            self.command.env_remove(name);
        }
        self
    }

    /// How long everything may take that is waited for: the handshake line, each answer, the end. [`PATIENCE`] unless
    /// set.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Starts it and reads its handshake line.
    ///
    /// # Panics
    /// The program cannot be started, says nothing in time, ends at once, or prints something else: the text says
    /// which, with the program's last words.
    pub fn start(self) -> Plugin {
        let mut plugin = self.spawn();
        let Err(problem) = Handshake::read(plugin.line()) else { return plugin };
        let story = if plugin.line.is_empty() {
            // The output is closed, so the end is near.
            let status = plugin.ended();
            format!("{} ended without a handshake line ({status})", plugin.program)
        } else {
            let line: String = plugin.line.chars().take(200).collect();
            format!("{} printed no handshake line but {line:?}: {problem}", plugin.program)
        };
        panic!("{story}\n{}", last_words(&plugin.stderr()));
    }

    /// Starts it, connects to it, and is ready for calls.
    ///
    /// # Panics
    /// As [`Launch::start`] does, or when there is no connection.
    pub async fn connect(self) -> Session {
        Session::new(self.start()).await
    }

    /// Starts it and waits for its first line, whatever that is.
    ///
    /// # Panics
    /// The program cannot be started, or says nothing in time.
    pub fn spawn(mut self) -> Plugin {
        let program = self.command.get_program().to_string_lossy().into_owned();
        self.command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let started = self.command.spawn();
        let mut child = started.unwrap_or_else(|error| panic!("{program} cannot be started: {error}"));
        let stdout = Lines::of(child.stdout.take().expect("a pipe for its output"));
        let stderr = Text::of(child.stderr.take().expect("a pipe for its errors"));
        let Self { identity, patience, temp, .. } = self;
        let mut plugin = Plugin { program, child, line: String::new(), stdout, stderr, temp, identity, patience };
        let Some(line) = plugin.stdout.next(patience) else {
            panic!("{} said nothing within {patience:?}\n{}", plugin.program, last_words(&plugin.stderr()));
        };
        plugin.line = line;
        plugin
    }

    /// Runs it to its end: for a program that refuses to be started so.
    ///
    /// # Panics
    /// The program cannot be started, or does not end in time.
    pub fn output(self) -> Output {
        let mut plugin = self.spawn();
        until(&format!("{} ends", plugin.program), plugin.patience, || !plugin.is_running());
        let rest = plugin.stdout.rest(plugin.patience).expect("its output ends with it");
        assert!(plugin.stderr.has_ended(plugin.patience), "its errors end with it");
        let status = plugin.child.wait().expect("a program that has ended");
        Output { status, stdout: (plugin.line.clone() + &rest).into(), stderr: plugin.stderr().into() }
    }

    fn with_certificate(mut self) -> Self {
        self.command.env("PLUGIN_CLIENT_CERT", self.identity.pem());
        self
    }
}

/// The end of what a program said on standard error.
fn last_words(stderr: &str) -> String {
    if stderr.is_empty() {
        return "It said nothing on standard error.".into();
    }
    let start = stderr.ceil_char_boundary(stderr.len().saturating_sub(LAST_WORDS));
    format!("On standard error it said:\n{}", &stderr[start..])
}
