//! A connected system with a file, and run profiles that are executed without a server.

use std::path::PathBuf;
use std::sync::Arc;

use justiam_sdk::api::activities::ActivityStatus;
use justiam_sdk::api::connected_systems::{ConnectedSystem, RunProfile, RunType};
use justiam_sdk::api::executions::InitiatorType;
use justiam_sdk::api::ids::ActivityId;
use justiam_sdk::api::users::User;
use justiam_server::allowed_folders::AllowedFolders;
use justiam_server::app::App;
use justiam_server::app::caller::Caller;
use justiam_server::app::connector::execute_run_profile;
use justiam_server::app::vault::Vault;
use justiam_server::lifecycle::Shutdown;
use justiam_server::store::activities::{self, StepEnding};
use justiam_server::store::executions::Initiator;
use justiam_server::store::identity::{groups, users};
use justiam_server::store::{Db, active_steps, audit, connector_objects};
use justiam_tests::backend::{self, Backend};
use justiam_tests::clock::ManualClock;
use justiam_tests::server::START;
use serde_json::{Value, json};
use tempfile::TempDir;

/// A database with one connected system, and the folder with its file.
pub(super) struct World {
    pub(super) db: Db,
    pub(super) app: Arc<App>,
    pub(super) system: ConnectedSystem,
    pub(super) folder: TempDir,
    /// Stops what is executed.
    pub(super) shutdown: Shutdown,
    pub(super) clock: ManualClock,
    _backend: Backend,
}

/// Somebody who may do everything.
pub(super) fn admin() -> Caller {
    Caller {
        principal: "account:test".into(),
        name: "test".into(),
        permissions: Vec::new(),
        is_admin: true,
        expires_at: None,
        token: None,
        request_id: None,
    }
}

impl World {
    /// An inbound connected system whose file has all kinds of columns.
    pub(super) async fn inbound(backend: Backend) -> Self {
        Self::with(backend, "Inbound", json!({})).await
    }

    /// An outbound one.
    pub(super) async fn outbound(backend: Backend) -> Self {
        Self::with(backend, "Outbound", json!({})).await
    }

    /// A connected system with other columns.
    pub(super) async fn with(backend: Backend, direction: &str, csv: Value) -> Self {
        let db = backend.store().await;
        let clock = ManualClock::at(START);
        let vault = Vault::new(&"a secret of a server that is long enough".into()).unwrap();
        let app = Arc::new(App::new(db.clone(), Arc::new(clock.clone()), vault));
        let folder = TempDir::new().unwrap();
        let system = add_system(&app, &folder, "HR", direction, csv).await;
        Self { db, app, system, folder, shutdown: Shutdown::default(), clock, _backend: backend }
    }

    /// Another connected system.
    pub(super) async fn another(&self, name: &str, direction: &str, csv: Value) -> ConnectedSystem {
        add_system(&self.app, &self.folder, name, direction, csv).await
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes the file of the connected system.
    pub(super) fn write(&self, text: &str) {
        self.write_as("HR.csv", text);
    }

    pub(super) fn write_as(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    pub(super) fn read(&self) -> String {
        std::fs::read_to_string(self.path("HR.csv")).unwrap()
    }

    /// Executes a run profile of the connected system.
    pub(super) async fn run(&self, run_type: RunType) -> StepEnding {
        self.run_of(&self.system, run_type).await
    }

    pub(super) async fn run_of(&self, system: &ConnectedSystem, run_type: RunType) -> StepEnding {
        self.run_with(system, json!({ "runType": run_type, "pageSize": 2 })).await
    }

    /// Executes a run profile with this body, as a worker does.
    pub(super) async fn run_with(&self, system: &ConnectedSystem, body: Value) -> StepEnding {
        let profile = self.profile(system, body).await;
        let (id, attempt) = self.claim(system, &profile).await;
        let ending = self.attempt(&profile, id, attempt).await;
        let mut tx = self.db.write().await.unwrap();
        active_steps::take_ended(&mut tx, "w", id, attempt).await.unwrap().unwrap();
        tx.commit().await.unwrap();
        ending
    }

    /// Executes a run profile for an activity in one attempt.
    pub(super) async fn attempt(&self, profile: &RunProfile, id: ActivityId, attempt: i32) -> StepEnding {
        let folders = AllowedFolders::new(&[self.folder.path().to_owned()], "/nonexistent".as_ref()).unwrap();
        execute_run_profile(&self.app, &self.db, &folders, id, attempt, profile.id, &self.shutdown.soft).await
    }

    /// Makes a run profile.
    pub(super) async fn profile(&self, system: &ConnectedSystem, mut body: Value) -> RunProfile {
        let count = self.app.list_run_profiles(&admin(), system.id).await.unwrap().len();
        body["name"] = json!(format!("profile {count}"));
        let Value::Object(body) = body else { panic!("{body}") };
        self.app.create_run_profile(&admin(), system.id, body, None).await.unwrap()
    }

    /// Records an activity and starts it.
    pub(super) async fn claim(&self, system: &ConnectedSystem, profile: &RunProfile) -> (ActivityId, i32) {
        use justiam_server::clock::Clock as _;
        let now = self.clock.now();
        // Each run profile is executed one time.
        let id: ActivityId = format!("019b0000-0000-7000-8000-{:012x}", profile.id).parse().unwrap();
        let initiator = Initiator { kind: InitiatorType::System, id: None, name: None };
        let mut tx = self.db.write().await.unwrap();
        assert!(activities::insert_run_profile(&mut tx, id, system.id, profile.id, &initiator, now).await.unwrap());
        let (claimed, _) = active_steps::claim(&mut tx, "w", now, now, 10).await.unwrap();
        tx.commit().await.unwrap();
        (id, claimed[0].attempt)
    }

    /// Does something behind everybody's back.
    pub(super) async fn execute(&self, sql: &str) {
        let mut tx = self.db.write().await.unwrap();
        backend::execute(&mut tx, sql).await;
        tx.commit().await.unwrap();
    }

    /// All users: address, names, `-` for those who may not sign in, attributes and groups.
    pub(super) async fn users(&self) -> Vec<String> {
        let mut tx = self.db.read().await.unwrap();
        let (users, _) = users::list(&mut tx, &users::Filter::default(), 0, 1000).await.unwrap();
        let mut shown = Vec::new();
        for user in users {
            let filter = groups::Filter { user: Some(user.id), ..groups::Filter::default() };
            let (groups, _) = groups::list(&mut tx, &filter, 0, 1000).await.unwrap();
            let groups: Vec<String> = groups.into_iter().map(|group| group.name).collect();
            let attributes: Vec<String> = user.attributes.iter().map(|(key, value)| format!("{key}={value}")).collect();
            let active = if user.is_active { "" } else { " -" };
            let User { email, first_name, last_name, .. } = &user;
            let text =
                format!("{email} {first_name} {last_name}{active} {} [{}]", attributes.join(","), groups.join(","));
            shown.push(text);
        }
        shown
    }

    /// All objects of the connected system: the id, and how they stand.
    pub(super) async fn objects(&self) -> Vec<String> {
        let mut tx = self.db.read().await.unwrap();
        let mut shown = Vec::new();
        for is_gone in [false, true] {
            let filter = connector_objects::Filter { is_gone, only_changed: false };
            let objects = connector_objects::after(&mut tx, self.system.id, filter, "", 1000).await.unwrap();
            shown.extend(objects.into_iter().map(|object| {
                let words = [
                    (is_gone, "gone"),
                    (object.user.is_some(), "linked"),
                    (object.pending_export.is_some(), "pending"),
                ];
                let words = words.into_iter().filter_map(|(is, word)| is.then_some(word));
                [object.external_id.as_str()].into_iter().chain(words).collect::<Vec<_>>().join(" ")
            }));
        }
        shown
    }

    /// The actions in the audit log by the run profiles, oldest first.
    pub(super) async fn actions(&self) -> Vec<String> {
        let mut tx = self.db.read().await.unwrap();
        let (entries, _) = audit::list(&mut tx, &audit::Filter::default(), 0, 1000).await.unwrap();
        let by_profiles = entries.into_iter().rev().filter(|entry| entry.actor.starts_with("run profile HR - "));
        by_profiles.map(|entry| format!("{} {}", entry.action, entry.object_name.unwrap())).collect()
    }
}

async fn add_system(app: &App, folder: &TempDir, name: &str, direction: &str, csv: Value) -> ConnectedSystem {
    let mut all = json!({
        "filePath": folder.path().join(format!("{name}.csv")), "idColumn": "id", "emailColumn": "email",
        "firstNameColumn": "first", "lastNameColumn": "last", "activeColumn": "active", "groupsColumn": "groups",
        "attributeColumns": { "dept": "department" },
    });
    for (field, value) in csv.as_object().unwrap() {
        all[field] = value.clone();
    }
    let Value::Object(body) = json!({ "name": name, "direction": direction, "csv": all }) else { unreachable!() };
    app.create_connected_system(&admin(), body, None).await.unwrap()
}

/// How an activity ended: its status, its message, its error, and the errors of objects.
pub(super) fn told(ending: &StepEnding) -> String {
    let errors = ending.objects.errors.iter().map(|error| format!("{}: {}", error.object, error.message));
    let parts = [Some(ending.status.to_string()), ending.message.clone(), ending.error.clone()];
    parts.into_iter().flatten().chain(errors).collect::<Vec<_>>().join(" | ")
}

/// Fails unless the activity has ended well and says this.
#[track_caller]
pub(super) fn complete(ending: &StepEnding, message: &str) {
    assert_eq!((&ending.status, ending.message.as_deref()), (&ActivityStatus::Complete, Some(message)), "{ending:?}");
}
