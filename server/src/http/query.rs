//! Reads the queries of lists, and collects what is wrong with all of their parts.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Query as Pairs};
use http::request::Parts;
use justiam_sdk::api::access_requests::AccessRequestQuery;
use justiam_sdk::api::activities::{ActivityQuery, ActivityStatus};
use justiam_sdk::api::applications::ApplicationQuery;
use justiam_sdk::api::audit::AuditQuery;
use justiam_sdk::api::connected_systems::ConnectedSystemQuery;
use justiam_sdk::api::executions::{ExecutionQuery, ExecutionStatus};
use justiam_sdk::api::federated_providers::FederatedProviderQuery;
use justiam_sdk::api::groups::GroupQuery;
use justiam_sdk::api::page::{MAX_SEARCH, PageQuery};
use justiam_sdk::api::preview::NextQuery;
use justiam_sdk::api::runs::RunQuery;
use justiam_sdk::api::schedules::ScheduleQuery;
use justiam_sdk::api::service_accounts::ServiceAccountQuery;
use justiam_sdk::api::tasks::TaskQuery;
use justiam_sdk::api::users::UserQuery;
use justiam_sdk::api::values::Words;

use super::problem::Failure;
use crate::app::{App, Error, FieldErrors};

/// The query of a list.
pub(super) struct Query<T>(pub(super) T);

/// The query of a list whose parameters are read in any letter case, and of which unknown ones are ignored, as existing clients of
/// schedules expect.
pub(super) struct LooseQuery<T>(pub(super) T);

/// What queries of lists are read into.
pub(super) trait Read: Sized {
    fn read(parts: &mut QueryParts) -> Self;
}

impl Read for TaskQuery {
    fn read(parts: &mut QueryParts) -> Self {
        let mut query = Self::new();
        (query.page, query.limit) = parts.page();
        query.name = parts.text("name");
        query.search = parts.search();
        query.task_type = parts.text("task_type").map(|word| word.as_str().into());
        query.enabled = parts.value("enabled", "must be `true` or `false`");
        query.include = parts.text("include");
        query
    }
}

impl Read for RunQuery {
    fn read(parts: &mut QueryParts) -> Self {
        let mut query = Self::new();
        (query.page, query.limit) = parts.page();
        query.task_id = parts.value("task_id", "must be the id of a task, a UUID");
        query.status = parts.text("status").map(|word| word.as_str().into());
        query
    }
}

impl Read for UserQuery {
    fn read(parts: &mut QueryParts) -> Self {
        let mut query = Self::new();
        (query.page, query.limit) = parts.page();
        query.search = parts.search();
        query.email = parts.text("email");
        query.is_active = parts.value("is_active", "must be `true` or `false`");
        query.group_id = parts.value("group_id", "must be the id of a group, a UUID");
        query
    }
}

impl Read for GroupQuery {
    fn read(parts: &mut QueryParts) -> Self {
        let mut query = Self::new();
        (query.page, query.limit) = parts.page();
        query.search = parts.search();
        query.name = parts.text("name");
        query
    }
}

impl Read for ServiceAccountQuery {
    fn read(parts: &mut QueryParts) -> Self {
        let mut query = Self::new();
        (query.page, query.limit) = parts.page();
        query.name = parts.text("name");
        query
    }
}

impl Read for PageQuery {
    fn read(parts: &mut QueryParts) -> Self {
        let mut query = Self::new();
        (query.page, query.limit) = parts.page();
        query
    }
}

impl Read for FederatedProviderQuery {
    fn read(parts: &mut QueryParts) -> Self {
        let mut query = Self::new();
        (query.page, query.limit) = parts.page();
        query.name = parts.text("name");
        query.provider_type = parts.text("provider_type").map(|word| word.as_str().into());
        query
    }
}

impl Read for ApplicationQuery {
    fn read(parts: &mut QueryParts) -> Self {
        let mut query = Self::new();
        (query.page, query.limit) = parts.page();
        query.name = parts.text("name");
        query.application_type = parts.text("application_type").map(|word| word.as_str().into());
        query
    }
}

impl Read for AccessRequestQuery {
    fn read(parts: &mut QueryParts) -> Self {
        let mut query = Self::new();
        (query.page, query.limit) = parts.page();
        query.status = parts.text("status").map(|word| word.as_str().into());
        query.requester_id = parts.value("requester_id", "must be the id of a user, a UUID");
        query
    }
}

impl Read for AuditQuery {
    fn read(parts: &mut QueryParts) -> Self {
        let mut query = Self::new();
        (query.page, query.limit) = parts.page();
        query.action = parts.text("action");
        query.object_id = parts.text("object_id");
        query.actor = parts.text("actor");
        query
    }
}

impl Read for ScheduleQuery {
    fn read(parts: &mut QueryParts) -> Self {
        let mut query = Self::new();
        (query.page, query.page_size) = parts.numbered_page();
        query.search = parts.search();
        query.name = parts.text("name");
        (query.sort_by, query.sort_descending) = parts.sorting();
        query.include = parts.text("include");
        query
    }
}

impl Read for ExecutionQuery {
    fn read(parts: &mut QueryParts) -> Self {
        let mut query = Self::new();
        (query.page, query.page_size) = parts.numbered_page();
        query.schedule_id = parts.value("scheduleId", "must be the id of a schedule, a UUID");
        query.status = parts.word("status").map(|status| match status {
            // Newer clients than the documentation call it so.
            ExecutionStatus::Other(word) if word.eq_ignore_ascii_case("Complete") => ExecutionStatus::Completed,
            status => status,
        });
        (query.sort_by, query.sort_descending) = parts.sorting();
        query
    }
}

impl Read for ActivityQuery {
    fn read(parts: &mut QueryParts) -> Self {
        let mut query = Self::new();
        (query.page, query.page_size) = parts.numbered_page();
        query.status = parts.word::<ActivityStatus>("status");
        query.schedule_execution_id = parts.value("scheduleExecutionId", "must be the id of an execution, a UUID");
        query.connected_system_id = parts.value("connectedSystemId", "must be the number of a connected system");
        query
    }
}

impl Read for ConnectedSystemQuery {
    fn read(parts: &mut QueryParts) -> Self {
        let mut query = Self::new();
        (query.page, query.page_size) = parts.numbered_page();
        query.name = parts.text("name");
        query
    }
}

impl Read for NextQuery {
    fn read(parts: &mut QueryParts) -> Self {
        let mut query = Self::new();
        query.count = parts.value("count", "must be a whole number from 1 to 1000");
        let instant = "must be an RFC 3339 instant such as `2026-01-31T08:00:00Z`; a `+` is written as `%2B`";
        query.from = parts.value("from", instant);
        query
    }
}

/// The parts of one query by name, and what is wrong with them.
pub(super) struct QueryParts {
    parts: BTreeMap<String, String>,
    /// Whether names are read in any letter case. They are in lower case then.
    loose: bool,
    errors: FieldErrors,
}

impl QueryParts {
    /// The number of a page, and how many items it has.
    fn page(&mut self) -> (Option<u32>, Option<u32>) {
        let page = self.value("page", "must be a whole number from 1");
        (page, self.value("limit", "must be a whole number from 1 to 1000"))
    }

    /// The same for lists of schedules and their like.
    fn numbered_page(&mut self) -> (Option<i64>, Option<i64>) {
        let page = self.value("page", "must be a whole number");
        (page, self.value("pageSize", "must be a whole number from 1"))
    }

    /// By what such a list is sorted, and whether the last comes first.
    fn sorting(&mut self) -> (Option<String>, Option<bool>) {
        let sort_by = self.text("sortBy");
        (sort_by, self.flag("sortDescending"))
    }

    fn flag(&mut self, name: &str) -> Option<bool> {
        let text = self.take(name)?.to_ascii_lowercase();
        let flag = text.parse().ok();
        if flag.is_none() {
            self.errors.add(name, "must be `true` or `false`");
        }
        flag
    }

    fn take(&mut self, name: &str) -> Option<String> {
        if self.loose { self.parts.remove(&name.to_ascii_lowercase()) } else { self.parts.remove(name) }
    }

    fn text(&mut self, name: &str) -> Option<String> {
        let text = self.take(name)?;
        if text.contains('\0') {
            self.errors.add(name, "must not contain a NUL character");
            return None;
        }
        Some(text)
    }

    /// A word in any letter case, or its number.
    fn word<T: Words>(&mut self, name: &str) -> Option<T> {
        let word = self.text(name)?;
        Some(T::from_any_case(&word).unwrap_or_else(|| T::from(word.as_str())))
    }

    /// What is looked for in names. The databases refuse patterns that are very long.
    fn search(&mut self) -> Option<String> {
        let text = self.text("search")?;
        let length = text.chars().count();
        if length > MAX_SEARCH {
            self.errors.add("search", format!("has {length} characters; {MAX_SEARCH} are allowed"));
            return None;
        }
        Some(text)
    }

    fn value<T: FromStr>(&mut self, name: &str, expected: &str) -> Option<T> {
        let text = self.take(name)?;
        let value = text.parse().ok();
        if value.is_none() {
            self.errors.add(name, expected);
        }
        value
    }
}

impl<T: Read + Send> FromRequestParts<Arc<App>> for Query<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<App>) -> Result<Self, Failure> {
        read(parts, false).map(Self)
    }
}

impl<T: Read + Send> FromRequestParts<Arc<App>> for LooseQuery<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<App>) -> Result<Self, Failure> {
        read(parts, true).map(Self)
    }
}

fn read<T: Read>(parts: &Parts, loose: bool) -> Result<T, Failure> {
    let Ok(Pairs(pairs)) = Pairs::<Vec<(String, String)>>::try_from_uri(&parts.uri) else {
        return Err(Failure::bad_request("the query is not of the form `name=value&name=value`"));
    };
    let mut query = QueryParts { parts: BTreeMap::new(), loose, errors: FieldErrors::default() };
    for (name, value) in pairs {
        let shown = crate::app::error::shown(&name);
        let name = if loose { name.to_ascii_lowercase() } else { name };
        if query.parts.insert(name, value).is_some() {
            query.errors.add(shown, "stands twice in the query");
        }
    }
    let read = T::read(&mut query);
    let mut errors = query.errors;
    if !loose {
        for name in query.parts.keys() {
            errors.add(crate::app::error::shown(name), "is not a part of this query");
        }
    }
    errors.check().map_err(|error: Error| Failure::from(error))?;
    Ok(read)
}
