//! What a script prints: read to its end, and handed to the run's log.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe::Receiver;

use super::super::log::Log;
use super::clues::Clues;

/// How much is read at a time.
const BUFFER: usize = 64 << 10;

/// A script that prints more is stopped: nobody will read it, and reading it costs the server.
pub(super) const MAX_PRINTED: u64 = 64 << 20;

/// Why no more is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Drained {
    /// Nobody can write any more.
    End,
    /// More than [`MAX_PRINTED`].
    Flood,
}

/// What was printed so far, and what it tells about the interpreter.
pub(super) struct Printed {
    log: Arc<Log>,
    total: u64,
    clues: Clues,
}

impl Printed {
    pub(super) fn new(log: Arc<Log>) -> Self {
        Self { log, total: 0, clues: Clues::default() }
    }

    /// Reads until the end or the limit.
    pub(super) async fn drain(&mut self, pipe: OwnedFd) -> Drained {
        let Ok(mut pipe) = Receiver::from_owned_fd(pipe) else { return Drained::End };
        let mut buffer = Vec::with_capacity(BUFFER);
        while let Ok(1..) = pipe.read_buf(&mut buffer).await {
            self.total += buffer.len() as u64;
            self.clues.read(&buffer);
            self.log.print(&buffer, self.clues.doubts());
            buffer.clear();
            if self.total > MAX_PRINTED {
                return Drained::Flood;
            }
        }
        Drained::End
    }

    /// How many bytes were printed.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// What the interpreter said among them.
    pub(super) fn clues(&self) -> &Clues {
        &self.clues
    }
}
