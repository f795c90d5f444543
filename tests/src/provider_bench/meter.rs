//! Runs Terraform, and looks at the provider's processes meanwhile.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::programs::program;
use crate::terraform::{Workspace, said};

/// How often the processes are looked at. The kernel keeps the peak of each, so that only what one does after the last look is missed.
const LOOK: Duration = Duration::from_millis(20);

/// What one command of Terraform cost.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cost {
    /// From start to end.
    pub(super) took: Duration,
    /// The most memory that one of the provider's processes had, in KiB.
    pub(super) peak_kib: u64,
    /// Processor time of all of the provider's processes, to a hundredth of a second each.
    pub(super) processor: Duration,
}

/// Runs a command, which must end well.
pub(super) async fn measure(workspace: &Workspace, args: &[&str]) -> Cost {
    let provider = program("terraform-provider-justiam").canonicalize().unwrap();
    let begin = Instant::now();
    let child = workspace.spawn(args);
    let terraform = child.id().unwrap();
    let mut processes: HashMap<u32, (u64, u64)> = HashMap::new();
    let mut output = Box::pin(child.wait_with_output());
    let mut look = tokio::time::interval(LOOK);
    let output = loop {
        tokio::select! {
            output = &mut output => break output.unwrap(),
            _ = look.tick() => {
                for process in children(terraform) {
                    if fs::read_link(format!("/proc/{process}/exe")).is_ok_and(|exe| exe == provider) {
                        let seen = processes.entry(process).or_default();
                        *seen = (seen.0.max(peak_kib(process)), seen.1.max(ticks(process)));
                    }
                }
            }
        }
    };
    let took = begin.elapsed();
    let said = said(&output);
    assert_eq!(said.code, 0, "terraform {args:?}:\n{}", said.text.chars().take(4000).collect::<String>());
    Cost {
        took,
        peak_kib: processes.values().map(|(peak, _)| *peak).max().unwrap_or_default(),
        processor: Duration::from_millis(10 * processes.values().map(|(_, ticks)| *ticks).sum::<u64>()),
    }
}

/// The processes that a process has started, by whichever thread.
fn children(process: u32) -> Vec<u32> {
    let threads = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let lists = threads.map(|thread| text(&thread.path().join("children")));
    lists.flat_map(|list| list.split_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<u32>>()).collect()
}

fn peak_kib(process: u32) -> u64 {
    let status = text(Path::new(&format!("/proc/{process}/status")));
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or_default()
}

/// Processor time so far, in hundredths of a second.
fn ticks(process: u32) -> u64 {
    let stat = text(Path::new(&format!("/proc/{process}/stat")));
    // The name of the program, which may hold spaces, ends with the last bracket.
    let fields = stat.rsplit_once(')').map(|(_, fields)| fields).unwrap_or_default();
    fields.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum()
}

/// What a file of a process says; nothing where the process has ended.
fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}
