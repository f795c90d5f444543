//! Schemas in the form of the wire.

use super::tfplugin6::schema as pb;
use super::tfplugin6::{self, StringKind};
use crate::identity::{IdentityAttribute, IdentitySchema};
use crate::schema::{Attribute, Block, Fields, Kind, Nesting, Presence, Schema};

pub(crate) fn schema(schema: &Schema) -> tfplugin6::Schema {
    let block = block(&schema.fields, &schema.markdown, schema.deprecated.as_ref());
    tfplugin6::Schema { version: schema.version, block: Some(pb::Block { version: schema.version, ..block }) }
}

fn block(fields: &Fields, markdown: &str, deprecated: Option<&String>) -> pb::Block {
    pb::Block {
        version: 0,
        attributes: fields.attributes.iter().map(attribute).collect(),
        block_types: fields.blocks.iter().map(nested_block).collect(),
        description: markdown.to_owned(),
        description_kind: StringKind::Markdown.into(),
        deprecated: deprecated.is_some(),
        deprecation_message: deprecated.cloned().unwrap_or_default(),
    }
}

fn attribute(attribute: &Attribute) -> pb::Attribute {
    // One of the two: Terraform refuses a whole provider whose attribute has both.
    let (ty, nested_type) = match &attribute.kind {
        Kind::Plain(ty) => (ty.to_json(), None),
        Kind::Nested(nesting, fields) => (Vec::new(), Some(object(*nesting, fields))),
    };
    pb::Attribute {
        name: attribute.name.clone(),
        r#type: ty,
        nested_type,
        description: attribute.markdown.clone(),
        required: attribute.presence == Some(Presence::Required),
        optional: matches!(attribute.presence, Some(Presence::Optional | Presence::OptionalComputed)),
        computed: attribute.is_computed(),
        sensitive: attribute.sensitive,
        description_kind: StringKind::Markdown.into(),
        deprecated: attribute.deprecated.is_some(),
        write_only: attribute.write_only,
        deprecation_message: attribute.deprecated.clone().unwrap_or_default(),
    }
}

fn object(nesting: Nesting, fields: &Fields) -> pb::Object {
    use pb::object::NestingMode;
    let nesting = match nesting {
        Nesting::Single => NestingMode::Single,
        Nesting::List => NestingMode::List,
        Nesting::Set => NestingMode::Set,
        Nesting::Map => NestingMode::Map,
    };
    let attributes = fields.attributes.iter().map(attribute).collect();
    pb::Object { attributes, nesting: nesting.into(), ..pb::Object::default() }
}

fn nested_block(nested: &Block) -> pb::NestedBlock {
    use pb::nested_block::NestingMode;
    let nesting = match nested.nesting {
        Nesting::Single => NestingMode::Single,
        Nesting::List => NestingMode::List,
        Nesting::Set => NestingMode::Set,
        Nesting::Map => NestingMode::Map,
    };
    pb::NestedBlock {
        type_name: nested.name.clone(),
        block: Some(block(&nested.fields, &nested.markdown, nested.deprecated.as_ref())),
        nesting: nesting.into(),
        min_items: nested.min_items,
        max_items: nested.max_items,
    }
}

pub(crate) fn identity_schema(schema: &IdentitySchema) -> tfplugin6::ResourceIdentitySchema {
    let attribute = |attribute: &IdentityAttribute| tfplugin6::resource_identity_schema::IdentityAttribute {
        name: attribute.name.clone(),
        r#type: attribute.ty.to_json(),
        required_for_import: attribute.required,
        optional_for_import: !attribute.required,
        description: attribute.description.clone(),
    };
    tfplugin6::ResourceIdentitySchema {
        version: schema.version,
        identity_attributes: schema.attributes.iter().map(attribute).collect(),
    }
}
