//! What scripts do with users.

use justiam_sdk::api::ids::UserId;
use justiam_sdk::api::users::{Attributes, INTERNAL, User};

use super::super::super::caller::Permission;
use super::super::super::{App, Error, FieldErrors, Result};
use super::super::PAGE;
use super::super::actor::Actor;
use super::check;
use crate::store::identity::users;

impl App {
    /// The user with this address, in any letter case.
    pub async fn user_by_email(&self, actor: &Actor<'_>, email: &str) -> Result<Option<User>> {
        actor.require(Permission::UsersView)?;
        let mut tx = self.db.look().await?;
        Ok(users::by_email(&mut tx, email).await?)
    }

    /// The user with this id.
    pub async fn user_by_id(&self, actor: &Actor<'_>, id: &str) -> Result<Option<User>> {
        actor.require(Permission::UsersView)?;
        let Ok(id) = id.parse() else { return Ok(None) };
        let mut tx = self.db.look().await?;
        Ok(users::get(&mut tx, id).await?)
    }

    /// Users ordered by e-mail address: the first ones, or those behind an address. Up to [`PAGE`] of them.
    pub async fn users_after(&self, actor: &Actor<'_>, email: Option<&str>) -> Result<Vec<User>> {
        actor.require(Permission::UsersView)?;
        let mut tx = self.db.read().await?;
        Ok(users::after(&mut tx, None, email.unwrap_or_default(), PAGE).await?)
    }

    /// Creates an active user. `source` is empty for an internal user, else the name of a federated provider.
    pub async fn add_user(
        &self,
        actor: &Actor<'_>,
        email: &str,
        first_name: &str,
        last_name: &str,
        source: &str,
    ) -> Result<User> {
        actor.require(Permission::UsersManage)?;
        let mut user = User::new(UserId::from_uuid(self.new_id()), email.to_owned(), self.now());
        first_name.clone_into(&mut user.first_name);
        last_name.clone_into(&mut user.last_name);
        let source = if source.is_empty() { INTERNAL } else { source };
        source.clone_into(&mut user.auth_source);
        check(&user, FieldErrors::default())?;
        let mut tx = self.db.write().await?;
        self.store_user(&mut tx, actor, &user).await?;
        tx.commit().await?;
        Ok(user)
    }

    /// Lets a user sign in, or no longer.
    pub async fn set_user_active(&self, actor: &Actor<'_>, id: &str, active: bool) -> Result<()> {
        let change = |stored: &User| {
            let mut user = stored.clone();
            user.is_active = active;
            Ok(user)
        };
        self.change_user(actor, user_id(id)?, change).await?;
        Ok(())
    }

    /// Sets both names of a user.
    pub async fn set_user_profile(&self, actor: &Actor<'_>, id: &str, first_name: &str, last_name: &str) -> Result<()> {
        let change = |stored: &User| {
            let mut user = stored.clone();
            first_name.clone_into(&mut user.first_name);
            last_name.clone_into(&mut user.last_name);
            check(&user, FieldErrors::default())?;
            Ok(user)
        };
        self.change_user(actor, user_id(id)?, change).await?;
        Ok(())
    }

    /// Puts attributes over those of a user. An empty value removes an attribute.
    pub async fn merge_user_attributes(&self, actor: &Actor<'_>, id: &str, attributes: Attributes) -> Result<()> {
        let change = |stored: &User| {
            let mut user = stored.clone();
            user.attributes.extend(attributes);
            user.attributes.retain(|_, value| !value.is_empty());
            check(&user, FieldErrors::default())?;
            Ok(user)
        };
        self.change_user(actor, user_id(id)?, change).await?;
        Ok(())
    }
}

/// What a script calls a user.
pub(in crate::app::identity) fn user_id(text: &str) -> Result<UserId> {
    text.parse().map_err(|_| Error::no_user(text))
}
