//! `justiam-server seed …`

use std::fs::File;
use std::io::Read as _;
use std::path::PathBuf;

use clap::Args;

use super::{Done, Storage, open_without_secret, say, tell_of_new};
use crate::app::Error;
use crate::config::DataDir;

/// The largest file that is read, in bytes.
const MAX_FILE: u64 = 64 * 1024 * 1024;

#[derive(Debug, Args)]
pub(super) struct Seed {
    #[command(flatten)]
    data: Storage,
    /// JSON file with users, sessions, devices, messages, access requests, presets, agent tokens and audit log entries
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

impl Seed {
    pub(super) async fn run(self) -> Done {
        let shown = self.file.display();
        let text = self.read().map_err(|error| format!("could not read {shown}: {error}"))?;
        let config = self.data.without_secret()?;
        let data_dir = DataDir::open(&config.data_dir)?;
        let is_new = config.database_url.is_none() && data_dir.is_new();
        let app = open_without_secret(&config, &data_dir).await?;
        let loaded = app.load_fixtures(&text).await;
        app.db.close().await;
        match loaded {
            Ok(loaded) => {
                if is_new {
                    tell_of_new(&config.data_dir)?;
                }
                for (kind, rows) in loaded {
                    say(&format!("{kind}: {rows}"))?;
                }
                Ok(())
            }
            Err(Error::Invalid(errors)) => {
                let mut text = format!("nothing was loaded: {shown} is wrong");
                for (path, messages) in errors.into_map() {
                    for message in messages {
                        text.push_str("\n  ");
                        text.push_str(&path);
                        text.push_str(if path.is_empty() { "" } else { " " });
                        text.push_str(&message);
                    }
                }
                Err(text.into())
            }
            Err(error) => Err(error.into()),
        }
    }

    fn read(&self) -> std::io::Result<Vec<u8>> {
        let mut text = Vec::new();
        let read = File::open(&self.file)?.take(MAX_FILE + 1).read_to_end(&mut text)?;
        if read as u64 > MAX_FILE {
            return Err(std::io::Error::other(format!("it is larger than {MAX_FILE} bytes")));
        }
        Ok(text)
    }
}
