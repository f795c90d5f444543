//! Users become files.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;

use justiam_sdk::api::connected_systems::RunType::{DeltaSynchronisation, Export, FullImport, FullSynchronisation};
use justiam_sdk::api::users::User;
use justiam_tests::backend::Backend;
use justiam_tests::both_databases;
use serde_json::json;

use super::support::{World, admin, complete, told};

both_databases!(users_are_written_as_they_are, changes_wait_for_the_export, what_others_do_to_the_file_is_undone);

async fn user(world: &World, email: &str, name: &str) -> User {
    let body = json!({ "email": email, "first_name": name, "attributes": { "department": "R \"&\" D" } });
    world.app.create_user(&admin(), body.as_object().unwrap().clone(), None).await.unwrap()
}

async fn world(backend: Backend) -> (World, User, User) {
    let world = World::outbound(backend).await;
    let (ada, bob) = (user(&world, "ada@example.com", "Ada").await, user(&world, "bob@example.com", "Bob, Jr.").await);
    world
        .execute(
            "INSERT INTO user_groups (id, name, name_folded, description, created_at, updated_at) \
         VALUES ('019b0000-0000-7000-8000-000000000001', 'Staff', 'staff', '', 0, 0), \
         ('019b0000-0000-7000-8000-000000000002', 'Admins', 'admins', '', 0, 0)",
        )
        .await;
    world
        .execute(
            "INSERT INTO group_members SELECT g.id, u.id, 0 FROM user_groups g, users u WHERE u.first_name = 'Ada'",
        )
        .await;
    (world, ada, bob)
}

async fn users_are_written_as_they_are(backend: Backend) {
    let (world, ada, bob) = world(backend).await;
    complete(&world.run(FullSynchronisation).await, "2 added");
    complete(&world.run(Export).await, "2 added, 2 exported");
    let text = format!(
        "id,email,first,last,active,groups,dept\n{},ada@example.com,Ada,,true,Admins;Staff,\"R \"\"&\"\" D\"\n\
         {},bob@example.com,\"Bob, Jr.\",,true,,\"R \"\"&\"\" D\"\n",
        ada.id, bob.id
    );
    assert_eq!(world.read(), text);
    // What was written is what an import reads.
    complete(&world.run(FullImport).await, "2 unchanged");
    complete(&world.run(DeltaSynchronisation).await, "2 unchanged");
    complete(&world.run(Export).await, "2 exported");
    assert_eq!(world.read(), text);
    // Nothing else is in the folder.
    assert_eq!(std::fs::read_dir(world.folder.path()).unwrap().count(), 1);
}

async fn changes_wait_for_the_export(backend: Backend) {
    let (world, ada, bob) = world(backend).await;
    world.run(FullSynchronisation).await;
    world.run(Export).await;
    std::fs::set_permissions(world.path("HR.csv"), Permissions::from_mode(0o604)).unwrap();
    world.app.delete_user(&admin(), bob.id).await.unwrap();
    let cid = user(&world, "cid@example.com", "Cid").await;
    // A membership alone changes the row, too.
    world.execute("DELETE FROM group_members WHERE group_id LIKE '%2'").await;
    complete(&world.run(DeltaSynchronisation).await, "1 added, 1 removed, 1 updated");
    assert!(world.read().contains("bob@example.com") && !world.read().contains("cid@example.com"));
    let system = world.app.connected_system(&admin(), world.system.id).await.unwrap();
    assert_eq!((system.object_count, system.connectors_count, system.pending_export_objects_count), (3, 2, 3));
    // Somebody who comes and goes before the export leaves nothing behind.
    world.app.delete_user(&admin(), cid.id).await.unwrap();
    complete(&world.run(DeltaSynchronisation).await, "1 removed, 1 updated");
    complete(&world.run(Export).await, "1 exported, 1 removed, 1 updated");
    let text = format!(
        "id,email,first,last,active,groups,dept\n{},ada@example.com,Ada,,true,Staff,\"R \"\"&\"\" D\"\n",
        ada.id
    );
    assert_eq!(world.read(), text);
    assert_eq!(world.objects().await, [format!("{} linked", ada.id)]);
    // Who may read the file does not change.
    assert_eq!(std::fs::metadata(world.path("HR.csv")).unwrap().permissions().mode() & 0o777, 0o604);
}

async fn what_others_do_to_the_file_is_undone(backend: Backend) {
    let (world, ada, bob) = world(backend).await;
    world.run(FullSynchronisation).await;
    world.run(Export).await;
    let text = world.read();
    let changed = text.replace("Ada", "Eve").replace(&format!("{},bob", bob.id), "x,eve");
    world.write(&changed);
    complete(&world.run(FullImport).await, "1 added, 1 removed, 1 updated");
    complete(&world.run(FullSynchronisation).await, "1 added, 1 removed, 1 updated");
    complete(&world.run(Export).await, "1 added, 2 exported, 1 removed, 1 updated");
    assert_eq!(world.read(), text);
    assert_eq!(world.objects().await, [format!("{} linked", ada.id), format!("{} linked", bob.id)]);
}

#[tokio::test]
async fn an_address_that_is_the_id_moves_the_object() {
    let world = World::with(Backend::sqlite(), "Outbound", json!({ "idColumn": "email", "delimiter": ";" })).await;
    let ada = user(&world, "ada@example.com", "Ada").await;
    world.run(FullSynchronisation).await;
    world.run(Export).await;
    assert_eq!(world.read(), "email;first;last;active;groups;dept\nada@example.com;Ada;;true;;\"R \"\"&\"\" D\"\n");
    let body = json!({ "email": "augusta@example.com" });
    world.app.patch_user(&admin(), ada.id, body.as_object().unwrap().clone()).await.unwrap();
    complete(&world.run(FullSynchronisation).await, "1 added, 1 removed");
    complete(&world.run(Export).await, "1 added, 1 exported, 1 removed");
    assert_eq!(world.read(), "email;first;last;active;groups;dept\naugusta@example.com;Ada;;true;;\"R \"\"&\"\" D\"\n");
}

#[tokio::test]
async fn a_group_whose_name_would_be_read_as_two_is_told() {
    let (world, _, bob) = world(Backend::sqlite()).await;
    world.execute("UPDATE user_groups SET name = 'Staff; all' WHERE name = 'Staff'").await;
    let ending = world.run(FullSynchronisation).await;
    assert_eq!(
        told(&ending),
        "CompleteWithError | 1 added | objects with errors: 1 | ada@example.com: the name of the group \
         `Staff; all` contains `;`, which parts groups"
    );
    world.run(Export).await;
    assert!(world.read().contains(&bob.id.to_string()) && !world.read().contains("ada@example.com"));
}

#[tokio::test]
async fn an_object_whose_user_cannot_be_written_stays_as_it_is() {
    let (world, ada, _) = world(Backend::sqlite()).await;
    // The file is there before any user is linked to it.
    let head = "id,email,first,last,active,groups,dept\n";
    let row = format!("{},ada@example.com,Ada,,true,,\n", ada.id);
    world.write(&format!("{head}{row}"));
    complete(&world.run(FullImport).await, "1 added");
    world.execute("UPDATE user_groups SET name = 'Staff; all' WHERE name = 'Staff'").await;
    let told = told(&world.run(FullSynchronisation).await);
    assert!(told.starts_with("CompleteWithError | 1 added | objects with errors: 1 | ada@"), "{told}");
    complete(&world.run(Export).await, "1 added, 2 exported");
    assert!(world.read().contains(&row), "{}", world.read());
}

#[tokio::test]
async fn an_export_replaces_no_programs_and_no_other_files() {
    let (world, ..) = world(Backend::sqlite()).await;
    world.run(FullSynchronisation).await;
    world.write("SELECT 1;\n");
    let error = world.run(Export).await.error.unwrap();
    assert!(error.contains("its first row does not name `id` and `email`"), "{error}");
    assert_eq!(world.read(), "SELECT 1;\n");
    world.write("id,email\n");
    std::fs::set_permissions(world.path("HR.csv"), Permissions::from_mode(0o755)).unwrap();
    let error = world.run(Export).await.error.unwrap();
    assert!(error.contains("is executable, and an export replaces no programs"), "{error}");
    std::fs::set_permissions(world.path("HR.csv"), Permissions::from_mode(0o600)).unwrap();
    // What an export has left that was broken off goes.
    world.write_as(&format!(".justiam-export-{}-x", world.system.id), "");
    complete(&world.run(Export).await, "2 added, 2 exported");
    assert_eq!(std::fs::read_dir(world.folder.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn an_export_to_a_folder_that_is_not_allowed_fails() {
    let (world, ..) = world(Backend::sqlite()).await;
    let ending = world.run_with(&world.system, json!({ "runType": "Export", "filePath": "/etc/people.csv" })).await;
    assert!(ending.error.unwrap().contains("`/etc/people.csv` is not in a folder that this server allows"));
}
