//! A runner in a folder of its own, and ways to look at what it leaves behind.

use std::fs;
use std::future::pending;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use justiam_server::clock::SystemClock;
use justiam_server::config::DEFAULT_GWORKSPACE_URL;
use justiam_server::driver::execute::script::{End, Host, Outcome, Script, ScriptRunner, Settings};
use justiam_server::outbound::{self, Destinations, Outbound};
use justiam_server::telemetry::traces::Telemetry;
use justiam_tests::programs::program;
use tempfile::TempDir;

/// How long anything may take that a test waits for.
const DEADLINE: Duration = Duration::from_secs(20);

/// A runner and its folder.
pub(crate) struct Lab {
    pub(crate) runner: ScriptRunner,
    folder: TempDir,
}

impl Lab {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    /// A runner with other settings than usual.
    pub(crate) fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = settings(&folder.path().join("scripts"));
        change(&mut settings);
        Self { runner: ScriptRunner::new(settings).unwrap(), folder }
    }

    pub(crate) async fn run(&self, source: &str) -> Outcome {
        self.run_with(Host::default(), source).await
    }

    pub(crate) async fn run_with(&self, host: Host, source: &str) -> Outcome {
        let outcome = tokio::time::timeout(DEADLINE, self.runner.run(script(host, source), pending())).await.unwrap();
        self.assert_clean();
        outcome
    }

    /// The message of a script that must fail.
    pub(crate) async fn message(&self, source: &str) -> String {
        message(self.run(source).await)
    }

    /// The folder around the scripts' one, as a server's data folder is.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap()
    }

    pub(crate) fn scripts(&self) -> PathBuf {
        self.data().join("scripts")
    }

    /// Waits until a script has made the file `started`.
    pub(crate) async fn started(&self) {
        let scripts = self.scripts();
        until("a script to start", || run_folders(&scripts).iter().any(|run| run.join("tmp/started").exists())).await;
    }

    /// Waits until neither processes nor folders of runs are left.
    pub(crate) async fn clean(&self) {
        let scripts = self.scripts();
        until("nothing to be left", || processes_in(&scripts).is_empty() && run_folders(&scripts).is_empty()).await;
    }

    /// No process outlives its run. Its folder goes soon after it, on a thread of its own.
    pub(crate) fn assert_clean(&self) {
        assert_eq!(processes_in(&self.scripts()), Vec::<i32>::new());
        let start = Instant::now();
        while !run_folders(&self.scripts()).is_empty() {
            assert!(start.elapsed() < DEADLINE, "the folder of a run stays");
            std::thread::yield_now();
        }
    }
}

pub(crate) fn settings(folder: &Path) -> Settings {
    Settings::new("yaegi", program("justiam-server"), folder)
}

pub(crate) fn script(host: Host, source: &str) -> Script {
    Script { run_id: "run".into(), source: source.to_owned(), host, timeout: Duration::from_secs(30) }
}

/// A script of some imports and the body of `Run`.
pub(crate) fn go(imports: &[&str], body: &str) -> String {
    let imports: String = imports.iter().flat_map(|import| ["import \"", import, "\"\n"]).collect();
    format!("package task\n{imports}\nfunc Run() (string, error) {{\n{body}\n}}\n")
}

/// The body of a script that says that it has started, and then never ends.
pub(crate) const BLOCKED: &str = r#"os.WriteFile("started", nil, 0600); select {}"#;

pub(crate) fn host(secrets: &[(&str, &str)], config: &[(&str, &str)]) -> Host {
    Host::new(
        secrets.iter().map(|(key, value)| ((*key).to_owned(), (*value).into())).collect(),
        config.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
    )
}

/// A host that sends requests, with settings that may be changed.
pub(crate) fn online(change: impl FnOnce(&mut outbound::Settings)) -> Host {
    let gworkspace = DEFAULT_GWORKSPACE_URL.parse().unwrap();
    let mut settings = outbound::Settings { destinations: Destinations::default(), max_body_mib: 1, gworkspace };
    change(&mut settings);
    let telemetry = Telemetry::new(None).unwrap();
    Host::default().with_outbound(Outbound::new(settings, telemetry, Arc::new(SystemClock)).unwrap())
}

pub(crate) fn success(output: &str) -> End {
    End::Success { output: output.to_owned() }
}

pub(crate) fn message(outcome: Outcome) -> String {
    match outcome.end {
        End::Error { message } => message,
        end => panic!("{end:?}"),
    }
}

/// Waits for a condition, looking often.
pub(crate) async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    let mut look = tokio::time::interval(Duration::from_millis(5));
    while !condition() {
        assert!(start.elapsed() < DEADLINE, "waited in vain for {what}");
        look.tick().await;
    }
}

pub(crate) fn run_folders(scripts: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(scripts).into_iter().flatten().flatten();
    entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("run-")).map(|entry| entry.path()).collect()
}

/// Processes that work in a folder, or in one that was removed from it.
pub(crate) fn processes_in(folder: &Path) -> Vec<i32> {
    let pids = fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid: &i32| fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd.starts_with(folder)))
        .collect()
}
