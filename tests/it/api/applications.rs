//! Applications over HTTP, and what becomes of their client secrets.

use std::collections::HashSet;
use std::fs::{self, File};

use futures::TryStreamExt as _;
use futures::future::join_all;
use justiam_sdk::Client;
use justiam_sdk::api::applications::{
    Application, ApplicationPatch, ApplicationQuery, ApplicationType, NewApplication, SECRET_PREFIX,
};
use justiam_sdk::api::audit::AuditQuery;
use justiam_sdk::api::ids::ApplicationId;
use justiam_server::app::caller::Permission::{self, ApplicationsManage, ApplicationsView};
use justiam_server::store::{Db, Tx};
use justiam_tests::backend::{Backend, number};
use justiam_tests::both_databases;
use justiam_tests::process::ServerProcess;
use justiam_tests::server::TestServer;
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};

use super::support::{Answer, Api, NOBODY, answer};

both_databases!(
    of_many_creates_of_one_name_at_once_one_wins,
    rotations_at_once_have_different_secrets_and_one_is_valid,
);

const PATH: &str = "/api/v1/applications";

async fn create(client: &Client, name: &str, application_type: ApplicationType) -> Application {
    client.applications().create(&NewApplication::new(name, application_type)).await.unwrap()
}

fn secret(application: &Application) -> &str {
    application.client_secret.as_ref().unwrap().expose()
}

/// Whether a secret is the one whose hash is stored.
async fn is_valid(backend: &Backend, server: &TestServer, id: ApplicationId, secret: &str) -> bool {
    let hash: u128 =
        digest(&SHA256, secret.as_bytes()).as_ref()[..16].iter().fold(0, |sum, byte| sum << 8 | u128::from(*byte));
    let db = match backend {
        // The server has its database in a folder of its own.
        Backend::Sqlite(_) => Db::open_sqlite(&server.data_dir().join("server/justiam.db")).await.unwrap(),
        Backend::Postgres(_) => backend.store().await,
    };
    let mut tx = db.read().await.unwrap();
    let stored = match tx {
        Tx::Sqlite(_) => "lower(hex(secret_hash))",
        Tx::Postgres(_) => "encode(secret_hash, 'hex')",
    };
    let sql =
        format!("SELECT count(*) FROM applications WHERE id = '{id}' AND substr({stored}, 1, 32) = '{hash:032x}'");
    number(&mut tx, &sql).await == 1
}

#[tokio::test]
async fn an_application_lives_from_its_creation_to_its_end() {
    let api = Api::start().await;
    let applications = api.server.client.applications();
    let made = create(&api.server.client, "Wiki", ApplicationType::Oidc).await;
    assert!(secret(&made).starts_with(SECRET_PREFIX) && secret(&made).len() == SECRET_PREFIX.len() + 43);
    assert_eq!(made.secret_rotated_at, Some(made.created_at));
    let mut expected = made.clone();
    expected.client_secret = None;
    assert_eq!(applications.get(made.id).await.unwrap(), expected);
    api.server.advance(60);
    let rotated = applications.rotate_secret(made.id).await.unwrap();
    assert_ne!(secret(&rotated), secret(&made));
    assert_eq!(rotated.secret_rotated_at, Some("2026-01-01T00:01:00Z".parse().unwrap()));
    assert_eq!((&rotated.client_id, rotated.updated_at), (&made.client_id, rotated.secret_rotated_at.unwrap()));
    let mut patch = ApplicationPatch::new();
    patch.name = Some("Handbook".into());
    let renamed = applications.update(made.id, &patch).await.unwrap();
    assert_eq!((renamed.name.as_str(), &renamed.client_secret), ("Handbook", &None));
    let replacement = NewApplication::new("Handbook", ApplicationType::Oidc);
    assert_eq!(applications.replace(made.id, &replacement).await.unwrap(), renamed);
    let list: Vec<_> = applications.list(ApplicationQuery::named("Handbook")).try_collect().await.unwrap();
    assert_eq!(list, [renamed]);
    applications.delete(made.id).await.unwrap();
    assert!(applications.get(made.id).await.unwrap_err().is_not_found());
    let entries: Vec<_> = api.server.client.audit().list(AuditQuery::new()).try_collect().await.unwrap();
    let about: Vec<_> = entries.iter().rev().filter(|entry| entry.object_kind == "application").collect();
    let told: Vec<_> = about.iter().map(|entry| (entry.action.as_str(), entry.details.clone())).collect();
    assert_eq!(
        told,
        [
            ("application.create", json!({ "application_type": "oidc" })),
            ("application.rotate_secret", json!({})),
            (
                "application.update",
                json!({ "fields": ["name"], "changes": { "name": { "from": "Wiki", "to": "Handbook" } } })
            ),
            ("application.delete", json!({})),
        ]
    );
}

#[tokio::test]
async fn each_type_has_what_it_needs() {
    let api = Api::start().await;
    let client = &api.server.client;
    for (application_type, has_id, has_secret) in [
        (ApplicationType::Oidc, true, true),
        (ApplicationType::Spa, true, false),
        (ApplicationType::Saml, false, false),
        (ApplicationType::External, false, false),
    ] {
        let made = create(client, application_type.to_string().as_str(), application_type).await;
        assert_eq!((made.client_id.is_some(), made.client_secret.is_some()), (has_id, has_secret));
        assert_eq!(made.secret_rotated_at.is_some(), has_secret);
        let rotated = client.applications().rotate_secret(made.id).await;
        if !has_secret {
            let error = rotated.unwrap_err();
            let (id, application_type) = (made.id, made.application_type);
            let expected = format!(
                "application {id} is of type `{application_type}` and has no client secret; only `oidc` has one"
            );
            assert_eq!((error.api().unwrap().status, &error.api().unwrap().problem.message), (409, &expected));
        }
    }
    let mut query = ApplicationQuery::new();
    query.application_type = Some(ApplicationType::Saml);
    assert_eq!(client.applications().page(&query).await.unwrap().data[0].name, "saml");
}

#[tokio::test]
async fn all_wrong_fields_of_an_application_are_named() {
    let api = Api::start().await;
    let made = create(&api.server.client, "A", ApplicationType::Spa).await;
    let one = format!("{PATH}/{}", made.id);
    for (body, fields) in [
        (json!({}), &["name", "application_type"][..]),
        (json!({ "name": "a\nb", "application_type": "web", "secret": "x" }), &["name", "application_type", "secret"]),
        (json!({ "name": "x".repeat(201), "application_type": "spa" }), &["name"]),
    ] {
        api.send("POST", PATH, &body).await.wrong_fields(fields);
        api.send("PUT", &one, &body).await.wrong_fields(fields);
    }
    for method in ["PUT", "PATCH"] {
        let body = json!({ "name": "A", "application_type": "oidc" });
        let said = api.send(method, &one, &body).await.wrong_fields(&["application_type"]);
        let expected = json!(["is `spa` and cannot be changed; create another application"]);
        assert_eq!(said["application_type"], expected);
    }
    api.send("PATCH", &one, &json!({ "name": null })).await.wrong_fields(&["name"]);
    api.get(&format!("{PATH}?application_type=web")).await.wrong_fields(&["application_type"]);
    // What a read returns can be sent back.
    let same = api.get(&one).await.json();
    for method in ["PUT", "PATCH"] {
        assert_eq!(api.send(method, &one, &same).await.expect(200).json(), same);
    }
    for id in ["x", NOBODY] {
        for method in ["GET", "PUT", "PATCH", "DELETE"] {
            let body = json!({ "name": "n", "application_type": "spa" });
            api.send(method, &format!("{PATH}/{id}"), &body).await.refused(404, "NOT_FOUND");
        }
        api.send("POST", &format!("{PATH}/{id}/rotate-secret"), &json!({})).await.refused(404, "NOT_FOUND");
    }
}

#[tokio::test]
async fn applications_have_permissions_of_their_own() {
    let api = Api::start().await;
    let made = create(&api.server.client, "A", ApplicationType::Oidc).await;
    let one = format!("{PATH}/{}", made.id);
    let rotate = format!("{one}/rotate-secret");
    let new = |name: &str| json!({ "name": name, "application_type": "oidc" });
    for (method, path, body, needs, expected) in [
        ("GET", PATH, json!({}), ApplicationsView, 200),
        ("GET", &one, json!({}), ApplicationsView, 200),
        ("POST", PATH, new("B"), ApplicationsManage, 201),
        ("PUT", &one, new("C"), ApplicationsManage, 200),
        ("PATCH", &one, json!({ "name": "D" }), ApplicationsManage, 200),
        ("POST", &rotate, json!({}), ApplicationsManage, 200),
        ("DELETE", &one, json!({}), ApplicationsManage, 204),
    ] {
        let others: Vec<_> = Permission::ALL.into_iter().filter(|other| *other != needs).collect();
        let send = async |permissions: &[Permission]| {
            let token = api.server.token_with(permissions).await;
            answer(api.anonymous(method, path).bearer_auth(token).json(&body)).await
        };
        send(&others).await.refused(403, "FORBIDDEN");
        assert_eq!(send(&[needs]).await.status, expected, "{method} {path}");
    }
}

#[tokio::test]
async fn a_repetition_gets_the_same_secret_and_nobody_else_does() {
    let api = Api::start().await;
    let post = async |path: &str, key: &str, token: &str| -> Answer {
        let body = json!({ "name": "Wiki", "application_type": "oidc" });
        answer(api.anonymous("POST", path).bearer_auth(token).header("Idempotency-Key", key).json(&body)).await
    };
    let token = api.server.token.clone();
    let created = post(PATH, "create", &token).await.expect(201);
    assert_eq!(created.header("cache-control"), "no-store");
    assert_eq!(post(PATH, "create", &token).await.expect(201).text, created.text);
    let rotate = format!("{PATH}/{}/rotate-secret", created.json()["id"].as_str().unwrap());
    let rotated = post(&rotate, "rotate", &token).await.expect(200);
    assert_eq!(rotated.header("cache-control"), "no-store");
    assert_eq!(post(&rotate, "rotate", &token).await.expect(200).text, rotated.text);
    assert_ne!(rotated.json()["client_secret"], created.json()["client_secret"]);
    let other = api.server.token_with(&[ApplicationsManage]).await;
    post(PATH, "create", &other).await.refused(409, "CONFLICT");
    let third = post(&rotate, "rotate", &other).await.expect(200).json();
    assert_ne!(third["client_secret"], rotated.json()["client_secret"]);
}

async fn of_many_creates_of_one_name_at_once_one_wins(backend: Backend) {
    let server = backend.server().await;
    let new = NewApplication::new("A", ApplicationType::Oidc);
    let outcomes = join_all((0..20).map(|_| {
        let (client, new) = (server.client.clone(), new.clone());
        async move { client.applications().create(&new).await }
    }))
    .await;
    let (made, refused): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    assert_eq!(made.len(), 1);
    let made = made.into_iter().next().unwrap().unwrap();
    assert!(is_valid(&backend, &server, made.id, secret(&made)).await);
    for error in refused {
        let error = error.unwrap_err();
        let problem = &error.api().unwrap().problem;
        assert_eq!(error.api().unwrap().status, 409);
        assert_eq!(problem.message, format!("an application with the name `A` exists already: {}", made.id));
    }
}

async fn rotations_at_once_have_different_secrets_and_one_is_valid(backend: Backend) {
    let server = backend.server().await;
    let made = create(&server.client, "A", ApplicationType::Oidc).await;
    let rotated = join_all((0..10).map(|_| {
        let client = server.client.clone();
        async move { client.applications().rotate_secret(made.id).await.unwrap() }
    }))
    .await;
    let secrets: HashSet<&str> = rotated.iter().map(secret).chain([secret(&made)]).collect();
    assert_eq!(secrets.len(), 11);
    let mut valid = Vec::new();
    for one in secrets {
        if is_valid(&backend, &server, made.id, one).await {
            valid.push(one);
        }
    }
    assert_eq!(valid.len(), 1);
    assert_ne!(valid[0], secret(&made));
}

#[tokio::test]
async fn client_secrets_are_in_no_later_answer_no_log_and_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let server = ServerProcess::start_logging(folder.path(), "127.0.0.1:0", "trace", File::create(&log).unwrap()).await;
    let client = server.client(&server.token);
    let made = create(&client, "Canary", ApplicationType::Oidc).await;
    let rotated = client.applications().rotate_secret(made.id).await.unwrap();
    let secrets = [secret(&made).to_owned(), secret(&rotated).to_owned()];
    let mut answers = format!("{made:?} {rotated:?}");
    let http = reqwest::Client::new();
    for path in [PATH.to_owned(), format!("{PATH}/{}", made.id), "/api/v1/audit-log?limit=1000".to_owned()] {
        let request = http.get(format!("{}{path}", server.endpoint)).bearer_auth(&server.token);
        answers.push_str(&request.send().await.unwrap().text().await.unwrap());
    }
    assert!(serde_json::from_str::<Value>(&answers).is_err() && answers.contains("Canary"));
    // The process is killed, so that the write-ahead log is looked at too.
    server.kill().await;
    let log = fs::read_to_string(log).unwrap();
    assert!(log.contains("INSERT INTO applications"));
    let mut files = 0;
    for entry in fs::read_dir(folder.path().join("data")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            files += 1;
            let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
            for secret in &secrets {
                // Its beginning is enough: no part of it is to be there.
                assert!(!text.contains(&secret[..SECRET_PREFIX.len() + 12]), "{}", path.display());
            }
        }
    }
    assert!(files >= 3);
    for secret in &secrets {
        assert!(!log.contains(secret) && !answers.contains(secret));
    }
}
