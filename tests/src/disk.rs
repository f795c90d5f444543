//! A small disk that a test may fill up and protect: a file system in memory, which only the programs see that are started on it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command as Blocking, Stdio};

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// A disk. It is gone with this value, and with the last program on it.
#[derive(Debug)]
pub struct Disk {
    folder: TempDir,
    /// A shell that holds the namespace in which the disk is mounted, until its input ends.
    keeper: Child,
}

impl Disk {
    /// Makes a disk of so many MiB. Needs no rights where users may have namespaces of their own.
    pub async fn new(mebibytes: u32) -> Self {
        let folder = TempDir::new().unwrap();
        let mount = r#"mount -t tmpfs -o size="$1"m,mode=700 disk "$2" && echo mounted && read -r _"#;
        let mut keeper = Command::new("unshare")
            .args(["--user", "--map-root-user", "--mount", "sh", "-c", mount, "sh", &mebibytes.to_string()])
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut said = String::new();
        BufReader::new(keeper.stdout.take().unwrap()).read_line(&mut said).await.unwrap();
        let needs =
            "no disk could be made: this test needs the right to namespaces of its own, as `unshare -rm true` shows";
        assert_eq!(said, "mounted\n", "{needs}");
        Self { folder, keeper }
    }

    /// Where it is, for programs that are started on it.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// What has to be put before a command so that it sees the disk.
    pub fn launcher(&self) -> Vec<String> {
        let pid = self.keeper.id().unwrap().to_string();
        ["nsenter", "--user", "--mount", "--preserve-credentials", "--target", &pid, "--"].map(str::to_owned).into()
    }

    /// Takes all the room that is left.
    pub fn fill(&self) {
        // In ever smaller pieces, so that not a single block is left; the last one fails, and so must all do.
        let fill = r#"for size in 64k 4k 1; do dd if=/dev/zero bs=$size of="$1/filler-$size" 2> /dev/null && exit 1; done; true"#;
        self.shell(fill, &[self.path().as_os_str()]);
    }

    /// Makes room again.
    pub fn empty(&self) {
        self.shell(r#"rm "$1"/filler-*"#, &[self.path().as_os_str()]);
    }

    /// Lets nobody write any more, once nobody has a file open to write: of a process that has ended the kernel may still close files.
    pub fn protect(&self) {
        let protect = r#"for n in $(seq 100); do mount -o remount,ro "$1" && exit; sleep 0.1; done; exit 1"#;
        self.shell(protect, &[self.path().as_os_str()]);
    }

    /// Lets everybody write again.
    pub fn unprotect(&self) {
        self.shell(r#"mount -o remount,rw "$1""#, &[self.path().as_os_str()]);
    }

    /// A file on the disk.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    fn shell(&self, script: &str, args: &[&OsStr]) {
        let launcher = self.launcher();
        let done =
            Blocking::new(&launcher[0]).args(&launcher[1..]).args(["sh", "-c", script, "sh"]).args(args).output();
        let done = done.unwrap();
        assert!(done.status.success(), "{script}: {done:?}");
    }
}
