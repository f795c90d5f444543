//! Requests for access, and their decisions.

use justiam_sdk::api::access_requests::{
    AccessRequest, AccessRequestQuery, AccessRequestStatus, MAX_APPROVERS, MAX_TEMPLATE_NAME, READ_ONLY,
};
use justiam_sdk::api::ids::{AccessRequestId, UserId};
use justiam_sdk::api::page::{DEFAULT_LIMIT, Page};
use justiam_sdk::api::values::Words as _;
use serde_json::Value;

use super::actor::Actor;
use super::bodies;
use crate::app::audit::Event;
use crate::app::caller::{Caller, Permission};
use crate::app::error::shown;
use crate::app::fields::{Fields, kind};
use crate::app::tasks::{offset, page_of};
use crate::app::{App, Error, FieldErrors, IdempotencyKey, Object, Result};
use crate::store::Tx;
use crate::store::identity::access_requests::{self, Approver, Filter, NewRequest, PENDING};
use crate::store::identity::users;

impl App {
    /// Makes a pending request.
    pub async fn create_access_request(
        &self,
        caller: &Caller,
        body: Object,
        key: Option<&IdempotencyKey>,
    ) -> Result<AccessRequest> {
        caller.require(Permission::AccessRequestsManage)?;
        let request = self.read_request(body)?;
        let mut tx = self.db.write().await?;
        if let Some(answer) = self.earlier_answer(&mut tx, caller, key).await? {
            tx.commit().await?;
            return Ok(answer);
        }
        check_users(&mut tx, &request).await?;
        access_requests::put(&mut tx, &request, self.now()).await?;
        let stored = access_requests::get(&mut tx, request.id).await?;
        let stored = stored.ok_or_else(|| Error::no_access_request(&request.id))?;
        self.note(&mut tx, caller, event("access_request.create", &stored)).await?;
        self.keep_answer(&mut tx, caller, key, &stored).await?;
        tx.commit().await?;
        Ok(stored)
    }

    /// Reads a request.
    pub async fn access_request(&self, caller: &Caller, id: AccessRequestId) -> Result<AccessRequest> {
        caller.require(Permission::AccessRequestsView)?;
        let mut tx = self.db.read().await?;
        access_requests::get(&mut tx, id).await?.ok_or_else(|| Error::no_access_request(&id))
    }

    /// Lists requests, newest first.
    pub async fn list_access_requests(
        &self,
        caller: &Caller,
        query: &AccessRequestQuery,
    ) -> Result<Page<AccessRequest>> {
        caller.require(Permission::AccessRequestsView)?;
        let mut errors = FieldErrors::default();
        let (page, limit) = page_of(query.page, query.limit, DEFAULT_LIMIT, &mut errors);
        if query.status.as_ref().is_some_and(|word| !word.is_known()) {
            errors.add("status", AccessRequestStatus::expected());
        }
        errors.check()?;
        let filter = Filter { status: query.status.clone(), requester: query.requester_id };
        let mut tx = self.db.read().await?;
        let (data, total) = access_requests::list(&mut tx, &filter, offset(page, limit), i64::from(limit)).await?;
        Ok(Page { data, total, page, limit })
    }

    /// Who is asked to approve a request, by e-mail address; a text that is no id belongs to no request.
    pub async fn approvers_of(&self, actor: &Actor<'_>, id: &str) -> Result<Vec<Approver>> {
        actor.require(Permission::AccessRequestsView)?;
        let missing = || Error::no_access_request(id);
        let id = id.parse().map_err(|_| missing())?;
        let mut tx = self.db.read().await?;
        let approvers = access_requests::approvers(&mut tx, id).await?;
        if approvers.is_empty() && access_requests::get(&mut tx, id).await?.is_none() {
            return Err(missing());
        }
        Ok(approvers)
    }

    /// Grants a pending request.
    pub async fn approve_access_request(
        &self,
        caller: &Caller,
        id: AccessRequestId,
        key: Option<&IdempotencyKey>,
    ) -> Result<AccessRequest> {
        self.decide(caller, id, &AccessRequestStatus::Approved, "access_request.approve", key).await
    }

    /// Refuses a pending request.
    pub async fn deny_access_request(
        &self,
        caller: &Caller,
        id: AccessRequestId,
        key: Option<&IdempotencyKey>,
    ) -> Result<AccessRequest> {
        self.decide(caller, id, &AccessRequestStatus::Denied, "access_request.deny", key).await
    }

    async fn decide(
        &self,
        caller: &Caller,
        id: AccessRequestId,
        decision: &AccessRequestStatus,
        action: &'static str,
        key: Option<&IdempotencyKey>,
    ) -> Result<AccessRequest> {
        caller.require(Permission::AccessRequestsManage)?;
        let mut tx = self.db.write().await?;
        if let Some(answer) = self.earlier_answer(&mut tx, caller, key).await? {
            tx.commit().await?;
            return Ok(answer);
        }
        let decided = access_requests::decide(&mut tx, id, decision, self.now()).await?;
        // Read after that: whoever waited for another decision sees it.
        let request = access_requests::get(&mut tx, id).await?.ok_or_else(|| Error::no_access_request(&id))?;
        if !decided {
            return Err(Error::Conflict { message: why_closed(&request), details: None });
        }
        self.note(&mut tx, caller, event(action, &request)).await?;
        self.keep_answer(&mut tx, caller, key, &request).await?;
        tx.commit().await?;
        Ok(request)
    }

    fn read_request(&self, body: Object) -> Result<NewRequest> {
        let mut fields = Fields::new(body);
        fields.ignore(&READ_ONLY);
        let requester = bodies::id::<UserId>(&mut fields, "requester_id", "a user");
        let template_name = bodies::line(&mut fields, "template_name", MAX_TEMPLATE_NAME, None);
        let approvers = read_approvers(&mut fields);
        let expires_at = fields.instant("expires_at").value();
        if expires_at.is_some_and(|expires_at| expires_at <= self.now()) {
            fields.errors.add("expires_at", "must lie in the future");
        }
        let errors = fields.finish();
        let Some(requester) = requester else { return Err(Error::Invalid(errors)) };
        errors.check()?;
        Ok(NewRequest {
            id: AccessRequestId::from_uuid(self.new_id()),
            requester,
            template_name,
            status: PENDING,
            approvers,
            created_at: None,
            expires_at,
            closed_at: None,
        })
    }
}

fn read_approvers(fields: &mut Fields) -> Vec<UserId> {
    let mut approvers = Vec::new();
    let items = fields.array("approver_ids").value().unwrap_or_default();
    if items.len() > MAX_APPROVERS {
        fields.errors.add("approver_ids", format!("has {} users; {MAX_APPROVERS} are allowed", items.len()));
        return approvers;
    }
    for (index, item) in items.into_iter().enumerate() {
        let path = format!("approver_ids[{index}]");
        let text = match item {
            Value::String(text) => text,
            other => {
                fields.errors.add(path, format!("must be a string, not {}", kind(&other)));
                continue;
            }
        };
        match text.parse::<UserId>() {
            Ok(id) if approvers.contains(&id) => fields.errors.add(path, "stands twice in the list"),
            Ok(id) => approvers.push(id),
            Err(_) => fields.errors.add(path, format!("must be the id of a user, a UUID, not `{}`", shown(&text))),
        }
    }
    approvers
}

/// Fails unless there are all users whom a request names. They stay until the transaction ends.
async fn check_users(tx: &mut Tx, request: &NewRequest) -> Result<()> {
    let requester = ("requester_id".to_owned(), request.requester);
    let approvers = request.approvers.iter().enumerate();
    let approvers = approvers.map(|(index, id)| (format!("approver_ids[{index}]"), *id));
    let mut users: Vec<_> = std::iter::once(requester).chain(approvers).collect();
    // Several users are locked in the order of their ids.
    users.sort_by_key(|(_, id)| *id);
    let mut errors = FieldErrors::default();
    for (field, id) in users {
        if !users::hold(tx, id).await? {
            errors.add(field, format!("there is no user `{id}`"));
        }
    }
    errors.check()
}

fn why_closed(request: &AccessRequest) -> String {
    let (id, status) = (request.id, &request.status);
    match (status, request.expires_at) {
        (AccessRequestStatus::Pending, Some(expires_at)) => {
            format!("access request {id} was to be decided before {expires_at}")
        }
        _ => format!("access request {id} is {status} already; only pending ones can be decided"),
    }
}

fn event(action: &'static str, request: &AccessRequest) -> Event {
    Event::new(action, "access_request", request.id.to_string(), &request.template_name)
        .with("requester_id", request.requester_id.to_string())
}
