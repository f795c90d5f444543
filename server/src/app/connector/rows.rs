//! Reads a CSV file row by row. The first row names the columns.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::time::SystemTime;

use tokio_util::sync::CancellationToken;

use super::strict::{Defect, Next, Strict};

/// A page ends early with so many bytes, so that rows of any length take little memory.
const PAGE_BYTES: usize = 8 << 20;
/// The most columns of a file.
const MAX_COLUMNS: usize = 1000;

/// A CSV file that is being read.
pub(super) struct Rows {
    csv: csv::Reader<Strict<BufReader<Source>>>,
    record: csv::ByteRecord,
    header: Vec<String>,
    /// The file as it was in the beginning.
    file: File,
    state: State,
}

/// What differs when somebody writes to a file.
type State = (u64, Option<SystemTime>);

/// A file that is read until somebody stops that, however long its lines are.
struct Source {
    file: File,
    stop: CancellationToken,
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.stop.is_cancelled() {
            return Err(io::Error::other("the work was stopped"));
        }
        self.file.read(buffer)
    }
}

/// A row, or what is wrong with it.
pub(super) struct Row {
    /// The line of the file on which it begins.
    pub(super) line: u64,
    /// One text for each column.
    pub(super) fields: Result<Vec<String>, String>,
}

impl From<Defect> for Row {
    fn from(defect: Defect) -> Self {
        Self { line: defect.line, fields: Err(defect.message) }
    }
}

impl Rows {
    /// Reads the names of a file's columns. The path is for texts.
    pub(super) fn open(file: File, shown: &str, delimiter: u8, stop: CancellationToken) -> Result<Self, String> {
        let unreadable = |error: io::Error| format!("`{shown}` cannot be read: {error}");
        let state = state(&file).map_err(unreadable)?;
        let source = Source { file: file.try_clone().map_err(unreadable)?, stop };
        let source = BufReader::with_capacity(1 << 16, source);
        let csv = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .has_headers(false)
            .flexible(true)
            // What comes out of `Strict` ends with it, and a carriage return elsewhere is a part of a field.
            .terminator(csv::Terminator::Any(b'\n'))
            .from_reader(Strict::new(source, delimiter));
        let mut rows = Self { csv, record: csv::ByteRecord::new(), header: Vec::new(), file, state };
        let first = rows.next().map_err(unreadable)?;
        let defect = rows.csv.get_mut().take_defects().into_iter().next().map(Row::from);
        let first = match first {
            Found::Row(row) => Some(row),
            Found::Pause | Found::End => None,
        };
        rows.header = match defect.or(first) {
            None => return Err(format!("`{shown}` is empty; its first row must name the columns")),
            Some(Row { line, .. }) if rows.record.len() > MAX_COLUMNS => {
                return Err(format!("line {line} of `{shown}` names more than {MAX_COLUMNS} columns"));
            }
            Some(Row { line, fields }) => {
                fields.map_err(|message| format!("the names of the columns in line {line} of `{shown}`: {message}"))?
            }
        };
        Ok(rows)
    }

    /// The names of the columns.
    pub(super) fn header(&self) -> &[String] {
        &self.header
    }

    /// Whether nobody has written to the file since it was opened.
    pub(super) fn is_unchanged(&self) -> io::Result<bool> {
        Ok(state(&self.file)? == self.state)
    }

    /// The next rows, about `count` of them. None are the end of the file.
    pub(super) fn page(&mut self, count: usize) -> io::Result<Vec<Row>> {
        let mut page = Vec::new();
        let mut bytes = 0;
        while page.len() < count && bytes < PAGE_BYTES {
            let found = self.next()?;
            bytes += self.record.as_slice().len() + self.record.len() * size_of::<String>();
            // Rows that cannot be read are noticed a little before the good ones around them.
            page.extend(self.csv.get_mut().take_defects().into_iter().map(Row::from));
            match found {
                Found::Row(row) => page.push(row),
                Found::Pause if page.is_empty() => {}
                Found::Pause | Found::End => break,
            }
        }
        Ok(page)
    }

    fn next(&mut self) -> io::Result<Found> {
        if !self.csv.read_byte_record(&mut self.record)? {
            return Ok(Found::End);
        }
        let line = match self.csv.get_mut().next_begin() {
            Next::Line(line) => line,
            Next::Pause => return Ok(Found::Pause),
        };
        let columns = if self.header.is_empty() { self.record.len() } else { self.header.len() };
        let fields = if self.record.len() != columns {
            Err(format!("has {} columns, and the first row has {columns}", self.record.len()))
        } else if columns > MAX_COLUMNS {
            // Only the first row, of which the caller says more.
            Ok(Vec::new())
        } else {
            texts(&self.record)
        };
        Ok(Found::Row(Row { line, fields }))
    }
}

/// What comes next in a file.
enum Found {
    Row(Row),
    /// Rows that cannot be read are to be taken away first.
    Pause,
    End,
}

fn state(file: &File) -> io::Result<State> {
    let metadata = file.metadata()?;
    Ok((metadata.len(), metadata.modified().ok()))
}

fn texts(record: &csv::ByteRecord) -> Result<Vec<String>, String> {
    let text = |(place, field): (usize, &[u8])| match std::str::from_utf8(field) {
        Ok(text) if text.contains('\0') => Err(format!("has a NUL character in column {}", place + 1)),
        Ok(text) => Ok(text.to_owned()),
        Err(_) => Err(format!("is not valid UTF-8 in column {}", place + 1)),
    };
    record.iter().enumerate().map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a file of these bytes is read as: a line number and the fields, or what is wrong.
    fn read(bytes: &[u8], count: usize) -> Result<Vec<(u64, String)>, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f.csv");
        std::fs::write(&path, bytes).unwrap();
        let mut rows = Rows::open(File::open(&path).unwrap(), "f.csv", b';', CancellationToken::new())?;
        let mut all = vec![(0, rows.header().join("|"))];
        loop {
            let page = rows.page(count).unwrap();
            if page.is_empty() {
                return Ok(all);
            }
            all.extend(page.into_iter().map(|row| {
                let text = row.fields.map_or_else(|defect| format!("! {defect}"), |fields| fields.join("|"));
                (row.line, text)
            }));
        }
    }

    #[test]
    fn rows_come_page_by_page_with_their_lines() {
        let text = "\u{feff}id;name\r\n1;\"a;\"\"b\"\"\nc\"\r\n\r\n2;\rx\n3;";
        let expected = [(0, "id|name"), (2, "1|a;\"b\"\nc"), (5, "2|\rx"), (6, "3|")];
        for count in [1, 2, 100] {
            let read = read(text.as_bytes(), count).unwrap();
            assert_eq!(read.iter().map(|(line, text)| (*line, text.as_str())).collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn rows_that_cannot_be_read_do_not_hide_others() {
        let mut read = read(b"id;name\n1;a\n2\n3;\"x\"y\n4;\xff\n5;b;c\n6;\0\n7;c\n8;\"d\n", 100).unwrap();
        read.sort();
        let expected = [
            (0, "id|name"),
            (2, "1|a"),
            (3, "! has 1 columns, and the first row has 2"),
            (
                4,
                "! has a quotation mark in the wrong place: it must stand at both ends of a field, and twice inside one",
            ),
            (5, "! is not valid UTF-8 in column 2"),
            (6, "! has 3 columns, and the first row has 2"),
            (7, "! has a NUL character in column 2"),
            (8, "7|c"),
            (9, "! a quotation mark is opened and never closed"),
        ];
        assert_eq!(read.iter().map(|(line, text)| (*line, text.as_str())).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_file_without_names_of_columns_is_refused() {
        for (bytes, message) in [
            (&b""[..], "`f.csv` is empty; its first row must name the columns"),
            (b"\r\n\n", "`f.csv` is empty; its first row must name the columns"),
            (b"id;\xff\n1;a\n", "the names of the columns in line 1 of `f.csv`: is not valid UTF-8 in column 2"),
        ] {
            assert_eq!(read(bytes, 1).unwrap_err(), message);
        }
        let columns = format!("{}x\n", "x;".repeat(MAX_COLUMNS));
        assert_eq!(read(columns.as_bytes(), 1).unwrap_err(), "line 1 of `f.csv` names more than 1000 columns");
        assert_eq!(read(&columns.as_bytes()[2..], 1).unwrap().len(), 1);
    }

    #[test]
    fn reading_stops_within_a_line_without_end() {
        let file = tempfile::tempfile().unwrap();
        file.set_len(1 << 40).unwrap();
        let stop = CancellationToken::new();
        let reading = std::thread::spawn({
            let stop = stop.clone();
            move || Rows::open(file, "f.csv", b',', stop).err()
        });
        stop.cancel();
        assert_eq!(reading.join().unwrap().unwrap(), "`f.csv` cannot be read: the work was stopped");
    }

    #[test]
    fn a_page_of_rows_that_cannot_be_read_is_no_longer_than_others() {
        let text = format!("id;name\n{}1;a\n", "x\"\n".repeat(5000));
        let path = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(path.path(), &text).unwrap();
        let mut rows = Rows::open(path.reopen().unwrap(), "f.csv", b';', CancellationToken::new()).unwrap();
        let mut sizes = Vec::new();
        loop {
            let page = rows.page(10).unwrap();
            if page.is_empty() {
                break;
            }
            sizes.push(page.len());
        }
        assert_eq!(sizes.iter().sum::<usize>(), 5001);
        assert!(sizes.iter().all(|size| *size <= 1001), "{sizes:?}");
        assert!(rows.is_unchanged().unwrap());
        std::fs::write(path.path(), "id;name\n").unwrap();
        assert!(!rows.is_unchanged().unwrap());
    }
}
