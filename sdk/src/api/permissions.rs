//! Permissions: what a token may allow.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator};

macro_rules! permissions {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal,)+) => {
        /// Something that a token may allow. Bodies carry its name; a name that this version does not know allows nothing.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Permission {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Permission {
            /// All permissions.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$variant),+];

            /// The permission's name, as tokens carry it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// What it allows, for people.
            pub fn allows(self) -> &'static str {
                match self {
                    $(Self::$variant => concat!($($doc),+).trim_start(),)+
                }
            }
        }
    };
}

permissions! {
    /// Read tasks, their config entries, the names of their secrets, and runs.
    TasksView = "tasks.view",
    /// Create, change and delete tasks.
    TasksManage = "tasks.manage",
    /// Run tasks and cancel runs.
    TasksRun = "tasks.run",
    /// Write secrets.
    SecretsWrite = "secrets.write",
    /// Read users, their groups and identities, and the messages that they have got.
    UsersView = "users.view",
    /// Create, change and delete users.
    UsersManage = "users.manage",
    /// Read groups and their members.
    GroupsView = "groups.view",
    /// Create, change and delete groups, add and remove members.
    GroupsManage = "groups.manage",
    /// Read federated providers.
    FederatedView = "federated.view",
    /// Create, change and delete federated providers, link and unlink identities.
    FederatedManage = "federated.manage",
    /// Read access requests.
    AccessRequestsView = "access_requests.view",
    /// Make and decide access requests.
    AccessRequestsManage = "access_requests.manage",
    /// Read applications.
    ApplicationsView = "applications.view",
    /// Create, change and delete applications, rotate their secrets.
    ApplicationsManage = "applications.manage",
    /// Read schedules, executions and activities.
    SchedulesView = "schedules.view",
    /// Create, change and delete schedules, enable and disable them.
    SchedulesManage = "schedules.manage",
    /// Run schedules and run profiles, cancel executions.
    SchedulesRun = "schedules.run",
    /// Read connected systems and run profiles.
    ConnectedSystemsView = "connected_systems.view",
    /// Create, change and delete connected systems and run profiles.
    ConnectedSystemsManage = "connected_systems.manage",
    /// Read service accounts, and of their tokens all but the texts.
    AccountsView = "accounts.view",
    /// Create, change and delete service accounts, make and revoke their tokens.
    AccountsManage = "accounts.manage",
    /// Read the audit log.
    AuditView = "audit.view",
}

impl Permission {
    /// The names of all permissions, for people.
    pub fn names() -> String {
        Self::ALL.map(Self::as_str).join(", ")
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Permission {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|permission| permission.as_str() == text)
            .ok_or_else(|| format!("`{text}` is not a permission; there are {}", Self::names()))
    }
}

impl JsonSchema for Permission {
    fn schema_name() -> Cow<'static, str> {
        "Permission".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let (words, descriptions) = (Self::ALL.map(Self::as_str), Self::ALL.map(Self::allows));
        super::schema::vocabulary(generator, "What a token may do.", &words, &descriptions)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_as_its_permission() {
        for permission in Permission::ALL {
            assert_eq!(permission.as_str().parse(), Ok(permission));
            assert!(permission.allows().ends_with('.'), "{permission}");
        }
        assert!("tasks.View".parse::<Permission>().unwrap_err().contains("tasks.view, tasks.manage"));
    }
}
