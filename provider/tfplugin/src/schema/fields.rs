//! The attributes and blocks of one object.

use std::collections::BTreeMap;

use super::{Attribute, Block, Kind, Relation};
use crate::value::{Type, Value};

/// How the objects of a nested attribute or block are arranged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nesting {
    Single,
    List,
    Set,
    Map,
}

impl Nesting {
    fn of(self, object: Type) -> Type {
        match self {
            Self::Single => object,
            Self::List => Type::list(object),
            Self::Set => Type::set(object),
            Self::Map => Type::map(object),
        }
    }
}

/// The attributes and blocks of one object, in the author's order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) blocks: Vec<Block>,
    /// What holds between them.
    pub(crate) relations: Vec<Relation>,
}

impl Fields {
    /// An object with these attributes.
    pub(crate) fn of(attributes: impl IntoIterator<Item = Attribute>) -> Self {
        Self { attributes: attributes.into_iter().collect(), ..Self::default() }
    }

    /// The names of the attributes and blocks.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let attributes = self.attributes.iter().map(|attribute| attribute.name.as_str());
        attributes.chain(self.blocks.iter().map(|block| block.name.as_str()))
    }

    /// The nested attributes and blocks: name, arrangement, and what is in them.
    pub(crate) fn nested(&self) -> impl Iterator<Item = (&str, Nesting, &Self)> {
        let attributes = self.attributes.iter().filter_map(|attribute| match &attribute.kind {
            Kind::Nested(nesting, inner) => Some((attribute.name.as_str(), *nesting, inner)),
            Kind::Plain(_) => None,
        });
        let blocks = self.blocks.iter().map(|block| (block.name.as_str(), block.nesting, &block.fields));
        attributes.chain(blocks)
    }

    /// The type of the object.
    pub(crate) fn ty(&self) -> Type {
        let attributes = self.attributes.iter().map(|attribute| (attribute.name.clone(), attribute.ty()));
        let blocks = self.blocks.iter().map(|block| (block.name.clone(), block.nesting.of(block.fields.ty())));
        Type::Object(attributes.chain(blocks).collect())
    }

    /// Blocks are never null: where there is none, there is an empty list.
    pub(crate) fn complete(&self, value: &mut Value) {
        let Value::Object(entries) = value else { return };
        for block in &self.blocks {
            let Some(inner) = entries.get_mut(&block.name) else { continue };
            match (block.nesting, &mut *inner) {
                (Nesting::List, Value::Null) => *inner = Value::List(Vec::new()),
                (Nesting::Set, Value::Null) => *inner = Value::Set(std::iter::empty().collect()),
                (Nesting::Map, Value::Null) => *inner = Value::Map(BTreeMap::new()),
                (Nesting::Single, object) => block.fields.complete(object),
                (Nesting::List, Value::List(items)) => items.iter_mut().for_each(|item| block.fields.complete(item)),
                (Nesting::Map, Value::Map(items)) => items.values_mut().for_each(|item| block.fields.complete(item)),
                (Nesting::Set, Value::Set(items)) => {
                    let complete = |mut item| {
                        block.fields.complete(&mut item);
                        item
                    };
                    *items = std::mem::take(items).into_iter().map(complete).collect();
                }
                _ => {}
            }
        }
    }
}

impl Attribute {
    /// The type of the attribute's value.
    pub(crate) fn ty(&self) -> Type {
        match &self.kind {
            Kind::Plain(ty) => ty.clone(),
            Kind::Nested(nesting, fields) => nesting.of(fields.ty()),
        }
    }
}
