//! Blocks: `name { … }` in a configuration.

use super::{Attribute, Fields, Nesting, Relation};

/// A nested block. New schemas are better off with nested attributes; blocks are for compatibility.
#[derive(Clone, Debug)]
pub struct Block {
    pub(crate) name: String,
    pub(crate) nesting: Nesting,
    pub(crate) fields: Fields,
    pub(crate) min_items: i64,
    pub(crate) max_items: i64,
    pub(crate) markdown: String,
    pub(crate) deprecated: Option<String>,
}

impl Block {
    /// At most one block.
    pub fn single(name: impl Into<String>, attributes: impl IntoIterator<Item = Attribute>) -> Self {
        Self::new(name.into(), Nesting::Single, attributes)
    }

    /// Any number of blocks, in order.
    pub fn list(name: impl Into<String>, attributes: impl IntoIterator<Item = Attribute>) -> Self {
        Self::new(name.into(), Nesting::List, attributes)
    }

    /// Any number of blocks, without order.
    pub fn set(name: impl Into<String>, attributes: impl IntoIterator<Item = Attribute>) -> Self {
        Self::new(name.into(), Nesting::Set, attributes)
    }

    /// Any number of blocks, each with a label.
    pub fn map(name: impl Into<String>, attributes: impl IntoIterator<Item = Attribute>) -> Self {
        Self::new(name.into(), Nesting::Map, attributes)
    }

    fn new(name: String, nesting: Nesting, attributes: impl IntoIterator<Item = Attribute>) -> Self {
        Self {
            name,
            nesting,
            fields: Fields::of(attributes),
            min_items: 0,
            max_items: 0,
            markdown: String::new(),
            deprecated: None,
        }
    }

    /// Adds a block within this one.
    #[must_use]
    pub fn block(mut self, block: Self) -> Self {
        self.fields.blocks.push(block);
        self
    }

    /// Adds what holds between the attributes and blocks of this one.
    #[must_use]
    pub fn relation(mut self, relation: Relation) -> Self {
        self.fields.relations.push(relation);
        self
    }

    /// How many blocks there may be; a `most` of zero sets no limit. A single block is optional with `(0, 0)`, as it
    /// is without this, and required with `(1, 1)`; a map of blocks has no limits. Terraform checks it.
    #[must_use]
    pub fn items(mut self, least: i64, most: i64) -> Self {
        (self.min_items, self.max_items) = (least, most);
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
}
