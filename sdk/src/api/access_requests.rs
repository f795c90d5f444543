//! Requests of users for access.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ids::{AccessRequestId, UserId};
use super::page::{MAX_DEPTH, MAX_LIMIT};
use super::schema;
use super::values::words;

/// The longest name of a template, in characters.
pub const MAX_TEMPLATE_NAME: usize = 200;
/// How many users can be asked to approve a request.
pub const MAX_APPROVERS: usize = 100;

/// Fields of a request that a body may have and that are ignored, so that an answer can be sent back.
pub const READ_ONLY: [&str; 4] = ["id", "status", "created_at", "closed_at"];

words! {
    /// Where an access request is in its life.
    AccessRequestStatus {
        /// Nobody has decided it.
        Pending = "pending",
        /// It was granted.
        Approved = "approved",
        /// It was refused.
        Denied = "denied",
        /// Nobody decided it in time.
        Expired = "expired",
        /// What was granted was taken back.
        Revoked = "revoked",
    }
}

/// A request for access.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct AccessRequest {
    /// The request.
    pub id: AccessRequestId,
    /// Who asks.
    pub requester_id: UserId,
    /// For what.
    pub template_name: String,
    /// Where the request is in its life.
    pub status: AccessRequestStatus,
    /// Who is asked to approve it, sorted.
    pub approver_ids: Vec<UserId>,
    /// When the request was made.
    pub created_at: Timestamp,
    /// When it is overdue, if ever.
    pub expires_at: Option<Timestamp>,
    /// When it ceased to be pending.
    pub closed_at: Option<Timestamp>,
}

impl AccessRequest {
    /// A pending request that nobody is asked to approve.
    pub fn new(id: AccessRequestId, requester_id: UserId, template_name: String, created_at: Timestamp) -> Self {
        Self {
            id,
            requester_id,
            template_name,
            status: AccessRequestStatus::Pending,
            approver_ids: Vec::new(),
            created_at,
            expires_at: None,
            closed_at: None,
        }
    }
}

/// Asks for access.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
#[schemars(transform = schema::ignoring(&READ_ONLY))]
pub struct NewAccessRequest {
    /// Who asks.
    pub requester_id: UserId,
    /// For what.
    #[schemars(length(max = MAX_TEMPLATE_NAME), regex(pattern = schema::LINE))]
    pub template_name: String,
    /// Who is asked to approve it: 100 users at the most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Option<std::collections::BTreeSet<UserId>>", length(max = MAX_APPROVERS))]
    pub approver_ids: Vec<UserId>,
    /// When the request is overdue. Without it the request waits for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

impl NewAccessRequest {
    /// A request that nobody is asked to approve yet.
    pub fn new(requester_id: UserId, template_name: impl Into<String>) -> Self {
        Self { requester_id, template_name: template_name.into(), approver_ids: Vec::new(), expires_at: None }
    }
}

/// Which requests to list.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct AccessRequestQuery {
    /// The page, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = MAX_DEPTH))]
    pub page: Option<u32>,
    /// Requests on a page: from 1 to 1000, 20 where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = MAX_LIMIT))]
    pub limit: Option<u32>,
    /// Requests with this status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<AccessRequestStatus>,
    /// Requests of this user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requester_id: Option<UserId>,
}

impl AccessRequestQuery {
    /// All requests, newest first.
    pub fn new() -> Self {
        Self::default()
    }
}
