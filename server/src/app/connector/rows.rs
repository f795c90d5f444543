//! Reads a CSV file row by row. The first row names the columns.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::Path;

use super::strict::{Defect, Strict};

/// A page ends early with so many bytes, so that rows of any length take little memory.
const PAGE_BYTES: usize = 8 << 20;

/// A CSV file that is being read.
pub(super) struct Rows {
    csv: csv::Reader<Strict<BufReader<File>>>,
    record: csv::ByteRecord,
    header: Vec<String>,
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
    /// Opens a file and reads the names of its columns.
    pub(super) fn open(path: &Path, delimiter: u8) -> Result<Self, String> {
        let shown = path.display();
        let unreadable = |error: io::Error| format!("`{shown}` cannot be read: {error}");
        // Before it is opened, because opening a pipe waits for somebody who writes.
        if !path.metadata().map_err(unreadable)?.is_file() {
            return Err(format!("`{shown}` is not a file"));
        }
        let source = BufReader::with_capacity(1 << 16, File::open(path).map_err(unreadable)?);
        let csv = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .has_headers(false)
            .flexible(true)
            // What comes out of `Strict` ends with it, and a carriage return elsewhere is a part of a field.
            .terminator(csv::Terminator::Any(b'\n'))
            .from_reader(Strict::new(source, delimiter));
        let mut rows = Self { csv, record: csv::ByteRecord::new(), header: Vec::new() };
        let first = rows.next().map_err(unreadable)?;
        let defect = rows.csv.get_mut().take_defects().into_iter().next().map(Row::from);
        rows.header = match defect.or(first) {
            None => return Err(format!("`{shown}` is empty; its first row must name the columns")),
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

    /// The next rows, about `count` of them. None are the end of the file.
    pub(super) fn page(&mut self, count: usize) -> io::Result<Vec<Row>> {
        let mut page = Vec::new();
        let mut bytes = 0;
        while page.len() < count && bytes < PAGE_BYTES {
            let row = self.next()?;
            bytes += self.record.as_slice().len();
            let is_last = row.is_none();
            // Rows that cannot be read are noticed a little before the good ones around them.
            page.extend(self.csv.get_mut().take_defects().into_iter().map(Row::from));
            page.extend(row);
            if is_last {
                break;
            }
        }
        Ok(page)
    }

    fn next(&mut self) -> io::Result<Option<Row>> {
        if !self.csv.read_byte_record(&mut self.record)? {
            return Ok(None);
        }
        let line = self.csv.get_mut().next_line();
        let columns = if self.header.is_empty() { self.record.len() } else { self.header.len() };
        let fields = if self.record.len() == columns {
            texts(&self.record)
        } else {
            Err(format!("has {} columns, and the first row has {columns}", self.record.len()))
        };
        Ok(Some(Row { line, fields }))
    }
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
        let shown = path.display().to_string();
        let mut rows = Rows::open(&path, b';').map_err(|error| error.replace(&shown, "f.csv"))?;
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
        let folder = tempfile::tempdir().unwrap();
        assert!(Rows::open(folder.path(), b',').err().unwrap().ends_with("is not a file"));
        let missing = Rows::open(&folder.path().join("x"), b',').err().unwrap();
        assert!(missing.ends_with("cannot be read: No such file or directory (os error 2)"), "{missing}");
    }
}
