//! Who users are at federated providers.

use justiam_sdk::api::federated_providers::{FederatedIdentity, IDENTITY_READ_ONLY, MAX_SUBJECT};
use justiam_sdk::api::ids::{ProviderId, UserId};
use justiam_sdk::api::page::{DEFAULT_LIMIT, Page, PageQuery};

use super::actor::Actor;
use super::{bodies, rules};
use crate::app::audit::Event;
use crate::app::caller::{Caller, Permission};
use crate::app::error::shown;
use crate::app::fields::Fields;
use crate::app::tasks::{offset, page_of};
use crate::app::{App, Error, FieldErrors, IdempotencyKey, Object, Result};
use crate::store::Tx;
use crate::store::identity::{federated_identities, federated_providers, users};

impl App {
    /// Links a user to an identity that a body describes. Tells whether it is new.
    pub async fn create_identity(
        &self,
        caller: &Caller,
        user: UserId,
        body: Object,
        key: Option<&IdempotencyKey>,
    ) -> Result<(FederatedIdentity, bool)> {
        let actor = Actor::Caller(caller);
        actor.require(Permission::FederatedManage)?;
        let mut fields = Fields::new(body);
        // Part of the answer, so that it can be sent back.
        fields.ignore(&IDENTITY_READ_ONLY);
        let provider = bodies::id::<ProviderId>(&mut fields, "provider_id", "a federated provider");
        let subject = bodies::line(&mut fields, "subject", MAX_SUBJECT, None);
        let errors = fields.finish();
        let Some(provider) = provider else { return Err(Error::Invalid(errors)) };
        errors.check()?;
        let mut tx = self.db.write().await?;
        if let Some(answer) = self.earlier_answer(&mut tx, caller, key).await? {
            tx.commit().await?;
            return Ok(answer);
        }
        let linked = self.link(&mut tx, &actor, user, provider, &subject).await?;
        self.keep_answer(&mut tx, caller, key, &linked).await?;
        tx.commit().await?;
        Ok(linked)
    }

    /// Links a user to a subject at a provider. The same again is fine.
    pub async fn link_identity(&self, actor: &Actor<'_>, user: &str, provider: &str, subject: &str) -> Result<()> {
        actor.require(Permission::FederatedManage)?;
        let user_id = user.parse().map_err(|_| Error::no_user(user))?;
        let provider_id = provider.parse().map_err(|_| no_provider(provider))?;
        let mut errors = FieldErrors::default();
        if let Some(defect) = rules::line_defect(subject, MAX_SUBJECT) {
            errors.add("subject", defect);
        }
        errors.check()?;
        let mut tx = self.db.write().await?;
        self.link(&mut tx, actor, user_id, provider_id, subject).await?;
        Ok(tx.commit().await?)
    }

    async fn link(
        &self,
        tx: &mut Tx,
        actor: &Actor<'_>,
        user: UserId,
        provider: ProviderId,
        subject: &str,
    ) -> Result<(FederatedIdentity, bool)> {
        let identity = FederatedIdentity::new(provider, subject.to_owned(), user, self.now());
        // Held, so that neither goes away before the identity is there.
        let has_provider = federated_providers::hold(tx, provider).await?.is_some();
        if !users::hold(tx, user).await? {
            return Err(Error::no_user(&user));
        }
        if !has_provider {
            return Err(no_provider(&provider.to_string()));
        }
        if !federated_identities::insert(tx, &identity).await? {
            let stored = self.in_the_way(tx, &identity).await?;
            return Ok((stored, false));
        }
        self.note_identity(tx, actor, "federated_identity.link", user, provider).await?;
        Ok((identity, true))
    }

    /// The same identity, where it is stored already; else an error that says what is in its way.
    async fn in_the_way(&self, tx: &mut Tx, wanted: &FederatedIdentity) -> Result<FederatedIdentity> {
        let conflict = |message: String| Error::Conflict { message, details: None };
        let (provider, subject) = (wanted.provider_id, shown(&wanted.subject));
        if let Some(stored) = federated_identities::find(tx, provider, &wanted.subject).await? {
            if stored.user_id == wanted.user_id {
                return Ok(stored);
            }
            let other = stored.user_id;
            return Err(conflict(format!(
                "the subject `{subject}` at provider {provider} is linked to another user: {other}"
            )));
        }
        if federated_identities::of_user(tx, provider, wanted.user_id).await?.is_some() {
            let user = wanted.user_id;
            return Err(conflict(format!(
                "user {user} has another subject at provider {provider}; unlink that before you link `{subject}`"
            )));
        }
        Err(conflict(format!("the subject `{subject}` at provider {provider} has just been unlinked; try again")))
    }

    /// The user who has this subject at a provider.
    pub async fn federated_user_id(&self, actor: &Actor<'_>, provider: &str, subject: &str) -> Result<Option<UserId>> {
        actor.require(Permission::UsersView)?;
        let Ok(provider) = provider.parse() else { return Ok(None) };
        let mut tx = self.db.look().await?;
        let identity = federated_identities::find(&mut tx, provider, subject).await?;
        Ok(identity.map(|identity| identity.user_id))
    }

    /// Lists the identities of a user, in the order in which they were linked.
    pub async fn list_identities(
        &self,
        caller: &Caller,
        user: UserId,
        query: &PageQuery,
    ) -> Result<Page<FederatedIdentity>> {
        caller.require(Permission::UsersView)?;
        let mut errors = FieldErrors::default();
        let (page, limit) = page_of(query.page, query.limit, DEFAULT_LIMIT, &mut errors);
        errors.check()?;
        let mut tx = self.db.read().await?;
        if !users::exists(&mut tx, user).await? {
            return Err(Error::no_user(&user));
        }
        let (data, total) = federated_identities::list(&mut tx, user, offset(page, limit), i64::from(limit)).await?;
        Ok(Page { data, total, page, limit })
    }

    /// Removes the identity that a user has at a provider. Where there is none, nothing happens.
    pub async fn unlink_identity(&self, actor: &Actor<'_>, user: &str, provider: &str) -> Result<()> {
        actor.require(Permission::FederatedManage)?;
        let no_user = || Error::no_user(user);
        let no_provider = || Error::no_provider(provider);
        let user = user.parse().map_err(|_| no_user())?;
        let provider = provider.parse().map_err(|_| no_provider())?;
        let mut tx = self.db.write().await?;
        if !users::exists(&mut tx, user).await? {
            return Err(no_user());
        }
        if federated_providers::get(&mut tx, provider).await?.is_none() {
            return Err(no_provider());
        }
        if federated_identities::delete(&mut tx, provider, user).await? {
            self.note_identity(&mut tx, actor, "federated_identity.unlink", user, provider).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Writes down what became of an identity: it belongs to its user. The subject is a value, so it is left out.
    async fn note_identity(
        &self,
        tx: &mut Tx,
        actor: &Actor<'_>,
        action: &'static str,
        user: UserId,
        provider: ProviderId,
    ) -> Result<()> {
        let email = users::get(tx, user).await?.map(|user| user.email).unwrap_or_default();
        let event = Event::new(action, "user", user.to_string(), &email).with("provider_id", provider.to_string());
        self.note_by(tx, actor, event).await
    }
}

/// A provider that a request names beside its path is a wrong field.
fn no_provider(id: &str) -> Error {
    let mut errors = FieldErrors::default();
    errors.add("provider_id", format!("there is no federated provider `{}`", shown(id)));
    Error::Invalid(errors)
}
