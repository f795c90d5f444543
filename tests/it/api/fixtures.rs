//! `justiam-server seed`: files of users and what belongs to them.

mod federation;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use futures::TryStreamExt as _;
use justiam_sdk::api::audit::AuditQuery;
use justiam_sdk::api::values::RunStatus;
use justiam_tests::programs::program;
use justiam_tests::server::TestServer;
use serde_json::{Value, json};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, Connection as _};
use tempfile::TempDir;
use tokio::process::Command;

const ALICE: &str = "0199f2a6-0000-7000-8000-000000000001";
const BOB: &str = "0199f2a6-0000-7000-8000-000000000002";

/// An id that ends with a number.
fn id(number: u32) -> String {
    format!("0199f2a6-0000-7000-8000-{number:012}")
}

/// A folder with the data of a server that does not run.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn data(&self) -> PathBuf {
        self.0.path().join("data")
    }

    async fn load(&self, text: &str) -> Output {
        load(self.0.path(), &self.data(), text).await
    }

    async fn loads(&self, fixtures: &Value) {
        let output = self.load(&fixtures.to_string()).await;
        assert_eq!(output.status.code(), Some(0), "{output:?}");
    }

    /// Loads a file that must be refused, and returns what is said about it, line by line.
    async fn refuses(&self, text: &str) -> Vec<String> {
        let output = self.load(text).await;
        assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(1), b"".as_slice()), "{output:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        let mut lines = said.lines().map(|line| line.trim().to_owned());
        let first = lines.next().unwrap();
        assert!(
            first.starts_with("error: nothing was loaded: ") && first.ends_with("fixtures.json is wrong"),
            "{said}"
        );
        lines.collect()
    }

    /// All rows of all tables of which a file can say something, as text.
    async fn contents(&self) -> Vec<String> {
        let file = self.data().join("justiam.db");
        let mut database = SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(file)).await.unwrap();
        let mut rows = Vec::new();
        for (table, columns) in [
            ("users", "id || email || email_folded || first_name || last_name || is_active || created_at"),
            ("user_groups", "id || name || description || created_at"),
            ("group_members", "group_id || user_id"),
            ("federated_providers", "id || name || provider_type || enabled || created_at"),
            ("federated_identities", "provider_id || subject || user_id || linked_at"),
            ("applications", "id || name || application_type || COALESCE(client_id, '-') || created_at"),
            ("saml_sessions", "id || user_id || COALESCE(application, '-') || created_at || expires_at"),
            ("trusted_devices", "id || user_id || name || created_at || expires_at"),
            (
                "user_messages",
                "id || user_id || subject || body || created_at || deliver_after || COALESCE(delivered_at, '-')",
            ),
            (
                "access_requests",
                "id || requester_id || template_name || status || created_at || COALESCE(expires_at, '-') \
                 || COALESCE(closed_at, '-')",
            ),
            ("access_request_approvers", "request_id || user_id"),
            ("preset_definitions", "name || version || definition || created_at"),
            ("agent_tokens", "id || name || created_at || COALESCE(last_used_at, '-') || COALESCE(revoked_at, '-')"),
            // What loads write there themselves comes of its own.
            (
                "(SELECT * FROM audit_log WHERE action <> 'fixtures.load') AS audit_log",
                "id || at || actor || action || object_kind || COALESCE(object_id, '-') || details",
            ),
        ] {
            let name = table.rsplit(' ').next().unwrap();
            let sql = format!("SELECT '{name} ' || {columns} FROM {table} ORDER BY 1");
            let found: Vec<String> = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&mut database).await.unwrap();
            rows.extend(found);
        }
        rows
    }
}

async fn load(folder: &Path, data: &Path, text: &str) -> Output {
    let file = folder.join("fixtures.json");
    fs::write(&file, text).unwrap();
    seed(data, &file).await
}

async fn seed(data: &Path, file: &Path) -> Output {
    let mut command = Command::new(program("justiam-server"));
    command.args(["seed", "--data-dir"]).arg(data).arg(file);
    command.env_remove("JWT_SECRET").stdin(Stdio::null()).output().await.unwrap()
}

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("examples/fixtures/identity.json")
}

#[tokio::test]
async fn the_example_is_loaded_beside_a_running_server() {
    let server = TestServer::start().await;
    let output = seed(&server.data_dir().join("server"), &example()).await;
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), b"".as_slice()), "{output:?}");
    let expected = "federated_providers: 1\nusers: 2\ngroups: 1\nfederated_identities: 1\napplications: 2\nsaml_sessions: 2\ntrusted_devices: 1\nuser_messages: 2\naccess_requests: 1\n\
        preset_definitions: 2\nagent_tokens: 1\naudit_log: 1\n";
    assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
    server.clock.set("2026-03-01T00:00:30Z");
    for (task_type, expected) in [
        ("saml_session_cleanup", "removed 1 expired SAML session"),
        ("trusted_device_expiry", "removed 1 expired trusted device"),
        ("user_message_delivery", "delivered 1 user message"),
        ("access_request_expiry", "expired 1 access request"),
        ("preset_cache_refresh", "rebuilt the preset cache with 1 preset"),
        ("agent_token_cleanup", "deleted 1 agent token unused for more than 7 days"),
        ("audit_log_cleanup", "deleted 1 audit log entry older than 365 days"),
    ] {
        // The ticks that the clock has passed are caught up, so the first of all runs is theirs.
        let task = server.client.tasks().find(task_type).await.unwrap().unwrap();
        justiam_tests::until("the run", async || {
            let runs: Vec<_> = server.client.tasks().runs(task.id).try_collect().await.unwrap();
            runs.iter().any(|run| run.status == RunStatus::Success && run.output.as_deref() == Some(expected))
        })
        .await;
    }
    let alice = "0190a000-0000-7000-8000-000000000001".parse().unwrap();
    let messages: Vec<_> = server.client.users().messages(alice).try_collect().await.unwrap();
    assert_eq!((messages.len(), messages[0].subject.as_str()), (1, "Welcome"));
}

#[tokio::test]
async fn a_file_that_is_loaded_twice_leaves_the_same() {
    let folder = Folder::new();
    let text = fs::read_to_string(example()).unwrap();
    let output = folder.load(&text).await;
    let note = String::from_utf8(output.stderr).unwrap();
    assert!(
        output.status.code() == Some(0) && note.starts_with("note: ") && note.contains("held no server's data"),
        "{note}"
    );
    let once = folder.contents().await;
    assert_eq!(once.len(), 19);
    let output = folder.load(&text).await;
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), b"".as_slice()), "{output:?}");
    assert_eq!(folder.contents().await, once);
}

#[tokio::test]
async fn a_row_says_all_of_what_it_is_and_other_rows_stay() {
    let folder = Folder::new();
    let message = |number: u32| format!("0199f2a6-0000-7000-8000-00000000030{number}");
    let day = "2026-01-01T00:00:00Z";
    folder
        .loads(&json!({
            "users": [
                {
                    "id": ALICE, "email": "Alice@Example.com", "first_name": "A", "is_active": false, "created_at": day,
                },
                { "id": BOB, "email": "bob@example.com", "created_at": day },
            ],
            "user_messages": [
                {
                    "id": message(1), "user": "ALICE@example.COM", "subject": "s", "body": "b", "created_at": day,
                    "delivered_at": "2026-01-02T00:00:00Z",
                },
                {
                    "id": message(2), "user": BOB.to_uppercase(), "subject": "t", "created_at": day,
                    "deliver_after": "2026-01-03T00:00:00Z",
                },
            ],
        }))
        .await;
    // Addresses change hands, a name goes, the time of creation stays, and a message is pending again.
    folder
        .loads(&json!({
            "users": [{ "id": ALICE, "email": "bob@example.com" }, { "id": BOB, "email": "alice@example.com" }],
            "user_messages": [{ "id": message(1), "user": "alice@example.com", "subject": "s" }],
        }))
        .await;
    let (one, three) = (1_767_225_600_000_000_i64, 1_767_398_400_000_000_i64);
    let expected = [
        format!("users {ALICE}bob@example.combob@example.com1{one}"),
        format!("users {BOB}alice@example.comalice@example.com1{one}"),
        format!("user_messages {}{BOB}s{one}{one}-", message(1)),
        format!("user_messages {}{BOB}t{one}{three}-", message(2)),
    ];
    assert_eq!(folder.contents().await, expected);
}

#[tokio::test]
async fn everything_that_is_wrong_is_said_at_once_and_nothing_is_loaded() {
    let folder = Folder::new();
    folder.loads(&json!({ "users": [{ "id": BOB, "email": "bob@example.com" }] })).await;
    let before = folder.contents().await;
    let session = |number: u32, more: Value| {
        let mut session = json!({ "id": id(100 + number), "user": ALICE, "expires_at": "2030-01-01T00:00:00Z" });
        session.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        session
    };
    let fixtures = json!({
        "users": [
            { "id": ALICE, "email": "alice@example.com" },
            { "id": ALICE, "email": "ALICE@example.com" },
            { "id": "0199f2a6-0000-7000-8000-000000000003", "email": "Bob@Example.com" },
            { "id": "0199f2a60000700080000000000000ff", "email": "carol", "is_active": "yes", "colour": "red" },
            { "email": "", "first_name": 1 },
            "dave",
        ],
        "saml_sessions": [
            session(1, json!({})),
            session(2, json!({ "user": "eve@example.com" })),
            session(3, json!({ "user": "0199f2a6-0000-7000-8000-00000000dead" })),
            session(4, json!({ "user": null, "expires_at": "tomorrow" })),
            // The user is in the file: it is not this row that is wrong.
            session(5, json!({ "user": "carol" })),
            session(1, json!({ "application": " " })),
        ],
        "trusted_devices": [{ "id": 7, "user": ["x"], "name": "a\nb" }],
        "user_messages": [
            { "id": id(301), "user": "bob@example.com", "subject": "x".repeat(201), "body": "x".repeat(65_537) },
            { "id": id(302), "user": "bob@example.com", "subject": "a\u{0}b", "delivered_at": 5 },
        ],
        "access_requests": [
            {
                "id": id(401), "user": BOB, "template_name": "VPN", "status": "open", "approvers": [BOB, 1, "nobody"],
            },
        ],
        "preset_definitions": [
            { "name": "p", "version": 1 },
            { "name": "p", "version": 1 },
            { "name": "p", "version": 0, "definition": [] },
            { "name": "p", "version": 1.5 },
        ],
        "agent_tokens": [{ "id": id(501), "name": "a", "last_used_at": "2026-01-01" }],
        "audit_log": [{ "id": id(601), "at": "2026-01-01T00:00:00Z", "actor": "a", "details": "d" }],
        "people": [],
        "Users": [],
    });
    let kinds = "is not a kind of thing that can be loaded; there are federated_providers, users, groups, \
        federated_identities, applications, saml_sessions, trusted_devices, user_messages, access_requests, \
        preset_definitions, agent_tokens, audit_log";
    let instant = "must be an RFC 3339 instant such as `2026-01-31T08:00:00Z`, not this";
    let nobody = "is no id or e-mail address of a user, in the file or in the database";
    let mut expected = vec![
        format!("Users {kinds}"),
        format!("people {kinds}"),
        "users[1].email is the same as that of users[0]".into(),
        "users[1].id is the same as that of users[0]".into(),
        format!("users[2].email `Bob@Example.com` is that of user {BOB}"),
        "users[3].colour is not a field of this kind of thing".into(),
        "users[3].email must be an e-mail address, not `carol`".into(),
        "users[3].id must be a UUID, not `0199f2a60000700080000000000000ff`".into(),
        "users[3].is_active must be true or false, not this text".into(),
        "users[4].email must not be blank".into(),
        "users[4].first_name must be a string, not this number".into(),
        "users[4].id is required".into(),
        "users[5] must be an object, not this text".into(),
        format!("saml_sessions[1].user `eve@example.com` {nobody}"),
        format!("saml_sessions[2].user `0199f2a6-0000-7000-8000-00000000dead` {nobody}"),
        format!("saml_sessions[3].expires_at {instant} text"),
        "saml_sessions[3].user is required".into(),
        "saml_sessions[5].application must not be blank".into(),
        "saml_sessions[5].id is the same as that of saml_sessions[0]".into(),
        "trusted_devices[0].expires_at is required".into(),
        "trusted_devices[0].id must be a string, not this number".into(),
        "trusted_devices[0].name must not contain control characters".into(),
        "trusted_devices[0].user must be a string, not a list".into(),
        "user_messages[0].body is 65537 bytes long; 65536 are allowed".into(),
        "user_messages[0].subject has 201 characters; 200 are allowed".into(),
        format!("user_messages[1].delivered_at {instant} number"),
        "user_messages[1].subject must not contain a NUL character".into(),
        "access_requests[0].approvers[1] must be a string, not this number".into(),
        format!("access_requests[0].approvers[2] `nobody` {nobody}"),
        "access_requests[0].status must be one of pending, approved, denied, expired, revoked, not `open`".into(),
        "agent_tokens[0].created_at is required".into(),
        format!("agent_tokens[0].last_used_at {instant} text"),
        "audit_log[0].action is required".into(),
        "audit_log[0].details must be a JSON object, not this text".into(),
        "audit_log[0].object_kind is required".into(),
        "preset_definitions[1].version is the same as that of preset_definitions[0]".into(),
        "preset_definitions[2].definition must be a JSON object, not a list".into(),
        "preset_definitions[2].version must be 1 or more, not 0".into(),
        "preset_definitions[3].version must be a whole number, not this number".into(),
    ];
    expected.sort();
    let mut found = folder.refuses(&fixtures.to_string()).await;
    found.sort();
    assert_eq!(found, expected);
    assert_eq!(folder.contents().await, before);
}

#[tokio::test]
async fn what_is_wrong_with_people_is_said_as_well() {
    let folder = Folder::new();
    folder
        .loads(&json!({
            "users": [{ "id": BOB, "email": "bob@example.com" }], "groups": [{ "id": id(700), "name": "taken" }],
        }))
        .await;
    let fixtures = json!({
        "users": [{
            "id": ALICE, "email": "alice@example.com", "first_name": "x".repeat(201), "auth_source": "",
            "attributes": { "k": 1, "": "v" }, "last_login_at": "x",
        }],
        "groups": [
            { "id": id(701), "name": "G", "members": [BOB, "nobody", 1, "alice@example.com"] },
            { "id": id(701), "name": "G", "description": "x".repeat(4001) },
            { "name": " ", "colour": "red" },
            { "id": id(702), "name": "taken" },
        ],
    });
    let mut found = folder.refuses(&fixtures.to_string()).await;
    found.sort();
    let expected = [
        "groups[0].members[1] `nobody` is no id or e-mail address of a user, in the file or in the database".to_owned(),
        "groups[0].members[2] must be a string, not this number".into(),
        "groups[1].description has 4001 characters; 4000 are allowed".into(),
        "groups[1].id is the same as that of groups[0]".into(),
        "groups[1].name is the same as that of groups[0]".into(),
        "groups[2].colour is not a field of this kind of thing".into(),
        "groups[2].id is required".into(),
        "groups[2].name must not be blank".into(),
        format!("groups[3].name `taken` is that of group {}", id(700)),
        "users[0].attributes. has a key that must not be blank".into(),
        "users[0].attributes.k must be a string, not this number".into(),
        "users[0].auth_source must not be blank".into(),
        "users[0].first_name has 201 characters; 200 are allowed".into(),
        "users[0].last_login_at must be an RFC 3339 instant such as `2026-01-31T08:00:00Z`, not this text".into(),
    ];
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_load_is_in_the_audit_log_with_what_it_held() {
    let server = TestServer::start().await;
    server.seed(&json!({ "users": [] })).await;
    server.seed(&json!({ "users": [{ "id": ALICE, "email": "a@example.com" }], "groups": [] })).await;
    let wrong = json!({ "users": [{ "id": ALICE }] }).to_string();
    server.app().load_fixtures(wrong.as_bytes()).await.unwrap_err();
    let entries: Vec<_> = server.client.audit().list(AuditQuery::new()).try_collect().await.unwrap();
    let entry = entries.iter().find(|entry| entry.action == "fixtures.load").unwrap();
    assert_eq!(entries.iter().filter(|entry| entry.action == "fixtures.load").count(), 1);
    assert_eq!((entry.actor.as_str(), &entry.principal), ("command line", &None));
    assert_eq!((entry.object_kind.as_str(), &entry.object_id, &entry.object_name), ("fixtures", &None, &None));
    assert_eq!(entry.details, json!({ "users": 1, "groups": 0 }));
}

#[tokio::test]
async fn groups_swap_names_and_members_are_those_of_the_file() {
    let folder = Folder::new();
    let users = json!([{ "id": ALICE, "email": "alice@example.com" }, { "id": BOB, "email": "bob@example.com" }]);
    let group = |number: u32, name: &str, members: Value| json!({ "id": id(number), "name": name, "members": members });
    folder
        .loads(&json!({ "users": users, "groups": [group(1, "a", json!([ALICE, BOB])), group(2, "b", json!([BOB]))] }))
        .await;
    folder
        .loads(&json!({ "groups": [group(1, "b", json!(["ALICE@example.com", ALICE])), group(2, "a", json!([]))] }))
        .await;
    let contents = folder.contents().await;
    let found: Vec<&str> = contents.iter().map(String::as_str).filter(|row| row.starts_with("group_members")).collect();
    assert_eq!(found, [format!("group_members {}{ALICE}", id(1))]);
    assert!(contents.iter().any(|row| row.starts_with(&format!("user_groups {}b", id(1)))), "{contents:?}");
}

#[tokio::test]
async fn one_wrong_row_keeps_out_all_others() {
    let folder = Folder::new();
    folder.loads(&json!({})).await;
    let fixtures = json!({
        "users": [{ "id": ALICE, "email": "alice@example.com" }],
        "audit_log": [{ "id": ALICE, "at": "now", "actor": "a", "action": "b", "object_kind": "c" }],
    });
    let said = folder.refuses(&fixtures.to_string()).await;
    assert_eq!(said, ["audit_log[0].at must be an RFC 3339 instant such as `2026-01-31T08:00:00Z`, not this text"]);
    assert_eq!(folder.contents().await, [] as [String; 0]);
}

#[tokio::test]
async fn a_file_that_is_no_object_of_lists_is_refused() {
    let folder = Folder::new();
    for (text, expected) in [
        ("", "it is not valid JSON, at line 1 column 0"),
        ("{\"users\": [}", "it is not valid JSON, at line 1 column 12"),
        ("[]", "must be a JSON object, not a list"),
        ("{\"users\": [], \"users\": []}", "a key stands twice in the same object, at line 1 column 26"),
        ("{\"users\": {}}", "users must be a list, not an object"),
        ("{\"users\": null}", "users must be a list, not null"),
    ] {
        assert_eq!(folder.refuses(text).await, [expected], "{text}");
    }
    let missing = seed(&folder.data(), Path::new("/nowhere/fixtures.json")).await;
    let said = String::from_utf8(missing.stderr).unwrap();
    assert_eq!(missing.status.code(), Some(1));
    assert!(said.starts_with("error: could not read /nowhere/fixtures.json: No such file"), "{said}");
    let endless = seed(&folder.data(), Path::new("/dev/zero")).await;
    let said = String::from_utf8(endless.stderr).unwrap();
    assert_eq!(
        (endless.status.code(), said.trim_end()),
        (Some(1), "error: could not read /dev/zero: it is larger than 67108864 bytes")
    );
}
