//! Memberships that objects give to users.
//!
//! An object gives the groups that its groups column names, but for those in which the user was already a member without any
//! object. What it gave at the last synchronisation and does not give any more is taken away, unless another object gives it. All
//! other memberships, such as those that were made by hand, are nobody's business here.

use std::collections::{BTreeMap, BTreeSet};

use justiam_sdk::api::audit::AuditEntry;
use justiam_sdk::api::groups::Group;
use justiam_sdk::api::ids::{GroupId, UserId};

use super::{Done, Tally, Work};
use crate::app::audit::Event;
use crate::store::Tx;
use crate::store::identity::groups;

/// What an object wants for its user.
pub(super) struct Wish {
    pub(super) external_id: String,
    pub(super) user: UserId,
    /// The names of all groups that it gives; `None` where it says nothing about groups.
    pub(super) names: Option<BTreeSet<String>>,
    /// What it gave before.
    pub(super) given: BTreeSet<GroupId>,
    /// What other objects give to the user.
    pub(super) given_by_others: BTreeSet<GroupId>,
    /// What any object gave to the user before, also those that are gone: a membership goes over from one to the next.
    pub(super) given_by_any: BTreeSet<GroupId>,
}

/// Makes missing groups, makes and ends memberships. Returns what each object gives now.
pub(super) async fn change(
    work: &Work<'_>,
    tx: &mut Tx,
    wishes: &[Wish],
    tally: &mut Tally,
    entries: &mut Vec<AuditEntry>,
) -> Done<Vec<BTreeSet<GroupId>>> {
    let names: BTreeSet<&str> =
        wishes.iter().filter_map(|wish| wish.names.as_ref()).flatten().map(String::as_str).collect();
    let ids: BTreeSet<String> = wishes.iter().flat_map(|wish| wish.given.iter().map(ToString::to_string)).collect();
    if names.is_empty() && ids.is_empty() {
        return Ok(wishes.iter().map(|_| BTreeSet::new()).collect());
    }
    let mut known = groups::batch::hold(tx, names.iter().copied().chain(ids.iter().map(String::as_str))).await?;
    let there: BTreeSet<String> = known.iter().map(|group| group.name.clone()).collect();
    for name in names.into_iter().filter(|name| !there.contains(*name)) {
        let group = Group::new(GroupId::from_uuid(work.app.new_id()), name.to_owned(), work.app.now());
        if groups::insert(tx, &group).await? {
            entries.push(work.entry(Event::new("group.create", "group", group.id.to_string(), &group.name)));
            tally.one("groupsCreated");
            known.push(group);
        } else {
            // Somebody made it meanwhile.
            known.extend(groups::batch::hold(tx, [name]).await?);
        }
    }
    let by_name: BTreeMap<&str, GroupId> = known.iter().map(|group| (group.name.as_str(), group.id)).collect();
    let by_id: BTreeMap<GroupId, &str> = known.iter().map(|group| (group.id, group.name.as_str())).collect();

    let (mut new, mut old, mut all_wanted) = (Vec::new(), Vec::new(), Vec::new());
    for wish in wishes {
        let Some(names) = &wish.names else {
            all_wanted.push(None);
            continue;
        };
        let wanted: BTreeSet<GroupId> = names.iter().filter_map(|name| by_name.get(name.as_str()).copied()).collect();
        new.extend(wanted.iter().map(|group| (*group, wish.user)));
        let lost = wish.given.iter().filter(|group| !wanted.contains(group) && !wish.given_by_others.contains(group));
        old.extend(lost.map(|group| (*group, wish.user)));
        all_wanted.push(Some(wanted));
    }
    let mut note = |action, (group, user): (GroupId, UserId)| {
        let event = Event::new(action, "group", group.to_string(), by_id.get(&group).copied().unwrap_or_default());
        entries.push(work.entry(event.with("user_id", user.to_string())));
    };
    if !old.is_empty() {
        let ended = groups::batch::remove_members(tx, &old).await?;
        tally.add("membershipsRemoved", ended.len());
        for member in ended {
            note("group.remove_member", member);
        }
    }
    let mut made = BTreeSet::new();
    if !new.is_empty() {
        made.extend(groups::batch::add_members(tx, &new, work.app.now()).await?);
        tally.add("membershipsAdded", made.len());
        for member in &made {
            note("group.add_member", *member);
        }
    }
    let given = wishes.iter().zip(all_wanted).map(|(wish, wanted)| {
        let Some(mut wanted) = wanted else { return wish.given.clone() };
        wanted.retain(|group| wish.given_by_any.contains(group) || made.contains(&(*group, wish.user)));
        wanted
    });
    Ok(given.collect())
}
