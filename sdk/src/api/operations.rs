//! Every operation of the contract, in one table: what it takes, who may ask for it, and what it answers.
//!
//! The server's router, its OpenAPI document, the tables of the documentation and the tests of permissions are all held against
//! [`OPERATIONS`]. Nothing of it is part of a program that does not ask for it.

mod access;
mod connected_systems;
mod identity;
mod parts;
mod schedules;
mod server;
mod tasks;

use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::permissions::Permission;
use parts::Bodies;

pub use super::schema::OPEN_ENUM;

/// All operations, in the order of the documentation.
pub static OPERATIONS: [Operation; COUNT] = concat();

const PARTS: [&[Operation]; 6] = [
    tasks::OPERATIONS,
    identity::OPERATIONS,
    schedules::OPERATIONS,
    connected_systems::OPERATIONS,
    access::OPERATIONS,
    server::OPERATIONS,
];

const COUNT: usize = {
    let (mut count, mut part) = (0, 0);
    while part < PARTS.len() {
        count += PARTS[part].len();
        part += 1;
    }
    count
};

#[expect(clippy::large_stack_arrays, reason = "the compiler runs this, and no program has it on its stack")]
const fn concat() -> [Operation; COUNT] {
    let mut all = [PARTS[0][0]; COUNT];
    let (mut next, mut part) = (0, 0);
    while part < PARTS.len() {
        let mut index = 0;
        while index < PARTS[part].len() {
            all[next] = PARTS[part][index];
            next += 1;
            index += 1;
        }
        part += 1;
    }
    all
}

/// What a request does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Method {
    /// Reads.
    Get,
    /// Creates, or makes something happen.
    Post,
    /// Replaces.
    Put,
    /// Changes a part.
    Patch,
    /// Deletes.
    Delete,
}

impl Method {
    /// The word of HTTP.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// Who may ask for an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Access {
    /// Everybody, also without a token.
    Open,
    /// Whoever has a token.
    AnyToken,
    /// Whoever has all of these.
    All(&'static [Permission]),
    /// Whoever has one of these.
    Any(&'static [Permission]),
}

/// A type of the contract, by what describes it.
#[derive(Clone, Copy)]
pub struct Type(fn(&mut SchemaGenerator) -> Schema);

impl Type {
    /// The type `T`.
    pub const fn of<T: JsonSchema>() -> Self {
        Self(SchemaGenerator::subschema_for::<T>)
    }

    /// The schema of the type, by a reference where it has a name.
    pub fn schema(self, generator: &mut SchemaGenerator) -> Schema {
        (self.0)(generator)
    }
}

/// The query of an operation.
#[derive(Clone, Copy)]
pub struct Query {
    /// An object with the parameters as its properties.
    pub parameters: Type,
    /// Whether the names of parameters are read in any letter case, and unknown ones ignored.
    pub is_loose: bool,
}

/// What the body of a request is.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum Body {
    /// There is none, and nobody looks for one.
    None,
    /// It is read and ignored.
    Ignored,
    /// A JSON object.
    Json(Type),
}

/// A successful answer.
#[derive(Clone, Copy)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// When it is given, where there are several.
    pub when: &'static str,
    /// What its body is, by media type.
    pub bodies: &'static [(&'static str, Type)],
    /// Of a created thing: the path pattern at which it is found, as `Location` tells.
    pub location: Option<&'static str>,
    /// Whether `ETag` tells the revision.
    pub has_etag: bool,
}

/// One operation.
#[derive(Clone, Copy)]
pub struct Operation {
    /// Its name, unique among all.
    pub id: &'static str,
    /// What it does, as HTTP sees it.
    pub method: Method,
    /// Where: one of [`super::paths::routes`].
    pub path: &'static str,
    /// To which part of the contract it belongs.
    pub tag: &'static str,
    /// What it does, in words that begin a line of a table.
    pub summary: &'static str,
    /// Who may ask for it.
    pub access: Access,
    /// What else a caller needs, where the body has a property.
    pub also_needs: Option<(&'static str, Permission)>,
    /// The parameters that it takes.
    pub query: Option<Query>,
    /// The body that it takes.
    pub body: Body,
    /// The text of a body that it takes.
    pub example: Option<&'static str>,
    /// What it answers when it succeeds.
    pub answers: &'static [Answer],
    /// Statuses of failure that do not follow from the rest, and when they are given.
    pub failures: &'static [(u16, &'static str)],
    /// Whether it honours `Idempotency-Key`.
    pub is_repeatable: bool,
    /// Whether it honours `If-Match`.
    pub if_match: bool,
    /// What else a reader should know.
    pub notes: &'static str,
}

impl Operation {
    const fn new(method: Method, id: &'static str, path: &'static str, summary: &'static str) -> Self {
        Self {
            id,
            method,
            path,
            tag: "",
            summary,
            access: Access::AnyToken,
            also_needs: None,
            query: None,
            body: Body::None,
            example: None,
            answers: &[],
            failures: &[],
            is_repeatable: false,
            if_match: false,
            notes: "",
        }
    }

    const fn get(id: &'static str, path: &'static str, summary: &'static str) -> Self {
        Self::new(Method::Get, id, path, summary)
    }

    const fn post(id: &'static str, path: &'static str, summary: &'static str) -> Self {
        Self::new(Method::Post, id, path, summary)
    }

    const fn put(id: &'static str, path: &'static str, summary: &'static str) -> Self {
        Self::new(Method::Put, id, path, summary)
    }

    const fn patch(id: &'static str, path: &'static str, summary: &'static str) -> Self {
        Self::new(Method::Patch, id, path, summary)
    }

    const fn delete(id: &'static str, path: &'static str, summary: &'static str) -> Self {
        const DONE: [Answer; 1] = [Answer::empty(204)];
        Self::new(Method::Delete, id, path, summary).answers(&DONE)
    }

    const fn of(self, tag: &'static str) -> Self {
        Self { tag, ..self }
    }

    const fn open(self) -> Self {
        Self { access: Access::Open, ..self }
    }

    const fn needs(self, permissions: &'static [Permission]) -> Self {
        Self { access: Access::All(permissions), ..self }
    }

    const fn needs_any(self, permissions: &'static [Permission]) -> Self {
        Self { access: Access::Any(permissions), ..self }
    }

    const fn also_needs(self, property: &'static str, permission: Permission) -> Self {
        Self { also_needs: Some((property, permission)), ..self }
    }

    const fn query<T: JsonSchema>(self) -> Self {
        Self { query: Some(Query { parameters: Type::of::<T>(), is_loose: false }), ..self }
    }

    const fn loose_query<T: JsonSchema>(self) -> Self {
        Self { query: Some(Query { parameters: Type::of::<T>(), is_loose: true }), ..self }
    }

    const fn body<T: JsonSchema>(self, example: &'static str) -> Self {
        Self { body: Body::Json(Type::of::<T>()), example: Some(example), ..self }
    }

    const fn ignores_body(self) -> Self {
        Self { body: Body::Ignored, ..self }
    }

    const fn repeatable(self) -> Self {
        Self { is_repeatable: true, ..self }
    }

    const fn if_match(self) -> Self {
        Self { if_match: true, ..self }
    }

    const fn answers(self, answers: &'static [Answer]) -> Self {
        Self { answers, ..self }
    }

    const fn fails(self, failures: &'static [(u16, &'static str)]) -> Self {
        Self { failures, ..self }
    }

    const fn notes(self, notes: &'static str) -> Self {
        Self { notes, ..self }
    }

    /// The names of the parameters in its path, in their order.
    pub fn path_parameters(&self) -> impl Iterator<Item = &'static str> {
        self.path.split('{').skip(1).filter_map(|part| part.split_once('}')).map(|(name, _)| name)
    }

    /// Whether a token must have a permission for it.
    pub fn needs_permission(&self) -> bool {
        matches!(self.access, Access::All(_) | Access::Any(_))
    }
}

impl Answer {
    const fn new(status: u16, bodies: &'static [(&'static str, Type)]) -> Self {
        Self { status, when: "", bodies, location: None, has_etag: false }
    }

    const fn empty(status: u16) -> Self {
        Self::new(status, &[])
    }

    const fn json<T: Bodies>(status: u16) -> Self {
        Self::new(status, T::JSON)
    }

    const fn created<T: Bodies>(location: &'static str) -> Self {
        Self { location: Some(location), ..Self::json::<T>(201) }
    }

    const fn etag(self) -> Self {
        Self { has_etag: true, ..self }
    }

    const fn when(self, when: &'static str) -> Self {
        Self { when, ..self }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_route_has_an_operation_and_every_operation_a_route() {
        let source = include_str!("paths.rs");
        let routes = source.split("pub mod routes {").nth(1).unwrap().split("\n}\n").next().unwrap();
        let routes: BTreeSet<&str> = routes.split('"').skip(1).step_by(2).collect();
        let paths: BTreeSet<&str> = OPERATIONS.iter().map(|operation| operation.path).collect();
        assert_eq!(routes, paths);
    }

    #[test]
    fn no_two_operations_have_the_same_name_or_the_same_place() {
        let names: BTreeSet<_> = OPERATIONS.iter().map(|operation| operation.id).collect();
        let places: BTreeSet<_> = OPERATIONS.iter().map(|operation| (operation.path, operation.method)).collect();
        assert_eq!((names.len(), places.len()), (OPERATIONS.len(), OPERATIONS.len()));
    }

    #[test]
    fn every_operation_says_what_it_takes_and_answers() {
        for operation in &OPERATIONS {
            let id = operation.id;
            assert!(
                !operation.tag.is_empty() && !operation.summary.is_empty() && !operation.answers.is_empty(),
                "{id}"
            );
            assert_eq!(matches!(operation.body, Body::Json(_)), operation.example.is_some(), "{id}");
            if let Some(example) = operation.example {
                assert!(serde_json::from_str::<serde_json::Value>(example).unwrap().is_object(), "{id}");
            }
            let needed: &[Permission] = match operation.access {
                Access::All(needed) | Access::Any(needed) => needed,
                Access::Open | Access::AnyToken => continue,
            };
            assert!(!needed.is_empty(), "{id}");
        }
    }
}
