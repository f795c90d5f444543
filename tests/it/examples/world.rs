//! A server, and an example that Terraform has applied to it.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use justiam_sdk::api::ids::TaskId;
use justiam_sdk::api::runs::Run;
use justiam_sdk::api::values::RunStatus;
use justiam_server::clock::{Clock as _, SystemClock};
use justiam_server::config::Config;
use justiam_server::driver::execute::script::Network;
use justiam_tests::server::TestServer;
use justiam_tests::terraform::{Said, Workspace, said};
use serde_json::{Value, json};

use crate::api::support::Api;

/// A server and the folder of one example.
pub(super) struct World {
    api: Api,
    workspace: Workspace,
}

impl World {
    /// A copy of an example, and a server that allows scripts no more than this network. It shows the machine's time, because
    /// scripts compare what it stores with that.
    pub(super) async fn of(example: &str, network: Network) -> Self {
        Self::with(example, network, |_| {}).await
    }

    /// The same, with other settings of the server than usual.
    pub(super) async fn with(example: &str, network: Network, change: impl FnOnce(&mut Config)) -> Self {
        let server = TestServer::start_with(|config| {
            config.script_network = network;
            change(config);
        })
        .await;
        server.clock.advance(server.clock.now().duration_until(SystemClock.now()));
        let workspace = Workspace::new(&server.endpoint, &server.token);
        for file in fs::read_dir(folder(example)).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), workspace.path().join(file.file_name())).unwrap();
        }
        Self { api: Api::with(server), workspace }
    }

    /// Applies the example with these variables, and fails the test unless a second plan is empty.
    pub(super) async fn apply(&self, variables: &Value) {
        self.variables(variables);
        self.workspace.apply().await.ok();
        self.workspace.plan_nothing().await;
    }

    /// Variables of the example.
    pub(super) fn variables(&self, variables: &Value) {
        self.file("terraform.tfvars.json", &variables.to_string());
    }

    /// Runs commands of a shell in the example's folder, where Terraform asks nothing. They must end well.
    pub(super) async fn shell(&self, commands: &str) -> Said {
        let mut shell = self.workspace.program("sh", &["-euc", commands]);
        shell.env("TF_CLI_ARGS_apply", "-input=false -no-color -auto-approve");
        said(&shell.output().await.unwrap()).ok()
    }

    /// A file beside the example.
    pub(super) fn file(&self, name: &str, text: &str) {
        self.workspace.file(name, text);
    }

    /// Triggers the example's task and waits for its end.
    pub(super) async fn run(&self) -> Run {
        let run = self.api.server.client.tasks().run(self.task()).await.unwrap();
        self.api.server.ended(run.id).await
    }

    /// Waits for the end of the only run that the example's task has.
    pub(super) async fn only_run(&self) -> Run {
        let page = self.get(&format!("/tasks/{}/runs", self.task())).await;
        let [run] = rows(&page) else { panic!("not one run: {page}") };
        self.api.server.ended(id(run).parse().unwrap()).await
    }

    /// The output of a run, which must succeed.
    pub(super) async fn output(&self) -> String {
        let run = self.run().await;
        assert_eq!(run.status, RunStatus::Success, "{:?}", run.error);
        run.output.unwrap()
    }

    /// The error of a run, which must fail.
    pub(super) async fn error(&self) -> String {
        let run = self.run().await;
        assert_eq!(run.status, RunStatus::Error, "{:?}", run.output);
        run.error.unwrap()
    }

    fn task(&self) -> TaskId {
        let state: Value = serde_json::from_str(&self.workspace.state_text()).unwrap();
        let [task] = state["resources"].as_array().unwrap().as_slice() else { panic!("an example has one task") };
        task["instances"][0]["attributes"]["id"].as_str().unwrap().parse().unwrap()
    }

    /// Moves the server's clock.
    pub(super) fn advance_days(&self, days: i64) {
        self.api.server.clock.advance(SignedDuration::from_hours(24 * days));
    }

    /// What the server says.
    pub(super) async fn get(&self, path: &str) -> Value {
        self.api.get(&format!("/api/v1{path}")).await.expect(200).json()
    }

    /// Creates something. Returns the whole answer.
    pub(super) async fn post(&self, path: &str, body: &Value) -> Value {
        self.api.send("POST", &format!("/api/v1{path}"), body).await.expect(201).json()
    }

    /// Creates a user, active unless `more` says otherwise. Returns the id.
    pub(super) async fn user(&self, email: &str, more: &Value) -> String {
        let mut body = json!({ "email": email, "first_name": "", "last_name": "" });
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        id(&self.post("/users", &body).await)
    }

    /// Creates a group with members. Returns the id.
    pub(super) async fn group(&self, name: &str, members: &[&str]) -> String {
        let group = id(&self.post("/groups", &json!({ "name": name })).await);
        for member in members {
            self.api.request("PUT", &format!("/api/v1/groups/{group}/members/{member}")).send().await.unwrap();
        }
        group
    }

    /// Creates a federated provider. Returns the id.
    pub(super) async fn provider(&self, name: &str, provider_type: &str) -> String {
        id(&self.post("/federated-providers", &json!({ "name": name, "provider_type": provider_type })).await)
    }

    /// The e-mail addresses of a group's members, in order.
    pub(super) async fn members(&self, group: &str) -> Vec<String> {
        let page = self.get(&format!("/groups/{group}/members?limit=100")).await;
        let mut emails: Vec<_> = rows(&page).iter().map(|user| text(&user["email"])).collect();
        emails.sort();
        emails
    }

    /// Everybody: e-mail address, first and last name, and whether they are active.
    pub(super) async fn users(&self) -> Vec<(String, String, bool)> {
        let page = self.get("/users?limit=100").await;
        let mut users: Vec<_> = rows(&page)
            .iter()
            .map(|user| {
                let name = format!("{} {}", text(&user["first_name"]), text(&user["last_name"]));
                (text(&user["email"]), name.trim().to_owned(), user["is_active"].as_bool().unwrap())
            })
            .collect();
        users.sort();
        users
    }

    /// Who is active, in order.
    pub(super) async fn active(&self) -> Vec<String> {
        self.users().await.into_iter().filter(|(_, _, active)| *active).map(|(email, _, _)| email).collect()
    }

    /// What scripts have printed, of all runs.
    pub(super) async fn logs(&self) -> String {
        let mut logs = String::new();
        for run in rows(&self.get("/task-runs?limit=100").await) {
            logs += &self.api.get(&format!("/api/v1/task-runs/{}/log", id(run))).await.expect(200).text;
        }
        logs
    }

    /// Fails the test if a text stands anywhere in what the server tells about its runs and tasks.
    pub(super) async fn assert_untold(&self, secret: &str) {
        for path in ["/task-runs", "/tasks", "/audit-log"] {
            let told = self.api.get(&format!("/api/v1{path}?limit=100")).await.text;
            assert!(!told.contains(secret), "{path} tells a secret: {told}");
        }
        let logs = self.logs().await;
        assert!(!logs.contains(secret), "a log tells a secret: {logs}");
    }
}

/// The folder of an example in the repository.
pub(super) fn folder(example: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/scripts").join(example)
}

/// The rows of a page, which must hold all there are.
pub(super) fn rows(page: &Value) -> &[Value] {
    let rows = page["data"].as_array().unwrap();
    assert_eq!(page["total"], rows.len(), "there is more than one page");
    rows
}

pub(super) fn id(object: &Value) -> String {
    text(&object["id"])
}

pub(super) fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// A time that many days before the machine's.
pub(super) fn days_ago(days: i64) -> String {
    SystemClock.now().checked_sub(SignedDuration::from_hours(24 * days)).unwrap().to_string()
}
