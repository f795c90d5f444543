//! Calls about data sources.

use super::offers::{Offer, find};
use super::{Service, deferral};
use crate::context::Call;
use crate::data_source::Erased;
use crate::diagnostics::Diagnostics;
use crate::provider::Provider;
use crate::value::Value;
use crate::wire::{self, tfplugin6 as pb};

impl<P: Provider> Service<P> {
    fn data_source(&self, type_name: &str, diagnostics: &mut Diagnostics) -> Option<&Offer<dyn Erased<P::Client>>> {
        find(&self.offers.data_sources, "data source", type_name, diagnostics)
    }

    pub(super) async fn validate_data_source(
        &self,
        request: &pb::validate_data_resource_config::Request,
        diagnostics: &mut Diagnostics,
    ) -> Option<()> {
        let Offer { item, shape } = self.data_source(&request.type_name, diagnostics)?;
        let config = shape.checked(request.config.as_ref(), diagnostics)?;
        item.validate(config, diagnostics).await;
        Some(())
    }

    pub(super) async fn read_data_source(
        &self,
        request: &pb::read_data_source::Request,
        diagnostics: &mut Diagnostics,
    ) -> Option<pb::read_data_source::Response> {
        let stop = self.stops.current().child();
        let Offer { item, shape } = self.data_source(&request.type_name, diagnostics)?;
        let config = shape.decode(request.config.as_ref(), diagnostics)?;
        let meta = self.meta(request.provider_meta.as_ref(), diagnostics)?;
        let mut deferral = deferral(request.client_capabilities);
        let mut found = None;
        if let Some(client) = self.needed_client(&mut deferral, diagnostics) {
            let mut call = Call { client: &client, meta: &meta, stop: &stop, deferral: &mut deferral, diagnostics };
            found = item.read(shape.wanted(&config), &mut call).await;
        }
        if diagnostics.has_errors() {
            return None;
        }
        if let Some(reason) = deferral.reason() {
            let state = Some(shape.encode(&Value::UNKNOWN, diagnostics)?);
            let deferred = Some(wire::deferred(reason));
            return Some(pb::read_data_source::Response { state, deferred, ..Default::default() });
        }
        let Some(found) = found else {
            diagnostics.error("Reading failed", "The provider found nothing, and did not say why.");
            return None;
        };
        let state = shape.found(&config, found, diagnostics)?;
        Some(pb::read_data_source::Response { state: Some(shape.encode(&state, diagnostics)?), ..Default::default() })
    }
}
