//! Looks at what a script's process uses of the machine: memory, bytes written, files.
//!
//! The kernel has no limit for the first that fits Go, which reserves far more than it uses, and none for the others. So the
//! server looks, often enough that little can be taken in between; behind it stand limits on address space, file size and time.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::Pid;
use tokio::time::MissedTickBehavior;

use super::order::Policy;

/// How often memory is looked at. A script can take 5 GB a second; its address space is limited as well.
const LOOK: Duration = Duration::from_millis(20);

/// Written bytes are looked at each time so many looks have passed.
const WRITTEN_EVERY: u32 = 5;

/// And files each time so many have passed.
const FILES_EVERY: u32 = 25;

/// The most that a process may write: to files, kept or not, to its log and to the server.
const MOST_WRITTEN: u64 = 512 << 20;

/// The most files and folders in the folder of a run.
const MOST_FILES: usize = 10_000;

/// What a process used too much of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Excess {
    /// More than so many MiB.
    Memory(u32),
    Written,
    Files,
}

impl Excess {
    /// What the author of the script reads.
    pub(super) fn text(self) -> String {
        match self {
            Self::Memory(mib) => format!("memory limit of {mib} MiB exceeded"),
            Self::Written => "the script wrote more than 512 MiB and was stopped; write less to files".to_owned(),
            Self::Files => {
                "the script was stopped: it made more than 10,000 files and folders, or folders that cannot be looked into"
                    .to_owned()
            }
        }
    }
}

/// Where to look.
#[derive(Debug)]
pub(super) struct Usage {
    memory_mib: u32,
    /// Kept open: the name need not be looked up every time.
    memory: Option<File>,
    written: Option<File>,
    folder: PathBuf,
}

impl Usage {
    /// Of a process that has not been reaped.
    pub(super) fn of(pid: Pid, folder: PathBuf, policy: &Policy) -> Self {
        // A process that has ended already has nothing to look at.
        let open = |name: &str| File::open(format!("/proc/{}/{name}", pid.as_raw_nonzero())).ok();
        Self { memory_mib: policy.memory_mib, memory: open("statm"), written: open("io"), folder }
    }

    /// Resolves when the process uses too much of something.
    pub(super) async fn exceeded(self) -> Excess {
        let mut looks = tokio::time::interval_at(tokio::time::Instant::now() + LOOK, LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for look in 1_u32.. {
            looks.tick().await;
            if self.memory.as_ref().and_then(resident).is_some_and(|bytes| bytes > u64::from(self.memory_mib) << 20) {
                return Excess::Memory(self.memory_mib);
            }
            if look.is_multiple_of(WRITTEN_EVERY)
                && self.written.as_ref().and_then(written).is_some_and(|bytes| bytes > MOST_WRITTEN)
            {
                return Excess::Written;
            }
            if look.is_multiple_of(FILES_EVERY) {
                let folder = self.folder.clone();
                if let Ok(true) = tokio::task::spawn_blocking(move || has_too_many_files(&folder)).await {
                    return Excess::Files;
                }
            }
        }
        std::future::pending().await
    }
}

/// The memory of a process in bytes, pages of its program included.
fn resident(statm: &File) -> Option<u64> {
    let mut text = [0; 128];
    let length = statm.read_at(&mut text, 0).ok()?;
    let pages: u64 = std::str::from_utf8(&text[..length]).ok()?.split_ascii_whitespace().nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}

/// How many bytes a process has written, to whatever.
fn written(io: &File) -> Option<u64> {
    let mut text = [0; 512];
    let length = io.read_at(&mut text, 0).ok()?;
    let text = std::str::from_utf8(&text[..length]).ok()?;
    text.lines().find_map(|line| line.strip_prefix("wchar: "))?.parse().ok()
}

/// Counts until there are too many. What cannot be counted, by a path that is too long or for want of permissions, counts as
/// too many.
fn has_too_many_files(folder: &Path) -> bool {
    let mut count = 0;
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            // Removed meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(_) => return true,
        };
        for entry in entries.flatten() {
            count += 1;
            if count > MOST_FILES {
                return true;
            }
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(entry.path());
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};

    use super::{MOST_FILES, has_too_many_files, resident, written};

    #[test]
    fn a_process_is_seen() {
        assert!(resident(&File::open("/proc/self/statm").unwrap()).unwrap() > 1 << 20);
        assert!(written(&File::open("/proc/self/io").unwrap()).is_some());
    }

    #[test]
    fn files_and_folders_are_counted_at_any_depth() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("a/b");
        fs::create_dir_all(&inner).unwrap();
        for number in 0..MOST_FILES - 2 {
            File::create(inner.join(number.to_string())).unwrap();
        }
        assert!(!has_too_many_files(folder.path()));
        File::create(folder.path().join("one more")).unwrap();
        assert!(has_too_many_files(folder.path()));
    }
}
