//! The processes below this one, and signals to them.

use std::fs;
use std::io;
use std::path::Path;

use landlock::{Ruleset, RulesetAttr as _, RulesetCreated, RulesetStatus, Scope};
use rustix::io::Errno;
use rustix::process::{Pid, Signal};

/// The processes below this one, except those that have just come into being; once there are more than `enough`, no more are looked for.
/// Whoever lost its parent is a child of this one, because it is the reaper of them all.
pub(super) fn descendants(enough: usize) -> Vec<Pid> {
    let own = rustix::process::getpid();
    let listed = Path::new("/proc/self/task").join(own.to_string()).join("children").exists();
    let all = if listed { Vec::new() } else { parents() };
    let children = |pid: Pid| {
        if listed {
            children(pid)
        } else {
            all.iter().filter(|(_, parent)| *parent == pid).map(|(child, _)| *child).collect()
        }
    };
    let mut found = children(own);
    let mut next = 0;
    while let Some(pid) = found.get(next).filter(|_| found.len() <= enough) {
        // One that moves up to this process meanwhile may be met twice.
        let more: Vec<Pid> = children(*pid).into_iter().filter(|child| !found.contains(child)).collect();
        found.extend(more);
        next += 1;
    }
    found
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
                for pid in descendants(usize::MAX) {
                    let _ = rustix::process::kill_process(pid, signal);
                }
            }
        }
    }
}

/// The children of all threads of a process, as the kernel lists them.
fn children(pid: Pid) -> Vec<Pid> {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    let lists = threads.flatten().filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
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
        assert!(descendants(usize::MAX).contains(&pid));
        assert!(parents().contains(&(pid, own)));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!descendants(usize::MAX).contains(&pid));
    }
}
