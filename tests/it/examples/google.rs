//! The two scripts of the product's documentation.

use std::fs;

use justiam_server::driver::execute::script::Network;
use serde_json::json;

use super::world::{World, folder, rows};
use crate::scripts::gworkspace::StandIn;

/// The script of an example, line by line without its indentation, which the documentation's text does not have.
fn script(main: &str) -> Vec<String> {
    let (_, script) = main.split_once("script = <<-EOT\n").unwrap();
    let (script, _) = script.split_once("\n  EOT\n").unwrap();
    script.lines().map(|line| line.trim().to_owned()).collect()
}

#[test]
fn the_scripts_are_those_of_the_documentation() {
    let quickstart = fs::read_to_string(folder("../quickstart/main.tf")).unwrap();
    for (example, resource) in
        [("google_import_user", "import_google_users"), ("google_workspace_sync", "gworkspace_sync")]
    {
        let main = fs::read_to_string(folder(example).join("main.tf")).unwrap();
        let at = quickstart.find(&format!("resource \"justiam_scheduled_task\" \"{resource}\"")).unwrap();
        assert_eq!(script(&main), script(&quickstart[at..]), "{example}");
    }
}

#[tokio::test]
async fn users_of_a_list_are_created_with_their_groups() {
    let world = World::of("google_import_user", Network::None).await;
    world.user("bob@example.com", &json!({})).await;
    let employees = world.group("employees", &[]).await;
    world
        .apply(&json!({ "emails": ["alice@example.com", " ", "BOB@example.com"], "groups": ["employees", "nobody"] }))
        .await;
    let output = world.output().await;
    let lines: Vec<_> = output.lines().collect();
    assert_eq!(lines[0], "1 created, 1 skipped, 0 failed");
    assert!(lines[1].starts_with("group \"nobody\" not found: "), "{output}");
    assert_eq!(lines[2..], ["created alice@example.com", "skip BOB@example.com (already exists)"]);
    assert_eq!(world.members(&employees).await, ["alice@example.com"]);
    assert_eq!(world.active().await, ["alice@example.com", "bob@example.com"]);

    assert_eq!(
        world.output().await,
        "0 created, 2 skipped, 0 failed\nskip alice@example.com (already exists)\nskip BOB@example.com (already exists)"
    );
}

#[tokio::test]
async fn users_may_be_created_inactive_and_bad_addresses_are_named() {
    let world = World::of("google_import_user", Network::None).await;
    world
        .apply(&json!({ "emails": ["alice@example.com", "no address"], "user_state": "inactive", "groups": [] }))
        .await;
    let output = world.output().await;
    assert!(
        output.starts_with("1 created, 0 skipped, 1 failed\ncreated alice@example.com\nfail no address: "),
        "{output}"
    );
    assert_eq!(world.users().await, [("alice@example.com".to_owned(), String::new(), false)]);
}

/// A Google with six users, of whom `u1` is suspended and `u2` archived, and a server that knows it, with two of them.
async fn workspace() -> (World, StandIn, String) {
    let google = StandIn::start(6, Vec::new()).await;
    let base = google.base().parse().unwrap();
    let world = World::with("google_workspace_sync", Network::Fetch, |config| config.gworkspace_url = base).await;
    world.user("u0@example.com", &json!({ "first_name": "Own" })).await;
    world.user("u5@example.com", &json!({})).await;
    let provider = world.provider("corp-google", "google").await;
    (world, google, provider)
}

#[tokio::test]
async fn users_of_a_google_workspace_are_created_or_linked() {
    let (world, google, provider) = workspace().await;
    let employees = world.group("employees", &[]).await;
    world.file("service-account.json", &google.key(|_| {}));
    let variables = json!({
        "domain": "example.com", "provider_id": provider, "groups": ["employees", "not-there"],
        "excluded_emails": ["U5@example.com"],
    });
    world.apply(&variables).await;
    assert_eq!(world.output().await, "sync \"example.com\": 2 created, 1 linked, 0 skipped, 1 excluded");
    let user = |email: &str, name: &str| (email.to_owned(), name.to_owned(), true);
    let users = [
        user("u0@example.com", "Own"),
        user("u3@example.com", "Given Ü3"),
        user("u4@example.com", "Given Ü4"),
        user("u5@example.com", ""),
    ];
    assert_eq!(world.users().await, users);
    assert_eq!(world.members(&employees).await, ["u0@example.com", "u3@example.com", "u4@example.com"]);
    for (email, sub, source) in [("u0@example.com", "10000", "internal"), ("u3@example.com", "10003", "corp-google")] {
        let user = rows(&world.get(&format!("/users?email={email}")).await)[0].clone();
        assert_eq!(user["auth_source"], source);
        let linked = world.get(&format!("/users/{}/federated-identities", user["id"].as_str().unwrap())).await;
        assert!(linked.to_string().contains(&format!("\"{sub}\"")), "{linked}");
    }

    assert_eq!(world.output().await, "sync \"example.com\": 0 created, 0 linked, 3 skipped, 1 excluded");
    assert_eq!(world.users().await, users);
    world.assert_untold("PRIVATE KEY").await;
}

#[tokio::test]
async fn a_google_workspace_that_cannot_be_read_changes_nothing() {
    let (world, google, provider) = workspace().await;
    world.file("service-account.json", &google.key(|key| key["private_key"] = "none".into()));
    world.apply(&json!({ "domain": "example.com", "provider_id": provider })).await;
    assert_eq!(
        world.error().await,
        "google directory API: gworkspace: `private_key` of the service account's key is no RSA key in PEM"
    );

    world.file("service-account.json", &google.key(|_| {}));
    world.apply(&json!({ "domain": "example.com", "provider_id": "0199f2a6-0000-7000-8000-00000000dead" })).await;
    let error = world.error().await;
    assert!(error.starts_with("provider not found: "), "{error}");
    let other = world.provider("corp-ldap", "ldap").await;
    world.apply(&json!({ "domain": "example.com", "provider_id": other })).await;
    assert_eq!(world.output().await, "provider type \"ldap\" does not support directory sync");
    assert_eq!(world.users().await.len(), 2);
}
