//! Users.

use futures::Stream;
use reqwest::Method;

use super::error::Error;
use super::pages;
use super::transport::Transport;
use crate::api::federated_providers::{FederatedIdentity, NewFederatedIdentity};
use crate::api::groups::Group;
use crate::api::ids::{ProviderId, UserId};
use crate::api::messages::UserMessage;
use crate::api::page::{Page, PageQuery};
use crate::api::paths;
use crate::api::users::{NewUser, User, UserPatch, UserQuery};

/// Users, and what belongs to them.
#[derive(Clone, Copy)]
#[must_use]
pub struct Users<'a>(pub(super) &'a Transport);

impl<'a> Users<'a> {
    /// Creates a user.
    pub async fn create(&self, user: &NewUser) -> Result<User, Error> {
        self.0.send_body(Method::POST, &paths::users(), user).await
    }

    /// Reads a user.
    pub async fn get(&self, id: UserId) -> Result<User, Error> {
        self.0.get(&paths::user(id)).await
    }

    /// Reads one page of users, ordered by e-mail address.
    pub async fn page(&self, query: &UserQuery) -> Result<Page<User>, Error> {
        self.0.get_with(&paths::users(), query).await
    }

    /// All users that fit, ordered by e-mail address, page by page as they are asked for.
    pub fn list(&self, query: UserQuery) -> impl Stream<Item = Result<User, Error>> + Unpin + 'a {
        let users = Users(self.0);
        pages::all(move |page| {
            let query = UserQuery { page: Some(page), ..query.clone() };
            async move { users.page(&query).await }
        })
    }

    /// The user with this address in any letter case, if there is one.
    pub async fn find(&self, email: &str) -> Result<Option<User>, Error> {
        Ok(self.page(&UserQuery::with_email(email)).await?.data.into_iter().next())
    }

    /// Replaces all that a user consists of. What the body leaves out returns to its default.
    pub async fn replace(&self, id: UserId, user: &NewUser) -> Result<User, Error> {
        self.0.send_body(Method::PUT, &paths::user(id), user).await
    }

    /// Changes what the patch names, all or nothing.
    pub async fn update(&self, id: UserId, patch: &UserPatch) -> Result<User, Error> {
        self.0.send_body(Method::PATCH, &paths::user(id), patch).await
    }

    /// Deletes a user with memberships, identities and messages.
    pub async fn delete(&self, id: UserId) -> Result<(), Error> {
        self.0.delete(&paths::user(id)).await
    }

    /// All groups of a user, ordered by name, page by page as they are asked for.
    pub fn groups(&self, id: UserId) -> impl Stream<Item = Result<Group, Error>> + Unpin + 'a {
        let users = Users(self.0);
        pages::all(move |page| async move { users.groups_page(id, &PageQuery::number(page)).await })
    }

    /// Reads one page of the groups of a user, ordered by name.
    pub async fn groups_page(&self, id: UserId, query: &PageQuery) -> Result<Page<Group>, Error> {
        self.0.get_with(&paths::user_groups(id), query).await
    }

    /// All messages that a user has got, the last delivered first, page by page as they are asked for.
    pub fn messages(&self, id: UserId) -> impl Stream<Item = Result<UserMessage, Error>> + Unpin + 'a {
        let users = Users(self.0);
        pages::all(move |page| async move { users.messages_page(id, &PageQuery::number(page)).await })
    }

    /// Reads one page of the messages that a user has got, the last delivered first.
    pub async fn messages_page(&self, id: UserId, query: &PageQuery) -> Result<Page<UserMessage>, Error> {
        self.0.get_with(&paths::user_messages(id), query).await
    }

    /// Who a user is at federated providers, in the order in which that was linked, page by page as they are asked for.
    pub fn federated_identities(
        &self,
        id: UserId,
    ) -> impl Stream<Item = Result<FederatedIdentity, Error>> + Unpin + 'a {
        let users = Users(self.0);
        pages::all(move |page| async move { users.federated_identities_page(id, &PageQuery::number(page)).await })
    }

    /// Reads one page of who a user is at federated providers, in the order in which that was linked.
    pub async fn federated_identities_page(
        &self,
        id: UserId,
        query: &PageQuery,
    ) -> Result<Page<FederatedIdentity>, Error> {
        self.0.get_with(&paths::user_federated_identities(id), query).await
    }

    /// Links a user to who he or she is at a provider. The same again is fine.
    pub async fn link_federated_identity(
        &self,
        id: UserId,
        identity: &NewFederatedIdentity,
    ) -> Result<FederatedIdentity, Error> {
        self.0.send_body(Method::POST, &paths::user_federated_identities(id), identity).await
    }

    /// Removes the identity that a user has at a provider. Where there is none, nothing happens.
    pub async fn unlink_federated_identity(&self, id: UserId, provider: ProviderId) -> Result<(), Error> {
        self.0.delete(&paths::user_federated_identity(id, provider)).await
    }
}
