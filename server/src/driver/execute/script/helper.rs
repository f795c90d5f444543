//! The `sandbox` sub-command: the process that the server starts for a run, until it becomes the interpreter.
//!
//! Everything that other programs do between fork and exec is done here, after exec, in a process of our own: no
//! `unsafe` and no rules about what may be called. It must be dispatched at the very top of `main`, before any thread
//! exists, because several of the settings are those of one thread and only the thread that calls exec survives it.

use std::env;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, ExitCode};

use rustix::process::{Pid, Resource, Rlimit, Signal};

use super::channel::Report;
use super::folder::TEMPORARY;
use super::order::{Order, SUB_COMMAND};
use super::sandbox::{Achieved, calls, capabilities, files, probe};

/// What the process exits with when it could not become the interpreter; as a shell does.
const CANNOT_START: u8 = 126;

/// The step at which a run ends whose server demands a whole sandbox.
pub(super) const NO_SANDBOX: &str = "sandbox";

/// The last step of all.
pub(super) const INTERPRETER: &str = "interpreter";

/// Address space that Go reserves and does not use, with one arena of the C library. The heap may take the rest, so this
/// limit is a backstop behind the look at what is really in use.
const RESERVED: u64 = 832 << 20;

/// How much the process stands back where others want the processor too. It gets a third of what the server gets; with much
/// less, scripts would hardly get on beside a busy neighbour.
const NICENESS: i32 = 5;

/// Tells whether a command line, without the program's name, calls for [`main`].
pub fn is_meant<'a>(mut args: impl Iterator<Item = &'a OsString>) -> bool {
    args.next().is_some_and(|word| word == SUB_COMMAND)
}

/// Becomes the interpreter, as told by the arguments after `sandbox`; returns only when that is not possible.
pub fn main(args: impl Iterator<Item = OsString>) -> ExitCode {
    // Kept apart from the script's descriptor: this one closes by itself when the interpreter starts.
    let server = io::stdin().as_fd().try_clone_to_owned();
    match obey(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            tell(server, &failure);
            ExitCode::from(CANNOT_START)
        }
    }
}

/// A step that did not work.
pub(in crate::driver::execute) struct Failure {
    pub(in crate::driver::execute) step: &'static str,
    pub(in crate::driver::execute) error: io::Error,
}

/// Names the step in which a call failed.
pub(in crate::driver::execute) trait Step<T> {
    fn at(self, step: &'static str) -> Result<T, Failure>;
}

impl<T, E: Into<io::Error>> Step<T> for Result<T, E> {
    fn at(self, step: &'static str) -> Result<T, Failure> {
        self.map_err(|error| Failure { step, error: error.into() })
    }
}

/// The steps, in the one order that works.
///
/// Each later restriction forbids something that an earlier step needs, and none can be taken back. Returns only from a
/// probe, or when something did not work.
fn obey(args: impl Iterator<Item = OsString>) -> Result<(), Failure> {
    let order = Order::read(args).map_err(io::Error::other).at("arguments")?;
    let policy = &order.policy;
    rustix::process::setsid().at("setsid")?;
    die_with(order.parent)?;
    let channel = take_channel()?;
    let mut rules = vec![0; policy.rules];
    File::from(channel.try_clone().at("channel")?).read_exact(&mut rules).at("rules on system calls")?;
    close_fds::set_fds_cloexec(3, &[channel.as_raw_fd()]);
    limit(&order)?;
    stand_back()?;
    let folder = env::current_dir().at("run folder")?;
    let temporary = folder.join(TEMPORARY);
    env::set_current_dir(&temporary).at("folder for temporary files")?;
    capabilities::drop_all().at("capabilities")?;
    rustix::thread::set_no_new_privs(true).at("no new privileges")?;
    let own = files::Own { program: &order.program, folder: &folder, writable: &temporary, network: policy.network };
    let landlock = if policy.landlock { files::close(&own).map_err(io::Error::other).at("landlock")? } else { 0 };
    let seccomp = calls::restrict(&rules, std::process::id()).at("seccomp")?;
    let achieved = Achieved { landlock, seccomp };
    say(&channel, &achieved.line().at("report")?).at("report")?;
    if policy.whole && !achieved.is_whole() {
        return Err(io::Error::other(achieved.missing())).at(NO_SANDBOX);
    }
    if policy.probe {
        return say(&channel, &probe::found(&folder, policy.network).at("report")?).at("report");
    }
    Err(start(&order, &channel, &folder, &temporary))
}

/// Ties the process to its parent, so that a server that is killed leaves no script behind.
pub(in crate::driver::execute) fn die_with(parent: i32) -> Result<(), Failure> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL)).at("parent death signal")?;
    // A parent that died before the call above sends no signal any more.
    if rustix::process::getppid() == Pid::from_raw(parent) {
        Ok(())
    } else {
        Err(io::Error::other("the process that started it is gone")).at("parent")
    }
}

/// Moves the server's socket from standard input to a descriptor that the interpreter inherits.
fn take_channel() -> Result<OwnedFd, Failure> {
    let channel = rustix::io::dup(io::stdin()).at("channel")?;
    rustix::stdio::dup2_stdin(File::open("/dev/null").at("/dev/null")?).at("stdin")?;
    Ok(channel)
}

fn limit(order: &Order) -> Result<(), Failure> {
    let policy = &order.policy;
    for (resource, most) in [
        (Resource::Core, 0),
        (Resource::Nofile, policy.open_files),
        (Resource::Stack, policy.stack),
        (Resource::Fsize, policy.file_size),
        // The soft limit only sends a signal, which Go's runtime swallows.
        (Resource::Cpu, policy.cpu_seconds),
        (Resource::As, (u64::from(policy.memory_mib) << 20) + RESERVED),
    ] {
        // Without privileges a limit can only be lowered.
        let most = rustix::process::getrlimit(resource).maximum.map_or(most, |maximum| maximum.min(most));
        rustix::process::setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) }).at("limits")?;
    }
    Ok(())
}

/// Where processor or memory are short, the server and its neighbours come first.
pub(in crate::driver::execute) fn stand_back() -> Result<(), Failure> {
    // Whatever started the server may have made it more modest already.
    let now = rustix::process::getpriority_process(None).at("priority")?;
    rustix::process::setpriority_process(None, now.max(NICENESS)).at("priority")?;
    // A machine that does not take this wish loses an order of victims, and no limit.
    let _ = fs::write("/proc/self/oom_score_adj", "1000");
    Ok(())
}

/// Replaces this process by the interpreter. Its environment is this list and nothing else: some of the interpreter's
/// restrictions can be lifted by variables.
fn start(order: &Order, channel: &OwnedFd, folder: &Path, temporary: &Path) -> Failure {
    let error = Command::new(&order.program)
        .args(&order.arguments)
        .env_clear()
        .env("GOPATH", folder)
        .env("HOME", temporary)
        .env("TMPDIR", temporary)
        .env("HOST_FD", channel.as_raw_fd().to_string())
        // More processors would only let a busy script take more of the machine; starting is no slower with one.
        .env("GOMAXPROCS", "1")
        // Go collects garbage in time to stay below. It is no limit, only a wish.
        .env("GOMEMLIMIT", format!("{}MiB", u64::from(order.policy.memory_mib) * 4 / 5))
        .env("MALLOC_ARENA_MAX", "1")
        .exec();
    Failure { step: INTERPRETER, error }
}

/// Reports over the channel, where no print of a script can be taken for it. A server that is gone needs no report.
fn tell(server: io::Result<OwnedFd>, failure: &Failure) {
    let report = Report::Unstartable { step: failure.step.to_owned(), error: failure.error.to_string() };
    if let (Ok(server), Ok(mut line)) = (server, serde_json::to_vec(&report)) {
        line.push(b'\n');
        let _ = say(&server, &line);
    }
}

/// Writes to the server; lines from here are short and find room in the socket.
fn say(server: &OwnedFd, line: &[u8]) -> io::Result<()> {
    File::from(server.try_clone()?).write_all(line)
}
