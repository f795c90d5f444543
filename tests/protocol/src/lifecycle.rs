//! The life of an object of a resource, as Terraform's core leads it: each answer of the provider is checked.

mod apply;
mod plan;
mod state;

pub use plan::{Action, Plan};
use serde_json::Value as Json;
pub use state::{Answer, State};
use tfplugin::Value;

use crate::core::{self, Breach, Rule};
use crate::schema::{IdentitySchema, Schema, Schemas};
use crate::wire::tfplugin6::provider_client::ProviderClient;
use crate::wire::tfplugin6::{self as pb, Diagnostic, DynamicValue, ResourceIdentityData};
use crate::{Transport, answered, capabilities, diagnostics};

/// Objects of one resource type of a running provider.
///
/// A rule that the provider breaks fails the test: the text names the rule and the attribute, and never the value.
pub struct Lifecycle<'s> {
    provider: ProviderClient<Transport>,
    type_name: String,
    /// The resource's schema.
    pub schema: &'s Schema,
    /// The schema of its identity, if it has one.
    pub identity: Option<&'s IdentitySchema>,
    capabilities: pb::ServerCapabilities,
}

/// An object of another resource, or of another provider, that becomes one of this resource.
#[derive(Clone, Default)]
pub struct Source {
    /// The other provider, such as `registry.terraform.io/hashicorp/null`.
    pub provider: String,
    /// The other resource.
    pub type_name: String,
    /// The version of its schema.
    pub version: i64,
    /// Its state as it was stored.
    pub state: Json,
    /// What its provider kept with it.
    pub private: Vec<u8>,
}

impl<'s> Lifecycle<'s> {
    pub(crate) fn new(
        provider: ProviderClient<Transport>,
        type_name: &str,
        schema: &'s Schema,
        schemas: &'s Schemas,
    ) -> Self {
        Self {
            provider,
            type_name: type_name.to_owned(),
            schema,
            identity: schemas.identities.get(type_name),
            capabilities: schemas.capabilities,
        }
    }

    /// A configuration of this resource; see [`Schema::object`].
    ///
    /// # Panics
    /// Something does not fit the schema.
    pub fn config(&self, json: Json) -> Value {
        self.schema.object(json)
    }

    /// The problems of a configuration.
    ///
    /// # Panics
    /// The call fails.
    pub async fn validate(&self, config: &Value) -> Vec<Diagnostic> {
        let request = pb::validate_resource_config::Request {
            type_name: self.type_name.clone(),
            config: Some(self.schema.encode(config)),
            client_capabilities: Some(capabilities()),
        };
        let answer = self.provider().validate_resource_config(request).await;
        answered("ValidateResourceConfig", answer).diagnostics
    }

    /// The object as it is now; nothing if it is gone.
    ///
    /// # Panics
    /// A rule is broken, or the call fails.
    pub async fn read(&self, state: &State) -> Answer<Option<State>> {
        let request = pb::read_resource::Request {
            type_name: self.type_name.clone(),
            current_state: Some(self.schema.encode(&state.value)),
            private: state.private.clone(),
            client_capabilities: Some(capabilities()),
            current_identity: self.identity_on_the_wire(&state.identity),
            ..pb::read_resource::Request::default()
        };
        let rpc = "ReadResource";
        let answer = answered(rpc, self.provider().read_resource(request).await);
        if diagnostics::has_errors(&answer.diagnostics) {
            return Answer::none(answer.diagnostics);
        }
        let value = self.decoded(rpc, answer.new_state.as_ref());
        let identity = self.decoded_identity(rpc, answer.new_identity.as_ref());
        let mut breaches = core::check_object(&self.schema.object, &value, true);
        if answer.deferred.is_some() {
            breaches.push(Breach::whole(Rule::Deferred));
        }
        self.keep(rpc, &breaches);
        self.keep(&format!("{rpc} (identity)"), &core::check_known(&identity));
        let found = (!value.is_null()).then(|| State { value, private: answer.private, identity, ..state.clone() });
        Answer::new(answer.diagnostics, found)
    }

    /// The state that an older version of the provider has stored, in the form of today's schema.
    ///
    /// # Panics
    /// A rule is broken, or the call fails.
    pub async fn upgrade(&self, version: i64, stored: &Json) -> Answer<State> {
        self.upgraded(version, stored.to_string().into_bytes(), Vec::new()).await
    }

    /// What Terraform does with each object at the begin of a run: takes its state from the file, and reads it.
    ///
    /// # Panics
    /// A rule is broken, or a call fails.
    pub async fn refresh(&self, state: &State) -> Answer<Option<State>> {
        let json = state.value.to_json(self.schema.ty()).expect("a state is known and fits its schema");
        let answer = self.upgraded(self.schema.version, json, state.private.clone()).await;
        let Some(upgraded) = answer.result else { return Answer::none(answer.problems) };
        let stored = State { value: upgraded.value, ..state.clone() };
        let mut read = self.read(&stored).await;
        read.problems.splice(0..0, answer.problems);
        read
    }

    /// Takes over an object that exists. Terraform reads it next.
    ///
    /// # Panics
    /// A rule is broken, or the call fails.
    pub async fn import(&self, id: &str) -> Answer<State> {
        self.imported(pb::import_resource_state::Request { id: id.to_owned(), ..Default::default() }).await
    }

    /// Takes over an object that exists, by its identity. Terraform reads it next.
    ///
    /// # Panics
    /// A rule is broken, the call fails, or the resource has no identity.
    pub async fn import_by_identity(&self, identity: &Json) -> Answer<State> {
        let schema = self.identity.unwrap_or_else(|| panic!("{} has no identity", self.type_name));
        let identity = Some(schema.encode(&schema.object(identity)));
        self.imported(pb::import_resource_state::Request { identity, ..Default::default() }).await
    }

    /// Makes an object of another resource one of this resource.
    ///
    /// # Panics
    /// A rule is broken, or the call fails.
    pub async fn move_from(&self, source: &Source) -> Answer<State> {
        let request = pb::move_resource_state::Request {
            source_provider_address: source.provider.clone(),
            source_type_name: source.type_name.clone(),
            source_schema_version: source.version,
            source_state: Some(raw(source.state.to_string().into_bytes())),
            target_type_name: self.type_name.clone(),
            source_private: source.private.clone(),
            ..Default::default()
        };
        let rpc = "MoveResourceState";
        let answer = answered(rpc, self.provider().move_resource_state(request).await);
        if diagnostics::has_errors(&answer.diagnostics) {
            return Answer::none(answer.diagnostics);
        }
        let identity = self.decoded_identity(rpc, answer.target_identity.as_ref());
        self.keep(&format!("{rpc} (identity)"), &core::check_known(&identity));
        let value = self.whole_state(rpc, answer.target_state.as_ref());
        Answer::new(answer.diagnostics, State { value, private: answer.target_private, identity, tainted: false })
    }

    /// Makes an object what is configured, in one run after another: it is refreshed, planned, planned again, applied
    /// and refreshed, and then the same configuration must plan nothing.
    ///
    /// # Panics
    /// A call has errors, or a rule is broken: also that after apply nothing is left to be done.
    pub async fn settle(&self, prior: Option<&State>, config: &Value) -> State {
        let prior = match prior {
            Some(prior) => self.refresh(prior).await.ok(),
            None => None,
        };
        let plan = self.plan(prior.as_ref(), config).await.ok();
        let plan = self.plan_again(&plan, config).await.ok();
        let applied = self.apply(&plan).await.ok();
        let Some(state) = self.refresh(&applied).await.ok() else {
            panic!("{} is gone right after apply", self.type_name);
        };
        let next = self.plan(Some(&state), config).await.ok();
        if next.action != Action::Nothing {
            let differences = core::check_result(&next.planned, &state.value).into_iter();
            let mut breaches: Vec<Breach> = differences.map(|at| Breach { rule: Rule::Settled, ..at }).collect();
            if breaches.is_empty() {
                // What differs is unknown in the plan.
                breaches = core::check_known(&next.planned);
                for breach in &mut breaches {
                    breach.rule = Rule::Settled;
                }
            }
            self.keep("the plan after apply", &breaches);
        }
        state
    }

    async fn upgraded(&self, version: i64, json: Vec<u8>, private: Vec<u8>) -> Answer<State> {
        let raw_state = Some(raw(json));
        let type_name = self.type_name.clone();
        let request = pb::upgrade_resource_state::Request { type_name, version, raw_state };
        let rpc = "UpgradeResourceState";
        let answer = answered(rpc, self.provider().upgrade_resource_state(request).await);
        if diagnostics::has_errors(&answer.diagnostics) {
            return Answer::none(answer.diagnostics);
        }
        let value = self.whole_state(rpc, answer.upgraded_state.as_ref());
        Answer::new(answer.diagnostics, State { value, private, identity: Value::Null, tainted: false })
    }

    async fn imported(&self, request: pb::import_resource_state::Request) -> Answer<State> {
        let type_name = self.type_name.clone();
        let client_capabilities = Some(capabilities());
        let request = pb::import_resource_state::Request { type_name, client_capabilities, ..request };
        let rpc = "ImportResourceState";
        let answer = answered(rpc, self.provider().import_resource_state(request).await);
        if diagnostics::has_errors(&answer.diagnostics) {
            return Answer::none(answer.diagnostics);
        }
        let breach = |rule| self.keep(rpc, &[Breach::whole(rule)]);
        if answer.deferred.is_some() {
            breach(Rule::Deferred);
        }
        let [imported] = &answer.imported_resources[..] else {
            let count = answer.imported_resources.len();
            panic!("{}", self.broken(rpc, &[Breach::whole(Rule::ImportCount(count))]));
        };
        if imported.type_name != self.type_name {
            breach(Rule::ImportType);
        }
        let value = self.decoded(rpc, imported.state.as_ref());
        if value.is_null() {
            breach(Rule::ImportNull);
        }
        self.keep(rpc, &core::check_object(&self.schema.object, &value, true));
        let identity = self.decoded_identity(rpc, imported.identity.as_ref());
        self.keep(&format!("{rpc} (identity)"), &core::check_known(&identity));
        let private = imported.private.clone();
        Answer::new(answer.diagnostics, State { value, private, identity, tainted: false })
    }

    fn provider(&self) -> ProviderClient<Transport> {
        self.provider.clone()
    }

    fn decoded(&self, rpc: &str, value: Option<&DynamicValue>) -> Value {
        self.schema.decode(value).unwrap_or_else(|error| {
            let rule = Rule::Shape(error.problem().to_owned());
            panic!("{}", self.broken(rpc, &[Breach { rule, path: error.path() }]))
        })
    }

    /// A state that cannot be null.
    fn whole_state(&self, rpc: &str, value: Option<&DynamicValue>) -> Value {
        let value = self.decoded(rpc, value);
        if value.is_null() {
            self.keep(rpc, &[Breach::whole(Rule::StateLost)]);
        }
        self.keep(rpc, &core::check_object(&self.schema.object, &value, true));
        value
    }

    fn decoded_identity(&self, rpc: &str, identity: Option<&ResourceIdentityData>) -> Value {
        let rpc = format!("{rpc} (identity)");
        let decoded = match self.identity {
            Some(schema) => schema.decode(identity),
            None if identity.is_none() => return Value::Null,
            None => Err(tfplugin::ValueError::new("there is no schema for it")),
        };
        decoded.unwrap_or_else(|error| {
            let rule = Rule::Shape(error.problem().to_owned());
            panic!("{}", self.broken(&rpc, &[Breach { rule, path: error.path() }]))
        })
    }

    /// Fails if there is a breach.
    fn keep(&self, rpc: &str, breaches: &[Breach]) {
        assert!(breaches.is_empty(), "{}", self.broken(rpc, breaches));
    }

    fn broken(&self, rpc: &str, breaches: &[Breach]) -> String {
        let breaches: Vec<String> = breaches.iter().map(ToString::to_string).collect();
        format!("{rpc} of {} breaks the rules of Terraform:\n- {}", self.type_name, breaches.join("\n- "))
    }
}

fn raw(json: Vec<u8>) -> pb::RawState {
    pb::RawState { json, ..pb::RawState::default() }
}

#[cfg(test)]
mod tests;
