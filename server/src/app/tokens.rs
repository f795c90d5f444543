//! Access tokens.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use justiam_sdk::api::ids::TokenId;
use justiam_sdk::api::secrets::Secret;
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom, SystemRandom};

use super::audit::Event;
use super::caller::{self, Caller, Permission};
use super::{App, Error, FieldErrors, Result};
use crate::store::Tx;
use crate::store::tokens::{self, TokenRow};

/// What every personal access token begins with.
pub const PREFIX: &str = "justiam_pat_";
/// How long a token may be valid, in days.
pub const LIFETIME_DAYS: std::ops::RangeInclusive<u32> = 1..=365;

/// A token to make.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// What its owner calls it.
    pub name: String,
    /// What it may do.
    pub permissions: Vec<Permission>,
    /// Whether it may do everything.
    pub is_admin: bool,
    /// How long it is valid: 1 to 365 days.
    pub expires_in_days: u32,
}

/// A token that was just made. The only moment at which its text exists.
#[derive(Debug)]
pub struct IssuedToken {
    /// What to send as `Authorization: Bearer …`.
    pub token: Secret,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl App {
    /// Makes a token. For the command line: whoever can write the database may do this.
    pub async fn create_token(&self, new: NewToken) -> Result<IssuedToken> {
        let mut tx = self.db.write().await?;
        let issued = self.issue(&mut tx, new).await?;
        tx.commit().await?;
        Ok(issued)
    }

    /// Makes a token if there is none yet: nobody can use this server.
    pub async fn create_first_token(&self, new: NewToken) -> Result<Option<IssuedToken>> {
        let mut tx = self.db.write().await?;
        // Two servers that start on an empty database must not both make one.
        tokens::lock(&mut tx).await?;
        if tokens::count(&mut tx).await? > 0 {
            return Ok(None);
        }
        let issued = self.issue(&mut tx, new).await?;
        tx.commit().await?;
        Ok(Some(issued))
    }

    async fn issue(&self, tx: &mut Tx, new: NewToken) -> Result<IssuedToken> {
        let mut errors = FieldErrors::default();
        if new.name.trim().is_empty() || new.name.chars().count() > 100 {
            errors.add("name", "must be 1 to 100 characters");
        }
        if !LIFETIME_DAYS.contains(&new.expires_in_days) {
            errors.add("expires_in_days", "must be from 1 to 365");
        }
        if !new.is_admin && new.permissions.is_empty() {
            errors.add("permissions", "must name at least one permission, or the token must be an admin's");
        }
        errors.check()?;
        let token = generate(PREFIX)?;
        let now = self.now();
        let lifetime = SignedDuration::from_hours(24 * i64::from(new.expires_in_days));
        let expires_at = now.saturating_add(lifetime).unwrap_or(Timestamp::MAX);
        let permissions: Vec<_> = new.permissions.iter().map(|permission| permission.as_str()).collect();
        let row = TokenRow {
            id: TokenId::from_uuid(self.new_id()),
            name: new.name,
            hash: hash(token.expose()),
            permissions: permissions.join(" "),
            is_admin: new.is_admin,
            created_at: now,
            expires_at,
        };
        tokens::insert(tx, &row).await?;
        self.note_command(tx, Event::new_token(&row)).await?;
        Ok(IssuedToken { token, expires_at })
    }

    /// Tells who a token belongs to.
    pub async fn authenticate(&self, token: &str) -> Result<Caller> {
        // Of the two kinds of tokens, JWTs have dots.
        if token.contains('.') {
            return self.authenticate_short(token).await;
        }
        let mut tx = self.db.read().await?;
        // The hash of a random 256-bit token can be looked up without leaking it through timing.
        let row = tokens::find(&mut tx, &hash(token)).await?.ok_or(Error::Unauthorised("the token is not known"))?;
        if row.expires_at <= self.now() {
            return Err(Error::Unauthorised("the token has expired"));
        }
        Ok(Caller {
            principal: Caller::principal_of(row.id),
            name: row.name,
            permissions: caller::read_list(&row.permissions),
            is_admin: row.is_admin,
            expires_at: Some(row.expires_at),
            short_token: None,
            request_id: None,
        })
    }
}

/// A text that nobody can guess: 256 random bits behind a prefix.
pub(super) fn generate(prefix: &str) -> Result<Secret> {
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes).map_err(|_| Error::Crypto)?;
    Ok(Secret::new(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes))))
}

/// What is stored of such a text. It is too random for anybody to find it by trying, so a plain hash is enough.
pub(super) fn hash(token: &str) -> Vec<u8> {
    digest(&SHA256, token.as_bytes()).as_ref().to_vec()
}
