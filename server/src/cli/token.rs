//! `justiam-server token …`

use std::sync::Arc;

use clap::Subcommand;

use super::{Done, Storage, say, tell_of_new};
use crate::app::Error;
use crate::app::caller::Permission;
use crate::app::tokens::NewToken;
use crate::clock::SystemClock;
use crate::config::DataDir;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a token and print it, this one time
    Create {
        #[command(flatten)]
        data: Storage,
        /// What to call the token; runs that it triggers carry this name
        #[arg(long)]
        name: String,
        #[arg(
            long,
            help = format!("What the token may do, comma-separated: {}", Permission::names()),
            value_delimiter = ',',
            required_unless_present = "admin",
            conflicts_with = "admin",
            value_name = "LIST"
        )]
        permissions: Vec<Permission>,
        /// The token may do everything
        #[arg(long)]
        admin: bool,
        /// How long it is valid, from 1 to 365 days
        #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=365), value_name = "DAYS")]
        expires_in_days: u32,
    },
}

impl Command {
    pub(super) async fn run(self) -> Done {
        let Self::Create { data, name, permissions, admin, expires_in_days } = self;
        let config = data.config()?;
        let data_dir = DataDir::open(&config.data_dir)?;
        let is_new = config.database_url.is_none() && data_dir.is_new();
        let app = crate::open_app(&config, &data_dir, Arc::new(SystemClock)).await?;
        let issued = app.create_token(NewToken { name, permissions, is_admin: admin, expires_in_days }).await;
        app.db.close().await;
        match issued {
            Ok(issued) => {
                if is_new {
                    tell_of_new(&config.data_dir)?;
                }
                say(issued.token.expose())
            }
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
