//! `ephemeral "thing_key"`: a key to a thing, which exists as a file while it is open.

use std::fs;
use std::time::{Duration, SystemTime};

use tfplugin::{
    Attr, Attribute, Context, Diagnostics, EphemeralResource, Opened, Reason, Schema, Sensitive, Stop, async_trait,
    model,
};

use crate::{Store, misbehave};

model! {
    /// A key.
    #[derive(Debug)]
    pub struct Opening {
        pub thing: Attr<String>,
        pub secret: Attr<Sensitive<String>>,
        pub mood: Attr<String>,
    }
}

pub(crate) struct Key;

/// The file that is there while the key is open.
fn file(store: &Store, context_name: &str) -> std::path::PathBuf {
    store.file(&format!("key-{context_name}"))
}

#[expect(clippy::disallowed_methods, reason = "Terraform compares it with the clock of the machine")]
fn soon() -> SystemTime {
    SystemTime::now() + Duration::from_millis(100)
}

#[async_trait]
impl EphemeralResource for Key {
    const TYPE_NAME: &'static str = "thing_key";
    type Client = Store;
    type State = Opening;

    fn schema(&self) -> Schema {
        Schema::new().markdown("Opens a thing for as long as Terraform runs.").attributes([
            Attribute::string("thing").required(),
            Attribute::string("secret").computed().sensitive(),
            Attribute::string("mood").optional().markdown("Makes the key misbehave."),
        ])
    }

    async fn validate(&self, config: &Opening, diagnostics: &mut Diagnostics) {
        misbehave(config.mood.as_str(), "validate", &Stop::default()).await;
        if config.thing.as_str() == Some("") {
            diagnostics.error_at("thing", "No thing", "A key needs a thing.");
        }
    }

    async fn open(&self, wanted: Opening, context: &mut Context<'_, Store>) -> Option<Opened<Opening>> {
        let mood = wanted.mood.as_str().unwrap_or_default().to_owned();
        misbehave(Some(&mood), "open", context.stop).await;
        if mood == "later" && context.deferral.request(Reason::AbsentPrerequisite) {
            return None;
        }
        let thing = wanted.thing.as_str().unwrap_or_default().to_owned();
        let kept = context.private.set("thing", &thing).and_then(|()| context.private.set("mood", &mood));
        if let Err(error) = fs::write(file(context.client, &thing), "open").and(kept.map_err(Into::into)) {
            context.diagnostics.error("Not opened", error.to_string());
            return None;
        }
        match mood.as_str() {
            "wrong" => return Some(Opened::new(Opening { thing: "another".into(), ..wanted })),
            "late" => _ = context.deferral.request(Reason::AbsentPrerequisite),
            "half" => context.diagnostics.error("Half open", "It squeaks."),
            _ => {}
        }
        let opened = Opened::new(Opening { secret: Attr::Known(format!("hush-{thing}").into()), ..wanted });
        Some(if mood == "renewed" { opened.renew_at(soon()) } else { opened })
    }

    async fn renew(&self, context: &mut Context<'_, Store>) -> Option<SystemTime> {
        let thing: String = context.private.get("thing").unwrap_or_default();
        misbehave(context.private.get::<String>("mood").as_deref(), "renew", context.stop).await;
        let count: u32 = context.private.get("renewals").unwrap_or_default();
        let kept = context.private.set("renewals", &(count + 1));
        if let Err(error) = fs::write(file(context.client, &thing), "renewed").and(kept.map_err(Into::into)) {
            context.diagnostics.error("Not renewed", error.to_string());
        }
        (count == 0).then(soon)
    }

    async fn close(&self, context: &mut Context<'_, Store>) {
        let thing: String = context.private.get("thing").unwrap_or_default();
        misbehave(context.private.get::<String>("mood").as_deref(), "close", context.stop).await;
        if let Err(error) = fs::rename(file(context.client, &thing), context.client.file(&format!("closed-{thing}"))) {
            context.diagnostics.error("Not closed", error.to_string());
        }
    }
}
