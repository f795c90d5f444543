//! The author's code panics: one call fails, and all else goes on.

use serde_json::{Value as Json, json};
use tfplugin_client::UNKNOWN;
use tfplugin_client::wire::tfplugin6::{self as pb, Diagnostic};

use super::problems::error;
use super::resource::{full_state, with};
use super::{World, all, ended};

/// The name of the file in which the code is.
const MAIN: &str = "main.rs";

/// That there is one problem, a panic in the operation, and that it says where.
#[track_caller]
fn panicked(problems: &[Diagnostic], operation: &str, file: &str) {
    let [problem] = problems else { panic!("not one problem: {problems:?}") };
    let place = told(&problem.detail, operation, file);
    let detail =
        format!("this thing panics in {operation} (at {place}). This is a mistake in the provider; please report it.");
    assert_eq!(*problem, error("The provider panicked", &detail));
}

/// The place that the text tells: a line and a column of the file.
#[track_caller]
fn told(text: &str, operation: &str, file: &str) -> String {
    let place = text.split_once("(at ").and_then(|(_, rest)| rest.split_once(')')).map(|(place, _)| place);
    let place = place.unwrap_or_else(|| panic!("{operation}: no place in {text:?}"));
    let numbers = place.rsplit_once(&format!("examples/thing/{file}:")).map(|(_, numbers)| numbers.split_once(':'));
    let Some(Some((line, column))) = numbers else { panic!("{operation}: {place:?} is no place in {file}") };
    assert!(line.parse::<u32>().is_ok() && column.parse::<u32>().is_ok(), "{operation}: {place:?}");
    place.to_owned()
}

impl World {
    /// The process lives, serves, and has told of each panic as of an error that it has caught: a line that begins with
    /// `panic: ` would be taken for a crash.
    async fn lives(mut self) {
        assert!(self.session.plugin.is_running());
        self.created(json!({"name": "next"})).await;
        let stderr = self.session.plugin.stderr();
        assert!(!stderr.lines().any(|line| line.starts_with("panic: ")), "{stderr}");
        self.end().await;
    }
}

fn thing(mood: &str) -> Json {
    json!({"id": "id-a", "name": "a", "enabled": true, "revision": 1, "mood": mood})
}

fn planned(mood: &str) -> Json {
    with(&with(&thing(mood), "id", json!(UNKNOWN)), "revision", json!(UNKNOWN))
}

#[tokio::test]
async fn validation_fails() {
    let world = World::start().await;
    let config = || json!({"name": "a", "mood": "panic-validate"});
    let poke = json!({"id": "id-a", "mood": "panic-validate"});
    let key = json!({"thing": "lock", "mood": "panic-validate"});
    let problems = problems!(world;
        validate_resource_config(world.to_validate(config())),
        validate_data_resource_config(world.to_validate_data(config())),
        validate_ephemeral_resource_config(world.to_validate_key(key)),
        validate_action_config(world.to_validate_action(poke)),
        validate_list_resource_config(world.to_validate_list(json!({"mood": "panic-validate"}))),
    );
    for (_, problems) in problems {
        panicked(&problems, "validate", MAIN);
    }
    world.lives().await;
}

#[tokio::test]
async fn a_plan_fails_and_repeats_what_is_there() {
    let world = World::start().await;
    for (mood, operation, config) in
        [("panic-plan", "plan", json!({"name": "a", "mood": "panic-plan"})), ("panic-destroy", "destroy", json!(null))]
    {
        let request = pb::plan_resource_change::Request {
            prior_private: br#"{"kept":1}"#.to_vec(),
            prior_identity: world.identity("id-a"),
            ..world.to_plan(thing(mood), config)
        };
        let answer = answer!(world, plan_resource_change, request);
        panicked(&answer.diagnostics, operation, MAIN);
        let expected = pb::plan_resource_change::Response {
            planned_state: world.wire(thing(mood)),
            planned_private: br#"{"kept":1}"#.to_vec(),
            planned_identity: world.identity("id-a"),
            diagnostics: answer.diagnostics.clone(),
            ..Default::default()
        };
        assert_eq!(answer, expected);
    }
    world.lives().await;
}

#[tokio::test]
async fn a_change_fails_and_keeps_what_is_there() {
    let world = World::start().await;
    let config = |mood: &str| json!({"name": "a", "mood": mood});
    let planned_update = with(&thing("panic-update"), "revision", json!(UNKNOWN));
    for (operation, prior, planned, config) in [
        ("create", json!(null), planned("panic-create"), config("panic-create")),
        ("update", thing(""), planned_update, config("panic-update")),
        ("delete", thing("panic-delete"), json!(null), json!(null)),
    ] {
        let request = pb::apply_resource_change::Request {
            planned_identity: if prior.is_null() { None } else { world.identity("id-a") },
            ..world.to_apply(prior.clone(), planned, config)
        };
        let identity = request.planned_identity.clone();
        let answer = answer!(world, apply_resource_change, request);
        panicked(&answer.diagnostics, operation, MAIN);
        let expected = pb::apply_resource_change::Response {
            new_state: world.wire(prior),
            private: br#"{"kept":1}"#.to_vec(),
            new_identity: identity,
            diagnostics: answer.diagnostics.clone(),
            ..Default::default()
        };
        assert_eq!(answer, expected, "{operation}");
    }
    world.lives().await;
}

#[tokio::test]
async fn what_was_made_before_the_panic_is_not_lost() {
    let world = World::start().await;
    let config = json!({"name": "a", "mood": "panic-identify"});
    let create = world.to_apply(json!(null), planned("panic-identify"), config.clone());
    let update = with(&thing("panic-identify"), "revision", json!(UNKNOWN));
    let update = pb::apply_resource_change::Request {
        planned_identity: world.identity("id-a"),
        ..world.to_apply(thing(""), update, config)
    };
    for (request, revision) in [(create, 1), (update, 2)] {
        let identity = request.planned_identity.clone();
        let answer = answer!(world, apply_resource_change, request);
        panicked(&answer.diagnostics, "identify", MAIN);
        let expected = pb::apply_resource_change::Response {
            new_state: world.wire(with(&thing("panic-identify"), "revision", json!(revision))),
            private: br#"{"kept":1}"#.to_vec(),
            new_identity: identity,
            diagnostics: answer.diagnostics.clone(),
            ..Default::default()
        };
        assert_eq!(world.decoded(answer.new_state.as_ref()), world.decoded(expected.new_state.as_ref()));
        assert_eq!(answer, expected);
        assert!(world.has("id-a"));
    }
    world.lives().await;
}

#[tokio::test]
async fn a_read_fails_and_keeps_what_is_there() {
    let world = World::start().await;
    world.created(json!({"name": "a", "mood": "panic-read"})).await;
    for operation in ["read", "identify"] {
        let state = thing(&format!("panic-{operation}"));
        let file = world.thing(state.clone()).to_json(world.schemas.resource(super::THING).ty()).unwrap();
        std::fs::write(world.file("id-a"), file).unwrap();
        let request =
            pb::read_resource::Request { current_identity: world.identity("id-a"), ..world.to_read(state.clone()) };
        let answer = answer!(world, read_resource, request);
        panicked(&answer.diagnostics, operation, MAIN);
        let expected = pb::read_resource::Response {
            new_state: world.wire(state),
            private: br#"{"kept":1}"#.to_vec(),
            new_identity: world.identity("id-a"),
            diagnostics: answer.diagnostics.clone(),
            ..Default::default()
        };
        assert_eq!(answer, expected);
    }
    world.lives().await;
}

#[tokio::test]
async fn what_comes_from_elsewhere_does_not_come() {
    let world = World::start().await;
    let answer = answer!(world, import_resource_state, world.to_import("panic-import"));
    panicked(&answer.diagnostics, "import", MAIN);
    assert_eq!((answer.imported_resources, answer.deferred), (vec![], None));
    let stored = json!({"id": "id-a", "title": "panic-upgrade"});
    let answer = answer!(world, upgrade_resource_state, world.to_upgrade(0, &stored));
    panicked(&answer.diagnostics, "upgrade", MAIN);
    assert_eq!(answer.upgraded_state, None);
    let stored = json!({"key": "panic-upgrade"});
    let answer = answer!(world, upgrade_resource_identity, world.to_upgrade_identity(0, &stored));
    panicked(&answer.diagnostics, "upgrade", MAIN);
    assert_eq!(answer.upgraded_identity, None);
    let answer = answer!(world, move_resource_state, world.to_move("panic-move"));
    panicked(&answer.diagnostics, "move", MAIN);
    assert_eq!((answer.target_state, answer.target_identity), (None, None));
    let state = with(&full_state(), "mood", json!("panic-generate"));
    let answer = answer!(world, generate_resource_config, world.to_generate(state));
    panicked(&answer.diagnostics, "generate", MAIN);
    assert_eq!(answer.config, None);
    world.lives().await;
}

#[tokio::test]
async fn a_data_source_finds_nothing() {
    let world = World::start().await;
    let answer = answer!(world, read_data_source, world.to_read_data(json!({"name": "a", "mood": "panic-read"})));
    panicked(&answer.diagnostics, "read", MAIN);
    assert_eq!((answer.state, answer.deferred), (None, None));
    world.lives().await;
}

#[tokio::test]
async fn a_key_is_not_opened_and_keeps_what_is_needed_to_close_it() {
    let world = World::start().await;
    let opened = answer!(world, open_ephemeral_resource, world.to_open(json!({"thing": "lock", "mood": "panic-open"})));
    panicked(&opened.diagnostics, "open", MAIN);
    assert_eq!((opened.result, opened.private, opened.renew_at), (None, None, None));
    let request = world.to_renew("lock", "panic-renew");
    let private = request.private.clone();
    let renewed = answer!(world, renew_ephemeral_resource, request);
    panicked(&renewed.diagnostics, "renew", MAIN);
    assert_eq!((renewed.private, renewed.renew_at), (private, None));
    let closed = answer!(world, close_ephemeral_resource, world.to_close("lock", "panic-close"));
    panicked(&closed.diagnostics, "close", MAIN);
    world.lives().await;
}

#[tokio::test]
async fn a_function_has_an_error() {
    let world = World::start().await;
    let answer = answer!(world, call_function, world.to_call("join", &[json!("-"), json!("a"), json!("panic")]));
    let error = answer.error.unwrap();
    let place = told(&error.text, "join", "function.rs");
    let text = format!("this function panics (at {place}). This is a mistake in the provider; please report it.");
    assert_eq!((error, answer.result), (pb::FunctionError { text, function_argument: None }, None));
    world.lives().await;
}

#[tokio::test]
async fn an_action_fails_after_its_progress() {
    let world = World::start().await;
    world.created(json!({"name": "a"})).await;
    let planned = answer!(world, plan_action, world.to_plan_action(json!({"id": "id-a", "mood": "panic-plan"})));
    panicked(&planned.diagnostics, "plan", MAIN);
    let request = world.to_invoke(json!({"id": "id-a", "times": 20, "mood": "panic-invoke"}));
    let (progress, problems) = ended(all(answer!(world, invoke_action, request)).await);
    panicked(&problems, "invoke", MAIN);
    assert_eq!(progress, (1..=20).map(|time| format!("Poke {time}")).collect::<Vec<_>>());
    world.lives().await;
}

#[tokio::test]
async fn a_list_fails_after_what_was_found() {
    let world = World::start().await;
    world.created(json!({"name": "a"})).await;
    world.created(json!({"name": "b"})).await;
    let events = all(answer!(world, list_resource, world.to_list(json!({"mood": "panic-list"})))).await;
    let [found, problem] = &events[..] else { panic!("{events:?}") };
    assert_eq!((&*found.display_name, &found.diagnostic), ("id-a", &vec![]));
    panicked(&problem.diagnostic, "list", MAIN);
    world.lives().await;
}

#[tokio::test]
async fn the_provider_itself_fails_and_is_not_configured() {
    let world = World::start().await;
    let schema = &world.schemas.provider;
    let config = |directory: &str| Some(schema.encode(&schema.object(json!({"directory": directory}))));
    let request = pb::validate_provider_config::Request { config: config("panic-validate") };
    panicked(&answer!(world, validate_provider_config, request).diagnostics, "validate", MAIN);
    let of = |directory| pb::configure_provider::Request { config: config(directory), ..Default::default() };
    panicked(&answer!(world, configure_provider, of("panic-configure")).diagnostics, "configure", MAIN);
    let read = answer!(world, read_resource, world.to_read(thing("")));
    let failed = "The provider's configuration has failed.";
    assert_eq!(read.diagnostics, [error("Provider is not configured", failed)]);
    let directory = world.directory();
    assert_eq!(answer!(world, configure_provider, of(&directory)).diagnostics, []);
    world.lives().await;
}
