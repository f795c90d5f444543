//! The `step-program` sub-command: the process that the supervisor starts, until it becomes the step's program.
//!
//! As with scripts, everything happens in a process of our own, in the one order that works, and before any thread exists. A process for
//! SQL becomes no other program, but all the layers are put on before it reads a word of the script.

use std::env;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, ExitCode};

use rustix::process::{DumpableBehavior, Resource, Rlimit};

use super::super::super::script::helper::{Failure, Step as _, die_with, stand_back};
use super::super::super::script::sandbox::{Achieved, capabilities};
use super::order::{Order, PROGRAM, Word, Work};
use super::{calls, files, sql, tree};

/// The step at which the end is near because not all layers are there.
pub(super) const NO_SANDBOX: &str = "sandbox";

/// The last step of all.
pub(super) const START: &str = "start";

/// What the process exits with when it could not become the program; as a shell does.
const CANNOT_START: u8 = 126;

/// The most descriptors that a process may have open.
const OPEN_FILES: u64 = 4096;

/// How many processes and threads the user may have more than the whole machine had when the step started: far more than steps and
/// scripts need, and far fewer than a machine can bear. The kernel counts a user's in all containers, so less could be too few for
/// nobody's fault. It says nothing to root.
const USERS_MORE: u64 = 8192;

/// Where programs look for other programs.
const SEARCH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Tells whether a command line, without the program's name, calls for [`main`].
pub(super) fn is_meant<'a>(mut args: impl Iterator<Item = &'a OsString>) -> bool {
    args.next().is_some_and(|word| word == PROGRAM)
}

/// Does what the order says; returns only when there is nothing to become. The arguments are the number of the supervisor, and how nice it
/// was before it went first.
pub(super) fn main(mut args: impl Iterator<Item = OsString>) -> ExitCode {
    let mut number = || args.next().and_then(|word| word.to_str()?.parse().ok());
    let (supervisor, niceness) = (number(), number());
    // It closes by itself when the program starts.
    let server = io::stdin().as_fd().try_clone_to_owned();
    let (Some(supervisor), Some(niceness), Ok(server)) = (supervisor, niceness, server) else {
        return ExitCode::from(CANNOT_START);
    };
    match obey(supervisor, niceness, &server) {
        Ok(code) => code,
        Err(Failure { step, error }) => {
            // A server that is gone needs no word.
            let _ = say(&server, &Word::Unstartable { step: step.to_owned(), error: error.to_string() });
            ExitCode::from(CANNOT_START)
        }
    }
}

fn say(server: &OwnedFd, word: &Word) -> io::Result<()> {
    word.say(File::from(server.try_clone()?))
}

/// Returns only after the work of SQL, or when something did not work.
fn obey(supervisor: i32, niceness: i32, server: &OwnedFd) -> Result<ExitCode, Failure> {
    // Also a program that is for people shall find no terminal.
    rustix::process::setsid().at("setsid")?;
    die_with(supervisor)?;
    rustix::process::setpriority_process(None, niceness).at("priority")?;
    let null = File::open("/dev/null").at("/dev/null")?;
    rustix::stdio::dup2_stdin(&null).at("stdin")?;
    close_fds::set_fds_cloexec(3, &[]);
    let order = Order::read(File::from(server.try_clone().at("channel")?)).at("order")?;
    let processes = tree::all_threads().map(|all| (Resource::Nproc, all + USERS_MORE));
    for (resource, most) in [(Resource::Core, 0), (Resource::Nofile, OPEN_FILES)].into_iter().chain(processes) {
        // Without privileges a limit can only be lowered.
        let most = rustix::process::getrlimit(resource).maximum.map_or(most, |maximum| maximum.min(most));
        rustix::process::setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) }).at("limits")?;
    }
    stand_back()?;
    env::set_current_dir(&order.working_directory).at("working directory")?;
    capabilities::drop_all().at("capabilities")?;
    rustix::thread::set_no_new_privs(true).at("no new privileges")?;
    let landlock =
        if order.layers.landlock { files::close(&order).map_err(io::Error::other).at("landlock")? } else { 0 };
    let seccomp = calls::restrict(&order).at("seccomp")?;
    let achieved = Achieved { landlock, seccomp };
    say(server, &Word::Isolated(achieved)).at("report")?;
    if order.whole && !achieved.is_whole() {
        return Err(io::Error::other(achieved.missing())).at(NO_SANDBOX);
    }
    match &order.work {
        Work::Program { program, arguments, .. } => {
            interpretable(program).at(START)?;
            Err(become_program(program, arguments, &order.temporary)).at(START)
        }
        Work::Sql(sql) => {
            rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable).at("secrecy")?;
            let word = match sql::run(sql) {
                Ok(done) => Word::Done(done),
                Err(why) => Word::Failed(why),
            };
            say(server, &word).at("report")?;
            Ok(if matches!(word, Word::Done(_)) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
    }
}

/// The C library would hand a text without a first line that names an interpreter to a shell.
fn interpretable(program: &Path) -> io::Result<()> {
    let mut start = [0; 4];
    let length = File::open(program)?.read(&mut start)?;
    if start[..length].starts_with(b"#!") || start == *b"\x7fELF" {
        return Ok(());
    }
    Err(io::Error::other(
        "it is neither a program of this system nor a script that begins with `#!` and its interpreter",
    ))
}

/// Replaces this process. The environment is this list and nothing else.
fn become_program(program: &Path, arguments: &[String], temporary: &Path) -> io::Error {
    Command::new(program)
        .args(arguments)
        .env_clear()
        .env("PATH", SEARCH)
        .env("HOME", temporary)
        .env("TMPDIR", temporary)
        .env("LANG", "C.UTF-8")
        // PowerShell would otherwise open a socket for debuggers, look for a new version of itself, and tell that it is used.
        .env("DOTNET_EnableDiagnostics", "0")
        .env("POWERSHELL_TELEMETRY_OPTOUT", "1")
        .env("POWERSHELL_UPDATECHECK", "Off")
        .exec()
}
