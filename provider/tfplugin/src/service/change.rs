//! Calls that plan and make a change of one object.

use super::shape::Shape;
use super::{NotReady, ResourceOffer, Service, deferral, existing};
use crate::context::{Context, Deferral, Reason};
use crate::diagnostics::Diagnostics;
use crate::guard::guarded;
use crate::private::Private;
use crate::provider::Provider;
use crate::resource::{PlanRequest, Planned};
use crate::rules;
use crate::schema::Fields;
use crate::value::{AttributePath, Type, Value};
use crate::wire::{self, tfplugin6 as pb};

impl<P: Provider> Service<P> {
    pub(super) async fn plan(
        &self,
        request: &pb::plan_resource_change::Request,
        diagnostics: &mut Diagnostics,
    ) -> Option<pb::plan_resource_change::Response> {
        let stop = self.stops.current().child();
        let offer = self.resource(&request.type_name, diagnostics)?;
        let ResourceOffer { resource, shape, identity } = offer;
        let fields = &shape.schema.fields;
        let prior = existing(shape.decode(request.prior_state.as_ref(), diagnostics)?);
        let config = shape.decode(request.config.as_ref(), diagnostics)?;
        let proposed = shape.decode(request.proposed_new_state.as_ref(), diagnostics)?;
        let meta = self.meta(request.provider_meta.as_ref(), diagnostics)?;
        // It goes back as it came, if it is one.
        offer.known_identity(request.prior_identity.as_ref(), diagnostics)?;
        let mut deferral = deferral(request.client_capabilities);
        let client = self.client();
        if client.as_ref().err() == Some(&NotReady::Unknown) {
            deferral.request(Reason::ProviderConfigUnknown);
        }
        let Some(mut planned) = existing(proposed) else {
            return self.plan_destroy(request, prior, meta, deferral, diagnostics).await;
        };

        rules::prepare_plan(fields, prior.as_ref(), &config, &mut planned);
        if let Some(prior) = &prior {
            rules::mark_changes(fields, prior, &config, &mut planned);
        }
        let given = planned.clone();
        // Before Terraform applies, it plans once more; newer versions bring back what the first plan has remembered.
        let remembered =
            if request.planned_private.is_empty() { &request.prior_private } else { &request.planned_private };
        let mut private = Private::from_bytes(remembered);
        let Planned { planned, replace } = resource
            .plan(PlanRequest {
                client: client.as_ref().ok(),
                prior: prior.clone(),
                config: config.clone(),
                planned,
                private: &mut private,
                meta: &meta,
                stop: &stop,
                deferral: &mut deferral,
                diagnostics,
            })
            .await?;

        let mut replace = addresses(fields, &replace, diagnostics);
        let mut planned = shape.shaped(planned, diagnostics)?;
        rules::restore(&mut planned, &given);
        rules::settle(fields, None, &mut planned);
        if let Some(prior) = &prior {
            // What the author's rules have changed may be the first change of all.
            rules::mark_changes(fields, prior, &config, &mut planned);
            replace.extend(rules::replacements(fields, prior, &mut planned));
        }
        rules::promise(fields, &config, &mut planned);
        rules::check_configured(fields, prior.as_ref(), &config, &mut planned, diagnostics);
        Some(pb::plan_resource_change::Response {
            planned_state: Some(shape.encode(&planned, diagnostics)?),
            requires_replace: replace.iter().map(wire::path).collect(),
            planned_private: private.to_bytes(),
            deferred: deferral.reason().map(wire::deferred),
            // An object keeps its identity; one that does not exist yet has none.
            planned_identity: identity.as_ref().and(prior).and_then(|_| request.prior_identity.clone()),
            ..Default::default()
        })
    }

    async fn plan_destroy(
        &self,
        request: &pb::plan_resource_change::Request,
        prior: Option<Value>,
        meta: Value,
        mut deferral: Deferral,
        diagnostics: &mut Diagnostics,
    ) -> Option<pb::plan_resource_change::Response> {
        let stop = self.stops.current().child();
        let ResourceOffer { resource, shape, .. } = self.resource(&request.type_name, diagnostics)?;
        let mut private = Private::from_bytes(&request.prior_private);
        if let (true, Some(prior), Ok(client)) = (resource.plans_destroy(), prior, self.client()) {
            let mut context = Context {
                client: &client,
                private: &mut private,
                meta: &meta,
                stop: &stop,
                deferral: &mut deferral,
                diagnostics,
            };
            resource.plan_destroy(prior, &mut context).await;
        }
        Some(pb::plan_resource_change::Response {
            planned_state: Some(shape.encode(&Value::Null, diagnostics)?),
            planned_private: private.to_bytes(),
            deferred: deferral.reason().map(wire::deferred),
            planned_identity: request.prior_identity.clone(),
            ..Default::default()
        })
    }

    /// The object after the change. None: as before.
    pub(super) async fn apply(
        &self,
        request: &pb::apply_resource_change::Request,
        diagnostics: &mut Diagnostics,
    ) -> Option<pb::apply_resource_change::Response> {
        let stop = self.stops.current().child();
        let offer = self.resource(&request.type_name, diagnostics)?;
        let ResourceOffer { resource, shape, .. } = offer;
        let prior = existing(shape.decode(request.prior_state.as_ref(), diagnostics)?);
        let planned = existing(shape.decode(request.planned_state.as_ref(), diagnostics)?);
        let config = shape.decode(request.config.as_ref(), diagnostics)?;
        let identity_before = offer.known_identity(request.planned_identity.as_ref(), diagnostics)?;
        let meta = self.meta(request.provider_meta.as_ref(), diagnostics)?;
        let mut deferral = Deferral::default();
        let client = self.needed_client(&mut deferral, diagnostics)?;
        let mut private = Private::from_bytes(&request.planned_private);
        let mut context = Context {
            client: &client,
            private: &mut private,
            meta: &meta,
            stop: &stop,
            deferral: &mut deferral,
            diagnostics,
        };

        let (planned, result) = match (prior, planned) {
            (Some(prior), None) => {
                resource.delete(prior, &mut context).await;
                return if diagnostics.has_errors() {
                    Some(unchanged(request, &private))
                } else {
                    gone(shape, diagnostics)
                };
            }
            (None, None) => return gone(shape, diagnostics),
            (None, Some(planned)) => {
                let result = resource.create(planned.clone(), config, &mut context).await;
                (planned, result)
            }
            (Some(prior), Some(planned)) => {
                let result = resource.update(prior, planned.clone(), config, &mut context).await;
                (planned, result)
            }
        };
        let Some(result) = result else {
            if !diagnostics.has_errors() {
                diagnostics.error("Change failed", "The provider returned no state, and did not say why.");
            }
            return Some(unchanged(request, &private));
        };
        // The change is made: a panic from here on must not make Terraform forget it.
        let best_known = best_known(shape, &planned, &result);
        let state = guarded(diagnostics, async |diagnostics| settled(shape, &planned, result, diagnostics)).await;
        let state = state.flatten().unwrap_or(best_known);
        let identity = guarded(diagnostics, async |diagnostics| {
            offer.identify(&state, &identity_before, Some(&client), diagnostics)
        });
        let identity = identity.await.flatten();
        Some(pb::apply_resource_change::Response {
            // Terraform would forget an identity that is left out.
            new_identity: identity.or_else(|| request.planned_identity.clone()),
            new_state: Some(shape.encode(&state, diagnostics)?),
            private: private.to_bytes(),
            ..Default::default()
        })
    }
}

/// The author's paths as the protocol can say them. Terraform would refuse one that leads nowhere, without a hint.
fn addresses(fields: &Fields, paths: &[AttributePath], diagnostics: &mut Diagnostics) -> Vec<AttributePath> {
    let mut address = |path| {
        let address = rules::address_of_path(fields, path);
        if address.is_none() {
            let detail = format!(
                "The plan replaces the object because of {path}, which does not exist. This is a mistake in the provider."
            );
            diagnostics.error("Invalid plan", detail);
        }
        address
    };
    paths.iter().filter_map(&mut address).collect()
}

/// There is no object any more.
fn gone(shape: &Shape, diagnostics: &mut Diagnostics) -> Option<pb::apply_resource_change::Response> {
    let new_state = Some(shape.encode(&Value::Null, diagnostics)?);
    Some(pb::apply_resource_change::Response { new_state, ..Default::default() })
}

/// The object as it was, with what the author has remembered on the way to the error.
fn unchanged(request: &pb::apply_resource_change::Request, private: &Private) -> pb::apply_resource_change::Response {
    pb::apply_resource_change::Response {
        new_state: request.prior_state.clone(),
        private: private.to_bytes(),
        new_identity: request.planned_identity.clone(),
        ..Default::default()
    }
}

/// The returned state, in shape and compared with the plan. None if it has no shape.
fn settled(shape: &Shape, planned: &Value, result: Value, diagnostics: &mut Diagnostics) -> Option<Value> {
    let failed = diagnostics.has_errors();
    let mut state = shape.shaped(result, diagnostics)?;
    rules::settle(&shape.schema.fields, Some(planned), &mut state);
    if failed {
        // A partial state differs from the plan by its nature.
        rules::forget_unknown(&mut state, &mut Diagnostics::new());
    } else {
        rules::verify_result(planned, &state, diagnostics);
        rules::forget_unknown(&mut state, diagnostics);
    }
    Some(state)
}

/// The state of an object that exists, but whose state cannot be written as it is: what was planned, and those parts of
/// the result that fit. Without its id, nobody would find the object again.
fn best_known(shape: &Shape, planned: &Value, result: &Value) -> Value {
    let mut state = planned.clone();
    if let (Value::Object(state), Type::Object(types)) = (&mut state, &shape.ty) {
        for (name, ty) in types {
            let part = result.get(name).cloned().and_then(|part| part.conform(ty).ok());
            if let Some(part) = part.filter(|part| !part.is_null() && !part.has_unknown()) {
                state.insert(name.clone(), part);
            }
        }
    }
    rules::forget_write_only(&shape.schema.fields, &mut state);
    rules::forget_unknown(&mut state, &mut Diagnostics::new());
    state
}
