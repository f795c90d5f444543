//! Finds the mistakes of a schema's author. Terraform would refuse the whole provider with less helpful words, or take
//! the schema and behave in a way that nobody meant.

use std::collections::BTreeSet;

use super::{Attribute, Block, Fields, Kind, Nesting, OnUpdate, Presence, Relation};
use crate::diagnostics::Diagnostics;
use crate::value::{AttributePath, Type};

/// What Terraform takes for itself in the block of a resource or a data source.
const OF_RESOURCES: &[&str] =
    &["_", "connection", "count", "depends_on", "for_each", "lifecycle", "locals", "provider", "provisioner"];

/// What Terraform takes for itself in the block of a provider.
const OF_PROVIDERS: &[&str] =
    &["_", "alias", "count", "depends_on", "for_each", "lifecycle", "locals", "source", "version"];

/// What a schema is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// A managed resource: planned and stored.
    Resource,
    /// A data source or an ephemeral resource: the provider fills it in.
    Lookup,
    /// A provider's configuration, or a module's word to it.
    Provider,
    /// The configuration of an action. It is stored nowhere, so it may have write-only attributes.
    Action,
    /// The configuration of a list.
    Config,
}

/// All mistakes in a schema, whose model has the fields `model`.
pub(super) fn mistakes(fields: &Fields, model: &[&str], role: Role) -> Vec<String> {
    let reserved = match role {
        Role::Resource | Role::Lookup => OF_RESOURCES,
        Role::Provider => OF_PROVIDERS,
        Role::Action | Role::Config => &[],
    };
    let names: BTreeSet<&str> = fields.names().collect();
    let mut search = Search { top: &names, role, found: Vec::new() };
    for name in fields.names().filter(|name| reserved.contains(name)) {
        search.found.push(format!("`{name}` has a name that Terraform reserves for itself"));
    }
    search.object(fields, "", Within::default());
    let mut found = search.found;
    for name in model.iter().filter(|name| !names.contains(*name)) {
        found.push(format!("`{name}` is in the model, but not in the schema"));
    }
    for name in names.iter().filter(|name| !model.contains(name)) {
        found.push(format!("`{name}` is in the schema, but not in the model"));
    }
    found
}

/// What an attribute is part of.
#[derive(Clone, Copy, Default)]
struct Within {
    collection: Collection,
    /// An attribute that is in no state.
    write_only: bool,
    /// An attribute that only the provider sets.
    computed: bool,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Collection {
    #[default]
    None,
    ListOrMap,
    Set,
}

impl Within {
    fn nesting(self, nesting: Nesting) -> Self {
        let collection = match nesting {
            Nesting::Single => Collection::None,
            Nesting::List | Nesting::Map => Collection::ListOrMap,
            Nesting::Set => Collection::Set,
        };
        Self { collection: self.collection.max(collection), ..self }
    }
}

struct Search<'a> {
    /// The names of the outermost attributes and blocks.
    top: &'a BTreeSet<&'a str>,
    role: Role,
    found: Vec<String>,
}

impl Search<'_> {
    fn object(&mut self, fields: &Fields, parent: &str, within: Within) {
        let mut seen = BTreeSet::new();
        for name in fields.names() {
            if !seen.insert(name) {
                self.found.push(format!("`{parent}{name}` occurs twice"));
            }
            if !is_identifier(name) {
                self.found.push(format!("`{parent}{name}` must consist of lower-case letters, digits and underscores"));
            }
        }
        for attribute in &fields.attributes {
            let name = format!("{parent}{}", attribute.name);
            self.attribute(attribute, &name, within);
            if let Kind::Nested(nesting, inner) = &attribute.kind {
                let computed = within.computed || attribute.presence == Some(Presence::Computed);
                let write_only = within.write_only || attribute.write_only;
                self.object(inner, &format!("{name}."), Within { write_only, computed, ..within.nesting(*nesting) });
            }
        }
        for block in &fields.blocks {
            let name = format!("{parent}{}", block.name);
            self.block(block, &name);
            self.object(&block.fields, &format!("{name}."), within.nesting(block.nesting));
        }
        for relation in &fields.relations {
            self.relation(relation, fields, parent);
        }
    }

    fn attribute(&mut self, attribute: &Attribute, name: &str, within: Within) {
        let is_computed = attribute.is_computed();
        let in_set = within.collection == Collection::Set;
        let in_collection = within.collection != Collection::None;
        let mut note = |wrong: bool, problem: &str| {
            if wrong {
                self.found.push(format!("`{name}` {problem}"));
            }
        };
        note(attribute.presence.is_none(), "is neither required nor optional nor computed");
        for mistake in &attribute.mistakes {
            note(true, mistake);
        }
        note(
            attribute.write_only && is_computed,
            "is write-only, so the provider cannot compute it or give it a default",
        );
        note(in_set && attribute.write_only, "is write-only, which is impossible within a set");
        note(
            in_set && is_computed && attribute.default.is_none() && !within.computed,
            "is computed, but elements of a set are not told apart before and after",
        );
        note(
            within.write_only && is_computed,
            "is within a write-only attribute, so the provider cannot compute it or give it a default",
        );
        note(
            within.computed && attribute.write_only,
            "is write-only within a computed attribute, so there is no configuration to read it from",
        );
        note(
            (in_collection && has_dynamic(&attribute.kind)) || has_dynamic_elements(&attribute.kind),
            "is or has a value of dynamic type within a list, set or map, whose elements must be of one type",
        );
        note(
            attribute.presence == Some(Presence::Computed) && !attribute.checks.is_empty(),
            "is only computed, so there is no configuration to check",
        );
        note(
            attribute.on_update != OnUpdate::Keep && (!is_computed || attribute.default.is_some()),
            "changes with updates, but is not computed or has a default",
        );
        note(
            matches!(self.role, Role::Provider | Role::Action | Role::Config) && is_computed,
            "is computed or has a default, but the provider has no say in a configuration",
        );
        note(
            !matches!(self.role, Role::Resource | Role::Action) && attribute.write_only,
            "is write-only, but only the states of resources are stored",
        );
        let write_only = attribute.write_only || within.write_only;
        note(
            write_only && attribute.may_replace(),
            "is write-only and requires replacement, but there is no prior value to tell a change",
        );
        note(write_only && attribute.compares(), "is write-only and compared with its prior value, but there is none");
        self.conditions(attribute, name);
    }

    /// What the author has said about values: the default, checks, and what changes with what.
    fn conditions(&mut self, attribute: &Attribute, name: &str) {
        match attribute.default.clone().map(|value| value.conform(&attribute.ty())) {
            Some(Err(error)) => self.found.push(format!("the default of `{name}` does not fit: {error}")),
            Some(Ok(default)) => {
                let mut problems = Diagnostics::new();
                for check in &attribute.checks {
                    check.run(&default, &AttributePath::of(name), &mut problems);
                }
                for problem in problems {
                    self.found.push(format!("the default of `{name}` does not pass its check: {}", problem.detail));
                }
            }
            None => {}
        }
        for mistake in attribute.checks.iter().flat_map(super::Check::mistakes) {
            self.found.push(format!("`{name}` has a check that cannot work: {mistake}"));
        }
        if !attribute.promise.is_empty() {
            if !attribute.is_computed() {
                self.found.push(format!("`{name}` has a promise about its computed value, and is not computed"));
            } else if attribute.promise.of_type(&attribute.ty()).as_deref() != Some(&attribute.promise) {
                self.found.push(format!("`{name}` has a promise that values of its type cannot keep"));
            }
        }
        if let OnUpdate::With(others) = &attribute.on_update {
            if others.is_empty() {
                self.found.push(format!("`{name}` changes with other attributes, but names none"));
            }
            for other in others.iter().filter(|other| !self.top.contains(other.as_str())) {
                self.found.push(format!("`{name}` changes with `{other}`, which does not exist"));
            }
        }
    }

    fn block(&mut self, block: &Block, name: &str) {
        let (least, most) = (block.min_items, block.max_items);
        let problem = match block.nesting {
            _ if least < 0 || most < 0 => "a negative number of items",
            Nesting::Single if least != most || least > 1 => "limits other than (0, 0) and (1, 1) for a single block",
            Nesting::Map if (least, most) != (0, 0) => "limits, which a map of blocks cannot have",
            Nesting::List | Nesting::Set if most != 0 && least > most => "a lower limit above the upper one",
            _ => return,
        };
        self.found.push(format!("`{name}` has {problem}"));
    }

    fn relation(&mut self, relation: &Relation, fields: &Fields, parent: &str) {
        let names = relation.names();
        let distinct: BTreeSet<&String> = names.iter().collect();
        if names.len() < 2 || distinct.len() < names.len() {
            let place = parent.strip_suffix('.').map_or_else(|| "the schema".to_owned(), |name| format!("`{name}`"));
            self.found.push(format!("{place} has a relation that needs two or more attributes, each once"));
        }
        for name in distinct {
            if !fields.names().any(|other| other == name) {
                self.found.push(format!("`{parent}{name}` is in a relation, but does not exist"));
            }
            let only_computed = |attribute: &Attribute| attribute.presence == Some(Presence::Computed);
            if fields.attributes.iter().any(|attribute| attribute.name == *name && only_computed(attribute)) {
                self.found.push(format!("`{parent}{name}` is in a relation, but no configuration can set it"));
            }
        }
    }
}

fn has_dynamic(kind: &Kind) -> bool {
    matches!(kind, Kind::Plain(ty) if contains_dynamic(ty))
}

/// Whether a list, set or map within the attribute's own type has elements of dynamic type.
fn has_dynamic_elements(kind: &Kind) -> bool {
    fn any(ty: &Type) -> bool {
        match ty {
            Type::List(element) | Type::Set(element) | Type::Map(element) => contains_dynamic(element),
            Type::Object(types) => types.values().any(any),
            Type::Tuple(types) => types.iter().any(any),
            Type::Bool | Type::Number | Type::String | Type::Dynamic => false,
        }
    }
    matches!(kind, Kind::Plain(ty) if any(ty))
}

fn contains_dynamic(ty: &Type) -> bool {
    match ty {
        Type::Dynamic => true,
        Type::List(element) | Type::Set(element) | Type::Map(element) => contains_dynamic(element),
        Type::Object(types) => types.values().any(contains_dynamic),
        Type::Tuple(types) => types.iter().any(contains_dynamic),
        Type::Bool | Type::Number | Type::String => false,
    }
}

pub(crate) fn is_identifier(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|byte| byte.is_ascii_lowercase() || byte == b'_')
        && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}
