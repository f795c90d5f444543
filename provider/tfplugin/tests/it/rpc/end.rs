//! The process is to end while calls are running.

use std::process::ExitStatus;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;
use tfplugin_client::wire::plugin::Empty;
use tfplugin_client::wire::tfplugin6 as pb;
use tfplugin_client::{PATIENCE, UNKNOWN};

use super::World;
use super::resource::with;

impl World {
    /// A creation that takes until it is stopped.
    fn slow_create(&self) -> pb::apply_resource_change::Request {
        let config = json!({"name": "a", "enabled": true, "mood": "slow-create"});
        let planned = with(&with(&config, "id", json!(UNKNOWN)), "revision", json!(UNKNOWN));
        self.to_apply(json!(null), planned, config)
    }

    /// Its whole answer.
    fn slowly_created(&self) -> pb::apply_resource_change::Response {
        let state = json!({"id": "id-a", "name": "a", "enabled": true, "revision": 1, "mood": "slow-create"});
        pb::apply_resource_change::Response {
            new_state: self.wire(state),
            private: br#"{"kept":1}"#.to_vec(),
            new_identity: self.identity("id-a"),
            ..Default::default()
        }
    }

    /// Waits for the end of the process, while the connection is served. It must have printed nothing.
    async fn ended(mut self) -> ExitStatus {
        let wait = async {
            let mut look = tokio::time::interval(Duration::from_millis(2));
            while self.session.plugin.is_running() {
                look.tick().await;
            }
        };
        assert!(tokio::time::timeout(PATIENCE, wait).await.is_ok(), "it does not end");
        self.session.plugin.ended()
    }
}

#[tokio::test]
async fn after_sigterm_the_answer_of_a_running_create_still_arrives() {
    let world = World::talkative().await;
    let create = async { answer!(world, apply_resource_change, world.slow_create()) };
    let terminate = async {
        world.said(r#""operation":"create""#).await;
        world.session.plugin.signal(Signal::TERM);
    };
    let (created, ()) = tokio::join!(create, terminate);
    assert_eq!(created, world.slowly_created());
    assert!(world.has("id-a"));
    assert!(world.ended().await.success());
}

#[tokio::test]
async fn shutdown_waits_for_the_answers_of_running_calls() {
    let world = World::talkative().await;
    let create = async { answer!(world, apply_resource_change, world.slow_create()) };
    let import = async { answer!(world, import_resource_state, world.to_import("slow-import")) };
    let shutdown = async {
        world.said(r#""operation":"create""#).await;
        world.said(r#""operation":"import""#).await;
        world.session.controller().shutdown(Empty {}).await.unwrap().into_inner()
    };
    let (created, imported, Empty {}) = tokio::join!(create, import, shutdown);
    assert_eq!(created, world.slowly_created());
    assert_eq!(imported.imported_resources[0].state, world.wire(json!({"id": "slow-import"})));
    assert!(world.ended().await.success());
}

#[tokio::test]
async fn stop_and_shutdown_at_once_lose_no_answer() {
    let world = World::talkative().await;
    let create = async { answer!(world, apply_resource_change, world.slow_create()) };
    let end = async {
        world.said(r#""operation":"create""#).await;
        let (mut provider, mut controller) = (world.session.provider(), world.session.controller());
        let both = tokio::join!(provider.stop_provider(pb::stop_provider::Request {}), controller.shutdown(Empty {}));
        (both.0.unwrap().into_inner(), both.1.unwrap().into_inner())
    };
    let (created, (stopped, Empty {})) = tokio::join!(create, end);
    assert_eq!((created, &*stopped.error), (world.slowly_created(), ""));
    assert!(world.ended().await.success());
}

#[tokio::test]
async fn after_ctrl_c_it_goes_on_until_it_is_told_to_end() {
    let world = World::talkative().await;
    let create = async { answer!(world, apply_resource_change, world.slow_create()) };
    let interrupt = async {
        world.said(r#""operation":"create""#).await;
        world.session.plugin.signal(Signal::INT);
        // The signal alone stops nothing; Terraform says what is to be stopped.
        world.created(json!({"name": "b"})).await;
        answer!(world, stop_provider, pb::stop_provider::Request {})
    };
    let (created, _) = tokio::join!(create, interrupt);
    assert_eq!(created, world.slowly_created());
    world.end().await;
}
