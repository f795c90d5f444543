//! The threads that bury what is left of runs: one kills and reaps processes, the other removes their folders or puts them back.
//!
//! A future that is dropped cannot wait, and removing a big folder takes time, so neither is done on a runtime's thread; and no
//! process outlives its run because the folder of another one is big.

use std::io;
use std::process::Child;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, TryRecvError};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, WaitIdStatus};
use tokio::sync::oneshot;

use super::folder::RunFolder;

/// How often processes are looked at that were killed and still exist.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// How long the end of the server may be held up by processes that do not die, such as one in a broken file system.
const LAST_WAIT: Duration = Duration::from_secs(2);

/// A process and its folder. Until it is reaped its number cannot become another process's.
#[derive(Debug)]
pub(super) struct Remains {
    child: Child,
    pid: Pid,
    /// Removed, or kept for another run, after the process is reaped.
    pub(super) folder: RunFolder,
    /// Dropped, that is answered, when the process is gone.
    pub(super) gone: Option<oneshot::Sender<()>>,
}

impl Remains {
    pub(super) fn new(child: Child, folder: RunFolder) -> io::Result<Self> {
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::InvalidData)?;
        Ok(Self { child, pid, folder, gone: None })
    }

    pub(super) fn pid(&self) -> Pid {
        self.pid
    }

    /// Sends a signal to the process and to its group. The group exists only once the helper has made it, and the
    /// process may be gone; neither is an error.
    pub(super) fn signal(&self, signal: Signal) {
        let _ = rustix::process::kill_process_group(self.pid, signal);
        let _ = rustix::process::kill_process(self.pid, signal);
    }

    /// How the process ended, if it has; it stays to be reaped.
    pub(super) fn look(&self) -> rustix::io::Result<Option<WaitIdStatus>> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        rustix::process::waitid(WaitId::Pid(self.pid), options)
    }

    /// Kills and reaps; false while the process still exists.
    fn bury(&mut self) -> bool {
        self.signal(Signal::KILL);
        if let Ok(None) = self.look() {
            return false;
        }
        // Once more, now that the process can start no others: its number, which is the group's, is still taken.
        self.signal(Signal::KILL);
        if let Err(error) = self.child.wait() {
            tracing::warn!(%error, "could not reap the process of a script");
        }
        true
    }
}

/// The threads. Dropping this waits, for a while, until everything sent to it is gone; that needs all senders dropped.
#[derive(Debug)]
pub(super) struct Cleaner {
    /// In a mutex only to be shared between threads; nobody but `drop` uses it.
    ended: Mutex<Receiver<()>>,
}

impl Cleaner {
    /// Starts the threads, which end with the last sender.
    pub(super) fn start() -> io::Result<(Self, Sender<Remains>)> {
        let (graveyard, queue) = mpsc::channel();
        let (left, folders) = mpsc::channel::<RunFolder>();
        let (end, ended) = mpsc::channel();
        thread::Builder::new().name("script-cleaner".into()).spawn(move || clean(&queue, &left))?;
        thread::Builder::new().name("script-folders".into()).spawn(move || {
            folders.into_iter().for_each(drop);
            drop(end);
        })?;
        Ok((Self { ended: Mutex::new(ended) }, graveyard))
    }
}

impl Drop for Cleaner {
    fn drop(&mut self) {
        let ended = self.ended.get_mut().unwrap_or_else(PoisonError::into_inner);
        if ended.recv_timeout(LAST_WAIT) == Err(RecvTimeoutError::Timeout) {
            tracing::warn!("processes of scripts did not end; their folders are removed at the next start");
        }
    }
}

/// Buries what comes, and passes the folders on.
fn clean(queue: &Receiver<Remains>, folders: &Sender<RunFolder>) {
    let mut unburied: Vec<Remains> = Vec::new();
    loop {
        let next = if unburied.is_empty() {
            queue.recv().map_err(|_| TryRecvError::Disconnected)
        } else {
            queue.recv_timeout(LOOK_AGAIN).map_err(|error| match error {
                RecvTimeoutError::Timeout => TryRecvError::Empty,
                RecvTimeoutError::Disconnected => TryRecvError::Disconnected,
            })
        };
        match next {
            Ok(remains) => unburied.push(remains),
            Err(TryRecvError::Disconnected) if unburied.is_empty() => return,
            // The queue no longer blocks, so this is what keeps the loop from spinning.
            Err(TryRecvError::Disconnected) => thread::sleep(LOOK_AGAIN),
            Err(TryRecvError::Empty) => {}
        }
        for remains in unburied.extract_if(.., Remains::bury) {
            // Without the other thread the folder is dropped here.
            let _ = folders.send(remains.folder);
            drop(remains.gone);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::process::Command;

    use super::super::folder::{Folders, Purpose};
    use super::*;

    #[test]
    fn a_process_is_reaped_while_the_folder_of_another_run_is_removed() {
        let parent = tempfile::tempdir().unwrap();
        let folders = Folders::open(parent.path()).unwrap();
        let (cleaner, graveyard) = Cleaner::start().unwrap();
        let bury = |files: usize| {
            let folder = folders.lay_out("package task", Purpose::Run).unwrap();
            let path = folder.path().to_owned();
            for number in 0..files {
                File::create(path.join(number.to_string())).unwrap();
            }
            let mut remains = Remains::new(Command::new("true").spawn().unwrap(), folder).unwrap();
            let (gone, wait) = oneshot::channel();
            remains.gone = Some(gone);
            graveyard.send(remains).unwrap();
            (path, wait)
        };
        let (big, first) = bury(20_000);
        let (small, second) = bury(0);
        // Nothing is ever sent: both are dropped.
        assert!(first.blocking_recv().is_err() && second.blocking_recv().is_err());
        assert!(big.exists());
        drop(graveyard);
        drop(cleaner);
        assert!(!big.exists() && !small.exists());
    }
}
