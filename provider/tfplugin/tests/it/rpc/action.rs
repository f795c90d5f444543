//! Actions: what is done, and how far it is.

use serde_json::json;
use tfplugin_client::wire::tfplugin6::invoke_action::event::Type;
use tfplugin_client::wire::tfplugin6::{self as pb, plan_action};

use super::problems::{error, error_at, warning};
use super::{World, all, ended};

#[tokio::test]
async fn a_configuration_is_validated() {
    let world = World::start().await;
    let problems = async |config| answer!(world, validate_action_config, world.to_validate_action(config)).diagnostics;
    assert_eq!(problems(json!({"id": "id-a", "times": 3})).await, []);
    assert_eq!(problems(json!({"id": ""})).await, [error_at("id", "No thing", "There is nothing to poke.")]);
    let detail = "The value must be a whole number from 1 to 1000.";
    let expected = [error_at("times", "Number out of range", detail)];
    assert_eq!(problems(json!({"id": "id-a", "times": 1001})).await, expected);
    world.end().await;
}

#[tokio::test]
async fn a_plan_may_warn() {
    let world = World::start().await;
    let plan = async |mood| answer!(world, plan_action, world.to_plan_action(json!({"id": "id-a", "mood": mood})));
    assert_eq!(plan("plain").await, plan_action::Response::default());
    let diagnostics = vec![warning("Careful", "It may bite.")];
    assert_eq!(plan("careful").await, plan_action::Response { diagnostics, deferred: None });
    world.end().await;
}

#[tokio::test]
async fn progress_comes_in_order_and_the_end_comes_last() {
    let world = World::start().await;
    world.created(json!({"name": "a"})).await;
    let events = all(answer!(world, invoke_action, world.to_invoke(json!({"id": "id-a", "times": 3})))).await;
    let progress = ["Poke 1", "Poke 2", "Poke 3"].map(str::to_owned);
    assert_eq!(ended(events), (progress.to_vec(), vec![]));
    world.end().await;
}

#[tokio::test]
async fn a_failure_is_told_at_the_end() {
    let world = World::start().await;
    let events = all(answer!(world, invoke_action, world.to_invoke(json!({"id": "id-none"})))).await;
    let missing = error_at("id", "No thing", "No such file or directory (os error 2)");
    assert_eq!(ended(events), (vec![], vec![missing]));
    world.end().await;
}

#[tokio::test]
async fn a_slow_reader_gets_all_of_a_thousand_messages_and_holds_up_nobody_else() {
    let world = World::start().await;
    world.created(json!({"name": "a"})).await;
    let mut slow = answer!(world, invoke_action, world.to_invoke(json!({"id": "id-a", "times": 1000})));
    let mut events = vec![slow.message().await.unwrap().unwrap()];
    for _ in 0..10 {
        // Over the same connection, while the messages wait.
        let quick = all(answer!(world, invoke_action, world.to_invoke(json!({"id": "id-a", "times": 100})))).await;
        assert_eq!(quick.len(), 101);
        events.push(slow.message().await.unwrap().unwrap());
    }
    events.extend(all(slow).await);
    let progress: Vec<String> = (1..=1000).map(|time| format!("Poke {time}")).collect();
    assert_eq!(ended(events), (progress, vec![]));
    world.end().await;
}

#[tokio::test]
async fn an_action_whose_reader_has_gone_is_stopped_and_disturbs_nobody() {
    let world = World::talkative().await;
    world.created(json!({"name": "a"})).await;
    let config = json!({"id": "id-a", "times": 2, "mood": "slow-invoke"});
    let mut events = answer!(world, invoke_action, world.to_invoke(config));
    let first = Some(Type::Progress(pb::invoke_action::event::Progress { message: "Poke 1".into() }));
    assert_eq!(events.message().await.unwrap().unwrap().r#type, first);
    world.said("waits for the stop").await;
    assert_eq!(world.answers("InvokeAction"), 0);
    drop(events);
    world.until("it has ended", || world.answers("InvokeAction") == 1).await;
    // Only that one was stopped.
    let events = all(answer!(world, invoke_action, world.to_invoke(json!({"id": "id-a"})))).await;
    assert_eq!(ended(events), (vec!["Poke 1".to_owned()], vec![]));
    world.end().await;
}

#[tokio::test]
async fn an_action_that_is_never_read_holds_up_nobody() {
    let world = World::start().await;
    world.created(json!({"name": "a"})).await;
    let unread = answer!(world, invoke_action, world.to_invoke(json!({"id": "id-a", "times": 1000})));
    assert_eq!(answer!(world, get_metadata, pb::get_metadata::Request {}).diagnostics, []);
    drop(unread);
    let problem = error("Unknown action type", "This provider has no action thing_other.");
    let other = plan_action::Request { action_type: "thing_other".into(), ..Default::default() };
    assert_eq!(answer!(world, plan_action, other).diagnostics, [problem]);
    world.end().await;
}

#[tokio::test]
async fn an_action_ends_although_a_handle_of_its_progress_is_left() {
    let world = World::start().await;
    world.created(json!({"name": "a"})).await;
    let request = world.to_invoke(json!({"id": "id-a", "times": 2, "mood": "kept"}));
    let events = all(answer!(world, invoke_action, request)).await;
    assert_eq!(ended(events), (vec!["Poke 1".to_owned(), "Poke 2".to_owned()], vec![]));
    world.end().await;
}

#[tokio::test]
async fn what_was_unknown_when_it_was_validated_is_checked_when_it_is_invoked() {
    let world = World::start().await;
    world.created(json!({"name": "a"})).await;
    let events = all(answer!(world, invoke_action, world.to_invoke(json!({"id": "id-a", "times": 0})))).await;
    let detail = "The value must be a whole number from 1 to 1000.";
    assert_eq!(ended(events), (vec![], vec![error_at("times", "Number out of range", detail)]));
    world.end().await;
}
