//! The server's own program as a child process: for what only a process can show.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use justiam_sdk::Client;
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::programs::program;
use crate::server::{SHARED_SECRET, client};
use crate::{soon, until};

/// A server in a process of its own, on the machine's clock.
pub struct ServerProcess {
    /// Its address.
    pub endpoint: String,
    /// An admin's token; empty for a server that was started on old data.
    pub token: String,
    /// The process.
    pub child: Child,
}

impl ServerProcess {
    /// Starts a server on a folder, on a port that the system chooses.
    pub async fn start(folder: &Path) -> Self {
        Self::start_at(folder, "127.0.0.1:0").await
    }

    /// Starts a server on a folder and an address: the one that an earlier server had.
    pub async fn start_at(folder: &Path, listen: &str) -> Self {
        Self::start_logging(folder, listen, "warn", Stdio::inherit()).await
    }

    /// Starts a server whose log has these levels and goes to a file.
    pub async fn start_logging(folder: &Path, listen: &str, levels: &str, log: impl Into<Stdio>) -> Self {
        Self::begin(folder, command(folder, listen, levels).stderr(log)).await
    }

    /// Starts a server whose steps may use another folder.
    pub async fn start_for_steps(folder: &Path, steps: &Path) -> Self {
        Self::begin(folder, command(folder, "127.0.0.1:0", "warn").env("JUSTIAM_STEP_FOLDERS", steps)).await
    }

    /// Starts a server with settings from the environment, whose log has the level `info` and goes to a file.
    pub async fn start_with(folder: &Path, environment: &[(&str, &str)], log: impl Into<Stdio>) -> Self {
        let mut command = command(folder, "127.0.0.1:0", "info");
        Self::begin(folder, command.envs(environment.iter().copied()).stderr(log)).await
    }

    /// Starts a server through another program, such as one that lowers its limits, on data that may be elsewhere. Its log goes to a file.
    pub async fn start_through(launcher: &[String], folder: &Path, data: &Path, log: impl Into<Stdio>) -> Self {
        let mut command = through(launcher);
        options(&mut command, folder, data, "127.0.0.1:0", "warn");
        Self::launch(folder, command.stderr(log)).await
    }

    /// Waits for the first token of a server that was started on new data.
    pub async fn first_token(&mut self) -> String {
        let mut lines = BufReader::new(self.child.stdout.take().unwrap()).lines();
        while !self.token.starts_with("justiam_pat_") {
            self.token = lines.next_line().await.unwrap().unwrap();
        }
        self.token.clone()
    }

    /// Starts a server with other settings than usual.
    pub async fn start_changed(folder: &Path, levels: &str, change: impl FnOnce(&mut Command)) -> Self {
        let mut command = command(folder, "127.0.0.1:0", levels);
        change(&mut command);
        Self::begin(folder, &mut command).await
    }

    async fn begin(folder: &Path, command: &mut Command) -> Self {
        let first = !folder.join("data").exists();
        let mut server = Self::launch(folder, command).await;
        if first {
            server.first_token().await;
        }
        server
    }

    /// Starts a server on a PostgreSQL database that another server of the test has prepared: that one's tokens are good here.
    pub async fn start_on_postgres(folder: &Path, url: &str, log: impl Into<Stdio>) -> Self {
        let mut command = command(folder, "127.0.0.1:0", "warn");
        Self::launch(folder, command.env("DATABASE_URL", url).env("JWT_SECRET", SHARED_SECRET).stderr(log)).await
    }

    async fn launch(folder: &Path, command: &mut Command) -> Self {
        let address = folder.join("address");
        let _ = fs::remove_file(&address);
        let child = command.spawn().unwrap();
        until("the server to listen", async || address.exists()).await;
        let endpoint = fs::read_to_string(&address).unwrap().trim().to_owned();
        Self { endpoint, token: String::new(), child }
    }

    /// An admin's client, with the token of the first start.
    pub fn client(&self, token: &str) -> Client {
        client(&self.endpoint, token)
    }

    /// Asks the server to end gently, as the system does.
    pub fn terminate(&self) {
        let pid = Pid::from_raw(self.child.id().unwrap().try_into().unwrap()).unwrap();
        kill_process(pid, Signal::TERM).unwrap();
    }

    /// Waits until the server has ended well.
    pub async fn ended(mut self) {
        let status = soon("the server to end", self.child.wait()).await.unwrap();
        assert!(status.success(), "{status}");
    }

    /// Ends the server at once, as a power cut would.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }
}

fn command(folder: &Path, listen: &str, levels: &str) -> Command {
    let mut command = through(&[]);
    options(&mut command, folder, &folder.join("data"), listen, levels);
    command
}

/// The server's program, started by others.
pub fn through(launcher: &[String]) -> Command {
    let server = program("justiam-server");
    let mut command = match launcher {
        [] => Command::new(server),
        [first, rest @ ..] => {
            let mut command = Command::new(first);
            command.args(rest).arg(server);
            command
        }
    };
    command.env_remove("JWT_SECRET").env_remove("DATABASE_URL").stdin(Stdio::null()).kill_on_drop(true);
    command
}

fn options(command: &mut Command, folder: &Path, data: &Path, listen: &str, levels: &str) {
    command
        .args(["serve", "--listen", listen, "--log", levels, "--data-dir"])
        .arg(data)
        .arg("--address-file")
        .arg(folder.join("address"))
        // Tests and benchmarks ask more often than people.
        .env("JUSTIAM_REQUEST_BURST", "1000000")
        .stdout(Stdio::piped());
}
