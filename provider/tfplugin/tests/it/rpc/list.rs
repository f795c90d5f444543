//! Lists of objects.

use serde_json::json;
use tfplugin_client::wire::tfplugin6::list_resource::{Event, Request};

use super::problems::{error, error_at, warning};
use super::{THING, World, all};

/// The things of these names, and an event for each as it comes without and with the state.
async fn with_things(names: &[&str]) -> World {
    let world = World::start().await;
    for name in names {
        world.created(json!({"name": name})).await;
    }
    world
}

/// The event of a thing.
fn found(world: &World, name: &str, with_object: bool) -> Event {
    let id = format!("id-{name}");
    let state = json!({"id": &id, "name": name, "enabled": true, "revision": 1});
    Event {
        identity: world.identity(&id),
        display_name: id,
        resource_object: with_object.then(|| world.wire(state).unwrap()),
        diagnostic: vec![],
    }
}

#[tokio::test]
async fn each_thing_has_its_name_and_its_identity() {
    let world = with_things(&["a", "b"]).await;
    let events = all(answer!(world, list_resource, world.to_list(json!({})))).await;
    assert_eq!(events, ["a", "b"].map(|name| found(&world, name, false)));
    world.end().await;
}

#[tokio::test]
async fn the_object_comes_with_it_only_if_it_is_asked_for() {
    let world = with_things(&["a", "b"]).await;
    let request = Request { include_resource_object: true, ..world.to_list(json!({})) };
    let events = all(answer!(world, list_resource, request)).await;
    assert_eq!(events, ["a", "b"].map(|name| found(&world, name, true)));
    world.end().await;
}

#[tokio::test]
async fn a_limit_is_kept_and_none_is_no_limit() {
    let world = with_things(&["a", "b", "c"]).await;
    for (limit, names) in [(1, &["a"][..]), (2, &["a", "b"]), (3, &["a", "b", "c"]), (0, &["a", "b", "c"])] {
        let events = all(answer!(world, list_resource, Request { limit, ..world.to_list(json!({})) })).await;
        let expected: Vec<Event> = names.iter().map(|name| found(&world, name, false)).collect();
        assert_eq!(events, expected, "limit {limit}");
    }
    world.end().await;
}

#[tokio::test]
async fn a_filter_narrows_it_down() {
    let world = with_things(&["ab", "ac", "b"]).await;
    let events = all(answer!(world, list_resource, world.to_list(json!({"prefix": "a"})))).await;
    assert_eq!(events, ["ab", "ac"].map(|name| found(&world, name, false)));
    assert_eq!(all(answer!(world, list_resource, world.to_list(json!({"prefix": "x"})))).await, []);
    world.end().await;
}

#[tokio::test]
async fn problems_come_last_and_take_away_nothing_that_was_found() {
    let world = with_things(&["a", "b"]).await;
    let events = all(answer!(world, list_resource, world.to_list(json!({"mood": "broken"})))).await;
    let problem = |diagnostic| Event { diagnostic: vec![diagnostic], ..Event::default() };
    let broken = problem(error("Broken", "There may be more things."));
    assert_eq!(events, [found(&world, "a", false), found(&world, "b", false), broken]);

    // One that cannot be read is left out, with a warning.
    std::fs::create_dir(world.file("id-aa")).unwrap();
    let request = Request { include_resource_object: true, ..world.to_list(json!({})) };
    let events = all(answer!(world, list_resource, request)).await;
    let unreadable = problem(warning("Not readable", "id-aa: Is a directory (os error 21)"));
    assert_eq!(events, [found(&world, "a", true), found(&world, "b", true), unreadable]);
    world.end().await;
}

#[tokio::test]
async fn a_configuration_is_validated() {
    let world = World::start().await;
    let problems =
        async |config| answer!(world, validate_list_resource_config, world.to_validate_list(config)).diagnostics;
    assert_eq!(problems(json!({"prefix": "a"})).await, []);
    let forbidden = error_at("prefix", "Forbidden name", "Nothing has this name.");
    assert_eq!(problems(json!({"prefix": "forbidden"})).await, [forbidden]);
    let detail = "The value must have 1 to 40 characters, and has 0.";
    assert_eq!(problems(json!({"prefix": ""})).await, [error_at("prefix", "Invalid length", detail)]);
    world.end().await;
}

/// Two thousand things, each of a kilobyte.
fn many(world: &World) -> Vec<String> {
    let note = "x".repeat(1000);
    let state = world.thing(json!({"name": "many", "enabled": true, "revision": 1, "note": note}));
    let json = state.to_json(world.schemas.resource(THING).ty()).unwrap();
    let ids: Vec<String> = (0..2000).map(|number| format!("id-{number:04}")).collect();
    for id in &ids {
        std::fs::write(world.file(id), &json).unwrap();
    }
    ids
}

#[tokio::test]
async fn thousands_come_in_order_and_wait_for_a_slow_reader() {
    let world = World::start().await;
    let ids = many(&world);
    let request = Request { include_resource_object: true, ..world.to_list(json!({})) };
    let mut slow = answer!(world, list_resource, request);
    let mut names = vec![slow.message().await.unwrap().unwrap().display_name];
    // More than a connection takes before somebody reads; others go on meanwhile.
    let all_at_once = all(answer!(world, list_resource, world.to_list(json!({})))).await;
    assert!(all_at_once.iter().map(|event| &event.display_name).eq(&ids));
    names.extend(all(slow).await.into_iter().map(|event| event.display_name));
    assert_eq!(names, ids);
    world.end().await;
}

#[tokio::test]
async fn a_list_whose_reader_has_gone_ends() {
    let world = World::talkative().await;
    many(&world);
    for request in [
        // In the middle of its work, and while it waits for something else.
        Request { include_resource_object: true, ..world.to_list(json!({})) },
        world.to_list(json!({"mood": "slow-list"})),
    ] {
        let before = world.answers("ListResource");
        let mut events = answer!(world, list_resource, request);
        assert_eq!(events.message().await.unwrap().unwrap().display_name, "id-0000");
        assert_eq!(world.answers("ListResource"), before);
        drop(events);
        world.until("it has ended", || world.answers("ListResource") == before + 1).await;
    }
    world.end().await;
}
