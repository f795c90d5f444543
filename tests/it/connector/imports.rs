//! Files come into the connector space.

use justiam_sdk::api::activities::ActivityStatus;
use justiam_sdk::api::connected_systems::RunType::{DeltaImport, Export, FullImport, FullSynchronisation};
use justiam_tests::backend::Backend;
use justiam_tests::both_databases;
use serde_json::json;

use super::support::{World, complete, told};

both_databases!(
    a_full_import_finds_what_is_new_different_and_gone,
    a_delta_import_changes_what_it_names,
    rows_with_errors_are_told_and_change_nothing,
    an_object_stands_in_a_file_once,
    a_stopped_import_takes_nothing_for_gone,
    an_activity_that_is_not_at_work_any_more_writes_nothing,
);

const HEAD: &str = "id,email,first,last,active,groups,dept,ignored\n";

fn rows(ids: &[&str]) -> String {
    let rows = ids.iter().map(|id| format!("{id},{id}@example.com,First,Last,,,,x\n"));
    HEAD.to_owned() + &rows.collect::<String>()
}

async fn a_full_import_finds_what_is_new_different_and_gone(backend: Backend) {
    let world = World::inbound(backend).await;
    world.write(&rows(&["a", "b", "c", "d", "e"]));
    let first = world.run(FullImport).await;
    complete(&first, "5 added");
    assert_eq!(first.objects.processed, 5);
    complete(&world.run(FullImport).await, "5 unchanged");
    // A column without a meaning does not count.
    world.write(&rows(&["a", "c", "f", "d", "g"]).replace(",x\n", ",y\n").replace("c@example", "c2@example"));
    complete(&world.run(FullImport).await, "2 added, 2 removed, 2 unchanged, 1 updated");
    assert_eq!(world.objects().await, ["a", "c", "d", "f", "g", "b gone", "e gone"]);
    world.write(&rows(&["b", "a", "c", "f", "d", "g"]).replace("c@example", "c2@example"));
    complete(&world.run(FullImport).await, "1 added, 5 unchanged");
    assert_eq!(world.objects().await, ["a", "b", "c", "d", "f", "g", "e gone"]);
}

async fn a_delta_import_changes_what_it_names(backend: Backend) {
    let world = World::inbound(backend).await;
    world.write(&rows(&["a", "b", "c"]));
    world.run(FullImport).await;
    world.write_as(
        "delta.csv",
        "changeType,id,email,first,last,active,groups,dept\ndelete,b,,,,,,\nMODIFY,c,c@example.com,Other,Last,,,\n\
         add,d,d@example.com,,,,,\n,a,a@example.com,First,Last,,,\ndelete,x,,,,,,\nrename,e,e@example.com,,,,,\n",
    );
    let delta = json!({ "runType": "DeltaImport", "pageSize": 2, "filePath": world.path("delta.csv") });
    let ending = world.run_with(&world.system, delta).await;
    assert_eq!(
        told(&ending),
        "CompleteWithError | 1 added, 1 removed, 2 unchanged, 1 updated | objects with errors: 1 | \
         e: `changeType` must be `add`, `modify`, `update` or `delete`, not `rename` (line 7)"
    );
    assert_eq!(world.objects().await, ["a", "c", "d", "b gone"]);
    // Without that column, and with the connected system's own file, nothing is taken for gone.
    world.write(HEAD);
    complete(&world.run(DeltaImport).await, "nothing to do");
    assert_eq!(world.objects().await, ["a", "c", "d", "b gone"]);
}

async fn rows_with_errors_are_told_and_change_nothing(backend: Backend) {
    let world = World::inbound(backend).await;
    world.write(&rows(&["a", "b", "c"]));
    world.run(FullImport).await;
    let wrong = "a,no address,First,Last,,,,x\nb,b@example.com,First,Last,maybe,,,x\n";
    world.write(&format!("{HEAD}{wrong}d,d@example.com,,,,,,\n"));
    let ending = world.run(FullImport).await;
    assert_eq!(
        told(&ending),
        "CompleteWithError | 1 added, 1 removed | objects with errors: 2 | \
         a: `email` must be an e-mail address, not `no address` (line 2) | \
         b: `active` must be `true` or `false`, not `maybe` (line 3)"
    );
    assert_eq!(world.objects().await, ["a", "b", "d", "c gone"]);
    // A row that may be about anybody: nobody is taken for gone.
    world.write(&format!("{HEAD},a@example.com,First,Last,,,,x\ne,\"e\"@example.com,,,,,,\nf,f\n"));
    let ending = world.run(FullImport).await;
    assert_eq!(ending.status, ActivityStatus::CompleteWithError);
    assert_eq!(
        ending.message.as_deref(),
        Some(
            "nothing to do; no object was taken for gone, because of 3 rows it is not known which objects they are about"
        )
    );
    let mut errors: Vec<String> =
        ending.objects.errors.iter().map(|error| format!("{}: {}", error.object, error.message)).collect();
    errors.sort();
    assert_eq!(
        errors,
        [
            "line 2: its id must not be blank",
            "line 3: has a quotation mark in the wrong place: it must stand at both ends of a field, and twice inside one",
            "line 4: has 2 columns, and the first row has 8",
        ]
    );
    assert_eq!(ending.objects.counts["errors"], 3);
    assert_eq!(world.objects().await, ["a", "b", "d", "c gone"]);
}

async fn an_object_stands_in_a_file_once(backend: Backend) {
    let world = World::inbound(backend).await;
    world.write(&rows(&["a", "a", "b", "c", "a"]));
    let ending = world.run(FullImport).await;
    let error = "a: stands in the file more than once; only its first row counts";
    assert_eq!(told(&ending), format!("CompleteWithError | 3 added | objects with errors: 2 | {error} | {error}"));
}

async fn a_stopped_import_takes_nothing_for_gone(backend: Backend) {
    let world = World::inbound(backend).await;
    world.write(&rows(&["a", "b"]));
    world.run(FullImport).await;
    world.write(&rows(&["c"]));
    world.shutdown.soft.cancel();
    let ending = world.run(FullImport).await;
    assert_eq!(told(&ending), "Cancelled | nothing to do");
    assert_eq!(world.objects().await, ["a", "b"]);
}

async fn an_activity_that_is_not_at_work_any_more_writes_nothing(backend: Backend) {
    let world = World::inbound(backend).await;
    world.write(&rows(&["a", "b"]));
    let profile = world.profile(&world.system, json!({ "runType": "FullImport" })).await;
    let (id, attempt) = world.claim(&world.system, &profile).await;
    let ending = world.attempt(&profile, id, attempt - 1).await;
    assert_eq!(told(&ending), "Cancelled | nothing to do");
    assert_eq!(world.objects().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_connected_system_that_is_changed_or_deleted_meanwhile_ends_the_work() {
    let world = World::inbound(Backend::sqlite()).await;
    world.write(&rows(&["a", "b", "c"]));
    // The first page tells of its progress, and that moment somebody makes a change.
    world
        .execute(
            "CREATE TRIGGER t AFTER UPDATE OF objects_processed ON activities WHEN new.objects_processed > 0 \
             BEGIN UPDATE connected_systems SET updated_at = 7; END",
        )
        .await;
    let ending = world.run(FullImport).await;
    assert_eq!(told(&ending), "FailedWithError | nothing to do | `HR` was changed while this was at work");
    assert_eq!(world.objects().await, Vec::<String>::new());
    let delete = "DROP TRIGGER t; CREATE TRIGGER t AFTER UPDATE OF objects_processed ON activities \
                  WHEN new.objects_processed > 0 BEGIN DELETE FROM connected_systems; END";
    world.execute(delete).await;
    let ending = world.run(FullImport).await;
    assert_eq!(told(&ending), "FailedWithError | nothing to do | `HR` was deleted while this was at work");
}

#[tokio::test]
async fn nothing_is_exported_to_an_inbound_connected_system() {
    let world = World::inbound(Backend::sqlite()).await;
    world.write(HEAD);
    assert_eq!(
        told(&world.run(Export).await),
        "FailedWithError | nothing to do | nothing is exported to `HR`, because its direction is Inbound; only Outbound \
         connected systems are written"
    );
    assert_eq!(world.read(), HEAD);
}

#[tokio::test]
async fn a_file_that_cannot_be_used_fails_and_changes_nothing() {
    let world = World::inbound(Backend::sqlite()).await;
    let path = world.path("HR.csv").display().to_string();
    let failed = async |what: &str| {
        let ending = world.run(FullImport).await;
        assert_eq!(ending.status, ActivityStatus::FailedWithError);
        let error = ending.error.unwrap();
        assert!(error.contains(what), "{error}");
        assert_eq!(world.objects().await, ["a"]);
    };
    world.write(&rows(&["a"]));
    world.run(FullImport).await;
    std::fs::remove_file(world.path("HR.csv")).unwrap();
    failed(&format!("`{path}` cannot be used: No such file")).await;
    world.write("");
    failed("is empty; its first row must name the columns").await;
    world.write("id,mail\na,a@example.com\n");
    failed("the file has no column `email`; its first row names `id`, `mail`").await;
    world.write("id,email,id\n");
    failed("the file has two columns `id`").await;
    // Everybody would be locked out.
    world.write(HEAD);
    failed("the file has no objects, but the connector space has").await;
    // Links are followed before it is asked whether the folder is allowed.
    std::fs::remove_file(world.path("HR.csv")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", world.path("HR.csv")).unwrap();
    failed("is not in a folder that this server allows").await;
}

#[tokio::test]
async fn a_full_import_takes_no_more_than_half_of_many_objects_for_gone() {
    let world = World::inbound(Backend::sqlite()).await;
    let ids: Vec<String> = (10..32).map(|number| format!("p{number}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    world.write(&rows(&ids));
    complete(&world.run(FullImport).await, "22 added");
    world.write(&rows(&ids[..10]));
    let ending = world.run(FullImport).await;
    assert_eq!(ending.status, ActivityStatus::FailedWithError);
    let error = ending.error.unwrap();
    assert!(error.starts_with("12 of 22 objects are not in the file; ") && error.contains("delta import"), "{error}");
    assert_eq!(world.objects().await.len(), 22);
    assert!(world.objects().await.iter().all(|object| !object.contains("gone")));
    // In steps.
    world.write(&rows(&ids[..11]));
    complete(&world.run(FullImport).await, "11 removed, 11 unchanged");
    world.write(&rows(&ids[..1]));
    complete(&world.run(FullImport).await, "10 removed, 1 unchanged");
}

#[tokio::test]
async fn an_empty_space_may_be_filled_from_a_file_without_objects() {
    let world = World::inbound(Backend::sqlite()).await;
    world.write(HEAD);
    complete(&world.run(FullImport).await, "nothing to do");
    complete(&world.run(FullSynchronisation).await, "nothing to do");
}
