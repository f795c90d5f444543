//! The calls as tonic sees them: each is guarded against panics and has its own span in the log.

use tonic::{Request, Response, Status};
use tracing::{Instrument as _, info_span};

use super::Service;
use crate::diagnostics::Diagnostics;
use crate::guard::guard;
use crate::provider::Provider;
use crate::wire::{self, tfplugin6 as pb};

type Answer<T> = Result<Response<T>, Status>;

/// Makes one call of the author's code. A panic becomes a diagnostic, and the call has no result.
async fn call<T>(
    rpc: &'static str,
    type_name: &str,
    work: impl AsyncFnOnce(&mut Diagnostics) -> Option<T>,
) -> (Option<T>, Vec<pb::Diagnostic>) {
    let work = async {
        let mut diagnostics = Diagnostics::new();
        let result = match guard(work(&mut diagnostics)).await {
            Ok(result) => result,
            Err(panicked) => {
                panicked.report(&mut diagnostics);
                None
            }
        };
        tracing::debug!(problems = diagnostics.iter().count(), "answered");
        (result, wire::diagnostics(diagnostics))
    };
    work.instrument(info_span!("rpc", tf_rpc = rpc, tf_resource_type = type_name)).await
}

#[tonic::async_trait]
impl<P: Provider> pb::provider_server::Provider for Service<P> {
    async fn get_metadata(&self, _: Request<pb::get_metadata::Request>) -> Answer<pb::get_metadata::Response> {
        Ok(Response::new(self.metadata()))
    }

    async fn get_provider_schema(
        &self,
        _: Request<pb::get_provider_schema::Request>,
    ) -> Answer<pb::get_provider_schema::Response> {
        Ok(Response::new(self.schemas()))
    }

    /// No resource has an identity; newer versions of Terraform ask nevertheless.
    async fn get_resource_identity_schemas(
        &self,
        _: Request<pb::get_resource_identity_schemas::Request>,
    ) -> Answer<pb::get_resource_identity_schemas::Response> {
        Ok(Response::new(pb::get_resource_identity_schemas::Response::default()))
    }

    async fn get_functions(&self, _: Request<pb::get_functions::Request>) -> Answer<pb::get_functions::Response> {
        Ok(Response::new(pb::get_functions::Response::default()))
    }

    async fn validate_provider_config(
        &self,
        request: Request<pb::validate_provider_config::Request>,
    ) -> Answer<pb::validate_provider_config::Response> {
        let request = request.into_inner();
        let work = async |problems: &mut Diagnostics| self.validate_provider(&request, problems).await;
        let (_, diagnostics) = call("ValidateProviderConfig", "", work).await;
        Ok(Response::new(pb::validate_provider_config::Response { diagnostics }))
    }

    async fn configure_provider(
        &self,
        request: Request<pb::configure_provider::Request>,
    ) -> Answer<pb::configure_provider::Response> {
        let request = request.into_inner();
        let work = async |problems: &mut Diagnostics| self.configure(&request, problems).await;
        let (_, diagnostics) = call("ConfigureProvider", "", work).await;
        Ok(Response::new(pb::configure_provider::Response { diagnostics }))
    }

    async fn validate_resource_config(
        &self,
        request: Request<pb::validate_resource_config::Request>,
    ) -> Answer<pb::validate_resource_config::Response> {
        let request = request.into_inner();
        let work = async |problems: &mut Diagnostics| self.validate(&request, problems).await;
        let (_, diagnostics) = call("ValidateResourceConfig", &request.type_name, work).await;
        Ok(Response::new(pb::validate_resource_config::Response { diagnostics }))
    }

    async fn upgrade_resource_state(
        &self,
        request: Request<pb::upgrade_resource_state::Request>,
    ) -> Answer<pb::upgrade_resource_state::Response> {
        let request = request.into_inner();
        let work = async |problems: &mut Diagnostics| self.upgrade(&request, problems).await;
        let (upgraded_state, diagnostics) = call("UpgradeResourceState", &request.type_name, work).await;
        Ok(Response::new(pb::upgrade_resource_state::Response { upgraded_state, diagnostics }))
    }

    async fn read_resource(&self, request: Request<pb::read_resource::Request>) -> Answer<pb::read_resource::Response> {
        let request = request.into_inner();
        let work = async |problems: &mut Diagnostics| self.read(&request, problems).await;
        let (result, diagnostics) = call("ReadResource", &request.type_name, work).await;
        let (new_state, private) = match result {
            Some((state, private)) => (Some(state), private),
            None => (request.current_state, request.private),
        };
        let response = pb::read_resource::Response { new_state, private, diagnostics, ..Default::default() };
        Ok(Response::new(response))
    }

    async fn plan_resource_change(
        &self,
        request: Request<pb::plan_resource_change::Request>,
    ) -> Answer<pb::plan_resource_change::Response> {
        let request = request.into_inner();
        let work = async |problems: &mut Diagnostics| self.plan(&request, problems).await;
        let (outline, diagnostics) = call("PlanResourceChange", &request.type_name, work).await;
        Ok(Response::new(match outline {
            Some(outline) => pb::plan_resource_change::Response {
                planned_state: Some(outline.planned),
                requires_replace: outline.replace.iter().map(wire::path).collect(),
                planned_private: outline.private,
                diagnostics,
                ..Default::default()
            },
            None => pb::plan_resource_change::Response {
                planned_state: request.prior_state,
                planned_private: request.prior_private,
                diagnostics,
                ..Default::default()
            },
        }))
    }

    async fn apply_resource_change(
        &self,
        request: Request<pb::apply_resource_change::Request>,
    ) -> Answer<pb::apply_resource_change::Response> {
        let request = request.into_inner();
        let work = async |problems: &mut Diagnostics| self.apply(&request, problems).await;
        let (result, diagnostics) = call("ApplyResourceChange", &request.type_name, work).await;
        // Whatever went wrong, even a panic: what existed before is not forgotten.
        let (new_state, private) = match result {
            Some((state, private)) => (Some(state), private),
            None => (request.prior_state, request.planned_private),
        };
        let response = pb::apply_resource_change::Response { new_state, private, diagnostics, ..Default::default() };
        Ok(Response::new(response))
    }

    async fn import_resource_state(
        &self,
        request: Request<pb::import_resource_state::Request>,
    ) -> Answer<pb::import_resource_state::Response> {
        let request = request.into_inner();
        let work = async |problems: &mut Diagnostics| self.import(&request, problems).await;
        let (imported, diagnostics) = call("ImportResourceState", &request.type_name, work).await;
        let imported_resources = imported.into_iter().collect();
        let response = pb::import_resource_state::Response { imported_resources, diagnostics, ..Default::default() };
        Ok(Response::new(response))
    }

    /// Asks what is running to end. The server goes on: results are still to be fetched, and ephemeral resources
    /// to be closed.
    async fn stop_provider(&self, _: Request<pb::stop_provider::Request>) -> Answer<pb::stop_provider::Response> {
        self.stop.request();
        Ok(Response::new(pb::stop_provider::Response::default()))
    }
}
