//! No secret is told to anybody, however much is logged.

use serde_json::json;
use tfplugin_client::wire::tfplugin6 as pb;

use super::resource::with;
use super::{THING, World, all};
use crate::launch;

/// Begins each secret of this test.
const CANARY: &str = "canary";

#[tokio::test]
async fn no_log_line_of_a_whole_life_has_a_secret() {
    let world = World::started(launch().env("TF_LOG", "TRACE")).await;
    let life = world.life().await;
    let config = json!({
        "name": "a", "secrets": {"key": "canary-in-a-map"}, "secret_wo": "canary-write-only", "secret_wo_version": 1,
    });
    let created = life.settle(None, &life.config(config.clone())).await;
    let changed = with(&with(&config, "secrets", json!({"key": "canary-changed"})), "secret_wo_version", json!(2));
    let changed = life.settle(Some(&created), &life.config(changed)).await;

    // Private state, from the plan to the end; and what is secret in the author's own logs is his.
    let meta = world.schemas.provider_meta.as_ref().unwrap();
    let state = || json!({"id": "id-b", "name": "b", "secrets": {"key": "canary-in-a-map"}});
    let request = pb::apply_resource_change::Request {
        provider_meta: Some(meta.encode(&meta.object(json!({"purpose": "canary-in-meta"})))),
        planned_private: br#"{"kept":"canary-private"}"#.to_vec(),
        ..world.to_apply(json!(null), state(), with(&state(), "secret_wo", json!("canary-write-only")))
    };
    let applied = answer!(world, apply_resource_change, request);
    assert!(String::from_utf8(applied.private.clone()).unwrap().contains("canary-in-meta"));
    let request = pb::read_resource::Request { private: applied.private, ..world.to_read(state()) };
    assert_eq!(answer!(world, read_resource, request).diagnostics, []);

    let opened = answer!(world, open_ephemeral_resource, world.to_open(json!({"thing": "canary-lock"})));
    let private = opened.private;
    let renew = pb::renew_ephemeral_resource::Request { type_name: "thing_key".into(), private: private.clone() };
    assert_eq!(answer!(world, renew_ephemeral_resource, renew).diagnostics, []);
    let close = pb::close_ephemeral_resource::Request { type_name: "thing_key".into(), private };
    assert_eq!(answer!(world, close_ephemeral_resource, close).diagnostics, []);

    // The same where something goes wrong.
    let wrong = with(&state(), "mood", json!("wrong"));
    let wrong = answer!(world, apply_resource_change, world.to_apply(json!(null), wrong.clone(), wrong));
    let panicked = with(&state(), "mood", json!("panic-read"));
    let panicked = answer!(world, read_resource, world.to_read(panicked));
    let broken = pb::upgrade_resource_state::Request {
        type_name: THING.into(),
        version: 1,
        raw_state: super::requests::raw(&json!({"secrets": {"key": ["canary-in-a-map"]}})),
    };
    let broken = answer!(world, upgrade_resource_state, broken);
    let private = pb::read_resource::Request { private: b"canary-private".to_vec(), ..world.to_read(state()) };
    let private = answer!(world, read_resource, private);
    let text = pb::read_resource::Request { private: br#""canary-private""#.to_vec(), ..world.to_read(state()) };
    assert_eq!(answer!(world, read_resource, text).diagnostics, []);
    for problems in [wrong.diagnostics, panicked.diagnostics, broken.diagnostics] {
        assert!(!problems.is_empty() && !format!("{problems:?}").contains(CANARY), "{problems:?}");
    }
    assert_eq!(private.diagnostics, []);

    let listed = pb::list_resource::Request { include_resource_object: true, ..world.to_list(json!({})) };
    assert!(all(answer!(world, list_resource, listed)).await.len() > 1);
    let imported = life.import("id-a").await.ok();
    assert!(life.read(&imported).await.ok().is_some());
    life.destroy(&changed).await.ok();

    let stderr = world.session.plugin.stderr();
    assert!(world.answers("ApplyResourceChange") > 3 && stderr.contains(r#""@level":"warn""#), "{stderr}");
    let lines: Vec<&str> = stderr.lines().filter(|line| line.contains(CANARY)).collect();
    assert_eq!(lines, [""; 0]);
    world.end().await;
}
