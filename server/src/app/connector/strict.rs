//! Finds the rows of a CSV file, and lets only those through whose quotation marks are right.
//!
//! The `csv` library takes misplaced quotation marks for text, and an open one for a field that ends with the file. The rows in
//! between would be lost in silence, and their objects would count as gone. So rows are looked at before it sees them.

use std::collections::VecDeque;
use std::io::{self, BufRead, Read};

/// The most bytes of one row.
const MAX_ROW: usize = 1 << 20;

/// After so many rows that cannot be read, they are to be taken away.
const MAX_DEFECTS: usize = 1000;
/// A row that stands for none: the library gives it back, and so whoever reads gets to take the defects away.
const PAUSE: &[u8] = b"\"\"\n";

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Where a look at a row's quotation marks has got to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before the first character of a field.
    Start,
    /// In a field without quotation marks.
    Plain,
    /// In a field that began with a quotation mark.
    Quoted,
    /// Behind a quotation mark in such a field: its end, or the first of two.
    Closing,
}

impl Place {
    /// Where a piece of a row leads from here. `None` where it has a quotation mark that does not belong there.
    fn through(self, piece: &[u8], delimiter: u8) -> Option<Self> {
        if !piece.contains(&b'"') {
            // Most rows have none.
            return Some(if self == Self::Quoted { Self::Quoted } else { Self::Plain });
        }
        piece.iter().try_fold(self, |place, &byte| match (place, byte) {
            (Self::Quoted, b'"') => Some(Self::Closing),
            (Self::Start | Self::Closing, b'"') | (Self::Quoted, _) => Some(Self::Quoted),
            (Self::Plain, b'"') => None,
            (_, byte) if byte == delimiter => Some(Self::Start),
            (Self::Start | Self::Plain, _) => Some(Self::Plain),
            (Self::Closing, _) => None,
        })
    }
}

/// A row that cannot be read, and the line on which it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Defect {
    pub(super) line: u64,
    pub(super) message: String,
}

/// What a row is that was handed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// A row of the file, which begins on this line.
    Line(u64),
    /// None: there are many defects to be taken away.
    Pause,
}

/// The good rows of a file, as bytes that end with line feeds.
pub(super) struct Strict<R> {
    source: R,
    delimiter: u8,
    /// The row that is handed on, and how much of it has been.
    row: Vec<u8>,
    given: usize,
    /// How many lines have been read.
    lines: u64,
    /// What the rows are that were handed on, in their order.
    begins: VecDeque<Next>,
    defects: Vec<Defect>,
}

impl<R: BufRead> Strict<R> {
    pub(super) fn new(source: R, delimiter: u8) -> Self {
        let (row, begins, defects) = (Vec::new(), VecDeque::new(), Vec::new());
        Self { source, delimiter, row, given: 0, lines: 0, begins, defects }
    }

    /// What the next of the rows is that were handed on.
    pub(super) fn next_begin(&mut self) -> Next {
        self.begins.pop_front().unwrap_or(Next::Pause)
    }

    /// The rows that were left out since this was asked last.
    pub(super) fn take_defects(&mut self) -> Vec<Defect> {
        std::mem::take(&mut self.defects)
    }

    /// Finds the next good row. `false` at the end of the file.
    fn next_row(&mut self) -> io::Result<bool> {
        loop {
            self.row.clear();
            self.given = 0;
            if self.defects.len() >= MAX_DEFECTS {
                self.row.extend_from_slice(PAUSE);
                self.begins.push_back(Next::Pause);
                return Ok(true);
            }
            let begin = self.lines + 1;
            match self.read_row()? {
                Found::End => return Ok(false),
                Found::Blank => {}
                Found::Row => {
                    self.begins.push_back(Next::Line(begin));
                    return Ok(true);
                }
                Found::Defect(message) => self.defects.push(Defect { line: begin, message }),
            }
        }
    }

    fn read_row(&mut self) -> io::Result<Found> {
        let mut place = Place::Start;
        loop {
            let before = self.row.len();
            let room = u64::try_from(MAX_ROW + 3 - before).unwrap_or_default();
            let read = (&mut self.source).take(room).read_until(b'\n', &mut self.row)?;
            if read == 0 {
                return Ok(match place {
                    Place::Quoted => Found::Defect("a quotation mark is opened and never closed".into()),
                    _ => Found::End,
                });
            }
            self.lines += 1;
            if self.lines == 1 && self.row.starts_with(BYTE_ORDER_MARK) {
                self.row.drain(..BYTE_ORDER_MARK.len());
            }
            let ended = self.row.ends_with(b"\n");
            let end =
                if self.row.ends_with(b"\r\n") { self.row.len() - 2 } else { self.row.len() - usize::from(ended) };
            if end > MAX_ROW {
                if !ended {
                    self.skip_line()?;
                }
                return Ok(Found::Defect(format!("has more than {MAX_ROW} bytes; is a quotation mark missing?")));
            }
            let Some(now) = self.row.get(before..end).and_then(|piece| place.through(piece, self.delimiter)) else {
                return Ok(Found::Defect(
                    "has a quotation mark in the wrong place: it must stand at both ends of a field, and twice inside one".into(),
                ));
            };
            place = now;
            if place != Place::Quoted {
                self.row.truncate(end);
                if self.row.is_empty() {
                    return Ok(Found::Blank);
                }
                self.row.push(b'\n');
                return Ok(Found::Row);
            }
        }
    }

    /// Leaves out the rest of a line.
    fn skip_line(&mut self) -> io::Result<()> {
        loop {
            let available = self.source.fill_buf()?;
            let end = available.iter().position(|byte| *byte == b'\n');
            let used = end.map_or(available.len(), |end| end + 1);
            self.source.consume(used);
            if end.is_some() || used == 0 {
                return Ok(());
            }
        }
    }
}

enum Found {
    Row,
    Blank,
    Defect(String),
    End,
}

impl<R: BufRead> Read for Strict<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.given == self.row.len() && !self.next_row()? {
            return Ok(0);
        }
        let read = self.row.get(self.given..).unwrap_or_default().read(buffer)?;
        self.given += read;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes through, and the lines of what does not.
    fn through(text: &str) -> (String, Vec<u64>) {
        let mut strict = Strict::new(text.as_bytes(), b',');
        let mut good = String::new();
        strict.read_to_string(&mut good).unwrap();
        (good, strict.take_defects().iter().map(|defect| defect.line).collect())
    }

    #[test]
    fn rows_with_quotation_marks_in_their_places_come_through() {
        for text in ["a,b\n", "\"a\",\"b\"\n", "\"\",\"x\"\"y\"\"\"\n\"a,b\",\"c\nd\"\n", "a,\n,\n"] {
            assert_eq!(through(text), (text.to_owned(), vec![]), "{text:?}");
        }
    }

    #[test]
    fn line_ends_of_all_kinds_are_read_and_blank_lines_and_the_byte_order_mark_left_out() {
        assert_eq!(through("\u{feff}\"a\",b\r\n\r\n\n\"c\r\nd\",e"), ("\"a\",b\n\"c\r\nd\",e\n".to_owned(), vec![]));
    }

    #[test]
    fn a_row_with_a_quotation_mark_in_the_wrong_place_is_left_out_alone() {
        for wrong in ["a\"b,c", "\"a\"b,c", "a,\"b\" ", "\"a\"\"\"\"b\"c,d"] {
            let (good, defects) = through(&format!("1,2\n{wrong}\n3,4\n"));
            assert_eq!((good.as_str(), defects), ("1,2\n3,4\n", vec![2]), "{wrong:?}");
        }
    }

    #[test]
    fn what_follows_an_open_quotation_mark_is_told_and_does_not_come_through() {
        assert_eq!(through("1,2\n3,\"4\n5,6\n7,8\n"), ("1,2\n".to_owned(), vec![2]));
        // The next one closes it, and something follows that must not.
        assert_eq!(through("1,\"2\n3,\"4\"\n5,6\n"), ("5,6\n".to_owned(), vec![1]));
    }

    #[test]
    fn a_row_without_end_takes_no_more_memory_than_its_limit() {
        let long = format!("1,2\n{}\n3,4\n\"{}", "x".repeat(3 * MAX_ROW), "y\n".repeat(MAX_ROW));
        let mut strict = Strict::new(long.as_bytes(), b',');
        let mut good = String::new();
        strict.read_to_string(&mut good).unwrap();
        assert!(good.starts_with("1,2\n3,4\n"), "{:?}", &good[..20]);
        assert!(strict.row.capacity() < 4 * MAX_ROW);
        let defects = strict.take_defects();
        assert_eq!(defects.iter().map(|defect| defect.line).collect::<Vec<_>>(), [2, 4]);
        assert_eq!(defects[0].message, "has more than 1048576 bytes; is a quotation mark missing?");
    }

    #[test]
    fn rows_know_the_lines_on_which_they_begin() {
        let mut strict = Strict::new("a\n\n\"b\nc\"\nd\"\ne\n".as_bytes(), b',');
        strict.read_to_string(&mut String::new()).unwrap();
        let begins = [strict.next_begin(), strict.next_begin(), strict.next_begin()];
        assert_eq!(begins, [1, 3, 6].map(Next::Line));
    }
}
