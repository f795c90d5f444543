//! Synchronisation of an inbound connected system: users and groups become what its objects say.

use std::collections::{BTreeSet, HashMap};

use justiam_sdk::api::ids::UserId;
use justiam_sdk::api::users::User;

use super::memberships::{self, Wish};
use super::person::{Person, Texts};
use super::{Done, TRIES, Tally, Work, passes};
use crate::app::audit::{Changes, Event};
use crate::app::{FieldErrors, identity};
use crate::store::connector_objects::{self, Filter, Link, Object, Synchronised};
use crate::store::identity::users;
use crate::store::{Tx, audit, folded};

/// First all objects that are there, then those that are gone: who has moved to another object is not shut out.
pub(super) async fn run(work: &mut Work<'_>, only_changed: bool) -> Done<()> {
    let mut tx = work.db.read().await?;
    work.objects.to_process = Some(connector_objects::count(&mut tx, work.system.id, only_changed).await?);
    drop(tx);
    for is_gone in [false, true] {
        let filter = Filter { is_gone, only_changed };
        let mut last = Some(String::new());
        while let Some(id) = last {
            let mut left = TRIES;
            last = loop {
                left -= 1;
                match page(work, filter, &id).await {
                    Err(halt) if left > 0 && passes(&halt) => {}
                    done => break done?,
                }
            };
        }
    }
    Ok(())
}

/// Synchronises the next objects behind an id. Returns the last one's id, or `None` where there was none.
async fn page(work: &mut Work<'_>, filter: Filter, after: &str) -> Done<Option<String>> {
    let mut read = work.db.read().await?;
    let objects = connector_objects::after(&mut read, work.system.id, filter, after, work.profile.page_size).await?;
    drop(read);
    let Some(last) = objects.last().map(|object| object.external_id.clone()) else { return Ok(None) };
    let mut tx = work.page(objects.len()).await?;
    let mut page = Page::default();
    if filter.is_gone {
        page.let_go(work, &mut tx, &objects).await?;
    } else {
        page.bring_in(work, &mut tx, &objects).await?;
    }
    audit::insert(&mut tx, &page.audit).await?;
    work.commit(tx, objects.len(), page.tally).await?;
    Ok(Some(last))
}

/// What one page does.
#[derive(Default)]
struct Page {
    tally: Tally,
    audit: Vec<justiam_sdk::api::audit::AuditEntry>,
    new: Vec<User>,
    changed: Vec<User>,
    wishes: Vec<Wish>,
    synchronised: Vec<Synchronised>,
}

/// Who is concerned by a page, as the database has them.
struct Known {
    users: HashMap<UserId, User>,
    /// Who has an address.
    owners: HashMap<String, UserId>,
    links: HashMap<UserId, Vec<Link>>,
}

impl Known {
    /// Reads and locks the users of objects, and those who have their addresses.
    async fn read(tx: &mut Tx, objects: &[Object], emails: &[&str]) -> Done<Self> {
        let mut owners: HashMap<String, UserId> =
            users::batch::with_emails(tx, emails.iter().copied()).await?.into_iter().collect();
        let ids: BTreeSet<UserId> =
            objects.iter().filter_map(|object| object.user).chain(owners.values().copied()).collect();
        let ids: Vec<UserId> = ids.into_iter().collect();
        let users: HashMap<UserId, User> =
            users::batch::lock(tx, &ids).await?.into_iter().map(|user| (user.id, user)).collect();
        // Somebody may have changed an address before the lock.
        owners.retain(|address, owner| users.get(owner).is_some_and(|user| folded(&user.email) == *address));
        let mut links: HashMap<UserId, Vec<Link>> = HashMap::new();
        for link in connector_objects::links(tx, &ids).await? {
            links.entry(link.user).or_default().push(link);
        }
        Ok(Self { users, owners, links })
    }

    /// Other objects of a user that are there, of any inbound connected system.
    fn others<'a>(&'a self, user: UserId, system: i64, object: &'a str) -> impl Iterator<Item = &'a Link> {
        let links = self.links.get(&user).map(Vec::as_slice).unwrap_or_default();
        links.iter().filter(move |link| !link.is_gone && (link.system, link.external_id.as_str()) != (system, object))
    }

    /// The groups that other objects give to a user.
    fn given_by_others(&self, user: UserId, system: i64, object: &str) -> BTreeSet<justiam_sdk::api::ids::GroupId> {
        self.others(user, system, object).flat_map(|link| link.given_groups.iter().copied()).collect()
    }

    /// The groups that any object has given to a user, also those that are gone.
    fn given_by_any(&self, user: UserId) -> BTreeSet<justiam_sdk::api::ids::GroupId> {
        let links = self.links.get(&user).map(Vec::as_slice).unwrap_or_default();
        links.iter().flat_map(|link| link.given_groups.iter().copied()).collect()
    }
}

impl Page {
    async fn bring_in(&mut self, work: &Work<'_>, tx: &mut Tx, objects: &[Object]) -> Done<()> {
        let persons: Vec<Result<Person, String>> = objects.iter().map(|object| person(work, object)).collect();
        let emails: Vec<&str> = persons.iter().flatten().map(|person| person.email.as_str()).collect();
        let known = Known::read(tx, objects, &emails).await?;
        let mut claimed: HashMap<String, &str> = HashMap::new();
        for (object, person) in objects.iter().zip(&persons) {
            let done = match person {
                Ok(person) => self.take(work, &known, &mut claimed, object, person),
                Err(message) => Err(message.clone()),
            };
            if let Err(message) = done {
                self.tally.wrong(&object.external_id, message);
                self.synchronised.push(Synchronised {
                    external_id: object.external_id.clone(),
                    user: object.user,
                    given_groups: object.given_groups.clone(),
                    is_changed: true,
                });
            }
        }
        users::batch::insert(tx, &self.new).await?;
        users::batch::update(tx, &self.changed).await?;
        let given = memberships::change(work, tx, &self.wishes, &mut self.tally, &mut self.audit).await?;
        for (wish, given) in self.wishes.iter().zip(given) {
            self.synchronised.push(Synchronised {
                external_id: wish.external_id.clone(),
                user: Some(wish.user),
                given_groups: given,
                is_changed: false,
            });
        }
        // Most objects of a full synchronisation are as they were.
        let stored: HashMap<&str, &Object> =
            objects.iter().map(|object| (object.external_id.as_str(), object)).collect();
        self.synchronised.retain(|now| stored.get(now.external_id.as_str()).is_none_or(|stored| differs(now, stored)));
        if self.synchronised.is_empty() {
            return Ok(());
        }
        Ok(connector_objects::synchronise(tx, work.system.id, &self.synchronised).await?)
    }

    /// Decides what becomes of the user of one object.
    fn take<'a>(
        &mut self,
        work: &Work<'_>,
        known: &Known,
        claimed: &mut HashMap<String, &'a str>,
        object: &'a Object,
        person: &Person,
    ) -> Result<(), String> {
        let address = folded(&person.email);
        let id = object.external_id.as_str();
        if let Some(other) = claimed.get(&address) {
            return Err(format!("the object `{other}` has the same e-mail address, `{}`", person.email));
        }
        let owner = known.owners.get(&address).copied();
        let linked = object.user.and_then(|user| known.users.get(&user));
        let found = linked.or_else(|| owner.and_then(|owner| known.users.get(&owner)));
        if let Some(user) = found {
            if let Some(owner) = owner.filter(|owner| *owner != user.id) {
                return Err(format!("the e-mail address `{}` belongs to another user, {owner}", person.email));
            }
            let mut others = known.others(user.id, work.system.id, id);
            if let Some(other) = others.find(|link| linked.is_none() && link.system == work.system.id) {
                let other = &other.external_id;
                return Err(format!(
                    "the user with the e-mail address `{}` belongs to the object `{other}`",
                    person.email
                ));
            }
        }
        let is_new = found.is_none();
        let mut user = found
            .cloned()
            .unwrap_or_else(|| User::new(UserId::from_uuid(work.app.new_id()), String::new(), work.app.now()));
        let changes = person.apply(&mut user);
        identity::check_user(&user, FieldErrors::default()).map_err(|error| identity::told(&error))?;
        let event = |action| Event::new(action, "user", user.id.to_string(), &user.email);
        let outcome = match (is_new, linked.is_none(), changes.is_empty()) {
            (true, ..) => "created",
            (_, true, _) => "joined",
            (_, _, true) => "unchanged",
            _ => "updated",
        };
        self.tally.one(outcome);
        if is_new {
            self.audit.push(work.entry(event("user.create")));
            self.new.push(user.clone());
        } else if !changes.is_empty() {
            self.audit.push(work.entry(event("user.update").changes(changes)));
            user.updated_at = work.app.now();
            self.changed.push(user.clone());
        }
        claimed.insert(address, id);
        self.wishes.push(Wish {
            external_id: id.to_owned(),
            user: user.id,
            names: person.groups.clone(),
            given: object.given_groups.clone(),
            given_by_others: known.given_by_others(user.id, work.system.id, id),
            given_by_any: known.given_by_any(user.id),
        });
        Ok(())
    }

    /// Users of objects that are gone lose what these gave them, and the right to sign in if no other object speaks for them.
    async fn let_go(&mut self, work: &Work<'_>, tx: &mut Tx, objects: &[Object]) -> Done<()> {
        let known = Known::read(tx, objects, &[]).await?;
        for object in objects {
            let id = object.external_id.as_str();
            let Some(user) = object.user.and_then(|user| known.users.get(&user)) else {
                self.tally.one("removed");
                continue;
            };
            self.wishes.push(Wish {
                external_id: id.to_owned(),
                user: user.id,
                names: Some(BTreeSet::new()),
                given: object.given_groups.clone(),
                given_by_others: known.given_by_others(user.id, work.system.id, id),
                given_by_any: known.given_by_any(user.id),
            });
            let is_first = !self.changed.iter().any(|changed| changed.id == user.id);
            if user.is_active && is_first && known.others(user.id, work.system.id, id).next().is_none() {
                let event = Event::new("user.update", "user", user.id.to_string(), &user.email);
                let before = user;
                let mut user = before.clone();
                (user.is_active, user.updated_at) = (false, work.app.now());
                self.audit.push(work.entry(event.changes(Changes::between(before, &user))));
                self.changed.push(user);
                self.tally.one("deactivated");
            } else {
                self.tally.one("removed");
            }
        }
        users::batch::update(tx, &self.changed).await?;
        memberships::change(work, tx, &self.wishes, &mut self.tally, &mut self.audit).await?;
        let ids = objects.iter().map(|object| object.external_id.as_str());
        Ok(connector_objects::forget(tx, work.system.id, ids).await?)
    }
}

fn differs(now: &Synchronised, stored: &Object) -> bool {
    (now.user, now.is_changed, &now.given_groups) != (stored.user, stored.is_changed, &stored.given_groups)
}

fn person(work: &Work<'_>, object: &Object) -> Result<Person, String> {
    let texts = object.imported.as_deref().unwrap_or("{}");
    let texts: Texts = serde_json::from_str(texts).map_err(|_| "what was imported cannot be read".to_owned())?;
    Person::read(&work.system.csv, &texts)
}
