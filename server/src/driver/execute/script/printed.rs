//! What a script prints: read without end, kept within bounds.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;

use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe::Receiver;

use super::clues::Clues;

/// How much is kept of the beginning, and of the end.
const KEPT: usize = 64 << 10;

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
#[derive(Debug, Default)]
pub(super) struct Printed {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    total: u64,
    clues: Clues,
}

impl Printed {
    /// Reads until the end or the limit.
    pub(super) async fn drain(&mut self, pipe: OwnedFd) -> Drained {
        let Ok(mut pipe) = Receiver::from_owned_fd(pipe) else { return Drained::End };
        let mut buffer = Vec::with_capacity(KEPT);
        while let Ok(1..) = pipe.read_buf(&mut buffer).await {
            self.record(&buffer);
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

    fn record(&mut self, bytes: &[u8]) {
        self.total += bytes.len() as u64;
        self.clues.read(bytes);
        let (head, rest) = bytes.split_at(bytes.len().min(KEPT - self.head.len()));
        self.head.extend_from_slice(head);
        let kept = &rest[rest.len().saturating_sub(KEPT)..];
        let surplus = (self.tail.len() + kept.len()).saturating_sub(KEPT);
        self.tail.drain(..surplus);
        self.tail.extend(kept);
    }

    /// What was kept, up to `end` in the whole, with a line that says how much is missing.
    pub(super) fn into_log(mut self, end: Option<u64>) -> Vec<u8> {
        let end = end.map_or(self.total, |end| end.min(self.total));
        let missing_until = self.total - self.tail.len() as u64;
        let head_len = self.head.len() as u64;
        if end <= head_len {
            self.head.truncate(usize::try_from(end).unwrap_or(KEPT));
            return self.head;
        }
        let missing = missing_until.min(end) - head_len;
        if missing > 0 {
            self.head.extend_from_slice(format!("\n… {missing} bytes left out …\n").as_bytes());
        }
        let tail_len = usize::try_from(end.saturating_sub(missing_until)).unwrap_or(KEPT);
        self.head.extend(self.tail.iter().take(tail_len));
        self.head
    }
}

#[cfg(test)]
mod tests {
    use super::{KEPT, Printed};

    fn printed(pieces: &[&[u8]]) -> Printed {
        let mut printed = Printed::default();
        for piece in pieces {
            printed.record(piece);
        }
        printed
    }

    #[test]
    fn little_is_kept_whole() {
        assert_eq!(printed(&[b"one ", b"two"]).into_log(None), b"one two");
        assert_eq!(printed(&[b"one ", b"two"]).into_log(Some(5)), b"one t");
        assert_eq!(printed(&[]).into_log(None), b"");
    }

    #[test]
    fn up_to_two_parts_are_kept_whole() {
        let text: Vec<u8> = (0..=250).cycle().take(2 * KEPT).collect();
        assert_eq!(printed(&[&text]).into_log(None), text);
        assert_eq!(printed(&[&text[..KEPT + 7], &text[KEPT + 7..]]).into_log(None), text);
    }

    #[test]
    fn beginning_and_end_are_kept_of_much() {
        let text: Vec<u8> = (0..=250).cycle().take(5 * KEPT).collect();
        let mut expected = text[..KEPT].to_vec();
        expected.extend_from_slice(format!("\n… {} bytes left out …\n", 3 * KEPT).as_bytes());
        expected.extend_from_slice(&text[4 * KEPT..]);
        assert_eq!(printed(&[&text]).into_log(None), expected);
        let pieces: Vec<&[u8]> = text.chunks(1000).collect();
        assert_eq!(printed(&pieces).into_log(None), expected);
    }

    #[test]
    fn an_end_in_the_missing_part_leaves_the_beginning() {
        let text = vec![b'x'; 5 * KEPT];
        let end = 2 * KEPT as u64;
        let log = printed(&[&text]).into_log(Some(end));
        assert!(log.ends_with(format!("\n… {KEPT} bytes left out …\n").as_bytes()));
        let log = printed(&[&text]).into_log(Some(4 * KEPT as u64 + 3));
        assert!(log.ends_with("left out …\nxxx".as_bytes()));
    }
}
