//! Calls about the provider as a whole.

use super::{Service, Setup};
use crate::convert::FromValue as _;
use crate::diagnostics::Diagnostics;
use crate::provider::{Configure, Provider};
use crate::rules;
use crate::wire::{self, tfplugin6 as pb};

impl<P: Provider> Service<P> {
    pub(super) fn metadata(&self) -> pb::get_metadata::Response {
        let resource = |name: &&'static str| pb::get_metadata::ResourceMetadata { type_name: (*name).to_owned() };
        pb::get_metadata::Response {
            server_capabilities: Some(capabilities()),
            resources: self.resources.keys().map(resource).collect(),
            ..pb::get_metadata::Response::default()
        }
    }

    pub(super) fn schemas(&self) -> pb::get_provider_schema::Response {
        let mut diagnostics = Diagnostics::new();
        for mistake in &self.mistakes {
            diagnostics.error("Invalid schema", format!("{mistake}. This is a mistake in the provider."));
        }
        let resources = self.resources.iter();
        pb::get_provider_schema::Response {
            provider: Some(wire::schema(&self.config.schema)),
            resource_schemas: resources
                .map(|(name, entry)| ((*name).to_owned(), wire::schema(&entry.shape.schema)))
                .collect(),
            server_capabilities: Some(capabilities()),
            diagnostics: wire::diagnostics(diagnostics),
            ..pb::get_provider_schema::Response::default()
        }
    }

    pub(super) async fn validate_provider(
        &self,
        request: &pb::validate_provider_config::Request,
        diagnostics: &mut Diagnostics,
    ) -> Option<()> {
        let mut config = self.config.decode(request.config.as_ref(), diagnostics)?;
        rules::run_checks(&self.config.schema.fields, &mut config, diagnostics);
        rules::deprecations(&self.config.schema, &mut config, diagnostics);
        match P::Config::from_value(config) {
            Ok(config) => self.provider.validate(&config, diagnostics).await,
            Err(error) => diagnostics.value_error("Unexpected value", &error),
        }
        Some(())
    }

    pub(super) async fn configure(
        &self,
        request: &pb::configure_provider::Request,
        diagnostics: &mut Diagnostics,
    ) -> Option<()> {
        self.set_up(Setup::Failed);
        let config = self.config.decode(request.config.as_ref(), diagnostics)?;
        let unknown = config.has_unknown();
        let config =
            P::Config::from_value(config).map_err(|error| diagnostics.value_error("Unexpected value", &error)).ok()?;
        let setup = Configure { terraform_version: &request.terraform_version, stop: &self.stop, diagnostics };
        match self.provider.configure(config, setup).await {
            Some(client) if !diagnostics.has_errors() => self.set_up(Setup::Ready(client)),
            None if unknown && !diagnostics.has_errors() => self.set_up(Setup::Unknown),
            None if !diagnostics.has_errors() => {
                diagnostics.error("Provider is not configured", "The provider made no client, and did not say why.");
            }
            _ => {}
        }
        Some(())
    }
}

fn capabilities() -> pb::ServerCapabilities {
    pb::ServerCapabilities {
        // Nothing is to be said about a plan to destroy: without it, Terraform makes one call less for each object.
        plan_destroy: false,
        // Every call works without the schema having been asked for first.
        get_provider_schema_optional: true,
        move_resource_state: false,
        generate_resource_config: false,
    }
}
