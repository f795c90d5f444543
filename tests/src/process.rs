//! The server's own program as a child process: for what only a process can show.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use justiam_sdk::Client;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::programs::program;
use crate::server::{SHARED_SECRET, client};
use crate::until;

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

    /// Starts a server with other settings than usual.
    pub async fn start_with(folder: &Path, change: impl FnOnce(&mut Command)) -> Self {
        let mut command = command(folder, "127.0.0.1:0", "warn");
        change(&mut command);
        Self::begin(folder, &mut command).await
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

    async fn begin(folder: &Path, command: &mut Command) -> Self {
        let first = !folder.join("data").exists();
        let mut server = Self::launch(folder, command).await;
        let mut lines = BufReader::new(server.child.stdout.take().unwrap()).lines();
        while first && !server.token.starts_with("justiam_pat_") {
            server.token = lines.next_line().await.unwrap().unwrap();
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

    /// Ends the server at once, as a power cut would.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }
}

fn command(folder: &Path, listen: &str, levels: &str) -> Command {
    let mut command = Command::new(program("justiam-server"));
    command
        .args(["serve", "--listen", listen, "--log", levels, "--data-dir"])
        .arg(folder.join("data"))
        .arg("--address-file")
        .arg(folder.join("address"))
        .env_remove("JWT_SECRET")
        .env_remove("DATABASE_URL")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    command
}
