//! Where the server's secret comes from: a file, what a command prints, or the environment. Never the command line, which everybody
//! on the machine can read.

use std::error::Error;
use std::io::Read as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use justiam_sdk::api::secrets::Secret;
use rustix::process::{Pid, Signal, kill_process_group};

use super::{secret, secret_file};
use crate::driver::execute::step::programs::words;

/// How long the command may take.
const LIMIT: Duration = Duration::from_secs(10);
/// How much it may print, in bytes.
const MAX_PRINTED: u64 = 64 * 1024;
/// How often to look whether it has ended, once it has closed its output.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// Secrets of the server that the command has no use for.
const OURS: [&str; 3] = ["JWT_SECRET", "JWT_SECRET_OLD", "DATABASE_URL"];

/// The server's secret. `None` where nobody names one.
pub(super) fn current(file: Option<&Path>, command: Option<&str>) -> Result<Option<Secret>, Box<dyn Error>> {
    // An empty variable counts as none.
    let file = file.filter(|file| !file.as_os_str().is_empty());
    match (file, command.filter(|command| !command.trim().is_empty())) {
        (Some(_), Some(_)) => Err("--jwt-secret-file (JUSTIAM_JWT_SECRET_FILE) and --jwt-secret-command \
                                   (JUSTIAM_JWT_SECRET_COMMAND) are both set; name one of them"
            .into()),
        (None, Some(command)) => {
            Ok(Some(printed_by(command, LIMIT).map_err(|why| format!("--jwt-secret-command: {why}"))?))
        }
        (file, None) => secret(file, "JWT_SECRET", "the JWT secret file"),
    }
}

/// Other secrets of the server: those of the files and those of the variable.
pub(super) fn old(files: &[PathBuf]) -> Result<Vec<Secret>, Box<dyn Error>> {
    let files = files.iter().filter(|file| !file.as_os_str().is_empty());
    let mut secrets: Vec<Secret> =
        files.map(|file| secret_file(file, "the file with an old JWT secret")).collect::<Result<_, _>>()?;
    let lines = std::env::var("JWT_SECRET_OLD").unwrap_or_default();
    secrets.extend(lines.lines().map(str::trim_end).filter(|line| !line.is_empty()).map(Secret::from));
    Ok(secrets)
}

/// What a command prints, without white space at its end. What it says on stderr goes to ours; what it prints is in no error.
fn printed_by(command: &str, limit: Duration) -> Result<Secret, String> {
    let words = words::split(command)?;
    let [program, arguments @ ..] = words.as_slice() else { return Err("the command is empty".to_owned()) };
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped());
    for name in OURS {
        command.env_remove(name);
    }
    // A group of its own, so that what it has started ends with it.
    let mut child =
        command.process_group(0).spawn().map_err(|error| format!("could not start `{program}`: {error}"))?;
    let Some((printed, status)) = finished(&mut child, Instant::now() + limit) else {
        let _ = kill_process_group(Pid::from_child(&child), Signal::KILL);
        let _ = child.wait();
        return Err(format!("`{program}` has not ended within {} s", limit.as_secs()));
    };
    if printed.len() as u64 > MAX_PRINTED {
        return Err(format!(
            "`{program}` has printed more than {MAX_PRINTED} bytes; a server's secret is a short text"
        ));
    }
    if !status.success() {
        return Err(format!("`{program}` has failed ({status})"));
    }
    match String::from_utf8(printed) {
        Ok(text) if text.trim_end().is_empty() => Err(format!("`{program}` has printed nothing")),
        Ok(text) => Ok(text.trim_end().into()),
        Err(_) => Err(format!("`{program}` has printed something that is no text in UTF-8")),
    }
}

/// What a process has printed, and how it has ended. `None` where that takes too long.
fn finished(child: &mut Child, end: Instant) -> Option<(Vec<u8>, ExitStatus)> {
    let output = child.stdout.take()?;
    let (sender, receiver) = mpsc::channel();
    // Whatever holds the other end of the pipe must not hold up this program.
    thread::spawn(move || {
        let mut printed = Vec::new();
        let read = output.take(MAX_PRINTED + 1).read_to_end(&mut printed);
        let _ = sender.send(read.map(|_| printed));
    });
    let printed = receiver.recv_timeout(end.saturating_duration_since(Instant::now())).ok()?.ok()?;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some((printed, status)),
            Ok(None) if Instant::now() < end => thread::sleep(LOOK_EVERY),
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(command: &str) -> Result<Secret, String> {
        printed_by(command, LIMIT)
    }

    #[test]
    fn what_a_command_prints_is_the_secret_without_the_end_of_the_line() {
        for (command, printed) in [
            ("printf 'one two\\n\\n'", "one two"),
            ("echo '  $HOME  *'", "  $HOME  *"),
            ("sh -c 'echo \"$1\"' sh 'a b'", "a b"),
        ] {
            assert_eq!(run(command).unwrap().expose(), printed, "{command}");
        }
    }

    #[test]
    fn what_goes_wrong_is_told_without_what_was_printed() {
        for (command, expected) in [
            ("", "the command is empty"),
            ("echo 'hunter2", "arguments: a quote `'` is not closed; write `\\'` for the character itself"),
            ("/no/such/program", "could not start `/no/such/program`: No such file or directory (os error 2)"),
            ("sh -c 'echo hunter2; exit 3'", "`sh` has failed (exit status: 3)"),
            ("true", "`true` has printed nothing"),
            ("printf '\\377hunter2'", "`printf` has printed something that is no text in UTF-8"),
            ("head -c 65537 /dev/zero", "`head` has printed more than 65536 bytes; a server's secret is a short text"),
        ] {
            assert_eq!(run(command).unwrap_err(), expected, "{command}");
        }
    }

    #[test]
    fn a_command_that_does_not_end_is_ended_with_all_that_it_has_started() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pid");
        // The first closes its output and stays, the second leaves a child that keeps it open.
        for (number, script) in ["exec >&-; sleep 60", "sleep 60 & echo $! > \"$0\"; exit 0"].into_iter().enumerate() {
            let command = format!("sh -c '{script}' '{}'", file.display());
            let error = printed_by(&command, Duration::from_secs(1)).unwrap_err();
            assert_eq!(error, "`sh` has not ended within 1 s", "{number}");
        }
        let pid = std::fs::read_to_string(file).unwrap().trim().to_owned();
        // A kill is under way for a moment.
        let end = Instant::now() + Duration::from_secs(10);
        loop {
            let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            if state.is_empty() || state.contains(") Z ") || state.contains(") X ") {
                break;
            }
            assert!(Instant::now() < end, "{state}");
            thread::sleep(LOOK_EVERY);
        }
    }

    #[test]
    fn a_command_gets_none_of_the_servers_secrets() {
        // Whatever the tests are run with.
        let printed = run("sh -c 'echo \"x${JWT_SECRET}${JWT_SECRET_OLD}${DATABASE_URL}\"'").unwrap();
        assert_eq!(printed.expose(), "x");
    }
}
