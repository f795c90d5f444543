//! `list "thing_thing"`: all things whose names begin alike.

use tfplugin::{Attr, Attribute, Call, Check, Diagnostics, Found, List, Schema, Stop, async_trait, model};

use crate::{State, Store, Thing, misbehave};

model! {
    /// What narrows the list down.
    #[derive(Debug)]
    pub struct Config {
        pub prefix: Attr<String>,
        pub mood: Attr<String>,
    }
}

pub(crate) struct Things;

#[async_trait]
impl List for Things {
    type Resource = Thing;
    type Config = Config;

    fn schema(&self) -> Schema {
        Schema::new().markdown("Lists things.").attributes([
            Attribute::string("prefix").optional().check(Check::length(1..=40)),
            Attribute::string("mood").optional().markdown("Makes the list misbehave."),
        ])
    }

    async fn validate(&self, config: &Config, diagnostics: &mut Diagnostics) {
        misbehave(config.mood.as_str(), "validate", &Stop::default()).await;
        if config.prefix.as_str() == Some("forbidden") {
            diagnostics.error_at("prefix", "Forbidden name", "Nothing has this name.");
        }
    }

    async fn list(&self, config: Config, found: &mut Found<State>, call: &mut Call<'_, Store>) {
        let ids = match call.client.ids() {
            Ok(ids) => ids,
            Err(error) => return call.diagnostics.error("Not readable", error.to_string()),
        };
        let prefix = format!("id-{}", config.prefix.as_str().unwrap_or_default());
        for id in ids.into_iter().filter(|id| id.starts_with(&prefix)) {
            // What makes the identity is enough, unless more is wanted.
            let state = if found.wants_state() {
                match call.client.read(&id) {
                    Ok(state) => state,
                    Err(error) => {
                        call.diagnostics.warning("Not readable", format!("{id}: {error}"));
                        continue;
                    }
                }
            } else {
                State { id: Attr::Known(id.clone()), ..State::default() }
            };
            if !found.push(id, state).await {
                return;
            }
            misbehave(config.mood.as_str(), "list", call.stop).await;
        }
        if config.mood.as_str() == Some("broken") {
            call.diagnostics.error("Broken", "There may be more things.");
        }
    }
}
