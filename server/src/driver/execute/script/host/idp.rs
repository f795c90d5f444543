//! Users, groups and what belongs to them, as the script of a run reads and changes them.

use std::sync::Arc;

use justiam_sdk::api::applications::Application;
use justiam_sdk::api::users::Attributes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::super::log::Log;
use super::Answer;
use crate::app::identity::actor::{Actor, ScriptActor};
use crate::app::identity::{PAGE, told};
use crate::app::{App, Error, Result};

/// The identities of a server, for the script of one run.
#[derive(Clone)]
pub struct Identities {
    app: Arc<App>,
    script: ScriptActor,
    /// What the script prints, and must not say.
    log: Arc<Log>,
}

/// What a script can ask for: the functions of package `idp`.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
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
struct After {
    after: Option<String>,
}

impl Identities {
    /// The identities of a server. What the script changes is on record as its doing, and secrets that it is given are left out of its log.
    pub fn new(app: Arc<App>, script: ScriptActor, log: Arc<Log>) -> Self {
        Self { app, script, log }
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
            Call::ListUsers(After { after }) => {
                page(app.users_after(by, after.as_deref()).await?, |user| user.email.clone())
            }
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
                page(app.groups_after(by, after.as_deref()).await?, |group| group.name.clone())
            }
            Call::GetGroupMembers { group_id, after } => {
                page(app.members_after(by, &group_id, after.as_deref()).await?, |user| user.email.clone())
            }
            Call::GetUserGroups { user_id, after } => {
                page(app.groups_of_after(by, &user_id, after.as_deref()).await?, |group| group.name.clone())
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
                let next = next(&found, |application| application.name.clone());
                json!({ "items": found.iter().map(application).collect::<Vec<_>>(), "next": next })
            }
            Call::RotateApplicationSecret { application_id } => {
                let secret = app.rotate_application_secret(by, &application_id).await?;
                self.log.hide_also(secret.clone());
                secret.expose().into()
            }
        })
    }
}

/// An object of the API. Those that scripts get have names and values that JSON can hold.
fn json(object: impl Serialize) -> Value {
    serde_json::to_value(object).unwrap_or_default()
}

fn page<T: Serialize>(items: Vec<T>, key: impl Fn(&T) -> String) -> Value {
    let next = next(&items, key);
    json!({ "items": json(items), "next": next })
}

/// Where the next page begins; empty after the last.
fn next<T>(items: &[T], key: impl Fn(&T) -> String) -> String {
    let more = i64::try_from(items.len()).is_ok_and(|count| count >= PAGE);
    items.last().filter(|_| more).map(key).unwrap_or_default()
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
