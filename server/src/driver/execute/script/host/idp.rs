//! Users, groups and what belongs to them, as the script of a run reads and changes them.

use std::sync::Arc;

use justiam_sdk::api::applications::Application;
use justiam_sdk::api::users::Attributes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Answer;
use crate::app::identity::actor::{Actor, ScriptActor};
use crate::app::identity::{PAGE, told};
use crate::app::{App, Error, Result};

/// The most bytes of JSON on a page of a list, unless one item alone has more.
const PAGE_BYTES: usize = 4 << 20;

/// Users, groups and what belongs to them, for the script of one run.
#[derive(Clone)]
pub struct Directory {
    app: Arc<App>,
    script: ScriptActor,
}

/// What a script can ask for: the functions of package `idp`.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Call {
    GetUserByEmail { email: String },
    GetUser { user_id: String },
    ListUsers(After),
    CreateUser { email: String, first_name: String, last_name: String, source: String },
    UpdateUserActive { user_id: String, active: bool },
    UpdateUserProfile { user_id: String, first_name: String, last_name: String },
    UpdateUserAttributes { user_id: String, attributes: Attributes },
    GetGroupByName { name: String },
    CreateGroup { name: String, description: String },
    ListGroups(After),
    GetGroupMembers { group_id: String, after: Option<String> },
    GetUserGroups { user_id: String, after: Option<String> },
    AddUserToGroup { user_id: String, group_id: String },
    RemoveUserFromGroup { user_id: String, group_id: String },
    GetFederatedProvider { provider_id: String },
    GetFederatedUserBySub { provider_id: String, sub: String },
    LinkFederatedIdentity { user_id: String, provider_id: String, sub: String },
    UnlinkFederatedIdentity { user_id: String, provider_id: String },
    GetAccessRequestApprovers { request_id: String },
    ListApplications(After),
    RotateApplicationSecret { application_id: String },
}

impl Call {
    /// Whether one statement by a key answers it.
    fn is_lookup(&self) -> bool {
        matches!(
            self,
            Self::GetUserByEmail { .. }
                | Self::GetUser { .. }
                | Self::GetGroupByName { .. }
                | Self::GetFederatedProvider { .. }
                | Self::GetFederatedUserBySub { .. }
        )
    }
}

/// Where a page begins.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct After {
    after: Option<String>,
}

impl Directory {
    /// Those of a server. What the script changes is on record as its doing.
    pub fn new(app: Arc<App>, script: ScriptActor) -> Self {
        Self { app, script }
    }

    /// Answers a call of package `idp`; the error is a text for the script.
    pub(super) async fn answer(&self, method: &str, params: Value) -> std::result::Result<Answer, String> {
        let name = method.strip_prefix("idp.").unwrap_or(method);
        let call = Call::deserialize(json!({ name: params })).map_err(|error| match error.to_string() {
            text if text.starts_with("unknown variant") => super::unknown(method),
            text => format!("{method}: {text}"),
        })?;
        // Lookups have a connection of their own. The rest shares one with ticks and requests, which must not wait behind scripts.
        let _turn = if call.is_lookup() { None } else { Some(self.app.script_turns.acquire().await) };
        match self.carry_out(call).await {
            Ok(result) => Ok(result.into()),
            Err(error) => {
                if let Error::Store(cause) = &error {
                    let error = cause as &dyn std::error::Error;
                    tracing::warn!(error, run.id = %self.script.run_id, method, "a script's call failed");
                }
                Err(told(&error))
            }
        }
    }

    async fn carry_out(&self, call: Call) -> Result<Value> {
        let (app, by) = (&self.app, &Actor::Script(&self.script));
        Ok(match call {
            Call::GetUserByEmail { email } => json(app.user_by_email(by, &email).await?),
            Call::GetUser { user_id } => json(app.user_by_id(by, &user_id).await?),
            Call::ListUsers(After { after }) => page(&app.users_after(by, after.as_deref()).await?, |user| &user.email),
            Call::CreateUser { email, first_name, last_name, source } => {
                json(app.add_user(by, &email, &first_name, &last_name, &source).await?)
            }
            Call::UpdateUserActive { user_id, active } => json(app.set_user_active(by, &user_id, active).await?),
            Call::UpdateUserProfile { user_id, first_name, last_name } => {
                json(app.set_user_profile(by, &user_id, &first_name, &last_name).await?)
            }
            Call::UpdateUserAttributes { user_id, attributes } => {
                json(app.merge_user_attributes(by, &user_id, attributes).await?)
            }
            Call::GetGroupByName { name } => json(app.group_by_name(by, &name).await?),
            Call::CreateGroup { name, description } => json(app.add_group(by, &name, &description).await?),
            Call::ListGroups(After { after }) => {
                page(&app.groups_after(by, after.as_deref()).await?, |group| &group.name)
            }
            Call::GetGroupMembers { group_id, after } => {
                page(&app.members_after(by, &group_id, after.as_deref()).await?, |user| &user.email)
            }
            Call::GetUserGroups { user_id, after } => {
                page(&app.groups_of_after(by, &user_id, after.as_deref()).await?, |group| &group.name)
            }
            Call::AddUserToGroup { user_id, group_id } => json(app.add_member(by, &group_id, &user_id).await?),
            Call::RemoveUserFromGroup { user_id, group_id } => json(app.remove_member(by, &group_id, &user_id).await?),
            Call::GetFederatedProvider { provider_id } => json(app.provider_by_id(by, &provider_id).await?),
            Call::GetFederatedUserBySub { provider_id, sub } => {
                match app.federated_user_id(by, &provider_id, &sub).await? {
                    Some(id) => json(app.user_by_id(by, &id.to_string()).await?),
                    None => Value::Null,
                }
            }
            Call::LinkFederatedIdentity { user_id, provider_id, sub } => {
                json(app.link_identity(by, &user_id, &provider_id, &sub).await?)
            }
            Call::UnlinkFederatedIdentity { user_id, provider_id } => {
                json(app.unlink_identity(by, &user_id, &provider_id).await?)
            }
            Call::GetAccessRequestApprovers { request_id } => json(app.approvers_of(by, &request_id).await?),
            Call::ListApplications(After { after }) => {
                let found = app.applications_after(by, after.as_deref()).await?;
                let found: Vec<Value> = found.iter().map(application).collect();
                page(&found, |application| application["name"].as_str().unwrap_or_default())
            }
            Call::RotateApplicationSecret { application_id } => {
                // What the run says is looked through for secrets of this form.
                app.rotate_application_secret(by, &application_id).await?.expose().into()
            }
        })
    }
}

/// An object of the API. Those that scripts get have names and values that JSON can hold.
fn json(object: impl Serialize) -> Value {
    serde_json::to_value(object).unwrap_or_default()
}

/// What was found, as far as it fits on a page of a list, and where the next page begins: empty after the last.
fn page<T: Serialize>(found: &[T], key: impl Fn(&T) -> &str) -> Value {
    let (mut items, mut bytes) = (Vec::new(), 0);
    for item in found {
        let item = json(item);
        bytes += item.to_string().len();
        if bytes > PAGE_BYTES && !items.is_empty() {
            break;
        }
        items.push(item);
    }
    let more = items.len() < found.len() || i64::try_from(found.len()).is_ok_and(|count| count >= PAGE);
    let last = items.len().checked_sub(1).and_then(|last| found.get(last)).filter(|_| more);
    json!({ "next": last.map(key).unwrap_or_default(), "items": items })
}

fn application(application: &Application) -> Value {
    json!({
        "id": application.id,
        "name": application.name,
        "type": application.application_type,
        "client_id": application.client_id,
        "secret_rotated_at": application.secret_rotated_at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_ends_after_4_mib_or_1000_items() {
        let read = |found: &[(String, String)]| {
            let page = page(found, |(key, _)| key);
            (page["items"].as_array().map_or(0, Vec::len), page["next"].as_str().unwrap_or("none").to_owned())
        };
        let found = |count: usize, bytes: usize| -> Vec<_> {
            (0..count).map(|number| (number.to_string(), "x".repeat(bytes))).collect()
        };
        assert_eq!(read(&[]), (0, String::new()));
        assert_eq!(read(&found(999, 10)), (999, String::new()));
        assert_eq!(read(&found(1000, 10)), (1000, "999".into()));
        assert_eq!(read(&found(7, 1 << 20)), (3, "2".into()));
        assert_eq!(read(&found(2, 5 << 20)), (1, "0".into()));
    }

    #[test]
    fn a_call_with_a_parameter_that_it_does_not_know_is_refused() {
        for call in [json!({ "list_users": { "limit": 5 } }), json!({ "get_user": { "user_id": "", "x": 1 } })] {
            assert!(Call::deserialize(&call).is_err(), "{call}");
        }
        assert!(Call::deserialize(json!({ "list_users": { "after": "a" } })).is_ok());
    }
}
