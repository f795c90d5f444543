//! Calls that plan and make a change of one object.

use super::{Entry, Service, Shape, existing};
use crate::diagnostics::Diagnostics;
use crate::provider::Provider;
use crate::resource::{Context, PlanRequest, Planned, Private};
use crate::rules;
use crate::value::{AttributePath, Value};
use crate::wire::tfplugin6::{self as pb, DynamicValue};

/// A plan on its way out.
pub(super) struct Outline {
    pub(super) planned: DynamicValue,
    pub(super) replace: Vec<AttributePath>,
    pub(super) private: Vec<u8>,
}

impl<P: Provider> Service<P> {
    pub(super) async fn plan(
        &self,
        request: &pb::plan_resource_change::Request,
        diagnostics: &mut Diagnostics,
    ) -> Option<Outline> {
        let Entry { resource, shape } = self.entry(&request.type_name, diagnostics)?;
        let fields = &shape.schema.fields;
        let prior = existing(shape.decode(request.prior_state.as_ref(), diagnostics)?);
        let config = shape.decode(request.config.as_ref(), diagnostics)?;
        let proposed = shape.decode(request.proposed_new_state.as_ref(), diagnostics)?;
        let Some(mut planned) = existing(proposed) else {
            let planned = shape.encode(&Value::Null, diagnostics)?;
            return Some(Outline { planned, replace: Vec::new(), private: request.prior_private.clone() });
        };

        rules::prepare_plan(fields, prior.as_ref(), &config, &mut planned);
        if let Some(prior) = &prior {
            rules::mark_changes(fields, prior, &config, &mut planned);
        }
        let client = self.client().ok();
        let mut private = Private::from_bytes(&request.prior_private);
        let Planned { planned, mut replace } = resource
            .plan(PlanRequest {
                client: client.as_ref(),
                prior: prior.clone(),
                config: config.clone(),
                planned,
                private: &mut private,
                diagnostics,
            })
            .await?;

        let mut planned = shape.shaped(planned, diagnostics)?;
        rules::settle(fields, None, &mut planned);
        if let Some(prior) = &prior {
            // What the author's rules have changed may be the first change of all.
            rules::mark_changes(fields, prior, &config, &mut planned);
            replace.extend(rules::replacements(fields, prior, &mut planned));
        }
        rules::check_plan(fields, prior.as_ref(), &config, &mut planned, diagnostics);
        Some(Outline { planned: shape.encode(&planned, diagnostics)?, replace, private: private.to_bytes() })
    }

    /// The object after the change. None: as before.
    pub(super) async fn apply(
        &self,
        request: &pb::apply_resource_change::Request,
        diagnostics: &mut Diagnostics,
    ) -> Option<(DynamicValue, Vec<u8>)> {
        let Entry { resource, shape } = self.entry(&request.type_name, diagnostics)?;
        let prior = existing(shape.decode(request.prior_state.as_ref(), diagnostics)?);
        let planned = existing(shape.decode(request.planned_state.as_ref(), diagnostics)?);
        let config = shape.decode(request.config.as_ref(), diagnostics)?;
        let client = self.needed_client(diagnostics)?;
        let mut private = Private::from_bytes(&request.planned_private);
        let mut context = Context { client: &client, private: &mut private, stop: &self.stop, diagnostics };

        let (planned, result) = match (prior, planned) {
            (Some(prior), None) => {
                resource.delete(prior, &mut context).await;
                if diagnostics.has_errors() {
                    return None;
                }
                return Some((shape.encode(&Value::Null, diagnostics)?, Vec::new()));
            }
            (None, None) => return Some((shape.encode(&Value::Null, diagnostics)?, Vec::new())),
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
            return None;
        };
        let state = settled(shape, &planned, result, diagnostics);
        Some((shape.encode(&state, diagnostics)?, private.to_bytes()))
    }
}

/// The returned state, in shape and compared with the plan.
fn settled(shape: &Shape, planned: &Value, result: Value, diagnostics: &mut Diagnostics) -> Value {
    let failed = diagnostics.has_errors();
    let Some(mut state) = shape.shaped(result, diagnostics) else {
        // The object exists, but its state cannot be written: what was planned is the best that is known of it.
        let mut state = planned.clone();
        rules::forget_unknown(&mut state, &mut Diagnostics::new());
        return state;
    };
    rules::settle(&shape.schema.fields, Some(planned), &mut state);
    if failed {
        // A partial state differs from the plan by its nature.
        rules::forget_unknown(&mut state, &mut Diagnostics::new());
    } else {
        rules::forget_unknown(&mut state, diagnostics);
        rules::verify_result(planned, &state, diagnostics);
    }
    state
}
