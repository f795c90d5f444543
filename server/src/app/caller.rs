//! Who asks, and what they may do.

use jiff::Timestamp;
use justiam_sdk::api::ids::TokenId;

use super::{Error, Result};

/// Something that a token may allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// Read tasks, their config entries, the names of their secrets, and runs.
    TasksView,
    /// Create, change and delete tasks.
    TasksManage,
    /// Run tasks and cancel runs.
    TasksRun,
    /// Write secrets.
    SecretsWrite,
    /// Read users, their groups and identities, and the messages that they have got.
    UsersView,
    /// Create, change and delete users.
    UsersManage,
    /// Read groups and their members.
    GroupsView,
    /// Create, change and delete groups, add and remove members.
    GroupsManage,
    /// Read federated providers.
    FederatedView,
    /// Create, change and delete federated providers, link and unlink identities.
    FederatedManage,
    /// Read access requests.
    AccessRequestsView,
    /// Make and decide access requests.
    AccessRequestsManage,
    /// Read applications.
    ApplicationsView,
    /// Create, change and delete applications, rotate their secrets.
    ApplicationsManage,
    /// Read schedules, executions and activities.
    SchedulesView,
    /// Create, change and delete schedules, enable and disable them.
    SchedulesManage,
    /// Run schedules and run profiles, cancel executions.
    SchedulesRun,
    /// Read connected systems and run profiles.
    ConnectedSystemsView,
    /// Create, change and delete connected systems and run profiles.
    ConnectedSystemsManage,
    /// Read the audit log.
    AuditView,
}

impl Permission {
    /// All permissions.
    pub const ALL: [Self; 20] = [
        Self::TasksView,
        Self::TasksManage,
        Self::TasksRun,
        Self::SecretsWrite,
        Self::UsersView,
        Self::UsersManage,
        Self::GroupsView,
        Self::GroupsManage,
        Self::FederatedView,
        Self::FederatedManage,
        Self::AccessRequestsView,
        Self::AccessRequestsManage,
        Self::ApplicationsView,
        Self::ApplicationsManage,
        Self::SchedulesView,
        Self::SchedulesManage,
        Self::SchedulesRun,
        Self::ConnectedSystemsView,
        Self::ConnectedSystemsManage,
        Self::AuditView,
    ];

    /// The names of all permissions, for people.
    pub fn names() -> String {
        Self::ALL.map(Self::as_str).join(", ")
    }

    /// The permissions that are stored separated by blanks. One that this version does not know allows nothing.
    pub(super) fn read_list(names: &str) -> Vec<Self> {
        names.split_whitespace().filter_map(|name| name.parse().ok()).collect()
    }

    /// The permission's name, as tokens carry it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TasksView => "tasks.view",
            Self::TasksManage => "tasks.manage",
            Self::TasksRun => "tasks.run",
            Self::SecretsWrite => "secrets.write",
            Self::UsersView => "users.view",
            Self::UsersManage => "users.manage",
            Self::GroupsView => "groups.view",
            Self::GroupsManage => "groups.manage",
            Self::FederatedView => "federated.view",
            Self::FederatedManage => "federated.manage",
            Self::AccessRequestsView => "access_requests.view",
            Self::AccessRequestsManage => "access_requests.manage",
            Self::ApplicationsView => "applications.view",
            Self::ApplicationsManage => "applications.manage",
            Self::SchedulesView => "schedules.view",
            Self::SchedulesManage => "schedules.manage",
            Self::SchedulesRun => "schedules.run",
            Self::ConnectedSystemsView => "connected_systems.view",
            Self::ConnectedSystemsManage => "connected_systems.manage",
            Self::AuditView => "audit.view",
        }
    }
}

impl std::str::FromStr for Permission {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|permission| permission.as_str() == text)
            .ok_or_else(|| format!("`{text}` is not a permission; there are {}", Self::names()))
    }
}

/// Who asks.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Identifies the caller in stored data. Whoever comes with a short token is the token that made it.
    pub principal: String,
    /// The caller's name, for people.
    pub name: String,
    /// What the caller may do.
    pub permissions: Vec<Permission>,
    /// Whether the caller may do everything.
    pub is_admin: bool,
    /// When the caller's token ends, if there is one.
    pub expires_at: Option<Timestamp>,
    /// The short token with which the caller comes, if it is one.
    pub short_token: Option<TokenId>,
    /// The request in which the caller asks, as its answer and the log name it.
    pub request_id: Option<String>,
}

impl Caller {
    /// Who has this token.
    pub(super) fn principal_of(token: TokenId) -> String {
        format!("token:{token}")
    }

    /// The token that identifies the caller.
    pub(super) fn token(&self) -> Option<TokenId> {
        self.principal.strip_prefix("token:")?.parse().ok()
    }

    /// Fails unless the caller may do this.
    pub fn require(&self, permission: Permission) -> Result<()> {
        if self.is_admin || self.permissions.contains(&permission) {
            return Ok(());
        }
        Err(Error::Forbidden(format!(
            "this needs the permission `{}`, which token `{}` does not have",
            permission.as_str(),
            self.name
        )))
    }
}
