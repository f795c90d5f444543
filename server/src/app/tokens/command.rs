//! What the command line does with tokens: whoever can write the database may.

use std::io;

use justiam_sdk::api::ids::{ServiceAccountId, TokenId};
use justiam_sdk::api::service_accounts::ServiceAccount;

use super::super::caller::{Permission, allowed};
use super::super::service_accounts::{self as accounts, created as account_created};
use super::super::{App, Error, FieldErrors, Result};
use super::{IssuedToken, LIFETIME_DAYS, MAX_NAME, Wanted, created, event, has_ended, names, rules, shown, view};
use crate::store::Tx;
use crate::store::service_accounts;
use crate::store::tokens::{self, Owned};

/// The account of the first token.
const FIRST_ACCOUNT: &str = "admin";

/// A token to make.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// What its owner calls it.
    pub name: String,
    /// What it may do; with none, and no admin, all that its account may do.
    pub permissions: Vec<Permission>,
    /// Whether it may do everything.
    pub is_admin: bool,
    /// How long it is valid: 1 to 365 days.
    pub expires_in_days: u32,
}

impl App {
    /// Makes a token of the account that has the token's name. The account is made where it is missing.
    pub async fn create_token(&self, new: NewToken) -> Result<IssuedToken> {
        let account = new.name.clone();
        self.create_token_for(&account, new, |_| Ok(())).await
    }

    /// Makes a token of the account with this name, which is made with the token's permissions where it is missing, and tells it.
    /// Where it cannot be told it is not kept.
    pub async fn create_token_for(
        &self,
        account: &str,
        new: NewToken,
        tell: impl FnOnce(&IssuedToken) -> io::Result<()>,
    ) -> Result<IssuedToken> {
        let mut tx = self.db.write().await?;
        // Nobody else makes the same account meanwhile.
        service_accounts::lock_all(&mut tx).await?;
        let issued = self.issue(&mut tx, account, new).await?;
        tell(&issued).map_err(Error::NotShown)?;
        tx.commit().await?;
        Ok(issued)
    }

    /// Makes an admin's token if there is no account yet, so that nobody can use this server, and tells it. Where it cannot be told
    /// it is not kept.
    pub async fn create_first_token(
        &self,
        tell: impl FnOnce(&IssuedToken) -> io::Result<()>,
    ) -> Result<Option<IssuedToken>> {
        let mut tx = self.db.write().await?;
        // Two servers that start on an empty database must not both make one.
        service_accounts::lock_all(&mut tx).await?;
        if service_accounts::any(&mut tx).await? {
            return Ok(None);
        }
        let new = NewToken { name: "bootstrap".into(), permissions: Vec::new(), is_admin: true, expires_in_days: 365 };
        let issued = self.issue(&mut tx, FIRST_ACCOUNT, new).await?;
        tell(&issued).map_err(Error::NotShown)?;
        tx.commit().await?;
        Ok(Some(issued))
    }

    /// All tokens that are known, the newest first: up to `limit` of them behind the first `offset`.
    pub async fn all_tokens(&self, offset: i64, limit: i64) -> Result<Vec<Owned>> {
        let mut tx = self.db.read().await?;
        Ok(tokens::list(&mut tx, None, offset, limit).await?.0)
    }

    /// Ends a token at once. `false` when it had ended before.
    pub async fn revoke_any_token(&self, id: TokenId) -> Result<bool> {
        let mut tx = self.db.write().await?;
        let owned = tokens::lock(&mut tx, id).await?.ok_or_else(|| Error::no_token(&id))?;
        let now = self.now();
        if has_ended(&owned.token, now) {
            return Ok(false);
        }
        tokens::revoke(&mut tx, id, now).await?;
        self.note_command(&mut tx, event("token.revoke", &owned.token, &owned.account)).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn issue(&self, tx: &mut Tx, account: &str, new: NewToken) -> Result<IssuedToken> {
        let mut errors = FieldErrors::default();
        for (field, text) in [("name", new.name.as_str()), ("account", account)] {
            if let Some(defect) = rules::line_defect(text, MAX_NAME)
                && !(field == "account" && text == new.name)
            {
                errors.add(field, defect);
            }
        }
        if !LIFETIME_DAYS.contains(&new.expires_in_days) {
            errors.add("expires_in_days", "must be from 1 to 365");
        }
        errors.check()?;
        let account = match service_accounts::by_name(tx, account).await? {
            Some(account) => account,
            None => self.make_account(tx, account, &new).await?,
        };
        refuse_more(&account, &new)?;
        let permissions = if new.permissions.is_empty() { None } else { Some(new.permissions) };
        let wanted = Wanted { name: new.name, permissions, days: new.expires_in_days };
        let (text, row) = self.new_token(account.id, wanted, self.now())?;
        tokens::insert(tx, &row).await?;
        self.note_command(tx, created(&row, &account)).await?;
        Ok(IssuedToken::new(text, view(row)))
    }

    async fn make_account(&self, tx: &mut Tx, name: &str, new: &NewToken) -> Result<ServiceAccount> {
        if !new.is_admin && new.permissions.is_empty() {
            return Err(defect(
                "permissions",
                format!("must name at least one permission, because there is no service account `{}` yet", shown(name)),
            ));
        }
        let mut account = ServiceAccount::new(ServiceAccountId::from_uuid(self.new_id()), name.to_owned(), self.now());
        account.is_admin = new.is_admin;
        account.permissions = names(new.permissions.clone()).into_iter().map(str::to_owned).collect();
        if !service_accounts::insert(tx, &account).await? {
            return Err(accounts::just_deleted(name));
        }
        self.note_command(tx, account_created(&account)).await?;
        Ok(account)
    }
}

/// No token has more than its account.
fn refuse_more(account: &ServiceAccount, new: &NewToken) -> Result<()> {
    let name = shown(&account.name);
    if !account.is_enabled {
        return Err(defect("account", format!("`{name}` is disabled; choose another one with --account")));
    }
    if new.is_admin && !account.is_admin {
        let message = format!("`{name}` is there and is no admin's; choose another one with --account");
        return Err(defect("account", message));
    }
    let of_account = allowed(account, None);
    let lacking = new.permissions.iter().copied().filter(|permission| !of_account.contains(permission));
    match names(lacking) {
        lacking if lacking.is_empty() => Ok(()),
        lacking => Err(defect(
            "account",
            format!(
                "`{name}` is there and does not have {}; choose another one with --account, or change this one through the API",
                lacking.join(", ")
            ),
        )),
    }
}

fn defect(field: &str, message: String) -> Error {
    let mut errors = FieldErrors::default();
    errors.add(field, message);
    Error::Invalid(errors)
}
