//! Calls about the provider as a whole.

use super::{NotReady, Service, Setup};
use crate::convert::FromValue as _;
use crate::diagnostics::Diagnostics;
use crate::provider::{Configure, Provider};
use crate::wire::{self, tfplugin6 as pb};

impl<P: Provider> Service<P> {
    pub(super) fn metadata(&self) -> pb::get_metadata::Response {
        use pb::get_metadata::{
            ActionMetadata, DataSourceMetadata, EphemeralResourceMetadata, FunctionMetadata, ListResourceMetadata,
            ResourceMetadata,
        };
        let offers = &self.offers;
        /// The names of all offers of a kind, each in a message of its own.
        macro_rules! named {
            ($offers:expr, $message:ident { $name:ident }) => {
                $offers.keys().map(|name| $message { $name: (*name).to_owned() }).collect()
            };
        }
        pb::get_metadata::Response {
            server_capabilities: Some(self.capabilities()),
            diagnostics: self.mistakes(),
            resources: named!(offers.resources, ResourceMetadata { type_name }),
            data_sources: named!(offers.data_sources, DataSourceMetadata { type_name }),
            ephemeral_resources: named!(offers.ephemerals, EphemeralResourceMetadata { type_name }),
            functions: named!(offers.functions, FunctionMetadata { name }),
            actions: named!(offers.actions, ActionMetadata { type_name }),
            list_resources: named!(offers.lists, ListResourceMetadata { type_name }),
            state_stores: Vec::new(),
        }
    }

    pub(super) fn schemas(&self) -> pb::get_provider_schema::Response {
        let offers = &self.offers;
        /// The schemas of all offers of a kind, by name.
        macro_rules! schemas {
            ($offers:expr) => {
                $offers.iter().map(|(name, offer)| ((*name).to_owned(), wire::schema(&offer.shape.schema))).collect()
            };
        }
        let action_schemas = offers.actions.iter().map(|(name, offer)| {
            ((*name).to_owned(), pb::ActionSchema { schema: Some(wire::schema(&offer.shape.schema)) })
        });
        pb::get_provider_schema::Response {
            provider: Some(wire::schema(&self.config.schema)),
            provider_meta: self.meta.as_ref().map(|meta| wire::schema(&meta.schema)),
            resource_schemas: schemas!(offers.resources),
            data_source_schemas: schemas!(offers.data_sources),
            ephemeral_resource_schemas: schemas!(offers.ephemerals),
            list_resource_schemas: schemas!(offers.lists),
            action_schemas: action_schemas.collect(),
            functions: self.functions(),
            server_capabilities: Some(self.capabilities()),
            diagnostics: self.mistakes(),
            ..Default::default()
        }
    }

    pub(super) fn functions(&self) -> std::collections::HashMap<String, pb::Function> {
        let functions = self.offers.functions.iter();
        functions.map(|(name, offer)| ((*name).to_owned(), wire::function(&offer.signature))).collect()
    }

    pub(super) fn identity_schemas(&self) -> pb::get_resource_identity_schemas::Response {
        let schema = |(name, offer): (&&'static str, &super::ResourceOffer<P::Client>)| {
            Some(((*name).to_owned(), wire::identity_schema(&offer.identity.as_ref()?.schema)))
        };
        pb::get_resource_identity_schemas::Response {
            identity_schemas: self.offers.resources.iter().filter_map(schema).collect(),
            diagnostics: self.mistakes(),
        }
    }

    fn mistakes(&self) -> Vec<pb::Diagnostic> {
        let mut diagnostics = Diagnostics::new();
        for mistake in &self.offers.mistakes {
            diagnostics.error("Invalid schema", format!("{mistake}. This is a mistake in the provider."));
        }
        wire::diagnostics(diagnostics)
    }

    fn capabilities(&self) -> pb::ServerCapabilities {
        pb::ServerCapabilities {
            // Where nothing is to be said about a plan to destroy, Terraform makes one call less for each object.
            plan_destroy: self.offers.resources.values().any(|offer| offer.resource.plans_destroy()),
            // Every call works without the schema having been asked for first.
            get_provider_schema_optional: true,
            move_resource_state: true,
            generate_resource_config: true,
        }
    }

    pub(super) async fn validate_provider(
        &self,
        request: &pb::validate_provider_config::Request,
        diagnostics: &mut Diagnostics,
    ) -> Option<()> {
        let config = self.config.checked(request.config.as_ref(), diagnostics)?;
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
        let stop = self.stops.current().child();
        self.set_up(Setup::Not(NotReady::Failed));
        let config = self.config.decode(request.config.as_ref(), diagnostics)?;
        let unknown = config.has_unknown();
        let config =
            P::Config::from_value(config).map_err(|error| diagnostics.value_error("Unexpected value", &error)).ok()?;
        let setup = Configure { terraform_version: &request.terraform_version, stop: &stop, diagnostics };
        match self.provider.configure(config, setup).await {
            Some(client) if !diagnostics.has_errors() => self.set_up(Setup::Ready(client)),
            None if unknown && !diagnostics.has_errors() => self.set_up(Setup::Not(NotReady::Unknown)),
            None if !diagnostics.has_errors() => {
                diagnostics.error("Provider is not configured", "The provider made no client, and did not say why.");
            }
            _ => {}
        }
        Some(())
    }
}
