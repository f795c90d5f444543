//! Who a caller is, and what callers have of their own: short tokens.

mod jwt;

use jiff::{SignedDuration, Timestamp};
use justiam_sdk::api::ids::TokenId;
use justiam_sdk::api::me::{LONGEST_LIFE_SECONDS, Me, OwnToken, RenewedShortToken, ShortToken, TTL_SECONDS};

use super::audit::Event;
use super::caller::{Caller, CallerToken, Permission, Why, allowed};
use super::fields::{Fields, Object};
use super::tokens::{check, maker, names, own_token, read_permissions, refused};
use super::{App, Error, IdempotencyKey, Result};
use crate::store::short_tokens::{self, ShortTokenRow};
use crate::store::{Tx, service_accounts, tokens};
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
    /// Who the caller is, and what it may do at this moment.
    pub async fn me(&self, caller: &Caller) -> Result<Me> {
        let own = own_token(caller)?;
        let mut tx = self.db.read().await?;
        // Somebody may have deleted it since the caller was let in.
        let account = service_accounts::get(&mut tx, own.account).await?.ok_or(Why::Unknown)?;
        let token = OwnToken::new(own.id, own.name.clone(), own.maker.is_some());
        let mut me = Me::new(account, token, caller.expires_at.unwrap_or(Timestamp::MAX));
        me.permissions = names(caller_permissions(caller)).into_iter().map(str::to_owned).collect();
        me.is_admin = caller.is_admin;
        Ok(me)
    }

    /// Makes a token that ends soon, may do no more than the caller's, and dies with that.
    pub async fn create_short_token(
        &self,
        caller: &Caller,
        body: Object,
        key: Option<&IdempotencyKey>,
    ) -> Result<ShortToken> {
        let own = maker(caller)?;
        let maker = own.id;
        // What the answer says, another token of the caller's account may not be allowed to know.
        let key = key.map(|key| key.of_token(maker));
        let key = key.as_ref();
        let mut fields = Fields::new(body);
        let ttl = read_ttl(&mut fields);
        let permissions = read_permissions(&mut fields);
        if permissions.as_ref().is_some_and(Vec::is_empty) && !fields.is_wrong("permissions") {
            fields
                .wrong("permissions", "must name at least one permission; left out, they are all that the caller has");
        }
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
            let name = &own.name;
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

    /// Tells who comes with a JWT. It acts for the token that made it, for whose account it is counted and audited.
    pub(super) async fn authenticate_short(&self, token: &str) -> Result<Caller> {
        let claims = Claims::read(token, &self.vault).ok_or(Why::Invalid)?;
        let now = self.now();
        let mut tx = self.db.read().await?;
        let Some(row) = short_tokens::get(&mut tx, claims.jti).await? else {
            claims.check_time(now)?;
            return Err(Why::Unknown.into());
        };
        let maker = tokens::get(&mut tx, row.maker).await?.ok_or(Why::Unknown)?;
        drop(tx);
        if row.revoked_at.is_some() {
            return Err(refused(Why::Revoked, &maker));
        }
        if has_ended(&row, now) {
            return Err(refused(Why::Expired, &maker));
        }
        claims.check_time(now)?;
        check(&maker, now)?;
        self.uses.note(row.maker, now);
        // The maker may be allowed less than when it made this.
        let of_maker = allowed(&maker.account, maker.token.permissions.as_deref());
        let mut permissions = allowed(&maker.account, Some(&row.permissions));
        permissions.retain(|permission| of_maker.contains(permission));
        let account = maker.account;
        Ok(Caller {
            principal: Caller::principal_of(account.id),
            name: format!("{} (short)", account.name),
            permissions,
            is_admin: false,
            expires_at: Some(row.expires_at),
            token: Some(CallerToken {
                id: row.id,
                name: maker.token.name,
                account: account.id,
                maker: Some(row.maker),
                is_narrowed: true,
            }),
            request_id: None,
        })
    }
}

/// A short token that the caller may renew and revoke: it is the caller's own, or the caller has made it.
async fn own_short_token(tx: &mut Tx, caller: &Caller, id: TokenId) -> Result<ShortTokenRow> {
    let own = own_token(caller)?;
    let is_own = |row: &ShortTokenRow| if own.maker.is_some() { own.id == row.id } else { own.id == row.maker };
    short_tokens::lock(tx, id).await?.filter(is_own).ok_or_else(|| Error::no_token(&id))
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

/// All permissions that a caller has.
fn caller_permissions(caller: &Caller) -> impl Iterator<Item = Permission> {
    Permission::ALL.into_iter().filter(|permission| caller.may(*permission))
}

/// The names of the permissions that a short token gets, sorted: those that are named, or all of the caller's.
fn granted(caller: &Caller, named: Option<Vec<Permission>>) -> Result<Vec<&'static str>> {
    if let Some(named) = &named {
        named.iter().try_for_each(|permission| caller.require(*permission))?;
    }
    Ok(named.map_or_else(|| names(caller_permissions(caller)), names))
}

fn event(action: &'static str, row: &ShortTokenRow) -> Event {
    Event::new(action, "short_token", row.id.to_string(), &row.name)
}
