//! Lists, by which users find what a server has and take it over. Terraform 1.14 and later use them.

use justiam_sdk::api::schedules::{NewSchedule, NewScheduleStep};
use justiam_sdk::api::tasks::NewTask;
use justiam_tests::faults::{Fault, Faults};
use justiam_tests::programs::program;
use justiam_tests::server::TestServer;
use serde_json::{Value as Json, json};
use tfplugin_client::Session;
use tfplugin_client::wire::tfplugin6::list_resource::{Event, Request};
use tfplugin_client::wire::tfplugin6::validate_list_resource_config;

use super::SCRIPT;

const TASK: &str = "justiam_scheduled_task";
const SCHEDULE: &str = "justiam_schedule";

/// A server behind a way that tells of its requests, and a provider that is configured for it.
struct World {
    server: TestServer,
    faults: Faults,
    session: Session,
}

impl World {
    async fn start() -> Self {
        let server = TestServer::start().await;
        let faults = Faults::start(&server.endpoint).await;
        let session = Session::start(&program("terraform-provider-justiam")).await;
        let problems = session.configure(json!({"endpoint": faults.endpoint, "token": server.token})).await;
        assert_eq!(problems, []);
        Self { server, faults, session }
    }

    async fn task(&self, name: &str, enabled: bool) {
        let mut new = NewTask::cron_script(name, "0 3 * * *", SCRIPT);
        new.enabled = Some(enabled);
        new.config = Some(json!({"a": 1}));
        new.secrets = Some([("KEY".to_owned(), "canary".into())].into());
        self.server.client.tasks().create(&new).await.unwrap();
    }

    async fn events(&self, type_name: &str, filter: Json, limit: i64, with_state: bool) -> Vec<Event> {
        let schema = self.session.schemas().await.list_resource(type_name);
        let request = Request {
            type_name: type_name.to_owned(),
            config: Some(schema.encode(&schema.object(filter))),
            include_resource_object: with_state,
            limit,
        };
        let mut stream = self.session.provider().list_resource(request).await.unwrap().into_inner();
        let mut events = Vec::new();
        while let Some(event) = stream.message().await.unwrap() {
            events.push(event);
        }
        events
    }

    /// The names of what is found, without problems.
    async fn names(&self, type_name: &str, filter: Json, limit: i64) -> Vec<String> {
        let events = self.events(type_name, filter, limit, false).await;
        let name = |event: Event| {
            assert_eq!((event.diagnostic, event.resource_object), (vec![], None));
            event.display_name
        };
        events.into_iter().map(name).collect()
    }

    /// The requests since the last look, by their targets.
    fn requests(&self) -> Vec<String> {
        self.faults.take().into_iter().map(|seen| seen.target).collect()
    }
}

#[tokio::test]
async fn tasks_are_found_by_filters_and_built_in_ones_are_left_out() {
    let world = World::start().await;
    for (name, enabled) in [("Alpha", true), ("beta", true), ("Alpine", false)] {
        world.task(name, enabled).await;
    }
    for (filter, names) in [
        (json!({}), &["Alpha", "beta", "Alpine"][..]),
        (json!({"search": "alp"}), &["Alpha", "Alpine"]),
        (json!({"enabled": true}), &["Alpha", "beta"]),
        (json!({"enabled": false, "search": "a"}), &["Alpine"]),
        (json!({"task_type": "script"}), &["Alpha", "beta", "Alpine"]),
        (json!({"task_type": "audit_log_cleanup"}), &[]),
        (json!({"search": "nobody"}), &[]),
    ] {
        assert_eq!(world.names(TASK, filter.clone(), 0).await, names, "{filter}");
    }
    let validate = async |filter| {
        let schema = world.session.schemas().await.list_resource(TASK);
        let config = Some(schema.encode(&schema.object(filter)));
        let request =
            validate_list_resource_config::Request { type_name: TASK.to_owned(), config, ..Default::default() };
        world.session.provider().validate_list_resource_config(request).await.unwrap().into_inner().diagnostics
    };
    assert_eq!(validate(json!({"task_type": "script"})).await, []);
    assert_eq!(validate(json!({"task_type": "Script"})).await[0].summary, "Invalid task type");
}

#[tokio::test]
async fn a_limit_is_kept_and_no_more_is_asked_for_than_is_wanted() {
    let world = World::start().await;
    for number in 0..12 {
        world.task(&format!("Task {number:02}"), true).await;
    }
    world.requests();
    let names: Vec<String> = (0..12).map(|number| format!("Task {number:02}")).collect();
    for limit in [1, 5, 12, 100] {
        let expected = &names[..12.min(usize::try_from(limit).unwrap())];
        assert_eq!(world.names(TASK, json!({}), limit).await, expected, "limit {limit}");
        // The seven built-in tasks do not make a second page of one.
        assert_eq!(world.requests(), [format!("/api/v1/tasks?page=1&limit={}", limit + 7)], "limit {limit}");
    }
    assert_eq!(world.names(TASK, json!({}), 0).await, names);
    assert_eq!(world.requests(), ["/api/v1/tasks?page=1&limit=500"]);
}

#[tokio::test]
async fn the_state_comes_only_where_it_is_wanted_page_by_page_and_without_a_secret() {
    let world = World::start().await;
    for number in 0..101 {
        world.task(&format!("Task {number:03}"), true).await;
    }
    world.requests();
    let events = world.events(TASK, json!({}), 0, true).await;
    assert_eq!(events.len(), 101);
    let include = "include=script%2Cconfig%2Ctask_config%2Csecrets";
    let pages = [1, 2].map(|page| format!("/api/v1/tasks?page={page}&limit=100&{include}"));
    assert_eq!(world.requests(), pages);

    let tasks = world.session.resource(TASK).await;
    for event in &events {
        assert_eq!(event.diagnostic, []);
        let state = tasks.schema.decode(event.resource_object.as_ref()).unwrap();
        let identity = tasks.identity.unwrap().decode(event.identity.as_ref()).unwrap();
        assert_eq!(state.get("id"), identity.get("id"));
        assert_eq!(state.get("name"), Some(&event.display_name.as_str().into()));
        assert_eq!((state.get("script"), state.get("config")), (Some(&SCRIPT.into()), Some(&"{\"a\":1}".into())));
        assert!(state.get("secrets").unwrap().is_null());
        assert!(!String::from_utf8_lossy(&event.resource_object.as_ref().unwrap().msgpack).contains("canary"));
    }
    // What is listed is what an import by its identity reads.
    let identity = tasks.identity.unwrap().decode(events[0].identity.as_ref()).unwrap();
    let by: Json = serde_json::from_slice(&identity.to_json(tasks.identity.unwrap().ty()).unwrap()).unwrap();
    let read = tasks.refresh(&tasks.import_by_identity(&by).await.ok()).await.ok().unwrap();
    assert!(read.value == tasks.schema.decode(events[0].resource_object.as_ref()).unwrap(), "the states differ");
}

#[tokio::test]
async fn schedules_are_found_with_their_steps_and_without_passwords() {
    let world = World::start().await;
    let sql = NewScheduleStep::sql_script("postgres://u:canary@db.example.com/x", "/c.sql");
    let schedules = world.server.client.schedules();
    schedules.create(&NewSchedule::manual("Nightly").then(NewScheduleStep::executable("/a")).then(sql)).await.unwrap();
    let mut daily = NewSchedule::manual("Daily");
    daily.description = Some("not NIGHTLY at all".into());
    schedules.create(&daily).await.unwrap();
    schedules.create(&NewSchedule::manual("Weekly")).await.unwrap();
    world.requests();
    assert_eq!(world.names(SCHEDULE, json!({}), 0).await, ["Nightly", "Daily", "Weekly"]);
    assert_eq!(world.names(SCHEDULE, json!({"search": "nightly"}), 0).await, ["Nightly", "Daily"]);
    assert_eq!(world.names(SCHEDULE, json!({}), 2).await, ["Nightly", "Daily"]);
    let base = "/api/v1/schedules?page=1&pageSize=";
    assert_eq!(world.requests(), [format!("{base}500"), format!("{base}500&search=nightly"), format!("{base}2")]);

    let events = world.events(SCHEDULE, json!({}), 1, true).await;
    let objects = world.session.resource(SCHEDULE).await;
    let [event] = &events[..] else { panic!("one schedule") };
    let state = objects.schema.decode(event.resource_object.as_ref()).unwrap();
    assert_eq!((&event.diagnostic[..], &*event.display_name), (&[][..], "Nightly"));
    let steps: Json = serde_json::from_slice(&state.to_json(objects.schema.ty()).unwrap()).unwrap();
    assert_eq!(steps["steps"][0]["executable_path"], "/a");
    assert_eq!(steps["steps"][1]["sql_script_path"], "/c.sql");
    assert!(!steps.to_string().contains("canary"), "{steps}");
}

#[tokio::test]
async fn what_was_found_before_an_error_is_shown() {
    let world = World::start().await;
    for number in 0..101 {
        world.task(&format!("Task {number:03}"), true).await;
    }
    world.faults.inject("GET", "page=2", 1, Fault::problem(403, "FORBIDDEN", "the token lacks `tasks.view`"));
    let mut events = world.events(TASK, json!({}), 0, true).await;
    let last = events.pop().unwrap();
    // The first page has the built-in tasks too.
    assert_eq!(events.len(), 93);
    assert_eq!((last.display_name, last.identity), (String::new(), None));
    assert_eq!(last.diagnostic[0].summary, "Could not list the tasks");
    assert!(last.diagnostic[0].detail.starts_with("The server answered 403"), "{:?}", last.diagnostic);
}
