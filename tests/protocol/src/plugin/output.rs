//! What a process prints, read while it runs, so that it never waits for its reader.

use std::io::{BufRead as _, BufReader, Read};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// No line is longer: a program that prints no line break must not fill the memory.
const LONGEST: u64 = 1 << 20;

/// Standard output, line by line.
pub(super) struct Lines(Mutex<Receiver<String>>);

impl Lines {
    pub(super) fn of(pipe: impl Read + Send + 'static) -> Self {
        let (sender, lines) = channel();
        thread::spawn(move || {
            let mut pipe = BufReader::new(pipe);
            loop {
                let mut line = Vec::new();
                match pipe.by_ref().take(LONGEST).read_until(b'\n', &mut line) {
                    Ok(1..) if sender.send(String::from_utf8_lossy(&line).into_owned()).is_ok() => {}
                    _ => break,
                }
            }
        });
        Self(Mutex::new(lines))
    }

    /// The next line with its line break; empty at the end of the output, and none if nothing came in time.
    pub(super) fn next(&self, patience: Duration) -> Option<String> {
        match self.0.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(patience) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Disconnected) => Some(String::new()),
            Err(RecvTimeoutError::Timeout) => None,
        }
    }

    /// All that is left, up to the end of the output; none if it did not end in time.
    pub(super) fn rest(&self, patience: Duration) -> Option<String> {
        let deadline = Instant::now() + patience;
        let mut rest = String::new();
        loop {
            match self.next(deadline.saturating_duration_since(Instant::now()))? {
                line if line.is_empty() => return Some(rest),
                line => rest.push_str(&line),
            }
        }
    }
}

/// Standard error, as a whole.
pub(super) struct Text {
    bytes: Arc<Mutex<Vec<u8>>>,
    end: Mutex<Receiver<()>>,
}

impl Text {
    pub(super) fn of(mut pipe: impl Read + Send + 'static) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&bytes);
        let (sender, end) = channel::<()>();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = pipe.read(&mut buffer) {
                sink.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&buffer[..count]);
            }
            // Dropped with the thread: that is how the end is told.
            drop(sender);
        });
        Self { bytes, end: Mutex::new(end) }
    }

    /// What there is so far.
    pub(super) fn so_far(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }

    /// Waits for the end of the output. Whether it came in time.
    pub(super) fn has_ended(&self, patience: Duration) -> bool {
        let end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        end.recv_timeout(patience) == Err(RecvTimeoutError::Disconnected)
    }
}
