//! The end of what a program prints.

use std::collections::VecDeque;

/// How much of it is kept, in bytes.
pub(super) const MAX_OUTPUT: usize = 64 << 10;

/// How much of an error is kept, in bytes.
pub(super) const MAX_ERROR: usize = 8 << 10;

/// The beginning of an error that is longer than [`MAX_ERROR`] bytes, or all of it.
pub(super) fn cut(mut error: String) -> String {
    let length = error.len();
    if length > MAX_ERROR {
        let tail = format!("… ({length} bytes, of which the rest is left out)");
        error.truncate(error.floor_char_boundary(MAX_ERROR - tail.len()));
        error.push_str(&tail);
    }
    error
}

/// Says that something was printed before.
const CUT: &str = "… (";

/// Takes everything in and keeps the end.
#[derive(Default)]
pub(super) struct Tail {
    kept: VecDeque<u8>,
    total: u64,
}

impl Tail {
    /// Takes in what was printed next.
    pub(super) fn print(&mut self, bytes: &[u8]) {
        self.total += bytes.len() as u64;
        let bytes = &bytes[bytes.len().saturating_sub(MAX_OUTPUT)..];
        self.kept.drain(..(self.kept.len() + bytes.len()).saturating_sub(MAX_OUTPUT));
        self.kept.extend(bytes);
    }

    /// What is kept, as text of at most [`MAX_OUTPUT`] bytes. Nothing where nothing was printed.
    pub(super) fn text(self) -> Option<String> {
        let Self { kept, total } = self;
        if total == 0 {
            return None;
        }
        // Databases have no null character in texts.
        let text = String::from_utf8_lossy(&Vec::from(kept)).replace('\0', "\u{fffd}");
        if total <= MAX_OUTPUT as u64 && text.len() <= MAX_OUTPUT {
            return Some(text);
        }
        let head = format!("{CUT}the beginning of {total} bytes is left out)\n");
        let mut start = text.len().saturating_sub(MAX_OUTPUT - head.len());
        // Where there are lines, whole ones are kept; else whole characters.
        start += text.as_bytes()[start..].iter().take(1 << 10).position(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let start = text.ceil_char_boundary(start);
        Some(format!("{head}{}", &text[start..]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tail(pieces: &[&[u8]]) -> Option<String> {
        let mut tail = Tail::default();
        for piece in pieces {
            tail.print(piece);
        }
        tail.text()
    }

    #[test]
    fn a_long_error_is_cut_and_says_so() {
        let whole = "x".repeat(MAX_ERROR);
        assert_eq!(cut(whole.clone()), whole);
        let error = cut("ü".repeat(MAX_ERROR));
        assert!(error.len() <= MAX_ERROR && error.len() > MAX_ERROR - 10, "{}", error.len());
        assert!(error.starts_with("üü") && error.ends_with("ü… (16384 bytes, of which the rest is left out)"));
    }

    #[test]
    fn little_is_kept_whole() {
        assert_eq!(tail(&[]), None);
        assert_eq!(tail(&[b"a\n", b"", b"b\xff\0"]).unwrap(), "a\nb\u{fffd}\u{fffd}");
        let full = "x".repeat(MAX_OUTPUT);
        assert_eq!(tail(&[full.as_bytes()]).unwrap(), full);
    }

    #[test]
    fn of_much_the_end_is_kept_and_it_says_so() {
        let lines = (0..100_000).map(|number| format!("line {number}\n")).collect::<Vec<_>>().concat();
        for pieces in [vec![lines.as_bytes()], lines.as_bytes().chunks(1000).collect()] {
            let text = tail(&pieces).unwrap();
            let (head, rest) = text.split_once('\n').unwrap();
            assert_eq!(head, format!("… (the beginning of {} bytes is left out)", lines.len()));
            assert!(rest.starts_with("line ") && rest.ends_with("line 99999\n") && text.len() <= MAX_OUTPUT);
            assert!(text.len() > MAX_OUTPUT - 2000);
        }
        let one = tail(&["ü".repeat(MAX_OUTPUT).as_bytes()]).unwrap();
        assert!(one.ends_with("üü") && one.len() <= MAX_OUTPUT);
        // A byte that is no text becomes three.
        let binary = tail(&[&vec![0xff; MAX_OUTPUT]]).unwrap();
        assert!(binary.starts_with(CUT) && binary.len() <= MAX_OUTPUT);
    }
}
