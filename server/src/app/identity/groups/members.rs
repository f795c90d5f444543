//! Who is a member of which group.

use justiam_sdk::api::groups::Group;
use justiam_sdk::api::ids::{GroupId, UserId};
use justiam_sdk::api::page::{DEFAULT_LIMIT, Page, PageQuery};
use justiam_sdk::api::users::User;

use super::super::super::caller::{Caller, Permission};
use super::super::super::tasks::{offset, page_of};
use super::super::super::{App, Error, FieldErrors, Result};
use super::super::PAGE;
use super::super::actor::Actor;
use super::super::users::user_id;
use super::event;
use crate::store::identity::{groups, users};

impl App {
    /// Lists the members of a group, ordered by e-mail address.
    pub async fn list_members(&self, caller: &Caller, group: GroupId, query: &PageQuery) -> Result<Page<User>> {
        caller.require(Permission::GroupsView)?;
        caller.require(Permission::UsersView)?;
        let mut errors = FieldErrors::default();
        let (page, limit) = page_of(query.page, query.limit, DEFAULT_LIMIT, &mut errors);
        errors.check()?;
        let mut tx = self.db.read().await?;
        groups::get(&mut tx, group).await?.ok_or_else(|| Error::no_group(&group))?;
        let filter = users::Filter { group: Some(group), ..users::Filter::default() };
        let (data, total) = users::list(&mut tx, &filter, offset(page, limit), i64::from(limit)).await?;
        Ok(Page { data, total, page, limit })
    }

    /// Lists the groups of a user, ordered by name.
    pub async fn list_groups_of(&self, caller: &Caller, user: UserId, query: &PageQuery) -> Result<Page<Group>> {
        caller.require(Permission::UsersView)?;
        caller.require(Permission::GroupsView)?;
        let mut errors = FieldErrors::default();
        let (page, limit) = page_of(query.page, query.limit, DEFAULT_LIMIT, &mut errors);
        errors.check()?;
        let mut tx = self.db.read().await?;
        if !users::exists(&mut tx, user).await? {
            return Err(Error::no_user(&user));
        }
        let filter = groups::Filter { user: Some(user), ..groups::Filter::default() };
        let (data, total) = groups::list(&mut tx, &filter, offset(page, limit), i64::from(limit)).await?;
        Ok(Page { data, total, page, limit })
    }

    /// Members of a group ordered by e-mail address: the first ones, or those behind an address. Up to [`PAGE`] of them.
    pub async fn members_after(&self, actor: &Actor<'_>, group: &str, email: Option<&str>) -> Result<Vec<User>> {
        actor.require(Permission::GroupsView)?;
        actor.require(Permission::UsersView)?;
        let id = group_id(group)?;
        let mut tx = self.db.read().await?;
        groups::get(&mut tx, id).await?.ok_or_else(|| Error::no_group(&id))?;
        Ok(users::after(&mut tx, Some(id), email.unwrap_or_default(), PAGE).await?)
    }

    /// Groups of a user ordered by name: the first ones, or those behind a name. Up to [`PAGE`] of them.
    pub async fn groups_of_after(&self, actor: &Actor<'_>, user: &str, name: Option<&str>) -> Result<Vec<Group>> {
        actor.require(Permission::UsersView)?;
        actor.require(Permission::GroupsView)?;
        let id = user_id(user)?;
        let mut tx = self.db.read().await?;
        if !users::exists(&mut tx, id).await? {
            return Err(Error::no_user(&id));
        }
        Ok(groups::after(&mut tx, Some(id), name.unwrap_or_default(), PAGE).await?)
    }

    /// Makes a user a member of a group. Nothing happens to one who is.
    pub async fn add_member(&self, actor: &Actor<'_>, group: &str, user: &str) -> Result<()> {
        actor.require(Permission::GroupsManage)?;
        let (group_id, user_id) = (group_id(group)?, user_id(user)?);
        let mut tx = self.db.write().await?;
        let has_user = users::hold(&mut tx, user_id).await?;
        let group = groups::hold(&mut tx, group_id).await?.ok_or_else(|| Error::no_group(&group_id))?;
        if !has_user {
            return Err(Error::no_user(&user_id));
        }
        if groups::add_member(&mut tx, group_id, user_id, self.now()).await? {
            let event = event("group.add_member", &group).with("user_id", user_id.to_string());
            self.note_by(&mut tx, actor, event).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// Ends a user's membership of a group. Nothing happens to one who is no member.
    pub async fn remove_member(&self, actor: &Actor<'_>, group: &str, user: &str) -> Result<()> {
        actor.require(Permission::GroupsManage)?;
        let (group_id, user_id) = (group_id(group)?, user_id(user)?);
        let mut tx = self.db.write().await?;
        let has_user = users::hold(&mut tx, user_id).await?;
        let group = groups::hold(&mut tx, group_id).await?.ok_or_else(|| Error::no_group(&group_id))?;
        if !has_user {
            return Err(Error::no_user(&user_id));
        }
        if groups::remove_member(&mut tx, group_id, user_id).await? {
            let event = event("group.remove_member", &group).with("user_id", user_id.to_string());
            self.note_by(&mut tx, actor, event).await?;
            tx.commit().await?;
        }
        Ok(())
    }
}

/// What a script calls a group.
fn group_id(text: &str) -> Result<GroupId> {
    text.parse().map_err(|_| Error::no_group(text))
}
