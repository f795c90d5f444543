//! Requests as Terraform makes them.

#![expect(clippy::unused_self, reason = "so that all requests are made in one way")]

use serde_json::{Value as Json, json};
use tfplugin_client::core::proposed;
use tfplugin_client::wire::tfplugin6::{self as pb, DynamicValue};

use super::{THING, World};

/// What the client can do: write-only attributes, and no postponing.
pub(super) fn capabilities() -> Option<pb::ClientCapabilities> {
    Some(pb::ClientCapabilities { write_only_attributes_allowed: true, ..Default::default() })
}

/// What a client can do that may put things off.
pub(super) fn patient() -> Option<pb::ClientCapabilities> {
    Some(pb::ClientCapabilities { deferral_allowed: true, write_only_attributes_allowed: true, ..Default::default() })
}

/// JSON as it is stored in a state.
pub(super) fn raw(json: &Json) -> Option<pb::RawState> {
    Some(pb::RawState { json: json.to_string().into_bytes(), ..Default::default() })
}

/// Valid requests about things, which need not exist.
impl World {
    pub(super) fn to_validate(&self, config: Json) -> pb::validate_resource_config::Request {
        pb::validate_resource_config::Request {
            type_name: THING.into(),
            config: self.wire(config),
            client_capabilities: capabilities(),
        }
    }

    pub(super) fn to_read(&self, state: Json) -> pb::read_resource::Request {
        pb::read_resource::Request {
            type_name: THING.into(),
            current_state: self.wire(state),
            private: br#"{"kept":1}"#.to_vec(),
            client_capabilities: capabilities(),
            ..Default::default()
        }
    }

    /// A plan of what the configuration makes of the prior thing; either may be null.
    pub(super) fn to_plan(&self, prior: Json, config: Json) -> pb::plan_resource_change::Request {
        let (prior, config) = (self.thing(prior), self.thing(config));
        let schema = self.schemas.resource(THING);
        let proposed = if config.is_null() { config.clone() } else { proposed(&schema.object, &prior, &config) };
        pb::plan_resource_change::Request {
            type_name: THING.into(),
            prior_state: self.encoded(&prior),
            proposed_new_state: self.encoded(&proposed),
            config: self.encoded(&config),
            client_capabilities: capabilities(),
            ..Default::default()
        }
    }

    /// The change to what is planned. What is not known in the plan is null in the configuration.
    pub(super) fn to_apply(&self, prior: Json, planned: Json, config: Json) -> pb::apply_resource_change::Request {
        pb::apply_resource_change::Request {
            type_name: THING.into(),
            prior_state: self.wire(prior),
            planned_state: self.wire(planned),
            config: self.wire(config),
            planned_private: br#"{"kept":1}"#.to_vec(),
            ..Default::default()
        }
    }

    pub(super) fn to_import(&self, id: &str) -> pb::import_resource_state::Request {
        pb::import_resource_state::Request {
            type_name: THING.into(),
            id: id.into(),
            client_capabilities: capabilities(),
            ..Default::default()
        }
    }

    pub(super) fn to_upgrade(&self, version: i64, state: &Json) -> pb::upgrade_resource_state::Request {
        pb::upgrade_resource_state::Request { type_name: THING.into(), version, raw_state: raw(state) }
    }

    pub(super) fn to_upgrade_identity(&self, version: i64, identity: &Json) -> pb::upgrade_resource_identity::Request {
        pb::upgrade_resource_identity::Request { type_name: THING.into(), version, raw_identity: raw(identity) }
    }

    /// A thing of a text that Terraform itself has kept.
    pub(super) fn to_move(&self, input: &str) -> pb::move_resource_state::Request {
        pb::move_resource_state::Request {
            source_provider_address: "terraform.io/builtin/terraform".into(),
            source_type_name: "terraform_data".into(),
            source_state: raw(&json!({"input": {"type": "string", "value": input}})),
            target_type_name: THING.into(),
            ..Default::default()
        }
    }

    pub(super) fn to_generate(&self, state: Json) -> pb::generate_resource_config::Request {
        pb::generate_resource_config::Request { type_name: THING.into(), state: self.wire(state) }
    }

    pub(super) fn to_validate_data(&self, config: Json) -> pb::validate_data_resource_config::Request {
        let config = Some(self.data(config));
        pb::validate_data_resource_config::Request { type_name: THING.into(), config }
    }

    pub(super) fn to_read_data(&self, config: Json) -> pb::read_data_source::Request {
        pb::read_data_source::Request {
            type_name: THING.into(),
            config: Some(self.data(config)),
            client_capabilities: capabilities(),
            ..Default::default()
        }
    }

    pub(super) fn to_validate_key(&self, config: Json) -> pb::validate_ephemeral_resource_config::Request {
        let config = Some(self.key(config));
        pb::validate_ephemeral_resource_config::Request { type_name: "thing_key".into(), config }
    }

    pub(super) fn to_open(&self, config: Json) -> pb::open_ephemeral_resource::Request {
        pb::open_ephemeral_resource::Request {
            type_name: "thing_key".into(),
            config: Some(self.key(config)),
            client_capabilities: capabilities(),
        }
    }

    /// Renews what was opened as `thing` in this mood.
    pub(super) fn to_renew(&self, thing: &str, mood: &str) -> pb::renew_ephemeral_resource::Request {
        let private = Some(json!({"thing": thing, "mood": mood}).to_string().into_bytes());
        pb::renew_ephemeral_resource::Request { type_name: "thing_key".into(), private }
    }

    /// Closes what was opened as `thing` in this mood.
    pub(super) fn to_close(&self, thing: &str, mood: &str) -> pb::close_ephemeral_resource::Request {
        let private = Some(json!({"thing": thing, "mood": mood}).to_string().into_bytes());
        pb::close_ephemeral_resource::Request { type_name: "thing_key".into(), private }
    }

    pub(super) fn to_validate_action(&self, config: Json) -> pb::validate_action_config::Request {
        let config = Some(self.poke(config));
        pb::validate_action_config::Request { action_type: "thing_poke".into(), config }
    }

    pub(super) fn to_plan_action(&self, config: Json) -> pb::plan_action::Request {
        pb::plan_action::Request {
            action_type: "thing_poke".into(),
            config: Some(self.poke(config)),
            client_capabilities: capabilities(),
        }
    }

    pub(super) fn to_invoke(&self, config: Json) -> pb::invoke_action::Request {
        pb::invoke_action::Request {
            action_type: "thing_poke".into(),
            config: Some(self.poke(config)),
            client_capabilities: capabilities(),
        }
    }

    pub(super) fn to_validate_list(&self, config: Json) -> pb::validate_list_resource_config::Request {
        let config = Some(self.query(config));
        pb::validate_list_resource_config::Request { type_name: THING.into(), config, ..Default::default() }
    }

    pub(super) fn to_list(&self, config: Json) -> pb::list_resource::Request {
        let config = Some(self.query(config));
        pb::list_resource::Request { type_name: THING.into(), config, ..Default::default() }
    }

    pub(super) fn to_call(&self, name: &str, arguments: &[Json]) -> pb::call_function::Request {
        let arguments = self.schemas.function(name).arguments(arguments);
        pb::call_function::Request { name: name.into(), arguments }
    }

    pub(super) fn data(&self, config: Json) -> DynamicValue {
        let schema = self.schemas.data_source(THING);
        schema.encode(&schema.object(config))
    }

    pub(super) fn key(&self, config: Json) -> DynamicValue {
        let schema = self.schemas.ephemeral_resource("thing_key");
        schema.encode(&schema.object(config))
    }

    fn poke(&self, config: Json) -> DynamicValue {
        let schema = self.schemas.action("thing_poke");
        schema.encode(&schema.object(config))
    }

    fn query(&self, config: Json) -> DynamicValue {
        let schema = self.schemas.list_resource(THING);
        schema.encode(&schema.object(config))
    }
}
