//! The user interrupts Terraform in the middle of a call.

use serde_json::json;
use tfplugin_client::UNKNOWN;
use tfplugin_client::wire::tfplugin6 as pb;

use super::problems::warning;
use super::resource::with;
use super::{World, all, ended};

impl World {
    /// Stops what is running as soon as `call` waits in `operation`, and returns its answer. A call that comes later
    /// is not stopped.
    async fn stopped<T>(&self, operation: &str, call: impl Future<Output = T>) -> T {
        let stop = async {
            self.said(&format!(r#""operation":"{operation}""#)).await;
            answer!(self, stop_provider, pb::stop_provider::Request {})
        };
        let (answer, stopped) = tokio::join!(call, stop);
        assert_eq!(stopped, pb::stop_provider::Response::default());
        answer
    }

    /// The next call is not stopped: this action would say so.
    async fn goes_on(self) {
        self.created(json!({"name": "next"})).await;
        let events = all(answer!(self, invoke_action, self.to_invoke(json!({"id": "id-next"})))).await;
        assert_eq!(ended(events), (vec!["Poke 1".to_owned()], vec![]));
        self.end().await;
    }
}

/// The answer to a call that is stopped while it waits in this operation.
macro_rules! stopped {
    ($world:expr, $operation:expr, $rpc:ident, $request:expr) => {
        $world.stopped($operation, async { answer!($world, $rpc, $request) }).await
    };
}

fn thing(mood: &str) -> serde_json::Value {
    json!({"id": "id-a", "name": "a", "enabled": true, "revision": 1, "mood": mood})
}

#[tokio::test]
async fn a_plan_ends_with_what_is_planned() {
    let world = World::talkative().await;
    let request = world.to_plan(thing(""), json!({"name": "a", "mood": "slow-plan"}));
    let answer = stopped!(world, "plan", plan_resource_change, request);
    let planned_state = world.wire(with(&thing("slow-plan"), "revision", json!(UNKNOWN)));
    assert_eq!(answer, pb::plan_resource_change::Response { planned_state, ..Default::default() });
    let answer = stopped!(world, "destroy", plan_resource_change, world.to_plan(thing("slow-destroy"), json!(null)));
    let planned_state = world.wire(json!(null));
    assert_eq!(answer, pb::plan_resource_change::Response { planned_state, ..Default::default() });
    world.goes_on().await;
}

#[tokio::test]
async fn a_create_ends_with_what_exists() {
    let world = World::talkative().await;
    let config = json!({"name": "a", "mood": "slow-create"});
    let planned = with(&with(&thing("slow-create"), "id", json!(UNKNOWN)), "revision", json!(UNKNOWN));
    let request = world.to_apply(json!(null), planned, config);
    let answer = stopped!(world, "create", apply_resource_change, request);
    let expected = pb::apply_resource_change::Response {
        new_state: world.wire(thing("slow-create")),
        private: br#"{"kept":1}"#.to_vec(),
        new_identity: world.identity("id-a"),
        ..Default::default()
    };
    assert_eq!(answer, expected);
    assert!(world.has("id-a"));
    world.goes_on().await;
}

#[tokio::test]
async fn a_read_ends_with_what_is_there() {
    let world = World::talkative().await;
    world.created(json!({"name": "a", "mood": "slow-read"})).await;
    let answer = stopped!(world, "read", read_resource, world.to_read(thing("slow-read")));
    let expected = pb::read_resource::Response {
        new_state: world.wire(thing("slow-read")),
        private: br#"{"kept":1}"#.to_vec(),
        new_identity: world.identity("id-a"),
        ..Default::default()
    };
    assert_eq!(answer, expected);
    world.goes_on().await;
}

#[tokio::test]
async fn an_update_ends_with_what_was_changed() {
    let world = World::talkative().await;
    world.created(json!({"name": "a"})).await;
    let planned = with(&thing("slow-update"), "revision", json!(UNKNOWN));
    let request = world.to_apply(thing(""), planned, json!({"name": "a", "mood": "slow-update"}));
    let answer = stopped!(world, "update", apply_resource_change, request);
    let expected = pb::apply_resource_change::Response {
        new_state: world.wire(with(&thing("slow-update"), "revision", json!(2))),
        private: br#"{"kept":1}"#.to_vec(),
        new_identity: world.identity("id-a"),
        ..Default::default()
    };
    assert_eq!(answer, expected);
    world.goes_on().await;
}

#[tokio::test]
async fn a_delete_ends_with_nothing_left() {
    let world = World::talkative().await;
    world.created(json!({"name": "a"})).await;
    let request = world.to_apply(thing("slow-delete"), json!(null), json!(null));
    let answer = stopped!(world, "delete", apply_resource_change, request);
    let new_state = world.wire(json!(null));
    assert_eq!(answer, pb::apply_resource_change::Response { new_state, ..Default::default() });
    assert!(!world.has("id-a"));
    world.goes_on().await;
}

#[tokio::test]
async fn an_import_ends_with_what_was_found() {
    let world = World::talkative().await;
    let answer = stopped!(world, "import", import_resource_state, world.to_import("slow-import"));
    assert_eq!(answer.diagnostics, []);
    assert_eq!(answer.imported_resources[0].state, world.wire(json!({"id": "slow-import"})));
    world.goes_on().await;
}

#[tokio::test]
async fn a_data_source_ends_with_what_was_found() {
    let world = World::talkative().await;
    world.created(json!({"name": "a"})).await;
    let request = world.to_read_data(json!({"name": "a", "mood": "slow-read"}));
    let answer = stopped!(world, "read", read_data_source, request);
    let found = json!({"name": "a", "id": "id-a", "enabled": true, "unit": "litre", "mood": "slow-read"});
    let state = Some(world.data(found));
    assert_eq!(answer, pb::read_data_source::Response { state, ..Default::default() });
    world.goes_on().await;
}

#[tokio::test]
async fn a_key_that_is_opened_can_be_renewed_and_closed() {
    let world = World::talkative().await;
    let request = world.to_open(json!({"thing": "lock", "mood": "slow-open"}));
    let opened = stopped!(world, "open", open_ephemeral_resource, request);
    let result = Some(world.key(json!({"thing": "lock", "secret": "hush-lock", "mood": "slow-open"})));
    assert_eq!((opened.diagnostics, opened.result), (vec![], result));
    let renewed = stopped!(world, "renew", renew_ephemeral_resource, world.to_renew("lock", "slow-renew"));
    let private = Some(br#"{"thing":"lock","mood":"slow-renew","renewals":1}"#.to_vec());
    assert_eq!((renewed.diagnostics, renewed.private), (vec![], private));
    let closed = stopped!(world, "close", close_ephemeral_resource, world.to_close("lock", "slow-close"));
    assert_eq!(closed, pb::close_ephemeral_resource::Response::default());
    assert!(world.has("closed-lock"));
    world.goes_on().await;
}

#[tokio::test]
async fn an_action_ends_with_its_progress_so_far() {
    let world = World::talkative().await;
    world.created(json!({"name": "a"})).await;
    let request = world.to_invoke(json!({"id": "id-a", "times": 2, "mood": "slow-invoke"}));
    let events = world.stopped("invoke", async { all(answer!(world, invoke_action, request)).await }).await;
    let interrupted = warning("Interrupted", "The thing was poked, and nobody waited for what it did.");
    assert_eq!(ended(events), (vec!["Poke 1".to_owned(), "Poke 2".to_owned()], vec![interrupted]));
    world.goes_on().await;
}

#[tokio::test]
async fn a_list_ends_with_what_was_found() {
    let world = World::talkative().await;
    world.created(json!({"name": "a"})).await;
    let request = world.to_list(json!({"mood": "slow-list"}));
    let events = world.stopped("list", async { all(answer!(world, list_resource, request)).await }).await;
    assert_eq!(events.iter().map(|event| &*event.display_name).collect::<Vec<_>>(), ["id-a"]);
    assert_eq!(events[0].diagnostic, []);
    world.goes_on().await;
}

#[tokio::test]
async fn all_that_run_are_stopped_at_once() {
    let world = World::talkative().await;
    world.created(json!({"name": "a"})).await;
    let read = async { answer!(world, read_resource, world.to_read(thing("slow-read"))) };
    let import = async { answer!(world, import_resource_state, world.to_import("slow-import")) };
    let open = world.to_open(json!({"thing": "lock", "mood": "slow-open"}));
    let open = async { answer!(world, open_ephemeral_resource, open) };
    let stop = async {
        for operation in ["read", "import", "open"] {
            world.said(&format!(r#""operation":"{operation}""#)).await;
        }
        answer!(world, stop_provider, pb::stop_provider::Request {})
    };
    let (read, import, open, _) = tokio::join!(read, import, open, stop);
    assert_eq!((read.diagnostics, import.diagnostics, open.diagnostics), (vec![], vec![], vec![]));
    world.goes_on().await;
}
