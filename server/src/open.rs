//! Opens what use cases need: the server's secret and the database.

use std::sync::Arc;

use crate::ServeError;
use crate::app::App;
use crate::app::vault::Vault;
use crate::clock::Clock;
use crate::config::{Config, DataDir, DataDirError, new_secret};
use crate::store::{Db, rotation};

/// What somebody wants with the server's secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SecretUse {
    /// To serve: a server that is given none makes one at its first start.
    Serve,
    /// To open what was sealed before: there must be one.
    Open,
    /// Nothing: neither to seal, nor to open, nor to sign. None is read, and none is made.
    Nothing,
}

/// Opens the database of a data folder for use cases alone, beside a server that may be running.
pub async fn open_app(config: &Config, data_dir: &DataDir, clock: Arc<dyn Clock>) -> Result<App, ServeError> {
    open_app_for(SecretUse::Serve, config, data_dir, clock).await
}

/// The same for somebody who may want less.
pub(crate) async fn open_app_for(
    secret_use: SecretUse,
    config: &Config,
    data_dir: &DataDir,
    clock: Arc<dyn Clock>,
) -> Result<App, ServeError> {
    // Two programs that start on an empty folder must agree on one secret and one schema.
    let _alone = data_dir.lock_setup()?;
    let mut older = config.old_jwt_secrets.clone();
    let secret = match &config.jwt_secret {
        // Nobody else ever has this one.
        _ if secret_use == SecretUse::Nothing => Some(new_secret()?),
        Some(secret) => Some(secret.clone()),
        None if config.database_url.is_some() => return Err(ServeError::NoSharedSecret),
        None => {
            older.extend(data_dir.old_secrets()?);
            data_dir.secret()?
        }
    };
    let vault = secret.map(|secret| Vault::with_older(&secret, &older)).transpose()?;
    let db = match &config.database_url {
        Some(url) => Db::open_postgres(url, config.database_connections).await?,
        None => Db::open_sqlite(&data_dir.database()?).await?,
    };
    let vault = if let Some(vault) = vault {
        vault
    } else {
        if let Err(error) = may_make_secret(secret_use, data_dir, &db).await {
            db.close().await;
            return Err(error);
        }
        Vault::with_older(&data_dir.make_secret()?, &older)?
    };
    let mut app = if config.database_url.is_some() && config.follow_database_clock {
        App::following_database(db, clock, vault).await?
    } else {
        App::new(db, clock, vault)
    };
    app.audit_days = config.audit_days;
    app.queue_limit = config.queue_limit.into();
    app.limit(&config.limits);
    if secret_use != SecretUse::Nothing {
        app.tell_of_other_keys().await?;
    }
    Ok(app)
}

/// Whoever forgets to name the server's secret must not get another one: a server makes its first one before it seals anything.
async fn may_make_secret(secret_use: SecretUse, data_dir: &DataDir, db: &Db) -> Result<(), ServeError> {
    let keys = rotation::keys(&mut db.read().await?).await?;
    if !keys.is_empty() {
        return Err(ServeError::LostSecret { keys: keys.into_iter().collect::<Vec<_>>().join(", ") });
    }
    if secret_use != SecretUse::Serve {
        return Err(DataDirError::NoSecret(data_dir.path().to_owned()).into());
    }
    Ok(())
}
