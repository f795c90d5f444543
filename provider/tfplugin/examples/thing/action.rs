//! `action "thing_poke"`: pokes a thing.

use tfplugin::{Action, Attr, Attribute, Call, Check, Diagnostics, Progress, Reason, Schema, Stop, async_trait, model};

use crate::{Store, misbehave};

model! {
    /// What to poke.
    #[derive(Debug)]
    pub struct Config {
        pub id: Attr<String>,
        pub times: Attr<u32>,
        pub mood: Attr<String>,
    }
}

pub(crate) struct Poke;

#[async_trait]
impl Action for Poke {
    const TYPE_NAME: &'static str = "thing_poke";
    type Client = Store;
    type Config = Config;

    fn schema(&self) -> Schema {
        Schema::new().markdown("Pokes a thing.").attributes([
            Attribute::string("id").required(),
            Attribute::number("times").optional().check(Check::int(1..=1000)),
            Attribute::string("mood").optional().markdown("Makes the action misbehave."),
        ])
    }

    async fn validate(&self, config: &Config, diagnostics: &mut Diagnostics) {
        misbehave(config.mood.as_str(), "validate", &Stop::default()).await;
        if config.id.as_str() == Some("") {
            diagnostics.error_at("id", "No thing", "There is nothing to poke.");
        }
    }

    async fn plan(&self, config: &Config, call: &mut Call<'_, Store>) {
        misbehave(config.mood.as_str(), "plan", call.stop).await;
        match config.mood.as_str() {
            Some("later") => _ = call.deferral.request(Reason::AbsentPrerequisite),
            Some("careful") => call.diagnostics.warning("Careful", "It may bite."),
            _ => {}
        }
    }

    async fn invoke(&self, config: Config, progress: &Progress, call: &mut Call<'_, Store>) {
        let id = config.id.as_str().unwrap_or_default();
        if let Err(error) = call.client.read(id) {
            call.diagnostics.error_at("id", "No thing", error.to_string());
            return;
        }
        for time in 1..=config.times.unwrap_or(1) {
            progress.report(format!("Poke {time}")).await;
        }
        if config.mood.as_str() == Some("kept") {
            // A task that outlives the action and keeps the handle.
            let progress = progress.clone();
            tokio::spawn(async move {
                std::future::pending::<()>().await;
                progress.report("Nobody hears this.").await;
            });
        }
        misbehave(config.mood.as_str(), "invoke", call.stop).await;
        if call.stop.is_requested() {
            call.diagnostics.warning("Interrupted", "The thing was poked, and nobody waited for what it did.");
        }
    }
}
