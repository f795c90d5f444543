//! What the server, the supervisor and the step's process tell each other.
//!
//! The supervisor and the process share one end of a socket whose other end is the server's. The server sends one order, which the
//! process reads, and closes its side to have the step stopped; what comes back is one JSON object a line. Nothing of an order is in a
//! command line or an environment: it may hold a password.

use std::io::{self, Read, Write};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::super::super::script::Layers;
use super::super::super::script::sandbox::Achieved;
use crate::store::origin::Origin;

/// The sub-command of the server that is the supervisor.
pub(super) const SUPERVISOR: &str = "step";

/// The sub-command of the server that becomes a step's program.
pub(super) const PROGRAM: &str = "step-program";

/// No order is longer: paths, arguments and a URL have limits of their own.
const MAX_ORDER: u32 = 1 << 20;

/// Everything that the process of a step needs.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Order {
    /// The folders that it may use.
    pub(super) folders: Vec<PathBuf>,
    /// Its own folder for temporary files.
    pub(super) temporary: PathBuf,
    /// Where it begins.
    pub(super) working_directory: PathBuf,
    /// What to put on of what the kernel has.
    pub(super) layers: Layers,
    /// Whether all layers are needed.
    pub(super) whole: bool,
    /// What to do then.
    pub(super) work: Work,
}

/// What a process does.
#[derive(Serialize, Deserialize)]
pub(super) enum Work {
    /// It becomes a program.
    Program {
        program: PathBuf,
        arguments: Vec<String>,
        /// A folder outside of the allowed ones that the program needs to run.
        home: Option<PathBuf>,
    },
    /// It stays the server's program and executes statements.
    Sql(SqlOrder),
}

/// Statements, and the database that they are meant for.
#[derive(Serialize, Deserialize)]
pub(super) struct SqlOrder {
    pub(super) script: PathBuf,
    /// May hold a password.
    pub(super) url: String,
    /// The file of an SQLite database.
    pub(super) file: Option<PathBuf>,
    /// The server's own database, which no step may use.
    pub(super) own: Origin,
    /// Rules on hosts in words; all hosts where there are none.
    pub(super) hosts: Vec<String>,
}

impl Order {
    /// Its bytes on the way.
    pub(super) fn bytes(&self) -> io::Result<Vec<u8>> {
        let text = serde_json::to_vec(self)?;
        let length = u32::try_from(text.len()).ok().filter(|length| *length <= MAX_ORDER);
        let length = length.ok_or_else(|| io::Error::other("the order is too long"))?;
        Ok([&length.to_be_bytes()[..], &text].concat())
    }

    /// Reads an order, and nothing that comes after it.
    pub(super) fn read(mut from: impl Read) -> io::Result<Self> {
        let mut length = [0; 4];
        from.read_exact(&mut length)?;
        let length = u32::from_be_bytes(length);
        if length > MAX_ORDER {
            return Err(io::Error::other("the order is too long"));
        }
        let mut text = vec![0; length as usize];
        from.read_exact(&mut text)?;
        Ok(serde_json::from_slice(&text)?)
    }
}

/// What the supervisor and the process say.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "method", content = "params", rename_all = "snake_case")]
pub(super) enum Word {
    /// The process has put on what there is.
    Isolated(Achieved),
    /// It could not become the program.
    Unstartable { step: String, error: String },
    /// All statements are executed and committed.
    Done(String),
    /// The statements, or one of them, could not be executed; nothing of them is left.
    Failed(String),
    /// The process has ended, and everything that it had started.
    Ended(Ended),
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ended {
    pub(super) code: Option<i32>,
    pub(super) signal: Option<i32>,
    /// It was told to, before it ended by itself.
    pub(super) stopped: bool,
    /// It was ended because it had too many processes.
    pub(super) crowd: bool,
}

impl Word {
    /// Writes it as a line, in one call.
    pub(super) fn say(&self, mut to: impl Write) -> io::Result<()> {
        let mut line = serde_json::to_vec(self)?;
        line.push(b'\n');
        to.write_all(&line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_read_as_it_was_given_and_what_follows_is_left() {
        let order = Order {
            folders: vec!["/srv/jobs".into()],
            temporary: "/var/lib/run-1".into(),
            working_directory: "/srv/jobs".into(),
            layers: Layers::default(),
            whole: true,
            work: Work::Program { program: "/srv/jobs/a".into(), arguments: vec!["x y".into()], home: None },
        };
        let mut bytes = order.bytes().unwrap();
        bytes.extend_from_slice(b"rest");
        let mut from = &bytes[..];
        let read = Order::read(&mut from).unwrap();
        assert_eq!(from, b"rest");
        assert_eq!(read.bytes().unwrap(), order.bytes().unwrap());
        assert!(Order::read(&[0xff, 0, 0, 0][..]).is_err());
    }
}
