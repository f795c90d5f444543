//! Calls about actions.

use std::sync::Arc;

use tokio::sync::mpsc::{Sender, channel};
use tokio_util::sync::CancellationToken;
use tonic::codegen::BoxStream;

use super::offers::{Offer, find};
use super::rpc::call;
use super::stream::events;
use super::{NotReady, Service, deferral};
use crate::action::{Erased, Progress};
use crate::context::{Call, Deferral, Reason};
use crate::diagnostics::Diagnostics;
use crate::guard::guarded;
use crate::provider::Provider;
use crate::stop::Stop;
use crate::value::Value;
use crate::wire::tfplugin6::invoke_action::Event;
use crate::wire::tfplugin6::invoke_action::event::{Completed, Progress as Message, Type};
use crate::wire::{self, tfplugin6 as pb};

impl<P: Provider> Service<P> {
    fn action(&self, type_name: &str, diagnostics: &mut Diagnostics) -> Option<&Offer<dyn Erased<P::Client>>> {
        find(&self.offers.actions, "action", type_name, diagnostics)
    }

    pub(super) async fn validate_action(
        &self,
        request: &pb::validate_action_config::Request,
        diagnostics: &mut Diagnostics,
    ) -> Option<()> {
        let Offer { item, shape } = self.action(&request.action_type, diagnostics)?;
        let config = shape.checked(request.config.as_ref(), diagnostics)?;
        item.validate(config, diagnostics).await;
        Some(())
    }

    pub(super) async fn plan_action(
        &self,
        request: &pb::plan_action::Request,
        diagnostics: &mut Diagnostics,
    ) -> Option<pb::plan_action::Response> {
        let stop = self.stops.current().child();
        let Offer { item, shape } = self.action(&request.action_type, diagnostics)?;
        let config = shape.decode(request.config.as_ref(), diagnostics)?;
        let mut deferral = deferral(request.client_capabilities);
        match self.client() {
            Ok(client) => {
                let mut call =
                    Call { client: &client, meta: &Value::Null, stop: &stop, deferral: &mut deferral, diagnostics };
                item.plan(config, &mut call).await;
            }
            // Terraform may put the action off. Where it cannot, it will be invoked once the configuration is known.
            Err(NotReady::Unknown) => {
                deferral.request(Reason::ProviderConfigUnknown);
            }
            Err(not) => diagnostics.error("Provider is not configured", not.reason()),
        }
        Some(pb::plan_action::Response { deferred: deferral.reason().map(wire::deferred), ..Default::default() })
    }

    /// The progress of an action, and how it has ended.
    pub(super) fn invoke(self: Arc<Self>, request: pb::invoke_action::Request) -> BoxStream<Event> {
        let stop = self.stops.current().child();
        events(stop.clone(), move |events| async move {
            let work = async |diagnostics: &mut Diagnostics| self.act(&request, events, &stop, diagnostics).await;
            let (_, diagnostics) = call("InvokeAction", &request.action_type, work).await;
            Some(event(Type::Completed(Completed { diagnostics })))
        })
    }

    async fn act(
        &self,
        request: &pb::invoke_action::Request,
        events: Sender<Event>,
        stop: &Stop,
        diagnostics: &mut Diagnostics,
    ) -> Option<()> {
        let Offer { item, shape } = self.action(&request.action_type, diagnostics)?;
        // Terraform validates and plans what may still be unknown, and then comes here.
        let config = shape.verified(request.config.as_ref(), diagnostics)?;
        if diagnostics.has_errors() {
            return None;
        }
        let mut deferral = Deferral::default();
        let client = self.needed_client(&mut deferral, diagnostics)?;
        let (sender, mut messages) = channel(1);
        let ended = CancellationToken::new();
        // Guarded by itself, so that a panic takes no progress away.
        let invocation = async {
            let _ended = ended.clone().drop_guard();
            guarded(diagnostics, async |diagnostics| {
                let progress = Progress::new(sender);
                let mut call = Call { client: &client, meta: &Value::Null, stop, deferral: &mut deferral, diagnostics };
                item.invoke(config, &progress, &mut call).await;
            })
            .await
        };
        let progress = async {
            loop {
                let message = tokio::select! {
                    biased;
                    message = messages.recv() => message,
                    // The author may have kept a handle; what it still says is nobody's any more.
                    () = ended.cancelled(), if !messages.is_closed() => {
                        messages.close();
                        continue;
                    }
                };
                let Some(message) = message else { break };
                // An action whose reader has gone goes on, and ends as it sees fit.
                let _ = events.send(event(Type::Progress(Message { message }))).await;
            }
        };
        tokio::join!(invocation, progress);
        Some(())
    }
}

fn event(kind: Type) -> Event {
    Event { r#type: Some(kind) }
}
