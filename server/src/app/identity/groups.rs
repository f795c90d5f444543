//! Groups of users.

mod members;

use justiam_sdk::api::groups::{Group, GroupQuery, MAX_DESCRIPTION, MAX_NAME};
use justiam_sdk::api::ids::GroupId;
use justiam_sdk::api::page::{DEFAULT_LIMIT, Page};

use super::super::audit::{Changes, Event};
use super::super::caller::{Caller, Permission};
use super::super::fields::{Field, Fields, Object};
use super::super::tasks::{offset, page_of};
use super::super::{App, Error, FieldErrors, IdempotencyKey, Result};
use super::actor::Actor;
use super::{PAGE, bodies, rules};
use crate::store::Tx;
use crate::store::identity::groups::{self, Filter};

const KIND: &str = "a group";

impl App {
    /// Creates a group without members.
    pub async fn create_group(&self, caller: &Caller, body: Object, key: Option<&IdempotencyKey>) -> Result<Group> {
        caller.require(Permission::GroupsManage)?;
        let mut group = Group::new(GroupId::from_uuid(self.new_id()), String::new(), self.now());
        overlay(body, &mut group)?;
        let mut tx = self.db.write().await?;
        if let Some(answer) = self.earlier_answer(&mut tx, caller, key).await? {
            tx.commit().await?;
            return Ok(answer);
        }
        self.store_group(&mut tx, &Actor::Caller(caller), &group).await?;
        self.keep_answer(&mut tx, caller, key, &group).await?;
        tx.commit().await?;
        Ok(group)
    }

    /// Creates a group for a script.
    pub async fn add_group(&self, actor: &Actor<'_>, name: &str, description: &str) -> Result<Group> {
        actor.require(Permission::GroupsManage)?;
        let mut group = Group::new(GroupId::from_uuid(self.new_id()), name.to_owned(), self.now());
        description.clone_into(&mut group.description);
        check(&group, FieldErrors::default())?;
        let mut tx = self.db.write().await?;
        self.store_group(&mut tx, actor, &group).await?;
        tx.commit().await?;
        Ok(group)
    }

    /// Reads a group.
    pub async fn group(&self, caller: &Caller, id: GroupId) -> Result<Group> {
        caller.require(Permission::GroupsView)?;
        let mut tx = self.db.read().await?;
        groups::get(&mut tx, id).await?.ok_or_else(|| Error::no_group(&id))
    }

    /// The group with exactly this name.
    pub async fn group_by_name(&self, actor: &Actor<'_>, name: &str) -> Result<Group> {
        actor.require(Permission::GroupsView)?;
        let mut tx = self.db.look().await?;
        groups::by_name(&mut tx, name).await?.ok_or_else(|| Error::no_group(name))
    }

    /// Lists groups, ordered by name.
    pub async fn list_groups(&self, caller: &Caller, query: &GroupQuery) -> Result<Page<Group>> {
        caller.require(Permission::GroupsView)?;
        let mut errors = FieldErrors::default();
        let (page, limit) = page_of(query.page, query.limit, DEFAULT_LIMIT, &mut errors);
        errors.check()?;
        let filter = Filter { name: query.name.clone(), search: query.search.clone(), user: None };
        let mut tx = self.db.read().await?;
        let (data, total) = groups::list(&mut tx, &filter, offset(page, limit), i64::from(limit)).await?;
        Ok(Page { data, total, page, limit })
    }

    /// Groups ordered by name: the first ones, or those behind a name. Up to [`PAGE`] of them.
    pub async fn groups_after(&self, actor: &Actor<'_>, name: Option<&str>) -> Result<Vec<Group>> {
        actor.require(Permission::GroupsView)?;
        let mut tx = self.db.read().await?;
        Ok(groups::after(&mut tx, None, name.unwrap_or_default(), PAGE).await?)
    }

    /// Replaces a group's name and description; members stay.
    pub async fn replace_group(&self, caller: &Caller, id: GroupId, body: Object) -> Result<Group> {
        self.change_group(caller, id, |stored| {
            let mut group = Group::new(id, String::new(), stored.created_at);
            group.updated_at = stored.updated_at;
            overlay(body, &mut group)?;
            Ok(group)
        })
        .await
    }

    /// Changes a part of a group.
    pub async fn patch_group(&self, caller: &Caller, id: GroupId, body: Object) -> Result<Group> {
        self.change_group(caller, id, |stored| {
            let mut group = stored.clone();
            overlay(body, &mut group)?;
            Ok(group)
        })
        .await
    }

    /// Deletes a group. Its members stay users.
    pub async fn delete_group(&self, caller: &Caller, id: GroupId) -> Result<()> {
        caller.require(Permission::GroupsManage)?;
        let mut tx = self.db.write().await?;
        let group = groups::lock(&mut tx, id).await?.ok_or_else(|| Error::no_group(&id))?;
        groups::delete(&mut tx, id).await?;
        self.note(&mut tx, caller, event("group.delete", &group)).await?;
        Ok(tx.commit().await?)
    }

    /// Stores a new group whose texts have been checked.
    async fn store_group(&self, tx: &mut Tx, actor: &Actor<'_>, group: &Group) -> Result<()> {
        if !groups::insert(tx, group).await? {
            return Err(match groups::by_name(tx, &group.name).await? {
                Some(other) => bodies::taken(KIND, &group.name, other.id),
                None => bodies::just_deleted(KIND, &group.name),
            });
        }
        self.note_by(tx, actor, event("group.create", group)).await
    }

    /// Reads a group, asks what it shall become, and stores that, in one transaction.
    async fn change_group(
        &self,
        caller: &Caller,
        id: GroupId,
        change: impl FnOnce(&Group) -> Result<Group>,
    ) -> Result<Group> {
        caller.require(Permission::GroupsManage)?;
        let mut tx = self.db.write().await?;
        let stored = groups::lock(&mut tx, id).await?.ok_or_else(|| Error::no_group(&id))?;
        let mut group = change(&stored)?;
        // A request that changes nothing leaves no trace.
        if group == stored {
            return Ok(stored);
        }
        if let Some(other) = groups::by_name(&mut tx, &group.name).await?
            && other.id != id
        {
            return Err(bodies::taken(KIND, &group.name, other.id));
        }
        group.updated_at = self.now();
        let updated = groups::update(&mut tx, &group).await;
        updated.map_err(|error| bodies::taken_meanwhile(error, KIND, &group.name))?;
        let changes = Changes::between(&stored, &group);
        self.note(&mut tx, caller, event("group.update", &group).changes(changes)).await?;
        tx.commit().await?;
        Ok(group)
    }
}

fn event(action: &'static str, group: &Group) -> Event {
    Event::new(action, "group", group.id.to_string(), &group.name)
}

/// Puts the fields of a body over those of a group, and checks the outcome.
fn overlay(body: Object, group: &mut Group) -> Result<()> {
    let mut fields = Fields::new(body);
    fields.ignore(&bodies::READ_ONLY);
    match fields.text("name") {
        Field::Absent => {}
        Field::Null => fields.errors.add("name", "has no default, so it cannot be null"),
        Field::Value(name) => group.name = name,
    }
    fields.text("description").put(&mut group.description, String::new);
    check(group, fields.finish())
}

/// Checks the texts of a group, beside what is known to be wrong.
fn check(group: &Group, mut errors: FieldErrors) -> Result<()> {
    if !errors.has("name") {
        if group.name.is_empty() {
            errors.add("name", "is required");
        } else if let Some(defect) = rules::line_defect(&group.name, MAX_NAME) {
            errors.add("name", defect);
        }
    }
    let length = group.description.chars().count();
    if length > MAX_DESCRIPTION {
        errors.add("description", format!("has {length} characters; {MAX_DESCRIPTION} are allowed"));
    }
    if group.description.contains('\0') && !errors.has("description") {
        errors.add("description", "must not contain a NUL character");
    }
    errors.check()
}
