//! Exports: the whole file is written anew, as it is after all changes that wait.

use std::fs::{File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::process;

use justiam_sdk::api::connected_systems::CsvSettings;
use tokio_util::sync::CancellationToken;

use super::person::{Texts, columns};
use super::rows::Rows;
use super::{Done, Halt, Tally, Work, blocking};
use crate::allowed_folders::Place;
use crate::store::connector_objects;

/// Who may read a new file: the server's user and group.
const MODE: u32 = 0o640;
/// What a file that is replaced keeps of its mode: nobody shall execute what comes from columns and users.
const KEPT: u32 = 0o666;

/// Writes the file beside its place and moves it there, so that readers see the old one or the new one.
pub(super) async fn run(work: &mut Work<'_>) -> Done<()> {
    let columns: Vec<String> = columns(&work.system.csv).into_iter().map(str::to_owned).collect();
    let new = New {
        folders: work.folders.clone(),
        path: work.file_path().to_owned(),
        csv: work.system.csv.clone(),
        delimiter: work.delimiter(),
        columns: columns.clone(),
        system: work.system.id,
        stop: work.stop.clone(),
    };
    let shown = new.path.clone();
    let unwritable = move |error: io::Error| Halt::Failed(format!("`{shown}` cannot be written: {error}"));
    let mut file = blocking(move || new.begin()).await?.map_err(Halt::Failed)?;
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
        file = blocking(move || file.append(&columns, &page)).await?.map_err(&unwritable)?;
    }
    // Asked for again right before the file is replaced.
    drop(work.page(0).await?);
    blocking(move || file.finish()).await?.map_err(&unwritable)?;
    let mut tx = work.page(0).await?;
    let counts = connector_objects::pending(&mut tx, work.system.id).await?;
    for (word, count) in [("added", counts.added), ("updated", counts.updated), ("removed", counts.removed)] {
        tally.add(word, usize::try_from(count).unwrap_or_default());
    }
    connector_objects::confirm(&mut tx, work.system.id).await?;
    work.commit(tx, 0, tally).await
}

/// A file that is to be written.
struct New {
    folders: crate::allowed_folders::AllowedFolders,
    path: String,
    csv: CsvSettings,
    delimiter: u8,
    columns: Vec<String>,
    system: i64,
    stop: CancellationToken,
}

impl New {
    fn begin(self) -> Result<Export, String> {
        let place = self.folders.place(&self.path)?;
        let mode = self.mode(&place)?;
        let unwritable = |error: io::Error| format!("`{}` cannot be written: {error}", self.path);
        // Of one connected system one export is at work, so what is left of others is of no use.
        let prefix = format!(".justiam-export-{}-", self.system);
        for left in place.beside(&prefix).map_err(unwritable)? {
            place.remove_beside(&left).map_err(unwritable)?;
        }
        let beside = Beside { name: format!("{prefix}{}", process::id()), place };
        let file = beside.place.create_beside(&beside.name).map_err(unwritable)?;
        let mut csv = csv::WriterBuilder::new().delimiter(self.delimiter).from_writer(file);
        csv.write_record(&self.columns).map_err(|error| unwritable(error.into()))?;
        Ok(Export { csv, beside, mode })
    }

    /// The mode of the new file. Whoever writes paths into settings shall not replace whatever lies in the folders: a file that is
    /// there must be empty, or look like one of this connected system.
    fn mode(&self, place: &Place) -> Result<u32, String> {
        let Some(old) = place.open()? else { return Ok(MODE) };
        let shown = &self.path;
        let metadata = old.metadata().map_err(|error| format!("`{shown}` cannot be read: {error}"))?;
        let mode = metadata.permissions().mode();
        if mode & 0o111 != 0 {
            return Err(format!("`{shown}` is executable, and an export replaces no programs"));
        }
        if metadata.len() > 0 {
            let rows = Rows::open(old, shown, self.delimiter, self.stop.clone());
            let is_own = rows.is_ok_and(|rows| {
                [&self.csv.id_column, &self.csv.email_column].iter().all(|column| rows.header().contains(column))
            });
            if !is_own {
                return Err(format!(
                    "`{shown}` is there already and its first row does not name `{}` and `{}`; an export replaces no other \
                     files: remove it, or choose another path",
                    self.csv.id_column, self.csv.email_column
                ));
            }
        }
        Ok(mode & KEPT)
    }
}

/// A file beside the place where it is to be. It goes when it is not moved there.
struct Beside {
    place: Place,
    name: String,
}

impl Drop for Beside {
    fn drop(&mut self) {
        if let Err(error) = self.place.remove_beside(&self.name) {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "a file that an export began could not be removed"
            );
        }
    }
}

/// An export that is at work.
struct Export {
    csv: csv::Writer<File>,
    beside: Beside,
    mode: u32,
}

impl Export {
    fn append(mut self, columns: &[String], page: &[(String, String)]) -> io::Result<Self> {
        for (_, json) in page {
            let texts: Texts = serde_json::from_str(json)?;
            let fields = columns.iter().map(|column| texts.get(column).map(String::as_str).unwrap_or_default());
            self.csv.write_record(fields)?;
        }
        Ok(self)
    }

    /// What has been moved into its place survives a power cut.
    fn finish(self) -> io::Result<()> {
        let file = self.csv.into_inner().map_err(csv::IntoInnerError::into_error)?;
        file.set_permissions(Permissions::from_mode(self.mode))?;
        file.sync_all()?;
        self.beside.place.replace_by(&self.beside.name)
    }
}
