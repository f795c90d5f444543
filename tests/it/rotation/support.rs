//! A server process on either database, the commands for its secrets beside it, and all that these say.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::path::PathBuf;
use std::process::Stdio;

use justiam_sdk::Client;
use justiam_sdk::api::ids::TaskId;
use justiam_sdk::api::runs::Run;
use justiam_sdk::api::tasks::{NewTask, Task};
use justiam_server::store::Db;
use justiam_tests::backend::Backend;
use justiam_tests::process::ServerProcess;
use justiam_tests::programs::program;
use justiam_tests::soon;
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

/// Server secrets.
pub(super) const OLD: &str = "the old secret of the server, 0f3c91";
pub(super) const NEW: &str = "the new secret of the server, 77ab20";
pub(super) const OLD_ONLY: [(&str, &str); 1] = [("JWT_SECRET", OLD)];
pub(super) const BOTH: [(&str, &str); 2] = [("JWT_SECRET", NEW), ("JWT_SECRET_OLD", OLD)];
pub(super) const NEW_ONLY: [(&str, &str); 1] = [("JWT_SECRET", NEW)];
/// What each value that is a secret contains.
pub(super) const CANARY: &str = "canary-5e0d7a19";

/// Tells the SHA-256 of its secret `K`.
const HASHES: &str = "package task\nimport (\n\"crypto/sha256\"\n\"fmt\"\n\"secrets\"\n)\n\
    func Run() (string, error) { return fmt.Sprintf(\"%x\", sha256.Sum256([]byte(secrets.Get(\"K\")))), nil }";

/// What a command has come to.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) code: Option<i32>,
    pub(super) out: String,
    pub(super) err: String,
}

/// A folder for servers, and their database.
pub(super) struct World {
    folder: TempDir,
    database: Backend,
}

impl World {
    pub(super) fn new(database: Backend) -> Self {
        Self { folder: TempDir::new().unwrap(), database }
    }

    /// The server's data folder.
    pub(super) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn environment<'a>(&'a self, settings: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
        let url = match &self.database {
            Backend::Sqlite(_) => None,
            Backend::Postgres(database) => Some(("DATABASE_URL", database.url.as_str())),
        };
        settings.iter().copied().chain(url).collect()
    }

    fn log_file(&self) -> File {
        OpenOptions::new().create(true).append(true).open(self.folder.path().join("log")).unwrap()
    }

    /// What all servers have said.
    pub(super) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    pub(super) async fn server(&self, settings: &[(&str, &str)]) -> ServerProcess {
        ServerProcess::start_with(self.folder.path(), &self.environment(settings), self.log_file()).await
    }

    /// `justiam-server secrets …` with these settings.
    pub(super) fn command(&self, settings: &[(&str, &str)], args: &[&str]) -> Command {
        let mut command = Command::new(program("justiam-server"));
        command.arg("secrets").args(args).arg("--data-dir").arg(self.data());
        command.env_remove("JWT_SECRET").env_remove("DATABASE_URL").envs(self.environment(settings));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    }

    pub(super) async fn secrets(&self, settings: &[(&str, &str)], args: &[&str]) -> Said {
        let output = soon("a command", self.command(settings, args).output()).await.unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let said = Said { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) };
        for secret in [CANARY, OLD, NEW] {
            assert!(!said.out.contains(secret) && !said.err.contains(secret), "{said:?}");
        }
        said
    }

    /// How many secrets of tasks are sealed by what: `newest`, `older`, `unknown`.
    pub(super) async fn by_role(&self, settings: &[(&str, &str)]) -> BTreeMap<String, u64> {
        let said = self.secrets(settings, &["status", "--json"]).await;
        let status: Value = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{said:?}"));
        let keys = status["keys"].as_array().unwrap().iter();
        keys.map(|key| {
            (key["role"].as_str().unwrap().to_owned(), key["sealed"]["task_secrets"].as_u64().unwrap_or_default())
        })
        .collect()
    }

    /// The database, behind the servers' backs.
    pub(super) async fn db(&self) -> Db {
        match &self.database {
            Backend::Sqlite(_) => Db::open_sqlite(&self.data().join("justiam.db")).await.unwrap(),
            Backend::Postgres(database) => Db::open_postgres(&database.url.as_str().into(), 2).await.unwrap(),
        }
    }
}

/// A task with a secret `K`, of which it tells a hash.
pub(super) async fn hashing(client: &Client, name: &str, value: &str) -> Task {
    let mut new = NewTask::triggered_script(name, HASHES);
    new.secrets = Some([("K".to_owned(), value.into())].into());
    client.tasks().create(&new).await.unwrap()
}

/// What a run of such a task tells.
pub(super) fn hash(value: &str) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, value.as_bytes());
    digest.as_ref().iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

pub(super) async fn run(client: &Client, task: TaskId) -> Run {
    let run = client.tasks().run(task).await.unwrap();
    soon("a run", client.runs().wait(run.id)).await.unwrap()
}

/// Fails the test unless a task's script gets this value.
pub(super) async fn reads(client: &Client, task: &Task, value: &str) {
    let run = run(client, task.id).await;
    assert_eq!(run.output, Some(hash(value)), "{:?}", run.error);
}
