//! Access tokens.

mod command;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use justiam_sdk::api::ids::{ServiceAccountId, TokenId};
use justiam_sdk::api::page::{DEFAULT_LIMIT, Page, PageQuery};
use justiam_sdk::api::secrets::Secret;
use justiam_sdk::api::service_accounts::ServiceAccount;
use justiam_sdk::api::tokens::{DEFAULT_LIFETIME_DAYS, MAX_NAME, Token};
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom, SystemRandom};
use serde_json::Value;

use super::audit::Event;
use super::caller::{Caller, CallerToken, Holder, Permission, Refused, Why, allowed};
use super::error::shown;
use super::fields::{Field, Fields, Object, kind};
use super::identity::rules;
use super::tasks::{offset, page_of};
use super::{App, Error, FieldErrors, IdempotencyKey, Result};
use crate::store::Tx;
use crate::store::service_accounts;
use crate::store::tokens::{self, Owned, TokenRow};

pub use command::NewToken;
pub use justiam_sdk::api::tokens::{IssuedToken, LIFETIME_DAYS, PREFIX};

/// How many tokens of one account may be valid at one time.
const MOST_LIVING: i64 = 100;

/// How many characters of a token are shown so that people can tell which one they hold.
const SHOWN: usize = PREFIX.len() + 6;

/// For how long it is known of a token that it has ended.
const KNOWN_AFTER: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Tokens that ended before this instant are forgotten.
pub(crate) fn tokens_since(now: Timestamp) -> Timestamp {
    now.saturating_sub(KNOWN_AFTER).unwrap_or(Timestamp::MIN)
}

/// A token that somebody wants.
struct Wanted {
    name: String,
    /// Without any: all that the account may do.
    permissions: Option<Vec<Permission>>,
    days: u32,
}

impl App {
    /// Makes a token of the caller's account that may do no more than the caller.
    pub async fn create_my_token(
        &self,
        caller: &Caller,
        body: Object,
        key: Option<&IdempotencyKey>,
    ) -> Result<IssuedToken> {
        let own = maker(caller)?;
        let mut wanted = Wanted::read(body)?;
        match &wanted.permissions {
            Some(named) => named.iter().try_for_each(|permission| caller.require(*permission))?,
            None if own.is_narrowed => wanted.permissions = Some(caller.permissions.clone()),
            None => {}
        }
        self.create_token_of(caller, own, own.account, wanted, key).await
    }

    /// Makes a token of any account. It may do no more than the caller.
    pub async fn create_account_token(
        &self,
        caller: &Caller,
        id: ServiceAccountId,
        body: Object,
        key: Option<&IdempotencyKey>,
    ) -> Result<IssuedToken> {
        caller.require(Permission::AccountsManage)?;
        let own = maker(caller)?;
        self.create_token_of(caller, own, id, Wanted::read(body)?, key).await
    }

    async fn create_token_of(
        &self,
        caller: &Caller,
        own: &CallerToken,
        id: ServiceAccountId,
        wanted: Wanted,
        key: Option<&IdempotencyKey>,
    ) -> Result<IssuedToken> {
        // What the answer says, another token of the caller's account may not be allowed to know.
        let key = key.map(|key| key.of_token(own.id));
        let mut tx = self.db.write().await?;
        if let Some(answer) = self.earlier_sealed_answer(&mut tx, caller, key.as_ref()).await? {
            tx.commit().await?;
            return Ok(answer);
        }
        let account = service_accounts::lock(&mut tx, id).await?.ok_or_else(|| Error::no_service_account(&id))?;
        if id != own.account {
            super::service_accounts::refuse_admins(caller, &account)?;
        }
        check_gift(caller, &account, wanted.permissions.as_deref())?;
        let now = self.now();
        let living = tokens::living(&mut tx, id, now).await?;
        if living >= MOST_LIVING {
            let name = shown(&account.name);
            let message = format!(
                "service account `{name}` has {living} valid tokens, and {MOST_LIVING} are allowed; revoke those that are not needed"
            );
            return Err(Error::Conflict { message, details: None });
        }
        let (text, row) = self.new_token(id, wanted, now)?;
        tokens::insert(&mut tx, &row).await?;
        self.note(&mut tx, caller, created(&row, &account)).await?;
        let answer = IssuedToken::new(text, view(row));
        self.keep_sealed_answer(&mut tx, caller, key.as_ref(), &answer).await?;
        tx.commit().await?;
        Ok(answer)
    }

    /// Lists the tokens of the caller's account, the newest first.
    pub async fn list_my_tokens(&self, caller: &Caller, query: &PageQuery) -> Result<Page<Token>> {
        let own = own_token(caller)?;
        self.list_tokens_of(own.account, query).await
    }

    /// Lists the tokens of an account, the newest first.
    pub async fn list_account_tokens(
        &self,
        caller: &Caller,
        id: ServiceAccountId,
        query: &PageQuery,
    ) -> Result<Page<Token>> {
        caller.require(Permission::AccountsView)?;
        self.list_tokens_of(id, query).await
    }

    async fn list_tokens_of(&self, id: ServiceAccountId, query: &PageQuery) -> Result<Page<Token>> {
        let mut errors = FieldErrors::default();
        let (page, limit) = page_of(query.page, query.limit, DEFAULT_LIMIT, &mut errors);
        errors.check()?;
        let mut tx = self.db.read().await?;
        service_accounts::get(&mut tx, id).await?.ok_or_else(|| Error::no_service_account(&id))?;
        let (owned, total) = tokens::list(&mut tx, Some(id), offset(page, limit), i64::from(limit)).await?;
        let data = owned.into_iter().map(|owned| view(owned.token)).collect();
        Ok(Page { data, total, page, limit })
    }

    /// Ends a token of the caller's account at once. One that has ended stays as it is. A token that may do less than its account
    /// ends itself, and those that may do no more than it.
    pub async fn revoke_my_token(&self, caller: &Caller, id: TokenId) -> Result<()> {
        let own = maker(caller)?;
        let mut tx = self.db.write().await?;
        let owned = lock_of(&mut tx, own.account, id).await?;
        if own.is_narrowed && own.id != id {
            let may = allowed(&owned.account, owned.token.permissions.as_deref());
            may.into_iter().try_for_each(|permission| caller.require(permission))?;
        }
        self.revoke(&mut tx, caller, &owned).await?;
        Ok(tx.commit().await?)
    }

    /// Ends a token of an account at once. One that has ended stays as it is.
    pub async fn revoke_account_token(&self, caller: &Caller, account: ServiceAccountId, id: TokenId) -> Result<()> {
        caller.require(Permission::AccountsManage)?;
        maker(caller)?;
        let mut tx = self.db.write().await?;
        service_accounts::get(&mut tx, account).await?.ok_or_else(|| Error::no_service_account(&account))?;
        let owned = lock_of(&mut tx, account, id).await?;
        super::service_accounts::refuse_admins(caller, &owned.account)?;
        self.revoke(&mut tx, caller, &owned).await?;
        Ok(tx.commit().await?)
    }

    async fn revoke(&self, tx: &mut Tx, caller: &Caller, owned: &Owned) -> Result<()> {
        let now = self.now();
        if has_ended(&owned.token, now) {
            return Ok(());
        }
        tokens::revoke(tx, owned.token.id, now).await?;
        self.note(tx, caller, event("token.revoke", &owned.token, &owned.account)).await
    }

    /// A token that nobody knows yet, and what is stored of it.
    fn new_token(&self, account: ServiceAccountId, wanted: Wanted, now: Timestamp) -> Result<(Secret, TokenRow)> {
        let text = generate(PREFIX)?;
        let lifetime = SignedDuration::from_hours(24 * i64::from(wanted.days));
        let permissions = wanted.permissions.map(|permissions| names(permissions).join(" "));
        let row = TokenRow {
            id: TokenId::from_uuid(self.new_id()),
            account,
            name: wanted.name,
            prefix: text.expose().chars().take(SHOWN).collect(),
            hash: hash(text.expose()),
            permissions,
            created_at: now,
            expires_at: now.saturating_add(lifetime).unwrap_or(Timestamp::MAX),
            last_used_at: None,
            revoked_at: None,
        };
        Ok((text, row))
    }

    /// Tells who a token belongs to, or why it is refused: then the error is [`Error::Unauthorised`].
    pub async fn authenticate(&self, token: &str) -> Result<Caller> {
        // Of the two kinds of tokens, JWTs have dots.
        if token.contains('.') {
            return self.authenticate_short(token).await;
        }
        let mut tx = self.db.read().await?;
        // The hash of a random 256-bit token can be looked up without leaking it through timing.
        let owned = tokens::find(&mut tx, &hash(token)).await?.ok_or(Why::Unknown)?;
        drop(tx);
        let now = self.now();
        check(&owned, now)?;
        self.uses.note(owned.token.id, now);
        let Owned { token, account } = owned;
        let is_narrowed = token.permissions.is_some();
        Ok(Caller {
            principal: Caller::principal_of(account.id),
            permissions: allowed(&account, token.permissions.as_deref()),
            is_admin: account.is_admin && !is_narrowed,
            expires_at: Some(token.expires_at),
            token: Some(CallerToken { id: token.id, name: token.name, account: account.id, maker: None, is_narrowed }),
            name: account.name,
            request_id: None,
        })
    }
}

impl Wanted {
    fn read(body: Object) -> Result<Self> {
        let mut fields = Fields::new(body);
        let name = match fields.text("name") {
            Field::Value(name) => {
                if let Some(defect) = rules::line_defect(&name, MAX_NAME) {
                    fields.wrong("name", defect);
                }
                name
            }
            Field::Absent | Field::Null => {
                if !fields.is_wrong("name") {
                    fields.wrong("name", "is required");
                }
                String::new()
            }
        };
        let named = read_permissions(&mut fields);
        if named.as_ref().is_some_and(Vec::is_empty) && !fields.is_wrong("permissions") {
            fields
                .wrong("permissions", "must name at least one permission; left out, they are all that the account has");
        }
        let days = fields.integer("expires_in_days").value().unwrap_or_else(|| DEFAULT_LIFETIME_DAYS.into());
        let days = u32::try_from(days).ok().filter(|days| LIFETIME_DAYS.contains(days));
        if days.is_none() {
            fields.wrong("expires_in_days", "must be from 1 to 365");
        }
        fields.finish().check()?;
        Ok(Self { name, permissions: named, days: days.unwrap_or(DEFAULT_LIFETIME_DAYS) })
    }
}

/// The token with which a caller comes. All callers that HTTP lets in have one.
pub(super) fn own_token(caller: &Caller) -> Result<&CallerToken> {
    caller.token.as_ref().ok_or_else(|| Error::Forbidden("this is for callers that come with a token".into()))
}

/// The same for what outlives a short token.
pub(super) fn maker(caller: &Caller) -> Result<&CallerToken> {
    let own = own_token(caller)?;
    if own.maker.is_some() {
        return Err(Error::Forbidden(
            "a short token cannot make another one, nor revoke those that are not short; use the token that made it"
                .into(),
        ));
    }
    Ok(own)
}

/// Nobody gives a token more than they have, and no token has more than its account.
fn check_gift(caller: &Caller, account: &ServiceAccount, named: Option<&[Permission]>) -> Result<()> {
    let name = shown(&account.name);
    if !account.is_enabled {
        let message = format!("service account `{name}` is disabled; enable it before it gets a token");
        return Err(Error::Conflict { message, details: None });
    }
    let Some(named) = named else {
        super::service_accounts::refuse_admins(caller, account)?;
        return allowed(account, None).into_iter().try_for_each(|permission| caller.require(permission));
    };
    let of_account = allowed(account, None);
    let mut errors = FieldErrors::default();
    for (index, permission) in named.iter().enumerate().filter(|(_, permission)| !of_account.contains(permission)) {
        let message = format!("service account `{name}` does not have `{}`", permission.as_str());
        errors.add(format!("permissions[{index}]"), message);
    }
    errors.check()?;
    named.iter().try_for_each(|permission| caller.require(*permission))
}

/// Fails unless somebody may come with this token at this moment.
pub(super) fn check(owned: &Owned, now: Timestamp) -> Result<()> {
    let Owned { token, account } = owned;
    let why = if token.revoked_at.is_some() {
        Why::Revoked
    } else if token.expires_at <= now {
        Why::Expired
    } else if !account.is_enabled {
        Why::Disabled
    } else {
        return Ok(());
    };
    Err(refused(why, owned))
}

pub(super) fn refused(why: Why, owned: &Owned) -> Error {
    let holder = Holder {
        account: owned.account.id,
        account_name: owned.account.name.clone(),
        token: owned.token.id,
        token_name: owned.token.name.clone(),
    };
    Error::Unauthorised(Refused { why, holder: Some(Box::new(holder)) })
}

fn has_ended(token: &TokenRow, now: Timestamp) -> bool {
    token.revoked_at.is_some() || token.expires_at <= now
}

async fn lock_of(tx: &mut Tx, account: ServiceAccountId, id: TokenId) -> Result<Owned> {
    tokens::lock(tx, id).await?.filter(|owned| owned.account.id == account).ok_or_else(|| Error::no_token(&id))
}

/// The permissions that a body names, without one twice. `None` where it names no list.
pub(super) fn read_permissions(fields: &mut Fields) -> Option<Vec<Permission>> {
    let Field::Value(items) = fields.array("permissions") else { return None };
    let mut permissions = Vec::new();
    for (index, item) in items.into_iter().enumerate() {
        let path = format!("permissions[{index}]");
        match item {
            Value::String(name) => match shown(&name).parse() {
                Ok(permission) if permissions.contains(&permission) => {}
                Ok(permission) => permissions.push(permission),
                Err(message) => fields.wrong(&path, message),
            },
            other => fields.wrong(&path, format!("must be a string, not {}", kind(&other))),
        }
    }
    Some(permissions)
}

/// The names of permissions, sorted.
pub(super) fn names(permissions: impl IntoIterator<Item = Permission>) -> Vec<&'static str> {
    let mut names: Vec<_> = permissions.into_iter().map(Permission::as_str).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn view(row: TokenRow) -> Token {
    let mut token = Token::new(row.id, row.name, row.prefix, row.created_at, row.expires_at);
    token.permissions = row.permissions.map(|names| names.split_whitespace().map(str::to_owned).collect());
    (token.last_used_at, token.revoked_at) = (row.last_used_at, row.revoked_at);
    token
}

fn created(token: &TokenRow, account: &ServiceAccount) -> Event {
    let permissions: Option<Vec<&str>> = token.permissions.as_deref().map(|names| names.split_whitespace().collect());
    event("token.create", token, account)
        .with("permissions", permissions)
        .with("expires_at", token.expires_at.to_string())
}

fn event(action: &'static str, token: &TokenRow, account: &ServiceAccount) -> Event {
    Event::new(action, "token", token.id.to_string(), &token.name)
        .with("account_id", account.id.to_string())
        .with("account_name", account.name.as_str())
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
