//! What scripts do with providers, identities, applications and access requests, called as the server's side of a script calls it.

use justiam_sdk::api::applications::{ApplicationType, NewApplication, SECRET_PREFIX};
use justiam_sdk::api::audit::AuditQuery;
use justiam_sdk::api::federated_providers::{NewFederatedProvider, ProviderType};
use justiam_server::app::identity::actor::{Actor, ScriptActor};
use justiam_server::app::identity::{self, PAGE};
use justiam_server::app::{self, App};
use justiam_server::store::identity::access_requests::Approver;
use justiam_tests::backend::Backend;
use justiam_tests::both_databases;
use justiam_tests::server::TestServer;
use serde_json::json;

use super::support::NOBODY;

both_databases!(
    a_script_links_users_to_providers_and_finds_them_there,
    a_script_lists_applications_and_rotates_their_secrets,
    a_script_learns_who_is_asked_to_approve,
);

fn script() -> ScriptActor {
    ScriptActor {
        task_id: "0199f2a6-0000-7000-8000-0000000000a1".parse().unwrap(),
        task_name: "Sync".into(),
        run_id: "0199f2a6-0000-7000-8000-0000000000a2".parse().unwrap(),
    }
}

/// What an author is told about an error.
fn told<T: std::fmt::Debug>(result: app::Result<T>) -> String {
    identity::told(&result.unwrap_err())
}

/// The actions of the script in the audit log, newest first. Each names the task and the run.
async fn actions(server: &TestServer) -> Vec<String> {
    let mut query = AuditQuery::new();
    query.actor = Some("task:0199f2a6-0000-7000-8000-0000000000a1".into());
    let page = server.client.audit().page(&query).await.unwrap();
    for entry in &page.data {
        assert_eq!((entry.actor.as_str(), &entry.request_id), ("task Sync", &None));
        assert_eq!(entry.details["run_id"], json!("0199f2a6-0000-7000-8000-0000000000a2"));
    }
    page.data.into_iter().map(|entry| entry.action).collect()
}

async fn a_script_links_users_to_providers_and_finds_them_there(backend: Backend) {
    let server = backend.server().await;
    let (app, script): (&App, _) = (server.app(), script());
    let actor = Actor::Script(&script);
    let new = NewFederatedProvider::new("Workspace", ProviderType::Google);
    let provider = server.client.federated_providers().create(&new).await.unwrap();
    let id = provider.id.to_string();
    assert_eq!(app.provider_by_id(&actor, &id).await.unwrap(), provider);
    let alice = app.add_user(&actor, "alice@example.com", "", "", "Workspace").await.unwrap();
    let bob = app.add_user(&actor, "bob@example.com", "", "", "").await.unwrap();
    let (alice_id, bob_id) = (alice.id.to_string(), bob.id.to_string());
    assert_eq!(app.federated_user_id(&actor, &id, "1234").await.unwrap(), None);
    for _ in 0..2 {
        app.link_identity(&actor, &alice_id, &id, "1234").await.unwrap();
    }
    assert_eq!(app.federated_user_id(&actor, &id, "1234").await.unwrap(), Some(alice.id));
    let taken = format!("the subject `1234` at provider {id} is linked to another user: {alice_id}");
    assert_eq!(told(app.link_identity(&actor, &bob_id, &id, "1234").await), taken);
    assert_eq!(told(app.link_identity(&actor, &bob_id, &id, " ").await), "subject must not be blank");
    for nothing in [NOBODY, "x", "", &id.replace('-', "")] {
        let no_provider = format!("there is no federated provider `{nothing}`");
        let no_user = format!("there is no user `{nothing}`");
        assert_eq!(told(app.provider_by_id(&actor, nothing).await), no_provider);
        assert_eq!(app.federated_user_id(&actor, nothing, "1234").await.unwrap(), None);
        let linked = app.link_identity(&actor, &bob_id, nothing, "5").await;
        assert_eq!(told(linked), format!("provider_id {no_provider}"));
        assert_eq!(told(app.link_identity(&actor, nothing, &id, "5").await), no_user);
        assert_eq!(told(app.unlink_identity(&actor, &alice_id, nothing).await), no_provider);
        assert_eq!(told(app.unlink_identity(&actor, nothing, &id).await), no_user);
    }
    for _ in 0..2 {
        app.unlink_identity(&actor, &alice_id, &id).await.unwrap();
    }
    assert_eq!(app.federated_user_id(&actor, &id, "1234").await.unwrap(), None);
    let expected = ["federated_identity.unlink", "federated_identity.link", "user.create", "user.create"];
    assert_eq!(actions(&server).await, expected);
}

async fn a_script_lists_applications_and_rotates_their_secrets(backend: Backend) {
    let server = backend.server().await;
    let (app, script): (&App, _) = (server.app(), script());
    let actor = Actor::Script(&script);
    let mut made = Vec::new();
    for (name, application_type) in [("a", ApplicationType::Oidc), ("b", ApplicationType::Saml)] {
        let mut one = server.client.applications().create(&NewApplication::new(name, application_type)).await.unwrap();
        one.client_secret = None;
        made.push(one);
    }
    assert_eq!(app.applications_after(&actor, None).await.unwrap(), made);
    assert_eq!(app.applications_after(&actor, Some("a")).await.unwrap(), made[1..]);
    assert_eq!(PAGE, 1000);
    let id = made[0].id.to_string();
    let secret = app.rotate_application_secret(&actor, &id).await.unwrap();
    assert!(secret.expose().starts_with(SECRET_PREFIX));
    assert_ne!(app.rotate_application_secret(&actor, &id).await.unwrap(), secret);
    let saml = made[1].id;
    let expected = format!("application {saml} is of type `saml` and has no client secret; only `oidc` has one");
    assert_eq!(told(app.rotate_application_secret(&actor, &saml.to_string()).await), expected);
    for nothing in [NOBODY, "x"] {
        let expected = format!("there is no application `{nothing}`");
        assert_eq!(told(app.rotate_application_secret(&actor, nothing).await), expected);
    }
    assert_eq!(actions(&server).await, ["application.rotate_secret", "application.rotate_secret"]);
}

async fn a_script_learns_who_is_asked_to_approve(backend: Backend) {
    let server = backend.server().await;
    let (app, script): (&App, _) = (server.app(), script());
    let actor = Actor::Script(&script);
    let alice = app.add_user(&actor, "alice@example.com", "Alice", "Müller", "").await.unwrap();
    let request = |number: u64, approvers: &[&str]| {
        let id = format!("0199f2a6-0000-7000-8000-0000000004{number:02}");
        json!({ "id": id, "user": "alice@example.com", "template_name": "T", "approvers": approvers })
    };
    server.seed(&json!({ "access_requests": [request(1, &["alice@example.com"]), request(2, &[])] })).await;
    let approver =
        Approver { id: alice.id, email: alice.email, first_name: alice.first_name, last_name: alice.last_name };
    assert_eq!(app.approvers_of(&actor, "0199f2a6-0000-7000-8000-000000000401").await.unwrap(), [approver]);
    assert_eq!(app.approvers_of(&actor, "0199f2a6-0000-7000-8000-000000000402").await.unwrap(), []);
    for nothing in [NOBODY, "x"] {
        let expected = format!("there is no access request `{nothing}`");
        assert_eq!(told(app.approvers_of(&actor, nothing).await), expected);
    }
}
