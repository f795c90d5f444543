//! Users.

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod scripts;

use justiam_sdk::api::ids::UserId;
use justiam_sdk::api::page::{DEFAULT_LIMIT, Page};
use justiam_sdk::api::users::{INTERNAL, MAX_NAME, User, UserQuery};
use serde_json::json;

use super::super::audit::{Changes, Event};
use super::super::caller::{Caller, Permission};
use super::super::error::shown;
use super::super::fields::{Field, Fields, Object};
use super::super::tasks::{offset, page_of};
use super::super::{App, Error, FieldErrors, IdempotencyKey, Result};
use super::actor::Actor;
use super::{bodies, rules};
use crate::store::identity::users::{self, Filter};
use crate::store::identity::{access_requests, federated_providers};
use crate::store::{self, Tx};

pub(super) use scripts::user_id;

impl App {
    /// Creates a user.
    pub async fn create_user(&self, caller: &Caller, body: Object, key: Option<&IdempotencyKey>) -> Result<User> {
        caller.require(Permission::UsersManage)?;
        let mut user = User::new(UserId::from_uuid(self.new_id()), String::new(), self.now());
        overlay(body, &mut user)?;
        let mut tx = self.db.write().await?;
        if let Some(answer) = self.earlier_answer(&mut tx, caller, key).await? {
            tx.commit().await?;
            return Ok(answer);
        }
        self.store_user(&mut tx, &Actor::Caller(caller), &user).await?;
        self.keep_answer(&mut tx, caller, key, &user).await?;
        tx.commit().await?;
        Ok(user)
    }

    /// Reads a user.
    pub async fn user(&self, caller: &Caller, id: UserId) -> Result<User> {
        caller.require(Permission::UsersView)?;
        let mut tx = self.db.read().await?;
        users::get(&mut tx, id).await?.ok_or_else(|| Error::no_user(&id))
    }

    /// Lists users, ordered by e-mail address.
    pub async fn list_users(&self, caller: &Caller, query: &UserQuery) -> Result<Page<User>> {
        caller.require(Permission::UsersView)?;
        let mut errors = FieldErrors::default();
        let (page, limit) = page_of(query.page, query.limit, DEFAULT_LIMIT, &mut errors);
        errors.check()?;
        let filter = Filter {
            email: query.email.clone(),
            search: query.search.clone(),
            is_active: query.is_active,
            group: query.group_id,
        };
        let mut tx = self.db.read().await?;
        let (data, total) = users::list(&mut tx, &filter, offset(page, limit), i64::from(limit)).await?;
        Ok(Page { data, total, page, limit })
    }

    /// Replaces all that a user consists of; what the body leaves out returns to its default.
    pub async fn replace_user(&self, caller: &Caller, id: UserId, body: Object) -> Result<User> {
        self.change_user(&Actor::Caller(caller), id, |stored| {
            let mut user = User::new(id, String::new(), stored.created_at);
            user.updated_at = stored.updated_at;
            overlay(body, &mut user)?;
            Ok(user)
        })
        .await
    }

    /// Changes a part of a user.
    pub async fn patch_user(&self, caller: &Caller, id: UserId, body: Object) -> Result<User> {
        self.change_user(&Actor::Caller(caller), id, |stored| {
            let mut user = stored.clone();
            overlay(body, &mut user)?;
            Ok(user)
        })
        .await
    }

    /// Deletes a user with memberships, identities, messages and whatever else belongs to one.
    pub async fn delete_user(&self, caller: &Caller, id: UserId) -> Result<()> {
        caller.require(Permission::UsersManage)?;
        let mut tx = self.db.write().await?;
        let user = users::lock(&mut tx, id).await?.ok_or_else(|| Error::no_user(&id))?;
        access_requests::lock_of(&mut tx, id).await?;
        users::delete(&mut tx, id).await?;
        self.note(&mut tx, caller, event("user.delete", &user)).await?;
        Ok(tx.commit().await?)
    }

    /// Stores a new user whose texts have been checked.
    async fn store_user(&self, tx: &mut Tx, actor: &Actor<'_>, user: &User) -> Result<()> {
        check_source(tx, &user.auth_source).await?;
        if !users::insert(tx, user).await? {
            let other = users::id_of(tx, &user.email).await?;
            return Err(taken(&user.email, other));
        }
        self.note_by(tx, actor, event("user.create", user)).await
    }

    /// Reads a user, asks what it shall become, and stores that, in one transaction.
    async fn change_user(
        &self,
        actor: &Actor<'_>,
        id: UserId,
        change: impl FnOnce(&User) -> Result<User>,
    ) -> Result<User> {
        actor.require(Permission::UsersManage)?;
        let mut tx = self.db.write().await?;
        let stored = users::lock(&mut tx, id).await?.ok_or_else(|| Error::no_user(&id))?;
        let mut user = change(&stored)?;
        // A request that changes nothing leaves no trace.
        if user == stored {
            return Ok(stored);
        }
        if user.auth_source != stored.auth_source {
            check_source(&mut tx, &user.auth_source).await?;
        }
        if let Some(other) = users::id_of(&mut tx, &user.email).await?
            && other != id
        {
            return Err(taken(&user.email, Some(other)));
        }
        user.updated_at = self.now();
        match users::update(&mut tx, &user).await {
            // Somebody took the address between the look and the write.
            Err(store::Error::Conflict(_)) => return Err(taken(&user.email, None)),
            done => done?,
        };
        let changes = Changes::between(&stored, &user);
        self.note_by(&mut tx, actor, event("user.update", &user).changes(changes)).await?;
        tx.commit().await?;
        Ok(user)
    }
}

fn event(action: &'static str, user: &User) -> Event {
    Event::new(action, "user", user.id.to_string(), &user.email)
}

/// Puts the fields of a body over those of a user, and checks the outcome. `null` returns a field to its default.
fn overlay(body: Object, user: &mut User) -> Result<()> {
    let mut fields = Fields::new(body);
    fields.ignore(&bodies::READ_ONLY);
    match fields.text("email") {
        Field::Absent => {}
        Field::Null => fields.errors.add("email", "has no default, so it cannot be null"),
        Field::Value(email) => user.email = email,
    }
    fields.text("first_name").put(&mut user.first_name, String::new);
    fields.text("last_name").put(&mut user.last_name, String::new);
    fields.flag("is_active").put(&mut user.is_active, || true);
    fields.text("auth_source").put(&mut user.auth_source, || INTERNAL.to_owned());
    fields.texts("attributes").put(&mut user.attributes, Default::default);
    match fields.instant("last_login_at") {
        Field::Absent => {}
        Field::Null => user.last_login_at = None,
        Field::Value(at) => user.last_login_at = Some(at),
    }
    check(user, fields.finish())
}

/// Checks the texts of a user, beside what is known to be wrong.
pub(in crate::app) fn check(user: &User, mut errors: FieldErrors) -> Result<()> {
    for (field, defect) in [
        ("email", email_defect(&user.email)),
        ("first_name", rules::maybe_line_defect(&user.first_name, MAX_NAME)),
        ("last_name", rules::maybe_line_defect(&user.last_name, MAX_NAME)),
        ("auth_source", rules::line_defect(&user.auth_source, MAX_NAME)),
    ] {
        if let Some(defect) = defect
            && !errors.has(field)
        {
            errors.add(field, defect);
        }
    }
    rules::check_attributes(&user.attributes, "attributes", &mut errors);
    errors.check()
}

fn email_defect(email: &str) -> Option<String> {
    if email.is_empty() { Some("is required".into()) } else { rules::email_defect(email) }
}

/// A source is looked up when it is written; the provider may go afterwards.
async fn check_source(tx: &mut Tx, source: &str) -> Result<()> {
    if source == INTERNAL || federated_providers::id_of(tx, source).await?.is_some() {
        return Ok(());
    }
    let mut errors = FieldErrors::default();
    let source = shown(source);
    errors.add("auth_source", format!("must be `{INTERNAL}` or the name of a federated provider, not `{source}`"));
    Err(Error::Invalid(errors))
}

fn taken(email: &str, owner: Option<UserId>) -> Error {
    let (message, details) = match owner {
        Some(owner) => (format!(": {owner}"), json!({ "id": owner, "field": "email" })),
        None => (String::new(), json!({ "field": "email" })),
    };
    Error::Conflict {
        message: format!("a user with the e-mail address `{}` exists already{message}", shown(email)),
        details: Some(details),
    }
}
