//! Objects become users and groups.

use justiam_sdk::api::connected_systems::RunType::{DeltaSynchronisation, FullImport, FullSynchronisation};
use justiam_tests::backend::Backend;
use justiam_tests::both_databases;
use serde_json::json;

use super::support::{World, admin, complete, told};

both_databases!(
    objects_make_users_and_groups,
    an_object_finds_the_user_with_its_address,
    a_change_reaches_the_user_and_nothing_else_does,
    whoever_is_gone_may_not_sign_in_and_loses_what_the_object_gave,
    whoever_moves_to_another_object_stays,
    another_connected_system_keeps_a_user_and_a_membership,
    objects_that_want_one_address_are_told,
    a_user_who_was_deleted_comes_back_with_a_full_synchronisation,
);

const HEAD: &str = "id,email,first,last,active,groups,dept\n";
const PEOPLE: &str =
    "1,ada@example.com,Ada,Example,,Staff; Engineering,R&D\n2,Bob@example.com,Bob,Example,false,Staff,\n";

async fn synchronised(world: &World, rows: &str) -> String {
    world.write(&format!("{HEAD}{rows}"));
    told(&world.run(FullImport).await);
    told(&world.run(DeltaSynchronisation).await)
}

async fn user(world: &World, email: &str) -> justiam_sdk::api::users::User {
    let body = json!({ "email": email, "first_name": "Old", "attributes": { "department": "Sales", "room": "7" } });
    world.app.create_user(&admin(), body.as_object().unwrap().clone(), None).await.unwrap()
}

async fn objects_make_users_and_groups(backend: Backend) {
    let world = World::inbound(backend).await;
    let told = synchronised(&world, PEOPLE).await;
    assert_eq!(told, "Complete | 2 created, 2 groupsCreated, 3 membershipsAdded");
    assert_eq!(
        world.users().await,
        ["ada@example.com Ada Example department=R&D [Engineering,Staff]", "Bob@example.com Bob Example -  [Staff]"]
    );
    let mut actions = world.actions().await;
    actions.sort();
    assert_eq!(
        actions,
        [
            "group.add_member Engineering",
            "group.add_member Staff",
            "group.add_member Staff",
            "group.create Engineering",
            "group.create Staff",
            "user.create Bob@example.com",
            "user.create ada@example.com",
        ]
    );
    assert_eq!(world.objects().await, ["1 linked", "2 linked"]);
    // Nothing is left to do, and nothing is done twice.
    complete(&world.run(DeltaSynchronisation).await, "nothing to do");
    complete(&world.run(FullSynchronisation).await, "2 unchanged");
    assert_eq!(world.actions().await.len(), 7);
}

async fn an_object_finds_the_user_with_its_address(backend: Backend) {
    let world = World::inbound(backend).await;
    let bob = user(&world, "BOB@EXAMPLE.com").await;
    let told = synchronised(&world, PEOPLE).await;
    assert_eq!(told, "Complete | 1 created, 2 groupsCreated, 1 joined, 3 membershipsAdded");
    assert_eq!(
        world.users().await,
        [
            "ada@example.com Ada Example department=R&D [Engineering,Staff]",
            // An empty text takes the attribute away; the others are nobody's business.
            "Bob@example.com Bob Example - room=7 [Staff]",
        ]
    );
    let joined = world.app.user(&admin(), bob.id).await.unwrap();
    assert_eq!((joined.auth_source.as_str(), joined.email.as_str()), ("internal", "Bob@example.com"));
}

async fn a_change_reaches_the_user_and_nothing_else_does(backend: Backend) {
    let world = World::inbound(backend).await;
    synchronised(&world, PEOPLE).await;
    world.app.add_group(&justiam_server::app::identity::actor::Actor::Caller(&admin()), "By hand", "").await.unwrap();
    world
        .execute("INSERT INTO group_members SELECT g.id, u.id, 0 FROM user_groups g, users u WHERE g.name = 'By hand'")
        .await;
    let changed =
        PEOPLE.replace("Ada,", "Augusta,").replace("ada@", "augusta@").replace("Staff; Engineering", "Science");
    let told = synchronised(&world, &changed).await;
    assert_eq!(told, "Complete | 1 groupsCreated, 1 membershipsAdded, 2 membershipsRemoved, 1 updated");
    assert_eq!(
        world.users().await,
        [
            "augusta@example.com Augusta Example department=R&D [By hand,Science]",
            "Bob@example.com Bob Example -  [By hand,Staff]",
        ]
    );
}

async fn whoever_is_gone_may_not_sign_in_and_loses_what_the_object_gave(backend: Backend) {
    let world = World::inbound(backend).await;
    synchronised(&world, PEOPLE).await;
    let told = synchronised(&world, PEOPLE.split_inclusive('\n').nth(1).unwrap()).await;
    assert_eq!(told, "Complete | 1 deactivated, 2 membershipsRemoved");
    assert_eq!(
        world.users().await,
        ["ada@example.com Ada Example - department=R&D []", "Bob@example.com Bob Example -  [Staff]"]
    );
    assert_eq!(world.objects().await, ["2 linked"]);
    // Back again.
    let told = synchronised(&world, PEOPLE).await;
    assert_eq!(told, "Complete | 1 joined, 2 membershipsAdded");
    assert!(world.users().await[0].starts_with("ada@example.com Ada Example department=R&D"));
}

async fn whoever_moves_to_another_object_stays(backend: Backend) {
    let world = World::inbound(backend).await;
    synchronised(&world, PEOPLE).await;
    let told = synchronised(&world, &PEOPLE.replace("1,ada", "9,ada")).await;
    assert!(told.starts_with("Complete | "), "{told}");
    assert_eq!(world.users().await[0], "ada@example.com Ada Example department=R&D [Engineering,Staff]");
    assert_eq!(world.objects().await, ["2 linked", "9 linked"]);
}

async fn another_connected_system_keeps_a_user_and_a_membership(backend: Backend) {
    let world = World::inbound(backend).await;
    synchronised(&world, PEOPLE).await;
    let other = world.another("Contractors", "Inbound", json!({ "activeColumn": null })).await;
    world.write_as("Contractors.csv", "id,email,first,last,groups,dept\nx,ada@example.com,Ada,Example,Staff,R&D\n");
    world.run_of(&other, FullImport).await;
    complete(&world.run_of(&other, FullSynchronisation).await, "1 joined");
    let told = synchronised(&world, "2,bob@example.com,Bob,Example,false,Staff,\n").await;
    assert_eq!(told, "Complete | 1 membershipsRemoved, 1 removed, 1 updated");
    assert_eq!(world.users().await[0], "ada@example.com Ada Example department=R&D [Staff]");
    // The last one turns off the light.
    world.write_as("Contractors.csv", "id,email,first,last,groups,dept\ny,cid@example.com,,,,\n");
    world.run_of(&other, FullImport).await;
    complete(&world.run_of(&other, FullSynchronisation).await, "1 created, 1 deactivated, 1 membershipsRemoved");
    assert_eq!(world.users().await[0], "ada@example.com Ada Example - department=R&D []");
}

async fn objects_that_want_one_address_are_told(backend: Backend) {
    let world = World::inbound(backend).await;
    let told = synchronised(&world, "1,ada@example.com,,,,,\n2,ADA@example.com,,,,,\n3,cid@example.com,,,,,\n").await;
    let error = "2: the object `1` has the same e-mail address, `ADA@example.com`";
    assert_eq!(told, format!("CompleteWithError | 2 created | objects with errors: 1 | {error}"));
    // Also where the other one was on another page, or at another time.
    let told = super::support::told(&world.run(DeltaSynchronisation).await);
    let error = "2: the user with the e-mail address `ADA@example.com` belongs to the object `1`";
    assert_eq!(told, format!("CompleteWithError | nothing to do | objects with errors: 1 | {error}"));
    let cid = "1,ada@example.com,,,,,\n3,ada@example.com,,,,,\n";
    let told = synchronised(&world, cid).await;
    assert!(told.contains("3: the e-mail address `ada@example.com` belongs to another user, 0"), "{told}");
    assert_eq!(world.users().await.len(), 2);
}

async fn a_user_who_was_deleted_comes_back_with_a_full_synchronisation(backend: Backend) {
    let world = World::inbound(backend).await;
    synchronised(&world, PEOPLE).await;
    world.execute("DELETE FROM users WHERE email = 'ada@example.com'").await;
    complete(&world.run(DeltaSynchronisation).await, "nothing to do");
    assert_eq!(world.objects().await, ["1", "2 linked"]);
    complete(&world.run(FullSynchronisation).await, "1 created, 2 membershipsAdded, 1 unchanged");
}

#[tokio::test]
async fn without_columns_for_them_names_groups_and_attributes_stay() {
    let none = json!({
        "firstNameColumn": null, "lastNameColumn": null, "activeColumn": null, "groupsColumn": null, "attributeColumns": {},
    });
    let world = World::with(Backend::sqlite(), "Inbound", none).await;
    let ada = user(&world, "ada@example.com").await;
    world
        .app
        .set_user_active(&justiam_server::app::identity::actor::Actor::Caller(&admin()), &ada.id.to_string(), false)
        .await
        .unwrap();
    let told = synchronised(&world, PEOPLE).await;
    assert_eq!(told, "Complete | 1 created, 1 joined");
    // Who was shut out by hand stays so, where no column speaks of it; new users may sign in.
    assert_eq!(world.users().await, ["ada@example.com Old  - department=Sales,room=7 []", "Bob@example.com    []"]);
}

#[tokio::test]
async fn a_membership_that_was_made_by_hand_stays_when_the_object_does_not_name_it_any_more() {
    let world = World::inbound(Backend::sqlite()).await;
    user(&world, "ada@example.com").await;
    let actor = justiam_server::app::identity::actor::Actor::Caller(&admin());
    world.app.add_group(&actor, "Staff", "").await.unwrap();
    world.execute("INSERT INTO group_members SELECT g.id, u.id, 0 FROM user_groups g, users u").await;
    assert_eq!(
        synchronised(&world, PEOPLE).await,
        "Complete | 1 created, 1 groupsCreated, 1 joined, 2 membershipsAdded"
    );
    let told = synchronised(&world, &PEOPLE.replace("Staff; Engineering", "")).await;
    assert_eq!(told, "Complete | 1 membershipsRemoved, 1 unchanged");
    assert!(world.users().await[0].ends_with("[Staff]"), "{:?}", world.users().await);
}

#[tokio::test]
async fn columns_that_were_never_imported_change_nothing_until_they_are() {
    let world =
        World::with(Backend::sqlite(), "Inbound", json!({ "lastNameColumn": null, "attributeColumns": {} })).await;
    synchronised(&world, PEOPLE).await;
    let mut body = serde_json::to_value(&world.system).unwrap();
    body["csv"]["lastNameColumn"] = json!("last");
    let body = body.as_object().unwrap().clone();
    world.clock.advance(jiff::SignedDuration::from_secs(1));
    world.app.replace_connected_system(&admin(), world.system.id, body).await.unwrap();
    complete(&world.run(FullSynchronisation).await, "2 unchanged");
    complete(&world.run(FullImport).await, "2 updated");
    complete(&world.run(DeltaSynchronisation).await, "2 updated");
    assert_eq!(world.users().await[0], "ada@example.com Ada Example  [Engineering,Staff]");
}
