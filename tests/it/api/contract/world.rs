//! One thing of each kind, and requests about them.

use std::collections::BTreeMap;

use justiam_sdk::api::operations::Operation;
use justiam_sdk::api::paths::routes;
use reqwest::RequestBuilder;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};

use crate::api::support::{Api, SCRIPT, answer};

/// Longer at work than a test.
const SLOW: &str = "package task\n\nimport \"time\"\n\nfunc Run() (string, error) {\n\ttime.Sleep(25 * time.Second)\n\treturn \"\", nil\n}\n";

const PROVIDER: &str = "0199f2a6-0000-7000-8000-0000000000a1";
const USER: &str = "0199f2a6-0000-7000-8000-0000000000b1";
const APPROVER: &str = "0199f2a6-0000-7000-8000-0000000000b2";
const GROUP: &str = "0199f2a6-0000-7000-8000-0000000000c1";
const APPLICATION: &str = "0199f2a6-0000-7000-8000-0000000000d1";

/// A server with one thing of each kind.
pub(super) struct World {
    pub(super) api: Api,
    /// What stands in the place of the parameters of a path, by the beginning of the path.
    ids: BTreeMap<&'static str, Vec<String>>,
}

impl World {
    pub(super) async fn new() -> Self {
        let api = Api::start().await;
        let users =
            json!([{ "id": USER, "email": "alice@example.com" }, { "id": APPROVER, "email": "bob@example.com" }]);
        api.server
            .seed(&json!({
                "federated_providers": [{ "id": PROVIDER, "name": "Directory", "provider_type": "ldap" }],
                "users": users,
                "groups": [{ "id": GROUP, "name": "staff" }],
                "applications": [{ "id": APPLICATION, "name": "portal", "application_type": "oidc" }]
            }))
            .await;
        let mut world = Self { api, ids: BTreeMap::new() };
        world.keep(routes::FEDERATED_PROVIDER, &[PROVIDER]);
        world.keep(routes::USER, &[USER]);
        world.keep(routes::USER_IDENTITY, &[USER, PROVIDER]);
        world.keep(routes::GROUP, &[GROUP]);
        world.keep(routes::GROUP_MEMBER, &[GROUP, USER]);
        world.keep(routes::APPLICATION, &[APPLICATION]);
        world.add_tasks_and_requests().await;
        world.add_schedules().await;
        world.add_tokens().await;
        world
    }

    async fn add_tasks_and_requests(&mut self) {
        let task = json!({ "name": "t", "task_type": "script", "schedule_type": "once", "script": SCRIPT });
        let task = self.make(routes::TASK, routes::TASKS, &task).await;
        let run = self.start(&routes::TASK_RUN.replace("{id}", &task)).await;
        self.keep(routes::RUN, &[run["id"].as_str().unwrap()]);
        let slow = json!({ "name": "slow", "task_type": "script", "schedule_type": "once", "script": SLOW });
        let slow = self.post(routes::TASKS, &slow).await["id"].as_str().unwrap().to_owned();
        let run = self.start(&routes::TASK_RUN.replace("{id}", &slow)).await;
        self.keep(routes::RUN_CANCEL, &[run["id"].as_str().unwrap()]);
        for (item, template) in [(routes::ACCESS_REQUEST_APPROVE, "one"), (routes::ACCESS_REQUEST, "other")] {
            let request = json!({ "requester_id": USER, "template_name": template });
            self.make(item, routes::ACCESS_REQUESTS, &request).await;
        }
    }

    async fn add_schedules(&mut self) {
        // One connected system to change and to delete, and one that is at work.
        for (name, item, profile_item) in [
            ("busy", routes::RUN_PROFILES, routes::RUN_PROFILE_EXECUTE),
            ("hr", routes::CONNECTED_SYSTEM, routes::RUN_PROFILE),
        ] {
            let csv = json!({ "filePath": "/srv/none.csv", "idColumn": "id", "emailColumn": "mail" });
            let system = self.make(item, routes::CONNECTED_SYSTEMS, &json!({ "name": name, "csv": csv })).await;
            let profiles = routes::RUN_PROFILES.replace("{id}", &system);
            let profile =
                self.post(&profiles, &json!({ "name": "in", "runType": "FullImport" })).await["id"].to_string();
            self.keep(profile_item, &[&system, &profile]);
        }
        for (name, item) in [("s", routes::SCHEDULE), ("runs", routes::SCHEDULE_RUN)] {
            let step = json!({ "stepIndex": 0, "stepType": "Executable", "executablePath": "/opt/none" });
            self.make(item, routes::SCHEDULES, &json!({ "name": name, "steps": [step] })).await;
        }
        let run = routes::SCHEDULE_RUN.replace("{id}", &self.ids[routes::SCHEDULE_RUN][0]);
        let execution = self.start(&run).await;
        self.keep(routes::EXECUTION, &[execution["executionId"].as_str().unwrap()]);
        let activities = self.api.get(routes::ACTIVITIES).await.expect(200).json();
        self.keep(routes::ACTIVITY, &[activities["items"][0]["id"].as_str().unwrap()]);
    }

    async fn add_tokens(&mut self) {
        self.make(routes::SERVICE_ACCOUNT, routes::SERVICE_ACCOUNTS, &json!({ "name": "old" })).await;
        let account = json!({ "name": "robot", "permissions": ["tasks.view"] });
        let account = self.make(routes::SERVICE_ACCOUNT_TOKENS, routes::SERVICE_ACCOUNTS, &account).await;
        let tokens = routes::SERVICE_ACCOUNT_TOKENS.replace("{id}", &account);
        let token = self.post(&tokens, &json!({ "name": "robot" })).await["id"].as_str().unwrap().to_owned();
        self.keep(routes::SERVICE_ACCOUNT_TOKEN, &[&account, &token]);
        self.make(routes::MY_TOKEN, routes::MY_TOKENS, &json!({ "name": "mine" })).await;
        self.make(routes::SHORT_TOKEN, routes::SHORT_TOKENS, &json!({ "ttl_seconds": 60 })).await;
    }

    fn keep(&mut self, route: &'static str, ids: &[&str]) {
        self.ids.insert(route, ids.iter().map(|id| (*id).to_owned()).collect());
    }

    async fn start(&self, path: &str) -> Value {
        answer(self.api.request("POST", path)).await.expect(202).json()
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        self.api.send("POST", path, body).await.expect(201).json()
    }

    /// Creates something and keeps its id.
    async fn make(&mut self, item: &'static str, list: &str, body: &Value) -> String {
        let made = self.post(list, body).await["id"].clone();
        let id = made.as_str().map_or_else(|| made.to_string(), str::to_owned);
        self.keep(item, &[&id]);
        id
    }

    /// What the table says of an operation, about what there is. Without a token.
    pub(super) fn request(&self, operation: &Operation) -> RequestBuilder {
        let known = self.ids.iter().filter(|(route, _)| operation.path.starts_with(**route));
        // The longest beginning says most.
        let ids = known.max_by_key(|(route, _)| route.len()).map(|(_, ids)| ids.clone()).unwrap_or_default();
        let path = operation
            .path_parameters()
            .zip(ids)
            .fold(operation.path.to_owned(), |path, (name, id)| path.replace(&format!("{{{name}}}"), &id));
        let request = self.api.anonymous(operation.method.as_str(), &path);
        match operation.example {
            Some(example) => request.header(CONTENT_TYPE, "application/json").body(example),
            None => request,
        }
    }
}
