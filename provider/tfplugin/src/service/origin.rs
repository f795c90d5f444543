//! Calls that bring an object in: from an older version, from the user, from another type.

use super::{ResourceOffer, Service, deferral, existing};
use crate::context::Context;
use crate::diagnostics::Diagnostics;
use crate::private::Private;
use crate::provider::Provider;
use crate::resource::{Import, MovedState};
use crate::rules;
use crate::stored::Stored;
use crate::value::Value;
use crate::wire::{self, tfplugin6 as pb};

impl<P: Provider> Service<P> {
    /// A stored state in the form of today's schema.
    pub(super) async fn upgrade(
        &self,
        request: &pb::upgrade_resource_state::Request,
        diagnostics: &mut Diagnostics,
    ) -> Option<pb::upgrade_resource_state::Response> {
        let ResourceOffer { resource, shape, .. } = self.resource(&request.type_name, diagnostics)?;
        let raw = raw_json(request.raw_state.as_ref(), diagnostics)?;
        let state = if request.version == shape.schema.version {
            Value::from_json(raw, &shape.ty)
                .map_err(|error| diagnostics.value_error("State does not fit the schema", &error))
                .ok()?
        } else {
            said(resource.upgrade(Stored::new(request.version, raw), diagnostics).await, "Upgrade", diagnostics)?
        };
        let mut state = shape.shaped(state, diagnostics)?;
        rules::settle(&shape.schema.fields, None, &mut state);
        rules::forget_unknown(&mut state, diagnostics);
        let upgraded_state = Some(shape.encode(&state, diagnostics)?);
        Some(pb::upgrade_resource_state::Response { upgraded_state, ..Default::default() })
    }

    /// A stored identity in the form of today's schema.
    pub(super) async fn upgrade_identity(
        &self,
        request: &pb::upgrade_resource_identity::Request,
        diagnostics: &mut Diagnostics,
    ) -> Option<pb::upgrade_resource_identity::Response> {
        let ResourceOffer { resource, identity, .. } = self.resource(&request.type_name, diagnostics)?;
        let Some(shape) = identity else {
            diagnostics.error("Resource has no identity", format!("{} has no identity.", request.type_name));
            return None;
        };
        let raw = request.raw_identity.as_ref().map_or(&[][..], |raw| &raw.json);
        if matches!(raw, b"" | b"{}" | b"null") {
            // Of a state from before there were identities. `read` will tell.
            let upgraded_identity = Some(shape.encode(&Value::Null, diagnostics)?);
            return Some(pb::upgrade_resource_identity::Response { upgraded_identity, ..Default::default() });
        }
        let identity = if request.version == shape.schema.version {
            Value::from_json(raw, &shape.ty)
                .map_err(|error| diagnostics.value_error("Identity does not fit the schema", &error))
                .ok()?
        } else {
            let upgraded = resource.upgrade_identity(Stored::new(request.version, raw), diagnostics).await;
            said(upgraded, "Upgrade", diagnostics)?
        };
        let identity = shape.shaped(identity, diagnostics)?;
        let upgraded_identity = Some(shape.encode(&identity, diagnostics)?);
        Some(pb::upgrade_resource_identity::Response { upgraded_identity, ..Default::default() })
    }

    pub(super) async fn import(
        &self,
        request: &pb::import_resource_state::Request,
        diagnostics: &mut Diagnostics,
    ) -> Option<pb::import_resource_state::Response> {
        let stop = self.stops.current().child();
        let offer = self.resource(&request.type_name, diagnostics)?;
        let ResourceOffer { resource, shape, identity } = offer;
        let by_identity = existing(offer.known_identity(request.identity.as_ref(), diagnostics)?);
        let import = by_identity.as_ref().map_or(Import::Id(&request.id), Import::Identity);
        let mut deferral = deferral(request.client_capabilities);
        let client = self.needed_client(&mut deferral, diagnostics);
        let mut private = Private::new();
        let mut state = None;
        if let Some(client) = &client {
            let mut context = Context {
                client,
                private: &mut private,
                meta: &Value::Null,
                stop: &stop,
                deferral: &mut deferral,
                diagnostics,
            };
            state = resource.import(import, &mut context).await;
        }
        let imported = |state, private, identity| {
            let type_name = request.type_name.clone();
            vec![pb::import_resource_state::ImportedResource { type_name, state, private, identity }]
        };
        if let Some(reason) = deferral.reason() {
            let unknown = Some(shape.encode(&Value::UNKNOWN, diagnostics)?);
            return Some(pb::import_resource_state::Response {
                imported_resources: imported(unknown, Vec::new(), request.identity.clone()),
                deferred: Some(wire::deferred(reason)),
                ..Default::default()
            });
        }
        let Some(state) = state else {
            if !diagnostics.has_errors() {
                let detail = format!("There is no {} with the id {import}.", request.type_name);
                diagnostics.error("Nothing to import", detail);
            }
            return None;
        };
        let mut state = shape.shaped(state, diagnostics)?;
        rules::settle(&shape.schema.fields, None, &mut state);
        rules::forget_unknown(&mut state, diagnostics);
        // What the user has said stands until `read` has looked.
        let identity = match (identity, by_identity) {
            (Some(shape), Some(identity)) => {
                private.mark_imported();
                shape.encode(&identity, diagnostics)
            }
            _ => offer.identify(&state, &Value::Null, client.as_ref(), diagnostics),
        };
        let imported_resources = imported(Some(shape.encode(&state, diagnostics)?), private.to_bytes(), identity);
        Some(pb::import_resource_state::Response { imported_resources, ..Default::default() })
    }

    /// The state of another type's object as one of this type.
    pub(super) async fn move_state(
        &self,
        request: &pb::move_resource_state::Request,
        diagnostics: &mut Diagnostics,
    ) -> Option<pb::move_resource_state::Response> {
        let offer = self.resource(&request.target_type_name, diagnostics)?;
        let raw = raw_json(request.source_state.as_ref(), diagnostics)?;
        let source_private = Private::from_bytes(&request.source_private);
        let identity = request.source_identity.as_ref().filter(|identity| !identity.json.is_empty());
        let source = MovedState {
            provider: &request.source_provider_address,
            type_name: &request.source_type_name,
            state: Stored::new(request.source_schema_version, raw),
            private: &source_private,
            identity: identity.map(|raw| Stored::new(request.source_identity_schema_version, &raw.json)),
        };
        let mut private = Private::new();
        let state = said(offer.resource.move_from(source, &mut private, diagnostics).await, "Move", diagnostics)?;
        let mut state = offer.shape.shaped(state, diagnostics)?;
        rules::settle(&offer.shape.schema.fields, None, &mut state);
        rules::forget_unknown(&mut state, diagnostics);
        Some(pb::move_resource_state::Response {
            target_identity: offer.identify(&state, &Value::Null, self.client().ok().as_ref(), diagnostics),
            target_state: Some(offer.shape.encode(&state, diagnostics)?),
            target_private: private.to_bytes(),
            ..Default::default()
        })
    }
}

/// A result, or the reason why there is none: without one, Terraform would forget the object.
fn said<T>(result: Option<T>, what: &str, diagnostics: &mut Diagnostics) -> Option<T> {
    if result.is_none() && !diagnostics.has_errors() {
        diagnostics.error(format!("{what} failed"), "The provider returned nothing, and did not say why.");
    }
    result
}

/// The text of what is stored.
fn raw_json<'a>(raw: Option<&'a pb::RawState>, diagnostics: &mut Diagnostics) -> Option<&'a [u8]> {
    let json = raw.map_or(&[][..], |raw| &raw.json);
    if json.is_empty() {
        diagnostics.error("State cannot be read", "The state was written by a Terraform older than 0.12.");
        return None;
    }
    Some(json)
}
