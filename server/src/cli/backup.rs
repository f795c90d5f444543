//! `justiam-server backup FILE`

use std::fs::File;
use std::path::{Path, PathBuf};

use clap::Args;

use super::{Done, Storage, prepared, say};
use crate::config::Config;
use crate::store;

#[derive(Debug, Args)]
pub(super) struct Backup {
    #[command(flatten)]
    data: Storage,
    /// Where to put the copy of the database; a file that does not exist
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

impl Backup {
    pub(super) async fn run(self) -> Done {
        let config = self.data.without_secret()?;
        if config.database_url.is_some() {
            return Err(
                "the data is in PostgreSQL, which has its own means: use `pg_dump --format=custom`, and keep the \
                        server's secret as well"
                    .into(),
            );
        }
        let database = prepared(&config)?.database()?;
        let bytes = write(&database, &self.file).await?;
        say(&format!("{}: {bytes} bytes\n{}", self.file.display(), self.secret(&config)))
    }

    /// Without the server's secret nobody can open what the copy has of secrets: it says where that is.
    fn secret(&self, config: &Config) -> String {
        let there: Vec<String> = ["jwt-secret", "jwt-secret.old"]
            .map(|name| config.data_dir.join(name))
            .iter()
            .filter(|file| file.exists())
            .map(|file| file.display().to_string())
            .collect();
        let set = |value: &str| !value.trim().is_empty();
        let keep = if let Some(file) = self.data.jwt_secret_file.as_ref().filter(|file| !file.as_os_str().is_empty()) {
            format!("keep {} as well, in another place.", file.display())
        } else if self.data.jwt_secret_command.as_deref().is_some_and(set) {
            "keep what --jwt-secret-command prints as well, in another place.".to_owned()
        } else if std::env::var_os("JWT_SECRET").is_some_and(|secret| !secret.is_empty()) {
            "keep the variable JWT_SECRET as well, in another place.".to_owned()
        } else if there.is_empty() {
            "the server's secret is not in this folder: keep what `serve` is given as well, in another place."
                .to_owned()
        } else {
            format!("keep {} as well, in another place.", there.join(" and "))
        };
        format!("The secrets of tasks in it are encrypted. What opens them is not in it: {keep}")
    }
}

/// Writes the copy aside and gives it its name once it is whole and on the disk. Whoever finds the name finds a backup.
async fn write(database: &Path, file: &Path) -> Result<u64, Box<dyn std::error::Error>> {
    let could_not = |error: &dyn std::fmt::Display| format!("could not write {}: {error}", file.display());
    let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if file.symlink_metadata().is_ok() {
        return Err(could_not(&"there is something already, and backups overwrite nothing").into());
    }
    // Readable by its owner alone, and gone if this is interrupted in good order.
    let aside = tempfile::Builder::new().prefix(".justiam-backup-").tempfile_in(parent);
    let aside = aside.map_err(|error| could_not(&error))?;
    store::backup::copy(database, aside.path()).await?;
    let written = File::open(aside.path())?;
    written.sync_all()?;
    let bytes = written.metadata()?.len();
    aside.persist_noclobber(file).map_err(|error| could_not(&error.error))?;
    File::open(parent)?.sync_all()?;
    Ok(bytes)
}
