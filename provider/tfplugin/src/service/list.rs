//! Calls about lists of objects.

use std::sync::Arc;

use tokio::sync::mpsc::{Receiver, Sender, channel};
use tonic::codegen::BoxStream;

use super::offers::{Offer, find};
use super::rpc::call;
use super::stream::events;
use super::{ResourceOffer, Service};
use crate::context::{Call, Deferral};
use crate::diagnostics::Diagnostics;
use crate::guard::guarded;
use crate::list::{Erased, Found};
use crate::provider::Provider;
use crate::rules;
use crate::stop::Stop;
use crate::value::Value;
use crate::wire::tfplugin6::list_resource::{Event, Request};
use crate::wire::{self, tfplugin6 as pb};

impl<P: Provider> Service<P> {
    fn list(&self, type_name: &str, diagnostics: &mut Diagnostics) -> Option<&Offer<dyn Erased<P::Client>>> {
        find(&self.offers.lists, "list", type_name, diagnostics)
    }

    pub(super) async fn validate_list(
        &self,
        request: &pb::validate_list_resource_config::Request,
        diagnostics: &mut Diagnostics,
    ) -> Option<()> {
        let Offer { item, shape } = self.list(&request.type_name, diagnostics)?;
        let config = shape.checked(request.config.as_ref(), diagnostics)?;
        item.validate(config, diagnostics).await;
        Some(())
    }

    /// The objects, each as soon as it is found; problems of the whole list come last, in an event of their own.
    pub(super) fn list_objects(self: Arc<Self>, request: Request) -> BoxStream<Event> {
        let stop = self.stops.current().child();
        events(stop.clone(), move |events| async move {
            let work = async |diagnostics: &mut Diagnostics| self.find(&request, events, &stop, diagnostics).await;
            let (_, diagnostic) = call("ListResource", &request.type_name, work).await;
            (!diagnostic.is_empty()).then(|| Event { diagnostic, ..Event::default() })
        })
    }

    async fn find(
        &self,
        request: &Request,
        events: Sender<Event>,
        stop: &Stop,
        diagnostics: &mut Diagnostics,
    ) -> Option<()> {
        let Offer { item, shape } = self.list(&request.type_name, diagnostics)?;
        let offer = self.resource(&request.type_name, diagnostics)?;
        let config = shape.decode(request.config.as_ref(), diagnostics)?;
        let mut deferral = Deferral::default();
        let client = self.needed_client(&mut deferral, diagnostics)?;
        let (sender, objects) = channel(1);
        // Terraform always says how many it wants; without a number there is no limit.
        let limit = usize::try_from(request.limit).ok().filter(|limit| *limit > 0).unwrap_or(usize::MAX);
        let found = Found::new(sender, limit, request.include_resource_object);
        // Guarded by itself, so that a panic takes away nothing that was found.
        let search = guarded(diagnostics, async |diagnostics| {
            let mut call = Call { client: &client, meta: &Value::Null, stop, deferral: &mut deferral, diagnostics };
            item.list(config, found, &mut call).await;
        });
        tokio::join!(search, pass_on(offer, &client, objects, request.include_resource_object, events));
        Some(())
    }
}

/// Passes objects on until there are no more, or nobody reads any more.
async fn pass_on<C>(
    offer: &ResourceOffer<C>,
    client: &C,
    mut objects: Receiver<(String, Value)>,
    with_state: bool,
    events: Sender<Event>,
) {
    while let Some((display_name, state)) = objects.recv().await {
        let mut diagnostics = Diagnostics::new();
        let found = event(offer, client, state, with_state, &mut diagnostics).unwrap_or_default();
        let diagnostic = wire::diagnostics(diagnostics);
        if events.send(Event { display_name, diagnostic, ..found }).await.is_err() {
            return;
        }
    }
}

fn event<C>(
    offer: &ResourceOffer<C>,
    client: &C,
    state: Value,
    with_state: bool,
    diagnostics: &mut Diagnostics,
) -> Option<Event> {
    let mut state = offer.shape.shaped(state, diagnostics)?;
    let identity = Some(offer.identify(&state, &Value::Null, Some(client), diagnostics)?);
    let mut resource_object = None;
    if with_state {
        rules::settle(&offer.shape.schema.fields, None, &mut state);
        rules::forget_unknown(&mut state, diagnostics);
        resource_object = Some(offer.shape.encode(&state, diagnostics)?);
    }
    Some(Event { identity, resource_object, ..Event::default() })
}
