//! The processes below this one, and signals to them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use landlock::{Ruleset, RulesetAttr as _, RulesetCreated, RulesetStatus, Scope};
use rustix::io::Errno;
use rustix::process::{Pid, Signal};

/// Whether there are more processes below this one, or more threads of these, than there may be.
pub(super) fn is_crowd(most_processes: usize, most_threads: usize) -> bool {
    let (processes, threads) = descendants(most_processes, most_threads);
    processes.len() > most_processes || threads > most_threads
}

/// How many threads the machine has. A service may see a `/proc` that does not tell.
pub(super) fn all_threads() -> Option<u64> {
    let text = fs::read_to_string("/proc/loadavg").ok()?;
    text.split_ascii_whitespace().nth(3)?.split('/').nth(1)?.parse().ok()
}

/// The processes below this one, except those that have just come into being, and how many threads they have; once there are more than
/// these, no more are looked for. Whoever lost its parent is a child of this one, because it is the reaper of them all.
fn descendants(most_processes: usize, most_threads: usize) -> (Vec<Pid>, usize) {
    let own = rustix::process::getpid();
    let listed = Path::new("/proc/self/task").join(own.to_string()).join("children").exists();
    let all = if listed { Vec::new() } else { parents() };
    let children = |threads: &[PathBuf], pid: Pid| {
        if listed {
            children(threads)
        } else {
            all.iter().filter(|(_, parent)| *parent == pid).map(|(child, _)| *child).collect()
        }
    };
    let mut found = children(&threads(own, usize::MAX), own);
    let (mut next, mut of_found) = (0, 0);
    while let Some(pid) = found.get(next).copied().filter(|_| found.len() <= most_processes && of_found <= most_threads)
    {
        let threads = threads(pid, most_threads.saturating_sub(of_found).saturating_add(1));
        of_found += threads.len();
        // One that moves up to this process meanwhile may be met twice.
        let more: Vec<Pid> = children(&threads, pid).into_iter().filter(|child| !found.contains(child)).collect();
        found.extend(more);
        next += 1;
    }
    (found, of_found)
}

/// How the processes below this one are told to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// The kernel keeps this process's signals among those below it, so all of them are told at once: nobody can get away by starting
    /// another one meanwhile.
    Whole,
    /// One after the other, as they are found.
    Found,
}

impl Reach {
    /// Has the kernel keep signals of this process and of those below it among them, from Linux 6.12 on.
    pub(super) fn confine() -> Self {
        let confined = Ruleset::default()
            .scope(Scope::Signal)
            .and_then(Ruleset::create)
            .and_then(RulesetCreated::restrict_self)
            .is_ok_and(|status| status.ruleset == RulesetStatus::FullyEnforced);
        // Not only what the kernel says counts: without this, a signal to all would be one to everything of the server's user.
        let parent = rustix::process::getppid();
        let refused = |parent| rustix::process::test_kill_process(parent) == Err(Errno::PERM);
        if confined && parent.is_some_and(refused) { Self::Whole } else { Self::Found }
    }

    /// Sends a signal to all. One that is gone needs none.
    pub(super) fn signal(self, signal: Signal) {
        match self {
            // The group of this number stands for all processes.
            Self::Whole => _ = rustix::process::kill_process_group(Pid::INIT, signal),
            Self::Found => {
                for pid in descendants(usize::MAX, usize::MAX).0 {
                    let _ = rustix::process::kill_process(pid, signal);
                }
            }
        }
    }
}

/// The folders of a process's threads, or of so many of them.
fn threads(pid: Pid, at_most: usize) -> Vec<PathBuf> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    threads.map(|thread| thread.path()).take(at_most).collect()
}

/// The children of threads, as the kernel lists them.
fn children(threads: &[PathBuf]) -> Vec<Pid> {
    let lists = threads.iter().filter_map(|thread| fs::read_to_string(thread.join("children")).ok());
    lists.flat_map(|list| list.split_ascii_whitespace().filter_map(number).collect::<Vec<_>>()).collect()
}

/// All processes of the machine with their parents, for kernels that do not list children.
fn parents() -> Vec<(Pid, Pid)> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| Some((number(entry.file_name().to_str()?)?, parent(&entry.path()).ok()??))).collect()
}

fn parent(process: &Path) -> io::Result<Option<Pid>> {
    let stat = fs::read(process.join("stat"))?;
    // The name, in parentheses, may hold anything; behind it are the state and the parent.
    let after = stat.rsplit(|byte| *byte == b')').next().unwrap_or_default();
    Ok(str::from_utf8(after).ok().and_then(|text| number(text.split_ascii_whitespace().nth(1)?)))
}

fn number(text: &str) -> Option<Pid> {
    text.parse().ok().and_then(Pid::from_raw)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_child_is_found_in_both_ways() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).unwrap();
        let own = rustix::process::getpid();
        assert!(descendants(usize::MAX, usize::MAX).0.contains(&pid));
        assert!(parents().contains(&(pid, own)));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!descendants(usize::MAX, usize::MAX).0.contains(&pid));
    }

    #[test]
    fn threads_are_counted_no_further_than_they_matter() {
        let own = rustix::process::getpid();
        assert!(all_threads().unwrap() >= threads(own, usize::MAX).len() as u64);
        assert_eq!((threads(own, 0).len(), threads(own, 1).len()), (0, 1));
    }
}
