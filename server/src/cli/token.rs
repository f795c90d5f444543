//! `justiam-server token …`

use std::io::{self, Write as _};

use clap::Subcommand;
use jiff::Timestamp;
use justiam_sdk::api::ids::TokenId;
use rustix::fs::{FileType, fstat, stat};

use super::{Done, Storage, open_without_secret, prepared, say, tell_of_new};
use crate::app::caller::Permission;
use crate::app::tokens::NewToken;
use crate::app::{App, Error};
use crate::clock::{Clock as _, SystemClock};
use crate::config::DataDir;
use crate::store::tokens::Owned;

/// How many tokens are read from the database at a time.
const PAGE: i64 = 1000;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a token and print it, this one time
    Create(Box<Create>),
    /// Print all tokens without their texts, the newest first
    List {
        #[command(flatten)]
        data: Storage,
    },
    /// End a token at once, and the short tokens that it has made
    Revoke {
        #[command(flatten)]
        data: Storage,
        /// The token's id, as `token list` prints it
        #[arg(value_name = "ID")]
        id: TokenId,
    },
}

#[derive(Debug, clap::Args)]
pub(super) struct Create {
    #[command(flatten)]
    data: Storage,
    /// What to call the token
    #[arg(long)]
    name: String,
    /// Name of the service account that the token belongs to, which is made where it is missing; the token's name where absent. Runs and
    /// the audit log carry it
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
    #[arg(
        long,
        help = format!(
            "What the token may do, comma-separated; without it, all that its account may do. A new account gets the same: {}",
            Permission::names()
        ),
        value_delimiter = ',',
        required_unless_present_any = ["admin", "account"],
        conflicts_with = "admin",
        value_name = "LIST"
    )]
    permissions: Vec<Permission>,
    /// The token may do everything; so may its account, if that is new
    #[arg(long)]
    admin: bool,
    /// How long it is valid, from 1 to 365 days
    #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=365), value_name = "DAYS")]
    expires_in_days: u32,
}

impl Command {
    pub(super) async fn run(self) -> Done {
        match self {
            Self::Create(create) => create.run().await,
            Self::List { data } => {
                let app = open(&data).await?;
                let listed = list(&app).await;
                app.db.close().await;
                listed
            }
            Self::Revoke { data, id } => {
                let app = open(&data).await?;
                let revoked = app.revoke_any_token(id).await;
                app.db.close().await;
                say(if revoked? { "the token is revoked" } else { "the token had ended already" })
            }
        }
    }
}

impl Create {
    async fn run(self) -> Done {
        let config = self.data.without_secret()?;
        let data_dir = DataDir::open(&config.data_dir)?;
        let is_new = config.database_url.is_none() && data_dir.is_new();
        let app = open_without_secret(&config, &data_dir).await?;
        let account = self.account.unwrap_or_else(|| self.name.clone());
        let new = NewToken {
            name: self.name,
            permissions: self.permissions,
            is_admin: self.admin,
            expires_in_days: self.expires_in_days,
        };
        let made = app.create_token_for(&account, new, |issued| show(issued.token.expose())).await;
        app.db.close().await;
        match made {
            Ok(_) if is_new => tell_of_new(&config.data_dir),
            Ok(_) => Ok(()),
            Err(Error::Invalid(errors)) => {
                let texts: Vec<String> = errors
                    .into_map()
                    .into_iter()
                    .map(|(field, texts)| format!("{field} {}", texts.join(", ")))
                    .collect();
                Err(texts.join("; ").into())
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// Opens a database that is there.
async fn open(data: &Storage) -> Result<App, Box<dyn std::error::Error>> {
    let config = data.without_secret()?;
    Ok(open_without_secret(&config, &prepared(&config)?).await?)
}

async fn list(app: &App) -> Done {
    let now = SystemClock.now();
    let mut lines =
        vec![["ID", "ACCOUNT", "NAME", "PREFIX", "PERMISSIONS", "EXPIRES", "LAST USED", "STATE"].map(str::to_owned)];
    let mut offset = 0;
    loop {
        let page = app.all_tokens(offset, PAGE).await?;
        let is_last = i64::try_from(page.len()).unwrap_or_default() < PAGE;
        lines.extend(page.into_iter().map(|owned| line(owned, now)));
        if is_last {
            break;
        }
        offset += PAGE;
    }
    let mut widths = [0; 8];
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut text = String::new();
    for line in lines {
        let cells = line.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    say(text.trim_end())
}

fn line(owned: Owned, now: Timestamp) -> [String; 8] {
    let Owned { token, account } = owned;
    let state = match token.revoked_at {
        Some(at) => format!("revoked {}", whole(at)),
        None if token.expires_at <= now => "expired".into(),
        None if !account.is_enabled => "account disabled".into(),
        None => "valid".into(),
    };
    let permissions = match token.permissions {
        Some(names) => names.replace(' ', ","),
        None if account.is_admin => "admin".into(),
        None if account.permissions.is_empty() => "-".into(),
        None => account.permissions.join(","),
    };
    let used = token.last_used_at.map_or_else(|| "-".to_owned(), whole);
    [token.id.to_string(), account.name, token.name, token.prefix, permissions, whole(token.expires_at), used, state]
}

/// An instant without the parts of its second.
fn whole(at: Timestamp) -> String {
    Timestamp::from_second(at.as_second()).unwrap_or(at).to_string()
}

/// Prints what nobody will ever see again. An error where nobody sees it.
pub(super) fn show(text: &str) -> io::Result<()> {
    let mut out = io::stdout();
    if is_nowhere(&out)? {
        return Err(io::Error::other("standard output is closed or /dev/null"));
    }
    writeln!(out, "{text}")?;
    out.flush()
}

/// Whether all that is written goes away: also the place of a closed output, which Rust fills with `/dev/null` before a program begins.
fn is_nowhere(out: &io::Stdout) -> io::Result<bool> {
    let out = fstat(out)?;
    // Where there is none, nothing can be it.
    let Ok(null) = stat("/dev/null") else { return Ok(false) };
    let is_device = FileType::from_raw_mode(out.st_mode) == FileType::CharacterDevice;
    Ok(is_device && out.st_rdev == null.st_rdev)
}
