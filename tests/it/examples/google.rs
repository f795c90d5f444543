//! The two scripts of the product's documentation.

use std::fs;

use serde_json::json;

use super::world::{World, folder};

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
    let world = World::of("google_import_user").await;
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
    let world = World::of("google_import_user").await;
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
