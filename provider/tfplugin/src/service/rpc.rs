//! The calls as tonic sees them: each is guarded against panics and has its own span in the log.

use std::sync::Arc;

use tonic::codegen::BoxStream;
use tonic::{Request, Response, Status};
use tracing::{Instrument as _, info_span};

use super::Service;
use crate::diagnostics::Diagnostics;
use crate::function::FunctionError;
use crate::guard::guarded;
use crate::provider::Provider;
use crate::stop::Stops;
use crate::wire::{self, tfplugin6 as pb};

type Answer<T> = Result<Response<T>, Status>;

/// A provider's calls.
pub(crate) struct Calls<P: Provider>(Arc<Service<P>>);

impl<P: Provider> Calls<P> {
    /// The calls of `provider`, which `stops` stops.
    pub(crate) fn new(provider: P, stops: Stops) -> Self {
        Self(Arc::new(Service::new(provider, stops)))
    }
}

/// Makes one call of the author's code. A panic becomes a diagnostic, and the call has no result.
pub(super) async fn call<T>(
    rpc: &'static str,
    type_name: &str,
    work: impl AsyncFnOnce(&mut Diagnostics) -> Option<T>,
) -> (Option<T>, Vec<pb::Diagnostic>) {
    let work = async {
        let mut diagnostics = Diagnostics::new();
        let result = guarded(&mut diagnostics, work).await.flatten();
        tracing::debug!(problems = diagnostics.iter().count(), "answered");
        (result, wire::diagnostics(diagnostics))
    };
    work.instrument(info_span!("rpc", tf_rpc = rpc, tf_resource_type = type_name)).await
}

#[tonic::async_trait]
impl<P: Provider> pb::provider_server::Provider for Calls<P> {
    // The provider as a whole.

    async fn get_metadata(&self, _: Request<pb::get_metadata::Request>) -> Answer<pb::get_metadata::Response> {
        Ok(Response::new(self.0.metadata()))
    }

    async fn get_provider_schema(
        &self,
        _: Request<pb::get_provider_schema::Request>,
    ) -> Answer<pb::get_provider_schema::Response> {
        Ok(Response::new(self.0.schemas()))
    }

    async fn get_resource_identity_schemas(
        &self,
        _: Request<pb::get_resource_identity_schemas::Request>,
    ) -> Answer<pb::get_resource_identity_schemas::Response> {
        Ok(Response::new(self.0.identity_schemas()))
    }

    async fn get_functions(&self, _: Request<pb::get_functions::Request>) -> Answer<pb::get_functions::Response> {
        let functions = self.0.functions();
        Ok(Response::new(pb::get_functions::Response { functions, ..Default::default() }))
    }

    async fn validate_provider_config(
        &self,
        request: Request<pb::validate_provider_config::Request>,
    ) -> Answer<pb::validate_provider_config::Response> {
        let request = request.into_inner();
        let work = async |problems: &mut Diagnostics| self.0.validate_provider(&request, problems).await;
        let (_, diagnostics) = call("ValidateProviderConfig", "", work).await;
        Ok(Response::new(pb::validate_provider_config::Response { diagnostics }))
    }

    async fn configure_provider(
        &self,
        request: Request<pb::configure_provider::Request>,
    ) -> Answer<pb::configure_provider::Response> {
        let request = request.into_inner();
        let work = async |problems: &mut Diagnostics| self.0.configure(&request, problems).await;
        let (_, diagnostics) = call("ConfigureProvider", "", work).await;
        Ok(Response::new(pb::configure_provider::Response { diagnostics }))
    }

    /// Asks what is running to end. The server goes on: results are still to be fetched, and ephemeral resources
    /// to be closed.
    async fn stop_provider(&self, _: Request<pb::stop_provider::Request>) -> Answer<pb::stop_provider::Response> {
        self.0.stops.request();
        Ok(Response::new(pb::stop_provider::Response::default()))
    }

    // Managed resources.

    async fn validate_resource_config(
        &self,
        request: Request<pb::validate_resource_config::Request>,
    ) -> Answer<pb::validate_resource_config::Response> {
        let request = request.into_inner();
        let work = async |problems: &mut Diagnostics| self.0.validate(&request, problems).await;
        let (_, diagnostics) = call("ValidateResourceConfig", &request.type_name, work).await;
        Ok(Response::new(pb::validate_resource_config::Response { diagnostics }))
    }

    async fn upgrade_resource_state(
        &self,
        request: Request<pb::upgrade_resource_state::Request>,
    ) -> Answer<pb::upgrade_resource_state::Response> {
        let request = request.into_inner();
        let work = async |problems: &mut Diagnostics| self.0.upgrade(&request, problems).await;
        let (response, diagnostics) = call("UpgradeResourceState", &request.type_name, work).await;
        Ok(Response::new(pb::upgrade_resource_state::Response { diagnostics, ..response.unwrap_or_default() }))
    }

    async fn upgrade_resource_identity(
        &self,
        request: Request<pb::upgrade_resource_identity::Request>,
    ) -> Answer<pb::upgrade_resource_identity::Response> {
        let request = request.into_inner();
        let work = async |problems: &mut Diagnostics| self.0.upgrade_identity(&request, problems).await;
        let (response, diagnostics) = call("UpgradeResourceIdentity", &request.type_name, work).await;
        Ok(Response::new(pb::upgrade_resource_identity::Response { diagnostics, ..response.unwrap_or_default() }))
    }

    async fn read_resource(&self, request: Request<pb::read_resource::Request>) -> Answer<pb::read_resource::Response> {
        let request = request.into_inner();
        let work = async |problems: &mut Diagnostics| self.0.read(&request, problems).await;
        let (response, diagnostics) = call("ReadResource", &request.type_name, work).await;
        let response = response.unwrap_or_else(|| pb::read_resource::Response {
            new_state: request.current_state,
            private: request.private,
            new_identity: request.current_identity,
            ..Default::default()
        });
        Ok(Response::new(pb::read_resource::Response { diagnostics, ..response }))
    }

    async fn plan_resource_change(
        &self,
        request: Request<pb::plan_resource_change::Request>,
    ) -> Answer<pb::plan_resource_change::Response> {
        let request = request.into_inner();
        let work = async |problems: &mut Diagnostics| self.0.plan(&request, problems).await;
        let (response, diagnostics) = call("PlanResourceChange", &request.type_name, work).await;
        let response = response.unwrap_or_else(|| pb::plan_resource_change::Response {
            planned_state: request.prior_state,
            planned_private: request.prior_private,
            planned_identity: request.prior_identity,
            ..Default::default()
        });
        Ok(Response::new(pb::plan_resource_change::Response { diagnostics, ..response }))
    }

    /// Whatever goes wrong, even a panic: what existed before is not forgotten.
    async fn apply_resource_change(
        &self,
        request: Request<pb::apply_resource_change::Request>,
    ) -> Answer<pb::apply_resource_change::Response> {
        let request = request.into_inner();
        let work = async |problems: &mut Diagnostics| self.0.apply(&request, problems).await;
        let (response, diagnostics) = call("ApplyResourceChange", &request.type_name, work).await;
        let response = response.unwrap_or_else(|| pb::apply_resource_change::Response {
            new_state: request.prior_state,
            private: request.planned_private,
            new_identity: request.planned_identity,
            ..Default::default()
        });
        Ok(Response::new(pb::apply_resource_change::Response { diagnostics, ..response }))
    }

    async fn import_resource_state(
        &self,
        request: Request<pb::import_resource_state::Request>,
    ) -> Answer<pb::import_resource_state::Response> {
        let request = request.into_inner();
        let work = async |problems: &mut Diagnostics| self.0.import(&request, problems).await;
        let (response, diagnostics) = call("ImportResourceState", &request.type_name, work).await;
        Ok(Response::new(pb::import_resource_state::Response { diagnostics, ..response.unwrap_or_default() }))
    }

    async fn move_resource_state(
        &self,
        request: Request<pb::move_resource_state::Request>,
    ) -> Answer<pb::move_resource_state::Response> {
        let request = request.into_inner();
        let work = async |problems: &mut Diagnostics| self.0.move_state(&request, problems).await;
        let (response, diagnostics) = call("MoveResourceState", &request.target_type_name, work).await;
        Ok(Response::new(pb::move_resource_state::Response { diagnostics, ..response.unwrap_or_default() }))
    }

    async fn generate_resource_config(
        &self,
        request: Request<pb::generate_resource_config::Request>,
    ) -> Answer<pb::generate_resource_config::Response> {
        let request = request.into_inner();
        let work = async |problems: &mut Diagnostics| self.0.generate(&request, problems);
        let (response, diagnostics) = call("GenerateResourceConfig", &request.type_name, work).await;
        Ok(Response::new(pb::generate_resource_config::Response { diagnostics, ..response.unwrap_or_default() }))
    }

    // Data sources.

    async fn validate_data_resource_config(
        &self,
        request: Request<pb::validate_data_resource_config::Request>,
    ) -> Answer<pb::validate_data_resource_config::Response> {
        let request = request.into_inner();
        let work = async |problems: &mut Diagnostics| self.0.validate_data_source(&request, problems).await;
        let (_, diagnostics) = call("ValidateDataResourceConfig", &request.type_name, work).await;
        Ok(Response::new(pb::validate_data_resource_config::Response { diagnostics }))
    }

    async fn read_data_source(
        &self,
        request: Request<pb::read_data_source::Request>,
    ) -> Answer<pb::read_data_source::Response> {
        let request = request.into_inner();
        let work = async |problems: &mut Diagnostics| self.0.read_data_source(&request, problems).await;
        let (response, diagnostics) = call("ReadDataSource", &request.type_name, work).await;
        Ok(Response::new(pb::read_data_source::Response { diagnostics, ..response.unwrap_or_default() }))
    }

    // Ephemeral resources.

    async fn validate_ephemeral_resource_config(
        &self,
        request: Request<pb::validate_ephemeral_resource_config::Request>,
    ) -> Answer<pb::validate_ephemeral_resource_config::Response> {
        let request = request.into_inner();
        let work = async |problems: &mut Diagnostics| self.0.validate_ephemeral(&request, problems).await;
        let (_, diagnostics) = call("ValidateEphemeralResourceConfig", &request.type_name, work).await;
        Ok(Response::new(pb::validate_ephemeral_resource_config::Response { diagnostics }))
    }

    async fn open_ephemeral_resource(
        &self,
        request: Request<pb::open_ephemeral_resource::Request>,
    ) -> Answer<pb::open_ephemeral_resource::Response> {
        let request = request.into_inner();
        let work = async |problems: &mut Diagnostics| self.0.open_ephemeral(&request, problems).await;
        let (response, diagnostics) = call("OpenEphemeralResource", &request.type_name, work).await;
        Ok(Response::new(pb::open_ephemeral_resource::Response { diagnostics, ..response.unwrap_or_default() }))
    }

    async fn renew_ephemeral_resource(
        &self,
        request: Request<pb::renew_ephemeral_resource::Request>,
    ) -> Answer<pb::renew_ephemeral_resource::Response> {
        let request = request.into_inner();
        let work = async |problems: &mut Diagnostics| self.0.renew_ephemeral(&request, problems).await;
        let (response, diagnostics) = call("RenewEphemeralResource", &request.type_name, work).await;
        let response = response.unwrap_or_else(|| pb::renew_ephemeral_resource::Response {
            private: request.private,
            ..Default::default()
        });
        Ok(Response::new(pb::renew_ephemeral_resource::Response { diagnostics, ..response }))
    }

    async fn close_ephemeral_resource(
        &self,
        request: Request<pb::close_ephemeral_resource::Request>,
    ) -> Answer<pb::close_ephemeral_resource::Response> {
        let request = request.into_inner();
        let work = async |problems: &mut Diagnostics| self.0.close_ephemeral(&request, problems).await;
        let (_, diagnostics) = call("CloseEphemeralResource", &request.type_name, work).await;
        Ok(Response::new(pb::close_ephemeral_resource::Response { diagnostics }))
    }

    // Functions.

    async fn call_function(&self, request: Request<pb::call_function::Request>) -> Answer<pb::call_function::Response> {
        let request = request.into_inner();
        let work = async |_: &mut Diagnostics| Some(self.0.call_function(&request));
        let (result, diagnostics) = call("CallFunction", &request.name, work).await;
        // Without a result there has been a panic, which is the one problem.
        let result = result.unwrap_or_else(|| {
            Err(FunctionError::new(diagnostics.into_iter().map(|problem| problem.detail).collect::<String>()))
        });
        Ok(Response::new(match result {
            Ok(value) => pb::call_function::Response { result: Some(value), error: None },
            Err(error) => pb::call_function::Response { result: None, error: Some(wire::function_error(error)) },
        }))
    }

    // Actions.

    async fn validate_action_config(
        &self,
        request: Request<pb::validate_action_config::Request>,
    ) -> Answer<pb::validate_action_config::Response> {
        let request = request.into_inner();
        let work = async |problems: &mut Diagnostics| self.0.validate_action(&request, problems).await;
        let (_, diagnostics) = call("ValidateActionConfig", &request.action_type, work).await;
        Ok(Response::new(pb::validate_action_config::Response { diagnostics }))
    }

    async fn plan_action(&self, request: Request<pb::plan_action::Request>) -> Answer<pb::plan_action::Response> {
        let request = request.into_inner();
        let work = async |problems: &mut Diagnostics| self.0.plan_action(&request, problems).await;
        let (response, diagnostics) = call("PlanAction", &request.action_type, work).await;
        Ok(Response::new(pb::plan_action::Response { diagnostics, ..response.unwrap_or_default() }))
    }

    async fn invoke_action(
        &self,
        request: Request<pb::invoke_action::Request>,
    ) -> Answer<BoxStream<pb::invoke_action::Event>> {
        Ok(Response::new(Arc::clone(&self.0).invoke(request.into_inner())))
    }

    // Lists.

    async fn validate_list_resource_config(
        &self,
        request: Request<pb::validate_list_resource_config::Request>,
    ) -> Answer<pb::validate_list_resource_config::Response> {
        let request = request.into_inner();
        let work = async |problems: &mut Diagnostics| self.0.validate_list(&request, problems).await;
        let (_, diagnostics) = call("ValidateListResourceConfig", &request.type_name, work).await;
        Ok(Response::new(pb::validate_list_resource_config::Response { diagnostics }))
    }

    async fn list_resource(
        &self,
        request: Request<pb::list_resource::Request>,
    ) -> Answer<BoxStream<pb::list_resource::Event>> {
        Ok(Response::new(Arc::clone(&self.0).list_objects(request.into_inner())))
    }
}
