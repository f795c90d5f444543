//! What the kernel says about this process: memory, descriptors, threads, processor time.

use std::fs;

use rustix::param::{clock_ticks_per_second, page_size};
use rustix::process::{Resource, getrlimit};

/// What the kernel says about this process.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Process {
    /// When it began, in seconds since 1970.
    pub started_at: f64,
    /// Memory that it occupies, in bytes.
    pub resident_bytes: u64,
    /// Addresses that it has mapped, in bytes.
    pub virtual_bytes: u64,
    /// Processor time, in seconds.
    pub cpu_seconds: f64,
    /// Its threads.
    pub threads: u64,
    /// Its open files, sockets included.
    pub open_fds: u64,
    /// How many of these it may have; `None` where there is no limit.
    pub max_fds: Option<u64>,
}

impl Process {
    /// Looks now. `None` where `/proc` is not there.
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    pub fn look() -> Option<Self> {
        let stat = fs::read_to_string("/proc/self/stat").ok()?;
        // The name of the program stands in parentheses and may hold anything; what follows is numbers.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        // By the numbers of proc(5), of which the third is the first here.
        let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        let ticks = clock_ticks_per_second() as f64;
        let system = fs::read_to_string("/proc/stat").ok()?;
        let booted: u64 = system.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()?;
        Some(Self {
            started_at: booted as f64 + field(22)? as f64 / ticks,
            resident_bytes: field(24)? * page_size() as u64,
            virtual_bytes: field(23)?,
            cpu_seconds: (field(14)? + field(15)?) as f64 / ticks,
            threads: field(20)?,
            // One of them is the folder that is being read.
            open_fds: (fs::read_dir("/proc/self/fd").ok()?.count() as u64).saturating_sub(1),
            max_fds: getrlimit(Resource::Nofile).current,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_sees_its_own_files_and_memory() {
        let before = Process::look().unwrap();
        let files: Vec<_> = (0..10).map(|_| fs::File::open("/dev/null").unwrap()).collect();
        let after = Process::look().unwrap();
        assert!(after.open_fds >= before.open_fds + 5, "{before:?} {after:?}");
        drop(files);
        assert!(after.resident_bytes > 100_000 && after.virtual_bytes > after.resident_bytes, "{after:?}");
        assert!(after.threads >= 1 && after.max_fds.is_none_or(|max| max > after.open_fds), "{after:?}");
        assert!(after.started_at > 1_600_000_000.0, "{after:?}");
    }
}
