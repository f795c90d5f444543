//! The example at work, with a directory for its things.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value as Json, json};
use tempfile::TempDir;
use tfplugin::Value;
use tfplugin_client::wire::tfplugin6::{DynamicValue, ResourceIdentityData};
use tfplugin_client::{Launch, Lifecycle, PATIENCE, Schemas, Session, State, UNKNOWN};

use crate::launch;

/// The resource, the data source and the list of the example.
pub(super) const THING: &str = "thing_thing";

/// A running provider.
pub(super) struct World {
    pub(super) session: Session,
    pub(super) schemas: Schemas,
    things: TempDir,
}

impl World {
    /// Ready for work.
    pub(super) async fn start() -> Self {
        Self::started(launch()).await
    }

    /// Ready for work, and tells what it does.
    pub(super) async fn talkative() -> Self {
        Self::started(launch().env("TF_LOG", "debug")).await
    }

    /// Started in a way of its own, and ready for work.
    pub(super) async fn started(launch: Launch) -> Self {
        let world = Self::not_configured(launch).await;
        assert_eq!(world.session.configure(json!({"directory": world.directory()})).await, []);
        world
    }

    /// Before anybody has configured it.
    pub(super) async fn unconfigured() -> Self {
        Self::not_configured(launch()).await
    }

    /// With a configuration that is known only after apply.
    pub(super) async fn unknown() -> Self {
        let world = Self::unconfigured().await;
        assert_eq!(world.session.configure(json!({"directory": UNKNOWN})).await, []);
        world
    }

    async fn not_configured(launch: Launch) -> Self {
        let session = launch.connect().await;
        let schemas = session.schemas().await.clone();
        Self { session, schemas, things: TempDir::new().unwrap() }
    }

    /// Where the things are.
    pub(super) fn directory(&self) -> String {
        self.things.path().to_str().unwrap().to_owned()
    }

    /// The file of a thing.
    pub(super) fn file(&self, id: &str) -> PathBuf {
        self.things.path().join(id)
    }

    pub(super) fn has(&self, id: &str) -> bool {
        self.file(id).exists()
    }

    /// The rules of Terraform for the things.
    pub(super) async fn life(&self) -> Lifecycle<'_> {
        self.session.resource(THING).await
    }

    /// A thing that has been planned and applied.
    pub(super) async fn created(&self, config: Json) -> State {
        let life = self.life().await;
        let plan = life.plan(None, &life.config(config)).await.ok();
        life.apply(&plan).await.ok()
    }

    /// A configuration, a plan or a state of a thing.
    pub(super) fn thing(&self, json: Json) -> Value {
        self.schemas.resource(THING).object(json)
    }

    /// The same on the wire.
    pub(super) fn wire(&self, json: Json) -> Option<DynamicValue> {
        self.encoded(&self.thing(json))
    }

    pub(super) fn encoded(&self, thing: &Value) -> Option<DynamicValue> {
        Some(self.schemas.resource(THING).encode(thing))
    }

    /// The thing that an answer has brought.
    pub(super) fn decoded(&self, thing: Option<&DynamicValue>) -> Value {
        self.schemas.resource(THING).decode(thing).unwrap()
    }

    /// The identity of the thing with this id, as the example tells it.
    pub(super) fn identity(&self, id: &str) -> Option<ResourceIdentityData> {
        self.some_identity(&json!({"id": id, "directory": self.directory()}))
    }

    pub(super) fn some_identity(&self, json: &Json) -> Option<ResourceIdentityData> {
        let schema = self.schemas.identity(THING);
        Some(schema.encode(&schema.object(json)))
    }

    /// Waits until the provider has said it on standard error.
    pub(super) async fn said(&self, text: &str) {
        self.until(&format!("{text:?} is said"), || self.session.plugin.stderr().contains(text)).await;
    }

    /// Waits until `condition` holds, while the connection is served.
    pub(super) async fn until(&self, what: &str, condition: impl Fn() -> bool) {
        let wait = async {
            let mut look = tokio::time::interval(Duration::from_millis(2));
            while !condition() {
                look.tick().await;
            }
        };
        let holds = tokio::time::timeout(PATIENCE, wait).await.is_ok();
        assert!(holds, "waited in vain until {what}; this is what it said:\n{}", self.session.plugin.stderr());
    }

    /// How many calls have ended, if it [tells](Self::talkative).
    pub(super) fn answers(&self, rpc: &str) -> usize {
        let rpc = format!(r#""tf_rpc":"{rpc}""#);
        let stderr = self.session.plugin.stderr();
        stderr.lines().filter(|line| line.contains(r#""@message":"answered""#) && line.contains(&rpc)).count()
    }

    /// Ends it as Terraform does. It must have printed nothing.
    pub(super) async fn end(self) {
        assert!(self.session.shutdown().await.success());
    }
}

/// A thing with most of what it can have.
pub(super) fn full() -> Json {
    json!({
        "name": "full", "size": 0.1, "note": "Hello", "any": {"text": "x", "list": [1, true]}, "tags": ["b", "a"],
        "secrets": {"key": "value"}, "secret_wo": "hush", "secret_wo_version": 1,
        "steps": [{"program": "p"}, {"program": "q", "retries": 5}], "rule": [{"allow": "all"}],
    })
}
