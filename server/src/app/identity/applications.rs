//! Applications, and their client secrets.

use justiam_sdk::api::applications::{
    Application, ApplicationQuery, ApplicationType, MAX_NAME, READ_ONLY, SECRET_PREFIX,
};
use justiam_sdk::api::ids::ApplicationId;
use justiam_sdk::api::page::{DEFAULT_LIMIT, Page};
use justiam_sdk::api::secrets::Secret;
use justiam_sdk::api::values::Words as _;

use super::PAGE;
use super::actor::Actor;
use super::bodies;
use crate::app::audit::{Changes, Event};
use crate::app::caller::{Caller, Permission};
use crate::app::fields::Fields;
use crate::app::tasks::{offset, page_of};
use crate::app::{App, Error, FieldErrors, IdempotencyKey, Object, Result, tokens};
use crate::store::Tx;
use crate::store::identity::applications::{self, Filter};

const KIND: &str = "an application";

impl App {
    /// Creates an application. The answer for one that has a client secret is the only one that tells it.
    pub async fn create_application(
        &self,
        caller: &Caller,
        body: Object,
        key: Option<&IdempotencyKey>,
    ) -> Result<Application> {
        caller.require(Permission::ApplicationsManage)?;
        let (name, application_type) = read(body, None, None)?;
        let mut application = self.new_application(name, application_type);
        let secret = application.application_type.has_secret().then(|| tokens::generate(SECRET_PREFIX)).transpose()?;
        application.secret_rotated_at = secret.as_ref().map(|_| application.created_at);
        let hash = secret.as_ref().map(|secret| tokens::hash(secret.expose()));
        let mut tx = self.db.write().await?;
        if let Some(answer) = self.earlier_sealed_answer(&mut tx, caller, key).await? {
            tx.commit().await?;
            return Ok(answer);
        }
        if !applications::insert(&mut tx, &application, hash.as_deref()).await? {
            refuse_taken_name(&mut tx, &application).await?;
            return Err(bodies::just_deleted(KIND, &application.name));
        }
        let event = event("application.create", &application);
        let event = event.with("application_type", application.application_type.as_str());
        self.note(&mut tx, caller, event).await?;
        application.client_secret = secret;
        self.keep_sealed_answer(&mut tx, caller, key, &application).await?;
        tx.commit().await?;
        Ok(application)
    }

    /// An application with an id and, where its type has one, a client id of its own.
    pub(in crate::app) fn new_application(&self, name: String, application_type: ApplicationType) -> Application {
        let id = ApplicationId::from_uuid(self.new_id());
        let mut application = Application::new(id, name, application_type, self.now());
        application.client_id = application.application_type.has_client_id().then(|| self.new_revision());
        application
    }

    /// Reads an application.
    pub async fn application(&self, caller: &Caller, id: ApplicationId) -> Result<Application> {
        caller.require(Permission::ApplicationsView)?;
        let mut tx = self.db.read().await?;
        applications::get(&mut tx, id).await?.ok_or_else(|| Error::no_application(&id))
    }

    /// Lists applications by name.
    pub async fn list_applications(&self, caller: &Caller, query: &ApplicationQuery) -> Result<Page<Application>> {
        caller.require(Permission::ApplicationsView)?;
        let mut errors = FieldErrors::default();
        let (page, limit) = page_of(query.page, query.limit, DEFAULT_LIMIT, &mut errors);
        if query.application_type.as_ref().is_some_and(|word| !word.is_known()) {
            errors.add("application_type", ApplicationType::expected());
        }
        errors.check()?;
        let filter = Filter { name: query.name.clone(), application_type: query.application_type.clone() };
        let mut tx = self.db.read().await?;
        let (data, total) = applications::list(&mut tx, &filter, offset(page, limit), i64::from(limit)).await?;
        Ok(Page { data, total, page, limit })
    }

    /// Applications by name: the first ones, or those behind a name. Up to [`PAGE`] of them.
    pub async fn applications_after(&self, actor: &Actor<'_>, after: Option<&str>) -> Result<Vec<Application>> {
        actor.require(Permission::ApplicationsView)?;
        let mut tx = self.db.read().await?;
        Ok(applications::after(&mut tx, after, PAGE).await?)
    }

    /// Replaces what can be changed of an application.
    pub async fn replace_application(&self, caller: &Caller, id: ApplicationId, body: Object) -> Result<Application> {
        self.change_application(caller, id, |stored| read(body, Some(stored), None)).await
    }

    /// Changes a part of an application.
    pub async fn patch_application(&self, caller: &Caller, id: ApplicationId, body: Object) -> Result<Application> {
        self.change_application(caller, id, |stored| read(body, Some(stored), Some(stored))).await
    }

    async fn change_application(
        &self,
        caller: &Caller,
        id: ApplicationId,
        change: impl FnOnce(&Application) -> Result<(String, ApplicationType)>,
    ) -> Result<Application> {
        caller.require(Permission::ApplicationsManage)?;
        let mut tx = self.db.write().await?;
        let stored = applications::lock(&mut tx, id).await?.ok_or_else(|| Error::no_application(&id))?;
        let (name, _) = change(&stored)?;
        let mut application = stored.clone();
        // A request that changes nothing leaves no trace, so that it can be repeated.
        if name != application.name {
            application.name = name;
            refuse_taken_name(&mut tx, &application).await?;
            application.updated_at = self.now();
            let updated = applications::update(&mut tx, &application).await;
            updated.map_err(|error| bodies::taken_meanwhile(error, KIND, &application.name))?;
            let event = event("application.update", &application).changes(Changes::between(&stored, &application));
            self.note(&mut tx, caller, event).await?;
        }
        tx.commit().await?;
        Ok(application)
    }

    /// Deletes an application.
    pub async fn delete_application(&self, caller: &Caller, id: ApplicationId) -> Result<()> {
        caller.require(Permission::ApplicationsManage)?;
        let mut tx = self.db.write().await?;
        let application = applications::lock(&mut tx, id).await?.ok_or_else(|| Error::no_application(&id))?;
        applications::delete(&mut tx, id).await?;
        self.note(&mut tx, caller, event("application.delete", &application)).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Makes a new client secret. This answer is the only one that tells it, and the old one ends at once.
    pub async fn rotate_secret(
        &self,
        caller: &Caller,
        id: ApplicationId,
        key: Option<&IdempotencyKey>,
    ) -> Result<Application> {
        caller.require(Permission::ApplicationsManage)?;
        let mut tx = self.db.write().await?;
        if let Some(answer) = self.earlier_sealed_answer(&mut tx, caller, key).await? {
            tx.commit().await?;
            return Ok(answer);
        }
        let (mut application, secret) = self.rotate(&mut tx, &Actor::Caller(caller), id).await?;
        application.client_secret = Some(secret);
        self.keep_sealed_answer(&mut tx, caller, key, &application).await?;
        tx.commit().await?;
        Ok(application)
    }

    /// Makes a new client secret and returns it; a text that is no id belongs to no application.
    pub async fn rotate_application_secret(&self, actor: &Actor<'_>, id: &str) -> Result<Secret> {
        actor.require(Permission::ApplicationsManage)?;
        let id = id.parse().map_err(|_| Error::no_application(id))?;
        let mut tx = self.db.write().await?;
        let (_, secret) = self.rotate(&mut tx, actor, id).await?;
        tx.commit().await?;
        Ok(secret)
    }

    async fn rotate(&self, tx: &mut Tx, actor: &Actor<'_>, id: ApplicationId) -> Result<(Application, Secret)> {
        // Locked, so that of two rotations at once the later one counts, also in the audit log.
        let mut application = applications::lock(tx, id).await?.ok_or_else(|| Error::no_application(&id))?;
        if !application.application_type.has_secret() {
            return Err(Error::Conflict {
                message: format!(
                    "application {id} is of type `{}` and has no client secret; only `{}` has one",
                    application.application_type,
                    ApplicationType::Oidc
                ),
                details: None,
            });
        }
        let secret = tokens::generate(SECRET_PREFIX)?;
        let now = self.now();
        applications::set_secret(tx, id, &tokens::hash(secret.expose()), now).await?;
        (application.secret_rotated_at, application.updated_at) = (Some(now), now);
        self.note_by(tx, actor, event("application.rotate_secret", &application)).await?;
        Ok((application, secret))
    }
}

/// Reads a whole body, or a patch of what is stored. `current` is what the body is about, if it exists.
fn read(
    body: Object,
    current: Option<&Application>,
    stored: Option<&Application>,
) -> Result<(String, ApplicationType)> {
    let mut fields = Fields::new(body);
    fields.ignore(&READ_ONLY);
    let name = bodies::line(&mut fields, "name", MAX_NAME, stored.map(|stored| stored.name.as_str()));
    let application_type = bodies::word(&mut fields, "application_type", stored.map(|stored| &stored.application_type));
    if let Some(current) = current.filter(|current| current.application_type != application_type)
        && !fields.errors.has("application_type")
    {
        let message = format!("is `{}` and cannot be changed; create another application", current.application_type);
        fields.errors.add("application_type", message);
    }
    fields.finish().check()?;
    Ok((name, application_type))
}

/// Looked up in the transaction that will write.
async fn refuse_taken_name(tx: &mut Tx, application: &Application) -> Result<()> {
    match applications::id_of(tx, &application.name).await? {
        Some(other) if other != application.id => Err(bodies::taken(KIND, &application.name, other)),
        _ => Ok(()),
    }
}

fn event(action: &'static str, application: &Application) -> Event {
    Event::new(action, "application", application.id.to_string(), &application.name)
}
