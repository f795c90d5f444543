//! Groups.

use futures::Stream;
use reqwest::Method;

use super::error::Error;
use super::pages;
use super::transport::Transport;
use crate::api::groups::{Group, GroupPatch, GroupQuery, NewGroup};
use crate::api::ids::{GroupId, UserId};
use crate::api::page::{Page, PageQuery};
use crate::api::paths;
use crate::api::users::User;

/// Groups of users, and who is a member.
#[derive(Clone, Copy)]
#[must_use]
pub struct Groups<'a>(pub(super) &'a Transport);

impl<'a> Groups<'a> {
    /// Creates a group without members.
    pub async fn create(&self, group: &NewGroup) -> Result<Group, Error> {
        self.0.send_body(Method::POST, &paths::groups(), group).await
    }

    /// Reads a group.
    pub async fn get(&self, id: GroupId) -> Result<Group, Error> {
        self.0.get(&paths::group(id)).await
    }

    /// Reads one page of groups, ordered by name.
    pub async fn page(&self, query: &GroupQuery) -> Result<Page<Group>, Error> {
        self.0.get_with(&paths::groups(), query).await
    }

    /// All groups that fit, ordered by name, page by page as they are asked for.
    pub fn list(&self, query: GroupQuery) -> impl Stream<Item = Result<Group, Error>> + Unpin + 'a {
        let groups = Groups(self.0);
        pages::all(move |page| {
            let query = GroupQuery { page: Some(page), ..query.clone() };
            async move { groups.page(&query).await }
        })
    }

    /// The group with exactly this name, if there is one.
    pub async fn find(&self, name: &str) -> Result<Option<Group>, Error> {
        Ok(self.page(&GroupQuery::named(name)).await?.data.into_iter().next())
    }

    /// Replaces a group's name and description; members stay.
    pub async fn replace(&self, id: GroupId, group: &NewGroup) -> Result<Group, Error> {
        self.0.send_body(Method::PUT, &paths::group(id), group).await
    }

    /// Changes what the patch names, all or nothing.
    pub async fn update(&self, id: GroupId, patch: &GroupPatch) -> Result<Group, Error> {
        self.0.send_body(Method::PATCH, &paths::group(id), patch).await
    }

    /// Deletes a group. Its members stay users.
    pub async fn delete(&self, id: GroupId) -> Result<(), Error> {
        self.0.delete(&paths::group(id)).await
    }

    /// All members of a group, ordered by e-mail address, page by page as they are asked for.
    pub fn members(&self, id: GroupId) -> impl Stream<Item = Result<User, Error>> + Unpin + 'a {
        let groups = Groups(self.0);
        pages::all(move |page| async move { groups.members_page(id, &PageQuery::number(page)).await })
    }

    /// Reads one page of the members of a group, ordered by e-mail address.
    pub async fn members_page(&self, id: GroupId, query: &PageQuery) -> Result<Page<User>, Error> {
        self.0.get_with(&paths::group_members(id), query).await
    }

    /// Makes a user a member. Nothing happens to one who is.
    pub async fn add_member(&self, id: GroupId, user: UserId) -> Result<(), Error> {
        self.0.put(&paths::group_member(id, user)).await
    }

    /// Ends a membership. Nothing happens to a user who is no member.
    pub async fn remove_member(&self, id: GroupId, user: UserId) -> Result<(), Error> {
        self.0.delete(&paths::group_member(id, user)).await
    }
}
