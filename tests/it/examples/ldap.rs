//! Users of a directory.

use justiam_server::driver::execute::script::Network;
use serde_json::{Value, json};

use super::stand_ins::ldap::{Directory, Entry, PASSWORD, READER};
use super::world::{World, id, rows, text};

const ADMINS: &str = "cn=Admins,ou=groups,dc=example,dc=com";

/// Somebody in the directory, with an identifier made of the name.
fn person(name: &str, first: &str, last: &str, groups: &[&str]) -> Entry {
    let (mail, id) = (format!("{name}@example.com"), format!("id-of-{name}"));
    Entry::new(
        name,
        &[
            ("objectClass", &["top", "person"]),
            ("mail", &[&mail]),
            ("entryUUID", &[&id]),
            ("givenName", &[first]),
            ("sn", &[last]),
            ("memberOf", groups),
        ],
    )
}

fn people() -> Vec<Entry> {
    vec![
        person("ada", "Ada", "Lovelace", &[ADMINS]),
        person("bob", "Bob", "Ünïcode (✓)", &["cn=others,dc=example,dc=com"]),
        person("cleo", "Cleo", "Last", &[]),
        // No person, and so not found.
        Entry::new("printer", &[("objectClass", &["device"]), ("mail", &["printer@example.com"])]),
        // A person without an address, whom the filter leaves out.
        Entry::new("silent", &[("objectClass", &["person"]), ("entryUUID", &["id-of-silent"])]),
        person("internal", "In", "Ternal", &[]),
    ]
}

/// A server with a provider, and a user of its own.
async fn world() -> (World, Directory, Value) {
    world_with(Network::All).await
}

async fn world_with(network: Network) -> (World, Directory, Value) {
    let directory = Directory::start(people()).await;
    let world = World::of("ldap_user_sync", network).await;
    let provider = world.provider("corp-ldap", "ldap").await;
    world.user("internal@example.com", &json!({ "first_name": "Own" })).await;
    let variables = json!({
        "provider_id": provider, "ldap_url": directory.url, "ca_certificate": directory.certificate, "bind_dn": READER,
        "bind_password": PASSWORD, "base_dn": "ou=people,dc=example,dc=com", "dry_run": false,
    });
    (world, directory, variables)
}

fn user(email: &str, name: &str, active: bool) -> (String, String, bool) {
    (email.to_owned(), name.to_owned(), active)
}

/// Who a user is in the directory.
async fn subject(world: &World, email: &str) -> String {
    let user = id(&rows(&world.get(&format!("/users?email={email}")).await)[0]);
    let linked = world.get(&format!("/users/{user}/federated-identities")).await;
    text(&rows(&linked)[0]["subject"])
}

#[tokio::test]
async fn users_and_memberships_follow_the_directory() {
    let (world, directory, mut variables) = world().await;
    let admins = world.group("admins", &[]).await;
    // As somebody else writes the same name.
    variables["group_map"] = json!({ ADMINS.to_uppercase(): "admins" });
    world.apply(&variables).await;
    assert_eq!(world.output().await, "3 created, 0 updated, 0 unchanged, 0 deactivated, 1 left alone");
    let own = user("internal@example.com", "Own", true);
    assert_eq!(
        world.users().await,
        [
            user("ada@example.com", "Ada Lovelace", true),
            user("bob@example.com", "Bob Ünïcode (✓)", true),
            user("cleo@example.com", "Cleo Last", true),
            own.clone(),
        ]
    );
    assert_eq!(world.members(&admins).await, ["ada@example.com"]);
    let page = world.get("/users?email=ada@example.com").await;
    assert_eq!(rows(&page)[0]["auth_source"], "corp-ldap");
    assert_eq!(subject(&world, "ada@example.com").await, "id-of-ada");
    assert_eq!(world.output().await, "0 created, 0 updated, 3 unchanged, 0 deactivated, 1 left alone");

    // Ada marries and is no admin any more, Bob becomes one, Cleo goes.
    directory.replace(vec![person("ada", "Ada", "King", &[]), person("bob", "Bob", "Ünïcode (✓)", &[ADMINS])]);
    assert_eq!(world.output().await, "0 created, 2 updated, 0 unchanged, 1 deactivated, 0 left alone");
    assert_eq!(
        world.users().await,
        [
            user("ada@example.com", "Ada King", true),
            user("bob@example.com", "Bob Ünïcode (✓)", true),
            user("cleo@example.com", "Cleo Last", false),
            own,
        ]
    );
    assert_eq!(world.members(&admins).await, ["bob@example.com"]);

    // She comes back.
    directory.replace(people());
    assert_eq!(world.output().await, "0 created, 3 updated, 0 unchanged, 0 deactivated, 1 left alone");
    assert_eq!(world.active().await.len(), 4);
    world.assert_untold(PASSWORD).await;
}

#[tokio::test]
async fn filters_select_entries() {
    let (world, _directory, mut variables) = world().await;
    variables["dry_run"] = true.into();
    for (filter, created) in [
        ("(objectClass=PERSON)", 3),
        ("(&(objectClass=person)(|(mail=ada@example.com)(sn=Last)))", 2),
        ("(&(mail=*)(!(objectClass=device))(!(mail=cleo@example.com)))", 2),
        ("(sn=Ünïcode \\28✓\\29)", 1),
    ] {
        variables["filter"] = filter.into();
        world.apply(&variables).await;
        let output = world.output().await;
        assert!(output.starts_with(&format!("{created} created, 0 updated, 0 unchanged")), "{filter}: {output}");
        assert!(output.ends_with("(dry run: nothing was changed)"), "{output}");
    }
    assert_eq!(world.users().await.len(), 1);
    for (filter, problem) in [
        ("objectClass=person", "a filter must begin with a bracket, at \"objectClass=person\""),
        ("(&(mail=*)", "a combination of filters is not complete, at \"\""),
        ("(mail=a*)", "\"mail=a*\" compares a part of a value, which this script cannot"),
        ("(mail=*))", "\")\" comes after its end"),
    ] {
        variables["filter"] = filter.into();
        world.apply(&variables).await;
        assert_eq!(world.error().await, format!("the config entry `filter`: {problem}"));
    }
}

#[tokio::test]
async fn a_wrong_password_and_a_connection_that_anybody_can_read_change_nothing() {
    let (world, _directory, mut variables) = world().await;
    variables["bind_password"] = "wrong".into();
    world.apply(&variables).await;
    assert_eq!(world.error().await, format!("bind to the directory as \"{READER}\": result 49 (invalid credentials)"));

    variables["ldap_url"] = "ldap://localhost".into();
    world.apply(&variables).await;
    let error = world.error().await;
    assert!(error.starts_with("over ldap:// the password would be readable on the way: use ldaps://"), "{error}");
    assert_eq!(world.users().await.len(), 1);
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_refused() {
    let (world, _directory, mut variables) = world().await;
    variables["ca_certificate"] = "".into();
    world.apply(&variables).await;
    let error = world.error().await;
    assert!(error.starts_with("connect to the directory: x509: certificate"), "{error}");
}

#[tokio::test]
async fn a_directory_without_anybody_deactivates_nobody() {
    let (world, directory, variables) = world().await;
    world.apply(&variables).await;
    world.output().await;
    directory.replace(Vec::new());
    let error = world.error().await;
    assert!(error.starts_with("the directory has no entry that matches; nothing was changed"), "{error}");
    assert_eq!(world.active().await.len(), 4);
}

#[tokio::test]
async fn without_a_network_of_its_own_the_script_reaches_no_directory() {
    let (world, _directory, variables) = world_with(Network::Fetch).await;
    world.apply(&variables).await;
    let error = world.error().await;
    assert!(error.starts_with("connect to the directory: "), "{error}");
    assert!(error.ends_with("Temporary failure in name resolution"), "{error}");
}

#[tokio::test]
async fn an_entry_that_cannot_be_dealt_with_is_named_and_nobody_is_deactivated() {
    let (world, directory, variables) = world().await;
    world.apply(&variables).await;
    world.output().await;
    let nameless = Entry::new("dan", &[("objectClass", &["person"]), ("mail", &["dan@example.com"])]);
    directory.replace(vec![person("ada", "Ada", "King", &[]), nameless]);
    assert_eq!(
        world.error().await,
        "0 created, 1 updated, 0 unchanged, 0 deactivated, 0 left alone; failed: cn=dan,ou=people,dc=example,dc=com: the entry has \
         no attribute entryUUID; nobody was deactivated because of these failures"
    );
    assert_eq!(world.active().await.len(), 4);
}

#[tokio::test]
async fn who_is_made_anew_in_the_directory_stays_the_same_user() {
    let (world, directory, variables) = world().await;
    world.apply(&variables).await;
    world.output().await;
    let before = rows(&world.get("/users?email=ada@example.com").await)[0]["id"].clone();
    let mut anew = person("ada-2", "Ada", "Lovelace", &[]);
    anew.set("mail", "ADA@example.com");
    directory.replace(vec![anew, person("bob", "Bob", "Ünïcode (✓)", &[])]);
    assert_eq!(world.output().await, "0 created, 1 updated, 1 unchanged, 1 deactivated, 0 left alone");
    assert_eq!(subject(&world, "ada@example.com").await, "id-of-ada-2");
    assert_eq!(rows(&world.get("/users?email=ada@example.com").await)[0]["id"], before);
    assert_eq!(world.active().await, ["ada@example.com", "bob@example.com", "internal@example.com"]);
    assert_eq!(world.output().await, "0 created, 0 updated, 2 unchanged, 0 deactivated, 0 left alone");
}

#[tokio::test]
async fn of_two_entries_with_one_address_the_second_is_left_alone_and_others_are_deactivated() {
    let (world, directory, variables) = world().await;
    world.apply(&variables).await;
    world.output().await;
    let double = |name: &str, mail: &str| {
        let mut double = person(name, "Some", "Body", &[]);
        double.set("mail", mail);
        double
    };
    let people = vec![
        // Before the entry that Ada belongs to, and after the one that Dora will belong to.
        double("ada-2", "ada@example.com"),
        person("ada", "Ada", "Lovelace", &[]),
        person("dora", "Dora", "", &[]),
        double("dora-2", "dora@example.com"),
    ];
    directory.replace(people);
    assert_eq!(world.output().await, "1 created, 0 updated, 1 unchanged, 2 deactivated, 2 left alone");
    assert_eq!(subject(&world, "ada@example.com").await, "id-of-ada");
    assert_eq!(subject(&world, "dora@example.com").await, "id-of-dora");
    assert_eq!(world.active().await, ["ada@example.com", "dora@example.com", "internal@example.com"]);
    let log = world.logs().await;
    let line =
        "left alone: cn=ada-2,ou=people,dc=example,dc=com has the address of ada@example.com, who has another entry\n";
    assert!(log.contains(line), "{log}");
    assert_eq!(world.output().await, "0 created, 0 updated, 2 unchanged, 0 deactivated, 2 left alone");
}
