//! Federated providers.

use justiam_sdk::api::federated_providers::{FederatedProvider, FederatedProviderQuery, MAX_NAME, ProviderType};
use justiam_sdk::api::ids::ProviderId;
use justiam_sdk::api::page::{DEFAULT_LIMIT, Page};
use justiam_sdk::api::users::INTERNAL;
use justiam_sdk::api::values::Words as _;

use super::actor::Actor;
use super::bodies;
use crate::app::audit::{Changes, Event};
use crate::app::caller::{Caller, Permission};
use crate::app::fields::{Field, Fields};
use crate::app::tasks::{offset, page_of};
use crate::app::{App, Error, FieldErrors, IdempotencyKey, Object, Result};
use crate::store::Tx;
use crate::store::identity::federated_providers::{self, Filter};

const KIND: &str = "a federated provider";

/// What a body says of a provider.
struct Wanted {
    name: String,
    provider_type: ProviderType,
    enabled: bool,
}

impl App {
    /// Creates a federated provider.
    pub async fn create_provider(
        &self,
        caller: &Caller,
        body: Object,
        key: Option<&IdempotencyKey>,
    ) -> Result<FederatedProvider> {
        caller.require(Permission::FederatedManage)?;
        let wanted = read(body, None)?;
        let id = ProviderId::from_uuid(self.new_id());
        let mut provider = FederatedProvider::new(id, wanted.name, wanted.provider_type, self.now());
        provider.enabled = wanted.enabled;
        let mut tx = self.db.write().await?;
        if let Some(answer) = self.earlier_answer(&mut tx, caller, key).await? {
            tx.commit().await?;
            return Ok(answer);
        }
        if !federated_providers::insert(&mut tx, &provider).await? {
            refuse_taken_name(&mut tx, &provider).await?;
            return Err(bodies::just_deleted(KIND, &provider.name));
        }
        self.note(&mut tx, caller, event("federated_provider.create", &provider)).await?;
        self.keep_answer(&mut tx, caller, key, &provider).await?;
        tx.commit().await?;
        Ok(provider)
    }

    /// Reads a federated provider.
    pub async fn provider(&self, caller: &Caller, id: ProviderId) -> Result<FederatedProvider> {
        self.provider_by_id(&Actor::Caller(caller), &id.to_string()).await
    }

    /// The federated provider with this id; a text that is no id belongs to none.
    pub async fn provider_by_id(&self, actor: &Actor<'_>, id: &str) -> Result<FederatedProvider> {
        actor.require(Permission::FederatedView)?;
        let missing = || Error::no_provider(id);
        let id = id.parse().map_err(|_| missing())?;
        let mut tx = self.db.look().await?;
        federated_providers::get(&mut tx, id).await?.ok_or_else(missing)
    }

    /// Lists federated providers by name.
    pub async fn list_providers(
        &self,
        caller: &Caller,
        query: &FederatedProviderQuery,
    ) -> Result<Page<FederatedProvider>> {
        caller.require(Permission::FederatedView)?;
        let mut errors = FieldErrors::default();
        let (page, limit) = page_of(query.page, query.limit, DEFAULT_LIMIT, &mut errors);
        if query.provider_type.as_ref().is_some_and(|word| !word.is_known()) {
            errors.add("provider_type", ProviderType::expected());
        }
        errors.check()?;
        let filter = Filter { name: query.name.clone(), provider_type: query.provider_type.clone() };
        let mut tx = self.db.read().await?;
        let (data, total) = federated_providers::list(&mut tx, &filter, offset(page, limit), i64::from(limit)).await?;
        Ok(Page { data, total, page, limit })
    }

    /// Replaces a federated provider.
    pub async fn replace_provider(&self, caller: &Caller, id: ProviderId, body: Object) -> Result<FederatedProvider> {
        self.change_provider(caller, id, |_| read(body, None)).await
    }

    /// Changes a part of a federated provider.
    pub async fn patch_provider(&self, caller: &Caller, id: ProviderId, body: Object) -> Result<FederatedProvider> {
        self.change_provider(caller, id, |stored| read(body, Some(stored))).await
    }

    async fn change_provider(
        &self,
        caller: &Caller,
        id: ProviderId,
        change: impl FnOnce(&FederatedProvider) -> Result<Wanted>,
    ) -> Result<FederatedProvider> {
        caller.require(Permission::FederatedManage)?;
        let mut tx = self.db.write().await?;
        let stored = federated_providers::lock(&mut tx, id).await?.ok_or_else(|| Error::no_provider(&id))?;
        let wanted = change(&stored)?;
        let mut provider = stored.clone();
        (provider.name, provider.provider_type, provider.enabled) = (wanted.name, wanted.provider_type, wanted.enabled);
        let changes = Changes::between(&stored, &provider);
        // A request that changes nothing leaves no trace, so that it can be repeated.
        if !changes.is_empty() {
            refuse_taken_name(&mut tx, &provider).await?;
            provider.updated_at = self.now();
            let updated = federated_providers::update(&mut tx, &provider).await;
            updated.map_err(|error| bodies::taken_meanwhile(error, KIND, &provider.name))?;
            let event = event("federated_provider.update", &provider).changes(changes);
            self.note(&mut tx, caller, event).await?;
        }
        tx.commit().await?;
        Ok(provider)
    }

    /// Deletes a federated provider and all identities there. Users who come from it stay as they are.
    pub async fn delete_provider(&self, caller: &Caller, id: ProviderId) -> Result<()> {
        caller.require(Permission::FederatedManage)?;
        let mut tx = self.db.write().await?;
        let provider = federated_providers::lock(&mut tx, id).await?.ok_or_else(|| Error::no_provider(&id))?;
        federated_providers::delete(&mut tx, id).await?;
        self.note(&mut tx, caller, event("federated_provider.delete", &provider)).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// Reads a whole body, or a patch of what is stored.
fn read(body: Object, stored: Option<&FederatedProvider>) -> Result<Wanted> {
    let mut fields = Fields::new(body);
    fields.ignore(&bodies::READ_ONLY);
    let name = bodies::line(&mut fields, "name", MAX_NAME, stored.map(|stored| stored.name.as_str()));
    if let Some(defect) = name_defect(&name) {
        fields.errors.add("name", defect);
    }
    let provider_type = bodies::word(&mut fields, "provider_type", stored.map(|stored| &stored.provider_type));
    let enabled = match fields.flag("enabled") {
        Field::Value(enabled) => enabled,
        Field::Absent => stored.is_none_or(|stored| stored.enabled),
        Field::Null => true,
    };
    fields.finish().check()?;
    Ok(Wanted { name, provider_type, enabled })
}

/// What is wrong with the name of a provider that is a good name otherwise.
pub(in crate::app) fn name_defect(name: &str) -> Option<String> {
    name.eq_ignore_ascii_case(INTERNAL).then(|| format!("must not be `{INTERNAL}`: users without a provider have that"))
}

/// Looked up in the transaction that will write.
async fn refuse_taken_name(tx: &mut Tx, provider: &FederatedProvider) -> Result<()> {
    match federated_providers::id_of(tx, &provider.name).await? {
        Some(other) if other != provider.id => Err(bodies::taken(KIND, &provider.name, other)),
        _ => Ok(()),
    }
}

fn event(action: &'static str, provider: &FederatedProvider) -> Event {
    Event::new(action, "federated_provider", provider.id.to_string(), &provider.name)
}
