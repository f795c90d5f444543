//! `justiam-server secrets …`

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Subcommand;

use super::{Done, Storage, keep_private, prepared, say};
use crate::app::App;
use crate::app::rotation::{AllUnreadable, KeyUse, Role, Rotation, SealedValues};
use crate::clock::SystemClock;
use crate::config::{Config, DataDir};
use crate::open::{SecretUse, open_app_for};
use crate::store::rotation::Kind;

/// How often to say how far it has come.
const TELL_EVERY: Duration = Duration::from_secs(2);

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Count by key what is encrypted, and tell what cannot be decrypted
    Status {
        #[command(flatten)]
        data: Storage,
        /// Print one JSON object instead of lines
        #[arg(long)]
        json: bool,
    },
    /// Encrypt again, under the server's secret, what is encrypted under older ones; servers may be at work meanwhile
    Rotate {
        #[command(flatten)]
        data: Storage,
        /// Make a new secret first, in the data folder of a server that is stopped
        #[arg(long)]
        new: bool,
    },
}

impl Command {
    pub(super) async fn run(self) -> Done {
        keep_private()?;
        match self {
            Self::Status { data, json } => status(&data.config()?, json).await,
            Self::Rotate { data, new } => rotate(&data.config()?, new).await,
        }
    }
}

async fn status(config: &Config, json: bool) -> Done {
    let app = open(config, &prepared(config)?).await?;
    let values = app.sealed_values().await;
    app.db.close().await;
    let values = values?;
    say(&if json { serde_json::to_string_pretty(&values)? } else { lines(&values) })?;
    match values.unreadable.count {
        0 => Ok(()),
        count => Err(format!("cannot be decrypted: {count}").into()),
    }
}

async fn rotate(config: &Config, new: bool) -> Done {
    let data_dir = prepared(config)?;
    let _alone = data_dir.lock_rotation()?;
    // Held until the end, so that no server starts before all that it finds is under its secret.
    let _stopped = if new { Some(replace_secret(config)?) } else { None };
    let app = open(config, &data_dir).await?;
    let mut told = Instant::now();
    let mut is_first = true;
    let rotated = app
        .rotate_secrets(|count| {
            if is_first || told.elapsed() >= TELL_EVERY {
                (is_first, told) = (false, Instant::now());
                // Whoever does not listen any more has still asked for the work.
                let _ = say(&format!("{count} values encrypted again"));
            }
        })
        .await;
    app.db.close().await;
    let rotated = rotated?;
    if config.jwt_secret.is_none() && !rotated.needs_older_secrets() {
        data_dir.forget_old_secrets()?;
    }
    report(&rotated)
}

/// Makes a new secret in the data folder, and keeps servers from using the folder while the value lives.
fn replace_secret(config: &Config) -> Result<DataDir, Box<dyn std::error::Error>> {
    if config.jwt_secret.is_some() || config.database_url.is_some() {
        return Err("--new makes a secret in the data folder, and this server has one that is named by a setting: put a new one there, \
                    name the old one with --old-jwt-secret-file or JWT_SECRET_OLD, and run this without --new"
            .into());
    }
    let held = DataDir::hold(&config.data_dir)?;
    let _setup = held.lock_setup()?;
    held.replace_secret()?;
    Ok(held)
}

async fn open(config: &Config, data_dir: &DataDir) -> Result<App, Box<dyn std::error::Error>> {
    Ok(open_app_for(SecretUse::Open, config, data_dir, Arc::new(SystemClock)).await?)
}

fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::TaskSecrets => "secrets of tasks",
        Kind::ConnectionStrings => "connection strings of steps",
        Kind::PendingConnectionStrings => "connection strings of steps that have not ended",
        Kind::KeptRequests => "requests kept for a repetition",
    }
}

fn sums(sealed: &BTreeMap<Kind, u64>) -> String {
    let sums: Vec<String> = sealed.iter().map(|(kind, count)| format!("{count} {}", name(*kind))).collect();
    if sums.is_empty() { "nothing".to_owned() } else { sums.join(", ") }
}

fn line(key: &KeyUse) -> String {
    let role = match key.role {
        Role::Newest => "the server's secret",
        Role::Older => "an older secret, which is named",
        Role::Unknown => "a secret that is not known here",
    };
    format!("key {} ({role}): {}", key.key, sums(&key.sealed))
}

fn lines(values: &SealedValues) -> String {
    let mut lines: Vec<String> = values.keys.iter().map(line).collect();
    lines.extend(unreadable(&values.unreadable));
    lines.join("\n")
}

/// A line for each of the first that cannot be decrypted.
fn unreadable(all: &AllUnreadable) -> Vec<String> {
    let mut lines: Vec<String> =
        all.first.iter().map(|one| format!("cannot be decrypted: {}: {}", one.what, one.why)).collect();
    let more = all.count - all.first.len() as u64;
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    lines
}

/// Tells what was done, and fails where something is left to do.
fn report(rotated: &Rotation) -> Done {
    let mut text = format!("encrypted again: {}", sums(&rotated.resealed));
    for line in rotated.left.iter().map(line).chain(unreadable(&rotated.unreadable)) {
        let _ = write!(text, "\n{line}");
    }
    say(&text)?;
    let left = rotated.left_in_all();
    let unreadable = rotated.unreadable.count;
    if left == 0 {
        return say("everything is encrypted under the server's secret; older ones are not needed any more");
    }
    Err(if left > unreadable {
        format!(
            "still encrypted under other secrets: {}; a server writes with one of these: start all servers with the new secret, and run \
             this again",
            left - unreadable
        )
    } else {
        format!(
            "cannot be decrypted with any of the secrets that are named or in the data folder: {unreadable}; name the secret that is missing, \
             or write these values again"
        )
    }
    .into())
}
