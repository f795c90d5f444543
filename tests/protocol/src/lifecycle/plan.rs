//! Planning: what is to be done with an object.

use tfplugin::{AttributePath, Step, Value};

use super::{Answer, Lifecycle, State};
use crate::core::{self, Breach, Rule, at, leads_somewhere};
use crate::value::same;
use crate::wire::tfplugin6::attribute_path::step::Selector;
use crate::wire::tfplugin6::{self as pb, DynamicValue, plan_resource_change as wire};
use crate::{answered, capabilities, diagnostics};

/// What is to be done with an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It comes into being.
    Create,
    /// It is changed in place.
    Update,
    /// It is destroyed, and made anew.
    Replace,
    /// Nothing: it is as configured.
    Nothing,
}

/// A plan, ready to be applied.
#[derive(Clone)]
pub struct Plan {
    /// What is to be done.
    pub action: Action,
    /// The object as it will be, with unknown values in it.
    pub planned: Value,
    /// The attributes because of which it is to be replaced.
    pub replace: Vec<AttributePath>,
    /// What names the object for good, as far as it is known; null if the resource has no identity.
    pub identity: Value,
    /// What the provider keeps with the plan.
    pub private: Vec<u8>,
    pub(super) prior: Option<State>,
    pub(super) config: Value,
    /// The planned object as it came: with what is promised of unknown values.
    pub(super) wire: DynamicValue,
}

/// One answer to `PlanResourceChange`.
struct Planned {
    value: Value,
    wire: DynamicValue,
    replace: Vec<AttributePath>,
    identity: Value,
    private: Vec<u8>,
}

impl Lifecycle<'_> {
    /// Plans what is to be done so that the object becomes what is configured.
    ///
    /// The configuration is validated first. A plan to replace is made of two calls: one that says so, and one for the
    /// new object.
    ///
    /// # Panics
    /// A rule is broken, or a call fails.
    pub async fn plan(&self, prior: Option<&State>, config: &Value) -> Answer<Plan> {
        let mut problems = self.validate(config).await;
        if diagnostics::has_errors(&problems) {
            return Answer::none(problems);
        }
        // One that was not created to the end counts as none.
        let existing = prior.filter(|prior| !prior.tainted);
        let nothing = State { value: Value::Null, private: Vec::new(), identity: Value::Null, tainted: false };
        let (answer, planned) = self.planned(existing.unwrap_or(&nothing), config).await;
        problems.extend(answer);
        let Some(mut planned) = planned else { return Answer::none(problems) };
        let mut action = match existing {
            None => Action::Create,
            Some(prior) if same(&prior.value, &planned.value) => Action::Nothing,
            Some(_) if planned.replace.is_empty() => Action::Update,
            Some(_) => Action::Replace,
        };
        if action == Action::Replace {
            let private = std::mem::take(&mut planned.private);
            let replace = std::mem::take(&mut planned.replace);
            let (answer, anew) = self.planned(&State { private, ..nothing }, config).await;
            if diagnostics::has_errors(&answer) {
                problems.extend(answer);
            }
            let Some(anew) = anew else { return Answer::none(problems) };
            planned = Planned { replace, ..anew };
        }
        if action == Action::Create && prior.is_some() {
            action = Action::Replace;
        }
        let Planned { value, wire, replace, identity, private } = planned;
        let (prior, config) = (prior.cloned(), config.clone());
        Answer::new(problems, Plan { action, planned: value, replace, identity, private, prior, config, wire })
    }

    /// Plans the same change again, with a configuration in which more is known: what Terraform does right before
    /// apply. What was planned as known must be planned again.
    ///
    /// # Panics
    /// A rule is broken, or a call fails.
    pub async fn plan_again(&self, plan: &Plan, config: &Value) -> Answer<Plan> {
        let again = self.plan(plan.prior.as_ref(), config).await;
        if let Some(again) = &again.result {
            let mut breaches = core::check_result(&plan.planned, &again.planned);
            breaches.extend(core::check_promises(&plan.wire, self.schema.ty(), &again.planned));
            let less = again.action == Action::Nothing && plan.action != Action::Create;
            if again.action != plan.action && !less {
                breaches.push(Breach::whole(Rule::OtherAction));
            }
            self.keep("the final PlanResourceChange", &breaches);
        }
        again
    }

    async fn planned(&self, prior: &State, config: &Value) -> (Vec<pb::Diagnostic>, Option<Planned>) {
        let proposed = core::proposed(&self.schema.object, &prior.value, config);
        let request = wire::Request {
            type_name: self.type_name.clone(),
            prior_state: Some(self.schema.encode(&prior.value)),
            proposed_new_state: Some(self.schema.encode(&proposed)),
            config: Some(self.schema.encode(config)),
            prior_private: prior.private.clone(),
            client_capabilities: Some(capabilities()),
            prior_identity: self.identity_on_the_wire(&prior.identity),
            ..wire::Request::default()
        };
        let rpc = "PlanResourceChange";
        let answer = answered(rpc, self.provider().plan_resource_change(request).await);
        if diagnostics::has_errors(&answer.diagnostics) {
            return (answer.diagnostics, None);
        }
        let value = self.decoded(rpc, answer.planned_state.as_ref());
        let identity = self.decoded_identity(rpc, answer.planned_identity.as_ref());
        let mut breaches = core::check_object(&self.schema.object, &value, false);
        breaches.extend(core::check_plan(&self.schema.object, &prior.value, config, &value));
        if answer.deferred.is_some() {
            breaches.push(Breach::whole(Rule::Deferred));
        }
        if answer.legacy_type_system {
            breaches.push(Breach::whole(Rule::LegacyTypeSystem));
        }
        let mut replace = Vec::new();
        for path in &answer.requires_replace {
            match read_path(path) {
                Ok(path) if leads_somewhere(self.schema.ty(), path.steps()) => replace.push(path),
                Ok(path) | Err(path) => breaches.push(Breach { rule: Rule::ReplacePath, path }),
            }
        }
        self.keep(rpc, &breaches);
        // Only what does change is a reason.
        replace.retain(|path| !prior.value.is_null() && !same(&at(&prior.value, path), &at(&value, path)));
        let wire = answer.planned_state.unwrap_or_default();
        let planned = Planned { value, wire, replace, identity, private: answer.planned_private };
        (answer.diagnostics, Some(planned))
    }
}

/// Reads a path from the wire. If it has a step that is none, the part before that is the error.
pub(super) fn read_path(path: &pb::AttributePath) -> Result<AttributePath, AttributePath> {
    path.steps.iter().try_fold(AttributePath::default(), |path, step| {
        let step = match &step.selector {
            Some(Selector::AttributeName(name)) => Some(Step::Attribute(name.clone())),
            Some(Selector::ElementKeyString(key)) => Some(Step::Key(key.clone())),
            Some(Selector::ElementKeyInt(index)) => usize::try_from(*index).ok().map(Step::Index),
            None => None,
        };
        match step {
            Some(step) => Ok(path.step(step)),
            None => Err(path),
        }
    })
}
