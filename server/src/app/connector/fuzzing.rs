//! What must hold of any CSV file.

use std::fs::File;
use std::io::{Seek as _, SeekFrom, Write as _};

use justiam_sdk::api::connected_systems::CsvSettings;
use rustix::fs::{MemfdFlags, memfd_create};
use tokio_util::sync::CancellationToken;

use super::person::{Content, Person, Places};
use super::rows::Rows;

/// A row: the line on which it begins, and its fields or what is wrong with them.
type Read = (u64, Result<Vec<String>, String>);

/// A file whose first byte says what parts the columns.
pub(crate) fn file(input: &[u8]) {
    let Some((first, file)) = input.split_first() else { return };
    let delimiter = b",;\t|"[usize::from(first & 3)];
    let Some((header, rows)) = read(file, delimiter, 100) else {
        return assert_eq!(read(file, delimiter, 1), None, "the size of a page makes no difference");
    };
    assert_eq!(
        read(file, delimiter, 1),
        Some((header.clone(), rows.clone())),
        "the size of a page makes no difference"
    );
    let lines = u64::try_from(file.split(|byte| *byte == b'\n').count()).expect("lines are few");
    assert!(rows.is_sorted_by(|(a, _), (b, _)| a < b), "each row begins on a line of its own");
    assert!(rows.iter().all(|(line, _)| (2..=lines).contains(line)), "rows begin behind the names of the columns");

    let good: Vec<Vec<String>> = rows.iter().filter_map(|(_, fields)| fields.clone().ok()).collect();
    assert!(good.iter().all(|fields| fields.len() == header.len()), "a row has as many fields as there are columns");
    for (_, fields) in &rows {
        assert!(fields.as_ref().err().is_none_or(|defect| (1..500).contains(&defect.len())), "{fields:?}");
    }
    users(&header, &good);

    // A byte order mark counts once: in front of a file.
    if header.first().is_some_and(|name| name.starts_with('\u{feff}')) {
        return;
    }
    let mut csv = csv::WriterBuilder::new().delimiter(delimiter).from_writer(Vec::new());
    for row in std::iter::once(&header).chain(&good) {
        csv.write_record(row).expect("memory can be written to");
    }
    let written = csv.into_inner().expect("memory can be written to");
    let (header_again, rows_again) = read(&written, delimiter, 100).expect("what was written can be read");
    let rows_again: Vec<_> = rows_again.into_iter().map(|(_, fields)| fields).collect();
    assert_eq!((header_again, rows_again), (header, good.into_iter().map(Ok).collect()), "what was written is read");
}

/// What a file is read as, in the order of its lines. `None` where it has no names of columns.
fn read(file: &[u8], delimiter: u8, page: usize) -> Option<(Vec<String>, Vec<Read>)> {
    let mut memory = File::from(memfd_create("csv", MemfdFlags::CLOEXEC).expect("a file in memory"));
    memory.write_all(file).expect("memory can be written to");
    memory.seek(SeekFrom::Start(0)).expect("a file in memory has a start");
    let mut rows = match Rows::open(memory, "people.csv", delimiter, CancellationToken::new()) {
        Ok(rows) => rows,
        Err(message) => {
            assert!(message.contains("`people.csv`"), "{message}");
            return None;
        }
    };
    let header = rows.header().to_vec();
    let mut all = Vec::new();
    loop {
        let page = rows.page(page).expect("memory can be read");
        if page.is_empty() {
            break;
        }
        all.extend(page.into_iter().map(|row| (row.line, row.fields)));
    }
    assert!(rows.is_unchanged().expect("memory can be looked at"));
    all.sort_by_key(|(line, _)| *line);
    Some((header, all))
}

/// What good rows say about users, in columns of the usual names and in those that come first.
fn users(header: &[String], rows: &[Vec<String>]) {
    let named = |name: &str| header.iter().any(|column| column == name).then(|| name.to_owned());
    let mut usual = CsvSettings::new("/people.csv", "id", "email");
    (usual.first_name_column, usual.last_name_column) = (named("first"), named("last"));
    (usual.active_column, usual.groups_column) = (named("active"), named("groups"));
    usual.attribute_columns.extend(named("title").map(|column| (column, "title".to_owned())));
    let column = |place: usize| header.get(place).cloned().unwrap_or_default();
    let first = CsvSettings::new("/people.csv", column(0), column(1));
    for (csv, is_delta) in [(&usual, true), (&usual, false), (&first, false)] {
        let places = match Places::find(csv, header, is_delta) {
            Ok(places) => places,
            Err(message) => {
                assert!(message.starts_with("the file has "), "{message}");
                continue;
            }
        };
        for fields in rows {
            match places.id(fields).and_then(|id| places.content(csv, id, fields)) {
                Ok(Content::Object(id, texts)) => {
                    assert!(!id.is_empty() && fields.contains(&id), "{id:?} is the id in one of the columns");
                    assert!(Person::read(csv, &texts).is_ok(), "an object says something about a user");
                }
                Ok(Content::Gone(id)) => assert!(is_delta && fields.contains(&id), "{id:?} is gone"),
                Err(message) => assert!((1..1000).contains(&message.chars().count()), "{message}"),
            }
        }
    }
}
