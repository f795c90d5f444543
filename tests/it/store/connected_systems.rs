//! Connected systems and run profiles.

use justiam_sdk::api::connected_systems::{ConnectedSystem, Connector, CsvSettings, Direction, RunProfile, RunType};
use justiam_server::store::{Db, Error, connected_systems, run_profiles};
use justiam_tests::backend::Backend;
use justiam_tests::both_databases;

use super::support::{TEXTS, at, write};

both_databases!(
    a_connected_system_comes_back_as_it_was,
    names_of_connected_systems_are_unique_and_sorted,
    run_profiles_belong_to_a_connected_system,
    imports_are_numbered,
);

/// A connected system with some of everything.
pub(super) fn system(name: &str) -> ConnectedSystem {
    let mut csv = CsvSettings::new("/data/hr.csv", TEXTS[7], "email");
    csv.delimiter = "\t".into();
    csv.groups_column = Some(TEXTS[6].into());
    csv.attribute_columns = [("dept".to_owned(), "department".to_owned())].into();
    let mut system = ConnectedSystem::new(0, name.to_owned(), Direction::Outbound, csv, at(1));
    system.description = Some(TEXTS[7].into());
    system
}

pub(super) async fn add(db: &Db, name: &str) -> i64 {
    write(db, async |tx| connected_systems::insert(tx, &system(name)).await.unwrap().unwrap()).await
}

async fn a_connected_system_comes_back_as_it_was(backend: Backend) {
    let db = backend.store().await;
    let id = add(&db, TEXTS[7]).await;
    let mut expected = system(TEXTS[7]);
    expected.id = id;
    let mut tx = db.write().await.unwrap();
    assert_eq!(connected_systems::get(&mut tx, id).await.unwrap().as_ref(), Some(&expected));
    assert_eq!(connected_systems::lock(&mut tx, id).await.unwrap().as_ref(), Some(&expected));
    assert_eq!(connected_systems::hold(&mut tx, id).await.unwrap(), Some(at(1)));
    expected.name = "B".into();
    expected.description = None;
    (expected.connector_name, expected.direction) = (Connector::Csv, Direction::Inbound);
    expected.csv.delimiter = ";".into();
    expected.last_updated = Some(at(2));
    connected_systems::update(&mut tx, &expected).await.unwrap();
    assert_eq!(connected_systems::get(&mut tx, id).await.unwrap().as_ref(), Some(&expected));
    assert_eq!(connected_systems::hold(&mut tx, id).await.unwrap(), Some(at(2)));
    let other = id + 1;
    assert_eq!(connected_systems::get(&mut tx, other).await.unwrap(), None);
    assert_eq!(connected_systems::lock(&mut tx, other).await.unwrap(), None);
    assert_eq!(connected_systems::hold(&mut tx, other).await.unwrap(), None);
    connected_systems::delete(&mut tx, id).await.unwrap();
    assert_eq!(connected_systems::get(&mut tx, id).await.unwrap(), None);
}

async fn names_of_connected_systems_are_unique_and_sorted(backend: Backend) {
    let db = backend.store().await;
    let (b, a) = (add(&db, "b").await, add(&db, "a").await);
    add(&db, "Ä").await;
    write(&db, async |tx| {
        assert_eq!(connected_systems::insert(tx, &system("a")).await.unwrap(), None);
        assert_eq!(connected_systems::id_of(tx, "a").await.unwrap(), Some(a));
        assert_eq!(connected_systems::id_of(tx, "A").await.unwrap(), None);
        let names = |systems: Vec<ConnectedSystem>| systems.into_iter().map(|system| system.name).collect::<Vec<_>>();
        let (all, total) = connected_systems::list(tx, None, 0, 10).await.unwrap();
        assert_eq!((names(all), total), (vec!["a".into(), "b".into(), "Ä".into()], 3));
        let (second, total) = connected_systems::list(tx, None, 1, 1).await.unwrap();
        assert_eq!((names(second), total), (vec!["b".into()], 3));
        let (one, total) = connected_systems::list(tx, Some("b"), 0, 10).await.unwrap();
        assert_eq!((names(one), total), (vec!["b".into()], 1));
        assert_eq!(connected_systems::list(tx, Some("c"), 0, 10).await.unwrap(), (vec![], 0));
    })
    .await;
    let mut tx = db.write().await.unwrap();
    let mut taken = system("a");
    taken.id = b;
    let refused = connected_systems::update(&mut tx, &taken).await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
}

async fn run_profiles_belong_to_a_connected_system(backend: Backend) {
    let db = backend.store().await;
    let (one, two) = (add(&db, "one").await, add(&db, "two").await);
    let mut profile = RunProfile::new(0, TEXTS[7].into(), one, RunType::DeltaImport);
    profile.page_size = 7;
    profile.file_path = Some(TEXTS[6].into());
    let mut tx = db.write().await.unwrap();
    profile.id = run_profiles::insert(&mut tx, &profile, at(0)).await.unwrap().unwrap();
    // The name is taken here and free there.
    assert_eq!(run_profiles::insert(&mut tx, &profile, at(0)).await.unwrap(), None);
    let mut other = profile.clone();
    other.connected_system_id = two;
    other.id = run_profiles::insert(&mut tx, &other, at(0)).await.unwrap().unwrap();
    assert_ne!(profile.id, other.id);
    let named = run_profiles::get(&mut tx, one, profile.id).await.unwrap().unwrap();
    assert_eq!((&named.profile, named.system.as_str()), (&profile, "one"));
    assert_eq!(run_profiles::lock(&mut tx, one, profile.id).await.unwrap(), Some(named.clone()));
    assert_eq!(run_profiles::get(&mut tx, two, profile.id).await.unwrap(), None);
    assert_eq!(run_profiles::lock(&mut tx, two, profile.id).await.unwrap(), None);
    profile.name = "renamed".into();
    (profile.run_type, profile.page_size, profile.file_path) = (RunType::Export, 1, None);
    run_profiles::update(&mut tx, &profile).await.unwrap();
    let second = RunProfile::new(0, "second".into(), one, RunType::FullImport);
    let second = run_profiles::insert(&mut tx, &second, at(0)).await.unwrap().unwrap();
    run_profiles::lock_of(&mut tx, one).await.unwrap();
    let list = run_profiles::list(&mut tx, one).await.unwrap();
    assert_eq!(list.iter().map(|named| named.profile.id).collect::<Vec<_>>(), [profile.id, second]);
    assert_eq!(list[0].profile, profile);
    let found = run_profiles::named(&mut tx, &[second, other.id, -1]).await.unwrap();
    let found: Vec<_> = found.iter().map(|named| (named.profile.id, named.system.as_str())).collect();
    assert_eq!(found, [(other.id, "two"), (second, "one")]);
    assert_eq!(run_profiles::id_of(&mut tx, one, "second").await.unwrap(), Some(second));
    assert_eq!(run_profiles::id_of(&mut tx, two, "second").await.unwrap(), None);
    run_profiles::delete(&mut tx, profile.id).await.unwrap();
    assert_eq!(run_profiles::get(&mut tx, one, profile.id).await.unwrap(), None);
    // The others go with their connected system.
    connected_systems::delete(&mut tx, one).await.unwrap();
    assert_eq!(run_profiles::list(&mut tx, one).await.unwrap(), []);
    tx.commit().await.unwrap();
    let mut tx = db.write().await.unwrap();
    let mut third = RunProfile::new(0, "third".into(), two, RunType::FullImport);
    third.id = run_profiles::insert(&mut tx, &third, at(0)).await.unwrap().unwrap();
    third.name = TEXTS[7].into();
    let refused = run_profiles::update(&mut tx, &third).await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
}

async fn imports_are_numbered(backend: Backend) {
    let db = backend.store().await;
    let id = add(&db, "a").await;
    write(&db, async |tx| {
        assert_eq!(connected_systems::next_generation(tx, id).await.unwrap(), Some(1));
        assert_eq!(connected_systems::next_generation(tx, id).await.unwrap(), Some(2));
        assert_eq!(connected_systems::next_generation(tx, id + 1).await.unwrap(), None);
    })
    .await;
}
