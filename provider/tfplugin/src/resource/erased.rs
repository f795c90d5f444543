//! Resources of all types behind one interface, on plain values.

use async_trait::async_trait;

use super::{Import, MovedState, PlanRequest, Planned, Read, Resource};
use crate::context::Context;
use crate::convert::IntoValue as _;
use crate::diagnostics::Diagnostics;
use crate::erased::{Typed, model};
use crate::identity::IdentitySchema;
use crate::model::Model;
use crate::private::Private;
use crate::schema::Schema;
use crate::stored::Stored;
use crate::value::Value;

/// [`Resource`] without its types.
#[async_trait]
pub(crate) trait Erased<C>: Send + Sync {
    fn type_name(&self) -> &'static str;
    fn schema(&self) -> Schema;
    fn fields(&self) -> &'static [&'static str];
    fn plans_destroy(&self) -> bool;
    fn identity(&self) -> Option<IdentitySchema>;
    fn identify(&self, state: Value, client: Option<&C>, diagnostics: &mut Diagnostics) -> Option<Value>;
    async fn validate(&self, config: Value, diagnostics: &mut Diagnostics);
    async fn plan(&self, request: PlanRequest<'_, C>) -> Option<Planned>;
    async fn plan_destroy(&self, state: Value, context: &mut Context<'_, C>);
    async fn create(&self, planned: Value, config: Value, context: &mut Context<'_, C>) -> Option<Value>;
    async fn read(&self, state: Value, context: &mut Context<'_, C>) -> Read<Value>;
    async fn update(&self, prior: Value, planned: Value, config: Value, context: &mut Context<'_, C>) -> Option<Value>;
    async fn delete(&self, state: Value, context: &mut Context<'_, C>);
    async fn import(&self, import: Import<'_>, context: &mut Context<'_, C>) -> Option<Value>;
    fn generate(&self, config: Value, diagnostics: &mut Diagnostics) -> Option<Value>;
    async fn upgrade(&self, stored: Stored<'_>, diagnostics: &mut Diagnostics) -> Option<Value>;
    async fn upgrade_identity(&self, stored: Stored<'_>, diagnostics: &mut Diagnostics) -> Option<Value>;
    async fn move_from(
        &self,
        source: MovedState<'_>,
        private: &mut Private,
        diagnostics: &mut Diagnostics,
    ) -> Option<Value>;
}

#[async_trait]
impl<R: Resource> Erased<R::Client> for Typed<R> {
    fn type_name(&self) -> &'static str {
        R::TYPE_NAME
    }

    fn schema(&self) -> Schema {
        self.0.schema()
    }

    fn fields(&self) -> &'static [&'static str] {
        R::State::FIELDS
    }

    fn plans_destroy(&self) -> bool {
        R::PLANS_DESTROY
    }

    fn identity(&self) -> Option<IdentitySchema> {
        self.0.identity()
    }

    fn identify(&self, state: Value, client: Option<&R::Client>, diagnostics: &mut Diagnostics) -> Option<Value> {
        self.0.identify(&model(state, diagnostics)?, client)
    }

    async fn validate(&self, config: Value, diagnostics: &mut Diagnostics) {
        if let Some(config) = model(config, diagnostics) {
            self.0.validate(&config, diagnostics).await;
        }
    }

    async fn plan(&self, mut request: PlanRequest<'_, R::Client>) -> Option<Planned> {
        let prior = match request.prior.take() {
            Some(prior) => Some(model(prior, request.diagnostics)?),
            None => None,
        };
        let config = model(std::mem::take(&mut request.config), request.diagnostics)?;
        let planned = model(std::mem::take(&mut request.planned), request.diagnostics)?;
        let mut plan = request.typed(prior, config, planned);
        self.0.plan(&mut plan).await;
        Some(plan.into())
    }

    async fn plan_destroy(&self, state: Value, context: &mut Context<'_, R::Client>) {
        if let Some(state) = model(state, context.diagnostics) {
            self.0.plan_destroy(&state, context).await;
        }
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

    async fn import(&self, import: Import<'_>, context: &mut Context<'_, R::Client>) -> Option<Value> {
        Some(self.0.import(import, context).await?.into_value())
    }

    fn generate(&self, config: Value, diagnostics: &mut Diagnostics) -> Option<Value> {
        let mut config = model(config, diagnostics)?;
        self.0.generate(&mut config);
        Some(config.into_value())
    }

    async fn upgrade(&self, stored: Stored<'_>, diagnostics: &mut Diagnostics) -> Option<Value> {
        Some(self.0.upgrade(stored, diagnostics).await?.into_value())
    }

    async fn upgrade_identity(&self, stored: Stored<'_>, diagnostics: &mut Diagnostics) -> Option<Value> {
        self.0.upgrade_identity(stored, diagnostics).await
    }

    async fn move_from(
        &self,
        source: MovedState<'_>,
        private: &mut Private,
        diagnostics: &mut Diagnostics,
    ) -> Option<Value> {
        Some(self.0.move_from(source, private, diagnostics).await?.into_value())
    }
}
