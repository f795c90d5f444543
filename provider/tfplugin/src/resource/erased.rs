//! Resources of all types behind one interface, on plain values.

use async_trait::async_trait;

use super::{Context, Plan, PlanRequest, Planned, Read, Resource, StoredState};
use crate::convert::IntoValue as _;
use crate::diagnostics::Diagnostics;
use crate::model::Model;
use crate::schema::Schema;
use crate::value::Value;

/// [`Resource`] without its types.
#[async_trait]
pub(crate) trait Erased<C>: Send + Sync {
    fn type_name(&self) -> &'static str;
    fn schema(&self) -> Schema;
    fn fields(&self) -> &'static [&'static str];
    async fn validate(&self, config: Value, diagnostics: &mut Diagnostics);
    async fn plan(&self, request: PlanRequest<'_, C>) -> Option<Planned>;
    async fn create(&self, planned: Value, config: Value, context: &mut Context<'_, C>) -> Option<Value>;
    async fn read(&self, state: Value, context: &mut Context<'_, C>) -> Read<Value>;
    async fn update(&self, prior: Value, planned: Value, config: Value, context: &mut Context<'_, C>) -> Option<Value>;
    async fn delete(&self, state: Value, context: &mut Context<'_, C>);
    async fn import(&self, id: &str, context: &mut Context<'_, C>) -> Option<Value>;
    async fn upgrade(&self, stored: StoredState<'_>, diagnostics: &mut Diagnostics) -> Option<Value>;
}

/// A resource with its types, about to lose them.
pub(crate) struct Typed<R>(pub(crate) R);

/// Reads a model, or reports why it cannot be.
fn model<M: Model>(value: Value, diagnostics: &mut Diagnostics) -> Option<M> {
    M::from_value(value).map_err(|error| diagnostics.value_error("Unexpected value", &error)).ok()
}

#[async_trait]
impl<R: Resource> Erased<R::Client> for Typed<R> {
    fn type_name(&self) -> &'static str {
        self.0.type_name()
    }

    fn schema(&self) -> Schema {
        self.0.schema()
    }

    fn fields(&self) -> &'static [&'static str] {
        R::State::FIELDS
    }

    async fn validate(&self, config: Value, diagnostics: &mut Diagnostics) {
        if let Some(config) = model(config, diagnostics) {
            self.0.validate(&config, diagnostics).await;
        }
    }

    async fn plan(&self, request: PlanRequest<'_, R::Client>) -> Option<Planned> {
        let PlanRequest { client, prior, config, planned, private, diagnostics } = request;
        let prior = match prior {
            Some(prior) => Some(model(prior, diagnostics)?),
            None => None,
        };
        let values = (prior, model(config, diagnostics)?, model(planned, diagnostics)?);
        let mut plan = Plan::new(client, values, private, diagnostics);
        self.0.plan(&mut plan).await;
        let replace = plan.replacements().to_vec();
        Some(Planned { planned: plan.planned.into_value(), replace })
    }

    async fn create(&self, planned: Value, config: Value, context: &mut Context<'_, R::Client>) -> Option<Value> {
        let planned = model(planned, context.diagnostics)?;
        let config = model(config, context.diagnostics)?;
        Some(self.0.create(planned, config, context).await?.into_value())
    }

    async fn read(&self, state: Value, context: &mut Context<'_, R::Client>) -> Read<Value> {
        let Some(state) = model(state, context.diagnostics) else { return Read::Failed };
        match self.0.read(state, context).await {
            Read::Found(state) => Read::Found(state.into_value()),
            Read::Gone => Read::Gone,
            Read::Failed => Read::Failed,
        }
    }

    async fn update(
        &self,
        prior: Value,
        planned: Value,
        config: Value,
        context: &mut Context<'_, R::Client>,
    ) -> Option<Value> {
        let prior = model(prior, context.diagnostics)?;
        let planned = model(planned, context.diagnostics)?;
        let config = model(config, context.diagnostics)?;
        Some(self.0.update(prior, planned, config, context).await?.into_value())
    }

    async fn delete(&self, state: Value, context: &mut Context<'_, R::Client>) {
        if let Some(state) = model(state, context.diagnostics) {
            self.0.delete(state, context).await;
        }
    }

    async fn import(&self, id: &str, context: &mut Context<'_, R::Client>) -> Option<Value> {
        Some(self.0.import(id, context).await?.into_value())
    }

    async fn upgrade(&self, stored: StoredState<'_>, diagnostics: &mut Diagnostics) -> Option<Value> {
        Some(self.0.upgrade(stored, diagnostics).await?.into_value())
    }
}
