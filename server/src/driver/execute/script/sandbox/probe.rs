//! Tries what is forbidden, from inside: whether the layers hold on this machine, not whether they were accepted.
//!
//! It is the helper that tries, in place of becoming the interpreter; it takes milliseconds. Each attempt is harmless where it
//! succeeds.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::Command;

use super::super::channel::Report;
use super::Network;

/// A file that every system has and no script needs.
const FOREIGN: &str = "/etc/passwd";

/// Tries something from the folder of a run.
type Attempt = fn(&Path) -> io::Result<()>;

/// What is forbidden to every script.
const ATTEMPTS: [(&str, Attempt); 8] = [
    ("reading /etc/passwd", |_| File::open(FOREIGN).map(drop)),
    ("listing the folder of all runs", |folder| fs::read_dir(folder.join("..")).map(drop)),
    ("writing outside the folder for temporary files", |folder| File::create(folder.join("probe")).map(drop)),
    ("reading the server's environment", |_| look_into_the_server()),
    ("sending the server a signal", |_| signal_the_server()),
    ("starting a process", |_| start()),
    ("making a Unix socket", |_| UnixDatagram::unbound().map(drop)),
    ("listening on a port", |_| TcpListener::bind("127.0.0.1:0").map(drop)),
];

/// What could be done that must not be possible, as the report of a run: a JSON list of texts.
pub(in super::super) fn found(folder: &Path, network: Network) -> serde_json::Result<Vec<u8>> {
    let mut possible: Vec<&str> =
        ATTEMPTS.iter().filter(|(_, attempt)| attempt(folder).is_ok()).map(|(what, _)| *what).collect();
    if network != Network::All && dial().is_ok() {
        possible.push("dialling");
    }
    let output = serde_json::to_vec(&possible)?;
    let mut message = serde_json::to_vec(&Report::Returned { bytes: output.len() as u64 })?;
    message.push(b'\n');
    message.extend(output);
    Ok(message)
}

/// The file is no program, so at most a process comes into being that ends at once: then the system says something else.
fn start() -> io::Result<()> {
    match Command::new(FOREIGN).spawn() {
        Err(error) if error.raw_os_error() == Some(libc::EPERM) => Err(error),
        _ => Ok(()),
    }
}

/// Nobody need listen there: it is enough that somebody could have been asked.
fn dial() -> io::Result<()> {
    match TcpStream::connect("127.0.0.1:1") {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Err(error),
        _ => Ok(()),
    }
}

/// A signal that does nothing where it arrives.
fn signal_the_server() -> io::Result<()> {
    match rustix::process::getppid() {
        Some(server) => Ok(rustix::process::test_kill_process(server)?),
        None => Err(ErrorKind::NotFound.into()),
    }
}

fn look_into_the_server() -> io::Result<()> {
    let server = rustix::process::getppid().ok_or(ErrorKind::NotFound)?;
    File::open(format!("/proc/{}/environ", server.as_raw_nonzero()))?.read_exact(&mut [0])
}
