//! The attributes and blocks of one object, as the wire says them.

use std::collections::BTreeMap;

use tfplugin::{Type, Value};

use crate::wire::tfplugin6::schema as pb;

/// How the objects of a nested attribute or block are arranged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nesting {
    /// One object, or null.
    Single,
    /// One object, never null.
    Group,
    /// Objects in order.
    List,
    /// Objects without order.
    Set,
    /// Objects under names.
    Map,
}

/// The attributes and blocks of one object.
#[derive(Clone, Debug, Default)]
pub struct Object {
    /// The attributes by name.
    pub attributes: BTreeMap<String, Attribute>,
    /// The blocks by name. An object of a nested attribute has none.
    pub blocks: BTreeMap<String, Block>,
}

/// One attribute.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "they are what the wire has, and mean what they mean there")]
pub struct Attribute {
    /// What its value is made of.
    pub kind: Kind,
    /// The configuration must set it.
    pub required: bool,
    /// The configuration may set it.
    pub optional: bool,
    /// The provider may set it where the configuration does not.
    pub computed: bool,
    /// It is hidden on the screen.
    pub sensitive: bool,
    /// It is in the configuration only.
    pub write_only: bool,
}

/// What an attribute's value is made of.
#[derive(Clone, Debug)]
pub enum Kind {
    /// A value of a type.
    Plain(Type),
    /// Objects whose attributes have rules of their own.
    Nested(Nesting, Object),
}

/// One kind of block.
#[derive(Clone, Debug)]
pub struct Block {
    /// How the blocks are arranged.
    pub nesting: Nesting,
    /// What is in each.
    pub object: Object,
}

impl Nesting {
    fn of(self, object: Type) -> Type {
        match self {
            Self::Single | Self::Group => object,
            Self::List => Type::list(object),
            Self::Set => Type::set(object),
            Self::Map => Type::map(object),
        }
    }
}

impl Attribute {
    /// The type of its value.
    pub fn ty(&self) -> Type {
        match &self.kind {
            Kind::Plain(ty) => ty.clone(),
            Kind::Nested(nesting, object) => nesting.of(object.ty()),
        }
    }
}

impl Object {
    /// The type of the object.
    pub fn ty(&self) -> Type {
        let attributes = self.attributes.iter().map(|(name, attribute)| (name.clone(), attribute.ty()));
        let blocks = self.blocks.iter().map(|(name, block)| (name.clone(), block.nesting.of(block.object.ty())));
        Type::Object(attributes.chain(blocks).collect())
    }

    /// Puts empty lists, sets and maps where blocks are null, as a configuration without these blocks has them.
    pub(crate) fn complete(&self, value: &mut Value) {
        let Value::Object(entries) = value else { return };
        for (name, block) in &self.blocks {
            let Some(value) = entries.get_mut(name) else { continue };
            match (block.nesting, &mut *value) {
                (Nesting::List, Value::Null) => *value = Value::List(Vec::new()),
                (Nesting::Set, Value::Null) => *value = Value::Set([].into_iter().collect()),
                (Nesting::Map, Value::Null) => *value = Value::Map(BTreeMap::new()),
                (Nesting::Group, Value::Null) => *value = block.object.empty(),
                (Nesting::Single | Nesting::Group, object) => block.object.complete(object),
                (_, Value::List(items)) => items.iter_mut().for_each(|item| block.object.complete(item)),
                (_, Value::Map(items)) => items.values_mut().for_each(|item| block.object.complete(item)),
                (_, Value::Set(items)) => {
                    let completed = |mut item| {
                        block.object.complete(&mut item);
                        item
                    };
                    *items = std::mem::take(items).into_iter().map(completed).collect();
                }
                _ => {}
            }
        }
    }

    /// What an empty block means.
    fn empty(&self) -> Value {
        let names = self.attributes.keys().chain(self.blocks.keys());
        let mut value = Value::Object(names.map(|name| (name.clone(), Value::Null)).collect());
        self.complete(&mut value);
        value
    }

    /// Reads a block, and notes each thing for which Terraform would refuse the whole provider.
    pub(super) fn read(block: &pb::Block, parent: &str, mistakes: &mut Vec<String>) -> Self {
        let attributes = read_attributes(&block.attributes, parent, mistakes);
        let mut blocks = BTreeMap::new();
        for nested in &block.block_types {
            let name = format!("{parent}{}", nested.type_name);
            let content = nested.block.clone().unwrap_or_default();
            let object = Self::read(&content, &format!("{name}."), mistakes);
            let nesting = block_nesting(nested, &name, mistakes);
            // Terraform refuses it in sets only. Lists and maps of such blocks travel as one value of open type, which
            // neither side here can write.
            if nesting != Nesting::Single && nesting != Nesting::Group && has_dynamic(&object.ty()) {
                mistakes.push(format!("`{name}`: repeated blocks must not hold a value of open type"));
            }
            if nesting == Nesting::Set && object.has_write_only() {
                mistakes.push(format!("`{name}`: a set must not hold a write-only attribute"));
            }
            let taken = attributes.contains_key(&nested.type_name);
            if taken || blocks.insert(nested.type_name.clone(), Block { nesting, object }).is_some() {
                mistakes.push(format!("`{name}` occurs twice"));
            }
            check_name(&nested.type_name, &name, mistakes);
        }
        Self { attributes, blocks }
    }

    fn has_write_only(&self) -> bool {
        let of_attribute = |attribute: &Attribute| {
            attribute.write_only || matches!(&attribute.kind, Kind::Nested(_, object) if object.has_write_only())
        };
        self.attributes.values().any(of_attribute) || self.blocks.values().any(|block| block.object.has_write_only())
    }
}

fn read_attributes(
    attributes: &[pb::Attribute],
    parent: &str,
    mistakes: &mut Vec<String>,
) -> BTreeMap<String, Attribute> {
    let mut read = BTreeMap::new();
    for attribute in attributes {
        let name = format!("{parent}{}", attribute.name);
        check_name(&attribute.name, &name, mistakes);
        let mut mistake = |of: bool, text: &str| {
            if of {
                mistakes.push(format!("`{name}` {text}"));
            }
        };
        let pb::Attribute { required, optional, computed, sensitive, write_only, .. } = *attribute;
        mistake(!required && !optional && !computed, "is neither required nor optional nor computed");
        mistake(required && optional, "is both required and optional");
        mistake(required && computed, "is both required and computed");
        mistake(write_only && computed, "is both write-only and computed");
        mistake(attribute.r#type.is_empty() && attribute.nested_type.is_none(), "has no type");
        mistake(!attribute.r#type.is_empty() && attribute.nested_type.is_some(), "has a type and a nested type");
        let kind = match &attribute.nested_type {
            Some(nested) => read_nested(nested, &name, mistakes),
            None => Kind::Plain(read_type(&attribute.r#type, &name, mistakes)),
        };
        let attribute_read = Attribute { kind, required, optional, computed, sensitive, write_only };
        if read.insert(attribute.name.clone(), attribute_read).is_some() {
            mistakes.push(format!("`{name}` occurs twice"));
        }
    }
    read
}

fn read_nested(nested: &pb::Object, name: &str, mistakes: &mut Vec<String>) -> Kind {
    let attributes = read_attributes(&nested.attributes, &format!("{name}."), mistakes);
    let object = Object { attributes, blocks: BTreeMap::new() };
    let nesting = match nested.nesting() {
        pb::object::NestingMode::Single => Nesting::Single,
        pb::object::NestingMode::List => Nesting::List,
        pb::object::NestingMode::Map => Nesting::Map,
        pb::object::NestingMode::Set => {
            if has_dynamic(&object.ty()) {
                mistakes.push(format!("`{name}`: a set must not hold a value of open type"));
            }
            if object.has_write_only() {
                mistakes.push(format!("`{name}`: a set must not hold a write-only attribute"));
            }
            Nesting::Set
        }
        pb::object::NestingMode::Invalid => {
            mistakes.push(format!("`{name}` does not say how it is nested"));
            Nesting::Single
        }
    };
    Kind::Nested(nesting, object)
}

fn block_nesting(nested: &pb::NestedBlock, name: &str, mistakes: &mut Vec<String>) -> Nesting {
    let (least, most) = (nested.min_items, nested.max_items);
    let (nesting, fits) = match nested.nesting() {
        pb::nested_block::NestingMode::Single => (Nesting::Single, least == most && most <= 1),
        pb::nested_block::NestingMode::Group => (Nesting::Group, least == 0 && most == 0),
        pb::nested_block::NestingMode::List => (Nesting::List, most == 0 || least <= most),
        pb::nested_block::NestingMode::Set => (Nesting::Set, most == 0 || least <= most),
        pb::nested_block::NestingMode::Map => (Nesting::Map, least == 0 && most == 0),
        pb::nested_block::NestingMode::Invalid => {
            mistakes.push(format!("`{name}` does not say how it is nested"));
            (Nesting::Single, true)
        }
    };
    if !fits || least < 0 || most < 0 {
        mistakes.push(format!("`{name}`: from {least} to {most} blocks makes no sense for its nesting"));
    }
    nesting
}

/// Reads the type of an attribute. One that cannot be read counts as text, beside the mistake.
pub(super) fn read_type(json: &[u8], name: &str, mistakes: &mut Vec<String>) -> Type {
    if json.is_empty() {
        // Said already.
        return Type::String;
    }
    Type::from_json(json).unwrap_or_else(|error| {
        mistakes.push(format!("`{name}` {error}"));
        Type::String
    })
}

fn check_name(name: &str, place: &str, mistakes: &mut Vec<String>) {
    let valid = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if name.is_empty() || !name.bytes().all(valid) {
        mistakes.push(format!("`{place}` must consist of lower-case letters, digits and underscores"));
    }
}

/// Whether the type leaves anything open.
pub(crate) fn has_dynamic(ty: &Type) -> bool {
    match ty {
        Type::Dynamic => true,
        Type::Bool | Type::Number | Type::String => false,
        Type::List(element) | Type::Set(element) | Type::Map(element) => has_dynamic(element),
        Type::Object(attributes) => attributes.values().any(has_dynamic),
        Type::Tuple(elements) => elements.iter().any(has_dynamic),
    }
}
