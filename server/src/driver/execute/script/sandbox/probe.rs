//! Tries what is forbidden, from inside: whether the layers hold on this machine, not whether they were accepted.
//!
//! It is the helper that tries, in place of becoming the interpreter; it takes milliseconds. Each attempt is harmless where it
//! succeeds.

use std::fs::{self, File};
use std::io;
use std::net::TcpListener;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::Command;

use super::super::channel::Report;

/// A file that every system has and no script needs.
const FOREIGN: &str = "/etc/passwd";

/// Tries something from the folder of a run.
type Attempt = fn(&Path) -> io::Result<()>;

/// What could be done that must not be possible, as the report of a run: a JSON list of texts.
pub(in super::super) fn found(folder: &Path) -> serde_json::Result<Vec<u8>> {
    let attempts: [(&str, Attempt); 6] = [
        ("reading /etc/passwd", |_| File::open(FOREIGN).map(drop)),
        ("listing the folder of all runs", |folder| fs::read_dir(folder.join("..")).map(drop)),
        ("writing outside the folder for temporary files", |folder| File::create(folder.join("probe")).map(drop)),
        ("starting a process", |_| start()),
        ("making a Unix socket", |_| UnixDatagram::unbound().map(drop)),
        ("listening on a port", |_| TcpListener::bind("127.0.0.1:0").map(drop)),
    ];
    let possible: Vec<&str> =
        attempts.iter().filter(|(_, attempt)| attempt(folder).is_ok()).map(|(what, _)| *what).collect();
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
