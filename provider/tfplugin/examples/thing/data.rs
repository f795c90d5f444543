//! `data "thing_thing"`: looks a thing up by its name.

use std::io;

use tfplugin::{Attr, Attribute, Call, Check, DataSource, Diagnostics, Reason, Schema, Stop, async_trait, model};

use crate::{Store, misbehave};

model! {
    /// What is asked for and found.
    #[derive(Debug)]
    pub struct Found {
        pub name: Attr<String>,
        pub id: Attr<String>,
        pub size: Attr<f64>,
        pub enabled: Attr<bool>,
        pub unit: Attr<String>,
        pub mood: Attr<String>,
    }
}

pub(crate) struct Thing;

#[async_trait]
impl DataSource for Thing {
    const TYPE_NAME: &'static str = "thing_thing";
    type Client = Store;
    type State = Found;

    fn schema(&self) -> Schema {
        Schema::new().markdown("Looks a thing up.").attributes([
            Attribute::string("name").required().check(Check::length(1..=40)),
            Attribute::string("id").computed(),
            Attribute::number("size").computed(),
            Attribute::bool("enabled").computed(),
            Attribute::string("unit").default("litre"),
            Attribute::string("mood").optional().markdown("Makes the data source misbehave."),
        ])
    }

    async fn validate(&self, config: &Found, diagnostics: &mut Diagnostics) {
        misbehave(config.mood.as_str(), "validate", &Stop::default()).await;
        if config.name.as_str() == Some("forbidden") {
            diagnostics.error_at("name", "Forbidden name", "Nothing has this name.");
        }
    }

    async fn read(&self, wanted: Found, call: &mut Call<'_, Store>) -> Option<Found> {
        misbehave(wanted.mood.as_str(), "read", call.stop).await;
        match wanted.mood.as_str() {
            Some("later") if call.deferral.request(Reason::AbsentPrerequisite) => return None,
            Some("forgetful") => return Some(wanted),
            Some("wrong") => {
                let name = "another".into();
                return Some(Found { name, id: Attr::Null, size: Attr::Null, enabled: Attr::Null, ..wanted });
            }
            _ => {}
        }
        let id = format!("id-{}", wanted.name.as_str().unwrap_or_default());
        match call.client.read(&id) {
            Ok(thing) => Some(Found { id: Attr::Known(id), size: thing.size, enabled: thing.enabled, ..wanted }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                call.diagnostics.error_at("name", "No such thing", "There is no thing of that name.");
                None
            }
            Err(error) => {
                call.diagnostics.error("Not readable", error.to_string());
                None
            }
        }
    }
}
