//! The provider as a process.

mod handshake;
mod launch;
mod output;

use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

pub use launch::Launch;
use rustix::process::{Pid, Signal, kill_process};
use rustls::pki_types::CertificateDer;
use tempfile::TempDir;

use crate::Identity;
use handshake::Handshake;
use output::{Lines, Text};

/// A running provider, in a temporary directory of its own. It is killed when this is dropped.
pub struct Plugin {
    program: String,
    child: Child,
    line: String,
    stdout: Lines,
    stderr: Text,
    temp: TempDir,
    identity: Identity,
    patience: Duration,
}

impl Plugin {
    /// Starts a program as Terraform does and reads its handshake line.
    ///
    /// # Panics
    /// As [`Launch::start`] does.
    pub fn start(program: &Path) -> Self {
        Self::builder(program).start()
    }

    /// A program that is to be started in some other way than usual.
    pub fn builder(program: &Path) -> Launch {
        Launch::new(program)
    }

    /// The first line of its output, with the line break.
    pub fn line(&self) -> &str {
        &self.line
    }

    /// The fields of that line.
    pub fn fields(&self) -> Vec<&str> {
        self.line.trim_end().split('|').collect()
    }

    /// Where it listens.
    ///
    /// # Panics
    /// The first line is no handshake line.
    pub fn socket(&self) -> PathBuf {
        self.handshake().socket
    }

    /// The certificate that it has announced.
    ///
    /// # Panics
    /// The first line is no handshake line.
    pub fn certificate(&self) -> CertificateDer<'static> {
        self.handshake().certificate
    }

    /// The client for which it was started.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The directory for its socket and its temporary files.
    pub fn temp(&self) -> &Path {
        self.temp.path()
    }

    /// How long everything may take that is waited for.
    pub fn patience(&self) -> Duration {
        self.patience
    }

    /// What it has said on standard error so far.
    pub fn stderr(&self) -> String {
        self.stderr.so_far()
    }

    /// The next line of its output, with the line break; empty at the end.
    ///
    /// # Panics
    /// There is none in time.
    pub fn next_line(&mut self) -> String {
        self.stdout.next(self.patience).unwrap_or_else(|| panic!("{} said nothing more", self.program))
    }

    /// Whether the process is there.
    ///
    /// # Panics
    /// The system does not say.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("the state of a child").is_none()
    }

    /// Its process id.
    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Sends it a signal.
    ///
    /// # Panics
    /// It is gone.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("a process that is there");
    }

    /// Waits for its end. What came on stdout after the lines that were read must be nothing.
    ///
    /// # Panics
    /// It does not end in time, or has printed more.
    pub fn ended(&mut self) -> ExitStatus {
        until(&format!("{} ends", self.program), self.patience, || !self.is_running());
        let rest = self.stdout.rest(self.patience).expect("its output ends with it");
        assert_eq!(rest, "", "something was printed on stdout");
        assert!(self.stderr.has_ended(self.patience), "its errors end with it");
        self.child.wait().expect("a program that has ended")
    }

    fn handshake(&self) -> Handshake {
        Handshake::read(&self.line).unwrap_or_else(|problem| panic!("{:?} is no handshake line: {problem}", self.line))
    }
}

impl Drop for Plugin {
    fn drop(&mut self) {
        // It has mostly ended by now.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until `condition` holds, and fails if it does not in time.
fn until(what: &str, patience: Duration, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + patience;
    while !condition() {
        assert!(Instant::now() < deadline, "waited {patience:?} in vain until {what}");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}
