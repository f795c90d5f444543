//! Teams of GitHub follow groups.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use justiam_server::driver::execute::script::Network;
use serde_json::{Value, json};

use super::stand_ins::ber::{small, write};
use super::stand_ins::github::{APP, GitHub, INSTALLATION, TOKEN};
use super::world::World;

/// The key of the app, as GitHub hands it out.
pub(super) const KEY: &str = include_str!("app.pem");

/// The bytes of the key.
fn der() -> Vec<u8> {
    let lines: String =
        KEY.lines().skip_while(|line| !line.starts_with("-----")).filter(|line| !line.contains('-')).collect();
    STANDARD.decode(lines).unwrap()
}

/// The key as other tools write it: PKCS #8.
fn converted() -> String {
    let rsa = write(0x30, &[vec![0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1], vec![0x05, 0]]);
    let der = write(0x30, &[small(0x02, 0), rsa, write(0x04, &[der()])]);
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(der))
}

pub(super) fn variables(github: &GitHub) -> Value {
    json!({
        "api_url": github.url, "org": "acme", "app_id": APP, "installation_id": INSTALLATION, "app_private_key": KEY,
        "dry_run": false,
    })
}

fn login(name: &str) -> Value {
    json!({ "attributes": { "github_username": name } })
}

/// Groups for two teams, of which one has everybody, and a group for none.
pub(super) async fn world() -> (World, GitHub) {
    let github =
        GitHub::start(&der(), &[("backend", &["ada-gh", "Bob-GH", "stranger", "left", "zoe-gh"]), ("empty", &[])])
            .await;
    let world = World::of("github_team_sync", Network::Fetch).await;
    let ada = world.user("ada@example.com", &login("ada-gh")).await;
    let bob = world.user("bob@example.com", &login("bob-gh")).await;
    let new = world.user("new@example.com", &login("new-gh")).await;
    let invited = world.user("invited@example.com", &login("invited-gh")).await;
    let left = json!({ "is_active": false, "attributes": { "github_username": "left" } });
    let left = world.user("left@example.com", &left).await;
    let plain = world.user("plain@example.com", &json!({})).await;
    let zoe = world.user("zoe@example.com", &login("zoe-gh")).await;
    world.group("github-team:backend", &[&ada, &bob, &new, &invited, &left, &plain, &zoe]).await;
    world.group("github-team:empty", &[&new]).await;
    world.group("backend", &[&plain]).await;
    github.invite("backend", "invited-gh");
    (world, github)
}

#[tokio::test]
async fn teams_get_the_active_members_of_their_groups_and_lose_the_others() {
    let (world, github) = world().await;
    world.apply(&variables(&github)).await;
    assert_eq!(
        world.output().await,
        "2 teams: 2 members added, 2 removed\nbackend: added new-gh\nbackend: removed left\nbackend: removed stranger\n\
         empty: added new-gh"
    );
    assert_eq!(github.members("backend"), ["Bob-GH", "ada-gh", "new-gh", "zoe-gh"]);
    assert_eq!(github.members("empty"), ["new-gh"]);
    assert_eq!(github.changes().len(), 4);

    // Once more, with the key in its other form.
    let mut variables = variables(&github);
    variables["app_private_key"] = converted().into();
    world.apply(&variables).await;
    assert_eq!(world.output().await, "2 teams: 0 members added, 0 removed");
    assert_eq!(github.changes(), Vec::<String>::new());
    for secret in [TOKEN, "PRIVATE KEY"] {
        world.assert_untold(secret).await;
    }
}

#[tokio::test]
async fn a_dry_run_says_what_would_change_and_changes_nothing() {
    let (world, github) = world().await;
    let mut variables = variables(&github);
    variables["dry_run"] = true.into();
    world.apply(&variables).await;
    let output = world.output().await;
    assert!(output.starts_with("2 teams: 2 members added, 2 removed (dry run: nothing was changed)\n"), "{output}");
    assert_eq!(github.changes(), Vec::<String>::new());
}

#[tokio::test]
async fn a_key_that_is_none_and_one_that_github_does_not_know_end_the_run() {
    let (world, github) = world().await;
    let mut variables = variables(&github);
    variables["app_private_key"] = "no key".into();
    world.apply(&variables).await;
    assert_eq!(
        world.error().await,
        "the secret GITHUB_APP_PRIVATE_KEY: it is not a PEM file; copy it whole, with its first and last line"
    );

    variables["app_private_key"] = KEY.into();
    variables["app_id"] = "654321".into();
    world.apply(&variables).await;
    let error = world.error().await;
    assert!(error.starts_with("token of the installation: POST http://127.0.0.1:"), "{error}");
    assert!(error.ends_with("/access_tokens: GitHub answered with status 404 Integration not found"), "{error}");
    assert_eq!(github.changes(), Vec::<String>::new());
}

#[tokio::test]
async fn every_change_that_github_refuses_is_named() {
    let (world, github) = world().await;
    world.group("github-team:unknown", &[]).await;
    world.apply(&variables(&github)).await;
    github.break_down();
    let error = world.error().await;
    assert!(error.starts_with("3 teams: 0 members added, 0 removed; 5 failures: "), "{error}");
    for failure in [
        "team backend: add new-gh: PUT ",
        "team empty: add new-gh: PUT ",
        "status 500 Server Error",
        "team unknown: GET ",
        "status 404 Not Found",
    ] {
        assert!(error.contains(failure), "{failure} is not in: {error}");
    }
}

#[tokio::test]
async fn a_next_page_at_another_address_is_not_asked_for() {
    let (world, github) = world().await;
    world.apply(&variables(&github)).await;
    github.lead_to("https://github.example.com");
    let error = world.error().await;
    let refusal = "team backend: the next page is at https://github.example.com/orgs/acme/teams/backend/members?";
    assert!(error.contains(refusal), "{error}");
    assert_eq!(github.changes(), ["empty: added new-gh"]);
}

#[tokio::test]
async fn a_team_loses_all_its_members_only_where_that_is_allowed() {
    let github = GitHub::start(&der(), &[("backend", &["ada-gh", "bob-gh"]), ("other", &["stranger"])]).await;
    let world = World::of("github_team_sync", Network::Fetch).await;
    // Somebody has given the attribute another name.
    let ada = world.user("ada@example.com", &json!({ "attributes": { "github": "ada-gh" } })).await;
    let bob = world.user("bob@example.com", &login("bob-gh")).await;
    world.group("github-team:backend", &[&ada]).await;
    world.group("github-team:other", &[&bob]).await;
    let mut variables = variables(&github);
    world.apply(&variables).await;
    assert_eq!(
        world.error().await,
        "2 teams: 1 members added, 1 removed; 1 failures: team backend: it would lose all its members, because no active \
         member of group \"github-team:backend\" has the attribute github_username; if that is meant, put \"backend\" into \
         the config entry `may_be_empty`"
    );
    assert_eq!(github.members("backend"), ["ada-gh", "bob-gh"]);
    assert_eq!(github.members("other"), ["bob-gh"]);

    variables["may_be_empty"] = json!(["backend"]);
    world.apply(&variables).await;
    assert_eq!(
        world.output().await,
        "2 teams: 0 members added, 2 removed\nbackend: removed ada-gh\nbackend: removed bob-gh"
    );
    assert_eq!(github.members("backend"), Vec::<String>::new());
}

#[tokio::test]
async fn who_is_wanted_no_longer_cannot_accept_an_invitation() {
    let (world, github) = world().await;
    github.invite("empty", "left");
    world.apply(&variables(&github)).await;
    let output = world.output().await;
    assert!(output.starts_with("2 teams: 2 members added, 3 removed\n"), "{output}");
    assert!(output.ends_with("\nempty: added new-gh\nempty: removed left"), "{output}");
    assert_eq!(github.invited("empty"), Vec::<String>::new());
    assert_eq!(github.invited("backend"), ["invited-gh"]);
}
