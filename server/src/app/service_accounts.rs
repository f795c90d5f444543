//! Service accounts: who the programs are that come with tokens, and what they may do.
//!
//! Nobody gives what they do not have, and what concerns an admin's account is for admins alone. A token asks its account at each
//! request, so what changes here holds at once.

use justiam_sdk::api::ids::ServiceAccountId;
use justiam_sdk::api::page::{DEFAULT_LIMIT, Page};
use justiam_sdk::api::service_accounts::{MAX_DESCRIPTION, MAX_NAME, ServiceAccount, ServiceAccountQuery};

use super::audit::{Changes, Event};
use super::caller::{Caller, Permission};
use super::error::shown;
use super::fields::{Field, Fields, Object};
use super::identity::{bodies, rules};
use super::tasks::{offset, page_of};
use super::tokens::{names, read_permissions};
use super::{App, Error, FieldErrors, IdempotencyKey, Result};
use crate::store::service_accounts;

const KIND: &str = "a service account";

impl App {
    /// Creates an account without tokens.
    pub async fn create_service_account(
        &self,
        caller: &Caller,
        body: Object,
        key: Option<&IdempotencyKey>,
    ) -> Result<ServiceAccount> {
        caller.require(Permission::AccountsManage)?;
        let id = ServiceAccountId::from_uuid(self.new_id());
        let mut account = ServiceAccount::new(id, String::new(), self.now());
        overlay(body, &mut account)?;
        check_gift(caller, None, &account)?;
        let mut tx = self.db.write().await?;
        if let Some(answer) = self.earlier_answer(&mut tx, caller, key).await? {
            tx.commit().await?;
            return Ok(answer);
        }
        if !service_accounts::insert(&mut tx, &account).await? {
            return Err(match service_accounts::by_name(&mut tx, &account.name).await? {
                Some(other) => bodies::taken(KIND, &account.name, other.id),
                None => just_deleted(&account.name),
            });
        }
        self.note(&mut tx, caller, created(&account)).await?;
        self.keep_answer(&mut tx, caller, key, &account).await?;
        tx.commit().await?;
        Ok(account)
    }

    /// Reads an account.
    pub async fn service_account(&self, caller: &Caller, id: ServiceAccountId) -> Result<ServiceAccount> {
        caller.require(Permission::AccountsView)?;
        let mut tx = self.db.read().await?;
        service_accounts::get(&mut tx, id).await?.ok_or_else(|| Error::no_service_account(&id))
    }

    /// Lists accounts, ordered by name.
    pub async fn list_service_accounts(
        &self,
        caller: &Caller,
        query: &ServiceAccountQuery,
    ) -> Result<Page<ServiceAccount>> {
        caller.require(Permission::AccountsView)?;
        let mut errors = FieldErrors::default();
        let (page, limit) = page_of(query.page, query.limit, DEFAULT_LIMIT, &mut errors);
        errors.check()?;
        let mut tx = self.db.read().await?;
        let found =
            service_accounts::list(&mut tx, query.name.as_deref(), offset(page, limit), i64::from(limit)).await?;
        let (data, total) = found;
        Ok(Page { data, total, page, limit })
    }

    /// Replaces what can be changed of an account; its tokens stay.
    pub async fn replace_service_account(
        &self,
        caller: &Caller,
        id: ServiceAccountId,
        body: Object,
    ) -> Result<ServiceAccount> {
        self.change_service_account(caller, id, |stored| {
            let mut account = ServiceAccount::new(id, String::new(), stored.created_at);
            account.updated_at = stored.updated_at;
            overlay(body, &mut account)?;
            Ok(account)
        })
        .await
    }

    /// Changes a part of an account.
    pub async fn patch_service_account(
        &self,
        caller: &Caller,
        id: ServiceAccountId,
        body: Object,
    ) -> Result<ServiceAccount> {
        self.change_service_account(caller, id, |stored| {
            let mut account = stored.clone();
            overlay(body, &mut account)?;
            Ok(account)
        })
        .await
    }

    /// Deletes an account. Its tokens are refused at once.
    pub async fn delete_service_account(&self, caller: &Caller, id: ServiceAccountId) -> Result<()> {
        caller.require(Permission::AccountsManage)?;
        let mut tx = self.db.write().await?;
        let account = service_accounts::lock(&mut tx, id).await?.ok_or_else(|| Error::no_service_account(&id))?;
        refuse_admins(caller, &account)?;
        service_accounts::delete(&mut tx, id).await?;
        self.note(&mut tx, caller, event("service_account.delete", &account)).await?;
        Ok(tx.commit().await?)
    }

    async fn change_service_account(
        &self,
        caller: &Caller,
        id: ServiceAccountId,
        change: impl FnOnce(&ServiceAccount) -> Result<ServiceAccount>,
    ) -> Result<ServiceAccount> {
        caller.require(Permission::AccountsManage)?;
        let mut tx = self.db.write().await?;
        let stored = service_accounts::lock(&mut tx, id).await?.ok_or_else(|| Error::no_service_account(&id))?;
        let mut account = change(&stored)?;
        // A request that changes nothing leaves no trace.
        if account == stored {
            return Ok(stored);
        }
        check_gift(caller, Some(&stored), &account)?;
        if let Some(other) = service_accounts::by_name(&mut tx, &account.name).await?
            && other.id != id
        {
            return Err(bodies::taken(KIND, &account.name, other.id));
        }
        account.updated_at = self.now();
        let updated = service_accounts::update(&mut tx, &account).await;
        updated.map_err(|error| bodies::taken_meanwhile(error, KIND, &account.name))?;
        let changes = Changes::between(&stored, &account);
        self.note(&mut tx, caller, event("service_account.update", &account).changes(changes)).await?;
        tx.commit().await?;
        Ok(account)
    }
}

/// What concerns an admin's account is for admins alone.
pub(super) fn refuse_admins(caller: &Caller, account: &ServiceAccount) -> Result<()> {
    if !account.is_admin || caller.is_admin {
        return Ok(());
    }
    Err(Error::Forbidden(format!(
        "service account `{}` is an admin's, which only an admin may change",
        shown(&account.name)
    )))
}

/// Nobody gives an account more than they have themselves.
fn check_gift(caller: &Caller, stored: Option<&ServiceAccount>, account: &ServiceAccount) -> Result<()> {
    if let Some(stored) = stored {
        refuse_admins(caller, stored)?;
    }
    if account.is_admin && !caller.is_admin {
        return Err(Error::Forbidden("only an admin may make an admin of a service account".into()));
    }
    // An account that is disabled gets all that it has when it is enabled.
    let before = stored.filter(|stored| stored.is_enabled).map(|stored| stored.permissions.as_slice());
    let given = account.permissions.iter().filter(|name| !before.is_some_and(|before| before.contains(name)));
    given.filter_map(|name| name.parse().ok()).try_for_each(|permission| caller.require(permission))
}

/// Puts the fields of a body over those of an account, and checks the outcome. `null` returns a field to its default.
fn overlay(body: Object, account: &mut ServiceAccount) -> Result<()> {
    let mut fields = Fields::new(body);
    fields.ignore(&bodies::READ_ONLY);
    match fields.text("name") {
        Field::Absent => {}
        Field::Null => fields.wrong("name", "has no default, so it cannot be null"),
        Field::Value(name) => account.name = name,
    }
    fields.text("description").put(&mut account.description, String::new);
    fields.flag("is_admin").put(&mut account.is_admin, || false);
    fields.flag("is_enabled").put(&mut account.is_enabled, || true);
    let is_null = fields.peek("permissions").is_some_and(serde_json::Value::is_null);
    match read_permissions(&mut fields) {
        Some(permissions) => account.permissions = names(permissions).into_iter().map(str::to_owned).collect(),
        None if is_null => account.permissions.clear(),
        None => {}
    }
    let mut errors = fields.finish();
    if !errors.has("name") {
        if account.name.is_empty() {
            errors.add("name", "is required");
        } else if let Some(defect) = rules::line_defect(&account.name, MAX_NAME) {
            errors.add("name", defect);
        }
    }
    let length = account.description.chars().count();
    if length > MAX_DESCRIPTION {
        errors.add("description", format!("has {length} characters; {MAX_DESCRIPTION} are allowed"));
    }
    errors.check()
}

/// The account with the name went away while one with the same name was to be made.
pub(super) fn just_deleted(name: &str) -> Error {
    bodies::just_deleted(KIND, name)
}

/// An account was made.
pub(super) fn created(account: &ServiceAccount) -> Event {
    event("service_account.create", account)
        .with("permissions", account.permissions.clone())
        .with("is_admin", account.is_admin)
        .with("is_enabled", account.is_enabled)
}

fn event(action: &'static str, account: &ServiceAccount) -> Event {
    Event::new(action, "service_account", account.id.to_string(), &account.name)
}
