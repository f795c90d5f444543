//! Starts the example as Terraform does.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use rustix::process::{Pid, Signal, kill_process};
use rustls::pki_types::CertificateDer;
use tempfile::TempDir;

use crate::client::Identity;
use crate::{example, until};

pub(crate) const COOKIE: (&str, &str) =
    ("TF_PLUGIN_MAGIC_COOKIE", "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2");

/// A running plugin.
pub(crate) struct Plugin {
    child: Child,
    /// The first line of its output.
    pub(crate) line: String,
    stdout: BufReader<std::process::ChildStdout>,
    stderr: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
    temp: TempDir,
}

/// The example with nothing of Terraform's in its environment.
pub(crate) fn command() -> Command {
    let mut command = Command::new(example());
    for name in ["TF_LOG", "TF_LOG_PROVIDER", "PLUGIN_PROTOCOL_VERSIONS", "PLUGIN_CLIENT_CERT", COOKIE.0] {
        command.env_remove(name);
    }
    command
}

impl Plugin {
    /// Starts it for the client that has `identity`.
    pub(crate) fn start(identity: &Identity) -> Self {
        Self::start_with(identity, |command| command)
    }

    /// Starts it with more in its environment.
    pub(crate) fn start_with(identity: &Identity, change: impl FnOnce(&mut Command) -> &mut Command) -> Self {
        let mut command = command();
        command.env(COOKIE.0, COOKIE.1).env("PLUGIN_PROTOCOL_VERSIONS", "5,6");
        command.env("PLUGIN_CLIENT_CERT", identity.pem());
        Self::spawn(command, change)
    }

    /// Starts `command`, after a last `change`, and waits for its first line.
    pub(crate) fn spawn(mut command: Command, change: impl FnOnce(&mut Command) -> &mut Command) -> Self {
        let temp = TempDir::new().unwrap();
        command.env("PLUGIN_UNIX_SOCKET_DIR", temp.path()).env("TMPDIR", temp.path());
        change(&mut command);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut pipe = child.stderr.take().unwrap();
        let stderr = Arc::new(Mutex::new(String::new()));
        let sink = Arc::clone(&stderr);
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = pipe.read(&mut buffer) {
                sink.lock().unwrap().push_str(&String::from_utf8_lossy(&buffer[..count]));
            }
        });
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        Self { child, line, stdout, stderr, reader: Some(reader), temp }
    }

    pub(crate) fn fields(&self) -> Vec<&str> {
        self.line.trim_end().split('|').collect()
    }

    pub(crate) fn socket(&self) -> PathBuf {
        PathBuf::from(self.fields()[3])
    }

    pub(crate) fn certificate(&self) -> CertificateDer<'static> {
        STANDARD_NO_PAD.decode(self.fields()[5]).unwrap().into()
    }

    pub(crate) fn temp(&self) -> &Path {
        self.temp.path()
    }

    pub(crate) fn stderr(&self) -> String {
        self.stderr.lock().unwrap().clone()
    }

    /// The next line of output.
    pub(crate) fn next_line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for the end; what came on stdout after the lines that were read must be nothing.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        until("the plugin ends", || !self.is_running());
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "", "something was printed on stdout");
        self.reader.take().unwrap().join().unwrap();
        self.child.wait().unwrap()
    }
}

impl Drop for Plugin {
    fn drop(&mut self) {
        // It has mostly ended by now.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
