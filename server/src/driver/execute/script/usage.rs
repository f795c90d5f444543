//! Looks at what a script's process uses of the machine: memory, threads, bytes written, files.
//!
//! The kernel has no limit for the first that fits Go, which reserves far more than it uses, and none for the others. So the
//! server looks, often enough that little can be taken in between; behind it stand limits on address space, file size and time.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::Pid;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::MissedTickBehavior;

use super::order::Policy;

/// How often memory and threads are looked at. A script can take 5 GB a second; its address space is limited as well.
const LOOK: Duration = Duration::from_millis(20);

/// Written bytes are looked at each time so many looks have passed.
const WRITTEN_EVERY: u32 = 5;

/// And files each time so many have passed.
const FILES_EVERY: u32 = 25;

/// The most that a process may write: to files, kept or not, to its log and to the server.
const MOST_WRITTEN: u64 = 512 << 20;

/// The most files and folders in the folder of a run.
const MOST_FILES: usize = 10_000;

/// The most threads of the system that a process may have. The interpreter has about six.
const MOST_THREADS: u64 = 128;

/// The unit in which the system counts what a file takes of the disk.
const BLOCK: u64 = 512;

/// What a process used too much of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Excess {
    /// More than so many MiB.
    Memory(u32),
    Threads,
    Written,
    Files,
}

impl Excess {
    /// What the author of the script reads.
    pub(super) fn text(self) -> String {
        match self {
            Self::Memory(mib) => format!("memory limit of {mib} MiB exceeded"),
            Self::Threads => {
                "the script was stopped: it had more than 128 threads; goroutines that block in a file or that called \
                 runtime.LockOSThread have one each"
                    .to_owned()
            }
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
    threads: Option<File>,
    written: Option<File>,
    folder: PathBuf,
}

impl Usage {
    /// Of a process that has not been reaped.
    pub(super) fn of(pid: Pid, folder: PathBuf, policy: &Policy) -> Self {
        // A process that has ended already has nothing to look at.
        let open = |name: &str| File::open(format!("/proc/{}/{name}", pid.as_raw_nonzero())).ok();
        let (memory, threads, written) = (open("statm"), open("task"), open("io"));
        Self { memory_mib: policy.memory_mib, memory, threads, written, folder }
    }

    /// Resolves when the process uses too much of something.
    pub(super) async fn exceeded(self) -> Excess {
        let mut looks = tokio::time::interval_at(tokio::time::Instant::now() + LOOK, LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut count: Option<JoinHandle<Option<Excess>>> = None;
        for look in 1_u32.. {
            looks.tick().await;
            if self.memory.as_ref().and_then(resident).is_some_and(|bytes| bytes > u64::from(self.memory_mib) << 20) {
                return Excess::Memory(self.memory_mib);
            }
            if self.threads.as_ref().and_then(threads).is_some_and(|count| count > MOST_THREADS) {
                return Excess::Threads;
            }
            if look.is_multiple_of(WRITTEN_EVERY)
                && self.written.as_ref().and_then(written).is_some_and(|bytes| bytes > MOST_WRITTEN)
            {
                return Excess::Written;
            }
            // Counting may have to wait for a thread, and takes as long as the disk wants. The other looks go on meanwhile.
            if let Some(count) = count.take_if(|count| count.is_finished())
                && let Ok(Some(excess)) = count.await
            {
                return excess;
            }
            if look.is_multiple_of(FILES_EVERY) && count.is_none() {
                let folder = self.folder.clone();
                count = Some(spawn_blocking(move || counted(&folder, MOST_WRITTEN)));
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

/// How many threads a process has: the folder with one entry for each counts them as its links, beside two of its own.
fn threads(task: &File) -> Option<u64> {
    task.metadata().ok()?.nlink().checked_sub(2)
}

/// How many bytes a process has written, to whatever. By calls, or by what it has made the disk write: files that are changed
/// through memory, or filled from a pipe, count there only.
fn written(io: &File) -> Option<u64> {
    let mut text = [0; 512];
    let length = io.read_at(&mut text, 0).ok()?;
    let text = std::str::from_utf8(&text[..length]).ok()?;
    let number = |name: &str| text.lines().find_map(|line| line.strip_prefix(name))?.parse::<u64>().ok();
    number("wchar: ").max(number("write_bytes: "))
}

/// Counts files, and what they take of the disk, until it is too much. What cannot be counted, by a path that is too long or for
/// want of permissions, counts as too many files.
fn counted(folder: &Path, most_bytes: u64) -> Option<Excess> {
    let mut count = 0;
    let mut bytes = 0;
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            // Removed meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(_) => return Some(Excess::Files),
        };
        for entry in entries.flatten() {
            count += 1;
            if count > MOST_FILES {
                return Some(Excess::Files);
            }
            // One that is gone takes nothing any more.
            let Ok(metadata) = entry.metadata() else { continue };
            bytes += metadata.blocks() * BLOCK;
            if bytes > most_bytes {
                return Some(Excess::Written);
            }
            if metadata.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::mpsc;
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[test]
    fn a_process_is_seen() {
        assert!(resident(&File::open("/proc/self/statm").unwrap()).unwrap() > 1 << 20);
        assert!(written(&File::open("/proc/self/io").unwrap()).is_some());
        // Threads of other tests come and go.
        let task = File::open("/proc/self/task").unwrap();
        let soon = std::time::Instant::now() + Duration::from_secs(10);
        while threads(&task) != Some(fs::read_dir("/proc/self/task").unwrap().count() as u64) {
            assert!(std::time::Instant::now() < soon);
        }
    }

    #[test]
    fn what_the_disk_is_made_to_write_counts_as_written() {
        let io = tempfile::tempdir().unwrap().path().with_extension("io");
        for (text, expected) in [
            ("rchar: 1\nwchar: 70\nwrite_bytes: 8\ncancelled_write_bytes: 99\n", Some(70)),
            ("wchar: 7\nwrite_bytes: 80\n", Some(80)),
            ("", None),
        ] {
            fs::write(&io, text).unwrap();
            assert_eq!(written(&File::open(&io).unwrap()), expected);
        }
        fs::remove_file(io).unwrap();
    }

    #[test]
    fn files_and_folders_are_counted_at_any_depth() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("a/b");
        fs::create_dir_all(&inner).unwrap();
        for number in 0..MOST_FILES - 2 {
            File::create(inner.join(number.to_string())).unwrap();
        }
        assert_eq!(counted(folder.path(), MOST_WRITTEN), None);
        File::create(folder.path().join("one more")).unwrap();
        assert_eq!(counted(folder.path(), MOST_WRITTEN), Some(Excess::Files));
    }

    #[test]
    fn what_files_take_of_the_disk_is_counted_and_not_how_long_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let long = File::create(folder.path().join("long")).unwrap();
        long.set_len(1 << 30).unwrap();
        assert_eq!(counted(folder.path(), 1 << 20), None);
        fs::create_dir(folder.path().join("inner")).unwrap();
        fs::write(folder.path().join("inner/full"), vec![1; 1 << 20]).unwrap();
        // The file system may not have found room for it yet.
        File::open(folder.path().join("inner/full")).unwrap().sync_all().unwrap();
        assert_eq!(counted(folder.path(), 1 << 19), Some(Excess::Written));
    }

    #[test]
    fn the_memory_is_looked_at_while_files_cannot_be_counted() {
        // As when all threads for waiting wait for something else, such as a server of names that does not answer.
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().max_blocking_threads(1).build().unwrap();
        let (go_on, wait) = mpsc::channel::<()>();
        runtime.spawn_blocking(move || wait.recv());
        let folder = tempfile::tempdir().unwrap();
        let statm = File::options().read(true).write(true).create_new(true).open(folder.path().join("statm")).unwrap();
        statm.write_at(b"9 1 1", 0).unwrap();
        let memory = Some(statm.try_clone().unwrap());
        let usage = Usage { memory_mib: 64, memory, threads: None, written: None, folder: folder.path().to_owned() };
        runtime.block_on(async {
            let mut exceeded = pin!(usage.exceeded());
            assert_eq!(timeout(LOOK * (FILES_EVERY + 5), &mut exceeded).await.ok(), None);
            statm.write_at(b"9 99999 1", 0).unwrap();
            assert_eq!(timeout(Duration::from_secs(5), exceeded).await.ok(), Some(Excess::Memory(64)));
        });
        drop(go_on);
    }
}
