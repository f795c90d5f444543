//! Messages to users.

use justiam_sdk::api::ids::UserId;
use justiam_sdk::api::messages::UserMessage;
use justiam_sdk::api::page::{DEFAULT_LIMIT, Page, PageQuery};

use super::caller::{Caller, Permission};
use super::tasks::{offset, page_of};
use super::{App, Error, FieldErrors, Result};
use crate::store::identity::{user_messages, users};

impl App {
    /// Lists the messages that a user has got, the last delivered first. Pending ones are not among them.
    pub async fn list_messages(&self, caller: &Caller, user: UserId, query: &PageQuery) -> Result<Page<UserMessage>> {
        caller.require(Permission::UsersView)?;
        let mut errors = FieldErrors::default();
        let (page, limit) = page_of(query.page, query.limit, DEFAULT_LIMIT, &mut errors);
        errors.check()?;
        let mut tx = self.db.read().await?;
        if !users::exists(&mut tx, user).await? {
            return Err(Error::no_user(&user));
        }
        let (data, total) = user_messages::list(&mut tx, user, offset(page, limit), i64::from(limit)).await?;
        Ok(Page { data, total, page, limit })
    }
}
