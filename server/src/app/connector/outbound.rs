//! Synchronisation of an outbound connected system: what the next export has to write.
//!
//! All users are looked at each time, for a change of a membership leaves no mark on the user.

use std::collections::{BTreeMap, HashMap};

use justiam_sdk::api::ids::UserId;
use justiam_sdk::api::users::User;

use super::person::{external_id, written};
use super::{Done, TRIES, Tally, Work, passes};
use crate::store::connector_objects::{self, Object, Pending};
use crate::store::identity::{groups, users};

/// Compares all users with the objects. Objects of nobody are to go.
pub(super) async fn run(work: &mut Work<'_>) -> Done<()> {
    let mut last = Some(String::new());
    while let Some(email) = last {
        let mut left = TRIES;
        last = loop {
            left -= 1;
            match page(work, &email).await {
                Err(halt) if left > 0 && passes(&halt) => {}
                done => break done?,
            }
        };
    }
    let mut tx = work.page(0).await?;
    let mut tally = Tally::default();
    let gone = connector_objects::prepare_removals(&mut tx, work.system.id).await?;
    tally.add("removed", usize::try_from(gone).unwrap_or(usize::MAX));
    work.commit(tx, 0, tally).await
}

/// Compares the next users behind an address. Returns the last one's address, or `None` where there was none.
async fn page(work: &mut Work<'_>, after: &str) -> Done<Option<String>> {
    let mut read = work.db.read().await?;
    let found = users::after(&mut read, None, after, work.profile.page_size).await?;
    drop(read);
    let Some(last) = found.last().map(|user| user.email.clone()) else { return Ok(None) };
    let mut tx = work.page(found.len()).await?;
    let ids: Vec<UserId> = found.iter().map(|user| user.id).collect();
    let users = users::batch::lock(&mut tx, &ids).await?;
    let mut names: HashMap<UserId, Vec<String>> = HashMap::new();
    if work.system.csv.groups_column.is_some() {
        for (user, name) in groups::batch::names_of(&mut tx, &ids).await? {
            names.entry(user).or_default().push(name);
        }
    }
    let new_ids: Vec<String> = users.iter().flat_map(|user| [user.id.to_string(), user.email.clone()]).collect();
    let objects = connector_objects::of_users(&mut tx, work.system.id, &ids, &new_ids).await?;
    let mut tally = Tally::default();
    let pending = compare(work, &users, &names, &objects, &mut tally);
    if !pending.is_empty() {
        connector_objects::prepare(&mut tx, work.system.id, &pending).await?;
    }
    work.commit(tx, found.len(), tally).await?;
    Ok(Some(last))
}

/// What has to be written of these objects.
fn compare(
    work: &Work<'_>,
    users: &[User],
    names: &HashMap<UserId, Vec<String>>,
    objects: &[Object],
    tally: &mut Tally,
) -> Vec<Pending> {
    // One for each object: a row cannot be written twice in one statement.
    let mut pending = BTreeMap::new();
    for user in users {
        let linked = objects.iter().find(|object| object.user == Some(user.id));
        let groups = names.get(&user.id).map(Vec::as_slice).unwrap_or_default();
        let id = external_id(&work.system.csv, user, linked.map(|object| object.external_id.as_str()));
        let texts = written(&work.system.csv, user, groups, &id);
        let json = match texts.and_then(|texts| serde_json::to_string(&texts).map_err(|error| error.to_string())) {
            Ok(json) => json,
            Err(message) => {
                tally.wrong(&user.email, message);
                // It stays as it is, and is not taken for an object of nobody.
                if let Some(object) = objects.iter().find(|object| linked.is_none() && object.external_id == id) {
                    let pending_export = object.pending_export.clone().filter(|json| json != "null");
                    let now = Pending { external_id: id.clone(), pending_export, user: Some(user.id) };
                    pending.insert(id, now);
                }
                continue;
            }
        };
        // Under another id it is another object.
        for old in objects.iter().filter(|object| object.user == Some(user.id) && object.external_id != id) {
            let nothing = Pending { external_id: old.external_id.clone(), pending_export: None, user: None };
            pending.entry(old.external_id.clone()).or_insert(nothing);
        }
        let object = objects.iter().find(|object| object.external_id == id);
        let there = object.filter(|object| !object.is_gone).and_then(|object| object.imported.as_ref());
        let pending_export = if there == Some(&json) {
            tally.one("unchanged");
            None
        } else {
            tally.one(if there.is_some() { "updated" } else { "added" });
            Some(json)
        };
        let now = Pending { external_id: id.clone(), pending_export, user: Some(user.id) };
        let is_same =
            object.is_some_and(|object| object.user == now.user && object.pending_export == now.pending_export);
        if !is_same {
            pending.insert(id, now);
        }
    }
    pending.into_values().collect()
}
