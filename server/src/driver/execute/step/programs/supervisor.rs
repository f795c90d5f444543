//! The `step` sub-command: the process that the server starts for a step, which starts the step's program and outlives it.
//!
//! Whatever the program starts belongs to the supervisor: also a process that has made a session of its own, or whose parent has ended.
//! It ends all of them when the program has ended, when the server says so, and when the server is gone. Nothing that a program can do
//! reaches it: it is outside of the program's layers, and it reads nothing that comes from there.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{DumpableBehavior, Pid, PidfdFlags, Signal, WaitOptions, WaitStatus};

use super::super::super::script::sandbox::capabilities;
use super::order::{Ended, PROGRAM, SUPERVISOR, Word};
use super::tree::{self, Reach};

/// The most processes that a step may have at a time.
pub(super) const MOST_PROCESSES: usize = 256;

/// The most threads that all of them may have. To count a thread is as much work as to count a process.
pub(super) const MOST_THREADS: usize = 4096;

/// The niceness of whom the kernel lets run before all others.
const FIRST: i32 = -20;

/// How often they are counted.
const LOOK: Duration = Duration::from_millis(20);

/// How long to wait for processes that were killed before looking again.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// What the supervisor exits with when it could not begin.
const CANNOT_START: u8 = 126;

/// Tells whether a command line, without the program's name, calls for [`main`].
pub(super) fn is_meant<'a>(mut args: impl Iterator<Item = &'a OsString>) -> bool {
    args.next().is_some_and(|word| word == SUPERVISOR)
}

/// Starts the program and stays with it. The one argument after `step` is the grace between TERM and KILL in milliseconds.
pub(super) fn main(mut args: impl Iterator<Item = OsString>) -> ExitCode {
    let grace = args.next().and_then(|word| word.to_str()?.parse().ok()).map(Duration::from_millis);
    let Some(grace) = grace else { return ExitCode::from(CANNOT_START) };
    let Ok(server) = io::stdin().as_fd().try_clone_to_owned() else { return ExitCode::from(CANNOT_START) };
    let (reach, niceness) = match prepare() {
        Ok(prepared) => prepared,
        Err(error) => {
            let _ = unstartable(&error).say(File::from(server));
            return ExitCode::from(CANNOT_START);
        }
    };
    let mut ended = Ended { code: None, signal: None, stopped: false, crowd: false };
    // Until it is known, nobody's number but this process's own, which is never waited for.
    let mut program = rustix::process::getpid();
    let watched = start(&server, niceness).and_then(|started| {
        program = started;
        watch(program, &server, reach, grace, &mut ended)
    });
    end_the_rest(program, reach, &mut ended);
    let (word, code) = match watched {
        Ok(()) => (Word::Ended(ended), ExitCode::SUCCESS),
        Err(error) => (unstartable(&error), ExitCode::from(CANNOT_START)),
    };
    // A server that is gone needs no word.
    let _ = word.say(File::from(server));
    code
}

fn unstartable(error: &io::Error) -> Word {
    Word::Unstartable { step: "supervisor".to_owned(), error: error.to_string() }
}

/// Makes this process the keeper of all that will be below it. Tells also how nice it was before.
fn prepare() -> io::Result<(Reach, i32)> {
    // Signals for the server's group, such as a terminal's, are not for this process: the server decides when a step ends.
    rustix::process::setsid()?;
    let niceness = rustix::process::getpriority_process(None)?;
    go_first();
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    capabilities::drop_all()?;
    rustix::thread::set_no_new_privs(true)?;
    close_fds::set_fds_cloexec(3, &[]);
    Ok((Reach::confine(), niceness))
}

/// Who counts a crowd must not wait in line behind it: processes that fork without end would take all processors before the first look.
/// Only the privileged may go first. For everybody else but root the kernel ends the growth at the user's most processes.
fn go_first() {
    let _ = rustix::process::setpriority_process(None, FIRST);
    // Where the kernel divides the processors among sessions first, this is what counts.
    let _ = fs::write("/proc/self/autogroup", FIRST.to_string());
}

/// Starts the process that becomes the program.
fn start(server: &OwnedFd, niceness: i32) -> io::Result<Pid> {
    let child = Command::new("/proc/self/exe")
        .args([PROGRAM, &std::process::id().to_string(), &niceness.to_string()])
        .env_clear()
        // A library for PostgreSQL would look for passwords in the home of the server's user.
        .env("PGPASSFILE", "/dev/null")
        .stdin(server.try_clone()?)
        .spawn()?;
    // What is printed ends with those who print.
    let null = File::options().read(true).write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdin(&null)?;
    rustix::stdio::dup2_stdout(&null)?;
    rustix::stdio::dup2_stderr(&null)?;
    i32::try_from(child.id()).ok().and_then(Pid::from_raw).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// Waits until the program has ended, or asks it to end.
fn watch(program: Pid, server: &OwnedFd, reach: Reach, grace: Duration, ended: &mut Ended) -> io::Result<()> {
    let ending = rustix::process::pidfd_open(program, PidfdFlags::empty())?;
    let mut pause = LOOK;
    loop {
        let told = wait(&[(server, PollFlags::RDHUP), (&ending, PollFlags::IN)], pause)?;
        // What happened first is not known any more; that the program has ended by itself counts.
        if reap(program, ended) != Left::Program {
            return Ok(());
        }
        if told {
            ended.stopped = true;
            break;
        }
        let began = Instant::now();
        if tree::is_crowd(MOST_PROCESSES, MOST_THREADS) {
            ended.crowd = true;
            return Ok(());
        }
        // Whoever goes before all others must not look all the time.
        pause = LOOK.max(began.elapsed());
    }
    reach.signal(Signal::TERM);
    let end = Instant::now() + grace;
    // Others may still be about to end in good order when the program has ended.
    while reap(program, ended) != Left::Nobody {
        let rest = end.saturating_duration_since(Instant::now());
        if rest.is_zero() {
            break;
        }
        wait(&[], rest.min(LOOK_AGAIN))?;
    }
    Ok(())
}

/// Kills until nobody is left. A process that was killed cannot start others any more, so those who can become fewer each time.
fn end_the_rest(program: Pid, reach: Reach, ended: &mut Ended) {
    while reap(program, ended) != Left::Nobody {
        reach.signal(Signal::KILL);
        let _ = wait(&[], LOOK_AGAIN);
    }
}

/// Who has not ended yet.
#[derive(PartialEq, Eq)]
enum Left {
    Program,
    Others,
    Nobody,
}

/// Takes note of all who have ended, and of how the program did.
fn reap(program: Pid, ended: &mut Ended) -> Left {
    loop {
        match rustix::process::wait(WaitOptions::NOHANG) {
            Ok(Some((pid, status))) if pid == program => note(status, ended),
            Ok(Some(_)) | Err(Errno::INTR) => {}
            Ok(None) if ended.code.is_none() && ended.signal.is_none() => return Left::Program,
            Ok(None) => return Left::Others,
            Err(_) => return Left::Nobody,
        }
    }
}

fn note(status: WaitStatus, ended: &mut Ended) {
    (ended.code, ended.signal) = (status.exit_status(), status.terminating_signal());
}

/// Waits for one of these, up to a time. Tells whether it was the first.
fn wait(descriptors: &[(&OwnedFd, PollFlags)], at_most: Duration) -> io::Result<bool> {
    let mut polled: Vec<PollFd<'_>> = descriptors.iter().map(|(fd, flags)| PollFd::new(*fd, *flags)).collect();
    let at_most = Timespec::try_from(at_most).map_err(io::Error::other)?;
    match poll(&mut polled, Some(&at_most)) {
        Ok(_) | Err(Errno::INTR) => Ok(polled.first().is_some_and(|first| !first.revents().is_empty())),
        Err(error) => Err(error.into()),
    }
}
