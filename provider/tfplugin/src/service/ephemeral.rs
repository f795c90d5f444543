//! Calls about ephemeral resources.

use super::offers::{Offer, find};
use super::{Service, deferral};
use crate::context::{Context, Deferral};
use crate::diagnostics::Diagnostics;
use crate::ephemeral::{Erased, Opened};
use crate::private::Private;
use crate::provider::Provider;
use crate::value::Value;
use crate::wire::{self, tfplugin6 as pb};

impl<P: Provider> Service<P> {
    fn ephemeral(&self, type_name: &str, diagnostics: &mut Diagnostics) -> Option<&Offer<dyn Erased<P::Client>>> {
        find(&self.offers.ephemerals, "ephemeral resource", type_name, diagnostics)
    }

    pub(super) async fn validate_ephemeral(
        &self,
        request: &pb::validate_ephemeral_resource_config::Request,
        diagnostics: &mut Diagnostics,
    ) -> Option<()> {
        let Offer { item, shape } = self.ephemeral(&request.type_name, diagnostics)?;
        let config = shape.checked(request.config.as_ref(), diagnostics)?;
        item.validate(config, diagnostics).await;
        Some(())
    }

    pub(super) async fn open_ephemeral(
        &self,
        request: &pb::open_ephemeral_resource::Request,
        diagnostics: &mut Diagnostics,
    ) -> Option<pb::open_ephemeral_resource::Response> {
        let stop = self.stops.current().child();
        let Offer { item, shape } = self.ephemeral(&request.type_name, diagnostics)?;
        let config = shape.decode(request.config.as_ref(), diagnostics)?;
        let mut deferral = deferral(request.client_capabilities);
        let mut private = Private::new();
        let client = self.needed_client(&mut deferral, diagnostics);
        let mut opened = None;
        if let Some(client) = &client {
            let mut context = Context {
                client,
                private: &mut private,
                meta: &Value::Null,
                stop: &stop,
                deferral: &mut deferral,
                diagnostics,
            };
            opened = item.open(shape.wanted(&config), &mut context).await;
        }
        let (state, renew_at) = match opened {
            Some(Opened { state, renew_at }) => (Some(state), renew_at),
            None => (None, None),
        };
        let is_open = state.is_some();
        let state = match state {
            Some(state) if !diagnostics.has_errors() && deferral.reason().is_none() => {
                shape.found(&config, state, diagnostics)
            }
            _ => None,
        };
        if let (true, Some(client)) = (is_open && (state.is_none() || diagnostics.has_errors()), &client) {
            // Terraform closes only what it has got.
            let (mut deferral, meta) = (Deferral::default(), &Value::Null);
            let context =
                &mut Context { client, private: &mut private, meta, stop: &stop, deferral: &mut deferral, diagnostics };
            item.close(context).await;
        }
        if diagnostics.has_errors() {
            return None;
        }
        if let Some(reason) = deferral.reason() {
            let result = Some(shape.encode(&Value::UNKNOWN, diagnostics)?);
            let deferred = Some(wire::deferred(reason));
            return Some(pb::open_ephemeral_resource::Response { result, deferred, ..Default::default() });
        }
        let Some(state) = state else {
            diagnostics.error("Opening failed", "The provider opened nothing, and did not say why.");
            return None;
        };
        Some(pb::open_ephemeral_resource::Response {
            result: Some(shape.encode(&state, diagnostics)?),
            renew_at: renew_at.map(Into::into),
            private: Some(private.to_bytes()),
            ..Default::default()
        })
    }

    pub(super) async fn renew_ephemeral(
        &self,
        request: &pb::renew_ephemeral_resource::Request,
        diagnostics: &mut Diagnostics,
    ) -> Option<pb::renew_ephemeral_resource::Response> {
        let stop = self.stops.current().child();
        let Offer { item, .. } = self.ephemeral(&request.type_name, diagnostics)?;
        let mut deferral = Deferral::default();
        let client = self.needed_client(&mut deferral, diagnostics)?;
        let mut private = Private::from_bytes(request.private());
        let mut context = Context {
            client: &client,
            private: &mut private,
            meta: &Value::Null,
            stop: &stop,
            deferral: &mut deferral,
            diagnostics,
        };
        let renew_at = item.renew(&mut context).await.map(Into::into);
        let private = Some(private.to_bytes());
        Some(pb::renew_ephemeral_resource::Response { renew_at, private, ..Default::default() })
    }

    pub(super) async fn close_ephemeral(
        &self,
        request: &pb::close_ephemeral_resource::Request,
        diagnostics: &mut Diagnostics,
    ) -> Option<()> {
        let stop = self.stops.current().child();
        let Offer { item, .. } = self.ephemeral(&request.type_name, diagnostics)?;
        let mut deferral = Deferral::default();
        let client = self.needed_client(&mut deferral, diagnostics)?;
        let mut private = Private::from_bytes(request.private());
        let mut context = Context {
            client: &client,
            private: &mut private,
            meta: &Value::Null,
            stop: &stop,
            deferral: &mut deferral,
            diagnostics,
        };
        item.close(&mut context).await;
        Some(())
    }
}
