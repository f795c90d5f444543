//! `justiam-server check`

use std::fmt::Write as _;

use clap::Args;

use super::{Done, Storage, prepared, say};
use crate::app::invariants::{self, Checked, Reach};
use crate::clock::{Clock as _, SystemClock};
use crate::config::Config;
use crate::store::Db;

/// One question at a time is enough.
const CONNECTIONS: u32 = 1;

#[derive(Debug, Args)]
pub(super) struct Check {
    #[command(flatten)]
    data: Storage,
    /// Print one JSON array instead of lines
    #[arg(long)]
    json: bool,
}

impl Check {
    pub(super) async fn run(self) -> Done {
        let db = open(&self.data.without_secret()?).await?;
        let now = db.time().await?.unwrap_or_else(|| SystemClock.now());
        let checked = invariants::check(&db, now, Reach::Whole).await;
        db.close().await;
        let checked = checked?;
        say(&if self.json { serde_json::to_string_pretty(&checked)? } else { lines(&checked) })?;
        match checked.iter().filter(|checked| checked.violations > 0).count() {
            0 => Ok(()),
            1 => Err("1 invariant is violated".into()),
            violated => Err(format!("{violated} invariants are violated").into()),
        }
    }
}

/// Opens a database that is there, beside a server that may be running. Needs no secret: nothing is decrypted.
async fn open(config: &Config) -> Result<Db, Box<dyn std::error::Error>> {
    if let Some(url) = &config.database_url {
        return Ok(Db::open_postgres(url, CONNECTIONS).await?);
    }
    Ok(Db::open_sqlite(&prepared(config)?.database()?).await?)
}

/// One line for each.
fn lines(checked: &[Checked]) -> String {
    let mut lines = String::new();
    for Checked { name, meaning, violations, examples, .. } in checked {
        let separator = if lines.is_empty() { "" } else { "\n" };
        let _ = if *violations == 0 {
            write!(lines, "{separator}{name}: ok")
        } else {
            let more = if *violations > examples.len() as u64 { ", …" } else { "" };
            write!(lines, "{separator}{name}: violated {violations}: {}{more} ({meaning})", examples.join(", "))
        };
    }
    lines
}
