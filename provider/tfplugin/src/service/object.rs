//! Calls about one object that change nothing.

use super::offers::find;
use super::{ResourceOffer, Service, deferral, existing};
use crate::context::Context;
use crate::diagnostics::Diagnostics;
use crate::private::Private;
use crate::provider::Provider;
use crate::resource::Read;
use crate::rules;
use crate::value::Value;
use crate::wire::{self, tfplugin6 as pb};

impl<P: Provider> Service<P> {
    pub(super) fn resource(&self, type_name: &str, diagnostics: &mut Diagnostics) -> Option<&ResourceOffer<P::Client>> {
        find(&self.offers.resources, "resource", type_name, diagnostics)
    }

    pub(super) async fn validate(
        &self,
        request: &pb::validate_resource_config::Request,
        diagnostics: &mut Diagnostics,
    ) -> Option<()> {
        let ResourceOffer { resource, shape, .. } = self.resource(&request.type_name, diagnostics)?;
        let mut config = shape.checked(request.config.as_ref(), diagnostics)?;
        if !request.client_capabilities.is_some_and(|client| client.write_only_attributes_allowed) {
            rules::refuse_write_only(&shape.schema.fields, &mut config, diagnostics);
        }
        resource.validate(config, diagnostics).await;
        Some(())
    }

    /// The object as it is; none if nobody knows.
    pub(super) async fn read(
        &self,
        request: &pb::read_resource::Request,
        diagnostics: &mut Diagnostics,
    ) -> Option<pb::read_resource::Response> {
        let stop = self.stops.current().child();
        let offer = self.resource(&request.type_name, diagnostics)?;
        let ResourceOffer { resource, shape, .. } = offer;
        let before = existing(shape.decode(request.current_state.as_ref(), diagnostics)?)?;
        let identity_before = offer.known_identity(request.current_identity.as_ref(), diagnostics)?;
        let meta = self.meta(request.provider_meta.as_ref(), diagnostics)?;
        let mut deferral = deferral(request.client_capabilities);
        let Some(client) = self.needed_client(&mut deferral, diagnostics) else {
            return deferred(request, deferral.reason());
        };
        let mut private = Private::from_bytes(&request.private);
        // What the user has called it in an import may be another spelling of what it is.
        let identity_before = if private.take_imported() { Value::Null } else { identity_before };
        let mut context = Context {
            client: &client,
            private: &mut private,
            meta: &meta,
            stop: &stop,
            deferral: &mut deferral,
            diagnostics,
        };
        let read = resource.read(before.clone(), &mut context).await;
        // An object may only be forgotten when nothing went wrong.
        if diagnostics.has_errors() {
            return None;
        }
        if let Some(reason) = deferral.reason() {
            return deferred(request, Some(reason));
        }
        match read {
            Read::Found(state) => {
                let mut state = shape.shaped(state, diagnostics)?;
                rules::settle(&shape.schema.fields, Some(&before), &mut state);
                rules::forget_unknown(&mut state, diagnostics);
                let new_identity = offer.identify(&state, &identity_before, Some(&client), diagnostics);
                Some(pb::read_resource::Response {
                    new_state: Some(shape.encode(&state, diagnostics)?),
                    private: private.to_bytes(),
                    // Terraform would forget an identity that is left out.
                    new_identity: new_identity.or_else(|| request.current_identity.clone()),
                    ..Default::default()
                })
            }
            Read::Gone => Some(pb::read_resource::Response {
                new_state: Some(shape.encode(&Value::Null, diagnostics)?),
                private: private.to_bytes(),
                ..Default::default()
            }),
            Read::Failed => {
                diagnostics.error("Reading failed", "The provider could not read the object, and did not say why.");
                None
            }
        }
    }

    /// The configuration of an object that exists.
    pub(super) fn generate(
        &self,
        request: &pb::generate_resource_config::Request,
        diagnostics: &mut Diagnostics,
    ) -> Option<pb::generate_resource_config::Response> {
        let ResourceOffer { resource, shape, .. } = self.resource(&request.type_name, diagnostics)?;
        let mut config = shape.decode(request.state.as_ref(), diagnostics)?;
        rules::generate_config(&shape.schema.fields, &mut config);
        let config = shape.shaped(resource.generate(config, diagnostics)?, diagnostics)?;
        Some(pb::generate_resource_config::Response {
            config: Some(shape.encode(&config, diagnostics)?),
            ..Default::default()
        })
    }
}

/// The object as it was, to be looked at later.
fn deferred(
    request: &pb::read_resource::Request,
    reason: Option<crate::context::Reason>,
) -> Option<pb::read_resource::Response> {
    Some(pb::read_resource::Response {
        new_state: request.current_state.clone(),
        private: request.private.clone(),
        new_identity: request.current_identity.clone(),
        deferred: Some(wire::deferred(reason?)),
        ..Default::default()
    })
}
