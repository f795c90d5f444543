//! Users.

use futures::Stream;

use super::error::Error;
use super::pages;
use super::transport::Transport;
use crate::api::ids::UserId;
use crate::api::messages::{MessageQuery, UserMessage};
use crate::api::page::Page;
use crate::api::paths;

/// Users, and what belongs to them.
#[derive(Clone, Copy)]
#[must_use]
pub struct Users<'a>(pub(super) &'a Transport);

impl<'a> Users<'a> {
    /// All messages that a user has got, the last delivered first, page by page as they are asked for.
    pub fn messages(&self, id: UserId) -> impl Stream<Item = Result<UserMessage, Error>> + Unpin + 'a {
        let users = Users(self.0);
        pages::all(move |page| {
            let query = MessageQuery { page: Some(page), ..MessageQuery::default() };
            async move { users.messages_page(id, &query).await }
        })
    }

    /// Reads one page of the messages that a user has got, the last delivered first.
    pub async fn messages_page(&self, id: UserId, query: &MessageQuery) -> Result<Page<UserMessage>, Error> {
        self.0.get_with(&paths::user_messages(id), query).await
    }
}
