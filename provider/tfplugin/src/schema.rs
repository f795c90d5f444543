//! What a resource or a provider configuration looks like: names, types, and what holds for them.
//!
//! A schema is built once, when the process starts. It says nothing about the wire; `wire` translates it.

mod attribute;
mod block;
mod check;
mod counterpart;
mod fields;
mod relation;
pub mod same;
mod verify;
mod walk;

pub use attribute::Attribute;
pub use block::Block;
pub use check::{Check, Message};
pub use relation::Relation;

pub(crate) use attribute::{Kind, OnUpdate, Presence, bare};
pub(crate) use fields::{Fields, Nesting};
pub(crate) use verify::{Role, is_identifier};
pub(crate) use walk::{Pair, Place, objects, walk};

use crate::value::Type;

/// The schema of a resource or of a provider's configuration.
///
/// ```
/// use tfplugin::{Attribute, Check, Schema};
///
/// let schema = Schema::new()
///     .markdown("A job that runs on a schedule.")
///     .attributes([
///         Attribute::string("id").computed(),
///         Attribute::string("name").required().check(Check::length(1..=100)),
///         Attribute::bool("enabled").default(true),
///     ]);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Schema {
    pub(crate) version: i64,
    pub(crate) fields: Fields,
    pub(crate) markdown: String,
    pub(crate) deprecated: Option<String>,
}

impl Schema {
    /// A schema without attributes.
    pub fn new() -> Self {
        Self::default()
    }

    /// The version of stored states. Raise it when the old form can no longer be read, and write an
    /// [`upgrade`](crate::Resource::upgrade).
    #[must_use]
    pub fn version(mut self, version: i64) -> Self {
        self.version = version;
        self
    }

    /// What it is, for documentation and editors.
    #[must_use]
    pub fn markdown(mut self, text: impl Into<String>) -> Self {
        self.markdown = text.into();
        self
    }

    /// Warns whoever uses it.
    #[must_use]
    pub fn deprecated(mut self, message: impl Into<String>) -> Self {
        self.deprecated = Some(message.into());
        self
    }

    /// Adds an attribute.
    #[must_use]
    pub fn attribute(mut self, attribute: Attribute) -> Self {
        self.fields.attributes.push(attribute);
        self
    }

    /// Adds attributes.
    #[must_use]
    pub fn attributes(mut self, attributes: impl IntoIterator<Item = Attribute>) -> Self {
        self.fields.attributes.extend(attributes);
        self
    }

    /// Adds a block.
    #[must_use]
    pub fn block(mut self, block: Block) -> Self {
        self.fields.blocks.push(block);
        self
    }

    /// Adds what holds between attributes and blocks.
    #[must_use]
    pub fn relation(mut self, relation: Relation) -> Self {
        self.fields.relations.push(relation);
        self
    }

    /// The type of the values that the schema describes.
    pub fn ty(&self) -> Type {
        self.fields.ty()
    }

    /// Mistakes of the author in a schema that is for `role`, which Terraform would report as a broken provider, or not
    /// at all. `model` are the fields of the struct that goes with the schema.
    pub(crate) fn mistakes(&self, role: Role, model: &[&str]) -> Vec<String> {
        verify::mistakes(&self.fields, model, role)
    }
}

#[cfg(test)]
mod tests;
