//! Applying a plan, and destroying.

use tfplugin::Value;

use super::{Action, Answer, Lifecycle, Plan, State};
use crate::core::{self, Breach, Rule};
use crate::wire::tfplugin6::{self as pb, DynamicValue, apply_resource_change as wire, plan_resource_change};
use crate::{answered, capabilities, diagnostics};

/// A change of one object, in one call.
struct Change<'a> {
    prior: Option<&'a State>,
    config: &'a Value,
    planned: &'a Value,
    planned_wire: DynamicValue,
    private: &'a [u8],
    identity: &'a Value,
}

impl Lifecycle<'_> {
    /// Carries out a plan. A replacement destroys the old object first.
    ///
    /// After an error, the result is what Terraform keeps: the object as far as it was made, which is then tainted if
    /// it is new, or else the one from before; nothing if there is nothing.
    ///
    /// # Panics
    /// A rule is broken, or a call fails.
    pub async fn apply(&self, plan: &Plan) -> Answer<State> {
        let mut problems = Vec::new();
        let mut prior = plan.prior.as_ref();
        if let (Action::Nothing, Some(prior)) = (plan.action, prior) {
            return Answer::new(problems, prior.clone());
        }
        if let (Action::Replace, Some(old)) = (plan.action, prior) {
            let destroyed = self.destroy(old).await;
            problems.extend(destroyed.problems);
            if diagnostics::has_errors(&problems) {
                return Answer { problems, result: Some(old.clone()) };
            }
            prior = None;
        }
        let change = Change {
            prior,
            config: &plan.config,
            planned: &plan.planned,
            planned_wire: plan.wire.clone(),
            private: &plan.private,
            identity: &plan.identity,
        };
        let answer = self.changed(change).await;
        problems.extend(answer.problems);
        Answer { problems, result: answer.result }
    }

    /// Destroys an object. After an error it is still there.
    ///
    /// # Panics
    /// A rule is broken, or a call fails.
    pub async fn destroy(&self, state: &State) -> Answer<()> {
        let mut problems = Vec::new();
        let mut private = state.private.clone();
        if self.capabilities.plan_destroy {
            let request = plan_resource_change::Request {
                type_name: self.type_name.clone(),
                prior_state: Some(self.schema.encode(&state.value)),
                proposed_new_state: Some(self.schema.encode(&Value::Null)),
                config: Some(self.schema.encode(&Value::Null)),
                prior_private: private,
                client_capabilities: Some(capabilities()),
                prior_identity: self.identity_on_the_wire(&state.identity),
                ..plan_resource_change::Request::default()
            };
            let rpc = "PlanResourceChange";
            let answer = answered(rpc, self.provider().plan_resource_change(request).await);
            problems.extend(answer.diagnostics);
            if diagnostics::has_errors(&problems) {
                return Answer::none(problems);
            }
            if !self.decoded(rpc, answer.planned_state.as_ref()).is_null() {
                self.keep(rpc, &[Breach::whole(Rule::PlannedPresent)]);
            }
            private = answer.planned_private;
        }
        let change = Change {
            prior: Some(state),
            config: &Value::Null,
            planned: &Value::Null,
            planned_wire: self.schema.encode(&Value::Null),
            private: &private,
            identity: &state.identity,
        };
        let answer = self.changed(change).await;
        problems.extend(answer.problems);
        if diagnostics::has_errors(&problems) { Answer::none(problems) } else { Answer::new(problems, ()) }
    }

    async fn changed(&self, change: Change<'_>) -> Answer<State> {
        let nothing = Value::Null;
        let request = wire::Request {
            type_name: self.type_name.clone(),
            prior_state: Some(self.schema.encode(change.prior.map_or(&nothing, |prior| &prior.value))),
            planned_state: Some(change.planned_wire.clone()),
            config: Some(self.schema.encode(change.config)),
            planned_private: change.private.to_vec(),
            planned_identity: self.identity_on_the_wire(change.identity),
            ..wire::Request::default()
        };
        let rpc = "ApplyResourceChange";
        let answer = answered(rpc, self.provider().apply_resource_change(request).await);
        let value = self.decoded(rpc, answer.new_state.as_ref());
        let identity = self.decoded_identity(rpc, answer.new_identity.as_ref());
        let failed = diagnostics::has_errors(&answer.diagnostics);

        let mut breaches = core::check_object(&self.schema.object, &value, true);
        if answer.legacy_type_system {
            breaches.push(Breach::whole(Rule::LegacyTypeSystem));
        }
        // After an error, the error is what counts.
        if !failed {
            breaches.extend(self.inconsistencies(&change, &value));
        }
        self.keep(rpc, &breaches);
        let mut breaches = core::check_known(&identity);
        // A plan may leave open what a new object will be known by.
        if !failed && !value.is_null() && !identity.is_null() && !change.identity.is_null() {
            breaches.extend(core::check_result(change.identity, &identity));
        }
        self.keep(&format!("{rpc} (identity)"), &breaches);

        let result = match change.prior {
            _ if !value.is_null() => {
                let tainted = failed && change.prior.is_none();
                Some(State { value, private: answer.private, identity, tainted })
            }
            Some(prior) if failed => Some(prior.clone()),
            _ => None,
        };
        Answer { problems: answer.diagnostics, result }
    }

    fn inconsistencies(&self, change: &Change<'_>, value: &Value) -> Vec<Breach> {
        match (change.planned.is_null(), value.is_null()) {
            (true, true) => Vec::new(),
            (true, false) => vec![Breach::whole(Rule::NotDestroyed)],
            (false, true) => vec![Breach::whole(Rule::Vanished)],
            (false, false) => {
                let mut breaches = core::check_result(change.planned, value);
                breaches.extend(core::check_promises(&change.planned_wire, self.schema.ty(), value));
                breaches
            }
        }
    }

    pub(super) fn identity_on_the_wire(&self, identity: &Value) -> Option<pb::ResourceIdentityData> {
        let schema = self.identity?;
        (!identity.is_null()).then(|| schema.encode(identity))
    }
}
