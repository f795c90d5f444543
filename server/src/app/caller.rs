//! Who asks, and what they may do.

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
    /// Read the messages of users.
    UsersView,
    /// Read the audit log.
    AuditView,
}

impl Permission {
    /// All permissions.
    pub const ALL: [Self; 6] =
        [Self::TasksView, Self::TasksManage, Self::TasksRun, Self::SecretsWrite, Self::UsersView, Self::AuditView];

    /// The permission's name, as tokens carry it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TasksView => "tasks.view",
            Self::TasksManage => "tasks.manage",
            Self::TasksRun => "tasks.run",
            Self::SecretsWrite => "secrets.write",
            Self::UsersView => "users.view",
            Self::AuditView => "audit.view",
        }
    }
}

impl std::str::FromStr for Permission {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        Self::ALL.into_iter().find(|permission| permission.as_str() == text).ok_or_else(|| {
            let known: Vec<_> = Self::ALL.iter().map(|permission| permission.as_str()).collect();
            format!("`{text}` is not a permission; there are {}", known.join(", "))
        })
    }
}

/// Who asks.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Identifies the caller in stored data.
    pub principal: String,
    /// The caller's name, for people.
    pub name: String,
    /// What the caller may do.
    pub permissions: Vec<Permission>,
    /// Whether the caller may do everything.
    pub is_admin: bool,
    /// The request in which the caller asks, as its answer and the log name it.
    pub request_id: Option<String>,
}

impl Caller {
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
