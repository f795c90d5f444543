//! Exports: the whole file is written anew, as it is after all changes that wait.

use std::fs::{File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::person::{Texts, columns};
use super::{Done, Halt, Tally, Work, blocking};
use crate::store::connector_objects;

/// Who may read a new file, as far as the server's umask allows: its user and group. One that is replaced keeps its own.
const MODE: u32 = 0o640;

/// Writes the file beside its place and moves it there, so that readers see the old one or the new one.
pub(super) async fn run(work: &mut Work<'_>) -> Done<()> {
    let path = work.folders.resolve_new(work.file_path()).map_err(Halt::Failed)?;
    let shown = path.display().to_string();
    let unwritable = move |error: io::Error| Halt::Failed(format!("`{shown}` cannot be written: {error}"));
    let columns: Vec<String> = columns(&work.system.csv).into_iter().map(str::to_owned).collect();
    let (delimiter, header, target) = (work.delimiter(), columns.clone(), path.clone());
    let mut file = blocking(move || open(&target, delimiter, &header)).await?.map_err(&unwritable)?;
    let mut tally = Tally::default();
    let mut last = String::new();
    loop {
        // Nothing is written, but the activity says how far it has come.
        let mut tx = work.page(0).await?;
        let page = connector_objects::exported(&mut tx, work.system.id, &last, work.profile.page_size).await?;
        let size = page.len();
        let Some((id, _)) = page.last() else { break };
        last.clone_from(id);
        work.commit(tx, size, Tally::default()).await?;
        tally.add("exported", size);
        let columns = columns.clone();
        file = blocking(move || append(file, &columns, &page)).await?.map_err(&unwritable)?;
    }
    // Asked for again right before the file is replaced.
    drop(work.page(0).await?);
    blocking(move || finish(file, &path)).await?.map_err(&unwritable)?;
    let mut tx = work.page(0).await?;
    let counts = connector_objects::pending(&mut tx, work.system.id).await?;
    for (word, count) in [("added", counts.added), ("updated", counts.updated), ("removed", counts.removed)] {
        tally.add(word, usize::try_from(count).unwrap_or_default());
    }
    connector_objects::confirm(&mut tx, work.system.id).await?;
    work.commit(tx, 0, tally).await
}

type Writer = csv::Writer<NamedTempFile>;

fn open(path: &Path, delimiter: u8, header: &[String]) -> io::Result<Writer> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    let kept = path.metadata().ok().map(|old| old.permissions());
    let mut builder = tempfile::Builder::new();
    let builder = builder.prefix(".justiam-export-").permissions(Permissions::from_mode(MODE));
    let file = builder.tempfile_in(folder)?;
    if let Some(kept) = kept {
        file.as_file().set_permissions(kept)?;
    }
    let mut csv = csv::WriterBuilder::new().delimiter(delimiter).from_writer(file);
    csv.write_record(header)?;
    Ok(csv)
}

fn append(mut csv: Writer, columns: &[String], page: &[(String, String)]) -> io::Result<Writer> {
    for (_, json) in page {
        let texts: Texts = serde_json::from_str(json)?;
        csv.write_record(columns.iter().map(|column| texts.get(column).map(String::as_str).unwrap_or_default()))?;
    }
    Ok(csv)
}

/// What has been moved into its place survives a power cut.
fn finish(csv: Writer, path: &PathBuf) -> io::Result<()> {
    let file = csv.into_inner().map_err(csv::IntoInnerError::into_error)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    File::open(path.parent().unwrap_or(Path::new("/")))?.sync_all()
}
