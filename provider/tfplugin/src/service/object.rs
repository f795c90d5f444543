//! Calls about one object that change nothing.

use super::{Entry, Service, existing};
use crate::diagnostics::Diagnostics;
use crate::provider::Provider;
use crate::resource::{Context, Private, Read, StoredState};
use crate::rules;
use crate::value::Value;
use crate::wire::tfplugin6::{self as pb, DynamicValue};

impl<P: Provider> Service<P> {
    pub(super) async fn validate(
        &self,
        request: &pb::validate_resource_config::Request,
        diagnostics: &mut Diagnostics,
    ) -> Option<()> {
        let Entry { resource, shape } = self.entry(&request.type_name, diagnostics)?;
        let mut config = shape.decode(request.config.as_ref(), diagnostics)?;
        let fields = &shape.schema.fields;
        rules::run_checks(fields, &mut config, diagnostics);
        rules::deprecations(&shape.schema, &mut config, diagnostics);
        if !request.client_capabilities.is_some_and(|client| client.write_only_attributes_allowed) {
            rules::refuse_write_only(fields, &mut config, diagnostics);
        }
        resource.validate(config, diagnostics).await;
        Some(())
    }

    /// A stored state in the form of today's schema.
    pub(super) async fn upgrade(
        &self,
        request: &pb::upgrade_resource_state::Request,
        diagnostics: &mut Diagnostics,
    ) -> Option<DynamicValue> {
        let Entry { resource, shape } = self.entry(&request.type_name, diagnostics)?;
        let raw = request.raw_state.as_ref().map_or(&[][..], |raw| &raw.json);
        if raw.is_empty() {
            diagnostics.error("State cannot be read", "The state was written by a Terraform older than 0.12.");
            return None;
        }
        let state = if request.version == shape.schema.version {
            Value::from_json(raw, &shape.ty)
                .map_err(|error| diagnostics.value_error("State does not fit the schema", &error))
                .ok()?
        } else {
            resource.upgrade(StoredState::new(request.version, raw), diagnostics).await?
        };
        let mut state = shape.shaped(state, diagnostics)?;
        rules::settle(&shape.schema.fields, None, &mut state);
        shape.encode(&state, diagnostics)
    }

    /// The object as it is, with its private state; none if nobody knows.
    pub(super) async fn read(
        &self,
        request: &pb::read_resource::Request,
        diagnostics: &mut Diagnostics,
    ) -> Option<(DynamicValue, Vec<u8>)> {
        let Entry { resource, shape } = self.entry(&request.type_name, diagnostics)?;
        let before = existing(shape.decode(request.current_state.as_ref(), diagnostics)?)?;
        let client = self.needed_client(diagnostics)?;
        let mut private = Private::from_bytes(&request.private);
        let mut context = Context { client: &client, private: &mut private, stop: &self.stop, diagnostics };
        let state = match resource.read(before.clone(), &mut context).await {
            // An object may only be forgotten when nothing went wrong.
            _ if diagnostics.has_errors() => return None,
            Read::Found(state) => {
                let mut state = shape.shaped(state, diagnostics)?;
                rules::settle(&shape.schema.fields, Some(&before), &mut state);
                rules::forget_unknown(&mut state, diagnostics);
                state
            }
            Read::Gone => Value::Null,
            Read::Failed => {
                diagnostics.error("Reading failed", "The provider could not read the object, and did not say why.");
                return None;
            }
        };
        Some((shape.encode(&state, diagnostics)?, private.to_bytes()))
    }

    pub(super) async fn import(
        &self,
        request: &pb::import_resource_state::Request,
        diagnostics: &mut Diagnostics,
    ) -> Option<pb::import_resource_state::ImportedResource> {
        let Entry { resource, shape } = self.entry(&request.type_name, diagnostics)?;
        let client = self.needed_client(diagnostics)?;
        let mut private = Private::new();
        let mut context = Context { client: &client, private: &mut private, stop: &self.stop, diagnostics };
        let Some(state) = resource.import(&request.id, &mut context).await else {
            if !diagnostics.has_errors() {
                let detail = format!("There is no {} with the id {:?}.", request.type_name, request.id);
                diagnostics.error("Nothing to import", detail);
            }
            return None;
        };
        let mut state = shape.shaped(state, diagnostics)?;
        rules::settle(&shape.schema.fields, None, &mut state);
        rules::forget_unknown(&mut state, diagnostics);
        Some(pb::import_resource_state::ImportedResource {
            type_name: request.type_name.clone(),
            state: Some(shape.encode(&state, diagnostics)?),
            private: private.to_bytes(),
            identity: None,
        })
    }
}
