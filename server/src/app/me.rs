//! What callers have of their own: short tokens.

mod jwt;

use jiff::{SignedDuration, Timestamp};
use justiam_sdk::api::ids::TokenId;
use justiam_sdk::api::me::{LONGEST_LIFE_SECONDS, RenewedShortToken, ShortToken, TTL_SECONDS};
use serde_json::Value;

use super::audit::Event;
use super::caller::{self, Caller, Permission};
use super::error::shown;
use super::fields::{Field, Fields, Object, kind};
use super::{App, Error, IdempotencyKey, Result};
use crate::store::Tx;
use crate::store::short_tokens::{self, ShortTokenRow};
use jwt::Claims;

/// How many short tokens of one maker may live at one time.
const MOST_LIVING: usize = 100;

/// For how long it is known of a short token that it has ended.
const KNOWN_AFTER: SignedDuration = SignedDuration::from_hours(1);

/// Short tokens that ended at this instant or before are forgotten.
pub(crate) fn short_tokens_since(now: Timestamp) -> Timestamp {
    now.saturating_sub(KNOWN_AFTER).unwrap_or(Timestamp::MIN)
}

impl App {
    /// Makes a token that ends soon, may do no more than the caller's, and dies with that.
    pub async fn create_short_token(
        &self,
        caller: &Caller,
        body: Object,
        key: Option<&IdempotencyKey>,
    ) -> Result<ShortToken> {
        let maker = match caller.token() {
            Some(token) if caller.short_token.is_none() => token,
            _ => {
                return Err(Error::Forbidden(
                    "a short token cannot make another one; use the token that made it".into(),
                ));
            }
        };
        let mut fields = Fields::new(body);
        let ttl = read_ttl(&mut fields);
        let permissions = read_permissions(&mut fields);
        fields.finish().check()?;
        let permissions = granted(caller, permissions)?;
        let now = self.now();
        let latest = Timestamp::from_second(now.as_second() + LONGEST_LIFE_SECONDS).unwrap_or(Timestamp::MAX);
        let latest = latest.min(caller.expires_at.unwrap_or(Timestamp::MAX));
        // A JWT tells whole seconds, and the row says the same.
        let latest_end = Timestamp::from_second(latest.as_second()).unwrap_or(latest);
        let row = ShortTokenRow {
            id: TokenId::from_uuid(self.new_id()),
            maker,
            name: caller.name.clone(),
            permissions: permissions.join(" "),
            created_at: now,
            latest_end,
            expires_at: end(now, ttl, latest_end),
            revoked_at: None,
        };
        let token = Claims::new(row.id, &caller.principal, now, latest_end).sign(&self.vault)?;
        let mut tx = self.db.write().await?;
        if let Some(answer) = self.earlier_sealed_answer(&mut tx, caller, key).await? {
            tx.commit().await?;
            return Ok(answer);
        }
        // Two requests at one moment may both see room for the last one; there is no harm in one more.
        let ends = short_tokens::ends(&mut tx, maker, now).await?;
        if let Some(first) = ends.first().filter(|_| ends.len() >= MOST_LIVING) {
            let name = &caller.name;
            let message = format!(
                "token `{name}` has {} short tokens already, and {MOST_LIVING} may live at one time; revoke those that are not \
                 needed, or wait: the first one ends at {first}",
                ends.len()
            );
            return Err(Error::Conflict { message, details: None });
        }
        short_tokens::insert(&mut tx, &row).await?;
        let event = event("short_token.create", &row).with("permissions", permissions.clone());
        self.note(&mut tx, caller, event.with("expires_at", row.expires_at.to_string())).await?;
        let permissions = permissions.into_iter().map(str::to_owned).collect();
        let answer = ShortToken::new(row.id, token, permissions, row.expires_at);
        self.keep_sealed_answer(&mut tx, caller, key, &answer).await?;
        tx.commit().await?;
        Ok(answer)
    }

    /// Lets a short token live for some time from now.
    pub async fn renew_short_token(&self, caller: &Caller, id: TokenId, body: Object) -> Result<RenewedShortToken> {
        let mut fields = Fields::new(body);
        let ttl = read_ttl(&mut fields);
        fields.finish().check()?;
        let mut tx = self.db.write().await?;
        let row = own_short_token(&mut tx, caller, id).await?;
        let now = self.now();
        if has_ended(&row, now) {
            let message = format!("the short token {id} has ended and cannot be renewed; make another one");
            return Err(Error::Conflict { message, details: None });
        }
        let expires_at = end(now, ttl, row.latest_end);
        short_tokens::set_end(&mut tx, id, expires_at, None).await?;
        let event = event("short_token.renew", &row).with("expires_at", expires_at.to_string());
        self.note(&mut tx, caller, event).await?;
        tx.commit().await?;
        let permissions = row.permissions.split_whitespace().map(str::to_owned).collect();
        Ok(RenewedShortToken::new(id, permissions, expires_at))
    }

    /// Ends a short token at once. One that has ended stays as it is.
    pub async fn revoke_short_token(&self, caller: &Caller, id: TokenId) -> Result<()> {
        let mut tx = self.db.write().await?;
        let row = own_short_token(&mut tx, caller, id).await?;
        let now = self.now();
        if !has_ended(&row, now) {
            short_tokens::set_end(&mut tx, id, row.expires_at, Some(now)).await?;
            self.note(&mut tx, caller, event("short_token.revoke", &row)).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Tells who comes with a JWT. It acts for the token that made it, under whose name it is counted and audited.
    pub(super) async fn authenticate_short(&self, token: &str) -> Result<Caller> {
        let claims = Claims::read(token, &self.vault).ok_or(Error::Unauthorised("the token is not valid"))?;
        let now = self.now();
        claims.check_time(now)?;
        let mut tx = self.db.read().await?;
        let row = short_tokens::get(&mut tx, claims.jti).await?;
        let row = row.ok_or(Error::Unauthorised("the token is not known"))?;
        if row.revoked_at.is_some() {
            return Err(Error::Unauthorised("the token was revoked"));
        }
        if has_ended(&row, now) {
            return Err(Error::Unauthorised("the token has expired"));
        }
        Ok(Caller {
            principal: Caller::principal_of(row.maker),
            name: format!("{} (short)", row.name),
            permissions: caller::read_list(&row.permissions),
            is_admin: false,
            expires_at: Some(row.expires_at),
            short_token: Some(row.id),
            request_id: None,
        })
    }
}

/// A short token that the caller may renew and revoke: it is the caller's own, or the caller has made it.
async fn own_short_token(tx: &mut Tx, caller: &Caller, id: TokenId) -> Result<ShortTokenRow> {
    let is_own = |row: &ShortTokenRow| match caller.short_token {
        Some(own) => own == row.id,
        None => caller.token() == Some(row.maker),
    };
    short_tokens::lock(tx, id).await?.filter(is_own).ok_or_else(|| Error::no_short_token(&id))
}

fn has_ended(row: &ShortTokenRow, now: Timestamp) -> bool {
    row.revoked_at.is_some() || row.expires_at <= now
}

fn end(now: Timestamp, ttl: i64, latest_end: Timestamp) -> Timestamp {
    now.saturating_add(SignedDuration::from_secs(ttl)).unwrap_or(latest_end).min(latest_end)
}

fn read_ttl(fields: &mut Fields) -> i64 {
    let ttl = fields.integer("ttl_seconds").value();
    let is_right = ttl.is_some_and(|ttl| TTL_SECONDS.contains(&ttl));
    if !is_right && !fields.is_wrong("ttl_seconds") {
        fields.wrong("ttl_seconds", "is required, and must be from 60 to 3600");
    }
    ttl.unwrap_or_default()
}

/// The permissions that a body names. `None` where it names no list.
fn read_permissions(fields: &mut Fields) -> Option<Vec<Permission>> {
    let Field::Value(items) = fields.array("permissions") else { return None };
    if items.is_empty() {
        fields.wrong("permissions", "must name at least one permission; left out, they are all that the caller has");
    }
    let mut permissions = Vec::new();
    for (index, item) in items.into_iter().enumerate() {
        let path = format!("permissions[{index}]");
        match item {
            Value::String(name) => match shown(&name).parse() {
                Ok(permission) => permissions.push(permission),
                Err(message) => fields.wrong(&path, message),
            },
            other => fields.wrong(&path, format!("must be a string, not {}", kind(&other))),
        }
    }
    Some(permissions)
}

/// The names of the permissions that a short token gets, sorted: those that are named, or all of the caller's.
fn granted(caller: &Caller, named: Option<Vec<Permission>>) -> Result<Vec<&'static str>> {
    let mut permissions = match named {
        Some(named) => {
            for permission in &named {
                caller.require(*permission)?;
            }
            named
        }
        None => Permission::ALL.into_iter().filter(|permission| caller.require(*permission).is_ok()).collect(),
    };
    permissions.sort_unstable_by_key(|permission| permission.as_str());
    permissions.dedup();
    Ok(permissions.into_iter().map(Permission::as_str).collect())
}

fn event(action: &'static str, row: &ShortTokenRow) -> Event {
    Event::new(action, "short_token", row.id.to_string(), &row.name)
}
