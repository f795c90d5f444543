//! A runner of programs, with a folder that is allowed and a data folder.

use std::fs::{self, Permissions};
use std::future::pending;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use justiam_server::allowed_folders::AllowedFolders;
use justiam_server::driver::execute::step::programs::{Job, Outcome, ProgramEnd, Programs, Settings};
use justiam_server::store::Db;
use justiam_tests::programs::program;
use tempfile::TempDir;

/// How long anything may take that a test waits for.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// A runner and its folders.
pub(crate) struct Lab {
    pub(crate) programs: Programs,
    folder: TempDir,
}

impl Lab {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// A runner with other settings than usual.
    pub(crate) async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("data")).unwrap();
        let db = Db::open_sqlite(&folder.path().join("data/justiam.db")).await.unwrap();
        Self::on(folder, db, change)
    }

    /// A runner whose server keeps its data in this database.
    pub(crate) fn beside(db: Db) -> Self {
        Self::on(tempfile::tempdir().unwrap(), db, |_| {})
    }

    fn on(folder: TempDir, db: Db, change: impl FnOnce(&mut Settings)) -> Self {
        let path = folder.path().canonicalize().unwrap();
        fs::create_dir(path.join("jobs")).unwrap();
        let folders = AllowedFolders::new(&[path.join("jobs")], &path.join("data")).unwrap();
        let mut settings = Settings::new(program("justiam-server"), path.join("data/steps"), folders);
        change(&mut settings);
        Self { programs: Programs::new(settings, db).unwrap(), folder }
    }

    /// The folder around all others.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap()
    }

    /// The folder that is allowed.
    pub(crate) fn jobs(&self) -> PathBuf {
        self.path().join("jobs")
    }

    /// A path in the allowed folder, as a step names it.
    pub(crate) fn job(&self, name: &str) -> String {
        self.jobs().join(name).to_str().unwrap().to_owned()
    }

    /// Writes a file to the allowed folder.
    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        fs::write(self.jobs().join(name), text).unwrap();
        self.job(name)
    }

    /// Writes a program to the allowed folder: a shell script.
    pub(crate) fn shell(&self, name: &str, text: &str) -> String {
        let path = self.write(name, &format!("#!/bin/sh\n{text}\n"));
        fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        path
    }

    /// Runs a job to its end.
    pub(crate) async fn run(&self, job: Job) -> ProgramEnd {
        self.run_until(job, pending()).await
    }

    /// Runs a job until it ends or is stopped.
    pub(crate) async fn run_until(&self, job: Job, stop: impl Future<Output = ()>) -> ProgramEnd {
        let end = tokio::time::timeout(DEADLINE, self.programs.run(job, stop)).await.unwrap();
        self.assert_clean();
        end
    }

    /// Runs a shell script.
    pub(crate) async fn sh(&self, text: &str) -> ProgramEnd {
        self.run(executable(&self.shell("program", text))).await
    }

    /// What a shell script prints that ends well.
    pub(crate) async fn printed(&self, text: &str) -> String {
        let end = self.sh(text).await;
        assert_eq!((&end.outcome, end.exit_code), (&Outcome::Success, Some(0)), "{end:?}");
        end.output.unwrap_or_default()
    }

    /// Waits until a program has made a file, and reads it.
    pub(crate) async fn told(&self, name: &str) -> String {
        let path = self.jobs().join(name);
        // A line is whole.
        let whole = || fs::read_to_string(&path).is_ok_and(|text| text.ends_with('\n'));
        until("a program to tell something", whole).await;
        fs::read_to_string(path).unwrap().trim_end().to_owned()
    }

    /// No process that works in these folders outlives its step. The folder for temporary files goes soon after it, on a thread of its own.
    pub(crate) fn assert_clean(&self) {
        assert_eq!(processes_in(&self.path()), Vec::<i32>::new());
        let start = Instant::now();
        while fs::read_dir(self.path().join("data/steps")).unwrap().next().is_some() {
            assert!(start.elapsed() < DEADLINE, "the folder for temporary files stays");
            std::thread::yield_now();
        }
    }
}

pub(crate) fn executable(path: &str) -> Job {
    Job::Executable { path: path.to_owned(), arguments: None, working_directory: None }
}

/// Why a job failed.
pub(crate) fn why(end: &ProgramEnd) -> &str {
    match &end.outcome {
        Outcome::Failed(why) => why,
        _ => panic!("{end:?}"),
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

/// Whether a process exists that has not ended.
pub(crate) fn is_alive(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['Z', 'X']))
}

fn processes_in(folder: &Path) -> Vec<i32> {
    let pids = fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid: &i32| fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd.starts_with(folder)))
        .collect()
}
