//! Imports: objects come from a file into the connector space.

use std::collections::{HashMap, HashSet};

use justiam_sdk::api::connected_systems::Direction;

use super::person::{Content, Places};
use super::rows::{Row, Rows};
use super::{Done, Halt, TRIES, Tally, Work, blocking, passes};
use crate::store::{self, connected_systems, connector_objects};

/// So many objects may be gone at once, however few there are.
const FEW: i64 = 10;

/// What a row of the file says.
enum Entry {
    /// An object as it is now, as a JSON object of texts.
    Object { id: String, json: String },
    /// An object that is gone.
    Gone { id: String },
    /// Something is wrong with an object; the one in the connector space stays as it is.
    Wrong { id: String, message: String },
    /// A row of which nobody knows what it is about.
    Unknown { line: u64, message: String },
}

impl Entry {
    fn id(&self) -> Option<&str> {
        match self {
            Self::Object { id, .. } | Self::Gone { id } | Self::Wrong { id, .. } => Some(id),
            Self::Unknown { .. } => None,
        }
    }
}

/// Reads the file. After a full import, objects that were not in it count as gone, if all rows could be read.
pub(super) async fn run(work: &mut Work<'_>, is_delta: bool) -> Done<()> {
    let (folders, path) = (work.folders.clone(), work.file_path().to_owned());
    let (delimiter, stop) = (work.delimiter(), work.stop.clone());
    let opened = blocking(move || Rows::open(folders.open(&path)?, &path, delimiter, stop)).await?;
    let mut rows = opened.map_err(|error| work.broken(error))?;
    let places = Places::find(&work.system.csv, rows.header(), is_delta).map_err(Halt::Failed)?;
    let mut tx = work.page(0).await?;
    let generation = connected_systems::next_generation(&mut tx, work.system.id).await?;
    let had = connector_objects::count_there(&mut tx, work.system.id).await?;
    tx.commit().await?;
    let generation = generation.ok_or_else(|| Halt::Failed("the connected system was deleted".into()))?;

    let size = usize::try_from(work.profile.page_size).unwrap_or(1);
    let (mut is_empty, mut unknown) = (true, 0);
    loop {
        let (back, page) = blocking(move || {
            let page = rows.page(size);
            (rows, page)
        })
        .await?;
        rows = back;
        let page = page.map_err(|error| work.broken(format!("the file cannot be read any more: {error}")))?;
        if page.is_empty() {
            break;
        }
        is_empty = false;
        let entries: Vec<Entry> = page.into_iter().map(|row| read(work, &places, row)).collect();
        unknown += entries.iter().filter(|entry| entry.id().is_none()).count();
        let mut left = TRIES;
        loop {
            left -= 1;
            match store(work, generation, &entries).await {
                Err(halt) if left > 0 && passes(&halt) => {}
                done => break done?,
            }
        }
    }
    if is_delta {
        return Ok(());
    }
    // What was read may be half of the old file and half of the new one.
    let is_unchanged = blocking(move || rows.is_unchanged()).await?;
    if !is_unchanged.map_err(|error| work.broken(format!("the file cannot be read any more: {error}")))? {
        return Err(Halt::Failed(
            "the file was changed while it was read, so no object was taken for gone; import it again, and write files \
             beside their place and move them there"
                .into(),
        ));
    }
    // A file that somebody has emptied by mistake must not lock everybody out.
    if is_empty && had > 0 {
        return Err(Halt::Failed(
            "the file has no objects, but the connector space has; a full import of nothing would count as the end of all of them"
                .into(),
        ));
    }
    if unknown > 0 {
        work.remark = Some(format!(
            "no object was taken for gone, because of {unknown} rows it is not known which objects they are about"
        ));
        return Ok(());
    }
    let mut tx = work.page(0).await?;
    let mut tally = Tally::default();
    let gone = connector_objects::remove_unseen(&mut tx, work.system.id, generation).await?;
    let gone = i64::try_from(gone).unwrap_or(i64::MAX);
    // The transaction is given up. Of an outbound connected system nobody is shut out: the next export writes what is missing.
    if work.system.direction == Direction::Inbound && gone > FEW && gone > had / 2 {
        return Err(Halt::Failed(format!(
            "{gone} of {had} objects are not in the file; a full import takes no more than half of them for gone, and no object was: \
             if they shall go, remove them with a delta import (`changeType` `delete`), or in several full imports"
        )));
    }
    tally.add("removed", usize::try_from(gone).unwrap_or(usize::MAX));
    work.commit(tx, 0, tally).await
}

fn read(work: &Work<'_>, places: &Places, row: Row) -> Entry {
    let line = row.line;
    let fields = match row.fields {
        Ok(fields) => fields,
        Err(message) => return Entry::Unknown { line, message },
    };
    let id = match places.id(&fields) {
        Ok(id) => id.to_owned(),
        Err(message) => return Entry::Unknown { line, message },
    };
    match places.content(&work.system.csv, &id, &fields) {
        Ok(Content::Object(id, texts)) => match serde_json::to_string(&texts) {
            Ok(json) => Entry::Object { id, json },
            Err(error) => Entry::Wrong { id, message: format!("{error} (line {line})") },
        },
        Ok(Content::Gone(id)) => Entry::Gone { id },
        Err(message) => Entry::Wrong { id, message: format!("{message} (line {line})") },
    }
}

/// Stores the objects of one page.
async fn store(work: &mut Work<'_>, generation: i64, entries: &[Entry]) -> Done<()> {
    let mut tx = work.page(entries.len()).await?;
    let system = work.system.id;
    let stored = connector_objects::seen(&mut tx, system, entries.iter().filter_map(Entry::id)).await?;
    let stored: HashMap<&str, &connector_objects::Seen> =
        stored.iter().map(|seen| (seen.external_id.as_str(), seen)).collect();
    let mut met = HashSet::new();
    let mut tally = Tally::default();
    let (mut new, mut seen, mut gone) = (Vec::new(), Vec::new(), Vec::new());
    for entry in entries {
        let Some(id) = entry.id() else {
            if let Entry::Unknown { line, message } = entry {
                tally.wrong(&format!("line {line}"), message);
            }
            continue;
        };
        let before = stored.get(id);
        if !met.insert(id) || before.is_some_and(|before| before.generation == generation) {
            tally.wrong(id, "stands in the file more than once; only its first row counts");
            continue;
        }
        let is_there = before.is_some_and(|before| !before.is_gone && before.imported.is_some());
        match entry {
            Entry::Object { json, .. } if is_there => {
                if before.and_then(|before| before.imported.as_ref()) == Some(json) {
                    tally.one("unchanged");
                    seen.push(id);
                } else {
                    tally.one("updated");
                    new.push((id.to_owned(), json.clone()));
                }
            }
            Entry::Object { json, .. } => {
                tally.one("added");
                new.push((id.to_owned(), json.clone()));
            }
            Entry::Gone { .. } if is_there => {
                tally.one("removed");
                gone.push(id);
            }
            Entry::Gone { .. } => tally.one("unchanged"),
            Entry::Wrong { message, .. } => {
                tally.wrong(id, message);
                seen.push(id);
            }
            Entry::Unknown { .. } => {}
        }
    }
    write(&mut tx, system, generation, (&new, &seen, &gone)).await?;
    work.commit(tx, entries.len(), tally).await
}

/// New and changed objects, those that were merely seen, and those that are gone.
type Sorted<'a> = (&'a [(String, String)], &'a [&'a str], &'a [&'a str]);

async fn write(tx: &mut store::Tx, system: i64, generation: i64, (new, seen, gone): Sorted<'_>) -> store::Result<()> {
    if !new.is_empty() {
        connector_objects::import(tx, system, generation, new).await?;
    }
    if !seen.is_empty() {
        connector_objects::touch(tx, system, generation, seen.iter().copied()).await?;
    }
    if !gone.is_empty() {
        connector_objects::remove(tx, system, generation, gone.iter().copied()).await?;
    }
    Ok(())
}
